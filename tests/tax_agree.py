#!/usr/bin/env python3
"""Lines, accounts and register of random taxed months agree to the cent, and every cent is where it should be
(docs/TAX.md section 5): exact sums are rounded once for what their round_scope says, a line never has more than
a cent beside its exact tax, and what is taxed or waits is all that was charged.

    tax_agree.py [--books N] [--calls N] [--seed S]
"""
import argparse
import csv
import datetime
import os
import random
import subprocess
import sys
import tempfile
from fractions import Fraction

SOURCE_DIR = os.environ.get("TOLL_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOLLMILL = os.environ.get("TOLLMILL", "tollmill")
SPEC = os.path.join(SOURCE_DIR, "data", "providers", "tollmill.yaml")
STATES = ("TX", "NY", "FL")


def table(folder, name, header, rows):
    with open(os.path.join(folder, name), "w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(header.split(","))
        out.writerows(rows)


def percent(draw):
    return "%d.%0*d%%" % (draw.randrange(0, 12), draw.choice((1, 2, 3, 7)), draw.randrange(1, 10))


def make_taxes(draw):
    """Rows of taxes.csv: {tax: row}."""
    rows = []
    for number in range(draw.randrange(4, 9)):
        kind = draw.choice(("rate", "rate", "rate", "per_minute", "per_line", "per_account", "fixed"))
        row = {"tax": "t%d" % number, "kind": kind, "rounding": draw.choice(("", "half_even", "up", "down")),
               "round_scope": draw.choice(("", "account", "invoice_line", "line")),
               "scope": draw.choice(("", "location", "line")), "billable": draw.choice(("", "", "no"))}
        if draw.random() < 0.5:
            row["level"] = draw.choice(("federal", "state", "county"))
        else:
            row["tax_jurisdiction"] = draw.choice(("US", "TX", "NY", "FL", "TXC"))
        if kind == "rate":
            row["rate"] = percent(draw)
            if number > 0 and draw.random() < 0.4:
                row["on_taxes"] = "t%d" % draw.randrange(number)
            if draw.random() < 0.25:
                row["threshold"] = "%d" % draw.randrange(1, 40)
        else:
            row["amount"] = "0.%05d" % draw.randrange(1, 99999)
        if kind == "per_line":
            row["line_basis"] = "number;pri:24;seat:0.5"
            row["part_month"] = draw.choice(("full", "prorated", "none"))
        if kind == "per_line" and draw.random() < 0.5:
            row["cap"] = "%d" % draw.randrange(1, 30)
        rows.append(row)
    return rows


def make_book(draw, folder, taxes):
    book = os.path.join(folder, "book")
    os.makedirs(os.path.join(book, "decks"))
    with open(os.path.join(book, "book.yaml"), "w", encoding="utf-8") as stream:
        stream.write("book: months\ncurrency: USD\ntimezone: America/New_York\n")
    accounts = ["a%d" % i for i in range(6)]
    sites = [("s%d" % i, draw.choice(accounts), draw.choice(STATES)) for i in range(12)]
    table(book, "accounts.csv", "account,cycle_day,class,tax_site", [
        (name, draw.choice(("", "1", "15")), draw.choice(("", "home")),
         next((site for site, owner, _ in sites if owner == name), "")) for name in accounts])
    table(book, "sites.csv", "site,account,area", sites)
    numbers = [("1212555%04d" % i, *draw.choice([(owner, site) for site, owner, _ in sites])) for i in range(40)]
    table(book, "numbers.csv", "number,account,site", numbers)
    table(book, "assignments.csv", "subject,plan", [("default", "p")])
    table(book, "plans.csv", "plan", [("p",)])
    table(book, "plan_rules.csv", "plan,action,deck", [("p", "deck", "d")])
    table(book, "decks/d.csv", "prefix,rate", [("1", "0.0137"), ("44", "0.10009")])
    table(book, "tax_jurisdictions.csv", "id,level,state,parent",
          [("US", "federal", "", ""), ("TXC", "county", "TX", "TX")] + [(s, "state", s, "US") for s in STATES])
    table(book, "tax_areas.csv", "area,tax_jurisdiction", [("TX", "TXC"), ("NY", "NY"), ("FL", "FL")])
    table(book, "tax_map.csv", "tax_service,product", [("voice", ""), ("box", "box")])
    names = ("tax,kind,tax_jurisdiction,level,rate,amount,rounding,round_scope,scope,billable,on_taxes,threshold,cap,"
             "line_basis,part_month")
    table(book, "taxes.csv", names, [[row.get(name, "") for name in names.split(",")] for row in taxes])
    table(book, "exemptions.csv", "account,tax,percent",
          [(draw.choice(accounts), draw.choice(taxes)["tax"], draw.choice(("", "12.5", "33.3333"))) for _ in range(3)])
    table(book, "charges.csv", "account,site,product,kind,amount,quantity,from", [
        (owner, draw.choice((site, "")), draw.choice(("box", "line")), draw.choice(("recurring", "credit", "one_time")),
         "%d.%03d" % (draw.randrange(20), draw.randrange(1000)), draw.choice(("", "3", "0.25")), "2026-03-%02d" %
         draw.randrange(1, 29)) for site, owner, _ in sites for _ in range(2)])
    table(book, "services.csv", "service,account,site,type,quantity,from", [
        ("v%d" % i, owner, site, draw.choice(("number", "pri", "seat", "fax")), draw.randrange(1, 40),
         draw.choice(("", "2026-03-11"))) for i, (site, owner, _) in enumerate(sites)])
    return book, [number for number, _, _ in numbers]


def make_calls(draw, path, numbers, count):
    first = datetime.datetime(2026, 3, 3)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("record_id,start,duration_s,caller,callee\n")
        for i in range(count):
            start = first + datetime.timedelta(seconds=draw.randrange(40 * 86400))
            callee = draw.choice(("+12015550111", "+12125550000", "+442079460000"))
            stream.write("%d,%s,%d,+%s,%s\n" % (i, start.strftime("%Y-%m-%dT%H:%M:%SZ"), draw.randrange(4000),
                                               draw.choice(numbers), callee))


def call(*arguments, allowed=(0,)):
    done = subprocess.run([TOLLMILL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode not in allowed:
        raise RuntimeError("%s: exit %d\n%s" % (" ".join(arguments), done.returncode, done.stdout.strip()))
    return done.stdout


def rows_of(run, what, folder):
    path = os.path.join(folder, what + ".csv")
    call("tax", run, "--what", what, "--csv-safe", "raw", "-o", path, "--quiet", allowed=(0, 1))
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def rounded(value, rounding):
    """Cents, negative amounts as mirrored."""
    cents = abs(value) * 100
    whole = cents.numerator // cents.denominator
    rest = cents - whole
    half = Fraction(1, 2)
    up = {"": rest >= half, "half_up": rest >= half, "half_even": rest > half or (rest == half and whole % 2 == 1),
          "up": rest > 0, "down": False}[rounding]
    return (whole + up) * (-1 if value < 0 else 1)


def add(sums, key, cents, exact):
    known = sums.setdefault(key, [0, Fraction(0)])
    known[0] += int(cents)
    known[1] += Fraction(exact)


def check_cents(taxes, lines, register):
    """What does not agree."""
    scopes = {row["tax"]: (row["round_scope"] or "account", row["rounding"]) for row in taxes}
    by_row, groups, found = {}, {}, []
    for number, line in enumerate(lines):
        cents, exact = int(line["tax_cents"]), Fraction(line["tax_exact"])
        beside = cents - exact * 100
        if not -1 < beside < 1:
            found.append("line %d has %d cents of %s" % (number, cents, exact))
        add(by_row, tuple(line[name] for name in ("period", "account", "site", "tax_jurisdiction", "tax", "rate")), cents,
            exact)
        key = tuple(line[name] for name in ("period", "account", "tax_jurisdiction", "tax"))
        scope = scopes[line["tax"]][0]
        if scope == "invoice_line":
            key += (line["site"],)
        if scope == "line":
            key += (line["line"], line["kind"], line["tuple"], line["site"], number if line["kind"] == "period" else 0)
        add(groups, key, cents, exact)
    for key, (cents, exact) in groups.items():
        if cents != rounded(exact, scopes[key[3]][1]):
            found.append("%s: %d cents of %s" % (key, cents, exact))
    listed = {}
    for row in register:
        key = tuple(row[name] for name in ("period", "account", "site", "tax_jurisdiction", "tax", "rate"))
        if key in listed:
            found.append("%s is in the register twice" % (key,))
        listed[key] = [int(row["tax_cents"]), Fraction(row["tax_exact"])]
    if listed != by_row:
        found += ["register and lines differ at %s: %s, %s" % (key, listed.get(key), by_row.get(key))
                  for key in sorted(set(listed) | set(by_row)) if listed.get(key) != by_row.get(key)]
    if list(listed) != sorted(listed, key=lambda key: key[:5]):
        found.append("the register is not in order")
    return found


def check_book(seed, calls):
    draw = random.Random(seed)
    taxes = make_taxes(draw)
    with tempfile.TemporaryDirectory() as folder:
        book, numbers = make_book(draw, folder, taxes)
        cdrs, data, run = (os.path.join(folder, name) for name in ("cdrs.csv", "ds", "run"))
        make_calls(draw, cdrs, numbers, calls)
        call("import", "--spec", SPEC, "-o", data, cdrs, "--quiet")
        call("rate", "--book", book, "--cdrs", data, "-o", run, "--quiet")
        lines, register = rows_of(run, "lines", folder), rows_of(run, "register", folder)
        return len(lines), check_cents(taxes, lines, register)


def main():
    parser = argparse.ArgumentParser(description="cents of random taxed months")
    parser.add_argument("--books", type=int, default=8)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = lines = 0
    for seed in range(options.seed, options.seed + options.books):
        count, found = check_book(seed, options.calls)
        lines += count
        if found:
            failed += 1
            print("FAILED seed %d:" % seed)
            for text in found[:10]:
                print("    " + text)
    print("%d books, %d taxes of lines, %d books failed" % (options.books, lines, failed))
    sys.exit(1 if failed or lines == 0 else 0)


if __name__ == "__main__":
    main()
