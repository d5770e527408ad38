#!/usr/bin/env python3
"""All sections of docs/RATING.md together: whole runs, one after a closed one, and one that rates again what waited.

    rate.py BOOK --feed [CARRIER]=CDRS.csv... -o LINES.csv [--period PERIOD.csv] [--totals TOTALS.csv] [--pools POOLS.csv] [--counts COUNTS.csv]
            [--older BOOK]
    rate.py FOLDER --chain

With --older the calls are rated by the older book, and what that leaves in suspense by the other. With --chain the runs
that usage_world.py --chain has prepared in a folder are rated; N-lines.csv, N-period.csv ... are those of run N.
"""
import argparse
import csv
import os
import sys

import bundles
import cost
import cycles
import oracle
import tax_shown
import tax_tables
import tiers
from cycles import Entry
from oracle import BookError

TIER_COLUMNS = ["tiers", "account", "site", "number", "period", "units", "spend", "fee", "minimum", "maximum"]
POOL_COLUMNS = ["bundle", "pool", "account", "site", "number", "period", "granted", "rolled_in", "used", "rolled_out", "expired", "over"]


class Book(oracle.Book):
    def __init__(self, folder):
        super().__init__(folder)
        tiers.load_tiers(self)
        bundles.load_bundles(self)
        cost.load_fx(self)
        tax_tables.load_taxes(self)


class Run:
    """book, days, entries in the order of the dataset, pools, charges of tiers, the rows of period charges, and the state
    that it came after."""

    def lines(self):
        return [entry.line for entry in self.entries]


def settle(run, entry):
    """Sections 12 and 15, and the units of section 13, for a line that section 11 left."""
    book, record, line = run.book, entry.record, entry.line
    deal = line.deal
    if line["status"] == "rated" and deal:
        deal.rest, deal.covered = deal.used, 0
        if not deal.credit:
            candidates = bundles.pools_for(book, record, line, bundles.selling_subjects(book, record, line), False)
            entry.draws = bundles.draw(run.pools, record, deal, candidates)
        if deal.tiers and line["status"] == "rated":
            entry.use = tiers.use_of(book, record, deal)
    entry.cost_draws = cost.add_cost(book, run.pools, record, line)


def rate_run(book, records, state=None, late="append"):
    """One run over these records. state: of what is closed."""
    run = Run()
    run.book = book
    run.closed = state               # what was closed, whatever is rated again
    records = oracle.in_order(records)
    starts = [record.start for record in records]
    run.days = bundles.Days(state.first_ms if state else min(starts), max(starts))
    closed = state.closed if state else {}
    run.entries = [closed.get(record.identity()) or Entry(record, oracle.rate_record(book, record)) for record in records]
    if late == "reorder":
        state = cycles.reopened(run, state)
        run.entries = [Entry(record, oracle.rate_record(book, record)) if record.identity() in closed.keys() - state.closed.keys()
                       else entry for record, entry in zip(records, run.entries)]
    frozen = {id(entry) for entry in state.closed.values()} if state else set()
    run.after = state
    finish(run, list(state.closed.values()) if state else [], frozen, state)
    if state:
        run.entries = [cycles.closed_entry(book, entry) if id(entry) in frozen else entry for entry in run.entries]
    return run


def finish(run, kept, frozen, state):
    """Draws, costs and tiers of all lines that are not frozen, after those that are; then the periods."""
    book = run.book
    run.pools = bundles.Pools(book, run.days)
    if state:
        run.pools.frozen = state.sizes
    for draw in (draw for entry in kept for draw in entry.draws + entry.cost_draws):
        if draw[1] is not None:
            run.pools.least[draw[:2]] = run.pools.least.get(draw[:2], 0) + draw[3]
    for entry in kept:
        for draw in entry.draws + entry.cost_draws:
            run.pools.record(draw)
    fresh = [entry for entry in run.entries if id(entry) not in frozen]
    for entry in fresh:
        settle(run, entry)
    old_uses = [entry.use for entry in kept if entry.use]
    new_uses = [entry.use for entry in fresh if entry.use]
    units = {}
    for use in old_uses:
        if use.period is not None and not use.credit:
            units[use.count, use.period] = units.get((use.count, use.period), 0) + use.units
    tiers.price_lines(book, new_uses, units)
    spend = {}
    for use in old_uses + new_uses:
        spend[use.count, use.period] = spend.get((use.count, use.period), 0) + use.amount
    run.units, run.spend = units, spend
    run.charges = tiers.due_charges(book, run.days, old_uses + new_uses, units, spend)
    if state:
        used = {(use.count, use.period) for use in new_uses}
        for count, period in list(run.charges):
            if state.is_whole(book, count, period) and (count, period) not in used:
                run.charges[count, period] = state.charges.get((count, period), {})
    counted = run.entries if state is None else [entry for entry in fresh if not state.is_closed(book, entry)]
    run.periods = oracle.surcharges_of(book, [(entry.record, entry.line) for entry in counted])
    run.periods += charge_rows(book, run.charges, state)
    if state:
        run.periods += state.already_billed
    run.periods.sort(key=lambda row: [row[name] for name in oracle.PERIOD_COLUMNS])


def charge_rows(book, charges, state):
    """The period charges of tiers; of what is closed, what is due beyond what was charged."""
    rows = []
    for (count, period), kinds in charges.items():
        scope = book.tiers[count[0]].scope
        day, _ = tiers.clock_of(book, count)
        other = {scope: count[2]} if scope in ("number", "site") else {}
        for kind, amount in kinds.items():
            if state:
                amount -= state.charged(book, count, period).get(kind, 0)
            if amount:
                rows.append(oracle.period_row(book, bundles.first_day(period, day).isoformat(), count[1], kind, int(amount),
                                              tiers=count[0], **other))
    return rows


def rate_again(older, book, records):
    """Section 3, rating again what waited: lines by the older book, those in suspense by the newer, as late calls."""
    run = rate_run(older, records)
    kept = [entry for entry in run.entries if entry.line["status"] not in ("suspense", "conflict")]
    frozen = {id(entry) for entry in kept}
    run.entries = [entry if id(entry) in frozen else Entry(entry.record, oracle.rate_record(book, entry.record))
                   for entry in run.entries]
    run.book = book
    finish(run, kept, frozen, None)
    return run


# ---------------------------------------------------------------------------------------------------------------------
# What a run writes
# ---------------------------------------------------------------------------------------------------------------------

def all_pools(run):
    """Those that were drawn on, those of cost, and those of a site, of an account or with a name on which a number could draw."""
    book = run.book
    pools = {pool for pool, _ in run.pools.given} | {pool for pool, _ in run.pools.over}
    places = [(account, site) for site, account in book.site_account.items()] + [(account, "") for account in book.account_zone]
    for bundle in book.bundles.values():
        for row in bundle.subscriptions:
            if bundle.scope == "pool":
                if row.buys or any(bundles.leads(book, row, account) for account in book.account_zone):
                    pools.add((bundle.name, row.pool))
            elif bundle.scope == "account":
                pools |= {(bundle.name, account) for account in book.account_zone if bundles.leads(book, row, account)}
            elif bundle.scope == "site":
                pools |= {(bundle.name, *place) for place in places if bundles.leads(book, row, *place)}
    return pools


def pool_rows(run):
    """The balances of pools: those of scope number that were drawn on, and all others, as far as there was something."""
    rows = []
    for pool in sorted(all_pools(run)):
        bundle = run.book.bundles[pool[0]]
        day, zone = run.pools.clock(pool)
        periods = set(tiers.periods_of_run(run.days, day, zone))
        periods |= {period for name, _, period in run.pools.drawn if name == pool} | {period for name, period in run.pools.over if name == pool}
        for period in sorted(periods):
            balance = run.pools.balance(pool, period)
            if not any(balance[name] for name in ("granted", "rolled_in", "over")):
                continue
            row = dict.fromkeys(POOL_COLUMNS, "")
            row.update({name: str(value) for name, value in balance.items()})
            row.update(bundle=pool[0], period=bundles.first_day(period, day).isoformat())
            row.update(zip({"pool": ("pool",), "account": ("account",), "site": ("account", "site"), "number": ("account", "number")}
                           [bundle.scope], pool[1:]))
            rows.append(row)
    return rows


def tier_rows(run):
    """The counts of tiers, as far as there is something."""
    rows = []
    for count, period in run.charges:
        day, _ = tiers.clock_of(run.book, count)
        row = dict.fromkeys(TIER_COLUMNS, "")
        row.update(tiers=count[0], account=count[1], period=bundles.first_day(period, day).isoformat(),
                   units=run.units.get((count, period), 0), spend=oracle.money_text(run.spend.get((count, period), 0)))
        scope = run.book.tiers[count[0]].scope
        if scope in ("number", "site"):
            row[scope] = count[2]
        for name, kind in (("fee", "tier_fee"), ("minimum", "minimum_spend"), ("maximum", "maximum_spend")):
            row[name] = oracle.money_text(int(run.charges[count, period].get(kind, 0)))
        if any(row[name] not in (0, oracle.money_text(0)) for name in TIER_COLUMNS[5:]):
            rows.append(row)
    return sorted(rows, key=lambda row: [row[name] for name in TIER_COLUMNS[:5]])


def sums_by(pairs):
    """'EUR 1.00000000, USD 2.00000000' of (currency, 1e-8); sums of 0 are not there."""
    sums = {}
    for currency, amount in pairs:
        sums[currency] = sums.get(currency, 0) + amount
    return ", ".join("%s %s" % (currency, oracle.money_text(sums[currency])) for currency in sorted(sums) if sums[currency])


def totals_of(run):
    """What run.json says of a run, as text."""
    book, lines = run.book, run.lines()
    statuses = [line["status"] for line in lines]
    known = {"rows": len(lines), "rated": statuses.count("rated"),
             "zero_rated": statuses.count("zero_rated") + statuses.count("other_party"),
             "suspense": statuses.count("suspense") + statuses.count("conflict"), "conflict": statuses.count("conflict"),
             "other_party": statuses.count("other_party"),
             "billed_s": sum(int(line["billed"]) for line in lines if line["service"] == "voice")}
    charges = [(book.account_currency[line["account"]], oracle.money_units(line["charge"])) for line in lines + run.periods
               if line["charge"] and line["account"]]
    known["charge"] = sums_by(charges)
    known["cost"] = sums_by([(book.account_currency[line["account"]] if line["account"] else book.currency,
                              oracle.money_units(line["cost"])) for line in lines if line["cost"]])
    statuses = [line["cost_status"] for line in lines if line["cost_status"]]
    known["cost_statuses"] = " ".join(sorted("%s:%d" % (status, statuses.count(status)) for status in set(statuses)))
    return {name: str(value) for name, value in known.items()}


def write_rows(rows, columns, path):
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([row[name] for name in columns])


def write_run(run, lines, period, totals, pools, counts):
    write_rows(run.lines(), oracle.LINE_COLUMNS, lines)
    if period:
        write_rows(run.periods, oracle.PERIOD_COLUMNS, period)
    if totals:
        known = totals_of(run)
        write_rows([known], list(known), totals)
    if pools:
        write_rows(pool_rows(run), POOL_COLUMNS, pools)
    if counts:
        write_rows(tier_rows(run), TIER_COLUMNS, counts)


def write_taxes(book, run, folder):
    os.makedirs(folder, exist_ok=True)
    for what, rows in tax_shown.shown(book, run).items():
        write_rows(rows, tax_shown.SHOWN[what], os.path.join(folder, what + ".csv"))


def read_feeds(feeds):
    """feeds: [CARRIER]=FILE; several files of one carrier are one feed."""
    files = {}
    for feed in feeds:
        carrier, _, path = feed.partition("=")
        files.setdefault(carrier, []).append(path)
    return [record for carrier, paths in files.items() for record in oracle.read_records(paths, carrier)]


def run_chain(folder):
    """Yields the runs of a chain."""
    books, feeds, state = {}, [], None
    with open(os.path.join(folder, "steps.txt"), encoding="utf-8") as stream:
        steps = [line.split() for line in stream]
    for index, (date, late, name) in enumerate(steps):
        if name not in books:
            books[name] = Book(os.path.join(folder, name))
        delivered = os.path.join(folder, str(index))
        for file in sorted(os.listdir(delivered)):
            feeds.append("%s=%s" % (file[len("cdrs_"):-len(".csv")], os.path.join(delivered, file)))
        run = rate_run(books[name], read_feeds(feeds), state, late if state else "append")
        yield run
        if date != "-":
            state = cycles.close(run, date)


def main():
    parser = argparse.ArgumentParser(description="rate CDRs by docs/RATING.md, slowly")
    parser.add_argument("book")
    parser.add_argument("--chain", action="store_true", help="the folder has books and calls of several runs")
    parser.add_argument("--feed", action="append", help="[CARRIER]=FILE: CDRs, of a carrier's feed or of none")
    parser.add_argument("-o", dest="output")
    parser.add_argument("--older", help="an older book, whose lines stay unless they are in suspense")
    parser.add_argument("--period", help="write the period charges here")
    parser.add_argument("--totals", help="write the run's totals here")
    parser.add_argument("--pools", help="write the balances of pools here")
    parser.add_argument("--taxes", help="write what accounts owe in taxes into this folder")
    parser.add_argument("--counts", help="write the counts of tiers here")
    options = parser.parse_args()
    try:
        if options.chain:
            for index, run in enumerate(run_chain(options.book)):
                write_run(run, *(os.path.join(options.book, "%d-%s.csv" % (index, name)) for name in ("lines", "period", "totals", "pools", "counts")))
                if run.book.taxed:
                    write_taxes(run.book, run, os.path.join(options.book, "%d-taxes" % index))
            return
        book = Book(options.book)
        records = read_feeds(options.feed)
        run = rate_again(Book(options.older), book, records) if options.older else rate_run(book, records)
        write_run(run, options.output, options.period, options.totals, options.pools, options.counts)
        if options.taxes:
            write_taxes(book, run, options.taxes)
    except BookError as error:
        sys.exit("oracle: %s" % error)


if __name__ == "__main__":
    main()
