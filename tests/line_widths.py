"""Lines with narrow columns and with wide ones say the same, and which of the two they have is known to the second.

One book of which every column of ids and units fits into 16 bits; and the same with accounts, price rows and a bundle more
that no call has to do with, so that none does. Whatever reads a run reads both alike. Then the edge: the longest call, the
greatest quantity, minimum and increments that may still be narrow, and those that may not.
"""
import csv
import io
import json
import os
import random

import fault_tools as tools
from fault_tools import write

BOOK = {
    "book.yaml": "book: widths\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account\nacme\nbeta\ngamma\n",
    "sites.csv": "account,site,area\nacme,hq,city\nacme,shed,state\nbeta,b1,city\n",
    "numbers.csv": "number,account,site\n12125550100,acme,hq\n12125550101,acme,shed\n12125550200,beta,b1\n12125550300,gamma,\n",
    "npanxx.csv": "prefix,state\n1212555,NY\n1201555,NJ\n1646555,NY\n",
    "carriers.csv": "carrier\nlevel3\n",
    "trunks.csv": "trunk,carrier\nT1,level3\n",
    "plans.csv": "plan\np\nfrom_level3\n",
    "assignments.csv": "subject,plan,side\ndefault,p,\ncarrier:level3,from_level3,buy\n",
    "plan_rules.csv": "plan,action,deck,tiers,service,priority\np,deck,retail,,voice,1\np,tiers,,t,sms,1\nfrom_level3,deck,l3,,,1\n",
    "decks.csv": "deck\nl3\nretail\n",
    "decks/l3.csv": "prefix,rate,increment_s\n,0.01,6\n",
    "decks/retail.csv": "prefix,rate,increment_s,minimum_s\n1,0.06,6,30\n44,0.12,30,\n49,,,\n",
    "tiers.csv": "tiers,unit,mode,period,from_qty,rate,flat\nt,message,graduated,anchor,,0.02,1\nt,,,,20,0.01,2\n",
    "bundles.csv": "bundle,unit,quantity,scope,debit\nminutes,s,20000,account,billed\nown,s,4000,account,used\n",
    "subscriptions.csv": "subject,bundle\naccount:acme,minutes\naccount:beta,minutes\nnumber:12125550101,own\n",
    "tax_jurisdictions.csv": "id,level,state,parent\nUS,federal,,\nNY,state,NY,US\nNYC,city,,NY\n",
    "tax_areas.csv": "area,tax_jurisdiction\ncity,NYC\nstate,NY\n",
    "tax_map.csv": "tax_service,jurisdiction\ninter,interstate\nrest,\n",
    "taxes.csv": "tax,tax_jurisdiction,rate\nfund,US,10%\nsales,NY,5%\ncity,NYC,1%\n",
}
MANY = 65600
NUMBERS = "2125550100", "2125550101", "2125550200", "2125550300", "2125550900"
CALLEES = "+12015550111", "+16465550111", "+442079460000", "+33123456789", "+4930123456"
HEADER = "record_id,start,duration_s,caller,callee,trunk,service,quantity\n"
ROWS = 6000


def wide(book):
    more = dict(book)
    more["accounts.csv"] += "".join("zz%05d\n" % i for i in range(MANY))
    more["decks/retail.csv"] += "".join("881%05d,1,1,\n" % i for i in range(MANY)) + "882,1,1,65536\n"
    more["bundles.csv"] += "nobody,s,1,number,billed\n"
    more["sites.csv"] += "".join("zz%05d,s%d,%s\n" % (i, i, ("city", "state")[i % 2]) for i in range(MANY))
    return more


def load(data, rows):
    with open("calls.csv", "w", encoding="utf-8") as out:
        out.writelines([HEADER] + rows)
    tools.ok("import", "--spec", tools.SPEC, "-o", data, "calls.csv", "--quiet")


def calls(month, count):
    chance = random.Random(month)
    rows = []
    for i in range(count):
        message = chance.random() < 0.2
        rows.append("m%d.%d,2026-%02d-%02dT%02d:%02d:%02dZ,%d,+1%s,%s,T1,%s,%s\n" % (
            month, i, month, chance.choice((3, 4)), chance.randrange(24), chance.randrange(60), chance.randrange(60),
            0 if message else chance.choice((0, 1, 13, 61, 200, 7000)), chance.choice(NUMBERS), chance.choice(CALLEES),
            "sms" if message else "voice", chance.choice((1, 5)) if message else ""))
    return rows


def rate(book, data, run, *more):
    tools.ok("rate", "--book", book, "--cdrs", data, "-o", run, "--quiet", *more)
    tools.ok("verify", run, "--quiet")
    return run


def line_bytes(run):
    return sum(part["bytes"] for part in json.loads(tools.read(os.path.join(run, "run.json")))["parts"])


def everything(run):
    """All that is read of a run, but for its own names and the book's."""
    found = [tools.ok("export", run, "--format", "csv"), tools.ok("export", run, "--what", "period", "--format", "csv"),
             tools.ok_or_moved("tax", run), tools.ok_or_moved("tax", run, "--what", "lines", "--format", "csv")]
    day = next(csv.DictReader(io.StringIO(found[0])))["day"]
    for row in range(0, 100, 7):
        found.append(tools.ok("explain", run, "%s:%d" % (day, row)))
    return found


def same(narrow, run):
    for one, other in zip(everything(narrow), everything(run)):
        assert one == other, (narrow, run, one[:500], other[:500])


def padded(size):
    return (size + 4095) // 4096 * 4096


def wide_columns(run, narrowest):
    """How many columns of a one-day run are wider than those of another one."""
    step = padded(ROWS * 4) - padded(ROWS * 2)
    more = line_bytes(run) - line_bytes(narrowest)
    assert more % step == 0, (run, narrowest, more, step)
    return more // step


def two_widths():
    write("small", BOOK)
    write("large", wide(BOOK))
    cleared = {"decks/retail.csv": BOOK["decks/retail.csv"].replace("49,,,", "49,0.3,60,") + "33,0.2,60,\n"}
    write("small2", dict(BOOK, **cleared))
    write("large2", wide(dict(BOOK, **cleared)))
    for book in ("small", "large", "small2", "large2"):
        tools.ok("compile", book, "-o", book + ".image", "--quiet")
    load("data", calls(3, 9000))
    narrow, full = rate("small.image", "data", "n"), rate("large.image", "data", "w")
    assert line_bytes(narrow) < line_bytes(full)
    same(narrow, full)

    # nothing has changed between them, whichever is the older one
    for old, new in ((narrow, full), (full, narrow)):
        delta = "delta-%s-%s" % (old, new)
        tools.ok_or_moved("delta", old, new, "-o", delta, "--quiet")
        tools.ok("verify", delta, "--quiet")
        found = json.loads(tools.read(os.path.join(delta, "delta.json")))
        assert found["changed"] == 0 and found["old_rows"] == found["new_rows"] == 9000, found
        tools.ok_or_moved("compare", old, new, "--json")
    # what waited is rated by books that know more: merged runs, which are wide, of runs that are not
    merged = [rate(book + "2.image", "data", run + "-merged", "--only-suspense", run) for book, run in (("small", "n"), ("large", "w"))]
    same(*merged)
    again = [rate(book + "2.image", "data", run + "-again", "--only-suspense", run + "-merged") for book, run in (("small", "n"), ("large", "w"))]
    same(*again)
    for run in ("n", "w"):
        tools.ok_or_moved("rerate", run, "-o", run + "-rerated", "--book", "small2.image", "--quiet")
        tools.ok("verify", run + "-rerated", "--quiet")
        tools.ok("verify", run + "-rerated.delta", "--quiet")
    same("n-rerated", "w-rerated")
    moved = [tools.ok_or_moved("delta", run + "-rerated.delta", "--format", "csv", "--what", "lines") for run in ("n", "w")]
    assert moved[0] == moved[1] and moved[0].count("\n") > 1000

    # closed, and gone on from; calls that come late lie among those that are closed
    for run in ("n", "w"):
        tools.ok("close", run, "--cdrs", "data", "--until", "2026-04-01", "-o", run + "-state", "--quiet")
    load("data", calls(4, 5000) + [row.replace("m3.", "late") for row in calls(3, 50)])
    after = [rate(book, "data", run + "-after", "--after", run + "-state") for book, run in (("small.image", "n"), ("large.image", "w"))]
    same(*after)
    assert line_bytes(after[0]) < line_bytes(after[1])
    for turn, more in enumerate((("--threads", "1", "--io", "pread"), ("--threads", "3", "--simd", "scalar"), ("--io", "mmap"))):
        assert tools.tree(rate("small.image", "data", "turn%d" % turn, *more)) == tools.tree(rate("small.image", "data", "all%d" % turn))
    print("narrow and wide lines of 9000 and 14050 calls say the same")


def one_day(name, longest, quantity=1):
    data = "day-" + name
    rows = ["c%d,2026-03-03T%02d:%02d:%02dZ,%d,+12125550100,+12015550111,T1,voice,\n" % (i, i // 3600, i // 60 % 60, i % 60, 10)
            for i in range(ROWS - 2)]
    rows.append("long,2026-03-03T20:00:00Z,%s,+12125550100,+12015550111,T1,voice,\n" % longest)
    rows.append("sms,2026-03-03T20:00:01Z,0,+12125550100,+12015550111,T1,sms,%d\n" % quantity)
    load(data, rows)
    return data


def edges():
    plain = dict(BOOK)
    plain["bundles.csv"] = "bundle,unit,quantity,scope\nminutes,s,20000,account\n"
    plain["subscriptions.csv"] = "subject,bundle\naccount:acme,minutes\n"
    plain["decks/l3.csv"] = "prefix,rate\n,0.01\n"
    for name in ("tax_jurisdictions.csv", "tax_areas.csv", "tax_map.csv", "taxes.csv"):
        del plain[name]
    plain["sites.csv"] = "account,site\nacme,hq\nacme,shed\nbeta,b1\n"

    def deck(text):
        return dict(plain, **{"decks/retail.csv": "prefix,rate,increment_s,minimum_s,initial_s,free_s\n" + text})

    # name, deck, longest call in seconds, greatest quantity, whether billed and included are narrow
    cases = [
        ("as long as may be", "1,0.06,1,,,\n", "65535", 1, True),
        ("a second more", "1,0.06,1,,,\n", "65536", 1, False),
        ("a part of a second more", "1,0.06,1,,,\n", "65535.001", 1, False),
        ("rounded up", "1,0.06,6,,,\n", "65530", 1, True),
        ("rounded up beyond", "1,0.06,6,,,\n", "65533", 1, False),
        ("a minimum", "1,0.06,1,65535,,\n", "20", 1, True),
        ("a minimum beyond", "1,0.06,1,65536,,\n", "20", 1, False),
        ("of another prefix", "1,0.06,1,,,\n44,0.1,1,65536,,\n", "20", 1, False),
        ("an increment", "1,0.06,65536,,,\n", "20", 1, False),
        ("an initial increment", "1,0.06,1,,65535,\n", "20", 1, True),
        ("an initial increment beyond", "1,0.06,1,,65536,\n", "20", 1, False),
        ("messages", "1,0.06,1,,,\n", "20", 65535, True),
        ("a message more", "1,0.06,1,,,\n", "20", 65536, False),
    ]
    for at, (name, text, longest, quantity, narrow) in enumerate(cases):
        data = one_day(str(at), longest, quantity)
        write("book%d" % at, deck(text))
        run = rate("book%d" % at, data, "run%d" % at)
        assert wide_columns(run, "run0") == (0 if narrow else 2), (name, wide_columns(run, "run0"))
        billed = {row["record_id"]: int(row["billed"]) for row in csv.DictReader(io.StringIO(tools.ok("export", run, "--format", "csv")))}
        assert max(billed["long"], billed["sms"]) <= 65535 or not narrow, (name, billed["long"], billed["sms"])
    # a bundle with debit used takes whole increments of its own, however fine those of the deck are
    text = "1,0.06,1,,,\n"
    taken = [("whole increments", 60, "65460", 65460, True), ("whole increments beyond", 60, "65530", 65580, False),
             ("one increment beyond", 65536, "20", 65536, False)]
    for at, (name, increment, longest, billed, narrow) in enumerate(taken):
        data = one_day("used%d" % at, longest)
        write("used%d" % at, dict(deck(text), **{
            "bundles.csv": "bundle,unit,quantity,scope,debit,increment\nminutes,s,%d,account,used,%d\n" % (10**9, increment)}))
        run = rate("used%d" % at, data, "run-used%d" % at)
        assert wide_columns(run, "run0") == (0 if narrow else 2), (name, wide_columns(run, "run0"))
        found = {row["record_id"]: int(row["billed"]) for row in csv.DictReader(io.StringIO(tools.ok("export", run, "--format", "csv")))}
        assert found["long"] == billed, (name, found["long"])
    print("%d edges" % (len(cases) + len(taken)))


with tools.work_folder():
    edges()
    two_widths()
