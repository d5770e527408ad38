"""Section 15 of docs/RATING.md: what a call costs."""
import datetime

import bundles
import oracle
from oracle import BookError


def load_fx(book):
    """book.fx[(from, to)] = [(date, rate)], the latest first."""
    book.fx = {}
    for cells in book.tables["fx"]:
        rate = oracle.parse_money(cells["rate"], "rate")
        if cells["from"] == cells["to"]:
            raise BookError("fx.csv: from a currency to itself: %s" % cells)
        if not rate or not cells["from"] or not cells["to"]:
            raise BookError("fx.csv: %s" % cells)
        rows = book.fx.setdefault((cells["from"], cells["to"]), [])
        date = datetime.date.fromisoformat(cells["date"])
        if any(date == other[0] for other in rows):
            raise BookError("fx.csv: a date twice: %s" % cells)
        rows.append((date, rate))
        rows.sort(reverse=True)


def carrier_of(book, record):
    return book.trunk_carrier.get(record.trunk, "") or record.carrier


def buy_plan(book, record):
    for kind, value in (("trunk", record.trunk), ("carrier", carrier_of(book, record)), ("default", "")):
        if not value and kind != "default":
            continue
        for start, end, plan, _ in book.buying.get((kind, value), ()):
            if start <= record.start < end:
                return plan
    return None


def has_cost(book, record, line):
    if record.conflict or line["reason"] == "closed" or (record.service == "voice" and not record.answered):
        return False
    if record.two_legs and record.direction == "in":
        return False
    role = book.feed_role.get(record.carrier, "bill")
    if role == "compare":
        return False
    own = book.trunk_carrier.get(record.trunk, "")
    return not (role == "bill" and book.feed_role.get(own, "bill") == "cost")


def add_cost(book, pools, record, line):
    """Fills the line's cost and cost_status; returns the draws."""
    if not book.buying or not has_cost(book, record, line):
        return []
    plan = buy_plan(book, record)
    if plan is None:
        line["cost_status"] = "no_plan"
        return []
    scratch = oracle.Line(line.payer)
    scratch["class"], scratch["jurisdiction"], scratch["billed"] = line["class"], line["jurisdiction"], "0"
    oracle.apply_rules(book, record, line.payer, plan, scratch)
    line.bought = scratch
    draws = []
    if scratch["status"] == "rated" and scratch.deal and not scratch.deal.credit:
        subjects = {("trunk", record.trunk), ("carrier", carrier_of(book, record))}
        draws = bundles.draw(pools, record, scratch.deal, bundles.pools_for(book, record, scratch, subjects, True))
    line["cost_status"] = scratch["reason"] or scratch["status"]
    if scratch["status"] != "suspense":
        line["cost"], line["cost_status"] = converted(book, record, line, scratch)
    if line["cost_status"] not in ("no_fx", "overflow"):
        line["cost_deck"], line["cost_prefix"] = scratch["deck"], scratch["prefix"]
    return draws


def converted(book, record, line, scratch):
    """(cost, cost_status) in the currency of the line's account."""
    amount = oracle.money_units(scratch["charge"])
    if scratch["status"] == "zero_rated":
        return oracle.money_text(0), scratch["reason"]
    ours = book.account_currency[line["account"]] if line["account"] else book.currency
    theirs = scratch.currency or book.currency
    if theirs != ours:
        date = bundles.local_date(record.start, book.zone)
        rate = next((rate for first, rate in book.fx.get((theirs, ours), ()) if first <= date), None)
        if rate is None:
            return "", "no_fx"
        amount = oracle.round_money(amount * rate * oracle.Fraction(1, oracle.UNIT), 8, "half_up")
        if abs(amount) > oracle.MAX_MONEY:
            return "", "overflow"
    return oracle.money_text(amount), scratch["reason"] or scratch["status"]
