"""tollmill compare against sums made here from the exported lines: every table, two months of random calls, two currencies, costs,
surcharges, suspense. Flags month over month are worked out by hand. Any number of threads writes the same bytes."""
import csv
import datetime
import decimal
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import zoneinfo

TOLLMILL = os.environ["TOLLMILL"]
SPEC = os.path.join(os.environ["TOLL_SOURCE_DIR"], "data", "providers", "tollmill.yaml")
ZONE = zoneinfo.ZoneInfo("America/New_York")
decimal.getcontext().prec = 60

BOOK = {
    "book.yaml": "book: months\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account,name,currency\nacme,Acme Ltd,\nbeta,Beta GmbH,EUR\ngamma,Gamma Inc,\n",
    "numbers.csv": "number,account\n12125550100,acme\n12125550200,beta\n12125550300,gamma\n",
    "carriers.csv": "carrier,feed_role\nlevel3,\n",
    "trunks.csv": "trunk,carrier\nT1,level3\n",
    "plans.csv": "plan\np\neuro\nfrom_level3\n",
    "assignments.csv": "subject,plan,side\ndefault,p,\naccount:beta,euro,\ncarrier:level3,from_level3,buy\n",
    "plan_rules.csv": "plan,action,class,deck,priority\np,free,toll_free,,1\np,deck,,retail,2\neuro,deck,,euro,1\n"
                      "from_level3,deck,,l3,\n",
    "decks.csv": "deck,currency\nretail,\neuro,EUR\nl3,\n",
    "decks/retail.csv": "prefix,destination,rate\n1,United States,0.05\n1212,New York,0.03\n44,United Kingdom,0.02\n",
    "decks/euro.csv": "prefix,destination,rate\n1,United States,0.04\n44,United Kingdom,0.03\n52,Mexico,0.09\n",
    "decks/l3.csv": "prefix,destination,rate,increment_s\n1,USA,0.01,6\n44,UK,0.025,1\n",
    "fx.csv": "from,to,date,rate\nUSD,EUR,2026-01-01,0.8\n",
    "surcharges.csv": "subject,measure,amount,short_s,threshold_percent,apply\ndefault,short_calls,0.01,12,0.5,excess\n",
}
CALLERS = ["+12125550100", "+12125550200", "+12125550300", "+13105550999"]
CALLEES = ["+12015550111", "+12125550777", "+442079460000", "+525512345678", "+18005550111", "+390612345678"]


def run(*arguments, code=0):
    done = subprocess.run([TOLLMILL, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != code:
        sys.exit("%s: exit code %d, not %d\n%s%s" % (" ".join(arguments), done.returncode, code, done.stdout, done.stderr))
    return done.stdout


def expect(what, found, wanted):
    if found != wanted:
        if isinstance(found, dict) and isinstance(wanted, dict):
            for key in sorted(set(found) | set(wanted), key=str):
                if found.get(key) != wanted.get(key):
                    print("%r:\n  found  %r\n  wanted %r" % (key, found.get(key), wanted.get(key)), file=sys.stderr)
        sys.exit("%s:\n  found  %r\n  wanted %r" % (what, found, wanted))


def write_book(folder, files):
    os.makedirs(os.path.join(folder, "decks"))
    for name, text in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as stream:
            stream.write(text)


def write_calls(path, calls):
    with open(path, "w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow("record_id,start,duration_s,caller,callee,trunk,answered,direction".split(","))
        rows.writerows(calls)


def random_calls(seed, month, days, count):
    rng = random.Random(seed)
    calls = []
    for i in range(count):
        start = datetime.datetime(2026, month, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(
            milliseconds=rng.randrange(days * 86400000))
        answered = rng.random() < 0.9
        calls.append(["r%d" % i, start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                      rng.randrange(1, 400) if answered else 0, rng.choice(CALLERS), rng.choice(CALLEES),
                      rng.choice(["T1", ""]), "yes" if answered else "no", "out"])
    return calls


def rate(book, cdrs, path):
    run("rate", "--book", book, "--cdrs", cdrs, "-o", path, "--quiet")
    return path


# ---- the same sums, made here ----

def exported(path):
    return list(csv.DictReader(io.StringIO(run("export", path, "--format", "csv", "--csv-safe", "raw"))))


def periods(path):
    return list(csv.DictReader(io.StringIO(run("export", path, "--what", "period", "--format", "csv"))))


def money(text):
    return decimal.Decimal(text or "0")


class Measure:
    def __init__(self):
        self.rows = self.rated = self.suspense = self.billed_s = 0
        self.charge = self.cost = self.periods = decimal.Decimal(0)

    def add(self, line):
        self.rows += 1
        self.rated += line["status"] == "rated"
        self.suspense += line["status"] in ("suspense", "conflict")
        if line["service"] == "voice" and line["status"] not in ("suspense", "conflict"):
            self.billed_s += int(line["billed"] or 0)
        self.charge += money(line["charge"])
        self.cost += money(line["cost"])

    def values(self):
        return (self.rows, self.rated, self.suspense, self.billed_s, "%.8f" % self.charge, "%.8f" % self.cost)


def keys_of(line):
    at = datetime.datetime.fromisoformat(line["start"].replace("Z", "+00:00")).astimezone(ZONE)
    return {
        "totals": (), "accounts": (line["account"],), "destinations": (line["destination"],), "classes": (line["class"],),
        "jurisdictions": (line["jurisdiction"],), "decks": (line["deck"],), "hours": (at.isoweekday(), at.hour),
        "days": (at.date().isoformat(),), "statuses": (line["status"], line["reason"]),
    }


def tables_of(paths):
    tables = {}
    for book, path in enumerate(paths):
        for line in exported(path):
            for table, key in keys_of(line).items():
                row = tables.setdefault(table, {}).setdefault(key + (line["currency"] or "USD",), [Measure() for _ in paths])
                row[book].add(line)
        for charge in periods(path):
            for table, key in (("accounts", (charge["account"], charge["currency"])), ("totals", (charge["currency"],))):
                row = tables[table].setdefault(key, [Measure() for _ in paths])
                row[book].periods += money(charge["charge"])
    return tables


KEYS = {"totals": (), "accounts": ("account",), "destinations": ("destination",), "classes": ("class",),
        "jurisdictions": ("jurisdiction",), "decks": ("deck",), "hours": ("weekday", "hour"), "days": ("day",),
        "statuses": ("status", "reason")}
VALUES = ("rows", "rated", "suspense", "billed_s", "charge", "cost")


def check_tables(document, paths):
    wanted = tables_of(paths)
    for table, names in KEYS.items():
        found = {tuple(row[name] for name in names) + (row["currency"],):
                 [tuple(book[value] for value in VALUES) for book in row["books"]] for row in document[table]}
        expect(table, found, {key: [measure.values() for measure in row] for key, row in wanted[table].items()})
    for table in ("accounts", "totals"):
        for row in document[table]:
            key = tuple(row[name] for name in KEYS[table]) + (row["currency"],)
            for book, measure in zip(row["books"], wanted[table][key]):
                expect("periods of %r" % (key,), book["periods"], "%.8f" % measure.periods)
                expect("margin of %r" % (key,), book["margin"], "%.8f" % (measure.charge + measure.periods - measure.cost))
                if table == "totals":
                    accounts = sum(1 for k, row in wanted["accounts"].items()
                                   if k[0] and k[1] == key[-1] and row[row_index(document, book, key)].rows)
                    expect("accounts", book["accounts"], accounts)
    return wanted


def row_index(document, book, key):
    for row in document["totals"]:
        if row["currency"] == key[-1]:
            return next(i for i, one in enumerate(row["books"]) if one is book)
    raise AssertionError(key)


def percent(base, other):
    if base == 0:
        return "0.00" if other == 0 else None
    return str(((other - base) * 100 / abs(base)).quantize(decimal.Decimal("0.01"), decimal.ROUND_HALF_UP) + 0)


def check_impact(document, wanted):
    """Winners, losers, percentiles from the accounts."""
    for impact in document["impact"]:
        changes = []
        for key, row in wanted["accounts"].items():
            base, other = (measure.charge + measure.periods for measure in (row[0], row[impact["book"]]))
            there = any(measure.rows or measure.periods for measure in (row[0], row[impact["book"]]))
            if key[0] and key[1] == impact["currency"] and there:
                changes.append((base, other))
        expect("winners", impact["winners"], sum(1 for base, other in changes if other < base))
        expect("losers", impact["losers"], sum(1 for base, other in changes if other > base))
        expect("same", impact["same"], sum(1 for base, other in changes if other == base))
        expect("won", impact["won"], "%.8f" % sum(min(other - base, 0) for base, other in changes))
        expect("lost", impact["lost"], "%.8f" % sum(max(other - base, 0) for base, other in changes))
        expect("moved", impact["moved"], sum(1 for base, other in changes
                                             if other != base and (base == 0 or abs(other - base) * 10 > abs(base))))
        for p, found in impact["percentiles"].items():
            ordered = sorted(other - base for base, other in changes)
            expect("percentile " + p, found, "%.8f" % ordered[-(-int(p) * len(ordered) // 100) - 1])
        expect("classes", sum(impact["classes"].values()), len(changes))
    for table in ("accounts", "destinations"):
        for row in document[table]:
            base = money(row["books"][0]["charge"]) + money(row["books"][0].get("periods"))
            for book in row["books"][1:]:
                other = money(book["charge"]) + money(book.get("periods"))
                expect("difference", book["difference"], "%.8f" % (other - base))
                expect("percent", book["percent"], percent(base, other))


def check_csv(document, paths):
    """The CSV of every table says what the document says."""
    names = [book["name"] for book in document["books"]]
    for table, keys in KEYS.items():
        rows = list(csv.DictReader(io.StringIO(
            run("compare", *paths, "--format", "csv", "--table", table, "--quiet", code=1))))
        expect("rows of " + table, len(rows), len(document[table]) * len(paths))
        for i, row in enumerate(rows):
            of, book = document[table][i // len(paths)], i % len(paths)
            expect("book", row["book"], names[book])
            for name in keys + ("currency",):
                expect(name, row[name], str(of[name]))
            for name, value in of["books"][book].items():
                expect(name, row[name], "" if value is None else str(value))


def by_place(path):
    return {(line["day"], line["row"]): line for line in exported(path)}


def check_same_calls(document, paths):
    """What moved, and in and out of suspense, from the pairs of lines."""
    a, b = by_place(paths[0]), by_place(paths[1])
    expect("calls", set(a), set(b))
    moves, moved = {}, {}
    for place, line in a.items():
        other = b[place]
        statuses = tuple(one[name] for one in (line, other) for name in ("status", "reason"))
        if statuses[:2] != statuses[2:] and "suspense" in statuses:
            currency = (line if statuses[0] != "suspense" else other if statuses[2] != "suspense" else line)["currency"] or "USD"
            sums = moves.setdefault(statuses + (currency,), [0, decimal.Decimal(0), decimal.Decimal(0)])
            for k, more in enumerate((1, money(line["charge"]), money(other["charge"]))):
                sums[k] += more
        for one, of in ((line, 0), (other, 1)):
            key = (line["deck"] or ("free" if line["reason"] == "free" else ""), line["prefix"],
                   one["currency"] or "USD")
            sums = moved.setdefault(key, [0, decimal.Decimal(0), decimal.Decimal(0)])
            sums[0] += of == 0
            sums[1 + of] += money(one["charge"])
    found = {tuple(move[name] for name in ("base_status", "base_reason", "status", "reason", "currency")):
             [move["rows"], move["base_charge"], move["charge"]] for move in document["suspense"]}
    expect("suspense", found, {key: [rows, "%.8f" % base, "%.8f" % then] for key, (rows, base, then) in moves.items()})
    found, rest = {}, {}
    for row in document["moved"]:
        key = (row.get("deck") or row.get("kind") or "", row.get("prefix") or "", row["currency"])
        sums = rest.setdefault(row["currency"], []) if "left_out" in row else found.setdefault(key, [])
        sums.append([row["rows"], money(row["charge"]), money(row["charge_then"][0])])
    wanted = {key: [sums] for key, sums in moved.items() if sums[1] != sums[2]}
    expect("moved", found, wanted)
    expect("what does not move", rest, {currency: [[sum(sums[k] for key, sums in moved.items() if sums[1] == sums[2] and key[2] == currency)
                                                    for k in range(3)]] for currency in rest})
    document["moved"] = [row for row in document["moved"] if "left_out" not in row]
    sizes = [abs(money(row["charge_then"][0]) - money(row["charge"])) for row in document["moved"]]
    expect("order of what moved", sizes, sorted(sizes, reverse=True))


def check_whatif(document):
    """whatif with both books says what compare says of the runs that rate made with them."""
    whatif = json.loads(run("whatif", "--cdrs", "cdrs-mar", "book", "dearer", "--json", "--quiet"))
    for table in list(KEYS) + ["moved", "suspense", "impact", "same_calls", "moved_by_percent"]:
        expect("whatif's " + table, whatif[table], document[table])
    plans = {row["plan"]: row["books"][0]["charge"] for row in whatif["plans"] if row["plan"]}
    accounts = {row["account"]: row["books"][0]["charge"] for row in document["accounts"]}
    expect("plans", plans, {"p": "%.8f" % (money(accounts["acme"]) + money(accounts["gamma"])), "euro": accounts["beta"]})


# ---- by hand ----

FLAG_BOOK = {
    "book.yaml": "book: flags\ncurrency: USD\ntimezone: UTC\n",
    "accounts.csv": "account\nsame\nedge\ncalls\nminutes\ncharge\ngone\nnew\n",
    "numbers.csv": "number,account\n" + "".join("1212555010%d,%s\n" % (i, name) for i, name in enumerate(
        ("same", "edge", "calls", "minutes", "charge", "gone", "new"))),
    "plans.csv": "plan\np\n",
    "assignments.csv": "subject,plan\ndefault,p\n",
    "plan_rules.csv": "plan,action,deck\np,deck,d\n",
    "decks/d.csv": "prefix,destination,rate,increment_s\n1,US,0.06,1\n44,UK,0.12,1\n",
}


def flag_calls(month, table):
    calls = []
    for i, (count, seconds, callee) in enumerate(table):
        for k in range(count):
            calls.append(["%d-%d" % (i, k), "2026-%02d-03T10:00:%02dZ" % (month, k), seconds, "+1212555010%d" % i, callee, "",
                          "yes", "out"])
    return calls


def check_flags(folder):
    """By account calls, minutes and charge; the limit is 10 %, which 10 % are not beyond."""
    us, uk = "+12015550111", "+442079460000"
    #            same          edge          calls         minutes       charge        gone         new
    february = [(10, 60, us), (10, 60, us), (10, 66, us), (10, 60, us), (10, 60, us), (3, 60, us), (0, 0, us)]
    #            as it was     11 calls, 10 %  12 of 55 s    71 s: 18.3 %  twice as dear  none         two calls
    march = [(10, 60, us), (11, 60, us), (12, 55, us), (10, 71, us), (10, 60, uk), (0, 0, us), (2, 60, us)]
    write_book("book", FLAG_BOOK)
    for name, month, calls in (("feb", 2, february), ("mar", 3, march)):
        write_calls(name + ".csv", flag_calls(month, calls))
        run("import", "--spec", SPEC, "-o", "cdrs-" + name, name + ".csv", "--quiet")
        rate("book", "cdrs-" + name, name)
    document = json.loads(run("compare", "feb", "mar", "--json", "--quiet", code=1))
    expect("flags", {flag["account"]: flag["flags"] for flag in document["flagged"]},
           {"calls": "calls", "minutes": "minutes charge", "charge": "charge", "gone": "vanished", "new": "appeared"})
    expect("same calls", (document["same_calls"], "moved" in document), (False, False))
    rows = {row["account"]: row for row in csv.DictReader(io.StringIO(
        run("compare", "feb", "mar", "--format", "csv", "--table", "flagged", "--quiet", code=1)))}
    expect("calls", [rows["calls"][name] for name in ("calls_base", "calls", "billed_s_base", "billed_s", "charge_base", "charge")],
           ["10", "12", "660", "660", "0.66000000", "0.66000000"])
    expect("minutes", [rows["minutes"][name] for name in ("billed_s", "charge", "difference", "percent")],
           ["710", "0.71000000", "0.11000000", "18.33"])
    expect("charge", [rows["charge"][name] for name in ("charge_base", "charge", "percent")], ["0.60000000", "1.20000000", "100.00"])
    expect("new", [rows["new"][name] for name in ("calls_base", "charge", "percent")], ["0", "0.12000000", ""])
    text = run("compare", "feb", "mar", "--quiet", code=1)
    if "Accounts beyond 10.00 % in calls, minutes or charge: 5" not in text:
        sys.exit("the text does not say what is flagged:\n" + text)
    document = json.loads(run("compare", "feb", "mar", "--moved-by", "9.99", "--json", "--quiet", code=1))
    expect("9.99", {flag["account"]: flag["flags"] for flag in document["flagged"]}["edge"], "calls minutes charge")
    # with itself nothing moves
    run("compare", "feb", "feb", "--quiet")
    os.chdir(folder)


def check_usage(paths):
    run("compare", code=2)
    for table, code, words in (("plans", 2, "compare has no table plans"), ("moved", 1, "there is no table moved")):
        done = subprocess.run([TOLLMILL, "compare", "feb", "mar", "--format", "csv", "--table", table], capture_output=True, text=True)
        if done.returncode != code or words not in done.stderr:
            sys.exit("--table %s: exit %d\n%s" % (table, done.returncode, done.stderr))
    run("compare", *paths, "--format", "csv", code=2)
    run("compare", *paths, "--format", "csv", "--table", "nonsense", code=2)
    run("compare", *paths, "--table", "totals", code=2)
    run("compare", *paths, "--moved-by", "a lot", code=2)
    run("compare", *paths, "--moved-by", "-1", code=2)
    run("compare", paths[0], "not-there", "--quiet", code=66)
    run("compare", paths[0], paths[1], "--cdrs", "cdrs-feb", "--quiet", code=65)  # not what the other one rated


def check_damage(paths):
    """One flipped bit in the lines, or a missing table, and there is no report."""
    shutil.copytree(paths[1], "damaged")
    lines = os.path.join("damaged", "lines")
    path = os.path.join(lines, sorted(os.listdir(lines))[3])
    with open(path, "r+b") as stream:
        stream.seek(4096 + 100)
        byte = stream.read(1)[0]
        stream.seek(4096 + 100)
        stream.write(bytes([byte ^ 4]))
    for threads in "12":
        expect("output", run("compare", paths[0], "damaged", "--quiet", "--threads", threads, code=65), "")
    os.remove(os.path.join("damaged", "prices.arrow"))
    expect("output", run("compare", paths[0], "damaged", "--quiet", code=65), "")
    shutil.rmtree("damaged")


def main():
    folder = tempfile.mkdtemp(prefix="toll_compare_")
    try:
        os.makedirs(os.path.join(folder, "flags"))
        os.chdir(os.path.join(folder, "flags"))
        check_flags(folder)
        write_book("book", BOOK)
        dearer = dict(BOOK)
        dearer["decks/retail.csv"] = "prefix,destination,rate\n1,United States,0.055\n44,United Kingdom,0.02\n52,Mexico,0.11\n"
        dearer["decks/euro.csv"] = "prefix,destination,rate\n1,United States,0.04\n52,Mexico,0.09\n"
        dearer["accounts.csv"] = "account,name,currency\ngamma,Gamma Inc,\nbeta,Beta GmbH,EUR\nacme,Acme Ltd,\n"
        write_book("dearer", dearer)
        for name, month, days, count in (("feb", 2, 28, 1500), ("mar", 3, 31, 2000)):
            write_calls(name + ".csv", random_calls(month, month, days, count))
            run("import", "--spec", SPEC, "-o", "cdrs-" + name, name + ".csv", "--quiet")
            rate("book", "cdrs-" + name, name)
        rate("dearer", "cdrs-mar", "mar-dearer")

        months = json.loads(run("compare", "feb", "mar", "--json", "--quiet", code=1))
        check_impact(months, check_tables(months, ["feb", "mar"]))
        check_csv(months, ["feb", "mar"])
        books = json.loads(run("compare", "mar", "mar-dearer", "--json", "--quiet", code=1))
        check_impact(books, check_tables(books, ["mar", "mar-dearer"]))
        if not any(money(book["periods"]) for row in books["accounts"] for book in row["books"]):
            sys.exit("no account has a period charge: that is not tested")
        check_whatif(books)
        check_same_calls(books, ["mar", "mar-dearer"])
        three = json.loads(run("compare", "mar", "mar-dearer", "feb", "--json", "--quiet", code=1))
        check_tables(three, ["mar", "mar-dearer", "feb"])
        check_tables(json.loads(run("compare", "mar", "--json", "--quiet")), ["mar"])
        if "Accounts that pay most" not in run("compare", "mar", "--quiet"):
            sys.exit("one run alone has no list of its accounts")
        expect("names", [book["name"] for book in three["books"]], ["mar", "mar-dearer", "feb"])

        for arguments in (["feb", "mar"], ["mar", "mar-dearer"]):
            outputs = {run("compare", *arguments, "--json", "--quiet", "--threads", threads, code=1) for threads in "123"}
            expect("threads change nothing", len(outputs), 1)
        os.rename("cdrs-feb", "moved")
        without = json.loads(run("compare", "feb", "mar", "--json", "--quiet", code=1))
        expect("hours of the month whose CDRs are known", sum(row["books"][0]["rows"] for row in without["hours"]), 0)
        expect("flags without minutes", {flag["account"] for flag in without["flagged"] if "minutes" in flag["flags"]}, set())
        expect("seconds", ["billed_s" in book for book in without["totals"][0]["books"]], [False, True])
        expect("charges without CDRs", [row["books"][0]["charge"] for row in without["totals"]],
               [row["books"][0]["charge"] for row in months["totals"]])
        os.rename("moved", "cdrs-feb")
        check_usage(["feb", "mar"])
        check_damage(["feb", "mar"])
        run("compare", "feb", "mar", "--quiet", "--html", "report.html", code=1)
        with open("report.html", encoding="utf-8") as stream:
            expect("page", stream.read(15).lower(), "<!doctype html>")
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
    print("compare: tables, impact, flags, what moved, threads")


main()
