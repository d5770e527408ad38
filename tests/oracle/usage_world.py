#!/usr/bin/env python3
"""Random books with bundles, tiers and cost over several months, and their calls; the same for the same seed.

    usage_world.py SEED CALLS OUTDIR [--chain]

As world.py, but calls are near each other, near the ends of periods and of what is subscribed, and often of one time. With
--chain OUTDIR/steps.txt has a line for each of several runs, each after closing the one before: the date until which
that one is closed, `append` or `reorder`, and `older` or `book`; the calls delivered before run N are in OUTDIR/N/cdrs*.csv.
"""
import argparse
import datetime
import os
from zoneinfo import ZoneInfo

import oracle
import world
from world import DAY, ZONES

UNITS_OF = {"s": [0, 1, 30, 60, 100, 300, 600, 600, 1000, 1800, 3000, 3000, 10000, 10**6], "message": [0, 1, 2, 3, 5, 7, 10, 50],
            "byte": [0, 1, 1000, 10**6, 10**7, 10**8, 2**30, 5 * 10**9], "event": [0, 1, 2, 3, 5, 20]}
TYPES = ["seat", "line", "sim"]
DEAR = ["EUR", "GBP"]


def covers(cell, number):
    """Whether a row of numbers.csv is of a number."""
    low, _, high = cell.replace("+", "").partition("-")
    number = number.replace("+", "")
    return len(low) == len(number) and low <= number <= (high or low)


class UsageWorld(world.World):
    range_size = 12
    chain = False

    def __init__(self, seed):
        self.foreign = seed % 5 == 3
        super().__init__(seed)

    # -- dates: within a few months ------------------------------------------------------------------------------------

    def date(self):
        if self.transition_dates and self.chance(25):
            return self.pick(self.transition_dates)
        if self.chance(30):
            return self.first_date + DAY * self.pick([0, 1, 14, 27, 28, 29, 30, 31, 32, 45, 59, 60, 61])
        return self.first_date + DAY * self.rng.randrange(self.days)

    def find_transitions(self):
        month = self.pick([1, 2, 2, 3, 5, 8, 9, 9, 10])
        self.first_date = datetime.date(self.year, month, 1) - DAY * self.pick([0, 0, 1, 10])
        self.days = self.pick([45, 75, 100, 125])
        super().find_transitions()
        last = self.first_date + DAY * self.days
        self.transition_dates = [date for date in self.transition_dates if self.first_date <= date < last]
        self.moments = []
        for date in self.transition_dates:
            for name in sorted(self.zones_used):
                instant = oracle.local_instant(date.isoformat(), ZoneInfo(name))
                self.moments += [(instant + hours * 3600000, None) for hours in (0, 1, 2, 3)]

    def first_quiet_ms(self):
        return (datetime.datetime(self.first_date.year, self.first_date.month, self.first_date.day, tzinfo=datetime.timezone.utc)
                - oracle.EPOCH) // oracle.MILLISECOND

    def choose_days(self):
        first = self.first_quiet_ms()
        self.moments = [moment for moment in self.moments if first <= moment[0] < first + self.days * 86400000]
        self.rng.shuffle(self.moments)
        edges = [moment for moment in self.edges if first <= moment[0] < first + self.days * 86400000]
        self.rng.shuffle(edges)
        self.moments = self.moments[:25] + edges[:35]
        self.quiet_days = [self.rng.randrange(self.days) for _ in range(25)]

    def note_cycle(self, day, zone, account):
        """Midnights at which periods begin."""
        for months in range(6):
            first = (self.first_date.replace(day=1) + DAY * 31 * months)
            for at in {1, day}:
                self.edges.append((oracle.local_instant(first.replace(day=at).isoformat(), zone), "account:" + account))

    # -- accounts, some of which may share pools -----------------------------------------------------------------------

    def make_accounts(self):
        self.edges = []
        self.late = "reorder" if self.chance(35) else "append"
        self.accounts = ["acc%d" % index for index in range(self.rng.randint(2, 5))]
        self.zone, self.sites, self.profile = {}, {}, {}
        zones = [self.some_zone() if self.chance(60) else "" for _ in range(2)]
        profiles = [(zones[0], self.pick(["", "1", "15"])), (zones[1], self.pick(["1", "28", str(self.rng.randint(2, 28))]))]
        same = self.chance(45)
        for account in self.accounts:
            zone, day = profiles[0] if same else self.pick(profiles)
            self.profile[account] = zone or self.zone_name, int(day or "1")
            self.zone[account] = ZoneInfo(zone or self.zone_name)
            alike = [other for other in self.accounts if other < account and self.profile[other] == self.profile[account]]
            self.note_cycle(int(day or "1"), self.zone[account], account)
            self.add("accounts", account=account, timezone=zone, cycle_day=day, currency=self.pick(["", "USD"]),
                     parent=self.pick(alike) if alike and self.chance(60) else "")
            self.sites[account] = ["%s-s%d" % (account, index) for index in range(self.rng.randrange(3))]
            for site in self.sites[account]:
                self.add("sites", site=site, account=account, state=self.pick(world.STATES))

    def feed_role(self):
        return self.weighted([("", 6), ("bill", 3), ("cost", 2), ("compare", 1)])

    # -- bundles, tiers, cost ------------------------------------------------------------------------------------------

    def make_usage(self):
        self.make_services()
        for index in range(self.weighted([(0, 1), (1, 1), (2, 2), (3, 3), (5, 4), (7, 4), (10, 3), (14, 1)])):
            self.make_bundle("b%d" % index)
        for index in range(self.weighted([(0, 2), (1, 3), (3, 3), (5, 3)])):
            self.make_tiers("t%d" % index)
        if self.chance(65):
            self.make_buying()
        if self.foreign:
            self.make_foreign()

    # -- an account that is billed in another currency -----------------------------------------------------------------

    def make_foreign(self):
        """Of one account that is nobody's parent or child: it has copies of the plans, whose decks are in its currency."""
        families = {name for row in self.tables["accounts"] if row["parent"] for name in (row["account"], row["parent"])}
        accounts = [row for row in self.tables["accounts"] if row["account"] not in families]
        if not accounts:
            return
        row = self.pick(accounts)
        row["currency"] = self.pick(DEAR)
        rules = self.tables["plan_rules"]
        for plan in self.plans + ["norules"]:
            self.add("plans", plan=plan + "x")
            rules += [dict(rule, plan=plan + "x", **({"deck": rule["deck"] + "x"} if rule.get("deck") else {})) for rule in rules
                      if rule["plan"] == plan]
        for deck in sorted({rule["deck"] for rule in rules if rule["plan"] in self.plans and rule.get("deck")}):
            self.copy_deck(deck, row["currency"])
        self.tables["subscriptions"] += [dict(cells, subject=cells["subject"] + "x") for cells in self.tables["subscriptions"]
                                         if cells["subject"].startswith("plan:") and self.chance(60)]
        self.tables["assignments"] = [kept for cells in self.tables["assignments"] for kept in self.foreign_assignment(cells, row["account"])]
        self.add("assignments", subject="account:" + row["account"], plan=self.pick(self.plans) + "x")

    def copy_deck(self, deck, currency):
        cells = next((cells for cells in self.tables["decks"] if cells["deck"] == deck), {})
        self.add("decks", **dict(cells, deck=deck + "x", currency=currency))
        versions = [cells for cells in self.tables["deck_versions"] if cells["deck"] == deck]
        versions = versions or [{"deck": deck, "file": deck, "effective": "", "mode": ""}]
        self.tables["deck_versions"] += [dict(cells, deck=deck + "x") for cells in versions]

    def foreign_assignment(self, cells, account):
        """An assignment with the copied plan where it is for that account alone; none where it would be for others, too."""
        kind, _, value = cells["subject"].partition(":")
        if cells.get("side") == "buy" or kind in ("default", "carrier"):
            return [cells]                       # the account's own one comes before these
        owners = {value} if kind == "account" else {row["account"] for row in self.tables["sites"] if row["site"] == value}
        if kind == "number":
            owners = {row["account"] for row in self.tables["numbers"] if ":" not in row["number"] and covers(row["number"], value)}
        if kind == "trunk" or (account in owners and (kind == "account" or len(owners) > 1)):
            return []
        return [dict(cells, plan=cells["plan"] + "x")] if account in owners else [cells]

    def single_numbers(self):
        """Rows of numbers.csv of one number that nobody else has ever had."""
        owned = [row for row in self.tables["numbers"] if ":" not in row["number"]]
        spans = [row["number"].replace("+", "").partition("-") for row in owned]
        found = []
        for row, (low, _, high) in zip(owned, spans):
            others = [(first, last or first) for first, _, last in spans if len(first) == len(low)]
            if not high and sum(first <= low <= last for first, last in others) == 1:
                found.append((low, row))
        return found

    def make_services(self):
        numbers = self.single_numbers()
        for index in range(self.rng.randrange(25)):
            account = self.pick(self.accounts)
            site = self.some_site(account)
            number = ""
            if numbers and self.chance(40):
                number, row = self.pick(numbers)
                account, site = row["account"], row["site"]
            start, end = self.span(self.zone[account], 40)
            self.add("services", service="svc%d" % index, account=account, site=site, number=number, type=self.pick(TYPES), start=start,
                     to=end, quantity=self.pick(["", "1", "2", "7"]))

    def span(self, zone, percent):
        """("", "") or dates; their edges are places for calls."""
        if not self.chance(percent):
            return "", ""
        noted = len(self.moments)
        spans = self.periods(1, zone, open_start=35, open_end=55)
        self.edges += self.moments[noted:]
        return spans[0] if spans else ("", "")

    def alike(self):
        """Accounts of one zone and cycle day."""
        profile = self.profile[self.pick(self.accounts)]
        return [account for account in self.accounts if self.profile[account] == profile]

    def ordered(self):
        """Late calls are put in order: all periods begin with the billing periods, or a book is refused."""
        return self.chain and self.late == "reorder"

    def words(self, items, percent):
        return ";".join(sorted(self.some(items, self.rng.randint(1, 3)))) if self.chance(percent) else ""

    def bundle_cells(self, name, unit, scope):
        services = {"s": ["voice"], "message": ["sms", "mms"], "byte": ["data"], "event": ["event"]}[unit]
        classes = ["ordinary", "ordinary", "toll_free", "premium", "n11"] + (["on_net"] if self.on_net in ("any", "account") else [])
        period = "anchor" if self.ordered() else self.pick(["", "month", "anchor"])
        used = self.chance(35)
        steps = [1024, 1000, 2**20, 1] if unit == "byte" else [1, 6, 10, 60] if unit == "s" else [1, 2, 5]
        quantity = self.pick(UNITS_OF[unit])
        return {"bundle": name, "unit": unit, "quantity": str(quantity + (self.rng.randrange(7) if quantity > 9 else 0)), "scope": scope,
                "services": self.pick(services) if self.chance(30) else "", "classes": self.words(classes, 20),
                "jurisdictions": self.words(list(oracle.JURISDICTIONS), 20), "destinations": self.words(self.names, 10),
                "direction": self.weighted([("", 7), ("out", 2), ("in", 1)]), "period": period,
                "anchor_day": self.pick(["", "1", "15", "28", "29", "30", "31"]) if period == "anchor" and not self.ordered() else "",
                "rollover_periods": self.pick(["", "0", "1", "1", "2", "36"]), "prorate": self.pick(["", "no", "yes", "yes"]),
                "at_limit": self.weighted([("", 4), ("overage", 4), ("flag", 3), ("reject", 2)]),
                "debit": "used" if used else self.pick(["", "billed"]),
                "increment": self.pick(["", str(self.pick(steps))]) if used else "",
                "connect_fee": self.pick(["", "waived", "charged"]), "priority": self.pick(["", "", "0", "1", "-1"])}

    def make_bundle(self, name):
        unit = self.weighted([("s", 12), ("message", 3), ("byte", 3), ("event", 1)])
        scope = self.weighted([("", 3), ("account", 3), ("number", 6), ("site", 3), ("pool", 5)])
        self.tables["bundles"].append(self.bundle_cells(name, unit, scope))
        for _ in range(self.pick([1, 1, 2, 3])):
            pool, accounts = "", self.accounts
            if scope == "pool":
                pool = "%s-%s" % (name, self.pick(["x", "y"]))
                accounts = self.pool_accounts.setdefault(pool, self.alike()) if hasattr(self, "pool_accounts") else self.first_pool(pool)
            for _ in range(self.pick([1, 1, 2, 4])):
                self.subscribe(name, pool, accounts)

    def first_pool(self, pool):
        self.pool_accounts = {pool: self.alike()}
        return self.pool_accounts[pool]

    def subscribe(self, bundle, pool, accounts):
        account = self.pick(accounts)
        zone, kind = self.zone[account], self.pick(["number", "site", "account", "account", "account", "plan", "default"])
        numbers = [low for low, row in self.single_numbers() if row["account"] == account]
        if pool and kind in ("plan", "default") and len(accounts) < len(self.accounts):
            kind = "account"
        if kind == "number" and numbers:
            subject = "number:" + self.pick(["", "+"]) + self.pick(numbers)
        elif kind == "site" and self.sites[account]:
            subject = "site:" + self.pick(self.sites[account])
        elif kind in ("plan", "default"):
            subject, zone = "plan:" + self.pick(self.plans) if kind == "plan" else "default", ZoneInfo(self.zone_name)
        else:
            subject = "account:" + account
        start, end = self.span(zone, 45)
        counting = self.chance(25) and not (pool and subject.startswith(("plan", "default")))
        self.add("subscriptions", subject=subject, bundle=bundle, pool=pool, start=start, to=end,
                 times="count:" + self.pick(TYPES) if counting else self.pick(["", "1", "2", "3"]))

    def make_tiers(self, name):
        unit = self.weighted([("s", 8), ("message", 3), ("byte", 2), ("event", 1)])
        mode = self.pick(["", "graduated", "volume", "package", "package"])
        period = self.pick(["", "month", "anchor", "anchor", "call"])
        scope = self.pick(["", "account", "account", "site", "number", "pool", "pool"])
        spend = scope != "number" and self.chance(50)
        if period in ("", "month") and (self.ordered() or self.chain and (mode == "volume" or spend)):
            period = "anchor"
        cells = {"tiers": name, "unit": unit, "mode": mode, "period": period, "scope": scope, "rounding": self.pick(self.roundings),
                 "decimals": self.pick(["", "2", "4", "6", "8"]), "product": self.pick(["", "talk"])}
        if spend:
            low = self.rng.randint(0, 3000)
            cells["minimum_spend"] = "%d.%02d" % (low // 100, low % 100) if self.chance(70) else ""
            high = low + self.rng.randint(0, 5000)
            cells["maximum_spend"] = "%d.%02d" % (high // 100, high % 100) if self.chance(60) else ""
        steps = [0] + sorted(self.some([quantity for quantity in UNITS_OF[unit] if quantity] + [1, 2, 3, 7], self.rng.randint(0, 4)))
        rows = []
        for index, above in enumerate(dict.fromkeys(steps)):
            row = dict(cells) if index == 0 else {"tiers": name, "unit": unit if self.chance(50) else ""}
            places = self.pick([2, 4, 8]) if unit != "byte" else 8
            per = {"s": ["", "60", "1", "6", "7"], "message": ["", "1", "10"], "byte": ["1000", "1048576"][self.rng.randrange(2):][:1],
                   "event": ["", "1", "3"]}[unit]
            row.update(rate=self.decimal(self.pick([20, 999]), places), from_qty=str(above) if above or self.chance(50) else "",
                       per=self.pick(per), flat=self.decimal(999, 2) if self.chance(45) and scope != "number" else "")
            rows.append(row)
        if self.chain and period in ("", "month"):       # section 14: such an account may not be closed
            for row in rows[1:]:
                row["flat"] = ""
        if unit == "byte":
            for row in rows:
                row["per"] = rows[0]["per"]
        self.rng.shuffle(rows)
        self.tables["tiers"].extend(rows)
        service = {"s": ["voice", "voice", ""], "message": ["sms", "mms", ""], "byte": ["data", ""], "event": ["event", ""]}[unit]
        rules = []
        for plan in self.some(self.plans, self.pick([1, 3, 6])):
            row = self.rule(plan, "tiers", self.pick(["-1", "0", "2", "2"]), service=self.pick(service), tiers=name,
                            direction=self.pick(["", "", "out", "in"]))
            if self.chance(50):
                row["jurisdiction"] = self.pick(list(oracle.JURISDICTIONS))
            if self.chance(15):
                row["destination"] = self.pick(self.names)
            rules.append(row)
        for row in rules:
            self.tables["plan_rules"].insert(self.rng.randrange(len(self.tables["plan_rules"]) + 1), row)

    def make_buying(self):
        plans = ["buy%d" % index for index in range(self.rng.randint(1, 3))]
        decks = []
        for index in range(self.rng.randint(1, 3)):
            name = "c%d" % index
            self.make_deck(name, self.pick(["voice", "voice", "caller", "pair"]))
            rows = [row for row in self.tables["decks"] if row["deck"] == name]
            if rows and self.chance(60):
                rows[0]["currency"] = self.pick(DEAR + ["USD"])
            decks.append(name)
        rules = self.tables["plan_rules"]
        for plan in plans:
            self.add("plans", plan=plan)
            made = [self.rule(plan, "deck", self.pick(["1", "2"]), service="voice", deck=self.pick(decks), on_miss=self.pick(["next", "next", ""]))
                    for _ in range(2)]
            if self.chance(50):
                made.append(self.rule(plan, self.pick(["free", "reject", "flat", "markup"]), "0", service=self.pick(["voice", "sms"]),
                                      jurisdiction=self.pick(list(oracle.JURISDICTIONS))))
            made.append(self.rule(plan, "deck", "1", service="sms", deck="sms", on_miss="next"))
            made.append(self.rule(plan, self.pick(["flat", "markup", "free"]), "3", service=self.pick(["", "mms", "event"])))
            if self.chance(40):
                made.append(self.rule(plan, "deck", "0", trunk=self.pick(self.trunks[:5]), service="voice", deck=self.pick(decks), on_miss="next"))
            rules.extend(made)
        self.rng.shuffle(rules)
        book_zone = ZoneInfo(self.zone_name)
        subjects = ["default"] * self.chance(85) + ["carrier:carrier1"] * self.chance(50) + ["carrier:carrier2"] * self.chance(40)
        subjects += ["trunk:" + trunk for trunk in self.some(self.trunks[:6], 2)]
        for subject in subjects:
            spans = [("", "")] if self.chance(60) else self.periods(2, book_zone, 80, 85, 20)
            for start, end in spans:
                self.add("assignments", subject=subject, plan=self.pick(plans), side="buy", start=start, to=end)
        for currency in DEAR:
            for date in sorted({self.date() for _ in range(self.rng.randrange(5))} | ({datetime.date(2020, 1, 1)} if self.chance(70) else set())):
                self.add("fx", start=currency, to="USD", date=date.isoformat(), rate=self.decimal(3 * 10**8, 8)[:-1] + "1")
        if self.chance(50):
            self.add("fx", start="USD", to="EUR", date="2020-01-01", rate="0.9")
        for index in range(0 if self.ordered() else self.pick([0, 1, 1, 2])):
            name = "bc%d" % index
            cells = self.bundle_cells(name, self.pick(["s", "s", "message"]), "pool")
            self.tables["bundles"].insert(self.rng.randrange(len(self.tables["bundles"]) + 1), cells)
            for _ in range(self.rng.randint(1, 3)):
                start, end = self.span(book_zone, 45)
                subject = self.pick(["carrier:carrier1", "carrier:carrier2", "trunk:T1", "trunk:T4", "trunk:T6"])
                self.add("subscriptions", subject=subject, bundle=name, pool=name + self.pick(["-p", "-q"]), start=start, to=end,
                         times=self.pick(["", "2"]))

    def forget(self):
        """An older book: decks and rules are others; what bundles give, and who has tiers, is the same."""
        assignments, rules = self.tables["assignments"], self.tables["plan_rules"]
        super().forget()
        self.tables["assignments"] = assignments
        kept = [row for row in self.tables["plan_rules"]]
        self.tables["plan_rules"] = [row for row in rules if row in kept or row["action"] == "tiers"]

    # -- the calls -----------------------------------------------------------------------------------------------------

    def quantity(self, service):
        if service == "data":
            value = self.rng.randrange(10**self.rng.randint(1, 9))
            return "-" + str(value) if self.chance(8) else str(value)
        return super().quantity(service)

    def duration(self):
        return min(super().duration(), self.pick([30000, 300000, 3600000, 86400000]))

    def call(self, record_id):
        cells = super().call(record_id)
        if not hasattr(self, "starts"):
            self.starts = []
        if self.starts and self.chance(12):
            cells["start"] = self.pick(self.starts[-40:])
        self.starts.append(cells["start"])
        return cells


# ---------------------------------------------------------------------------------------------------------------------
# Chains of runs
# ---------------------------------------------------------------------------------------------------------------------

class ChainWorld(UsageWorld):
    chain = True

    def steps(self, last):
        """[(date until which the run is closed, or "" for the last one; append or reorder; older or book)]"""
        dates = set()
        for _ in range(self.pick([1, 2, 3, 4])):
            date = self.first_date.replace(day=1) + DAY * 31 * self.rng.randint(1, max(1, self.days // 30 - 1))
            dates.add(date.replace(day=self.pick([1, 1, 1, 15, self.rng.randint(2, 28)])))
        first_book = self.pick(["book", "older"])
        dates = [date for date in sorted(dates) if date < last]
        return [(date, self.late, "book" if index else first_book) for index, date in enumerate(dates)] + [("", self.late, "book")]

    def deliver(self, rows, steps):
        """The rows of each step: those until some days after the date, but for some that come late."""
        found = [[] for _ in steps]
        late_percent = self.pick([0, 0, 2, 10])
        for row in rows:
            day = datetime.date.fromisoformat(row["start"][:10])
            at = next(index for index, (date, _, _) in enumerate(steps) if not date or day < date + DAY * self.after)
            while at < len(steps) - 1 and self.chance(late_percent):
                at += 1
            found[at].append(row)
        return found


def make_chain(seed, calls, folder, kind=ChainWorld):
    older = kind(seed)
    older.forget()
    older.write_book(os.path.join(folder, "older"))
    made = kind(seed)
    made.write_book(os.path.join(folder, "book"))
    rows = made.calls(calls)
    last = max(datetime.date.fromisoformat(row["start"][:10]) for row in rows)
    made.after = made.pick([2, 2, 3, 9])
    steps = made.steps(last)
    for index, part in enumerate(made.deliver(rows, steps)):
        os.makedirs(os.path.join(folder, str(index)), exist_ok=True)
        made.write_cdrs(os.path.join(folder, str(index)), part)
    with open(os.path.join(folder, "steps.txt"), "w", encoding="utf-8") as stream:
        for date, late, book in steps:
            stream.write("%s %s %s\n" % (date or "-", late, book))


def main():
    parser = argparse.ArgumentParser(description="write a random book with bundles, tiers and cost, and CDRs")
    parser.add_argument("seed", type=int)
    parser.add_argument("calls", type=int)
    parser.add_argument("outdir")
    parser.add_argument("--chain", action="store_true")
    options = parser.parse_args()
    if options.chain:
        make_chain(options.seed, options.calls, options.outdir)
    else:
        world.make(options.seed, options.calls, options.outdir, UsageWorld)


if __name__ == "__main__":
    main()
