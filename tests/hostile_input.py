"""Large and hostile files through the command: it ends by itself, within bounds, with a documented exit code and a line
that a person can read, and leaves nothing behind when it refuses.

HOSTILE_MIB (default 8) is the size of the large ones, which are sparse where they can be; 2048 is the long run. Run by
ctest with TOLLMILL (the program) and TOLL_SOURCE_DIR (the checkout).
"""
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

TOLLMILL = os.environ["TOLLMILL"]
ROOT = os.environ["TOLL_SOURCE_DIR"]
MIB = int(os.environ.get("HOSTILE_MIB", "8"))
SPEC = os.path.join(ROOT, "data", "providers", "tollmill.yaml")
with open(SPEC, "rb") as spec_file:
    SPEC_TEXT = spec_file.read()
HEADER = b"start,duration_s,caller,callee\n"
ROW = b"2026-03-02T12:00:00Z,60,+12125550100,+12015550111\n"
ADDRESS_SPACE = 4 << 30
SECONDS = 20 + MIB // 8
BESIDES_FILE_MIB = 300  # memory besides the pages of the mapped input
REFUSED = (65, 78)

work = None
limited = True  # sanitizers reserve more address space than any limit: then only time is bounded
peak = {}  # name of the case: MiB


def setUpModule():
    global work, limited
    work = tempfile.mkdtemp(prefix="tollmill-hostile-")
    limited = subprocess.run([TOLLMILL, "--version"], preexec_fn=limit, capture_output=True).returncode == 0
    world()


def tearDownModule():
    shutil.rmtree(work)
    if os.environ.get("HOSTILE_MIB"):
        for name, mib in sorted(peak.items(), key=lambda item: -item[1])[:12]:
            print(f"peak memory {mib:6d} MiB  {name}", file=sys.stderr)


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def place(name):
    return os.path.join(work, name)


def put(name, data, size=None):
    """Writes a file, sparse behind `data` up to `size`."""
    path = place(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(data)
        if size is not None:
            out.truncate(size)
    return path


def run(name, arguments, files=0):
    """Exit code and stderr. files: MiB of inputs that the command may map."""
    out, err = place("stdout"), place("stderr")
    with open(out, "wb") as stdout, open(err, "wb") as stderr:
        child = subprocess.Popen([TOLLMILL, *arguments, "--quiet"], stdout=stdout, stderr=stderr,
                                 preexec_fn=limit if limited else None, env=dict(os.environ, NO_COLOR="1"))
        late = threading.Timer(SECONDS, child.kill)
        late.start()
        _, status, usage = os.wait4(child.pid, 0)
        late.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
    mib = usage.ru_maxrss // 1024
    peak[name] = max(mib, peak.get(name, 0))
    with open(err, encoding="utf-8", errors="replace", newline="\n") as text:
        told = text.read()
    assert child.returncode != -signal.SIGKILL, f"{name}: did not end within {SECONDS} s"
    assert child.returncode >= 0, f"{name}: ended by signal {-child.returncode}: {told[-800:]}"
    assert not limited or mib < files + BESIDES_FILE_MIB, f"{name}: {mib} MiB"
    return child.returncode, told


def check_told(name, code, told):
    assert told, f"{name}: exit {code} without a word"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", told), f"{name}: {told[:300]!r}"
    lines = told.splitlines()
    assert all(len(line) < 2200 for line in lines), f"{name}: {told[:300]!r}"
    assert not re.search(r"12125550100|2015550111", told), f"{name}: a number is not masked: {told[:300]!r}"


def gone(path):
    return not os.path.lexists(path) and not os.path.lexists(path + ".tollmill.tmp")


# ---- a small sound world ----

BOOK = {
    "book.yaml": b"book: test\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": b"account\nacme\n", "sites.csv": b"site,account\ns,acme\n",
    "numbers.csv": b"number,account\n12125550100,acme\n", "trunks.csv": b"trunk,account\nt,acme\n",
    "carriers.csv": b"carrier\nc\n", "assignments.csv": b"subject,plan\ndefault,p\n", "plans.csv": b"plan\np\n",
    "plan_rules.csv": b"plan,action,deck\np,deck,d\n", "destinations.csv": b"prefix,destination\n1,US\n",
    "decks.csv": b"deck,calendar\nd,cal\n", "deck_versions.csv": b"deck,file\nd,d\n",
    "calendars.csv": b"calendar,band,days,from,to\ncal,night,,20:00,06:00\n",
    "holidays.csv": b"calendar,date,band\ncal,2026-12-25,night\n", "decks/d.csv": b"prefix,rate\n1,0.06\n",
}


def book(name, changed=None, data=b"", size=None):
    for file, text in BOOK.items():
        put(f"{name}/{file}", text)
    if changed is not None:
        put(f"{name}/{changed}", data, size)
    return place(name)


def world():
    for arguments in (["import", "--spec", SPEC, "-o", place("cdrs"), put("good.csv", HEADER + ROW)],
                      ["compile", book("good"), "-o", place("good.image")],
                      ["rate", "--book", place("good.image"), "--cdrs", place("cdrs"), "-o", place("run")]):
        done = subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, (arguments, done.returncode, done.stderr)


# ---- what is thrown at it ----

LARGE = MIB << 20
MANY = 1000000 if MIB > 100 else 100000
SMALL = {
    "nothing": b"", "one byte": b"x", "one NUL": b"\0", "one quote": b'"', "byte order mark": b"\xef\xbb\xbf",
    "NUL bytes": b"\0" * 100000, "quotes": b'"' * 1000001, "line ends": b"\n" * 1000000, "CR only": b"\r" * 100000,
    "commas": b"," * 1000000, "many columns": b",".join(b"c%d" % i for i in range(MANY)) + b"\n",
    "UTF-16": b"\xff\xfe" + "start,duration_s,caller,callee\n".encode("utf-16-le"),
    "Latin-1": b"\xe9\xe8\xff,\xfe\n" * 1000, "escapes": b"\x1b[2J\x9b31m,\x07\x7f\xc2\x9b\n" * 50,
    "Arrow": b"ARROW1\0\0" + b"\xff" * 5000 + b"ARROW1", "zip": b"PK\3\4" + bytes(range(256)) * 20,
}
# Sparse: what follows is NUL bytes.
HUGE = {"huge header": b"start", "huge quoted field": HEADER + ROW + b'"', "huge line": HEADER + ROW + b"2026",
        "huge after header": HEADER}


class Delivered(unittest.TestCase):
    """Files to import."""

    def refused(self, name, path, codes=(65,), spec=SPEC, files=0):
        output = place("never")
        shutil.rmtree(output, ignore_errors=True)
        code, told = run(name, ["import", "--spec", spec, "-o", output, path], files)
        self.assertIn(code, codes, f"{name}: {told[:500]}")
        if code != 0:
            check_told(name, code, told)
        # An empty dataset may be left by an import that could not begin, a manifest never.
        self.assertEqual(code == 0, os.path.exists(os.path.join(output, "dataset.json")), name)
        self.assertEqual([n for _, _, names in os.walk(output) for n in names if n.endswith(".arrow")], [], name)
        shutil.rmtree(output, ignore_errors=True)

    def test_small(self):
        for name, data in SMALL.items():
            with self.subTest(name):
                self.refused("import " + name, put("in.csv", data))
                if data:
                    blank = not data.strip()  # a header and no row: an empty file is sound
                    self.refused("import rows of " + name, put("in.csv", HEADER + data), (0, 65) if blank else (65,))

    def test_huge(self):
        for name, data in HUGE.items():
            with self.subTest(name):
                path = put("huge.csv", data, LARGE)
                output = place("huge.cdrs")
                code, told = run("import " + name, ["import", "--spec", SPEC, "-o", output, path], MIB)
                self.assertIn(code, (1, 65), f"{name}: {told[:500]}")
                check_told(name, code, told)
                self.assertEqual(code == 1, os.path.exists(os.path.join(output, "dataset.json")), name)
                shutil.rmtree(output, ignore_errors=True)
                os.unlink(path)

    def test_huge_multiline(self):
        """A quote that never closes, where quotes may span lines."""
        spec = put("multi.yaml", SPEC_TEXT.replace(b"file:\n", b"file:\n  multiline: yes\n"))
        rows = LARGE // 8 // len(ROW)
        path = put("huge.csv", HEADER + b'"' + ROW * rows)
        output = place("huge.cdrs")
        code, told = run("import open quote", ["import", "--spec", spec, "-o", output, path], MIB)
        self.assertEqual(code, 1, told[:500])
        check_told("open quote", code, told)
        shutil.rmtree(output)
        os.unlink(path)


class Specs(unittest.TestCase):
    """Mapping specs, and YAML at large."""

    YAML = {
        "nested lists": b"[" * 100000, "nested maps": b"{a: " * 100000, "nested block": b"".join(
            b" " * i + b"a:\n" for i in range(3000)), "billion laughs": b"a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
        "long key": b"a" * 3000000 + b": b\n", "long scalar": b"spec: " + b"a" * 3000000 + b"\n",
        "keys": b"".join(b"k%d: v\n" % i for i in range(30000)), "doubled keys": b"a: 1\n" * 3000,
        "tabs": b"\t" * 100000, "dashes": b"- " * 50000, "documents": b"--- a\n" * 1000,
    }

    def test_specs(self):
        cases = dict(SMALL, **self.YAML)
        for name, data in cases.items():
            with self.subTest(name):
                output = place("never")
                shutil.rmtree(output, ignore_errors=True)
                code, told = run("spec of " + name, ["import", "--spec", put("s.yaml", data), "-o", output,
                                                     place("good.csv")])
                self.assertEqual(code, 78, f"{name}: {told[:500]}")
                check_told(name, code, told)
                self.assertFalse(os.path.exists(os.path.join(output, "dataset.json")), name)

    def test_large(self):
        data = b"- a\n" * (min(MIB, 100) * (1 << 18) // 4)
        code, told = run("large spec", ["import", "--spec", put("s.yaml", data), "-o", place("never"),
                                        place("good.csv")], 40 * min(MIB, 100))
        self.assertEqual(code, 78, told[:500])
        check_told("large spec", code, told)

    def test_book_yaml(self):
        for name, data in dict(SMALL, **self.YAML).items():
            with self.subTest(name):
                code, told = run("book.yaml of " + name, ["compile", book("b", "book.yaml", data), "-o",
                                                          place("never.image")])
                self.assertEqual(code, 78, f"{name}: {told[:500]}")
                check_told(name, code, told)
                self.assertTrue(gone(place("never.image")))


class Tables(unittest.TestCase):
    """Every table of a book."""

    def test_small(self):
        tables = [name for name in BOOK if name.endswith(".csv")]
        for i, (name, data) in enumerate(SMALL.items()):
            # Each table meets each header case once; rows take turns.
            for k, table in enumerate(tables):
                header = BOOK[table].split(b"\n")[0] + b"\n"
                cases = [("header of ", data)] if (i + k) % 5 == 0 else []
                if (i + k) % 5 == 2:
                    cases.append(("rows of ", header + data))
                for what, text in cases:
                    with self.subTest(table=table, name=what + name):
                        self.compile(f"{table}: {what}{name}", table, text)

    def compile(self, name, table, data, size=None, files=0):
        code, told = run(name, ["compile", book("b", table, data, size), "-o", place("never.image")], files)
        self.assertIn(code, (0, 78), f"{name}: {told[:500]}")
        if code != 0:
            check_told(name, code, told)
            self.assertTrue(gone(place("never.image")), name)
        else:
            os.unlink(place("never.image"))
        return code

    def test_huge(self):
        for table in ("decks/d.csv", "numbers.csv"):
            header = BOOK[table].split(b"\n")[0] + b"\n"
            for name, data in (("header", b"prefix"), ("field", header + b'"'), ("rows", header)):
                with self.subTest(table=table, name=name):
                    self.assertEqual(self.compile(f"{table}: huge {name}", table, data, LARGE, MIB), 78)
            shutil.rmtree(place("b"))

    def test_names(self):
        """Names that would lead elsewhere: nothing outside the book's folder is read."""
        outside = put("secret.csv", b"prefix,rate\n1,0.5\n")
        for name in ("../secret", "/etc/passwd", outside[:-4], "../../etc/passwd", "d/../../secret"):
            with self.subTest(name):
                self.assertEqual(self.compile("deck_versions " + name, "deck_versions.csv",
                                              b"deck,file\nd," + name.encode() + b"\n"), 78)
                self.assertEqual(self.compile("zone " + name, "book.yaml", b"book: x\ncurrency: USD\ntimezone: " +
                                              name.encode() + b"\n"), 78)


class Sealed(unittest.TestCase):
    """Files of our own, cut and changed."""

    def refused(self, name, arguments, output=None):
        code, told = run(name, arguments)
        self.assertEqual(code, 65, f"{name}: {told[:500]}")
        check_told(name, code, told)
        if output is not None:
            self.assertTrue(gone(output), name)

    def damaged(self, path):
        """The file cut at some places, with bytes changed, and as something else; restored at the end."""
        with open(path, "rb") as file:
            sound = file.read()
        size = len(sound)
        cuts = sorted({0, 7, size // 2 // 4096 * 4096, size - 1})
        bad = [(f"cut at {at}", sound[:at]) for at in cuts]
        bad += [(f"changed at {at}", sound[:at] + bytes([sound[at] ^ 0x40]) + sound[at + 1:])
                for at in (size // 5, size * 3 // 4, size - 2)]
        bad += [("doubled", sound + sound), ("all ones", b"\xff" * min(size, 65536)), ("NULs", b"\0" * size)]
        os.chmod(path, 0o640)
        try:
            for name, data in bad:
                with open(path, "wb") as file:
                    file.write(data)
                yield f"{os.path.basename(path)} {name}"
        finally:
            with open(path, "wb") as file:
                file.write(sound)

    def test_dataset(self):
        parts = place("cdrs/parts")
        names = sorted(os.listdir(parts))
        self.assertEqual(len(names), 2)
        rate = ["rate", "--book", place("good.image"), "--cdrs", place("cdrs"), "-o", place("never")]
        for name in self.damaged(os.path.join(parts, names[0])):
            self.refused("verify with " + name, ["verify", place("cdrs")])
            if " changed" not in name:  # rating reads some columns only
                self.refused("rate with " + name, rate, place("never"))
        for name in self.damaged(os.path.join(parts, names[1])):
            self.refused("verify with " + name, ["verify", place("cdrs")])
        for name in self.damaged(place("cdrs/dataset.json")):
            self.refused("rate with " + name, rate, place("never"))

    def test_image(self):
        rate = ["rate", "--book", place("good.image"), "--cdrs", place("cdrs"), "-o", place("never")]
        for name in self.damaged(place("good.image")):
            self.refused("rate with " + name, rate, place("never"))

    def test_run(self):
        for base, _, names in os.walk(place("run")):
            for file in names:
                if file == "stats.json":  # outside every promise
                    continue
                for name in self.damaged(os.path.join(base, file)):
                    self.refused("verify with " + name, ["verify", place("run")])


if __name__ == "__main__":
    unittest.main(verbosity=1)
