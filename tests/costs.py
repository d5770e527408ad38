"""Costs and margins from the call records to the reports, through the command: every figure below is worked out by hand.

A reseller sells by one sheet and buys from level3 (dollars, most of it in steps of 6 s) over trunk T1 and from telia (euros, whole
minutes, one rate for everything) over T2. The United Kingdom is sold below what level3 takes for it.
"""
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile

TOLLMILL = os.environ["TOLLMILL"]
SPEC = os.path.join(os.environ["TOLL_SOURCE_DIR"], "data", "providers", "tollmill.yaml")

BOOK = {
    "book.yaml": "book: costs\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account,name\nacme,Acme Ltd\nbeta,Beta Ltd\n",
    "numbers.csv": "number,account\n12125550100,acme\n12125550200,beta\n",
    "carriers.csv": "carrier,feed_role\nlevel3,\ntelia,\n",
    "trunks.csv": "trunk,carrier\nT1,level3\nT2,telia\n",
    "plans.csv": "plan\np\nfrom_level3\nfrom_telia\n",
    "assignments.csv": "subject,plan,side\ndefault,p,\ncarrier:level3,from_level3,buy\ncarrier:telia,from_telia,buy\n",
    "plan_rules.csv": "plan,action,class,deck,priority\np,free,toll_free,,1\np,deck,,retail,2\n"
                      "from_level3,deck,,l3,\nfrom_telia,deck,,telia,\n",
    "decks.csv": "deck,currency\nretail,\nl3,\ntelia,EUR\n",
    "decks/retail.csv": "prefix,destination,rate\n1,United States,0.05\n44,United Kingdom,0.02\n52,Mexico,0.10\n",
    "decks/l3.csv": "prefix,destination,rate,increment_s\n1,USA,0.01,6\n44,UK,0.03,1\n",
    "decks/telia.csv": "prefix,destination,rate,increment_s\n,Everywhere,0.02,60\n",
    "fx.csv": "from,to,date,rate\nEUR,USD,2026-03-01,1.25\n",
}
ACME, BETA = "+12125550100", "+12125550200"
US, UK, MEXICO, FREE, ITALY = "+12015550111", "+442079460000", "+525512345678", "+18005550111", "+390612345678"

# record, start (12:00 UTC is 07:00 in New York), seconds, caller, callee, trunk, answered, direction
CALLS = [
    ("us1", "12:00:00", 60, ACME, US, "T1", "yes", "out"),       # sold 0.05, level3 0.01
    ("us2", "12:00:01", 61, ACME, US, "T2", "yes", "out"),       # 0.050833, telia two minutes: 0.04 EUR = 0.05
    ("uk1", "12:00:02", 60, ACME, UK, "T1", "yes", "out"),       # 0.02, level3 0.03
    ("uk2", "12:00:03", 120, BETA, UK, "T1", "yes", "out"),      # 0.04, level3 0.06
    ("mx1", "12:00:04", 60, BETA, MEXICO, "T1", "yes", "out"),   # 0.10, level3 has no Mexico
    ("mx2", "13:00:00", 60, BETA, MEXICO, "T2", "yes", "out"),   # 0.10, telia 0.02 EUR = 0.025
    ("free", "12:00:05", 60, ACME, FREE, "T1", "yes", "out"),    # free, level3 0.01
    ("none", "12:00:06", 0, ACME, UK, "T1", "no", "out"),        # unanswered: neither
    ("in", "12:00:07", 30, US, ACME, "", "yes", "in"),           # 0.025, nobody's: no buy plan
    ("italy", "12:00:08", 60, ACME, ITALY, "T2", "yes", "out"),  # no price of ours, telia 0.025
]


def run(arguments, code=0):
    done = subprocess.run([TOLLMILL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != code:
        sys.exit("%s: exit code %d, not %d\n%s%s" % (" ".join(arguments), done.returncode, code, done.stdout, done.stderr))
    return done.stdout


def expect(what, found, wanted):
    if found != wanted:
        sys.exit("%s:\n  found  %r\n  wanted %r" % (what, found, wanted))


def write_book(folder, files):
    os.makedirs(os.path.join(folder, "decks"))
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as stream:
            stream.write(text)


def write_calls(path):
    with open(path, "w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow("record_id,start,duration_s,caller,callee,trunk,answered,direction".split(","))
        for record, time, *rest in CALLS:
            rows.writerow([record, "2026-03-02T%sZ" % time, *rest])


def by_name(report, key, *members):
    return {group[key]: tuple(group[member] for member in members) for group in report["groups"]}


def check_lines(path):
    lines = {line["record_id"]: line for line in csv.DictReader(io.StringIO(run(["export", path, "--format", "csv"])))}
    found = {record: (line["charge"], line["cost"], line["cost_status"], line["cost_deck"], line["cost_prefix"])
             for record, line in lines.items()}
    expect("lines", found, {
        "us1": ("0.05000000", "0.01000000", "rated", "l3", "1"),
        "us2": ("0.05083300", "0.05000000", "rated", "telia", ""),
        "uk1": ("0.02000000", "0.03000000", "rated", "l3", "44"),
        "uk2": ("0.04000000", "0.06000000", "rated", "l3", "44"),
        "mx1": ("0.10000000", "", "no_prefix", "", ""),
        "mx2": ("0.10000000", "0.02500000", "rated", "telia", ""),
        "free": ("0.00000000", "0.01000000", "rated", "l3", "1"),
        "none": ("0.00000000", "", "", "", ""),
        "in": ("0.02500000", "", "no_plan", "", ""),
        "italy": ("", "0.02500000", "rated", "telia", ""),
    })
    return lines


def check_totals(path, rated):
    wanted = ("0.38583300", "0.21000000", "0.17583300", {"rated": 7, "no_plan": 1, "no_prefix": 1}, 1)
    for receipt in (rated, json.loads(run(["summary", path, "--json"]))):
        expect("totals", tuple(receipt[key] for key in ("charge", "cost", "margin", "cost_statuses", "without_cost")), wanted)
    text = run(["summary", path])
    if "cost 0.21, margin 0.175833 USD; 1 no_plan, 1 no_prefix of unknown cost" not in text:
        sys.exit("summary says nothing of cost and margin:\n" + text)


def check_margins(path):
    members = ("rows", "charge", "cost", "margin", "charge_unknown", "cost_unknown", "below_cost", "loss")
    reports = {by: json.loads(run(["report", path, "--margin", by, "--json"]))
               for by in ("account", "site", "destination", "deck", "trunk", "carrier", "hour", "day")}
    expect("by account", by_name(reports["account"], "account", *members), {
        "acme": (7, "0.14583300", "0.12500000", "0.02083300", 1, 1, 2, "0.02000000"),
        "beta": (3, "0.24000000", "0.08500000", "0.15500000", 0, 1, 1, "0.02000000"),
    })
    sums = ("rows", "charge", "cost")
    expect("by destination", by_name(reports["destination"], "destination", *sums), {
        "United States": (3, "0.12583300", "0.06000000"),
        "United Kingdom": (2, "0.06000000", "0.09000000"),
        "Mexico": (2, "0.20000000", "0.02500000"),
        "USA": (1, "0.00000000", "0.01000000"),
        "Everywhere": (1, "0.00000000", "0.02500000"),
        "": (1, "0.00000000", "0.00000000"),
    })
    expect("by deck", by_name(reports["deck"], "deck", *sums), {
        "retail": (7, "0.38583300", "0.17500000"), "": (3, "0.00000000", "0.03500000")})
    expect("by trunk", by_name(reports["trunk"], "trunk", *sums), {
        "T1": (6, "0.21000000", "0.11000000"), "T2": (3, "0.15083300", "0.10000000"), "": (1, "0.02500000", "0.00000000")})
    expect("by carrier", by_name(reports["carrier"], "carrier", *sums), {
        "level3": (6, "0.21000000", "0.11000000"), "telia": (3, "0.15083300", "0.10000000"),
        "": (1, "0.02500000", "0.00000000")})
    expect("by hour", by_name(reports["hour"], "hour", *sums), {
        "07": (9, "0.28583300", "0.18500000"), "08": (1, "0.10000000", "0.02500000")})
    expect("by day", by_name(reports["day"], "day", *sums), {"2026-03-02": (10, "0.38583300", "0.21000000")})
    expect("by site", by_name(reports["site"], "site", *sums), {"": (10, "0.38583300", "0.21000000")})
    table = list(csv.reader(io.StringIO(run(["report", path, "--margin", "account", "--format", "csv"]))))
    expect("by account, CSV", table, [
        "account,rows,billed_s,charge,cost,margin,currency,charge_unknown,cost_unknown,below_cost,loss".split(","),
        "beta,3,240,0.24000000,0.08500000,0.15500000,USD,0,1,1,0.02000000".split(","),
        "acme,7,271,0.14583300,0.12500000,0.02083300,USD,1,1,2,0.02000000".split(","),
    ])
    text = run(["report", path, "--margin", "account"])
    if "beta" not in text or "64.58" not in text: # 0.155 of 0.24
        sys.exit("no margin in percent:\n" + text)


def check_negative(path):
    report = json.loads(run(["report", path, "--negative", "--json"]))
    members = ("deck", "prefix", "file", "line", "cost_deck", "cost_prefix", "cost_file", "cost_line", "calls", "billed_s",
               "charge", "cost", "loss", "reason")
    expect("below cost", [tuple(group[member] for member in members) for group in report["groups"]], [
        ("retail", "44", "decks/retail.csv", 3, "l3", "44", "decks/l3.csv", 3, 2, 180, "0.06000000", "0.09000000",
         "0.03000000", ""),
        ("", "", "plan_rules.csv", 2, "l3", "1", "decks/l3.csv", 2, 1, 60, "0.00000000", "0.01000000", "0.01000000", "free"),
    ])
    text = run(["report", path, "--negative"])
    if "retail 44 (decks/retail.csv:3)" not in text or "l3 44 (decks/l3.csv:3)" not in text or "2026-03-02:2" not in text:
        sys.exit("nobody is blamed:\n" + text)
    table = list(csv.DictReader(io.StringIO(run(["report", path, "--negative", "--format", "csv"]))))
    expect("below cost, CSV", [(row["destination"], row["line"], row["cost_line"], row["loss"]) for row in table],
           [("United Kingdom", "3", "3", "0.03000000"), ("USA", "2", "2", "0.01000000")])


def check_least_cost(path):
    report = json.loads(run(["report", path, "--least-cost", "--json"]))
    found = {group["destination"]: (group["calls"], group["duration_s"], group["cost"], group["cheapest"], group["saved"],
                                    {vendor["carrier"]: (vendor["calls"], vendor["cost"]) for vendor in group["vendors"]})
             for group in report["groups"]}
    expect("least cost", found, {
        # level3: 60 and 66 s at 0.01; telia: one and two minutes
        "United States": (2, 121, "0.06000000", "level3", "0.03900000",
                          {"level3": (2, "0.02100000"), "telia": (2, "0.07500000")}),
        "United Kingdom": (2, 180, "0.09000000", "telia", "0.01500000",
                           {"level3": (2, "0.09000000"), "telia": (2, "0.07500000")}),
        # level3 has no rate, and of one call nobody knows what it costs now
        "Mexico": (2, 120, None, "telia", None, {"level3": (0, "0.00000000"), "telia": (2, "0.05000000")}),
        "USA": (1, 60, "0.01000000", "level3", "0.00000000", {"level3": (1, "0.01000000"), "telia": (1, "0.02500000")}),
        "Everywhere": (1, 60, "0.02500000", "telia", "0.00000000",
                       {"level3": (0, "0.00000000"), "telia": (1, "0.02500000")}),
    })
    table = list(csv.DictReader(io.StringIO(run(["report", path, "--least-cost", "--format", "csv"]))))
    expect("least cost, CSV", [tuple(row.values()) for row in table if row["destination"] == "United Kingdom"], [
        ("United Kingdom", "USD", "2", "180", "0.09000000", "level3", "2", "0.09000000", "no", ""),
        ("United Kingdom", "USD", "2", "180", "0.09000000", "telia", "2", "0.07500000", "yes", "0.01500000"),
    ])
    if "telia" not in run(["report", path, "--least-cost"]):
        sys.exit("least cost names no vendor")


def check_explain(path, lines):
    for record, wanted in (("us2", ["plan from_telia, by the assignment to the trunk's carrier telia", "fx.csv:2",
                                    "0.04 EUR x 1.25, rounded", "0.05000000 USD"]),
                           ("mx1", ["plan from_level3", "not known, no_prefix"]),
                           ("in", ["none is assigned at the call's start", "not known, no_plan"]),
                           ("none", ["none: nobody answered"])):
        text = run(["explain", path, "%s:%s" % (lines[record]["day"], lines[record]["row"])])
        for words in wanted:
            if words not in text:
                sys.exit("explain %s says nothing like %r:\n%s" % (record, words, text))


def check_refusals(folder, path, cdrs):
    plain = dict(BOOK, **{"assignments.csv": "subject,plan\ndefault,p\n"})
    write_book(os.path.join(folder, "plain"), plain)
    bare = os.path.join(folder, "bare")
    receipt = json.loads(run(["rate", "--book", os.path.join(folder, "plain"), "--cdrs", cdrs, "-o", bare, "--json"]))
    expect("a run without costs", "cost" in receipt, False)
    run(["report", bare, "--margin", "account"], 78)
    run(["report", bare, "--least-cost"], 78)
    run(["report", path], 2)
    run(["report", path, "--negative", "--least-cost"], 2)
    run(["report", path, "--margin", "weather"], 2)
    run(["report", path, "--negative", "--json", "--format", "csv"], 2)
    run(["report", os.path.join(folder, "nowhere"), "--negative"], 66)


# Italy gets a price, so one line is rated again; all costs stay what they were.
def check_only_suspense(folder, path, cdrs):
    more = dict(BOOK, **{"decks/retail.csv": BOOK["decks/retail.csv"] + "39,Italy,0.12\n"})
    write_book(os.path.join(folder, "more"), more)
    merged = os.path.join(folder, "merged")
    receipt = json.loads(run(["rate", "--book", os.path.join(folder, "more"), "--cdrs", cdrs, "--only-suspense", path,
                              "-o", merged, "--json"]))
    expect("rated again", (receipt["kept"], receipt["charge"], receipt["cost"], receipt["margin"], receipt["cost_statuses"]),
           (9, "0.50583300", "0.21000000", "0.29583300", {"rated": 7, "no_plan": 1, "no_prefix": 1}))
    run(["verify", merged])
    line = [row for row in csv.DictReader(io.StringIO(run(["export", merged, "--format", "csv"])))
            if row["record_id"] == "italy"][0]
    expect("Italy", (line["charge"], line["cost"], line["cost_deck"]), ("0.12000000", "0.02500000", "telia"))


def main():
    folder = tempfile.mkdtemp(prefix="tollmill-costs-")
    try:
        book, cdrs, path = (os.path.join(folder, name) for name in ("book", "cdrs", "run"))
        write_book(book, BOOK)
        write_calls(os.path.join(folder, "calls.csv"))
        run(["import", "--spec", SPEC, "-o", cdrs, os.path.join(folder, "calls.csv")])
        receipt = json.loads(run(["rate", "--book", book, "--cdrs", cdrs, "-o", path, "--json"]))
        check_totals(path, receipt)
        lines = check_lines(path)
        check_margins(path)
        check_negative(path)
        check_least_cost(path)
        check_explain(path, lines)
        run(["verify", path])
        check_only_suspense(folder, path, cdrs)
        check_refusals(folder, path, cdrs)
    finally:
        shutil.rmtree(folder)
    print("costs, margins and vendors are what they are by hand")


main()
