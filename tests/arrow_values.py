"""A whole run read by pyarrow, which shares no code with us, against what `export` says of the same lines.

Parts, lines and id tables are joined here by row and id, as docs/FORMATS.md tells a reader to do it.
"""
import csv
import os
import subprocess
import sys
import tempfile

try:
    import pyarrow as pa
    import pyarrow.ipc
except ImportError:
    print("skipped: pyarrow is not installed")
    sys.exit(77)

ROOT = os.environ["TOLL_SOURCE_DIR"]
TOLLMILL = os.environ["TOLLMILL"]
CLASSES = ["ordinary", "toll_free", "premium", "n11", "on_net"]
JURISDICTIONS = ["indeterminate", "local", "intrastate", "interstate", "international"]


def run(*arguments):
    subprocess.run([TOLLMILL, *arguments, "--quiet"], check=True)


def columns(path):
    with pa.memory_map(path) as source:
        table = pa.ipc.open_file(source).read_all()
        out = {}
        for name, column in zip(table.column_names, table.columns):
            if pa.types.is_timestamp(column.type):
                column = column.cast(pa.int64())
            elif pa.types.is_dictionary(column.type):
                column = column.cast(pa.string())
            out[name] = column.to_pylist()
        return out


def number(packed, kind_type):
    text = f"{packed:016x}".rstrip("f").replace("a", "*").replace("b", "#") if packed else ""
    return "+" + text if kind_type == 1 else text


def money(value):
    sign, value = ("-", -value) if value < 0 else ("", value)
    return f"{sign}{value // 10**8}.{value % 10**8:08d}"


def main():
    with tempfile.TemporaryDirectory() as work:
        at = lambda *parts: os.path.join(work, *parts)
        run("gen", "-o", at("world"), "--cdrs", "40000", "--numbers", "500", "--accounts", "50")
        run("import", "--spec", os.path.join(ROOT, "data", "providers", "tollmill.yaml"), "-o", at("ds"),
            at("world", "cdrs.csv"))
        run("rate", "--book", at("world", "book"), "--cdrs", at("ds"), "-o", at("run"))
        run("export", at("run"), "--cdrs", at("ds"), "--format", "csv", "-o", at("lines.csv"))

        accounts = columns(at("run", "accounts.arrow"))
        account_of = dict(zip(accounts["id"], accounts["account"])) | {0: ""}
        prices = columns(at("run", "prices.arrow"))
        terms = columns(at("run", "price_terms.arrow"))
        deck_of = dict(zip(terms["terms"], terms["deck"]))
        price_of = {key: (deck_of[term], prefix, destination) for key, term, prefix, destination in
                    zip(prices["id"], prices["terms"], prices["prefix"], prices["destination"])} | {0: ("", "", "")}
        days = {}
        rows = 0
        with open(at("lines.csv"), newline="") as text:
            for row in csv.DictReader(text):
                day, index = row["day"], int(row["row"])
                if day not in days:
                    part = next(n for n in os.listdir(at("ds", "parts"))
                                if n.startswith(day) and not n.endswith(".text.arrow"))
                    line = next(n for n in os.listdir(at("run", "lines")) if n.startswith(day))
                    texts = columns(at("ds", "parts", part.replace(".arrow", ".text.arrow")))
                    days[day] = (columns(at("ds", "parts", part)), columns(at("run", "lines", line)), texts)
                cdr, line, texts = days[day]
                kind = cdr["kind"][index]
                suspense = line["status"][index] >= 16
                seen = {
                    "record_id": texts["record_id"][index],
                    "caller": number(cdr["caller"][index], kind >> 5 & 7),
                    "callee": number(cdr["callee"][index], kind >> 8 & 7),
                    "duration_ms": str(cdr["duration_ms"][index]),
                    "account": account_of[line["account"][index]],
                    "billed": str(line["billed"][index]),
                    "charge": "" if suspense else money(line["charge"][index]),
                    "class": CLASSES[line["class"][index] >> 4],
                    "jurisdiction": JURISDICTIONS[line["class"][index] & 15],
                }
                seen["deck"], seen["prefix"], seen["destination"] = price_of[line["price"][index]]
                for name, value in seen.items():
                    assert row[name] == value, (day, index, name, row[name], value)
                rows += 1
        assert rows == 40000 == sum(len(line["status"]) for _, line, _ in days.values()), rows
    print("40000 lines read by pyarrow equal the export")
    return 0


if __name__ == "__main__":
    sys.exit(main())
