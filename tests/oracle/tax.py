"""Sections 2 to 6 of docs/TAX.md: what a line's taxes depend on, and what each account owes.

Each charge line is taxed from the tables, with its own charge: nothing is solved beforehand and kept.
"""
import datetime
from fractions import Fraction

import bundles
import oracle
import tax_tables
import tiers
from oracle import BookError

DAY = datetime.timedelta(days=1)
REASONS = ("no_site", "no_area", "no_tax_service", "no_leg_place", "no_seller")
TUPLE_COLUMNS = ["period", "from", "area", "resolved", "reason", "tax_services", "split_line", "service", "jurisdiction",
                 "customer_class", "sale", "seller", "exemptions", "origin", "two_of_three"]
NO_SERVICE = {None: Fraction(1)}          # the "split" of a line without tax service


def exact_text(value):
    """A decimal without trailing zeros, or p/q."""
    value = Fraction(value)
    twos = fives = 0
    rest = value.denominator
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest != 1:
        return "%d/%d" % (value.numerator, value.denominator)
    places = max(twos, fives)
    digits = str(abs(value.numerator) * 10**places // value.denominator).zfill(places + 1)
    text = digits[:-places] + "." + digits[-places:] if places else digits
    return ("-" if value < 0 else "") + text


# ---------------------------------------------------------------------------------------------------------------------
# Section 2: place, split, period, span
# ---------------------------------------------------------------------------------------------------------------------

def place_of(book, account, site):
    """(area, how it was found, reason)"""
    resolved = "site"
    if not site:
        site, resolved = book.payers[account].tax_site, "tax_site"
    if not site and len(book.sites_of[account]) == 1:
        site, resolved = book.sites_of[account][0], "only_site"
    if not site:
        return "", "", "no_site"
    area = book.site_area[site]
    return area, resolved, "" if area else "no_area"


def find_split(book, cells):
    """The split whose conditions all hold, with most of them; None."""
    found = None
    for split in book.splits:
        if all(cells.get(name, "") == word for name, word in split.conditions.items()):
            if found is None or len(split.conditions) > len(found.conditions):
                found = split
    return found


def services_text(shares):
    if len(shares) == 1:
        return next(iter(shares))
    return ";".join("%s:%s" % (name, exact_text(shares[name])) for name in sorted(shares))


class Periods:
    """An account's billing periods."""

    def __init__(self, book, account):
        self.day, self.zone = book.cycle_day[account], book.account_zone[account]

    def of(self, date):
        return bundles.period_of_date(date, self.day)

    def first(self, period):
        return bundles.first_day(period, self.day)


def span_begin(book, first, date):
    """The first day of the span that holds the date, in a period that begins on `first`."""
    cuts = [row.days for tax in book.taxes.values() for row in tax.series] + [row.days for row in book.exemptions]
    cuts += [row.days for rows in book.sellers.values() for row in rows]
    return max([first] + [cut for days in cuts for cut in days if cut <= date])


# ---------------------------------------------------------------------------------------------------------------------
# Section 4: the ends of calls
# ---------------------------------------------------------------------------------------------------------------------

def end_jurisdictions(book, end):
    """Those of an end, or None: its place is not known."""
    if end.abroad:
        return set()
    if end.digits:
        for length in range(min(len(end.digits), 11), 3, -1):
            if end.digits[:length] in book.places:
                area = book.place_areas.get(end.digits[:length], "")
                if area:
                    return book.tax_areas[area]
                break
    state = end.place[1]
    if not state:
        return None if end.digits else set()
    found = set()
    for row in book.tax_jurisdictions.values():
        if row.level == "state" and row.state == state:
            found.update(row.above)
    return found


def ends_of(book, record, payer):
    """(jurisdictions of the originating end, of the terminating one)"""
    return [end_jurisdictions(book, end) for end in oracle.both_ends(book, record, payer, "ani")]


def at_least_two(origin, terminal, place):
    return (origin & terminal) | (origin & place) | (terminal & place)


# ---------------------------------------------------------------------------------------------------------------------
# Charge lines
# ---------------------------------------------------------------------------------------------------------------------

class ChargeLine:
    """Of section 5. shares: {tax service: share}; reason: why it is in tax suspense."""

    def __init__(self, account, site, kind, day, charge):
        self.account, self.site, self.kind, self.day, self.charge = account, site, kind, day, Fraction(charge)
        self.shares, self.services, self.reason, self.product, self.line = NO_SERVICE, "", "", "", 0
        self.service = self.jurisdiction = ""
        self.calls, self.minutes, self.tuple, self.inventory, self.included = 0, Fraction(0), None, None, False
        self.origin = self.two_of_three = None
        self.components = []

    def find_place(self, book):
        self.area, self.resolved, self.reason = place_of(book, self.account, self.site)

    def find_split(self, book, product):
        """By the product alone; a suspense of the place comes before one of the split."""
        self.product = product
        split = find_split(book, {"product": product})
        if split:
            self.shares, self.services = split.shares, services_text(split.shares)
        elif not self.reason:
            self.reason = "no_tax_service"


class Component:
    """A series and a jurisdiction on a charge line."""


def jurisdictions_for(book, tax, line):
    place = book.tax_areas[line.area]
    if line.kind != "usage" or tax.sourcing == "site":
        return place
    return line.origin if tax.sourcing == "origin" else line.two_of_three


def applies_to_kind(tax, line):
    return {"rate": True, "per_minute": line.service == "voice", "fixed": line.kind == "charge" and line.charge_kind != "credit",
            "per_line": line.kind == "service" and counted_lines(tax, line) is not None, "per_account": line.kind == "account"}[tax.kind]


def date_of(tax, line):
    if tax.date_basis == "call":
        return line.day
    return line.next_period if tax.date_basis == "bill" else line.period


def find_components(book, line, kinds=tax_tables.KINDS):
    """Section 3, which apply; sets the line's reason where no seller says what is interstate."""
    payer = book.payers[line.account]
    for tax in book.taxes.values():
        if tax.kind not in kinds or not applies_to_kind(tax, line):
            continue
        date = date_of(tax, line)
        for name in sorted(jurisdictions_for(book, tax, line)):
            applying = [series for series in tax.series if applies(book, series, name, date, payer)]
            taken = set()
            for series in sorted(applying, key=lambda series: not series.jurisdiction):
                services = {service for service in line.shares if not series.services or service in series.services}
                if series.jurisdiction:
                    taken |= services
                else:
                    services -= taken
                if services:
                    line.components.append(component(book, line, series, name, services, date))
    if any(part.weight is None for part in line.components):
        line.reason, line.components = "no_seller", []
    line.components.sort(key=lambda part: (part.tax.id, part.jurisdiction, part.series.line))
    grows = True
    while grows:                        # what stands on something late is late
        grows = False
        for part in line.components:
            if not part.late and any(other.late and other.tax.billable and other.tax.id in part.series.on_taxes for other in line.components):
                part.late = grows = True


def applies(book, series, name, date, payer):
    if series.jurisdiction != name and (series.jurisdiction or series.level != book.tax_jurisdictions[name].level):
        return False
    if not series.days[0] <= date < series.days[1] or (series.classes and payer.customer_class not in series.classes):
        return False
    return series.sale != "resale" or payer.sale == "resale"


def component(book, line, series, name, services, date):
    part = Component()
    part.series, part.tax, part.jurisdiction, part.date = series, series.tax, name, date
    part.level = book.tax_jurisdictions[name].level
    part.weight = weight_of(book, line, series, services, date) if series.tax.kind == "rate" else Fraction(0)
    part.percent, part.certificate = exempt_percent(book, line, part)
    part.late = series.runs
    return part


def weight_of(book, line, series, services, date):
    """share x part; None without a seller who says it."""
    if series.base == "none":
        return Fraction(0)
    total = Fraction(0)
    for service in services:
        share = Fraction(1)
        if series.base != "charge":
            share = interstate_share(book, line, service, date)
            if share is None:
                return None
            if series.base == "intrastate":
                share = 1 - share
        total += line.shares[service] * share
    return total


def interstate_share(book, line, service, date):
    rows = [row for row in book.sellers.get(book.payers[line.account].seller, ()) if row.days[0] <= date < row.days[1]]
    row = next((row for row in rows if service in row.services), None) or next((row for row in rows if not row.services), None)
    if row is None:
        return None
    if row.method == "actual" and line.jurisdiction in ("interstate", "international"):
        return Fraction(1)
    if row.method == "actual" and line.jurisdiction in ("local", "intrastate"):
        return Fraction(0)
    return row.share


def exempt_percent(book, line, part):
    """(percent, certificate)"""
    best, certificate = Fraction(0), ""
    for row in book.exemptions:
        if row.account not in ("", line.account) or row.site not in ("", line.site) or not row.days[0] <= part.date < row.days[1]:
            continue
        if row.jurisdiction and row.jurisdiction not in book.tax_jurisdictions[part.jurisdiction].above:
            continue
        if row.level not in ("", part.level) or row.category not in ("", part.tax.category) or row.tax not in ("", part.tax.id):
            continue
        if part.tax.named and not row.tax:
            continue
        if row.percent > best:
            best, certificate = row.percent, row.certificate
    if book.payers[line.account].sale == "resale" and part.series.sale == "retail":
        best, certificate = Fraction(100), ""
    return best, certificate


# ---------------------------------------------------------------------------------------------------------------------
# Section 3: the tax of one line
# ---------------------------------------------------------------------------------------------------------------------

class Count:
    """The curve of a series, over what an account has in a period."""

    def __init__(self, series):
        self.series, self.by_line = series, series.tax.kind == "per_line"

    def cut(self, x):
        """What of x counts: below the cap (of lines), above the threshold."""
        if x < 0:
            return -self.cut(-x)
        if self.by_line and self.series.cap is not None:
            x = min(x, self.series.cap)
        return max(Fraction(0), x - self.series.threshold)

    def spared(self, x):
        """What the threshold takes off."""
        return min(x, self.series.threshold) if x >= 0 else max(x, -self.series.threshold)

    def total(self, x):
        """C(x)"""
        if x < 0:
            return -self.total(-x)
        x = self.cut(x)
        tax = Fraction(0)
        for lower, upper, rate in self.series.brackets:
            inside = (x if upper is None else min(x, upper)) - lower
            if inside > 0:
                tax += inside * rate
        if self.series.cap is not None and not self.by_line:
            tax = min(tax, self.series.cap)
        return tax


def quantity(tax, line):
    """What a kind other than rate counts."""
    if tax.kind == "per_minute":
        return line.minutes
    return counted_lines(tax, line) if tax.kind == "per_line" else Fraction(1)


def taxed(part):
    return 1 - part.percent * Fraction(1, 100)


def scope_key(part, line):
    """Over what its curve runs."""
    tax = part.tax
    key = tax.id, part.jurisdiction
    return {"account": key, "location": key + (line.site,), "line": key + (id(line),)}[tax.scope]


def evaluate(book, line, charge, before):
    """Fills .exact, .base, .exempt of the line's components for a charge. before: {scope: x so far}, which goes on."""
    for group in book.tax_order:
        parts = [part for part in line.components if part.tax.id in group]
        if parts and group[0] in book.cyclic:
            solve_together(line, parts, charge)
        for part in sorted(parts, key=lambda part: (part.jurisdiction, part.series.line)):
            tax = part.tax
            amount = part.weight * charge
            if tax.kind == "rate":
                x = (amount + named_taxes(line, part)) * taxed(part)
            else:
                x = quantity(tax, line) * taxed(part)
            key = scope_key(part, line)
            start = before.get(key, Fraction(0)) if part.series.runs else Fraction(0)
            if part.series.runs:
                before[key] = start + x
            count = Count(part.series)
            exact = count.total(start + x) - count.total(start)
            if tax.id in book.cyclic and exact != part.exact:
                raise AssertionError("taxes that stand on each other do not agree")
            part.exact = exact
            spared = count.spared(start + x) - count.spared(start)
            part.base = x - spared
            if tax.kind == "per_line":
                part.base = count.cut(start + x) - count.cut(start)
            part.exempt = amount * part.percent * Fraction(1, 100) + spared if tax.kind == "rate" else Fraction(0)


def named_taxes(line, part):
    return sum((other.exact for other in line.components if other.tax.billable and other.tax.id in part.series.on_taxes), Fraction(0))


def solve_together(line, parts, charge):
    """Taxes that name each other: exact = rate x taxed x (own base + sum of the named ones), for all at once. The
    unknowns are put into each other one after another."""
    inside = {id(part) for part in parts}
    rules = []                    # exact of a part as a sum: constant + {id of a part: factor}
    for part in parts:
        factor = part.series.brackets[0][2] * taxed(part)
        others = [other for other in line.components if other.tax.billable and other.tax.id in part.series.on_taxes]
        constant = part.weight * charge + sum(other.exact for other in others if id(other) not in inside)
        rules.append((part, factor * constant, {id(other): factor for other in others if id(other) in inside}))
    known = []
    while rules:
        part, constant, terms = rules.pop()
        own = 1 - terms.pop(id(part), Fraction(0))          # e = c + a e + ...  ->  e = (c + ...) / (1 - a)
        constant, terms = Fraction(constant, own), {name: Fraction(value, own) for name, value in terms.items()}
        for index, (other, amount, named) in enumerate(rules):
            factor = named.pop(id(part), Fraction(0))
            for name, value in terms.items():
                named[name] = named.get(name, Fraction(0)) + factor * value
            rules[index] = other, amount + factor * constant, named
        known.append((part, constant, terms))
    found = {}
    for part, constant, terms in reversed(known):
        part.exact = found[id(part)] = constant + sum(value * found[name] for name, value in terms.items())


def charge_without_tax(book, line):
    """Of a price that includes tax: the charge at which charge and billable taxes are the price. They grow in
    proportion, from what is due at a charge of 0."""
    if any(part.series.runs for part in line.components):
        raise BookError("a price that includes a tax with brackets, cap or threshold: line %d of charges.csv" % line.line)

    def whole(charge):
        evaluate(book, line, Fraction(charge), {})
        return charge + sum(part.exact for part in line.components if part.tax.billable)

    charge = Fraction(line.charge - whole(0), whole(1) - whole(0))
    assert whole(charge) == line.charge
    return charge


# ---------------------------------------------------------------------------------------------------------------------
# Section 6: lines of the inventory
# ---------------------------------------------------------------------------------------------------------------------

class Inventory:
    """A row of services.csv in a period."""


def counted_lines(tax, line):
    """weight x quantity x fraction, and what the site itself counts; None: no component."""
    row = line.inventory
    found = Fraction(0)
    counts = row.type in tax.weights and (tax.part_month != "none" or row.days == row.period_days)
    if counts:
        part = Fraction(row.days, row.period_days) if tax.part_month == "prorated" else Fraction(1)
        found += tax.weights[row.type] * row.quantity * part
    if row.first_of_site and "location" in tax.weights:
        counts = True
        found += tax.weights["location"]
    return found if counts else None


def service_lines(book, account, first, following):
    """The rows in force on a day of a period, as charge lines."""
    lines, sites = [], set()
    zone = book.account_zone[account]
    for service, cells in zip(book.services, book.tables["services"]):
        if service.account != account:
            continue
        begin, end = service.span
        begin = datetime.date.min if begin == oracle.ALWAYS else bundles.local_date(begin, zone)
        end = datetime.date.max if end == oracle.NEVER else bundles.local_date(end - 1, zone) + DAY
        begin, end = max(begin, first), min(end, following)
        if begin >= end:
            continue
        line = ChargeLine(account, service.site, "service", begin, 0)
        line.line = cells["#"]
        line.find_place(book)
        line.product = cells["product"]
        if line.product:
            line.find_split(book, line.product)
        row = line.inventory = Inventory()
        row.type, row.quantity = service.type, service.quantity
        if row.type == "number" and book.nanp and oracle.is_toll_free(("e164", service.number or "x")):
            row.type = "toll_free"
        row.days, row.period_days = (end - begin).days, (following - first).days
        row.first_of_site = bool(service.site) and service.site not in sites
        sites.add(service.site)
        lines.append(line)
    return lines


# ---------------------------------------------------------------------------------------------------------------------
# Section 5: the charge lines of an account and period
# ---------------------------------------------------------------------------------------------------------------------

def charge_lines(book, account, first, following):
    lines = []
    for row in book.charges:
        begin, end = row.days
        if row.account != account:
            continue
        if row.kind == "recurring":
            due = begin < following and first < end
        else:
            due = first <= begin < following
        if not due:
            continue
        line = ChargeLine(account, row.site, "charge", max(begin, first), row.amount)
        line.line, line.charge_kind, line.included = row.line, row.kind, row.tax_included
        line.find_place(book)
        line.find_split(book, row.product)
        lines.append(line)
    return lines


def account_line(book, account, first, following):
    """The line for taxes of the account; None where none applies."""
    line = ChargeLine(account, "", "account", first, 0)
    line.period, line.next_period = first, following
    line.find_place(book)
    if line.reason:
        return line if any(tax.kind == "per_account" for tax in book.taxes.values()) else None
    find_components(book, line, ("per_account",))
    due = bool(line.components)
    line.components = []
    return line if due else None


def period_lines(book, run, account, period, periods):
    lines = []
    for row in sorted(run.periods, key=lambda row: [row[name].encode() for name in ("period", "site", "number", "tiers", "kind")]
                      + [row["#"]]):
        begin = datetime.date.fromisoformat(row["period"])
        if row["account"] != account or periods.of(begin) != period:
            continue
        line = ChargeLine(account, row["site"], "period", periods.first(period), Fraction(row["charge"]))
        line.find_place(book)
        product = book.tiers[row["tiers"]].product if row["tiers"] else ""
        line.find_split(book, product or "period:" + row["kind"])
        lines.append(line)
    return lines


USAGE_ORDER = {name: index for index, name in enumerate(oracle.SERVICE_NAMES)}
JURISDICTION_ORDER = {name: index for index, name in enumerate(oracle.JURISDICTIONS)}


def usage_lines(book, buckets, account, period):
    """buckets: {(account, site, period, tuple): [calls, units, charge in 1e-8]}"""
    lines = []
    for (owner, site, at, key), (calls, units, amount) in buckets.items():
        if owner != account or at != period:
            continue
        cells = dict(zip(TUPLE_COLUMNS, key[0]))
        line = ChargeLine(account, site, "usage", datetime.date.fromisoformat(cells["from"]), Fraction(amount, oracle.UNIT))
        line.tuple, line.calls = cells, calls
        line.area, line.resolved, line.reason = cells["area"], cells["resolved"], cells["reason"]
        line.shares, line.services = dict(key[1]), cells["tax_services"]
        line.service, line.jurisdiction = cells["service"], cells["jurisdiction"]
        line.minutes = Fraction(units, 60) if line.service == "voice" else Fraction(0)
        line.origin, line.two_of_three = (set(part.split(";")) - {""} for part in (cells["origin"], cells["two_of_three"]))
        lines.append(line)
    lines.sort(key=lambda line: (line.site.encode(), line.day, USAGE_ORDER[line.service], JURISDICTION_ORDER[line.jurisdiction],
                                 line.services.encode(), line.tuple["origin"].encode(), line.tuple["two_of_three"].encode(),
                                 line.tuple["split_line"]))
    return lines


def tuple_of(book, record, line):
    """(cells, shares, period) of a rated line."""
    account = line["account"]
    payer, periods = book.payers[account], Periods(book, account)
    date = bundles.local_date(record.start, periods.zone)
    cells = dict.fromkeys(TUPLE_COLUMNS, "")
    area, resolved, reason = place_of(book, account, line["site"])
    split = find_split(book, {"product": line.product, "service": line["service"], "class": line["class"],
                              "jurisdiction": line["jurisdiction"]})
    first = periods.first(periods.of(date))
    cells.update(period=first.isoformat(), area=area, resolved=resolved, service=line["service"], jurisdiction=line["jurisdiction"],
                 customer_class=payer.customer_class, sale=payer.sale, seller=payer.seller,
                 tax_services=services_text(split.shares) if split else "", split_line=split.line if split else 0)
    cells["from"] = span_begin(book, first, date).isoformat()
    cells["exemptions"] = ";".join(str(row.line) for row in book.exemptions
                                   if row.account in ("", account) and row.site in ("", line["site"]))
    sourcings = {tax.sourcing for tax in book.taxes.values()}
    ends_reason = add_ends(book, record, line, cells, sourcings - {"site"})
    if not reason and not split:
        reason = "no_tax_service"
    cells["reason"] = reason or ends_reason
    shares = tuple(sorted(split.shares.items())) if split else ()
    if not cells["reason"]:
        cells["reason"] = seller_reason(book, line, cells, shares, periods)
    return cells, shares, periods.of(date)


def add_ends(book, record, line, cells, sourcings):
    """The jurisdictions of the call's ends, where some tax looks at them; a reason."""
    if not sourcings:
        return ""
    origin, terminal = ends_of(book, record, line.payer)
    if origin is None or (terminal is None and "two_of_three" in sourcings):
        return "no_leg_place"
    if "origin" in sourcings:
        cells["origin"] = ";".join(sorted(origin))
    if "two_of_three" in sourcings:
        place = book.tax_areas.get(cells["area"], set())
        cells["two_of_three"] = ";".join(sorted(at_least_two(origin, terminal, place)))
    return ""


def seller_reason(book, line, cells, shares, periods):
    """no_seller, if a tax needs the seller's share and there is none."""
    key = tuple(cells[name] for name in TUPLE_COLUMNS), shares
    if key not in book.seller_reasons:
        period = datetime.date.fromisoformat(cells["period"])
        bucket = {(line["account"], line["site"], 0, key): (1, 0, 0)}
        probe = usage_lines(book, bucket, line["account"], 0)[0]
        probe.period, probe.next_period = period, periods.first(periods.of(period) + 1)
        find_components(book, probe)
        book.seller_reasons[key] = probe.reason
    return book.seller_reasons[key]


# ---------------------------------------------------------------------------------------------------------------------
# All accounts of a run
# ---------------------------------------------------------------------------------------------------------------------

class Taxes:
    """tuples: [(entry, cells)] of the rated lines; buckets; lines: all charge lines, in order."""


def tax_run(book, run):
    taxes = Taxes()
    taxes.tuples, taxes.buckets, taxes.lines = [], {}, []
    book.seller_reasons = {}
    for entry in run.entries:
        if entry.line["status"] != "rated":
            continue
        cells, shares, period = tuple_of(book, entry.record, entry.line)
        taxes.tuples.append((entry, cells))
        key = entry.line["account"], entry.line["site"], period, (tuple(cells[name] for name in TUPLE_COLUMNS), shares)
        bucket = taxes.buckets.setdefault(key, [0, 0, 0])
        bucket[0] += 1
        bucket[1] += int(entry.line["billed"])
        bucket[2] += oracle.money_units(entry.line["charge"])
    for account in sorted(book.account_zone, key=str.encode):
        for period in sorted(periods_of(book, run, taxes, account)):
            taxes.lines += tax_period(book, run, taxes, account, period)
    return taxes


def periods_of(book, run, taxes, account):
    periods = Periods(book, account)
    found = set(tiers.periods_of_run(run.days, periods.day, periods.zone))
    found = {period for period in found if not is_closed(book, run, account, period)}
    found |= {key[2] for key in taxes.buckets if key[0] == account}
    return found | {periods.of(datetime.date.fromisoformat(row["period"])) for row in run.periods if row["account"] == account}


def is_closed(book, run, account, period):
    """Whether a period lies before what the run goes on from."""
    periods = Periods(book, account)
    return bool(run.closed) and bundles.period_begin(period + 1, periods.day, periods.zone) <= run.closed.closing_of(account)


def tax_period(book, run, taxes, account, period):
    periods = Periods(book, account)
    first, following = periods.first(period), periods.first(period + 1)
    lines = []
    if not is_closed(book, run, account, period):
        lines = charge_lines(book, account, first, following) + service_lines(book, account, first, following)
    later = period_lines(book, run, account, period, periods) + usage_lines(book, taxes.buckets, account, period)
    if (lines or later) and not is_closed(book, run, account, period):
        line = account_line(book, account, first, following)
        lines += [line] if line else []
    lines += later
    before = {}
    for line in lines:
        line.period, line.next_period = first, following
        if line.reason:
            continue
        find_components(book, line)
        if line.reason:
            continue
        if line.included:
            line.charge = charge_without_tax(book, line)
        evaluate(book, line, line.charge, before)
    round_taxes(lines)
    return lines


def round_taxes(lines):
    """To cents, by account, site or line; and the cents to the lines."""
    sums = {}
    for index, line in enumerate(lines):
        for part in line.components:
            scope = {"account": None, "invoice_line": line.site, "line": index}[part.tax.round_scope]
            sums.setdefault((part.tax.id, part.jurisdiction, scope), []).append(part)
    for parts in sums.values():
        cents = [part.exact * 100 for part in parts]
        whole = oracle.round_money(sum(cents) * Fraction(1, 100), 2, parts[0].tax.rounding) // 10**6
        for part, exact in zip(parts, cents):
            part.cents = exact.numerator // exact.denominator
        left = whole - sum(part.cents for part in parts)
        by_rest = sorted(range(len(parts)), key=lambda index: (parts[index].cents - cents[index], index))
        for index in by_rest[:left]:
            parts[index].cents += 1

