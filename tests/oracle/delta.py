#!/usr/bin/env python3
"""Two books over one month, rated by the oracle and compared by moves.py; against `tollmill rerate` and what `tollmill delta` shows.

    delta.py --tollmill BINARY --seed S --calls N [--books K] --work DIR [--keep]

Exit 1 if a changed line, a reason, a sum, a tax or an adjusting line differs.
"""
import csv
import datetime
import io
import os
import re
import shutil
import subprocess

import changes
import moves
import oracle
import rate
import report
import run as runs
import tax_world
import usage_world
import whatif
import world
from oracle import money_text

KINDS = [tax_world.TaxWorld, usage_world.UsageWorld, tax_world.EndsWorld, tax_world.TaxWorld, world.World]
ADJUSTING = ["kind", "status", "account", "site", "currency", "period", "reason", "tax_services", "calls", "report_period", "tax_jurisdiction",
             "level", "tax", "billable", "old", "new"]
LINE = ["day", "row", "status", "status_reason", "account", "site", "currency", "class", "jurisdiction", "price_kind", "plan", "deck", "prefix",
        "destination", "band", "rate", "per_units", "connect_fee", "price_file", "price_line", "billed", "included", "bundle", "charge",
        "cost_status", "cost"]


def other_tables(dice, base, made):
    """Repairs that a change of WHATIF.md does not have: who owns numbers, taxes, what goes first, where a site is."""
    for name, column, value in (("numbers", "account", None), ("taxes", "rate", "*"), ("bundles", "priority", "2"), ("sites", "state", "CA"),
                                ("accounts", "class", "business"), ("taxes", "amount", "*"), ("bundles", "quantity", "*")):
        path = os.path.join(made, name + ".csv")
        if not os.path.exists(path) or dice.chance(60):
            continue
        table = changes.Table(path)
        for row in table.rows:
            if column not in table.names or not dice.chance(35):
                continue
            if name == "numbers":
                names = sorted(dice.base.book.account_zone)
                table.put(row, "account", dice.pick(names))
                if "site" in table.names:
                    table.put(row, "site", "")
            elif value == "*":
                text = table.get(row, column)
                if text and not text.endswith("%"):
                    table.put(row, column, changes.changed(text, "*", "1.5" if name == "taxes" else "0.5", name == "bundles"))
            else:
                table.put(row, column, value)
        table.save()


def new_book(options, dice, base, folder, records):
    """The oracle's answer by another book, and its folder."""
    for index in range(30):
        made = os.path.join(folder, "new%d" % index)
        try:
            if dice.chance(70):
                changes.apply(base, dice.change(), made)
            else:
                shutil.copytree(base, made)
            other_tables(dice, base, made)
            answer = whatif.rated(made, records)
            checked = subprocess.run([options.tollmill, "compile", made, "-o", made + ".image", "--quiet"], stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT, text=True, check=False)
            if checked.returncode == 0:
                return answer, made
            if "too large" not in checked.stdout and "can reach it" not in checked.stdout:
                raise runs.Failed("compile %s: exit %d\n%s" % (made, checked.returncode, checked.stdout))
        except (oracle.BookError, changes.Refused, ValueError, KeyError):
            continue
    raise runs.Failed("no other book that holds")


def side_cells(day, row, side):
    line, price = side.view.line, side.price
    cells = {"day": day, "row": str(row), "status": side.status[0], "status_reason": side.status[1], "account": side.view.account, "site": line["site"],
             "currency": side.view.currency, "class": line["class"], "jurisdiction": line["jurisdiction"], "billed": str(side.billed),
             "included": str(side.included), "bundle": side.pool[0][0] if side.pool else "", "charge": "" if side.suspense else money_text(side.charge),
             "cost_status": side.cost[0] if side.cost else "", "cost": line["cost"] if side.cost else ""}
    for name, column in (("price_kind", "kind"), ("plan", "plan"), ("deck", "deck"), ("prefix", "prefix"), ("destination", "destination"),
                         ("band", "band"), ("rate", "rate"), ("per_units", "per_units"), ("connect_fee", "connect_fee"), ("price_file", "file"),
                         ("price_line", "line")):
        value = price[column] if price else ""
        cells[name] = money_text(value) if price and column in ("rate", "connect_fee") else str(value)
    if price and not price["file"]:
        cells["price_line"] = ""
    return cells


def shown(options, folder, what):
    done = subprocess.run([options.tollmill, "delta", folder, "--format", "csv", "--what", what, "--csv-safe", "raw"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise runs.Failed("delta --what %s: exit %d\n%s" % (what, done.returncode, done.stderr))
    return list(csv.DictReader(io.StringIO(done.stdout)))


def unclear(ours, theirs, name):
    """What FORMATS.md does not say of the CSV: a currency without account, and how a cost that is not known is shown."""
    side, _, column = name.partition("_")
    if column == "currency":
        return not ours[side + "_account"] and not theirs[name]
    return column == "cost_status" and theirs[name] in ("suspense", "zero_rated")


def compare_lines(found, made, rows):
    ours = {}
    for day, row, old, new, reasons in made.pairs:
        cells = {"reason": reasons[0], "reasons": tuple(reasons)}
        for side, line in (("old_", old), ("new_", new)):
            cells.update({side + name: value for name, value in side_cells(day, row, line).items()})
        ours[day, str(row)] = cells
    theirs = {}
    for row in rows:
        cells = {side + name: row.get(side + name, "(no column)") for side in ("old_", "new_") for name in LINE}
        for side in ("old_", "new_"):
            if not cells[side + "price_file"]:
                cells[side + "price_line"] = ""
            if not cells[side + "price_kind"]:
                cells.update({side + name: "" for name in ("rate", "per_units", "connect_fee")})
        theirs[row["new_day"], row["new_row"]] = dict(cells, reason=row["reason"], reasons=tuple(re.findall("[a-z_]+", row["reasons"])))
    for key in sorted(set(ours) | set(theirs)):
        if key not in ours or key not in theirs:
            alone = "oracle" if key in ours else "engine"
            found.add("line %s of the %s alone: %s" % (key, alone, (ours.get(key) or theirs.get(key))["reasons"]))
            continue
        wrong = [name for name in ours[key] if ours[key][name] != theirs[key][name] and not unclear(ours[key], theirs[key], name)]
        if wrong:
            found.add("line %s (%s): %s" % (key, ",".join(ours[key]["reasons"]), "; ".join("%s: oracle %r, engine %r" % (name, ours[key][name], theirs[key][name])
                                                                                      for name in wrong)))


def compare_sums(found, made, rows):
    ours, theirs = made.sums(), {}
    for key in [key for key in ours if not key[0]]:              # calls without account: their rows are not counted
        ours[key] = {name: value for name, value in ours[key].items() if name not in ("old_rows", "new_rows")}
        if not ours[key]:
            del ours[key]
    for row in rows:
        cells = {}
        for name, value in row.items():
            if name not in ("account", "name", "site", "currency"):
                amount = int(value) if name.endswith("rows") or name in ("changed", "lines") else oracle.money_units(value)
                if amount:
                    cells[{"lines": "changed"}.get(name, name.replace("_periods", "_period_charge"))] = amount
        if cells:
            theirs[row["account"], row["site"], row["currency"]] = cells
    found.same("sum", ours, theirs)


def compare_all(options, found, made, adjusting, report_period, folder):
    compare_lines(found, made, shown(options, folder, "lines"))
    compare_sums(found, made, shown(options, folder, "sums"))
    columns = ["period", "account", "site", "currency", "tax_jurisdiction", "level", "tax", "name", "billable"]
    found.same("tax", {key: tuple(cents) for key, cents in made.taxes().items()},
               {tuple(row[name] for name in columns): (int(row["old_cents"]), int(row["new_cents"])) for row in shown(options, folder, "taxes")})
    ours = adjusting.rows(report_period)
    theirs = sorted(tuple(row[name] for name in ADJUSTING) for row in shown(options, folder, "adjusting"))
    for side, rows in (("oracle", [row for row in ours if row not in theirs]), ("engine", [row for row in theirs if row not in ours])):
        for row in rows:
            found.add("adjusting, %s alone: %s" % (side, ",".join(row)))
    if not found.count and ours != theirs:
        found.add("adjusting: rows twice")


def policy_of(dice, until, last, folder):
    """(Policy, the options that say so)"""
    today = last + datetime.timedelta(days=dice.pick([1, 5, 20]))
    words = ["--today", today.isoformat()]
    kind = dice.rng.randrange(6)
    made = moves.Policy(until, today)
    if kind == 1:
        made.credits_only = True
        words.append("--credits-only")
    if kind == 2:
        made.back_bill_days = dice.pick([10, 30, 45, 60])
        words += ["--back-bill-days", str(made.back_bill_days)]
    if kind in (3, 5):
        made.minimum = dice.pick([10**4, 10**6, 10**8, 10**9])
        words += ["--minimum", money_text(made.minimum)]
    if kind in (4, 5):
        made.approve_above = made.minimum + dice.pick([10**5, 10**7, 10**8, 10**10])
        words += ["--approve-above", money_text(made.approve_above)]
        made.approved = dice.some_accounts()
        path = os.path.join(folder, "approved.txt")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("".join(account + "\n" for account in made.approved))
        words += ["--approved", path]
    return made, words


def one_book(options, seed, folder):
    world.make(seed, options.calls, folder, KINDS[seed % len(KINDS)])
    base, data = os.path.join(folder, "book"), os.path.join(folder, "ds")
    feeds = runs.feeds_of(folder)
    for carrier, file in feeds:
        runs.command([options.tollmill, "import", "--spec", options.spec, "-o", data, file, "--quiet"] + (["--carrier", carrier] if carrier else []))
    records = rate.read_feeds(["%s=%s" % feed for feed in feeds])
    before = whatif.rated(base, records)
    dice = whatif.Dice(seed, before, folder)
    after, book = new_book(options, dice, base, folder, records)
    made = moves.Moves(before, after)
    old, new, state = (os.path.join(folder, name) for name in ("old", "new", "state"))
    runs.command([options.tollmill, "rate", "--book", base, "--cdrs", data, "-o", old, "--quiet"])
    days = sorted(record.start for record in records)
    first, last = ((oracle.EPOCH + datetime.timedelta(milliseconds=ms)).date() for ms in (days[0], days[-1]))
    until = (first + (last - first) * 2 // 3 + datetime.timedelta(days=1)).isoformat()
    policy, words = policy_of(dice, until, last, folder)
    closes = subprocess.run([options.tollmill, "close", old, "--until", until, "-o", state], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    adjusting = moves.Adjusting(made, policy)
    if closes.returncode:                            # volume tiers by the month cannot be closed
        words, adjusting.lines, adjusting.taxes = [], {}, {}
    else:
        words += ["--closed", state]
    runs.command([options.tollmill, "rerate", old, "--book", book, "-o", new, "--quiet"] + words, good=(0, 1))
    found = whatif.Differences()
    compare_all(options, found, made, adjusting, policy.today.strftime("%Y-%m"), new + ".delta")
    if found.count:
        raise runs.Failed("\n    ".join(["%d differences; %s" % (found.count, words)] + found.texts))
    return "%d of %d lines changed, %d taxes, %d adjusting" % (len(made.pairs), len(records), len(made.taxes()), len(adjusting.lines) + len(adjusting.taxes))


def main():
    runs.each_book(runs.parser_of("re-rating of random books: the oracle and the engine").parse_args(), one_book)


if __name__ == "__main__":
    main()
