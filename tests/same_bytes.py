"""Same inputs, same bytes: import order, number of imports, a file split in two, threads, I/O path.

Compares hashes and whole files of a generated month; the generator is deterministic, too, and is checked first.
"""
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.environ["TOLL_SOURCE_DIR"]
TOLLMILL = os.environ["TOLLMILL"]
SPEC = os.path.join(ROOT, "data", "providers", "tollmill.yaml")
CDRS = os.environ.get("SAME_CDRS", "150000")


def run(*arguments):
    done = subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.returncode, done.stderr)
    return done.stdout


def digests(folder, skip=()):
    out = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            relative = os.path.relpath(path, folder)
            if name not in skip:
                with open(path, "rb") as data:
                    out[relative] = hashlib.sha256(data.read()).hexdigest()
    return out


def imported(work, name, imports):
    """cdr_hash after importing each group of files in its own run, and the dataset's path."""
    dataset = os.path.join(work, name)
    shutil.rmtree(dataset, ignore_errors=True)
    for group in imports:
        result = json.loads(run("import", "--spec", SPEC, "-o", dataset, "--json", *group))
    run("verify", dataset)
    return result["cdr_hash"], dataset


TAXES = {
    "tax_jurisdictions.csv": "id,level,state,parent\nUS,federal,,\nNY,state,NY,US\nPA,state,PA,US\nC,city,,NY\n",
    "tax_areas.csv": "area,tax_jurisdiction\ncity,C\nstate,PA\nnation,US\n",
    "tax_map.csv": "tax_service,service,class,jurisdiction\nvoice,voice,,\nlocal,voice,,local\nsms,sms,,\nother,voice,,international\n",
    "exemptions.csv": "account,tax,from\nA000003,sales,2025-01-01\n",
}
SITE_TAXES = "tax,tax_jurisdiction,rate,tax_services\nfund,US,10%,voice\nsales,PA,6%,\ncity,C,1%,local;voice\n"
END_TAXES = "tax,tax_jurisdiction,rate,sourcing\nfund,US,10%,two_of_three\nsales,PA,6%,two_of_three\nleg,NY,1%,origin\n"


def taxed_runs(work, dataset, book, ways):
    """The same with taxes by the place, and by the ends of calls, which take a pass more."""
    taxed = os.path.join(work, "taxed")
    shutil.copytree(book, taxed)
    for name, text in TAXES.items():
        with open(os.path.join(taxed, name), "w", encoding="utf-8") as out:
            out.write(text)
    with open(os.path.join(taxed, "sites.csv"), encoding="utf-8") as sites:
        lines = sites.read().splitlines()
    with open(os.path.join(taxed, "sites.csv"), "w", encoding="utf-8") as sites:
        for i, line in enumerate(lines):
            sites.write(line + "," + ("area" if i == 0 else ("city", "state", "nation", "")[i % 4]) + "\n")
    for taxes in (SITE_TAXES, END_TAXES):
        with open(os.path.join(taxed, "taxes.csv"), "w", encoding="utf-8") as out:
            out.write(taxes)
        runs = []
        for way in [("--threads", t, "--io", io) for t, io in ways[:5]] + [("--simd", "scalar")]:
            out = os.path.join(work, "run-taxed")
            run("rate", "--book", taxed, "--cdrs", dataset, "-o", out, "--quiet", *way)
            runs.append(digests(out, skip=("stats.json",)))
            if len(runs) == 1:
                run("verify", out, "--quiet")
            shutil.rmtree(out)
        assert all(one == runs[0] for one in runs), "threads, I/O path or instructions changed a byte of a taxed run"


def main():
    with tempfile.TemporaryDirectory() as work:
        world = os.path.join(work, "world")
        again = os.path.join(work, "again")
        shape = ("--cdrs", CDRS, "--numbers", "3000", "--accounts", "300", "--files", "3", "--seed", "11", "--quiet")
        run("gen", "-o", world, *shape)
        run("gen", "-o", again, *shape)
        assert digests(world) == digests(again), "gen: the same seed gave other bytes"
        files = sorted(os.path.join(world, n) for n in os.listdir(world) if n.endswith(".csv"))
        assert len(files) == 3, files

        first, dataset = imported(work, "ds", [files])
        for order in itertools.permutations(files):
            assert imported(work, "other", [order])[0] == first, ("one import", order)
            assert imported(work, "other", [[name] for name in order])[0] == first, ("three imports", order)
        assert imported(work, "other", [files, files[:1]])[0] == first, "the same file once more"

        book = os.path.join(world, "book")
        runs = []
        ways = (("1", "mmap"), ("2", "mmap"), ("3", "mmap"), ("1", "pread"), ("2", "pread"), ("1", "io_uring"),
                ("2", "io_uring"), ("3", "io_uring"), ("2", "auto"))
        for threads, io in ways:
            out = os.path.join(work, f"run-{threads}-{io}")
            run("rate", "--book", book, "--cdrs", dataset, "-o", out, "--threads", threads, "--io", io, "--quiet")
            runs.append(digests(out, skip=("stats.json",)))
        out = os.path.join(work, "run-scalar")
        run("rate", "--book", book, "--cdrs", dataset, "-o", out, "--simd", "scalar", "--quiet")
        runs.append(digests(out, skip=("stats.json",)))
        with open(os.path.join(out, "stats.json"), encoding="utf-8") as stats:
            assert json.load(stats)["kernels"] == "scalar", "--simd was not heard"
        assert all(one == runs[0] for one in runs), "threads, I/O path or instructions changed a byte"
        image = os.path.join(work, "book.image")
        run("compile", book, "-o", image, "--quiet")
        out = os.path.join(work, "run-image")
        run("rate", "--book", image, "--cdrs", dataset, "-o", out, "--quiet")
        assert digests(out, skip=("stats.json",)) == runs[0], "an image rates unlike its folder"

        taxed_runs(work, dataset, book, ways)

        # A file split in two changes `source` and nothing else: the rated lines are the same files.
        with open(files[0], "rb") as whole:
            lines = whole.read().splitlines(keepends=True)
        half = len(lines) // 3
        parts = []
        for index, body in enumerate((lines[1:half], lines[half:])):
            parts.append(os.path.join(work, f"split-{index}.csv"))
            with open(parts[-1], "wb") as out_file:
                out_file.write(lines[0] + b"".join(body))
        split, split_dataset = imported(work, "split", [parts + files[1:]])
        assert split != first, "source is part of a dataset's hash"
        out = os.path.join(work, "run-split")
        run("rate", "--book", book, "--cdrs", split_dataset, "-o", out, "--quiet")
        mine = {k: v for k, v in digests(out).items() if k.startswith("lines")}
        theirs = {k: v for k, v in runs[0].items() if k.startswith("lines")}
        assert mine and mine == theirs, "a split file changed a rated line"
        for name in ("accounts.arrow", "prices.arrow", "price_terms.arrow", "buckets.arrow", "book.image"):
            assert digests(out)[name] == runs[0][name], name
    print("same bytes for every import order, split, thread count, I/O path and instruction set")
    return 0


if __name__ == "__main__":
    sys.exit(main())
