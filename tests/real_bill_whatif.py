"""What if Mobile had cost 10 % more on the real UK bill: the report against what the bill itself says, added up here.

Every call of the bill is whole minutes at a rate in pence (25, or 15 on cheap days, for Mobile), so a call that cost c pence costs
1.1 x c, half a penny rounded up: (11 x c + 5) // 10. The bill is not part of this repository (see real_bill.py); without it the
test is skipped.
"""
import csv
import datetime
import json
import lzma
import os
import subprocess
import sys
import tempfile

ROOT = os.environ["TOLL_SOURCE_DIR"]
TOLLMILL = os.environ["TOLLMILL"]
REAL = os.environ.get("TOLL_REAL", os.path.join(ROOT, "..", "shared", "real"))
BILL = os.path.join(REAL, "cdr", "np-dl-telco_cdr.csv.xz")
NAMES = {"Intl": "International", "PRS": "Premium rate"}


def run(*arguments):
    done = subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}: exit {done.returncode}\n{done.stderr}"
    return done.stdout


def pounds(pence):
    return f"{pence // 100}.{pence % 100:02d}000000"


def add(table, key, old, new):
    row = table.setdefault(key, [0, 0, 0])
    row[0] += 1
    row[1] += old
    row[2] += new


def by_hand(path):
    """Calls, pence now and pence then: in all, by call type, by hour of the week on the clock that the bill is written in, and of
    Mobile by rate."""
    total, types, hours, rates = {}, {}, {}, {}
    with open(path, newline="", encoding="ascii") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            old, kind = int(row["Cost"]), row["Type"]
            new = (11 * old + 5) // 10 if kind == "Mobile" else old
            day, month, year = (int(part) for part in row["startDate"].split("/"))
            weekday = datetime.date(year, month, day).isoweekday()
            add(total, "", old, new)
            add(types, NAMES.get(kind, kind), old, new)
            add(hours, f"{weekday} {int(row['startTime'].split(':')[0]):02d}", old, new)
            if kind == "Mobile":
                add(rates, "cheap" if weekday in (1, 7) else "", old, new)
    return total, types, hours, rates


def expect_table(what, rows, key, wanted):
    found = {key(row): [row["books"][0]["rows"], row["books"][0]["charge"], row["books"][1]["charge"]] for row in rows}
    wanted = {name: [calls, pounds(old), pounds(new)] for name, (calls, old, new) in wanted.items()}
    assert found == wanted, f"{what}: {found} is not {wanted}"


def main():
    if not os.path.exists(BILL):
        print("skipped: the real bill is not here (TOLL_REAL)")
        return 77
    with tempfile.TemporaryDirectory() as work:
        bill, dataset = os.path.join(work, "bill.csv"), os.path.join(work, "ds")
        with lzma.open(BILL, "rb") as packed, open(bill, "wb") as plain:
            plain.write(packed.read())
        run("import", "--spec", os.path.join(ROOT, "data", "providers", "np-dl-telco.yaml"), "-o", dataset, bill)
        book = os.path.join(ROOT, "data", "synthetic", "uk-bill-book")
        found = json.loads(run("whatif", "--cdrs", dataset, book, "--set", "deck:calltype destination:Mobile *1.1", "--json"))
        total, types, hours, rates = by_hand(bill)
    calls, old, new = total[""]
    assert (calls, old) == (42238, 4515113), "the bill is another one"
    expect_table("totals", found["totals"], lambda row: "", total)
    expect_table("accounts", found["accounts"], lambda row: "" if row["account"] == "np-dl" else row["account"], total)
    expect_table("destinations", found["destinations"], lambda row: row["destination"], types)
    expect_table("hours", found["hours"], lambda row: f"{row['weekday']} {int(row['hour']):02d}", hours)
    moved = [row for row in found["moved"] if not row.get("left_out") and row["charge_then"][0] != row["charge"]]
    assert {row["band"]: [row["rows"], row["charge"], row["charge_then"][0]] for row in moved} == {
        band: [count, pounds(before), pounds(then)] for band, (count, before, then) in rates.items()}, moved
    percent = (20000 * (new - old) + old) // (2 * old)  # in hundredths, half up
    impact = found["impact"][0]
    assert (impact["winners"], impact["losers"], impact["same"], impact["moved"]) == (0, 1, 0, 0), impact
    assert impact["lost"] == pounds(new - old), impact
    assert found["totals"][0]["books"][1]["percent"] == f"{percent // 100}.{percent % 100:02d}", found["totals"]
    print(f"Mobile +10 %: {pounds(new - old)} GBP more, in all tables as added up from the bill")
    return 0


if __name__ == "__main__":
    sys.exit(main())
