#!/usr/bin/env python3
"""Runs the worked examples of docs/RATING.md, and the books of refused.md that break one of its rules.

    examples.py [--tollmill BINARY] [--spec SPEC] [--rating RATING.md]...

Without --tollmill through the oracle, and those of docs/TAX.md, too; with it through the engine.
"""
import argparse
import csv
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile

import cycles
import oracle
import rate
import tax_shown

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE_DIR = os.environ.get("TOLL_SOURCE_DIR") or os.path.dirname(os.path.dirname(HERE))

DEFAULT_PARTS = {
    "book.yaml": ["book: example", "currency: USD", "timezone: America/New_York"],
    "accounts.csv": ["account", "acme"],
    "numbers.csv": ["number,account", "12125550100,acme"],
    "assignments.csv": ["subject,plan", "default,p"],
    "plans.csv": ["plan", "p"],
    "plan_rules.csv": ["plan,action,deck", "p,deck,d"],
}
TAX_PARTS = {
    "tax_jurisdictions.csv": ["id,level,state,parent", "US,federal,,", "TX,state,TX,US", "NY,state,NY,US"],
    "tax_areas.csv": ["area,tax_jurisdiction", "austin,TX", "nyc,NY"],
    "sites.csv": ["site,account,area", "hq,acme,austin"],
    "numbers.csv": ["number,account,site", "12125550100,acme,hq"],
    "tax_map.csv": ["tax_service", "telecom"],
    "decks/d.csv": ["prefix,rate", "1,0.60"],
}
TAX_SHOWN = {"register": "register", "tax_lines": "lines", "tax_suspense": "suspense", "coverage": "coverage"}
DEFAULT_CALLER = "+12125550100"
ANY_CALL = ["record_id,start,duration_s,callee", "a,2026-03-02T12:00:00Z,60,+12015550111"]


def read_examples(path):
    """[(heading, {part: [line]})] of every fenced example."""
    examples = []
    heading = ""
    taxed = {"taxed": []} if os.path.basename(path) in ("TAX.md", "refused_tax.md") else {}
    parts = part = None
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            line = line.rstrip("\n")
            if parts is None:
                if line.startswith("#"):
                    heading = line.lstrip("# ")
                if line.strip() == "```example":
                    parts = dict(taxed)
                    part = None
            elif line.strip() == "```":
                examples.append((heading, parts))
                parts = None
            elif line.startswith("--- "):
                part = line[4:].strip()
                if part in parts:
                    raise ValueError("%s: part %s twice" % (heading, part))
                parts[part] = []
            elif line.strip():
                if part is None:
                    raise ValueError("%s: a line before the first part" % heading)
                parts[part].append(line)
    if parts is not None:
        raise ValueError("%s: the example does not end" % heading)
    return examples


def repeated(cdrs):
    """`repeat`: so many calls, a second apart, with ids of their own."""
    header, *rows = csv.reader(cdrs)
    if "repeat" not in header:
        return cdrs
    at, start, name = header.index("repeat"), header.index("start"), header.index("record_id")
    lines = [header[:at] + header[at + 1:]]
    for cells in rows:
        first = datetime.datetime.fromisoformat(cells[start].replace("Z", "+00:00"))
        for index in range(int(cells[at] or "1")):
            call = list(cells)
            call[start] = (first + datetime.timedelta(seconds=index)).strftime("%Y-%m-%dT%H:%M:%SZ")
            call[name] = "%s-%d" % (cells[name], index + 1) if cells[at] else cells[name]
            lines.append(call[:at] + call[at + 1:])
    return [",".join(cells) for cells in lines]


def with_caller(cdrs):
    """The CDR lines, with the default caller where the column is missing."""
    cdrs = repeated(cdrs)
    header = cdrs[0].split(",")
    if "caller" in header:
        return cdrs
    return [cdrs[0] + ",caller"] + [line + "," + DEFAULT_CALLER for line in cdrs[1:]]


def write_example(parts, folder):
    """Writes the book and the feeds; returns (the book's path, [(carrier or "", path of its CDRs)])."""
    book = os.path.join(folder, "book")
    os.makedirs(os.path.join(book, "decks"))
    files = dict(DEFAULT_PARTS, **TAX_PARTS) if "taxed" in parts else dict(DEFAULT_PARTS)
    files.update((name, lines) for name, lines in parts.items()
                 if name not in ("cdrs", "lines", "period", "pools", "refused", "taxed", *TAX_SHOWN) and not name.startswith(("cdrs ", "after ")))
    files.pop("taxed", None)
    for name, lines in files.items():
        if not re.fullmatch(r"(decks/)?[A-Za-z0-9_]+\.(csv|yaml)", name):
            raise ValueError("unknown part: " + name)
        with open(os.path.join(book, name), "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
    feeds = []
    for name in parts:
        word, _, carrier = name.partition(" ")
        if word == "after":
            carrier = ""
        elif word != "cdrs":
            continue
        path = os.path.join(folder, "cdrs%d.csv" % len(feeds))
        feeds.append((carrier, path))
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("\n".join(with_caller(parts[name])) + "\n")
    return book, feeds


def through_oracle(book, feeds, closing=None):
    """(lines, period charges, pools, what `tax` shows). closing: the day before which the first feed is closed and how late calls of the second
    are rated, or None."""
    names = ["%s=%s" % feed for feed in feeds]
    book = rate.Book(book)
    if closing:
        run = rate.rate_run(book, rate.read_feeds(names[:1]))
        run = rate.rate_run(book, rate.read_feeds(names), cycles.close(run, closing[0]), closing[1])
    else:
        run = rate.rate_run(book, rate.read_feeds(names))
    return [{name: str(value) for name, value in line.items()} for line in run.lines()], run.periods, rate.pool_rows(run), \
        tax_shown.shown(book, run) if book.taxed else {}


def read_rows(path):
    with open(path, newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def through_engine(binary, spec, book, feeds, folder, with_period, with_pools, closing):
    """(lines, period charges, pools, nothing)"""
    data, run, out, period = (os.path.join(folder, name) for name in ("ds", "run", "out.csv", "period.csv"))
    imports = [[binary, "import", "--spec", spec, "-o", data, path, "--quiet"] + (["--carrier", carrier] if carrier else [])
               for carrier, path in feeds]
    rated = [binary, "rate", "--book", book, "--cdrs", data, "--quiet", "-o"]
    if closing:
        old, state = (os.path.join(folder, name) for name in ("old", "state"))
        commands = [imports[0], rated + [old], [binary, "close", old, "--until", closing[0], "-o", state, "--quiet"], imports[1],
                    rated + [run, "--after", state, "--late", closing[1]]]
    else:
        commands = imports + [rated + [run]]
    commands.append([binary, "export", run, "--cdrs", data, "--format", "csv", "--csv-safe", "raw", "-o", out])
    if with_period:
        commands.append([binary, "export", run, "--what", "period", "--format", "csv", "-o", period])
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode == 78:
            raise oracle.BookError(done.stdout.strip())
        if done.returncode != 0:
            raise RuntimeError("%s: exit %d\n%s" % (" ".join(command), done.returncode, done.stdout.strip()))
    return read_rows(out), read_rows(period) if with_period else [], pools_of(binary, run) if with_pools else [], {}


def pools_of(binary, run):
    done = subprocess.run([binary, "summary", run, "--pools", "--json", "--unmask"], stdout=subprocess.PIPE, check=True)
    return [{name: str(value) for name, value in pool.items()} for pool in json.loads(done.stdout)["pools"]]


def differences(expected_lines, actual):
    """Readable differences between an example's `--- lines` and what came out. Several lines of one record (the legs of
    a call) are compared as a set."""
    rows = [cells for cells in csv.reader(expected_lines)]
    header = rows[0]
    for cells in rows[1:]:
        if len(cells) != len(header):
            return ["%s: the example has %d cells, not %d" % (cells[0], len(cells), len(header))]
    expected = group_by(rows[1:], lambda cells: cells[header.index("record_id")])
    found = group_by(actual, lambda line: line["record_id"])
    problems = []
    for record_id, lines in expected.items():
        got = [[line.get(name, "(no column)") for name in header] for line in found.get(record_id, [])]
        if len(got) != len(lines):
            problems.append("%s: %d lines, not %d" % (record_id, len(got), len(lines)))
            continue
        for wanted, cells in zip(sorted(lines), sorted(got)):
            problems += ["%s: %s should be %r, is %r" % (record_id, name, one, other)
                         for name, one, other in zip(header, wanted, cells) if one != other]
    problems += ["%s: a line that the example does not have" % record_id for record_id in found if record_id not in expected]
    return problems


def row_differences(what, expected_lines, actual):
    header, *rows = csv.reader(expected_lines)
    got = [[row.get(name, "(no column)") for name in header] for row in actual]
    problems = ["%s missing: %s" % (what, ",".join(cells)) for cells in rows if cells not in got]
    problems += ["%s that the example does not have: %s" % (what, ",".join(cells)) for cells in got if cells not in rows]
    if not problems and len(rows) != len(got):
        problems.append("%s: %d rows, not %d" % (what, len(got), len(rows)))
    return problems


def group_by(items, key):
    groups = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def run_example(parts, binary, spec):
    if "refused" in parts:
        try:
            run_book(dict(parts, cdrs=ANY_CALL), binary, spec)
        except oracle.BookError:
            return []
        return ["the book should be refused, but was not"]
    try:
        actual, period, pools, taxes = run_book(parts, binary, spec)
    except (oracle.BookError, RuntimeError, OSError, KeyError, ValueError) as error:
        return ["%s: %s" % (type(error).__name__, error)]
    found = differences(parts["lines"], actual) if "lines" in parts else []
    shown = [(part, part, taxes.get(what, [])) for part, what in TAX_SHOWN.items()]
    for part, what, rows in [("period", "period charge", period), ("pools", "pool", pools)] + shown:
        found += row_differences(what, parts[part], rows) if part in parts else []
    return found


def run_book(parts, binary, spec):
    """(lines, period charges, pools, what `tax` shows)"""
    with tempfile.TemporaryDirectory() as folder:
        book, feeds = write_example(parts, folder)
        closing = next((name.split()[1:] for name in parts if name.startswith("after ")), None)
        if binary:
            return through_engine(binary, spec, book, feeds, folder, "period" in parts, "pools" in parts, closing)
        return through_oracle(book, feeds, closing)


def main():
    parser = argparse.ArgumentParser(description="run the examples of docs/RATING.md")
    parser.add_argument("--rating", action="append", help="a page with examples, instead of docs/RATING.md and refused.md")
    parser.add_argument("--tollmill", help="the engine's binary; without it the oracle runs the examples")
    parser.add_argument("--spec", default=os.path.join(SOURCE_DIR, "data", "providers", "tollmill.yaml"))
    options = parser.parse_args()
    pages = options.rating or [os.path.join(SOURCE_DIR, "docs", "RATING.md"), os.path.join(HERE, "refused.md")]
    if not options.rating and os.path.exists(os.path.join(HERE, "refused_tax.md")):
        pages.append(os.path.join(HERE, "refused_tax.md"))
    if not options.rating and not options.tollmill:
        pages.append(os.path.join(SOURCE_DIR, "docs", "TAX.md"))
    examples = [example for page in pages for example in read_examples(page)]
    failed = 0
    for number, (heading, parts) in enumerate(examples, 1):
        found = run_example(parts, options.tollmill, options.spec)
        if found:
            failed += 1
            print("FAILED example %d: %s" % (number, heading))
            for text in found:
                print("    " + text)
    print("%d passed, %d failed" % (len(examples) - failed, failed))
    sys.exit(1 if failed or not examples else 0)


if __name__ == "__main__":
    main()
