"""The systems that rate a world: tollmill and its peers. All have the same steps, each of which returns its seconds.

book    the book's tables, from their files to what the system rates with
load    the calls, from text to the system's own columns
sums    the calls in memory; only sums by account and status come out
lines   a line for each call written, and the same sums

found   after sums or lines: {(account, status): (rows, billed seconds, charge in 1e-6)}
"""
import csv
import glob
import json
import os
import shutil
import subprocess
import time

STATUSES = (("rated", ""), ("zero_rated", "unanswered"), ("suspense", "no_account"), ("zero_rated", "free"),
            ("suspense", "no_prefix"), ("zero_rated", "zero_duration"))
HERE = os.path.dirname(os.path.abspath(__file__))


def seconds_of(work, *arguments):
    begun = time.monotonic()
    result = work(*arguments)
    return time.monotonic() - begun, result


def remove(path):
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.exists(path):
        os.remove(path)


def sections_of(name):
    """The parts of an SQL file, by the names in its lines -- [name]."""
    found, section = {}, None
    with open(os.path.join(HERE, name)) as file:
        for line in file:
            if line.startswith("-- ["):
                section = found.setdefault(line[4:line.index("]")], [])
            elif section is not None and not line.startswith("--"):
                section.append(line)
    return {name: "".join(lines) for name, lines in found.items()}


def filled(text, values):
    for _ in range(2):  # {rated} has names of its own
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
    return text


def sums_of(rows, names):
    """Of rows (account or its id, status, rows, seconds, charge); empty for none."""
    found = {}
    for account, status, count, billed, charge in rows:
        name = "" if account in (None, "") else names.get(account, account)
        found[name, int(status)] = (int(count), int(billed or 0), int(charge or 0))
    return found


class Tollmill:
    """Its load is the import, its lines the rating; lines and sums are in the run. sums is tollmill bench."""

    threads = 1

    def __init__(self, program, root, threads):
        self.program, self.threads = program, threads
        self.name = "tollmill"
        self.spec = os.path.join(root, "data", "providers", "tollmill.yaml")

    def missing(self):
        return None

    def begin(self, world):
        self.world = world
        self.image, self.dataset, self.run = (world.path("tollmill." + what) for what in ("image", "cdrs", "run"))
        self.version = self.call("--version").split()[-1]
        self.passes = []  # seconds of lines in which CDRs were read, rated and written: the rest is the book's

    def call(self, *arguments):
        done = subprocess.run([self.program, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit("peers: error: tollmill %s: %s" % (arguments[0], done.stderr))
        return done.stdout

    def book(self):
        remove(self.image)
        return seconds_of(self.call, "compile", self.world.book, "-o", self.image, "-q")[0]

    def load(self):
        remove(self.dataset)
        return seconds_of(self.call, "import", "--spec", self.spec, "--threads", str(self.threads), "-o", self.dataset,
                          "-q", self.world.cdrs)[0]

    def lines(self):
        remove(self.run)
        seconds, said = seconds_of(self.call, "rate", "--book", self.image, "--cdrs", self.dataset, "--threads",
                                   str(self.threads), "-o", self.run, "--json")
        self.passes.append(json.loads(said)["rate_s"])
        return seconds

    def bench(self, repeats):
        """Seconds by number of threads, lines and sums into memory, with the kernels that rate chose."""
        with open(os.path.join(self.run, "stats.json")) as file:
            kernels = json.load(file)["kernels"]
        found = json.loads(self.call("bench", self.image, self.dataset, "--simd", kernels, "--threads",
                                     str(self.threads), "--repeat", str(repeats), "--json"))
        return {speed["threads"]: speed["median_ns"] / 1e9 for speed in found["rating"]}

    def totals(self):
        found = json.loads(self.call("summary", self.run, "--json", "--top", "100000000"))
        totals = {"rows": found["rows"], "rated": found["rated"], "zero_rated": found["zero_rated"],
                  "suspense": found["suspense"], "billed_s": found["billed_s"], "charge": found["line_charge"]}
        return totals, {row["account"] or "": (row["rows"], row["rated"], row["zero_rated"], row["suspense"],
                                               row["billed_s"], row["charge"]) for row in found["accounts"]}

    def text(self):
        """The lines as their fields: record id -> (status, reason, account, deck, prefix, billed, included, charge)."""
        path = self.world.path("tollmill.lines.csv")
        self.call("export", self.run, "--format", "csv", "--csv-safe=raw", "-q", "-o", path)
        with open(path, newline="") as file:
            found = {row["record_id"]: tuple(row[name] for name in ("status", "reason", "account", "deck", "prefix",
                                                                    "billed", "included", "charge"))
                     for row in csv.DictReader(file)}
        remove(path)
        return found

    def forget(self):
        remove(self.dataset)
        remove(self.run)

    def end(self):
        self.forget()
        remove(self.image)


class Peer:
    def totals(self):
        """found, as Tollmill.totals has it."""
        totals = {"rows": 0, "rated": 0, "zero_rated": 0, "suspense": {}, "billed_s": 0}
        accounts, charge = {}, 0
        for (account, code), (rows, billed, part) in self.found.items():
            status, reason = STATUSES[code]
            totals["rows"] += rows
            totals["billed_s"] += billed
            charge += part
            if status == "suspense":
                totals["suspense"][reason] = totals["suspense"].get(reason, 0) + rows
            else:
                totals[status] += rows
            of = accounts.setdefault(account, [0, 0, 0, 0, 0, 0])
            of[0] += rows
            of[("rated", "zero_rated", "suspense").index(status) + 1] += rows
            of[4] += billed
            of[5] += part
        totals["suspense"] = dict(sorted(totals["suspense"].items()))
        totals["charge"] = money(charge)
        return totals, {account: (*of[:5], money(of[5])) for account, of in accounts.items()}

    def text(self):
        found = {}
        with open(self.text_path(), newline="") as file:
            for record, status, account, deck, prefix, billed, included, charge in csv.reader(file):
                found[record] = (*STATUSES[int(status)], account, deck, prefix, billed, included,
                                 "" if charge == "" else money(int(charge)))
        return found


def money(millionths):
    return "%d.%06d00" % divmod(millionths, 1000000)


class DuckDB(Peer):
    name, threads = "DuckDB", 2

    def missing(self):
        try:
            import duckdb
        except ImportError:
            return "no Python module duckdb (pip install duckdb)"
        self.module, self.version = duckdb, duckdb.__version__
        return None

    def begin(self, world):
        self.world = world
        self.sections = sections_of("duckdb.sql")
        self.parquet = world.path("duckdb.parquet")
        change, before, after = world.changes[world.zone]
        self.values = {"threads": self.threads, "memory": memory_for_databases(), "folder": world.folder,
                       "book": world.book, "zones": world.zones, "cdrs": world.cdrs, "lines": self.parquet,
                       "text": world.path("duckdb.text.csv"), "change_ms": change, "before_ms": before,
                       "after_ms": after, "rated": self.sections["rated"]}
        self.connection = self.module.connect()
        self.execute("settings")

    def execute(self, section):
        return self.connection.execute(filled(self.sections[section], self.values))

    def book(self):
        seconds, _ = seconds_of(self.execute, "book")
        self.names = dict(self.execute("names").fetchall())
        return seconds

    def load(self):
        return seconds_of(self.execute, "load")[0]

    def sums(self):
        seconds, rows = seconds_of(lambda: self.execute("sums").fetchall())
        self.found = sums_of(rows, self.names)
        return seconds

    def lines(self):
        remove(self.parquet)
        seconds, rows = seconds_of(lambda: (self.execute("lines"), self.execute("sums of lines").fetchall())[1])
        self.found = sums_of(rows, self.names)
        return seconds

    def text_path(self):
        self.execute("text")
        return self.values["text"]

    def forget(self):
        remove(self.parquet)

    def end(self):
        self.connection.close()
        remove(self.parquet)
        remove(self.world.path("duckdb.tmp"))


def memory_for_databases():
    """Half of what is there: tollmill's own figures are measured beside."""
    with open("/proc/meminfo") as file:
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in file}
    return "%dMB" % (kilobytes["MemAvailable"] // 2048)


class PostgreSQL(Peer):
    name, threads = "PostgreSQL", 2

    def missing(self):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
        if not found or shutil.which("psql") is None:
            return "not installed (apt-get install postgresql)"
        self.programs = os.path.dirname(found[-1])
        self.version = subprocess.run([os.path.join(self.programs, "postgres"), "--version"], capture_output=True,
                                      text=True).stdout.split()[2]
        # The server does not run as root.
        as_postgres = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"]
        self.user = as_postgres if os.geteuid() == 0 else []
        return None

    def server(self, *command):
        done = subprocess.run([*self.user, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, cwd="/")
        if done.returncode != 0:
            raise SystemExit("peers: error: %s: %s" % (command[0], done.stdout))

    def begin(self, world):
        self.world = world
        self.cluster = world.path("postgres")
        os.makedirs(self.cluster, mode=0o700)
        if self.user:
            shutil.chown(self.cluster, "postgres", "postgres")
            os.chmod(world.folder, 0o755)
        self.server(os.path.join(self.programs, "initdb"), "-D", self.cluster + "/data", "-A", "trust", "-U",
                    "postgres", "--no-sync", "-E", "UTF8", "--locale", "C")
        settings = ("listen_addresses=", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
                    "wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB", "shared_buffers=1GB",
                    "autovacuum=off", "unix_socket_directories=" + self.cluster)
        # Its log goes to a file, or pg_ctl's pipe would stay open.
        self.server(os.path.join(self.programs, "pg_ctl"), "-D", self.cluster + "/data", "-w", "-l",
                    self.cluster + "/log", "-o", " ".join("-c '%s'" % setting for setting in settings), "start")
        self.sections = sections_of("postgres.sql")
        decks = "".join("alter table sheet alter deck set default '%s';\n"
                        "\\copy sheet (prefix, destination, rate, connect_fee, initial_s, increment_s, band) "
                        "from '%s' csv header\n" % (os.path.splitext(os.path.basename(path))[0], path)
                        for path in world.decks())
        change, before, after = world.changes[world.zone]
        self.values = {"threads": self.threads, "book": world.book, "zones": world.zones, "change_ms": change,
                       "before_ms": before, "after_ms": after, "cdrs": world.cdrs, "rated": self.sections["rated"],
                       "decks": decks}

    def execute(self, section):
        text = filled(self.sections["settings"] + self.sections[section], self.values)
        done = subprocess.run(["psql", "-h", self.cluster, "-U", "postgres", "-d", "postgres", "-X", "-q", "-v",
                               "ON_ERROR_STOP=1", "-f", "-"], input=text, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit("peers: error: psql, section %s: %s" % (section, done.stderr))
        return list(csv.reader(done.stdout.splitlines()))

    def book(self):
        seconds, _ = seconds_of(self.execute, "book")
        self.names = dict(self.execute("names"))
        return seconds

    def load(self):
        return seconds_of(self.execute, "load")[0]

    def sums(self):
        seconds, rows = seconds_of(self.execute, "sums")
        self.found = sums_of(rows, self.names)
        return seconds

    def lines(self):
        seconds, rows = seconds_of(lambda: (self.execute("lines"), self.execute("sums of lines"))[1])
        self.found = sums_of(rows, self.names)
        return seconds

    def text_path(self):
        path = self.world.path("postgres.text.csv")
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows(self.execute("text"))
        return path

    def forget(self):
        pass

    def end(self):
        self.server(os.path.join(self.programs, "pg_ctl"), "-D", self.cluster + "/data", "-m", "immediate", "stop")
        remove(self.cluster)


class Awk(Peer):
    """It keeps nothing between two runs: its lines begin with the calls as text, and reading the book, measured
    alone, is taken off."""

    name, threads = "mawk", 1

    def missing(self):
        self.program = shutil.which("mawk")
        if self.program is None:
            return "no mawk (apt-get install mawk)"
        said = subprocess.run([self.program, "-W", "version"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        self.version = (said.stdout + said.stderr).split()[1]
        return None

    def begin(self, world):
        self.world = world
        self.out, self.sums_path = world.path("awk.lines.csv"), world.path("awk.sums.csv")

    def run(self, *calls):
        tables = ("accounts", "bundles", "subscriptions", "assignments", "plan_rules", "numbers")
        remove(self.sums_path)
        subprocess.run([self.program, "-v", "zone=" + self.world.zone, "-v", "lines=" + self.out, "-v",
                        "sums=" + self.sums_path, "-f", os.path.join(HERE, "rate.awk"), self.world.zones,
                        *(os.path.join(self.world.book, name + ".csv") for name in tables), *self.world.decks(),
                        *calls],
                       check=True, env=dict(os.environ, LC_ALL="C"))

    def book(self):
        self.book_seconds = seconds_of(self.run)[0]
        return self.book_seconds

    load = sums = None

    def lines(self):
        seconds = seconds_of(self.run, self.world.cdrs)[0] - self.book_seconds
        with open(self.sums_path, newline="") as file:
            self.found = sums_of(csv.reader(file), {})
        return seconds

    def text_path(self):
        return self.out

    def forget(self):
        pass

    def end(self):
        remove(self.out)
        remove(self.sums_path)
