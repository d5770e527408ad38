"""The tables of docs/WHATIF.md, section 2, from the oracle's own lines of several books over the same calls."""
import datetime
from fractions import Fraction

import oracle
import prices
import tax_shown
from oracle import money_text

MEASURES = ["rows", "rated", "suspense", "billed_s", "charge", "periods", "cost", "tax_cents"]
CLASSES = ["below -50", "-50..-25", "-25..-10", "-10..-5", "-5..-1", "-1..0", "0", "0..1", "1..5", "5..10", "10..25", "25..50", "above 50", "from 0"]
KEYS = {"totals": [], "accounts": ["account"], "destinations": ["destination"], "classes": ["class"], "jurisdictions": ["jurisdiction"],
        "plans": ["plan"], "decks": ["deck"], "hours": ["weekday", "hour"], "days": ["day"], "statuses": ["status", "reason"],
        "prices": prices.KEY}
SUSPENSE = ("suspense", "conflict")


class Answer:
    """One book and what it makes of the calls. register: of a taxed book."""

    def __init__(self, book, run):
        self.book, self.run = book, run
        self.has_cost = bool(book.buying)
        self.register = tax_shown.register(book, tax_shown.tax_run(book, run)) if book.taxed else []
        self.lines = [View(book, entry) for entry in run.entries]

    def currency(self, account):
        return self.book.account_currency[account] if account else self.book.currency

    def periods(self):
        """(account, 1e-8)"""
        return [(row["account"], oracle.money_units(row["charge"])) for row in self.run.periods]

    def taxes(self):
        return [(row["account"], int(row["tax_cents"])) for row in self.register if row["billable"] == "yes"]


class View:
    """A line with what tables ask of it."""

    def __init__(self, book, entry):
        line, record = entry.line, entry.record
        self.line, self.record = line, record
        self.account = line["account"]
        self.currency = book.account_currency[self.account] if self.account else book.currency
        self.charge = oracle.money_units(line["charge"] or "0")
        self.cost = oracle.money_units(line["cost"] or "0")
        self.status = line["status"], line["reason"]
        self.price = prices.price_of(book, line)
        self.plan = (oracle.find_plan(book, record, line.payer) or "") if line.payer else ""
        self.billed_s = int(line["billed"]) if line["service"] == "voice" and line["status"] in ("rated", "zero_rated", "other_party") else 0

    def in_suspense(self):
        return self.line["status"] in SUSPENSE


def percent_of(difference, base):
    """An exact percent of the base's size; None from 0."""
    if base == 0:
        return Fraction(0) if difference == 0 else None
    return Fraction(difference * 100, abs(base))


def percent_text(percent):
    if percent is None:
        return None
    return money_text(oracle.round_money(percent, 2, "half_up"))[:-6]


class Report:
    def __init__(self, answers, moved_by=Fraction(10)):
        self.answers, self.moved_by = answers, moved_by
        self.base = answers[0]

    def keys_of(self, table, view):
        local = (oracle.EPOCH + datetime.timedelta(milliseconds=view.record.start)).astimezone(self.base.book.zone)
        price = view.price or prices.NO_PRICE
        return {"totals": (), "accounts": (view.account,), "destinations": (price["destination"],), "classes": (view.line["class"],),
                "jurisdictions": (view.line["jurisdiction"],), "plans": (view.plan,), "decks": (price["deck"],),
                "hours": (local.isoweekday(), local.hour), "days": (local.date().isoformat(),), "statuses": view.status,
                "prices": tuple(price[name] for name in prices.KEY)}[table]

    def table(self, name):
        """{(key..., currency): [{measure: number} of each book]}"""
        found = {}

        def cell(key, index):
            return found.setdefault(key, [dict.fromkeys(MEASURES + ["accounts"], 0) for _ in self.answers])[index]

        for index, answer in enumerate(self.answers):
            accounts = {}
            for view in answer.lines:
                row = cell(self.keys_of(name, view) + (view.currency,), index)
                row["rows"] += 1
                row["rated"] += view.line["status"] == "rated"
                row["suspense"] += view.in_suspense()
                for measure in ("billed_s", "charge", "cost"):
                    row[measure] += getattr(view, measure)
                if view.account:
                    accounts.setdefault(view.currency, set()).add(view.account)
            if name not in ("totals", "accounts"):
                continue
            for measure, amounts in (("periods", answer.periods()), ("tax_cents", answer.taxes())):
                for account, amount in amounts:
                    cell(((account,) if name == "accounts" else ()) + (answer.currency(account),), index)[measure] += amount
            if name == "totals":
                for currency, some in accounts.items():
                    cell((currency,), index)["accounts"] = len(some)
        return found

    def shown(self, name, rows=None):
        """{key: [{column: text or number}]}, as the columns of CSV and the members of JSON say it."""
        made = {}
        for key, books in (rows or self.table(name)).items():
            made[key] = []
            for answer, row, index in zip(self.answers, books, range(len(books))):
                cells = {measure: row[measure] for measure in ("rows", "rated", "suspense", "billed_s")}
                cells["charge"] = money_text(row["charge"])
                if name in ("totals", "accounts"):
                    cells["periods"] = money_text(row["periods"])
                if answer.has_cost:
                    cells["cost"] = money_text(row["cost"])
                    cells["margin"] = money_text(row["charge"] + row["periods"] - row["cost"])
                if answer.book.taxed and name in ("totals", "accounts"):
                    cells["tax_cents"] = row["tax_cents"]
                if name == "totals":
                    cells["accounts"] = row["accounts"]
                if index:
                    base = books[0]["charge"] + books[0]["periods"]
                    difference = row["charge"] + row["periods"] - base
                    cells["difference"] = money_text(difference)
                    percent = percent_text(percent_of(difference, base))
                    if percent is not None:
                        cells["percent"] = percent
                made[key].append(cells)
        return made

    def moved(self):
        """({key and row of the price, currency: (rows, charge, [charge then])}, {currency: the same of what does not move, all rows})"""
        found = {}
        for at, view in enumerate(self.base.lines):
            price = view.price or prices.NO_PRICE
            key = tuple(price[name] for name in prices.PRICE) + (view.currency,)
            row = found.setdefault(key, [0, 0, [0] * (len(self.answers) - 1)])
            row[0] += 1
            row[1] += view.charge
            for index, answer in enumerate(self.answers[1:]):
                row[2][index] += answer.lines[at].charge
        return found

    def suspense(self):
        found = {}
        for index, answer in enumerate(self.answers):
            for old, new in zip(self.base.lines, answer.lines):
                if index and old.status != new.status and (old.in_suspense() or new.in_suspense()):
                    currency = new.currency if not new.in_suspense() else old.currency
                    row = found.setdefault((index,) + old.status + new.status + (currency,), [0, 0, 0])
                    row[0] += 1
                    row[1] += old.charge
                    row[2] += new.charge
        return found

    def bills(self, index):
        """{(account, currency): [charge with period charges, margin]}, of accounts that have either."""
        answer, found = self.answers[index], {}
        for view in answer.lines:
            if view.account:
                row = found.setdefault((view.account, view.currency), [0, 0])
                row[0] += view.charge
                row[1] += view.charge - view.cost
        for account, amount in answer.periods():
            row = found.setdefault((account, answer.currency(account)), [0, 0])
            row[0] += amount
            row[1] += amount
        return found

    def impact(self):
        found = {}
        before = self.bills(0)
        for index in range(1, len(self.answers)):
            after = self.bills(index)
            for currency in sorted({key[1] for key in list(before) + list(after)}):
                keys = [key for key in sorted(set(before) | set(after)) if key[1] == currency]
                pairs = [(before.get(key, [0, 0]), after.get(key, [0, 0])) for key in keys]
                found[index, currency] = self.impact_of(pairs, index)
        return found

    def impact_of(self, pairs, index):
        differences = sorted(new[0] - old[0] for old, new in pairs)
        percents = [percent_of(new[0] - old[0], old[0]) for old, new in pairs]
        known = sorted(percent for percent in percents if percent is not None)
        rank = lambda values, p: values[-(-p * len(values) // 100) - 1] if values else None
        counts = dict.fromkeys(CLASSES, 0)
        for percent in percents:
            counts[class_of(percent)] += 1
        row = {"winners": sum(one < 0 for one in differences), "losers": sum(one > 0 for one in differences), "same": differences.count(0),
               "won": money_text(sum(one for one in differences if one < 0)), "lost": money_text(sum(one for one in differences if one > 0)),
               "moved": sum(percent is None or abs(percent) > self.moved_by for percent in percents),
               "percentiles": {str(p): money_text(rank(differences, p)) for p in (5, 25, 50, 75, 95)},
               "percentiles_percent": {str(p): percent_text(rank(known, p)) for p in (5, 25, 50, 75, 95)}, "classes": counts}
        if self.base.has_cost and self.answers[index].has_cost:
            row["to_a_loss"] = sum(old[1] >= 0 > new[1] for old, new in pairs)
        return row

    def best_plan(self, plans, staying):
        """{(account, currency): {plan: (charge, cost, suspense, offered)}}, and what account pays now; plans: {plan: index of its book};
        staying: {plan: accounts that it is not for}, whose charge is None."""
        found = {}
        now = self.bills(0)
        with_lines = sorted({(view.account, view.currency) for view in self.base.lines if view.account})
        counts = {}
        for index in [0] + list(plans.values()):
            for view in self.answers[index].lines:
                if view.account and view.in_suspense():
                    counts[index, view.account] = counts.get((index, view.account), 0) + 1
        for plan, index in plans.items():
            fell = sum(not old.in_suspense() and new.in_suspense() for old, new in zip(self.base.lines, self.answers[index].lines))
            names = {account for account, _ in with_lines}
            show = sum(max(0, counts.get((index, name), 0) - counts.get((0, name), 0)) for name in names)
            then = self.bills(index)
            for key in with_lines:
                ours, theirs = counts.get((0, key[0]), 0), counts.get((index, key[0]), 0)
                if key[0] in staying[plan]:
                    found.setdefault(key, {})[plan] = (None, None, 0, False)
                    continue
                offered = not (theirs > ours or (theirs and fell > show))
                charge, margin = then.get(key, [0, 0])
                found.setdefault(key, {})[plan] = (charge, charge - margin, theirs, offered)
        return {key: (now.get(key, [0, 0]), offers) for key, offers in found.items()}


def class_of(percent):
    if percent is None:
        return "from 0"
    if percent == 0:
        return "0"
    size = abs(percent)
    edges = [(1, "0..1", "-1..0"), (5, "1..5", "-5..-1"), (10, "5..10", "-10..-5"), (25, "10..25", "-25..-10"), (50, "25..50", "-50..-25")]
    for edge, above, below in edges:
        if size <= edge:
            return above if percent > 0 else below
    return "above 50" if percent > 0 else "below -50"
