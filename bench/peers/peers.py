"""The same work in tollmill, DuckDB, PostgreSQL and awk: equal totals first, then how fast. Started by run.sh.

All systems rate the same calls in turn, so that what is beside them on the machine is beside all of them; a ratio is
the median of the ratios within the turns. Taxes are left out by the peers; tollmill rates the book with them.
"""
import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import platform
import shutil
import signal
import statistics
import sys

import systems
import world as worlds

STEPS = ("load", "lines", "text", "sums")  # text: load and lines


def note(*words):
    print("peers:", *words, file=sys.stderr, flush=True)


def different(what, expected, found):
    """What is not equal, said so that one can look for it."""
    if expected == found:
        return []
    if isinstance(expected, dict):
        keys = [key for key in sorted(set(expected) | set(found)) if expected.get(key) != found.get(key)]
        return ["%s: %d differ, the first %s: tollmill %s, here %s" %
                (what, len(keys), keys[0], expected.get(keys[0]), found.get(keys[0]))]
    return ["%s: tollmill %s, here %s" % (what, expected, found)]


@contextlib.contextmanager
def only_one(path):
    """Others who measure on this machine hold the same lock."""
    if path is None:
        yield
        return
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def threads_text(count):
    return "%d thread%s" % (count, "" if count == 1 else "s")


def turn(system, seconds):
    said = []
    for step in ("load", "sums", "lines"):
        work = getattr(system, step, None)
        if work is not None:
            seconds.setdefault(step, []).append(work())
            said.append("%s %.2f s" % (step, seconds[step][-1]))
    note("  %s, %s: %s" % (system.name, threads_text(system.threads), ", ".join(said)))
    if "lines" in seconds:
        seconds.setdefault("text", []).append(seconds["lines"][-1] + (seconds["load"][-1] if "load" in seconds else 0))


class Contest:
    """One world, tollmill with one and two threads, and some peers."""

    def __init__(self, world, arguments, peers, repeats, with_lines):
        self.world, self.peers, self.repeats, self.with_lines = world, peers, repeats, with_lines
        self.mine = [systems.Tollmill(arguments.tollmill, arguments.root, threads) for threads in (1, 2)]
        self.problems = []
        self.seconds = {}  # by system: step -> one for each turn
        self.books = {}

    def run(self):
        everyone = self.mine + self.peers
        begun = []
        try:
            for system in everyone:
                begun.append(system)
                system.begin(self.world)
                self.books[system] = system.book()
                note("%s: the book, %.2f s" % (system.name, self.books[system]))
            for number in range(self.repeats):
                note("%s CDRs, turn %d of %d" % (f"{self.world.rows:,}", number + 1, self.repeats))
                for system in everyone:
                    turn(system, self.seconds.setdefault(system, {}))
                    self.compare(system)
                    if number + 1 < self.repeats or system is self.mine[0]:
                        system.forget()
            if not self.with_lines:
                self.bench()
        finally:
            for system in reversed(begun):
                system.end()
        return self

    def compare(self, system):
        totals, accounts = system.totals()
        if system is self.mine[0]:
            self.totals, self.accounts = totals, accounts
            self.hash = hashlib.sha256(json.dumps(sorted(accounts.items())).encode()).hexdigest()
        said = different("totals", self.totals, totals) + different("accounts", self.accounts, accounts)
        if self.with_lines:
            lines = system.text()
            self.lines = lines if system is self.mine[0] else self.lines
            said += different("lines", self.lines, lines)
        self.problems += ["%s: %s" % (system.name, what) for what in said]

    def bench(self):
        mine = self.mine[-1]
        found = mine.bench(max(self.repeats, 5))
        for system in self.mine:
            if system.threads in found:
                self.seconds[system]["sums"] = [found[system.threads]]

    def speed(self, system, step):
        taken = self.seconds[system].get(step)
        return self.world.rows / statistics.median(taken) if taken else None

    def ratio(self, system, step, mine):
        """How many times as fast mine is: turn by turn where both have turns."""
        theirs, ours = self.seconds[system].get(step), self.seconds[mine].get(step)
        if not theirs or not ours:
            return None
        if len(theirs) != len(ours):
            return statistics.median(theirs) / statistics.median(ours)
        return statistics.median(a / b for a, b in zip(theirs, ours))

    def document(self):
        found = {"cdrs": self.world.rows, "turns": self.repeats, "equal": not self.problems, "totals": self.totals,
                 "accounts": len(self.accounts), "accounts_sha256": self.hash, "systems": []}
        for system in self.mine + self.peers:
            of = {"name": system.name, "version": system.version, "threads": system.threads,
                  "book_s": round(self.books[system], 3)}
            for step in STEPS:
                if self.seconds[system].get(step):
                    of[step] = {"s": [round(taken, 4) for taken in self.seconds[system][step]],
                                "cdr_per_s": round(self.speed(system, step))}
                    if system in self.peers:
                        of[step]["tollmill_times"] = {
                            str(mine.threads): round(self.ratio(system, step, mine), 1)
                            for mine in self.mine if self.ratio(system, step, mine)}
            if system in self.mine:
                of["passes_s"] = system.passes
            found["systems"].append(of)
        return found

    def print(self):
        totals = self.totals
        waiting = ", ".join("%s %s" % (f"{rows:,}", reason) for reason, rows in totals["suspense"].items())
        print("\n%s CDRs: %s rated, %s zero-rated, %s; %s s billed; charge %s of %s accounts: %s" %
              (f"{totals['rows']:,}", f"{totals['rated']:,}", f"{totals['zero_rated']:,}", waiting,
               f"{totals['billed_s']:,}", totals["charge"], f"{len(self.accounts):,}",
               "DIFFERENT" if self.problems else "all equal"))
        table = [("", "threads", "book s", "text to columns", "columns to lines", "text to lines", "in memory")]
        for system in self.mine + self.peers:
            cells = [system.name + " " + system.version, str(system.threads), "%.2f" % self.books[system]]
            for step in STEPS:
                speed = self.speed(system, step)
                cells.append("" if speed is None else f"{speed:,.0f}")
            table.append(tuple(cells))
            for mine in self.mine if system in self.peers else ():
                ratios = [self.ratio(system, step, mine) for step in STEPS]
                table.append(("  tollmill is", str(mine.threads), "",
                              *("" if ratio is None else "%.1f x" % ratio for ratio in ratios)))
        widths = [max(map(len, column)) for column in zip(*table)]
        for row in table:
            print("  ".join((cell.ljust if i == 0 else cell.rjust)(widths[i]) for i, cell in enumerate(row)).rstrip())
        mine = self.mine[-1]
        print("Of tollmill's columns to lines %.2f of %.2f s are the passes over the CDRs (2 threads); in the rest "
              "the book is opened, checked and copied into the run." %
              (statistics.median(mine.passes), statistics.median(self.seconds[mine]["lines"])))


def options():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="where worlds are made and peers.json is written; what is made is removed again")
    parser.add_argument("--small", action="store_true", help="10,000 CDRs, line by line, no speeds: the test")
    parser.add_argument("--cdrs", type=int, default=20000000, help="of the world that DuckDB rates (20 million)")
    parser.add_argument("--slow-cdrs", type=int, default=1000000, help="of the world that the others rate (a million)")
    parser.add_argument("--turns", type=int, default=5, help="of DuckDB's world (5); the others take turns three times")
    parser.add_argument("--only", default="duckdb,postgresql,mawk", help="which peers")
    parser.add_argument("--lock", help="a file that is locked while a world is measured")
    parser.add_argument("--tollmill", required=True)
    parser.add_argument("--bench-world", required=True)
    parser.add_argument("--root", required=True)
    return parser.parse_args()


def available(only):
    found = {}
    for kind in (systems.DuckDB, systems.PostgreSQL, systems.Awk):
        if kind.name.lower() not in only.split(","):
            continue
        peer = kind()
        why = peer.missing()
        if why is None:
            found[kind] = peer
        else:
            note("%s is skipped: %s" % (kind.name, why))
    return found


def contest(arguments, name, peers, repeats, rows, *more, with_lines=False):
    folder = os.path.join(arguments.folder, name)
    shutil.rmtree(folder, ignore_errors=True)
    note("making a month of %s CDRs" % f"{rows:,}")
    world = worlds.make(arguments.bench_world, folder, rows, *more)
    try:
        with only_one(None if with_lines else arguments.lock):
            held = Contest(world, arguments, peers, repeats, with_lines).run()
    finally:
        shutil.rmtree(folder)
    if not with_lines:
        held.print()
    for problem in held.problems:
        note("DIFFERENT:", problem)
    return held


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers end and files go
    arguments = options()
    arguments.folder = os.path.abspath(arguments.folder)
    os.makedirs(arguments.folder, exist_ok=True)
    peers = available(arguments.only)
    if not peers:
        note("no peer is there")
        return 77
    # 10 accounts, so that bundles run out; every line is compared. It comes before every measurement.
    held = [contest(arguments, "peers-small", list(peers.values()), 1, 10000, "--numbers", "100", "--areas", "8",
                    with_lines=True)]
    note("10,000 lines of a small month: %s: %s" %
         (", ".join(peer.name for peer in peers.values()), "DIFFERENT" if held[0].problems else "all equal"))
    if not arguments.small:
        slow = [peer for kind, peer in peers.items() if kind is not systems.DuckDB]
        if slow:
            held.append(contest(arguments, "peers-slow", slow, 3, arguments.slow_cdrs))
        if systems.DuckDB in peers:
            held.append(contest(arguments, "peers-fast", [peers[systems.DuckDB]], arguments.turns, arguments.cdrs))
    with open(os.path.join(arguments.folder, "peers.json"), "w") as file:
        json.dump({"schema": "tollmill.peers/1", "machine": machine(), "small_lines_equal": not held[0].problems,
                   "worlds": [one.document() for one in held[1:]]}, file, indent=2)
        file.write("\n")
    return 1 if any(one.problems for one in held) else 0


def machine():
    with open("/proc/cpuinfo") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(), "cpus": os.cpu_count(), "system": platform.release()}


if __name__ == "__main__":
    sys.exit(main())
