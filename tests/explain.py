#!/usr/bin/env python3
"""explain against what is rated: for lines of the examples of docs/RATING.md its line is the run's, its arithmetic ends in the
charge, and --call of the same record says what rating that record alone says; near misses, masks and hostile texts by hand.

    explain.py [--worlds N --seed S --kind calls|usage|taxes]  random books of tests/oracle as well
"""
import argparse
import csv
import fractions
import json
import os
import random
import re
import subprocess
import sys
import tempfile

TOLLMILL = os.environ["TOLLMILL"]
SOURCE = os.environ["TOLL_SOURCE_DIR"]
SPEC = os.path.join(SOURCE, "data", "providers", "tollmill.yaml")
NAMES = {"caller": "from", "callee": "to", "start": "at", "duration_s": "secs", "account_hint": "hint", "lrn_callee": "lrn",
         "lrn_caller": "lrn_from"}
ASKED = ("caller", "callee", "start", "duration_s", "service", "quantity", "direction", "answered", "charged", "trunk",
         "account_hint", "calltype", "lrn_caller", "lrn_callee", "provider_charge", "ring_to")
COMPARED = ("status", "reason", "account", "site", "class", "jurisdiction", "destination", "deck", "prefix", "band", "billed",
            "included", "charge", "cost", "cost_status")

sys.path.insert(0, os.path.join(SOURCE, "tests", "oracle"))
import examples  # noqa: E402


def run(*command, code=0):
    done = subprocess.run([TOLLMILL, *command], capture_output=True, text=True, check=False)
    assert done.returncode == code, "%s: exit %d\n%s%s" % (" ".join(command), done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def rows_of(path):
    with open(path, newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def export(path, cdrs):
    return list(csv.DictReader(run("export", path, "--cdrs", cdrs, "--format", "csv", "--csv-safe", "raw").splitlines()))


def figures(found):
    """What --json says, as export has it."""
    line, price = found["line"], found["line"]["price"] or {}
    cells = {name: line.get(name) for name in COMPARED}
    cells.update({name: price.get(name) for name in ("destination", "deck", "prefix", "band")})
    return {name: "" if value is None else str(value) for name, value in cells.items()}


def same(what, found, line):
    got = figures(found)
    for name in COMPARED:
        if name in line and not (name == "cost" and line[name] == ""):
            assert got[name] == line[name], "%s: %s is %r, not %r\n%s" % (what, name, got[name], line[name],
                                                                          json.dumps(found, indent=1))
    results = [entry["text"] for entry in found["entries"] if entry["kind"] == "result"]
    assert results and results[0] == line["status"] + (", " + line["reason"] if line["reason"] else ""), (what, results)
    if line["status"] in ("rated", "zero_rated"):
        assert any(text.startswith(line["charge"] + " ") for text in results), (what, results)
    if "tax" in line and line["tax"] and found["line"]["taxes"] is not None:
        assert found["line"]["taxes"] == line["tax"], (what, found["line"]["taxes"], line["tax"])


def number(text):
    """"0.06", "0.155 / 3 (about 0.05166667)"."""
    parts = text.split(" (")[0].split(" / ")
    return fractions.Fraction(parts[0]) / (int(parts[1]) if len(parts) > 1 else 1)


def rounded(value, mode, places):
    sign, scaled = (-1 if value < 0 else 1), abs(value) * 10**places
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    if mode == "up":
        whole += rest > 0
    elif mode == "half up":
        whole += rest >= fractions.Fraction(1, 2)
    elif mode == "half to even":
        whole += rest > fractions.Fraction(1, 2) or (rest == fractions.Fraction(1, 2) and whole % 2 == 1)
    return sign * fractions.Fraction(whole, 10**places)


def sums(what, entries, credit):
    """Every product, sum and rounding of the texts, worked out again."""
    exact, parts = None, fractions.Fraction(0)
    for entry in entries:
        text = entry["text"]
        product = re.search(r"([0-9.]+) x ([0-9]+)(?: / ([0-9]+))? = ([0-9.]+(?: / [0-9]+)?)", text)
        if product and entry["name"] in ("exact", "stretch", "tier", "remains"):
            fee = re.search(r"([0-9.]+) \(connect fee\)", text)
            value = (fractions.Fraction(fee[1]) if fee else 0) + fractions.Fraction(product[1]) * int(product[2]) / int(product[3] or 1)
            assert value == number(product[4]), (what, text)
            exact = value
            if entry["name"] in ("stretch", "tier"):
                parts += value
        if entry["name"] == "exact" and text.startswith("together "):
            exact = number(text[9:])
            assert exact == parts, (what, text, parts)
        if entry["name"] == "exact" and "all stretches = " in text:
            fee = re.search(r"([0-9.]+) \(connect fee\)", text)
            exact = number(text.split(" = ")[1])
            assert exact == parts + (fractions.Fraction(fee[1]) if fee else 0), (what, text, parts)
        if entry["name"] == "exact" and " per record" in text:
            exact = fractions.Fraction(text.split()[0])
        if entry["name"] == "exact" and "of the provider" in text:
            provider, percent, fee, value = re.match(r"([0-9.-]+) of the provider x \(1 \+ ([0-9.-]+) / 100\) \+ ([0-9.-]+) = (.*)", text).groups()
            exact = number(value)
            assert exact == fractions.Fraction(provider) * (1 + fractions.Fraction(percent) / 100) + fractions.Fraction(fee), (what, text)
        limit = re.match(r"(?:raised|cut) to the (?:minimum|maximum) charge ([0-9.]+)", text)
        if limit and entry["name"] in ("minimum", "maximum"):
            assert (exact < fractions.Fraction(limit[1])) == (entry["name"] == "minimum"), (what, text, exact)
            exact = fractions.Fraction(limit[1])
        charge = re.match(r"rounded (half up|half to even|up|down) to ([0-9]) decimals: ([0-9.-]+)", text)
        if entry["name"] == "charge" and charge and exact is not None:
            assert rounded(exact, charge[1], int(charge[2])) * (-1 if credit else 1) == fractions.Fraction(charge[3]), (what, text, exact)
        steps = re.search(r"; (?:at least ([0-9]+); )?(?:less [0-9]+ free: ([0-9]+); )?first ([0-9]+)(?:, then ([0-9]+) of ([0-9]+))?: ([0-9]+) ", text)
        if entry["name"] == "billed" and steps:
            first, count, step, billed = (int(cell or 0) for cell in steps.groups()[2:])
            assert first + count * step == billed, (what, text)
            used = int(steps[2] or steps[1] or re.search(r"([0-9]+) (?:s|messages?|bytes?|events?);", text)[1])
            assert count == 0 or first + (count - 1) * step < used <= billed, (what, text)


def bundles(what, found):
    given = 0
    for entry in found["entries"]:
        left = re.search(r"gives ([0-9]+) [a-z]+: left before ([0-9]+), after ([0-9]+)(; beyond)?", entry["text"])
        if entry["name"] == "bundle" and left and entry["part"] == "rating":
            given += int(left[1])
            assert left[4] or int(left[1]) == int(left[2]) - int(left[3]), (what, entry)
    known = any("left before" in entry["text"] for entry in found["entries"] if entry["part"] == "rating")
    assert not known or given == found["line"]["included"], (what, given, found["line"]["included"])


def arithmetic(what, found):
    """The last charge of the steps is the line's, where nothing else comes after it."""
    for part in ("rating", "cost"):
        sums(what, [entry for entry in found["entries"] if entry["part"] == part], found["call"]["quantity"] < 0)
    bundles(what, found)
    steps = [entry for entry in found["entries"] if entry["part"] == "rating" and entry["name"] in ("charge", "remains")]
    line = found["line"]
    if line["status"] != "rated" or not steps or (steps[-1]["name"] == "charge" and line["included"] > 0):
        return
    last = steps[-1]["text"].replace(" (a credit)", "").rsplit(": ", 1)[1]
    assert decimal(last) == decimal(line["charge"]), (what, steps[-1], line["charge"])


def decimal(text):
    sign = -1 if text.startswith("-") else 1
    whole, _, places = text.lstrip("-").partition(".")
    return sign * (int(whole or "0") * 10**8 + int(places.ljust(8, "0")[:8]))


def call_text(record, carrier):
    cells = {NAMES.get(name, name): record[name] for name in ASKED if record.get(name)}
    if carrier:
        cells["carrier"] = carrier
    return ", ".join("%s=%s" % pair for pair in cells.items())


def alone(folder, image, record, carrier, number):
    """The line of a record that is the only one of its run, and the run."""
    path, data, out = (os.path.join(folder, name % number) for name in ("one%d.csv", "one-ds%d", "one-run%d"))
    with open(path, "w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(record))
        writer.writeheader()
        writer.writerow(record)
    run("import", "--spec", SPEC, "-o", data, path, "--quiet", *(["--carrier", carrier] if carrier else []))
    run("rate", "--book", image, "--cdrs", data, "--quiet", "-o", out)
    return export(out, data)[0]


def made_up(folder, image, record, carrier, number, line):
    """--call of a record against rating it alone (line: as it is, whatever else there is). A comma within a value, legs and
    conflicts cannot be asked."""
    if any("," in (value or "") for value in record.values()) or record.get("legs") == "both" or (line and line["reason"] == "conflict"):
        return False
    line = line or alone(folder, image, record, carrier, number)
    found = json.loads(run("explain", "--book", image, "--call", call_text(record, carrier), "--json", "--unmask"))
    same("--call '%s'" % call_text(record, carrier), found, line)
    arithmetic(call_text(record, carrier), found)
    return True


def a_run(folder, name, image, feeds, rest, made, rng, explained, tried):
    """Explains some of its lines, and some of its records as made-up calls. Returns how many."""
    data, out = os.path.join(folder, name + "-ds"), os.path.join(folder, name + "-run")
    for carrier, path in feeds:
        run("import", "--spec", SPEC, "-o", data, path, "--quiet", "--max-rejects", "1000000", *(["--carrier", carrier] if carrier else []))
    run("rate", "--book", image, "--cdrs", data, "--quiet", "-o", out, *rest)
    lines = export(out, data)
    seen, chosen = set(), []
    for line in rng.sample(lines, len(lines)):
        kind = (line["status"], line["reason"], line["deck"], line["band"], line["class"], line["jurisdiction"], line.get("included") != "0")
        if kind not in seen or rng.random() < 0.02:
            seen.add(kind)
            chosen.append(line)
    for line in chosen[:explained]:
        found = json.loads(run("explain", out, line["day"] + ":" + line["row"], "--cdrs", data, "--json", "--unmask"))
        same("%s %s" % (name, line["record_id"]), found, line)
        arithmetic("%s %s" % (name, line["record_id"]), found)
        assert found["schema"] == "tollmill.explain/1" and found["run"] == out, found
    count = 0
    by_id = {} if made else {line["record_id"]: line for line in lines}
    records = [(record, carrier) for carrier, path in feeds for record in rows_of(path)]
    for record, carrier in rng.sample(records, len(records)):
        if count < tried and (made or record.get("record_id") in by_id):
            count += made_up(folder, image, record, carrier, count, by_id.get(record.get("record_id")))
    return min(len(chosen), explained), count


def all_examples(rng):
    explained = tried = 0
    pages = [os.path.join(SOURCE, "docs", name) for name in ("RATING.md", "TAX.md")]
    found = [example for page in pages for example in examples.read_examples(page)]
    for heading, parts in found:
        if "refused" in parts or not any(name.startswith("cdrs") for name in parts) or any(name.startswith("after ") for name in parts):
            continue
        with tempfile.TemporaryDirectory() as folder:
            book, feeds = examples.write_example(parts, folder)
            image = os.path.join(folder, "book.image")
            run("compile", book, "-o", image, "--quiet")
            try:
                drawn = any(os.path.exists(os.path.join(book, name)) for name in ("bundles.csv", "tiers.csv"))
                more = a_run(folder, "example", image, feeds, [], drawn, rng, 5, 1 if drawn else 6)
            except AssertionError as error:
                sys.exit("%s: %s" % (heading, error))
            explained += more[0]
            tried += more[1]
    return explained, tried


# ---- by hand ----

BOOK = {
    "book.yaml": "book: hand\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account\nacme\nbolt\n",
    "numbers.csv": "number,account,from,to\n12125550100-12125550109,acme,,\n12125550130,acme,,2026-02-01\n"
                   "12125550131,bolt,2026-04-01,\nhint:tenant-7,bolt,,\n",
    "trunks.csv": "trunk,account\nTRK-77,bolt\n",
    "assignments.csv": "subject,plan,from,to\ndefault,p,,\naccount:acme,q,,2026-03-01\nnumber:12125550101,q,,\n",
    "plans.csv": "plan\np\nq\n",
    "plan_rules.csv": "plan,action,service,class,jurisdiction,destination,deck,amount,priority,from\n"
                      "p,free,,toll_free,,,,,1,\np,flat,,premium,,,,1.5,1,\np,deck,,,,MOBILE,e,,2,\np,deck,,,,,f,,2,2027-01-01\n"
                      "p,deck,voice,,,,d,,3,\nq,deck,sms,,,,d,,,\n",
    "destinations.csv": "prefix,destination\n447,MOBILE\n",
    "decks.csv": "deck,decimals,calendar\nd,4,\ne,,c\nf,,\n",
    "deck_versions.csv": "deck,file,effective,mode\nd,jan,2026-01-01,full\nd,amend,2026-02-10,amend\nf,f,,\ne,e,,\n",
    "decks/jan.csv": "prefix,destination,rate,to,status\n44,UK,0.05,,\n4420,London,0.03,2026-02-20,\n4479,UK mobile,0.09,,\n33,France,0.10,2026-03-02,\n49,,0.1,,blocked\n",
    "decks/amend.csv": "prefix,destination,rate,minimum_s,free_s,initial_s,increment_s\n4479,UK mobile,0.08,30,10,6,6\n",
    "decks/e.csv": "prefix,rate,band\n4478,0.2,night\n4479,0.3,\n4479,0.1,night\n",
    "decks/f.csv": "prefix,rate\n,1\n",
    "calendars.csv": "calendar,band,days,from,to\nc,night,,20:00,06:00\n",
    "holidays.csv": "calendar,date,band\nc,2026-07-03,night\n",
}
NOON = "at=2026-03-02T12:00:00-05:00"


def entries(image, call, *words, unmask=True):
    """The texts of an explanation, each with where it stands; words must be among them, in this order."""
    found = json.loads(run("explain", "--book", image, "--call", call, "--json", *(["--unmask"] if unmask else [])))
    texts = ["%s: %s%s" % (entry["name"], entry["text"], " [%s:%s]" % (entry["file"], entry["line"]) if entry["file"] else "")
             for entry in found["entries"]]
    at = 0
    for word in words:
        where = [i for i in range(at, len(texts)) if word in texts[i]]
        assert where, "--call %s: %r does not come:\n%s" % (call, word, "\n".join(texts))
        at = where[0] + 1
    return found, texts


def by_hand(image):
    # 61.5 s up: 62; less 10 free: 52; first 6, then 8 of 6: 54. 0.08 x 54 / 60 = 0.072
    entries(image, "from=+12125550101, to=+12015550100, " + NOON + ", secs=1",
            "plan: plan q, by the assignment to the number [assignments.csv:4]",
            "plan: the assignment to the account acme (plan q) has ended by the call's start [assignments.csv:3]",
            "plan: the default assignment (plan p) is less specific [assignments.csv:2]",
            "rule: the rule (deck d) does not match: service sms, the call is voice [plan_rules.csv:7]",
            "no rule of the plan matches", "status: suspense, no_rule")
    entries(image, "from=+12125550100, to=+442079460000, " + NOON + ", secs=61.5",
            "payer: the near end (the caller) +12125550100 belongs to account acme [numbers.csv:2]",
            "account: account acme pays, by the near end [accounts.csv:2]",
            "rule: the rule (free) does not match: class toll_free, the call is ordinary [plan_rules.csv:2]",
            "rule: the rule (flat) does not match: class premium, the call is ordinary [plan_rules.csv:3]",
            "does not match: destination MOBILE, the callee is in none of destinations.csv [plan_rules.csv:4]",
            "does not match: in force from 2027-01-01, after the call's start [plan_rules.csv:5]",
            "rule: the rule matches: deck d [plan_rules.csv:6]",
            "prefix: prefix 4420 (London): would match, but is not in force at the call's start: ended 2026-02-20 [decks/jan.csv:3]",
            "version: decks/jan.csv, effective 2026-01-01 (full) [deck_versions.csv:2]", "price: 44 (UK): 0.05 per 60 s [decks/jan.csv:2]",
            "billed: 61.500 s, rounded up: 62 s; first 1, then 61 of 1: 62 s billed",
            "exact: 0.05 x 62 / 60 = 0.155 / 3 (about 0.05166667)", "charge: rounded half up to 4 decimals: 0.0517", "charge: 0.05170000 USD")
    entries(image, "from=+12125550100, to=+447900000000, at=2026-03-02T20:00:00-05:00, secs=5",
            "band: calendar c: band night at the call's start, Monday 2026-03-02 20:00:00 in America/New_York [calendars.csv:2]",
            "prefix 4479: the row of the band goes before the one without band [decks/e.csv:3]", "price: 4479, band night: 0.1 per 60 s [decks/e.csv:4]")
    entries(image, "from=+12125550100, to=+447900000000, at=2026-07-03T12:00:00-04:00, secs=5",
            "Friday 2026-07-03 12:00:00 in America/New_York, a holiday [holidays.csv:2]")
    entries(image, "from=+12125550100, to=+447800000000, " + NOON + ", secs=5", "prefix 4478, band night: that band is not in force",
            "none of this band and none without band", "status: suspense, no_band")
    entries(image, "from=+12125550100, to=+447700000000, " + NOON + ", secs=5", "prefix 4478 is the nearest, but the number has 4477 [decks/e.csv:2]",
            "prefix 4479 is the nearest, but the number has 4477 [decks/e.csv:3]", "status: suspense, no_prefix")
    entries(image, "from=+12125550100, to=+33123456789, " + NOON + ", secs=5",
            "prefix 33 (France): would match, but is not in force at the call's start: ended 2026-03-02 [decks/jan.csv:5]",
            "deck d has no other prefix that begins with 3", "status: suspense, no_prefix")
    entries(image, "from=+12125550100, to=+4912345678, " + NOON + ", secs=5", "price: prefix 49 is blocked; a shorter prefix is not looked for", "suspense, blocked")
    entries(image, "from=+12125550100, to=+19005550100, " + NOON + ", secs=5", "class: class premium, for the callee's area code is 900",
            "exact: 1.5 per record", "charge: 1.50000000 USD")
    # who pays: just behind a range, a number that has ended, one that comes later, almost a hint
    entries(image, "from=+12125550111, to=+33123456789, " + NOON + ", secs=5", "+12125550111 is not in numbers.csv",
            "near: the near end (the caller) lies 2 behind the last of a range of account acme [numbers.csv:2]", "payer: nobody")
    entries(image, "from=+12125550130, to=+33123456789, " + NOON + ", secs=5", "is not in force at the call's start: account acme had it until then [numbers.csv:3]")
    entries(image, "from=+12125550131, to=+33123456789, " + NOON + ", secs=5", "is not in force at the call's start: account bolt gets it later [numbers.csv:4]")
    entries(image, "from=+13105550131, to=+33123456789, hint=tenant-8, " + NOON + ", secs=5", "the account hint tenant-8 is not in numbers.csv",
            "near: the account hint is almost one of account bolt [numbers.csv:5]")
    entries(image, "from=+13105550131, to=+33123456789, trunk=TRK-7, " + NOON + ", secs=5", "the trunk TRK-7 has no account",
            "near: the trunk is almost one of account bolt [trunks.csv:2]")
    entries(image, "from=+13105550131, to=+33123456789, trunk=TRK-77, " + NOON + ", secs=5", "the trunk TRK-77 belongs to account bolt [trunks.csv:2]",
            "account bolt pays, by the trunk")
    entries(image, "from=+12125550100, to=+33123456789, hint=tenant-7, " + NOON + ", secs=5", "they name different accounts", "party_conflict")
    entries(image, "from=+12125550100, to=911, " + NOON + ", secs=5", "911, 933 and 988 are always free", "zero_rated, emergency")
    entries(image, "from=+12125550100, to=+33123456789, " + NOON + ", answered=no", "nobody answered", "zero_rated, unanswered")
    found, texts = entries(image, "from=+12125550100, to=+442079460000, charged=+12125550199, " + NOON + ", secs=61", unmask=False)
    for number in ("2125550100", "2079460000", "2125550199"):
        assert number not in json.dumps(found), texts
    human = run("explain", "--book", image, "--call", "from=+12125550100, to=+442079460000, " + NOON + ", secs=61")
    assert human.index("The call") < human.index("How it was rated") < human.index("The line") and "2079460000" not in human, human


BAD_CALLS = ("", "from", "from=1, from=2, " + NOON, "when=now", "from=+12125550100", "at=yesterday, secs=1", "at=2026-03-02, secs=",
             "at=1900-01-01T00:00:00Z, secs=1", "at=9999-01-01T00:00:00Z, secs=1", NOON + ", secs=-1", NOON + ", secs=1e9", NOON + ", secs=99999999",
             NOON + ", secs=1, service=fax", NOON + ", secs=1, direction=up", NOON + ", service=data", NOON + ", secs=1, answered=maybe",
             NOON + ", secs=1, provider_charge=0.123456789", NOON + ", service=sms, quantity=1.5", NOON + ", secs=1, legs=3",
             NOON + ", secs=1, trunk=" + "x" * 2000, "=,=,=", "from==", NOON + " secs=1", NOON + ", secs=nan")
ODD_CALLS = (NOON + ", secs=1", "from=, to=, " + NOON + ", secs=0", "from=alice, to=\x1b[2J, " + NOON + ", secs=1", "from=+1, to=+9, " + NOON + ", secs=2147483",
             "to=" + "9" * 400 + ", from=#*, " + NOON + ", secs=1", "from=+12125550100, to=+442079460000, trunk=\"';--, hint=%n%s%x, calltype=\xff, carrier=<b>, " + NOON + ", secs=1",
             "from=+12125550100, to=+442079460000, service=sms, quantity=-9223372036854775807, " + NOON,
             "from=+12125550100, to=+442079460000, service=event, provider_charge=92233720368, quantity=9223372036854775807, " + NOON,
             "from=+12125550100, to=+442079460000, legs=both, direction=in, " + NOON + ", secs=1", "," * 5000 + NOON + ", secs=1",
             "from=+12125550100, to=+442079460000, lrn=anonymous, lrn_from=1, ring_to=*, charged=911, " + NOON + ", secs=1.0001")


def hostile(image, rng):
    for call in BAD_CALLS:
        said = run("explain", "--book", image, "--call", call, code=2)
        assert "--call" in said and len(said) < 600, (call, said)
    for call in ODD_CALLS:
        assert "\x1b" not in run("explain", "--book", image, "--call", call), call
        json.loads(run("explain", "--book", image, "--call", call, "--json"))
    for operands in (["run", "2026-03-01:1", "--call", NOON], ["--call", NOON], ["--book", image], ["run"], []):
        run("explain", *operands, code=2)
    pieces = ["from", "to", "at", "secs", "=", ",", "+1212555", "0100", NOON, "secs=1", " ", "service=", "sms", "-", "\t", "9", "é", "*", "%"]
    for _ in range(40):
        call = "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 14)))
        done = subprocess.run([TOLLMILL, "explain", "--book", image, "--call", call], capture_output=True, check=False)
        assert done.returncode in (0, 2), (call, done.returncode, done.stderr)


# ---- random books ----

def a_world(kind, seed, rng):
    name = {"calls": "world", "usage": "usage_world", "taxes": "tax_world"}[kind]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, os.path.join(SOURCE, "tests", "oracle", name + ".py"), *(["--ends"] if kind == "taxes" else []),
                        str(seed), "600", folder], check=True, stdout=subprocess.DEVNULL)
        image = os.path.join(folder, "book.image")
        run("compile", os.path.join(folder, "book"), "-o", image, "--quiet")
        feeds = [("" if file == "cdrs.csv" else file[5:-4], os.path.join(folder, file)) for file in sorted(os.listdir(folder))
                 if file.startswith("cdrs") and file.endswith(".csv")]
        return a_run(folder, "world", image, feeds, [], True, rng, 60, 60)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=("calls", "usage", "taxes"), default="calls")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    if options.worlds:
        for seed in range(options.seed, options.seed + options.worlds):
            print("%s %d: %d lines, %d made-up calls" % (options.kind, seed, *a_world(options.kind, seed, rng)), flush=True)
        return
    with tempfile.TemporaryDirectory() as folder:
        image, book = os.path.join(folder, "hand.image"), os.path.join(folder, "hand")
        os.makedirs(os.path.join(book, "decks"))
        for name, text in BOOK.items():
            with open(os.path.join(book, name), "w", encoding="utf-8") as stream:
                stream.write(text)
        run("compile", book, "-o", image, "--quiet")
        by_hand(image)
        hostile(image, rng)
    print("by hand, hostile texts, %d lines of the examples and %d of them made up" % all_examples(rng))


if __name__ == "__main__":
    main()
