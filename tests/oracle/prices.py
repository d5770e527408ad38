"""What an oracle's line says of its price row, beyond what an export shows (docs/FORMATS.md, prices/3 of deltas)."""
import oracle
from oracle import UNIT

KEY = ["kind", "plan", "deck", "prefix", "band", "step", "column", "destination"]
PRICE = KEY + ["rate", "per_units", "connect_fee", "file", "line"]
NO_PRICE = dict.fromkeys(PRICE, "")
NO_PRICE.update(step=0, rate=0, per_units=0, connect_fee=0, line=0)


def columns_of(deck, row, jurisdiction):
    """(rate, the columns that may have given it): of two equal ones the higher is either."""
    def of(name):
        return (row.rate, "rate") if row.rates[name] is None else (row.rates[name], name)
    if jurisdiction == "international":
        found = [(row.rate, "rate")]
    elif jurisdiction == "interstate":
        found = [of("rate_inter")]
    elif jurisdiction in ("intrastate", "local"):
        found = [of("rate_intra")]
    elif deck.indeterminate == "own":
        found = [of("rate_indeterminate")]
    elif deck.indeterminate in ("intra", "inter"):
        found = [of("rate_" + deck.indeterminate)]
    else:
        found = [of("rate_inter"), of("rate_intra")]
    best = max((rate for rate, _ in found if rate is not None), default=None)
    return best, [column for rate, column in found if rate == best] if best is not None else [found[0][1]]


def price_of(book, line):
    """The price row of a line as a dict of PRICE, money in 1e-8; None without."""
    if line.priced is None:
        return dict(NO_PRICE, kind="builtin", per_units=1) if line["reason"] == "emergency" else None
    first, second = line.priced
    if isinstance(first, oracle.Call):
        return deck_price(first, second)
    plan, rule = first, second
    price = dict(NO_PRICE, kind=rule.action, plan=plan, per_units=1, file="plan_rules.csv", line=rule.line)
    if rule.action == "tiers":
        price.update(file="tiers.csv", line=min(cells["#"] for cells in book.tables["tiers"] if cells["tiers"] == rule.tiers))
    if rule.action in ("flat", "markup"):
        price["connect_fee"] = int(rule.amount * UNIT)
    if rule.action == "markup":
        price["rate"] = int(rule.percent * (UNIT // 100))
    return price


def deck_price(call, row):
    rate, columns = columns_of(call.deck, row, call.jurisdiction)
    fee = 0 if row.step else row.connect_fee
    return dict(NO_PRICE, kind="deck", deck=call.deck.name, prefix=call.shown, band=row.band, step=row.step, column=columns[0],
                destination=row.destination, rate=int((rate or 0) * UNIT), per_units=row.per, connect_fee=int(fee * UNIT), file=row.file, line=row.line)
