#!/usr/bin/env python3
"""A second rater, slow and plain, written from docs/RATING.md alone.

    oracle.py BOOK --feed [CARRIER]=CDRS.csv... -o LINES.csv ...        (rate.py, which has all sections, says how)

One part below for each of the sections 1 to 11 of that page, which price a line by itself. Money is a Fraction of the
currency unit until it is rounded, once, to a whole number of 1e-8. Times are whole milliseconds since 1970 in UTC.
"""
import copy
import csv
import datetime
import os
import re
import sys
from fractions import Fraction
from functools import lru_cache
from math import lcm
from zoneinfo import ZoneInfo

ALWAYS = -10**18          # an empty "from"
NEVER = 10**18            # an empty "to"
UNIT = 10**8              # money is counted in 1e-8
MAX_MONEY = 2**63 - 1
MAX_BILLED = 2**31
MAX_CALL_S = (2**31 - 1) // 1000
MAX_WALKED_ROWS = 10000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MILLISECOND = datetime.timedelta(milliseconds=1)

LINE_COLUMNS = ["record_id", "status", "reason", "account", "site", "number", "service", "class", "jurisdiction", "deck",
                "prefix", "destination", "band", "billed", "included", "bundle", "pool", "charge", "cost", "cost_status", "cost_deck",
                "cost_prefix"]
PERIOD_COLUMNS = ["period", "account", "site", "number", "pool", "tiers", "kind", "charge", "currency"]
NANP_TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "nanp.csv")
JURISDICTIONS = ("indeterminate", "local", "intrastate", "interstate", "international")
BASES = ("ani", "ani_lrn", "site", "carrier")


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
    "accounts": "account name parent class sale timezone currency cycle_day terms seller status psa_id accounting_id tax_site",
    "sites": "site account name street city state zip area",
    "numbers": "number account site from to",
    "trunks": "trunk side account carrier channels",
    "carriers": "carrier feed_role",
    "assignments": "subject plan side from to",
    "plans": "plan name",
    "plan_rules": "plan action service direction class jurisdiction destination trunk deck tiers amount percent on_miss"
                  " priority from to product",
    "destinations": "prefix destination",
    "decks": "deck currency key number_basis jurisdiction_basis indeterminate decimals rounding init_mode boundary"
             " duration_rounding zero_s timezone calendar columns",
    "deck_versions": "deck file effective mode",
    "calendars": "calendar band days from to priority",
    "holidays": "calendar date band",
    "npanxx": "prefix country state county city ratecenter lata area",
    "local_areas": "from_ratecenter to_ratecenter from_state to_state",
    "calltypes": "calltype jurisdiction carrier",
    "surcharges": "subject measure amount short_s threshold_percent apply from to",
    "bundles": "bundle unit quantity name scope services classes jurisdictions destinations direction period anchor_day"
               " rollover_periods prorate at_limit debit increment connect_fee priority",
    "subscriptions": "subject bundle pool times from to",
    "services": "service account type site number product carrier circuit quantity ring_to from to",
    "tiers": "tiers rate from_qty per flat product mode unit scope period decimals rounding minimum_spend maximum_spend",
    "fx": "from to date rate",
    "tax_jurisdictions": "id level name state fips parent",
    "tax_areas": "area tax_jurisdiction",
    "sellers": "seller fusf_method interstate_share tax_services from to",
    "products": "product name sku gl",
    "tax_map": "tax_service product service class jurisdiction share",
    "taxes": "tax category name kind sourcing scope round_scope rounding date_basis surcharge billable exempt_by line_basis part_month"
             " tax_jurisdiction level tax_services customer_classes sale base on_taxes rate amount bracket_from bracket_to cap threshold"
             " from to source as_of cadence",
    "exemptions": "account site tax_jurisdiction level category tax percent certificate from to",
    "charges": "account product kind amount site quantity tax_included from to",
}
DECK_FILE_COLUMNS = ("prefix key caller_prefix rate rate_inter rate_intra rate_indeterminate step_from_s destination per_s"
                     " connect_fee initial_s increment_s minimum_s free_s minimum_charge maximum_charge band from to status")
BY_JURISDICTION = ("rate_inter", "rate_intra", "rate_indeterminate")
NOT_IN_A_STEP = ("connect_fee", "initial_s", "minimum_s", "free_s", "minimum_charge", "maximum_charge")


def read_table(path, columns, rename=None, required=()):
    """The rows of a CSV as dicts that have every known column; an absent file has no rows."""
    known = columns.split()
    if not os.path.exists(path):
        return []
    rows = []
    with open(path, newline="", encoding="utf-8-sig") as stream:
        lines = csv.reader(stream)
        header = None
        for cells in lines:
            if not any(cells):
                continue
            if header is None:
                header = [name.strip().lower() for name in cells]
                if rename:
                    header = [rename.get(name, name) for name in header]
                for name in header:
                    if name not in known:
                        raise BookError("%s: unknown column %s" % (path, name))
                if not set(required) <= set(header):
                    raise BookError("%s: a column is missing: %s" % (path, required))
                if len(set(header)) != len(header):
                    raise BookError("%s: a column twice" % path)
                continue
            if len(cells) != len(header):
                raise BookError("%s: line %d has %d cells, not %d" % (path, lines.line_num, len(cells), len(header)))
            row = dict.fromkeys(known, "")
            row.update(zip(header, cells))
            row["#"] = lines.line_num
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
        if key not in ("book", "currency", "timezone", "number_plan", "country", "jurisdiction_basis", "on_net", "decimals",
                       "rounding"):
            raise BookError("book.yaml: unknown key %s" % key)
    for key in ("book", "currency", "timezone"):
        if not values.get(key):
            raise BookError("book.yaml: %s is missing" % key)
    if not re.fullmatch("[A-Z][A-Z]", values.get("country", "US")):
        raise BookError("book.yaml: country is two capital letters")
    nanp = values.get("number_plan", "nanp") == "nanp"
    if not nanp and ("country" in values or "jurisdiction_basis" in values):
        raise BookError("book.yaml: country and jurisdiction_basis are for number plan nanp")
    if values.get("jurisdiction_basis", "ani") not in BASES:
        raise BookError("book.yaml: jurisdiction_basis")
    if values.get("on_net", "none") not in ("none", "account", "any"):
        raise BookError("book.yaml: on_net")
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
        self.country = yaml.get("country", "US")
        self.basis = yaml.get("jurisdiction_basis", "ani")
        self.on_net = yaml.get("on_net", "none")
        self.decimals = int(yaml.get("decimals", "6"))
        self.rounding = yaml.get("rounding", "half_up")
        self.tables = {}
        for name, columns in TABLES.items():
            self.tables[name] = read_table(os.path.join(folder, name + ".csv"), columns)
        for name in ("npanxx", "local_areas", "calltypes"):
            if not self.nanp and os.path.exists(os.path.join(folder, name + ".csv")):
                raise BookError("%s.csv is for number plan nanp" % name)
        load_accounts(self)
        load_numbers(self)
        load_trunks(self)
        load_assignments(self)
        load_destinations(self)
        load_places(self)
        load_local_areas(self)
        load_calltypes(self)
        load_calendars(self)
        load_decks(self)
        load_rules(self)
        load_surcharges(self)


def load_accounts(book):
    book.account_zone = {}
    book.cycle_day = {}
    book.account_currency = {}
    book.parent = {}
    for row in book.tables["accounts"]:
        if row["account"] in book.account_zone:
            raise BookError("account twice: " + row["account"])
        book.account_currency[row["account"]] = row["currency"] or book.currency
        book.parent[row["account"]] = row["parent"]
        book.account_zone[row["account"]] = zone_of(row["timezone"] or book.zone_name)
        book.cycle_day[row["account"]] = int(row["cycle_day"] or "1")
        if not 1 <= book.cycle_day[row["account"]] <= 28:
            raise BookError("cycle_day is 1 to 28: " + row["account"])
    for account, parent in book.parent.items():
        if parent and (parent not in book.account_zone or parent == account):
            raise BookError("a parent that is no other account: " + account)
    book.site_account = {}
    book.site_state = {"": ""}
    for row in book.tables["sites"]:
        if row["site"] in book.site_account:
            raise BookError("site twice: " + row["site"])
        if row["account"] not in book.account_zone:
            raise BookError("site of an unknown account: " + row["site"])
        book.site_account[row["site"]] = row["account"]
        book.site_state[row["site"]] = row["state"].upper()


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
    book.trunk_carrier = {}
    book.feed_role = {}
    for row in book.tables["carriers"]:
        book.feed_role[row["carrier"]] = choice(row, "feed_role", "bill", "cost", "compare")
    seen = set()
    for row in book.tables["trunks"]:
        if row["trunk"] in seen:
            raise BookError("trunk twice: " + row["trunk"])
        seen.add(row["trunk"])
        book.trunk_carrier[row["trunk"]] = row["carrier"]
        if row["carrier"] and book.feed_role and row["carrier"] not in book.feed_role:
            raise BookError("a carrier that carriers.csv does not have: " + row["carrier"])
        if row["account"] and row["account"] not in book.account_zone:
            raise BookError("trunk of an unknown account: " + row["trunk"])
        if row["account"] and row["side"] in ("", "sell"):
            book.trunk_account[row["trunk"]] = NumberRow(row["account"], "", ALWAYS, NEVER)
            if any(other.account != row["account"] for other in book.named.get("trunk:" + row["trunk"], ())):
                raise BookError("a trunk with two accounts: " + row["trunk"])
    book.trunks = seen | {name[len("trunk:"):] for name in book.named if name.startswith("trunk:")}


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
    if kind == "trunk" and value not in book.trunks:
        raise BookError("assignment to an unknown trunk: " + value)
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
    """book.assignments[(kind, value)] = [(start, end, plan, account or None for any)]; book.buying: those of side buy."""
    book.plans = {row["plan"] for row in book.tables["plans"]}
    book.assignments, book.buying = {}, {}
    for row in book.tables["assignments"]:
        buy = choice(row, "side", "sell", "buy") == "buy"
        kind, _, value = row["subject"].partition(":")
        if kind not in (("trunk", "carrier", "default") if buy else ("number", "trunk", "site", "account", "carrier", "default")):
            raise BookError("unknown subject: " + row["subject"])
        if kind == "number":
            value = value.lstrip("+")
        if row["plan"] not in book.plans:
            raise BookError("unknown plan: " + row["plan"])
        rows = (book.buying if buy else book.assignments).setdefault((kind, value), [])
        for owner, zone in owners_and_zones(book, kind, value):
            start, end = span(row, zone)
            for other in rows:
                if other[3] == owner and other[0] < end and start < other[1]:
                    raise BookError("assignments overlap: " + row["subject"])
            rows.append((start, end, row["plan"], owner))
    sold, bought = ({row[2] for rows in side.values() for row in rows} for side in (book.assignments, book.buying))
    book.buy_plans = bought
    if sold & bought:
        raise BookError("a plan of both sides: %s" % (sold & bought))


def load_destinations(book):
    book.destinations = {}
    for row in book.tables["destinations"]:
        prefix = row["prefix"]
        if prefix in book.destinations:
            raise BookError("destination prefix twice: " + prefix)
        book.destinations[prefix] = row["destination"]
    book.destination_cache = {}


def load_places(book):
    """Section 6.1: book.places[prefix] = (country, state, ratecenter)."""
    book.places = {}
    book.place_cache = {}
    for row in read_table(NANP_TABLE, "npa country state"):
        book.places["1" + row["npa"]] = (row["country"].upper(), row["state"].upper(), "")
    seen = set()
    for row in book.tables["npanxx"]:
        place = (row["country"].upper() or book.country, row["state"].upper(), row["ratecenter"].upper())
        for prefix in expand_keys(row["prefix"], False):
            if not 4 <= len(prefix) <= 11 or prefix[0] != "1":
                raise BookError("npanxx.csv: a prefix is 1 and 3 to 10 more digits: " + prefix)
            if prefix in seen:
                raise BookError("npanxx.csv: prefix twice: " + prefix)
            seen.add(prefix)
            book.places[prefix] = place


def ratecenter_named(book, name, state):
    """The one ratecenter of the book's country of this name and, if that is said, this state."""
    found = set()
    for row in book.tables["npanxx"]:
        place = (row["country"].upper() or book.country, row["state"].upper(), row["ratecenter"].upper())
        if place[0] == book.country and place[2] == name.upper() and state.upper() in ("", place[1]):
            found.add(place)
    if not name or len(found) != 1:
        raise BookError("local_areas.csv: not one ratecenter: %s %s" % (name, state))
    return found.pop()


def load_local_areas(book):
    book.local_pairs = set()
    for row in book.tables["local_areas"]:
        book.local_pairs.add((ratecenter_named(book, row["from_ratecenter"], row["from_state"]),
                              ratecenter_named(book, row["to_ratecenter"], row["to_state"])))


def load_calltypes(book):
    book.calltypes = {}
    for row in book.tables["calltypes"]:
        key = (row["calltype"], row["carrier"])
        if key in book.calltypes or not row["calltype"]:
            raise BookError("calltypes.csv: twice or empty: %s" % row)
        if row["jurisdiction"] not in JURISDICTIONS:
            raise BookError("calltypes.csv: no jurisdiction: " + row["jurisdiction"])
        book.calltypes[key] = row["jurisdiction"]


class Calendar:
    def __init__(self):
        self.rows = []            # (priority, row order, band, days, from minute, to minute)
        self.holidays = {}        # date -> band

    def bands(self):
        return {row[2] for row in self.rows} | set(self.holidays.values())


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


def optional_money(cells, name):
    return parse_money(cells[name], name) if cells[name] else None


def keys_of_row(deck, cells, path):
    """The keys of a row: prefixes, call types, or pairs (prefix of the callee, prefix of the caller)."""
    if cells["prefix"] and cells["key"]:
        raise BookError("prefix and key in one row: " + path)
    keys = expand_keys(cells["prefix"] or cells["key"], deck.key == "calltype")
    if deck.key == "npanxx_pair":
        return [(key, caller) for key in keys for caller in expand_keys(cells["caller_prefix"], False)]
    if cells["caller_prefix"]:
        raise BookError("caller_prefix is for key npanxx_pair: " + path)
    return keys


def read_deck_row(deck, cells, key, path):
    row = DeckRow()
    row.deck = deck
    row.key = key
    row.file, row.line = os.path.relpath(path, deck.folder), cells["#"]
    row.start, row.end = span(cells, deck.zone)
    row.destination = cells["destination"]
    row.band = cells["band"]
    row.rate = optional_money(cells, "rate")
    row.rates = {name: optional_money(cells, name) for name in BY_JURISDICTION}
    row.step = parse_seconds(cells["step_from_s"], 0)
    row.per = parse_seconds(cells["per_s"], None)
    row.increment = parse_seconds(cells["increment_s"], None)
    status = cells["status"].lower()
    if status not in ("", "active", "current", "blocked"):
        raise BookError("unknown status: " + cells["status"])
    row.blocked = status == "blocked"
    if row.band and (deck.calendar is None or row.band not in deck.calendar.bands()):
        raise BookError("a band that the deck's calendar does not have: " + path)
    if row.per == 0 or row.increment == 0:
        raise BookError("per_s and increment_s are at least 1: " + path)
    if row.step:
        if any(cells[name] for name in NOT_IN_A_STEP):
            raise BookError("a later step has no fee, minimum, maximum, free or initial: " + path)
        return row
    row.per = 60 if row.per is None else row.per
    row.increment = 1 if row.increment is None else row.increment
    row.connect_fee = parse_money(cells["connect_fee"] or "0", "connect_fee")
    row.initial = parse_seconds(cells["initial_s"], row.increment)
    row.minimum_s = parse_seconds(cells["minimum_s"], 0)
    row.free_s = parse_seconds(cells["free_s"], 0)
    row.minimum_charge = optional_money(cells, "minimum_charge")
    row.maximum_charge = optional_money(cells, "maximum_charge")
    if row.minimum_charge is not None and row.maximum_charge is not None and row.minimum_charge > row.maximum_charge:
        raise BookError("a minimum above the maximum: " + path)
    return row


def read_deck_file(book, deck, file):
    """[DeckRow], with start and end from the row's own `from` and `to`."""
    path = os.path.join(book.folder, "decks", file + ".csv")
    if not os.path.exists(path):
        raise BookError("no such deck file: " + path)
    rows = []
    for cells in read_table(path, DECK_FILE_COLUMNS, deck.columns, ["caller_prefix"] if deck.key == "npanxx_pair" else []):
        rows.extend(read_deck_row(deck, cells, key, path) for key in keys_of_row(deck, cells, path))
    same_key = {}
    for row in rows:
        same = same_key.setdefault(row.key, [])
        for other in same:
            if (other.band, other.step) == (row.band, row.step) and other.start < row.end and row.start < other.end:
                raise BookError("%s: %s twice at one time" % (path, row.key))
        same.append(row)
    for same in same_key.values():
        complete_steps(deck, same, path)
    return rows


def complete_steps(deck, rows, path):
    """What a step leaves empty is that of the row with step 0; the rows are those of one key in one file."""
    for row in rows:
        if row.step:
            bases = [base for base in rows if base.step == 0 and base.band == row.band
                     and base.start <= row.start and row.end <= base.end]
            if len(bases) != 1:
                raise BookError("%s: %s: a step without one row that it continues" % (path, row.key))
            row.per = row.per or bases[0].per
            row.increment = row.increment or bases[0].increment
    if any(row.step for row in rows) or (deck.split and any(row.band for row in rows)):
        if lcm(*(row.per for row in rows)) >= MAX_BILLED:
            raise BookError("%s: %s: the least common multiple of per_s" % (path, rows[0].key))
        if len(rows) > MAX_WALKED_ROWS:
            raise BookError("%s: %s: too many rows" % (path, rows[0].key))
        if deck.split and any(row.minimum_s > MAX_CALL_S for row in rows if not row.step):
            raise BookError("%s: %s: minimum_s is longer than a call can be" % (path, rows[0].key))


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
        deck.name, deck.folder = name, book.folder
        deck.key = choice(cells, "key", "callee", "caller", "calltype", "npanxx_pair")
        deck.lrn = choice(cells, "number_basis", "dialled", "lrn") == "lrn"
        deck.basis = choice(cells, "jurisdiction_basis", book.basis, *BASES)
        deck.indeterminate = choice(cells, "indeterminate", "own", "intra", "inter", "higher")
        deck.split = choice(cells, "boundary", "start", "split") == "split"
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
        deck.currency = cells["currency"] or book.currency
        deck.band_cache = {}
        deck.rows = rows_by_key(book, deck, versions.get(name, []))
        if deck.key == "npanxx_pair":
            deck.longest = max((len(key) for key, _ in deck.rows), default=0)
            deck.longest_caller = max((len(caller) for _, caller in deck.rows), default=0)
        else:
            deck.longest = max((len(key) for key in deck.rows), default=0)
        book.decks[name] = deck


def choice(cells, name, default, *others):
    value = cells[name] or default
    if value != default and value not in others:
        raise BookError("%s: unknown word %s" % (name, value))
    return value


def rows_by_key(book, deck, version_rows):
    """Section 8, first paragraph: when each row of each version is in force."""
    versions = []
    if not version_rows:
        versions.append((ALWAYS, "full", read_deck_file(book, deck, deck.name)))
    for cells in version_rows:
        effective = local_instant(cells["effective"], deck.zone) if cells["effective"] else ALWAYS
        mode = choice(cells, "mode", "full", "amend")
        if mode == "full" and any(effective == other[0] for other in versions):
            raise BookError("two versions of %s at one time" % deck.name)
        versions.append((effective, mode, read_deck_file(book, deck, cells["file"])))
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
        if cells["action"] not in ("deck", "flat", "free", "markup", "reject", "tiers"):
            raise BookError("unknown action: " + cells["action"])
        if cells["action"] == "tiers" and cells["plan"] in book.buy_plans:
            raise BookError("tiers in a buy plan: " + cells["plan"])
        rule = Rule()
        rule.action = cells["action"]
        rule.order = (int(cells["priority"] or "0"), order)
        rule.conditions = {name: cells[name] for name in ("service", "direction", "class", "jurisdiction", "trunk")
                           if cells[name]}
        check_rule_words(book, cells)
        if rule.conditions.get("class") == "on_net" and book.on_net == "none":
            raise BookError("a rule for on_net, but on_net of book.yaml is none")
        rule.destination = cells["destination"]
        rule.start, rule.end = span(cells, book.zone)
        rule.deck = book.decks[cells["deck"]] if cells["action"] == "deck" else None
        if bool(cells["tiers"]) != (cells["action"] == "tiers"):
            raise BookError("tiers are for action tiers: %s" % cells)
        rule.tiers = cells["tiers"] if cells["action"] == "tiers" else ""
        rule.amount = parse_decimal(cells["amount"] or "0")
        rule.percent = parse_decimal(cells["percent"] or "0")
        rule.product = cells["product"]
        rule.line = cells["#"]
        rule.next_on_miss = {"": False, "suspense": False, "next": True}[cells["on_miss"]]
        book.rules[cells["plan"]].append(rule)
    for rules in book.rules.values():
        rules.sort(key=lambda rule: rule.order)


def check_rule_words(book, cells):
    for name, words in (("service", ("voice", "sms", "mms", "data", "event")), ("direction", ("out", "in")),
                        ("class", ("ordinary", "toll_free", "premium", "n11", "on_net")), ("jurisdiction", JURISDICTIONS)):
        choice(cells, name, "", *words)
    if cells["trunk"] and cells["trunk"] not in book.trunks:
        raise BookError("rule for an unknown trunk: " + cells["trunk"])


class Surcharge:
    pass


def load_surcharges(book):
    """book.surcharges[(kind, value, measure)] = the rows of that subject and measure."""
    book.surcharges = {}
    for cells in book.tables["surcharges"]:
        kind, _, value = cells["subject"].partition(":")
        if kind not in ("default", "account", "site", "trunk", "carrier"):
            raise BookError("unknown subject: " + cells["subject"])
        row = Surcharge()
        row.kind, row.value, row.line = kind, value, cells["#"]
        row.measure = choice(cells, "measure", "", "short_calls", "attempts", "no_ani")
        row.amount = parse_money(cells["amount"], "amount")
        if (row.measure == "short_calls") != bool(cells["short_s"]):
            raise BookError("short_s belongs to short_calls: %s" % cells)
        row.short_ms = int(cells["short_s"] or "0") * 1000
        row.threshold = parse_decimal(cells["threshold_percent"] or "0")
        if not 0 <= row.threshold <= 100 or (row.threshold * 10**6).denominator != 1:
            raise BookError("threshold_percent is 0 to 100: %s" % cells)
        row.all = choice(cells, "apply", "excess", "all") == "all"
        row.start, row.end = span(cells, assignment_zone(book, kind, value))
        same = book.surcharges.setdefault((kind, value, row.measure), [])
        if any(other.start < row.end and row.start < other.end for other in same):
            raise BookError("surcharges overlap: %s" % cells)
        same.append(row)


# ---------------------------------------------------------------------------------------------------------------------
# The CDRs: the generic CSV
# ---------------------------------------------------------------------------------------------------------------------

CDR_COLUMNS = ("start duration_s caller callee service quantity direction answered record_id charged trunk account_hint"
               " calltype lrn_caller lrn_callee provider_charge ring_to legs")


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
                 "charged", "trunk", "hint", "calltype", "provider_charge", "lrn_caller", "lrn_callee", "ring_to", "carrier",
                 "two_legs", "content", "conflict")

    def identity(self):
        """What a delivered row is: the same row in another dataset or run has the same."""
        return self.carrier, self.record_id, self.two_legs and self.direction == "in", self.content


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


def kept_number(text):
    """The digits of an E.164 number, or "": nothing else is kept of a number that is no end of the call."""
    kind, digits = type_number(text)
    return digits if kind == "e164" else ""


def parse_record(cells, carrier):
    record = Record()
    record.carrier = carrier
    record.record_id = cells["record_id"]
    record.start = parse_start(cells["start"])
    record.duration_ms = parse_duration(cells["duration_s"])
    record.caller = type_number(cells["caller"])
    record.callee = type_number(cells["callee"])
    record.service = cells["service"] or "voice"
    record.quantity = int(cells["quantity"] or ("0" if record.service == "voice" else "1"))
    record.two_legs = choice(cells, "legs", "one", "both") == "both"
    record.direction = "out" if record.two_legs else cells["direction"] or "out"
    record.answered = (cells["answered"] or "yes") == "yes"
    record.charged = type_number(cells["charged"])
    record.lrn_caller, record.lrn_callee = kept_number(cells["lrn_caller"]), kept_number(cells["lrn_callee"])
    record.ring_to = kept_number(cells["ring_to"])
    record.trunk = cells["trunk"]
    record.hint = cells["account_hint"]
    record.calltype = cells["calltype"]
    record.provider_charge = parse_decimal(cells["provider_charge"]) if cells["provider_charge"] else None
    record.conflict = False
    record.content = (record.start, record.duration_ms, cells["caller"], cells["callee"], record.service, record.quantity,
                      record.direction, record.two_legs, record.answered, cells["charged"], record.trunk, record.hint,
                      record.calltype, cells["lrn_caller"], cells["lrn_callee"], cells["ring_to"], cells["provider_charge"])
    return record


def read_records(paths, carrier=""):
    """The records of the CDR files of one feed. A record of two legs comes out twice, and its `in` leg has a key of its own: of each
    key a repeated record is read once, and records that contradict each other are marked (docs/IMPORT.md, section 5)."""
    records = []
    by_key = {}
    for cells in (cells for path in paths for cells in read_table(path, CDR_COLUMNS)):
        for record in legs_of(parse_record(cells, carrier)):
            if record.record_id:
                others = by_key.setdefault((record.record_id, record.two_legs and record.direction == "in"), [])
                if any(other.content == record.content for other in others):
                    continue
                others.append(record)
                if len(others) > 1:
                    for other in others:
                        other.conflict = True
            records.append(record)
    return records


# The order of a dataset (docs/FORMATS.md, Parts): the hash of the record's id comes second.

SECRET = bytes.fromhex("b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248e"
                       "e03590e6813a264c")
MASK = 2**64 - 1
PRIME32_2 = 0x85EBCA77
PRIME_1, PRIME_2, PRIME_3, PRIME_4 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63
PRIME_MX1, PRIME_MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25


def word(data, at, size=8):
    return int.from_bytes(data[at:at + size], "little")


def avalanche(value):
    value ^= value >> 37
    value = value * PRIME_MX1 & MASK
    return value ^ value >> 32


def avalanche_64(value):
    value ^= value >> 33
    value = value * PRIME_2 & MASK
    value ^= value >> 29
    value = value * PRIME_3 & MASK
    return value ^ value >> 32


def swapped(value, size=8):
    return int.from_bytes(value.to_bytes(size, "little"), "big")


def secret_pair(at, size=8):
    return word(SECRET, at, size) ^ word(SECRET, at + size, size)


@lru_cache(maxsize=100000)
def xxh3_128(data):
    """(high, low) of XXH3-128 of 1 to 32 bytes."""
    size = len(data)
    if 1 <= size <= 3:
        low = data[size >> 1] << 24 | data[0] << 16 | data[size - 1] | size << 8
        turned = swapped(low, 4)
        high = (turned << 13 | turned >> 19) & 0xffffffff
        return avalanche_64(high ^ secret_pair(8, 4)), avalanche_64(low ^ secret_pair(0, 4))
    if size <= 8:
        both = word(data, 0, 4) + (word(data, size - 4, 4) << 32)
        product = (both ^ secret_pair(16)) * (PRIME_1 + (size << 2))
        low, high = product & MASK, product >> 64
        high = (high + (low << 1)) & MASK
        low ^= high >> 3
        low ^= low >> 35
        low = low * PRIME_MX2 & MASK
        return avalanche(high), low ^ low >> 28
    if size <= 16:
        first, last = word(data, 0), word(data, size - 8)
        product = (first ^ last ^ secret_pair(32)) * PRIME_1
        low, high = (product & MASK) + ((size - 1) << 54) & MASK, product >> 64
        last ^= secret_pair(48)
        high = (high + last + (last & 0xffffffff) * (PRIME32_2 - 1)) & MASK
        low ^= swapped(high)
        product = low * PRIME_2
        return avalanche(((product >> 64) + high * PRIME_2) & MASK), avalanche(product & MASK)
    if size <= 32:
        def folded(at, secret):
            product = (word(data, at) ^ word(SECRET, secret)) * (word(data, at + 8) ^ word(SECRET, secret + 8))
            return (product & MASK) ^ product >> 64
        low = (size * PRIME_1 + folded(0, 0)) & MASK
        low ^= word(data, size - 16) + word(data, size - 8) & MASK
        high = folded(size - 16, 16) ^ (word(data, 0) + word(data, 8) & MASK)
        return -avalanche((low * PRIME_1 + high * PRIME_4 + size * PRIME_2) & MASK) & MASK, avalanche((low + high) & MASK)
    raise BookError("this rater orders calls of one time by record ids of 1 to 32 bytes")


def packed(number):
    """Sixteen digits as the dataset keeps them."""
    kind, digits = number
    if kind not in ("e164", "short"):
        return 0
    return int(digits.replace("*", "a").replace("#", "b").ljust(16, "f"), 16)


NUMBER_TYPES = {"none": 0, "e164": 1, "short": 2, "other": 4, "invalid": 5}
SERVICE_NAMES = ("voice", "sms", "mms", "data", "event")


def order_key(record):
    """After the start: by the record's key, then by all other columns."""
    high, low = xxh3_128(record.record_id.encode())
    if record.two_legs and record.direction == "in":
        low ^= 1
    kind = (SERVICE_NAMES.index(record.service) | (record.direction == "in") << 3 | record.answered << 4
            | NUMBER_TYPES[record.caller[0]] << 5 | NUMBER_TYPES[record.callee[0]] << 8 | (record.quantity < 0) << 11
            | record.conflict << 12 | (record.provider_charge is not None) << 13 | record.two_legs << 15)
    numbers = [packed(("e164" if digits else "none", digits)) for digits in
               (record.charged[1] if record.charged[0] == "e164" else "", record.lrn_caller, record.lrn_callee, record.ring_to)]
    return (high, low, packed(record.caller), packed(record.callee), record.duration_ms, kind, record.carrier.encode(), *numbers,
            record.trunk.encode(), record.hint.encode(), record.calltype.encode(), abs(record.quantity),
            record.provider_charge or 0)


def in_order(records):
    """As the dataset has them."""
    by_start = {}
    for record in records:
        by_start.setdefault(record.start, []).append(record)
    ordered = []
    for start in sorted(by_start):
        ties = by_start[start]
        ordered.extend(sorted(ties, key=order_key) if len(ties) > 1 else ties)
    return ordered


def legs_of(record):
    if not record.two_legs:
        return [record]
    incoming = copy.copy(record)
    incoming.direction = "in"
    return [record, incoming]


# ---------------------------------------------------------------------------------------------------------------------
# Section 3: which row decides
# ---------------------------------------------------------------------------------------------------------------------

class Line(dict):
    """A line by its columns, and what later sections need: who pays, and how it was priced."""

    def __init__(self, payer):
        super().__init__(dict.fromkeys(LINE_COLUMNS, ""))
        self.payer, self.deal, self.currency = payer, None, None
        self.product = ""                     # of the rule that prices the line
        self.priced = None                    # what prices it: (plan, rule), or (Call, DeckRow)
        self.bought = None                    # the line of what it costs


class Deal:
    """How a line was priced, by a flat amount or a mark-up: all of it, whatever remains."""

    tiers = None

    def __init__(self, line, used, amount, credit):
        self.line, self.used, self.credit = line, used, credit
        self.full = amount

    def billed(self, rest):
        """Units that a call of `rest` units is billed."""
        return rest

    def amount(self, rest, included):
        """The charge when so many of these billed units are included."""
        return self.full

    def connect_only(self):
        return 0


def new_line(book, record, payer):
    """A line before anything is decided."""
    line = Line(payer)
    line["record_id"] = record.record_id
    line["start"] = record.start
    line["service"] = record.service
    line["class"] = call_class(book, record)
    line["jurisdiction"] = call_jurisdiction(book, record, payer, book.basis)
    line["billed"] = line["included"] = "0"
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
    if record.conflict:
        line = new_line(book, record, None)
        line["status"] = line["reason"] = "conflict"
        return line
    payer, problem = find_payer(book, record)
    line = new_line(book, record, payer)
    if payer:
        line["account"], line["site"], line["number"] = payer
    role = book.feed_role.get(record.carrier, "bill")
    if role != "bill":
        return zero_rated(line, role + "_feed", 0)
    if record.service == "voice" and not record.answered:
        return zero_rated(line, "unanswered", 0)
    if problem == "other_party":
        line["status"] = line["reason"] = "other_party"
        line["charge"] = money_text(0)
        return line
    if problem:
        return suspense(line, problem)
    if is_emergency(book, record):
        return zero_rated(line, "emergency", units_used(record, "up"))
    plan = find_plan(book, record, payer)
    if plan is None:
        return suspense(line, "no_plan")
    return apply_rules(book, record, payer, plan, line)


def is_emergency(book, record):
    return book.nanp and record.callee in (("short", "911"), ("short", "933"), ("short", "988"))


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


class Candidates:
    """What is known of the four, for a whole record or for one leg of two."""

    def __init__(self, book, record, direction):
        now = record.start
        near_only = record.two_legs and direction == "in"
        self.near_number = record.caller if direction == "out" else record.callee
        self.charged = None if near_only else known_number(book, record.charged, now)
        self.trunk = None if near_only else known_trunk(book, record.trunk, now)
        self.hint = None if near_only else known_hint(book, record.hint, now)
        self.near = known_number(book, self.near_number, now)

    def any(self):
        return any((self.charged, self.trunk, self.hint, self.near))


def find_payer(book, record):
    """((account, site, number), "") or (None, reason)."""
    found = Candidates(book, record, record.direction)
    charged, trunk, hint, near = found.charged, found.trunk, found.hint, found.near
    if len({row.account for row in (charged, trunk, hint) if row}) > 1:
        return None, "party_conflict"
    if hint and near and hint.account != near.account:
        return None, "party_conflict"
    if charged:
        return (charged.account, charged.site, "+" + record.charged[1]), ""
    if trunk:
        return (trunk.account, trunk.site, "trunk:" + record.trunk), ""
    if hint and near:
        return (hint.account, near.site, "+" + found.near_number[1]), ""
    if hint:
        return (hint.account, hint.site, "hint:" + record.hint), ""
    if near:
        return (near.account, near.site, "+" + found.near_number[1]), ""
    if record.two_legs and Candidates(book, record, "in" if record.direction == "out" else "out").any():
        return None, "other_party"
    return None, "no_account"


# ---------------------------------------------------------------------------------------------------------------------
# Section 5: the plan
# ---------------------------------------------------------------------------------------------------------------------

def find_plan(book, record, payer, by_route=True):
    """by_route: the trunk and the carrier take part."""
    account, site, number = payer
    subjects = [("number", number[1:] if number.startswith("+") else None), ("trunk", record.trunk), ("site", site),
                ("account", account), ("carrier", record.carrier), ("default", "")]
    if not by_route:
        subjects = [subject for subject in subjects if subject[0] not in ("trunk", "carrier")]
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
N11 = {"211", "311", "411", "511", "611", "711", "811", "911", "933", "988"}


def call_class(book, record):
    kind, digits = record.callee
    if book.nanp and kind == "short" and digits in N11:
        return "n11"
    if book.nanp and is_toll_free(record.callee):
        return "toll_free"
    if book.nanp and kind == "e164" and digits.startswith("1900"):
        return "premium"
    if book.on_net != "none":
        caller = known_number(book, record.caller, record.start)
        callee = known_number(book, record.callee, record.start)
        if caller and callee and (book.on_net == "any" or caller.account == callee.account):
            return "on_net"
    return "ordinary"


def is_toll_free(number):
    kind, digits = number
    return kind == "e164" and digits[0] == "1" and digits[1:4] in TOLL_FREE


# 6.1 Places. A place is (country, state, ratecenter), each "" when not known.

NOWHERE = ("", "", "")


def place_of(book, digits):
    place = book.place_cache.get(digits)
    if place is None:
        place = NOWHERE
        if digits[0] == "1":
            for length in range(min(len(digits), 11), 3, -1):
                if digits[:length] in book.places:
                    place = book.places[digits[:length]]
                    break
        book.place_cache[digits] = place
    return place


class End:
    """One end of the call."""

    def __init__(self, book, digits):
        """digits: of an E.164 number, or "" for an end without one."""
        self.digits = digits
        self.place = place_of(book, digits) if digits else NOWHERE
        self.abroad = bool(digits) and (digits[0] != "1" or self.place[0] not in ("", book.country))


# 6.2 The jurisdiction

def call_jurisdiction(book, record, payer, basis):
    if not book.nanp:
        return "indeterminate"
    if basis == "carrier" and record.calltype:
        for carrier in (record.carrier, ""):
            if (record.calltype, carrier) in book.calltypes:
                return book.calltypes[record.calltype, carrier]
    origin, terminal = both_ends(book, record, payer, basis)
    if origin.abroad or terminal.abroad:
        return "international"
    if origin.place[2] and terminal.place[2]:
        if origin.place == terminal.place or (origin.place, terminal.place) in book.local_pairs:
            return "local"
    if origin.place[1] and terminal.place[1]:
        return "intrastate" if origin.place[1] == terminal.place[1] else "interstate"
    return "indeterminate"


def both_ends(book, record, payer, basis):
    """(originating, terminating)"""
    site_state = book.site_state[payer[1]] if payer else ""
    caller = record.caller[1] if record.caller[0] == "e164" else ""
    callee = record.callee[1] if record.callee[0] == "e164" else ""
    free_callee = is_toll_free(record.callee)
    if basis == "ani_lrn":
        if caller and record.lrn_caller:
            caller = record.lrn_caller
        if callee and record.lrn_callee and not free_callee:
            callee = record.lrn_callee
    origin = End(book, caller)
    if not free_callee:
        terminal = End(book, callee)
    else:
        terminal = End(book, record.ring_to)
        if not record.ring_to and record.direction == "in" and site_state:
            terminal.place = (book.country, site_state, "")
    if basis == "site" and site_state:
        near = origin if record.direction == "out" else terminal
        near.abroad = False
        if near.place[:2] != (book.country, site_state):
            near.place = (book.country, site_state, "")
    return origin, terminal


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


def apply_rules(book, record, payer, plan, line):
    missed = "no_rule"
    for rule in book.rules[plan]:
        if not rule_matches(book, record, line, rule):
            continue
        line.product = rule.product
        if rule.action == "tiers":
            if record.service not in SERVICES_OF_UNIT[book.tiers[rule.tiers].unit]:
                continue
            line.product = rule.product or book.tiers[rule.tiers].product
            return by_rule(plan, rule, rated_by_rule(record, line, 0, book.tiers[rule.tiers]))
        if rule.action == "reject":
            return suspense(line, "rejected")
        if rule.action == "free":
            return by_rule(plan, rule, zero_rated(line, "free", units_used(record, "up")))
        if rule.action == "flat":
            return by_rule(plan, rule, rated_by_rule(record, line, round_money(rule.amount, book.decimals, book.rounding)))
        if rule.action == "markup":
            if record.provider_charge is None:
                return suspense(line, "no_provider_charge")
            exact = record.provider_charge * (1 + rule.percent * Fraction(1, 100)) + rule.amount
            return by_rule(plan, rule, rated_by_rule(record, line, round_money(exact, book.decimals, book.rounding)))
        rows, shown, problem = find_price_rows(rule.deck, record)
        if problem:
            missed = problem
            if rule.next_on_miss:
                continue
            return suspense(line, problem)
        jurisdiction = call_jurisdiction(book, record, payer, rule.deck.basis)
        return price(Call(rule.deck, record, rows, shown, jurisdiction), line)
    return suspense(line, missed)


SERVICES_OF_UNIT = {"s": ("voice",), "message": ("sms", "mms"), "byte": ("data",), "event": ("event",)}


def by_rule(plan, rule, line):
    """A line that a rule without deck prices names the rule; one that is too large names nothing."""
    if line["status"] != "suspense":
        line.priced = plan, rule
    return line


def rated_by_rule(record, line, amount, tiers=None):
    """flat, markup and tiers; a credit is negated here too."""
    used = units_used(record, "up")
    credit = record.quantity < 0
    line.deal = Deal(line, used, amount, credit)
    line.deal.tiers = tiers
    return rated(line, used, -amount if credit else amount)


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


def units_to_bill(d, row):
    """Step 2: (what is to be billed, the free units that were taken off)."""
    d = max(d, row.minimum_s)
    free = min(d, row.free_s)
    return d - free, free


def units_billed(d, row, init_mode):
    """Step 3; d is not 0."""
    if init_mode == "append":
        return row.initial + ceil_div(max(0, d - row.initial), row.increment) * row.increment
    return ceil_div(max(d, row.initial), row.increment) * row.increment


# ---------------------------------------------------------------------------------------------------------------------
# Section 8: the price row
# ---------------------------------------------------------------------------------------------------------------------

def rows_in_force(deck, key, now):
    return [row for row in deck.rows.get(key, ()) if row.start <= now < row.end]


def deck_number(deck, number, lrn):
    """The number whose prefix is sought."""
    if deck.lrn and lrn and number[0] == "e164":
        return "e164", lrn
    return number


def prefixes(number, longest):
    """From the longest to the empty one; a number that is not E.164 has the empty one only."""
    kind, digits = number
    length = min(len(digits), longest) if kind == "e164" else 0
    return [digits[:count] for count in range(length, -1, -1)]


def find_price_rows(deck, record):
    """(all rows in force of the key that decides, how a line shows the key, "") or (None, "", reason)."""
    now = record.start
    if deck.key == "calltype":
        for key in (record.calltype, ""):
            rows = rows_in_force(deck, key, now)
            if rows:
                return rows, key, ""
        return None, "", "no_calltype"
    caller = deck_number(deck, record.caller, record.lrn_caller)
    callee = deck_number(deck, record.callee, record.lrn_callee)
    if deck.key == "npanxx_pair":
        for key in prefixes(callee, deck.longest):
            for caller_key in prefixes(caller, deck.longest_caller):
                rows = rows_in_force(deck, (key, caller_key), now)
                if rows:
                    return rows, caller_key + ">" + key, ""
        numbers = (callee, caller)
    else:
        number = caller if deck.key == "caller" else callee
        for key in prefixes(number, deck.longest):
            rows = rows_in_force(deck, key, now)
            if rows:
                return rows, key, ""
        numbers = (number,)
    if any(kind in ("none", "other", "invalid") for kind, _ in numbers):
        return None, "", "bad_number"
    return None, "", "no_prefix"


def rate_of(deck, row, jurisdiction):
    """What a unit costs in this jurisdiction, or None."""
    inter, intra, own = (row.rate if row.rates[name] is None else row.rates[name] for name in BY_JURISDICTION)
    if jurisdiction == "international":
        return row.rate
    if jurisdiction == "interstate":
        return inter
    if jurisdiction in ("intrastate", "local"):
        return intra
    if deck.indeterminate == "own":
        return own
    if deck.indeterminate == "intra":
        return intra
    if deck.indeterminate == "inter":
        return inter
    return max((rate for rate in (inter, intra) if rate is not None), default=None)


# ---------------------------------------------------------------------------------------------------------------------
# Section 9: the charge
# ---------------------------------------------------------------------------------------------------------------------

class Unpriced(Exception):
    """The whole call goes into suspense: the reason, and the row that the line names or None."""

    def __init__(self, reason, row=None):
        super().__init__(reason)
        self.reason, self.row = reason, row


class Call:
    """A call that found its rows in a deck: those of the key that decides, in force at its start."""

    def __init__(self, deck, record, rows, shown, jurisdiction):
        self.deck, self.record, self.rows, self.shown, self.jurisdiction = deck, record, rows, shown, jurisdiction

    def splits(self):
        return self.deck.split and self.deck.calendar is not None and self.record.service == "voice"

    def row_at(self, position):
        """The row that prices an increment which begins at this position."""
        now = self.record.start + (position * 1000 if self.splits() else 0)
        band = band_at(self.deck, now)
        for wanted in ([band] if band else []) + [""]:
            begun = [row for row in self.rows if row.band == wanted and row.step <= position]
            if begun:
                return self.check(max(begun, key=lambda row: row.step))
        raise Unpriced("no_band")

    def check(self, row):
        if row.blocked:
            raise Unpriced("blocked", row)
        if rate_of(self.deck, row, self.jurisdiction) is None:
            raise Unpriced("no_rate", row)
        return row

    def next_change(self, position):
        """A later position before which row_at does not change."""
        changes = [row.step for row in self.rows if row.step > position]
        if self.splits():
            next_minute = ((self.record.start + position * 1000) // 60000 + 1) * 60000
            changes.append(ceil_div(next_minute - self.record.start, 1000))
        return min(changes, default=None)

    def cost(self, row, units):
        rate = rate_of(self.deck, row, self.jurisdiction)
        return Fraction(rate.numerator * units, rate.denominator * row.per)

    def walk(self, first, d, position, included):
        """(units billed, their exact cost), increment by increment. Equal increments are taken together. The first
        `included` units cost nothing."""
        length = first.initial
        if self.deck.init_mode == "round_total":
            length = ceil_div(length, first.increment) * first.increment
        billed = length
        covered = min(length, included)
        units = {self.row_at(position): length - covered}         # row -> units that it prices
        position += length
        while billed < d:
            row = self.row_at(position)
            count = ceil_div(d - billed, row.increment)
            change = self.next_change(position)
            if change is not None:
                count = min(count, ceil_div(change - position, row.increment))
            more = min(count * row.increment, included - covered)
            covered += more
            units[row] = units.get(row, 0) + count * row.increment - more
            billed += count * row.increment
            position += count * row.increment
        return billed, sum(self.cost(row, count) for row, count in units.items())

    def billed_and_cost(self, first, d, included=0):
        """Section 7 and the units' exact cost."""
        if d == 0 and self.deck.zero_s == "connect":
            return 0, Fraction(0)
        d, free = units_to_bill(max(d, 1), first)     # a 0 that comes here is zero_s minimum: it counts as 1
        if d == 0:
            return 0, Fraction(0)
        if any(row.step or (row.band and self.splits()) for row in self.rows):
            return self.walk(first, d, free, included)
        billed = units_billed(d, first, self.deck.init_mode)
        return billed, self.cost(first, billed - included)


def exact_charge(row, cost):
    """Before rounding."""
    exact = row.connect_fee + cost
    if row.minimum_charge is not None and exact < row.minimum_charge:
        exact = row.minimum_charge
    if row.maximum_charge is not None and exact > row.maximum_charge:
        exact = row.maximum_charge
    return exact


class DeckDeal(Deal):
    """A line that a deck priced."""

    def __init__(self, line, call, first):
        super().__init__(line, units_used(call.record, call.deck.duration_rounding), 0, call.record.quantity < 0)
        self.call, self.first = call, first

    def billed(self, rest):
        return self.call.billed_and_cost(self.first, rest)[0]

    def amount(self, rest, included):
        cost = self.call.billed_and_cost(self.first, rest, included)[1]
        return round_money(exact_charge(self.first, cost), self.call.deck.decimals, self.call.deck.rounding)

    def connect_only(self):
        """Of a call that is all included: the connect fee."""
        fee = self.first.connect_fee
        if self.first.maximum_charge is not None:
            fee = min(fee, self.first.maximum_charge)
        return round_money(fee, self.call.deck.decimals, self.call.deck.rounding)


def price(call, line):
    deck, record = call.deck, call.record
    used = units_used(record, deck.duration_rounding)
    line.currency = deck.currency
    try:
        first = call.row_at(0)
        if used == 0 and deck.zero_s == "free":
            return shows(call, first, zero_rated(line, "zero_duration", 0))
        billed, cost = call.billed_and_cost(first, used)
    except Unpriced as problem:
        line = suspense(line, problem.reason)
        return shows(call, problem.row, line) if problem.row else line
    amount = round_money(exact_charge(first, cost), deck.decimals, deck.rounding)
    if record.quantity < 0:
        amount = -amount
    line = rated(line, billed, amount)
    line.deal = DeckDeal(line, call, first)
    return shows(call, first, line) if line["status"] == "rated" else line


def shows(call, row, line):
    line.update(deck=call.deck.name, prefix=call.shown, destination=row.destination, band=row.band)
    line.priced = call, row
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
# Section 11: surcharges
# ---------------------------------------------------------------------------------------------------------------------

def counts_for_surcharges(book, record, line):
    return (record.direction == "out" and record.service == "voice" and line["account"] != ""
            and (line["status"] in ("rated", "zero_rated") or line["reason"] == "pool_limit") and book.feed_role.get(record.carrier, "bill") == "bill"
            and not is_emergency(book, record))


def looked_at(row, record):
    return row.measure == "attempts" or record.answered


def counted(row, record):
    if row.measure == "attempts":
        return not record.answered
    if row.measure == "short_calls":
        return record.answered and record.duration_ms <= row.short_ms
    return record.answered and record.caller[0] in ("none", "other", "invalid")


def surcharge_row(book, measure, record, line):
    subjects = (("trunk", record.trunk), ("site", line["site"]), ("account", line["account"]), ("carrier", record.carrier),
                ("default", ""))
    for kind, value in subjects:
        for row in book.surcharges.get((kind, value, measure), ()):
            if (value or kind == "default") and row.start <= record.start < row.end:
                return row
    return None


def billing_period(book, account, now):
    """The first day of the month of the account in which the instant lies."""
    zone, day = book.account_zone[account], book.cycle_day[account]
    local = (EPOCH + datetime.timedelta(milliseconds=now)).astimezone(zone).date()
    first = local.replace(day=day) + datetime.timedelta(days=32)      # surely the next month, or this one's next
    first = first.replace(day=day)
    while local_instant(first.isoformat(), zone) > now:
        first = (first.replace(day=1) - datetime.timedelta(days=1)).replace(day=day)
    return first.isoformat()


def surcharge_amount(book, row, calls, hits):
    """Calls charged x amount, as a whole number of 1e-8; None when no call is charged."""
    if row.all:
        charged = hits if hits * 100 > row.threshold * calls else 0
    else:
        share = calls * row.threshold * Fraction(1, 100)
        charged = hits - share.numerator // share.denominator
    if charged <= 0:
        return None
    return round_money(charged * row.amount, book.decimals, book.rounding)


def period_row(book, period, account, kind, amount, **other):
    """A row of `export --what period`, of so many 1e-8."""
    row = dict.fromkeys(PERIOD_COLUMNS, "")
    row["#"] = 0                  # of a surcharge: its row in the table
    row.update(other, period=period, account=account, kind=kind, charge=money_text(amount), currency=book.account_currency[account])
    return row


def surcharges_of(book, rated_records):
    """Rows of `export --what period`; rated_records are pairs (record, its line)."""
    sums = {}                     # (row, account, period) -> [N, S]
    periods = {}
    for record, line in rated_records:
        if not counts_for_surcharges(book, record, line):
            continue
        for measure in ("short_calls", "attempts", "no_ani"):
            row = surcharge_row(book, measure, record, line)
            if row is None or not looked_at(row, record):
                continue
            quarter = (line["account"], record.start // 900000)      # no period begins within a quarter of an hour
            if quarter not in periods:
                periods[quarter] = billing_period(book, line["account"], record.start)
            key = (row, line["account"], periods[quarter])
            pair = sums.setdefault(key, [0, 0])
            pair[0] += 1
            pair[1] += counted(row, record)
    found = []
    for (row, account, period), (calls, hits) in sums.items():
        amount = surcharge_amount(book, row, calls, hits)
        if amount is not None:
            found.append(period_row(book, period, account, row.measure, amount, site=row.value if row.kind == "site" else "", **{"#": row.line}))
    return found


def money_units(text):
    return int(Fraction(text) * UNIT)


if __name__ == "__main__":
    import rate
    rate.main()
