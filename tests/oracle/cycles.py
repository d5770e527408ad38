"""Section 14 of docs/RATING.md: what is closed stays as it is, and a later run goes on behind it."""
import datetime

import bundles
import cost
import oracle
import tiers


class Entry:
    """A record and its line, what that drew for what it sells and for what it costs, and what it did to tiers."""

    def __init__(self, record, line):
        self.record, self.line = record, line
        self.draws, self.cost_draws, self.use = [], [], None
        self.was = self           # of a call that is closed: as it was rated


class State:
    """closing: {account: instant}; closed: {identity of a record: its Entry}; charges: {(count, period): {kind: amount}};
    rows: the period charges of what is closed; sizes: {(pool, period): units} of closed lots."""

    def __init__(self):
        self.closing, self.book_closing = {}, oracle.ALWAYS
        self.first_ms = None
        self.closed, self.charges, self.sizes = {}, {}, {}
        self.rows, self.already_billed = [], []

    def closing_of(self, account):
        return self.closing[account] if account else self.book_closing

    def is_closed(self, book, entry):
        """Whether a call lies before the closing time: closed, or late."""
        return entry.record.start < self.closing_of(entry.line["account"])

    def charged(self, book, count, period):
        """What was charged for a period of which something is closed."""
        day, zone = tiers.clock_of(book, count)
        if bundles.period_begin(period, day, zone) < self.closing_of(count[1]):
            return self.charges.get((count, period), {})
        return {}

    def is_whole(self, book, count, period):
        """Whether all of a period is closed."""
        day, zone = tiers.clock_of(book, count)
        return bundles.period_begin(period + 1, day, zone) <= self.closing_of(count[1])


def closing_time(book, account, until):
    """The latest beginning of a billing period that is not after 00:00 of a date in the account's zone."""
    day, zone = book.cycle_day[account], book.account_zone[account]
    return bundles.period_begin(bundles.period_of_date(datetime.date.fromisoformat(until), day), day, zone)


def billing_period(book, account, now):
    return bundles.period_at(now, book.cycle_day[account], book.account_zone[account])


def close(run, until):
    """The state after a run."""
    book, state, before = run.book, State(), run.after
    state.first_ms = run.days.first_ms
    state.closing = {account: closing_time(book, account, until) for account in book.account_zone}
    state.book_closing = oracle.local_instant(until, book.zone)
    fresh = []
    if before:
        state.closed.update(before.closed)
        state.charges.update(before.charges)
        state.sizes.update(before.sizes)
    for entry in run.entries:
        entry = entry.was
        if entry.line["status"] in ("rated", "zero_rated", "other_party") and state.is_closed(book, entry):
            fresh += [entry] if entry.record.identity() not in state.closed else []
            state.closed[entry.record.identity()] = entry
    draw_costs_alone(run, before, fresh)
    state.charges.update(run.charges)
    for pool, lot in run.pools.given:
        day, zone = run.pools.clock(pool)
        account = run.pools.bundle(pool).pool_account[pool[1]] if run.pools.bundle(pool).scope == "pool" else pool[1]
        if bundles.period_begin(lot + 1, day, zone) <= state.closing_of(account):
            state.sizes[pool, lot] = run.pools.size(pool, lot)
    rows = [row for row in run.periods if row["kind"] != "already_billed"]
    state.rows = (before.rows if before else []) + [row for row in rows if row_begin(book, row) < state.closing_of(row["account"])]
    return state


def draw_costs_alone(run, before, fresh):
    """What the costs of closed calls draw by themselves, without those of calls that stay in suspense."""
    pools = bundles.Pools(run.book, run.days)
    if before:
        pools.frozen = before.sizes
        for entry in before.closed.values():
            for draw in entry.cost_draws:
                pools.record(draw)
    for entry in fresh:
        line = oracle.Line(entry.line.payer)
        line.update(entry.line)
        entry.cost_draws = cost.add_cost(run.book, pools, entry.record, line)


def row_begin(book, row):
    return oracle.local_instant(row["period"], book.account_zone[row["account"]])


def closed_entry(book, was):
    """The line of a closed call in a later run."""
    record, line = was.record, oracle.new_line(book, was.record, was.line.payer)
    line["account"], line["site"], line["number"] = (was.line[name] for name in ("account", "site", "number"))
    entry = Entry(record, oracle.zero_rated(line, "closed", 0))
    entry.was = was
    return entry


# ---------------------------------------------------------------------------------------------------------------------
# Late calls: rated again with all that follows
# ---------------------------------------------------------------------------------------------------------------------

def groups_of(book):
    """{account: the set of accounts that share pools or tiers with it, whatever way round}"""
    groups = {account: {account} for account in book.account_zone}

    def join(accounts):
        whole = set().union(*(groups[account] for account in accounts))
        for account in whole:
            groups[account] = whole

    for bundle in book.bundles.values():
        for name in {row.pool for row in bundle.subscriptions if row.pool and not row.buys}:
            join({account for row in bundle.subscriptions if row.pool == name for account in groups if bundles.leads(book, row, account)})
    if any(tiers.scope == "pool" for tiers in book.tiers.values()):
        for account, parent in book.parent.items():
            if parent:
                join({account, parent})
    return groups


def reopened(run, state):
    """The state without the billing periods in which late calls lie, and those that follow them."""
    book = run.book
    groups = groups_of(book)
    begins = {}                           # account -> when what is rated again begins
    for entry in run.entries:
        account = entry.line["account"]
        if entry.record.identity() in state.closed or not account or not state.is_closed(book, entry):
            continue
        begin = bundles.period_begin(billing_period(book, account, entry.record.start), book.cycle_day[account], book.account_zone[account])
        for other in groups[account]:
            begins[other] = min(begins.get(other, begin), begin)
    made = State()
    made.first_ms, made.book_closing = state.first_ms, state.book_closing
    made.closing = {account: min(begins.get(account, closing), closing) for account, closing in state.closing.items()}
    made.sizes = state.sizes
    made.charges = state.charges
    billed = {}                           # (account, billing period) -> 1e-8
    for identity, entry in state.closed.items():
        account = entry.line["account"]
        if not account or entry.record.start < made.closing[account]:
            made.closed[identity] = entry
            continue
        key = account, billing_period(book, account, entry.record.start)
        billed[key] = billed.get(key, 0) + oracle.money_units(entry.line["charge"])
    for row in state.rows:
        begin = row_begin(book, row)
        if begin >= made.closing[row["account"]]:
            key = row["account"], billing_period(book, row["account"], begin)
            billed[key] = billed.get(key, 0) + oracle.money_units(row["charge"])
    for (account, period), amount in billed.items():
        if amount:
            begin = bundles.first_day(period, book.cycle_day[account]).isoformat()
            made.already_billed.append(oracle.period_row(book, begin, account, "already_billed", -amount))
    made.rows = [row for row in state.rows if row_begin(book, row) < made.closing[row["account"]]]
    return made
