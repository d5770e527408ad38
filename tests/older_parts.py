"""A run is read with the CDRs that it rated, also when its days were imported into since: the older part files are found by
what run.json says of them, whatever else lies beside them; and when they are gone or damaged it is told.
"""
import glob
import os
import shutil
import sys

import fault_tools as tools

BOOK = {
    "book.yaml": "book: older\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account\nacme\n",
    "numbers.csv": "number,account\n12125550100-12125550101,acme\n",
    "carriers.csv": "carrier\nlevel3\ntelia\n",
    "trunks.csv": "trunk,carrier\nT1,level3\nT2,telia\n",
    "plans.csv": "plan\np\nfrom_level3\nfrom_telia\n",
    "assignments.csv": "subject,plan,side\ndefault,p,\ncarrier:level3,from_level3,buy\ncarrier:telia,from_telia,buy\n",
    "plan_rules.csv": "plan,action,deck\np,deck,retail\nfrom_level3,deck,l3\nfrom_telia,deck,telia\n",
    "decks/retail.csv": "prefix,destination,rate\n1,United States,0.05\n44,United Kingdom,0.02\n",
    "decks/l3.csv": "prefix,destination,rate,increment_s\n1,USA,0.01,6\n44,UK,0.03,1\n",
    "decks/telia.csv": "prefix,destination,rate,increment_s\n,Everywhere,0.02,60\n",
}
HEADER = "record_id,start,duration_s,caller,callee,trunk,answered,direction\n"


def calls(name, day, count):
    """Half of them over each trunk, some without price, some to a number as dialled that is none."""
    callees = "+12015550111", "+442079460000", "+390612345678", "sip:%s" % name
    return ["%s%d,%sT12:%02d:00Z,%d,+1212555010%d,%s,T%d,yes,out\n" % (name, i, day, i, 60 + i, i % 2, callees[i % 4], 1 + i % 2)
            for i in range(count)]


def load(data, rows):
    with open("calls.csv", "w", encoding="utf-8") as out:
        out.writelines([HEADER] + rows)
    tools.ok("import", "--spec", tools.SPEC, "-o", data, "calls.csv", "--quiet")


def everything(run, *cdrs):
    """All that is read of a run together with its CDRs."""
    asked = [("export", run, "--format", "csv"), ("export", run, "--format", "jsonl"), ("summary", run, "--suspense", "--json")]
    asked += [("report", run, "--margin", "trunk", "--json"), ("report", run, "--negative", "--json"), ("report", run, "--least-cost", "--json")]
    asked += [("explain", run, "2026-03-02:%d" % row) for row in (0, 3, 7)] + [("explain", run, "2026-03-03:1")]
    return [tools.ok(*words, *cdrs) for words in asked]


def refused(run, *words):
    done = tools.run("export", run, "--format", "csv", "-o", "no.csv")
    assert done.returncode == 65 and not os.path.exists("no.csv"), (done.returncode, done.stderr)
    tools.one_line(done, run)
    for word in words:
        assert word in done.stderr, (word, done.stderr)


def beside(parts):
    """Names that are no older part of that day, and one that nobody published, though its content is right."""
    shutil.copy(os.path.join(parts, "2026-03-02.0.g1.arrow"), os.path.join(parts, "2026-03-02.0.g900.arrow"))
    for name in ("2026-03-02.0.g01.arrow", "2026-03-02.0.g-1.arrow", "2026-03-02.0.g.arrow", "2026-03-02.0.g1.arrow.old", "2026-03-02.00.g1.arrow",
                 "2026-03-02.1.g1.arrow", "2026-03-02.0.g99999999999999999999.arrow", "2026-03-02.0.g1%n%s.arrow", "-", "2026-03-02." + "0" * 200):
        with open(os.path.join(parts, name), "wb") as out:
            out.write(b"x" * 5000)
    os.mkdir(os.path.join(parts, "2026-03-02.0.g1"))


def older():
    load("data", calls("a", "2026-03-02", 40) + calls("b", "2026-03-03", 10))
    tools.ok("rate", "--book", "book", "--cdrs", "data", "-o", "one", "--quiet")
    tools.ok("rate", "--book", "book", "--cdrs", "data", "--to", "2026-03-03", "-o", "one-day", "--quiet")
    first, one_day = everything("one"), tools.ok("export", "one-day", "--format", "csv")
    # More of a day that it rated, one call of it in conflict, days before and behind.
    conflict = calls("a", "2026-03-02", 40)[4].replace(",64,", ",65,")
    load("data", calls("c", "2026-03-02", 9) + calls("d", "2026-02-27", 5) + calls("e", "2026-03-09", 5) + [conflict])
    assert everything("one") == first and tools.ok("export", "one-day", "--format", "csv") == one_day
    tools.ok("rate", "--book", "book", "--cdrs", "data", "-o", "two", "--quiet")
    second = everything("two")
    assert second[0].count("\n") == 1 + 40 + 10 + 9 + 5 + 5 + 1 and "conflict" in second[0] and "conflict" not in first[0]
    load("data", calls("f", "2026-03-02", 3) + calls("g", "2026-03-03", 3))
    assert everything("one") == first and everything("two") == second
    beside("data/parts")
    assert everything("one") == first and everything("two") == second
    done = tools.run("rate", "--book", "book", "--cdrs", "data", "--only-suspense", "one", "-o", "no")
    assert done.returncode == 65 and "imported into" in done.stderr, done.stderr
    shutil.copytree("data", "moved")
    assert everything("one", "--cdrs", "moved") == first
    return first


def lost(first):
    """Where an older file is gone or another one by one bit."""
    path = "data/parts/2026-03-02.0.g1"
    for name in path + ".arrow", path + ".text.arrow":
        os.rename(name, "kept")
        refused("one", "imported into since", "2026-03-02", "not there any more")
        with open("kept", "rb") as file:
            right = file.read()
        for at in (20, 4096 + 40, len(right) // 2, len(right) - 30):
            with open(name, "wb") as out:
                out.write(right[:at] + bytes([right[at] ^ 1]) + right[at + 1:])
            refused("one")
        with open(name, "wb") as out:
            out.write(right[:-8])
        refused("one", "imported into since")
        os.unlink(name)
        os.mkfifo(name)
        refused("one", "imported into since")
        os.unlink(name)
        os.rename("kept", name)
    assert everything("one") == first
    for name in glob.glob("data/parts/2026-03-0*.g1.*"):
        os.unlink(name)
    refused("one", "imported into since", "rate it again")
    load("other", calls("a", "2026-03-02", 39))
    done = tools.run("export", "one", "--cdrs", "other", "--format", "csv")
    assert done.returncode == 65 and "is not the dataset that one rated" in done.stderr, done.stderr


def main():
    with tools.work_folder():
        os.makedirs("book/decks")
        for name, text in BOOK.items():
            with open(os.path.join("book", name), "w", encoding="utf-8") as out:
                out.write(text)
        lost(older())
    print("runs are read with the CDRs that they rated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
