#!/usr/bin/env python3
"""Random books and CDRs, the same for the same seed.

    world.py SEED CALLS OUTDIR

Writes OUTDIR/book/..., OUTDIR/cdrs.csv and the feeds of carriers, OUTDIR/cdrs_<carrier>.csv. Every book is
valid by docs/RATING.md. OUTDIR/older is what the book may have been before: prices and plans are missing, others differ.
"""
import argparse
import csv
import datetime
import os
import random
from zoneinfo import ZoneInfo

from oracle import (BASES, CDR_COLUMNS, DECK_FILE_COLUMNS, EPOCH, JURISDICTIONS, MILLISECOND, NEVER, ALWAYS, TABLES,
                    local_instant)

ZONES = ["America/New_York", "America/Los_Angeles", "America/Chicago", "America/St_Johns", "Europe/London", "Europe/Berlin",
         "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "Australia/Sydney", "America/Santiago", "Africa/Cairo",
         "Pacific/Auckland", "Pacific/Chatham", "UTC"]
AREA_CODES = ["201", "202", "203", "205", "206", "212", "213", "305", "310", "312", "415", "646", "718", "917"]
CARIBBEAN = ["242", "246", "264", "345", "441", "473", "649", "664", "721", "784", "809", "829", "868", "869", "876"]
CANADA = ["416", "514", "647", "902", "867"]
TERRITORIES = ["787", "340", "671"]
NO_PLACE = ["500", "600", "710"]
STATES = ["NY", "NY", "CA", "NJ", "DC", "IL", "ON", ""]
RATECENTERS = ["NWYRCYZN01", "LSAN DA 01", "HACKENSACK", "Springfld", "WHITE, PLNS", "A-1"]
CARRIERS = ["carrier1", "carrier2"]
TOLL_FREE = ["800", "833", "844", "855", "866", "877", "888"]
COUNTRIES = ["44", "447", "4470", "4471", "44203", "4420", "49", "491", "4930", "33", "336", "7", "77", "86", "91", "9198",
             "52", "5255", "61", "614", "4", "41", "411", "9", "911", "93", "988", "20", "200", "212", "2125"]
DESTINATION_NAMES = ["United States", "Anguilla", "UK", "UK mobile", "Germany, fixed", "C\u00f4te d'Ivoire", 'The "best"', "World",
                     "Mexico", "Russia;Kazakhstan", "India", "Australia"]
CALL_TYPES = ["LD", "ld", "LD2", "TF", "INTL", "LD-1", "1201-1203", "44", "Local Call", "DA"]
SERVICES = ["voice", "sms", "mms", "data", "event"]
SERVICE_WEIGHTS = [80, 8, 3, 5, 4]
BUSY = 50000              # so many calls or more are mostly of one day, which then has more rows than a batch (65,536)
DAY = datetime.timedelta(days=1)
TAXED = {("accounts", "tax_site"), ("plan_rules", "product")}     # columns that only worlds with taxes have


class World:
    range_size = 500
    taxed = False

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.tables = {name: [] for name in TABLES}
        self.deck_files = {}              # file -> rows
        self.deck_keys = {}               # deck -> its keys
        self.moments = []                 # (instant, None, a deck, "near:NUMBER" or "trunk:V"): where something changes
        self.build()

    # -- small dice ----------------------------------------------------------------------------------------------------

    def chance(self, percent):
        return self.rng.randrange(100) < percent

    def pick(self, items):
        return items[self.rng.randrange(len(items))]

    def weighted(self, pairs):
        """pairs of (value, weight)."""
        at = self.rng.randrange(sum(weight for _, weight in pairs))
        for value, weight in pairs:
            at -= weight
            if at < 0:
                return value
        raise AssertionError

    def some(self, items, count):
        return self.rng.sample(items, min(count, len(items)))

    def digits(self, count):
        return "".join(str(self.rng.randrange(10)) for _ in range(count))

    def decimal(self, high, places):
        """A decimal up to high x 10^-places."""
        number = self.rng.randint(0, high)
        if places == 0:
            return str(number)
        text = "%d.%0*d" % (number // 10**places, places, number % 10**places)
        return text

    # -- dates ---------------------------------------------------------------------------------------------------------

    def find_transitions(self):
        """Local dates of the year on which a used zone changes its offset."""
        self.transition_dates = []
        for name in sorted(self.zones_used):
            zone = ZoneInfo(name)
            day = datetime.date(self.year, 1, 15)
            while day < datetime.date(self.year, 12, 15):
                noon = datetime.datetime(day.year, day.month, day.day, 12, tzinfo=zone)
                if noon.utcoffset() != (noon - DAY).utcoffset():
                    self.transition_dates.append(day)
                    instant = local_instant(day.isoformat(), zone)
                    for hours in (0, 1, 2, 3):
                        self.moments.append((instant + hours * 3600000, None))
                day += DAY

    def date(self):
        if self.transition_dates and self.chance(40):
            return self.pick(self.transition_dates)
        return datetime.date(self.year, 1, 20) + DAY * self.rng.randrange(320)

    def when(self):
        """A date or a timestamp for a `from` or `to` cell."""
        day = self.date().isoformat()
        if self.chance(60):
            return day
        hour = self.rng.randrange(4) if self.chance(60) else self.rng.randrange(24)
        text = "%s %02d:%02d:%02d" % (day, hour, self.pick([0, 15, 29, 30, 45, 59]), self.pick([0, 0, 0, 30, 59]))
        if self.chance(35):
            text += "." + self.pick(["5", "25", "001", "9999", "12345"])
        return text

    def note(self, instant, deck=None):
        if ALWAYS < instant < NEVER:
            self.moments.append((instant, deck))

    def mark(self, first, subject):
        """Says of the moments since the first-th whose they are."""
        for index in range(first, len(self.moments)):
            self.moments[index] = (self.moments[index][0], subject)

    def periods(self, count, zone, open_start=75, open_end=80, gap=20, deck=None):
        """`count` or fewer periods of local time that follow each other, sometimes with a gap."""
        cuts = {}
        for _ in range(2 * count + 1):
            text = self.when()
            cuts[local_instant(text, zone)] = text
        cuts = sorted(cuts.items())
        cuts = sorted(self.some(cuts, 2 * count))
        if [text for _, text in cuts] != sorted(text for _, text in cuts):      # an hour that never happens, after one that does
            return [("", "")]
        result = []
        start = None if self.chance(open_start) else cuts.pop(0)
        for index in range(count):
            if not cuts:
                break
            end = cuts.pop(0)
            if index == count - 1 and self.chance(open_end):
                end = None
            result.append((start[1] if start else "", end[1] if end else ""))
            for edge in (start, end):
                if edge:
                    self.note(edge[0], deck)
            if end is None:
                break
            start = end
            if self.chance(gap) and cuts:
                start = cuts.pop(0)
        return result

    # -- the book ------------------------------------------------------------------------------------------------------

    def build(self):
        rng = self.rng
        self.year = self.weighted([(2024, 3), (2025, 3), (2026, 6), (2040, 1)])
        self.zone_name = self.pick(ZONES)
        self.zones_used = {self.zone_name} | set(self.some(ZONES, 3))
        self.nanp = self.chance(85)
        self.decimals = self.pick([None, None, 0, 1, 2, 3, 4, 5, 6, 7, 8])
        self.roundings = ["", "half_up", "half_even", "up", "down"]
        self.book_rounding = self.pick(self.roundings)
        self.find_transitions()
        self.country = self.weighted([("", 70), ("US", 18), ("CA", 12)]) if self.nanp else ""
        self.basis = self.pick(["", "ani", "ani_lrn", "site", "carrier"]) if self.nanp else ""
        self.on_net = self.pick(["", "none", "account", "account", "any", "any"])
        self.make_accounts()
        self.make_prefixes()
        self.make_numbers()
        self.make_places()
        self.make_trunks()
        self.make_calendars()
        self.make_decks()
        self.make_destinations()
        self.make_plans()
        self.make_assignments()
        self.make_surcharges()
        self.make_usage()
        # A dataset has files for each day: a year of many hundreds would be slow to write and prove no more.
        self.choose_days()
        # Each world has its own mixture of calls.
        self.legs_percent, self.in_percent = self.pick([2, 6, 6, 30]), self.pick([5, 18, 18, 50])
        self.lrn_percent, self.home_percent = self.pick([3, 20, 20, 60]), self.pick([20, 45, 45, 90])
        self.toll_free_percent, self.long_percent = self.pick([0, 2, 2, 20]), self.pick([10, 10, 40])
        self.near_percent = 50            # calls near a moment at which something changes

    def choose_days(self):
        self.rng.shuffle(self.moments)
        self.moments = self.moments[:120]
        self.quiet_days = [self.rng.randrange(334) for _ in range(20)]

    def make_usage(self):
        """Bundles, tiers and cost: usage_world.py."""

    def some_zone(self):
        return self.pick(sorted(self.zones_used))

    def add(self, table, **cells):
        if "start" in cells:
            cells["from"] = cells.pop("start")
        self.tables[table].append(cells)

    def make_accounts(self):
        self.accounts = ["acc%d" % index for index in range(self.rng.randint(3, 8))]
        self.zone = {}
        self.sites = {}
        for account in self.accounts:
            zone = self.some_zone() if self.chance(50) else ""
            self.zone[account] = ZoneInfo(zone or self.zone_name)
            cycle_day = self.pick(["", "1", "15", "28", str(self.rng.randint(2, 28))])
            self.note_cycle(int(cycle_day or "1"), self.zone[account], account)
            self.add("accounts", account=account, name="Account " + account, timezone=zone, cycle_day=cycle_day,
                     currency=self.pick(["", "USD"]), **{"class": self.pick(["", "retail", "wholesale"])})
            self.sites[account] = ["%s-s%d" % (account, index) for index in range(self.rng.randrange(4))]
            for site in self.sites[account]:
                self.add("sites", site=site, account=account, name="Site, " + site, state=self.pick(STATES + ["ny"]))

    def note_cycle(self, day, zone, account):
        """Midnights at which billing periods begin."""
        for month in self.some(list(range(2, 12)), 2):
            text = "%d-%02d-%02d" % (self.year, month, day)
            self.moments.append((local_instant(text, zone), "account:" + account))

    def some_site(self, account):
        return self.pick(self.sites[account]) if self.sites[account] and self.chance(60) else ""

    def owners(self, count, account_first=None):
        """[(account, site, from, to)] that do not overlap although each row's dates are in its account's own zone."""
        for _ in range(20):
            account = account_first or self.pick(self.accounts)
            found = []
            noted = len(self.moments)
            for start, end in self.periods(count, self.zone[account]):
                found.append((account, self.some_site(account), start, end))
                account = self.pick(self.accounts)
            spans = []
            for owner, _, start, end in found:
                spans.append((local_instant(start, self.zone[owner]) if start else ALWAYS,
                              local_instant(end, self.zone[owner]) if end else NEVER))
            good = bool(spans) and all(first < last for first, last in spans)
            for one, other in zip(spans, spans[1:]):
                good = good and one[1] <= other[0]
            if good:
                return found
            del self.moments[noted:]
        account = account_first or self.pick(self.accounts)
        return [(account, self.some_site(account), "", "")]

    def make_numbers(self):
        self.customers = []               # (first, last, owner, from, to)
        self.number_at = {}               # account or site -> a number there at some time
        self.one_zone = []                # numbers whose owners all live in one zone
        used = set()
        for index in range(self.rng.randint(12, 30)):
            kind = self.rng.randrange(10)
            if kind == 0:
                base = "1" + self.pick(TOLL_FREE if self.chance(60) else CANADA) + "%03d" % (500 + index)
                tail = 4
            elif kind < 7:
                base = "1" + self.pick(AREA_CODES) + "%03d" % (500 + index)
                tail = 4
            elif kind < 9:
                base = self.pick(["4420", "4930", "4477"]) + "%03d" % (500 + index)
                tail = self.rng.randint(4, 5)
            else:
                base, tail = "5%02d" % index, 4
            if base in used:
                continue
            used.add(base)
            size = 10**tail
            if self.chance(50):
                first = last = self.rng.randrange(size)
            else:
                first = self.rng.randrange(size - 600)
                last = first + self.rng.randint(1, self.range_size)
            low, high = "%s%0*d" % (base, tail, first), "%s%0*d" % (base, tail, last)
            noted = len(self.moments)
            owners = self.owners(self.weighted([(1, 60), (2, 25), (3, 15)]))
            self.mark(noted, "near:" + low)
            for account, site, _, _ in owners:
                self.number_at.setdefault(account, low)
                self.number_at.setdefault(site, low)
            if len(owners) == 1 and self.chance(60):
                owners = [owners[0][:2] + ("", "")]
            for account, site, start, end in owners:
                self.add("numbers", number=self.range_text(low, high), account=account, site=site, start=start, to=end)
                self.add_customer(low, high, account, start, end)
            zones = {self.zone[owner[0]] for owner in owners}
            if low != high and owners[-1][3] and self.chance(70):
                # After the range's last day one of its numbers goes to a single row of the same account.
                account, _, _, end = owners[-1]
                middle = "%s%0*d" % (base, tail, (first + last) // 2)
                self.add("numbers", number=self.range_text(middle, middle), account=account, site=self.some_site(account),
                         start=end, to="")
                self.add_customer(middle, middle, account, end, "")
            if len(zones) == 1 or self.chance(30):
                self.one_zone.append(self.number_in(low, high))

    def add_customer(self, low, high, account, start, end):
        zone = self.zone[account]
        self.customers.append((low, high, account, local_instant(start, zone) if start else ALWAYS,
                               local_instant(end, zone) if end else NEVER))

    def range_text(self, low, high):
        plus = self.pick(["", "", "+"])
        if low == high and self.chance(90):
            return plus + low
        return plus + low + "-" + plus + high

    def number_in(self, low, high):
        return str(self.rng.randint(int(low), int(high))).zfill(len(low))

    def make_places(self):
        """npanxx.csv, local_areas.csv and calltypes.csv."""
        self.near_prefixes = set()
        for low, _, _, _, _ in self.customers:
            self.near_prefixes.update([low[:4], low[:7], low[:8], low])
        self.near_prefixes = sorted(self.near_prefixes)
        if not self.nanp:
            return
        pool = [prefix for prefix in self.prefixes + 4 * self.near_prefixes if prefix[0] == "1" and 4 <= len(prefix) <= 11]
        used = set()
        centers = set()
        for _ in range(self.rng.randint(5, 60)):
            cells = []
            for _ in range(self.pick([1, 1, 1, 2])):
                prefix = self.pick(pool)
                if len(prefix) < 11 and self.chance(30):
                    prefix += self.digits(1)
                last = prefix[:-1] + str(self.rng.randint(int(prefix[-1]), 9)) if self.chance(20) and len(prefix) > 4 else prefix
                keys = [str(number) for number in range(int(prefix), int(last) + 1)]
                if not used & set(keys):
                    used.update(keys)
                    cells.append(prefix if prefix == last else prefix + "-" + last)
            if cells:
                country = self.weighted([("", 80), ("US", 8), ("CA", 4), ("ca", 3), ("JM", 2)])
                row = {"prefix": ";".join(cells), "country": country, "state": self.pick(STATES + ["nj", "QC"]),
                       "ratecenter": self.pick(RATECENTERS) if self.chance(65) else "", "lata": self.pick(["", "132"])}
                self.tables["npanxx"].append(row)
                if row["ratecenter"] and (country.upper() or self.country or "US") == (self.country or "US"):
                    centers.add((row["ratecenter"].upper(), row["state"].upper()))
        centers = sorted(centers)
        names = [name for name, _ in centers]
        for _ in range(self.rng.randrange(12) if centers else 0):
            row = {}
            for side in ("from", "to"):
                name, state = self.pick(centers)
                if names.count(name) > 1 and not state:       # only a state could say which
                    break
                row[side + "_ratecenter"] = self.pick([name, name.lower()])
                row[side + "_state"] = state if names.count(name) > 1 or self.chance(30) else ""
            if len(row) == 4 and row not in self.tables["local_areas"]:
                self.tables["local_areas"].append(row)
        for calltype in self.some(CALL_TYPES, self.rng.randint(0, 6)):
            for carrier in self.some(CARRIERS + [""], self.rng.randint(1, 3)):
                self.add("calltypes", calltype=calltype, carrier=carrier, jurisdiction=self.pick(JURISDICTIONS))

    def feed_role(self):
        return self.pick(["", "bill"])

    def make_trunks(self):
        for carrier in CARRIERS:
            self.add("carriers", carrier=carrier, feed_role=self.feed_role())
        self.trunks = ["T1", "T2", "T3", "T4", "T5", "T6", "trunk seven"]
        self.add("trunks", trunk="T1", side="sell", account=self.pick(self.accounts))
        self.add("trunks", trunk="T2", side="", account=self.pick(self.accounts), channels="30")
        self.add("trunks", trunk="T3", side="buy", account=self.pick(self.accounts), carrier="carrier1")
        self.add("trunks", trunk="T4", side="sell", account="", carrier="carrier1")
        self.add("trunks", trunk="T6", side="", account="")
        for trunk in ("T4", "T5"):
            noted = len(self.moments)
            for account, site, start, end in self.owners(self.rng.randint(1, 2)):
                self.add("numbers", number="trunk:" + trunk, account=account, site=site, start=start, to=end)
            self.mark(noted, "trunk:" + trunk)
        self.hints = ["H1", "H2", "H3", "cust/4"]
        self.hint_owner = {}
        for hint in self.hints:
            owners = self.owners(self.rng.randint(1, 2))
            self.hint_owner[hint] = owners[0][0]
            for account, site, start, end in owners:
                self.add("numbers", number="hint:" + hint, account=account, site=site, start=start, to=end)

    # -- decks ---------------------------------------------------------------------------------------------------------

    def make_prefixes(self):
        prefixes = {"1"} | set(COUNTRIES)
        for code in AREA_CODES + CARIBBEAN + CANADA + TERRITORIES + self.some(TOLL_FREE, 3) + ["900", "500"]:
            prefixes.add("1" + code)
        for _ in range(60):
            prefixes.add(self.pick(sorted(prefixes))[:9] + self.digits(self.rng.randint(1, 3)))
        self.prefixes = sorted(prefixes)

    def make_calendars(self):
        self.calendars = {}
        for index in range(self.rng.randint(1, 3)):
            name = "cal%d" % index
            bands = self.some(["night", "peak", "weekend", "holiday"], self.rng.randint(1, 3))
            clocks = set()
            for _ in range(self.rng.randint(1, 5)):
                start, end = self.clock_window()
                clocks.update([start or "00:00", end or "24:00"])
                self.add("calendars", calendar=name, band=self.pick(bands), days=self.pick(["", "", "1-5", "6;7", "1;3-5", "7", "5-7"]),
                         start=start, to=end, priority=self.pick(["", "0", "1", "1", "2", "3"]))
            dates = {self.date() for _ in range(self.rng.randrange(8))}
            for date in sorted(dates):
                band = self.pick(bands + ["holiday"])
                self.add("holidays", calendar=name, date=date.isoformat(), band=band)
                if band not in bands:
                    bands.append(band)
            used = {row["band"] for table in ("calendars", "holidays") for row in self.tables.get(table, [])
                    if row["calendar"] == name}
            bands = [band for band in bands if band in used]  # a deck may only name bands that its calendar has
            self.calendars[name] = (bands, sorted(clocks), sorted(dates))

    def clock_window(self):
        def clock():
            return "%02d:%02d" % (self.rng.randrange(24), self.pick([0, 0, 15, 30, 59]))
        kind = self.rng.randrange(10)
        if kind == 0:
            return "", ""
        if kind == 1:
            return clock(), ""
        if kind == 2:
            return "", clock() if not self.chance(10) else "00:30"
        if kind == 3:
            return clock(), "24:00"
        if kind == 4:
            same = clock()
            return same, same
        if kind < 8:
            return "%02d:%02d" % (self.rng.randint(18, 23), self.pick([0, 30])), "%02d:%02d" % (self.rng.randint(1, 9), self.pick([0, 30]))
        return clock(), clock()

    def make_decks(self):
        self.voice_decks = ["v%d" % index for index in range(self.rng.randint(3, 5))]
        for name in self.voice_decks:
            self.make_deck(name, "voice")
        for name, kind in (("by_caller", "caller"), ("pairs", "pair")):
            self.make_deck(name, kind)
            self.voice_decks.append(name)
        self.make_deck("ct", "calltype")
        self.make_deck("sms", "unit")
        self.make_deck("data", "data")

    def make_deck(self, name, kind):
        zone_name = self.some_zone() if self.chance(40) else ""
        zone = ZoneInfo(zone_name or self.zone_name)
        decimals = self.pick([None, None, 0, 1, 2, 3, 4, 4, 5, 6, 7, 8])
        calendar = self.pick(sorted(self.calendars)) if self.chance(50) else ""
        deck = {"name": name, "kind": kind, "zone": zone, "calendar": calendar,
                "by_jurisdiction": self.some(["rate_inter", "rate_intra", "rate_indeterminate"], self.rng.randint(1, 3))
                                   if self.chance(55) else [],
                "steps": self.pick([0, 0, 15, 40]), "powers_of_two": self.chance(50),
                "decimals": decimals if decimals is not None else (6 if self.decimals is None else self.decimals)}
        self.deck_keys[name] = set()
        bare = decimals is None and not zone_name and not calendar and kind not in ("calltype", "caller", "pair") and self.chance(40)
        if not bare:
            cells = {"deck": name, "currency": self.pick(["", "USD"]), "key": {"calltype": "calltype", "caller": "caller", "pair": "npanxx_pair"}.get(kind) or self.pick(["", "callee"]),
                     "number_basis": self.pick(["", "dialled", "lrn"]),
                     "jurisdiction_basis": self.pick(("", "") + BASES) if self.nanp else "",
                     "indeterminate": self.pick(["", "own", "intra", "inter", "higher", "higher"]),
                     "decimals": "" if decimals is None else str(decimals), "rounding": self.pick(self.roundings),
                     "init_mode": self.pick(["", "append", "round_total", "round_total"]), "boundary": self.pick(["", "start", "split", "split"]),
                     "duration_rounding": self.pick(["", "up", "down", "half_up", "half_up", "ms"]),
                     "zero_s": self.pick(["", "free", "connect", "minimum"]), "timezone": zone_name, "calendar": calendar}
            if self.chance(15):
                cells["columns"] = "prefix=Dial Code;rate=Price"
                deck["columns"] = {"prefix": "Dial Code", "rate": "Price"}
            self.tables["decks"].append(cells)
        if calendar:
            self.note_bands(deck)
        if self.chance(45):
            self.make_deck_file(deck, name, full=True)
            return
        cuts = {}
        for _ in range(self.rng.randint(2, 4)):
            text = self.when()
            cuts[local_instant(text, zone)] = text
        if self.chance(85):
            text = "%d-01-01" % (self.year - 1)
            cuts[local_instant(text, zone)] = text
        order = 0
        versions = []
        if self.chance(10):
            cuts[ALWAYS] = ""
        for instant, text in sorted(cuts.items()):
            order += 1
            file = "%s_%d" % (name, order)
            full = self.chance(35) or order == 1
            mode = self.pick(["", "full"]) if full else "amend"
            if order == 1 and self.chance(15):
                mode = "amend"
            versions.append([{"deck": name, "file": file, "effective": text, "mode": mode}])
            self.make_deck_file(deck, file, full)
            self.note(instant, name)       # which leaves out an empty one
            if self.chance(12):
                versions[-1].append({"deck": name, "file": file + "_too", "effective": text, "mode": "amend"})
                self.make_deck_file(deck, file + "_too", False)
        self.rng.shuffle(versions)        # but those of one time stay in order
        self.tables["deck_versions"].extend(version for group in versions for version in group)

    def note_bands(self, deck):
        """Moments at which bands begin and end."""
        _, clocks, holidays = self.calendars[deck["calendar"]]
        days = [self.date() for _ in range(12)] + holidays + [day + DAY for day in holidays]
        for day in days:
            for clock in ["00:00"] + clocks:
                hour, minute = int(clock[:2]), int(clock[3:])
                text = (day + DAY).isoformat() if hour == 24 else "%s %02d:%02d:00" % (day.isoformat(), hour, minute)
                self.note(local_instant(text, deck["zone"]), deck["name"])

    def make_deck_file(self, deck, file, full):
        kind = deck["kind"]
        rows = []
        used = set()
        if kind == "calltype":
            groups = [[key] for key in self.some(CALL_TYPES, self.rng.randint(4, 9) if full else 3)]
            if self.chance(40) and full:
                groups.append([""])
        else:
            count = self.rng.randint(25, 90) if full else self.rng.randint(4, 25)
            pool = self.prefixes if kind != "caller" else sorted(set(self.prefixes) | set(self.near_prefixes))
            groups = [[key] for key in self.some(pool, count)]
            if full and self.chance(75):
                groups.append(["1"])
            if full and (self.chance(35) or kind in ("unit", "data")):
                groups.append([""])
            groups += [self.range_group() for _ in range(self.rng.randrange(4))]
        joined = []
        for group in groups:
            if joined and group != [""] and joined[-1] != [""] and self.chance(15):
                joined[-1] = joined[-1] + group
            else:
                joined.append(list(group))
        for group in joined:
            cells = []
            keys_here = set()
            for part in group:
                keys = self.keys_of_part(part, kind)
                if (used | keys_here) & set(keys):
                    continue
                keys_here.update(keys)
                cells.append(part)
            if not cells:
                continue
            self.deck_keys[deck["name"]].update(keys_here)
            if kind == "pair":
                for callers in self.caller_groups(keys_here, used):
                    rows.extend(self.group_rows(deck, ";".join(cells), callers))
            else:
                used.update(keys_here)
                rows.extend(self.group_rows(deck, ";".join(cells)))
        self.rng.shuffle(rows)
        self.deck_files[file] = (rows, deck)

    def caller_groups(self, keys, used):
        """Cells of caller_prefix for one cell of prefix; no pair twice."""
        cells = []
        for _ in range(self.rng.randint(1, 4)):
            parts = []
            for part in self.some(["", "1", "1", "44"] + self.near_prefixes, self.pick([1, 1, 2])):
                if part and self.chance(15) and part[-1] != "9":
                    part = part + "-" + part[:-1] + "9"
                pairs = {(key, caller) for key in keys for caller in self.keys_of_part(part, "pair")}
                if not used & pairs and (part or not parts):
                    used.update(pairs)
                    parts.append(part)
                    if not part:
                        break
            if parts:
                cells.append(";".join(parts))
        return cells

    def range_group(self):
        if self.chance(50):
            first = self.rng.randint(1201, 1990)
            return ["%d-%d" % (first, first + self.rng.randint(0, 9))]
        base = self.pick(["44", "49", "33", "0", "9", "1212"])
        first = self.rng.randint(0, 90)
        return ["%s%02d-%s%02d" % (base, first, base, first + self.rng.randint(0, 9))]

    def keys_of_part(self, part, kind):
        first, dash, last = part.partition("-")
        if not dash or kind == "calltype":
            return [part]
        return [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]

    def group_rows(self, deck, cell, callers=""):
        """The rows of one cell: one, or several that differ in time or band."""
        spans = [("", "")]
        if self.chance(14):
            spans = self.periods(self.rng.randint(1, 3), deck["zone"], open_start=60, open_end=60, deck=deck["name"])
        bands = [""]
        if deck["calendar"] and self.chance(45):
            names = self.calendars[deck["calendar"]][0]
            bands = self.some(names, self.rng.randint(1, len(names)))
            if self.chance(88):
                bands = bands + [""]
        destination = self.pick(DESTINATION_NAMES + [""])
        rows = []
        for start, end in spans:
            for band in bands:
                if band and len(spans) > 1 and self.chance(30):
                    continue
                row = self.price_row(deck, cell, destination, band, start, end)
                row["caller_prefix"] = callers
                rows.append(row)
                if self.chance(deck["steps"]):
                    rows.extend(self.step_rows(deck, row))
        return rows

    def step_rows(self, deck, base):
        """Later steps of a row."""
        kind = deck["kind"]
        if kind == "data":
            steps = [1, 1000, 1024, 65536, 1000000, 1048576, 2**30]
        elif kind == "unit":
            steps = [1, 2, 3, 10]
        else:
            steps = [1, 6, 10, 29, 30, 31, 59, 60, 61, 90, 120, 121, 300, 600, 3600]
        rows = []
        for step in self.some(steps, self.rng.randint(1, 3)):
            places = min(8, max(0, deck["decimals"] + self.rng.randint(-1, 2)))
            row = {"prefix": base["prefix"], "caller_prefix": base["caller_prefix"], "band": base["band"],
                   "step_from_s": str(step), "from": base["from"], "to": base["to"], "rate": self.decimal(self.pick([20, 999]), places),
                   "increment_s": self.pick(["", "", "1", "6", "7", "60"]), "destination": self.pick(["", base["destination"]]),
                   "status": self.weighted([("", 88), ("Active", 6), ("blocked", 6)])}
            if kind == "data":
                row["increment_s"] = self.pick(["", "1024", "1048576", "1000"])
            elif self.chance(30):
                row["per_s"] = self.pick(["1", "60"]) if kind != "unit" else self.pick(["1", "10"])
            if self.chance(4):
                row["rate"] = ""
            self.rates_by_jurisdiction(deck, row, places)
            self.bound_data_rates(deck, row, base["per_s"])
            if not base["from"] and self.chance(8):          # a step that comes or goes within the time of its row
                spans = self.periods(1, deck["zone"], open_start=50, open_end=50, deck=deck["name"])
                if spans and not base["to"]:
                    row["from"], row["to"] = spans[0]
            rows.append(row)
        return rows

    def bound_data_rates(self, deck, row, per):
        """A month of data must stay below the 92 billion that a sum can hold."""
        if deck["kind"] == "data" and per in ("1024", "1000", "7"):
            for name in ("rate", "rate_inter", "rate_intra", "rate_indeterminate"):
                row[name] = self.decimal(999, 8) if row.get(name) else ""

    def rates_by_jurisdiction(self, deck, row, places):
        for name in deck["by_jurisdiction"]:
            if self.chance(75):
                row[name] = self.decimal(self.pick([20, 999, 20000]), places)
        if deck["by_jurisdiction"] and self.chance(6):
            row["rate"] = ""

    def price_row(self, deck, cell, destination, band, start, end):
        places = min(8, max(0, deck["decimals"] + self.rng.randint(-1, 2)))
        kind = deck["kind"]
        rate = self.decimal(self.pick([20, 999, 999, 20000]), places)
        if self.chance(10):
            rate = self.decimal(10**8, 8)
        row = {"prefix": cell, "destination": destination, "band": band, "from": start, "to": end, "rate": rate}
        if self.chance(2):
            row["rate"] = ""
        if self.chance(3):
            row["rate"] = self.pick(["0", "0.00", "0.00000000"])
        absurd = self.chance(1)
        self.rates_by_jurisdiction(deck, row, places)
        if kind == "data":        # per_s of one prefix must have a small common multiple
            row["per_s"] = self.pick(["1048576", "1024", "1073741824"] if deck["powers_of_two"] else ["1000000", "1000", "7"])
            self.bound_data_rates(deck, row, row["per_s"])
            steps = [("", ""), ("", "1024"), ("", "1048576"), ("1000", "10"), ("7", "3")]
        elif kind == "unit":
            row["per_s"] = self.pick(["1", "1", "1", "10", "7"])
            steps = [("", ""), ("", ""), ("1", "1"), ("5", "2")]
        else:
            row["per_s"] = self.pick(["", "", "", "", "60", "1", "6", "30", "3600", "100"])
            steps = [("", ""), ("60", "60"), ("30", "6"), ("6", "6"), ("1", "1"), ("", "6"), ("25", "8"), ("60", ""), ("7", "13"),
                     ("", "60"), ("10", "60"), ("18", "6")]
        row["initial_s"], row["increment_s"] = self.pick(steps)
        if self.chance(15):
            row["connect_fee"] = self.decimal(999, self.pick([2, places, 8]))
        if self.chance(10):
            row["minimum_s"] = str(self.pick([1, 6, 10, 30, 60]))
        if self.chance(10):
            row["free_s"] = str(self.pick([1, 3, 30, 60]))
        low = self.rng.randint(0, 500)
        money_places = self.pick([2, 2, places, 8])
        scale = 10**money_places
        if self.chance(10):
            row["minimum_charge"] = "%d.%0*d" % (low // scale, money_places, low % scale) if money_places else str(low)
        if self.chance(10):
            high = low + self.rng.randint(0, 500)
            row["maximum_charge"] = "%d.%0*d" % (high // scale, money_places, high % scale) if money_places else str(high)
        row["status"] = self.weighted([("", 85), ("active", 6), ("current", 6), ("blocked", 3)])
        if absurd:  # every line of it is beyond 64 bits, unless a maximum holds it back
            row.update(rate=self.pick(["90000000000", "85234567890.12345678"]), per_s="1", initial_s="9", increment_s="9", free_s="",
                       rate_inter="", rate_intra="", rate_indeterminate="")
        return row

    # -- plans ---------------------------------------------------------------------------------------------------------

    def make_destinations(self):
        self.names = ["DEST_A", "DEST_B", "DEST_C", "Dest, D"]
        for prefix in self.some(self.prefixes, 14):
            self.add("destinations", prefix=prefix, destination=self.pick(self.names))
        self.names = sorted({row["destination"] for row in self.tables["destinations"]})

    def amount(self, negative):
        text = self.decimal(self.pick([99, 9999]), self.pick([2, 3, 5, 8]))
        return "-" + text if negative and self.chance(10) else text

    def percent(self):
        return self.pick(["", "0", "10", "12.5", "33.3333", "100", "-5", "0.01"])

    def rule(self, plan, action, priority, **cells):
        row = {"plan": plan, "action": action, "priority": priority}
        row.update(cells)
        if action == "flat" or (action == "markup" and self.chance(50)):
            row["amount"] = self.amount(action == "markup")
        if action == "markup":
            row["percent"] = self.percent()
        if self.chance(12):
            spans = self.periods(1, ZoneInfo(self.zone_name), open_start=50, open_end=50)
            if spans:
                row["from"], row["to"] = spans[0]
        return row

    def make_plans(self):
        self.plans = ["p%d" % index for index in range(self.rng.randint(3, 6))]
        for plan in self.plans + ["norules"]:
            self.add("plans", plan=plan, name="Plan " + plan)
        low = self.pick(["", "0", "-1"])
        rules = []
        for plan in self.plans:
            if self.nanp:
                if self.chance(60):
                    rules.append(self.rule(plan, self.pick(["free", "flat"]), low, **{"class": "toll_free"}))
                if self.chance(60):
                    rules.append(self.rule(plan, self.pick(["flat", "free"]), "1", **{"class": "n11"}))
                if self.chance(50):
                    rules.append(self.rule(plan, self.pick(["reject", "markup"]), "1", **{"class": "premium"}))
                if self.chance(40):
                    rules.append(self.rule(plan, "deck", "2", service="voice", jurisdiction="international", deck=self.pick(self.voice_decks),
                                           on_miss=self.pick(["next", "next", "suspense", ""])))
                if self.chance(10):
                    rules.append(self.rule(plan, "deck", "2", service="voice", jurisdiction="indeterminate", deck=self.pick(self.voice_decks),
                                           on_miss="next", **{"class": "ordinary"}))
            if self.on_net in ("account", "any") and self.chance(60):
                rules.append(self.rule(plan, self.pick(["free", "flat"]), "1", **{"class": "on_net"}))
            if self.nanp:
                for jurisdiction in JURISDICTIONS:
                    if self.chance(25):
                        rules.append(self.rule(plan, "deck", self.pick(["2", "4"]), service="voice", jurisdiction=jurisdiction,
                                               deck=self.pick(self.voice_decks), on_miss="next"))
            if self.chance(60):
                rules.append(self.rule(plan, "deck", "3", service="voice", deck=self.pick(["pairs", "by_caller"]), on_miss="next",
                                       direction=self.pick(["", "", "in", "out"])))
            rules.append(self.rule(plan, "deck", "1", service="sms", deck="sms", on_miss=self.pick(["", "next"])))
            rules.append(self.rule(plan, self.pick(["flat", "free", "flat"]), "1", service="mms"))
            rules.append(self.rule(plan, self.weighted([("deck", 6), ("flat", 2)]), "1", service="data", deck="data"))
            rules.append(self.rule(plan, "markup", self.pick(["1", ""]), service="event"))
            if rules[-2]["action"] != "deck":
                rules[-2]["deck"] = ""
            if self.chance(40):
                rules.append(self.rule(plan, self.pick(["deck", "flat", "reject"]), "2", service="voice", destination=self.pick(self.names),
                                       direction=self.pick(["", "out", "in"])))
                if rules[-1]["action"] == "deck":
                    rules[-1]["deck"] = self.pick(self.voice_decks)
            if self.chance(40):
                rules.append(self.rule(plan, "deck", "2", trunk=self.pick(self.trunks[:5]), service="voice", deck=self.pick(self.voice_decks),
                                       on_miss="next"))
            if self.chance(40):
                rules.append(self.rule(plan, self.pick(["free", "flat"]), "3", direction="in", service="voice"))
            if self.chance(50):
                rules.append(self.rule(plan, "deck", "4", service="voice", deck="ct",
                                       on_miss="next" if self.chance(85) else self.pick(["", "suspense"])))
            for _ in range(self.rng.randint(1, 3)):
                rules.append(self.rule(plan, "deck", self.pick(["5", "5", "6"]), service="voice", deck=self.pick(self.voice_decks), on_miss="next"))
            last = self.rng.randrange(10)
            service = self.pick(["voice", "voice", "sms", "mms", "event"])      # not data: a month must stay below 92 billion
            if last < 2:
                rules.append({"plan": plan, "action": "deck", "deck": "ct", "priority": "9", "on_miss": "next", "service": service})
            elif last < 6:
                rules.append({"plan": plan, "action": "deck", "deck": self.pick(self.voice_decks), "priority": "9",
                              "on_miss": self.pick(["", "suspense", "next"]), "service": service})
            elif last < 9:
                rules.append({"plan": plan, "action": "markup", "percent": self.percent(), "amount": "0.01", "priority": "9"})
            if self.chance(30):
                rules.append(self.rule(plan, self.pick(["reject", "flat"]), "10"))
        self.rng.shuffle(rules)
        self.tables["plan_rules"] = rules

    def assign(self, subject, zone, count, gap, open_start=80, open_end=85):
        spans = [("", "")]
        if self.chance(60):
            spans = self.periods(count, zone, open_start, open_end, gap)
        for start, end in spans:
            plan = "norules" if self.chance(2) else self.pick(self.plans)
            self.add("assignments", subject=subject, plan=plan, side=self.pick(["", "sell"]), start=start, to=end)

    def make_assignments(self):
        book_zone = ZoneInfo(self.zone_name)
        self.assign("default", book_zone, 3, 25, 90, 90)
        for account in self.accounts:
            noted = len(self.moments)
            if self.chance(60):
                self.assign("account:" + account, self.zone[account], 3, 20)
            self.mark(noted, "near:" + self.number_at[account] if account in self.number_at else None)
            for site in self.sites[account]:
                noted = len(self.moments)
                if self.chance(50):
                    self.assign("site:" + site, self.zone[account], 2, 20)
                self.mark(noted, "near:" + self.number_at[site] if site in self.number_at else None)
        for trunk in self.trunks[:6]:  # the book does not know the seventh
            if self.chance(30):
                noted = len(self.moments)
                self.assign("trunk:" + trunk, book_zone, 2, 20)
                self.mark(noted, "trunk:" + trunk)
        for carrier in CARRIERS:
            if self.chance(50):
                self.assign("carrier:" + carrier, book_zone, 2, 20)
        for number in sorted(set(self.some(self.one_zone, 6))):
            zone = None
            for row in self.tables["numbers"]:
                if ":" in row["number"]:
                    continue
                low, _, high = row["number"].replace("+", "").partition("-")
                if len(low) == len(number) and low <= number <= (high or low):
                    zone = self.zone[row["account"]]
                    break
            noted = len(self.moments)
            self.assign("number:" + self.pick(["", "+"]) + number, zone, 2, 20)
            self.mark(noted, "near:" + number)
            for low, high, account, start, end in list(self.customers):
                if len(low) == len(number) and low <= number <= high:
                    self.customers.append((number, number, account, start, end))

    def make_surcharges(self):
        book_zone = ZoneInfo(self.zone_name)
        subjects = [("default", book_zone), ("default", book_zone)]
        subjects += [("account:" + account, self.zone[account]) for account in self.accounts]
        subjects += [("site:" + site, self.zone[account]) for account in self.accounts for site in self.sites[account]]
        subjects += [("trunk:" + trunk, book_zone) for trunk in self.trunks[:6]]
        subjects += [("carrier:" + carrier, book_zone) for carrier in CARRIERS]
        used = set()
        for _ in range(self.rng.randint(0, 14)):
            subject, zone = self.pick(subjects)
            measure = self.pick(["short_calls", "attempts", "no_ani"])
            if (subject, measure) in used:
                continue
            used.add((subject, measure))
            for start, end in [("", "")] if self.chance(60) else self.periods(2, zone):
                self.add("surcharges", subject=subject, measure=measure, amount=self.decimal(9998, self.pick([2, 4, 6, 7])) + "1",
                         short_s=self.pick(["6", "30", "60", "300"]) if measure == "short_calls" else "", start=start, to=end,
                         threshold_percent=self.pick(["", "0", "5", "10", "33.333333", "50", "2.5", "100"]),
                         apply=self.pick(["", "excess", "all"]))

    def forget(self):
        """Makes it an older book: who owns a number is the same, what it pays is not."""
        for file, (rows, deck) in self.deck_files.items():
            gone = {cell for cell in sorted({row["prefix"] for row in rows}) if self.chance(25)}
            rows = [dict(row) for row in rows if row["prefix"] not in gone]
            for row in rows:
                if row["rate"] and self.chance(30):
                    row["rate"] = self.decimal(99, min(2, deck["decimals"]))
            self.deck_files[file] = (rows, deck)
        for table in ("assignments", "plan_rules"):
            self.tables[table] = [row for row in self.tables[table] if not self.chance(12)]

    # -- the calls -----------------------------------------------------------------------------------------------------

    def start_of_call(self):
        """(instant, whose boundary it is near or None)."""
        if self.moments and self.chance(self.near_percent):
            instant, deck = self.pick(self.moments)
            kind = self.rng.randrange(8)
            if kind > 5:          # a call that is to go over the edge
                return instant - self.rng.randint(0, self.pick([90, 900, 9000])) * 1000 - self.pick([0, 0, 1, 500, 999]), deck
            if kind == 0:
                return instant, deck
            if kind == 1:
                return instant + self.pick([-1, 1, -1000, 999, 1000]), deck
            if kind == 2:
                return instant + self.rng.randint(-2000, 2000), deck
            if kind == 3:
                return instant + self.rng.randint(-60, 60) * 60000, deck
            return instant + self.rng.randint(-7200000, 7200000), deck
        instant = self.first_quiet_ms() + (self.pick(self.quiet_days) * 86400 + self.rng.randrange(86400)) * 1000
        return instant + (self.rng.randrange(1000) if self.chance(30) else 0), None

    def first_quiet_ms(self):
        return (datetime.datetime(self.year, 1, 15, tzinfo=datetime.timezone.utc) - EPOCH) // MILLISECOND

    def start_text(self, instant):
        offset = self.pick([0, 0, 0, -300, -240, 60, 330, 345, 630, -210])
        local = EPOCH + datetime.timedelta(milliseconds=instant, minutes=offset)
        text = local.strftime("%Y-%m-%dT%H:%M:%S")
        millis = instant % 1000
        if millis or self.chance(10):
            text += ".%03d" % millis
        if offset == 0:
            return text + self.pick(["Z", "Z", "+00:00"])
        return text + "%s%02d:%02d" % ("-" if offset < 0 else "+", abs(offset) // 60, abs(offset) % 60)

    def customer(self, instant, account=None):
        """A customer's number, mostly one in force at the instant, of the account if that is asked."""
        tries = 1 if self.chance(6) else 12
        for _ in range(tries):
            low, high, owner, start, end = self.pick(self.customers)
            if account in (None, owner) and start <= instant < end:
                break
        if self.chance(40):
            return self.pick([low, high])
        return self.number_in(low, high)

    def dialled(self, digits):
        return digits if self.chance(20) else "+" + digits

    def far_number(self, deck):
        if self.chance(self.toll_free_percent):
            return self.dialled("1" + self.pick(TOLL_FREE) + self.digits(7))
        kind = self.rng.randrange(1000)
        if kind < 880:
            keys = self.keys_for_calls.get(deck) if deck and self.chance(80) else None
            if keys and self.chance(self.home_percent):
                keys = [key for key in keys if key[0] == "1"]
            prefix = self.pick(keys or (self.home_prefixes if self.chance(self.home_percent) else self.prefixes))
            if prefix and self.chance(8):
                prefix = str(max(0, int(prefix) + self.pick([-1, 1]))).zfill(len(prefix))
            length = 11 if prefix.startswith("1") and self.chance(95) else self.rng.randint(8, 15)
            if self.chance(3):
                length = 7
            return self.dialled((prefix + self.digits(15))[:max(length, min(15, max(7, len(prefix))))])
        if kind < 900:
            return self.dialled("1" + self.pick(TOLL_FREE + ["900"]) + self.digits(7))
        if kind < 920:
            return self.dialled("1" + self.pick(CARIBBEAN + CANADA + TERRITORIES + NO_PLACE) + self.digits(7))
        if kind < 940:
            return self.pick(["911", "933", "988", "911"])
        if kind < 955:
            return self.pick(["211", "311", "411", "511", "611", "711", "811", "411"])
        if kind < 970:
            return self.pick(["*67", "55555", "2005", "#31#", "0", "91", "112", "1212", "123456", "9111"])
        if kind < 980:
            return self.pick(["", "anonymous", "Unknown", "RESTRICTED", "withheld"])
        if kind < 990:
            return self.pick(["+12345", "+1234567890123456", "1234567890123456", "+", "12345678901234567890"])
        return self.pick(["alice@example.com", "+1212555a100", "12-1255", "sip:bob", "1212 5550100", "**1234567", "+*67"])

    def duration(self):
        if self.chance(self.long_percent):
            return self.rng.randint(60, 14400) * 1000 + self.pick([0, 0, 1, 999])
        kind = self.rng.randrange(20)
        if kind == 0:
            return 0
        if kind == 1:
            return self.pick([1, 499, 500, 501, 999, 1000, 1001, 1499, 1500])
        if kind < 6:
            return self.pick([6, 7, 18, 25, 30, 31, 33, 60, 61, 90, 120, 3600]) * 1000 + self.pick([0, 0, -1, 1, -500, 500, 499])
        if kind < 12:
            return self.rng.randint(1, 120) * 1000
        if kind < 18:
            return self.rng.randint(1, 900000)
        return self.rng.randint(1, 86400) * 1000

    def duration_text(self, millis):
        if millis % 1000 == 0:
            return str(millis // 1000) + self.pick(["", "", ".0"])
        text = "%d.%03d" % (millis // 1000, millis % 1000)
        return text.rstrip("0")

    def quantity(self, service):
        if service == "data":
            if self.chance(1):
                return str(self.pick([2**31 - 1, 2**31, 2**31 + 1, 5 * 10**9, 4 * 10**12]))
            value = self.rng.randrange(10**self.rng.randint(1, 9))
        else:
            value = self.pick([0, 1, 1, 1, 1, 2, 3, 5, 12, 160])
        return "-" + str(value) if self.chance(12) else str(value)

    def call(self, record_id):
        instant, subject = self.start_of_call()
        near_kind, _, near_name = (subject or "").partition(":")
        deck = subject if subject and not near_name else None
        service = self.weighted(list(zip(SERVICES, SERVICE_WEIGHTS)))
        cells = {"record_id": record_id, "start": self.start_text(instant), "service": service}
        if service == "voice":
            if self.chance(40):
                cells["service"] = ""
            cells["duration_s"] = self.duration_text(self.duration())
            cells["answered"] = self.weighted([("", 48), ("yes", 48), ("no", 4)])
            if self.chance(1):
                cells["quantity"] = "-1"
        else:
            cells["duration_s"] = self.pick(["0", "0", "17"])
            cells["quantity"] = self.quantity(service)
            if self.chance(3) and service != "data":
                cells["quantity"] = ""
            cells["answered"] = self.pick(["", "", "yes", "no"])
        hint = self.pick(self.hints + ["nobody"]) if self.chance(8) else ""
        near_account = self.hint_owner.get(hint) if self.chance(85) else None
        near = self.dialled(self.customer(instant, near_name if near_kind == "account" else near_account))
        if near_kind == "near" and self.chance(80):
            near, hint = self.dialled(near_name), ""
        elif hint and self.chance(30):
            near = self.pick(["", "anonymous", "2005", "alice@example.com", "+12345"])
        elif self.chance(3):
            near = self.far_number(None)
        far = self.far_number(deck)
        if self.chance(8):
            far = self.dialled(self.customer(instant))
        incoming = self.chance(self.in_percent)
        if self.chance(self.legs_percent):
            cells["legs"] = "both"
        elif self.chance(30):
            cells["legs"] = "one"
        cells["caller"], cells["callee"] = (far, near) if incoming else (near, far)
        cells["direction"] = "in" if incoming else self.pick(["", "out"])
        cells["trunk"] = self.pick(self.trunks) if self.chance(9) else ""
        if near_kind == "trunk" and self.chance(80):
            cells["trunk"] = near_name
        cells["account_hint"] = hint
        if self.chance(7):
            cells["charged"] = self.dialled(self.customer(instant, near_account))
            if self.chance(25):
                cells["charged"] = self.far_number(None)
        if self.chance(60):
            cells["calltype"] = self.pick(CALL_TYPES + ["ZZ", "Ld"])
        if self.chance(65) or service == "event" and self.chance(80):
            cells["provider_charge"] = self.decimal(self.pick([999, 99999]), self.pick([2, 4, 6, 8]))
            if self.chance(3):
                cells["provider_charge"] = "-" + cells["provider_charge"]
        for name, share in (("lrn_caller", self.lrn_percent), ("lrn_callee", self.lrn_percent), ("ring_to", 60 if self.toll_free(cells["callee"]) else 2)):
            if self.chance(share):
                cells[name] = self.routing_number()
        cells["feed"] = self.weighted([("", 75), ("carrier1", 15), ("carrier2", 10)])
        return cells

    def toll_free(self, text):
        return text.lstrip("+")[1:4] in TOLL_FREE

    def routing_number(self):
        kind = self.rng.randrange(20)
        if kind == 0:
            return self.far_number(None)
        if kind < 12:
            return "+1" + self.pick(AREA_CODES) + "555" + self.digits(4)
        prefix = self.pick([prefix for prefix in self.prefixes + self.near_prefixes if prefix[0] == "1"])
        return "+" + (prefix + self.digits(10))[:11]

    def calls(self, count):
        if count >= BUSY:
            self.quiet_days, self.near_percent = self.quiet_days[:1], 12
        self.keys_for_calls = {}
        self.home_prefixes = [prefix for prefix in self.prefixes if prefix[:1] == "1" and prefix[1:4] in AREA_CODES]
        self.home_prefixes += [row["prefix"].split(";")[0].split("-")[0] for row in self.tables["npanxx"]]
        for deck, keys in self.deck_keys.items():
            if deck != "ct":
                self.keys_for_calls[deck] = sorted(keys - {""})
        rows = []
        stem = self.pick(["r", "", "call-"])
        for index in range(count):
            rows.append(self.call("%s%07d" % (stem, index * 7919 % 10000000)))
        for _ in range(max(2, count // 400) if count > 10 else 0):
            again = dict(self.pick(rows))
            if again.get("legs") == "both" and self.chance(50):
                again["direction"] = self.pick(["", "in", "out"])      # does not count: the same record
            rows.append(again)
        for _ in range(max(2, count // 400) if count > 10 else 0):
            other = dict(self.pick(rows))
            if self.chance(25):           # of another feed: not the same record
                other["feed"] = self.pick([""] + CARRIERS)
            if self.chance(15):           # the same but for its legs
                other["legs"] = "one" if other.get("legs") == "both" else "both"
                rows.append(other)
                continue
            other["duration_s"] = str(100000 + self.rng.randrange(1000))
            if self.chance(50):
                other["callee"] = "+4420" + self.digits(8)
            rows.append(other)
        self.rng.shuffle(rows)
        return rows

    # -- files ---------------------------------------------------------------------------------------------------------

    def write_csv(self, path, rows, columns, required, rename=None, any_case=True):
        """Column order, header case, line ends and a byte order mark are the writer's own business."""
        used = [name for name in columns if name in required or any(row.get(name) for row in rows) or self.chance(20)]
        self.rng.shuffle(used)
        case = self.pick([str.lower, str.lower, str.upper, str.capitalize]) if any_case else str.lower
        encoding = "utf-8-sig" if self.chance(10) else "utf-8"
        with open(path, "w", newline="", encoding=encoding) as stream:
            writer = csv.writer(stream, lineterminator=self.pick(["\n", "\n", "\r\n"]),
                                quoting=csv.QUOTE_ALL if self.chance(10) else csv.QUOTE_MINIMAL)
            writer.writerow([(rename or {}).get(name) or case(name) for name in used])
            for row in rows:
                writer.writerow([row.get(name, "") for name in used])

    def write_book(self, folder):
        os.makedirs(os.path.join(folder, "decks"), exist_ok=True)
        settings = [("book", "world"), ("currency", "USD"), ("timezone", self.zone_name)]
        if not self.nanp or self.chance(50):
            settings.append(("number_plan", "nanp" if self.nanp else "e164"))
        if self.decimals is not None:
            settings.append(("decimals", str(self.decimals)))
        if self.book_rounding:
            settings.append(("rounding", self.book_rounding))
        for key, value in (("country", self.country), ("jurisdiction_basis", self.basis), ("on_net", self.on_net)):
            if value:
                settings.append((key, value))
        self.rng.shuffle(settings)
        with open(os.path.join(folder, "book.yaml"), "w", encoding="utf-8") as stream:
            for key, value in settings:
                stream.write("%s: %s\n" % (key, value))
        required = {"accounts": ["account"], "sites": ["site", "account"], "numbers": ["number", "account"], "trunks": ["trunk"],
                    "carriers": ["carrier"], "assignments": ["subject", "plan"], "plans": ["plan"], "plan_rules": ["plan", "action"],
                    "destinations": ["prefix", "destination"], "decks": ["deck"], "deck_versions": ["deck", "file"],
                    "calendars": ["calendar", "band"], "holidays": ["calendar", "date", "band"], "npanxx": ["prefix"],
                    "local_areas": ["from_ratecenter", "to_ratecenter"], "calltypes": ["calltype", "jurisdiction"],
                    "surcharges": ["subject", "measure", "amount"], "bundles": ["bundle", "unit", "quantity"],
                    "subscriptions": ["subject", "bundle"], "services": ["account", "type"], "tiers": ["tiers", "rate", "unit"],
                    "fx": ["from", "to", "date", "rate"], "tax_jurisdictions": ["id", "level"], "tax_areas": ["area", "tax_jurisdiction"],
                    "sellers": ["seller", "fusf_method"], "products": ["product"], "tax_map": ["tax_service"], "taxes": ["tax"],
                    "exemptions": [], "charges": ["account", "product", "kind", "amount"]}
        for name, rows in self.tables.items():
            if rows:
                columns = [column for column in TABLES[name].split() if (name, column) not in TAXED or self.taxed]
                self.write_csv(os.path.join(folder, name + ".csv"), rows, columns, required[name])
        for file, (rows, deck) in sorted(self.deck_files.items()):
            self.write_deck_file(folder, file, rows, deck)

    def write_deck_file(self, folder, file, rows, deck):
        columns = [name for name in DECK_FILE_COLUMNS.split() if name != "key"]
        if "columns" not in deck and (deck["kind"] == "calltype" or self.chance(15)):
            rows = [dict(row, key=row["prefix"]) for row in rows]
            columns[columns.index("prefix")] = "key"
        required = ["prefix", "key", "rate"]
        if deck["kind"] == "pair":
            required.append("caller_prefix")
        else:
            columns.remove("caller_prefix")
        self.write_csv(os.path.join(folder, "decks", file + ".csv"), rows, columns, required, deck.get("columns"))

    def write_cdrs(self, folder, rows):
        columns = CDR_COLUMNS.split()
        for carrier in [""] + CARRIERS:
            name = "cdrs_%s.csv" % carrier if carrier else "cdrs.csv"
            feed = [row for row in rows if row["feed"] == carrier]
            if feed:
                self.write_csv(os.path.join(folder, name), feed, columns, columns, any_case=False)


def make(seed, calls, folder, kind=World):
    older = kind(seed)
    older.forget()
    older.write_book(os.path.join(folder, "older"))
    world = kind(seed)
    os.makedirs(folder, exist_ok=True)
    world.write_book(os.path.join(folder, "book"))
    world.write_cdrs(folder, world.calls(calls))


def main():
    parser = argparse.ArgumentParser(description="write a random book and CDRs")
    parser.add_argument("seed", type=int)
    parser.add_argument("calls", type=int)
    parser.add_argument("outdir")
    options = parser.parse_args()
    make(options.seed, options.calls, options.outdir)


if __name__ == "__main__":
    main()
