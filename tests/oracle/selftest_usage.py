#!/usr/bin/env python3
"""Tests of the oracle's sections 12 to 15: what is right whatever the book, and that each of many mistakes would be seen.

    selftest_usage.py [-v]
"""
import os
import sys
import tempfile
import types
import unittest

import oracle
import rate
import usage_world
import world

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = ("oracle", "bundles", "tiers", "cost", "cycles", "rate")
CALLS = 700
SEEDS, CHAINS = range(1, 13), range(1, 11)


def feeds_of(folder):
    return ["%s=%s" % (name[len("cdrs_"):-len(".csv")], os.path.join(folder, name)) for name in sorted(os.listdir(folder))
            if name.startswith("cdrs")]


def written(module, run):
    """All that a run writes."""
    return ([list(line.items()) for line in run.lines()], run.periods, module.pool_rows(run), module.totals_of(run))


def rated(module, folder):
    """What a world comes to, by a module like rate.py."""
    if os.path.exists(os.path.join(folder, "steps.txt")):
        return [written(module, run) for run in module.run_chain(folder)]
    return written(module, module.rate_run(module.Book(os.path.join(folder, "book")), module.read_feeds(feeds_of(folder))))


class Worlds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory()
        cls.plain, cls.chains = [], []
        for seed in SEEDS:
            cls.plain.append(os.path.join(cls.place.name, "u%d" % seed))
            world.make(seed, CALLS, cls.plain[-1], usage_world.UsageWorld)
        for seed in CHAINS:
            cls.chains.append(os.path.join(cls.place.name, "c%d" % seed))
            usage_world.make_chain(seed, CALLS, cls.chains[-1])

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()


class Always(Worlds):
    """What holds in every run."""

    def test_conservation(self):
        drawn = 0
        for folder in self.plain + self.chains:
            if folder in self.plain:
                runs = [rate.rate_run(rate.Book(os.path.join(folder, "book")), rate.read_feeds(feeds_of(folder)))]
            else:
                runs = rate.run_chain(folder)
            for run in runs:
                for row in rate.pool_rows(run):
                    amounts = {name: int(row[name]) for name in ("granted", "rolled_in", "used", "rolled_out", "expired", "over")}
                    self.assertGreaterEqual(min(amounts.values()), 0)
                    self.assertEqual(amounts["granted"] + amounts["rolled_in"],
                                     amounts["used"] + amounts["rolled_out"] + amounts["expired"], row)
                self.assertEqual(sum(run.pools.drawn.values()), sum(run.pools.given.values()))
                for line in run.lines():
                    self.assertLessEqual(int(line["included"]), int(line["billed"]))
                    self.assertEqual(line["included"] != "0", line["bundle"] != "")
                    drawn += line["included"] != "0"
        self.assertGreater(drawn, len(self.plain) * CALLS // 20)

    def test_months_are_one_run(self):
        """Month after month, with all delivered in time and closed, is one run over all of it."""
        compared = closed = 0
        for seed in CHAINS:
            folder = os.path.join(self.place.name, "t%d" % seed)
            made = OnTime(seed)
            made.write_book(os.path.join(folder, "book"))
            made.write_cdrs(folder, made.calls(CALLS))
            book, feeds = rate.Book(os.path.join(folder, "book")), feeds_of(folder)
            records = [record for record in rate.read_feeds(feeds) if not record.conflict]
            whole = rate.rate_run(book, records)
            state, rows, lines = None, [], {}
            for date in made.dates() + [None]:
                edge = oracle.NEVER if date is None else oracle.local_instant(date, oracle.zone_of("UTC")) + 2 * 86400000
                run = rate.rate_run(book, [record for record in records if record.start < edge], state)
                lines.update((entry.record.identity(), entry.line) for entry in run.entries if entry.line["reason"] != "closed")
                state = rate.cycles.close(run, date) if date else None
                rows += [row for row in run.periods if not date or rate.cycles.row_begin(book, row) < state.closing_of(row["account"])]
                closed += len(state.closed) if state else 0
            self.assertEqual(total_charges(rows), total_charges(whole.periods), folder)
            for entry in whole.entries:
                line = lines[entry.record.identity()]
                # What is in suspense is late in each later run, and what it costs is drawn for then.
                self.assertEqual([line[name] for name in oracle.LINE_COLUMNS if not name.startswith("cost")],
                                 [entry.line[name] for name in oracle.LINE_COLUMNS if not name.startswith("cost")], folder)
                compared += 1
        self.assertGreater(compared, CALLS)
        self.assertGreater(closed, CALLS)


def total_charges(rows):
    sums = {}
    for row in rows:
        key = tuple(row[name] for name in oracle.PERIOD_COLUMNS if name != "charge")
        sums[key] = sums.get(key, 0) + oracle.money_units(row["charge"])
    return {key: amount for key, amount in sums.items() if amount}


class OnTime(usage_world.ChainWorld):
    """Nothing comes late."""

    def dates(self):
        return sorted({(self.first_date.replace(day=1) + usage_world.DAY * 31 * months).replace(day=day).isoformat()
                       for months, day in ((1, 1), (2, 15), (3, 2))})


class PlantedMistakes(Worlds):
    """One wrong rule at a time: some world must show it."""

    mistakes = [
        # the order of calls, and what included units are
        ("oracle", "sorted(ties, key=order_key) if", "sorted(ties, key=lambda record: record.record_id) if"),
        ("oracle", "more = min(count * row.increment, included - covered)", "more = 0"),
        ("oracle", "fee = min(fee, self.first.maximum_charge)", "pass"),
        # periods and lots
        ("bundles", "min(day, calendar.monthrange(year, month + 1)[1])", "min(day, 28)"),
        ("bundles", "return max(local_date(self.first_ms, datetime.timezone.utc), local_date(self.first_ms, zone))",
         "return min(local_date(self.first_ms, datetime.timezone.utc), local_date(self.first_ms, zone))"),
        ("bundles", "list(range(max(first, period - self.bundle(pool).rollover), period)) + [period]",
         "[period] + list(range(max(first, period - self.bundle(pool).rollover), period))"),
        ("bundles", "max(first, period - self.bundle(pool).rollover), period)", "max(first, period - self.bundle(pool).rollover + 1), period)"),
        ("bundles", "max(first, period - self.bundle(pool).rollover), period)", "period - self.bundle(pool).rollover, period)"),
        ("bundles", "(following - date).days // (following - first).days", "((following - date).days + 1) // (following - first).days"),
        ("bundles", "units * (following - date).days // (following - first).days",
         "-(-units * (following - date).days // (following - first).days)"),
        ("bundles", "service.quantity, max(first, service.span[0]), period", "service.quantity, first, period"),
        ("bundles", "bundle.quantity * service.quantity, max", "bundle.quantity, max"),
        ("bundles", "if stretches and start <= stretches[-1][1]:", "if stretches:"),
        ("bundles", "if stretches and start <= stretches[-1][1]:", "if False:"),
        ("bundles", "return bundle.scope == \"account\" or row.value == pool[2]", "return True"),
        ("bundles", "any(site == row.value for site, _ in", "any(True for site, _ in"),
        ("bundles", "for subject in ((\"number\", digits), (\"site\", site), (\"account\"", "for subject in ((\"site\", site), (\"account\""),
        ("bundles", "bundle.quantity * row.times, first, period, day, zone)", "bundle.quantity * row.times, begin, period, day, zone)"),
        ("bundles", "date = max(first, local_date(begin, zone))", "date = max(first, local_date(begin, datetime.timezone.utc))"),
        # drawing
        ("bundles", "(not bundle.used, int(cells[\"priority\"] or \"0\"), order)", "(bundle.used, int(cells[\"priority\"] or \"0\"), order)"),
        ("bundles", "(not bundle.used, int(cells[\"priority\"] or \"0\"), order)", "(not bundle.used, order)"),
        ("bundles", "if start <= record.start < end:\n                names.add", "if True:\n                names.add"),
        ("bundles", "if actual not in words:", "if False:"),
        ("bundles", "record.service not in bundle.services or bundle.direction not in (\"\", record.direction)", "record.service not in bundle.services"),
        ("bundles", "line.payer, by_route=False)", "line.payer, by_route=True)"),
        ("bundles", "else left // bundle.increment * bundle.increment", "else left"),
        ("bundles", "needed = oracle.ceil_div(rest, bundle.increment) * bundle.increment", "needed = rest"),
        ("bundles", "if after and bundle.at_limit == \"reject\":", "if after and not takings and bundle.at_limit == \"reject\":"),
        ("bundles", "over = max(0, units - left)", "over = missing"),
        ("bundles", "if any(bundle.fee_charged for bundle, *_ in takings) else 0", ""),
        ("bundles", "amount = deal.amount(rest, covered)", "amount = deal.amount(deal.used, covered)"),
        ("rate", "if not deal.credit:", "if True:"),
        # tiers
        ("tiers", "for tier in self.tiers if tier[0] < units)", "for tier in self.tiers if tier[0] <= units)"),
        ("tiers", "oracle.ceil_div(inside, per) if self.mode", "inside // per if self.mode"),
        ("tiers", "return self.total(before + units) - self.total(before)", "return self.total(units)"),
        ("tiers", "use.units, units.get(key, 0))", "use.units, before.get(key, 0) + use.units)"),
        ("tiers", "self.tiers[entered - 1 if self.mode == \"volume\" else 0:entered]", "self.tiers[:entered]"),
        ("tiers", "            if not use.credit:\n                before[key]", "            if True:\n                before[key]"),
        ("tiers", "return tiers.name, book.parent[account] or account\n    return", "return tiers.name, account\n    return"),
        ("tiers", "total = spend + fee", "total = spend"),
        ("tiers", "exact = tiers.within(tiers.exact(0, use.units, use.units) + tiers.fees(use.units))",
         "exact = tiers.within(tiers.exact(0, use.units, use.units)) + tiers.fees(use.units)"),
        ("tiers", "if (count, period) in priced or due:", "if due:"),
        ("tiers", "if (count, period) in priced or due:", "if (count, period) in priced:"),
        ("tiers", "if book.tiers[count[0]].period == \"anchor\" else 1,", ","),
        # cost
        ("cost", "return book.trunk_carrier.get(record.trunk, \"\") or record.carrier", "return record.carrier"),
        ("cost", "if first <= date)", "if first < date)"),
        ("cost", "date = bundles.local_date(record.start, book.zone)", "date = bundles.local_date(record.start, datetime.timezone.utc)"),
        ("cost", "if record.two_legs and record.direction == \"in\":", "if False:"),
        ("cost", "return not (role == \"bill\" and", "return not ("),
        ("cost", "8, \"half_up\")", "8, \"down\")"),
        ("cost", "(\"trunk\", record.trunk), (\"carrier\", carrier_of(book, record)), (\"default\", \"\")",
         "(\"carrier\", carrier_of(book, record)), (\"trunk\", record.trunk), (\"default\", \"\")"),
        # cycles
        ("rate", "for draw in entry.draws + entry.cost_draws:", "for draw in entry.cost_draws:"),
        ("rate", "for draw in entry.draws + entry.cost_draws:", "for draw in entry.draws:"),
        ("rate", "for use in old_uses:\n        if", "for use in old_uses[:0]:\n        if"),
        ("rate", "amount -= state.charged(book, count, period).get(kind, 0)", "pass"),
        ("rate", "counted = run.entries if state is None else", "counted = fresh if state is None or True else"),
        ("cycles", "if entry.line[\"status\"] in (\"rated\", \"zero_rated\", \"other_party\") and", "if"),
        ("cycles", "bundles.period_of_date(datetime.date.fromisoformat(until), day), day, zone)",
         "bundles.period_of_date(datetime.date.fromisoformat(until), day) - 1, day, zone)"),
        ("cycles", "        for other in groups[account]:", "        for other in [account]:"),
        ("cycles", "billed[key] = billed.get(key, 0) + oracle.money_units(row[\"charge\"])", "pass"),
        ("cycles", "row_begin(book, row) < state.closing_of(row[\"account\"])]", "True]"),
    ]

    @staticmethod
    def load(sources):
        """The modules from these sources; returns the last of them, rate."""
        saved = {name: sys.modules.get(name) for name in MODULES}
        try:
            for name in MODULES:
                made = types.ModuleType(name)
                made.__file__ = os.path.join(HERE, name + ".py")
                sys.modules[name] = made
                exec(compile(sources[name], made.__file__, "exec"), made.__dict__)  # our own source, one rule changed
            return made
        finally:
            sys.modules.update(saved)

    def caught(self, module, expected):
        for folder, wanted in expected.items():
            try:
                if rated(module, folder) != wanted:
                    return folder
            except (oracle.BookError, Exception):   # noqa: B014  a mistake that ends the run is seen, too
                return folder
        return None

    def test_each_is_caught(self):
        sources = {}
        for name in MODULES:
            with open(os.path.join(HERE, name + ".py"), encoding="utf-8") as stream:
                sources[name] = stream.read()
        right = self.load(sources)
        expected = {folder: rated(right, folder) for folder in self.chains + self.plain}
        expected_plain = {folder: expected[folder] for folder in self.plain + self.chains}
        missed = []
        for name, old, new in self.mistakes:
            self.assertEqual(sources[name].count(old), 1, "%s: %r is there %d times" % (name, old, sources[name].count(old)))
            module = self.load(dict(sources, **{name: sources[name].replace(old, new)}))
            late = (name, old) in [(mistake[0], mistake[1]) for mistake in self.mistakes[-10:]]
            where = self.caught(module, expected if late else expected_plain)
            if "-v" in sys.argv:
                print("%-60s %s" % (new.strip()[:60], os.path.basename(where) if where else "MISSED"), flush=True)
            if not where:
                missed.append((name, old, new))
        self.assertEqual(missed, [])


if __name__ == "__main__":
    unittest.main()
