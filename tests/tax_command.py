#!/usr/bin/env python3
"""tollmill tax as a command: runs behind closed ones and merged runs owe what one run over all owes, and files,
exit codes and texts are as they should be."""
import csv
import json
import os
import stat
import subprocess
import sys
import tempfile

import tax_examples
from tax_examples import SPEC, TOLLMILL, call, write_cdrs

BOOK = {
    "accounts.csv": ["account,cycle_day", "acme,", "=beta,15"],
    "sites.csv": ["site,account,area", "hq,acme,austin", "+annex,acme,nyc", "shop,=beta,nyc"],
    "numbers.csv": ["number,account,site", "12125550100,acme,hq", "12125550101,acme,+annex", "12125550200,=beta,shop"],
    "decks/d.csv": ["prefix,rate", "1,0.60", "44,1.20"],
    "tax_map.csv": ["tax_service", "telecom"],
    "taxes.csv": ["tax,tax_jurisdiction,level,kind,rate,amount,line_basis,threshold,source,as_of,cadence",
                  "fund,US,,rate,20%,,,,demo: made up,2026-01-15,month",
                  "lines,,state,per_line,,0.50,number,,,,", "sales,,state,rate,7%,,,1,,,"],
    "charges.csv": ["account,site,product,kind,amount,from", "acme,hq,line,recurring,10,2026-03-01",
                    "=beta,,box,one_time,5,2026-04-20"],
    "services.csv": ["service,account,site,type,quantity", "s,acme,hq,number,3"],
}
MARCH = ["record_id,start,duration_s,caller,callee",
         "a,2026-03-02T12:00:00Z,100,+12125550100,+12015550111", "b,2026-03-09T12:00:00Z,300,+12125550101,+12015550111",
         "c,2026-03-10T12:00:00Z,100,+12125550200,+12015550111", "d,2026-03-20T12:00:00Z,100,+12125550200,+442079460000"]
APRIL = [MARCH[0], "e,2026-04-02T12:00:00Z,50,+12125550100,+12015550111",
         "f,2026-04-20T12:00:00Z,70,+12125550200,+12015550111"]
COLUMNS = ("period", "account", "site", "tax_jurisdiction", "tax", "rate")


def register(run, *options):
    done = subprocess.run([TOLLMILL, "tax", run, "--quiet", "--csv-safe", "raw", *options], stdout=subprocess.PIPE, text=True,
                          check=False)
    return list(csv.DictReader(done.stdout.splitlines()))


def check(good, what):
    if not good:
        print("FAILED: " + what)
        check.failed += 1


check.failed = 0


def sums(*registers):
    """{key: (base, cents)}: no key may be in two registers."""
    total = {}
    for rows in registers:
        for row in rows:
            key = tuple(row[name] for name in COLUMNS)
            check(key not in total, "%s is owed twice" % (key,))
            total[key] = (row["lines"], row["base"], row["exempt"], row["tax_exact"], row["tax_cents"])
    return total


class Folder:
    """A book, its calls, and runs."""

    def __init__(self, folder, parts):
        self.folder = folder
        self.book = tax_examples.write_book(parts, folder)
        self.runs = 0

    def imported(self, name, *feeds):
        data = os.path.join(self.folder, name)
        for number, lines in enumerate(feeds):
            path = os.path.join(self.folder, "%s%d.csv" % (name, number))
            write_cdrs(lines, path)
            call(["import", "--spec", SPEC, "-o", data, path, "--quiet"])
        return data

    def rated(self, data, *options, book=None):
        self.runs += 1
        run = os.path.join(self.folder, "run%d" % self.runs)
        call(["rate", "--book", book or self.book, "--cdrs", data, "-o", run, "--quiet", *options])
        return run


def closed_months(folder):
    """March, closed, and April behind it owe what both months in one run owe. (Beta's months begin on the 15th: its
    period from 15 March is open in the first run, and rated whole in the second.)"""
    world = Folder(folder, BOOK)
    whole = register(world.rated(world.imported("all", MARCH, APRIL)))
    data = world.imported("months", MARCH)
    first = world.rated(data)
    state = os.path.join(folder, "state")
    call(["close", first, "--until", "2026-04-01", "-o", state, "--quiet"])
    data = world.imported("months", APRIL)
    second = world.rated(data, "--after", state)
    first_rows = [row for row in register(first) if (row["account"], row["period"]) != ("=beta", "2026-03-15")]
    check(sums(first_rows, register(second)) == sums(whole), "month by month and both at once differ")
    check(len(whole) > 8, "too little is owed to prove anything")


def merged(folder):
    """What waited for a prefix and was rated again owes what rating all with the new book gives."""
    parts = dict(BOOK)
    parts["decks/d.csv"] = BOOK["decks/d.csv"][:2]
    old = Folder(folder, parts)
    data = old.imported("all", MARCH, APRIL)
    waiting = old.rated(data)
    new_book = tax_examples.write_book(BOOK, os.path.join(folder, "new"))
    again = old.rated(data, "--only-suspense", waiting, book=new_book)
    at_once = old.rated(data, book=new_book)
    check(sums(register(again)) == sums(register(at_once)), "a merged run owes something else")
    check(sums(register(again)) != sums(register(waiting)), "nothing had waited")


def kept_of_other_books(folder):
    """An older book had other billing days: what is due each month is owed once. Another currency, or no taxes at all:
    nobody knows what is owed."""
    def again(name, before, after=()):
        place = os.path.join(folder, name)
        os.makedirs(os.path.join(place, "new"))
        parts = dict(BOOK, **{"decks/d.csv": BOOK["decks/d.csv"][:2]}, **dict(before))
        old = Folder(place, {part: lines for part, lines in parts.items() if lines})
        data = old.imported("all", MARCH)
        new_book = tax_examples.write_book(dict(BOOK, **dict(after)), os.path.join(place, "new"))
        return old.rated(data, "--only-suspense", old.rated(data), book=new_book)

    cycles = {"accounts.csv": ["account,cycle_day", "acme,", "=beta,"]}
    run = again("days", cycles, {"charges.csv": ["account,product,kind,amount,from,to",
                                                 "=beta,box,recurring,10,2026-03-01,2026-04-15"]})
    lines = [row["period"] for row in register(run, "--what", "lines") if row["kind"] == "charge" and row["tax"] == "fund"]
    check(lines == ["2026-02-15", "2026-03-15"], "the recurring charge is owed for %s" % lines)
    usage = [row["period"] for row in register(run, "--what", "lines")
             if row["kind"] == "usage" and row["tax"] == "fund" and row["account"] == "=beta"]
    check(usage == ["2026-03-01", "2026-03-15"], "beta's usage is taxed in %s" % usage)
    euros = {"book.yaml": ["book: example", "currency: EUR", "timezone: America/New_York"]}
    done = call(["tax", again("euros", euros)], allowed=(65,))
    check("acme" in done.stdout and "EUR" in done.stdout, "two currencies: " + done.stdout)
    done = call(["tax", again("no_taxes", {"taxes.csv": []})], allowed=(65,))
    check("taxes.csv" in done.stdout, "an older book without taxes: " + done.stdout)


def many_sites(folder):
    """At most 75 lines at each of 300 locations, of 100 in two rows; one of them is exempt."""
    sites = ["s%d" % i for i in range(300)]
    world = Folder(folder, {
        "sites.csv": ["site,account,area"] + [site + ",acme,austin" for site in sites],
        "numbers.csv": ["number,account,site", "12125550100,acme,s0"], "exemptions.csv": ["site,tax", "s7,e911"],
        "taxes.csv": ["tax,tax_jurisdiction,kind,line_basis,amount,scope,cap", "e911,TX,per_line,seat,0.30,location,75"],
        "services.csv": ["service,account,site,type,quantity"] +
                        ["v%d,acme,s%d,seat,50" % (i, i % 300) for i in range(600)]})
    rows = register(world.rated(world.imported("all", MARCH[:2])))
    check({row["site"]: row["tax_cents"] for row in rows} == {site: "0" if site == "s7" else "2250" for site in sites},
          "300 locations owe something else")


def many_services(folder):
    """A charge of 200 tax services: their names alone are 8,000 letters."""
    names = ["service_of_a_name_that_is_not_short_%03d" % i for i in range(200)]
    world = Folder(folder, {
        "taxes.csv": ["tax,tax_jurisdiction,tax_services,rate", "sales,TX,%s,10%%" % names[7]],
        "tax_map.csv": ["tax_service,share"] + [name + ",0.005" for name in names]})
    run = world.rated(world.imported("all", MARCH[:2]))
    check([(row["base"], row["tax_exact"]) for row in register(run)] == [("0.005", "0.0005")], "200 tax services")
    texts = [row["tax_services"] for row in register(run, "--what", "lines")]
    check(texts == [";".join(name + ":0.005" for name in names)], "the services of a line: %s" % texts)


def too_many_digits(folder):
    """Prices with their taxes in them, at 300 rates: no sum of what a federal tax comes to. It is said where."""
    cities = range(300)
    world = Folder(folder, {
        "tax_jurisdictions.csv": ["id,level,parent,state", "US,federal,,", "TX,state,US,TX"] + ["C%d,city,TX,TX" % i for i in cities],
        "tax_areas.csv": ["area,tax_jurisdiction", "austin,TX"] + ["c%d,C%d" % (i, i) for i in cities],
        "sites.csv": ["site,account,area", "hq,acme,austin"] + ["s%d,acme,c%d" % (i, i) for i in cities],
        "taxes.csv": ["tax,tax_jurisdiction,rate", "fed,US,3%"] + ["city,C%d,0.%05d" % (i, 997 * (i + 1) % 29989) for i in cities],
        "charges.csv": ["account,site,product,kind,amount,from,tax_included"] +
                       ["acme,s%d,line,recurring,19.99,2026-03-01,yes" % i for i in cities]})
    done = call(["tax", world.rated(world.imported("all", MARCH[:2]))], allowed=(65,))
    check("account acme, period 2026-03-01: the taxes (fed)" in done.stdout, "says nothing of use: " + done.stdout)


def files_and_words(folder):
    world = Folder(folder, BOOK)
    run = world.rated(world.imported("all", MARCH, APRIL))
    path = os.path.join(folder, "register.csv")
    done = call(["tax", run, "-o", path])
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o640, "the register is not 0640")
    for word in ("demo", "not for filing", "taxes.csv:2: tax fund of US is as of 2026-01-15"):
        check(word in done.stdout, "stderr does not say %r: %s" % (word, done.stdout))
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    check(",'=beta," in text.replace('"', "") and ",=beta," not in text, "a spreadsheet would run an account")
    document = json.loads(subprocess.run([TOLLMILL, "tax", run, "--json", "--quiet"], stdout=subprocess.PIPE, text=True,
                                         check=False).stdout)
    rows = register(run)
    cents = sum(int(row["tax_cents"]) for row in rows)
    check(document["schema"] == "tollmill.tax/1" and document["totals"][0]["billable"] ==
          "%d.%02d" % (cents // 100, cents % 100), "the total of --json is not the register's: %s" % document)
    check([row["report_period"] for row in register(run, "--report-period", "2026-05")] == ["2026-05"] * len(rows),
          "--report-period is not in every row")
    jsonl = subprocess.run([TOLLMILL, "tax", run, "--format", "jsonl", "--quiet"], stdout=subprocess.PIPE, text=True,
                           check=False).stdout.splitlines()
    check([[str(row[name]) for name in COLUMNS] for row in map(json.loads, jsonl)] ==
          [[row[name] for name in COLUMNS] for row in rows], "JSON lines and CSV differ")
    check(len(register(run, "--top", "2")) == 2, "--top 2 has not two rows")
    call(["tax", run, "-o", os.path.join(run, "x.csv")], allowed=(73,))
    call(["tax", run, "--what", "everything"], allowed=(2,))
    call(["tax", os.path.join(folder, "nowhere")], allowed=(66,))


def untaxed(folder):
    world = Folder(folder, {name: lines for name, lines in BOOK.items() if name != "taxes.csv"})
    done = call(["tax", world.rated(world.imported("all", MARCH))], allowed=(2,))
    check("taxes.csv" in done.stdout, "does not say what is missing: " + done.stdout)


def late_in_a_price(folder):
    parts = dict(BOOK)
    parts["charges.csv"] = ["account,site,product,kind,amount,from,tax_included",
                            "acme,hq,line,recurring,10,2026-03-01,yes"]
    world = Folder(folder, parts)
    done = call(["tax", world.rated(world.imported("all", MARCH))], allowed=(78,))
    check("charges.csv:2:" in done.stdout and "sales" in done.stdout, "does not say where: " + done.stdout)


def main():
    for test in (closed_months, merged, kept_of_other_books, many_sites, many_services, too_many_digits, files_and_words, untaxed, late_in_a_price):
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, "new"))
            try:
                test(folder)
            except (RuntimeError, OSError, KeyError, ValueError) as error:
                check(False, "%s: %s: %s" % (test.__name__, type(error).__name__, error))
    print("%d failed" % check.failed)
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
