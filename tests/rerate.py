"""Rerate and the ledger from end to end: nothing changed gives the same bytes and an empty delta; chains of re-ratings add up;
what does not follow from what was posted, what is damaged and what somebody else works on is refused, and nothing is made.
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
    "book.yaml": "book: again\ncurrency: USD\ntimezone: America/New_York\n",
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
SECOND = {"decks/d.csv": "prefix,rate,increment_s,connect_fee\n1,0.07,6,0.01\n44,0.11,30,\n33,0.3,60,\n"}
THIRD = {"bundles.csv": BOOK["bundles.csv"].replace("3000", "2000"),
         "surcharges.csv": "subject,measure,short_s,amount\ndefault,short_calls,20,0.002\n"}


def rows_of(month, count, name, chance):
    rows = []
    for i in range(count):
        caller = chance.choice(("1212555010%d", "1212555020%d")) % chance.randrange(4)
        service, seconds, quantity = "voice", chance.choice((1, 13, 60, 61, 200, 700)), ""
        if chance.random() < 0.3:
            service, seconds, quantity = chance.choice(("sms", "event")), 0, chance.choice((1, 2, 5, -1))
        callee = chance.choice(("+12015550111", "+442079460000", "+33123456789"))  # the last has no price
        rows.append("%s%d,2026-%02d-%02dT%02d:%02d:%02dZ,%d,+%s,%s,%s,%s\n" % (
            name, i, month, 1 + chance.randrange(28), chance.randrange(24), chance.randrange(60), chance.randrange(60), seconds,
            caller, callee, service, quantity))
    return rows


def import_rows(data, rows):
    with open("calls.csv", "w", encoding="utf-8") as out:
        out.writelines(["record_id,start,duration_s,caller,callee,service,quantity\n"] + rows)
    tools.ok("import", "--spec", tools.SPEC, "-o", data, "calls.csv", "--quiet")


def facts(run):
    with open(os.path.join(run, "run.json"), encoding="utf-8") as text:
        return json.load(text)


def rerate(old, book, run, *more, code=1):
    done = tools.run("rerate", old, "--book", book, "-o", run, "--json", *more)
    assert done.returncode == code, (run, more, done.returncode, done.stderr)
    return json.loads(done.stdout)


def charges(run):
    """By account: lines and period charges, from the exports."""
    found = {}
    for more in (), ("--what", "period"):
        for row in csv.DictReader(io.StringIO(tools.ok("export", run, "--format", "csv", *more))):
            if row["account"]:
                found[row["account"]] = found.get(row["account"], 0) + Decimal(row["charge"] or 0)
    return {name: charge for name, charge in found.items() if charge}


def same_but_for_the_predecessor(old, new):
    mine, theirs = (tools.tree(run, skipped=("stats.json", "run.json")) for run in (new, old))
    assert mine == theirs, set(mine.items()) ^ set(theirs.items())
    one, other = facts(old), facts(new)
    assert other.pop("predecessor") == one.pop("digest")
    other.pop("digest")
    assert one == other


def refused(code, word, *arguments):
    before = tools.tree(".")
    done = tools.run(*arguments)
    assert done.returncode == code and word in done.stderr, (arguments, done.returncode, done.stderr)
    tools.one_line(done, arguments)
    assert tools.tree(".") == before, arguments


def unchanged():
    tools.ok("rate", "--book", "book", "--cdrs", "cdrs", "-o", "run", "--quiet")
    before = tools.tree("run", skipped=())
    said = rerate("run", "book", "same", code=0)
    assert said["changed"] == 0 and said["reasons"] == {} and said["totals"][0]["delta"] == "0.00000000", said
    same_but_for_the_predecessor("run", "same")
    assert tools.tree("run", skipped=()) == before
    expected = tools.tree("same"), tools.tree("same.delta")
    for threads in ("1", "2"):
        for path in tools.rate_paths():
            rerate("run", "book", "way", "--threads", threads, "--io", path, code=0)
            assert (tools.tree("way"), tools.tree("way.delta")) == expected, (threads, path)
            shutil.rmtree("way")
            shutil.rmtree("way.delta")
    # Days of the old run, and its cut periods, without being said again.
    days = ("--from", "2026-01-10", "--to", "2026-01-20", "--cut-periods")
    tools.ok("rate", "--book", "book", "--cdrs", "cdrs", "-o", "days", "--quiet", *days)
    assert facts("days")["cut_periods"] is True and "cut_periods" not in facts("run")
    rerate("days", "book", "days-2", code=0)
    same_but_for_the_predecessor("days", "days-2")
    rerate("days-2", "book", "days-3", "--delta", "elsewhere/", code=0)
    assert facts("days-3")["predecessor"] == facts("days-2")["digest"] and os.path.exists("elsewhere/delta.json")
    for run in "same", "days-3":
        tools.ok("verify", run)
    print("an unchanged book: the same bytes, an empty delta")


def chain():
    """Original + deltas = the last run, for every account; what does not follow is refused."""
    for name, tables in (("second", SECOND), ("third", {**SECOND, **THIRD})):
        shutil.copytree("book", name)
        write(name, tables)
    runs = ["run", "run-2", "run-3", "run-4"]
    for old, new, book in (("run", "run-2", "second"), ("run-2", "run-3", "third"), ("run-3", "run-4", "book")):
        rerate(old, book, new)
        tools.ok("rate", "--book", book, "--cdrs", "cdrs", "-o", "alone", "--quiet")
        one, other = (tools.tree(run, skipped=("stats.json", "run.json")) for run in (new, "alone"))
        assert one == other, new  # as if rated by that book from the start
        shutil.rmtree("alone")
    rerate("run", "third", "sibling")
    refused(66, "cannot be opened as a ledger", "ledger", "books", "--quiet")
    os.mkdir("none")
    assert "none has no entries yet; --post RUN begins the ledger" in tools.ok("ledger", "none")
    refused(2, "has no line of account a, b; is it spelt so?", "rerate", "run", "--book", "book", "-o", "x", "--accounts", ' acme , "a, b"')
    refused(2, "a name's quote does not end", "rerate", "run", "--book", "book", "-o", "x", "--accounts", '"acme')
    os.rmdir("none")
    refused(2, "--post posts for all accounts", "ledger", "books", "--post", "run", "--account", "acme", "--quiet")
    refused(2, "two formats", "ledger", "books", "--format", "csv", "--json")
    refused(2, "two formats", "delta", "run-2.delta", "--format", "csv", "--json")
    refused(2, "--what goes with --format csv", "delta", "run-2.delta", "--what", "sums")
    refused(66, "is no delta, it has no delta.json; give the folder that rerate made", "delta", "run")
    refused(66, "of a book verify reads the compiled image", "verify", "book")
    refused(66, "book: is no run, it has no run.json", "compare", "book", "run")
    rerate("run", "book", "nothing", code=0)
    tools.ok("ledger", "still", "--post", "run", "--quiet")
    text = tools.ok("ledger", "still", "--post", "nothing.delta")
    assert [line.split()[:2] for line in text.splitlines()[1:]][-1] == ["2", "delta"], text
    for made in "nothing", "nothing.delta", "still":
        shutil.rmtree(made)
    refused(66, "neither a run nor a delta: it has no run.json and no delta.json", "ledger", "books", "--post", "cdrs", "--quiet")
    refused(66, "cannot open", "ledger", "books", "--post", "run-2.delta", "--quiet")
    tools.ok("ledger", "books", "--post", "run", "--quiet")
    refused(65, "0000001", "ledger", "books", "--post", "run", "--quiet")
    refused(65, "0000001", "ledger", "books", "--post", "run-2", "--quiet")
    refused(65, "0000001", "ledger", "books", "--post", "run-3.delta", "--quiet")  # it starts from run-2
    for k, run in enumerate(runs[1:], 2):
        tools.ok("ledger", "books", "--post", run + ".delta", "--quiet")
        found = json.loads(tools.ok("ledger", "books", "--json"))
        assert [entry["kind"] for entry in found["entries"]] == ["run"] + ["delta"] * (k - 1)
        assert found["entries"][-1]["run"] == facts(run)["digest"]
        sums = {a["account"]: Decimal(a["sum"]) for a in found["amounts"] if Decimal(a["sum"])}
        assert sums == charges(run), (run, sums, charges(run))
        for one in found["amounts"]:
            assert Decimal(one["sum"]) == sum(Decimal(entry["adds"]) for entry in one["entries"])
        refused(65, "%07d" % k, "ledger", "books", "--post", run + ".delta", "--quiet")      # once more
        refused(65, "0000002", "ledger", "books", "--post", "sibling.delta", "--quiet")      # another of the first run
    rows = list(csv.DictReader(io.StringIO(tools.ok("ledger", "books", "--account", "acme", "--format", "csv"))))
    assert [row["entry"] for row in rows] == ["1", "2", "3", "4"] and {row["account"] for row in rows} == {"acme"}
    assert Decimal(rows[-1]["sum"]) == Decimal(rows[0]["sum"])  # the first book again
    assert "acme" not in tools.ok("ledger", "books") and "delta" in tools.ok("ledger", "books")
    refused(66, "nobody", "ledger", "books", "--account", "nobody")
    said = json.loads(tools.ok("verify", "books", "--json"))
    assert (said["kind"], said["files"], said["ok"]) == ("ledger", 8, True), said
    print("a chain of re-ratings: original and deltas add up to the last run, and nothing is booked twice")


def ledger_damage():
    before = tools.tree("books")
    for name in sorted(before):
        if before[name] == "folder":
            continue
        size = os.path.getsize(os.path.join("books", name))
        for at in (0, size // 2, size - 1):
            shutil.copytree("books", "bent")
            with open(os.path.join("bent", name), "r+b") as file:
                file.seek(at)
                byte = file.read(1)
                file.seek(at)
                file.write(bytes([byte[0] ^ 2]))
            for command in (("verify", "bent"), ("ledger", "bent", "--quiet"), ("ledger", "bent", "--post", "sibling.delta")):
                refused(65, "bent", *command)
            shutil.rmtree("bent")
    for lost in ("0000001", "0000003", "0000004/amounts.arrow", "0000002/entry.json"):
        shutil.copytree("books", "bent")
        shutil.rmtree(os.path.join("bent", lost)) if lost.isdigit() else os.unlink(os.path.join("bent", lost))
        refused(66 if lost == "0000001" else 65, "bent", "verify", "bent")
        refused(65, "bent", "ledger", "bent", "--quiet")
        shutil.rmtree("bent")
    # The last entry may be missing: then it was not posted. Two entries cannot change their places.
    shutil.copytree("books", "bent")
    os.rename("bent/0000002", "bent/x")
    os.rename("bent/0000003", "bent/0000002")
    os.rename("bent/x", "bent/0000003")
    refused(65, "bent", "ledger", "bent", "--quiet")
    shutil.rmtree("bent")
    assert tools.tree("books") == before
    print("a ledger with any bit changed, or anything missing, is refused")


def damaged_run():
    for name, at in (("lines/2026-01-05.0.arrow", 5000), ("lines/2026-01-05.0.arrow", 30), ("accounts.arrow", 600), ("buckets.arrow", 700),
                     ("prices.arrow", 900), ("price_terms.arrow", 300), ("pool_draws.arrow", 800), ("tier_counts.arrow", 900), ("run.json", 300)):
        shutil.copytree("run", "bent")
        with open(os.path.join("bent", name), "r+b") as file:
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 4]))
        for book in "second", "book":  # by the same book, nothing of it would be looked at but for the check
            refused(65, "bent", "rerate", "bent", "--book", book, "-o", "no", "--cdrs", "cdrs", "--quiet")
        refused(65, "bent", "rerate", "bent", "--book", "second", "-o", "no", "--cdrs", "cdrs", "--accounts", "acme", "--quiet")
        shutil.rmtree("bent")
    shutil.copytree("run", "bent")
    os.unlink("bent/lines/2026-01-05.0.arrow")
    refused(66, "bent", "rerate", "bent", "--book", "second", "-o", "no", "--cdrs", "cdrs", "--quiet")
    shutil.rmtree("bent")
    base = ("rerate", "run", "--book", "second", "--quiet", "-o")
    refused(73, "exists already", *base, "run-2")
    refused(73, "exists already", *base, "no", "--delta", "run-2.delta")
    refused(73, "cannot be opened", *base, "no", "--delta", "nowhere/x")
    refused(73, "within", *base, "run/no")
    refused(73, "within", *base, "no", "--delta", "cdrs/no")
    refused(2, "besides", *base, "no", "--delta", "no")
    refused(66, "no run", "rerate", "nothing", "--book", "second", "-o", "no", "--quiet")
    refused(2, "is not after", *base, "no", "--from", "2026-01-05", "--to", "2026-01-05")
    done = tools.run(*base[:3], "nothing", *base[4:], "no")
    assert done.returncode == 66 and not os.path.exists("no"), done
    print("a damaged run, and outputs that cannot be: refused before anything is made")


def behind():
    """A run behind a closed one begins with what it began with then: bundles that roll over, tiers, late calls."""
    chance = random.Random(5)
    for mode in "append", "reorder":
        data = "months-" + mode
        import_rows(data, rows_of(1, 150, "j", chance))
        names = ["%s-%d" % (mode, k) for k in range(3)]
        tools.ok("rate", "--book", "book", "--cdrs", data, "-o", names[0], "--quiet")
        tools.ok("close", names[0], "--cdrs", data, "--until", "2026-02-01", "-o", names[0] + "-state", "--quiet")
        import_rows(data, rows_of(2, 150, "f", chance) + rows_of(1, 15, "late", chance))
        after = ("--after", names[0] + "-state", "--late", mode)
        tools.ok("rate", "--book", "book", "--cdrs", data, "-o", names[1], "--quiet", *after)
        rerate(names[1], "book", names[2], code=0)
        same_but_for_the_predecessor(names[1], names[2])
        # By another book: what a rating by that book from the same state is.
        rerate(names[1], "second", names[2] + "-b")
        tools.ok("rate", "--book", "second", "--cdrs", data, "-o", mode + "-alone", "--quiet", *after)
        one, other = facts(names[2] + "-b"), facts(mode + "-alone")
        assert one.pop("predecessor") == facts(names[1])["digest"]
        assert (one.pop("digest"), other.pop("digest")) and one == other
        assert tools.tree(names[2] + "-b", skipped=("stats.json", "run.json")) == \
            tools.tree(mode + "-alone", skipped=("stats.json", "run.json"))
        # The state that was named is not needed any more, and the re-rated run closes like any other.
        shutil.rmtree(names[0] + "-state")
        rerate(names[2] + "-b", "second", names[2] + "-c", code=0)
        tools.ok("close", names[2] + "-c", "--cdrs", data, "--until", "2026-03-01", "-o", mode + "-2-state", "--quiet")
        # Chain: the first month by the second book, closed, and the second month behind it.
        refused(2, "behind a closed run", "rerate", names[1], "--book", "second", "-o", "no", "--only-suspense", "--quiet")
    print("runs behind closed ones: from the same start, by hand the same")


def imported_since():
    """The dataset has more by now: what came is in the new run, and in the delta."""
    chance = random.Random(8)
    import_rows("grown", rows_of(1, 100, "g", chance))
    tools.ok("rate", "--book", "book", "--cdrs", "grown", "-o", "grown-1", "--quiet")
    shutil.copytree("grown", "grown-old")
    import_rows("grown", rows_of(1, 20, "h", chance))
    said = rerate("grown-1", "book", "grown-2")
    assert said["reasons"]["appeared"] == 20 and (said["old_rows"], said["rows"]) == (100, 120), said
    said = rerate("grown-1", "book", "grown-3", "--old-cdrs", "grown-old")
    assert said["reasons"]["appeared"] == 20, said
    assert tools.tree("grown-2.delta") == tools.tree("grown-3.delta")
    refused(65, "cdr_hash", "rerate", "grown-1", "--book", "book", "-o", "no", "--accounts", "acme", "--quiet")
    print("imported into since: what came appears")


def two_at_once():
    with tools.Stopped(["rerate", "run", "--book", "second", "-o", "first", "--threads", "1", "--io", "mmap", "--quiet"],
                       "mkdirat:when=1") as first:
        refused_now = tools.run("rerate", "run", "--book", "third", "-o", "other", "--quiet")
        assert refused_now.returncode == 75 and "another rerate" in refused_now.stderr, refused_now
        tools.one_line(refused_now, "two at once")
        assert not os.path.exists("other") and not os.path.exists("other.delta")
        tools.ok("rate", "--book", "third", "--cdrs", "cdrs", "-o", "beside", "--quiet")  # that is no rerate of it
        done = first.go_on()
    assert done.returncode == 1 and done.stderr == "", done
    assert tools.tree("first") == tools.tree("run-2") and tools.tree("first.delta") == tools.tree("run-2.delta")
    shutil.copytree("books", "shared")
    os.rename("shared/0000004", "taken-out")
    with tools.Stopped(["ledger", "shared", "--post", "run-4.delta", "--quiet"], "fsync:when=1") as first:
        refused_now = tools.run("ledger", "shared", "--post", "run-4.delta", "--quiet")
        assert refused_now.returncode == 75 and "shared" in refused_now.stderr, refused_now
        assert len(json.loads(tools.ok("ledger", "shared", "--json"))["entries"]) == 3  # reading goes on
        done = first.go_on()
    assert done.returncode == 0 and tools.tree("shared") == tools.tree("books"), done
    print("two at once: one of them is refused, the other ends as if alone")


def many_lines():
    """So many changed lines of a day that threads share the work: the same bytes as one makes."""
    calls = 12000
    with open("many.csv", "w", encoding="utf-8") as out:
        out.write("record_id,start,duration_s,caller,callee\n")
        for i in range(calls):
            out.write("m%d,2026-01-07T%02d:%02d:%02dZ,%d,+1212555010%d,+1201555%04d\n" % (
                i, i // 3600 % 24, i // 60 % 60, i % 60, 1 + i % 300, i % 4, i % 10000))
    tools.ok("import", "--spec", tools.SPEC, "-o", "many", "many.csv", "--quiet")
    tools.ok("rate", "--book", "book", "--cdrs", "many", "-o", "many-run", "--quiet")
    made = []
    for threads in ("1", "4"):
        said = rerate("many-run", "second", "many-" + threads, "--threads", threads)
        assert said["changed"] == calls, said
        made.append(tools.tree("many-%s.delta" % threads))
        tools.ok("verify", "many-%s.delta" % threads)
    assert made[0] == made[1]
    print("many changed lines: the same by one thread and by several")


def main():
    with tools.work_folder():
        write("book", BOOK)
        chance = random.Random(3)
        import_rows("cdrs", rows_of(1, 250, "a", chance) + rows_of(2, 250, "b", chance))
        unchanged()
        chain()
        ledger_damage()
        damaged_run()
        behind()
        many_lines()
        imported_since()
        if shutil.which("strace"):
            two_at_once()
    return 0


if __name__ == "__main__":
    sys.exit(main())
