"""Each example that the help of a verb shows runs as it stands, in a folder where what it names is there: it ends with 0, or with 1
where it has findings."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

TOLLMILL = os.environ["TOLLMILL"]
ROOT = os.environ["TOLL_SOURCE_DIR"]
SPEC = os.path.join(ROOT, "data", "providers", "tollmill.yaml")
SKIPPED = ("tax",)  # tests/tax_command.py has a taxed book
# What takes long, another machine, or a busier day.
SHORTER = (("--cdrs 100M --numbers 200k --prefixes 200k", "--cdrs 2k --numbers 200 --accounts 20 --prefixes 1k"),
           ("gen -o try\n", "gen -o try --cdrs 2k\n"),
           ("--cdrs 100k", "--cdrs 1k"), ("--seconds 60", "--seconds 1"), ("--simd avx512", "--simd scalar"), ("2026-03-01:1234", "2026-03-01:2"))
BOOK = {
    "book.yaml": "book: months\ncurrency: USD\ntimezone: UTC\n",
    "accounts.csv": "account,name\nacme,Acme Ltd\nbeta,Beta\n",
    "numbers.csv": "number,account\n12125550100,acme\n12125550200,beta\n",
    "plans.csv": "plan\nbasic\nflat\npro\nvendor\nother\n",
    "assignments.csv": "subject,plan,side\ndefault,basic,\ndefault,vendor,buy\ncarrier:One,vendor,buy\ncarrier:Two,other,buy\n",
    "plan_rules.csv": "plan,action,deck,amount\nbasic,deck,intl,\nflat,flat,,0.04\npro,deck,intl,\nvendor,deck,v1,\nother,deck,v2,\n",
    "decks/intl.csv": "prefix,destination,rate\n44,United Kingdom,0.10\n52,Mexico,0.20\n",
    "decks/v1.csv": "prefix,destination,rate\n44,UK,0.02\n52,Mexico,0.03\n",
    "decks/v2.csv": "prefix,destination,rate\n44,UK,0.03\n52,Mexico,0.02\n",
}
CSV = "record_id,start,duration_s,caller,callee,direction,answered,provider_charge\n"


def write(path, text):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def calls(month):
    rows = [CSV]
    for at in range(40):
        rows.append("%s-%d,2026-%s-%02dT12:00:%02dZ,%d,+121255502%02d,%s,out,yes,0.02\n" % (
            month, at, month, at % 28 + 1, at, 30 * at, 0 if at % 4 else 1, "+442079460000" if at % 3 else "+525512345678"))
        rows.append("%s-%da,2026-%s-%02dT13:00:%02dZ,61,+12125550100,+442079460000,out,yes,0.02\n" % (month, at, month, at % 28 + 1, at))
    return "".join(rows)


def good(*arguments, code=(0,)):
    done = subprocess.run([TOLLMILL, *arguments], capture_output=True, text=True)
    if done.returncode not in code:
        sys.exit("%s: exit %d\n%s%s" % (" ".join(arguments), done.returncode, done.stdout, done.stderr))
    return done.stdout


def make_world():
    os.symlink(os.path.join(ROOT, "data"), "data")
    for name, text in BOOK.items():
        write("book/" + name, text)
    good("gen", "-o", "try", "--cdrs", "200", "--quiet")
    shutil.copy(SPEC, "carrier.yaml")
    write("2026-03/a.csv", calls("03"))
    write("new-file.csv", calls("02"))
    write("april.csv", "prefix,destination,rate\n44,United Kingdom,0.11\n52,Mexico,0.19\n")
    for dataset in "cdrs", "repaired":
        good("import", "--spec", SPEC, "-o", dataset, "--quiet", "2026-03/a.csv", "new-file.csv")
    for image in "book.image", "march.image", "april.image":
        good("compile", "book", "-o", image, "--quiet")
    march = ("--from", "2026-03-01", "--to", "2026-04-01", "--quiet")
    os.makedirs("runs")
    os.makedirs("ledgers")
    good("rate", "--book", "book", "--cdrs", "cdrs", "--to", "2026-03-01", "-o", "runs/2026-02", "--quiet")
    good("close", "runs/2026-02", "--until", "2026-03-01", "-o", "state-02", "--quiet")
    for run in "runs/2026-03", "runs/2026-03-again":
        good("rate", "--book", "book", "--cdrs", "cdrs", "-o", run, *march)
    good("rate", "--book", "book", "--cdrs", "cdrs", "-o", "run", "--quiet")
    good("close", "runs/2026-03", "--until", "2026-04-01", "-o", "state-03", "--quiet")
    write("book/decks/intl.csv", BOOK["decks/intl.csv"].replace("0.10", "0.12"))
    good("rerate", "runs/2026-03", "--book", "book", "-o", "runs/2026-03b", "--quiet", code=(1,))
    shutil.copytree("runs/2026-03b.delta", "runs/2026-03.delta")
    good("ledger", "ledgers/2026-03", "--post", "runs/2026-03", "--quiet")


def examples_of(verb):
    """A line each; what is continued on the next line is one."""
    text = good(verb, "--help").split("Examples:\n")[1].split("\nUsage:")[0]
    return [line.strip() for line in re.sub(r"\n  (?=tollmill )", "\0", "\n" + text).split("\0") if line.strip()]


def ready(verb, line):
    """Outputs are not there yet, nor what the ledger shall take."""
    output = re.search(r" -o (\S+)", line)
    if output and verb not in ("import",) and os.path.exists(output.group(1)):
        (shutil.rmtree if os.path.isdir(output.group(1)) else os.remove)(output.group(1))
        if os.path.isdir(output.group(1) + ".delta"):
            shutil.rmtree(output.group(1) + ".delta")
    if "--post runs/2026-03" in line and "delta" not in line:
        shutil.rmtree("ledgers/2026-03")


def run_all(folder):
    verbs = re.findall(r"^  ([a-z]+) ", good("--help").split("Verbs:")[1], re.M)
    has_jq = shutil.which("jq") is not None
    made, work = folder + "/made", folder + "/work"
    os.makedirs(folder + "/tools")
    os.symlink(os.path.realpath(TOLLMILL), folder + "/tools/tollmill")
    path = folder + "/tools:" + os.environ["PATH"]
    os.makedirs(made)
    os.chdir(made)
    make_world()
    ran = 0
    for verb in verbs:
        for line in examples_of(verb) if verb not in SKIPPED else ():
            if not has_jq:
                line = line.split("| jq")[0]
            for long, short in SHORTER:
                line = (line + "\n").replace(long, short).strip()
            shutil.copytree(made, work, symlinks=True)
            os.chdir(work)
            ready(verb, line)
            done = subprocess.run(["bash", "-o", "pipefail", "-c", line], env=dict(os.environ, PATH=path), capture_output=True, text=True)
            if done.returncode not in (0, 1):
                sys.exit("%s: exit %d\n%s%s" % (line, done.returncode, done.stdout, done.stderr))
            os.chdir("/")
            shutil.rmtree(work)
            ran += 1
    return ran


def main():
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="tollmill-help-", dir=memory) as folder:
        ran = run_all(folder)
        os.chdir("/")
    if ran < 50:
        sys.exit("only %d examples were found" % ran)
    print("%d examples of the help run" % ran)


main()
