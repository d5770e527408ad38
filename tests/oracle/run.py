#!/usr/bin/env python3
"""Random books through the oracle and the engine: rated, rated by portable code, and rated again after an older book.

    run.py --tollmill BINARY --seed S --calls N [--books K] --work DIR [--kind calls|usage|chain|taxes|ends|tax_chain] [--threads T] [--spec SPEC] [--keep]

Kind usage: books with bundles, tiers and cost over months; chain: such books month after month, each closed before the next; taxes: such books with
taxes; ends: some of which go by the ends of calls; tax_chain: of both month after month. Book i has seed S + i. Ends with "N passed, M failed" (books); a failed book's folder is kept.
"""
import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE_DIR = os.environ.get("TOLL_SOURCE_DIR") or os.path.dirname(os.path.dirname(HERE))


class Failed(Exception):
    pass


def command(words, show=False, good=(0,)):
    """Runs a command and returns (milliseconds, output). good: the exits that are no failure."""
    begin = time.perf_counter_ns()
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    except OSError as error:
        raise Failed("%s: %s" % (words[0], error)) from error
    elapsed = (time.perf_counter_ns() - begin) // 1000000
    if done.returncode not in good:
        raise Failed("%s: exit %d\n%s" % (" ".join(words), done.returncode, done.stdout.strip()))
    if show:
        print("    " + done.stdout.strip(), flush=True)
    return elapsed, done.stdout


def seconds(millis):
    return "%d.%02d s" % (millis // 1000, millis % 1000 // 10)


def feeds_of(folder):
    """[(carrier or "", file)]"""
    found = []
    for name in sorted(os.listdir(folder)):
        if name.startswith("cdrs") and name.endswith(".csv"):
            found.append((name[len("cdrs_"):-len(".csv")], os.path.join(folder, name)))
    return found


def manifest(run):
    with open(os.path.join(run, "run.json"), "rb") as stream:
        return stream.read()


def one_book(options, seed, folder):
    """(oracle's ms, engine's ms of import, rate, export); raises Failed."""
    python = [sys.executable]
    names = ("book", "lines.csv", "period.csv", "totals.csv", "pools.csv", "counts.csv", "ds", "run", "scalar", "export.csv", "export_period.csv",
             "taxes", "shown")
    path = {name: os.path.join(folder, name) for name in names}
    maker = {"calls": ["world.py"], "usage": ["usage_world.py"], "taxes": ["tax_world.py"], "ends": ["tax_world.py", "--ends"]}[options.kind]
    command(python + [os.path.join(HERE, maker[0]), str(seed), str(options.calls), folder] + maker[1:])
    feeds = feeds_of(folder)
    words = python + [os.path.join(HERE, "rate.py"), path["book"]]
    for carrier, file in feeds:
        words += ["--feed", "%s=%s" % (carrier, file)]
    oracle_ms, _ = command(words + ["-o", path["lines.csv"], "--period", path["period.csv"], "--totals", path["totals.csv"],
                                    "--pools", path["pools.csv"], "--counts", path["counts.csv"]]
                           + (["--taxes", path["taxes"]] if taxed(options) else []))
    threads = ["--threads", str(options.threads)] if options.threads else []
    engine = [0, 0, 0]
    steps = [(0, ["import", "--spec", options.spec, "-o", path["ds"], file, "--quiet"] + (["--carrier", carrier] if carrier else []))
             for carrier, file in feeds]
    steps += [(1, ["rate", "--book", path["book"], "--cdrs", path["ds"], "-o", path["run"], "--quiet"] + threads),
              (2, ["export", path["run"], "--cdrs", path["ds"], "--format", "csv", "-o", path["export.csv"]]),
              (2, ["export", path["run"], "--what", "period", "--format", "csv", "-o", path["export_period.csv"]])]
    for step, words in steps:
        engine[step] += command([options.tollmill] + words)[0]
    command([options.tollmill, "rate", "--book", path["book"], "--cdrs", path["ds"], "-o", path["scalar"], "--quiet",
             "--simd", "scalar", "--threads", "1", "--io", "pread"])
    if manifest(path["scalar"]) != manifest(path["run"]):
        raise Failed("portable code, one thread: another run.json than with the machine's own instructions")
    compared(options, path["lines.csv"], path["export.csv"], path["period.csv"], path["export_period.csv"], path["totals.csv"],
             path["pools.csv"], path["counts.csv"], path["run"])
    if taxed(options):
        compare_taxes(options, path)
    elif seed % 4 == 0:
        rate_again(options, folder, path, feeds)
    return oracle_ms, engine


def taxed(options):
    return options.kind in ("taxes", "ends", "tax_chain")


def compare_taxes(options, path):
    os.makedirs(path["shown"])
    for what in ("register", "lines", "suspense", "coverage"):
        command([options.tollmill, "tax", path["run"], "--what", what, "--csv-safe", "raw", "-o", os.path.join(path["shown"], what + ".csv")],
                good=(0, 1))          # 1: something is in suspense
    command([sys.executable, os.path.join(HERE, "tax_compare.py"), path["taxes"], path["run"], path["export.csv"], path["shown"]], show=True)


def compared(options, lines, export, period, export_period, totals, pools, counts, run):
    words = [sys.executable, os.path.join(HERE, "compare.py"), lines, export, "--period", period, export_period, "--totals", totals, run]
    if options.kind != "calls":
        _, summary = command([options.tollmill, "summary", run, "--pools", "--json", "--unmask"])
        with open(run + ".pools.json", "w", encoding="utf-8") as stream:
            stream.write(summary)
        words += ["--pools", pools, counts, run + ".pools.json"]
    command(words, show=True)


def one_chain(options, seed, folder):
    """Several runs, each after closing the one before; as one_book."""
    maker = "tax_world.py" if taxed(options) else "usage_world.py"
    command([sys.executable, os.path.join(HERE, maker), str(seed), str(options.calls), folder, "--chain"]
            + (["--ends"] if taxed(options) and seed % 2 == 0 else []))
    oracle_ms, _ = command([sys.executable, os.path.join(HERE, "rate.py"), folder, "--chain"])
    threads = ["--threads", str(options.threads)] if options.threads else []
    engine, state = [0, 0, 0], []
    with open(os.path.join(folder, "steps.txt"), encoding="utf-8") as stream:
        steps = [line.split() for line in stream]
    for index, (date, late, book) in enumerate(steps):
        path = {name: os.path.join(folder, "%d-%s" % (index, name)) for name in
                ("lines.csv", "period.csv", "totals.csv", "pools.csv", "counts.csv", "run", "export.csv", "export_period.csv", "state", "taxes", "shown")}
        data = os.path.join(folder, "ds")
        for carrier, file in feeds_of(os.path.join(folder, str(index))):
            engine[0] += command([options.tollmill, "import", "--spec", options.spec, "-o", data, file, "--quiet"]
                                 + (["--carrier", carrier] if carrier else []))[0]
        engine[1] += command([options.tollmill, "rate", "--book", os.path.join(folder, book), "--cdrs", data, "-o", path["run"], "--quiet"]
                             + threads + state)[0]
        engine[2] += command([options.tollmill, "export", path["run"], "--cdrs", data, "--format", "csv", "-o", path["export.csv"]])[0]
        engine[2] += command([options.tollmill, "export", path["run"], "--what", "period", "--format", "csv", "-o", path["export_period.csv"]])[0]
        compared(options, path["lines.csv"], path["export.csv"], path["period.csv"], path["export_period.csv"], path["totals.csv"],
                 path["pools.csv"], path["counts.csv"], path["run"])
        if taxed(options):
            compare_taxes(options, path)
        if date != "-":
            command([options.tollmill, "close", path["run"], "--until", date, "-o", path["state"]])
            state = ["--after", path["state"]] + (["--late", late] if late != "append" else [])
    return oracle_ms, engine


def buys_bundles(book):
    subscriptions = os.path.join(book, "subscriptions.csv")
    if not os.path.exists(subscriptions):
        return False
    with open(subscriptions, encoding="utf-8") as stream:
        text = stream.read()
    return "carrier:" in text or "trunk:" in text


def rate_again(options, folder, path, feeds):
    """By an older book first; what that leaves in suspense by the book."""
    names = ("older", "first", "again", "again.csv", "again_period.csv", "o_again.csv", "o_period.csv", "o_totals.csv", "o_pools.csv", "o_counts.csv")
    path = dict(path, **{name: os.path.join(folder, name) for name in names})
    words = [sys.executable, os.path.join(HERE, "oracle.py"), path["book"], "--older", path["older"]]
    for carrier, file in feeds:
        words += ["--feed", "%s=%s" % (carrier, file)]
    command(words + ["-o", path["o_again.csv"], "--period", path["o_period.csv"], "--totals", path["o_totals.csv"],
                     "--pools", path["o_pools.csv"], "--counts", path["o_counts.csv"]])
    command([options.tollmill, "rate", "--book", path["older"], "--cdrs", path["ds"], "-o", path["first"], "--quiet"])
    if buys_bundles(path["book"]):
        return                 # refused, for the cost of what waited has drawn already
    for words in (["rate", "--book", path["book"], "--cdrs", path["ds"], "--only-suspense", path["first"], "-o", path["again"], "--quiet"],
                  ["export", path["again"], "--cdrs", path["ds"], "--format", "csv", "-o", path["again.csv"]],
                  ["export", path["again"], "--what", "period", "--format", "csv", "-o", path["again_period.csv"]]):
        command([options.tollmill] + words)
    compared(options, path["o_again.csv"], path["again.csv"], path["o_period.csv"], path["again_period.csv"], path["o_totals.csv"],
             path["o_pools.csv"], path["o_counts.csv"], path["again"])


def parser_of(description):
    """The options of whatever runs over random books."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--tollmill", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--calls", type=int, required=True)
    parser.add_argument("--books", type=int, default=1)
    parser.add_argument("--work", required=True)
    parser.add_argument("--spec", default=os.path.join(SOURCE_DIR, "data", "providers", "tollmill.yaml"))
    parser.add_argument("--keep", action="store_true", help="keep every book's folder")
    return parser


def each_book(options, one):
    """Runs one(options, seed, folder) for each book; says what came of it, and exits."""
    passed = failed = 0
    os.makedirs(options.work, exist_ok=True)
    for seed in range(options.seed, options.seed + options.books):
        folder = os.path.join(options.work, "book%d" % seed)
        if os.path.exists(folder):
            shutil.rmtree(folder)
        try:
            text = one(options, seed, folder)
        except Failed as error:
            failed += 1
            print("seed %d FAILED (kept: %s)\n%s" % (seed, folder, error), flush=True)
            continue
        passed += 1
        print("seed %d equal: %s" % (seed, text), flush=True)
        if not options.keep:
            shutil.rmtree(folder)
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed or not passed else 0)


def main():
    parser = parser_of("random books through the oracle and the engine")
    parser.add_argument("--kind", choices=("calls", "usage", "chain", "taxes", "ends", "tax_chain"), default="calls")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if taxed(options) and importlib.util.find_spec("pyarrow") is None:
        print("skipped: pyarrow is not installed", file=sys.stderr)
        sys.exit(77)
    passed = failed = oracle_total = engine_total = 0
    os.makedirs(options.work, exist_ok=True)
    for seed in range(options.seed, options.seed + options.books):
        folder = os.path.join(options.work, "book%d" % seed)
        if os.path.exists(folder):
            shutil.rmtree(folder)
        try:
            oracle_ms, engine = (one_chain if options.kind in ("chain", "tax_chain") else one_book)(options, seed, folder)
        except Failed as error:
            failed += 1
            print("seed %d FAILED (kept: %s)\n%s" % (seed, folder, error), flush=True)
            continue
        passed += 1
        oracle_total += oracle_ms
        engine_total += sum(engine)
        print("seed %d equal; oracle %s, engine %s (import %s, rate %s, export %s)" %
              ((seed, seconds(oracle_ms), seconds(sum(engine))) + tuple(seconds(part) for part in engine)), flush=True)
        if not options.keep:
            shutil.rmtree(folder)
    if not options.keep and not os.listdir(options.work):
        os.rmdir(options.work)
    print("%d calls a book; time of the books that passed: oracle %s, engine %s" %
          (options.calls, seconds(oracle_total), seconds(engine_total)))
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
