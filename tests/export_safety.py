"""What `export` writes cannot hurt: a text that begins like a formula is neutral unless --csv-safe=raw, numbers and money
are never changed, and no output replaces anything of a dataset or a run, or goes through what stands in its way.
"""
import csv
import io
import os
import subprocess
import tempfile
import unittest

TOLLMILL = os.environ["TOLLMILL"]
SPEC = os.path.join(os.environ["TOLL_SOURCE_DIR"], "data", "providers", "tollmill.yaml")
RISKY = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx", "\rx", '="a","b"']
HARMLESS = ["plain", "a=b", "1=1", "'=1", " =1", "5551234"]


def run(*arguments):
    return subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True, cwd=work, timeout=60)


def ok(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout


def write(name, rows):
    path = os.path.join(work, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)


def read(name):
    with open(os.path.join(work, name), "rb") as data:
        return data.read()


def lines(*options):
    text = subprocess.run([TOLLMILL, "export", "run", "--format", "csv", *options], capture_output=True, cwd=work,
                          timeout=60, check=True).stdout.decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def setUpModule():
    global work, folder
    folder = tempfile.TemporaryDirectory(prefix="tollmill-export-")
    work = folder.name
    with_formulas = [text for text in RISKY if "\t" not in text and "\r" not in text]
    write("book/accounts.csv", [["account"]] + [[text] for text in with_formulas])
    write("book/sites.csv", [["site", "account"]] + [[text + "!site", text] for text in with_formulas])
    write("book/numbers.csv", [["number", "account", "site"]] +
          [[f"1212555010{i}", text, text + "!site"] for i, text in enumerate(with_formulas)])
    write("book/assignments.csv", [["subject", "plan"], ["default", "p"]])
    write("book/plans.csv", [["plan"], ["p"]])
    write("book/plan_rules.csv", [["plan", "action", "deck"], ["p", "deck", "-d"]])
    write("book/decks/-d.csv", [["prefix", "destination", "rate"], ["1202", "=HYPERLINK(\"x\")", "0.06"],
                                ["1203", "+New York", "0.02"]])
    with open(os.path.join(work, "book", "book.yaml"), "w") as out:
        out.write("book: test\ncurrency: USD\ntimezone: UTC\n")
    rows = [["record_id", "start", "duration_s", "caller", "callee"]]
    for i, text in enumerate(RISKY + HARMLESS):
        rows.append([text, f"2026-03-01T10:00:{i:02}Z", "60", f"+1212555010{i % 5}", f"+120{2 + i % 2}5550111"])
    rows.append(["c1", "2026-03-01T11:00:00Z", "60", "=1+2", "+12025550111"])
    rows.append(["c2", "2026-03-01T11:00:01Z", "60", "+12125550100", "@home"])
    write("cdrs.csv", rows)
    ok("import", "--spec", SPEC, "-o", "cdrs", "cdrs.csv", "--quiet")
    ok("rate", "--book", "book", "--cdrs", "cdrs", "-o", "run", "--quiet")


def tearDownModule():
    folder.cleanup()


class Formulas(unittest.TestCase):
    def test_default_is_neutral_and_raw_is_not(self):
        safe, raw = lines(), lines("--csv-safe", "raw")
        self.assertEqual(safe, lines("--csv-safe=excel"))
        self.assertEqual([line["record_id"] for line in raw][:len(RISKY + HARMLESS)], RISKY + HARMLESS)
        changed = set()
        for neutral, plain in zip(safe, raw, strict=True):
            for column, text in plain.items():
                party = column in ("caller", "callee", "number") and text.lstrip("+").isdigit()
                money = column in ("charge", "row", "billed", "included", "duration_ms")
                risky = text[:1] in tuple("=+-@\t\r") and text != "" and not party and not money
                self.assertEqual(neutral[column], "'" + text if risky else text, column)
                changed.update([column] if risky else [])
        self.assertEqual(changed, {"record_id", "account", "site", "destination", "deck", "caller", "callee"})
        self.assertIn("+12125550100", {line["caller"] for line in safe})

    def test_jsonl_is_as_it_is(self):
        self.assertIn('"record_id":"=1+1"', ok("export", "run", "--format", "jsonl"))

    def test_help_tells(self):
        self.assertIn("--csv-safe excel|raw", ok("export", "--help"))


class Places(unittest.TestCase):
    def test_nothing_of_ours_is_replaced(self):
        before = {name: read(name) for name in ("run/run.json", "cdrs/dataset.json", "run/accounts.arrow")}
        os.symlink("run", os.path.join(work, "link"))
        for place in ("run/run.json", "run/accounts.arrow", "run/new.csv", "run/lines/new.csv", "cdrs/dataset.json",
                      "cdrs/parts/new.csv", "book/../run/new.csv", "link/new.csv", os.path.join(work, "run", "new.csv")):
            done = run("export", "run", "--format", "csv", "-o", place)
            self.assertEqual(done.returncode, 73, place)
            self.assertRegex(done.stderr, r"^tollmill export: error: .*within a dataset or a run.*\n$")
            self.assertEqual(run("compile", "book", "-o", place).returncode, 73, place)
        self.assertEqual(before, {name: read(name) for name in before})
        ok("verify", "run")
        ok("verify", "cdrs")

    def test_other_manifests_are_nobodys_business(self):
        os.mkdir(os.path.join(work, "other"))
        with open(os.path.join(work, "other", "dataset.json"), "w") as out:
            out.write('{"schema": "somebody else"}\n')
        ok("export", "run", "--format", "csv", "-o", "other/lines.csv", "--quiet")

    def test_what_stands_in_the_way(self):
        victim = os.path.join(work, "victim")
        with open(victim, "w") as out:
            out.write("kept\n")
        temporary = os.path.join(work, "x.csv.tollmill.tmp")
        for make in (lambda: os.symlink(victim, temporary), lambda: os.link(victim, temporary),
                     lambda: os.mkfifo(temporary), lambda: os.mkdir(temporary)):
            make()
            done = run("export", "run", "--format", "csv", "-o", "x.csv")
            self.assertEqual((done.returncode, done.stderr.count("\n")), (73, 1), done.stderr)
            self.assertEqual(read("victim"), b"kept\n")
            (os.rmdir if os.path.isdir(temporary) and not os.path.islink(temporary) else os.unlink)(temporary)
        # A link under the final name is replaced, not followed.
        os.symlink(victim, os.path.join(work, "y.csv"))
        ok("export", "run", "--format", "csv", "-o", "y.csv", "--quiet")
        self.assertEqual(read("victim"), b"kept\n")
        self.assertFalse(os.path.islink(os.path.join(work, "y.csv")))


if __name__ == "__main__":
    unittest.main()
