#!/usr/bin/env python3
"""Tests of the oracle's sections 12 to 15: what is right whatever the book, and that each of many mistakes would be seen."""
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
CALLS = 400
SEEDS, CHAINS = range(1, 17), range(1, 9)


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
    """One wrong rule at a time: a world must show it (the first word; if the worlds have changed, another one may)."""

    mistakes = [
        # the order of calls, and what included units are
        ("u1", "oracle", "sorted(ties, key=order_key) if", "sorted(ties, key=lambda record: record.record_id) if"),
        ("u15", "oracle", "more = min(count * row.increment, included - covered)", "more = 0"),
        # periods and lots
        ("u1", "bundles", "min(day, calendar.monthrange(year, month + 1)[1])", "min(day, 28)"),
        ("u4", "bundles", "return max(local_date(self.first_ms, datetime.timezone.utc), local_date(self.first_ms, zone))",
         "return min(local_date(self.first_ms, datetime.timezone.utc), local_date(self.first_ms, zone))"),
        ("u1", "bundles", "list(range(max(first, period - self.bundle(pool).rollover), period)) + [period]",
         "[period] + list(range(max(first, period - self.bundle(pool).rollover), period))"),
        ("u1", "bundles", "max(first, period - self.bundle(pool).rollover), period)", "max(first, period - self.bundle(pool).rollover + 1), period)"),
        ("u1", "bundles", "max(first, period - self.bundle(pool).rollover), period)", "period - self.bundle(pool).rollover, period)"),
        ("u1", "bundles", "(following - date).days // (following - first).days", "((following - date).days + 1) // (following - first).days"),
        ("u1", "bundles", "units * (following - date).days // (following - first).days",
         "-(-units * (following - date).days // (following - first).days)"),
        ("u5", "bundles", "service.quantity, max(first, service.span[0]), period", "service.quantity, first, period"),
        ("u1", "bundles", "bundle.quantity * service.quantity, max", "bundle.quantity, max"),
        ("u1", "bundles", "if stretches and start <= stretches[-1][1]:", "if stretches:"),
        ("u1", "bundles", "if stretches and start <= stretches[-1][1]:", "if False:"),
        ("u1", "bundles", "any(site == row.value for site, _ in", "any(True for site, _ in"),
        ("u3", "bundles", "for subject in ((\"number\", digits), (\"site\", site), (\"account\"", "for subject in ((\"site\", site), (\"account\""),
        ("u1", "bundles", "bundle.quantity * row.times, first, period, day, zone)", "bundle.quantity * row.times, begin, period, day, zone)"),
        ("u2", "bundles", "date = max(first, local_date(begin, zone))", "date = max(first, local_date(begin, datetime.timezone.utc))"),
        # drawing
        ("u1", "bundles", "(not bundle.used, int(cells[\"priority\"] or \"0\"), order)", "(bundle.used, int(cells[\"priority\"] or \"0\"), order)"),
        ("u1", "bundles", "(not bundle.used, int(cells[\"priority\"] or \"0\"), order)", "(not bundle.used, order)"),
        ("u1", "bundles", "if start <= record.start < end:\n                names.add", "if True:\n                names.add"),
        ("u1", "bundles", "if actual not in words:", "if False:"),
        ("u2", "bundles", "record.service not in bundle.services or bundle.direction not in (\"\", record.direction)", "record.service not in bundle.services"),
        ("u12", "bundles", "line.payer, by_route=False)", "line.payer, by_route=True)"),
        ("u1", "bundles", "else left // bundle.increment * bundle.increment", "else left"),
        ("u1", "bundles", "needed = oracle.ceil_div(rest, bundle.increment) * bundle.increment", "needed = rest"),
        ("u16", "bundles", "if after and bundle.at_limit == \"reject\":", "if after and not takings and bundle.at_limit == \"reject\":"),
        ("u1", "bundles", "over = max(0, units - left)", "over = missing"),
        ("u1", "bundles", "if any(bundle.fee_charged for bundle, *_ in takings) else 0", ""),
        ("u12", "bundles", "amount = deal.amount(rest, covered)", "amount = deal.amount(deal.used, covered)"),
        ("u1", "rate", "if not deal.credit:", "if True:"),
        ("u3", "rate", "charges = [(book.account_currency[line[\"account\"]],", "charges = [(book.currency,"),
        # tiers
        ("u4", "tiers", "for tier in self.tiers if tier[0] < units)", "for tier in self.tiers if tier[0] <= units)"),
        ("u4", "tiers", "oracle.ceil_div(inside, per) if self.mode", "inside // per if self.mode"),
        ("u4", "tiers", "return self.total(before + units) - self.total(before)", "return self.total(units)"),
        ("u7", "tiers", "use.units, units.get(key, 0))", "use.units, before.get(key, 0) + use.units)"),
        ("u10", "tiers", "self.tiers[entered - 1 if self.mode == \"volume\" else 0:entered]", "self.tiers[:entered]"),
        ("u4", "tiers", "            if not use.credit:\n                before[key]", "            if True:\n                before[key]"),
        ("u9", "tiers", "return tiers.name, book.parent[account] or account\n    return", "return tiers.name, account\n    return"),
        ("u4", "tiers", "total = spend + fee", "total = spend"),
        ("u7", "tiers", "if (count, period) in priced or due:", "if due:"),
        ("u4", "tiers", "if (count, period) in priced or due:", "if (count, period) in priced:"),
        ("u9", "tiers", "if book.tiers[count[0]].period == \"anchor\" else 1,", ","),
        # cost
        ("u5", "cost", "return book.trunk_carrier.get(record.trunk, \"\") or record.carrier", "return record.carrier"),
        ("u1", "cost", "if first <= date)", "if first < date)"),
        ("u1", "cost", "date = bundles.local_date(record.start, book.zone)", "date = bundles.local_date(record.start, datetime.timezone.utc)"),
        ("u1", "cost", "if record.two_legs and record.direction == \"in\":", "if False:"),
        ("u4", "cost", "return not (role == \"bill\" and", "return not ("),
        ("u1", "cost", "8, \"half_up\")", "8, \"down\")"),
        ("u6", "cost", "(\"trunk\", record.trunk), (\"carrier\", carrier_of(book, record)), (\"default\", \"\")",
         "(\"carrier\", carrier_of(book, record)), (\"trunk\", record.trunk), (\"default\", \"\")"),
        # cycles
        ("c2", "rate", "for draw in entry.draws + entry.cost_draws:", "for draw in entry.cost_draws:"),
        ("c6", "rate", "for draw in entry.draws + entry.cost_draws:", "for draw in entry.draws:"),
        ("c7", "rate", "for use in old_uses:\n        if", "for use in old_uses[:0]:\n        if"),
        ("c3", "rate", "amount -= state.charged(book, count, period).get(kind, 0)", "pass"),
        ("c2", "rate", "counted = run.entries if state is None else", "counted = run.entries if True else"),
        ("c1", "cycles", "if entry.line[\"status\"] in (\"rated\", \"zero_rated\", \"other_party\") and", "if"),
        ("c1", "cycles", "bundles.period_of_date(datetime.date.fromisoformat(until), day), day, zone)",
         "bundles.period_of_date(datetime.date.fromisoformat(until), day) - 1, day, zone)"),
        ("c1", "cycles", "        for other in groups[account]:", "        for other in [account]:"),
        ("c1", "cycles", "billed[key] = billed.get(key, 0) + oracle.money_units(row[\"charge\"])", "pass"),
        ("c1", "cycles", "row_begin(book, row) < state.closing_of(row[\"account\"])]", "True]"),
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

    def shows(self, module, folder):
        try:
            return rated(module, folder) != self.expected(folder)
        except Exception:       # a mistake that ends the run is seen, too
            return True

    def expected(self, folder):
        if folder not in self.right:
            self.right[folder] = rated(rate, folder)
        return self.right[folder]

    def test_each_is_caught(self):
        self.right, sources = {}, {}
        for name in MODULES:
            with open(os.path.join(HERE, name + ".py"), encoding="utf-8") as stream:
                sources[name] = stream.read()
        self.assertEqual(rated(self.load(sources), self.chains[0]), self.expected(self.chains[0]))
        folders = {os.path.basename(folder): folder for folder in self.plain + self.chains}
        missed = []
        for first, name, old, new in self.mistakes:
            self.assertEqual(sources[name].count(old), 1, "%s: %r is there %d times" % (name, old, sources[name].count(old)))
            module = self.load(dict(sources, **{name: sources[name].replace(old, new)}))
            where = next((world for world in dict.fromkeys([first, *folders]) if self.shows(module, folders[world])), "")
            if where != first:
                print("%s shows, not %s: %s" % (where or "nothing", first, new), flush=True)
            if not where:
                missed.append((name, old, new))
        self.assertEqual(missed, [])


if __name__ == "__main__":
    unittest.main()
