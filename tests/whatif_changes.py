"""Each kind of change of a book (docs/WHATIF.md) against the same edit of its files, made here: all lines are equal, and all sums.

The book and the calls are those that gen makes, with tiers, a bundle, assignments of sites and numbers, and a number that moves
from one account to another. What "the same edit" is stands in EDITS, in Python's csv and decimal, not in the engine's words.
"""
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from decimal import ROUND_HALF_UP, Decimal

TOLLMILL = os.environ["TOLLMILL"]
VARIATION_IMAGE = os.environ["VARIATION_IMAGE"]
SPEC = os.path.join(os.environ["TOLL_SOURCE_DIR"], "data", "providers", "tollmill.yaml")
RATES = ["rate", "rate_inter", "rate_intra", "rate_indeterminate"]


def run(arguments, code=0):
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != code:
        sys.exit("%s: exit code %d, not %d\n%s%s" % (" ".join(arguments), done.returncode, code, done.stdout, done.stderr))
    return done.stdout


def read(book, name):
    with open(os.path.join(book, name), newline="") as file:
        rows = list(csv.DictReader(file))
    return rows


def write(book, name, rows):
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with open(os.path.join(book, name), "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def edit(book, name, change, matches=lambda row: True):
    rows = read(book, name)
    if not any(matches(row) for row in rows):
        sys.exit("the test's own edit meets no row of " + name)
    for row in rows:
        if matches(row):
            change(row)
    write(book, name, rows)


def times(value, factor):
    return str((Decimal(value) * Decimal(factor)).quantize(Decimal("0.00000001"), ROUND_HALF_UP)) if value else value


def scaled(factor):
    def change(row):
        for column in RATES:
            if column in row:
                row[column] = times(row[column], factor)
    return change


def put(**cells):
    return lambda row: row.update(cells)


def on_plan(book, plan, accounts):
    """By hand: what is said of the accounts, their sites and their numbers goes."""
    sites = {row["site"] for row in read(book, "sites.csv") if row["account"] in accounts}
    rows = []
    for row in read(book, "assignments.csv"):
        word, _, name = row["subject"].partition(":")
        if (word == "account" and name in accounts) or (word == "site" and name in sites):
            continue
        if row["subject"] == "number:" + MOVED:  # A000002's until 10 March, A000001's since
            if "A000001" in accounts and "A000002" in accounts:
                continue
            if "A000001" in accounts:
                row["to"] = "2026-03-10"
            elif "A000002" in accounts:
                row["from"] = "2026-03-10"
        elif word == "number" and owner(book, name) in accounts:
            continue
        rows.append(row)
    write(book, "assignments.csv", rows + [{"subject": "account:" + account, "plan": plan} for account in accounts])


def owner(book, number):
    for row in read(book, "numbers.csv"):
        first, _, last = row["number"].partition("-")
        if first <= number <= (last or first):
            return row["account"]
    sys.exit("no owner of a number of the test")


def prepare(book):
    """More than gen has: so that every kind of change has something to change."""
    write(book, "decks/us_standard.csv", read(book, "decks/us_standard.csv")[:2000])
    rows = read(book, "numbers.csv")
    global MOVED, ASSIGNED
    first = next(row for row in rows if row["account"] == "A000001" and "-" in row["number"])
    low, _, high = first["number"].partition("-")
    MOVED, ASSIGNED = low, str(int(low) + 1)
    first["number"] = ASSIGNED + "-" + high
    rows += [{"number": MOVED, "account": "A000002", "to": "2026-03-10"}, {"number": MOVED, "account": "A000001", "from": "2026-03-10"}]
    write(book, "numbers.csv", rows)
    site = read(book, "sites.csv")[0]["site"]
    rows = read(book, "assignments.csv")
    for row in rows:
        row.update({"from": "", "to": ""})
    write(book, "assignments.csv", rows + [
        {"subject": "number:" + MOVED, "plan": "simple"}, {"subject": "number:" + ASSIGNED, "plan": "peak"},
        {"subject": "site:" + site, "plan": "peak", "from": "2026-03-02"}])
    rows = read(book, "plan_rules.csv")
    rows.insert(0, {"plan": "simple", "priority": "0", "action": "tiers", "tiers": "in", "service": "voice", "direction": "in"})
    write(book, "plan_rules.csv", rows)
    write(book, "tiers.csv", [{"tiers": "in", "unit": "s", "from_qty": "", "rate": "0.01", "flat": ""},
                              {"tiers": "in", "unit": "s", "from_qty": "600", "rate": "0.005", "flat": ""}])
    write(book, "bundles.csv", [{"bundle": "minutes", "unit": "s", "quantity": "1200", "scope": "account", "priority": ""}])
    write(book, "subscriptions.csv", [{"subject": "account:" + account, "bundle": "minutes"} for account in
                                      [row["account"] for row in read(book, "accounts.csv")][:4]])


def new_sheet(book, sheet, start):
    shutil.copy(sheet, os.path.join(book, "decks", "sheet.csv"))
    path = os.path.join(book, "deck_versions.csv")
    rows = read(book, "deck_versions.csv") if os.path.exists(path) else []
    if start:
        rows += [{"deck": "us_simple", "file": "us_simple", "mode": "full"}]
    write(book, "deck_versions.csv", rows + [{"deck": "us_simple", "file": "sheet", "effective": start, "mode": "full"}])


SHEET, TABLE = "sheet.csv", "other.csv"
EDITS = {
    "deck:us_standard *1.05": lambda b: edit(b, "decks/us_standard.csv", scaled("1.05")),
    "deck:us_standard *0.33333333 ;; deck:us_simple +0.00000001": lambda b: (
        edit(b, "decks/us_standard.csv", scaled("0.33333333")),
        edit(b, "decks/us_simple.csv", lambda row: row.update(rate=str(Decimal(row["rate"]) + Decimal("0.00000001"))))),
    "deck:us_peak -0.001": lambda b: edit(b, "decks/us_peak.csv",
                                          lambda row: row.update(rate=str(Decimal(row["rate"]) - Decimal("0.001")))),
    "deck:az *2": lambda b: (edit(b, "decks/az.csv", scaled("2")), edit(b, "decks/az_change.csv", scaled("2"))),
    "deck:az prefix:44 rate=0.5 connect_fee=0.1": lambda b: (
        edit(b, "decks/az.csv", put(rate="0.5", connect_fee="0.1"), lambda row: row["prefix"] == "44"),
        edit(b, "decks/az_change.csv", put(rate="0.5", connect_fee="0.1"), lambda row: row["prefix"] == "44")),
    "deck:az prefix:44* increment_s=60 initial_s=60": lambda b: [
        edit(b, "decks/" + name, put(increment_s="60", initial_s="60"), lambda row: row["prefix"].startswith("44"))
        for name in ("az.csv", "az_change.csv")],
    "deck:az destination:United Kingdom *1.1": lambda b: [
        edit(b, "decks/" + name, scaled("1.1"), lambda row: row["destination"] == "United Kingdom")
        for name in ("az.csv", "az_change.csv")],
    "deck:us_standard prefix:1 status=blocked": lambda b: edit(b, "decks/us_standard.csv", put(status="blocked"),
                                                               lambda row: row["prefix"] == "1"),
    "deck:us_simple file=%(sheet)s": lambda b: new_sheet(b, SHEET, ""),
    "deck:us_simple file=\"%(sheet)s\" from=2026-03-12": lambda b: new_sheet(b, SHEET, "2026-03-12"),
    "plan:simple accounts:A000001, A000003": lambda b: on_plan(b, "simple", ["A000001", "A000003"]),
    "plan:peak accounts:A000002": lambda b: on_plan(b, "peak", ["A000002"]),
    "plan:standard accounts:*": lambda b: on_plan(b, "standard", [row["account"] for row in read(b, "accounts.csv")]),
    "bundle:minutes quantity=500": lambda b: edit(b, "bundles.csv", put(quantity="500")),
    "bundle:minutes quantity*1.5 at_limit=reject": lambda b: edit(b, "bundles.csv", put(quantity="1800", at_limit="reject")),
    "tiers:in from_qty:600 rate=0.001 flat=1": lambda b: edit(b, "tiers.csv", put(rate="0.001", flat="1"),
                                                              lambda row: row["from_qty"] == "600"),
    "tiers:in rate*2": lambda b: edit(b, "tiers.csv", lambda row: row.update(rate=times(row["rate"], "2"))),
    "book:plan_rules file=%(table)s": lambda b: shutil.copy(TABLE, os.path.join(b, "plan_rules.csv")),
}


def rate(book, dataset, run_path):
    found = json.loads(run([TOLLMILL, "rate", "--book", book, "--cdrs", dataset, "-o", run_path, "--json", "--progress", "off"]))
    lines = run([TOLLMILL, "export", run_path, "--format", "csv", "--progress", "off"])
    return {key: found[key] for key in ("rows", "rated", "suspense_rows", "billed_s", "charge", "period_charge")}, lines


def by_account(lines):
    sums = {}
    for row in csv.DictReader(io.StringIO(lines)):
        sums[row["account"]] = sums.get(row["account"], Decimal(0)) + Decimal(row["charge"] or 0)
    return sums


def one_pass(base, dataset, before, runs):
    """whatif with all of the changes at once says of each what rate says, whether books are made in memory or compiled whole."""
    command = [TOLLMILL, "whatif", "--cdrs", dataset, base, "--json", "--progress", "off"]
    for change, _ in runs:
        command += ["--set", change]
    in_memory, compiled = json.loads(run(command)), json.loads(run(command + ["--compile"]))
    if in_memory != compiled:
        sys.exit("books made in memory have another report than compiled ones")
    if len({book["book_hash"] for book in in_memory["books"]}) != len(runs) + 1 or any(
            len(book["book_hash"]) != 32 for book in in_memory["books"]):
        sys.exit("books are not told apart by their hashes")
    for at, (change, (sums, lines)) in enumerate([("base", before)] + runs):
        totals = in_memory["totals"][0]["books"][at]
        found = [totals["rows"], totals["rated"], totals["suspense"], totals["billed_s"],
                 Decimal(totals["charge"]) + Decimal(totals["periods"]), Decimal(totals["periods"])]
        wanted = [sums["rows"], sums["rated"], sums["suspense_rows"], sums["billed_s"], Decimal(sums["charge"]),
                  Decimal(sums["period_charge"])]
        if found != wanted:
            sys.exit("whatif, %s: %s is not %s" % (change, found, wanted))
        accounts = {row["account"]: Decimal(row["books"][at]["charge"]) for row in in_memory["accounts"]}
        if {name: charge for name, charge in by_account(lines).items() if charge} != {
                name: charge for name, charge in accounts.items() if charge}:
            sys.exit("whatif, %s: accounts differ from the lines" % change)


def main():
    global SHEET, TABLE
    folder = tempfile.mkdtemp(prefix="tollmill-whatif-")
    run([TOLLMILL, "gen", "-o", os.path.join(folder, "w"), "--cdrs", "2000"])
    base, dataset = os.path.join(folder, "w", "book"), os.path.join(folder, "cdrs")
    run([TOLLMILL, "import", "--spec", SPEC, "-o", dataset, os.path.join(folder, "w", "cdrs.csv")])
    prepare(base)
    SHEET, TABLE = os.path.join(folder, "sheet.csv"), os.path.join(folder, "other.csv")
    with open(SHEET, "w") as file:
        file.write("prefix,destination,rate,increment_s\n1,\"United States, all\",0.0177,6\n1209-1213,,0.03,1\n44,UK,0.2,1\n")
    rows = read(base, "plan_rules.csv")
    write(folder, "other.csv", [row for row in rows if row["action"] != "free"])
    before = rate(base, dataset, os.path.join(folder, "base"))
    moved, runs = 0, []
    for at, (change, make) in enumerate(EDITS.items()):
        change = change % {"sheet": SHEET, "table": TABLE}
        edited = os.path.join(folder, "edited%d" % at)
        shutil.copytree(base, edited)
        make(edited)
        image = os.path.join(folder, "%d.image" % at)
        run([VARIATION_IMAGE, base, change, image])
        wanted = rate(edited, dataset, os.path.join(folder, "run%d" % at))
        found = rate(image, dataset, os.path.join(folder, "image%d" % at))
        if found != wanted:
            for one, other in zip(wanted[1].splitlines(), found[1].splitlines()):
                if one != other:
                    sys.exit("%s:\n%s\nis not\n%s" % (change, other, one))
            sys.exit("%s: %s is not %s" % (change, found[0], wanted[0]))
        if found == before:
            sys.exit("%s changes no line: the test says nothing" % change)
        runs.append((change, wanted))
        moved += found[0]["charge"] != before[0]["charge"]
    if moved < len(EDITS) - 1:
        sys.exit("only %d of the changes move the total" % moved)
    one_pass(base, dataset, before, runs)
    shutil.rmtree(folder)
    print("%d changes: all lines as of edited files" % len(EDITS))


main()
