"""summary --suspense for every reason: what is said, and that the row to add clears what it is said to clear.

A few calls for each reason against a book that lacks one thing for each. Where a row is named, it is added to the table
with a price or an account decided here, and exactly that group must be rated by the next book. What is grouped is
written down by hand.
"""
import csv
import json
import os
import shutil
import sys

import fault_tools as tools
from fault_tools import write

NEW_YORK, JERSEY = "+12125550100", "+12015550111"

BOOK = {
    "book.yaml": "book: gaps\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account,name\nacme,Acme\nbeta,\"Beta, Inc\"\n\"no, plan\",Without\n",
    "numbers.csv": "number,account,from,to\n12125550100,acme,,\n12125550200,beta,,\n12125550300,\"no, plan\",,\n"
                   "12125550400,acme,2026-04-01,\n",
    "trunks.csv": "trunk,account\nT1,acme\n",
    "assignments.csv": "subject,plan\naccount:acme,p\naccount:beta,b\n",
    "plans.csv": "plan\np\nb\n",
    "destinations.csv": "prefix,destination\n1900,reject\n1901,markup\n",
    "plan_rules.csv": "plan,action,deck,service,direction,destination,percent,amount,priority\n"
                      "p,reject,,voice,,reject,,,1\np,markup,,voice,out,markup,10,,2\np,deck,us,voice,out,,,,3\n"
                      "p,deck,free8,voice,in,,,,4\np,deck,codes,mms,,,,,5\n"
                      "b,deck,pairs,voice,out,,,,1\nb,deck,night,mms,,,,,2\nb,deck,ported,data,,,,,3\n",
    "decks.csv": "deck,key,calendar,number_basis\nus,,,\nfree8,caller,,\ncodes,calltype,,\npairs,npanxx_pair,,\n"
                 "night,,cal,\nported,,,lrn\n",
    "calendars.csv": "calendar,band,days,from,to\ncal,late,,20:00,06:00\n",
    "deck_versions.csv": "deck,file,effective,mode\nus,us_jan,2026-01-01,full\nus,us_march,2026-03-01,full\n",
    "decks/us_jan.csv": "prefix,rate\n1201,0.01\n44,0.01\n",
    "decks/us_march.csv": "prefix,rate,status,to\n1201,0.06,,\n1202,,,\n1203,0.06,blocked,\n33,0.1,,2026-03-02\n"
                          "4420,0.1,,\n",
    "decks/free8.csv": "prefix,rate\n1212,0.02\n",
    "decks/codes.csv": "key,rate\nLD,0.03\n",
    "decks/pairs.csv": "prefix,caller_prefix,rate\n1201,1212,0.05\n",
    "decks/night.csv": "prefix,rate,band\n1201,0.02,late\n",
    "decks/ported.csv": "prefix,rate\n1201,0.02\n",
}
COLUMNS = "record_id,start,duration_s,caller,callee,service,direction,trunk,account_hint,calltype,quantity,lrn_callee"
# How many, and what they have besides the start; all on 3 March 2026, noon UTC.
CALLS = {
    "rated": (2, dict(caller=NEW_YORK, callee=JERSEY)),
    "trunk": (3, dict(caller="alice", callee=JERSEY, trunk="T-12,9")),
    "hint": (4, dict(caller="", callee=JERSEY, account_hint="H1")),
    "nobody": (2, dict(caller="", callee=JERSEY)),
    "early": (2, dict(caller="+12125550400", callee=JERSEY)),
    "parties": (3, dict(caller=NEW_YORK, callee=JERSEY, trunk="T1", account_hint="B")),
    "plan": (5, dict(caller="+12125550300", callee=JERSEY)),
    "rule": (6, dict(caller="+12129990111", callee=NEW_YORK, service="sms", direction="in", quantity="1")),
    "rejected": (2, dict(caller=NEW_YORK, callee="+19005550111")),
    "markup": (2, dict(caller=NEW_YORK, callee="+19015550111")),
    "rate": (7, dict(caller=NEW_YORK, callee="+12025550111")),
    "blocked": (3, dict(caller=NEW_YORK, callee="+12035550111")),
    "ended": (4, dict(caller=NEW_YORK, callee="+33123456789")),
    "country": (8, dict(caller=NEW_YORK, callee="+3531234567")),
    "npa": (9, dict(caller=NEW_YORK, callee="+13105550111")),
    "gap": (9, dict(caller=NEW_YORK, callee="+447700900123")),
    "short": (2, dict(caller=NEW_YORK, callee="72727")),
    "bad": (3, dict(caller=NEW_YORK, callee="nobody@home")),
    "caller": (5, dict(caller="+16175550111", callee=NEW_YORK, direction="in")),
    "code": (6, dict(caller=NEW_YORK, callee=JERSEY, service="mms", calltype="INTL,2", quantity="1")),
    "nocode": (2, dict(caller=NEW_YORK, callee=JERSEY, service="mms", quantity="1")),
    "pair": (7, dict(caller="+12125550200", callee="+12025550111")),
    "band": (4, dict(caller="+12125550200", callee=JERSEY, service="mms", quantity="1")),
    "lrn": (3, dict(caller="+12125550200", callee=JERSEY, service="data", quantity="60", lrn_callee="+13125550000")),
}
# (reason, about): calls, and the row to add or a word of the advice.
EXPECTED = {
    ("no_account", "trunk:T-12,9"): ("trunk", 'numbers.csv number,account "trunk:T-12,9",ACCOUNT'),
    ("no_account", "hint:H1"): ("hint", "numbers.csv number,account hint:H1,ACCOUNT"),
    ("no_account", ""): ("nobody", "mapping spec"),
    ("no_account", "+12125550400"): ("early", "numbers.csv, line 5"),
    ("party_conflict", "acme or beta"): ("parties", "different accounts"),
    ("no_plan", "account no, plan"): ("plan", 'assignments.csv subject,plan "account:no, plan",PLAN'),
    ("no_rule", "plan p, sms in"): ("rule", "plan_rules.csv plan,action,service,direction,deck,priority "
                                            "p,deck,sms,in,DECK,6"),
    ("rejected", "plan_rules.csv:2"): ("rejected", "rejects"),
    ("no_provider_charge", "plan_rules.csv:3"): ("markup", "carrier's charge"),
    ("no_rate", "decks/us_march.csv:3, prefix 1202"): ("rate", "no rate"),
    ("blocked", "decks/us_march.csv:4, prefix 1203"): ("blocked", "blocked"),
    ("no_prefix", "33"): ("ended", "decks/us_march.csv:5"),
    ("no_prefix", "353"): ("country", "decks/us_march.csv prefix,rate 353,RATE"),
    ("no_prefix", "1310"): ("npa", "decks/us_march.csv prefix,rate 1310,RATE"),
    ("no_prefix", "447"): ("gap", "decks/us_march.csv prefix,rate 447,RATE"),
    ("no_prefix", "short codes and extensions"): ("short", "decks/us_march.csv prefix,rate ,RATE"),
    ("bad_number", "a callee that is no number"): ("bad", "decks/us_march.csv prefix,rate ,RATE"),
    ("no_prefix", "1617"): ("caller", "decks/free8.csv prefix,rate 1617,RATE"),
    ("no_calltype", "INTL,2"): ("code", 'decks/codes.csv key,rate "INTL,2",RATE'),
    ("no_calltype", "no call type"): ("nocode", "decks/codes.csv key,rate ,RATE"),
    ("no_prefix", "1202"): ("pair", "decks/pairs.csv prefix,caller_prefix,rate 1202,,RATE"),
    ("no_band", "1201"): ("band", "decks/night.csv prefix,rate 1201,RATE"),
    ("no_prefix", "1312"): ("lrn", "decks/ported.csv prefix,rate 1312,RATE"),
}
DECIDED = {"ACCOUNT": "acme", "PLAN": "p", "DECK": "free8", "RATE": "0.01"}


def write_calls():
    with open("calls.csv", "w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, COLUMNS.split(","), restval="")
        table.writeheader()
        second = 0
        for name, (count, cells) in CALLS.items():
            for i in range(count):
                second += 1
                table.writerow({"record_id": f"{name}-{i}", "duration_s": "60",
                                "start": f"2026-03-03T12:{second // 60:02}:{second % 60:02}Z", **cells})


def add_row(folder, group):
    path = os.path.join(folder, group["file"])
    with open(path, encoding="utf-8", newline="") as table:
        header = next(csv.reader(table))
    values = dict(zip(group["columns"].split(","), next(csv.reader([group["add"]])), strict=True))
    values = {column: DECIDED.get(value, value) for column, value in values.items()}
    with open(path, "a", encoding="utf-8", newline="") as table:
        csv.writer(table, lineterminator="\n").writerow([values.get(column, "") for column in header])


def reasons(run):
    rows = csv.DictReader(tools.ok("export", run, "--format", "csv").splitlines())
    found = {}
    for row in rows:
        found.setdefault(row["record_id"].split("-")[0], set()).add(row["reason"] if row["status"] == "suspense" else "")
    return found


def main():
    with tools.work_folder():
        write("book", {**BOOK, "numbers.csv": BOOK["numbers.csv"] + "hint:B,beta,,\n"})
        write_calls()
        tools.ok("import", "--spec", tools.SPEC, "-o", "cdrs", "calls.csv", "--quiet")
        tools.ok("rate", "--book", "book", "--cdrs", "cdrs", "-o", "run", "--quiet")
        report = json.loads(tools.ok("summary", "run", "--suspense", "--unmask", "--top", "100", "--json"))
        groups = {(g["reason"], g["about"]): g for g in report["groups"]}
        assert set(groups) == set(EXPECTED), (set(groups) ^ set(EXPECTED))
        assert report["more_rows"] == report["more_groups"] == 0
        before = reasons("run")
        for key, (name, said) in EXPECTED.items():
            group = groups[key]
            assert group["rows"] == CALLS[name][0], (key, group)
            assert before[name] == {key[0]}, (name, before[name])
            if group["file"] is None:
                assert said in group["advice"], (key, group)
                continue
            assert f"{group['file']} {group['columns']} {group['add']}" == said, (key, group)
            # This row alone, and this group alone is cleared. (The empty prefix and key take all that nothing else has,
            # as they say.)
            shutil.copytree("book", "next")
            add_row("next", group)
            tools.ok("rate", "--book", "next", "--cdrs", "cdrs", "--only-suspense", "run", "-o", "cleared", "--quiet")
            tools.ok("verify", "cleared")
            after = reasons("cleared")
            cleared = {other for other in after if after[other] != before[other]}
            assert after[name] == {""}, (key, after[name])
            assert cleared == {name} or (",RATE" == group["add"] and name in cleared), (key, cleared)
            shutil.rmtree("next")
            shutil.rmtree("cleared")
        human = tools.ok("summary", "run", "--suspense", "--top", "3")
        assert human.count("first 2026-03-03:") == 3 and "more groups" in human, human
        done = tools.run("summary", "run", "--unmask")
        assert done.returncode == 2 and "--suspense" in done.stderr, done
        shutil.move("cdrs", "elsewhere")
        done = tools.run("summary", "run", "--suspense")
        assert done.returncode == 66 and "--cdrs" in done.stderr, done
        tools.ok("summary", "run", "--suspense", "--cdrs", "elsewhere")
    print(f"{len(EXPECTED)} groups are what they are by hand, and each row that was named cleared its own")
    return 0


if __name__ == "__main__":
    sys.exit(main())
