"""Books side by side say what a run by each of them says: every table, to the last digit.

Random books with every kind of tariff (tests/oracle), their calls, and other books made of them by dropping and turning rows of their
tables. `whatif` of all of them in one pass against `compare` of a finished run by each; the accounts of one against sums made here
from the lines as exported. Behind a closed run, too, and for other threads, instructions and ways of reading.
"""
import csv
import glob
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile

TOLLMILL = os.environ["TOLLMILL"]
SOURCE = os.environ["TOLL_SOURCE_DIR"]
SPEC = os.path.join(SOURCE, "data", "providers", "tollmill.yaml")
CALLS = "900"
ONLY_HERE = {"schema", "books", "plans", "flagged"}  # not of both, or not the same


def run(words, good=(0,)):
    done = subprocess.run([TOLLMILL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in good:
        sys.exit("%s: exit %d\n%s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr))
    return done.stdout if done.returncode == good[0] or len(good) == 1 else None


def lines_of(path):
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        return stream.read().splitlines(keepends=True)


def edit(path, change):
    lines = lines_of(path)
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        stream.writelines(lines[:1] + change(lines[1:]))


def drop(every):
    return lambda rows: [row for i, row in enumerate(rows) if i % every != every - 1]


def turn(rows):
    """The last column of neighbours changes places, where rows are plain."""
    return rows if any('"' in row for row in rows) else rows[::-1]


CHANGES = [
    lambda book: [edit(deck, drop(5)) for deck in glob.glob(os.path.join(book, "decks", "*.csv"))],
    lambda book: [edit(os.path.join(book, name), drop(3)) for name in ("subscriptions.csv", "surcharges.csv") if
                  os.path.exists(os.path.join(book, name))],
    lambda book: edit(os.path.join(book, "numbers.csv"), drop(4)),
    lambda book: edit(os.path.join(book, "plan_rules.csv"), turn),
    lambda book: edit(os.path.join(book, "plan_rules.csv"), drop(6)),
]


def books_of(folder):
    """The book itself and what the changes make of it, as far as these are books."""
    books = [os.path.join(folder, "book")]
    for i, change in enumerate(CHANGES):
        book = os.path.join(folder, "other%d" % i)
        shutil.copytree(books[0], book)
        change(book)
        if run(["compile", book, "-o", book + ".image", "-q"], (0, 78)) is not None:
            books.append(book + ".image")
    return books


def report(words, good=(0, 1)):
    done = subprocess.run([TOLLMILL, *words, "--json", "--prices"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in good:
        sys.exit("%s: exit %d\n%s" % (" ".join(words), done.returncode, done.stderr))
    return json.loads(done.stdout)


def expect_same(what, found, wanted):
    for key in (set(found) | set(wanted)) - ONLY_HERE:
        if found.get(key) != wanted.get(key):
            a, b = found.get(key), wanted.get(key)
            rows = [(x, y) for x, y in zip(a, b) if x != y] if isinstance(a, list) and isinstance(b, list) else [(a, b)]
            sys.exit("%s: table %s differs, %s and %s rows:\n  found  %s\n  wanted %s" % (
                what, key, len(a or []), len(b or []), json.dumps(rows[0][0])[:900] if rows else "", json.dumps(rows[0][1])[:900] if rows else ""))


def units(text):
    whole, _, part = text.partition(".")
    value = int(whole.lstrip("-") + (part + "00000000")[:8])
    return -value if text.startswith("-") else value


def check_accounts(table, folder, run_path, data):
    """The first book's accounts from its lines as exported."""
    text = run(["export", run_path, "--cdrs", data, "--format", "csv", "--csv-safe", "raw"])
    wanted = {}
    for line in csv.DictReader(io.StringIO(text)):
        sums = wanted.setdefault((line["account"], line["currency"] if line["account"] else ""), [0, 0])
        sums[0] += 1
        sums[1] += units(line["charge"]) if line["charge"] else 0
    found = {}
    for row in table:
        first = row["books"][0]
        if first["rows"]:
            found[row["key"] if "key" in row else row["account"], row["currency"] if (row.get("key") or row.get("account")) else ""] = [
                first["rows"], units(first["charge"])]
    if found != wanted:
        sys.exit("%s: accounts\n  found  %r\n  wanted %r" % (folder, sorted(found.items())[:5], sorted(wanted.items())[:5]))


def side_by_side(folder, data, books, runs, more, ways):
    wanted = report(["compare", *runs, "--cdrs", data])
    found = None
    for way in ways:
        found = report(["whatif", "--cdrs", data, *books, "-q", *more, *way])
        expect_same("%s %s" % (folder, " ".join(more + way)), found, wanted)
    return found


def one_book(kind, seed, folder):
    maker = {"calls": ["world.py"], "usage": ["usage_world.py"], "taxes": ["tax_world.py"], "ends": ["tax_world.py", "--ends"]}[kind]
    subprocess.run([sys.executable, os.path.join(SOURCE, "tests", "oracle", maker[0]), str(seed), CALLS, folder, *maker[1:]], check=True,
                   stdout=subprocess.DEVNULL)
    data = os.path.join(folder, "ds")
    for path in sorted(glob.glob(os.path.join(folder, "cdrs*.csv"))):
        carrier = os.path.basename(path)[len("cdrs_"):-len(".csv")]
        run(["import", "--spec", SPEC, "-o", data, path, "-q", *(["--carrier", carrier] if carrier else [])])
    books = books_of(folder)
    runs = []
    for i, book in enumerate(books):
        runs.append(os.path.join(folder, "run%d" % i))
        run(["rate", "--book", book, "--cdrs", data, "-o", runs[-1], "-q"])
    found = side_by_side(folder, data, books, runs, [], [["--threads", "2"], ["--simd", "scalar", "--io", "pread", "--threads", "1"]])
    check_accounts(found["accounts"], folder, runs[0], data)
    behind(folder, data, books, runs[0])
    return len(books)


def behind(folder, data, books, first):
    """All of them behind a closed run of the first."""
    state = os.path.join(folder, "state")
    days = sorted(name[:10] for name in os.listdir(os.path.join(first, "lines")))
    until = days[len(days) * 2 // 3]
    run(["close", first, "--until", until, "-o", state, "-q"])
    runs = []
    for i, book in enumerate(books[:3]):
        runs.append(os.path.join(folder, "after%d" % i))
        run(["rate", "--book", book, "--cdrs", data, "--after", state, "-o", runs[-1], "-q"])
    side_by_side(folder, data, books[:3], runs, ["--after", state], [["--threads", "2", "--io", "mmap"]])


def main():
    with tempfile.TemporaryDirectory(prefix="toll_whatif_") as work:
        count = 0
        for kind, seed in (("usage", 5), ("taxes", 3), ("ends", 4)):
            folder = os.path.join(work, "%s%d" % (kind, seed))
            os.makedirs(folder)
            count += one_book(kind, seed, folder)
        if count < 10:
            sys.exit("only %d books could be compared" % count)
    print("%d books side by side are as their runs" % count)


if __name__ == "__main__":
    main()
