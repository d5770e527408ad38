"""Changes of docs/WHATIF.md, made in the CSV files of a copy of the book: what `--set` says, by a few plain lines of its own."""
import csv
import os
import re
import shutil
from fractions import Fraction

import oracle

RATES = ("rate", "rate_inter", "rate_intra", "rate_indeterminate")
WHOLE = ("per_s", "initial_s", "increment_s", "minimum_s", "free_s", "step_from_s", "quantity", "from_qty", "per")


class Refused(Exception):
    """The change is an error by that page."""


class Table:
    def __init__(self, path, rename=None):
        self.path, self.rename = path, rename or {}
        with open(path, newline="", encoding="utf-8-sig") as stream:
            lines = [row for row in csv.reader(stream) if any(row)]
        self.header, self.rows = lines[0], lines[1:]
        self.names = [self.rename.get(name.strip().lower(), name.strip().lower()) for name in self.header]

    def get(self, row, name):
        return row[self.names.index(name)] if name in self.names else ""

    def put(self, row, name, value):
        if name not in self.names:
            self.names.append(name)
            self.header.append({ours: theirs for theirs, ours in self.rename.items()}.get(name, name))
            for other in self.rows:
                other.append("")
            if not any(row is other for other in self.rows):
                row.append("")
        row[self.names.index(name)] = value

    def add(self, **cells):
        row = [""] * len(self.names)
        self.rows.append(row)
        for name, value in cells.items():
            self.put(row, name, value)

    def save(self):
        with open(self.path, "w", newline="", encoding="utf-8") as stream:
            csv.writer(stream, lineterminator="\n").writerows([self.header] + self.rows)


def table(folder, name, columns):
    path = os.path.join(folder, name + ".csv")
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(columns + "\n")
    return Table(path)


def decimal_text(units):
    return "%d.%08d" % (units // 10**8, units % 10**8)


def changed(text, operator, value, whole):
    """A cell after `=`, `*` or `+`; an empty one stays so but for `=`."""
    if operator == "=":
        return value
    if not text:
        return text
    exact = Fraction(text) * Fraction(value) if operator == "*" else Fraction(text) + Fraction(value)
    if exact < 0:
        raise Refused("below 0")
    scale = 1 if whole else 10**8
    units = (exact * scale * 2 + 1) // 2
    return str(units) if whole else decimal_text(units)


def deck_files(folder, deck):
    """{file}: of a file that other decks have, too, the deck gets a copy first."""
    versions = table(folder, "deck_versions", "deck,file,effective,mode")
    named = {versions.get(row, "deck") for row in versions.rows}
    rules = Table(os.path.join(folder, "plan_rules.csv"))
    others = {rules.get(row, "deck") for row in rules.rows} - {""} - named
    if os.path.exists(os.path.join(folder, "decks.csv")):
        decks = Table(os.path.join(folder, "decks.csv"))
        others |= {decks.get(row, "deck") for row in decks.rows} - named
    if deck not in named and deck not in others:
        raise Refused("no deck " + deck)
    elsewhere = {versions.get(row, "file") for row in versions.rows if versions.get(row, "deck") != deck} | (others - {deck})
    if deck in others:
        versions.add(deck=deck, file=deck)
    files = {}
    for row in versions.rows:
        if versions.get(row, "deck") != deck:
            continue
        file = versions.get(row, "file")
        if file not in files:
            files[file] = file
            if file in elsewhere:
                files[file] = "copy-%s-%s" % (deck, file)
                shutil.copy(os.path.join(folder, "decks", file + ".csv"), os.path.join(folder, "decks", files[file] + ".csv"))
        versions.put(row, "file", files[file])
    versions.save()
    return sorted(files.values())


def columns_of_deck(folder, deck):
    if os.path.exists(os.path.join(folder, "decks.csv")):
        decks = Table(os.path.join(folder, "decks.csv"))
        for row in decks.rows:
            if decks.get(row, "deck") == deck:
                return oracle.parse_columns(decks.get(row, "columns")), decks.get(row, "key") == "calltype"
    return {}, False


def meant(pattern, key):
    return key.startswith(pattern[:-1]) if pattern.endswith("*") else key == pattern


def change_deck(folder, deck, conditions, edits):
    rename, calltype = columns_of_deck(folder, deck)
    met = 0
    for file in deck_files(folder, deck):
        sheet = Table(os.path.join(folder, "decks", file + ".csv"), rename)
        rest = []
        for row in list(sheet.rows):
            if "destination" in conditions and sheet.get(row, "destination") != conditions["destination"]:
                continue
            others = []
            for condition in ("prefix", "caller_prefix"):
                if condition not in conditions:
                    continue
                column = "key" if condition == "prefix" and "key" in sheet.names and not sheet.get(row, "prefix") else condition
                keys = oracle.expand_keys(sheet.get(row, column), calltype and condition == "prefix")
                ours = [key for key in keys if meant(conditions[condition], key)]
                if not ours:
                    break
                if len(ours) < len(keys):
                    other = list(row)
                    other[sheet.names.index(column)] = ";".join(key for key in keys if key not in ours)
                    others.append(other)
                    row[sheet.names.index(column)] = ";".join(ours)
            else:
                rest += others
                met += edit(sheet, row, edits, RATES)
                continue
            if others:
                raise Refused("this page splits a pair only where both prefixes are met")
        sheet.rows += rest
        sheet.save()
    if not met:
        raise Refused("meets no row")


def edit(sheet, row, edits, rates):
    met = 0
    for column, operator, value in edits:
        for name in [column] if column else rates:
            old = sheet.get(row, name)
            if operator == "=" or old:
                sheet.put(row, name, changed(old, operator, value, name in WHOLE))
                met += 1
    return met


def new_sheet(folder, deck, path, start):
    versions = table(folder, "deck_versions", "deck,file,effective,mode")
    name = "sheet-" + deck
    shutil.copy(path, os.path.join(folder, "decks", name + ".csv"))
    mine = [row for row in versions.rows if versions.get(row, "deck") == deck]
    if not start:
        versions.rows = [row for row in versions.rows if row not in mine]
    elif not mine:
        versions.add(deck=deck, file=deck)
    versions.add(deck=deck, file=name, effective=start, mode="full" if "mode" in versions.names else "")
    versions.save()


def fitting(folder, plan):
    """The accounts that `plan:P accounts:*` moves: those with the currency of all decks of P's rules; all where P has no deck."""
    with open(os.path.join(folder, "book.yaml"), encoding="utf-8") as stream:
        own = re.search(r"^currency: *([A-Z]{3})", stream.read(), re.M).group(1)
    rules, names = Table(os.path.join(folder, "plan_rules.csv")), Table(os.path.join(folder, "accounts.csv"))
    decks = {rules.get(row, "deck") for row in rules.rows if rules.get(row, "plan") == plan} - {""}
    currencies = {}
    if os.path.exists(os.path.join(folder, "decks.csv")):
        rows = Table(os.path.join(folder, "decks.csv"))
        currencies = {rows.get(row, "deck"): rows.get(row, "currency") for row in rows.rows}
    wanted = {currencies.get(deck) or own for deck in decks}
    return [names.get(row, "account") for row in names.rows if not wanted or wanted == {names.get(row, "currency") or own}]


def move_accounts(folder, plan, accounts):
    """Numbers that other accounts have at other times are not for this page."""
    accounts = fitting(folder, plan) if accounts == ["*"] else accounts
    if not accounts:
        raise Refused("no account has the currency of the plan's decks")
    sites = Table(os.path.join(folder, "sites.csv")) if os.path.exists(os.path.join(folder, "sites.csv")) else None
    mine = {sites.get(row, "site") for row in sites.rows if sites.get(row, "account") in accounts} if sites else set()
    numbers = Table(os.path.join(folder, "numbers.csv"))
    ranges = []
    for row in numbers.rows:
        low, _, high = numbers.get(row, "number").replace("+", "").partition("-")
        ranges.append((low, high or low, numbers.get(row, "account")))
    rows = table(folder, "assignments", "subject,plan,side,from,to")
    kept = []
    for row in rows.rows:
        kind, _, value = rows.get(row, "subject").partition(":")
        value = value.lstrip("+") if kind == "number" else value
        owners = {account for low, high, account in ranges if len(low) == len(value) and low <= value <= high}
        if rows.get(row, "side") != "buy" and kind == "number" and owners & set(accounts) and not owners <= set(accounts):
            raise Refused("this page does not cut a number's times")
        gone = kind == "account" and value in accounts or kind == "site" and value in mine or kind == "number" and owners and owners <= set(accounts)
        if not gone or rows.get(row, "side") == "buy":
            kept.append(row)
    rows.rows = kept
    for account in accounts:
        rows.add(subject="account:" + account, plan=plan)
    rows.save()


def words_of(text):
    """Words between blanks; quotes hold them together."""
    words, word, quoted = [], "", False
    for character in text.replace('""', "\0"):
        if character == '"':
            quoted = not quoted
        elif character == " " and not quoted:
            words += [word] if word else []
            word = ""
        else:
            word += character
    return [each.replace("\0", '"') for each in words + ([word] if word else [])]


def edits_of(words):
    found = []
    for word in words:
        match = re.fullmatch(r"([a-z_]*)([=*+-])(.*)", word, re.S)
        if not match:
            raise Refused("not a change: " + word)
        column, operator, value = match.groups()
        found.append((column, "+" if operator == "-" else operator, "-" + value if operator == "-" else value))
    return found


def apply_one(folder, text):
    subject, *words = words_of(text)
    kind, _, name = subject.partition(":")
    if kind == "deck":
        options = dict(word.split("=", 1) for word in words if word.startswith(("file=", "from=")))
        if "file" in options:
            return new_sheet(folder, name, options["file"], options.get("from"))
        conditions, edits = {}, []
        for word in words:
            found, _, value = word.partition(":")
            if found in ("prefix", "caller_prefix", "destination") and not edits:
                conditions[found] = value
            elif "destination" in conditions and not edits and not re.match(r"[a-z_]*[=*+]", word):
                conditions["destination"] += " " + word
            else:
                edits.append(word)
        return change_deck(folder, name, conditions, edits_of(edits))
    if kind == "plan":
        return move_accounts(folder, name, words[0].partition(":")[2].split(","))
    if kind == "book":
        return shutil.copy(words[0].partition("=")[2], os.path.join(folder, name + ".csv"))
    rows = Table(os.path.join(folder, {"bundle": "bundles", "tiers": "tiers"}[kind] + ".csv"))
    above = [word.partition(":")[2] for word in words if word.startswith("from_qty:")]
    met = 0
    for row in rows.rows:
        if rows.get(row, {"bundle": "bundle", "tiers": "tiers"}[kind]) == name and (not above or (rows.get(row, "from_qty") or "0") == above[0]):
            met += edit(rows, row, edits_of([word for word in words if not word.startswith("from_qty:")]), ())
    if not met:
        raise Refused("meets no row")
    rows.save()


def apply(base, text, folder):
    """A copy of the book in which the change is made."""
    shutil.copytree(base, folder)
    for part in text.split(";;"):
        apply_one(folder, part.strip())
