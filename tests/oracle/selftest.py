#!/usr/bin/env python3
"""Tests of the oracle's pieces against values worked out by hand."""
import ast
import csv
import datetime
import glob
import io
import os
import subprocess
import sys
import tempfile
import unittest
from fractions import Fraction
from zoneinfo import ZoneInfo

import compare
import examples
import oracle
import rate as whole
import run
import selftest_usage

HERE = os.path.dirname(os.path.abspath(__file__))


def utc(*parts):
    return (datetime.datetime(*parts, tzinfo=datetime.timezone.utc) - oracle.EPOCH) // oracle.MILLISECOND


class Row:
    def __init__(self, **cells):
        self.initial = self.increment = self.per = 1
        self.minimum_s = self.free_s = 0
        self.connect_fee = Fraction(0)
        self.minimum_charge = self.maximum_charge = None
        self.__dict__.update(cells)


class Rounding(unittest.TestCase):
    def check(self, text, decimals, expected):
        modes = ("half_up", "half_even", "up", "down")
        got = [oracle.money_text(oracle.round_money(Fraction(text), decimals, mode)) for mode in modes]
        self.assertEqual(got, expected)

    def test_tie(self):
        self.check("0.125", 2, ["0.13000000", "0.12000000", "0.13000000", "0.12000000"])
        self.check("0.135", 2, ["0.14000000", "0.14000000", "0.14000000", "0.13000000"])

    def test_negative(self):
        self.check("-0.125", 2, ["-0.13000000", "-0.12000000", "-0.13000000", "-0.12000000"])
        self.check("-0.001", 2, ["0.00000000", "0.00000000", "-0.01000000", "0.00000000"])

    def test_third(self):
        self.check("1/3", 8, ["0.33333333", "0.33333333", "0.33333334", "0.33333333"])
        self.check("2/3", 0, ["1.00000000", "1.00000000", "1.00000000", "0.00000000"])

    def test_exact(self):
        self.check("0.06", 2, ["0.06000000"] * 4)


class Dates(unittest.TestCase):
    new_york = ZoneInfo("America/New_York")

    def test_plain(self):
        self.assertEqual(oracle.local_instant("2026-01-15", self.new_york), utc(2026, 1, 15, 5))
        self.assertEqual(oracle.local_instant("2026-07-15 09:30:00.1239", self.new_york), utc(2026, 7, 15, 13, 30, 0, 123000))

    def test_gap_keeps_the_offset_before_it(self):
        # 8 March 2026: 02:00 EST becomes 03:00 EDT. 02:30 read with -05:00 is 07:30 UTC.
        self.assertEqual(oracle.local_instant("2026-03-08 02:30:00", self.new_york), utc(2026, 3, 8, 7, 30))
        self.assertEqual(oracle.local_instant("2026-03-08 03:00:00", self.new_york), utc(2026, 3, 8, 7))

    def test_midnight_gap(self):
        # Santiago, 6 September 2026: 00:00 at -04 becomes 01:00 at -03.
        self.assertEqual(oracle.local_instant("2026-09-06", ZoneInfo("America/Santiago")), utc(2026, 9, 6, 4))

    def test_fold_is_the_first(self):
        # 1 November 2026: 01:30 happens at 05:30 and 06:30 UTC.
        self.assertEqual(oracle.local_instant("2026-11-01 01:30:00", self.new_york), utc(2026, 11, 1, 5, 30))

    def test_local_minute(self):
        date, clock = oracle.local_minute("America/New_York", utc(2026, 11, 1, 6, 30) // 60000)
        self.assertEqual((date, clock), (datetime.date(2026, 11, 1), 90))

    def test_start(self):
        self.assertEqual(oracle.parse_start("2026-03-02T12:00:00Z"), utc(2026, 3, 2, 12))
        self.assertEqual(oracle.parse_start("2026-03-02T12:00:00.050-04:30"), utc(2026, 3, 2, 16, 30, 0, 50000))
        self.assertEqual(oracle.parse_start("2026-03-02T00:15:00+05:45"), utc(2026, 3, 1, 18, 30))
        self.assertEqual(oracle.parse_duration("25.001"), 25001)
        self.assertEqual(oracle.parse_duration("25.5"), 25500)
        self.assertEqual(oracle.parse_duration("26"), 26000)


class Numbers(unittest.TestCase):
    def test_types(self):
        for text, expected in (("+12125550100", ("e164", "12125550100")), ("12125550100", ("e164", "12125550100")),
                               ("1234567", ("e164", "1234567")), ("123456789012345", ("e164", "123456789012345")),
                               ("123456", ("short", "123456")), ("*67", ("short", "*67")), ("", ("none", "")),
                               ("Anonymous", ("none", "")), ("+123456", ("invalid", "")), ("1234567890123456", ("invalid", "")),
                               ("+1234567890123456", ("invalid", "")), ("+1212a55501", ("other", "")), ("*1234567", ("other", ""))):
            self.assertEqual(oracle.type_number(text), expected, text)

    def test_keys(self):
        self.assertEqual(oracle.expand_keys("44;1201-1203", False), ["44", "1201", "1202", "1203"])
        self.assertEqual(oracle.expand_keys("098-101", False), ["098", "099", "100", "101"])
        self.assertEqual(oracle.expand_keys("", False), [""])
        self.assertEqual(oracle.expand_keys("LD-1;12-13", True), ["LD-1", "12-13"])


class Units(unittest.TestCase):
    def billed(self, d, mode="append", **cells):
        return oracle.units_billed(d, Row(**cells), mode)

    def test_append(self):
        self.assertEqual(self.billed(26, initial=25, increment=8), 33)
        self.assertEqual(self.billed(33, initial=25, increment=8), 33)
        self.assertEqual(self.billed(34, initial=25, increment=8), 41)
        self.assertEqual(self.billed(1, initial=60, increment=60), 60)

    def test_round_total(self):
        self.assertEqual(self.billed(26, "round_total", initial=25, increment=8), 32)
        self.assertEqual(self.billed(1, "round_total", initial=25, increment=8), 32)
        self.assertEqual(self.billed(33, "round_total", initial=25, increment=8), 40)

    def test_minimum_and_free(self):
        self.assertEqual(oracle.units_to_bill(5, Row(minimum_s=30, free_s=10)), (20, 10))
        self.assertEqual(oracle.units_to_bill(30, Row(free_s=30)), (0, 30))
        self.assertEqual(oracle.units_to_bill(20, Row(free_s=30)), (0, 20))
        self.assertEqual(oracle.units_to_bill(31, Row(free_s=30)), (1, 30))

    def test_duration_rounding(self):
        record = oracle.Record()
        record.service = "voice"
        for millis, expected in ((0, [0, 0, 0, 0]), (1, [1, 0, 0, 1]), (499, [1, 0, 0, 1]), (500, [1, 0, 1, 1]),
                                 (1000, [1, 1, 1, 1]), (1500, [2, 1, 2, 2])):
            record.duration_ms = millis
            self.assertEqual([oracle.units_used(record, mode) for mode in ("up", "down", "half_up", "ms")], expected)

    def test_charge(self):
        row = Row(connect_fee=Fraction("0.01"))
        cost = Fraction(1, 120)
        self.assertEqual(oracle.exact_charge(row, cost), Fraction("0.01") + Fraction(1, 120))
        row.minimum_charge = Fraction("0.5")
        self.assertEqual(oracle.exact_charge(row, cost), Fraction("0.5"))
        row.minimum_charge, row.maximum_charge = None, Fraction("0.002")
        self.assertEqual(oracle.exact_charge(row, cost), Fraction("0.002"))


class Bands(unittest.TestCase):
    def calendar(self, rows, holidays=()):
        calendar = oracle.Calendar()
        for order, (priority, band, days, start, end) in enumerate(rows):
            calendar.rows.append((priority, order, band, oracle.parse_days(days), oracle.parse_clock(start, 0),
                                  oracle.parse_clock(end, 1440)))
        calendar.rows.sort(key=lambda entry: entry[:2])
        calendar.holidays = {datetime.date.fromisoformat(date): "holiday" for date in holidays}
        return calendar

    def band(self, calendar, date, clock):
        return oracle.band_of(calendar, datetime.date.fromisoformat(date), oracle.parse_clock(clock, 0))

    def test_wrap_belongs_to_its_starting_day(self):
        calendar = self.calendar([(0, "night", "5", "20:00", "06:00")])           # Friday night; 10 July 2026 is a Friday
        self.assertEqual(self.band(calendar, "2026-07-10", "19:59"), "")
        self.assertEqual(self.band(calendar, "2026-07-10", "20:00"), "night")
        self.assertEqual(self.band(calendar, "2026-07-11", "05:59"), "night")
        self.assertEqual(self.band(calendar, "2026-07-11", "06:00"), "")
        self.assertEqual(self.band(calendar, "2026-07-10", "03:00"), "")

    def test_holiday_cuts_the_night_after_it(self):
        calendar = self.calendar([(0, "night", "", "20:00", "06:00")], ["2026-07-10"])
        self.assertEqual(self.band(calendar, "2026-07-10", "23:59"), "holiday")
        self.assertEqual(self.band(calendar, "2026-07-11", "03:00"), "")
        self.assertEqual(self.band(calendar, "2026-07-11", "20:00"), "night")

    def test_priority(self):
        rows = [(0, "a", "", "08:00", "10:00"), (0, "b", "", "09:00", "11:00"), (-1, "c", "", "09:30", "09:31")]
        calendar = self.calendar(rows)
        self.assertEqual(self.band(calendar, "2026-07-10", "09:00"), "a")
        self.assertEqual(self.band(calendar, "2026-07-10", "09:30"), "c")
        self.assertEqual(self.band(calendar, "2026-07-10", "10:00"), "b")

    def test_days(self):
        self.assertEqual(oracle.parse_days("1;3-5"), {1, 3, 4, 5})
        self.assertEqual(len(oracle.parse_days("")), 7)


BASE = {
    "decks/d.csv": ["prefix,rate", "1,0.60"],
    "cdrs": ["record_id,start,duration_s,caller,callee"],
}


def rate(**parts):
    """The lines of a small book, by record id; part names have __ for / and _csv for .csv."""
    named = dict(BASE)
    for name, lines in parts.items():
        named[name.replace("__", "/").replace("_csv", ".csv").replace("_yaml", ".yaml")] = lines
    with tempfile.TemporaryDirectory() as folder:
        return {line["record_id"]: line for line in examples.through_oracle(*examples.write_example(named, folder), None)[0]}


class WholeBooks(unittest.TestCase):
    def test_amend_ends_whole_prefix_with_all_bands(self):
        lines = rate(
            decks_csv=["deck,calendar", "d,c"], calendars_csv=["calendar,band", "c,night"],
            deck_versions_csv=["deck,file,effective,mode", "d,two,2026-02-01,amend", "d,one,2026-01-01,full"],
            decks__one_csv=["prefix,rate,band", "1;12,0.60,", "12,0.30,night"],
            decks__two_csv=["prefix,rate,from", "12,0.12,2026-02-03"],
            cdrs=["record_id,start,duration_s,caller,callee", "jan,2026-01-31T12:00:00Z,60,+12125550100,+12015550111",
                  "feb,2026-02-02T12:00:00Z,60,+12125550100,+12015550111",
                  "later,2026-02-03T12:00:00Z,60,+12125550100,+12015550111"])
        self.assertEqual([lines["jan"]["charge"], lines["jan"]["band"]], ["0.30000000", "night"])
        self.assertEqual([lines["feb"]["charge"], lines["feb"]["prefix"]], ["0.60000000", "1"])
        self.assertEqual([lines["later"]["charge"], lines["later"]["prefix"]], ["0.12000000", "12"])

    def test_duplicates_and_conflicts(self):
        lines = rate(cdrs=["record_id,start,duration_s,caller,callee", "same,2026-01-31T12:00:00Z,60,+12125550100,+12015550111",
                           "same,2026-01-31T12:00:00Z,60,+12125550100,+12015550111",
                           "other,2026-01-31T12:00:00Z,60,+12125550100,+12015550111",
                           "other,2026-01-31T12:00:00Z,61,+12125550100,+12015550111"])
        self.assertEqual(lines["same"]["status"], "rated")
        self.assertEqual([lines["other"]["status"], lines["other"]["charge"]], ["conflict", ""])

    def test_last_deck_names_the_reason(self):
        lines = rate(
            decks_csv=["deck,key", "t,calltype"], decks__t_csv=["key,rate", "LD,1"],
            plan_rules_csv=["plan,action,deck,on_miss", "p,deck,d,next", "p,deck,t,next"],
            cdrs=["record_id,start,duration_s,caller,callee,calltype", "a,2026-01-31T12:00:00Z,60,+12125550100,+33123456789,ZZ",
                  "b,2026-01-31T12:00:00Z,60,+12125550100,+33123456789,LD"])
        self.assertEqual(lines["a"]["reason"], "no_calltype")
        self.assertEqual(lines["b"]["charge"], "1.00000000")

    def test_bad_number_and_empty_prefix(self):
        cdrs = ["record_id,start,duration_s,caller,callee", "none,2026-01-31T12:00:00Z,60,+12125550100,anonymous",
                "short,2026-01-31T12:00:00Z,60,+12125550100,12"]
        lines = rate(cdrs=cdrs)
        self.assertEqual([lines["none"]["reason"], lines["short"]["reason"]], ["bad_number", "no_prefix"])
        lines = rate(cdrs=cdrs, decks__d_csv=["prefix,rate", ",0.60"])
        self.assertEqual([lines["none"]["charge"], lines["short"]["charge"]], ["0.60000000"] * 2)

    def test_overflow(self):
        lines = rate(decks__d_csv=["prefix,rate,maximum_charge", "1,90000000000,", "12,90000000000,5"],
                     cdrs=["record_id,start,duration_s,caller,callee", "a,2026-01-31T12:00:00Z,120,+12125550100,+13015550111",
                           "b,2026-01-31T12:00:00Z,120,+12125550100,+12015550111"])
        self.assertEqual(lines["a"]["reason"], "overflow")
        self.assertEqual(lines["b"]["charge"], "5.00000000")

    def test_bad_books_are_refused(self):
        bad = [dict(decks__d_csv=["prefix,rate", "1,0.1", "1,0.2"]), dict(decks__d_csv=["prefix,rate,colour", "1,0.1,red"]),
               dict(decks__d_csv=["prefix,rate", "1,0.123456789"]), dict(decks__d_csv=["prefix,rate", "1,-1"]),
               dict(decks__d_csv=["prefix,rate,minimum_charge,maximum_charge", "1,1,2,1"]),
               dict(numbers_csv=["number,account", "12125550100,acme", "12125550100-12125550109,acme"]),
               dict(assignments_csv=["subject,plan,from", "default,p,", "default,p,2026-01-01"]),
               dict(assignments_csv=["subject,plan", "number:13105550000,p"])]
        for parts in bad:
            with self.assertRaises(oracle.BookError, msg=str(parts)):
                rate(**parts)


class Examples(unittest.TestCase):
    def test_reader_and_a_wrong_cell(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "page.md")
            with open(path, "w", encoding="utf-8") as stream:
                stream.write("### one\n```example\n--- decks/d.csv\nprefix,rate\n1,0.60\n--- cdrs\nrecord_id,start,duration_s,callee\n"
                             "a,2026-03-02T12:00:00Z,60,+12015550111\n--- lines\nrecord_id,charge\na,0.60000000\n```\n")
            ((heading, parts),) = examples.read_examples(path)
        self.assertEqual(heading, "one")
        self.assertEqual(examples.run_example(parts, None, None), [])
        parts["lines"][1] = "a,0.50000000"
        self.assertEqual(examples.run_example(parts, None, None), ["a: charge should be '0.50000000', is '0.60000000'"])
        parts["lines"][1] = "b,0.60000000"
        self.assertEqual(len(examples.run_example(parts, None, None)), 2)


class Compare(unittest.TestCase):
    header = ["record_id", "status", "reason", "billed", "charge"]
    lines = [["a", "rated", "", "60", "0.60000000"], ["b", "suspense", "no_plan", "0", ""],
             ["c", "conflict", "conflict", "0", ""], ["c", "conflict", "conflict", "0", ""]]

    def same(self, lines):
        rows = [[dict(zip(self.header, cells)) for cells in side] for side in (self.lines, lines)]
        self.out = io.StringIO()
        return compare.compare(self.header, rows[0], ["day"] + self.header, rows[1], self.out)

    def test_equal(self):
        self.assertTrue(self.same(self.lines[::-1]))
        self.assertIn("conflict 2, rated 1, suspense 1", self.out.getvalue())

    def test_every_column_can_fail(self):
        for column in range(1, 5):
            changed = [list(cells) for cells in self.lines]
            changed[0][column] += "1"
            self.assertFalse(self.same(changed))
            self.assertIn("differences: %s 1" % self.header[column], self.out.getvalue())

    def test_missing_extra_and_repeated_lines(self):
        self.assertFalse(self.same(self.lines[1:]))
        self.assertFalse(self.same(self.lines + [["d", "rated", "", "1", "0.00000001"]]))
        self.assertFalse(self.same(self.lines + [self.lines[0]]))
        self.assertFalse(self.same(self.lines[:3]))

    def test_missing_column(self):
        rows = [dict(zip(self.header, cells)) for cells in self.lines]
        self.assertFalse(compare.compare(self.header, rows, self.header[:4], rows, io.StringIO()))

    def test_exit_codes(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("a.csv", "b.csv", "c.csv")]
            for path, count in zip(paths, (4, 4, 3)):
                with open(path, "w", newline="", encoding="utf-8") as stream:
                    csv.writer(stream).writerows([self.header] + self.lines[:count])
            for other, code in ((paths[1], 0), (paths[2], 1)):
                done = subprocess.run([sys.executable, os.path.join(HERE, "compare.py"), paths[0], other],
                                      stdout=subprocess.DEVNULL, check=False)
                self.assertEqual(done.returncode, code)


class Worlds(unittest.TestCase):
    def make(self, folder, seed, hash_seed):
        environment = dict(os.environ, PYTHONHASHSEED=hash_seed)
        subprocess.run([sys.executable, os.path.join(HERE, "world.py"), str(seed), "1500", folder], env=environment, check=True)
        found = {}
        for root, _, files in os.walk(folder):
            for name in files:
                with open(os.path.join(root, name), "rb") as stream:
                    found[os.path.relpath(os.path.join(root, name), folder)] = stream.read()
        return found

    def test_deterministic(self):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
            self.assertEqual(self.make(one, 7, "1"), self.make(other, 7, "2"))

    def test_every_status_and_reason_occurs(self):
        seen, classes = set(), set()
        priced = total = 0
        for seed in range(1, 9):
            with tempfile.TemporaryDirectory() as folder:
                self.make(folder, seed, "0")
                records = whole.read_feeds(["%s=%s" % feed for feed in run.feeds_of(folder)])
                lines = whole.rate_run(whole.Book(os.path.join(folder, "book")), records).lines()
                seen.update((line["status"], line["reason"]) for line in lines)
                classes.update((line["class"], line["jurisdiction"]) for line in lines)
                priced += sum(line["status"] in ("rated", "zero_rated") for line in lines)
                total += len(lines)
        suspense = ("party_conflict no_account no_plan no_rule rejected no_prefix no_calltype bad_number blocked no_rate no_band"
                    " no_provider_charge overflow").split()
        zero = "unanswered emergency free zero_duration".split()
        expected = {("suspense", reason) for reason in suspense} | {("zero_rated", reason) for reason in zero}
        expected |= {("rated", ""), ("conflict", "conflict"), ("other_party", "other_party")}
        self.assertEqual(seen, expected)
        self.assertLessEqual({("on_net", name) for name in oracle.JURISDICTIONS if name != "international"}, classes)
        self.assertLessEqual({("ordinary", name) for name in oracle.JURISDICTIONS} | {("toll_free", "interstate"),
                             ("n11", "indeterminate"), ("premium", "international")}, classes)
        self.assertGreater(priced * 100, total * 65)


class PlantedMistakes(unittest.TestCase):
    """One wrong rule at a time: some worked example must say so."""

    mistakes = [
        # places and jurisdictions
        ("for length in range(min(len(digits), 11), 3, -1)", "for length in range(min(len(digits), 7), 3, -1)"),
        ('row["country"].upper() or book.country, row["state"].upper(), row["ratecenter"].upper())\n        for prefix',
         'row["country"].upper() or "US", row["state"].upper(), row["ratecenter"].upper())\n        for prefix'),
        ('digits[0] != "1" or self.place[0] not in ("", book.country)', 'digits[0] != "1"'),
        ('digits[0] != "1" or self.place[0] not in ("", book.country)', 'self.place[0] not in ("", book.country)'),
        ("origin.abroad or terminal.abroad", "terminal.abroad"),
        ("origin.place == terminal.place or (origin.place, terminal.place) in book.local_pairs", "origin.place == terminal.place"),
        ("(origin.place, terminal.place) in book.local_pairs", "(terminal.place, origin.place) in book.local_pairs"),
        ("origin.place == terminal.place or (origin", "(origin"),
        ('origin.place[1] == terminal.place[1] else "interstate"', 'origin.place[:1] == terminal.place[:1] else "interstate"'),
        ("for carrier in (record.carrier, \"\"):\n            if (record.calltype", "for carrier in (\"\",):\n            if (record.calltype"),
        ("if caller and record.lrn_caller:", "if record.lrn_caller:"),
        ("if callee and record.lrn_callee and not free_callee:", "if False:"),
        ("if not free_callee:\n        terminal", "if True:\n        terminal"),
        ('not record.ring_to and record.direction == "in" and site_state', "not record.ring_to and site_state"),
        ('if basis == "site" and site_state:', 'if basis == "site" and False:'),
        ('near = origin if record.direction == "out" else terminal', "near = origin"),
        ("near.abroad = False", "pass"),
        ("if near.place[:2] != (book.country, site_state):", "if True:"),
        ('state.upper() in ("", place[1])', "True"),
        ("call_jurisdiction(book, record, payer, rule.deck.basis)", "call_jurisdiction(book, record, payer, book.basis)"),
        ("call_jurisdiction(book, record, payer, book.basis)", 'call_jurisdiction(book, record, payer, "ani")'),
        # class
        ('book.on_net == "any" or caller.account == callee.account', "True"),
        ('book.on_net == "any" or caller.account == callee.account', "caller.account == callee.account"),
        ("caller = known_number(book, record.caller, record.start)", "caller = known_number(book, record.caller, 0)"),
        # two legs
        ('near_only = record.two_legs and direction == "in"', "near_only = False"),
        ('if record.two_legs and Candidates(', "if False and Candidates("),
        ('incoming.direction = "in"', "pass"),
        # decks
        ("number = caller if deck.key == \"caller\" else callee", "number = callee"),
        ('if deck.lrn and lrn and number[0] == "e164":', "if False:"),
        ('if deck.lrn and lrn and number[0] == "e164":', "if deck.lrn and lrn:"),
        ("deck_number(deck, record.caller, record.lrn_caller)", "record.caller"),
        ('return rows, caller_key + ">" + key, ""', 'return rows, key + ">" + caller_key, ""'),
        ("numbers = (callee, caller)", "numbers = (callee,)"),
        ("for key in prefixes(callee, deck.longest):\n            for caller_key in prefixes(caller, deck.longest_caller):",
         "for caller_key in prefixes(caller, deck.longest_caller):\n            for key in prefixes(callee, deck.longest):"),
        ('if jurisdiction in ("intrastate", "local"):', 'if jurisdiction == "intrastate":'),
        ('if jurisdiction == "interstate":\n        return inter', 'if jurisdiction == "interstate":\n        return intra'),
        ('if jurisdiction == "international":\n        return row.rate', 'if jurisdiction == "international":\n        return inter'),
        ('if deck.indeterminate == "own":\n        return own', 'if deck.indeterminate == "own":\n        return row.rate'),
        ('if deck.indeterminate == "intra":\n        return intra', 'if deck.indeterminate == "intra":\n        return inter'),
        ("return max((rate for rate in (inter, intra)", "return min((rate for rate in (inter, intra)"),
        ('if mode == "full" and any(effective', "if any(effective"),
        ("if versions[later][1] == \"full\" or row.key in keys_of[later]:", "if versions[later][1] == \"full\":"),
        ("row.per = row.per or bases[0].per", "row.per = row.per or 60"),
        ("row.increment = row.increment or bases[0].increment", "row.increment = row.increment or 1"),
        # steps and bands
        ("row.band == wanted and row.step <= position]", "row.band == wanted and row.step < position or row.step == 0]"),
        ("return self.check(max(begun, key=lambda row: row.step))", "return self.check(min(begun, key=lambda row: row.step))"),
        ("now = self.record.start + (position * 1000 if self.splits() else 0)", "now = self.record.start"),
        ("now = self.record.start + (position * 1000 if", "now = self.record.start + ((position + 1) * 1000 if"),
        ('for wanted in ([band] if band else []) + [""]:', "for wanted in [band]:"),
        ('self.deck.calendar is not None and self.record.service == "voice"',
         'self.deck.calendar is not None and self.record.service in ("voice", "sms")'),
        ("if any(row.step or (row.band and self.splits()) for row in self.rows):", "if any(row.step for row in self.rows):"),
        ("length = ceil_div(length, first.increment) * first.increment", "pass"),
        ("return self.walk(first, d, free, included)", "return self.walk(first, d, 0, included)"),
        ("units.get(row, 0) + count * row.increment - more\n", "units.get(row, 0) + min(d - billed, count * row.increment) - more\n"),
        ("count = min(count, ceil_div(change - position, row.increment))", "pass"),
        ("        if row.blocked:\n            raise", "        if row.blocked and not row.step:\n            raise"),
        ("free = min(d, row.free_s)", "free = 0"),
        ("round_money(exact_charge(first, cost), deck.decimals, deck.rounding)", "round_money(exact_charge(first, cost), 8, \"half_up\")"),
        # credits
        ("return rated(line, used, -amount if credit else amount)", "return rated(line, used, amount)"),
        ("    if record.quantity < 0:\n        amount = -amount\n    line = rated", "    line = rated"),
        # surcharges
        ('record.direction == "out" and record.service', "record.service"),
        ('and record.service == "voice" and line["account"]', 'and line["account"]'),
        ('and not is_emergency(book, record))', ")"),
        ("record.duration_ms <= row.short_ms", "record.duration_ms < row.short_ms"),
        ("record.duration_ms <= row.short_ms", "record.duration_ms // 1000 <= row.short_ms // 1000"),
        ('return row.measure == "attempts" or record.answered', "return True"),
        ('record.caller[0] in ("none", "other", "invalid")', 'record.caller[0] == "none"'),
        ("charged = hits if hits * 100 > row.threshold * calls else 0", "charged = hits if hits * 100 >= row.threshold * calls else 0"),
        ("charged = hits - share.numerator // share.denominator", "charged = hits - ceil_div(share.numerator, share.denominator)"),
        ("local_instant(first.isoformat(), zone) > now", 'local_instant(first.isoformat(), book.zone) > now'),
        ("local_instant(first.isoformat(), zone) > now", "local_instant(first.isoformat(), zone) >= now"),
        ('(("trunk", record.trunk), ("site", line["site"]), ("account", line["account"]), ("carrier"',
         '(("trunk", record.trunk), ("account", line["account"]), ("site", line["site"]), ("carrier"'),
        ('site=row.value if row.kind == "site" else ""', 'site=""'),
        # what was there before
        ('found.charged, found.trunk, found.hint, found.near', "found.trunk, found.charged, found.hint, found.near"),
        ('("account", account), ("carrier", record.carrier), ("default", "")]', '("account", account), ("default", "")]'),
    ]

    @staticmethod
    def module(source):
        sources = {}
        for name in selftest_usage.MODULES[1:]:
            with open(os.path.join(HERE, name + ".py"), encoding="utf-8") as stream:
                sources[name] = stream.read()
        return selftest_usage.PlantedMistakes.load(dict(sources, oracle=source))

    def caught_by_examples(self, made, parts):
        """Whether an example fails; the modules that examples.py uses are replaced for the while."""
        examples.oracle, examples.rate, examples.cycles = made.oracle, made, made.cycles
        try:
            return any(examples.run_example(part, None, None) for part in parts)
        finally:
            examples.oracle, examples.rate, examples.cycles = oracle, whole, whole.cycles

    def test_each_is_caught(self):
        with open(oracle.__file__, encoding="utf-8") as stream:
            source = stream.read()
        parts = [part for _, part in examples.read_examples(os.path.join(examples.SOURCE_DIR, "docs", "RATING.md"))][::-1]
        self.assertFalse(self.caught_by_examples(self.module(source), parts))
        missed = []
        for old, new in self.mistakes:
            self.assertEqual(source.count(old), 1, "%r is there %d times" % (old, source.count(old)))
            if not self.caught_by_examples(self.module(source.replace(old, new)), parts):
                missed.append((old, new))
        self.assertEqual(missed, [])


class NoFloats(unittest.TestCase):
    """Exactness: no floating constant, no true division, none of the calls that make floating numbers."""

    forbidden = {"float", "round", "total_seconds", "timestamp", "fromtimestamp", "time", "perf_counter", "random", "uniform",
                 "gauss", "expovariate", "triangular", "math", "statistics", "choices"}

    def problems(self, source):
        found = []
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Constant) and type(node.value) in (type(1 / 2), complex):
                found.append((node.lineno, "constant"))
            if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
                found.append((node.lineno, "division"))
            if isinstance(node, ast.Name) and node.id in self.forbidden - {"random", "time"}:
                found.append((node.lineno, node.id))
            if isinstance(node, ast.Attribute) and node.attr in self.forbidden:
                found.append((node.lineno, node.attr))
        return found

    def test_sources(self):
        for name in glob.glob(os.path.join(HERE, "*.py")):
            if os.path.basename(name) != "selftest.py":
                with open(name, encoding="utf-8") as stream:
                    self.assertEqual(self.problems(stream.read()), [], name)

    def test_the_test(self):
        for source in ("x = 1.5", "x = a / b", "x = float(y)", "t = time.time()", "r.random()", "x /= 2"):
            self.assertTrue(self.problems(source), source)


if __name__ == "__main__":
    unittest.main()
