"""Adjusting lines, worked out by hand: a month that was billed by a deck that was wrong.

Acme's and gamma's cycles begin on the 1st, beta's on the 15th; March is closed until 1 April, so that of beta what began
before 15 March is billed and the rest is open. Amounts are minutes times rates; none comes from the program.
"""
import json
import os
import shutil
import sys

import fault_tools as tools
from fault_tools import write

BOOK = {
    "book.yaml": "book: wrong\ncurrency: USD\ntimezone: UTC\n",
    "accounts.csv": "account,name,cycle_day\nacme,Acme Co,1\nbeta,Beta Co,15\ngamma,Gamma Co,1\n",
    "numbers.csv": "number,account\n12125550100,acme\n12125550200,beta\n12125550300,gamma\n",
    "plans.csv": "plan\np\n",
    "assignments.csv": "subject,plan\ndefault,p\n",
    "plan_rules.csv": "plan,action,deck\np,deck,d\n",
    "decks.csv": "deck\nd\n",
    "decks/d.csv": "prefix,rate\n1,0.06\n44,0.10\n",
}
CALLS = """record_id,start,duration_s,caller,callee
a1,2026-03-05T12:00:00Z,600,+12125550100,+12015550111
a2,2026-03-20T12:00:00Z,1200,+12125550100,+442079460000
a3,2026-03-21T12:00:00Z,60,+12125550100,+33123456789
b1,2026-03-10T12:00:00Z,600,+12125550200,+12015550111
b2,2026-03-20T12:00:00Z,600,+12125550200,+12015550111
g1,2026-03-07T12:00:00Z,300,+12125550300,+12015550111
"""
# By the new book: 1 costs 0.05, 44 costs 0.12, 33 has a price of 0.20, and gamma's number is acme's.
NEW = {
    "decks/d.csv": "prefix,rate\n1,0.05\n44,0.12\n33,0.20\n",
    "numbers.csv": "number,account\n12125550100,acme\n12125550200,beta\n12125550300,acme\n",
}
# account, period, reason, kind, calls, old, new
LINES = [
    ["acme", "2026-03-01", "was_suspense", "debit", "1", "0.00", "0.20"],   # a3: 1 minute
    ["acme", "2026-03-01", "payer", "debit", "1", "0.00", "0.25"],          # g1: 5 minutes at 0.05
    ["acme", "2026-03-01", "rate", "debit", "2", "2.60", "2.90"],           # a1 0.60 -> 0.50, a2 2.00 -> 2.40
    ["beta", "2026-02-15", "rate", "credit", "1", "0.60", "0.50"],          # b1; b2 is open
    ["gamma", "2026-03-01", "payer", "credit", "1", "0.30", "0.00"],        # g1: 5 minutes at 0.06
]


def money(text):
    whole, _, part = text.partition(".")
    assert set(part[2:]) <= {"0"}, text
    return whole + "." + (part + "00")[:2]


def rerate(run, book, name, *more, code=1):
    done = tools.run("rerate", run, "--book", book, "-o", name, "--quiet", *more)
    assert done.returncode == code, (more, done.returncode, done.stderr)
    return name + ".delta"


def adjusting(delta):
    return json.loads(tools.ok_or_moved("delta", delta, "--json"))["adjusting"]


def lines_of(found):
    return [[one["account"], one["period"], one["reason"], one["kind"], str(one["calls"]), money(one["old"]), money(one["new"])]
            for one in found]


def statuses(delta):
    return [(one["account"], one["reason"], one["status"]) for one in adjusting(delta)]


def untaxed():
    write("book", BOOK)
    shutil.copytree("book", "new")
    write("new", NEW)
    with open("calls.csv", "w", encoding="utf-8") as out:
        out.write(CALLS)
    tools.ok("import", "--spec", tools.SPEC, "-o", "cdrs", "calls.csv", "--quiet")
    tools.ok("rate", "--book", "book", "--cdrs", "cdrs", "-o", "run", "--quiet")
    tools.ok("close", "run", "--cdrs", "cdrs", "--until", "2026-04-01", "-o", "state", "--quiet")

    delta = rerate("run", "new", "plain", "--closed", "state")
    assert lines_of(adjusting(delta)) == LINES, adjusting(delta)
    assert {status for _, _, status in statuses(delta)} == {"due"}
    tools.ok("verify", delta)

    # The same, made of the two runs afterwards.
    done = tools.run("delta", "run", "plain", "-o", "plain-2.delta", "--closed", "state", "--quiet")
    assert done.returncode == 1 and tools.tree("plain-2.delta") == tools.tree(delta), done

    # Debits are listed and not billed.
    delta = rerate("run", "new", "credits", "--closed", "state", "--credits-only")
    assert [s for _, _, s in statuses(delta)] == ["waived"] * 3 + ["due"] * 2
    # Beta's 0.10 is less than 0.11, and not less than 0.10.
    delta = rerate("run", "new", "minimum", "--closed", "state", "--minimum", "0.11")
    assert [s for _, _, s in statuses(delta)] == ["due"] * 3 + ["below_minimum", "due"]
    delta = rerate("run", "new", "minimum-2", "--closed", "state", "--minimum", "0.10")
    assert {s for _, _, s in statuses(delta)} == {"due"}
    # Acme's 0.75 is more than 0.74; gamma's 0.30 is not.
    delta = rerate("run", "new", "above", "--closed", "state", "--approve-above", "0.74")
    assert [s for _, _, s in statuses(delta)] == ["to_approve"] * 3 + ["due"] * 2
    delta = rerate("run", "new", "above-2", "--closed", "state", "--approve-above", "0.75")
    assert {s for _, _, s in statuses(delta)} == {"due"}
    with open("approved.txt", "w", encoding="utf-8") as out:
        out.write("beta\r\n\nacme\n")
    delta = rerate("run", "new", "approved", "--closed", "state", "--approve-above", "0.09", "--approved", "approved.txt")
    assert [s for _, _, s in statuses(delta)] == ["due"] * 4 + ["to_approve"]
    # 20 days before 1 April is 12 March: a debit of an older call is too late, a credit never is.
    delta = rerate("run", "new", "old", "--closed", "state", "--back-bill-days", "20", "--today", "2026-04-01")
    found = adjusting(delta)
    assert lines_of(found) == [
        ["acme", "2026-03-01", "was_suspense", "debit", "1", "0.00", "0.20"],
        ["acme", "2026-03-01", "payer", "debit", "1", "0.00", "0.25"],
        ["acme", "2026-03-01", "rate", "credit", "1", "0.60", "0.50"],  # a1, of the 5th
        ["acme", "2026-03-01", "rate", "debit", "1", "2.00", "2.40"],   # a2, of the 20th
        *LINES[3:],
    ], found
    assert [s for _, _, s in statuses(delta)] == ["due", "too_old", "due", "due", "due", "due"]
    # The 12th itself, 20 days ago, is not too old: with 25 days it is the 7th, that of g1.
    delta = rerate("run", "new", "old-2", "--closed", "state", "--back-bill-days", "25", "--today", "2026-04-01")
    assert "too_old" not in {s for _, _, s in statuses(delta)}
    delta = rerate("run", "new", "old-3", "--closed", "state", "--back-bill-days", "24", "--today", "2026-04-01")
    assert ("acme", "payer", "too_old") in statuses(delta)
    # What is too old does not count towards the minimum: acme's 0.20 - 0.10 + 0.40.
    delta = rerate("run", "new", "both", "--closed", "state", "--back-bill-days", "20", "--today", "2026-04-01", "--minimum", "0.51")
    assert [s for a, _, s in statuses(delta) if a == "acme"] == ["below_minimum", "too_old", "below_minimum", "below_minimum"]

    # Nothing moved, nothing adjusted; without a state nothing is told apart.
    delta = rerate("run", "book", "same", "--closed", "state", code=0)
    assert adjusting(delta) == []
    delta = rerate("run", "new", "open")
    assert not adjusting(delta)
    # The ledger takes what is due, apart.
    tools.ok("ledger", "book-of-march", "--post", "run", "--quiet")
    tools.ok("ledger", "book-of-march", "--post", "credits.delta", "--quiet")
    amounts = {a["account"]: a for a in json.loads(tools.ok("ledger", "book-of-march", "--json"))["amounts"]}
    due = {name: (a["entries"][-1]["due"], money(a["sum"])) for name, a in amounts.items()}
    # beta: 0.60 + 0.60 -> 0.50 + 0.50, of which 0.10 is adjusted and 0.10 is just replaced.
    assert due == {"acme": ("0.00000000", "3.35"), "beta": ("-0.10000000", "1.00"), "gamma": ("-0.30000000", "0.00")}, due
    # The command line.
    for word, more in (("--closed", ("--minimum", "1")), ("amount", ("--closed", "state", "--minimum", "x")),
                       ("--today", ("--closed", "state", "--back-bill-days", "3")),
                       ("no such", ("--closed", "state", "--approved", "nobody.txt")),
                       ("cannot be opened", ("--closed", "nothing"))):
        before = tools.tree(".")
        done = tools.run("rerate", "run", "--book", "new", "-o", "no", "--quiet", *more)
        assert done.returncode in (2, 66) and word.lower() in done.stderr.lower(), (word, done.returncode, done.stderr)
        tools.one_line(done, more)
        assert tools.tree(".") == before, more
    print("adjusting lines, waived, too old, below the minimum, to be approved")


TAXED = {
    **BOOK,
    "book.yaml": "book: taxed\ncurrency: USD\ntimezone: UTC\n",
    "tax_jurisdictions.csv": "id,level,state,parent\nUS,federal,,\nTX,state,TX,US\n",
    "tax_areas.csv": "area,tax_jurisdiction\naustin,TX\n",
    "sites.csv": "site,account,area\nhq,acme,austin\nshop,beta,austin\n",
    "numbers.csv": "number,account,site\n12125550100,acme,hq\n12125550200,beta,shop\n",
    "tax_map.csv": "tax_service\ntelecom\n",
    # 10 % of March's calls, 50 % of April's: what is adjusted of March is taxed as March was.
    "taxes.csv": "tax,tax_jurisdiction,kind,rate,from,to\nsales,TX,rate,10%,,2026-04-01\nsales,TX,rate,50%,2026-04-01,\n",
}


def taxed():
    write("taxed", TAXED)
    shutil.copytree("taxed", "taxed-new")
    write("taxed-new", {"decks/d.csv": "prefix,rate\n1,0.03\n44,0.10\n"})
    with open("tax-calls.csv", "w", encoding="utf-8") as out:
        out.write("record_id,start,duration_s,caller,callee\n"
                  "a1,2026-03-05T12:00:00Z,6000,+12125550100,+12015550111\n"    # 100 minutes: 6.00 -> 3.00
                  "a2,2026-04-03T12:00:00Z,6000,+12125550100,+12015550111\n"    # open
                  "b1,2026-03-10T12:00:00Z,600,+12125550200,+12015550111\n"     # 0.60 -> 0.30
                  "b2,2026-03-20T12:00:00Z,600,+12125550200,+442079460000\n")
    tools.ok("import", "--spec", tools.SPEC, "-o", "tax-cdrs", "tax-calls.csv", "--quiet")
    tools.ok("rate", "--book", "taxed", "--cdrs", "tax-cdrs", "-o", "tax-run", "--quiet")
    tools.ok("close", "tax-run", "--cdrs", "tax-cdrs", "--until", "2026-04-01", "-o", "tax-state", "--quiet")

    delta = rerate("tax-run", "taxed-new", "tax-1", "--closed", "tax-state", "--today", "2026-05-10")
    found = json.loads(tools.ok_or_moved("delta", delta, "--json"))
    assert [[one["account"], one["site"], one["period"], one["tax_services"], money(one["old"]), money(one["new"])]
            for one in found["adjusting"]] == [
        ["acme", "hq", "2026-03-01", "telecom", "6.00", "3.00"], ["beta", "shop", "2026-02-15", "telecom", "0.60", "0.30"]]
    taxes = [[one["account"], one["period"], one["report_period"], one["tax"], one["tax_jurisdiction"], one["old_cents"], one["new_cents"],
              one["status"]] for one in found["adjusting_taxes"]]
    # 10 % of 6.00 and of 3.00; of 0.60 and of 0.30: not 50 %, and nothing of April.
    assert taxes == [["acme", "2026-03-01", "2026-05", "sales", "TX", 60, 30, "due"],
                     ["beta", "2026-02-15", "2026-05", "sales", "TX", 6, 3, "due"]], taxes
    # Beta's 0.30 and 0.03 of tax are just not less than 0.33.
    delta = rerate("tax-run", "taxed-new", "tax-2", "--closed", "tax-state", "--report-period", "2026-04", "--minimum", "0.33")
    assert [s for _, _, s in statuses(delta)] == ["due", "due"]
    delta = rerate("tax-run", "taxed-new", "tax-3", "--closed", "tax-state", "--report-period", "2026-04", "--minimum", "0.34")
    found = json.loads(tools.ok_or_moved("delta", delta, "--json"))
    assert [one["status"] for one in found["adjusting"] + found["adjusting_taxes"]] == ["due", "below_minimum"] * 2
    assert {one["report_period"] for one in found["adjusting_taxes"]} == {"2026-04"}
    # The tax alone was wrong: no line is adjusted, the tax is. Debits only by the period's end, 20 and 21 days ago.
    shutil.copytree("taxed", "rates")
    write("rates", {"taxes.csv": TAXED["taxes.csv"].replace("10%", "20%")})
    for days, status in (("40", "due"), ("39", "too_old")):  # of 31 March; beta's period ended on 14 March
        delta = rerate("tax-run", "rates", "tax-4-" + days, "--closed", "tax-state", "--today", "2026-05-10",
                       "--back-bill-days", days)
        found = json.loads(tools.ok_or_moved("delta", delta, "--json"))
        assert found["adjusting"] == [], found["adjusting"]
        assert [(one["account"], one["old_cents"], one["new_cents"], one["status"]) for one in found["adjusting_taxes"]] == [
            ("acme", 60, 120, status), ("beta", 6, 12, "too_old")], found["adjusting_taxes"]
    before = tools.tree(".")
    done = tools.run("rerate", "tax-run", "--book", "taxed-new", "-o", "no", "--closed", "tax-state", "--quiet")
    assert done.returncode == 2 and "--report-period" in done.stderr and tools.tree(".") == before, (done.returncode, done.stderr)
    print("taxes of what is adjusted: at the rates of the calls' own dates, reported when it is done")


PERIODS = {**BOOK, "surcharges.csv": "subject,measure,amount\ndefault,attempts,0.01\n"}


def periods():
    """Unanswered calls cost 0.01 each, and should have cost 0.03."""
    write("attempts", PERIODS)
    shutil.copytree("attempts", "attempts-new")
    write("attempts-new", {"surcharges.csv": "subject,measure,amount\ndefault,attempts,0.03\n"})
    with open("attempts.csv", "w", encoding="utf-8") as out:
        out.write("record_id,start,duration_s,caller,callee,answered\n"
                  "a1,2026-03-05T12:00:00Z,0,+12125550100,+12015550111,no\n"
                  "a2,2026-03-06T12:00:00Z,0,+12125550100,+12015550111,no\n"
                  "a3,2026-04-06T12:00:00Z,0,+12125550100,+12015550111,no\n")
    tools.ok("import", "--spec", tools.SPEC, "-o", "attempt-cdrs", "attempts.csv", "--quiet")
    tools.ok("rate", "--book", "attempts", "--cdrs", "attempt-cdrs", "-o", "tries", "--quiet")
    tools.ok("close", "tries", "--cdrs", "attempt-cdrs", "--until", "2026-04-01", "-o", "tries-state", "--quiet")
    delta = rerate("tries", "attempts-new", "tries-1", "--closed", "tries-state")
    assert lines_of(adjusting(delta)) == [["acme", "2026-03-01", "period", "debit", "0", "0.02", "0.06"]], adjusting(delta)
    print("period charges of closed periods")


def kept():
    """Beta is in no book of the merged run but an older one: its cycles are those that the new run's book has for it."""
    write("whole", BOOK)
    write("moved-out", {**BOOK, "accounts.csv": BOOK["accounts.csv"].replace("beta,Beta Co,15\n", ""),
                        "numbers.csv": BOOK["numbers.csv"].replace("12125550200,beta\n", ""),
                        "decks/d.csv": BOOK["decks/d.csv"] + "33,0.20\n"})
    write("back", {**BOOK, "decks/d.csv": NEW["decks/d.csv"]})
    write(".", {"kept.csv": CALLS})
    tools.ok("import", "--spec", tools.SPEC, "-o", "kept-cdrs", "kept.csv", "--quiet")
    tools.ok("rate", "--book", "whole", "--cdrs", "kept-cdrs", "-o", "kept", "--quiet")
    tools.ok("close", "kept", "--cdrs", "kept-cdrs", "--until", "2026-04-01", "-o", "kept-state", "--quiet")
    rerate("kept", "moved-out", "kept-1", "--only-suspense")
    delta = rerate("kept-1", "back", "kept-2", "--closed", "kept-state", "--credits-only")
    found = adjusting(delta)
    assert lines_of(found) == [LINES[2], LINES[3], ["gamma", "2026-03-01", "rate", "credit", "1", "0.30", "0.25"]], found
    print("lines kept from a book before: one line of their own cycle")


def other_states():
    """A state of the run, of one that rates it again and of one behind it are taken; any other is refused."""
    write(".", {"april.csv": CALLS.replace("2026-03", "2026-04"),
                "late.csv": CALLS.splitlines()[0] + "\nl1,2026-03-06T12:00:00Z,60,+12125550100,+12015550111\n"})
    tools.ok("import", "--spec", tools.SPEC, "-o", "april-cdrs", "april.csv", "--quiet")
    tools.ok("rate", "--book", "book", "--cdrs", "april-cdrs", "-o", "april", "--quiet")
    tools.ok("close", "april", "--cdrs", "april-cdrs", "--until", "2026-05-01", "-o", "april-state", "--quiet")
    for words in (("rerate", "run", "--book", "new", "-o", "no"), ("delta", "run", "plain", "-o", "no")):
        done = tools.run(*words, "--closed", "april-state", "--quiet")
        assert done.returncode == 2 and "april-state is a state neither of run nor" in done.stderr, done
        assert not os.path.exists("no") and not os.path.exists("no.delta")
        tools.one_line(done, words)
    # Rated again twice, billed once: the state is still the first run's.
    rerate("plain", "book", "back-again", "--closed", "state")
    rerate("back-again", "new", "twice", "--closed", "state")
    # A call comes late and is rated behind the closed run, whose state holds nothing of what that run bills.
    tools.ok("import", "--spec", tools.SPEC, "-o", "cdrs", "late.csv", "--quiet")
    tools.ok("rate", "--book", "book", "--cdrs", "cdrs", "--after", "state", "-o", "behind", "--quiet")
    tools.ok("close", "behind", "--until", "2026-04-01", "-o", "behind-state", "--quiet")
    done = tools.run("rerate", "behind", "--book", "new", "-o", "no", "--closed", "state", "--quiet")
    assert done.returncode == 2 and "goes on from" in done.stderr and not os.path.exists("no"), done
    rerate("run", "new", "later", "--closed", "behind-state", "--old-cdrs", "cdrs")
    rerate("behind", "new", "behind-new", "--closed", "behind-state")
    print("states of other runs: refused")


def main():
    with tools.work_folder():
        untaxed()
        other_states()
        kept()
        taxed()
        periods()
    return 0


if __name__ == "__main__":
    sys.exit(main())
