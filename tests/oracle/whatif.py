#!/usr/bin/env python3
"""Random books, random changes of docs/WHATIF.md, and all tables of its section 2 from the oracle's own lines; against `tollmill whatif`.

    whatif.py --tollmill BINARY --seed S --calls N [--books K] --work DIR [--keep]

The changes are made in the books' CSV files by changes.py, and the oracle rates base and changed books whole. Exit 1 if anything differs.
"""
import csv
import io
import json
import os
import random
import shutil
import subprocess
import sys
from fractions import Fraction

import changes
import oracle
import prices
import rate
import report
import run as runs
import tax_world
import usage_world
import world
from oracle import money_text

FIRST = 6
KINDS = [usage_world.UsageWorld, tax_world.TaxWorld, world.World, usage_world.UsageWorld, tax_world.EndsWorld]


class Dice:
    """Changes that mean something to a book."""

    def __init__(self, seed, base, folder):
        self.rng, self.base, self.folder = random.Random(seed), base, folder
        self.sheets = 0
        self.decks = sorted({view.price["deck"] for view in base.lines if view.price and view.price["deck"]}) or sorted(base.book.decks)
        self.used = [view.price for view in base.lines if view.price and view.price["deck"]]

    def pick(self, items):
        return self.rng.choice(items)

    def chance(self, percent):
        return self.rng.randrange(100) < percent

    def factor(self):
        return self.pick(["*1.05", "*0.9", "*2", "*0", "*1.000001", "*0.33333333", "+0.001", "+0.5", "*1.5", "*0.999999"])

    def where(self):
        """A condition that meets rows of a deck that calls use."""
        price = self.pick(self.used)
        keys = price["prefix"].split(">")
        if self.chance(25) and price["destination"]:
            name = price["destination"]
            return price["deck"], 'destination:' + ('"%s"' % name.replace('"', '""') if '"' in name or self.chance(30) else name)
        prefix = keys[-1]
        if not prefix or not prefix.isdigit() or len(keys) > 1:
            return price["deck"], ""
        if self.chance(40):
            return price["deck"], "prefix:%s*" % prefix[:self.rng.randint(1, len(prefix))]
        return price["deck"], "prefix:" + prefix

    def one(self):
        book = self.base.book
        kind = self.rng.randrange(12)
        if kind < 3 or not self.used:
            return "deck:%s %s" % (self.pick(self.decks), self.factor())
        if kind < 7:
            deck, condition = self.where()
            edits = self.pick([[self.factor()], ["rate=%s" % self.pick(["0.006", "0.1", "3"])], ["rate*2"], ["rate=0.01", "destination=Elsewhere"],
                               ["status=blocked"], ["per_s=7"], ["increment_s=60"], ['destination="New place"'], ["rate="], ["rate+0.02"],
                               ["connect_fee=0.25"], ["minimum_s*1.5"], ["maximum_charge=1"]])
            return " ".join(["deck:" + deck] + [condition] * bool(condition) + edits)
        if kind == 7 and book.bundles:
            return "bundle:%s %s" % (self.pick(sorted(book.bundles)), self.pick(["quantity=0", "quantity*1.5", "quantity=500", "priority=9", "quantity*0.333"]))
        if kind == 8 and book.tiers:
            return "tiers:%s %s" % (self.pick(sorted(book.tiers)), self.pick(["rate=0.01", "from_qty:0 rate*3", "rate*1.1", "flat=2"]))
        if kind == 9:
            plans = sorted(book.plans - book.buy_plans)
            return "plan:%s accounts:%s" % (self.pick(plans), self.pick(["*", ",".join(self.some_accounts())]))
        if kind == 10:
            return self.sheet(self.pick(self.used))
        return self.rules()

    def some_accounts(self):
        names = sorted(self.base.book.account_zone)
        return self.rng.sample(names, self.rng.randint(1, min(2, len(names))))

    def copy_of(self, path):
        self.sheets += 1
        made = os.path.join(self.folder, "file%d.csv" % self.sheets)
        shutil.copy(os.path.join(self.base.book.folder, path), made)
        return made

    def sheet(self, price):
        """A deck's own file with other rates, tried as a new sheet."""
        made = self.copy_of(price["file"])
        table = changes.Table(made, self.base.book.decks[price["deck"]].columns)
        for row in table.rows:
            changes.edit(table, row, [("", "*", "1.3")], changes.RATES)
        table.save()
        days = sorted({view.record.start // 86400000 for view in self.base.lines})
        start = (oracle.EPOCH + oracle.datetime.timedelta(days=self.pick(days))).date()
        return "deck:%s file=%s%s" % (price["deck"], made, " from=%s" % start if self.chance(60) else "")

    def rules(self):
        made = self.copy_of("plan_rules.csv")
        table = changes.Table(made)
        for row in table.rows:
            if table.get(row, "action") == "flat":
                changes.edit(table, row, [("amount", self.pick("*+"), "1.25")], ())
            if table.get(row, "action") == "reject" and self.chance(50):
                table.put(row, "action", "free")
        table.save()
        return "book:plan_rules file=" + made

    def change(self):
        return " ;; ".join(self.one() for _ in range(self.pick([1, 1, 1, 2, 3])))


class Differences:
    def __init__(self):
        self.count, self.texts = 0, []

    def add(self, text):
        self.count += 1
        if self.count <= FIRST:
            self.texts.append(text)

    def same(self, what, ours, theirs):
        """Dicts, as far as they are not the same."""
        for key in sorted(set(ours) | set(theirs), key=str):
            if ours.get(key) != theirs.get(key):
                self.add("%s %s\n      oracle %s\n      engine %s" % (what, key, ours.get(key), theirs.get(key)))


def rated(folder, records):
    """The oracle's answer, or None where the oracle refuses the book or cannot hold an amount."""
    book = rate.Book(folder)
    return report.Answer(book, rate.rate_run(book, records))


def compare_json(found, made, shown, ordered=True):
    """made: the oracle's Report; shown: the engine's document."""
    for name, key in report.KEYS.items():
        if name not in shown:
            continue
        ours = made.shown(name)
        theirs = {tuple(row[column] for column in key) + (row["currency"],):
                  [{column: value for column, value in cells.items() if value is not None} for cells in row["books"]] for row in shown[name]}
        if len(theirs) != len(shown[name]):
            found.add("%s: a key twice" % name)
        found.same(name, ours, theirs)
        if ordered and name == "prices":
            compare_prices(found, made, shown[name])
    compare_moved(found, made, shown)
    ours = {key: {"rows": row[0], "base_charge": money_text(row[1]), "charge": money_text(row[2])} for key, row in made.suspense().items()}
    columns = ("book", "base_status", "base_reason", "status", "reason", "currency")
    found.same("suspense", ours, {tuple(row[name] for name in columns): {name: row[name] for name in ("rows", "base_charge", "charge")}
                                  for row in shown.get("suspense", [])})
    found.same("impact", made.impact(), {(row["book"], row["currency"]): {name: value for name, value in row.items() if name not in ("book", "currency")}
                                         for row in shown["impact"]})


def as_number(row, name):
    value = row.get(name)
    value = prices.NO_PRICE[name] if value is None else value
    return oracle.money_units(value) if isinstance(value, str) and name in ("rate", "connect_fee") else value


def compare_prices(found, made, rows):
    """Rates, file and line are one of those that lines with the key have, of the first book that has any."""
    candidates = {}
    for index, answer in enumerate(made.answers):
        for view in answer.lines:
            price = view.price or prices.NO_PRICE
            key = tuple(price[name] for name in prices.KEY) + (view.currency,)
            candidates.setdefault(key, {}).setdefault(index, set()).add(tuple(price[name] for name in prices.PRICE[8:11] + ["line"] * (index == 0)))
    for row in rows:
        of_books = candidates.get(tuple(row[name] for name in prices.KEY) + (row["currency"],), {})
        if of_books:
            index = min(of_books)
            cells = tuple(as_number(row, name) for name in prices.PRICE[8:11] + ["line"] * (index == 0))
            if cells not in of_books[index]:
                found.add("prices %s: %s is none of %s" % ([row[name] for name in prices.KEY], cells, sorted(of_books[index])))


def compare_moved(found, made, shown):
    ours, sums = {}, {}
    for key, (rows, charge, then) in made.moved().items():
        total = sums.setdefault(key[-1], [0, 0, [0] * len(then)])
        if any(one != charge for one in then):
            ours[key] = [one - charge for one in then]
        total[0] += rows
        total[1] += charge
        total[2] = [one + other for one, other in zip(total[2], then)]
    theirs, whole, last = {}, {}, None
    for row in shown.get("moved", []):
        then = [oracle.money_units(text) for text in row["charge_then"]]
        total = whole.setdefault(row["currency"], [0, 0, [0] * len(then)])
        total[0] += row["rows"]
        total[1] += oracle.money_units(row["charge"])
        total[2] = [one + other for one, other in zip(total[2], then)]
        if row.get("left_out"):
            if row["left_out"] != 1 or any(one != oracle.money_units(row["charge"]) for one in then):
                found.add("moved: what does not move: %s" % row)
            continue
        key = tuple(as_number(row, name) for name in prices.PRICE) + (row["currency"],)
        parts = theirs.get(key, [0] * len(then))        # a price row may be there in parts, of which some do not move
        theirs[key] = [one + other - oracle.money_units(row["charge"]) for one, other in zip(parts, then)]
        size = sum(abs(one - oracle.money_units(row["charge"])) for one in then)
        if last is not None and size > last:
            found.add("moved: not the largest first: %s" % (key,))
        last = size
    if "moved" in shown:
        found.same("moved", ours, {key: parts for key, parts in theirs.items() if any(parts)})
        found.same("moved, whole", sums, whole)


def csv_rows(made, name, names):
    """What `--format csv --table NAME` has, as rows of text."""
    rows = []
    for key, books in made.shown(name).items():
        for index, cells in enumerate(books):
            row = dict(zip(report.KEYS[name], key), currency=key[-1], book=names[index])
            row.update({column: str(value) for column, value in cells.items()})
            rows.append({column: str(value) for column, value in row.items()})
    return rows


def compare_csv(found, made, name, names, text):
    theirs = list(csv.DictReader(io.StringIO(text)))
    ours = csv_rows(made, name, names)
    skip = ("name", "rate", "per_units", "connect_fee", "unit", "file", "line")
    columns = [column for column in (theirs[0] if theirs else {}) if column not in skip]
    wanted = set(ours[0]) - {"difference", "percent"} if ours else set()
    if theirs and not wanted <= set(columns):
        found.add("csv %s: columns are missing: %s" % (name, sorted(wanted - set(columns))))
    at = report.KEYS[name] + ["currency", "book"]
    found.same("csv " + name, {tuple(row.get(column, "") for column in at): [row.get(column, "") for column in columns] for row in ours},
               {tuple(row[column] for column in at): [row[column] for column in columns] for row in theirs})
    keys = [[int(row[column]) if column in ("weekday", "hour", "step") else row[column].encode() for column in at[:-1]] for row in theirs]
    if name not in ("classes", "jurisdictions", "statuses", "prices") and keys != sorted(keys):
        found.add("csv %s: not ascending" % name)


def compare_best(found, made, plans, staying, shown):
    ours = {}
    for key, (now, offers) in made.best_plan(plans, staying).items():
        some = [plan for plan, offer in offers.items() if offer[3]]
        best = min(some, key=lambda plan: offers[plan][0], default=None)
        most = max(some, key=lambda plan: offers[plan][0] - offers[plan][1], default=None)
        ours[key] = (money_text(now[0]), best, most if made.base.has_cost else None, [(plan, None if offer[0] is None else money_text(offer[0]), offer[2], offer[3]) for plan, offer in offers.items()])
    theirs = {}
    for row in shown["best_plan"]["accounts"]:
        theirs[row["account"], row["currency"]] = (row["charge"], row["cheapest"], row.get("most_profitable"),
                                                   [(offer["plan"], offer["charge"], offer["suspense"], offer["offered"]) for offer in row["offers"]])
    found.same("best plan", ours, theirs)


def ask(options, data, book, words):
    """(exit, stdout)"""
    done = subprocess.run([options.tollmill, "whatif", "--cdrs", data, book, "--quiet", "--unmask", "--csv-safe", "raw"] + words,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1, 78):
        raise runs.Failed("whatif %s: exit %d\n%s" % (words, done.returncode, done.stderr))
    return done.returncode, done.stdout


def changed_book(options, folder, base, data, text, index, records):
    """The oracle's answer for a change, or None when both refuse it."""
    made, refusal = os.path.join(folder, "changed%d" % index), None
    try:
        changes.apply(base, text, made)
        answer = rated(made, records)
    except (oracle.BookError, changes.Refused, ValueError) as error:
        if "this page" in str(error):
            return None
        refusal = error
    code, out = ask(options, data, base, ["--set", text, "--json"])
    if (code == 78) != (refusal is not None):
        too_much = code == 78 and ("too large" in out or "can reach it" in out)
        if not too_much:
            raise runs.Failed("--set '%s': oracle %s; engine %s" % (text, refusal or "rates it", out[:400] if code == 78 else "rates it"))
    return None if code == 78 else answer


def sweep_of(dice):
    low, steps = dice.pick([("0.9", 3), ("0.5", 2), ("1", 2)])
    step = dice.pick(["0.1", "0.25"])
    end = Fraction(low) + steps * Fraction(step) + dice.pick([0, 0, Fraction(1, 20)])
    factors = [Fraction(low) + at * Fraction(step) for at in range(steps + 1)]
    if factors[-1] != end:
        factors.append(end)
    return low, money_text(int(end * 10**8)), step, factors


def one_book(options, seed, folder):
    kind = KINDS[seed % len(KINDS)]
    world.make(seed, options.calls, folder, kind)
    base, data = os.path.join(folder, "book"), os.path.join(folder, "ds")
    feeds = runs.feeds_of(folder)
    for carrier, file in feeds:
        runs.command([options.tollmill, "import", "--spec", options.spec, "-o", data, file, "--quiet"] + (["--carrier", carrier] if carrier else []))
    records = rate.read_feeds(["%s=%s" % feed for feed in feeds])
    first = rated(base, records)
    dice = Dice(seed, first, folder)
    answers, texts = [first], []
    for index in range(12):
        if len(texts) == 3:
            break
        text = dice.change()
        answer = changed_book(options, folder, base, data, text, index, records)
        if answer and text not in texts:
            answers.append(answer)
            texts.append(text)
    found = Differences()
    made = report.Report(answers)
    words = [word for text in texts for word in ("--set", text)]
    _, out = ask(options, data, base, words + ["--prices", "--json", "--top", "100000"])
    shown = json.loads(out)
    if [book["name"] for book in shown["books"]] != ["book"] + texts:
        found.add("names: %s" % [book["name"] for book in shown["books"]])
    compare_json(found, made, shown)
    for name in dice.rng.sample(sorted(report.KEYS), 4):
        compare_csv(found, made, name, ["book"] + texts, ask(options, data, base, words + ["--format", "csv", "--table", name])[1])
    if seed % 2:
        check_sweep(options, found, dice, folder, base, data, records)
    else:
        check_plans(options, found, dice, folder, base, data, records)
    if found.count:
        raise runs.Failed("\n    ".join(["%d differences; whatif %s" % (found.count, " ".join("--set '%s'" % text for text in texts))] + found.texts))
    return "%d books, %d lines" % (len(answers), len(first.lines))


def check_sweep(options, found, dice, folder, base, data, records):
    deck = dice.pick(dice.decks)
    low, end, step, factors = sweep_of(dice)
    answers = [report.Answer(dice.base.book, dice.base.run)]
    for index, factor in enumerate(factors):
        made = os.path.join(folder, "sweep%d" % index)
        try:
            changes.apply(base, "deck:%s *%s" % (deck, money_text(int(factor * 10**8))), made)
            answers.append(rated(made, records))
        except (oracle.BookError, changes.Refused):
            return
    code, out = ask(options, data, base, ["--sweep", "deck:%s %s..%s step %s" % (deck, low, end, step), "--json", "--top", "100000"])
    if code == 78 and "too large" in out:
        return
    shown = json.loads(out)
    if [Fraction(book["factor"]) for book in shown["books"][1:]] != factors or [Fraction(book["name"]) for book in shown["books"][1:]] != factors:
        found.add("sweep: factors %s, not %s" % ([book["name"] for book in shown["books"][1:]], factors))
        return
    compare_json(found, report.Report(answers), shown)


def check_plans(options, found, dice, folder, base, data, records):
    book = dice.base.book
    plans = [plan for plan in sorted(book.plans - book.buy_plans) if changes.fitting(base, plan)]
    plans = dice.rng.sample(plans, min(3, len(plans)))
    answers = [dice.base]
    for index, plan in enumerate(plans):
        made = os.path.join(folder, "plan%d" % index)
        changes.apply(base, "plan:%s accounts:*" % plan, made)
        answers.append(rated(made, records))
    code, out = ask(options, data, base, ["--best-plan", ",".join(plans), "--json", "--top", "100000"])
    if code == 78:
        found.add("best plan %s: %s" % (plans, out))
        return
    made, shown = report.Report(answers), json.loads(out)
    compare_json(found, made, shown)
    staying = {plan: set(book.account_zone) - set(changes.fitting(base, plan)) for plan in plans}
    compare_best(found, made, {plan: index + 1 for index, plan in enumerate(plans)}, staying, shown)
    found.same("not moved", {plan: sorted(staying[plan]) for plan in plans if staying[plan]},
               {one["name"]: one["not_moved"] for one in shown["books"] if "not_moved" in one})


def main():
    runs.each_book(runs.parser_of("what-if of random books: the oracle and the engine").parse_args(), one_book)


if __name__ == "__main__":
    main()
