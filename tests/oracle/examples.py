#!/usr/bin/env python3
"""Runs the worked examples of docs/RATING.md.

    examples.py [--tollmill BINARY] [--spec SPEC] [--rating RATING.md]

Without --tollmill through the oracle, with it through the engine.
"""
import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile

import oracle

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
DEFAULT_CALLER = "+12125550100"


def read_examples(path):
    """[(heading, {part: [line]})] of every fenced example."""
    examples = []
    heading = ""
    parts = part = None
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            line = line.rstrip("\n")
            if parts is None:
                if line.startswith("#"):
                    heading = line.lstrip("# ")
                if line.strip() == "```example":
                    parts = {}
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


def with_caller(cdrs):
    """The CDR lines, with the default caller where the column is missing."""
    header = cdrs[0].split(",")
    if "caller" in header:
        return cdrs
    return [cdrs[0] + ",caller"] + [line + "," + DEFAULT_CALLER for line in cdrs[1:]]


def write_example(parts, folder):
    """Writes the book and cdrs.csv; returns their paths."""
    book = os.path.join(folder, "book")
    os.makedirs(os.path.join(book, "decks"))
    files = dict(DEFAULT_PARTS)
    files.update((name, lines) for name, lines in parts.items() if name not in ("cdrs", "lines"))
    for name, lines in files.items():
        if not re.fullmatch(r"(decks/)?[A-Za-z0-9_]+\.(csv|yaml)", name):
            raise ValueError("unknown part: " + name)
        with open(os.path.join(book, name), "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
    cdrs = os.path.join(folder, "cdrs.csv")
    with open(cdrs, "w", encoding="utf-8") as stream:
        stream.write("\n".join(with_caller(parts["cdrs"])) + "\n")
    return book, cdrs


def lines_of_oracle(book, cdrs):
    lines = oracle.rate_all(oracle.Book(book), oracle.read_records(cdrs))
    return [{name: str(value) for name, value in line.items()} for line in lines]


def lines_of_engine(binary, spec, book, cdrs, folder):
    data, run, out = (os.path.join(folder, name) for name in ("ds", "run", "out.csv"))
    commands = [[binary, "import", "--spec", spec, "-o", data, cdrs, "--quiet"],
                [binary, "rate", "--book", book, "--cdrs", data, "-o", run, "--quiet"],
                [binary, "export", run, "--cdrs", data, "--format", "csv", "-o", out]]
    for command in commands:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError("%s: exit %d\n%s" % (" ".join(command), done.returncode, done.stdout.strip()))
    with open(out, newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def differences(expected_lines, actual):
    """Readable differences between an example's `--- lines` and what came out."""
    rows = list(csv.reader(expected_lines))
    header = rows[0]
    found = []
    by_id = {}
    for line in actual:
        if line["record_id"] in by_id:
            found.append("%s: two lines" % line["record_id"])
        by_id[line["record_id"]] = line
    expected_ids = set()
    for cells in rows[1:]:
        if len(cells) != len(header):
            found.append("%s: the example has %d cells, not %d" % (cells[0], len(cells), len(header)))
            continue
        expected = dict(zip(header, cells))
        record_id = expected["record_id"]
        expected_ids.add(record_id)
        line = by_id.get(record_id)
        if line is None:
            found.append("%s: no line" % record_id)
            continue
        for name in header:
            if name not in line:
                found.append("%s: no column %s" % (record_id, name))
            elif line[name] != expected[name]:
                found.append("%s: %s should be %r, is %r" % (record_id, name, expected[name], line[name]))
    for record_id in by_id:
        if record_id not in expected_ids:
            found.append("%s: a line that the example does not have" % record_id)
    return found


def run_example(parts, binary, spec):
    with tempfile.TemporaryDirectory() as folder:
        try:
            book, cdrs = write_example(parts, folder)
            if binary:
                actual = lines_of_engine(binary, spec, book, cdrs, folder)
            else:
                actual = lines_of_oracle(book, cdrs)
        except (oracle.BookError, RuntimeError, OSError, KeyError, ValueError) as error:
            return ["%s: %s" % (type(error).__name__, error)]
        return differences(parts["lines"], actual)


def main():
    parser = argparse.ArgumentParser(description="run the examples of docs/RATING.md")
    parser.add_argument("--rating", default=os.path.join(SOURCE_DIR, "docs", "RATING.md"))
    parser.add_argument("--tollmill", help="the engine's binary; without it the oracle runs the examples")
    parser.add_argument("--spec", default=os.path.join(SOURCE_DIR, "data", "providers", "tollmill.yaml"))
    options = parser.parse_args()
    examples = read_examples(options.rating)
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
