#!/usr/bin/env python3
"""Finished runs: `tollmill compare` of two over the same calls and of two over other days, and a ledger of a run and the deltas of two
re-ratings, against the oracle's own lines by docs/WHATIF.md section 3 and docs/RERATE.md section 4.

    finished.py --tollmill BINARY --seed S --calls N [--books K] --work DIR [--keep]
"""
import datetime
import json
import os
import subprocess

import delta
import moves
import oracle
import rate
import report
import run as runs
import whatif
import world
from oracle import money_text


# ---- compare ----


def flagged(made):
    """{(account, currency, book): flags}: what moves by more than the limit in calls, minutes or charge, or is in one of the two alone."""
    found = {}
    tables = made.table("accounts")
    for (account, currency), books in tables.items():
        base = books[0]
        for index, row in enumerate(books[1:], 1):
            charges = [cells["charge"] + cells["periods"] for cells in (base, row)]
            there = [bool(cells["rows"] or cells["periods"] or has_periods(made.answers[at], account))
                     for cells, at in ((base, 0), (row, index))]
            if not account or not any(there):
                continue
            if there[0] != there[1]:
                found[account, currency, index] = "appeared" if there[1] else "vanished"
                continue
            moved = [("calls", base["rows"], row["rows"]), ("minutes", base["billed_s"], row["billed_s"]), ("charge", *charges)]
            flags = " ".join(name for name, old, new in moved if beyond(made, new - old, old))
            if flags:
                found[account, currency, index] = flags
    return found


def has_periods(answer, account):
    return any(name == account for name, _ in answer.periods())


def beyond(made, difference, base):
    percent = report.percent_of(difference, base)
    return percent is None or abs(percent) > made.moved_by


def compare_runs(options, found, what, made, old, new, same_calls):
    done = subprocess.run([options.tollmill, "compare", old, new, "--json", "--prices", "--unmask", "--top", "100000", "--quiet"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise runs.Failed("compare: exit %d\n%s" % (done.returncode, done.stderr))
    shown = json.loads(done.stdout)
    if shown["same_calls"] != same_calls or ("moved" in shown) != same_calls or ("suspense" in shown) != same_calls or "plans" in shown:
        found.add("%s: same_calls is %s, tables %s" % (what, shown["same_calls"], sorted(shown)))
    if same_calls:
        whatif.compare_json(found, made, shown)
    else:
        for name, key in report.KEYS.items():
            if name in shown:
                found.same("%s %s" % (what, name), made.shown(name), {
                    tuple(row[column] for column in key) + (row["currency"],):
                        [{column: value for column, value in cells.items() if value is not None} for cells in row["books"]] for row in shown[name]})
        found.same(what + " impact", made.impact(), {(row["book"], row["currency"]): {name: value for name, value in row.items() if name not in ("book", "currency")}
                                                     for row in shown["impact"]})
    ours = flagged(made)
    found.same(what + " flagged", ours, {(row["account"], row["currency"], row["book"]): flags_of(row["flags"]) for row in shown["flagged"]})
    if done.returncode != (1 if ours else 0):
        found.add("%s: exit %d with %d flags" % (what, done.returncode, len(ours)))


def flags_of(flags):
    return flags if isinstance(flags, str) else " ".join(flags)


def two_months(options, found, dice, folder, base, book, data, records):
    """The calls until a day by one book, those from it on by another; of a few days only some accounts have any."""
    days = sorted({record.start // 86400000 for record in records})
    if len(days) < 3:
        return
    day = (oracle.EPOCH + datetime.timedelta(days=dice.pick([days[1], days[len(days) // 2], days[-1]]))).date()
    cut = (day - oracle.EPOCH.date()).days * 86400000
    parts = [[record for record in records if record.start < cut], [record for record in records if record.start >= cut]]
    first, second = os.path.join(folder, "first"), os.path.join(folder, "second")
    runs.command([options.tollmill, "rate", "--book", base, "--cdrs", data, "-o", first, "--to", day.isoformat(), "--quiet"])
    runs.command([options.tollmill, "rate", "--book", book, "--cdrs", data, "-o", second, "--from", day.isoformat(), "--cut-periods", "--quiet"])
    compare_runs(options, found, "months", report.Report([whatif.rated(base, parts[0]), whatif.rated(book, parts[1])]), first, second, False)


# ---- the ledger ----


def bills(answer):
    """{(account, currency): lines and period charges}"""
    found = {}
    for view in answer.lines:
        if view.account:
            found[view.account, view.currency] = found.get((view.account, view.currency), 0) + view.charge
    for account, amount in answer.periods():
        key = account, answer.currency(account)
        found[key] = found.get(key, 0) + amount
    return found


def due_of(adjusting, report_period):
    """{(account, currency): [lines new less old, cents of billable taxes]} of what is due."""
    found = {}
    for row in adjusting.rows(report_period) if adjusting else []:
        cells = dict(zip(delta.ADJUSTING, row))
        if cells["status"] != "due" or cells["tax"] and cells["billable"] not in ("1", "yes"):
            continue
        sums = found.setdefault((cells["account"], cells["currency"]), [0, 0])
        if cells["tax"]:
            sums[1] += cents_of(cells["new"]) - cents_of(cells["old"])
        else:
            sums[0] += oracle.money_units(cells["new"]) - oracle.money_units(cells["old"])
    return found


def cents_of(text):
    return oracle.money_units(text) // 10**6


def check_ledger(options, found, folder, steps):
    """steps: (answer, what to post, (adjusting, report period) or None), in their order."""
    ledger, entries, sums, shown = os.path.join(folder, "ledger"), {}, {}, None
    for at, (answer, path, adjusting) in enumerate(steps, 1):
        now = bills(answer)
        due = due_of(*adjusting) if adjusting else {}
        for key in set(now) | set(sums) | set(due):
            adds, owed = now.get(key, 0) - sums.get(key, 0), due.get(key, [0, 0])
            if adds or any(owed):
                entries.setdefault(key, {})[at] = (money_text(adds), money_text(owed[0]), owed[1])
        sums = now
        shown = json.loads(runs.command([options.tollmill, "ledger", ledger, "--post", path, "--json"])[1])
        if shown["posted"] != at or [entry["kind"] for entry in shown["entries"]] != ["run"] + ["delta"] * (at - 1):
            found.add("ledger: entries %s" % shown["entries"])
    again = subprocess.run([options.tollmill, "ledger", ledger, "--post", steps[-1][1]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if again.returncode != 65:
        found.add("ledger: posted twice, exit %d" % again.returncode)
    theirs = {(row["account"], row["currency"]): {
        entry["entry"]: (entry["adds"], entry["due"] or money_text(0), cents_of(str(entry["due_tax"] or "0"))) for entry in row["entries"]
        if oracle.money_units(entry["adds"]) or oracle.money_units(entry["due"] or "0") or cents_of(str(entry["due_tax"] or "0"))} for row in shown["amounts"]}
    found.same("ledger", entries, {key: rows for key, rows in theirs.items() if rows})
    found.same("ledger sum", {key: money_text(amount) for key, amount in sums.items() if amount},
               {(row["account"], row["currency"]): row["sum"] for row in shown["amounts"] if oracle.money_units(row["sum"])})


def close(options, old, state, until):
    done = subprocess.run([options.tollmill, "close", old, "--until", until, "-o", state], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0                      # volume tiers by the month cannot be closed


def one_book(options, seed, folder):
    world.make(seed, options.calls, folder, delta.KINDS[seed % len(delta.KINDS)])
    base, data = os.path.join(folder, "book"), os.path.join(folder, "ds")
    feeds = runs.feeds_of(folder)
    for carrier, file in feeds:
        runs.command([options.tollmill, "import", "--spec", options.spec, "-o", data, file, "--quiet"] + (["--carrier", carrier] if carrier else []))
    records = rate.read_feeds(["%s=%s" % feed for feed in feeds])
    before = whatif.rated(base, records)
    dice = whatif.Dice(seed, before, folder)
    after, book = delta.new_book(options, dice, base, folder, records)
    old, new, third, state = (os.path.join(folder, name) for name in ("old", "new", "third", "state"))
    runs.command([options.tollmill, "rate", "--book", base, "--cdrs", data, "-o", old, "--quiet"])
    days = sorted(record.start for record in records)
    first, last = ((oracle.EPOCH + datetime.timedelta(milliseconds=ms)).date() for ms in (days[0], days[-1]))
    until = (first + (last - first) * 2 // 3 + datetime.timedelta(days=1)).isoformat()
    policy, words = delta.policy_of(dice, until, last, folder)
    closed = close(options, old, state, until)
    words = words + ["--closed", state] if closed else []
    adjusting = (moves.Adjusting(moves.Moves(before, after), policy), policy.today.strftime("%Y-%m")) if closed else None
    runs.command([options.tollmill, "rerate", old, "--book", book, "-o", new, "--quiet"] + words, good=(0, 1))
    runs.command([options.tollmill, "rerate", new, "--book", base, "-o", third, "--quiet"], good=(0, 1))
    found = whatif.Differences()
    compare_runs(options, found, "the same calls", report.Report([before, after]), old, new, True)
    two_months(options, found, dice, folder, base, book, data, records)
    check_ledger(options, found, folder, [(before, old, None), (after, new + ".delta", adjusting), (before, third + ".delta", None)])
    if found.count:
        raise runs.Failed("\n    ".join(["%d differences; %s" % (found.count, words)] + found.texts))
    return "%d lines, %d accounts" % (len(records), len(bills(before)))


def main():
    runs.each_book(runs.parser_of("finished runs and ledgers of random books: the oracle and the engine").parse_args(), one_book)


if __name__ == "__main__":
    main()
