"""What moves between two runs over the same calls (docs/RERATE.md, sections 2 and 3), from the oracle's own lines of both."""
import datetime

import bundles
import cycles
import oracle
import prices
import report
import tax
import tax_shown
from oracle import money_text

REASONS = ["appeared", "vanished", "cdr", "was_suspense", "now_suspense", "payer", "jurisdiction", "plan", "prefix", "band", "rate", "bundle",
           "status", "cost", "tax"]
PARTS = [name for name in tax_shown.COMPONENT_COLUMNS if name not in ("tuple", "line")]


class Side:
    """A call's line in one run, as names and numbers."""

    def __init__(self, answer, view, entry, cells, components):
        line, book = view.line, answer.book
        self.view, self.record = view, view.record
        self.payer = view.account, view.currency, line["site"], line["number"]
        self.key = view.account, line["site"], view.currency
        self.call = line["class"], line["jurisdiction"]
        self.price = view.price
        self.row = price_key(view.price)
        self.status, self.suspense = view.status, view.in_suspense()
        self.billed, self.included, self.charge = int(line["billed"]), int(line["included"] or "0"), view.charge
        drawn = entry.draws[0][0] if entry.draws and not self.suspense else None
        self.pool = drawn and (drawn, book.bundles[drawn[0]].scope)
        self.cost = None
        if answer.has_cost and line["cost_status"]:
            priced = line.bought and line["cost_status"] not in ("no_fx", "overflow")
            self.cost = line["cost_status"], view.cost, price_key(prices.price_of(book, line.bought)) if priced else None
        self.services = cells["tax_services"] if cells else ""
        self.tuple = None
        if cells:
            self.tuple = tuple(str(value) for name, value in cells.items() if name not in ("id", "book", "split_line", "exemptions"))
            self.tuple += (components.get(tax_shown.tuple_text(cells), ()),)
        self.counts = not self.suspense


def price_key(price):
    return price and tuple(price[name] for name in prices.KEY[:7]) + tuple(price[name] for name in ("rate", "per_units", "connect_fee"))


def sides_of(answer):
    tuples, components = {}, {}
    if answer.book.taxed:
        taxes = tax.tax_run(answer.book, answer.run)
        tuples = {id(entry): cells for entry, cells in taxes.tuples}
        for row in tax_shown.component_rows(answer.book, taxes):
            components.setdefault(row["tuple"], []).append(tuple(str(row[name]) for name in PARTS))
        components = {key: tuple(sorted(rows)) for key, rows in components.items()}
    return [Side(answer, view, entry, tuples.get(id(entry)), components) for view, entry in zip(answer.lines, answer.run.entries)]


def reasons_of(old, new):
    """All reasons, the first one first; none: the line did not change."""
    found = []
    if old.suspense and not new.suspense:
        found.append("was_suspense")
    if new.suspense and old.status != new.status:
        found.append("now_suspense")
    if old.payer != new.payer:
        found.append("payer")
    if old.call != new.call:
        found.append("jurisdiction")
    given = (old.included, old.pool, old.status == ("rated", "fair_use")) != (new.included, new.pool, new.status == ("rated", "fair_use"))
    if old.row and new.row:
        if old.row[:3] != new.row[:3]:
            found.append("plan")
        elif old.row[3] != new.row[3]:
            found.append("prefix")
        elif old.row[4:6] != new.row[4:6]:
            found.append("band")
        elif old.row[6:] != new.row[6:] or old.billed != new.billed or (old.charge != new.charge and not given):
            found.append("rate")
    if given and old.billed == new.billed:
        found.append("bundle")
    if not found and (old.status, bool(old.row), old.billed, old.charge) != (new.status, bool(new.row), new.billed, new.charge):
        found.append("status")
    if old.cost != new.cost:
        found.append("cost")
    if old.tuple != new.tuple:
        found.append("tax")
    return found


class Moves:
    def __init__(self, before, after):
        self.before, self.after = before, after
        self.pairs = []                    # (day, row of the day, old, new, reasons) of changed lines
        self.olds, self.news = sides_of(before), sides_of(after)
        rows = {}
        for old, new in zip(self.olds, self.news):
            day = (oracle.EPOCH + datetime.timedelta(milliseconds=old.record.start)).date().isoformat()
            row = rows[day] = rows.get(day, -1) + 1
            reasons = reasons_of(old, new)
            if reasons:
                self.pairs.append((day, row, old, new, reasons))

    def sums(self):
        """{(account, site, currency): {column: number}}"""
        found = {}

        def add(key, column, amount):
            if amount:
                row = found.setdefault(key, {})
                row[column] = row.get(column, 0) + amount

        for side, some in (("old_", self.olds), ("new_", self.news)):
            for line in some:
                add(line.key, side + "rows", int(line.counts))
                add(line.key, side + "charge", line.charge)
                add(line.key, side + "cost", line.view.cost)
        for side, answer in (("old_", self.before), ("new_", self.after)):
            for account, amount in answer.periods():
                add((account, "", answer.currency(account)), side + "period_charge", amount)
        for _, _, old, new, reasons in self.pairs:
            for key in {old.key, new.key}:
                add(key, "changed", 1)
                add(key, reasons[0] + "_rows", 1)
            add(old.key, reasons[0] + "_charge", -old.charge)
            add(new.key, reasons[0] + "_charge", new.charge)
        kept = {key: {column: amount for column, amount in row.items() if amount} for key, row in found.items()}
        return {key: row for key, row in kept.items() if row}

    def registers(self):
        """{(period, account, site, currency, jurisdiction, level, tax, name, billable): [old, new cents]}, all of them."""
        found = {}
        for side, answer in enumerate((self.before, self.after)):
            for row in answer.register:
                key = tuple(row[name] for name in ("period", "account", "site", "currency", "tax_jurisdiction", "level", "tax", "name"))
                found.setdefault(key + (str(int(row["billable"] == "yes")),), [0, 0])[side] += int(row["tax_cents"])
        return found

    def taxes(self):
        if not (self.before.book.taxed and self.after.book.taxed):
            return {}
        return {key: tuple(cents) for key, cents in self.registers().items() if cents[0] != cents[1]}


class Policy:
    """The options of section 3. until: of the state; today: a date or None."""

    def __init__(self, until, today=None, credits_only=False, minimum=0, back_bill_days=None, approve_above=None, approved=()):
        self.until, self.today, self.credits_only, self.minimum = until, today, credits_only, minimum
        self.back_bill_days, self.approve_above, self.approved = back_bill_days, approve_above, approved

    def too_old(self, date):
        return self.back_bill_days is not None and date < self.today - datetime.timedelta(days=self.back_bill_days)


class Adjusting:
    """lines: {(account, site, currency, period, reason, services, too old): [calls, old, new]}; statuses once settled."""

    def __init__(self, moves, policy):
        self.moves, self.policy = moves, policy
        self.lines, self.taxes = {}, {}
        book = moves.before.book
        self.closing = {account: cycles.closing_time(book, account, policy.until) for account in book.account_zone}
        for _, _, old, new, reasons in moves.pairs:
            self.call(old, new, reasons[0])
        self.periods()
        self.lines = {key: row for key, row in self.lines.items() if row[1] != row[2]}
        for key, cents in moves.taxes().items():
            if self.is_closed(key[1], oracle.local_instant(key[0], self.zone(key[1]))):
                self.taxes[key] = list(cents)

    def zone(self, account):
        return self.moves.before.book.account_zone[account]

    def is_closed(self, account, now):
        return account in self.closing and now < self.closing[account]

    def period(self, answer, side):
        if not side.key[0]:
            return ""
        return oracle.billing_period(answer.book, side.key[0], side.record.start)

    def call(self, old, new, reason):
        where = old.key + (self.period(self.moves.before, old),), new.key + (self.period(self.moves.after, new),)
        closed = [self.is_closed(side.key[0], side.record.start) for side in (old, new)]
        services = new.services if new.tuple else old.services
        date = (oracle.EPOCH + datetime.timedelta(milliseconds=old.record.start)).date()
        if where[0] == where[1]:
            if closed[0] and old.charge != new.charge:
                self.add(where[0], reason, services, date, 1, old.charge, new.charge)
            return
        if closed[0] and old.charge:
            self.add(where[0], reason, old.services, date, 1, old.charge, 0)
        if closed[1] and new.charge:
            self.add(where[1], reason, new.services, date, 1, 0, new.charge)

    def add(self, where, reason, services, date, calls, old, new):
        row = self.lines.setdefault(where + (reason, services, self.policy.too_old(date)), [0, 0, 0])
        for index, amount in enumerate((calls, old, new)):
            row[index] += amount

    def periods(self):
        for side, answer in enumerate((self.moves.before, self.moves.after)):
            for row in answer.run.periods:
                account = row["account"]
                if self.is_closed(account, oracle.local_instant(row["period"], self.zone(account))):
                    amount = oracle.money_units(row["charge"])
                    self.add((account, row["site"], answer.currency(account), row["period"]), "period", "", self.last_day(row["period"]), 0,
                             0 if side else amount, amount if side else 0)

    def last_day(self, first):
        year, month, day = (int(part) for part in first.split("-"))
        return bundles.first_day(year * 12 + month, day) - datetime.timedelta(days=1)

    def first_status(self, more, too_old):
        if more and self.policy.credits_only:
            return "waived"
        return "too_old" if more and too_old else ""

    def settled(self):
        """({line key: status}, {tax key: status})"""
        lines = {key: self.first_status(row[2] > row[1], key[6]) for key, row in self.lines.items()}
        beside = {}
        for key, status in lines.items():
            beside.setdefault(key[:4], set()).add(status)
        taxes, sums = {}, {}
        for key, cents in self.taxes.items():
            found = beside.get((key[1], key[2], key[3], key[0]))
            if found is None:
                found = {self.first_status(cents[1] > cents[0], self.policy.too_old(self.last_day(key[0])))}
            mixed = len(found) > 1
            taxes[key] = ("due" if key[1] in self.policy.approved else "to_approve") if mixed else min(found)
            if taxes[key] == "" and key[8] == "1":
                sums[key[1], key[3]] = sums.get((key[1], key[3]), 0) + (cents[1] - cents[0]) * 10**6
        for key, status in lines.items():
            if not status:
                sums[key[0], key[2]] = sums.get((key[0], key[2]), 0) + self.lines[key][2] - self.lines[key][1]
        last = lambda account, currency: self.last_status(account, abs(sums.get((account, currency), 0)))
        lines = {key: status or last(key[0], key[2]) for key, status in lines.items()}
        return lines, {key: status or last(key[1], key[3]) for key, status in taxes.items()}

    def last_status(self, account, size):
        if size < self.policy.minimum:
            return "below_minimum"
        if self.policy.approve_above is not None and size > self.policy.approve_above and account not in self.policy.approved:
            return "to_approve"
        return "due"

    def rows(self, report_period):
        """What `--what adjusting` has, as tuples of text."""
        statuses, tax_statuses = self.settled()
        found = []
        for key, (calls, old, new) in self.lines.items():
            found.append(("debit" if new > old else "credit", statuses[key], key[0], key[1], key[2], key[3], key[4], key[5], str(calls), "", "", "",
                          "", "", money_text(old), money_text(new)))
        for key, (old, new) in self.taxes.items():
            found.append(("tax", tax_statuses[key], key[1], key[2], key[3], key[0], "", "", "", report_period, key[4], key[5], key[6], key[8],
                          money_text(old * 10**6), money_text(new * 10**6)))
        return sorted(found)
