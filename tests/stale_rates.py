#!/usr/bin/env python3
"""rate warns of rates of taxes that were to be looked at again before the run's last day, in its text and not in its
exit code; of many it tells twenty and counts the rest. The run itself is the same.

Run by ctest with TOLLMILL (the program) and TOLL_SOURCE_DIR (the checkout).
"""
import os
import shutil
import subprocess
import tempfile

TOLLMILL = os.environ["TOLLMILL"]
SPEC = os.path.join(os.environ["TOLL_SOURCE_DIR"], "data", "providers", "tollmill.yaml")
BOOK = {
    "book.yaml": "book: b\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account\nacme\n",
    "sites.csv": "site,account,area\nhq,acme,austin\n",
    "numbers.csv": "number,account,site\n12125550100,acme,hq\n",
    "plans.csv": "plan\np\n",
    "assignments.csv": "subject,plan\ndefault,p\n",
    "plan_rules.csv": "plan,action,deck\np,deck,d\n",
    "decks/d.csv": "prefix,rate\n1,0.06\n",
    "tax_jurisdictions.csv": "id,level,state\nTX,state,TX\n",
    "tax_areas.csv": "area,tax_jurisdiction\naustin,TX\n",
    "tax_map.csv": "tax_service\ntelecom\n",
}
HEADER = "tax,tax_jurisdiction,level,rate,as_of,cadence,from,to\n"


def put(path, text):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def told(rows, run):
    """The lines of the warnings when the month is rated with these rows of taxes.csv."""
    put("book/taxes.csv", HEADER + rows)
    done = subprocess.run([TOLLMILL, "rate", "--book", "book", "--cdrs", "cdrs", "-o", run], capture_output=True, text=True,
                          timeout=120, env=dict(os.environ, NO_COLOR="1"), check=True)
    return [line for line in done.stderr.splitlines() if "[stale_tax]" in line]


def main():
    # 03:30 UTC on 1 April is still 31 March in New York.
    put("cdrs.csv", "record_id,start,duration_s,caller,callee\na,2026-03-02T12:00:00Z,60,+12125550100,+12015550111\n"
                    "b,2026-04-01T03:30:00Z,60,+12125550100,+12015550111\n")
    for name, text in BOOK.items():
        put(os.path.join("book", name), text)
    subprocess.run([TOLLMILL, "import", "--spec", SPEC, "-o", "cdrs", "cdrs.csv", "--quiet"], check=True, timeout=120)
    # Due on 1 April and on 31 March, the last day itself.
    assert told("sales,TX,,1%,2026-03-01,month,,\nuse,,state,1%,2025-12-31,quarter,,\nnew,TX,,1%,,month,,\n", "fresh") == []
    warned = told("sales,TX,,1%,2026-02-27,month,,\nuse,,state,1%,2025-03-30,year,,\n", "stale")
    assert len(warned) == 2, warned
    assert warned[0].startswith('taxes.csv:2: warning [stale_tax]: the rate of "sales" of TX was to be looked at again by 2026-03-27'), warned
    assert '"use" was to be looked at again by 2026-03-30, and the run goes on until 2026-03-31' in warned[1], warned
    # A row that ended is told where nothing follows it; one that is not yet in force is not.
    warned = told("a,TX,,1%,2025-01-01,month,,2026-03-01\nb,TX,,1%,2025-01-01,month,,2026-03-01\nb,TX,,1%,,,2026-03-01,\n"
                  "c,TX,,1%,2025-01-01,month,2026-04-01,\n", "ended")
    assert [line.split(":")[1] for line in warned] == ["2"], warned
    warned = told("".join(f"t{n},TX,,1%,2025-01-01,month,,\n" for n in range(25)), "many")
    assert len(warned) == 21 and "5 more rates" in warned[20], warned


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="tollmill-stale-")
    try:
        os.chdir(folder)
        main()
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
