#!/usr/bin/env python3
"""Compares what the oracle says of taxes with a run of the engine, read with pyarrow, and with what its `tax` says.

    tax_compare.py ORACLE_FOLDER RUN EXPORT.csv SHOWN_FOLDER

SHOWN_FOLDER has register.csv, lines.csv, suspense.csv and coverage.csv of `tollmill tax RUN --what ...`. Exit 0 and one line
if all is equal to the last digit, else 1 with the first differences; 77 without pyarrow.
"""
import argparse
import csv
import json
import os
import sys
from collections import Counter
from fractions import Fraction

import tax
import tax_shown

try:
    import pyarrow as pa
    import pyarrow.ipc
except ImportError:
    print("skipped: pyarrow is not installed", file=sys.stderr)
    sys.exit(77)

FIRST = 8
MONEY = 10**8


def read_csv(path):
    with open(path, newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def read_arrow(path):
    with pa.memory_map(path) as file:
        return pa.ipc.open_file(file).read_all().to_pylist()


def plain(row, columns):
    return tuple(str(row.get(name, "(no column)")) for name in columns)


class Differences:
    def __init__(self):
        self.counts, self.texts = Counter(), []

    def add(self, what, text):
        self.counts[what] += 1
        if self.counts[what] <= FIRST:
            self.texts.append("%s: %s" % (what, text))

    def rows(self, what, columns, ours, theirs):
        """Multisets of rows."""
        left, right = (Counter(plain(row, columns) for row in rows) for rows in (ours, theirs))
        for side, rest in (("oracle", left - right), ("engine", right - left)):
            for cells, count in sorted(rest.items()):
                self.add(what, "%s alone%s: %s" % (side, " (%d times)" % count if count > 1 else "", ",".join(cells)))

    def sequence(self, what, columns, ours, theirs):
        """Rows of one account and period in their order; then all the rest."""
        before = sum(self.counts.values())
        self.rows(what, columns, ours, theirs)
        if sum(self.counts.values()) != before:
            return
        groups = {}
        for side, rows in enumerate((ours, theirs)):
            for row in rows:
                groups.setdefault((row["account"], row["period"]), ([], []))[side].append(plain(row, columns))
        for key, (left, right) in sorted(groups.items()):
            if left != right:
                at = next(index for index, pair in enumerate(zip(left, right)) if pair[0] != pair[1])
                self.add(what, "order of %s, %s: oracle %s; engine %s" % (*key, ",".join(left[at]), ",".join(right[at])))


def engine_tuples(run):
    """{id: text}"""
    found = {}
    for row in read_arrow(os.path.join(run, "tuples.arrow")):
        found[row["id"]] = tax_shown.tuple_text({name: row[name] for name in tax.TUPLE_COLUMNS})
    return found


def tuples_of_lines(run, export):
    """{record_id: [(status, tuple id, tax)]}: the export's row of a day is the row of that day's line files."""
    with open(os.path.join(run, "run.json"), encoding="utf-8") as stream:
        parts = json.load(stream)["parts"]
    days = {}
    for part in parts:
        ids = [row["tuple"] for row in read_arrow(os.path.join(run, "lines", "%s.%d.arrow" % (part["day"], part["part"])))]
        days.setdefault(part["day"], []).extend(ids)
    found = {}
    for row in export:
        found.setdefault(row["record_id"], []).append((row["status"], days[row["day"]][int(row["row"])], row["tax"]))
    return found


def compare_tuples(found, ours, run, export):
    names = engine_tuples(run)
    wanted = {}
    for row in ours["tuples"]:
        wanted.setdefault(row["record_id"], []).append(tax_shown.tuple_text(row) + ": " + row["tax"])
    for record_id, lines in tuples_of_lines(run, export).items():
        got = []
        for status, key, own in lines:
            if (key != 0) != (status == "rated"):
                found.add("tuple", "%s: %s, but tuple %d" % (record_id, status, key))
            elif key:
                got.append(names.get(key, "(tuple %d is not in tuples.arrow)" % key) + ": " + own)
            elif own:
                found.add("tuple", "%s: %s, but tax %s" % (record_id, status, own))
        if sorted(got) != sorted(wanted.get(record_id, [])):
            found.add("tuple", "%s\n    oracle %s\n    engine %s" % (record_id, sorted(wanted.get(record_id, [])), sorted(got)))
    return names


def compare_buckets(found, ours, run, names):
    accounts = {row["id"]: row["account"] for row in read_arrow(os.path.join(run, "accounts.arrow"))}
    theirs = [dict(row, account=accounts[row["account"]], tuple=names[row["tuple"]])
              for row in read_arrow(os.path.join(run, "buckets.arrow")) if row["tuple"]]
    found.rows("bucket", ["account", "site", "tuple", "count", "units", "charge"], ours["buckets"], theirs)


def compare_components(found, ours, run, names):
    path = os.path.join(run, "components.arrow")
    theirs = [dict(row, tuple=names[row["tuple"]]) for row in read_arrow(path)] if os.path.exists(path) else []
    found.rows("component", tax_shown.COMPONENT_COLUMNS, ours["components"], theirs)
    return theirs


def check_lines(found, shown, components, names, buckets):
    """What the components of a usage line's tuple give is what `tax --what lines` says, before rounding."""
    minutes = {(row["account"], row["site"], row["tuple"]): Fraction(int(row["units"]), 60) for row in buckets}
    by_key = {}
    for row in components:
        by_key.setdefault((row["tuple"], row["tax"], row["tax_jurisdiction"]), []).append(row)
    checked = 0
    groups = {}
    for row in shown["lines"]:
        if row["kind"] == "usage":
            groups.setdefault((row["account"], row["site"], row["tuple"], row["tax"], row["tax_jurisdiction"], row["charge"]), []).append(row)
    for (account, site, key, name, jurisdiction, charge), rows in groups.items():
        some = by_key.get((key, name, jurisdiction), [])
        if any(str(row["late"]) == "1" for row in some):
            continue
        voice = key.split("|")[tax.TUPLE_COLUMNS.index("service")] == "voice"
        units = minutes.get((account, site, key), 0) if voice else 0
        exact = sum(Fraction(row["per_charge"] or 0) * Fraction(charge) + Fraction(row["per_minute"] or 0) * units for row in some)
        checked += 1
        if exact != sum(Fraction(row["tax_exact"]) for row in rows):
            found.add("components and lines", "%s: components %s, line %s" % (key, tax.exact_text(exact), rows[0]["tax_exact"]))
    return checked


def compare(folder, run, export, shown_folder, out=sys.stdout):
    """True when both sides say the same."""
    ours = {what: read_csv(os.path.join(folder, what + ".csv")) for what in tax_shown.SHOWN}
    shown = {what: read_csv(os.path.join(shown_folder, what + ".csv")) for what in ("register", "lines", "suspense", "coverage")}
    found = Differences()
    names = compare_tuples(found, ours, run, read_csv(export))
    compare_buckets(found, ours, run, names)
    components = compare_components(found, ours, run, names)
    for row in shown["lines"]:
        row["tuple"] = names[int(row["tuple"])] if row["tuple"] not in ("", "0") else ""
    found.sequence("line", tax_shown.TAX_LINE_COLUMNS, ours["lines"], shown["lines"])
    checked = check_lines(found, shown, components, names, ours["buckets"])
    for what, columns in (("register", tax_shown.REGISTER_COLUMNS), ("suspense", tax_shown.SUSPENSE_COLUMNS), ("coverage", tax_shown.COVERAGE_COLUMNS)):
        found.rows(what, columns, ours[what], shown[what])
    keys = [plain(row, tax_shown.REGISTER_COLUMNS) for row in shown["register"]]
    if not found.counts and keys != [plain(row, tax_shown.REGISTER_COLUMNS) for row in ours["register"]]:
        found.add("register", "another order")
    if found.counts:
        for text in found.texts:
            print(text, file=out)
        print("differences: " + ", ".join("%s %d" % item for item in found.counts.most_common()), file=out)
        return False
    print("taxes equal: %d tuples of lines, %d buckets, %d components, %d line taxes (%d again by components), register %d, suspense %d,"
          " coverage %d, cents %d" % (len(ours["tuples"]), len(ours["buckets"]), len(ours["components"]), len(ours["lines"]), checked,
                                      len(ours["register"]), len(ours["suspense"]), len(ours["coverage"]),
                                      sum(int(row["tax_cents"]) for row in ours["register"])), file=out)
    return True


def main():
    parser = argparse.ArgumentParser(description="compare the taxes of the oracle and the engine")
    for name in ("folder", "run", "export", "shown"):
        parser.add_argument(name)
    options = parser.parse_args()
    sys.exit(0 if compare(options.folder, options.run, options.export, options.shown) else 1)


if __name__ == "__main__":
    main()
