"""The command itself: exit codes of each kind, help, options in any order, JSON, masked numbers, a small full run.

Run by ctest with TOLLMILL (the program) and TOLL_SOURCE_DIR (the checkout).
"""
import csv
import hashlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

TOLLMILL = os.environ["TOLLMILL"]
ROOT = os.environ["TOLL_SOURCE_DIR"]
SPEC = os.path.join(ROOT, "data", "providers", "tollmill.yaml")
VERBS = ("import", "compile", "check", "rate", "rerate", "delta", "ledger", "close", "verify", "summary", "report", "compare",
         "explain", "reconcile", "tax", "export", "whatif", "bench", "gen")
LATER = ("invoice",)
COLUMNS = ("day,row,record_id,status,reason,account,site,number,service,class,jurisdiction,start,duration_ms,caller,"
           "callee,destination,deck,prefix,band,billed,included,charge,tax,currency,cost,"
           "cost_status,cost_deck,cost_prefix,bundle,pool").split(",")
ROWS = 20000

work = None  # a folder of the whole script, made by setUpModule


def run(*arguments, cwd=None, **more):
    environment = dict(os.environ, NO_COLOR="1")
    return subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True, cwd=cwd or work, env=environment,
                          timeout=300, **more)


def ok(*arguments, **more):
    done = run(*arguments, **more)
    assert done.returncode == 0, (arguments, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def document(*arguments, code=0):
    done = run(*arguments, "--json")
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    found = json.loads(done.stdout)
    assert found["schema"].endswith("/1") and found["schema"].startswith("tollmill."), found["schema"]
    return found


def tree(folder):
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as data:
                found[os.path.relpath(path, folder)] = hashlib.sha256(data.read()).hexdigest()
    return found


def write(path, text):
    path = os.path.join(work, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as out:
        out.write(text)
    return path


def small_book(name, **tables):
    """A book of one account and one number; a keyword replaces or adds a table."""
    files = {
        "book.yaml": "book: test\ncurrency: USD\ntimezone: America/New_York\n",
        "accounts.csv": "account\nacme\n",
        "numbers.csv": "number,account\n12125550100,acme\n",
        "assignments.csv": "subject,plan\ndefault,p\n",
        "plans.csv": "plan\np\n",
        "plan_rules.csv": "plan,action,deck\np,deck,d\n",
        "decks.csv": "deck\nd\n",
        "decks/d.csv": "prefix,rate\n1201,0.06\n1202,0.02\n",
    }
    files.update({key.replace("__", "/") + ".csv": text for key, text in tables.items()})
    for file, text in files.items():
        write(os.path.join(name, file), text)
    return os.path.join(work, name)


def setUpModule():
    global work
    work = tempfile.mkdtemp(prefix="tollmill-command-")
    shape = ("--cdrs", str(ROWS), "--numbers", "400", "--accounts", "40", "--prefixes", "2000", "--seed", "5")
    ok("gen", "-o", "world", *shape, "--quiet")
    ok("import", "--spec", SPEC, "-o", "cdrs", "world/cdrs.csv", "--quiet")
    ok("rate", "--book", "world/book", "--cdrs", "cdrs", "-o", "run", "--quiet")


def tearDownModule():
    shutil.rmtree(work)


class Words(unittest.TestCase):
    def test_version(self):
        self.assertRegex(ok("--version").stdout, r"^tollmill \d+\.\d+\.\d+\n$")

    def test_help_names_every_verb_and_no_later_one(self):
        text = ok("--help").stdout
        listed = re.findall(r"^  (\w+) +\S", text.split("Verbs:")[1], re.M)
        self.assertEqual(tuple(listed), VERBS)

    def test_help_of_every_verb_begins_with_examples(self):
        for verb in VERBS:
            text = ok(verb, "--help").stdout
            self.assertTrue(text.startswith("Examples:\n  tollmill " + verb), verb)
            for option in ("--json", "--quiet", "--progress", "--help"):
                self.assertIn(option, text, verb)
            self.assertEqual(ok("help", verb).stdout, text)
            self.assertLessEqual(max(map(len, text.splitlines())), 120, verb)

    def test_no_verb(self):
        self.assertEqual(run().returncode, 2)

    def test_unknown_verb_is_suggested(self):
        done = run("exprot")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn('"export"', done.stderr)

    def test_later_verbs_say_so(self):
        for verb in LATER:
            done = run(verb)
            self.assertEqual(done.returncode, 2)
            self.assertIn("not in this version", done.stderr)

    def test_unknown_options_are_suggested(self):
        done = run("rate", "--bok", "x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--book", done.stderr)
        self.assertEqual(run("rate", "-z").returncode, 2)

    def test_wrong_use(self):
        wrong = (
            ("rate", "--book", "b", "--cdrs", "c"),  # no -o
            ("rate", "--book", "b", "--cdrs", "c", "-o"),  # no value
            ("rate", "--book", "b", "--cdrs", "c", "-o", "r", "extra"),
            ("rate", "--book", "b", "--book", "b", "--cdrs", "c", "-o", "r"),
            ("rate", "--book", "b", "--cdrs", "c", "-o", "r", "--from", "2026-02-30"),
            ("rate", "--book", "b", "--cdrs", "c", "-o", "r", "--from", "2026-03-02", "--to", "2026-03-02"),
            ("rate", "--book", "b", "--cdrs", "c", "-o", "r", "--threads", "0"),
            ("rate", "--book", "b", "--cdrs", "c", "-o", "r", "--threads", "two"),
            ("rate", "--book", "b", "--cdrs", "c", "-o", "r", "--io", "tape"),
            ("rate", "--book", "b", "--cdrs", "c", "-o", "r", "--simd", "mmx"),
            ("rate", "--book=", "--cdrs", "c", "-o", "r"),
            ("verify",),
            ("verify", "a", "b"),
            ("verify", "--json=yes", "a"),
            ("import", "--spec", SPEC, "-o", "x"),
            ("compile", "world/book"),
            ("compile", "world/book", "-o", "x", "--check"),
            ("explain", "run", "yesterday"),
            ("explain", "run", "2026-03-01:-1"),
            ("explain", "run"),
            ("reconcile", "run"),
            ("export", "run"),
            ("export", "run", "--format", "xml"),
            ("export", "run", "--format", "csv", "--status", "lost"),
            ("export", "run", "--format", "csv", "--json"),
            ("gen", "-o", "x", "--month", "2026-13"),
        )
        for arguments in wrong:
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn("error: ", done.stderr, arguments)

    def test_options_in_any_order(self):
        texts = {ok(*arguments).stdout for arguments in (
            ("summary", "run", "--top", "3", "--json"),
            ("summary", "--json", "--top=3", "run"),
            ("--json", "summary", "--top", "3", "--", "run"),
        )}
        self.assertEqual(len(texts), 1)


class ExitCodes(unittest.TestCase):
    def expect(self, code, *arguments):
        done = run(*arguments)
        self.assertEqual(done.returncode, code, (arguments, done.stderr))
        self.assertIn("error: ", done.stderr)
        described = run(*arguments, "--json")
        self.assertEqual(described.returncode, code)
        found = json.loads(described.stdout)
        self.assertEqual(found["exit"], code)
        self.assertTrue(found["error"])
        return done.stderr

    def test_missing_input(self):
        self.expect(66, "verify", "nowhere")
        self.expect(66, "summary", "nowhere")
        self.expect(66, "explain", "nowhere", "2026-03-01:0")
        self.expect(66, "import", "--spec", SPEC, "-o", "never", "nowhere.csv")
        self.expect(66, "rate", "--book", "world/book", "--cdrs", "nowhere", "-o", "never")
        self.assertFalse(os.path.exists(os.path.join(work, "never", "dataset.json")))

    def test_output_is_there(self):
        self.expect(73, "rate", "--book", "world/book", "--cdrs", "cdrs", "-o", "run")
        self.expect(73, "gen", "-o", "world")
        self.expect(73, "gen", "-o", "no/such/folder")

    def test_bad_data(self):
        damaged = os.path.join(work, "damaged")
        shutil.copytree(os.path.join(work, "cdrs"), damaged)
        part = max((os.path.join(base, name) for base, _, names in os.walk(damaged) for name in names
                    if name.endswith(".arrow")), key=os.path.getsize)
        os.chmod(part, 0o640)
        with open(part, "r+b") as data:
            data.seek(os.path.getsize(part) // 3)
            byte = data.read(1)[0]
            data.seek(-1, os.SEEK_CUR)
            data.write(bytes([byte ^ 0x10]))
        self.expect(65, "verify", "damaged")

    def test_unknown_header_is_refused(self):
        write("odd.csv", "when,who,what\n1,2,3\n")
        self.expect(65, "import", "--spec", SPEC, "-o", "odd", "odd.csv")

    def test_rejects_over_the_limit(self):
        good = "2026-03-01T12:00:00Z,60,+12125550100,+12015550111\n"
        write("part.csv", "start,duration_s,caller,callee\n" + good + "no time at all,60,+12125550100,+12015550111\n")
        found = document("import", "--spec", SPEC, "-o", "partly", "part.csv", "--max-rejects", "0", code=1)
        self.assertEqual((found["accepted"], found["rejected"]), (1, 1))
        self.assertEqual(run("import", "--spec", SPEC, "-o", "partly2", "part.csv", "--max-rejects", "1").returncode, 0)

    def test_bad_book(self):
        book = small_book("badbook", decks__d="prefix,rate\n1201,free\n")
        done = run("compile", book, "--check")
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stderr, r"decks/d\.csv:2:\d+: error: ")
        self.assertGreaterEqual(document("compile", book, "--check", code=78)["errors"], 1)
        self.assertEqual(run("rate", "--book", book, "--cdrs", "cdrs", "-o", "never2").returncode, 78)

    def test_bad_spec(self):
        write("bad.yaml", "spec: [\n")
        self.expect(78, "import", "--spec", "bad.yaml", "-o", "never3", "world/cdrs.csv")

    def test_stdout_that_fails(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        with open("/dev/full", "w") as full:
            done = subprocess.run([TOLLMILL, "summary", "run"], stdout=full, stderr=subprocess.PIPE, cwd=work)
        self.assertEqual(done.returncode, 74)
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([TOLLMILL, "export", "run", "--format", "csv"], stdout=writer, stderr=subprocess.PIPE,
                              cwd=work)
        os.close(writer)
        self.assertEqual(done.returncode, 74)

    def test_file_that_cannot_be_created(self):
        self.expect(73, "export", "run", "--format", "csv", "-o", "no/such/folder/x.csv")


class Generated(unittest.TestCase):
    def test_same_options_same_bytes(self):
        shape = ("--cdrs", "5000", "--numbers", "300", "--accounts", "30", "--prefixes", "500", "--quiet")
        ok("gen", "-o", "g1", *shape)
        ok("gen", "-o", "g2", *shape)
        ok("gen", "-o", "g3", *shape, "--seed", "2")
        self.assertEqual(tree(os.path.join(work, "g1")), tree(os.path.join(work, "g2")))
        self.assertNotEqual(tree(os.path.join(work, "g1")), tree(os.path.join(work, "g3")))
        # The bytes themselves are pinned: benchmarks are compared across machines and versions.
        with open(os.path.join(work, "g1", "cdrs.csv"), "rb") as data:
            self.assertEqual(hashlib.sha256(data.read()).hexdigest(), PINNED_CDRS)

    def test_split_is_the_same_calls(self):
        ok("gen", "-o", "one", "--cdrs", "3001", "--quiet")
        ok("gen", "-o", "four", "--cdrs", "3001", "--files", "4", "--quiet")
        with open(os.path.join(work, "one", "cdrs.csv")) as data:
            whole = data.read().splitlines()
        parts = []
        for i in range(1, 5):
            with open(os.path.join(work, "four", "cdrs-%04d.csv" % i)) as data:
                lines = data.read().splitlines()
            self.assertEqual(lines[0], whole[0])
            parts += lines[1:]
        self.assertEqual(parts, whole[1:])

    def test_books_are_valid(self):
        for shape in (("--numbers", "3", "--accounts", "10", "--prefixes", "1", "--month", "2024-02"),
                      ("--numbers", "5000", "--accounts", "4", "--seed", "9", "--prefixes", "260000"),
                      ("--numbers", "900", "--accounts", "700", "--seed", "3", "--month", "2025-12")):
            ok("gen", "-o", "shape", "--cdrs", "100", *shape, "--quiet")
            found = document("compile", "shape/book", "--check")
            self.assertEqual((found["errors"], found["warnings"]), (0, 0), shape)
            shutil.rmtree(os.path.join(work, "shape"))

    def test_shape(self):
        with open(os.path.join(work, "world", "cdrs.csv"), newline="") as data:
            rows = list(csv.DictReader(data))
        self.assertEqual(len(rows), ROWS)
        self.assertEqual(len({row["record_id"] for row in rows}), ROWS)
        self.assertEqual([row["start"] for row in rows], sorted(row["start"] for row in rows))
        for want in ("911", "411"):
            self.assertTrue(any(row["callee"] == want for row in rows), want)
        self.assertTrue(any(row["caller"] == "" for row in rows))
        self.assertEqual({row["service"] for row in rows}, {"voice", "sms"})


class FullRun(unittest.TestCase):
    def test_rate_document(self):
        ok("compile", "world/book", "-o", "book.image", "--quiet")
        found = document("rate", "--book", "book.image", "--cdrs", "cdrs", "-o", "run2")
        for key in ("rows", "rated", "zero_rated", "billed_s", "cdr_per_s"):
            self.assertIs(type(found[key]), int, key)
        self.assertEqual(found["rows"], ROWS)
        self.assertEqual(found["rated"] + found["zero_rated"] + sum(found["suspense"].values()), ROWS)
        self.assertRegex(found["charge"], r"^\d+\.\d{8}$")
        self.assertIsNone(found["tax"])
        self.assertEqual(found["run"], "run2")
        self.assertRegex(found["cdr_hash"], r"^[0-9a-f]{32}$")
        self.assertRegex(found["book_hash"], r"^[0-9a-f]{32}$")
        self.assertGreaterEqual(found["wall_s"], 0)
        for reason in ("no_account", "no_prefix", "blocked"):
            self.assertGreater(found["suspense"].get(reason, 0), 0, reason)
        ok("verify", "run2")
        ok("verify", "cdrs")
        ok("verify", "book.image")
        summary = document("summary", "run2")
        self.assertEqual(summary["charge"], found["charge"])
        self.assertEqual(sum(kind["rows"] for kind in summary["classes"]), ROWS)
        self.assertEqual(sum(kind["billed_s"] for kind in summary["classes"]), summary["billed_s"])

    def test_days(self):
        whole = document("summary", "run")
        day = document("rate", "--book", "world/book", "--cdrs", "cdrs", "-o", "run-day", "--from", "2026-03-02",
                       "--to", "2026-03-03")
        self.assertTrue(0 < day["rows"] < whole["rows"])
        lines = list(csv.DictReader(io.StringIO(ok("export", "run-day", "--format", "csv").stdout)))
        self.assertEqual({line["day"] for line in lines}, {"2026-03-02"})

    def test_export(self):
        text = ok("export", "run", "--format", "csv").stdout
        reader = csv.DictReader(io.StringIO(text))
        lines = list(reader)
        self.assertEqual(reader.fieldnames, COLUMNS)
        self.assertEqual(len(lines), ROWS)
        total = 0
        for line in lines:
            self.assertIn(line["status"], ("rated", "zero_rated", "suspense", "conflict", "other_party"))
            if line["status"] in ("suspense", "conflict"):
                self.assertEqual(line["charge"], "")
                self.assertNotEqual(line["reason"], "")
            else:
                self.assertRegex(line["charge"], r"^-?\d+\.\d{8}$")
                total += int(line["charge"].replace(".", ""))
            self.assertEqual((line["tax"], line["cost"]), ("", ""))
        charge = document("summary", "run")["charge"]
        self.assertEqual(total, int(charge.replace(".", "")))

        objects = [json.loads(line) for line in ok("export", "run", "--format", "jsonl").stdout.splitlines()]
        self.assertEqual(list(objects[0]), COLUMNS)
        for line, found in zip(lines, objects):
            shown = {key: "" if value is None else str(value) for key, value in found.items()}
            self.assertEqual(line, shown)

        path = os.path.join(work, "lines.csv")
        found = document("export", "run", "--format", "csv", "-o", path, "--status", "suspense,conflict")
        with open(path, newline="") as data:
            some = list(csv.DictReader(data))
        self.assertEqual(found["lines"], len(some))
        self.assertEqual(some, [line for line in lines if line["status"] in ("suspense", "conflict")])
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)
        self.assertFalse(os.path.exists(path + ".tollmill.tmp"))

    def test_modes(self):
        for folder in ("run", "cdrs", "world"):
            for base, folders, names in os.walk(os.path.join(work, folder)):
                for name in folders + names:
                    mode = os.stat(os.path.join(base, name)).st_mode
                    self.assertEqual(mode & 0o027, 0, os.path.join(base, name))

    def test_explain(self):
        lines = list(csv.DictReader(io.StringIO(ok("export", "run", "--format", "csv").stdout)))
        seen = set()
        for line in lines:
            key = (line["status"], line["reason"])
            if key in seen:
                continue
            seen.add(key)
            where = line["day"] + ":" + line["row"]
            found = document("explain", "run", where)
            self.assertTrue(any(entry["kind"] == "result" for entry in found["entries"]), where)
            masked = ok("explain", "run", where).stdout
            for number in (line["caller"], line["callee"]):
                if len(number) > 7:
                    self.assertNotIn(number.lstrip("+"), masked)
                    self.assertIn(number.lstrip("+"), ok("explain", "run", where, "--unmask").stdout)
        self.assertGreater(len(seen), 4)
        self.assertEqual(run("explain", "run", "2026-03-01:99999999").returncode, 2)
        self.assertEqual(run("explain", "run", "2020-01-01:0").returncode, 2)

    def test_dataset_that_moved(self):
        shutil.copytree(os.path.join(work, "cdrs"), os.path.join(work, "first"))
        ok("rate", "--book", "world/book", "--cdrs", "first", "-o", "run-moved", "--quiet")
        os.rename(os.path.join(work, "first"), os.path.join(work, "second"))
        done = run("export", "run-moved", "--format", "csv")
        self.assertEqual(done.returncode, 66)
        self.assertIn("--cdrs", done.stderr)
        ok("export", "run-moved", "--format", "csv", "--cdrs", "second")
        ok("summary", "run-moved")
        ok("verify", "run-moved")

    def test_numbers_are_masked(self):
        """No number of the input in any talk or report: import with rejects, a bad book, an explanation, a summary."""
        with open(os.path.join(work, "world", "cdrs.csv"), newline="") as data:
            rows = list(csv.DictReader(data))[:2000]
        numbers = {row[key].lstrip("+") for row in rows for key in ("caller", "callee") if len(row[key]) > 7}
        header = "record_id,start,duration_s,caller,callee\n"
        body = "".join("%s,%s,%s,%s,%s\n" % (row["record_id"], row["start"] if i % 3 else "never",
                                             row["duration_s"] if i % 5 else "long", row["caller"], row["callee"])
                       for i, row in enumerate(rows))
        broken = write("broken.csv", header + body)
        small = next(number for number in sorted(numbers))
        bad = small_book("numbers-book", numbers="number,account\n%s,acme\n%s,acme\n%sX,acme\n%s,nobody\n" %
                         (small, small, small, small[:-1] + "1"))
        talk = ""
        for arguments in (("import", "--spec", SPEC, "-o", "broken", broken), ("compile", bad, "--check"),
                          ("explain", "run", "2026-03-02:5"), ("summary", "run")):
            done = run(*arguments, "--progress", "plain")
            talk += done.stderr + done.stdout
        talk += ok("--json", "summary", "run").stdout
        for number in numbers | {small[:-1] + "1"}:
            self.assertNotIn(number, talk)

    def test_suspense_masks_short_numbers(self):
        """Of a number of eight digits or fewer only the first is shown."""
        write("short.csv", "record_id,start,duration_s,caller,callee\n"
                           "a,2026-03-02T12:00:00Z,60,+2125501,+12015550111\n"
                           "b,2026-03-02T12:00:00Z,60,+31550199,+12015550111\n"
                           "c,2026-03-02T12:00:00Z,60,+315501999,+12015550111\n")
        ok("import", "--spec", SPEC, "-o", "short-cdrs", "short.csv", "--quiet")
        ok("rate", "--book", small_book("short-book"), "--cdrs", "short-cdrs", "-o", "short-run", "--quiet")
        with open(os.path.join(work, "short-run", "suspense.csv")) as data:
            shown = [line.split(",")[2] for line in data.read().splitlines()[1:]]
        self.assertEqual(shown, ["2xxxxxx", "3155xxx99", "3xxxxxxx"])

    def test_quiet_is_quiet(self):
        for arguments in (("verify", "run"), ("compile", "world/book", "--check"),
                          ("import", "--spec", SPEC, "-o", "cdrs", "world/cdrs.csv")):
            done = ok(*arguments, "--quiet")
            self.assertEqual((done.stdout, done.stderr), ("", ""), arguments)

    def test_imported_again_changes_nothing(self):
        before = document("verify", "cdrs")["hash"]
        found = document("import", "--spec", SPEC, "-o", "cdrs", "world/cdrs.csv")
        self.assertTrue(found["files"][0]["already_imported"])
        self.assertEqual(found["cdr_hash"], before)

    def test_dry_run_writes_nothing(self):
        found = document("import", "--spec", SPEC, "-o", "never4", "world/cdrs.csv", "--dry-run")
        self.assertEqual(found["accepted"], ROWS)
        self.assertFalse(os.path.exists(os.path.join(work, "never4")))


class Reconciled(unittest.TestCase):
    HEADER = "record_id,start,duration_s,caller,callee,answered,provider_charge\n"

    def rated(self, name, rows):
        write(name + ".csv", self.HEADER + rows)
        ok("import", "--spec", SPEC, "-o", name + "-cdrs", name + ".csv", "--quiet")
        ok("rate", "--book", small_book(name + "-book"), "--cdrs", name + "-cdrs", "-o", name, "--quiet")

    def test_all_equal(self):
        self.rated("equal", "a,2026-03-02T12:00:00Z,60,+12125550100,+12015550111,yes,0.06\n"
                            "b,2026-03-02T12:01:00Z,30,+12125550100,+12025550111,yes,0.01\n"
                            "c,2026-03-02T12:02:00Z,0,+12125550100,+12025550111,no,0\n"
                            "d,2026-03-02T12:03:00Z,60,+12125550100,+12015550111,yes,\n")
        found = document("reconcile", "equal", "--provider-charge")
        self.assertEqual((found["rows"], found["equal"], found["different"]), (4, 3, 0))
        self.assertEqual((found["no_provider_charge"], found["suspense"]), (1, 0))
        self.assertEqual((found["charge"], found["difference"]), ("0.07000000", "0.00000000"))

    def test_differences(self):
        self.rated("differ", "a,2026-03-02T12:00:00Z,60,+12125550100,+12015550111,yes,0.06\n"
                             "b,2026-03-02T12:01:00Z,60,+12125550100,+12015550112,yes,0.05\n"
                             "c,2026-03-02T12:02:00Z,60,+12125550100,+13015550112,yes,0.01\n")
        path = os.path.join(work, "differences.csv")
        found = document("reconcile", "differ", "--provider-charge", "-o", path, code=1)
        self.assertEqual((found["equal"], found["different"], found["suspense"]), (1, 1, 1))
        self.assertEqual((found["charge"], found["provider_charge"]), ("0.12000000", "0.11000000"))
        self.assertEqual((found["difference"], found["variance_percent"]), ("0.01000000", "9.09"))
        self.assertTrue(found["totals"][0]["over_one_percent"])
        self.assertEqual(found["suspense_provider_charge"], "0.01000000")
        self.assertEqual((found["differences"][0]["day"], found["differences"][0]["row"]), ("2026-03-02", 1))
        human = run("reconcile", "differ", "--provider-charge")
        self.assertEqual(human.returncode, 1)
        self.assertNotIn("2125550100", human.stdout + human.stderr + json.dumps(found))
        with open(path, newline="") as data:
            lines = list(csv.DictReader(data))
        self.assertEqual([line["finding"] for line in lines], ["different", "suspense"])
        self.assertEqual((lines[0]["callee"], lines[0]["difference"]), ("+12015550112", "0.01000000"))
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o640)

    def test_nothing_to_compare(self):
        done = run("reconcile", "run", "--provider-charge")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nothing could be compared", done.stderr)


PINNED_CDRS = "99a9bf068a805ec92e833f01966c50daabbe0608ac0ae31c51de9d64e5e50ea3"

if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])
