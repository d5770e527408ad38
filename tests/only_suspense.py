"""Suspense from end to end: the summary names the row, the row is added, and only what waited is rated again.

The month is made here, so every count and sum is known without the program: thousands of calls of a number that is
nobody's and to a prefix that no deck has, among calls that are settled and must keep their lines whatever the next book
says. What a merged run says is compared with a full rate by the same book wherever both must agree.
"""
import csv
import io
import json
import os
import shutil
import sys
from decimal import Decimal

import fault_tools as tools
from fault_tools import write

EACH = int(os.environ.get("SUSPENSE_CALLS", "2500"))  # calls of each kind
PRICED = sum(i % 10 == 1 for i in range(EACH))  # of the calls to 4479: the deck has 44791
DAYS = ("2026-03-02", "2026-03-03", "2026-03-05")
KNOWN, UNKNOWN, LATER = "+12125550100", "+12125550999", "+12125550888"
BLOCK = [f"+131055507{n:02}" for n in range(20, 40)]  # twenty missing numbers side by side


def month():
    """Rows and how many of each kind: half of a minute, half of two."""
    rows = ["record_id,start,duration_s,caller,callee,service,direction,answered\n"]

    def calls(name, count, caller, callee, rest=",,"):
        for i in range(count):
            caller_i = caller if isinstance(caller, str) else caller[i % len(caller)]
            day, second = DAYS[i % len(DAYS)], i % 86400
            rows.append(f"{name}{i},{day}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z,"
                        f"{60 * (1 + i % 2)},{caller_i},{callee if isinstance(callee, str) else callee(i)},{rest}\n")

    calls("k", EACH, KNOWN, "+12015550111")
    calls("o", 40, "+12125550300", "+12015550111")                    # an account that the next book does not have
    calls("u", EACH, UNKNOWN, "+12015550111")
    calls("p", EACH, KNOWN, lambda i: f"+4479{i % 10}0000{i % 1000:03}")
    calls("b", 200, BLOCK, "+12015550111")
    calls("l", 300, LATER, "+12025550111")
    calls("n", 30, KNOWN, "911")
    calls("z", 25, KNOWN, "+12015550111", ",,no")                      # not answered
    calls("m", 60, KNOWN, "+12015550111", "sms,,")                     # no rule for messages
    rows.append("twice,2026-03-03T10:00:00Z,60,+12125550100,+12015550111,,,\n")
    rows.append("twice,2026-03-03T10:00:00Z,61,+12125550100,+12015550111,,,\n")  # a conflict: both wait for ever
    with open("month.csv", "w", encoding="utf-8") as out:
        out.writelines(rows)
    return len(rows) - 1


BOOK = {
    "book.yaml": "book: first\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account,name\nacme,Acme Inc\ngone,Gone Ltd\n",
    "sites.csv": "site,account\nhq,acme\n",
    "numbers.csv": "account,number,site\nacme,12125550100,hq\ngone,12125550300,\n",
    "assignments.csv": "subject,plan\ndefault,p\n",
    "plans.csv": "plan\np\n",
    "plan_rules.csv": "plan,action,deck,service,priority\np,deck,us,voice,1\n",
    "decks/us.csv": "prefix,destination,rate\n1201,New Jersey,0.06\n1202,DC,0.02\n4420,London,0.05\n44791,Here,0.5\n44795550,There,0.5\n",
}


def summary(run, *options):
    return json.loads(tools.ok("summary", run, "--suspense", "--json", *options))


def waits(found):
    return {(g["reason"], g["about"]): g for g in found["groups"]}


def add_row(folder, group, **decided):
    """Puts the row that the summary names into the table it names, in the order of that table's columns."""
    path = os.path.join(folder, group["file"])
    with open(path, encoding="utf-8", newline="") as table:
        header = next(csv.reader(table))
    values = dict(zip(group["columns"].split(","), next(csv.reader([group["add"]]))))
    assert set(values) <= set(header), (header, values)
    values = {k: decided.get(v, v) for k, v in values.items()}
    with open(path, "a", encoding="utf-8", newline="") as table:
        csv.writer(table, lineterminator="\n").writerow([values.get(column, "") for column in header])


def export(run):
    """record_id (twice: with its row) -> the exported line; and the lines in order."""
    text = tools.ok("export", run, "--format", "csv")
    header, *lines = text.splitlines()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(lines)
    return header, lines, rows


def facts(run):
    with open(os.path.join(run, "run.json"), encoding="utf-8") as text:
        return json.load(text)


def rate(book, run, *options):
    return json.loads(tools.ok("rate", "--book", book, "--cdrs", "cdrs", "-o", run, "--json", *options))


def totals_of(rows):
    """What a manifest must say, from the exported lines."""
    status = {}
    for row in rows:
        status[row["reason"]] = status.get(row["reason"], 0) + 1
    charge = sum(Decimal(row["charge"] or 0) for row in rows)
    billed = sum(int(row["billed"]) for row in rows if row["service"] == "voice")
    return status, charge, billed


def check_manifest(run, rows, count):
    found = facts(run)
    status, charge, billed = totals_of(rows)
    assert found["rows"] == len(rows) == count, (run, found["rows"], len(rows))
    assert found["rated"] + found["zero_rated"] + found["suspense"] == count, run
    assert {s["reason"]: s["rows"] for s in found["statuses"]} == status, (run, status)
    assert [Decimal(t["charge"]) for t in found["totals"]] == [charge], (run, found["totals"], charge)
    assert found["billed_s"] == billed, (run, found["billed_s"], billed)
    listed = 0
    with open(os.path.join(run, "suspense.csv"), encoding="utf-8", newline="") as table:
        for line in csv.DictReader(table):
            listed += int(line["rows"])
            for place in line["first"], line["last"]:
                day, row = place.rsplit(":", 1)
                at = [r for r in rows if r["day"] == day][int(row)]
                assert at["reason"] == line["reason"], (run, line, at)
    assert listed == found["suspense"], (run, listed)
    tools.ok("verify", run)


def surcharges(full):
    """Period charges are the new book's over all lines, kept ones too: as of a full rate."""
    shutil.copytree("added", "charging")
    write("charging", {"surcharges.csv": "subject,measure,amount,short_s,threshold_percent\n"
                                         "default,attempts,0.01,,\nsite:hq,short_calls,0.02,60,20\n"
                                         "account:beta,short_calls,0.03,60,40\n"})
    rate("charging", "charged", "--only-suspense", "old")
    rate("charging", "charged-full")
    ours, theirs = (tools.ok("export", run, "--what", "period", "--format", "csv") for run in ("charged", "charged-full"))
    assert ours == theirs, (ours, theirs)
    periods = list(csv.DictReader(io.StringIO(ours)))
    assert {(p["account"], p["site"], p["kind"]) for p in periods} == \
        {("acme", "", "attempts"), ("acme", "hq", "short_calls"), ("beta", "", "short_calls")}, periods
    # 25 calls to 12015550111 were not answered; all of them are kept lines.
    assert [Decimal(p["charge"]) for p in periods if p["kind"] == "attempts"] == [Decimal("0.25")], periods
    charge = sum(Decimal(p["charge"]) for p in periods) + Decimal(full["charge"])
    assert Decimal(facts("charged")["totals"][0]["charge"]) == charge, (charge, facts("charged")["totals"])
    for run in "charged", "charged-full":
        tools.ok("verify", run)
    # Once more: nothing is counted twice. And without surcharges again.
    rate("charging", "charged-2", "--only-suspense", "charged")
    assert tools.ok("export", "charged-2", "--what", "period", "--format", "csv") == ours
    rate("added", "charged-3", "--only-suspense", "charged-2")
    assert facts("charged-3")["totals"] == facts("cleared")["totals"]
    assert export("charged-3")[:2] == export("cleared")[:2]
    # A call that would be somebody else's now has no account to count it for.
    write("charging", {"numbers.csv": "account,number,site\nacme,12125550100,hq\nbeta,12125550300,\n"})
    done = tools.run("rate", "--book", "charging", "--cdrs", "cdrs", "--only-suspense", "old", "-o", "no", "--quiet")
    assert done.returncode == 65 and "surcharges" in done.stderr and not os.path.exists("no"), done


def first_summary():
    """Counts and rows to add, by hand."""
    found = summary("old", "--unmask")
    assert found["suspense_rows"] == 2 * EACH - PRICED + 200 + 300 + 60 + 2, found["suspense_rows"]
    groups = waits(found)
    number = groups[("no_account", UNKNOWN)]
    assert (number["rows"], number["file"], number["columns"], number["add"]) == \
        (EACH, "numbers.csv", "number,account", UNKNOWN[1:] + ",ACCOUNT"), number
    # 4479 has longer rows below it (44791, 44795550). What is missing are 44790, 44792 and so on, and of 44795 only
    # 447950: one row 4479 clears them all and takes nothing from the longer ones.
    prefix = groups[("no_prefix", "4479")]
    assert (prefix["rows"], prefix["file"], prefix["columns"], prefix["add"]) == \
        (EACH - PRICED, "decks/us.csv", "prefix,rate", "4479,RATE"), prefix
    block = groups[("no_account", f"{BLOCK[0]} to {BLOCK[-1]}")]
    assert (block["rows"], block["add"]) == (200, f"{BLOCK[0][1:]}-{BLOCK[-1][1:]},ACCOUNT"), block
    rule = groups[("no_rule", "plan p, sms out")]
    assert (rule["rows"], rule["file"], rule["add"]) == (60, "plan_rules.csv", "p,deck,sms,out,DECK,2"), rule
    assert groups[("conflict", "")]["rows"] == 2 and groups[("conflict", "")]["file"] is None
    _, _, rows = export("old")
    for group in found["groups"]:
        at = [r for r in rows if r["day"] == group["day"]][group["row"]]
        assert at["reason"] == group["reason"], (group, at)
        assert not any(r["reason"] == group["reason"] and (r["day"], int(r["row"])) < (group["day"], group["row"]) and
                       group["reason"] in ("conflict", "no_rule") for r in rows), group
    counts = [g["rows"] for g in found["groups"]]
    assert counts == sorted(counts, reverse=True), counts
    top = summary("old", "--unmask", "--top", "2")
    assert top["groups"] == found["groups"][:2] and top["more_rows"] == found["suspense_rows"] - sum(counts[:2])
    assert top["more_groups"] == len(counts) - 2
    masked = tools.ok("summary", "old", "--suspense")
    assert "2125550999" not in masked and "numbers.csv: number,account -> 1212xxxxx99,ACCOUNT" in masked, masked
    return found


def main():
    with tools.work_folder():
        count = month()
        tools.ok("import", "--spec", tools.SPEC, "-o", "cdrs", "month.csv", "--quiet")
        write("book", BOOK)
        rate("book", "old")
        before = tools.tree("old", skipped=())
        found = first_summary()

        # Exactly the rows that the summary names, and nothing else.
        shutil.copytree("book", "added")
        groups = waits(found)
        with open("added/accounts.csv", "a", encoding="utf-8") as table:
            table.write("beta,Beta Co\n")
        add_row("added", groups[("no_account", UNKNOWN)], ACCOUNT="beta")
        add_row("added", groups[("no_prefix", "4479")], RATE="0.1")
        kept = rate("added", "cleared", "--only-suspense", "old")["kept"]
        assert kept == count - found["suspense_rows"], kept
        full = rate("added", "full")
        header, cleared, rows = export("cleared")
        assert (header, cleared) == export("full")[:2], "not what a full rate gives"
        check_manifest("cleared", rows, count)
        assert not [r for r in rows if r["reason"] == "no_prefix" or (r["reason"] and r["caller"] == UNKNOWN)]
        assert facts("cleared")["suspense"] == full["suspense_rows"] == 200 + 300 + 60 + 2
        assert tools.read("cleared/suspense.csv") == tools.read("full/suspense.csv")
        ours, theirs = (json.loads(tools.ok("summary", run, "--json")) for run in ("cleared", "full"))
        for each in ours, theirs:
            for member in ("run", "book_hash"):
                each.pop(member, None)
        assert ours == theirs, "the summaries differ"

        surcharges(full)

        # A book that would price everything otherwise, without one account: kept lines keep their bytes.
        shutil.copytree("added", "dearer")
        write("dearer", {
            "book.yaml": BOOK["book.yaml"].replace("first", "second"),
            "accounts.csv": "account,name\nbeta,Beta Co\nacme,Acme Renamed\n",
            "numbers.csv": "account,number\nbeta,12125550999\nacme,12125550100\n",
            "decks/us.csv": "prefix,destination,rate\n120,East,0.6\n447,Mobile,0.7\n",
        })
        os.remove("dearer/sites.csv")
        rate("dearer", "merged", "--only-suspense", "old")
        rate("dearer", "dear-full")
        _, old_lines, old_rows = export("old")
        _, dear_lines, _ = export("dear-full")
        header, lines, rows = export("merged")
        check_manifest("merged", rows, count)
        names = [i for i, column in enumerate(header.split(",")) if column == "account"]
        assert len(names) == 1
        again = {i for i, row in enumerate(old_rows) if row["status"] in ("suspense", "conflict")}
        assert all(line == (dear_lines if i in again else old_lines)[i] for i, line in enumerate(lines))
        assert any(old_lines[i] != dear_lines[i] for i in range(count) if i not in again)
        charge = {i: Decimal(r["charge"]) for i, r in enumerate(rows) if r["status"] == "rated"}
        known = sum(charge[i] for i, r in enumerate(rows) if r["record_id"].startswith("k"))
        assert known == Decimal("0.06") * (EACH + EACH // 2), known  # minutes at the first book's rate
        assert tools.tree("old", skipped=()) == before, "the earlier run was touched"

        # Again, with a third book, from the merged run.
        shutil.copytree("dearer", "third")
        write("third", {"book.yaml": BOOK["book.yaml"].replace("first", "third")})
        groups = waits(summary("merged", "--unmask", "--top", "100"))
        add_row("third", groups[("no_account", LATER)], ACCOUNT="acme")
        add_row("third", groups[("no_account", f"{BLOCK[0]} to {BLOCK[-1]}")], ACCOUNT="beta")
        rate("third", "again", "--only-suspense", "merged")
        header, lines_again, rows = export("again")
        check_manifest("again", rows, count)
        waiting = {i for i, row in enumerate(rows) if row["status"] in ("suspense", "conflict")}
        cured = {i for i in again if rows[i]["record_id"][0] in "lb"}
        assert waiting == {i for i, row in enumerate(rows) if row["record_id"][0] in "mt"}, "what still waits"
        assert all(lines_again[i] == lines[i] for i in range(count) if i not in cured)
        assert facts("again")["kept"] == count - len(waiting) - len(cured)
        books = facts("again")["books"]
        assert [b["file"] for b in books] == ["book.0.image", "book.1.image", "book.image"], books
        assert tools.read("again/book.0.image") == tools.read("old/book.image")
        assert tools.read("again/book.1.image") == tools.read("merged/book.image")

        # Each line is explained by its own book.
        by_id = {row["record_id"]: row for row in rows}
        for record, book, money in (("k1", "first", "0.12000000"), ("u1", "second", "1.20000000"),
                                    ("p3", "second", "1.40000000"), ("l1", "", "1.20000000"),
                                    ("o1", "first", "0.12000000")):
            row = by_id[record]
            said = tools.ok("explain", "again", f"{row['day']}:{row['row']}")
            assert money in said and Decimal(money) == Decimal(row["charge"]), (record, said)
            assert ("kept from an earlier run" in said) == bool(book), (record, said)
            assert book in said, (record, said)

        # Whatever way: the same bytes.
        expected = tools.tree("again")
        for threads in ("1", "2"):
            for path in tools.rate_paths():
                for simd in ("scalar", "auto"):
                    rate("third", "way", "--only-suspense", "merged", "--threads", threads, "--io", path, "--simd", simd)
                    assert tools.tree("way") == expected, (threads, path, simd)
                    shutil.rmtree("way")

        refusals()
    print("what waited was named, added, rated alone and merged; what was settled kept its lines")
    return 0


def refused(code, word, *arguments):
    done = tools.run("rate", "--book", "third", "--quiet", *arguments)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    tools.one_line(done, arguments)
    assert word in done.stderr, (word, done.stderr)


def refusals():
    ours = ("--cdrs", "cdrs", "--only-suspense", "old")
    before = tools.tree(".")
    refused(2, "leave out the days", *ours, "--from", "2026-03-03", "-o", "no")
    refused(2, "leave out the days", *ours, "--to", "2026-03-05", "-o", "no")
    refused(73, "within", *ours, "-o", "old/no")
    refused(73, "exists already", *ours, "-o", "old")
    refused(66, "nothing", "--cdrs", "cdrs", "--only-suspense", "nothing", "-o", "no")
    assert tools.tree(".") == before
    # Other CDRs: one row more.
    with open("more.csv", "w", encoding="utf-8") as out:
        out.write("record_id,start,duration_s,caller,callee\nnew,2026-03-03T00:00:00Z,60,+12125550100,+12015550111\n")
    shutil.copytree("cdrs", "grown")
    tools.ok("import", "--spec", tools.SPEC, "-o", "grown", "more.csv", "--quiet")
    refused(65, "cdr_hash", "--cdrs", "grown", "--only-suspense", "old", "-o", "no")
    # Days of the earlier run: those, whether said again or not.
    tools.ok("rate", "--book", "book", *ours[:2], "--from", "2026-03-03", "--to", "2026-03-05", "-o", "some", "--quiet")
    tools.ok("rate", "--book", "third", *ours[:3], "some", "--to", "2026-03-05", "-o", "some-2", "--quiet")
    assert facts("some-2")["from_day"] == "2026-03-03" and facts("some-2")["rows"] == facts("some")["rows"]
    tools.ok("verify", "some-2")
    # One bit of the earlier run: of a line, a table, a book.
    for name in ("lines/2026-03-03.0.arrow", "buckets.arrow", "book.image"):
        shutil.copytree("old", "bent")
        with open(os.path.join("bent", name), "r+b") as file:
            file.seek(4096 + 17 if name.startswith("lines") else os.path.getsize(file.name) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 4]))
        refused(65, "bent", *ours[:3], "bent", "-o", "no")
        shutil.rmtree("bent")
        assert not os.path.exists("no") and not os.path.exists("no.tollmill.tmp"), name


if __name__ == "__main__":
    sys.exit(main())
