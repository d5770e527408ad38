"""Section 12 of docs/RATING.md: bundles, who has them, the lots of their pools, and what calls draw from these.

A pool is the tuple (bundle's name, what its scope goes by...): (b, account, number), (b, account, site), (b, account) or
(b, name). Periods are counted in months since the year 0: the one that begins in March 2026 is 2026 x 12 + 2.
"""
import calendar
import datetime
from functools import lru_cache

import oracle
from oracle import ALWAYS, NEVER, BookError

UNITS = ("s", "message", "byte", "event")
LIMIT = 10**15


# ---------------------------------------------------------------------------------------------------------------------
# Periods
# ---------------------------------------------------------------------------------------------------------------------

@lru_cache(maxsize=None)
def first_day(period, day):
    """The day on which a period begins; in a month without that day, the month's last."""
    year, month = divmod(period, 12)
    return datetime.date(year, month + 1, min(day, calendar.monthrange(year, month + 1)[1]))


@lru_cache(maxsize=None)
def period_begin(period, day, zone):
    return oracle.local_instant(first_day(period, day).isoformat(), zone)


def local_date(now, zone):
    return (oracle.EPOCH + datetime.timedelta(milliseconds=now)).astimezone(zone).date()


def period_of_date(date, day):
    period = date.year * 12 + date.month - 1
    return period if first_day(period, day) <= date else period - 1


@lru_cache(maxsize=200000)
def period_of_quarter(quarter, day, zone):
    now = quarter * 900000
    period = period_of_date(local_date(now, zone), day) + 1
    while period_begin(period, day, zone) > now:
        period -= 1
    return period


def period_at(now, day, zone):
    """The period in which an instant lies; none begins within a quarter of an hour."""
    return period_of_quarter(now // 900000, day, zone)


class Days:
    """The run's first and last day in a zone, from the starts of its first and last CDR."""

    def __init__(self, first, last):
        self.first_ms, self.last_ms = first, last

    def first(self, zone):
        return max(local_date(self.first_ms, datetime.timezone.utc), local_date(self.first_ms, zone))

    def last(self, zone):
        return min(local_date(self.last_ms, datetime.timezone.utc), local_date(self.last_ms, zone))


# ---------------------------------------------------------------------------------------------------------------------
# The tables
# ---------------------------------------------------------------------------------------------------------------------

class Bundle:
    pass


class Subscription:
    pass


class Service:
    pass


def whole(text, empty, low, high):
    if not text:
        return empty
    if not text.isdigit() or not low <= int(text) <= high:
        raise BookError("not a whole number of %d to %d: %s" % (low, high, text))
    return int(text)


def load_bundles(book):
    book.bundles = {}
    for order, cells in enumerate(book.tables["bundles"]):
        bundle = Bundle()
        bundle.name = cells["bundle"]
        if not bundle.name or bundle.name in book.bundles:
            raise BookError("bundle twice, or without a name: " + bundle.name)
        bundle.unit = oracle.choice(cells, "unit", "", *UNITS)
        bundle.quantity = whole(cells["quantity"], None, 0, LIMIT)
        if not bundle.unit or bundle.quantity is None:
            raise BookError("a bundle has a unit and a quantity: " + bundle.name)
        bundle.scope = oracle.choice(cells, "scope", "account", "number", "site", "pool")
        services = oracle.SERVICES_OF_UNIT[bundle.unit]
        bundle.services = set(cells["services"].split(";")) if cells["services"] else set(services)
        if not bundle.services <= set(services):
            raise BookError("services that are not of the unit: " + bundle.name)
        bundle.lists = {name: set(cells[column].split(";")) for name, column in
                        (("class", "classes"), ("jurisdiction", "jurisdictions"), ("destination", "destinations")) if cells[column]}
        if not bundle.lists.get("destination", set()) <= set(book.destinations.values()):
            raise BookError("a destination that the book does not have: " + bundle.name)
        if book.on_net == "none" and "on_net" in bundle.lists.get("class", ()):
            raise BookError("a bundle for on_net, but on_net of book.yaml is none: " + bundle.name)
        bundle.direction = oracle.choice(cells, "direction", "", "out", "in")
        anchor = oracle.choice(cells, "period", "month", "anchor") == "anchor"
        if cells["anchor_day"] and not anchor:
            raise BookError("anchor_day is for period anchor: " + bundle.name)
        bundle.day = whole(cells["anchor_day"], None, 1, 31) if anchor else 1
        bundle.rollover = whole(cells["rollover_periods"], 0, 0, 36)
        bundle.prorate = oracle.choice(cells, "prorate", "no", "yes") == "yes"
        bundle.at_limit = oracle.choice(cells, "at_limit", "overage", "flag", "reject")
        bundle.used = oracle.choice(cells, "debit", "billed", "used") == "used"
        if cells["increment"] and not bundle.used:
            raise BookError("increment is for debit used: " + bundle.name)
        bundle.increment = whole(cells["increment"], 1, 1, LIMIT)
        bundle.fee_charged = oracle.choice(cells, "connect_fee", "waived", "charged") == "charged"
        bundle.order = (not bundle.used, int(cells["priority"] or "0"), order)
        bundle.subscriptions = []
        book.bundles[bundle.name] = bundle
    load_services(book)
    load_subscriptions(book)
    book.drawn = sorted(book.bundles.values(), key=lambda bundle: bundle.order)
    book.plan_times, book.pool_plan_times, book.lot_sizes = {}, {}, {}


def load_services(book):
    book.services = []
    for cells in book.tables["services"]:
        service = Service()
        if cells["account"] not in book.account_zone or not cells["type"]:
            raise BookError("a service has an account and a type: %s" % cells)
        if cells["site"] and book.site_account.get(cells["site"]) != cells["account"]:
            raise BookError("a service at a site of another account: %s" % cells)
        service.account, service.site, service.type = cells["account"], cells["site"], cells["type"]
        service.number = cells["number"].lstrip("+")
        service.quantity = whole(cells["quantity"], 1, 1, 10**6)
        service.span = oracle.span(cells, book.account_zone[cells["account"]])
        book.services.append(service)


def load_subscriptions(book):
    for cells in book.tables["subscriptions"]:
        row = Subscription()
        row.kind, _, row.value = cells["subject"].partition(":")
        if row.kind not in ("number", "site", "account", "plan", "default", "carrier", "trunk"):
            raise BookError("unknown subject: " + cells["subject"])
        if cells["bundle"] not in book.bundles:
            raise BookError("unknown bundle: " + cells["bundle"])
        bundle = book.bundles[cells["bundle"]]
        row.buys = row.kind in ("carrier", "trunk")
        row.pool = cells["pool"]
        if (bundle.scope == "pool") != bool(row.pool) or (row.buys and not row.pool):
            raise BookError("a pool's name is for scope pool: %s" % cells)
        row.type = cells["times"][len("count:"):] if cells["times"].startswith("count:") else ""
        row.times = None if row.type else whole(cells["times"], 1, 1, 10**6)
        if row.type and row.pool and row.kind not in ("number", "site", "account"):
            raise BookError("count is of a number, site or account: %s" % cells)
        if row.times and row.times * bundle.quantity > LIMIT:
            raise BookError("quantity x times: %s" % cells)
        if row.kind == "number":
            row.value = row.value.lstrip("+")
            row.spans = {owner: oracle.span(cells, zone) for owner, zone in oracle.owners_and_zones(book, "number", row.value)}
        else:
            if row.kind == "plan" and row.value not in book.plans:
                raise BookError("unknown plan: " + row.value)
            row.spans = {None: oracle.span(cells, oracle.assignment_zone(book, row.kind, row.value))}
        bundle.subscriptions.append(row)
    for bundle in book.bundles.values():
        for name in {row.pool for row in bundle.subscriptions if row.pool}:
            check_pool(book, bundle, name)


def accounts_of(book, row):
    """Those that can draw by a subscription."""
    if row.kind == "number":
        return set(row.spans)
    if row.kind == "site":
        return {book.site_account[row.value]}
    return {row.value} if row.kind == "account" else set(book.account_zone)


def check_pool(book, bundle, name):
    accounts = set()
    if len({row.buys for row in bundle.subscriptions if row.pool == name}) > 1:
        raise BookError("a pool of what is sold and of cost: " + name)
    for row in bundle.subscriptions:
        if row.pool == name and not row.buys:
            accounts |= accounts_of(book, row)
    if len({(str(book.account_zone[account]), book.cycle_day[account]) for account in accounts}) > 1:
        raise BookError("accounts of a pool with several timezones or cycle days: " + name)
    bundle.pool_account = dict(getattr(bundle, "pool_account", {}), **{name: min(accounts, default=None)})


# ---------------------------------------------------------------------------------------------------------------------
# 12.1 Pools
# ---------------------------------------------------------------------------------------------------------------------

def clock_of(book, bundle, pool):
    """(anchor day, zone) of a pool's periods."""
    account = bundle.pool_account[pool[1]] if bundle.scope == "pool" else pool[1]
    if account is None:                    # of cost
        return bundle.day or 1, book.zone
    return bundle.day or book.cycle_day[account], book.account_zone[account]


def numbers_in(book, account, site=None, number=None):
    """{(site, digits, or "" for those that no assignment names)} of numbers.csv, of any date, that lie in something."""
    found = set()
    for row in book.ranges:
        if row.account != account or site not in (None, row.site):
            continue
        if number is not None:
            if number[:1] == "+" and len(row.first) == len(number) - 1 and row.first <= number[1:] <= row.last:
                found.add((row.site, number[1:]))
            continue
        named = [value for kind, value in book.assignments if kind == "number" and len(value) == len(row.first)
                 and row.first <= value <= row.last]
        found.update((row.site, value) for value in named)
        if int(row.last) - int(row.first) + 1 > len(named):
            found.add((row.site, ""))
    for name, rows in book.named.items():
        found.update((row.site, "") for row in rows
                     if row.account == account and site in (None, row.site) and number in (None, name))
    for name, row in book.trunk_account.items():
        if row.account == account and site in (None, "") and number in (None, "trunk:" + name):
            found.add(("", ""))
    return found


def plan_times(book, account, site, digits):
    """[(start, end, plan)]: which plan a number has when, by section 5 without trunk and carrier."""
    key = (account, site, digits)
    if key not in book.plan_times:
        chain = [[row for row in book.assignments.get(subject, ()) if row[3] in (None, account)]
                 for subject in (("number", digits), ("site", site), ("account", account), ("default", ""))]
        cuts = sorted({ALWAYS, NEVER} | {cut for rows in chain for row in rows for cut in row[:2]})
        times = []
        for start, end in zip(cuts, cuts[1:]):
            plan = next((row[2] for rows in chain for row in rows if row[0] <= start < row[1]), None)
            if plan:
                times.append((start, end, plan))
        book.plan_times[key] = times
    return book.plan_times[key]


def plan_spans(book, bundle, pool, plan):
    """When a plan is the plan of some number in a pool: stretches of time that do not touch each other."""
    if bundle.scope == "pool":
        return [(ALWAYS, NEVER)]
    if (bundle.scope, pool[1:]) not in book.pool_plan_times:
        lies = {"number": pool[2]} if bundle.scope == "number" else {"site": pool[2]} if bundle.scope == "site" else {}
        book.pool_plan_times[bundle.scope, pool[1:]] = sorted(
            {time for site, digits in numbers_in(book, pool[1], **lies) for time in plan_times(book, pool[1], site, digits)})
    stretches = []
    for start, end, given in book.pool_plan_times[bundle.scope, pool[1:]]:
        if given != plan:
            continue
        if stretches and start <= stretches[-1][1]:
            stretches[-1] = stretches[-1][0], max(end, stretches[-1][1])
        else:
            stretches.append((start, end))
    return stretches


def leads(book, row, account, site=None):
    """Whether a subscription leads some number of an account (and site) to its pool."""
    if row.kind in ("carrier", "trunk"):
        return False
    if row.kind == "number":
        return account in row.spans and bool(numbers_in(book, account, site, "+" + row.value))
    if row.kind == "site":
        return book.site_account[row.value] == account and site in (None, row.value) and bool(numbers_in(book, account, row.value))
    if row.kind == "account":
        return row.value == account and bool(numbers_in(book, account, site))
    if row.kind == "default":
        return bool(numbers_in(book, account, site))
    start, end = row.spans[None]
    return any(plan == row.value and first < end and start < last for lies, digits in numbers_in(book, account, site)
               for first, last, plan in plan_times(book, account, lies, digits))


def belongs(book, bundle, row, pool):
    """Whether a subscription, but for its dates, gives to a pool."""
    if bundle.scope == "pool":
        return row.pool == pool[1]
    if row.kind in ("plan", "default"):
        return True
    account = pool[1]
    if row.kind == "account":
        return row.value == account
    if row.kind == "site":
        if book.site_account[row.value] != account:
            return False
        if bundle.scope == "number":
            return any(site == row.value for site, _ in numbers_in(book, account, number=pool[2]))
        return bundle.scope == "account" or row.value == pool[2]
    if bundle.scope == "number":
        return pool[2] == "+" + row.value
    return bool(numbers_in(book, account, pool[2] if bundle.scope == "site" else None, "+" + row.value))


def spans_for(book, bundle, row, pool):
    """When a subscription gives to a pool."""
    if row.kind != "number":
        start, end = row.spans[None]
    else:
        account = (bundle.pool_account[pool[1]] if bundle.scope == "pool" else pool[1])
        if account not in row.spans:
            if bundle.scope != "pool":
                return []
            account = min(row.spans)              # all of them are of one zone
        start, end = row.spans[account]
    if row.kind != "plan":
        return [(start, end)]
    both = [(max(start, first), min(end, last)) for first, last in plan_spans(book, bundle, pool, row.value)]
    return [(first, last) for first, last in both if first < last]


def counts_service(bundle, row, pool, service):
    """Whether a service is one that `count:` counts: of the pool's number, site or account, and in the subject."""
    if service.type != row.type:
        return False
    if row.kind == "number" and service.number != row.value:
        return False
    if row.kind == "site" and service.site != row.value:
        return False
    if row.kind == "account" and service.account != row.value:
        return False
    if bundle.scope == "pool":
        return True
    if service.account != pool[1]:
        return False
    if bundle.scope == "number":
        return "+" + service.number == pool[2]
    return bundle.scope == "account" or service.site == pool[2]


def granted(bundle, units, begin, period, day, zone):
    """What something that begins then gives of its units."""
    if not bundle.prorate:
        return units
    first, following = first_day(period, day), first_day(period + 1, day)
    date = max(first, local_date(begin, zone))
    return units * (following - date).days // (following - first).days


def lot_size(book, bundle, pool, period):
    key = (pool, period)
    if key in book.lot_sizes:
        return book.lot_sizes[key]
    day, zone = clock_of(book, bundle, pool)
    begin, end = period_begin(period, day, zone), period_begin(period + 1, day, zone)
    size = 0
    for row in bundle.subscriptions:
        if not belongs(book, bundle, row, pool):
            continue
        spans = [(max(begin, first), min(end, last)) for first, last in spans_for(book, bundle, row, pool)]
        spans = sorted(span for span in spans if span[0] < span[1])
        for first, last in spans:                 # of a plan each stretch counts
            if row.times:
                size += granted(bundle, bundle.quantity * row.times, first, period, day, zone)
                continue
            for service in book.services:
                if counts_service(bundle, row, pool, service) and max(first, service.span[0]) < min(last, service.span[1]):
                    size += granted(bundle, bundle.quantity * service.quantity, max(first, service.span[0]), period, day, zone)
    book.lot_sizes[key] = size
    return size


class Pools:
    """What the lots of all pools have given, by the period of the calls that drew it."""

    def __init__(self, book, days):
        self.book, self.days = book, days
        self.given = {}           # (pool, lot's period) -> units
        self.drawn = {}           # (pool, lot's period, call's period) -> units
        self.over = {}            # (pool, call's period) -> units
        self.frozen = {}          # (pool, period) -> size of a lot that is closed
        self.least = {}           # (pool, period) -> what closed calls took

    def bundle(self, pool):
        return self.book.bundles[pool[0]]

    def clock(self, pool):
        return clock_of(self.book, self.bundle(pool), pool)

    def size(self, pool, period):
        if (pool, period) in self.frozen:
            return self.frozen[pool, period]
        return max(lot_size(self.book, self.bundle(pool), pool, period), self.least.get((pool, period), 0))

    def first_period(self, pool):
        """The first one whose lot lives on."""
        day, zone = self.clock(pool)
        return period_of_date(self.days.first(zone), day)

    def lots(self, pool, period):
        """The periods whose lots are valid in a period, the oldest first."""
        first = self.first_period(pool)
        return list(range(max(first, period - self.bundle(pool).rollover), period)) + [period]

    def left_of(self, pool, lot):
        return self.size(pool, lot) - self.given.get((pool, lot), 0)

    def left(self, pool, period):
        return sum(self.left_of(pool, lot) for lot in self.lots(pool, period))

    def draw(self, pool, period, units, over):
        """[(pool, lot or None, period, units)]: the units beyond `over`, from the oldest lots first."""
        draws = []
        for lot in self.lots(pool, period):
            part = min(units - over, self.left_of(pool, lot))
            if part:
                draws.append((pool, lot, period, part))
                units -= part
                self.record(draws[-1])
        if units != over:
            raise AssertionError("more drawn than was left")
        if over:
            draws.append((pool, None, period, over))
            self.record(draws[-1])
        return draws

    def record(self, draw):
        pool, lot, period, units = draw
        if lot is None:
            self.over[pool, period] = self.over.get((pool, period), 0) + units
            return
        self.given[pool, lot] = self.given.get((pool, lot), 0) + units
        self.drawn[pool, lot, period] = self.drawn.get((pool, lot, period), 0) + units

    def balance(self, pool, period):
        """granted, rolled in, used, rolled out, expired and over of a period."""
        first, rollover = self.first_period(pool), self.bundle(pool).rollover
        rolled_in = rolled_out = expired = used = 0
        for lot in self.lots(pool, period):
            before = sum(self.drawn.get((pool, lot, earlier), 0) for earlier in range(lot, period))
            here = self.drawn.get((pool, lot, period), 0)
            used += here
            if lot < period:
                rolled_in += self.size(pool, lot) - before
            if lot + rollover > period and lot >= first:
                rolled_out += self.size(pool, lot) - before - here
            else:
                expired += self.size(pool, lot) - before - here
        return {"granted": self.size(pool, period), "rolled_in": rolled_in, "used": used, "rolled_out": rolled_out,
                "expired": expired, "over": self.over.get((pool, period), 0)}


# ---------------------------------------------------------------------------------------------------------------------
# 12.2 Drawing
# ---------------------------------------------------------------------------------------------------------------------

def fits(book, bundle, record, line):
    if record.service not in bundle.services or bundle.direction not in ("", record.direction):
        return False
    for name, words in bundle.lists.items():
        actual = oracle.destination_of(book, record.callee) if name == "destination" else line[name]
        if actual not in words:
            return False
    return True


def pools_for(book, record, line, subjects, buys):
    """[(bundle, pool)] in the order in which a line draws on them. subjects: (kind, value) that are the line's."""
    found = []
    account, site, number = line.payer or ("", "", "")
    for bundle in book.drawn:
        if not fits(book, bundle, record, line):
            continue
        names = set()
        for row in bundle.subscriptions:
            if (row.kind, row.value) not in subjects or row.buys != buys:
                continue
            start, end = row.spans[account if row.kind == "number" else None]
            if start <= record.start < end:
                names.add(row.pool)
        if bundle.scope == "pool":
            found.extend((bundle, (bundle.name, name)) for name in sorted(names))
        elif names:
            scope = {"number": (account, number), "site": (account, site), "account": (account,)}[bundle.scope]
            found.append((bundle, (bundle.name,) + scope))
    return found


def selling_subjects(book, record, line):
    account, site, number = line.payer
    subjects = {("account", account), ("default", ""), ("plan", oracle.find_plan(book, record, line.payer, by_route=False))}
    if site:
        subjects.add(("site", site))
    if number.startswith("+"):
        subjects.add(("number", number[1:]))
    return subjects


def draw(pools, record, deal, candidates):
    """Draws for a line that is rated, and prices what remains. Returns [(pool, lot or None, period, units)] and sets the
    line's billed, included, bundle, charge and reason."""
    line = deal.line
    rest, included, billed = deal.used, 0, None
    takings = []                                   # (bundle, pool, period, units, over)
    for bundle, pool in candidates:
        period = period_at(record.start, *pools.clock(pool))
        left = pools.left(pool, period)
        if bundle.used:
            needed = oracle.ceil_div(rest, bundle.increment) * bundle.increment
            units = needed if left >= needed else left // bundle.increment * bundle.increment
            missing = needed - units if left < needed else 0
            after = 0 if left >= needed else rest - units
        else:
            if billed is None:
                billed = deal.billed(rest) if rest or not included else 0
                covered = 0
            units = min(left, billed - covered)
            missing = after = billed - covered - units
        over = 0
        if after and bundle.at_limit == "reject":
            oracle.suspense(line, "pool_limit")
            return []
        if after and bundle.at_limit == "flag":
            units += missing
            over = max(0, units - left)
            after = 0
            line["reason"] = "fair_use"
        if bundle.used:
            rest = after
            included += units
        else:
            covered += units
        if units:
            takings.append((bundle, pool, period, units, over))
    if not takings:
        return []
    if billed is None:
        billed, covered = deal.billed(rest) if rest else 0, 0
    draws = [entry for _, pool, period, units, over in takings for entry in pools.draw(pool, period, units, over)]
    deal.rest, deal.covered = rest, covered
    if (rest == 0 and included) or (covered and covered == billed):
        amount = deal.connect_only() if any(bundle.fee_charged for bundle, *_ in takings) else 0
    else:
        amount = deal.amount(rest, covered)
    line["included"], line["bundle"] = str(included + covered), takings[0][0].name
    line["pool"] = takings[0][1][1] if takings[0][0].scope == "pool" else ""
    oracle.rated(line, included + billed, amount)
    return draws
