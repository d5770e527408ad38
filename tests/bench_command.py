"""tollmill bench: what stands beside a speed is right, whatever passes a book needs, and nothing is written.

The totals are those worked out by hand: of data/synthetic/us-seats-book (bundles, tiers, costs, period charges), of the
examples of the pages for volume tiers and for taxes by the ends of calls, which need a pass before the lines. The speeds
themselves are nobody's to expect: only that they are there, and fit together.
"""
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest
from decimal import Decimal

SOURCE = os.environ["TOLL_SOURCE_DIR"]
sys.path.insert(0, os.path.join(SOURCE, "tests"))
import tax_examples as pages  # noqa: E402  (how an example becomes a book and CDRs)

TOLLMILL = os.environ["TOLLMILL"]
SEATS = os.path.join(SOURCE, "data", "synthetic", "us-seats-book")
RESELLER = os.path.join(SOURCE, "data", "synthetic", "us-reseller-book")

work = None


def run(*arguments, code=0):
    done = subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True, check=False, cwd=work)
    assert done.returncode == code, (arguments, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def bench(book, cdrs, *more):
    return json.loads(run("bench", book, cdrs, "--repeat", "1", "--json", *more).stdout)


def tree(folder):
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(base, name), "rb") as data:
                found[os.path.join(base, name)] = hashlib.sha256(data.read()).hexdigest()
    return found


def example(page, heading):
    for found, parts in pages.examples.read_examples(os.path.join(SOURCE, "docs", page)):
        if found.startswith(heading + " "):
            return parts
    raise KeyError(heading)


def imported(parts, name):
    """The example's book and dataset."""
    folder = os.path.join(work, name)
    os.mkdir(folder)
    book, cdrs, data = pages.write_book(parts, folder), os.path.join(folder, "cdrs.csv"), os.path.join(folder, "ds")
    pages.write_cdrs(parts["cdrs"], cdrs)
    run("import", "--spec", pages.SPEC, "-o", data, cdrs, "--quiet")
    return book, data


def by_hand(*names):
    total = Decimal(0)
    for name in names:
        with open(os.path.join(SEATS, "expected", name), newline="", encoding="utf-8") as stream:
            total += sum(Decimal(row["charge"] or "0") for row in csv.DictReader(stream))
    return total


def setUpModule():
    global work
    work = tempfile.mkdtemp(prefix="tollmill-bench-")
    for carrier in ("switch", "gamma", "old-billing"):
        run("import", "--spec", pages.SPEC, "--carrier", carrier, "-o", "seats", "--quiet",
            os.path.join(SEATS, "cdrs", carrier + "-march.csv"))


def tearDownModule():
    for base, folders, names in os.walk(work, topdown=False):
        for name in names:
            os.remove(os.path.join(base, name))
        for name in folders:
            os.rmdir(os.path.join(base, name))
    os.rmdir(work)


class Results(unittest.TestCase):
    def test_seats_by_hand(self):
        found = bench(os.path.join(SEATS, "book"), "seats", "--threads", "2")
        self.assertEqual(found["schema"], "tollmill.bench/1")
        self.assertEqual(Decimal(found["charge"]["USD"]), by_hand("march.csv", "period-march.csv"))
        self.assertEqual(found["rows"], found["rated"] + found["zero_rated"] + found["suspense_rows"])
        self.assertEqual(found["rows"], 20)

    def test_volume_tiers_count_before(self):
        found = bench(*imported(example("RATING.md", "16.47"), "volume"))
        self.assertEqual(Decimal(found["charge"]["USD"]), Decimal("0.8005"))

    def test_taxes_by_the_ends_of_calls(self):
        found = bench(*imported(example("TAX.md", "8.39"), "ends"), "--threads", "3")
        self.assertEqual(Decimal(found["charge"]["USD"]), Decimal("1.80"))
        self.assertEqual(found["rated"], 3)

    def test_the_totals_are_those_of_rate(self):
        run("import", "--spec", pages.SPEC, "--carrier", "alpha", "-o", "reseller", "--quiet",
            os.path.join(RESELLER, "cdrs", "alpha.csv"))
        book = os.path.join(RESELLER, "book")
        rated = json.loads(run("rate", "--book", book, "--cdrs", "reseller", "-o", "reseller.run", "--json").stdout)
        found = bench(book, "reseller")
        for name in ("rows", "rated", "zero_rated", "suspense_rows", "billed_s", "cdr_hash", "book_hash"):
            self.assertEqual(found[name], rated[name], name)
        self.assertEqual(found["charge"], {rated["currency"]: rated["charge"]})

    def test_one_hash_for_every_instruction_set(self):
        book = os.path.join(SEATS, "book")
        found = bench(book, "seats", "--threads", "1")
        hashes = {found["lines_hash"]}
        for simd in {row["simd"] for row in found["rating"]}:
            hashes.add(bench(book, "seats", "--threads", "2", "--simd", simd)["lines_hash"])
        self.assertEqual(len(hashes), 1, hashes)


class Figures(unittest.TestCase):
    def test_every_step_and_stage(self):
        book = os.path.join(SEATS, "book")
        found = json.loads(run("bench", book, "seats", "--threads", "3", "--repeat", "3", "--json").stdout)
        levels = [row["simd"] for row in found["rating"] if row["threads"] == 1]
        self.assertEqual(levels, ["scalar", "avx2", "avx512"][:len(levels)])
        self.assertEqual([(row["threads"], row["simd"]) for row in found["rating"]],
                         [(threads, simd) for threads in (1, 2, 3) for simd in levels])
        self.assertEqual(found["repeats"], 3)
        for row in found["rating"] + [found["memcpy"]]:
            self.assertTrue(0 < row["least_ns"] <= row["median_ns"] <= row["most_ns"], row)
        for row in found["rating"]:
            self.assertAlmostEqual(row["cdr_per_s"], 20 * 1e9 / row["median_ns"], delta=1)
        stages = [row["stage"] for row in found["stages"] if row["simd"] == "scalar"]
        self.assertIn("payer", stages)
        self.assertEqual(len(found["stages"]), len(stages) * len(levels))

    def test_for_people(self):
        done = run("bench", os.path.join(SEATS, "book"), "seats", "--simd", "scalar", "--threads", "1", "--repeat", "1")
        for word in ("CDR/s", "ns/CDR", "scalar", "payer", "memcpy", "charge", "USD", "lines "):
            self.assertIn(word, done.stdout)
        self.assertEqual(done.stderr, "")
        self.assertEqual([line for line in done.stdout.splitlines() if line != line.rstrip()], [])
        self.assertEqual(run("bench", os.path.join(SEATS, "book"), "seats", "--quiet", "--repeat", "1").stdout, "")

    def test_nothing_is_written(self):
        before = tree(work), tree(os.path.join(SEATS, "book"))
        run("bench", os.path.join(SEATS, "book"), "seats", "--repeat", "1")
        self.assertEqual((tree(work), tree(os.path.join(SEATS, "book"))), before)


class Refused(unittest.TestCase):
    def test_exit_codes(self):
        book = os.path.join(SEATS, "book")
        bad = os.path.join(work, "bad")
        os.makedirs(bad)
        with open(os.path.join(bad, "book.yaml"), "w", encoding="utf-8") as stream:
            stream.write("book: bad\n")
        for code, words in ((2, ()), (2, (book,)), (2, (book, "seats", "more")), (2, (book, "seats", "--simd", "sse")),
                            (2, (book, "seats", "--threads", "0")), (2, (book, "seats", "--repeat", "100")),
                            (2, (book, "seats", "--repeat", "3", "--seconds", "1")), (66, (book, "nowhere")),
                            (66, ("nowhere", "seats")), (78, (bad, "seats"))):
            done = run("bench", *words, code=code)
            self.assertEqual(done.stdout, "", words)
            self.assertTrue(done.stderr.startswith("tollmill bench: error: "), (words, done.stderr))
        found = json.loads(run("bench", book, "nowhere", "--json", code=66).stdout)
        self.assertEqual((found["schema"], found["exit"]), ("tollmill.bench/1", 66))


if __name__ == "__main__":
    unittest.main()
