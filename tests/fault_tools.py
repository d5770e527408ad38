"""What the tests share that break things from outside: a small world, jobs to disturb, and strace as the disturber.

Traps of strace 6.1 that this module keeps its users out of: `-e trace=none` switches injection off; `when=N` counts for
each thread and each system call by itself; a return value that is injected means that the call was not made at all.
"""
import collections
import contextlib
import hashlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.environ["TOLL_SOURCE_DIR"]
TOLLMILL = os.environ["TOLLMILL"]
SPEC = os.path.join(ROOT, "data", "providers", "tollmill.yaml")
TIMEOUT_S = 120  # a run takes a few milliseconds: whatever takes this long hangs
# What changes a file system; every one of these calls is a place where a kill may hurt.
CHANGING = ("write", "pwrite64", "pwritev", "fsync", "fdatasync", "rename", "renameat", "renameat2", "mkdir", "mkdirat",
            "unlink", "unlinkat", "ftruncate", "fallocate", "flock", "close", "io_uring_enter")
# The leak checker cannot work under ptrace.
TRACED = dict(os.environ, ASAN_OPTIONS="detect_leaks=0", NO_COLOR="1")


def skip(why):
    print("skipped:", why)
    sys.exit(77)


@contextlib.contextmanager
def work_folder():
    """A temporary folder to work in; in memory unless TMPDIR says otherwise, as a kill forgets no page either way."""
    memory = None if "TMPDIR" in os.environ or not os.access("/dev/shm", os.W_OK) else "/dev/shm"
    with tempfile.TemporaryDirectory(prefix="tollmill-", dir=memory) as work:
        os.chdir(work)
        try:
            yield work
        finally:
            os.chdir("/")


def run(*arguments, **more):
    more.setdefault("timeout", TIMEOUT_S)
    return subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True, **more)


def ok(*arguments, **more):
    done = run(*arguments, **more)
    assert done.returncode == 0, (arguments, done.returncode, done.stderr)
    return done.stdout


def ok_or_moved(*arguments, **more):
    """A command that ends with 1 where something moved."""
    done = run(*arguments, **more)
    assert done.returncode in (0, 1), (arguments, done.returncode, done.stderr)
    return done.stdout


def tree(folder, skipped=("stats.json",)):
    """Path below the folder -> SHA-256; stats.json tells the time of day and is outside every promise."""
    found = {}
    for base, folders, names in os.walk(folder):
        for name in folders:
            found[os.path.relpath(os.path.join(base, name), folder)] = "folder"
        for name in names:
            path = os.path.join(base, name)
            if os.path.islink(path):
                found[os.path.relpath(path, folder)] = "link to " + os.readlink(path)
            elif name not in skipped:
                with open(path, "rb") as data:
                    found[os.path.relpath(path, folder)] = sha256(data.read())
    return found


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def write(folder, tables):
    """A book's or other texts: {path within the folder: text}."""
    for name, text in tables.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.write(text)


def read(path):
    try:
        with open(path, "rb") as data:
            return data.read()
    except FileNotFoundError:
        return None


def one_line(done, what):
    """An error is one line that says something."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and ": " in lines[0] and len(lines[0]) > 30, (what, done.returncode, done.stderr)


# ---- strace ----


def need_strace():
    if shutil.which("strace") is None:
        skip("there is no strace; tools/setup.sh installs it")
    tried = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=clock_nanosleep", "-e",
                            "inject=clock_nanosleep:error=EIO", "sleep", "0.001"], capture_output=True,
                           text=True, env=TRACED)
    if tried.returncode != 1:
        skip("strace may not trace or inject here: " + tried.stderr.strip()[:200])


Call = collections.namedtuple("Call", "name nth text thread")  # the nth call of that name in its thread


def trace(arguments, calls="all", code=0):
    """Every call of an undisturbed run in order; those before main() are left out of the list but counted."""
    log = os.path.join(os.getcwd(), "trace.log")
    done = subprocess.run(["strace", "-f", "-qq", "-o", log, "-s", "200", "-e", "trace=" + calls, TOLLMILL, *arguments],
                          capture_output=True, text=True, env=TRACED, timeout=TIMEOUT_S)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    found, seen, begun = [], collections.Counter(), False
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match = re.match(r"(\d+) +(\w+)\((.*)", line)
            if not match:
                continue  # a signal, an exit, or the end of a call whose beginning was counted
            thread, name, text = match.groups()
            seen[thread, name] += 1
            begun |= name == "umask"  # the first that our own main() does
            if begun and name != "exit_group":
                found.append(Call(name, seen[thread, name], text, thread))
    os.unlink(log)
    assert found, "no calls were seen"
    return found


def injected(arguments, *faults, path=None, **more):
    """A run with faults such as fsync:error=EIO:when=3, on calls on one path only if one is given."""
    options = ["-P", path] if path else []
    names = {fault.split(":")[0] for fault in faults}
    for fault in faults:
        options += ["-e", "inject=" + fault]
    more.setdefault("timeout", TIMEOUT_S)
    return subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", *options, "-e", "trace=" + ",".join(sorted(names)),
                           TOLLMILL, *arguments], capture_output=True, text=True, env=TRACED, **more)


class Stopped:
    """A run that stands still in a call until it is let go on; it is killed if the block is left before that."""

    def __init__(self, arguments, fault, path=None):
        options = ["-P", path] if path else []
        name, rest = fault.split(":", 1)
        reader, writer = os.pipe()
        self.strace = subprocess.Popen(["strace", "-f", "-s", "0", "-o", f"/dev/fd/{writer}", *options, "-e",
                                        "trace=" + name, "-e", f"inject={name}:signal=STOP:{rest}",
                                        TOLLMILL, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                       text=True, env=TRACED, pass_fds=[writer])
        os.close(writer)
        self.log = reader  # what comes after the stop stays in the pipe's buffer, unread
        seen, found = b"", None
        while not found and select.select([reader], [], [], TIMEOUT_S)[0]:
            piece = os.read(reader, 65536)  # nothing when the run has ended
            seen += piece
            found = re.search(rb"(\d+) +--- stopped by SIGSTOP ---", seen)
            if not piece:
                break
        self.pid = int(found.group(1)) if found else None
        if not self.pid:
            self.strace.kill()
            raise AssertionError(("the run never came to the call", fault, seen[-500:]))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.strace.poll() is None:
            os.kill(self.pid, signal.SIGKILL)
            self.strace.communicate()
        os.close(self.log)

    def go_on(self):
        os.kill(self.pid, signal.SIGCONT)
        _, talk = self.strace.communicate(timeout=TIMEOUT_S)
        return subprocess.CompletedProcess("tollmill", self.strace.returncode, "", talk)


# ---- a world and what is done to it ----


class Job:
    """A run to disturb. start() makes the folder's state before it, expected is the output of a run left alone."""

    def __init__(self, name, arguments, output, manifest, base=None, verified=None):
        self.verified = verified or output
        self.name, self.arguments, self.output = name, [*arguments, "--quiet"], output
        self.manifest, self.base = os.path.join(output, manifest), base
        self.start()
        self.before, self.expected_before = read(self.manifest), tree(output)
        ok(*self.arguments)
        self.verify()
        self.expected, self.after = tree(output), read(self.manifest)
        self.start()

    def start(self):
        for left in (self.output, self.output + ".tollmill.tmp"):
            if os.path.exists(left):
                shutil.rmtree(left)
        if self.base:
            shutil.copytree(self.base, self.output)

    def verify(self):
        """What `verify` says of the output; of what it does not know, such as an export, the bytes must do."""
        if not self.verified.endswith(".csv"):
            ok("verify", self.verified)

    def with_option(self, option, value):
        """The same job with --option value; it gives the same bytes, as every such option must."""
        other = object.__new__(Job)
        arguments = list(self.arguments)
        if option in arguments:
            at = arguments.index(option)
            del arguments[at : at + 2]
        other.__dict__.update(self.__dict__, arguments=[*arguments, option, value],
                              name=f"{self.name} {option} {value}")
        return other

    def check_published(self, what):
        """What is published after a disturbance is the old or the new, and whole. True when it is the new."""
        now = read(self.manifest)
        assert now in (self.before, self.after), (what, "neither the old nor the new manifest")
        # Its files are those of a state that `verify` has found right, byte by byte; only of a receipt that changes
        # a newer one may be there already, which `verify` has to find whole.
        state = self.expected if now == self.after else self.expected_before
        found = tree(self.output)
        differs = {name for name, digest in state.items() if found.get(name) != digest}
        assert all(name.startswith("receipts/") for name in differs), (what, differs)
        if now == self.after or differs:
            self.verify()
        return now == self.after

    def check_next(self, what):
        """The next run takes all away that the disturbed one left, and ends where an undisturbed one does."""
        if self.manifest.endswith(("run.json", "state.json")) and read(self.manifest) is not None:
            assert tree(self.output) == self.expected, what  # published; the same command would be refused
        else:
            done = run(*self.arguments)
            assert done.returncode == 0, (what, "the next run", done.returncode, done.stderr)
            found = tree(self.output)
            assert found == self.expected, (what, set(found.items()) ^ set(self.expected.items()))
        assert not os.path.exists(self.output + ".tollmill.tmp"), (what, "a temporary is left")


def small_world(cdrs=2400, numbers=60, prefixes=200):
    """In the current folder: book/, one.csv (a day), two.csv (the same day and the next, and some of one.csv again).

    Each CSV has a row that cannot be read, too.
    """
    ok("gen", "-o", "world", "--cdrs", str(cdrs * 15), "--numbers", str(numbers), "--accounts", "12", "--prefixes",
       str(prefixes), "--seed", "5", "--quiet")
    os.rename("world/book", "book")
    with open("book/surcharges.csv", "w", encoding="utf-8") as out:
        out.write("subject,measure,amount,short_s\ndefault,attempts,0.01,\ndefault,short_calls,0.02,30\n")
    with open("world/cdrs.csv", encoding="utf-8") as source:
        header, *rows = source
    shutil.rmtree("world")
    days = sorted({row.split(",")[1][:10] for row in rows})
    first = [row for row in rows if row.split(",")[1][:10] == days[1]]
    second = [row for row in rows if row.split(",")[1][:10] == days[2]]
    assert len(first) > 100 and len(second) > 100, (len(first), len(second))
    half = len(first) // 2
    again = first[: half // 10]  # in both
    bad = "x%d,not a time,1,+12125550100,+12125550101,voice,,in,yes\n"
    # Of duplicates the copy of the smaller digest stays: two.csv's, so that the receipt of one.csv has to change.
    digest = lambda text: sha256(text.encode())
    one = max(("".join([header, *first[:half], bad % n]) for n in range(20)), key=digest)
    two = min(("".join([header, *first[half:], *again, *second, bad % n]) for n in range(20)), key=digest)
    assert digest(two) < digest(one)
    for name, text in (("one.csv", one), ("two.csv", two)):
        with open(name, "w", encoding="utf-8") as out:
            out.write(text)


def small_jobs():
    """Imports and a rating of the small world, with one thread so that the calls come in one order."""
    small_world()
    importing = ["import", "--spec", SPEC, "-o", "cdrs", "--max-rejects", "9", "--threads", "1"]
    first = Job("first import", [*importing, "one.csv"], "cdrs", "dataset.json")
    ok(*first.arguments)
    os.rename("cdrs", "generation-1")
    second = Job("second import", [*importing, "two.csv"], "cdrs", "dataset.json", base="generation-1")
    ok(*second.arguments)
    os.rename("cdrs", "both")
    rating = ["rate", "--book", "book", "--cdrs", "both", "-o", "run", "--threads", "1"]
    rate = Job("rate", [*rating, "--io", "mmap"], "run", "run.json")  # auto's calls depend on what the page cache has
    return first, second, rate


def merge_job(rate, book="book", threads="1"):
    """Rates what the run of another job has in suspense."""
    if not os.path.exists("earlier"):
        rate.start()
        ok(*rate.arguments)
        os.rename("run", "earlier")
        with open(os.path.join("earlier", "run.json"), encoding="utf-8") as manifest:
            assert json.load(manifest)["suspense"] > 0, "nothing to rate again"
    cdrs = rate.arguments[rate.arguments.index("--cdrs") + 1]
    return Job("rate --only-suspense", ["rate", "--book", book, "--cdrs", cdrs, "--only-suspense", "earlier", "-o", "merged",
                                        "--threads", threads, "--io", "mmap"], "merged", "run.json")


def cycle_jobs(book="book"):
    """A cycle is closed, and rated behind: of its day more has come since, which is late, so that the older part is read,
    too. Bundles and tiers, so that a state has all its tables. After small_jobs()."""
    shutil.copytree(book, "pooled")
    for name, text in {"bundles.csv": "bundle,unit,quantity,scope,rollover_periods\nb,s,900,account,1\nn,s,60,number,\n",
                       "subscriptions.csv": "subject,bundle\ndefault,b\ndefault,n\n"}.items():
        with open(os.path.join("pooled", name), "w", encoding="utf-8") as out:
            out.write(text)
    ok("rate", "--book", "pooled", "--cdrs", "generation-1", "-o", "cycle", "--quiet")
    with open(os.path.join("cycle", "run.json"), encoding="utf-8") as manifest:
        year, month = json.load(manifest)["parts"][-1]["day"].split("-")[:2]
    until = "%d-%02d-01" % (int(year) + int(month) // 12, int(month) % 12 + 1)
    close = Job("close", ["close", "cycle", "--cdrs", "generation-1", "--until", until, "--threads", "1", "-o", "state"],
                "state", "state.json")
    assert any(name.startswith("state_pool") for name in close.expected), close.expected
    ok(*close.arguments)
    os.rename("state", "closed")
    jobs = [close]
    for late in "append", "reorder":
        jobs.append(Job("rate --late " + late, ["rate", "--book", "pooled", "--cdrs", "both", "--after", "closed", "--late", late,
                                                "-o", "behind", "--threads", "1", "--io", "mmap"], "behind", "run.json"))
        statuses = {one["reason"]: one["rows"] for one in json.loads(jobs[-1].after)["statuses"]}
        assert (statuses.get("closed", 0) * 50 > sum(statuses.values())) == (late == "append"), statuses  # reorder: without account
    return tuple(jobs)


def file_jobs(rate):
    """Outputs that are one file, which replaces an older one: an image of a book, an export of a run."""
    rate.start()
    ok(*rate.arguments)
    os.rename("run", "rated")
    jobs = []
    for name, arguments in (("book.image", ["compile", "book"]), ("lines.csv", ["export", "rated", "--cdrs", "both",
                                                                                "--format", "csv"])):
        os.makedirs("old-" + name)
        with open(os.path.join("old-" + name, name), "w", encoding="utf-8") as old:
            old.write("what was there before\n")
        path = os.path.join("new", name)
        jobs.append(Job(arguments[0], [*arguments, "-o", path], "new", name, base="old-" + name, verified=path))
    return jobs


def rate_paths():
    """The ways to read that this rate knows, auto left out."""
    match = re.search(r"--io ([\w|]+)", ok("rate", "--help"))
    return [path for path in match.group(1).split("|") if path != "auto"]
