#!/usr/bin/env python3
"""A second rater, slow and plain, written from docs/RATING.md alone.

    oracle.py BOOK CDRS.csv -o LINES.csv

One part below for each section of that page. Money is a Fraction of the currency unit until it is rounded, once, to a
whole number of 1e-8. Times are whole milliseconds since 1970 in UTC.
"""
import argparse
import csv
import datetime
import os
import re
import sys
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

ALWAYS = -10**18          # an empty "from"
NEVER = 10**18            # an empty "to"
UNIT = 10**8              # money is counted in 1e-8
MAX_MONEY = 2**63 - 1
MAX_BILLED = 2**31
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MILLISECOND = datetime.timedelta(milliseconds=1)

LINE_COLUMNS = ["record_id", "status", "reason", "account", "site", "number", "class", "jurisdiction", "deck", "prefix",
                "destination", "band", "billed", "charge"]


class BookError(Exception):
    """The book or the CDR file is not what RATING.md allows."""


# ---------------------------------------------------------------------------------------------------------------------
# Section 1: exact numbers
# ---------------------------------------------------------------------------------------------------------------------

def parse_decimal(text):
    """'0.06' -> Fraction(6, 100)."""
    if not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
        raise BookError("not a decimal number: %r" % text)
    return Fraction(text)


def parse_money(text, what):
    """A decimal of at most 8 places that is not negative."""
    value = parse_decimal(text)
    if value < 0:
        raise BookError("%s is negative: %s" % (what, text))
    if (value * UNIT).denominator != 1:
        raise BookError("%s has more than 8 decimals: %s" % (what, text))
    return value


def ceil_div(a, b):
    return -((-a) // b)


def round_money(exact, decimals, rounding):
    """The exact amount rounded to `decimals` places, as a whole number of 1e-8."""
    scaled = abs(exact) * 10**decimals
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    if rounding == "half_up":
        up = rest >= Fraction(1, 2)
    elif rounding == "half_even":
        up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1)
    elif rounding == "up":
        up = rest > 0
    elif rounding == "down":
        up = False
    else:
        raise BookError("unknown rounding: " + rounding)
    if up:
        whole += 1
    amount = whole * 10**(8 - decimals)
    return -amount if exact < 0 else amount


def money_text(amount):
    """1e-8 units as a decimal string with 8 places."""
    sign = "-" if amount < 0 else ""
    return "%s%d.%08d" % (sign, abs(amount) // UNIT, abs(amount) % UNIT)


# ---------------------------------------------------------------------------------------------------------------------
# Section 2: the book's files, dates and numbers
# ---------------------------------------------------------------------------------------------------------------------

TABLES = {
    "accounts": "account name parent class sale timezone currency cycle_day terms seller status psa_id accounting_id",
    "sites": "site account name street city state zip area",
    "numbers": "number account site from to",
    "trunks": "trunk side account carrier channels",
    "carriers": "carrier feed_role",
    "assignments": "subject plan side from to",
    "plans": "plan name",
    "plan_rules": "plan action service direction class jurisdiction destination trunk deck amount percent on_miss priority"
                  " from to",
    "destinations": "prefix destination",
    "decks": "deck currency key decimals rounding init_mode boundary duration_rounding zero_s timezone calendar columns",
    "deck_versions": "deck file effective mode",
    "calendars": "calendar band days from to priority",
    "holidays": "calendar date band",
}
DECK_FILE_COLUMNS = ("prefix key rate destination per_s connect_fee initial_s increment_s minimum_s free_s minimum_charge"
                     " maximum_charge band from to status")


def read_table(path, columns, rename=None):
    """The rows of a CSV as dicts that have every known column; an absent file has no rows."""
    known = columns.split()
    if not os.path.exists(path):
        return []
    rows = []
    with open(path, newline="", encoding="utf-8-sig") as stream:
        lines = csv.reader(stream)
        header = None
        for cells in lines:
            if not cells:
                continue
            if header is None:
                header = [name.strip().lower() for name in cells]
                if rename:
                    header = [rename.get(name, name) for name in header]
                for name in header:
                    if name not in known:
                        raise BookError("%s: unknown column %s" % (path, name))
                if len(set(header)) != len(header):
                    raise BookError("%s: a column twice" % path)
                continue
            if len(cells) != len(header):
                raise BookError("%s: line %d has %d cells, not %d" % (path, lines.line_num, len(cells), len(header)))
            row = dict.fromkeys(known, "")
            row.update(zip(header, cells))
            rows.append(row)
    return rows


def read_book_yaml(path):
    """book.yaml is a flat list of `key: value`."""
    values = {}
    with open(path, encoding="utf-8-sig") as stream:
        for line in stream:
            line = line.split(" #")[0].strip()
            if not line or line.startswith("#") or line == "---":
                continue
            key, colon, value = line.partition(":")
            if not colon:
                raise BookError("book.yaml: %s" % line)
            values[key.strip()] = value.strip().strip("'\"")
    for key in values:
        if key not in ("book", "currency", "timezone", "number_plan", "decimals", "rounding"):
            raise BookError("book.yaml: unknown key %s" % key)
    for key in ("book", "currency", "timezone"):
        if not values.get(key):
            raise BookError("book.yaml: %s is missing" % key)
    return values


def local_instant(text, zone):
    """A date or a timestamp of local time as an instant. fold=0 is what RATING.md asks for: the first of two equal
    local times; in a gap, the offset from before it."""
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?", text)
    if not match:
        raise BookError("not a date: %r" % text)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    millis = int(((match.group(7) or "") + "000")[:3])
    local = datetime.datetime(year, month, day, hour, minute, second, millis * 1000)
    offset = local.replace(tzinfo=zone, fold=0).utcoffset()
    return (local - offset - datetime.datetime(1970, 1, 1)) // MILLISECOND


def span(row, zone):
    """(from, to) of a row as instants; from is inclusive, to exclusive."""
    start = local_instant(row["from"], zone) if row["from"] else ALWAYS
    end = local_instant(row["to"], zone) if row["to"] else NEVER
    if start >= end:
        raise BookError("a row ends before it begins: %s" % row)
    return start, end


@lru_cache(maxsize=None)
def zone_of(name):
    return ZoneInfo(name)


@lru_cache(maxsize=500000)
def local_minute(zone_name, utc_minute):
    """(date, minute of the day) of a UTC minute in a zone. Offsets are whole minutes since 1972."""
    local = (EPOCH + datetime.timedelta(minutes=utc_minute)).astimezone(zone_of(zone_name))
    return local.date(), local.hour * 60 + local.minute


class NumberRow:
    """A row of numbers.csv, or a row of trunks.csv that has an account."""

    def __init__(self, account, site, start, end, first="", last=""):
        self.account, self.site, self.start, self.end, self.first, self.last = account, site, start, end, first, last

    def in_force(self, now):
        return self.start <= now < self.end


class Book:
    def __init__(self, folder):
        self.folder = folder
        yaml = read_book_yaml(os.path.join(folder, "book.yaml"))
        self.currency = yaml["currency"]
        self.zone_name = yaml["timezone"]
        self.zone = zone_of(self.zone_name)
        self.nanp = yaml.get("number_plan", "nanp") == "nanp"
        self.decimals = int(yaml.get("decimals", "6"))
        self.rounding = yaml.get("rounding", "half_up")
        self.tables = {}
        for name, columns in TABLES.items():
            self.tables[name] = read_table(os.path.join(folder, name + ".csv"), columns)
        load_accounts(self)
        load_numbers(self)
        load_trunks(self)
        load_assignments(self)
        load_destinations(self)
        load_calendars(self)
        load_decks(self)
        load_rules(self)


def load_accounts(book):
    book.account_zone = {}
    for row in book.tables["accounts"]:
        if row["account"] in book.account_zone:
            raise BookError("account twice: " + row["account"])
        if row["currency"] not in ("", book.currency):
            raise BookError("this rater knows books of one currency only")
        book.account_zone[row["account"]] = zone_of(row["timezone"] or book.zone_name)
    book.site_account = {}
    for row in book.tables["sites"]:
        if row["site"] in book.site_account:
            raise BookError("site twice: " + row["site"])
        if row["account"] not in book.account_zone:
            raise BookError("site of an unknown account: " + row["site"])
        book.site_account[row["site"]] = row["account"]


def load_numbers(book):
    """`trunk:V` and `hint:V` go by name; telephone numbers are kept as ranges, a single one being a short range."""
    book.named = {}
    book.ranges = []
    for row in book.tables["numbers"]:
        account = row["account"]
        if account not in book.account_zone:
            raise BookError("number of an unknown account: %s" % row)
        if row["site"] and book.site_account.get(row["site"]) != account:
            raise BookError("number at a site of another account: %s" % row)
        start, end = span(row, book.account_zone[account])
        text = row["number"]
        if text.startswith(("trunk:", "hint:")):
            entry = NumberRow(account, row["site"], start, end)
            for other in book.named.setdefault(text, []):
                if other.start < end and start < other.end:
                    raise BookError("dates overlap: " + text)
            book.named[text].append(entry)
            continue
        first, _, last = text.partition("-")
        first = first.lstrip("+")
        last = (last or first).lstrip("+")
        if not (first.isdigit() and last.isdigit() and len(first) == len(last) and first <= last and 7 <= len(first) <= 15):
            raise BookError("not a number or range: " + text)
        book.ranges.append(NumberRow(account, row["site"], start, end, first, last))
    check_ranges(book.ranges)
    book.number_rows = {}         # what rows_of_number has found so far


def check_ranges(ranges):
    """No number twice at one time."""
    ordered = sorted(ranges, key=lambda entry: (len(entry.first), entry.first))
    live = []
    for entry in ordered:
        live = [other for other in live if len(other.first) == len(entry.first) and other.last >= entry.first]
        for other in live:
            if other.start < entry.end and entry.start < other.end:
                raise BookError("numbers overlap: %s-%s and %s-%s" % (other.first, other.last, entry.first, entry.last))
        live.append(entry)


def rows_of_number(book, digits):
    """All rows of numbers.csv, of any date, that contain this number."""
    rows = book.number_rows.get(digits)
    if rows is None:
        rows = [entry for entry in book.ranges
                if len(entry.first) == len(digits) and entry.first <= digits <= entry.last]
        book.number_rows[digits] = rows
    return rows


def load_trunks(book):
    book.trunk_account = {}
    for row in book.tables["carriers"]:
        if row["feed_role"] not in ("", "bill"):
            raise BookError("feed_role at this version is bill")
    carriers = {row["carrier"] for row in book.tables["carriers"]}
    seen = set()
    for row in book.tables["trunks"]:
        if row["trunk"] in seen:
            raise BookError("trunk twice: " + row["trunk"])
        seen.add(row["trunk"])
        if row["account"] and row["account"] not in book.account_zone:
            raise BookError("trunk of an unknown account: " + row["trunk"])
        if row["carrier"] and row["carrier"] not in carriers:
            raise BookError("trunk of an unknown carrier: " + row["trunk"])
        if row["account"] and row["side"] in ("", "sell"):
            book.trunk_account[row["trunk"]] = NumberRow(row["account"], "", ALWAYS, NEVER)


def assignment_zone(book, kind, value):
    """Section 2, Dates: the account's zone for an account or a site; the book's for the rest."""
    if kind == "account":
        if value not in book.account_zone:
            raise BookError("assignment to an unknown account: " + value)
        return book.account_zone[value]
    if kind == "site":
        if value not in book.site_account:
            raise BookError("assignment to an unknown site: " + value)
        return book.account_zone[book.site_account[value]]
    return book.zone


def owners_and_zones(book, kind, value):
    """Whose calls an assignment is for, and its zone: a number's dates are read in the zone of each account that owns it."""
    if kind != "number":
        return [(None, assignment_zone(book, kind, value))]
    owners = sorted({row.account for row in rows_of_number(book, value)})
    if not owners:
        raise BookError("assignment to a number that numbers.csv does not have: " + value)
    return [(owner, book.account_zone[owner]) for owner in owners]


def load_assignments(book):
    """book.assignments[(kind, value)] = [(start, end, plan, account or None for any)]."""
    book.plans = {row["plan"] for row in book.tables["plans"]}
    book.assignments = {}
    for row in book.tables["assignments"]:
        if row["side"] not in ("", "sell"):
            continue
        kind, _, value = row["subject"].partition(":")
        if kind not in ("number", "trunk", "site", "account", "carrier", "default"):
            raise BookError("unknown subject: " + row["subject"])
        if kind == "number":
            value = value.lstrip("+")
        if row["plan"] not in book.plans:
            raise BookError("unknown plan: " + row["plan"])
        rows = book.assignments.setdefault((kind, value), [])
        for owner, zone in owners_and_zones(book, kind, value):
            start, end = span(row, zone)
            for other in rows:
                if other[3] == owner and other[0] < end and start < other[1]:
                    raise BookError("assignments overlap: " + row["subject"])
            rows.append((start, end, row["plan"], owner))


def load_destinations(book):
    book.destinations = {}
    for row in book.tables["destinations"]:
        prefix = row["prefix"]
        if prefix in book.destinations:
            raise BookError("destination prefix twice: " + prefix)
        book.destinations[prefix] = row["destination"]
    book.destination_cache = {}


class Calendar:
    def __init__(self):
        self.rows = []            # (priority, row order, band, days, from minute, to minute)
        self.holidays = {}        # date -> band


def parse_days(text):
    """'1;3-5' -> {1, 3, 4, 5}; empty: every day."""
    if not text:
        return set(range(1, 8))
    days = set()
    for part in text.split(";"):
        first, _, last = part.partition("-")
        first = int(first)
        last = int(last) if last else first
        if not 1 <= first <= last <= 7:
            raise BookError("not weekdays: " + text)
        days.update(range(first, last + 1))
    return days


def parse_clock(text, empty):
    if not text:
        return empty
    hour, minute = text.split(":")
    minutes = int(hour) * 60 + int(minute)
    if not 0 <= minutes <= 1440:
        raise BookError("not a time of day: " + text)
    return minutes


def load_calendars(book):
    book.calendars = {}
    for order, row in enumerate(book.tables["calendars"]):
        calendar = book.calendars.setdefault(row["calendar"], Calendar())
        calendar.rows.append((int(row["priority"] or "0"), order, row["band"], parse_days(row["days"]),
                              parse_clock(row["from"], 0), parse_clock(row["to"], 1440)))
    for calendar in book.calendars.values():
        calendar.rows.sort(key=lambda entry: entry[:2])
    for row in book.tables["holidays"]:
        calendar = book.calendars.setdefault(row["calendar"], Calendar())
        date = datetime.date.fromisoformat(row["date"])
        if date in calendar.holidays:
            raise BookError("holiday twice: " + row["date"])
        calendar.holidays[date] = row["band"]


class DeckRow:
    """One key (a prefix or a call type) of one row of a deck file."""


class Deck:
    """deck.rows[key] = the DeckRows of that key, of any time and band."""


def parse_seconds(text, empty):
    if not text:
        return empty
    if not text.isdigit():
        raise BookError("not a whole number: " + text)
    return int(text)


def expand_keys(text, by_calltype):
    """'44;1201-1203' -> 44, 1201, 1202, 1203. Call types have lists but no ranges."""
    keys = []
    for part in text.split(";"):
        first, dash, last = part.partition("-")
        if by_calltype or not dash:
            if not by_calltype and part and not part.isdigit():
                raise BookError("not a prefix: " + part)
            keys.append(part)
            continue
        if len(first) != len(last) or not first.isdigit() or not last.isdigit() or first > last:
            raise BookError("not a range: " + part)
        for number in range(int(first), int(last) + 1):
            keys.append(str(number).zfill(len(first)))
    return keys


def read_deck_file(book, deck, file):
    """[DeckRow], with start and end from the row's own `from` and `to`."""
    path = os.path.join(book.folder, "decks", file + ".csv")
    if not os.path.exists(path):
        raise BookError("no such deck file: " + path)
    rows = []
    for cells in read_table(path, DECK_FILE_COLUMNS, deck.columns):
        if cells["prefix"] and cells["key"]:
            raise BookError("prefix and key in one row: " + path)
        start, end = span(cells, deck.zone)
        for key in expand_keys(cells["prefix"] or cells["key"], deck.by_calltype):
            row = DeckRow()
            row.deck = deck
            row.key = key
            row.start, row.end = start, end
            row.destination = cells["destination"]
            row.band = cells["band"]
            row.rate = parse_money(cells["rate"], "rate") if cells["rate"] else None
            row.per = parse_seconds(cells["per_s"], 60)
            row.connect_fee = parse_money(cells["connect_fee"] or "0", "connect_fee")
            row.increment = parse_seconds(cells["increment_s"], 1)
            row.initial = parse_seconds(cells["initial_s"], row.increment)
            row.minimum_s = parse_seconds(cells["minimum_s"], 0)
            row.free_s = parse_seconds(cells["free_s"], 0)
            row.minimum_charge = parse_money(cells["minimum_charge"], "minimum") if cells["minimum_charge"] else None
            row.maximum_charge = parse_money(cells["maximum_charge"], "maximum") if cells["maximum_charge"] else None
            if row.per == 0 or row.increment == 0:
                raise BookError("per_s and increment_s are at least 1: " + path)
            if (row.minimum_charge is not None and row.maximum_charge is not None
                    and row.minimum_charge > row.maximum_charge):
                raise BookError("a minimum above the maximum: " + path)
            status = cells["status"].lower()
            if status not in ("", "active", "current", "blocked"):
                raise BookError("unknown status: " + cells["status"])
            row.blocked = status == "blocked"
            rows.append(row)
    seen = {}
    for row in rows:
        same = seen.setdefault((row.key, row.band), [])
        for other in same:
            if other.start < row.end and row.start < other.end:
                raise BookError("%s: %s twice at one time" % (path, row.key))
        same.append(row)
    return rows


def parse_columns(text):
    """'prefix=Code;rate=Price' -> {'code': 'prefix', 'price': 'rate'}."""
    rename = {}
    for part in text.split(";"):
        if part:
            ours, _, theirs = part.partition("=")
            rename[theirs.strip().lower()] = ours.strip().lower()
    return rename


def load_decks(book):
    """Decks named in decks.csv, and decks named only by rules or versions, which have every default."""
    settings = {}
    for row in book.tables["decks"]:
        if row["deck"] in settings:
            raise BookError("deck twice: " + row["deck"])
        settings[row["deck"]] = row
    versions = {}
    for row in book.tables["deck_versions"]:
        versions.setdefault(row["deck"], []).append(row)
    names = set(settings) | set(versions)
    names.update(row["deck"] for row in book.tables["plan_rules"] if row["deck"])
    book.decks = {}
    for name in sorted(names):
        cells = settings.get(name, dict.fromkeys(TABLES["decks"].split(), ""))
        deck = Deck()
        deck.name = name
        deck.by_calltype = {"": False, "callee": False, "calltype": True}[cells["key"]]
        deck.decimals = int(cells["decimals"]) if cells["decimals"] else book.decimals
        deck.rounding = cells["rounding"] or book.rounding
        deck.init_mode = cells["init_mode"] or "append"
        deck.duration_rounding = cells["duration_rounding"] or "up"
        deck.zero_s = cells["zero_s"] or "free"
        deck.zone_name = cells["timezone"] or book.zone_name
        deck.zone = zone_of(deck.zone_name)
        deck.calendar = None
        if cells["calendar"]:
            if cells["calendar"] not in book.calendars:
                raise BookError("unknown calendar: " + cells["calendar"])
            deck.calendar = book.calendars[cells["calendar"]]
        deck.columns = parse_columns(cells["columns"])
        if cells["boundary"] not in ("", "start") or cells["currency"] not in ("", book.currency):
            raise BookError("deck " + name + ": boundary or currency")
        deck.band_cache = {}
        deck.rows = rows_by_key(book, deck, versions.get(name, []))
        deck.longest = max((len(key) for key in deck.rows), default=0)
        book.decks[name] = deck


def rows_by_key(book, deck, version_rows):
    """Section 8, first paragraph: when each row of each version is in force."""
    versions = []
    if not version_rows:
        versions.append((ALWAYS, "full", read_deck_file(book, deck, deck.name)))
    for cells in version_rows:
        effective = local_instant(cells["effective"], deck.zone) if cells["effective"] else ALWAYS
        if any(effective == other[0] for other in versions):
            raise BookError("two versions of %s at one time" % deck.name)
        versions.append((effective, cells["mode"] or "full", read_deck_file(book, deck, cells["file"])))
    versions.sort(key=lambda version: version[0])
    keys_of = [{row.key for row in version[2]} for version in versions]
    by_key = {}
    for index, (effective, _, rows) in enumerate(versions):
        for row in rows:
            end = row.end
            for later in range(index + 1, len(versions)):
                if versions[later][1] == "full" or row.key in keys_of[later]:
                    end = min(end, versions[later][0])
                    break
            row.start = max(row.start, effective)
            row.end = end
            if row.start < row.end:
                by_key.setdefault(row.key, []).append(row)
    return by_key


class Rule:
    pass


def load_rules(book):
    """book.rules[plan] = the plan's rules in the order in which they are tried."""
    book.rules = {plan: [] for plan in book.plans}
    for order, cells in enumerate(book.tables["plan_rules"]):
        if cells["plan"] not in book.plans:
            raise BookError("rule of an unknown plan: " + cells["plan"])
        if cells["action"] not in ("deck", "flat", "free", "markup", "reject"):
            raise BookError("unknown action: " + cells["action"])
        rule = Rule()
        rule.action = cells["action"]
        rule.order = (int(cells["priority"] or "0"), order)
        rule.conditions = {name: cells[name] for name in ("service", "direction", "class", "jurisdiction", "trunk")
                           if cells[name]}
        rule.destination = cells["destination"]
        rule.start, rule.end = span(cells, book.zone)
        rule.deck = book.decks[cells["deck"]] if cells["action"] == "deck" else None
        rule.amount = parse_decimal(cells["amount"] or "0")
        rule.percent = parse_decimal(cells["percent"] or "0")
        rule.next_on_miss = {"": False, "suspense": False, "next": True}[cells["on_miss"]]
        book.rules[cells["plan"]].append(rule)
    for rules in book.rules.values():
        rules.sort(key=lambda rule: rule.order)


# ---------------------------------------------------------------------------------------------------------------------
# The CDRs: the generic CSV
# ---------------------------------------------------------------------------------------------------------------------

CDR_COLUMNS = ("start duration_s caller callee service quantity direction answered record_id charged trunk account_hint"
               " calltype lrn_caller lrn_callee provider_charge")


@lru_cache(maxsize=500000)
def type_number(text):
    """(type, digits): e164, short, none, invalid or other."""
    if text == "" or text.lower() in ("anonymous", "unknown", "restricted", "withheld"):
        return "none", ""
    if re.fullmatch(r"\+?[0-9]{7,15}", text):
        return "e164", text.lstrip("+")
    if re.fullmatch(r"[0-9*#]{1,6}", text):
        return "short", text
    if re.fullmatch(r"\+[0-9]*", text) or re.fullmatch(r"[0-9]{16,}", text):
        return "invalid", ""
    return "other", ""


class Record:
    __slots__ = ("record_id", "start", "duration_ms", "caller", "callee", "service", "quantity", "direction", "answered",
                 "charged", "trunk", "hint", "calltype", "provider_charge", "content", "conflict")


@lru_cache(maxsize=1000)
def midnight_ms(date):
    return (datetime.datetime.fromisoformat(date).replace(tzinfo=datetime.timezone.utc) - EPOCH) // MILLISECOND


START = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):?(\d\d))")


def parse_start(text):
    match = START.fullmatch(text)
    if not match:
        raise BookError("not a start: %r" % text)
    date, hour, minute, second, fraction, sign, offset_hour, offset_minute = match.groups()
    millis = midnight_ms(date) + (int(hour) * 3600 + int(minute) * 60 + int(second)) * 1000
    millis += int(((fraction or "") + "000")[:3])
    if sign:
        offset = (int(offset_hour) * 60 + int(offset_minute)) * 60000
        millis += -offset if sign == "+" else offset
    return millis


def parse_duration(text):
    whole, _, fraction = text.partition(".")
    return int(whole or "0") * 1000 + int((fraction + "000")[:3])


def parse_record(cells):
    record = Record()
    record.record_id = cells["record_id"]
    record.start = parse_start(cells["start"])
    record.duration_ms = parse_duration(cells["duration_s"])
    record.caller = type_number(cells["caller"])
    record.callee = type_number(cells["callee"])
    record.service = cells["service"] or "voice"
    record.quantity = int(cells["quantity"] or ("0" if record.service == "voice" else "1"))
    record.direction = cells["direction"] or "out"
    record.answered = (cells["answered"] or "yes") == "yes"
    record.charged = type_number(cells["charged"])
    record.trunk = cells["trunk"]
    record.hint = cells["account_hint"]
    record.calltype = cells["calltype"]
    record.provider_charge = parse_decimal(cells["provider_charge"]) if cells["provider_charge"] else None
    record.conflict = False
    record.content = (record.start, record.duration_ms, cells["caller"], cells["callee"], record.service, record.quantity,
                      record.direction, record.answered, cells["charged"], record.trunk, record.hint, record.calltype,
                      cells["lrn_caller"], cells["lrn_callee"], cells["provider_charge"])
    return record


def read_records(path):
    """The records of a CDR file: a repeated record is read once, records that contradict each other are marked."""
    records = []
    by_id = {}
    for cells in read_table(path, CDR_COLUMNS):
        record = parse_record(cells)
        if record.record_id:
            others = by_id.setdefault(record.record_id, [])
            if any(other.content == record.content for other in others):
                continue
            others.append(record)
            if len(others) > 1:
                for other in others:
                    other.conflict = True
        records.append(record)
    return records


# ---------------------------------------------------------------------------------------------------------------------
# Section 3: which row decides
# ---------------------------------------------------------------------------------------------------------------------

def new_line(book, record):
    """A line before anything is decided. Class and jurisdiction are the record's own."""
    line = dict.fromkeys(LINE_COLUMNS, "")
    line["record_id"] = record.record_id
    line["start"] = record.start
    line["service"] = record.service
    line["class"] = call_class(book, record)
    line["jurisdiction"] = call_jurisdiction(book, record)
    line["billed"] = "0"
    return line


def suspense(line, reason):
    line["status"], line["reason"] = "suspense", reason
    line["billed"], line["charge"] = "0", ""
    return line


def zero_rated(line, reason, billed):
    if billed >= MAX_BILLED:
        return suspense(line, "overflow")
    line["status"], line["reason"] = "zero_rated", reason
    line["billed"], line["charge"] = str(billed), money_text(0)
    return line


def rated(line, billed, amount):
    if billed >= MAX_BILLED or abs(amount) > MAX_MONEY:
        return suspense(line, "overflow")
    line["status"] = "rated"
    line["billed"], line["charge"] = str(billed), money_text(amount)
    return line


def rate_record(book, record):
    line = new_line(book, record)
    if record.conflict:
        line["status"] = line["reason"] = "conflict"
        return line
    payer, problem = find_payer(book, record)
    if payer:
        line["account"], line["site"], line["number"] = payer
    if record.service == "voice" and not record.answered:
        return zero_rated(line, "unanswered", 0)
    if problem:
        return suspense(line, problem)
    if book.nanp and record.callee in (("short", "911"), ("short", "933"), ("short", "988")):
        return zero_rated(line, "emergency", units_used(record, "up"))
    plan = find_plan(book, record, payer)
    if plan is None:
        return suspense(line, "no_plan")
    return apply_rules(book, record, plan, line)


# ---------------------------------------------------------------------------------------------------------------------
# Section 4: who pays
# ---------------------------------------------------------------------------------------------------------------------

def row_in_force(rows, now):
    for row in rows:
        if row.in_force(now):
            return row
    return None


def known_number(book, number, now):
    """The row of numbers.csv for an E.164 number, or None."""
    kind, digits = number
    if kind != "e164":
        return None
    return row_in_force(rows_of_number(book, digits), now)


def known_trunk(book, trunk, now):
    if not trunk:
        return None
    return row_in_force(book.named.get("trunk:" + trunk, []), now) or book.trunk_account.get(trunk)


def known_hint(book, hint, now):
    if not hint:
        return None
    return row_in_force(book.named.get("hint:" + hint, []), now)


def find_payer(book, record):
    """((account, site, number), "") or (None, reason)."""
    near_number = record.caller if record.direction == "out" else record.callee
    charged = known_number(book, record.charged, record.start)
    trunk = known_trunk(book, record.trunk, record.start)
    hint = known_hint(book, record.hint, record.start)
    near = known_number(book, near_number, record.start)
    if len({row.account for row in (charged, trunk, hint) if row}) > 1:
        return None, "party_conflict"
    if hint and near and hint.account != near.account:
        return None, "party_conflict"
    if charged:
        return (charged.account, charged.site, "+" + record.charged[1]), ""
    if trunk:
        return (trunk.account, trunk.site, "trunk:" + record.trunk), ""
    if hint and near:
        return (hint.account, near.site, "+" + near_number[1]), ""
    if hint:
        return (hint.account, hint.site, "hint:" + record.hint), ""
    if near:
        return (near.account, near.site, "+" + near_number[1]), ""
    return None, "no_account"


# ---------------------------------------------------------------------------------------------------------------------
# Section 5: the plan
# ---------------------------------------------------------------------------------------------------------------------

def find_plan(book, record, payer):
    account, site, number = payer
    subjects = [("number", number[1:] if number.startswith("+") else None), ("trunk", record.trunk), ("site", site),
                ("account", account), ("carrier", None), ("default", "")]  # the generic CSV names no carrier
    for kind, value in subjects:
        if not value and kind != "default":
            continue
        for start, end, plan, owner in book.assignments.get((kind, value), ()):
            if start <= record.start < end and owner in (None, account):
                return plan
    return None


# ---------------------------------------------------------------------------------------------------------------------
# Section 6: the rule, the class and the jurisdiction
# ---------------------------------------------------------------------------------------------------------------------

TOLL_FREE = {"800", "833", "844", "855", "866", "877", "888"}
OVERSEAS = set("242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876".split())
N11 = {"211", "311", "411", "511", "611", "711", "811", "911", "933", "988"}


def call_class(book, record):
    kind, digits = record.callee
    if not book.nanp:
        return "ordinary"
    if kind == "short" and digits in N11:
        return "n11"
    if kind == "e164" and digits[0] == "1":
        if digits[1:4] in TOLL_FREE:
            return "toll_free"
        if digits[1:4] == "900":
            return "premium"
    return "ordinary"


def call_jurisdiction(book, record):
    if book.nanp:
        for kind, digits in (record.caller, record.callee):
            if kind == "e164" and (digits[0] != "1" or digits[1:4] in OVERSEAS):
                return "international"
    return "indeterminate"


def destination_of(book, callee):
    """The book's own name for an E.164 callee, or ""."""
    kind, digits = callee
    if kind != "e164":
        return ""
    name = book.destination_cache.get(digits)
    if name is None:
        name = ""
        for length in range(len(digits), -1, -1):
            if digits[:length] in book.destinations:
                name = book.destinations[digits[:length]]
                break
        book.destination_cache[digits] = name
    return name


def rule_matches(book, record, line, rule):
    if not rule.start <= record.start < rule.end:
        return False
    for name, wanted in rule.conditions.items():
        if name in ("class", "jurisdiction"):
            actual = line[name]
        else:
            actual = getattr(record, name)
        if actual != wanted:
            return False
    return not rule.destination or destination_of(book, record.callee) == rule.destination


def apply_rules(book, record, plan, line):
    missed = "no_rule"
    for rule in book.rules[plan]:
        if not rule_matches(book, record, line, rule):
            continue
        if rule.action == "reject":
            return suspense(line, "rejected")
        if rule.action == "free":
            return zero_rated(line, "free", units_used(record, "up"))
        if rule.action == "flat":
            return rated_by_rule(book, record, line, rule.amount)
        if rule.action == "markup":
            if record.provider_charge is None:
                return suspense(line, "no_provider_charge")
            return rated_by_rule(book, record, line,
                                 record.provider_charge * (1 + rule.percent * Fraction(1, 100)) + rule.amount)
        row, problem = find_price_row(rule.deck, record)
        if problem in ("no_prefix", "no_calltype", "bad_number"):
            missed = problem
            if rule.next_on_miss:
                continue
            return suspense(line, problem)
        if problem == "no_band":
            return suspense(line, problem)
        return price(record, row, line)
    return suspense(line, missed)


def rated_by_rule(book, record, line, exact):
    """flat and markup: rounded by the book's own rule; a credit is negated here too."""
    amount = round_money(exact, book.decimals, book.rounding)
    if record.quantity < 0:
        amount = -amount
    return rated(line, units_used(record, "up"), amount)


# ---------------------------------------------------------------------------------------------------------------------
# Section 7: units used and billed
# ---------------------------------------------------------------------------------------------------------------------

def units_used(record, duration_rounding):
    if record.service != "voice":
        return abs(record.quantity)
    millis = record.duration_ms
    if duration_rounding == "down":
        return millis // 1000
    if duration_rounding == "half_up":
        return (millis + 500) // 1000
    return ceil_div(millis, 1000)            # up, and ms, which bills as up


def units_billed(d, row, init_mode):
    """Steps 2 and 3."""
    d = max(d, row.minimum_s)
    d = max(0, d - row.free_s)
    if d == 0:
        return 0
    if init_mode == "append":
        return row.initial + ceil_div(max(0, d - row.initial), row.increment) * row.increment
    return ceil_div(max(d, row.initial), row.increment) * row.increment


# ---------------------------------------------------------------------------------------------------------------------
# Section 8: the price row
# ---------------------------------------------------------------------------------------------------------------------

def rows_in_force(deck, key, now):
    return [row for row in deck.rows.get(key, ()) if row.start <= now < row.end]


def find_price_row(deck, record):
    """(row, "") or (None, reason). A blocked row and one without rate are found; pricing them is what fails."""
    if deck.by_calltype:
        rows = rows_in_force(deck, record.calltype, record.start) or rows_in_force(deck, "", record.start)
        if not rows:
            return None, "no_calltype"
        return row_of_band(deck, rows, record.start)
    kind, digits = record.callee
    if kind == "e164":
        for length in range(min(len(digits), deck.longest), 0, -1):
            rows = rows_in_force(deck, digits[:length], record.start)
            if rows:
                return row_of_band(deck, rows, record.start)
    rows = rows_in_force(deck, "", record.start)
    if rows:
        return row_of_band(deck, rows, record.start)
    if kind in ("e164", "short"):
        return None, "no_prefix"
    return None, "bad_number"


def row_of_band(deck, rows, now):
    band = band_at(deck, now)
    if band:
        for row in rows:
            if row.band == band:
                return row, ""
    for row in rows:
        if not row.band:
            return row, ""
    return None, "no_band"


# ---------------------------------------------------------------------------------------------------------------------
# Section 9: the charge
# ---------------------------------------------------------------------------------------------------------------------

def exact_charge(row, billed):
    """Before rounding."""
    exact = row.connect_fee + row.rate * billed * Fraction(1, row.per)
    if row.minimum_charge is not None and exact < row.minimum_charge:
        exact = row.minimum_charge
    if row.maximum_charge is not None and exact > row.maximum_charge:
        exact = row.maximum_charge
    return exact


def price(record, row, line):
    deck = row.deck
    shown = {"deck": deck.name, "prefix": row.key, "destination": row.destination, "band": row.band}
    if row.blocked or row.rate is None:
        line.update(shown)
        return suspense(line, "blocked" if row.blocked else "no_rate")
    d = units_used(record, deck.duration_rounding)
    if d == 0 and deck.zero_s == "free":
        line.update(shown)
        return zero_rated(line, "zero_duration", 0)
    if d == 0 and deck.zero_s == "connect":
        billed = 0
    else:
        billed = units_billed(max(d, 1), row, deck.init_mode)     # a 0 that comes here is zero_s minimum: it counts as 1
    amount = round_money(exact_charge(row, billed), deck.decimals, deck.rounding)
    if record.quantity < 0:
        amount = -amount
    line = rated(line, billed, amount)
    if line["status"] == "rated":
        line.update(shown)
    return line


# ---------------------------------------------------------------------------------------------------------------------
# Section 10: bands
# ---------------------------------------------------------------------------------------------------------------------

def band_at(deck, now):
    """The band in force, or ""."""
    if deck.calendar is None:
        return ""
    minute = now // 60000
    if minute not in deck.band_cache:
        date, clock = local_minute(deck.zone_name, minute)
        deck.band_cache[minute] = band_of(deck.calendar, date, clock)
    return deck.band_cache[minute]


def band_of(calendar, date, clock):
    if date in calendar.holidays:
        return calendar.holidays[date]
    yesterday = date - datetime.timedelta(days=1)
    for _, _, band, days, start, end in calendar.rows:             # by priority, then by order in the file
        today = date.isoweekday() in days
        if end > start:
            if today and start <= clock < end:
                return band
            continue
        if today and clock >= start:
            return band
        if yesterday.isoweekday() in days and yesterday not in calendar.holidays and clock < end:
            return band
    return ""


# ---------------------------------------------------------------------------------------------------------------------

def rate_all(book, records):
    lines = [rate_record(book, record) for record in records]
    lines.sort(key=lambda line: (line["start"], line["record_id"]))
    return lines


def write_lines(lines, path):
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(LINE_COLUMNS)
        for line in lines:
            writer.writerow([line[name] for name in LINE_COLUMNS])


def main():
    parser = argparse.ArgumentParser(description="rate CDRs by docs/RATING.md, slowly")
    parser.add_argument("book")
    parser.add_argument("cdrs")
    parser.add_argument("-o", dest="output", required=True)
    options = parser.parse_args()
    try:
        book = Book(options.book)
        records = read_records(options.cdrs)
        write_lines(rate_all(book, records), options.output)
    except BookError as error:
        sys.exit("oracle: %s" % error)


if __name__ == "__main__":
    main()
