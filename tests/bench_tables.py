"""bench/run.sh --small from end to end, and what its scripts make of figures: worked out by hand here.

    bench_tables.py BUILD     (a tree that is built; the worlds land in BUILD/bench_small)
"""
import copy
import json
import os
import subprocess
import sys
import unittest
import xml.etree.ElementTree

SOURCE = os.environ.get("TOLL_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH = os.path.join(SOURCE, "bench")
sys.path.insert(0, BENCH)
import chart  # noqa: E402
import table  # noqa: E402

BUILD = os.path.abspath(sys.argv.pop(1))
FOLDER = os.path.join(BUILD, "bench_small")
PAGE = os.path.join(FOLDER, "page.md")


def samples(median, least=None, most=None):
    return {"median": median, "least": least or median, "most": most or median, "count": 5}


def rating(simd, threads, ns, part="month", x=1.0):
    return {"what": "rating", "part": part, "world": "month", "cdrs": 20000000, "numbers": 200000, "simd": simd,
            "threads": threads, "wall_ns": samples(ns), "cpu_ns": samples(ns * threads), "x_scalar": 1.0, "x_one_thread": x,
            "charge": "1234567.50000000", "currency": "USD", "lines": "0123456789abcdef"}


BY_HAND = {
    "small": False, "measured": "2026-03-01", "commit": "abc", "compiler": "cc", "build": "Release",
    "machine": {"processor": "P", "cores": 2, "caches": {"L2": "1M"}, "memory_gib": 8, "kernel": "6"},
    "records": [
        {"what": "memcpy", "part": "machine", "threads": 1, "gb_per_s": samples(10.0)},
        {"what": "touch", "part": "machine", "mb": 16, "touch": "independent", "ns": samples(4.0)},
        rating("avx512", 1, 20.0), rating("avx512", 2, 10.0, x=2.0), rating("scalar", 1, 20.0),
        rating("avx512", 1, 40.0, "many"),
        {"what": "stage", "part": "month", "world": "month", "simd": "avx512", "stage": "price & prefix",
         "ns": samples(12.0)},
        {"what": "files", "part": "files", "cache": "cold", "way": "auto", "threads": 2, "cdrs": 20000000,
         "seconds": samples(0.5), "gb_per_s": 2.0, "of_raw": samples(0.45, 0.4, 0.5), "bytes_per_line": 32.5,
         "charge": "1.00000000", "currency": "USD", "cdr_hash": "fedcba9876543210"},
        {"what": "peer", "part": "peers", "system": "DuckDB", "version": "1", "threads": 2, "work": "columns to lines",
         "cdrs": 1000000, "seconds": samples(2.0), "tollmill_times": {"1": 60.0, "2": 110.0}, "equal": False,
         "charge": "1.00000000", "hash": "abcdef0123"},
    ],
}


class Small(unittest.TestCase):
    """The whole script; each program of it checks its own results."""

    @classmethod
    def setUpClass(cls):
        done = subprocess.run(["sh", os.path.join(BENCH, "run.sh"), "--small", "--build", BUILD, FOLDER],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        with open(os.path.join(FOLDER, "small", "bench.json"), encoding="utf-8") as stream:
            cls.document = json.load(stream)

    def test_every_part_is_there(self):
        parts = {record["part"] for record in self.document["records"]}
        self.assertLessEqual({"machine", "month", "many", "warm", "import", "compile", "tax", "worlds",
                              "kernels"}, parts)
        self.assertTrue(self.document["small"])

    def test_every_speed_has_its_result(self):
        for record in self.document["records"]:
            if record["what"] in ("rating", "tax register", "compile") or record.get("stage") == "whole import":
                self.assertTrue(table.money(record), record)

    def test_every_table_and_the_chart(self):
        figures = table.Figures(self.document)
        for name in ("limits", "month", "stages", "worlds", "files", "imports", "compiles", "tax", "kernels"):
            self.assertIn("|", table.TABLES[name](figures), name)
        xml.etree.ElementTree.parse(os.path.join(FOLDER, "small", "bench.svg"))

    def test_the_page_has_a_place_for_each_table(self):
        with open(os.path.join(SOURCE, "docs", "PERFORMANCE.md"), encoding="utf-8") as stream:
            text = stream.read()
        self.assertEqual(sorted(match.group(2) for match in table.BLOCK.finditer(text)), sorted(table.TABLES))

    def test_options(self):
        for words in (("--smal",), ("--only", "month;rm")):
            done = subprocess.run(["sh", os.path.join(BENCH, "run.sh"), *words], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 2, words)
        done = subprocess.run(["sh", os.path.join(BENCH, "run.sh"), "--help"], capture_output=True, text=True, check=False)
        self.assertIn("bench/run.sh [FOLDER]", done.stdout)


class ByHand(unittest.TestCase):
    def rows(self, name, document=None):
        text = table.TABLES[name](table.Figures(document or BY_HAND))
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]

    def test_goals(self):
        rows = {row[0]: row[1:] for row in self.rows("goals")}
        # 20 ns are 50 M CDR/s, half of 100 M; in 20 ns memcpy copies 200 bytes, and 5 touches of 4 ns are made
        self.assertEqual(rows["rating, one core: warm, AVX-512, 200,000 numbers"],
                         ["100 M CDR/s", "50.0 M CDR/s, 20.0 ns", "0.50 of it", "memcpy of 200 bytes, 5.00 random touches",
                          "1,234,567.50 USD, `01234567`"])
        self.assertEqual(rows["rating, one core: portable C"][2], "**reached**, 1.25x")  # 50 of 40
        self.assertEqual(rows["rating, one core: AVX-512, 5 million numbers"][2], "0.42 of it")  # 25 of 60
        self.assertEqual(rows["rating, two threads"][1:3], ["2.00x, 100 M CDR/s", "**reached**, 1.03x"])
        self.assertEqual(rows["file to file, cold, 2 threads"][1:3],
                         ["0.45 (0.40 to 0.50) of it, 40.0 M CDR/s", "0.50 of it"])
        self.assertEqual(rows["a line"][1:3], ["32.5 bytes", "0.80 of it"])  # 26 / 32.5
        self.assertEqual(rows["import, whole, one core"][1], "not measured")
        self.assertEqual(rows["rating from columns to lines, beside DuckDB"][1],
                         "110x its speed, of 1,000,000 CDRs on 2 threads")
        self.assertIn("**different**", self.rows("peers")[0][-1])  # whose totals are others is not to be compared with

    def test_worlds_beside_the_plain_one(self):
        document = copy.deepcopy(BY_HAND)
        document["records"] += [dict(rating("avx512", 1, ns, "worlds"), world=world)
                                for world, ns in (("plain", 20.0), ("taxes", 25.0))]
        self.assertEqual([row[-3:-1] for row in self.rows("worlds", document)], [["", ""], ["0.80", "+5.0"]])

    def test_stages_add_up(self):
        self.assertEqual(self.rows("stages"), [["price & prefix", "12.00"], ["*all*", "12.00"]])

    def test_chart(self):
        text = chart.chart(BY_HAND)
        root = xml.etree.ElementTree.fromstring(text)
        bars = [float(bar.get("width")) for bar in root.iter("{http://www.w3.org/2000/svg}rect")
                if bar.get("class") in ("one", "two") and bar.get("height") == str(chart.BAR)]
        self.assertEqual(len(bars), 3)
        self.assertAlmostEqual(bars[2], 2 * bars[1], delta=0.2)  # 100 M beside 50 M
        self.assertIn("prefers-color-scheme: dark", text)
        self.assertIn("20,000,000 CDRs, 200,000 numbers", text)
        nothing = copy.deepcopy(BY_HAND)
        nothing["records"] = []
        xml.etree.ElementTree.fromstring(chart.chart(nothing))

    def test_into_a_page(self):
        os.makedirs(FOLDER, exist_ok=True)
        figures = os.path.join(FOLDER, "by_hand.json")
        with open(figures, "w", encoding="utf-8") as stream:
            json.dump(BY_HAND, stream)
        with open(PAGE, "w", encoding="utf-8") as stream:
            stream.write("before\n<!-- bench:stages -->\nold\n<!-- end -->\nafter\n")

        def run(option):
            return subprocess.run([sys.executable, os.path.join(BENCH, "table.py"), figures, option, PAGE], check=False,
                                  capture_output=True, text=True).returncode

        self.assertEqual(run("--check"), 1)
        self.assertEqual(run("--into"), 0)
        self.assertEqual(run("--check"), 0)
        with open(PAGE, encoding="utf-8") as stream:
            text = stream.read()
        self.assertTrue(text.startswith("before\n<!-- bench:stages -->\n\n| Stage") and text.endswith("<!-- end -->\nafter\n"))


if __name__ == "__main__":
    unittest.main()
