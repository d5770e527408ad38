#!/usr/bin/env python3
"""report, whatif and compare --html on a book whose names are hostile: what the pages hold is what --json says, exactly.

Pages are read with Python's own parser (html_reader.py), which refuses whatever is no well-formed page of one file.
"""
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from decimal import ROUND_HALF_UP, Decimal

from html_reader import Report

TOLLMILL = os.environ["TOLLMILL"]
SPEC = os.path.join(os.environ["TOLL_SOURCE_DIR"], "data", "providers", "tollmill.yaml")
HOSTILE = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(2)>", "</table></main><h1>x", "' onclick='alert(3)",
           "Zo\u00eb \u2013 \u05d7\u05d1\u05e8\u05ea \U0001f4de", "&lt;b&gt;&amp;", "W" * 400]


def run(*arguments, code=0):
    done = subprocess.run([TOLLMILL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != code:
        sys.exit(f"{' '.join(arguments)}: exit code {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(what, is_so):
    if not is_so:
        sys.exit("FAILED: " + what)


def exact(amount):
    """In 1e-8, as the pages have it for the script that sorts."""
    return int(Decimal(amount) * 10**8)


def cents(amount):
    return f"{Decimal(amount).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


def edit(path, change):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def make_hostile(book):
    def names(rows):
        for row, name in zip(rows, HOSTILE):
            row["name"] = name

    def destinations(rows):
        for row, name in zip(rows, HOSTILE):
            row["destination"] = name

    edit(f"{book}/accounts.csv", names)
    edit(f"{book}/decks/us_simple.csv", destinations)
    edit(f"{book}/decks/us_standard.csv", destinations)


def check_pair(page, said, book):
    """Accounts, destinations and hours of a page against the JSON of the same command."""
    total = said["totals"][0]["books"]
    answer = page.text()
    expect(f"{page.path}: the new charge is not there", cents(total[book]["charge"]) in answer)
    expect(f"{page.path}: the old charge is not there", cents(total[0]["charge"]) in answer)
    moved = [row for row in said["accounts"] if row["books"][0]["charge"] != row["books"][book]["charge"]]
    shown = page.rows(f"accounts-{book}")
    expect(f"{page.path}: {len(shown)} accounts, not {len(moved)}", len(shown) == len(moved) or not said["same_calls"])
    for row in moved:
        was, then = (exact(row["books"][b]["charge"]) for b in (0, book))
        name = row["account"] or "no account"
        found = [line for line in shown if line["Account"] == name]
        expect(f"{page.path}: {name}: {found}", len(found) == 1 and found[0]["Before"] == was and
               found[0]["Then"] == then and found[0]["Change"] == then - was)
    for table, key in (("destinations", "destination"), ("decks", "deck"), ("classes", "class")):
        if not said["same_calls"]:
            continue
        change = sum(line["Change"] for line in page.rows(f"{table}-{book}"))
        expected = sum(exact(row["books"][book]["charge"]) - exact(row["books"][0]["charge"]) for row in said[table])
        expect(f"{page.path}: {table} move by {change}, not {expected}", change == expected)
    expect(f"{page.path}: not what moves in all", exact(total[book]["charge"]) - exact(total[0]["charge"]) ==
           sum(line["Change"] for line in shown))


def check_run(page, said):
    accounts = {row["account"]: exact(row["books"][0]["charge"]) for row in said["accounts"]
                if row["books"][0]["rows"] > 0}
    shown = {row["Account"]: row["Charge"] for row in page.rows("accounts")}
    expect(f"{page.path}: accounts", {name: shown[name] for name in accounts if name} ==
           {name: charge for name, charge in accounts.items() if name})
    total = said["totals"][0]["books"][0]
    expect(f"{page.path}: the charge", cents(total["charge"]) in page.text())
    waiting = page.rows("waiting-table")
    expect(f"{page.path}: the suspense queue", sum(row["Calls"] for row in waiting) == total["suspense"] > 0)


def check_delta(page, said, changed):
    expect(f"{page.path}: lines", sum(row["Lines"] for row in page.rows("reasons")) == changed)
    moved = sum(row["Change"] for row in page.rows("accounts"))
    expect(f"{page.path}: accounts move by {moved}", moved == said)
    expect(f"{page.path}: reasons", sum(row["Change"] for row in page.rows("reasons")) == said)


def check_commands(page, places):
    """What is left out of a table is had by the command that the page names."""
    named = set(re.findall(r"tollmill ((?:whatif \.\.\.|compare RUN_A RUN_B|compare RUN|delta DELTA) --format csv --\w+ \w+)",
                           page.text()))
    for command in named:
        words = [word for name in command.split() for word in places.get(name, [name])]
        done = subprocess.run([TOLLMILL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        expect(f"{page.path} names tollmill {command}: {done.stderr}", done.returncode in (0, 1) and "," in done.stdout)
    return named


def main():
    with tempfile.TemporaryDirectory(prefix="tollmill-report-") as folder:
        os.chdir(folder)
        run("gen", "-o", "world", "--cdrs", "6k")
        make_hostile("world/book")
        subprocess.run(["cp", "-r", "world/book", "world/new"], check=True)
        edit("world/new/decks/us_standard.csv",
             lambda rows: [row.update(rate=str(Decimal(row["rate"]) * 2)) for row in rows[::2]])
        run("import", "--spec", SPEC, "-o", "cdrs", "world/cdrs.csv")
        run("rate", "--book", "world/book", "--cdrs", "cdrs", "-o", "run", "--to", "2026-03-15")
        run("rate", "--book", "world/book", "--cdrs", "cdrs", "-o", "later", "--from", "2026-03-15")

        whatif = ["whatif", "--cdrs", "cdrs", "world/book", "world/new", "--set", "deck:us_simple *1.5"]
        said = json.loads(run(*whatif, "--json"))
        run(*whatif, "--html", "whatif.html")
        page = Report("whatif.html")
        check_pair(page, said, 1)
        check_pair(page, said, 2)
        for name in HOSTILE[:-1]:
            expect(f"{name} is not shown", name in page.text())
        run(*whatif, "--html", "again.html")
        expect("the same command gives the same bytes",
               open("whatif.html", "rb").read() == open("again.html", "rb").read())

        run("whatif", "--cdrs", "cdrs", "world/book", "--sweep", "deck:us_simple 0.9..1.1 step 0.05",
            "--best-plan", "standard,simple", "--html", "sweep.html")
        page = Report("sweep.html")
        expect("the best plan of each account", len(page.rows("best-accounts")) > 100)
        expect("a sweep has its curve", "Charge by factor" in page.text())

        compare = ["compare", "run", "later"]
        said = json.loads(run(*compare, "--json", code=1))
        run(*compare, "--html", "compare.html", code=1)
        check_pair(Report("compare.html"), said, 1)

        run("report", "run", "--html", "run.html")
        check_run(Report("run.html"), said)

        run("rerate", "run", "--book", "world/new", "-o", "rerun", code=1)
        delta = json.loads(run("delta", "rerun.delta", "--json", code=1))
        old, new = (json.loads(run("summary", name, "--json")) for name in ("run", "rerun"))
        run("report", "rerun.delta", "--html", "delta.html")
        check_delta(Report("delta.html"), *(
            exact(new["charge"]) - exact(old["charge"]), delta["changed"]))

        named = check_commands(Report("whatif.html"), {"whatif": ["whatif", "--quiet"], "...": whatif[1:]})
        named |= check_commands(Report("compare.html"), {"RUN_A": ["run"], "RUN_B": ["later"]})
        named |= check_commands(Report("run.html"), {"RUN": ["run"]})
        named |= check_commands(Report("delta.html"), {"DELTA": ["rerun.delta"]})
        expect(f"pages name commands of each kind: {named}", {name.split()[0] for name in named} == {"whatif", "compare", "delta"})

        # What is refused, and leaves nothing behind.
        run("report", "run", "--html", "run/x.html", code=73)
        for ask in (whatif, compare, ["report", "run"]):  # before the long work: there is no answer yet
            early = run(*ask, "--html", "nowhere/x.html", code=73)
            expect("no file can be written there: said at once", early == "" and not os.path.exists("nowhere"))
        run("report", "nowhere", "--html", "x.html", code=66)
        run("report", "run", "--html", "x.html", "--json", code=2)
        run("report", "run", "--html", "x.html", "--negative", code=2)
        expect("no file of a report that was refused", not os.path.exists("x.html"))


if __name__ == "__main__":
    main()
