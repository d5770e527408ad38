"""Part of a run rated again: the chosen lines are what a full rate by the new book gives, all others the old run's.

Two accounts with bundles, tiers and surcharges of their own, a third that nobody names, and much that waits. What each
part must give is put together here from two exports: of the old run, and of everything rated by the new book.
"""
import csv
import io
import json
import os
import random
import shutil
import sys
from decimal import Decimal

import fault_tools as tools
from fault_tools import write

BOOK = {
    "book.yaml": "book: parts\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account,timezone,cycle_day\nacme,America/New_York,1\nbeta,America/New_York,15\ngamma,,1\n",
    "sites.csv": "account,site,name\nacme,east,East\nacme,west,West\nbeta,hq,HQ\n",
    "numbers.csv": "number,account,site\n12125550100,acme,east\n12125550101,acme,west\n12125550200,beta,hq\n12125550201,beta,\n"
                   "12125550300,gamma,\n",
    "plans.csv": "plan\np\n",
    "assignments.csv": "subject,plan\ndefault,p\n",
    "plan_rules.csv": "plan,action,deck,service,priority\np,deck,d,voice,1\n",
    "decks.csv": "deck\nd\n",
    "decks/d.csv": "prefix,rate,increment_s,connect_fee\n1,0.06,6,0.01\n44,0.12,30,\n49,,,\n",
}
DRAWN = {
    "bundles.csv": "bundle,unit,quantity,scope,rollover_periods,period,debit,increment,priority\n"
                   "minutes,s,3000,account,2,anchor,billed,,2\nown,s,400,number,0,month,used,10,1\n",
    "subscriptions.csv": "subject,bundle\naccount:acme,minutes\naccount:beta,minutes\nnumber:12125550101,own\n"
                         "number:12125550201,own\n",
    "tiers.csv": "tiers,unit,mode,period,from_qty,rate,flat,minimum_spend\n"
                 "t,message,graduated,anchor,,0.02,1,9\nt,,,,20,0.01,2,\nv,event,volume,anchor,,1,,\nv,,,,3,0.5,4,\n",
    "plan_rules.csv": "plan,action,deck,tiers,service,priority\np,deck,d,,voice,1\np,tiers,,t,sms,1\np,tiers,,v,event,1\n",
    "surcharges.csv": "subject,measure,short_s,amount\ndefault,short_calls,20,0.001\n",
}
DEARER = "prefix,rate,increment_s,connect_fee\n1,0.07,6,0.02\n44,0.13,30,\n33,0.2,60,\n49,,,\n"
DAYS = ["2026-01-%02d" % day for day in range(1, 32)] + ["2026-02-%02d" % day for day in range(1, 29)]


def calls(count):
    chance = random.Random(11)
    rows = ["record_id,start,duration_s,caller,callee,service,quantity\n"]
    for i in range(count):
        caller = chance.choice(("2125550100", "2125550101", "2125550200", "2125550201", "2125550300", "2125550900", "2125550901"))
        service, seconds, quantity = "voice", chance.choice((1, 13, 60, 61, 200, 700)), ""
        if chance.random() < 0.3:
            service, seconds, quantity = chance.choice(("sms", "event")), 0, chance.choice((1, 2, 5))
        callee = chance.choice(("+12015550111", "+442079460000", "+33123456789", "+4930123456"))
        rows.append("c%d,%sT%02d:%02d:%02dZ,%d,+1%s,%s,%s,%s\n" % (
            i, chance.choice(DAYS), chance.randrange(24), chance.randrange(60), chance.randrange(60), seconds, caller, callee,
            service, quantity))
    with open("calls.csv", "w", encoding="utf-8") as out:
        out.writelines(rows)


def export(run, *more):
    return list(csv.DictReader(io.StringIO(tools.ok("export", run, "--format", "csv", *more))))


def facts(run):
    with open(os.path.join(run, "run.json"), encoding="utf-8") as text:
        return json.load(text)


def check(run, wanted):
    """Lines, and everything that is summed up from them."""
    rows = export(run)
    assert len(rows) == len(wanted)
    for row, want in zip(rows, wanted):
        assert row == want, (run, row, want)
    found = facts(run)
    status = {}
    for row in rows:
        status[row["reason"]] = status.get(row["reason"], 0) + 1
    assert {s["reason"]: s["rows"] for s in found["statuses"]} == status, (run, status)
    charge = sum(Decimal(row["charge"] or 0) for row in rows)
    charge += sum(Decimal(row["charge"]) for row in export(run, "--what", "period"))
    assert sum(Decimal(t["charge"]) for t in found["totals"]) == charge, (run, found["totals"], charge)
    assert found["billed_s"] == sum(int(row["billed"]) for row in rows if row["service"] == "voice"), run
    with open(os.path.join(run, "suspense.csv"), encoding="utf-8", newline="") as table:
        listed = list(csv.DictReader(table))
    assert sum(int(line["rows"]) for line in listed) == found["suspense"], run
    keys = [(line["reason"], line["account"], line["about"]) for line in listed]
    for line in listed:
        for place in line["first"], line["last"]:
            day, number = place.rsplit(":", 1)
            at = [r for r in rows if r["day"] == day][int(number)]
            assert (at["reason"], at["account"]) == (line["reason"], line["account"]), (run, line, at)
    assert len(set(keys)) == len(keys) or "blocked" in {k[0] for k in keys} or "no_rate" in {k[0] for k in keys}, keys
    tools.ok("verify", run)
    tools.ok("summary", run, "--suspense")
    return rows


def rerate(old, book, run, *more, code=1):
    done = tools.run("rerate", old, "--book", book, "-o", run, *more, "--json")
    assert done.returncode == code, (run, more, done.returncode, done.stderr)
    return json.loads(done.stdout)


def part(old, book, run, old_rows, new_rows, chosen, *more):
    wanted = [new if chosen(was) else was for was, new in zip(old_rows, new_rows)]
    same = wanted == old_rows
    said = rerate(old, book, run, *more, code=0 if same else 1)
    rows = check(run, wanted)
    assert said["kept"] == sum(not chosen(row) for row in old_rows), (run, said["kept"])
    assert facts(run)["predecessor"] == facts(old)["digest"]
    assert not more or facts(run)["kept_from"] == facts(old)["digest"]
    # More lines than an export shows have changed: of those that a bundle gave the price row's rate.
    moved = sum(a != b for a, b in zip(old_rows, rows))
    assert moved <= said["changed"] <= sum(chosen(row) for row in old_rows), (run, moved, said)
    return rows


def of(*accounts):
    return lambda row: row["account"] in accounts


def within(first, last):
    return lambda row: first <= row["day"] < last


def waits(row):
    return row["status"] in ("suspense", "conflict")


def refused(word, old, book, *more, code=2):
    before = tools.tree(".")
    done = tools.run("rerate", old, "--book", book, "-o", "no", *more, "--quiet")
    assert done.returncode == code and word in done.stderr, (more, done.returncode, done.stderr)
    tools.one_line(done, more)
    assert tools.tree(".") == before, more


def plain():
    """Without anything that depends on other calls: accounts, days, suspense, and all of them together."""
    write("book", BOOK)
    shutil.copytree("book", "new")
    write("new", {"decks/d.csv": DEARER, "numbers.csv": BOOK["numbers.csv"] + "12125550900,gamma,\n"})
    tools.ok("rate", "--book", "book", "--cdrs", "cdrs", "-o", "old", "--quiet")
    tools.ok("rate", "--book", "new", "--cdrs", "cdrs", "-o", "full", "--quiet")
    old, full = export("old"), export("full")
    part("old", "new", "p1", old, full, of("acme"), "--accounts", "acme")
    part("old", "new", "p2", old, full, of("acme", "gamma"), "--accounts", "gamma,acme")
    days = within("2026-01-10", "2026-02-03")
    rows = part("old", "new", "p3", old, full, days, "--from", "2026-01-10", "--to", "2026-02-03")
    part("old", "new", "p4", old, full, lambda row: row["day"] >= "2026-02-20", "--from", "2026-02-20")
    part("old", "new", "p5", old, full, waits, "--only-suspense")
    part("old", "new", "p6", old, full, lambda row: waits(row) and days(row), "--only-suspense", "--from", "2026-01-10",
         "--to", "2026-02-03")
    part("old", "new", "p7", old, full, lambda row: of("acme")(row) and days(row), "--accounts", "acme", "--from",
         "2026-01-10", "--to", "2026-02-03")
    part("old", "new", "p8", old, full, lambda row: waits(row) and of("beta")(row), "--accounts", "beta", "--only-suspense")
    # A merged run once more: other days, the same days, an account of it, all of it.
    rows = part("p3", "new", "p31", rows, full, within("2026-02-03", "2026-02-10"), "--from", "2026-02-03", "--to", "2026-02-10")
    back = part("p31", "book", "p32", rows, old, days, "--from", "2026-01-10", "--to", "2026-02-03")
    part("p32", "new", "p33", back, full, of("beta"), "--accounts", "beta")
    part("p32", "new", "p34", back, full, lambda row: True)
    # The same as rate --only-suspense; any way of working gives the same bytes.
    tools.ok("rate", "--book", "new", "--cdrs", "cdrs", "-o", "s5", "--only-suspense", "old", "--quiet")
    one, other = (tools.tree(run, skipped=("stats.json", "run.json")) for run in ("p5", "s5"))
    assert one == other
    expected = tools.tree("p7")
    for threads in ("1", "2"):
        for path in tools.rate_paths():
            rerate("old", "new", "way", "--accounts", "acme", "--from", "2026-01-10", "--to", "2026-02-03", "--threads", threads,
                   "--io", path)
            assert tools.tree("way") == expected, (threads, path)
            shutil.rmtree("way")
            shutil.rmtree("way.delta")
    refused("acne", "old", "new", "--accounts", "acne")
    print("plain parts: accounts, days, suspense, all together, one after the other")


def drawn():
    """With pools, tiers and surcharges of accounts' own."""
    write("drawn", {**BOOK, **DRAWN})
    shutil.copytree("drawn", "drawn-new")
    write("drawn-new", {"decks/d.csv": DEARER, "bundles.csv": DRAWN["bundles.csv"].replace("3000", "2500").replace("400", "700")})
    tools.ok("rate", "--book", "drawn", "--cdrs", "cdrs", "-o", "d", "--quiet")
    tools.ok("rate", "--book", "drawn-new", "--cdrs", "cdrs", "-o", "d-full", "--quiet")
    old, full = export("d"), export("d-full")
    assert {row["kind"] for row in export("d", "--what", "period")} >= {"short_calls", "tier_fee", "minimum_spend"}
    rows = part("d", "drawn-new", "d1", old, full, of("acme"), "--accounts", "acme")
    part("d1", "drawn-new", "d2", rows, full, of("beta"), "--accounts", "beta")
    part("d1", "drawn", "d3", rows, old, of("acme"), "--accounts", "acme")
    pools = [json.loads(tools.ok("summary", run, "--pools", "--json")) for run in ("d", "d1", "d2", "d3", "d-full")]
    balance = [{(p["bundle"], p["account"], p["number"], p["period"]): (p["granted"], p["used"]) for p in each["pools"]
                if p["used"]} for each in pools]
    assert balance[0] == balance[3] and balance[0] != balance[4]
    mixed = {key: (balance[4] if key[1] == "acme" else balance[0])[key] for key in balance[1]}
    assert balance[1] == mixed and set(balance[1]) == set(balance[0]) | set(k for k in balance[4] if k[1] == "acme")
    # gamma's suspense alone: late draws are nobody's here, as gamma has no pool.
    part("d", "drawn-new", "d4", old, full, lambda row: waits(row) and of("gamma")(row), "--accounts", "gamma", "--only-suspense")
    refused("cut periods", "d", "drawn-new", "--from", "2026-01-10")
    # Others' period charges would move.
    shutil.copytree("drawn-new", "charging")
    write("charging", {"surcharges.csv": "subject,measure,short_s,amount\ndefault,short_calls,20,0.002\n"})
    refused("beta", "d", "charging", "--accounts", "acme,gamma")
    rerate("d", "charging", "d5", "--accounts", "acme,beta,gamma")
    tools.ok("verify", "d5")
    # A pool of two accounts: both or none.
    shutil.copytree("drawn-new", "shared")
    write("shared", {
        "bundles.csv": "bundle,unit,quantity,scope,period,priority\nminutes,s,3000,pool,month,2\n",
        "subscriptions.csv": "subject,bundle,pool\naccount:acme,minutes,both\naccount:gamma,minutes,both\n",
    })
    refused("share a pool", "d", "shared", "--accounts", "acme")
    tools.ok("rate", "--book", "shared", "--cdrs", "cdrs", "-o", "sh", "--quiet")
    refused("share a pool", "sh", "drawn", "--accounts", "gamma")
    part("sh", "drawn", "sh1", export("sh"), old, of("acme", "gamma"), "--accounts", "acme,gamma")
    print("parts with pools, tiers and surcharges; what nobody could tell apart is refused")


def behind():
    """Behind a closed run nothing is rated in part."""
    tools.ok("close", "d", "--cdrs", "cdrs", "--until", "2026-02-01", "-o", "state")
    tools.ok("rate", "--book", "drawn", "--cdrs", "cdrs", "--after", "state", "-o", "after", "--quiet")
    refused("behind a closed run", "after", "drawn-new", "--accounts", "acme")


def register(run):
    rows = csv.DictReader(io.StringIO(tools.ok_or_moved("tax", run, "--quiet")))
    return sorted((row["account"], row["period"], row["tax"], row["base"], row["tax_cents"]) for row in rows)


def taxed():
    """Tuples of kept lines stay, new ones come behind; what is owed follows the lines."""
    write("taxed", {
        **BOOK,
        "tax_jurisdictions.csv": "id,level,state,parent\nUS,federal,,\nTX,state,TX,US\nNY,state,NY,US\n",
        "tax_areas.csv": "area,tax_jurisdiction\naustin,TX\nnyc,NY\n",
        "sites.csv": "account,site,area\nacme,east,nyc\nacme,west,austin\nbeta,hq,nyc\n",
        "tax_map.csv": "tax_service\ntelecom\n",
        "taxes.csv": "tax,tax_jurisdiction,kind,rate\nsales,TX,rate,10%\nsales,NY,rate,7%\n",
    })
    shutil.copytree("taxed", "taxed-new")
    write("taxed-new", {"decks/d.csv": DEARER})
    tools.ok("rate", "--book", "taxed", "--cdrs", "cdrs", "-o", "t", "--quiet")
    tools.ok("rate", "--book", "taxed-new", "--cdrs", "cdrs", "-o", "t-full", "--quiet")
    old, full = export("t"), export("t-full")
    rows = part("t", "taxed-new", "t1", old, full, of("acme"), "--accounts", "acme")
    owed = {run: register(run) for run in ("t", "t1", "t-full")}
    assert owed["t1"] == sorted([row for row in owed["t-full"] if row[0] == "acme"] + [row for row in owed["t"] if row[0] != "acme"])
    assert owed["t"] != owed["t1"] != owed["t-full"]
    days = within("2026-01-10", "2026-02-03")
    part("t1", "taxed-new", "t2", rows, full, days, "--from", "2026-01-10", "--to", "2026-02-03")
    part("t", "taxed-new", "t3", old, full, days, "--from", "2026-01-10", "--to", "2026-02-03")
    print("parts of a taxed run")


def main():
    with tools.work_folder():
        calls(1500)
        tools.ok("import", "--spec", tools.SPEC, "-o", "cdrs", "calls.csv", "--quiet")
        plain()
        drawn()
        behind()
        taxed()
    return 0


if __name__ == "__main__":
    sys.exit(main())
