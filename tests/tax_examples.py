#!/usr/bin/env python3
"""Runs the worked examples of docs/TAX.md section 8 through the command: each is a book and calls, and what
the register, its lines, the suspense and the coverage must be.

    tax_examples.py [PAGE]...
"""
import csv
import datetime
import os
import subprocess
import sys
import tempfile

SOURCE_DIR = os.environ.get("TOLL_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE_DIR, "tests", "oracle"))
import examples  # noqa: E402  (the reader of the pages and what every book has)

TOLLMILL = os.environ.get("TOLLMILL", "tollmill")
SPEC = os.path.join(SOURCE_DIR, "data", "providers", "tollmill.yaml")
DEFAULT_PARTS = dict(examples.DEFAULT_PARTS, **{
    "tax_jurisdictions.csv": ["id,level,state,parent", "US,federal,,", "TX,state,TX,US", "NY,state,NY,US"],
    "tax_areas.csv": ["area,tax_jurisdiction", "austin,TX", "nyc,NY"],
    "sites.csv": ["site,account,area", "hq,acme,austin"],
    "numbers.csv": ["number,account,site", "12125550100,acme,hq"],
    "tax_map.csv": ["tax_service", "telecom"],
    "decks/d.csv": ["prefix,rate", "1,0.60"],
})
RESULTS = {"register": "register", "tax_lines": "lines", "tax_suspense": "suspense", "coverage": "coverage"}


def repeated(lines):
    """The CDR lines, those with `repeat` as so many calls, a second apart."""
    header, *rows = csv.reader(lines)
    if "repeat" not in header:
        return lines
    at = header.index("repeat")
    start, record = header.index("start"), header.index("record_id")
    out = [",".join(name for name in header if name != "repeat")]
    for row in rows:
        first = datetime.datetime.strptime(row[start], "%Y-%m-%dT%H:%M:%SZ")
        for i in range(int(row[at] or "1")):
            cells = list(row)
            if row[at]:
                cells[start] = (first + datetime.timedelta(seconds=i)).strftime("%Y-%m-%dT%H:%M:%SZ")
                cells[record] = "%s-%d" % (row[record], i + 1)
            del cells[at]
            out.append(",".join(cells))
    return out


def call(arguments, allowed=(0,)):
    done = subprocess.run([TOLLMILL] + arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    if done.returncode not in allowed:
        raise RuntimeError("%s: exit %d\n%s" % (" ".join(arguments), done.returncode, done.stdout.strip()))
    return done


def write_book(parts, folder):
    book = os.path.join(folder, "book")
    os.makedirs(os.path.join(book, "decks"))
    files = dict(DEFAULT_PARTS)
    files.update((name, lines) for name, lines in parts.items()
                 if name not in RESULTS and name.split()[0] not in ("cdrs", "lines", "period", "after", "tax_refused"))
    for name, lines in files.items():
        with open(os.path.join(book, name), "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
    return book


def write_cdrs(lines, path):
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("\n".join(examples.with_caller(repeated(lines))) + "\n")


def rate(parts, folder):
    """Rates the example's calls; the run's path."""
    data, run = os.path.join(folder, "ds"), os.path.join(folder, "run")
    book = write_book(parts, folder)
    rated = ["rate", "--book", book, "--cdrs", data, "--quiet", "-o"]
    cdrs = os.path.join(folder, "cdrs.csv")
    write_cdrs(parts["cdrs"], cdrs)
    call(["import", "--spec", SPEC, "-o", data, cdrs, "--quiet"])
    after = next((name.split()[1:] for name in parts if name.startswith("after ")), None)
    if after is None:
        call(rated + [run])
        return run
    old, state = os.path.join(folder, "old"), os.path.join(folder, "state")
    call(rated + [old])
    call(["close", old, "--until", after[0], "-o", state, "--quiet"])
    late = os.path.join(folder, "late.csv")
    write_cdrs(parts["after " + " ".join(after)], late)
    call(["import", "--spec", SPEC, "-o", data, late, "--quiet"])
    call(rated + [run, "--after", state, "--late", after[1]])
    return run


def compare(what, expected, path):
    header, *wanted = csv.reader(expected)
    with open(path, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    found = [[row.get(name, "(no column)") for name in header] for row in rows]
    if found == wanted:
        return []
    problems = ["%s: missing: %s" % (what, ",".join(cells)) for cells in wanted if cells not in found]
    problems += ["%s: not in the example: %s" % (what, ",".join(cells)) for cells in found if cells not in wanted]
    return problems or ["%s: other order or other number of rows: %s" % (what, found)]


def agree(lines_path, register_path):
    """Lines and register agree to the cent, account by account and tax by tax."""
    sums = []
    for path in (lines_path, register_path):
        total = {}
        with open(path, newline="", encoding="utf-8") as stream:
            for row in csv.DictReader(stream):
                key = tuple(row[name] for name in ("period", "account", "site", "tax_jurisdiction", "tax", "rate"))
                total[key] = total.get(key, 0) + int(row["tax_cents"])
        sums.append(total)
    return [] if sums[0] == sums[1] else ["lines and register do not agree to the cent"]


def run_example(parts):
    if "tax_refused" in parts:
        parts = dict(parts)
        words = " ".join(parts["tax_refused"])
        with tempfile.TemporaryDirectory() as folder:
            done = call(["tax", rate(parts, folder)], allowed=(0, 1, 65, 78))
            good = done.returncode >= 65 and words in done.stdout
            return [] if good else ["should be refused with %r: exit %d, %s" % (words, done.returncode, done.stdout)]
    with tempfile.TemporaryDirectory() as folder:
        run = rate(parts, folder)
        problems, paths = [], {}
        for part, what in RESULTS.items():
            paths[what] = os.path.join(folder, what + ".csv")
            call(["tax", run, "--what", what, "--csv-safe", "raw", "-o", paths[what], "--quiet"], allowed=(0, 1))
            if part in parts:
                problems += compare(part, parts[part], paths[what])
            elif what == "suspense":
                problems += compare(part, ["reason"], paths[what])
        return problems + agree(paths["lines"], paths["register"])


def main():
    pages = sys.argv[1:] or [os.path.join(SOURCE_DIR, "docs", "TAX.md")]
    failed = count = 0
    for page in pages:
        for heading, parts in examples.read_examples(page):
            count += 1
            try:
                found = run_example(parts)
            except (RuntimeError, OSError, KeyError, ValueError) as error:
                found = ["%s: %s" % (type(error).__name__, error)]
            if found:
                failed += 1
                print("FAILED %s" % heading)
                for text in found:
                    print("    " + text)
    print("%d passed, %d failed" % (count - failed, failed))
    sys.exit(1 if failed or count == 0 else 0)


if __name__ == "__main__":
    main()
