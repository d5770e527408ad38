"""Real switch samples and a real A-Z deck (not part of this repository; skipped where absent).

Asterisk and FreeSWITCH files import; a broken file and a look-alike event log are refused by content and nothing is
written; a real deck of 27,523 prefixes loads through a column mapping and 100,000 calls rate on it as the oracle says.
"""
import csv
import json
import lzma
import os
import random
import subprocess
import sys
import tempfile

ROOT = os.environ["TOLL_SOURCE_DIR"]
TOLLMILL = os.environ["TOLLMILL"]
REAL = os.environ.get("TOLL_REAL", os.path.join(ROOT, "..", "shared", "real"))
CDR = os.path.join(REAL, "cdr")
DECK = os.path.join(REAL, "decks", "sdf-outbound-rates.csv.xz")
PROVIDERS = os.path.join(ROOT, "data", "providers")
ORACLE = os.path.join(ROOT, "tests", "oracle")


def run(*arguments, code=0):
    done = subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}, expected {code}\n{done.stderr}"
    return done


def imports(work, spec, name, rows, warnings):
    dataset = os.path.join(work, name)
    result = json.loads(run("import", "--spec", os.path.join(PROVIDERS, spec), "-o", dataset, "--json",
                            os.path.join(CDR, name)).stdout)
    assert result["accepted"] == rows and result["rejected"] == 0, (name, result)
    assert result["warnings"] == warnings, (name, result)
    run("verify", dataset)


def refused(work, spec, name, *reasons):
    dataset = os.path.join(work, name)
    done = run("import", "--spec", os.path.join(PROVIDERS, spec), "-o", dataset, os.path.join(CDR, name), code=65)
    assert name in done.stderr, done.stderr
    assert any(reason in done.stderr for reason in reasons), done.stderr
    assert not os.path.exists(os.path.join(dataset, "dataset.json")), "a refused file left a manifest"
    left = [n for _, _, names in os.walk(dataset) for n in names] if os.path.exists(dataset) else []
    assert left == [], left


def real_deck(work):
    book = os.path.join(work, "book")
    os.makedirs(os.path.join(book, "decks"))

    def write(name, text):
        with open(os.path.join(book, name), "w") as out:
            out.write(text)

    with lzma.open(DECK, "rt", newline="") as packed:
        sheet = packed.read()
    write("decks/sdf.csv", sheet)
    write("book.yaml", "book: sdf\ncurrency: USD\ntimezone: UTC\n")
    write("accounts.csv", "account\nacme\n")
    write("numbers.csv", "number,account\n12125550100,acme\n")
    write("plans.csv", "plan\np\n")
    write("assignments.csv", "subject,plan\ndefault,p\n")
    write("plan_rules.csv", "plan,action,deck\np,deck,sdf\n")
    write("decks.csv", "deck,columns\nsdf,prefix=Prefix;destination=Destination;initial_s=First Interval;"
          "increment_s=Sub Interval;rate=Rate;status=Status;from=Start Date;to=End Date\n")
    compiled = run("compile", book, "-o", os.path.join(work, "sdf.image"), "--json")
    result = json.loads(compiled.stdout)
    assert result["price_rows"] >= 27523 and result["errors"] == 0 and result["warnings"] == 9, result

    prefixes = [row["Prefix"] for row in csv.DictReader(sheet.splitlines())]
    assert len(prefixes) == 27523
    rng = random.Random(20260301)
    cdrs = os.path.join(work, "calls.csv")
    with open(cdrs, "w") as out:
        out.write("record_id,start,duration_s,caller,callee,answered\n")
        for i in range(100000):
            prefix = rng.choice(prefixes)
            if rng.randrange(10) == 0:
                prefix = prefix[:rng.randrange(1, len(prefix) + 1)]
            digits = prefix + "".join(rng.choice("0123456789") for _ in range(max(7, rng.randrange(10, 14)) - len(prefix)))
            # Most calls are later than every start date of the sheet; some fall between them.
            day = rng.randrange(1, 28)
            year, month = (2012, 3) if rng.randrange(4) else (2010, rng.randrange(6, 13))
            out.write(f"r{i},{year}-{month:02d}-{day:02d}T{rng.randrange(24):02d}:{rng.randrange(60):02d}:"
                      f"{rng.randrange(60):02d}Z,{rng.randrange(0, 900)}.{rng.randrange(1000):03d},+12125550100,"
                      f"+{digits},{'no' if rng.randrange(12) == 0 else 'yes'}\n")
    dataset, rated, lines = (os.path.join(work, n) for n in ("ds", "run", "export.csv"))
    run("import", "--spec", os.path.join(PROVIDERS, "tollmill.yaml"), "-o", dataset, cdrs, "--quiet")
    run("rate", "--book", book, "--cdrs", dataset, "-o", rated, "--quiet")
    run("export", rated, "--cdrs", dataset, "--format", "csv", "-o", lines)
    expected = os.path.join(work, "oracle.csv")
    subprocess.run([sys.executable, os.path.join(ORACLE, "oracle.py"), book, "--feed", "=" + cdrs, "-o",
                    expected], check=True)
    subprocess.run([sys.executable, os.path.join(ORACLE, "compare.py"), expected, lines], check=True)


def main():
    if not os.path.exists(DECK) or not os.path.exists(CDR):
        print("skipped: the real samples are not here (TOLL_REAL)")
        return 77
    with tempfile.TemporaryDirectory() as work:
        imports(work, "asterisk-cdr-csv.yaml", "asterisk-testsuite_good.csv", 5, 1)
        imports(work, "freeswitch-example.yaml", "freeswitch_docs_sample_Master.csv", 5, 0)
        refused(work, "asterisk-cdr-csv.yaml", "asterisk-testsuite_buggy.csv", "quote")
        refused(work, "asterisk-cdr-csv.yaml", "asterisk-testsuite_CELMaster1.csv", "looks like asterisk-cdr-csv but is not")
        real_deck(work)
    print("real samples and the real deck agree")
    return 0


if __name__ == "__main__":
    sys.exit(main())
