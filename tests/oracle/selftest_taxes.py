#!/usr/bin/env python3
"""Tests of the oracle's taxes: what is right whatever the book, and that each of many mistakes would be seen."""
import os
import sys
import tempfile
import types
import unittest
from fractions import Fraction

import oracle
import rate
import tax
import tax_shown
import tax_tables
import tax_world
import world
from selftest_usage import feeds_of

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ("tax_tables", "tax", "tax_shown")
CALLS = 200
SEEDS = range(1, 17)


class Worlds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.runs = {}
        for seed in SEEDS:
            folder = os.path.join(cls.place.name, "t%d" % seed)
            world.make(seed, CALLS, folder, tax_world.EndsWorld)
            book = rate.Book(os.path.join(folder, "book"))
            cls.runs["t%d" % seed] = book, rate.rate_run(book, rate.read_feeds(feeds_of(folder)))

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()


class Always(Worlds):
    """What holds in every run."""

    def test_cents(self):
        """The cents of the lines are less than a cent from what is exact, and add up to what is rounded once."""
        parts_seen = 0
        for book, run in self.runs.values():
            taxes = tax.tax_run(book, run)
            sums = {}
            for index, line in enumerate(taxes.lines):
                for part in line.components:
                    self.assertLess(abs(part.cents - part.exact * 100), 1)
                    scope = {"account": (), "invoice_line": (line.site,), "line": (index,)}[part.tax.round_scope]
                    key = line.account, line.period, part.tax.id, part.jurisdiction, scope
                    exact, cents, _ = sums.get(key, (0, 0, None))
                    sums[key] = exact + part.exact, cents + part.cents, part.tax.rounding
                    parts_seen += 1
            for exact, cents, rounding in sums.values():
                self.assertEqual(oracle.round_money(exact, 2, rounding), cents * 10**6)
            shown = tax_shown.register(book, taxes)
            self.assertEqual(sum(int(row["tax_cents"]) for row in shown), sum(cents for _, cents, _ in sums.values()))
            self.assertEqual(sum(Fraction(row["tax_exact"]) for row in shown), sum(exact for exact, _, _ in sums.values()))
        self.assertGreater(parts_seen, 3000)

    def test_each_tax_is_what_its_rule_says(self):
        """Of all the others on its line, also where they stand on each other."""
        cyclic = 0
        for book, run in self.runs.values():
            for line in tax.tax_run(book, run).lines:
                for part in line.components:
                    if part.tax.id not in book.cyclic:
                        continue
                    named = sum(other.exact for other in line.components if other.tax.billable and other.tax.id in part.series.on_taxes)
                    rule = part.series.brackets[0][2] * (part.weight * line.charge + named) * (100 - part.percent) * Fraction(1, 100)
                    self.assertEqual(rule, part.exact)
                    cyclic += part.exact != 0 and named != 0
        self.assertGreater(cyclic, 300)

    def test_prices_that_include_tax(self):
        seen = 0
        for book, run in self.runs.values():
            amounts = {row.line: row.amount for row in book.charges}
            for line in tax.tax_run(book, run).lines:
                if line.included and not line.reason:
                    billable = sum(part.exact for part in line.components if part.tax.billable)
                    self.assertEqual(line.charge + billable, amounts[line.line])
                    seen += billable != 0
        self.assertGreater(seen, 5)

    def test_every_charge_is_in_a_line(self):
        for book, run in self.runs.values():
            taxes = tax.tax_run(book, run)
            charges = sum(oracle.money_units(line["charge"]) for line in run.lines() if line["status"] == "rated")
            self.assertEqual(sum(line.charge for line in taxes.lines if line.kind == "usage") * oracle.UNIT, charges)
            self.assertEqual(sum(line.charge for line in taxes.lines if line.kind == "period") * oracle.UNIT,
                             sum(oracle.money_units(row["charge"]) for row in run.periods))


class PlantedMistakes(Worlds):
    """One wrong rule at a time: a world must show it (the first word; if the worlds have changed, another one may)."""

    mistakes = [
        # the tables
        ("t1", "tax_tables", "fraction(text[:-1], 0, high * 100, 10) * Fraction(1, 100)", "fraction(text[:-1], 0, high * 100, 10)"),
        ("t1", "tax_tables", "update(book.tax_jurisdictions[pair[1]].above)", "add(pair[1])"),
        ("t4", "tax_tables", "row.share = Fraction(649, 1000)", "row.share = Fraction(647, 1000)"),
        ("t1", "tax_tables", "row.amount = -row.amount", "pass"),
        ("t1", "tax_tables", "* fraction(cells[\"quantity\"] or \"1\", 0, None, 6)", ""),
        ("t2", "tax_tables", "oracle.choice(cells, \"sale\", \"retail\", \"resale\", \"any\")", "cells[\"sale\"] or \"any\""),
        ("t1", "tax_tables", "yes(cells, \"billable\", \"yes\")", "True"),
        # place, split, period, span
        ("t1", "tax", "if not site and len(book.sites_of[account]) == 1:", "if not site and book.sites_of[account]:"),
        ("t1", "tax", "site, resolved = book.payers[account].tax_site, \"tax_site\"", "pass"),
        ("t1", "tax", "if found is None or len(split.conditions) > len(found.conditions):", "if found is None:"),
        ("t1", "tax", "if found is None or len(split.conditions) > len(found.conditions):",
         "if found is None or len(split.conditions) >= len(found.conditions):"),
        ("t2", "tax", "\"class\": line[\"class\"],\n", "\n"),
        ("t2", "tax", "for cut in days if cut <= date])", "for cut in days[:1] if cut <= date])"),
        ("t2", "tax", " + [row.days for row in book.exemptions]", ""),
        ("t1", "tax", "    cuts += [row.days for rows in book.sellers.values() for row in rows]\n", ""),
        ("t2", "tax", "date = bundles.local_date(record.start, periods.zone)", "date = bundles.local_date(record.start, datetime.timezone.utc)"),
        # the ends
        ("t3", "tax", "return (origin & terminal) | (origin & place) | (terminal & place)", "return (origin & terminal) | (origin & place)"),
        ("t1", "tax", "(terminal is None and \"two_of_three\" in sourcings)", "terminal is None"),
        ("t1", "tax", "    if end.abroad:\n        return set()\n", ""),
        ("t1", "tax", "if row.level == \"state\" and row.state == state:", "if row.state == state:"),
        ("t1", "tax", "if line.kind != \"usage\" or tax.sourcing == \"site\":", "if tax.sourcing == \"site\":"),
        # which apply
        ("t2", "tax", "return line.next_period if tax.date_basis == \"bill\" else line.period", "return line.period"),
        ("t1", "tax", "    if tax.date_basis == \"call\":\n", "    if tax.date_basis != \"bill\":\n"),
        ("t2", "tax", "                    services -= taken\n", "                    pass\n"),
        ("t2", "tax", "if series.jurisdiction != name and (series.jurisdiction or", "if series.jurisdiction != name and (False or"),
        ("t2", "tax", "(series.classes and payer.customer_class not in series.classes)", "False"),
        ("t1", "tax", "return series.sale != \"resale\" or payer.sale == \"resale\"", "return True"),
        ("t1", "tax", "\"fixed\": line.kind == \"charge\" and line.charge_kind != \"credit\"", "\"fixed\": line.kind == \"charge\""),
        # base and seller
        ("t6", "tax", "share = 1 - share", "pass"),
        ("t1", "tax", "total += line.shares[service] * share", "total += share"),
        ("t1", "tax", "if service in row.services), None) or next", "if False), None) or next"),
        ("t1", "tax", "line.jurisdiction in (\"interstate\", \"international\")", "line.jurisdiction == \"interstate\""),
        ("t13", "tax", "line.jurisdiction in (\"local\", \"intrastate\")", "line.jurisdiction == \"intrastate\""),
        # exemptions
        ("t12", "tax", "not in book.tax_jurisdictions[part.jurisdiction].above:", "!= part.jurisdiction:"),
        ("t2", "tax", "        if part.tax.named and not row.tax:\n            continue\n", ""),
        ("t1", "tax", "        if row.percent > best:\n", "        if True:\n"),
        ("t2", "tax", "or not row.days[0] <= part.date < row.days[1]:\n            continue", "or False:\n            continue"),
        ("t1", "tax", "row.category not in (\"\", part.tax.category)", "False"),
        ("t5", "tax", "if row.account not in (\"\", line.account) or row.site not in (\"\", line.site) or", "if row.account not in (\"\", line.account) or"),
        ("t1", "tax", "== \"resale\" and part.series.sale == \"retail\":", "== \"resale\" and part.series.sale == \"retail\" and not part.tax.named:"),
        # the curve
        ("t5", "tax", "tax = min(tax, self.series.cap)", "pass"),
        ("t6", "tax", "return max(Fraction(0), x - self.series.threshold)", "return x if x > self.series.threshold else Fraction(0)"),
        ("t2", "tax", "inside = (x if upper is None else min(x, upper)) - lower", "inside = x - lower if upper is None or x <= upper else 0"),
        ("t4", "tax", "x = min(x, self.series.cap)", "pass"),
        ("t4", "tax", "exact = count.total(start + x) - count.total(start)", "exact = count.total(x)"),
        ("t1", "tax", "    if x < 0:\n            return -self.total(-x)\n", "    if x < 0:\n            return Fraction(0)\n"),
        ("t6", "tax", "\"location\": key + (line.site,), ", "\"location\": key, "),
        ("t6", "tax", "\"line\": key + (id(line),)}", "\"line\": key}"),
        ("t1", "tax", "x = quantity(tax, line) * taxed(part)", "x = quantity(tax, line)"),
        ("t4", "tax", "part.base = count.cut(start + x) - count.cut(start)", "part.base = x"),
        ("t3", "tax", "for other in line.components if other.tax.billable and other.tax.id in part.series.on_taxes), Fraction(0))",
         "for other in line.components if other.tax.id in part.series.on_taxes), Fraction(0))"),
        ("t1", "tax", "whole(1) - whole(0))", "whole(1))"),
        # lines of the inventory
        ("t8", "tax", "if tax.part_month == \"prorated\" else Fraction(1)", "if False else Fraction(1)"),
        ("t4", "tax", "(tax.part_month != \"none\" or row.days == row.period_days)", "True"),
        ("t4", "tax", "tax.weights[row.type] * row.quantity * part", "tax.weights[row.type] * part"),
        ("t4", "tax", "row.first_of_site = bool(service.site) and service.site not in sites", "row.first_of_site = service.site not in sites"),
        ("t4", "tax", "row.first_of_site = bool(service.site) and service.site not in sites", "row.first_of_site = bool(service.site)"),
        ("t4", "tax", "row.type = \"toll_free\"", "pass"),
        ("t4", "tax", "bundles.local_date(end - 1, zone) + DAY", "bundles.local_date(end, zone)"),
        # charge lines, their order, rounding
        ("t1", "tax", "due = begin < following and first < end", "due = first <= begin < following"),
        ("t2", "tax", "ChargeLine(account, row.site, \"charge\", max(begin, first), row.amount)", "ChargeLine(account, row.site, \"charge\", first, row.amount)"),
        ("t1", "tax", "line.find_split(book, product or \"period:\" + row[\"kind\"])", "line.find_split(book, product)"),
        ("t1", "tax", "[line] if line else []\n    lines += later", "[line] if line else []\n    lines = later + lines"),
        ("t2", "tax", "line.services.encode(), line.tuple[\"origin\"]", "line.tuple[\"origin\"]"),
        ("t1", "tax", "key=lambda index: (parts[index].cents - cents[index], index))", "key=lambda index: index)"),
        ("t1", "tax", "part.cents = exact.numerator // exact.denominator", "part.cents = int(exact)"),
        ("t2", "tax", "\"invoice_line\": line.site, ", "\"invoice_line\": None, "),
        ("t1", "tax", "2, parts[0].tax.rounding)", "2, \"half_up\")"),
        # what is shown
        ("t1", "tax_shown", "and (not series.services or service in series.services) for tax in", "for tax in"),
        ("t4", "tax_shown", "counted = sum(counted_lines(tax, line) for line, _ in some)", "pass"),
        ("t16", "tax_shown", "counted = len({id(line) for line, _ in some})", "counted = len(some)"),
    ]

    @staticmethod
    def load(sources):
        """The modules from these sources."""
        saved = {name: sys.modules.get(name) for name in MODULES}
        found = {}
        try:
            for name in MODULES:
                made = found[name] = sys.modules[name] = types.ModuleType(name)
                made.__file__ = os.path.join(HERE, name + ".py")
                exec(compile(sources[name], made.__file__, "exec"), made.__dict__)  # our own source, one rule changed
            return found
        finally:
            sys.modules.update(saved)

    def shows(self, modules, folder):
        book, run = self.runs[folder]
        try:
            modules["tax_tables"].load_taxes(book)
            return modules["tax_shown"].shown(book, run) != self.expected(folder, book, run)
        except Exception:       # a mistake that ends the run is seen, too
            return True
        finally:
            tax_tables.load_taxes(book)

    def expected(self, folder, book, run):
        if folder not in self.right:
            tax_tables.load_taxes(book)
            self.right[folder] = tax_shown.shown(book, run)
        return self.right[folder]

    def test_each_is_caught(self):
        self.right, sources = {}, {}
        for folder, (book, run) in self.runs.items():
            self.expected(folder, book, run)
        for name in MODULES:
            with open(os.path.join(HERE, name + ".py"), encoding="utf-8") as stream:
                sources[name] = stream.read()
        self.assertFalse(self.shows(self.load(sources), "t1"))
        missed = []
        for first, name, old, new in self.mistakes:
            self.assertEqual(sources[name].count(old), 1, "%s: %r is there %d times" % (name, old, sources[name].count(old)))
            module = self.load(dict(sources, **{name: sources[name].replace(old, new)}))
            where = next((folder for folder in dict.fromkeys([first, *self.runs]) if self.shows(module, folder)), "")
            if where != first:
                print("%s shows, not %s: %s" % (where or "nothing", first, new), flush=True)
            if not where:
                missed.append((name, old, new))
        self.assertEqual(missed, [])


if __name__ == "__main__":
    sys.exit(unittest.main())
