#!/usr/bin/env python3
"""Compares the oracle's lines with an export of the engine.

    compare.py ORACLE_LINES.csv TOLLMILL_EXPORT.csv

Exit 0 and one line if they agree, else 1 with the first differences and counts by column.
"""
import argparse
import csv
import sys
from collections import Counter

SHOWN = 20

# Cells that may differ, as (status, column), each with the place that says so. Empty: nothing may differ.
DOCUMENTED = {}


def read_csv(path):
    with open(path, newline="", encoding="utf-8-sig") as stream:
        reader = csv.reader(stream)
        header = next(reader, [])
        rows = []
        for cells in reader:
            if cells:
                rows.append(dict(zip(header, cells)))
        return header, rows


def by_record_id(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row["record_id"], []).append(row)
    return groups


def sort_key(row, columns):
    return [row.get(name, "") for name in columns]


def different_columns(ours, theirs, columns):
    names = []
    for name in columns:
        if ours.get(name, "") != theirs.get(name, "") and (ours["status"], name) not in DOCUMENTED:
            names.append(name)
    return names


def describe(record_id, names, ours, theirs):
    lines = ["record %s (oracle: %s %s; engine: %s %s)" % (record_id, ours["status"], ours["reason"], theirs["status"],
                                                          theirs["reason"])]
    for name in names:
        lines.append("    %-12s oracle %-24r engine %r" % (name, ours.get(name, ""), theirs.get(name, "")))
    return "\n".join(lines)


def compare(oracle_header, oracle_rows, engine_header, engine_rows, out=sys.stdout):
    """True when both sides say the same."""
    columns = [name for name in oracle_header if name in engine_header]
    for name in ("record_id", "status", "reason", "charge"):
        if name not in columns:
            print("column %s is missing on one side" % name, file=out)
            return False
    ours = by_record_id(oracle_rows)
    theirs = by_record_id(engine_rows)
    counts = Counter()
    shown = []
    for record_id in ours:
        left = sorted(ours[record_id], key=lambda row: sort_key(row, columns))
        right = sorted(theirs.get(record_id, []), key=lambda row: sort_key(row, columns))
        if len(left) != len(right):
            counts["(lines)"] += 1
            if len(shown) < SHOWN:
                shown.append("record %s: oracle %d lines, engine %d" % (record_id, len(left), len(right)))
            continue
        for one, other in zip(left, right):
            names = different_columns(one, other, columns)
            counts.update(names)
            if names and len(shown) < SHOWN:
                shown.append(describe(record_id, names, one, other))
    for record_id in theirs:
        if record_id not in ours:
            counts["(lines)"] += 1
            if len(shown) < SHOWN:
                shown.append("record %s: oracle 0 lines, engine %d" % (record_id, len(theirs[record_id])))
    if counts:
        for text in shown:
            print(text, file=out)
        print("differences: " + ", ".join("%s %d" % item for item in counts.most_common()), file=out)
        return False
    statuses = Counter(row["status"] for row in oracle_rows)
    print("%d lines equal: %s" % (len(oracle_rows), ", ".join("%s %d" % item for item in sorted(statuses.items()))),
          file=out)
    return True


def main():
    parser = argparse.ArgumentParser(description="compare the oracle's lines with the engine's export")
    parser.add_argument("oracle")
    parser.add_argument("engine")
    options = parser.parse_args()
    equal = compare(*read_csv(options.oracle), *read_csv(options.engine))
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
