"""Section 13 of docs/RATING.md: prices by the units of a period, and what is charged by the period.

What is counted together is the tuple (tiers' name, account, number), (tiers, account, site) or (tiers, account); for
scope pool the last account is the parent.
"""
from fractions import Fraction
from math import lcm

import bundles
import oracle
from oracle import ALWAYS, NEVER, BookError


class Tiers:
    def entered(self, units):
        """How many tiers so many units have entered; the first one always."""
        return max(1, sum(1 for tier in self.tiers if tier[0] < units))

    def total(self, units):
        """C(x)"""
        exact = Fraction(0)
        for index, (above, rate, per, _) in enumerate(self.tiers):
            top = self.tiers[index + 1][0] if index + 1 < len(self.tiers) else units
            inside = max(0, min(units, top) - above)
            exact += rate * (oracle.ceil_div(inside, per) if self.mode == "package" else Fraction(inside, per))
        return exact

    def exact(self, before, units, reached):
        """What a line's units cost; reached: the units of the whole period, for volume."""
        if self.mode != "volume":
            return self.total(before + units) - self.total(before)
        _, rate, per, _ = self.tiers[self.entered(reached) - 1]
        return rate * units * Fraction(1, per)

    def fees(self, units):
        entered = self.entered(units)
        return sum(tier[3] for tier in self.tiers[entered - 1 if self.mode == "volume" else 0:entered])

    def within(self, exact):
        """Raised to the minimum, cut to the maximum."""
        if self.minimum is not None:
            exact = max(exact, self.minimum)
        return exact if self.maximum is None else min(exact, self.maximum)


SHARED = "product mode unit scope period decimals rounding minimum_spend maximum_spend".split()


def load_tiers(book):
    book.tiers = {}
    rows_of = {}
    for cells in book.tables["tiers"]:
        rows_of.setdefault(cells["tiers"], []).append(cells)
    for name, rows in rows_of.items():
        said = {column: {cells[column] for cells in rows if cells[column]} for column in SHARED}
        if not name or any(len(values) > 1 for values in said.values()) or not said["unit"]:
            raise BookError("tiers without a name or a unit, or not the same in all rows: " + name)
        cells = {column: "".join(values) for column, values in said.items()}
        tiers = Tiers()
        tiers.name = name
        tiers.product = cells["product"]
        tiers.mode = oracle.choice(cells, "mode", "graduated", "volume", "package")
        tiers.unit = oracle.choice(cells, "unit", "", *bundles.UNITS)
        tiers.scope = oracle.choice(cells, "scope", "account", "number", "site", "pool")
        tiers.period = oracle.choice(cells, "period", "month", "anchor", "call")
        tiers.decimals = int(cells["decimals"]) if cells["decimals"] else book.decimals
        tiers.rounding = cells["rounding"] or book.rounding
        tiers.minimum = oracle.optional_money(cells, "minimum_spend")
        tiers.maximum = oracle.optional_money(cells, "maximum_spend")
        if None not in (tiers.minimum, tiers.maximum) and tiers.minimum > tiers.maximum:
            raise BookError("a minimum above the maximum: " + name)
        per = 60 if tiers.unit == "s" else 1
        tiers.tiers = sorted((bundles.whole(row["from_qty"], 0, 0, bundles.LIMIT), oracle.parse_money(row["rate"], "rate"),
                              bundles.whole(row["per"], per, 1, oracle.MAX_BILLED), oracle.parse_money(row["flat"] or "0", "flat"))
                             for row in rows)
        if tiers.tiers[0][0] != 0 or len({tier[0] for tier in tiers.tiers}) != len(rows):
            raise BookError("one tier begins at 0, and none twice: " + name)
        if lcm(*(tier[2] for tier in tiers.tiers)) >= oracle.MAX_BILLED:
            raise BookError("the least common multiple of per: " + name)
        book.tiers[name] = tiers
    for rules in book.rules.values():
        for rule in rules:
            if rule.action == "tiers" and rule.tiers not in book.tiers:
                raise BookError("unknown tiers: " + rule.tiers)
            service = rule.conditions.get("service")
            if rule.tiers and service and service not in oracle.SERVICES_OF_UNIT[book.tiers[rule.tiers].unit]:
                raise BookError("a rule for a service that is not of the tiers' unit: " + rule.tiers)
    if any(tiers.scope == "pool" for tiers in book.tiers.values()):
        for account, parent in book.parent.items():
            if parent and (book.account_currency[account], str(book.account_zone[account]), book.cycle_day[account]) != \
               (book.account_currency[parent], str(book.account_zone[parent]), book.cycle_day[parent]):
                raise BookError("accounts that count together have one currency, timezone and cycle day: " + account)


# ---------------------------------------------------------------------------------------------------------------------
# The lines
# ---------------------------------------------------------------------------------------------------------------------

def count_of(book, tiers, line):
    account = line["account"]
    if tiers.scope == "pool":
        return tiers.name, book.parent[account] or account
    return (tiers.name, account) + {"number": (line["number"],), "site": (line["site"],), "account": ()}[tiers.scope]


def clock_of(book, count):
    """(anchor day, zone) of a count's periods."""
    return book.cycle_day[count[1]] if book.tiers[count[0]].period == "anchor" else 1, book.account_zone[count[1]]


class Use:
    """What a line did to its count: in a period, of so many units."""

    def __init__(self, line, credit, count, period, units):
        self.line, self.credit, self.count, self.period, self.units = line, credit, count, period, units
        self.amount = 0


def use_of(book, record, deal):
    """The units that remain after the bundles; the price is found when the units of all lines are known."""
    tiers, line = deal.tiers, deal.line
    units = deal.billed(deal.rest) - deal.covered if deal.rest or deal.covered else 0
    count = count_of(book, tiers, line)
    period = None
    if tiers.period != "call":
        period = bundles.period_at(record.start, *clock_of(book, count))
    return Use(line, deal.credit, count, period, units)


def price_lines(book, uses, units):
    """Prices lines in the order of section 12.2. units: {(count, period): those of closed calls}; all lines' are added."""
    before = dict(units)
    for use in uses:
        if use.period is not None and not use.credit:
            units[use.count, use.period] = units.get((use.count, use.period), 0) + use.units
    for use in uses:
        tiers = book.tiers[use.count[0]]
        key = (use.count, use.period)
        if use.period is None:
            exact = tiers.within(tiers.exact(0, use.units, use.units) + tiers.fees(use.units))
        else:
            exact = tiers.exact(before.get(key, 0), use.units, units.get(key, 0))
            if not use.credit:
                before[key] = before.get(key, 0) + use.units
        use.amount = oracle.round_money(exact, tiers.decimals, tiers.rounding)
        if use.credit:
            use.amount = -use.amount
        oracle.rated(use.line, int(use.line["billed"]), use.amount)


# ---------------------------------------------------------------------------------------------------------------------
# The periods
# ---------------------------------------------------------------------------------------------------------------------

def meet(spans, others):
    found = []
    for start, end in spans:
        found += [(max(start, first), min(end, last)) for first, last in others if max(start, first) < min(end, last)]
    return found


def plan_spans(book, rules, times):
    """When one of the plans in force has one of the rules."""
    return [span for start, end, plan in times for span in meet([(start, end)], rules.get(plan, ()))]


def rule_spans(book, name):
    """{plan: [(start, end)]} of the rules with these tiers."""
    return {plan: [(rule.start, rule.end) for rule in rules if rule.tiers == name] for plan, rules in book.rules.items()}


def single_numbers(row):
    """A row of numbers.csv by single numbers, as lines show them."""
    return ["+" + str(number).zfill(len(row.first)) for number in range(int(row.first), int(row.last) + 1)]


def counts_with_rule(book, tiers):
    """{count: [(start, end)]}: when an assignment gives the rule to a count."""
    rules = rule_spans(book, tiers.name)
    found = {}

    def add(count, row, account, site, digits, with_row):
        spans = plan_spans(book, rules, bundles.plan_times(book, account, site, digits))
        found.setdefault(count, []).extend(meet(spans, [(row.start, row.end)]) if with_row else spans)

    rows = [(row, "") for row in book.ranges] + [(row, name) for name, named in book.named.items() for row in named]
    for row, name in rows:
        account = row.account
        if tiers.scope == "number":
            for number in [name] if name else single_numbers(row):
                add((tiers.name, account, number), row, account, row.site, number.lstrip("+"), True)
            continue
        named = [value for kind, value in book.assignments if kind == "number" and not name and len(value) == len(row.first)
                 and row.first <= value <= row.last]
        for digits in named + ([""] if name or int(row.last) - int(row.first) + 1 > len(named) else []):
            if tiers.scope == "site":
                add((tiers.name, account, row.site), row, account, row.site, digits, True)
            else:
                add(shared_count(book, tiers, account), row, account, row.site, digits, False)
    for trunk, row in book.trunk_account.items():
        whole = {"number": (tiers.name, row.account, "trunk:" + trunk), "site": (tiers.name, row.account, "")}
        if "trunk:" + trunk not in book.named:
            add(whole.get(tiers.scope) or shared_count(book, tiers, row.account), row, row.account, "", "", False)
    return found


def shared_count(book, tiers, account):
    return tiers.name, (book.parent[account] or account) if tiers.scope == "pool" else account


def periods_of_run(days, day, zone):
    """Those that hold a day from the run's first to its last."""
    first, last = days.first(zone), days.last(zone)
    return range(bundles.period_of_date(first, day), bundles.period_of_date(last, day) + 1) if first <= last else range(0)


def due_charges(book, days, uses, units, spend):
    """{(count, period): {kind: amount in 1e-8}}. uses: of all lines, closed ones, too; units and spend: {(count, period): sum}."""
    priced = {(use.count, use.period) for use in uses}
    found = {}
    for tiers in book.tiers.values():
        if tiers.period == "call":
            continue
        counts = counts_with_rule(book, tiers)
        for count in set(counts) | {key[0] for key in priced if key[0][0] == tiers.name}:
            day, zone = clock_of(book, count)
            for period in set(periods_of_run(days, day, zone)) | {key[1] for key in priced if key[0] == count}:
                whole = [(bundles.period_begin(period, day, zone), bundles.period_begin(period + 1, day, zone))]
                due = period in periods_of_run(days, day, zone) and meet(counts.get(count, ()), whole)
                if (count, period) in priced or due:
                    found[count, period] = charges_of(tiers, units.get((count, period), 0), spend.get((count, period), 0))
    return found


def charges_of(tiers, units, spend):
    """Of one count and period, in 1e-8; spend: the sum of the lines' charges."""
    fee = tiers.fees(units) * oracle.UNIT
    total = spend + fee
    charges = {"tier_fee": fee, "minimum_spend": 0, "maximum_spend": 0}
    if tiers.minimum is not None:
        charges["minimum_spend"] = max(0, tiers.minimum * oracle.UNIT - total)
    if tiers.maximum is not None:
        charges["maximum_spend"] = -max(0, total - tiers.maximum * oracle.UNIT)
    return charges
