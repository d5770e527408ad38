"""The reseller's month of data/synthetic/us-reseller-book through every verb of the command, as a biller would go. What each record
must cost was worked out by hand (expected/*.csv, with the reason), and the second rater must say so, too."""
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile

TOLLMILL = os.environ["TOLLMILL"]
SOURCE = os.environ["TOLL_SOURCE_DIR"]
HOME = os.path.join(SOURCE, "data", "synthetic", "us-reseller-book")
SPEC = os.path.join(SOURCE, "data", "providers", "tollmill.yaml")
ORACLE = os.path.join(SOURCE, "tests", "oracle", "oracle.py")
COLUMNS = ["record_id", "status", "reason", "account", "class", "jurisdiction", "band", "billed", "charge"]
ADDED = {"ACCOUNT": "acme", "33,RATE": "33,0.04", "SAT,RATE": "SAT,0.03"}  # what is left to decide


def run(*command, code=0):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, "%s: exit %d\n%s%s" % (" ".join(command), done.returncode, done.stdout, done.stderr)
    return done.stdout


def tollmill(*arguments, code=0):
    return run(TOLLMILL, *arguments, code=code)


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def read(*path):
    with open(os.path.join(HOME, *path), encoding="utf-8", newline="") as file:
        return file.read()


def cells(rows):
    return sorted([row[name] for name in COLUMNS] for row in rows)


def same(what, ours, theirs):
    for row in ours:
        assert row in theirs, "%s: %s is not expected" % (what, row)
    for row in theirs:
        assert row in ours, "%s: %s is missing" % (what, row)
    assert ours == theirs, what


def lines_of(run_path):
    return rows_of(tollmill("export", run_path, "--format", "csv"))


def add_row(book, group):
    """The row that summary names, put under the columns of the table's own header."""
    text = group["add"]
    for wanted, decided in ADDED.items():
        text = text.replace(wanted, decided)
    row = dict(zip(group["columns"].split(","), text.split(",")))
    path = os.path.join(book, group["file"])
    with open(path, encoding="utf-8") as file:
        header = file.readline().strip().split(",")
    assert set(row) <= set(header), (row, header)
    with open(path, "a", encoding="utf-8") as file:
        file.write(",".join(row.get(name, "") for name in header) + "\n")


def pbx_as_own_csv(path):
    """The PBX's file as tollmill's own CSV, for the second rater: on New York's winter time, and answered or not."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["record_id", "start", "duration_s", "caller", "callee", "direction", "answered", "account_hint",
                         "legs"])
        for row in csv.DictReader(io.StringIO(read("cdrs", "pbx.csv")), delimiter=";"):
            start = (row["Connect"] or row["Start"]).replace(" ", "T") + "-05:00"
            writer.writerow([row["Id"], start, row["Seconds"], "+" + row["From"], "+" + row["To"],
                             "in" if row["Type"] == "TERM" else "out", "yes" if row["Connect"] else "no", row["Tenant"],
                             "both" if row["Type"] == "INTERNAL" else "one"])


def second_rater(work, book, want, want_period):
    pbx_as_own_csv(os.path.join(work, "pbx.csv"))
    lines, period = os.path.join(work, "oracle.csv"), os.path.join(work, "oracle-period.csv")
    run(sys.executable, ORACLE, book, "--feed", "alpha=" + os.path.join(HOME, "cdrs", "alpha.csv"), "--feed",
        "beta=" + os.path.join(HOME, "cdrs", "beta.csv"), "--feed", "pbx=" + os.path.join(work, "pbx.csv"), "-o", lines,
        "--period", period)
    with open(lines, encoding="utf-8", newline="") as file:
        same("the second rater's lines", cells(csv.DictReader(file)), want)
    with open(period, encoding="utf-8", newline="") as file:
        same("the second rater's period charges", sorted(map(str, csv.DictReader(file))),
             sorted(map(str, rows_of(want_period))))


def explained(run_path, record_id, *words):
    line = [row for row in lines_of(run_path) if row["record_id"] == record_id][0]
    text = tollmill("explain", run_path, line["day"] + ":" + line["row"])
    for word in words:
        assert word in text, "explain %s does not say '%s':\n%s" % (record_id, word, text)
    return text


def main():
    with tempfile.TemporaryDirectory() as work:
        book, book_2 = os.path.join(HOME, "book"), os.path.join(work, "book-2")
        cdrs, first, second = (os.path.join(work, name) for name in ("cdrs", "run", "run-2"))
        lists = [os.path.join(HOME, "lists", name) for name in ("codes.txt", "blocks.csv", "canada.csv")]
        made = run(sys.executable, os.path.join(SOURCE, "tools", "npanxx.py"), *lists)
        assert made == read("book", "npanxx.csv"), made
        assert "errors: 0, warnings: 0" in tollmill("check", book)
        tollmill("compile", book, "-o", os.path.join(work, "book.image"))
        for name in ("alpha", "beta"):
            tollmill("import", "--spec", SPEC, "--carrier", name, "-o", cdrs, os.path.join(HOME, "cdrs", name + ".csv"))
        tollmill("import", "--spec", os.path.join(HOME, "pbx.yaml"), "-o", cdrs, os.path.join(HOME, "cdrs", "pbx.csv"))

        tollmill("rate", "--book", os.path.join(work, "book.image"), "--cdrs", cdrs, "-o", first)
        want = rows_of(read("expected", "lines.csv"))
        same("lines", cells(lines_of(first)), cells(want))
        assert tollmill("export", first, "--format", "csv", "--what", "period") == read("expected", "period.csv")
        second_rater(work, book, cells(want), read("expected", "period.csv"))

        groups = json.loads(tollmill("summary", first, "--suspense", "--unmask", "--json"))["groups"]
        assert [group["reason"] for group in groups] == ["no_account", "no_prefix", "no_calltype", "rejected"], groups
        shutil.copytree(book, book_2)
        for group in groups[:3]:
            add_row(book_2, group)
        tollmill("rate", "--book", book_2, "--cdrs", cdrs, "--only-suspense", first, "-o", second)
        cleared = {row["record_id"]: row for row in rows_of(read("expected", "cleared.csv"))}
        want = [cleared.get(row["record_id"], row) for row in want]
        same("lines of the merged run", cells(lines_of(second)), cells(want))
        assert tollmill("export", second, "--format", "csv", "--what", "period") == read("expected", "period-cleared.csv")
        second_rater(work, book_2, cells(want), read("expected", "period-cleared.csv"))

        explained(second, "night_begins", "no band at the call's start, Monday 2026-03-02 19:59:57 in America/New_York",
                  "6 to 12 s, band night", "pair 1312555>1415555 is the nearest")
        explained(second, "beta_says_intrastate", "interstate by ani_lrn: from NY to CA",
                  "intrastate by the carrier's call type INTRA")
        explained(second, "long", "1800 to 3600 s, the row from 1800 on")
        explained(second, "interstate", "kept")
        explained(second, "france_1", "33: 0.04 per 60 s")
        explained(second, "conference_fee", "the callee is no E.164 number")
        explained(second, "toll_free_no_number", "the longest prefix of the caller (no number)")
        for path in (cdrs, first, second, os.path.join(work, "book.image")):
            tollmill("verify", path)
    print("lines and period charges of both runs as worked out by hand")


if __name__ == "__main__":
    main()
