"""A taxed month worked by hand: which tuples there are, and what each account and site owes of what.

Three accounts in two zones and with two cycle days, a rate that changes within the month, a change of the clocks, splits
by product and by jurisdiction, a line without a site, and a bundle that rejects. What is expected is written here; then
the same month is rated by several threads and instruction sets, again where lines had waited, and behind a closed month.
"""
import csv
import io
import json
import os
import shutil
import sys
from decimal import Decimal

import fault_tools as tools

BOOK = {
    "book.yaml": "book: taxed\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account,timezone,cycle_day,tax_site\nacme,,1,\nbeta,America/Chicago,15,b2\nloose,,1,\n",
    "sites.csv": "site,account,area\nhq,acme,city\nshed,acme,state\nb1,beta,city\nb2,beta,state\n",
    "numbers.csv": "account,number,site\nacme,12125550100,hq\nacme,12125550101,shed\nacme,12125550102,\n"
                   "beta,13125550100,b1\nbeta,13125550101,\nloose,12125550200,\n",
    "npanxx.csv": "prefix,state\n1212555,NY\n1312555,IL\n1201555,NJ\n1646555,NY\n",
    "assignments.csv": "subject,plan\ndefault,p\n",
    "plans.csv": "plan\np\n",
    "plan_rules.csv": "plan,action,deck,service,product,amount,priority\np,flat,,sms,text,0.01,1\np,deck,us,voice,,,2\n",
    "decks/us.csv": "prefix,rate\n1,0.60\n44,6\n",
    "tax_jurisdictions.csv": "id,level,state,parent\nUS,federal,,\nNY,state,NY,US\nNYC,city,,NY\n",
    "tax_areas.csv": "area,tax_jurisdiction\ncity,NYC\nstate,NY\n",
    "products.csv": "product\ntext\n",
    "tax_map.csv": "tax_service,product,jurisdiction,share\nmessages,text,,\nintra,,intrastate,\ninter,,interstate,0.75\n"
                   "data,,interstate,0.25\n",
    "taxes.csv": "tax,tax_jurisdiction,rate,tax_services,from,to\nfund,US,10%,inter,,2026-03-10\n"
                 "fund,US,20%,inter,2026-03-10,\nsales,NY,5%,,,\ncity,NYC,1%,,,\n",
    "exemptions.csv": "account,site,tax,from\nacme,hq,sales,2026-03-20\n",
}
INTER, INTRA, ABROAD = "+12015550111", "+16465550111", "+442079460000"
# start in UTC, caller, callee, minutes, service; what is expected: account, site, period, first day of the span, services
CALLS = [
    # acme counts months of New York: 04:59 UTC is still February, 05:00 March
    ("2026-03-01T04:59:59Z", "12125550100", INTRA, 1, "voice", "acme", "hq", "2026-02-01", "intra"),
    ("2026-03-01T05:00:00Z", "12125550100", INTRA, 1, "voice", "acme", "hq", "2026-03-01", "intra"),
    ("2026-03-01T05:00:01Z", "12125550100", INTER, 2, "voice", "acme", "hq", "2026-03-01", "data:0.25;inter:0.75"),
    # the clocks have changed on the 8th: the 10th begins at 04:00 UTC, and the rate with it
    ("2026-03-10T03:59:59Z", "12125550100", INTER, 3, "voice", "acme", "hq", "2026-03-01", "data:0.25;inter:0.75"),
    ("2026-03-10T04:00:00Z", "12125550100", INTER, 4, "voice", "acme", "hq", "2026-03-10", "data:0.25;inter:0.75"),
    ("2026-03-10T12:00:00Z", "12125550101", INTER, 1, "voice", "acme", "shed", "2026-03-10", "data:0.25;inter:0.75"),
    # the exemption is of hq alone, but its day parts all spans
    ("2026-03-20T12:00:00Z", "12125550100", INTRA, 1, "voice", "acme", "hq", "2026-03-20", "intra"),
    ("2026-03-20T12:00:01Z", "12125550101", INTRA, 1, "voice", "acme", "shed", "2026-03-20", "intra"),
    # messages have a product, and so their split
    ("2026-03-21T12:00:00Z", "12125550100", INTER, 0, "sms", "acme", "hq", "2026-03-20", "messages"),
    # beta's periods begin on the 15th, by the clocks of Chicago
    ("2026-03-15T04:59:59Z", "13125550100", INTER, 1, "voice", "beta", "b1", "2026-03-10", "data:0.25;inter:0.75"),
    ("2026-03-15T05:00:00Z", "13125550100", INTER, 1, "voice", "beta", "b1", "2026-03-15", "data:0.25;inter:0.75"),
    ("2026-03-10T04:30:00Z", "13125550101", INTER, 1, "voice", "beta", "", "2026-02-15", "data:0.25;inter:0.75"),
    ("2026-03-10T05:00:00Z", "13125550101", INTER, 1, "voice", "beta", "", "2026-03-10", "data:0.25;inter:0.75"),
]
# and what cannot be taxed: no site that tells (two sites and none named), no account's site at all, no tax service
SUSPENDED = [
    ("2026-03-02T12:00:00Z", "12125550102", INTER, 1, "voice", "no_site"),
    ("2026-03-02T12:00:01Z", "12125550200", INTER, 1, "voice", "no_site"),
    ("2026-03-02T12:00:02Z", "12125550100", ABROAD, 1, "voice", "no_tax_service"),
]
WAITING = [("2026-03-11T12:00:00Z", "12125550999", INTER, 5, "voice")]  # nobody's, until the next book


def write(folder, tables):
    for name, text in tables.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.write(text)


def month(copies):
    rows = ["record_id,start,duration_s,caller,callee,service,quantity\n"]
    for n, call in enumerate(CALLS + SUSPENDED + WAITING):
        start, caller, callee, minutes, service = call[:5]
        for i in range(copies):
            rows.append(f"{n}-{i},{start},{minutes * 60},+{caller},{callee},{service},{1 if service == 'sms' else ''}\n")
    with open("month.csv", "w", encoding="utf-8") as out:
        out.writelines(rows)


def usage(run):
    """The buckets with their tuples, once each."""
    done = tools.run("tax", run, "--what", "lines", "--csv-safe", "raw", "--quiet")
    assert done.returncode in (0, 1), done.stderr
    rows = csv.DictReader(io.StringIO(done.stdout))
    return {(r["account"], r["site"], r["tuple"]): r for r in rows if r["kind"] == "usage"}


def check_lines(run, copies):
    wanted = {}
    for _, _, _, minutes, service, account, site, day, services in CALLS:
        key = (account, site, day, services)
        charge = 60 * minutes if service == "voice" else 1
        wanted[key] = wanted.get(key, 0) + charge * copies
    found = {}
    for row in usage(run).values():
        if row["tax_services"] and row["tax_jurisdiction"]:
            key = (row["account"], row["site"], row["period"], row["tax_services"])
            found.setdefault(key, []).append(int(Decimal(row["charge"]) * 100))
    for account, site, day, services in wanted:
        period = period_of(account, day)
        assert wanted[account, site, day, services] in found[account, site, period, services], \
            (account, site, day, services, wanted, found)
    assert sum(sum(charges) for charges in found.values()) == sum(wanted.values()), (wanted, found)
    assert sum(len(charges) for charges in found.values()) == len(wanted), (sorted(found), sorted(wanted))


def register(run):
    """Without `lines`: what two books have rated stays apart, so there are more of them."""
    done = tools.run("tax", run, "--quiet")
    assert done.returncode in (0, 1), done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    return [{name: value for name, value in row.items() if name != "lines"} for row in rows]


def period_of(account, day):
    """First day of the billing period that holds a day."""
    if account == "acme":
        return day[:8] + "01"
    if day[8:] >= "15":
        return day[:8] + "15"
    return f"{day[:5]}{int(day[5:7]) - 1:02}-15"


def by_ends(copies):
    """Taxes by the ends: acme's calls begin in New York, where its sites are; beta's in Illinois, to New Jersey, and
    neither state is in the tables, so nothing is in two of three."""
    shutil.copytree("book", "ends")
    write("ends", {"taxes.csv": "tax,tax_jurisdiction,rate,sourcing\nfund,US,10%,two_of_three\nsales,NY,5%,two_of_three\n"
                                "leg,NY,1%,origin\n",
                   "numbers.csv": BOOK["numbers.csv"]})
    for threads in ("1", "3"):
        tools.ok("rate", "--book", "ends", "--cdrs", "ds", "-o", f"ends-{threads}", "--threads", threads, "--quiet")
    assert tools.tree("ends-1") == tools.tree("ends-3")
    tools.ok("verify", "ends-1", "--quiet")
    tools.ok("explain", "ends-1", "2026-03-10:0", "--cdrs", "ds")
    charges = {"": 0, "exempt": 0}
    for start, _, _, minutes, service, account, site, _, _ in CALLS:
        if account == "acme":
            charge = copies * (Decimal("0.6") * minutes if service == "voice" else Decimal("0.01"))
            charges["exempt" if site == "hq" and start >= "2026-03-20T04" else ""] += charge
    whole = charges[""] + charges["exempt"]
    found = {}
    for row in register("ends-1"):
        assert row["account"] == "acme", row
        key = (row["tax"], row["tax_jurisdiction"])
        found[key] = found.get(key, 0) + Decimal(row["tax_exact"])
    assert found == {("fund", "US"): whole / 10, ("sales", "NY"): charges[""] / 20, ("leg", "NY"): whole / 100}, found


def main():
    copies = int(os.environ.get("TUPLE_CALLS", "1500"))
    with tools.work_folder():
        write("book", BOOK)
        month(copies)
        tools.ok("import", "--spec", tools.SPEC, "-o", "ds", "month.csv", "--quiet")
        result = json.loads(tools.ok("rate", "--book", "book", "--cdrs", "ds", "-o", "run", "--json"))
        assert result["suspense"]["no_account"] == copies, result
        tools.ok("verify", "run", "--quiet")
        check_lines("run", copies)
        suspended = tools.run("tax", "run", "--what", "suspense", "--quiet")
        reasons = {}
        for row in csv.DictReader(io.StringIO(suspended.stdout)):
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + int(row["calls"])
        assert reasons == {"no_site": 2 * copies, "no_tax_service": copies}, reasons

        want = tools.tree("run")
        for options in (("--threads", "1"), ("--threads", "3"), ("--simd", "scalar"), ("--io", "pread")):
            tools.ok("rate", "--book", "book", "--cdrs", "ds", "-o", "other", "--quiet", *options)
            assert tools.tree("other") == want, options
            shutil.rmtree("other")
        tools.ok("compile", "book", "-o", "book.image", "--quiet")
        tools.ok("rate", "--book", "book.image", "--cdrs", "ds", "-o", "other", "--quiet")
        assert tools.tree("other") == want, "an image rates unlike its folder"

        # What had waited has a new book's tuples, what is kept its own; together they are what all of it would be.
        with open("book/numbers.csv", "a", encoding="utf-8") as numbers:
            numbers.write("acme,12125550999,hq\n")
        tools.ok("rate", "--book", "book", "--cdrs", "ds", "--only-suspense", "run", "-o", "merged", "--quiet")
        tools.ok("verify", "merged", "--quiet")
        tools.ok("rate", "--book", "book", "--cdrs", "ds", "-o", "whole", "--quiet")
        tools.ok("verify", "whole", "--quiet")
        assert register("merged") == register("whole") != register("run")
        with open("merged/run.json", encoding="utf-8") as manifest:
            books = json.load(manifest)["books"]
        assert books[0]["price_shift"] == 0 and "tuple_shift" not in books[0] and books[1]["tuple_shift"] > 0, books

        tools.ok("explain", "whole", "2026-03-10:0", "--cdrs", "ds")
        by_ends(copies)

        # A bundle that rejects takes the tuple from a line that has it already.
        write("book", {"bundles.csv": "bundle,unit,quantity,scope,at_limit\nfew,s,600,account,reject\n",
                       "subscriptions.csv": "subject,bundle\naccount:beta,few\n"})
        for threads in ("1", "2"):
            out = f"limited-{threads}"
            tools.ok("rate", "--book", "book", "--cdrs", "ds", "-o", out, "--threads", threads, "--quiet")
            tools.ok("verify", out, "--quiet")
        assert tools.tree("limited-1") == tools.tree("limited-2")
    print("tuples by hand, the same for any number of threads, and kept where lines are")
    return 0


if __name__ == "__main__":
    sys.exit(main())
