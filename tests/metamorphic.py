#!/usr/bin/env python3
"""What must not change a charge, or must change it in a known way: no expectation but the command's own other answer.

On random books and calls of tests/oracle/world.py, through the command line:

- a deck that gets a second version with the rows that it has anyway charges the same;
- a longer prefix with the rows of a shorter one charges the same;
- files delivered in another order or in other calls give the same bytes;
- rows of tables in another order, where order means nothing, give the same lines;
- twice every rate, fee, minimum, maximum, amount and carrier's charge is twice every charge, where nothing is rounded.

METAMORPHIC_SEEDS and METAMORPHIC_CALLS (of each) make it longer.
"""
import copy
import csv
import os
import shutil
import subprocess
import sys
import tempfile
from fractions import Fraction

ROOT = os.environ["TOLL_SOURCE_DIR"]
TOLLMILL = os.environ["TOLLMILL"]
SPEC = os.path.join(ROOT, "data", "providers", "tollmill.yaml")
SEEDS = [int(seed) for seed in os.environ.get("METAMORPHIC_SEEDS", "1 2 3").split()]
CALLS = int(os.environ.get("METAMORPHIC_CALLS", "800"))

sys.path.insert(0, os.path.join(ROOT, "tests", "oracle"))
import oracle  # noqa: E402  (its tables of columns and its local times, none of its rating)
import world  # noqa: E402

RATES = ("rate", "rate_inter", "rate_intra", "rate_indeterminate")
MONEY = RATES + ("connect_fee", "minimum_charge", "maximum_charge")


def tollmill(*arguments):
    done = subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (arguments, done.returncode, done.stderr[:2000])


def feeds(folder):
    """[(carrier, file)]"""
    names = sorted(name for name in os.listdir(folder) if name.startswith("cdrs"))
    return [(name[len("cdrs_"):-len(".csv")], os.path.join(folder, name)) for name in names]


def deliver(dataset, carrier, files):
    tollmill("import", "--spec", SPEC, "-o", dataset, *files, "--quiet", *(["--carrier", carrier] if carrier else []))


def rate(work, name, book, dataset):
    """(rows of the export, period charges)"""
    run = os.path.join(work, name + ".run")
    out, period = (os.path.join(work, name + end) for end in (".csv", ".period.csv"))
    tollmill("rate", "--book", book, "--cdrs", dataset, "-o", run, "--quiet")
    tollmill("export", run, "--cdrs", dataset, "--format", "csv", "-o", out)
    tollmill("export", run, "--what", "period", "--format", "csv", "-o", period)
    return read(out), read(period)


def read(path):
    with open(path, newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


class Case:
    """A random book and its calls, imported once; variants of the book are rated over the same dataset."""

    def __init__(self, seed, work):
        self.seed, self.work = seed, work
        self.world = world.World(seed)
        self.calls = self.world.calls(CALLS)
        self.dataset = self.deliver("plain", self.calls)

    def deliver(self, name, calls):
        folder = os.path.join(self.work, name + ".cdrs")
        os.makedirs(folder)
        self.world.write_cdrs(folder, calls)
        dataset = os.path.join(self.work, name + ".dataset")
        for carrier, file in feeds(folder):
            deliver(dataset, carrier, [file])
        return dataset

    def rate(self, name, book, dataset=None):
        """Rates a book, which is a World, into (lines, period charges)."""
        folder = os.path.join(self.work, name + ".book")
        book.write_book(folder)
        return rate(self.work, name, folder, dataset or self.dataset)


def same(label, seed, one, other, but=()):
    """Two lists of rows are equal, except in the columns `but`."""
    assert len(one) == len(other), (label, seed, len(one), len(other))
    for left, right in zip(one, other):
        wrong = {name: (left[name], right[name]) for name in left if name not in but and left[name] != right[name]}
        assert not wrong, (label, seed, left.get("record_id"), wrong)


def split_versions(book):
    """Every file of every deck is amended by itself in the middle of its time, or in the middle of the year."""
    versions = {}
    for row in book.tables["deck_versions"]:
        versions.setdefault(row["deck"], []).append(row)
    rows = []
    changed = 0
    for name in {deck["name"]: None for _, deck in book.deck_files.values()}:
        mine = versions.get(name) or [{"deck": name, "file": name, "effective": "", "mode": ""}]
        rows += mine
        texts = sorted({row["effective"] for row in mine})
        latest = [row for row in mine if row["effective"] == texts[-1]]
        if len(latest) > 1:
            continue                       # which of two amendments of one time decides is not looked into here
        moment = "%d-12-20 03:00:01" % book.year
        if latest[0]["effective"] < "%d-05" % book.year:
            moment = "%d-07-0%d 11:17:19.001" % (book.year, book.rng.randint(1, 9))
        file = latest[0]["file"]
        if book.chance(50):
            book.deck_files[file + "_again"] = book.deck_files[file]
            file += "_again"
        rows.append({"deck": name, "file": file, "effective": moment, "mode": "amend"})
        changed += 1
    book.tables["deck_versions"] = rows
    assert changed
    return book


def with_longer_prefixes(book):
    """Prefixes one digit longer, with all rows that the shorter one has, wherever it has them."""
    keys = {}
    for rows, deck in book.deck_files.values():
        mine = keys.setdefault(deck["name"], set())
        for row in rows:
            for part in row["prefix"].split(";"):
                mine.update(book.keys_of_part(part, deck["kind"]))
    added = 0
    for name, mine in keys.items():
        files = [(rows, deck) for rows, deck in book.deck_files.values() if deck["name"] == name]
        if files[0][1]["kind"] == "calltype":
            continue
        for key in book.some(sorted(mine), 12):
            longer = key + str(book.rng.randrange(10))
            if longer in mine or len(longer) > 15:
                continue
            for rows, deck in files:
                found = [row for row in rows
                         if any(key in book.keys_of_part(part, deck["kind"]) for part in row["prefix"].split(";"))]
                rows.extend(dict(row, prefix=longer) for row in found)
                added += len(found)
    assert added
    return book


def shuffled(book):
    """Tables whose order of rows means nothing."""
    for name in ("accounts", "sites", "numbers", "trunks", "carriers", "assignments", "plans", "destinations", "decks", "holidays",
                 "npanxx", "local_areas", "calltypes", "surcharges"):
        book.rng.shuffle(book.tables[name])
    for rows, _ in book.deck_files.values():
        book.rng.shuffle(rows)
    return book


def cut(text, decimals):
    whole, dot, fraction = text.partition(".")
    return whole + dot + fraction[:decimals] if dot and fraction[:decimals] else whole


def without_rounding(book, rounding):
    """Eight decimals everywhere, and no rate so fine that more would come out."""
    book.decimals, book.book_rounding = 8, rounding
    for row in book.tables["decks"]:
        row["decimals"], row["rounding"] = "8", ""
    for rows, deck in book.deck_files.values():
        for row in rows:
            for name in MONEY:
                row[name] = cut(row.get(name, ""), 4)
                whole, _, fraction = row[name].partition(".")
                if len(whole) > 2 or (deck["kind"] == "data" and whole):   # sums must stay below 92 billion
                    row[name] = "0." + (fraction or "25")
            if row.get("maximum_charge") and Fraction(row["maximum_charge"]) < Fraction(row["minimum_charge"] or "0"):
                row["maximum_charge"] = row["minimum_charge"]
            row["per_s"] = {"": "100", "1": "1", "10": "10"}.get(row.get("per_s", ""), "1000")
            if row.get("step_from_s") and deck["kind"] != "data":
                row["per_s"] = "10"
    for row in book.tables["plan_rules"]:
        row["amount"], row["percent"] = cut(row.get("amount", ""), 4), cut(row.get("percent", ""), 2)
    for row in book.tables["surcharges"]:
        row["amount"] = cut(row["amount"], 4)
    return book


def double_text(text):
    if not text:
        return text
    doubled = Fraction(text) * 2 * 10**8
    assert doubled.denominator == 1
    sign = "-" if doubled < 0 else ""
    return "%s%d.%08d" % (sign, abs(doubled.numerator) // 10**8, abs(doubled.numerator) % 10**8)


def doubled(book):
    for rows, _ in book.deck_files.values():
        for row in rows:
            row.update({name: double_text(row[name]) for name in MONEY})
    for row in book.tables["plan_rules"] + book.tables["surcharges"]:
        row["amount"] = double_text(row["amount"])
    return book


def check_doubling(case):
    calls = [dict(call, provider_charge=cut(call.get("provider_charge", ""), 4)) for call in case.calls]
    dataset = case.deliver("fine", calls)
    twice = case.deliver("twice", [dict(call, provider_charge=double_text(call["provider_charge"])) for call in calls])
    lines, period = case.rate("up", without_rounding(world.World(case.seed), "up"), dataset)
    down, period_down = case.rate("down", without_rounding(world.World(case.seed), "down"), dataset)
    same("rounding", case.seed, lines, down)               # so nothing was rounded
    same("rounding", case.seed, period, period_down)
    lines2, period2 = case.rate("doubled", doubled(without_rounding(world.World(case.seed), "up")), twice)
    for row in lines + period:
        row["charge"] = double_text(row["charge"])
    same("doubling", case.seed, lines, lines2)
    same("doubling", case.seed, period, period2)
    return sum(row["charge"] not in ("", "0.00000000") for row in lines)


def check_order_of_files(case):
    """The calls in many files, delivered forwards at once and backwards one by one: the same dataset, the same run."""
    parts = [case.calls[index::3] for index in range(3)]
    datasets = []
    folders = []
    for index, part in enumerate(parts):
        folders.append(os.path.join(case.work, "part%d" % index))
        os.makedirs(folders[-1])
        case.world.write_cdrs(folders[-1], part)
    delivered = [entry for folder in folders for entry in feeds(folder)]
    for name in ("forwards", "backwards"):
        datasets.append(os.path.join(case.work, name + ".dataset"))
        if name == "forwards":
            for carrier in sorted({carrier for carrier, _ in delivered}):
                deliver(datasets[-1], carrier, [file for owner, file in delivered if owner == carrier])
        else:
            for carrier, file in reversed(delivered):
                deliver(datasets[-1], carrier, [file])
    book = os.path.join(case.work, "plain.book")
    trees = []
    for dataset in datasets:
        run = dataset + ".run"
        tollmill("rate", "--book", book, "--cdrs", dataset, "-o", run, "--quiet")
        trees.append({os.path.relpath(os.path.join(root, file), run): open(os.path.join(root, file), "rb").read()
                      for root, _, files in os.walk(run) for file in files if file != "stats.json"})
    assert set(trees[0]) == set(trees[1])
    for name in trees[0]:
        assert trees[0][name] == trees[1][name], ("order of files", case.seed, name)


def one_seed(seed):
    work = tempfile.mkdtemp(prefix="metamorphic-")
    case = Case(seed, work)
    lines, period = case.rate("plain", copy.deepcopy(case.world))
    rated = sum(line["status"] == "rated" for line in lines)
    assert rated * 4 > len(lines), (seed, rated, len(lines))
    for label, change, but in (("versions", split_versions, ()), ("longer prefix", with_longer_prefixes, ("prefix",)),
                               ("order of rows", shuffled, ())):
        changed, changed_period = case.rate(change.__name__, change(world.World(seed)))
        same(label, seed, lines, changed, but)
        same(label, seed, period, changed_period)
    check_order_of_files(case)
    charged = check_doubling(case)
    assert charged * 6 > len(lines), (seed, charged)
    shutil.rmtree(work)
    print("seed %d: %d lines, %d rated, %d doubled charges, %d period charges" % (seed, len(lines), rated, charged, len(period)),
          flush=True)


def main():
    for seed in SEEDS:
        one_seed(seed)
    print("%d passed, 0 failed" % len(SEEDS))


if __name__ == "__main__":
    main()
