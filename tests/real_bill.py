"""The real UK bill, end to end: every line must equal the carrier's own charge.

The bill is not part of this repository. TOLL_REAL names the folder that has cdr/np-dl-telco_cdr.csv.xz (default:
shared/real beside the checkout); without it the test is skipped. Control totals are the bill's own.
"""
import json
import lzma
import os
import subprocess
import sys
import tempfile

ROOT = os.environ["TOLL_SOURCE_DIR"]
TOLLMILL = os.environ["TOLLMILL"]
REAL = os.environ.get("TOLL_REAL", os.path.join(ROOT, "..", "shared", "real"))
BILL = os.path.join(REAL, "cdr", "np-dl-telco_cdr.csv.xz")

# Rows and pence of each call type, as the bill adds up.
BY_TYPE = {
    "Local": (26236, 1275259),
    "Mobile": (7718, 1425730),
    "National": (5191, 373004),
    "International": (2608, 1401370),
    "Premium rate": (237, 39750),
    "Free": (248, 0),
}


def run(*arguments, code=0):
    done = subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}, expected {code}\n{done.stderr}"
    return done.stdout


def rate_and_check(work, io, threads):
    out = os.path.join(work, f"run-{io}-{threads}")
    book = os.path.join(ROOT, "data", "synthetic", "uk-bill-book")
    rated = json.loads(run("rate", "--book", book, "--cdrs", os.path.join(work, "ds"), "-o", out, "--json",
                           "--io", io, "--threads", str(threads)))
    assert rated["rows"] == 42238, rated
    assert rated["billed_s"] == 45318420, rated
    assert rated["charge"] == "45151.13000000", rated
    assert rated["rated"] + rated["zero_rated"] == 42238 and sum(rated["suspense"].values()) == 0, rated
    run("verify", out)
    reconciled = json.loads(run("reconcile", out, "--provider-charge", "--json"))
    assert reconciled["equal"] == 42238 and reconciled["different"] == 0, reconciled
    return out


def check_types(run_folder):
    """Pence by destination from the export, added up here in integers."""
    import csv
    import io
    text = run("export", run_folder, "--format", "csv")
    sums = {name: [0, 0] for name in BY_TYPE}
    for row in csv.DictReader(io.StringIO(text)):
        whole, _, part = row["charge"].partition(".")
        assert part[2:] == "000000", row["charge"]
        entry = sums[row["destination"]]
        entry[0] += 1
        entry[1] += int(whole) * 100 + int(part[:2])
    assert {name: tuple(entry) for name, entry in sums.items()} == BY_TYPE, sums


def main():
    if not os.path.exists(BILL):
        print("skipped: the real bill is not here (TOLL_REAL)")
        return 77
    with tempfile.TemporaryDirectory() as work:
        bill = os.path.join(work, "bill.csv")
        with lzma.open(BILL, "rb") as packed, open(bill, "wb") as plain:
            plain.write(packed.read())
        spec = os.path.join(ROOT, "data", "providers", "np-dl-telco.yaml")
        imported = json.loads(run("import", "--spec", spec, "-o", os.path.join(work, "ds"), bill, "--json"))
        assert imported["rows"] == 42238 and imported["accepted"] == 42238, imported
        assert imported["rejected"] == 0 and imported["duplicates"] == 0 and imported["conflicts"] == 0, imported
        run("verify", os.path.join(work, "ds"))
        first = rate_and_check(work, "mmap", 1)
        second = rate_and_check(work, "pread", 2)
        for folder, _, names in os.walk(first):
            for name in names:
                if name != "stats.json":
                    path = os.path.join(folder, name)
                    other = os.path.join(second, os.path.relpath(path, first))
                    with open(path, "rb") as one, open(other, "rb") as two:
                        assert one.read() == two.read(), f"{name} differs between 1 thread mmap and 2 threads pread"
        check_types(first)
    print("42238 lines of the real bill equal, 45151.13 GBP, 45318420 s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
