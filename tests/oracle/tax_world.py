#!/usr/bin/env python3
"""Random taxed books with everything that usage_world.py has, and their calls; the same for the same seed.

    tax_world.py SEED CALLS OUTDIR [--ends] [--chain]

--ends: some taxes are sourced by the ends of calls. --chain: several runs, as usage_world.py has them.
"""
import argparse
from decimal import Decimal

import oracle
import usage_world
import world
from world import DAY

LEVELS = ["federal", "state", "county", "city", "district"]
SERVICES = ["voice", "data", "msg", "feature", "line", "other"]
PRODUCTS = ["talk", "text", "seat", "line", "gear", "bundle"]
PERIOD_PRODUCTS = ["period:tier_fee", "period:minimum_spend", "period:maximum_spend", "period:short_calls", "period:attempts",
                   "period:no_ani"]
TYPES = ["number", "seat", "call_path", "pri", "line", "virtual", "sim"]
CLASSES = ["retail", "wholesale", "business", ""]
CATEGORIES = ["sales", "utility", "fusf", "e911"]
JURISDICTIONS = list(oracle.JURISDICTIONS)


def plain(value):
    """A Decimal without exponent or trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


class TaxWorld(usage_world.UsageWorld):
    taxed = True
    with_ends = False

    def make_usage(self):
        super().make_usage()
        self.included = self.chance(35)               # some prices include tax: nothing on them may be late
        self.make_jurisdictions()
        self.make_areas()
        self.make_tax_map()
        self.make_sellers()
        self.make_payers()
        self.make_inventory()
        self.make_taxes()
        self.make_exemptions()
        if self.chance(30):
            self.make_products()
        self.make_charges()

    # -- small dice ----------------------------------------------------------------------------------------------------

    def tax_day(self):
        """A day in or near the months of the calls; often one at which periods begin."""
        if self.chance(30):
            return (self.first_date.replace(day=1) + DAY * 31 * self.rng.randint(-1, 4)).replace(day=self.pick([1, 1, 15, 28]))
        return self.first_date + DAY * self.rng.randint(-20, self.days + 20)

    def tax_span(self, percent=50):
        """(from, to) of which either may be empty."""
        if not self.chance(percent):
            return "", ""
        days = sorted({self.tax_day(), self.tax_day()})
        if len(days) < 2:
            return days[0].isoformat(), ""
        return (days[0].isoformat() if self.chance(70) else "", days[1].isoformat() if self.chance(60) else "")

    def tax_chain(self):
        """[(from, to)] without gap."""
        cuts = [day.isoformat() for day in sorted({self.tax_day() for _ in range(self.pick([0, 0, 1, 1, 2, 3]))})]
        edges = ([""] if self.chance(80) or not cuts else []) + cuts
        return list(zip(edges, edges[1:] + [""]))

    def tax_rate(self, high=1200):
        """A rate as decimal or with %, from 0 to high in 1/10000."""
        value = Decimal(self.rng.randint(0, high)).scaleb(-4)
        if self.chance(20):
            value += Decimal(self.rng.randint(0, 10**8)).scaleb(-12)
        return plain(value * 100) + "%" if self.chance(50) else plain(value)

    def tax_amount(self, high, places=2):
        return plain(Decimal(self.rng.randint(0, high)).scaleb(-places))

    # -- where ---------------------------------------------------------------------------------------------------------

    def make_jurisdictions(self):
        self.levels, self.state_of, self.below = {}, {}, {}

        def add(name, level, state="", fips="", parent=""):
            self.add("tax_jurisdictions", id=name, level=level, name=self.pick(["", "The " + name]), fips=fips, parent=parent,
                     state=state if level == "state" or not parent or self.chance(40) else "")
            self.levels[name], self.state_of[name] = level, state

        add("US", "federal")
        if self.chance(30):
            add("fed-district", "district", parent="US")
        for index, state in enumerate(self.some(["NY", "CA", "NJ", "DC", "IL"], self.rng.randint(1, 4))):
            fips = "%02d" % (index + 10)
            add(state, "state", state, fips if self.chance(70) else "", "US" if self.chance(85) else "")
            counties = ["%s-k%d" % (state, number) for number in range(self.rng.randrange(3))]
            for number, county in enumerate(counties):
                add(county, "county", state, fips + "%03d" % number if self.chance(60) else "", state)
            for number in range(self.rng.randrange(3)):
                city = "%s-c%d" % (state, number)
                add(city, "city", state, "", self.pick(counties) if counties and self.chance(60) else state)
                if self.chance(40):
                    add(city + "-d", "district", state, "", self.pick([city, state]))
        self.rng.shuffle(self.tables["tax_jurisdictions"])

    def make_areas(self):
        self.areas = []
        states = sorted({state for state in self.state_of.values() if state})
        for index in range(self.rng.randint(2, 7)):
            area = "area%d" % index
            if self.chance(10):
                names = ["US"]
            else:
                state = self.pick(states)
                names = self.some([name for name in self.levels if self.state_of[name] == state], self.rng.randint(1, 3))
                names += ["US"] if self.chance(20) else []
                names += ["fed-district"] if "fed-district" in self.levels and self.chance(30) else []
            self.areas.append(area)
            for name in names:
                self.add("tax_areas", area=area, tax_jurisdiction=name)
        self.rng.shuffle(self.tables["tax_areas"])
        for row in self.tables["sites"]:
            row["area"] = self.pick(self.areas) if self.chance(92) else ""
        for row in self.tables["npanxx"]:
            row["area"] = self.pick(self.areas) if self.chance(50) else ""

    def make_payers(self):
        for row in self.tables["accounts"]:
            sites = self.sites[row["account"]]
            row["class"] = self.pick(CLASSES)
            row["sale"] = self.weighted([("", 5), ("retail", 3), ("resale", 3)])
            row["seller"] = self.pick(self.seller_names) if self.seller_names and self.chance(92) else ""
            row["tax_site"] = self.pick(sites) if sites and self.chance(50) else ""
            if not sites and self.chance(85):
                site = row["account"] + "-only"
                self.sites[row["account"]] = [site]
                self.add("sites", site=site, account=row["account"], state="NY", area=self.pick(self.areas))

    # -- what, and who sells it ----------------------------------------------------------------------------------------

    def shares(self):
        """Of a split: [(tax service, share)]."""
        names = self.some(SERVICES, self.weighted([(1, 6), (2, 3), (3, 2)]))
        if len(names) == 1:
            return [(names[0], self.pick(["", "1", "100%"]))]
        cuts = sorted({self.rng.randint(1, 999) for _ in names[1:]})
        names = names[:len(cuts) + 1]
        parts = [high - low for low, high in zip([0] + cuts, cuts + [1000])]
        return [(name, plain(Decimal(part).scaleb(-1)) + "%" if self.chance(40) else plain(Decimal(part).scaleb(-3))) for name, part in zip(names, parts)]

    def make_tax_map(self):
        seen, rows = set(), []
        for _ in range(self.rng.randint(2, 12)):
            key = {"product": self.pick(PRODUCTS + PERIOD_PRODUCTS) if self.chance(60) else "",
                   "service": self.pick(list(oracle.SERVICE_NAMES)) if self.chance(35) else "",
                   "class": self.pick(["ordinary", "toll_free", "premium", "n11", "on_net"]) if self.chance(20) else "",
                   "jurisdiction": self.pick(JURISDICTIONS) if self.chance(25) else ""}
            if tuple(key.values()) not in seen:
                seen.add(tuple(key.values()))
                rows += [dict(key, tax_service=name, share=share) for name, share in self.shares()]
        for product in self.some(PRODUCTS, 5):
            if (product, "", "", "") not in seen:
                seen.add((product, "", "", ""))
                rows += [{"product": product, "tax_service": name, "share": share} for name, share in self.shares()]
        if self.chance(80) and ("", "", "", "") not in seen:
            rows += [{"tax_service": name, "share": share} for name, share in self.shares()]
        self.rng.shuffle(rows)
        self.tables["tax_map"] = rows
        self.services = sorted({row["tax_service"] for row in rows})
        for row in self.tables["plan_rules"]:
            row["product"] = self.pick(PRODUCTS) if self.chance(55) else ""

    def make_sellers(self):
        self.seller_names = ["seller%d" % index for index in range(self.rng.randint(1, 3))]
        for name in self.seller_names:
            naming = self.some(self.services, self.rng.randrange(4))
            groups = [naming[:1], naming[1:]] + [[]] * self.chance(85)
            for group in groups:
                if not group and group is not groups[-1]:
                    continue
                if not group and len(groups) == 2:
                    continue
                for start, end in self.tax_chain():
                    method = self.pick(["safe_harbour", "traffic_study", "actual", "actual"])
                    share = self.tax_rate(9999) if method == "traffic_study" or self.chance(60) else ""
                    self.add("sellers", seller=name, fusf_method=method, interstate_share=share, tax_services=";".join(group),
                             start=start, to=end)
            if not any(row["seller"] == name for row in self.tables["sellers"]):
                self.add("sellers", seller=name, fusf_method="safe_harbour")

    def make_products(self):
        for name in PRODUCTS:
            self.add("products", product=name, name="Product " + name, gl=self.pick(["", "4000"]))

    # -- the inventory and charges -------------------------------------------------------------------------------------

    def make_inventory(self):
        for row in self.tables["services"]:
            row["product"] = self.pick(PRODUCTS) if self.chance(60) else ""
        for index in range(self.rng.randrange(20)):
            account = self.pick(self.accounts)
            start, end = self.span(self.zone[account], 60)
            kind = self.pick(TYPES)
            number = self.pick(["1800", "1212", "1888", "4420", "1646"]) + "555" + self.digits(4) if kind == "number" or self.chance(10) else ""
            self.add("services", service="inv%d" % index, account=account, site=self.some_site(account), type=kind, number=number,
                     product=self.pick(PRODUCTS) if self.chance(70) else "", start=start, to=end, quantity=self.pick(["", "1", "3", "23"]))
        self.rng.shuffle(self.tables["services"])

    def make_charges(self):
        for _ in range(self.rng.randrange(16)):
            account = self.pick(self.accounts)
            kind = self.pick(["recurring", "recurring", "one_time", "credit", "fee"])
            start, end = self.tax_span() if kind == "recurring" else (self.tax_day().isoformat(), "")
            self.add("charges", account=account, site=self.some_site(account), kind=kind, start=start, to=end,
                     product=self.pick(PRODUCTS if self.tables["products"] else PRODUCTS + ["unheard"]),
                     amount=self.tax_amount(self.pick([999, 99999]), self.pick([0, 2, 2, 4, 8])),
                     quantity=self.pick(["", "1", "2", "0", "0.5", "1.000001", "12"]),
                     tax_included=self.pick(["yes", "yes", "no", ""]) if self.included else self.pick(["no", ""]))

    # -- taxes.csv -----------------------------------------------------------------------------------------------------

    def targets(self):
        """(jurisdiction, level): no two the same."""
        names = self.some(sorted(self.levels), self.rng.randint(0, 4))
        levels = self.some(LEVELS, self.rng.randint(0 if names else 1, 2))
        found = [(name, self.levels[name] if self.chance(25) else "") for name in names] + [("", level) for level in levels]
        return found[:5]

    def partitions(self):
        """Conditions of series of one place that have nothing in common: [{column: cell}]"""
        kind = self.rng.randrange(10)
        sale = self.weighted([("", 6), ("retail", 2), ("any", 5), ("resale", 1)])
        if kind < 4:
            return [{"sale": sale}]
        if kind < 7:
            names = self.some(self.services, self.rng.randint(1, len(self.services)))
            cut = self.rng.randint(0, len(names))
            return [{"tax_services": ";".join(part), "sale": sale} for part in (names[:cut], names[cut:]) if part]
        if kind < 9:
            names = self.some(CLASSES[:3], 3)
            cut = self.rng.randint(1, 3)
            return [{"customer_classes": ";".join(part), "sale": sale} for part in (names[:cut], names[cut:]) if part]
        return [{"sale": "retail"}, {"sale": "resale"}]

    def make_taxes(self):
        self.sourcings = self.pick([["", "origin"], ["site", "two_of_three"], ["", "site", "origin", "two_of_three", "two_of_three"]])
        names = ["tax%02d" % index for index in range(self.rng.randint(4, 14))]
        self.kinds = {name: self.weighted([("rate", 12), ("per_minute", 2), ("per_line", 4), ("per_account", 2), ("fixed", 5 if self.included else 2)])
                      for name in names}
        rates = [name for name in names if self.kinds[name] == "rate"]
        cycles = [self.some(rates, self.rng.randint(1, 3))] if rates and self.chance(60) else []
        if len(rates) > 5 and self.chance(40):
            rest = [name for name in rates if name not in cycles[0]] if cycles else rates
            cycles.append(self.some(rest, 2))
        order = list(names)
        self.rng.shuffle(order)
        for cycle in cycles:                     # those of a cycle side by side, so that what they stand on is no later one
            place = min(order.index(name) for name in cycle)
            order = [name for name in order if name not in cycle]
            order[place:place] = cycle
        cycle_of = {name: cycle for cycle in cycles for name in cycle}
        self.categories = {}
        rows = []
        for name in order:
            first = min(order.index(other) for other in cycle_of.get(name, [name]))
            rows.append(self.tax_rows(name, cycle_of.get(name), order[:first]))
        self.rng.shuffle(rows)
        self.tables["taxes"] = [row for some in rows for row in some]
        if self.chance(30):
            self.rng.shuffle(self.tables["taxes"])

    def tax_rows(self, name, cycle, earlier):
        kind = self.kinds[name]
        self.categories[name] = self.pick(CATEGORIES + [""])
        whole = {"category": self.categories[name], "name": self.pick(["", "Tax, " + name]), "kind": kind if kind != "rate" or self.chance(30) else "",
                 "scope": self.pick(["", "account", "line", "location", "invoice", "month"]),
                 "round_scope": self.pick(["", "account", "invoice_line", "line"]), "rounding": self.pick(["", "half_up", "half_even", "up", "down"]),
                 "date_basis": self.pick(["", "call", "bill", "period"]), "surcharge": self.pick(["", "yes", "no"]),
                 "billable": self.weighted([("", 5), ("yes", 3), ("no", 2)]), "exempt_by": self.pick(["", "any", "named"])}
        if self.with_ends and self.nanp:
            whole["sourcing"] = self.pick(self.sourcings)
        if kind == "per_line":
            weights = [part + (":" + self.pick(["24", "0.5", "3", "1.25"]) if self.chance(35) else "") for part in self.some(TYPES + ["toll_free", "seat"], 4)]
            weights = list({part.partition(":")[0]: part for part in weights + (["location:2"] if self.chance(25) else [])}.values())
            whole["line_basis"] = ";".join(weights)
            whole["part_month"] = self.pick(["", "full", "prorated", "none"])
        late = cycle is None and (not self.included or kind in ("per_line", "per_account"))
        rows = []
        for jurisdiction, level in self.targets():
            for conditions in self.partitions():
                standing = {}
                if kind == "rate":
                    standing["base"] = self.weighted([("", 5), ("charge", 4), ("interstate", 4), ("intrastate", 3), ("none", 1)])
                    named = self.some(earlier, self.pick([0, 0, 1, 2])) + (self.some(cycle, self.rng.randint(1, len(cycle))) if cycle else [])
                    if self.included:
                        named = [other for other in named if self.kinds[other] not in ("per_line", "per_account")]
                    standing["on_taxes"] = ";".join(named)
                for start, end in self.tax_chain():
                    cells = dict(conditions, tax=name, tax_jurisdiction=jurisdiction, level=level, source=self.pick(["", "statute 7"]),
                                 **standing)
                    cells["from"], cells["to"] = start, end
                    rows += self.brackets(cells, kind, late, cycle)
        for index, row in enumerate(rows):
            row.update({column: word for column, word in whole.items() if index == 0 or self.chance(20)})
        return rows

    def brackets(self, cells, kind, late, cycle):
        """The rows of a series."""
        value = lambda: {"rate": self.tax_rate(300 if cycle else self.pick([500, 1200, 9000]))} if kind == "rate" else \
            {"amount": self.tax_amount(self.pick([99, 999]), self.pick([2, 3, 5]))}
        cuts = []
        if late:
            high = {"rate": 3000, "per_minute": 900, "per_line": 60, "per_account": 3, "fixed": 5}[kind]
            cuts = sorted({self.tax_amount(high * 100, 2) for _ in range(self.pick([0, 0, 0, 1, 2]))} - {"0"}, key=Decimal)
            if self.chance(20):
                cells["cap"] = self.tax_amount(high * 10 if kind != "per_line" else 3000, 2)
            if self.chance(20):
                cells["threshold"] = self.tax_amount(high * 30, 2)
        edges = [self.pick(["", "0"])] + cuts
        rows = []
        for lower, upper in zip(edges, cuts + [""]):
            rows.append(dict(cells, bracket_from=lower, bracket_to=upper, **value()))
        return rows

    def make_exemptions(self):
        for _ in range(self.rng.randrange(10)):
            account = self.pick(self.accounts) if self.chance(65) else ""
            site = self.some_site(account) if account else ""
            start, end = self.tax_span()
            names = sorted(self.kinds)
            self.add("exemptions", account=account, site=site if self.chance(50) else "", start=start, to=end,
                     tax_jurisdiction=self.pick(sorted(self.levels)) if self.chance(40) else "",
                     level=self.pick(LEVELS) if self.chance(25) else "",
                     category=self.pick([word for word in self.categories.values()]) if self.chance(30) else "",
                     tax=self.pick(names) if self.chance(40) else "",
                     percent=self.pick(["", "100", "50", "33.333333", "0", "12.5", "99"]), certificate=self.pick(["", "cert-1"]))


class EndsWorld(TaxWorld):
    with_ends = True


class TaxChainWorld(TaxWorld, usage_world.ChainWorld):
    """Months of taxed calls, each closed before the next."""


class EndsChainWorld(EndsWorld, usage_world.ChainWorld):
    """The same, with taxes by the ends of calls."""


def main():
    parser = argparse.ArgumentParser(description="write a random taxed book, and CDRs")
    parser.add_argument("seed", type=int)
    parser.add_argument("calls", type=int)
    parser.add_argument("outdir")
    parser.add_argument("--ends", action="store_true")
    parser.add_argument("--chain", action="store_true")
    options = parser.parse_args()
    if options.chain:
        usage_world.make_chain(options.seed, options.calls, options.outdir, EndsChainWorld if options.ends else TaxChainWorld)
        return
    world.make(options.seed, options.calls, options.outdir, EndsWorld if options.ends else TaxWorld)


if __name__ == "__main__":
    main()
