"""Surcharges from the call records to the money, through the command: every figure below is worked out by hand.

acme and abel live in New York and their months begin on the 15th; beta lives in London, pays in EUR, and its months begin on the
1st. In the middle of acme's month New York changes its clocks, at the end of beta's London does.
"""
import csv
import hashlib
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
    "book.yaml": "book: surcharges\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account,timezone,currency,cycle_day\nacme,,,15\nbeta,Europe/London,EUR,\nabel,,,15\n",
    "sites.csv": "site,account\nlab,acme\n",
    "numbers.csv": "number,account,site\n12125550100,acme,\n12125550200,acme,lab\n442079460000,beta,\n"
                   "12125550300,abel,\n",
    "trunks.csv": "trunk,account\nT1,acme\n",
    "assignments.csv": "subject,plan\ndefault,p\naccount:beta,q\n",
    "plans.csv": "plan\np\nq\n",
    "plan_rules.csv": "plan,action,deck,service\np,deck,d,voice\np,deck,m,sms\nq,deck,e,\n",
    "decks.csv": "deck,currency\nd,\nm,\ne,EUR\n",
    "decks/d.csv": "prefix,rate\n1,0.06\n",
    "decks/m.csv": "prefix,rate,per_s\n1,0.01,1\n",
    "decks/e.csv": "prefix,rate\n44,0.06\n",
    "surcharges.csv": "subject,measure,amount,short_s,threshold_percent,apply\n"
                      "default,short_calls,0.01,6,15,excess\n"
                      "account:acme,attempts,0.005,,10,all\n"
                      "site:lab,short_calls,0.03,3,,\n"
                      "trunk:T1,no_ani,0.001,,,\n"
                      "carrier:level3,attempts,0.25,,50,\n",
}
US, FRANCE, UK = "+12015550111", "+33123456789", "+442071838750"
ACME, LAB, ABEL, BETA = "+12125550100", "+12125550200", "+12125550300", "+442079460000"

# count, start of the first (one a second after it), seconds, caller, callee, answered, trunk, service, direction
CALLS = [
    # acme's month from 15 February: 67 answered, 10 of them short; 15 % are 10.05, so 10 are free. 7 of 74 calls are
    # attempts, less than 10 %.
    (10, "2026-03-15T03:59:50Z", "6", ACME, US, "yes", "", "voice", "out"),
    (57, "2026-02-15T05:00:00Z", "61", ACME, US, "yes", "", "voice", "out"),
    (7, "2026-03-08T07:00:00Z", "0", ACME, US, "no", "", "voice", "out"),
    # Its month from 15 March, 00:00 in New York (04:00 UTC): 101 answered, 21 of them short ...
    (20, "2026-03-15T04:00:00Z", "5", ACME, US, "yes", "", "voice", "out"),
    (1, "2026-04-15T03:59:59Z", "6.000", ACME, US, "yes", "", "voice", "out"),
    (1, "2026-04-10T12:00:00Z", "6.001", ACME, US, "yes", "", "voice", "out"),
    (79, "2026-03-20T12:00:00Z", "60", ACME, US, "yes", "", "voice", "out"),
    # ... and 6 more over trunk T1, 4 of them without a caller's number: 107, 15 % are 16.05, 21 - 16 = 5 are charged.
    (2, "2026-03-21T12:00:00Z", "60", "", US, "yes", "T1", "voice", "out"),
    (1, "2026-03-21T12:00:10Z", "60", "alice", US, "yes", "T1", "voice", "out"),
    (1, "2026-03-21T12:00:20Z", "60", "+121255", US, "yes", "T1", "voice", "out"),
    (2, "2026-03-21T12:01:00Z", "60", ACME, US, "yes", "T1", "voice", "out"),
    # The lab's own row looks at the lab's 3 calls alone; 2 last no more than 3 s.
    (1, "2026-03-22T12:00:00Z", "2", LAB, US, "yes", "", "voice", "out"),
    (1, "2026-03-22T12:00:10Z", "3", LAB, US, "yes", "", "voice", "out"),
    (1, "2026-03-22T12:00:20Z", "3.001", LAB, US, "yes", "", "voice", "out"),
    # 13 attempts of 107 + 3 + 13 = 123 calls are more than 10 %: all are charged.
    (13, "2026-03-23T12:00:00Z", "0", ACME, US, "no", "", "voice", "out"),
    # Nobody looks at calls for help, calls that come in, messages, or what could not be rated.
    (2, "2026-03-24T12:00:00Z", "5", ACME, "911", "yes", "", "voice", "out"),
    (30, "2026-03-24T13:00:00Z", "0", ACME, "911", "no", "", "voice", "out"),
    (9, "2026-03-24T14:00:00Z", "5", US, ACME, "yes", "", "voice", "in"),
    (9, "2026-03-24T15:00:00Z", "0", ACME, US, "no", "", "sms", "out"),
    (9, "2026-03-24T16:00:00Z", "5", ACME, FRANCE, "yes", "", "voice", "out"),
    # abel: 3 of 4 calls are attempts, half of them is 2.
    (3, "2026-03-16T12:00:00Z", "0", ABEL, US, "no", "", "voice", "out"),
    (1, "2026-03-16T12:00:10Z", "60", ABEL, US, "yes", "", "voice", "out"),
    # beta in March: 4 of 6 calls are attempts, half of them is 3, so one is charged. The 31st at 23:30 UTC is April in
    # London: one attempt of one call, half of it is none, so one is charged.
    (4, "2026-03-01T00:00:00Z", "0", BETA, UK, "no", "", "voice", "out"),
    (2, "2026-03-31T22:59:58Z", "60", BETA, UK, "yes", "", "voice", "out"),
    (1, "2026-03-31T23:30:00Z", "0", BETA, UK, "no", "", "voice", "out"),
]
PERIODS = """\
period,account,site,number,pool,tiers,kind,charge,currency
2026-03-01,beta,,,,,attempts,0.25000000,EUR
2026-03-15,abel,,,,,attempts,0.25000000,USD
2026-03-15,acme,,,,,attempts,0.06500000,USD
2026-03-15,acme,,,,,no_ani,0.00400000,USD
2026-03-15,acme,,,,,short_calls,0.05000000,USD
2026-03-15,acme,lab,,,,short_calls,0.06000000,USD
2026-04-01,beta,,,,,attempts,0.25000000,EUR
"""
PERIOD_USD, PERIOD_EUR = "0.42900000", "0.50000000"


def run(*arguments):
    return subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True, timeout=300)


def ok(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, (arguments, done.returncode, done.stderr)
    return done.stdout


def write_book(folder, **changed):
    for name, text in {**BOOK, **changed}.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)


def second_after(start, seconds):
    """The instant some seconds (less than an hour's rest) later; no date changes in it."""
    whole = int(start[11:13]) * 3600 + int(start[14:16]) * 60 + int(start[17:19]) + seconds
    assert whole < 86400
    return f"{start[:11]}{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}Z"


def write_calls(path):
    with open(path, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow("record_id start duration_s caller callee answered trunk service direction quantity".split())
        for group, (count, start, seconds, caller, callee, answered, trunk, service, direction) in enumerate(CALLS):
            for i in range(count):
                writer.writerow([f"{group}-{i}", second_after(start, i), seconds, caller, callee, answered, trunk,
                                 service, direction, "1" if service == "sms" else ""])


def tree(folder):
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            if name != "stats.json":
                with open(path, "rb") as data:
                    found[os.path.relpath(path, folder)] = hashlib.sha256(data.read()).hexdigest()
    return found


def cents(text):
    """A decimal with 8 places as an integer."""
    whole, places = text.split(".")
    assert len(places) == 8
    return int(whole + places)


def figures():
    """The period charges, and totals that are lines and period charges, wherever they are shown."""
    ok("rate", "--book", "book", "--cdrs", "cdrs", "-o", "run", "--quiet")
    assert ok("export", "run", "--format", "csv", "--what", "period") == PERIODS
    rows = [json.loads(line) for line in ok("export", "run", "--format", "jsonl", "--what", "period").splitlines()]
    assert rows == list(csv.DictReader(io.StringIO(PERIODS)))
    lines = {"USD": 0, "EUR": 0}
    for line in csv.DictReader(io.StringIO(ok("export", "run", "--format", "csv"))):
        if line["charge"]:
            lines[line["currency"]] += cents(line["charge"])
    expected = {"USD": lines["USD"] + cents(PERIOD_USD), "EUR": lines["EUR"] + cents(PERIOD_EUR)}

    with open("run/run.json", encoding="utf-8") as manifest:
        manifest = json.load(manifest)
    assert {one["currency"]: cents(one["charge"]) for one in manifest["totals"]} == expected
    assert "period_charges.arrow" in [one["name"] for one in manifest["files"]]
    summary = json.loads(ok("summary", "run", "--json"))
    assert {name: cents(money) for name, money in summary["charge"].items()} == expected
    assert {name: cents(money) for name, money in summary["line_charge"].items()} == lines
    assert summary["period_charge"] == {"EUR": PERIOD_EUR, "USD": PERIOD_USD}
    kinds = {(one["kind"], one["currency"]): [one[key] for key in ("rows", "calls", "counted", "charged", "charge")]
             for one in summary["period_charges"]}
    assert kinds == {("attempts", "EUR"): [2, 7, 5, 2, "0.50000000"],
                     ("attempts", "USD"): [2, 127, 16, 14, "0.31500000"],
                     ("no_ani", "USD"): [1, 6, 4, 4, "0.00400000"],
                     ("short_calls", "USD"): [2, 110, 23, 7, "0.11000000"]}, kinds
    rated = json.loads(ok("rate", "--book", "book", "--cdrs", "cdrs", "-o", "again", "--json"))
    assert {name: cents(money) for name, money in rated["charge"].items()} == expected
    assert rated["period_charge"] == {"EUR": PERIOD_EUR, "USD": PERIOD_USD}
    text = ok("summary", "run")
    assert "period charges" in text and "attempts" in text and "= lines" in text, text


def read_elsewhere():
    """The file as pyarrow reads it, which shares no code with us."""
    try:
        import pyarrow as pa
        import pyarrow.ipc
    except ImportError:
        print("pyarrow is not installed: the file was not read by others")
        return
    with pa.memory_map("run/accounts.arrow") as source:
        accounts = pa.ipc.open_file(source).read_all().to_pylist()
        names = {row["id"]: (row["account"], row["currency"]) for row in accounts}
    with pa.memory_map("run/period_charges.arrow") as source:
        table = pa.ipc.open_file(source).read_all()
        assert table.schema.metadata[b"tollmill.schema"] == b"period_charges/2"
        assert table.schema.field("charge").metadata == {b"scale": b"8"}
        rows = table.to_pylist()
    assert [row.pop("amount") for row in rows] == [25000000, 25000000, 500000, 100000, 1000000, 3000000, 25000000]
    counts = [(row["calls"], row["counted"], row["charged"]) for row in rows]
    assert counts == [(6, 4, 1), (4, 3, 1), (123, 13, 13), (6, 4, 4), (107, 21, 5), (3, 2, 2), (1, 1, 1)], counts
    assert [(row["file"], row["line"]) for row in rows] == [("surcharges.csv", line) for line in (6, 6, 3, 5, 2, 4, 6)]
    for row, shown in zip(rows, csv.DictReader(io.StringIO(PERIODS)), strict=True):
        assert (row["period"], *names[row["account"]]) == (shown["period"], shown["account"], shown["currency"])
        assert (row["site"], row["kind"], row["charge"]) == (shown["site"], shown["kind"], cents(shown["charge"]))


def same_bytes():
    """However it is rated, and from a compiled book."""
    ok("compile", "book", "-o", "book.image", "--quiet")
    expected = tree("run")
    assert "period_charges.arrow" in expected
    for i, options in enumerate((["--threads", "1"], ["--threads", "2"], ["--threads", "7"], ["--simd", "scalar"],
                                 ["--io", "pread"], ["--io", "mmap"])):
        ok("rate", "--book", "book.image" if i % 2 else "book", "--cdrs", "cdrs", "-o", "other", "--quiet", *options)
        assert tree("other") == expected, options
        shutil.rmtree("other")


def damage():
    """verify finds a changed byte of the file, a missing file, and a file that is too much."""
    ok("verify", "run")
    path = "run/period_charges.arrow"
    with open(path, "rb") as data:
        good = data.read()
    for at in range(0, len(good), 1511):
        with open(path, "wb") as out:
            out.write(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :])
        done = run("verify", "run")
        assert done.returncode == 65 and "period_charges.arrow" in done.stderr, (at, done.returncode, done.stderr)
    os.unlink(path)
    for verb in (["verify", "run"], ["summary", "run"], ["export", "run", "--format", "csv", "--what", "period"]):
        done = run(*verb)
        assert done.returncode == 65 and "period_charges.arrow" in done.stderr, (verb, done.returncode, done.stderr)
    with open(path, "wb") as out:
        out.write(good)
    ok("verify", "run")


def nothing_to_charge():
    """No file when no call is charged or the book has no surcharges; the lines are the same with and without them."""
    for name, table in (("high", "subject,measure,amount,threshold_percent\ndefault,attempts,1,100\n"), ("none", None)):
        write_book(name, **({"surcharges.csv": table} if table else {}))
        if not table:
            os.unlink(name + "/surcharges.csv")
        run_name = "run-" + name
        ok("rate", "--book", name, "--cdrs", "cdrs", "-o", run_name, "--quiet")
        assert not os.path.exists(run_name + "/period_charges.arrow")
        assert ok("export", run_name, "--format", "csv", "--what", "period") == PERIODS.splitlines()[0] + "\n"
        found, expected = tree(run_name), tree("run")
        same = [path for path in expected if path.startswith("lines/") or path == "buckets.arrow"]
        assert len(same) > 5 and all(found[path] == expected[path] for path in same)
        ok("verify", run_name)
        summary = json.loads(ok("summary", run_name, "--json"))
        assert summary["period_charge"] == {"EUR": "0.00000000", "USD": "0.00000000"}
        assert summary["period_charges"] == [] and summary["line_charge"] == summary["charge"]
        assert "period" not in ok("summary", run_name)


def refused():
    write_book("bad", **{"surcharges.csv": "subject,measure,amount,from,to\ndefault,attempts,1,,2026-03-02\n"
                                           "default,attempts,2,2026-03-01,\n"})
    done = run("compile", "bad", "-o", "bad.image")
    assert done.returncode == 78 and "surcharges.csv:3:1: error: subject" in done.stderr, done.stderr
    write_book("dear", **{"surcharges.csv": "subject,measure,amount\naccount:acme,attempts,92000000000\n"})
    done = run("rate", "--book", "dear", "--cdrs", "cdrs", "-o", "run-dear")
    assert done.returncode == 65 and "surcharges.csv line 2" in done.stderr, (done.returncode, done.stderr)
    assert not os.path.exists("run-dear")
    for options in (["--status", "rated"], ["--cdrs", "cdrs"]):
        done = run("export", "run", "--format", "csv", "--what", "period", *options)
        assert done.returncode == 2 and options[0] in done.stderr, (done.returncode, done.stderr)


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        write_book("book")
        write_calls("calls.csv")
        ok("import", "--spec", SPEC, "--carrier", "level3", "-o", "cdrs", "calls.csv", "--quiet")
        figures()
        read_elsewhere()
        same_bytes()
        damage()
        nothing_to_charge()
        refused()
        os.chdir("/")
    print("surcharges are what they are by hand")
    return 0


if __name__ == "__main__":
    sys.exit(main())
