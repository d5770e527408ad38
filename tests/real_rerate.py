"""The real UK bill with Mobile raised by 10 %: what rerate's delta and whatif say, worked out by hand from the bill.

Pence a minute of Mobile are 25 and, on Sundays and Mondays, 15; by the new deck 27.5 and 16.5. A call costs rate x seconds / 60,
to the penny, half a penny up. So each call's old and new price follow from its seconds and its day alone. The bill is not part
of this repository (see real_bill.py); without it the test is skipped.
"""
import csv
import datetime
import io
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal

import real_bill

ROOT, TOLLMILL = real_bill.ROOT, real_bill.TOLLMILL
CALLS, OLD_PENCE = real_bill.BY_TYPE["Mobile"]


def run(*arguments, code=0):
    done = subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}, expected {code}\n{done.stderr}"
    return done.stdout


def pence(tenths_a_minute, seconds):
    """Half up, in integers: tenths of a penny x seconds / 600."""
    return (tenths_a_minute * seconds * 2 + 600) // 1200


def by_hand(rows):
    """(old, new) pence of each Mobile call, by its place in the run."""
    found = {}
    for row in rows:
        if row["destination"] != "Mobile":
            continue
        start = datetime.datetime.strptime(row["start"], "%Y-%m-%dT%H:%M:%S.%fZ")  # winter: London is UTC
        cheap = start.isoweekday() in (7, 1)
        seconds = int(row["billed"])
        old, new = pence(150 if cheap else 250, seconds), pence(165 if cheap else 275, seconds)
        assert Decimal(row["charge"]) == Decimal(old) / 100, (row, old)  # as the carrier billed it
        found[row["day"], row["row"]] = old, new
    return found


def table(*arguments, code=0):
    return list(csv.DictReader(io.StringIO(run(*arguments, code=code))))


def main():
    if not os.path.exists(real_bill.BILL):
        print("skipped: the real bill is not here (TOLL_REAL)")
        return 77
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        with lzma.open(real_bill.BILL, "rb") as packed, open("bill.csv", "wb") as plain:
            plain.write(packed.read())
        run("import", "--spec", os.path.join(ROOT, "data", "providers", "np-dl-telco.yaml"), "-o", "ds", "bill.csv", "--quiet")
        book = os.path.join(ROOT, "data", "synthetic", "uk-bill-book")
        run("rate", "--book", book, "--cdrs", "ds", "-o", "run", "--quiet")
        shutil.copytree(book, "dearer")
        deck = os.path.join("dearer", "decks", "calltype.csv")
        with open(deck, encoding="utf-8") as text:
            rates = text.read()
        raised = rates.replace("Mobile,Mobile,0.25,", "Mobile,Mobile,0.275,").replace("Mobile,Mobile,0.15,", "Mobile,Mobile,0.165,")
        assert raised != rates
        with open(deck, "w", encoding="utf-8") as out:
            out.write(raised)

        hand = by_hand(table("export", "run", "--format", "csv"))
        assert len(hand) == CALLS and sum(old for old, _ in hand.values()) == OLD_PENCE
        new_pence = sum(new for _, new in hand.values())
        moved = Decimal(new_pence - OLD_PENCE) / 100
        # 10 % of 14,257.30 would be 1,425.73; calls are rounded one by one.
        assert moved == Decimal("1445.23"), moved
        print("Mobile: %s GBP old, %s new, %s moved" % (Decimal(OLD_PENCE) / 100, Decimal(new_pence) / 100, moved))

        said = json.loads(run("rerate", "run", "--book", "dearer", "-o", "again", "--json", code=1))
        assert said["changed"] == said["reasons"]["rate"] == CALLS and set(said["reasons"]) == {"rate"}, said
        assert len(said["totals"]) == 1 and Decimal(said["totals"][0]["delta"]) == moved, said
        assert Decimal(said["totals"][0]["old"]["charge"]) == Decimal("45151.13"), said
        assert Decimal(said["totals"][0]["new"]["charge"]) == Decimal("45151.13") + moved, said
        lines = table("delta", "again.delta", "--format", "csv", "--what", "lines", code=1)
        found = {(line["new_day"], line["new_row"]): (line["old_charge"], line["new_charge"]) for line in lines}
        assert {at: (Decimal(old) * 100, Decimal(new) * 100) for at, (old, new) in found.items()} == hand
        # All but Mobile is as it was.
        before, after = table("export", "run", "--format", "csv"), table("export", "again", "--format", "csv")
        assert [row for row in before if row["destination"] != "Mobile"] == [row for row in after if row["destination"] != "Mobile"]

        # The same from whatif, by the raised book and by a change that edits nothing.
        for books in (("--cdrs", "ds", book, "dearer"), ("--cdrs", "ds", book, "--set", "deck:calltype prefix:Mobile *1.1")):
            impact = json.loads(run("whatif", *books, "--json"))
            by_destination = {row["destination"]: row for row in impact["destinations"]}
            charges = [Decimal(one["charge"]) for one in by_destination["Mobile"]["books"]]
            assert charges == [Decimal(OLD_PENCE) / 100, Decimal(new_pence) / 100], (books, charges)
            for name, row in by_destination.items():
                if name != "Mobile":
                    assert len({one["charge"] for one in row["books"]}) == 1, (books, name, row)
            total = [Decimal(one["charge"]) for one in impact["totals"][0]["books"]]
            assert total[1] - total[0] == moved and total[0] == Decimal("45151.13"), (books, total)
        os.chdir("/")
    print("Mobile raised by 10 %: delta and what-if are what the bill gives by hand")
    return 0


if __name__ == "__main__":
    sys.exit(main())
