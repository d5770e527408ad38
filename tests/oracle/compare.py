#!/usr/bin/env python3
"""Compares the oracle's lines with an export of the engine.

    compare.py ORACLE_LINES.csv TOLLMILL_EXPORT.csv [--period ORACLE_PERIOD.csv TOLLMILL_PERIOD.csv]
               [--totals ORACLE_TOTALS.csv RUN_FOLDER] [--pools ORACLE_POOLS.csv ORACLE_COUNTS.csv TOLLMILL_POOLS.json]

Exit 0 and one line if they agree, else 1 with the first differences and counts by column.
"""
import argparse
import csv
import json
import os
import sys
from collections import Counter

SHOWN = 20

# A cost status of these means that the line takes no part: it is shown without.
NO_COST = ("conflict", "unanswered", "other_party", "closed", "cost_feed", "compare_feed")

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


def compare_period(ours, theirs, out=sys.stdout):
    """Period charges as multisets of whole rows."""
    header, our_rows = ours
    left, right = (Counter(tuple(row.get(name, "(no column)") for name in header) for row in rows)
                   for rows in (our_rows, theirs[1]))
    for name, rows in (("oracle", left - right), ("engine", right - left)):
        for cells, count in sorted(rows.items())[:SHOWN]:
            print("period charge of the %s alone: %s%s" % (name, ",".join(cells), " (%d times)" % count if count > 1 else ""), file=out)
    if left != right:
        return False
    print("%d period charges equal" % len(our_rows), file=out)
    return True


def compare_totals(ours, run, out=sys.stdout):
    """The run's own totals, as run.json has them."""
    theirs = {name: str(run.get(name)) for name in ours}
    for name, sums in (("charge", run["totals"]), ("cost", run.get("costs", []))):
        theirs[name] = ", ".join("%s %s" % (total["currency"], total[name]) for total in sorted(sums, key=lambda total: total["currency"])
                                 if total[name] != "0.00000000")
    theirs["cost_statuses"] = " ".join(sorted("%s:%d" % (status["reason"] or status["name"], status["rows"])
                                              for status in run.get("cost_statuses", [])
                                              if (status["reason"] or status["name"]) not in NO_COST))
    wrong = [name for name in ours if ours[name] != theirs[name]]
    for name in wrong:
        print("total %s: oracle %s, engine %s" % (name, ours[name], theirs[name]), file=out)
    if not wrong:
        print("totals equal: charge %s" % ours["charge"], file=out)
    return not wrong


def compare_amounts(what, ours, theirs, names, columns, out=sys.stdout):
    """Rows that are known by their names, by their amounts."""
    left, right = ({tuple(row.get(name, "") for name in names): [str(row.get(name)) for name in columns] for row in rows}
                   for rows in (ours, theirs))
    wrong = [name for name in sorted(set(left) | set(right)) if left.get(name) != right.get(name)]
    for name in wrong[:SHOWN]:
        print("%s %s (%s): oracle %s, engine %s" % (what, ",".join(name), " ".join(columns), left.get(name), right.get(name)), file=out)
    if wrong:
        print("%d of %d differ: %s" % (len(wrong), len(set(left) | set(right)), what), file=out)
    else:
        print("%d equal: %s" % (len(left), what), file=out)
    return not wrong


def compare_pools(ours, counts, summary, out=sys.stdout):
    """The balances of pools and the counts of tiers with those of `summary --pools --json`."""
    equal = compare_amounts("pool", ours, summary["pools"], ("bundle", "pool", "account", "site", "number", "period"),
                            ("granted", "rolled_in", "used", "rolled_out", "expired", "over"), out)
    return compare_amounts("count of tiers", counts, summary["tiers"], ("tiers", "account", "site", "number", "period"),
                           ("units", "spend", "fee", "minimum", "maximum"), out) and equal


def main():
    parser = argparse.ArgumentParser(description="compare the oracle's lines with the engine's export")
    parser.add_argument("oracle")
    parser.add_argument("engine")
    parser.add_argument("--period", nargs=2, metavar=("ORACLE", "ENGINE"))
    parser.add_argument("--totals", nargs=2, metavar=("ORACLE", "RUN"))
    parser.add_argument("--pools", nargs=3, metavar=("ORACLE_POOLS", "ORACLE_COUNTS", "ENGINE"))
    options = parser.parse_args()
    equal = compare(*read_csv(options.oracle), *read_csv(options.engine))
    if options.period:
        equal &= compare_period(read_csv(options.period[0]), read_csv(options.period[1]))
    if options.totals:
        with open(os.path.join(options.totals[1], "run.json"), encoding="utf-8") as stream:
            run = json.load(stream)
        equal &= compare_totals(read_csv(options.totals[0])[1][0], run)
    if options.pools:
        with open(options.pools[2], encoding="utf-8") as stream:
            equal &= compare_pools(read_csv(options.pools[0])[1], read_csv(options.pools[1])[1], json.load(stream))
    sys.exit(0 if equal else 1)


if __name__ == "__main__":
    main()
