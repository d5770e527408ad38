"""Taxes of changed books (docs/WHATIF.md, docs/TAX.md): by hand, and by account against `tax` of a run by each book as edited.

The book has what makes taxes more than a rate: one that stands on itself, one by the minute and one on it, a threshold, a tax
that is rounded by site and one by line, one that is not billable, an exemption, a change of rates within the month, a charge of
its own, accounts of several sites and one without any, a bundle.
"""
import csv
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from decimal import ROUND_HALF_UP, Decimal

TOLLMILL = os.environ["TOLLMILL"]
SPEC = os.path.join(os.environ["TOLL_SOURCE_DIR"], "data", "providers", "tollmill.yaml")
RATES = {"d": ("1212", "1305", "44", "1"), "e": ("1", "44", "49")}

BOOK = {
    "book.yaml": "book: taxed\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account,tax_site\none,\ntwo,b\nthree,\nnobody,\n",
    "sites.csv": "site,account,area\na,one,nyc\nb,two,nyc\nc,two,dallas\nd,three,dallas\n",
    "numbers.csv": "number,account,site\n12125550100,one,a\n12125550200,two,b\n12125550201,two,c\n12125550202,two,\n12125550300,three,d\n"
                   "12125550400,nobody,\n",
    "plans.csv": "plan\np\nq\n",
    "plan_rules.csv": "plan,action,deck\np,deck,d\nq,deck,e\n",
    "assignments.csv": "subject,plan\naccount:one,p\naccount:two,p\naccount:three,q\naccount:nobody,q\nsite:c,q\n",
    "decks.csv": "deck\nd\ne\n",
    "bundles.csv": "bundle,unit,quantity,at_limit\nminutes,s,6000,overage\n",
    "subscriptions.csv": "subject,bundle\naccount:two,minutes\n",
    "tax_jurisdictions.csv": "id,level,state,parent\nUS,federal,,\nNY,state,NY,US\nTX,state,TX,US\nNYC,city,,NY\n",
    "tax_areas.csv": "area,tax_jurisdiction\nnyc,NYC\ndallas,TX\n",
    "tax_map.csv": "jurisdiction,tax_service\n,telecom\ninterstate,between\ninternational,abroad\n",
    "charges.csv": "account,site,product,kind,amount\none,a,line,recurring,10.01\ntwo,c,line,recurring,3.33\n",
    "exemptions.csv": "account,site,tax,percent\ntwo,c,fund,37.5\n",
    "taxes.csv": "tax,tax_jurisdiction,tax_services,kind,rate,amount,on_taxes,threshold,round_scope,rounding,billable,from,to\n"
                 "sales,NY,,,7.66%,,,,,,,,2026-03-15\nsales,NY,,,8%,,,,,,,2026-03-15,\n"
                 "utility,NYC,,,3.6%,,utility,,,,,,\n"
                 "fund,US,between;abroad,,21.5%,,,,line,up,,,\n"
                 "minute,TX,,per_minute,,0.00123,,,invoice_line,,,,\n"
                 "over,TX,,,3.3%,,over;minute,,,half_even,,,\n"
                 "first,TX,,,6.25%,,,5,,,,,\n"
                 "levy,US,,,1%,,,,,,no,,\n",
}
DECKS = {"d": "prefix,rate,per_s,increment_s\n1212,0.02,60,6\n1305,0.013,60,6\n1,0.03,60,60\n44,0.11,60,1\n",
         "e": "prefix,rate,per_s,increment_s,connect_fee\n1,0.017,60,6,\n44,0.08,60,6,0.01\n49,0.1,60,6,0.02\n"}
CHANGES = {"deck:d *1.05": [("d", None, Decimal("1.05"))],
           "deck:d prefix:1305 *3": [("d", "1305", Decimal(3))],
           "deck:d *0.9 ;; deck:e *1.333333": [("d", None, Decimal("0.9")), ("e", None, Decimal("1.333333"))],
           "deck:e prefix:1 *0": [("e", "1", Decimal(0))]}


def run(*words, good=(0,)):
    done = subprocess.run([TOLLMILL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in good:
        sys.exit("%s: exit %d\n%s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr))
    return done.stdout


def write_book(folder, files, decks, edits=()):
    os.makedirs(os.path.join(folder, "decks"))
    for name, text in files.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
    for name, text in decks.items():
        rows = list(csv.DictReader(io.StringIO(text)))
        for deck, prefix, factor in edits:
            for row in rows:
                if deck == name and prefix in (None, row["prefix"]):
                    row["rate"] = format((Decimal(row["rate"]) * factor).quantize(Decimal("1e-8"), ROUND_HALF_UP), "f")
        with open(os.path.join(folder, "decks", name + ".csv"), "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)


def import_calls(folder, rows):
    with open(os.path.join(folder, "calls.csv"), "w") as file:
        file.write("record_id,start,duration_s,caller,callee\n" + "".join(",".join(row) + "\n" for row in rows))
    run("import", "--spec", SPEC, "-o", os.path.join(folder, "cdrs"), os.path.join(folder, "calls.csv"), "-q")
    return os.path.join(folder, "cdrs")


def some_calls():
    dice = random.Random(9)
    callers = ["+12125550100", "+12125550200", "+12125550201", "+12125550202", "+12125550300", "+12125550400"]
    callees = ["+12125551000", "+13055550111", "+12145550122", "+442079460000", "+4930123456"]
    return [("r%d" % i, "2026-03-%02dT%02d:%02d:00Z" % (1 + i * 31 // 4000, dice.randrange(24), dice.randrange(60)), str(dice.randrange(900)),
             dice.choice(callers), dice.choice(callees)) for i in range(4000)]


def taxes_of(report):
    """By book: the account's billable cents."""
    return [{row["account"]: row["books"][k]["tax_cents"] for row in report["accounts"] if row["books"][k].get("tax_cents")}
            for k in range(len(report["books"]))]


def registered(book, cdrs, folder):
    """By a run of its own; `tax` says 1, as nobody's calls are in tax suspense."""
    run("rate", "--book", book, "--cdrs", cdrs, "-o", folder, "-q")
    cents = {}
    for row in csv.DictReader(io.StringIO(run("tax", folder, "--format", "csv", good=(1,)))):
        if row["billable"] == "yes" and int(row["tax_cents"]) != 0:
            cents[row["account"]] = cents.get(row["account"], 0) + int(row["tax_cents"])
    return cents


def expect(what, found, wanted):
    if found != wanted:
        sys.exit("%s:\n  found  %r\n  wanted %r" % (what, found, wanted))


def by_hand(folder):
    """A minute at 10.00 and one at 2.41. A city's 3.6 % on itself is 36/964 = 9/241 of 12.41: 46.34 cents. With the first deck 3.1 %
    dearer it is of 12.72: 47.502 cents, so 48; with the second a half of it is of 11.205: 41.84, so 42."""
    files = {name: BOOK[name] for name in ("book.yaml", "plans.csv", "plan_rules.csv", "decks.csv", "tax_jurisdictions.csv", "tax_areas.csv",
                                           "tax_map.csv")}
    files.update({"accounts.csv": "account\none\n", "sites.csv": "site,account,area\na,one,nyc\nz,one,nyc\n",
                  "numbers.csv": "number,account,site\n12125550100,one,a\n12125550101,one,z\n",
                  "assignments.csv": "subject,plan\nsite:a,p\nsite:z,q\n",
                  "taxes.csv": "tax,tax_jurisdiction,rate,on_taxes\nutility,NYC,3.6%,utility\n"})
    book = os.path.join(folder, "book")
    write_book(book, files, {"d": "prefix,rate\n1,10\n", "e": "prefix,rate\n1,2.41\n"})
    cdrs = import_calls(folder, [("x", "2026-03-02T12:00:00Z", "60", "+12125550100", "+12145550122"),
                                 ("y", "2026-03-02T12:00:00Z", "60", "+12125550101", "+12145550122")])
    report = json.loads(run("whatif", "--cdrs", cdrs, book, "--set", "deck:d *1.031", "--set", "deck:e *0.5", "--json", "-q"))
    expect("by hand", taxes_of(report), [{"one": 46}, {"one": 48}, {"one": 42}])


def by_runs(folder):
    book = os.path.join(folder, "book")
    write_book(book, BOOK, DECKS)
    cdrs = import_calls(folder, some_calls())
    wanted = [registered(book, cdrs, os.path.join(folder, "run"))]
    for i, edits in enumerate(CHANGES.values()):
        other = os.path.join(folder, "other%d" % i)
        write_book(other, BOOK, DECKS, edits)
        wanted.append(registered(other, cdrs, other + ".run"))
    if len({str(cents) for cents in wanted}) != len(wanted) or set(wanted[0]) != {"one", "two", "three"}:
        sys.exit("the test's own books do not tax differently: %r" % wanted)
    sets = [word for change in CHANGES for word in ("--set", change)]
    for way in (["--threads", "2"], ["--threads", "1", "--simd", "scalar"], ["--threads", "3", "--simd", "avx2"], ["--io", "pread"]):
        report = json.loads(run("whatif", "--cdrs", cdrs, book, *sets, "--json", "-q", *way))
        expect("by runs, %s" % way, taxes_of(report), wanted)


def main():
    folder = tempfile.mkdtemp()
    try:
        for test in (by_hand, by_runs):
            part = os.path.join(folder, test.__name__)
            os.makedirs(part)
            test(part)
    finally:
        shutil.rmtree(folder)


main()
