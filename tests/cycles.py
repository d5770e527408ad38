"""Cycles from end to end: a year rated month after month, each month closed before the next, is the year rated at once.

Two accounts whose periods begin on the 1st and on the 15th, in New York; a bundle whose rest rolls over for two months, a
number's bundle, tiers with fees and a minimum, volume tiers, surcharges. Line by line, period charge by period charge and
balance by balance. Late calls are appended and put in order; damaged, missing and pruned files are refused with the remedy.
"""
import csv
import glob
import io
import json
import os
import random
import shutil
from decimal import Decimal

import fault_tools as tools
from fault_tools import write

CALLS = int(os.environ.get("CYCLE_CALLS", "60"))  # a month
BOOK = {
    "book.yaml": "book: cycles\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account,timezone,cycle_day\nacme,America/New_York,1\nbeta,America/New_York,15\n",
    "numbers.csv": "number,account\n12125550100-12125550103,acme\n12125550200-12125550203,beta\n",
    "plans.csv": "plan\np\n",
    "assignments.csv": "subject,plan\ndefault,p\n",
    "plan_rules.csv": "plan,action,deck,tiers,service,priority\np,deck,d,,voice,1\np,tiers,,t,sms,1\np,tiers,,v,event,1\n",
    "decks.csv": "deck\nd\n",
    "decks/d.csv": "prefix,rate,increment_s,connect_fee\n1,0.06,6,0.01\n44,0.12,30,\n",
    "bundles.csv": "bundle,unit,quantity,scope,rollover_periods,period,debit,increment,priority\n"
                   "minutes,s,3000,account,2,anchor,billed,,2\nown,s,400,number,0,month,used,10,1\n",
    "subscriptions.csv": "subject,bundle\naccount:acme,minutes\naccount:beta,minutes\nnumber:12125550101,own\nnumber:12125550201,own\n",
    "tiers.csv": "tiers,unit,mode,period,from_qty,rate,flat,minimum_spend\n"
                 "t,message,graduated,anchor,,0.02,1,3\nt,,,,20,0.01,2,\nv,event,volume,anchor,,1,,\nv,,,,3,0.5,4,\n",
    "surcharges.csv": "subject,measure,short_s,amount\ndefault,short_calls,20,0.001\n",
}
MONTHS = [(2026, m) for m in range(1, 13)]


def days_of(year, month):
    return (31, 28 + (year % 4 == 0), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def first_of_next(year, month):
    return "%04d-%02d-01" % (year + month // 12, month % 12 + 1)


def month_rows(chance, year, month, count, name):
    """Calls of a month as New York sees it: at the edges of days, too."""
    rows = []
    for i in range(count):
        day = 1 + chance.randrange(days_of(year, month))
        clock = chance.choice(("00:00:00", "23:59:59", "%02d:%02d:%02d" % (chance.randrange(24), chance.randrange(60), chance.randrange(60))))
        offset = "-04:00" if (3, 9) <= (month, day) < (11, 1) else "-05:00"
        number = chance.choice(("1212555010%d", "1212555020%d")) % chance.randrange(4)
        service, duration, quantity = "voice", chance.choice((1, 13, 60, 61, 200, 700)), ""
        if chance.random() < 0.3:
            service, duration, quantity = chance.choice(("sms", "event")), 0, chance.choice((1, 2, 5, -1))
        callee = chance.choice(("+12015550111", "+442079460000", "+33123456789"))  # the last has no price
        rows.append("%s%d,%04d-%02d-%02dT%s%s,%s,+%s,%s,%s,%s\n" %
                    (name, i, year, month, day, clock, offset, duration, number, callee, service, quantity))
    return rows


def import_rows(data, rows):
    with open("calls.csv", "w", encoding="utf-8") as out:
        out.writelines(["record_id,start,duration_s,caller,callee,service,quantity\n"] + rows)
    tools.ok("import", "--spec", tools.SPEC, "-o", data, "calls.csv", "--quiet")


def table(*arguments):
    return list(csv.DictReader(io.StringIO(tools.ok("export", *arguments, "--format", "csv"))))


def lines(run, data):
    return {row["record_id"]: row for row in table(run, "--cdrs", data)}


def period_charges(run):
    return {(row["period"], row["account"], row["site"], row["number"], row["tiers"], row["kind"]): Decimal(row["charge"])
            for row in table(run, "--what", "period")}


def balances(run):
    found = json.loads(tools.ok("summary", run, "--pools", "--json", "--unmask"))
    return found["pools"], found["tiers"]


def closing(account, date):
    """First day of the account's open period when all is closed until a first of a month."""
    year, month, _ = (int(word) for word in date.split("-"))
    if account == "acme":
        return date
    return "%04d-%02d-15" % (year - (month == 1), 12 if month == 1 else month - 1)


def same_line(row, wanted):
    for key in ("status", "reason", "account", "billed", "included", "charge", "bundle", "deck", "prefix"):
        assert row[key] == wanted[key], (key, row, wanted)


def chain(data, months, late=None, mode="append"):
    """Rates and closes; gives each line as it was billed, the period charges that were billed, and the last run."""
    billed, charges, after = {}, {}, []
    for k, (year, month) in enumerate(months):
        import_rows(data, months[year, month] + (late or {}).get((year, month), []))
        run, state, date = "run%d" % k, "state%d" % k, first_of_next(year, month)
        tools.ok("rate", "--book", "book", "--cdrs", data, "-o", run, "--quiet", *after)
        for record, row in lines(run, data).items():
            if row["reason"] != "closed":
                billed[record] = row
            else:
                assert row["status"] == "zero_rated" and row["billed"] == "0" and row["charge"] == "0.00000000", row
                assert record in billed and row["account"] == billed[record]["account"], row
        for key, charge in period_charges(run).items():
            if key[0] < closing(key[1], date) or k == len(months) - 1:
                charges[key] = charges.get(key, 0) + charge
        tools.ok("verify", run)
        if k < len(months) - 1:
            tools.ok("close", run, "--cdrs", data, "--until", date, "-o", state)
            after = ["--after", state, "--late", mode]
    return billed, {key: charge for key, charge in charges.items() if charge}, run


def clean(*names):
    for name in names:
        for path in glob.glob(name):
            shutil.rmtree(path)


def year_at_once():
    """All calls in time."""
    chance = random.Random(7)
    months = {when: month_rows(chance, *when, CALLS, "c%02d-" % when[1]) for when in MONTHS}
    billed, charges, last = chain("data", months)
    tools.ok("rate", "--book", "book", "--cdrs", "data", "-o", "whole", "--quiet")
    whole = lines("whole", "data")
    assert set(whole) == set(billed) and len(whole) == 12 * CALLS
    for record, row in whole.items():
        same_line(billed[record], row)
    wanted = {key: charge for key, charge in period_charges("whole").items() if charge}
    assert charges == wanted, sorted(set(charges.items()) ^ set(wanted.items()))
    assert {"tier_fee", "minimum_spend", "short_calls"} <= {key[5] for key in wanted}
    assert balances(last) == balances("whole")
    kinds = {row["bundle"] for row in whole.values()}
    assert kinds == {"", "minutes", "own"}, kinds
    assert any(pool["rolled_in"] for pool in balances("whole")[0])
    clean("run*", "state*", "data", "whole")


def late_calls():
    """Calls of a closed month that come in the next: put in order they give what one run gives in all; appended they draw on
    what is left. The closed lines stay."""
    chance = random.Random(8)
    months = {when: month_rows(chance, *when, CALLS, "c%02d-" % when[1]) for when in MONTHS[:4]}
    late = {MONTHS[k + 1]: month_rows(chance, *MONTHS[k], 12, "l%02d-" % (k + 1)) for k in range(2)}
    billed, charges, last = chain("data", months, late, "reorder")
    tools.ok("rate", "--book", "book", "--cdrs", "data", "-o", "whole", "--quiet")
    whole = lines("whole", "data")
    assert set(whole) == set(billed)
    for record, row in whole.items():
        same_line(billed[record], row)
    assert balances(last) == balances("whole")
    assert any(key[5] == "already_billed" for run in ("run1", "run2") for key in period_charges(run))
    clean("run*", "state*", "data")
    billed, charges, last = chain("data", months, late, "append")
    for record, row in whole.items():
        same_line({**billed[record], "included": "", "charge": "", "bundle": "", "billed": "", "status": "", "reason": ""},
                  {**row, "included": "", "charge": "", "bundle": "", "billed": "", "status": "", "reason": ""})
    for record in (name for name in billed if name.startswith("l")):
        assert billed[record]["reason"] != "closed"
    assert not any(key[5] == "already_billed" for key in charges)
    assert sum(pool["used"] for pool in balances(last)[0]) == sum(int(row["included"]) for row in billed.values())
    clean("whole")


def one_late_call():
    """By hand: 100 s a month, 60 used in February and closed; a late one of 60 s in February gets the 40 that are left."""
    write("hand", {"book.yaml": "book: hand\ncurrency: USD\ntimezone: UTC\n", "accounts.csv": "account\nacme\n", "numbers.csv": "number,account\n12125550100,acme\n",
                   "plans.csv": "plan\np\n", "assignments.csv": "subject,plan\ndefault,p\n", "plan_rules.csv": "plan,action,deck\np,deck,d\n",
                   "decks.csv": "deck\nd\n", "decks/d.csv": "prefix,rate\n1,0.60\n", "bundles.csv": "bundle,unit,quantity\nb,s,100\n",
                   "subscriptions.csv": "subject,bundle\ndefault,b\n"})
    call = "%s,%s,%d,+12125550100,+12015550111,,\n"
    import_rows("hands", [call % ("feb", "2026-02-20T12:00:00Z", 60)])
    tools.ok("rate", "--book", "hand", "--cdrs", "hands", "-o", "feb", "--quiet")
    told = json.loads(tools.ok("close", "feb", "--until", "2026-03-01", "-o", "feb-state", "--json"))
    assert told["closed"] == 1 and told["cut_off"] is True and told["until"] == "2026-03-01", told
    import_rows("hands", [call % ("late", "2026-02-10T12:00:00Z", 60), call % ("mar", "2026-03-05T12:00:00Z", 110)])
    for mode, late in (("append", "0.20000000"), ("reorder", "0.00000000")):
        tools.ok("rate", "--book", "hand", "--cdrs", "hands", "--after", "feb-state", "--late", mode, "-o", mode, "--quiet")
        got = {name: (row["reason"], row["included"], row["charge"]) for name, row in lines(mode, "hands").items()}
        assert got["mar"] == ("", "100", "0.10000000"), got
        assert got["late"] == ("", "40" if mode == "append" else "60", late), got
        assert got["feb"] == (("closed", "0", "0.00000000") if mode == "append" else ("", "40", "0.20000000")), got
        pools, _ = balances(mode)
        assert [(pool["period"], pool["used"], pool["left"]) for pool in pools] == [("2026-02-01", 100, 0), ("2026-03-01", 100, 0)], pools
        tools.ok("verify", mode)
    assert period_charges("append") == {} and period_charges("reorder") == {}  # February was charged 0
    done = tools.run("rate", "--book", "hand", "--cdrs", "hands", "--from", "2026-02-15", "-o", "cut")
    assert done.returncode != 0 and "--cut-periods" in done.stderr, done.stderr
    tools.ok("rate", "--book", "hand", "--cdrs", "hands", "--from", "2026-02-15", "--cut-periods", "-o", "cut", "--quiet")
    tools.ok("rate", "--book", "hand", "--cdrs", "hands", "--after", "feb-state", "--from", "2026-03-01", "-o", "march", "--quiet")
    done = tools.run("rate", "--book", "hand", "--cdrs", "hands", "--only-suspense", "append", "-o", "no")
    assert done.returncode == 2 and "--after" in done.stderr, done.stderr
    done = tools.run("close", "append", "--until", "2026-02-01", "-o", "no")
    assert done.returncode == 2 and "2026-03-01" in done.stderr, done.stderr


def who_goes_along():
    """A late call of a daughter opens her mother's months only where tiers count for the two together."""
    book = {"book.yaml": "book: kin\ncurrency: USD\ntimezone: UTC\n", "accounts.csv": "account,parent\nmother,\ndaughter,mother\n",
            "numbers.csv": "number,account\n12125550100,mother\n12125550200,daughter\n", "plans.csv": "plan\np\n",
            "assignments.csv": "subject,plan\ndefault,p\n", "plan_rules.csv": "plan,action,tiers\np,tiers,t\n"}
    call = "%s,%s,0,+%s,+12015550111,sms,1\n"
    for scope, mother in ("account", "closed"), ("pool", ""):
        write("kin", {**book, "tiers.csv": "tiers,unit,rate,scope\nt,message,0.1,%s\n" % scope})
        import_rows("kin-data", [call % ("m", "2026-01-10T12:00:00Z", "12125550100"), call % ("d", "2026-01-11T12:00:00Z", "12125550200")])
        tools.ok("rate", "--book", "kin", "--cdrs", "kin-data", "-o", "kin-run", "--quiet")
        tools.ok("close", "kin-run", "--until", "2026-02-01", "-o", "kin-state")
        import_rows("kin-data", [call % ("late", "2026-01-12T12:00:00Z", "12125550200")])
        tools.ok("rate", "--book", "kin", "--cdrs", "kin-data", "--after", "kin-state", "--late", "reorder", "-o", "no", "--quiet")
        got = {name: row["reason"] for name, row in lines("no", "kin-data").items()}
        assert got == {"m": mother, "d": "", "late": ""}, (scope, got)
        clean("no", "kin*")


def refused():
    """Whatever is wrong with the state or with the old parts: nothing is published, and the remedy is told."""
    rate = ("rate", "--book", "hand", "--cdrs", "hands", "-o", "no", "--after")
    done = tools.run(*rate, "nowhere")
    assert done.returncode == 66 and "tollmill close" in done.stderr, done.stderr
    files = sorted(os.listdir("feb-state"))
    assert len(files) == 8, files
    for name in files:
        for change in ("gone", "bit", "short"):
            shutil.copytree("feb-state", "broken")
            path = os.path.join("broken", name)
            if change == "gone":
                os.unlink(path)
            else:
                with open(path, "r+b") as file:
                    data = bytearray(file.read())
                    data[len(data) // 2] ^= 4
                    file.seek(0)
                    file.write(data if change == "bit" else data[:-1])
                    file.truncate()
            done = tools.run(*rate, "broken")
            assert done.returncode == (66 if (name, change) == ("state.json", "gone") else 65), (name, change, done.stderr)
            assert "close" in done.stderr and not os.path.exists("no"), (name, change, done.stderr)
            shutil.rmtree("broken")
    old = glob.glob("hands/parts/2026-02-20.0.g1.arrow")
    assert len(old) == 1 and tools.run(*rate, "feb-state").returncode == 0  # not needed: that day is as it was
    shutil.rmtree("no")
    import_rows("hands", ["more,2026-02-20T13:00:00Z,60,+12125550100,+12015550111,,\n"])
    tools.ok(*rate, "feb-state")
    assert lines("no", "hands")["feb"]["reason"] == "closed" and lines("no", "hands")["more"]["reason"] == ""
    shutil.rmtree("no")
    os.rename(old[0], "kept")
    done = tools.run(*rate, "feb-state")
    assert done.returncode in (65, 66) and "imported into since" in done.stderr and not os.path.exists("no"), done.stderr
    os.rename("kept", old[0])
    # A dataset without the closed day: refused, unless the run leaves that day out.
    import_rows("less", ["mar,2026-03-05T12:00:00Z,110,+12125550100,+12015550111,,\n"])
    lacking = ("rate", "--book", "hand", "--cdrs", "less", "--after", "feb-state", "-o", "no", "--quiet")
    for days in (), ("--from", "2026-02-20"), ("--to", "2026-03-06"):
        done = tools.run(*lacking, *days)
        assert done.returncode == 65 and not os.path.exists("no"), (days, done.returncode, done.stderr)
        assert "2026-02-20" in done.stderr and "import its file again" in done.stderr and "--from" in done.stderr, done.stderr
    tools.ok(*lacking, "--from", "2026-02-21")
    assert {name: row["included"] for name, row in lines("no", "less").items()} == {"mar": "100"}
    shutil.rmtree("no")
    done = tools.run("close", "append", "--cdrs", "hands", "--until", "2026-04-01", "-o", "no")
    assert done.returncode == 65 and "rate it again" in done.stderr, done.stderr
    done = tools.run("close", "feb", "--until", "2026-03-01", "-o", "feb-state")
    assert done.returncode in (65, 73), done.stderr


def half_opened():
    """A bundle of anchor 31, an account of cycle day 28: of a late call of 29 March the billing period from 28 March is rated
    again, and the bundle's period from 28 February to 31 March, of which closed calls have drawn, would be halved."""
    write("short", {"book.yaml": "book: short\ncurrency: USD\ntimezone: UTC\n", "accounts.csv": "account,cycle_day\nacme,28\n",
                    "numbers.csv": "number,account\n12125550100,acme\n", "plans.csv": "plan\np\n", "assignments.csv": "subject,plan\ndefault,p\n",
                    "plan_rules.csv": "plan,action,deck\np,deck,d\n", "decks.csv": "deck\nd\n", "decks/d.csv": "prefix,rate\n1,0.60\n",
                    "bundles.csv": "bundle,unit,quantity,period,anchor_day\nb,s,100,anchor,31\n", "subscriptions.csv": "subject,bundle\ndefault,b\n"})
    call = "%s,%s,60,+12125550100,+12015550111,,\n"
    import_rows("shorts", [call % ("feb", "2026-02-28T12:00:00Z"), call % ("apr", "2026-04-02T12:00:00Z")])
    tools.ok("rate", "--book", "short", "--cdrs", "shorts", "-o", "short-run", "--quiet")
    tools.ok("close", "short-run", "--until", "2026-04-28", "-o", "short-state")
    late = ("rate", "--book", "short", "--after", "short-state", "--late", "reorder", "--quiet", "-o", "no", "--cdrs")
    shutil.copytree("shorts", "shorts-2")
    import_rows("shorts", [call % ("late", "2026-03-29T12:00:00Z")])
    done = tools.run(*late, "shorts")
    assert done.returncode == 65 and "half closed" in done.stderr and not os.path.exists("no"), (done.returncode, done.stderr)
    import_rows("shorts-2", [call % ("late", "2026-03-01T12:00:00Z")])  # from 28 February on: both periods whole
    tools.ok(*late, "shorts-2")
    assert {name: row["included"] for name, row in lines("no", "shorts-2").items()} == {"feb": "60", "late": "40", "apr": "60"}
    clean("no", "short*")


def half_a_month():
    """An account of cycle day 17 in a book with tiers by the calendar month, closed until 17 February: whose bill a fee is on that only calls after
    that enter, nobody can say; the first tier's is due from the month's first day on, and once."""
    tiers = "tiers,unit,mode,period,from_qty,rate,flat\nt,s,graduated,month,,0.01,7\nt,,,,100,0.02,%s\n"
    write("half", {"book.yaml": "book: half\ncurrency: USD\ntimezone: UTC\n", "accounts.csv": "account,cycle_day\nacme,17\n",
                   "numbers.csv": "number,account\n12125550100,acme\n", "plans.csv": "plan\np\n", "assignments.csv": "subject,plan\ndefault,p\n",
                   "plan_rules.csv": "plan,action,tiers\np,tiers,t\n", "tiers.csv": tiers % "5"})
    call = "%s,%s,60,+12125550100,+12015550111,,\n"
    import_rows("halves", [call % ("one", "2026-02-03T12:00:00Z"), call % ("two", "2026-02-20T12:00:00Z"), call % ("three", "2026-02-21T12:00:00Z")])
    rate = ("rate", "--book", "half", "--cdrs", "halves", "--quiet", "-o")
    tools.ok(*rate, "half-run")
    done = tools.run("close", "half-run", "--until", "2026-03-01", "-o", "no")
    assert done.returncode == 78 and "acme" in done.stderr and "tiers.csv" in done.stderr and not os.path.exists("no"), (done.returncode, done.stderr)
    clean("half-run")
    write("half", {"tiers.csv": tiers % ""})
    tools.ok(*rate, "half-run")
    tools.ok("close", "half-run", "--until", "2026-03-01", "-o", "half-state")
    tools.ok(*rate, "half-next", "--after", "half-state")
    fees = [[charge for key, charge in period_charges(run).items() if key[5] == "tier_fee"] for run in ("half-run", "half-next")]
    assert fees == [[Decimal(7)], []], fees
    clean("half*", "halves")


with tools.work_folder():
    write("book", BOOK)
    year_at_once()
    late_calls()
    one_late_call()
    half_opened()
    half_a_month()
    who_goes_along()
    refused()
print("ok")
