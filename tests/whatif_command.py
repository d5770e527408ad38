"""The verb whatif: which books come of a command line, what they are called, what is refused; a sweep and the best plan, worked out
by hand.

Three accounts call the United Kingdom (60 s each). Sold: plan basic 0.10 a minute, plan flat 0.04 a call, plan pro 0.01 a minute
but nothing of it for Mexico; bought at 0.02 and 0.03 a minute. acme: 3 calls to the UK, now on basic: 0.30. beta: 1 call to the UK,
1 to Mexico (0.20 on basic), now on basic: 0.30. gamma: 1 call to the UK, on flat.
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
    "book.yaml": "book: plans\ncurrency: USD\ntimezone: UTC\n",
    "accounts.csv": "account,name\nacme,Acme Ltd\nbeta,=Beta\ngamma,\n",
    "numbers.csv": "number,account\n12125550100,acme\n12125550200,beta\n12125550300,gamma\n",
    "plans.csv": "plan\nbasic\nflat\npro\nvendor\n",
    "assignments.csv": "subject,plan,side\ndefault,basic,\naccount:gamma,flat,\ndefault,vendor,buy\n",
    "plan_rules.csv": "plan,action,deck,amount\nbasic,deck,d,\nflat,flat,,0.04\npro,deck,pro,\nvendor,deck,v,\n",
    "decks/d.csv": "prefix,destination,rate\n44,United Kingdom,0.10\n52,Mexico,0.20\n",
    "decks/pro.csv": "prefix,destination,rate\n44,United Kingdom,0.01\n",
    "decks/v.csv": "prefix,destination,rate\n44,UK,0.02\n52,Mexico,0.03\n",
}
UK, MEXICO = "+442079460000", "+525512345678"
CALLS = [("a1", "+12125550100", UK), ("a2", "+12125550100", UK), ("a3", "+12125550100", UK), ("b1", "+12125550200", UK),
         ("b2", "+12125550200", MEXICO), ("g1", "+12125550300", UK)]


def run(arguments, code=0):
    done = subprocess.run([TOLLMILL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != code:
        sys.exit("%s: exit code %d, not %d\n%s%s" % (" ".join(arguments), done.returncode, code, done.stdout, done.stderr))
    return done.stdout if code == 0 else done.stderr


def expect(what, found, wanted):
    if found != wanted:
        sys.exit("%s: %s, not %s" % (what, found, wanted))


def make(folder):
    book = os.path.join(folder, "book")
    os.makedirs(os.path.join(book, "decks"))
    for name, text in BOOK.items():
        with open(os.path.join(book, name), "w") as file:
            file.write(text)
    with open(os.path.join(folder, "cdrs.csv"), "w") as file:
        file.write("record_id,start,duration_s,caller,callee,direction,answered\n")
        for at, (record, caller, callee) in enumerate(CALLS):
            file.write("%s,2026-03-02T12:00:%02dZ,60,%s,%s,out,yes\n" % (record, at, caller, callee))
    run(["import", "--spec", SPEC, "-o", os.path.join(folder, "cdrs"), os.path.join(folder, "cdrs.csv")])
    return book, ["whatif", "--progress", "off", "--cdrs", os.path.join(folder, "cdrs")]


def charges(report):
    return [(book["name"], sums["charge"]) for book, sums in zip(report["books"], report["totals"][0]["books"])]


def books_of_a_command_line(book, whatif, folder):
    dear = os.path.join(folder, "dear")
    shutil.copytree(book, dear)
    with open(os.path.join(dear, "decks", "d.csv"), "w") as file:
        file.write("prefix,destination,rate\n44,United Kingdom,0.20\n52,Mexico,0.20\n")
    found = json.loads(run(whatif + [
        "--set", "deck:d *2", "--name", "base", book, "--name", "all", "--set", "deck:d destination:United Kingdom +0.01;;deck:d *0",
        "--books", dear, dear, "--set", "deck:d *2", "--sweep", "deck:d 0.5..1.2 step 0.5", "--json"]))
    # base 4 x 0.10 + 0.20 + 0.04; doubled but for gamma's 0.04; all 0; the UK doubled
    expect("books", charges(found), [
        ("base", "0.64000000"), ("deck:d *2", "1.24000000"), ("all", "0.04000000"), ("dear", "1.04000000"), ("dear (2)", "1.04000000"),
        ("deck:d *2 (2)", "1.24000000"), ("0.5", "0.34000000"), ("1", "0.64000000"), ("1.2", "0.76000000")])
    text = run(whatif + [book, "--set", "deck:d *2"])
    if "1.24" not in text or "6 CDRs with 2 books" not in text:
        sys.exit("text: " + text)


def the_best_plan(book, whatif):
    # more than 32 bits of hundredths of a percent: 10^8 times as much
    far = json.loads(run(whatif + [book, "--set", "deck:d *100000000", "--json"]))["impact"][0]
    expect("a percent", far["percentiles_percent"]["95"], "9999999900.00")
    plans = whatif + [book, "--best-plan", "basic,flat,pro"]
    best = json.loads(run(plans + ["--json"]))["best_plan"]
    rows = {row["account"]: row for row in best["accounts"]}
    # acme: 0.30, 0.12, 0.03, each call bought at 0.02
    expect("acme", (rows["acme"]["charge"], rows["acme"]["cheapest"], rows["acme"]["most_profitable"]), ("0.30000000", "pro", "basic"))
    expect("acme's offers", [offer["charge"] for offer in rows["acme"]["offers"]], ["0.30000000", "0.12000000", "0.03000000"])
    # beta: 0.30, 0.08, and pro has no Mexico
    expect("beta", (rows["beta"]["cheapest"], rows["beta"]["most_profitable"]), ("flat", "basic"))
    expect("beta's pro", (rows["beta"]["offers"][2]["offered"], rows["beta"]["offers"][2]["suspense"]), (False, 1))
    expect("gamma", (rows["gamma"]["charge"], rows["gamma"]["cost"], rows["gamma"]["cheapest"]), ("0.04000000", "0.02000000", "pro"))
    expect("totals", best["totals"], [{
        "currency": "USD", "accounts": 3, "without": 0, "charge": "0.64000000", "cheapest": "0.12000000", "cost": "0.13000000",
        "cheapest_cost": "0.13000000", "most_profitable": "0.70000000", "most_profitable_cost": "0.13000000"}])
    table = list(csv.DictReader(io.StringIO(run(plans + ["--format", "csv", "--table", "best_plan"]))))
    expect("rows", len(table), 9)
    expect("formula", table[3]["name"], "'=Beta")
    expect("csv", [table[4][name] for name in ("account", "plan", "plan_charge", "plan_cost", "offered", "cheapest")],
           ["beta", "flat", "0.08000000", "0.05000000", "yes", "yes"])
    alone = run(whatif + [book, "--best-plan", "pro"])
    if "none is offered" not in alone or "To 1 account no plan is offered" not in alone:
        sys.exit("the guard is not told: " + alone)


def odd_ones(folder):
    """No calls, one call, and plans whose names have blanks and quotes."""
    book, whatif = make(os.path.join(folder, "odd"))
    for name in "plans.csv", "plan_rules.csv":
        path = os.path.join(book, name)
        with open(path) as file:
            text = file.read().replace("flat,flat", "\"the \"\"flat\"\" one\",flat").replace("\nflat\n", "\n\"the \"\"flat\"\" one\"\n")
        with open(path, "w") as file:
            file.write(text)
    with open(os.path.join(book, "assignments.csv"), "w") as file:
        file.write("subject,plan,side\ndefault,basic,\ndefault,vendor,buy\n")
    best = json.loads(run(whatif + [book, "--best-plan", "basic, \"the \"\"flat\"\" one\" ", "--json"]))["best_plan"]
    expect("quoted plan", [(row["account"], row["cheapest"]) for row in best["accounts"]],
           [("acme", "the \"flat\" one"), ("beta", "the \"flat\" one"), ("gamma", "the \"flat\" one")])
    with open(os.path.join(book, "accounts.csv"), "w") as file:
        file.write("account\n\"acme, co\"\nbeta\n\"\"\"q\"\"\"\n")
    with open(os.path.join(book, "numbers.csv"), "w") as file:
        file.write("number,account\n12125550100,\"acme, co\"\n12125550200,beta\n12125550300,\"\"\"q\"\"\"\n")
    for account, others in (('"""acme, co"""', "0.40"), ('"""acme, co"" , beta"', "0.10"), ('"""""""q"""""""', "0.60")):
        for more in [], ["--compile"]:
            change = "plan:pro accounts:" + account
            found = json.loads(run(whatif + [book, "--set", change, "--json"] + more))["accounts"]
            stayed = [row for row in found if row["books"][0]["charge"] == row["books"][1]["charge"]]
            expect(change, "%.2f" % sum(float(row["books"][0]["charge"]) for row in stayed), others)
    text = run(whatif + [book, "--best-plan", "basic", "--from", "2026-03-05"])
    if "There are no calls" not in text or "0 CDRs" not in text or "Best plan" in text:
        sys.exit("no calls: " + text)
    page = os.path.join(folder, "none.html")
    run(whatif + [book, "--best-plan", "basic", "--from", "2026-03-05", "--html", page, "--quiet"])
    expect("no calls", json.loads(run(whatif + [book, "--best-plan", "basic", "--from", "2026-03-05", "--json"]))["totals"], [])


def several_currencies(folder):
    """euro's account is in EUR: plans with decks in USD are nothing for it, and a plan that only has a fixed amount is for all."""
    book, whatif = make(os.path.join(folder, "euro"))
    tables = {
        "accounts.csv": "account,name,currency\nacme,,\nbeta,,USD\neuro,,EUR\n",
        "numbers.csv": "number,account\n12125550100,acme\n12125550200,beta\n12125550300,euro\n",
        "assignments.csv": "subject,plan\naccount:acme,basic\naccount:beta,basic\naccount:euro,euros\n",
        "plans.csv": "plan\nbasic\nflat\npro\neuros\nmixed\n",
        "plan_rules.csv": "plan,action,deck,amount\nbasic,deck,d,\nflat,flat,,0.04\npro,deck,pro,\neuros,deck,e,\n"
                          "mixed,deck,d,\nmixed,deck,e,\n",
        "decks.csv": "deck,currency\ne,EUR\nd,USD\n", "decks/e.csv": "prefix,destination,rate\n44,UK,0.07\n52,Mexico,0.07\n",
    }
    for name, text in tables.items():
        with open(os.path.join(book, name), "w") as file:
            file.write(text)
    plans = whatif + [book, "--best-plan", "basic,flat,pro,euros"]
    found = json.loads(run(plans + ["--json"]))
    rows = {row["account"]: row for row in found["best_plan"]["accounts"]}
    # acme: 3 calls: 0.30, 0.12, 0.03 USD; euro: 1 call: now 0.07 EUR, flat 0.04
    expect("acme", [(o["charge"], o["offered"], o["why"]) for o in rows["acme"]["offers"]],
           [("0.30000000", True, None), ("0.12000000", True, None), ("0.03000000", True, None), (None, False, "currency")])
    expect("beta", [(o["charge"], o["why"]) for o in rows["beta"]["offers"]],
           [("0.30000000", None), ("0.08000000", None), ("0.01000000", "suspense"), (None, "currency")])
    expect("euro", [(o["charge"], o["offered"], o["why"]) for o in rows["euro"]["offers"]],
           [(None, False, "currency"), ("0.04000000", True, None), (None, False, "currency"), ("0.07000000", True, None)])
    expect("who stays", [book.get("not_moved") for book in found["books"]], [None, ["euro"], None, ["euro"], ["acme", "beta"]])
    expect("totals", [(t["currency"], t["charge"], t["cheapest"]) for t in found["best_plan"]["totals"]],
           [("EUR", "0.07000000", "0.04000000"), ("USD", "0.60000000", "0.11000000")])
    table = list(csv.DictReader(io.StringIO(run(plans + ["--format", "csv", "--table", "best_plan"]))))
    expect("csv", [(row["plan"], row["plan_charge"], row["why"]) for row in table if row["account"] == "euro"],
           [("basic", "", "currency"), ("flat", "0.04000000", ""), ("pro", "", "currency"), ("euros", "0.07000000", "")])
    both = json.loads(run(whatif + [book, "--set", "plan:pro accounts:* ;; plan:flat accounts:euro", "--json"]))["books"]
    expect("moved by a later part", [one.get("not_moved") for one in both], [None, None])
    text = run(whatif + [book, "--set", "plan:pro accounts:*"])
    if "1 account is on no other plan, as its decks are in another currency: euro" not in text:
        sys.exit("who stays is not told: " + text)
    page = os.path.join(folder, "page.html")
    run(plans + ["--html", page])
    with open(page) as file:
        if "<p>pro: accounts that stay on their plans, as its decks are in another currency: euro.</p>" not in file.read():
            sys.exit("who stays is not in the page")
    said = run(whatif + [book, "--set", "plan:mixed accounts:*"], 78)
    if "no account has the currency of all decks of the plan" not in said:
        sys.exit("mixed: " + said)
    run(whatif + [book, "--set", "plan:pro accounts:euro"], 78) # by name: it is what was asked for


REFUSED = [
    ([], 2, "BOOK is missing"),
    (["BOOK", ""], 2, "a word is empty where BOOK [BOOK]... is meant"),
    (["BOOK"], 2, "there is nothing to compare the book with"),
    (["BOOK", "--set", "deck:d *2", "--name", "x"], 2, "--name \"x\" names nothing"),
    (["BOOK", "--name", "x", "--sweep", "deck:d 1..2 step 1"], 2, "--name \"x\" names nothing"),
    (["BOOK", "--name", "x", "--sweep", "deck:d 1..2 step 1", "--set", "deck:d *2"], 2, "--name \"x\" names nothing"),
    (["BOOK", "--name", "x", "--name", "y", "--set", "deck:d *2"], 2, "--name \"x\" and --name \"y\" stand before one"),
    (["--name", "x", "--name", "y", "BOOK", "--set", "deck:d *2"], 2, "--name \"x\" and --name \"y\" stand before one"),
    (["BOOK", "--set", "plan:pro accounts:\"\""], 78, "accounts: names none; write accounts:A,B, or accounts:* for all"),
    (["BOOK", "--set", "plan:pro accounts:\" , \""], 78, "accounts: names none"),
    (["BOOK", "--set", "plan:pro accounts:acme, ,beta"], 78, "there is no account \"\""),
    (["BOOK", "--set", "plan:pro accounts:\"\"\"acme\"\" x, beta\""], 78, "there is no account \"\"acme\" x\""),
    (["BOOK", "--set", "deck:d * 2"], 78, "\"2\" stands behind a blank; write *1.05 or +0.001 as one word"),
    (["BOOK", "--set", "deck:d*2"], 78, "file=SHEET behind the name and a blank"),
    (["BOOK", "--set", "deck:e *2"], 78, "there is no deck \"e\"; there are d, pro, v"),
    (["BOOK", "--set", "plan:prp accounts:*"], 78, "did you mean \"pro\"?"),
    (["BOOK", "--set", "deck:d rats=1"], 78, "there is no column \"rats\""),
    (["BOOK", "--set", "deck:d -0.15"], 78, "decks/d.csv: \"0.10\", changed so, is below 0"),
    (["BOOK", "--set", "plan:vendor accounts:acme"], 78, "a plan is either sold or bought by"),
    (["BOOK", "--set", "book:decks file=/nowhere/decks.csv"], 66, "/nowhere/decks.csv"),
    (["BOOK", "--sweep", "deck:d 1..2"], 2, "has no step"),
    (["BOOK", "--sweep", "deck:d 0..6.3 step 0.1"], 2, "more than 64 books"),
    (["BOOK", "--best-plan", "pro,"], 2, "--best-plan has an empty name"),
    (["BOOK", "--best-plan", "pro,,flat"], 2, "--best-plan has an empty name"),
    (["BOOK", "--best-plan", "\"pro"], 2, "a name's quote does not end where the name does"),
    (["BOOK", "--best-plan", "\"pro\"x"], 2, "a name's quote does not end where the name does"),
    (["BOOK", "--set", "deck:d *2", "--format", "csv", "--table", "totals", "--json"], 2, "two formats"),
    (["BOOK", "--set", "deck:d *2", "--format", "csv"], 2, "--format csv needs --table NAME"),
    (["BOOK", "--set", "deck:d *2", "--format", "csv", "--table", "best_plan"], 2, "goes with --best-plan"),
    (["BOOK", "--set", "deck:d *2", "--table", "nothing"], 2, "there is no table \"nothing\""),
    (["BOOK", "--set", "deck:d *2", "--moved-by", "ten"], 2, "--moved-by"),
    (["BOOK", "--set", "deck:d *2", "--from", "2026-03-02", "--to", "2026-03-02"], 2, "is not after"),
]


def main():
    folder = tempfile.mkdtemp(prefix="tollmill-whatif-")
    book, whatif = make(folder)
    books_of_a_command_line(book, whatif, folder)
    the_best_plan(book, whatif)
    odd_ones(folder)
    several_currencies(folder)
    for arguments, code, words in REFUSED:
        said = run(whatif + [book if argument == "BOOK" else argument for argument in arguments], code)
        if words not in said:
            sys.exit("%s says %s, not %s" % (arguments, said, words))
    shutil.rmtree(folder)
    print("books, best plans and refusals as they should be")


main()
