#!/usr/bin/env python3
"""Plants mistakes in what the oracle says of what-if tables and of deltas, and sees each of them caught.

    selftest_moves.py

Two small books are rated; report.py and moves.py are held to figures worked out by hand, then again with a mistake planted in their text, when
some figure must be another. No engine is needed.
"""
import importlib
import os
import sys
import tempfile


import oracle
import rate

HERE = os.path.dirname(os.path.abspath(__file__))
BOOK = {
    "book.yaml": "book: small\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account\na\nb\nc\n", "numbers.csv": "number,account\n12125550100,a\n12125550101,b\n12125550102,c\n",
    "plans.csv": "plan\np\n", "assignments.csv": "subject,plan\ndefault,p\n", "plan_rules.csv": "plan,action,deck\np,deck,d\n",
    "decks/d.csv": "prefix,destination,rate\n1201;1202,Home,0.06\n44,Kingdom,0.60\n49,Germany,\n33,France,0.30\n"}
CALLS = [("1", "12125550100", "+12015550111", 60), ("2", "12125550100", "+442079460000", 60), ("3", "12125550101", "+12025550111", 120),
         ("4", "12125550101", "+33123456789", 60), ("5", "12125550102", "+4930123456", 60), ("6", "12125550102", "+390612345678", 60)]

# By hand. Home to 0.12 for 1201 only; the Kingdom dearer by a tenth; Germany, which had no rate, at 0.20; France gone to blocked.
CHANGE = "deck:d prefix:1201 rate*2 ;; deck:d destination:Kingdom *1.1 ;; deck:d prefix:49 rate=0.2 ;; deck:d prefix:33 status=blocked"
IMPACT = {"winners": 1, "losers": 2, "same": 0, "won": "-0.30000000", "lost": "0.32000000", "moved": 3,
          "percentiles": {"5": "-0.30000000", "25": "-0.30000000", "50": "0.12000000", "75": "0.20000000", "95": "0.20000000"},
          "percentiles_percent": {"5": "-71.43", "25": "-71.43", "50": "-71.43", "75": "18.18", "95": "18.18"}}
LINES = {"1": ["rate"], "2": ["rate"], "4": ["now_suspense", "rate"], "5": ["was_suspense", "rate"]}
SUMS = {"a": (66000000, 78000000, 2), "b": (42000000, 12000000, 1), "c": (0, 20000000, 1)}
MISTAKES = [
    ("report", "row[\"rated\"] += view.line[\"status\"] == \"rated\"", "row[\"rated\"] += not view.in_suspense() or view.charge == 0"),
    ("report", "Fraction(difference * 100, abs(base))", "Fraction(difference * 100, base + difference or 1)"),
    ("report", "values[-(-p * len(values) // 100) - 1]", "values[p * len(values) // 100 - 1]"),
    ("report", "abs(percent) > self.moved_by", "percent > self.moved_by"),
    ("report", "if size <= edge:", "if size < edge - 100:"),
    ("report", "answer.lines[at].charge", "view.charge"),
    ("report", "if index and old.status != new.status and", "if index and old.status == new.status and"),
    ("moves", "if old.suspense and not new.suspense:", "if new.suspense and not old.suspense:"),
    ("moves", "if old.row[:3] != new.row[:3]:", "if old.row[:3] == new.row[:3]:"),
    ("moves", "add(old.key, reasons[0] + \"_charge\", -old.charge)", "add(old.key, reasons[0] + \"_charge\", old.charge)"),
    ("moves", "for key in {old.key, new.key}:", "for key in (old.key, new.key):"),
    ("moves", "return account in self.closing and now < self.closing[account]", "return account in self.closing"),
    ("moves", "if more and self.policy.credits_only:", "if self.policy.credits_only:"),
    ("moves", "if size < self.policy.minimum:", "if size <= self.policy.minimum:"),
    ("changes", "(exact * scale * 2 + 1) // 2", "exact * scale // 1 + 1"),
    ("changes", "if len(ours) < len(keys):", "if False:"),
]


def made(folder):
    for name, text in BOOK.items():
        path = os.path.join(folder, "book", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(text)
    path = os.path.join(folder, "cdrs.csv")
    columns = oracle.CDR_COLUMNS.split()
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(",".join(columns) + "\n")
        for record_id, caller, callee, duration in CALLS:
            cells = {"record_id": record_id, "start": "2026-03-%02dT12:00:00Z" % (int(record_id) + 9), "duration_s": str(duration),
                     "caller": "+" + caller, "callee": callee}
            stream.write(",".join(cells.get(name, "") for name in columns) + "\n")
    return os.path.join(folder, "book"), rate.read_feeds(["=" + path])


def figures(modules):
    """All that is held to figures by hand."""
    report, moves, change = modules["report"], modules["moves"], modules["changes"]
    with tempfile.TemporaryDirectory() as folder:
        base, records = made(folder)
        change.apply(base, CHANGE, os.path.join(folder, "new"))
        answers = [report.Answer(book, rate.rate_run(book, records)) for book in (rate.Book(base), rate.Book(os.path.join(folder, "new")))]
    whole = report.Report(answers)
    impact = whole.impact()[1, "USD"]
    move = moves.Moves(*answers)
    sums = move.sums()
    closed = moves.Adjusting(move, moves.Policy("2026-03-13"))                # cycles begin on the first: nothing of March is closed
    some = {}
    for name, policy in (("credits", {"credits_only": True}), ("minimum", {"minimum": 12000000}), ("approve", {"approve_above": 12000000})):
        lines, _ = moves.Adjusting(move, moves.Policy("2026-04-02", **policy)).settled()
        some[name] = sorted((key[0], key[4], status) for key, status in lines.items())
    return {"impact": {name: impact[name] for name in IMPACT}, "classes": {name: count for name, count in impact["classes"].items() if count},
            "rated": [row["rated"] for row in whole.table("totals")[("USD",)]], "moved": sorted((key[3], row[1], row[2]) for key, row in whole.moved().items()),
            "suspense": sorted((key[1:], row) for key, row in whole.suspense().items()),
            "lines": {pair[2].record.record_id: pair[4] for pair in move.pairs},
            "sums": {key[0]: (row.get("old_charge", 0), row.get("new_charge", 0), row.get("changed", 0)) for key, row in sums.items() if key[0]},
            "by reason": {key[0]: (row.get("rate_charge", 0), row.get("now_suspense_charge", 0), row.get("was_suspense_charge", 0)) for key, row in sums.items()},
            "closed": closed.lines, "statuses": some, "half": [change.changed(text, "*", "0.5", False) for text in ("0.00000003", "0.00000004")]}


WANTED = {
    "impact": IMPACT, "classes": {"below -50": 1, "10..25": 1, "from 0": 1}, "rated": [4, 4], "lines": LINES, "sums": SUMS, "closed": {}, "half": ["0.00000002", "0.00000002"],
    "moved": sorted([("1201", 6000000, [12000000]), ("1202", 12000000, [12000000]), ("44", 60000000, [66000000]), ("33", 30000000, [0]),
                     ("49", 0, [20000000]), ("", 0, [0])]),
    "suspense": sorted([(("suspense", "no_rate", "rated", "", "USD"), [1, 0, 20000000]), (("rated", "", "suspense", "blocked", "USD"), [1, 30000000, 0])]),
    "by reason": {"a": (12000000, 0, 0), "b": (0, -30000000, 0), "c": (0, 0, 20000000)},
    "statuses": {"credits": [("a", "rate", "waived"), ("b", "now_suspense", "due"), ("c", "was_suspense", "waived")],
                 "minimum": [("a", "rate", "due"), ("b", "now_suspense", "due"), ("c", "was_suspense", "due")],
                 "approve": [("a", "rate", "due"), ("b", "now_suspense", "to_approve"), ("c", "was_suspense", "to_approve")]}}


def load(name, old="", new=""):
    """A module, perhaps with a mistake in it."""
    module = type(sys)(name)
    path = os.path.join(HERE, name + ".py")
    with open(path, encoding="utf-8") as stream:
        text = stream.read()
    if old and text.count(old) < 1:
        sys.exit("selftest: %s.py does not have: %s" % (name, old))
    module.__file__ = path
    exec(compile(text.replace(old, new, 1) if old else text, path, "exec"), module.__dict__)
    return module


def main():
    names = ("report", "moves", "changes")
    right = figures({name: importlib.import_module(name) for name in names})
    wrong = [what for what in WANTED if right[what] != WANTED[what]]
    for what in wrong:
        print("%s: %s, by hand %s" % (what, right[what], WANTED[what]))
    missed = 0
    for name, old, new in MISTAKES:
        modules = {other: load(other, old, new) if other == name else importlib.import_module(other) for other in names}
        try:
            caught = figures(modules) != right
        except Exception:                              # a mistake may also make it stumble
            caught = True
        if not caught:
            missed += 1
            print("not caught: %s.py: %s" % (name, new))
    print("%d figures, %d mistakes planted, %d missed" % (len(WANTED), len(MISTAKES), missed))
    sys.exit(1 if wrong or missed else 0)


if __name__ == "__main__":
    main()
