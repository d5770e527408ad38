#!/usr/bin/env python3
"""A delta against what both runs say themselves: exports, and their files read with pyarrow, which shares no code with us.

On random books (tests/oracle's makers) that are changed at random: every line that differs is in the delta and no other, each
with the reasons that docs/RERATE.md gives, worked out here once more; old and delta are new in every sum and tax. Then CDRs
that are not the same: imported into since, repaired by another mapping (another day, another duration, rows that appear and
vanish), shuffled files; merged runs; and any number of threads gives the same bytes.

DELTA_SEEDS, DELTA_CALLS (of each) and DELTA_VARIANTS (changed books of each) make it longer.
"""
import collections
import csv
import filecmp
import io
import os
import random
import shutil
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
SPEC = os.path.join(ROOT, "data", "providers", "tollmill.yaml")
SEEDS = [int(seed) for seed in os.environ.get("DELTA_SEEDS", "1").split()]
CALLS = os.environ.get("DELTA_CALLS", "200")
VARIANTS = int(os.environ.get("DELTA_VARIANTS", "2"))
ORDER = ["appeared", "vanished", "cdr", "was_suspense", "now_suspense", "payer", "jurisdiction", "plan", "prefix", "band", "rate",
         "bundle", "status", "cost", "tax"]
NO_COST = {1, 5, 7, 8, 9, 16}      # cost statuses of lines that take no part: tollmill_segment.h
KIND = 0x0001 | 0x0002 | 0x0004 | 0x0008 | 0x0010 | 0x0800 | 0x7 << 5 | 0x7 << 8


def command(*words, good=(0,)):
    done = subprocess.run([TOLLMILL, *words], capture_output=True, text=True, check=False)
    assert done.returncode in good and "runtime error" not in done.stderr and "Sanitizer" not in done.stderr, \
        (words, done.returncode, done.stderr[:2000])
    return done


def table(path):
    with pa.memory_map(path) as source:
        read = pa.ipc.open_file(source).read_all()
    out = {}
    for name, column in zip(read.column_names, read.columns):
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.int64())
        elif pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        out[name] = column.to_pylist()
    return [dict(zip(out, values)) for values in zip(*out.values())]


def money(text):
    sign = -1 if text.startswith("-") else 1
    whole, _, part = text.lstrip("-").partition(".")
    return sign * (int(whole) * 10 ** 8 + int(part.ljust(8, "0")))


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


class Run:
    """A run, all of it: lines by (day, row)."""

    def __init__(self, path, dataset, parts):
        self.path, self.dataset = path, dataset
        export = command("export", path, "--cdrs", dataset, "--format", "csv", "--csv-safe=raw").stdout
        self.period = rows_of(command("export", path, "--what", "period", "--format", "csv").stdout)
        terms = {row["terms"]: row for row in table(os.path.join(path, "price_terms.arrow"))}
        prices = {row["id"]: row | terms[row["terms"]] for row in table(os.path.join(path, "prices.arrow"))}
        tuples = {}
        if os.path.exists(os.path.join(path, "tuples.arrow")):
            for row in table(os.path.join(path, "tuples.arrow")):
                tuples[row["id"]] = [tuple(value for name, value in row.items()
                                           if name not in ("id", "book", "split_line", "exemptions"))]
            for row in table(os.path.join(path, "components.arrow")):
                tuples[row["tuple"]].append(tuple(value for name, value in row.items()
                                                  if name not in ("tuple", "source", "as_of", "line")))
        self.taxed = bool(tuples) or os.path.exists(os.path.join(path, "tuples.arrow"))
        key = lambda row: tuple(row[name] for name in ("kind", "plan", "deck", "prefix", "band", "step", "column", "rate", "per_units",
                                                       "connect_fee"))
        pools = {}
        if os.path.exists(os.path.join(path, "pools.arrow")):
            pools = {row["id"]: tuple(row[name] for name in ("bundle", "scope", "account", "site", "number", "pool"))
                     for row in table(os.path.join(path, "pools.arrow"))}
        self.lines = {}
        arrow = {}
        for name in sorted(os.listdir(os.path.join(path, "lines"))):
            arrow[name[:10]] = table(os.path.join(path, "lines", name))
        cdrs = {day: table(os.path.join(dataset, "parts", file)) for day, file in parts.items()}
        for row in rows_of(export):
            line = arrow[row["day"]][int(row["row"])]
            cdr = cdrs[row["day"]][int(row["row"])]
            cost_status = line.get("cost_status", 1)
            price = prices.get(line["price"])
            self.lines[row["day"], int(row["row"])] = {
                "export": row, "cdr": cdr, "status": line["status"], "account": row["account"], "site": row["site"],
                "currency": row["currency"] if row["account"] else "", "number": row["number"],
                "class_jurisdiction": line["class"], "price": price and key(price), "billed": line["billed"],
                "charge": line["charge"], "included": line.get("included", 0), "pool": pools.get(line.get("pool", 0)),
                "tuple": tuples.get(line["tuple"]),
                "cost": None if cost_status in NO_COST else
                (cost_status, line["cost"], key(prices[line["cost_price"]]) if line["cost_price"] else None),
            }

    def register(self):
        if not self.taxed:
            return collections.Counter()
        found = collections.Counter()
        for row in rows_of(command("tax", self.path, "--format", "csv", good=(0, 1)).stdout):
            found[tuple(row[name] for name in ("period", "account", "site", "currency", "tax_jurisdiction", "level", "tax", "name")) +
                  (row["billable"],)] += int(row["tax_cents"])
        return found


def parts_now(dataset):
    """File of each day in the dataset's newest generation."""
    found = {}
    for name in os.listdir(os.path.join(dataset, "parts")):
        if name.endswith(".text.arrow"):
            continue
        day, _, generation = name[:-len(".arrow")].split(".")
        if day not in found or int(generation[1:]) > found[day][0]:
            found[day] = (int(generation[1:]), name)
    return {day: name for day, (_, name) in found.items()}


# ---- why, as docs/RERATE.md says ----

def cdr_of(line):
    cdr = line["cdr"]
    return (cdr["start"], cdr["duration_ms"], cdr["caller"], cdr["callee"], cdr["kind"] & KIND, cdr["carrier"] or "",
            cdr.get("trunk") or "", cdr.get("calltype") or "", cdr.get("quantity") or 0)


def why(old, new):
    if old is None or new is None:
        return {"appeared" if old is None else "vanished"}
    found = set()
    if cdr_of(old) != cdr_of(new):
        found.add("cdr")
    if old["status"] >= 16 > new["status"]:
        found.add("was_suspense")
    if new["status"] >= 16 and new["status"] != old["status"]:
        found.add("now_suspense")
    if any(old[name] != new[name] for name in ("account", "site", "currency", "number")):
        found.add("payer")
    if old["class_jurisdiction"] != new["class_jurisdiction"]:
        found.add("jurisdiction")
    p, q = old["price"], new["price"]
    billed = old["billed"] == new["billed"]
    bundles = (old["included"], old["pool"], old["status"] == 6) == (new["included"], new["pool"], new["status"] == 6)
    if p and q and p != q:
        found.add("plan" if p[:3] != q[:3] else "prefix" if p[3] != q[3] else "band" if p[4:6] != q[4:6] else "rate")
    if p and p == q and (not billed or (old["charge"] != new["charge"] and bundles)):
        found.add("rate")
    if billed and not bundles:
        found.add("bundle")
    if not found and (old["status"], p, old["billed"], old["charge"], bundles) != (new["status"], q, new["billed"], new["charge"], True):
        found.add("status")
    if old["cost"] != new["cost"]:
        found.add("cost")
    if old["tuple"] != new["tuple"]:
        found.add("tax")
    return found


def key_of(line):
    return "%016x%016x" % (line["cdr"]["record_key_high"], line["cdr"]["record_key_low"])


def pairs(old, new, same_days):
    """[(old place, new place)], None where a run does not have the call. same_days: whose CDRs are the same file."""
    out = [(place, place) for place in new.lines if place[0] in same_days]
    olds, news = collections.defaultdict(list), collections.defaultdict(list)
    for run, found in ((old, olds), (new, news)):
        for place in sorted(run.lines):
            if place[0] not in same_days:
                found[key_of(run.lines[place])].append(place)
    content = lambda line: (line["cdr"]["start"], line["cdr"]["caller"], line["cdr"]["callee"], line["cdr"]["duration_ms"])
    for key in sorted(set(olds) | set(news)):
        left, right = list(olds[key]), list(news[key])
        for place in list(left):
            match = next((other for other in right if content(new.lines[other]) == content(old.lines[place])), None)
            if match:
                out.append((place, match))
                left.remove(place)
                right.remove(match)
        while left and right:
            out.append((left.pop(0), right.pop(0)))
        out += [(place, None) for place in left] + [(None, place) for place in right]
    return out


# ---- the delta ----

def check_state(label, row, side, line, place):
    if place is None:
        assert row[side + "_row"] == "" and row[side + "_day"] == "", (label, row)
        return
    export = line["export"]
    want = {"day": place[0], "row": str(place[1]), "status": export["status"], "status_reason": export["reason"], "account": export["account"],
            "site": export["site"], "currency": line["currency"], "class": export["class"], "jurisdiction": export["jurisdiction"],
            "deck": export["deck"], "prefix": export["prefix"], "destination": export["destination"], "band": export["band"],
            "billed": export["billed"], "included": export["included"], "charge": export["charge"], "bundle": export["bundle"],
            "cost": export["cost"]}
    wrong = {name: (row[side + "_" + name], value) for name, value in want.items() if row[side + "_" + name] != value}
    assert not wrong, (label, side, place, wrong)


def check_lines(label, delta, old, new, same_days):
    rows = {}
    order = []
    for row in rows_of(command("delta", delta, "--format", "csv", "--csv-safe=raw", good=(0, 1)).stdout):
        places = tuple((row[side + "_day"], int(row[side + "_row"])) if row[side + "_row"] else None for side in ("old", "new"))
        assert places not in rows, (label, places)
        rows[places] = row
        order.append((places[1] or places[0], places[1] is None))
    assert order == sorted(order, key=lambda item: (item[0][0], item[1], item[0][1])), label
    reasons = collections.Counter()
    for places in pairs(old, new, same_days):
        one, other = old.lines.get(places[0]), new.lines.get(places[1])
        want = why(one, other)
        row = rows.pop(places, None)
        assert (row is not None) == bool(want), (label, places, want, row)
        if row is None:
            continue
        assert row["reasons"].split(";") == [name for name in ORDER if name in want], (label, places, row["reasons"], want)
        assert row["reason"] == row["reasons"].split(";")[0] and row["record_key"] == key_of(one or other), (label, places)
        check_state(label, row, "old", one, places[0])
        check_state(label, row, "new", other, places[1])
        reasons[row["reason"]] += 1
    assert not rows, (label, list(rows)[:3])
    return reasons


def check_sums(label, delta, old, new):
    sums = {(row["account"], row["site"], row["currency"]): row
            for row in rows_of(command("delta", delta, "--format", "csv", "--what", "sums", "--csv-safe=raw", good=(0, 1)).stdout)}
    moved = collections.Counter()
    for row in rows_of(command("delta", delta, "--format", "csv", "--csv-safe=raw", good=(0, 1)).stdout):
        for side, sign in (("old", -1), ("new", 1)):
            if row[side + "_charge"]:
                moved[row[side + "_account"], row[side + "_site"]] += sign * money(row[side + "_charge"])
    for side, run in (("old", old), ("new", new)):
        charge, cost, lines, period = (collections.Counter() for _ in range(4))
        for line in run.lines.values():
            key = (line["account"], line["site"])
            charge[key] += line["charge"]
            cost[key] += line["cost"][1] if line["cost"] else 0
            lines[key] += line["status"] < 16 and line["account"] != ""
        for row in run.period:
            period[row["account"], ""] += money(row["charge"])
        for wanted, name in ((charge, "charge"), (cost, "cost"), (period, "period_charge")):
            have = collections.Counter()
            for key, row in sums.items():
                have[key[:2]] += money(row["%s_%s" % (side, name)])
            assert {k: v for k, v in wanted.items() if v} == {k: v for k, v in have.items() if v}, (label, side, name)
        have = collections.Counter()
        for key, row in sums.items():
            have[key[:2]] += int(row[side + "_rows"])
        assert {k: v for k, v in lines.items() if v} == {k: v for k, v in have.items() if v}, (label, side, "rows")
    for key, row in sums.items():
        reasons = sum(money(row[name + "_charge"]) for name in ORDER)
        assert money(row["old_charge"]) + reasons == money(row["new_charge"]), (label, key)
        assert moved[key[:2]] == sum(money(other["new_charge"]) - money(other["old_charge"])
                                     for k, other in sums.items() if k[:2] == key[:2]), (label, key)


def check_taxes(label, delta, old, new):
    before, after = old.register(), new.register()
    have = {}
    for row in rows_of(command("delta", delta, "--format", "csv", "--what", "taxes", "--csv-safe=raw", good=(0, 1)).stdout):
        key = tuple(row[name] for name in ("period", "account", "site", "currency", "tax_jurisdiction", "level", "tax", "name"))
        have[key + ({"1": "yes", "0": "no"}[row["billable"]],)] = (int(row["old_cents"]), int(row["new_cents"]))
    want = {key: (before[key], after[key]) for key in set(before) | set(after) if before[key] != after[key]}
    assert have == (want if old.taxed and new.taxed else {}), (label, sorted(set(have.items()) ^ set(want.items()))[:4])
    return len(have)


def same_tree(one, other):
    for folder, _, files in os.walk(one):
        for file in files:
            path = os.path.join(folder, file)
            assert filecmp.cmp(path, path.replace(one, other, 1), shallow=False), path


def check(label, work, old, new, same_days):
    delta = os.path.join(work, "delta")
    for name in (delta, delta + "1"):
        shutil.rmtree(name, ignore_errors=True)
    words = ("--cdrs", new.dataset, "--old-cdrs", old.dataset, "--quiet")
    command("delta", old.path, new.path, "-o", delta, *words, good=(0, 1))
    command("delta", old.path, new.path, "-o", delta + "1", "--threads", "1", *words, good=(0, 1))
    same_tree(delta, delta + "1")
    command("verify", delta)
    reasons = check_lines(label, delta, old, new, same_days)
    check_sums(label, delta, old, new)
    taxes = check_taxes(label, delta, old, new)
    exit_code = command("delta", delta, "--json", good=(0, 1)).returncode
    same_period = sorted(map(str, old.period)) == sorted(map(str, new.period))
    assert (exit_code == 0) == (not reasons and not taxes and same_period), (label, reasons, taxes)
    return reasons


# ---- changes ----

def read_table(path):
    with open(path, newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.reader(stream))
    return rows


def write_table(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def change_book(rng, folder):
    """One change at random: a cell of a column gets the cell of another row, a number another one; a row goes or comes twice."""
    names = [name for name in os.listdir(folder) if name.endswith(".csv")]
    decks = [os.path.join("decks", name) for name in os.listdir(os.path.join(folder, "decks"))]
    likely = ["numbers.csv", "assignments.csv", "plan_rules.csv", "bundles.csv", "subscriptions.csv", "tiers.csv", "taxes.csv", "calendars.csv",
              "trunks.csv", "tax_map.csv", "sites.csv", "npanxx.csv", "calltypes.csv"]
    name = rng.choice(decks * 2 + [name for name in likely if name in names] * 2 + names)
    path = os.path.join(folder, name)
    rows = read_table(path)
    if len(rows) < 2:
        return name
    for _ in range(30 if name == "npanxx.csv" else rng.choice((1, 1, 3))):
        at, column = rng.randrange(1, len(rows)), rng.randrange(len(rows[0]))
        kind = rng.randrange(4)
        if kind == 0 and len(rows) > 2 and name != "npanxx.csv":
            del rows[at]
        elif kind == 1 and column < len(rows[at]):
            other = rows[rng.randrange(1, len(rows))]
            rows[at][column] = other[column] if column < len(other) else ""
        else:
            for cell, text in enumerate(rows[at]):
                if text.replace(".", "", 1).isdigit() and len(text) < 9 and rng.randrange(2):
                    rows[at][cell] = str(int(float(text) * 3)) if "." not in text else "%.6f" % (float(text) * 1.1)
    write_table(path, rows)
    return name


class World:
    def __init__(self, work, seed, maker):
        self.work = work
        self.folder = os.path.join(work, "world")
        done = subprocess.run([sys.executable, os.path.join(ROOT, "tests", "oracle", maker), str(seed), CALLS, self.folder],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        self.dataset = self.deliver("ds", self.folder)
        self.book = os.path.join(self.folder, "book")

    def deliver(self, name, folder, reverse=False):
        dataset = os.path.join(self.work, name)
        for file in sorted((file for file in os.listdir(folder) if file.startswith("cdrs") and file.endswith(".csv")), reverse=reverse):
            carrier = file[len("cdrs_"):-len(".csv")]
            command("import", "--spec", SPEC, "-o", dataset, os.path.join(folder, file), "--quiet", *(["--carrier", carrier] if carrier else []),
                    good=(0, 1))
        return dataset

    def rate(self, name, book, dataset=None, *more):
        """None: the book is refused."""
        path = os.path.join(self.work, name)
        shutil.rmtree(path, ignore_errors=True)
        dataset = dataset or self.dataset
        done = command("rate", "--book", book, "--cdrs", dataset, "-o", path, "--quiet", *more, good=(0, 65, 78))
        return Run(path, dataset, parts_now(dataset)) if done.returncode == 0 else None


def change_calls(rng, folder, to):
    """What a repaired mapping gives: some calls a day later, some longer, some gone, some new."""
    os.makedirs(to)
    for file in os.listdir(folder):
        if not file.startswith("cdrs") or not file.endswith(".csv"):
            continue
        rows = read_table(os.path.join(folder, file))
        head = [cell.strip().lower() for cell in rows[0]]
        start, seconds = head.index("start"), next(head.index(name) for name in ("duration_s", "duration_ms", "duration") if name in head)
        kept = [rows[0]]
        for row in rows[1:]:
            kind = rng.randrange(12)
            if kind == 0:
                continue
            if kind == 1 and row[start][8:10].isdigit() and 1 <= int(row[start][8:10]) < 28:
                row[start] = row[start][:8] + "%02d" % (int(row[start][8:10]) + 1) + row[start][10:]
            if kind == 2 and row[seconds].isdigit():
                row[seconds] = str(int(row[seconds]) + 7)
            kept.append(row)
        write_table(os.path.join(to, file), kept)


def one_world(work, seed, maker, seen):
    rng = random.Random("%s %s" % (maker, seed))
    world = World(work, seed, maker)
    base = world.rate("base", world.book)
    days = set(parts_now(world.dataset))
    again = world.rate("again", world.book)
    assert not check((seed, maker, "unchanged"), work, base, again, days)
    other = None
    tried = 0
    while tried < VARIANTS:
        changed = os.path.join(work, "changed")
        shutil.rmtree(changed, ignore_errors=True)
        shutil.copytree(world.book, changed)
        names = [change_book(rng, changed) for _ in range(rng.choice((1, 2)))]
        new = world.rate("new", changed)
        if new is None:
            continue
        tried += 1
        seen.update(check((seed, maker, names), work, base, new, days))
        other = changed
    merged = world.rate("merged", other, None, "--only-suspense", base.path)
    if merged is not None:
        seen.update(check((seed, maker, "merged"), work, base, merged, days))
        seen.update(check((seed, maker, "from merged"), work, merged, again, days))
    older = world.rate("older", os.path.join(world.folder, "older"))
    if older is not None:
        seen.update(check((seed, maker, "older"), work, older, base, days))
    # behind itself, half of it closed
    state = os.path.join(work, "state")
    middle = sorted(days)[len(days) // 2]
    command("close", base.path, "--until", middle, "-o", state, "--quiet")
    behind = world.rate("behind", world.book, None, "--after", state)
    if behind is not None:
        seen.update(check((seed, maker, "behind"), work, base, behind, days))
    # the same calls from files in another order
    shuffled = world.deliver("shuffled", world.folder, reverse=True)
    turned = world.rate("turned", world.book, shuffled)
    if turned is not None and all(filecmp.cmp(os.path.join(world.dataset, "parts", parts_now(world.dataset)[day]),
                                              os.path.join(shuffled, "parts", parts_now(shuffled)[day]), shallow=False) for day in days):
        assert not check((seed, maker, "shuffled"), work, base, turned, days)
    # another mapping
    change_calls(rng, world.folder, os.path.join(work, "calls"))
    repaired = world.deliver("repaired", os.path.join(work, "calls"))
    new = world.rate("repaired.run", world.book, repaired)
    if new is not None:
        seen.update(check((seed, maker, "repaired"), work, base, new, set()))
    new = world.rate("repaired.run", other, repaired)
    if new is not None:
        seen.update(check((seed, maker, "repaired and changed"), work, base, new, set()))
    # imported into since: the first feed alone, then all of them into the same dataset
    first = os.path.join(work, "first")
    os.makedirs(first)
    shutil.copy(os.path.join(world.folder, "cdrs.csv"), first)
    grown = world.deliver("grown", first)
    before = world.rate("before", world.book, grown)
    then = parts_now(grown)
    world.deliver("grown", world.folder)
    now = parts_now(grown)
    after = world.rate("after", world.book, grown)
    if before is not None and after is not None:
        same = {day for day in then if then[day] == now.get(day)}
        seen.update(check((seed, maker, "grown"), work, before, after, same))


SMALL = {
    "book.yaml": "book: small\ncurrency: USD\ntimezone: UTC\n",
    "accounts.csv": "account\nacme\nbeta\n",
    "sites.csv": "site,account\nhall,acme\nlab,acme\n",
    "numbers.csv": "number,account,site\n12125550100,acme,hall\n12125550101,acme,lab\n12125550102,beta,\n",
    "assignments.csv": "subject,plan\ndefault,p\n",
    "plans.csv": "plan\np\n",
    "plan_rules.csv": "plan,action,deck\np,deck,d\n",
    "decks.csv": "deck,decimals,rounding\nd,2,down\n",
    "decks/d.csv": "prefix,rate\n1212,0.001\n1646,0.002\n",
}
CALLS_SMALL = "start,duration_s,caller,callee,answered,record_id\n" + "".join(
    "2026-03-0%d 12:00:0%dZ,60,+1212555010%d,+1%s5550199,yes,r%d\n" % (1 + n // 3, n % 3, n % 3, "646" if n % 3 == 2 else "212", n) for n in range(6))


def by_hand(work):
    """What no sum shows: a rate that is rounded away, a number that goes to another site; and what is no change at all."""
    def book(name, changes):
        for file, text in dict(SMALL, **changes).items():
            path = os.path.join(work, name, file)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
        return os.path.join(work, name)

    def delta(name, changes):
        run = os.path.join(work, name + ".run")
        command("rate", "--book", book(name, changes), "--cdrs", dataset, "-o", run, "--quiet")
        if name == "base":
            return None
        command("delta", os.path.join(work, "base.run"), run, "-o", os.path.join(work, name + ".delta"), "--quiet", good=(0, 1))
        rows = rows_of(command("delta", os.path.join(work, name + ".delta"), "--format", "csv", good=(0, 1)).stdout)
        return [(row["new_day"], row["new_row"], row["reasons"], row["old_site"], row["new_site"], row["old_rate"], row["new_rate"],
                 row["old_charge"], row["new_charge"]) for row in rows]

    dataset, file = os.path.join(work, "small.ds"), os.path.join(work, "small.csv")
    with open(file, "w", encoding="utf-8") as out:
        out.write(CALLS_SMALL)
    command("import", "--spec", SPEC, "-o", dataset, file, "--quiet")
    delta("base", {})
    zero = "0.00000000"
    # 0.003 a minute is 0.00 as 0.002 is; the two calls to 1646 have it
    want = [(day, row, "rate", "", "", "0.00200000", "0.00300000", zero, zero) for day, row in (("2026-03-01", "2"), ("2026-03-02", "2"))]
    have = delta("rate", {"decks/d.csv": "prefix,rate\n1212,0.001\n1646,0.003\n"})
    assert have == want, have
    # the same, and one more row before it: all ids are others
    have = delta("ids", {"decks/d.csv": "prefix,rate\n1201,5\n1212,0.001\n1646,0.003\n", "accounts.csv": "account\nabel\nbeta\nacme\n"})
    assert have == want, have
    # the lab's number is the hall's
    want = [(day, "1", "payer", "lab", "hall", "0.00100000", "0.00100000", zero, zero) for day in ("2026-03-01", "2026-03-02")]
    have = delta("site", {"numbers.csv": SMALL["numbers.csv"].replace("lab", "hall")})
    assert have == want, have
    # rows in another order, a row that nobody asks, a destination
    assert delta("none", {"decks/d.csv": "prefix,rate,destination\n1646,0.002,NY\n1201,5,\n1212,0.001,\n",
                          "accounts.csv": "account\nbeta\nabel\nacme\n"}) == []


def main():
    with tempfile.TemporaryDirectory() as work:
        by_hand(work)
    seen = collections.Counter()
    for seed in SEEDS:
        for maker in ("usage_world.py", "tax_world.py"):
            with tempfile.TemporaryDirectory() as work:
                one_world(work, seed, maker, seen)
    print("delta: every changed line found, with its reasons:", dict(seen))


main()
