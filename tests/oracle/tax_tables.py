"""Sections 1 and 3 of docs/TAX.md: the tables of taxes, read and checked.

A share, a rate and an amount are Fractions; dates are whole days (datetime.date); an empty `from` is date.min, an empty
`to` is date.max.
"""
import datetime
import os
import re
from fractions import Fraction

import oracle
from oracle import BookError

LEVELS = ("federal", "state", "county", "city", "district")
KINDS = ("rate", "per_minute", "per_line", "per_account", "fixed")
CENT_ROUNDINGS = ("half_up", "half_even", "up", "down")
EARLIEST, LATEST = datetime.date.min, datetime.date.max
WHOLE_TAX = ("category name kind sourcing scope round_scope rounding date_basis surcharge billable exempt_by line_basis"
             " part_month").split()
SERIES = ("tax_jurisdiction", "level", "tax_services", "customer_classes", "sale", "from", "to")


class Thing:
    """A row of a table, with its cells as attributes."""


def need(cells, *names):
    for name in names:
        if not cells[name]:
            raise BookError("%s is missing: %s" % (name, cells))


def known(value, names, what):
    if value and value not in names:
        raise BookError("unknown %s: %s" % (what, value))


def fraction(text, low, high, places):
    if not re.fullmatch(r"[0-9]+(\.[0-9]{1,%d})?" % places, text):
        raise BookError("not a decimal of at most %d places: %s" % (places, text))
    value = Fraction(text)
    if value < low or (high is not None and value > high):
        raise BookError("not from %s to %s: %s" % (low, high, text))
    return value


def portion(text, high):
    """'0.0625' or '6.25%'."""
    if text.endswith("%"):
        return fraction(text[:-1], 0, high * 100, 10) * Fraction(1, 100)
    return fraction(text, 0, high, 12)


def day_of(text, empty):
    if not text:
        return empty
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise BookError("not a day: " + text)
    return datetime.date.fromisoformat(text)


def days_of(cells):
    """(from, to)"""
    first, last = day_of(cells["from"], EARLIEST), day_of(cells["to"], LATEST)
    if first >= last:
        raise BookError("a row ends before it begins: %s" % cells)
    return first, last


def listed(text, names=None, what=""):
    """'a;b' as a list."""
    found = [part.strip() for part in text.split(";")] if text else []
    if "" in found or len(set(found)) != len(found):
        raise BookError("a list with an empty part, or one twice: " + text)
    for part in found:
        if names is not None:
            known(part, names, what)
    return found


def yes(cells, name, default):
    return oracle.choice(cells, name, default, "yes", "no") == "yes"


def overlap(one, other):
    return one[0] < other[1] and other[0] < one[1]


def common(one, other):
    """Of two sets of which an empty one means all."""
    return not one or not other or bool(one & other)


def load_taxes(book):
    book.taxed = os.path.exists(os.path.join(book.folder, "taxes.csv"))
    load_jurisdictions(book)
    load_areas(book)
    load_tax_map(book)
    load_sellers(book)
    load_taxed_accounts(book)
    load_taxes_rows(book)
    load_exemptions(book)
    load_charges(book)
    check_products(book)
    check_ends(book)


# ---------------------------------------------------------------------------------------------------------------------
# Where
# ---------------------------------------------------------------------------------------------------------------------

def load_jurisdictions(book):
    """book.tax_jurisdictions[id]: .level .state .above (itself and all above it)."""
    found = book.tax_jurisdictions = {}
    for cells in book.tables["tax_jurisdictions"]:
        need(cells, "id", "level")
        row = Thing()
        row.id, row.parent, row.fips, row.state = cells["id"], cells["parent"], cells["fips"], cells["state"]
        row.level = oracle.choice(cells, "level", "", *LEVELS)
        if row.id in found:
            raise BookError("jurisdiction twice: " + row.id)
        if row.state and not re.fullmatch("[A-Z][A-Z]", row.state):
            raise BookError("a state is two capital letters: " + row.id)
        if row.fips and not re.fullmatch("[0-9]{2,10}", row.fips):
            raise BookError("fips is 2 to 10 digits: " + row.id)
        if row.level == "state" and not row.state:
            raise BookError("a state must have a state: " + row.id)
        found[row.id] = row
    for row in found.values():
        known(row.parent, found, "jurisdiction")
        if row.parent and LEVELS.index(found[row.parent].level) >= LEVELS.index(row.level):
            raise BookError("a parent is of a higher level: " + row.id)
    states = [row.state for row in found.values() if row.level == "state"]
    if len(set(states)) < len(states):
        raise BookError("two jurisdictions of one state")
    for row in found.values():
        row.above, at = [row.id], row.parent
        while at:
            row.above.append(at)
            at = found[at].parent
        for name in row.above[1:]:
            over = found[name]
            if over.level == "state":
                row.state = row.state or over.state
                if row.state != over.state:
                    raise BookError("a jurisdiction outside its state: " + row.id)
        if row.parent and row.fips:
            over = found[row.parent]
            if over.level != "federal" and over.fips and not row.fips.startswith(over.fips):
                raise BookError("fips begins with that of the parent: " + row.id)


def load_areas(book):
    """book.tax_areas[area]: the ids of its jurisdictions and of all above them."""
    book.tax_areas = {}
    seen = set()
    for cells in book.tables["tax_areas"]:
        need(cells, "area", "tax_jurisdiction")
        pair = cells["area"], cells["tax_jurisdiction"]
        known(pair[1], book.tax_jurisdictions, "jurisdiction")
        if pair in seen:
            raise BookError("tax_areas.csv: a row twice: %s %s" % pair)
        seen.add(pair)
        book.tax_areas.setdefault(pair[0], set()).update(book.tax_jurisdictions[pair[1]].above)
    for area, names in book.tax_areas.items():
        if len({book.tax_jurisdictions[name].state for name in names} - {""}) > 1:
            raise BookError("an area in several states: " + area)


def load_taxed_accounts(book):
    looked_at = book.taxed or book.tables["tax_areas"]
    book.site_area = {"": ""}
    book.sites_of = {account: [] for account in book.account_zone}
    for cells in book.tables["sites"]:
        if looked_at:
            known(cells["area"], book.tax_areas, "area")
        book.site_area[cells["site"]] = cells["area"]
        book.sites_of[cells["account"]].append(cells["site"])
    book.payers = {}
    for cells in book.tables["accounts"]:
        row = Thing()
        row.customer_class, row.seller, row.tax_site = cells["class"], cells["seller"], cells["tax_site"]
        row.sale = oracle.choice(cells, "sale", "retail", "resale") if book.taxed else cells["sale"]
        if book.taxed or book.tables["sellers"]:
            known(row.seller, book.sellers, "seller")
        if row.tax_site and book.site_account.get(row.tax_site) != cells["account"]:
            raise BookError("tax_site is a site of the account: " + cells["account"])
        book.payers[cells["account"]] = row


# ---------------------------------------------------------------------------------------------------------------------
# What, and who sells it
# ---------------------------------------------------------------------------------------------------------------------

def load_tax_map(book):
    """book.splits: [.conditions {column: word}, .shares {tax service: share}, .line], by their first rows."""
    splits = {}
    for cells in book.tables["tax_map"]:
        need(cells, "tax_service")
        if not re.fullmatch("[^;:]+", cells["tax_service"]):
            raise BookError("no name of a tax service: " + cells["tax_service"])
        conditions = {name: cells[name] for name in ("product", "service", "class", "jurisdiction") if cells[name]}
        for name, words in (("service", oracle.SERVICE_NAMES), ("class", ("ordinary", "toll_free", "premium", "n11", "on_net")),
                            ("jurisdiction", oracle.JURISDICTIONS)):
            oracle.choice(cells, name, "", *words)
        key = tuple(sorted(conditions.items()))
        if key not in splits:
            splits[key] = Thing()
            splits[key].conditions, splits[key].shares, splits[key].line = conditions, {}, cells["#"]
        if cells["tax_service"] in splits[key].shares:
            raise BookError("a tax service twice in one split: %s" % cells)
        splits[key].shares[cells["tax_service"]] = portion(cells["share"] or "1", 1)
    book.splits = list(splits.values())
    for split in book.splits:
        if sum(split.shares.values()) != 1:
            raise BookError("the shares of a split do not add up to 1: %s" % split.conditions)
    book.tax_services = {service for split in book.splits for service in split.shares}


def load_sellers(book):
    """book.sellers[seller] = [rows]"""
    book.sellers = {}
    for cells in book.tables["sellers"]:
        need(cells, "seller", "fusf_method")
        row = Thing()
        row.method = oracle.choice(cells, "fusf_method", "", "safe_harbour", "traffic_study", "actual")
        row.share = portion(cells["interstate_share"], 1) if cells["interstate_share"] else None
        if row.share is None and row.method == "safe_harbour":
            row.share = Fraction(649, 1000)
        if row.share is None and row.method == "traffic_study":
            raise BookError("traffic_study must have a share: " + cells["seller"])
        row.services = set(listed(cells["tax_services"], book.tax_services, "tax service"))
        row.days = days_of(cells)
        for other in book.sellers.setdefault(cells["seller"], []):
            alike = row.services & other.services or (not row.services and not other.services)
            if alike and overlap(row.days, other.days):
                raise BookError("sellers overlap: " + cells["seller"])
        book.sellers[cells["seller"]].append(row)


# ---------------------------------------------------------------------------------------------------------------------
# taxes.csv
# ---------------------------------------------------------------------------------------------------------------------

def load_taxes_rows(book):
    """book.taxes[tax]: what is said for the whole of it, and .series, each with its .brackets [(from, to or None, rate)]."""
    rows_of = {}
    for cells in book.tables["taxes"]:
        need(cells, "tax")
        rows_of.setdefault(cells["tax"], []).append(cells)
    book.taxes = {}
    for name, rows in rows_of.items():
        said = {column: {cells[column] for cells in rows if cells[column]} for column in WHOLE_TAX}
        for column, values in said.items():
            if len(values) > 1:
                raise BookError("%s of %s is not the same in all rows" % (column, name))
        tax = tax_of(book, name, {column: "".join(values) for column, values in said.items()})
        book.taxes[name] = tax
        series = {}
        for cells in rows:
            row = rate_row(book, tax, cells, rows_of)
            series.setdefault(row.key, []).append(row)
        tax.series = [series_of(tax, same) for same in series.values()]
        check_series(tax)
    book.tax_order = in_dependency_order(book)


def tax_of(book, name, cells):
    tax = Thing()
    tax.id, tax.category, tax.name = name, cells["category"], cells["name"]
    tax.kind = oracle.choice(cells, "kind", *KINDS)
    tax.sourcing = oracle.choice(cells, "sourcing", "site", "origin", "two_of_three")
    tax.scope = {"invoice": "account", "month": "account"}.get(cells["scope"]) or oracle.choice(cells, "scope", "account", "line", "location")
    tax.round_scope = oracle.choice(cells, "round_scope", "account", "invoice_line", "line")
    tax.rounding = oracle.choice(cells, "rounding", *CENT_ROUNDINGS)
    tax.date_basis = oracle.choice(cells, "date_basis", "call", "bill", "period")
    tax.surcharge, tax.billable = yes(cells, "surcharge", "no"), yes(cells, "billable", "yes")
    tax.named = oracle.choice(cells, "exempt_by", "any", "named") == "named"
    if tax.kind == "per_line":
        need(cells, "line_basis")
    elif cells["line_basis"] or cells["part_month"]:
        raise BookError("line_basis and part_month are for per_line: " + name)
    tax.part_month = oracle.choice(cells, "part_month", "full", "prorated", "none")
    tax.weights = {}
    for part in listed(cells["line_basis"]):
        kind, colon, weight = part.partition(":")
        if not kind or kind in tax.weights:
            raise BookError("line_basis: " + part)
        tax.weights[kind] = fraction(weight, 0, None, 6) if colon else Fraction(1)
    if tax.sourcing != "site" and not book.nanp:
        raise BookError("the ends of calls are for number plan nanp: " + name)
    return tax


def rate_row(book, tax, cells, names):
    row = Thing()
    row.line = cells["#"]
    row.jurisdiction = cells["tax_jurisdiction"]
    row.level = oracle.choice(cells, "level", "", *LEVELS)
    known(row.jurisdiction, book.tax_jurisdictions, "jurisdiction")
    if not row.jurisdiction and not row.level:
        raise BookError("neither a jurisdiction nor a level: %s" % cells)
    if row.jurisdiction and row.level not in ("", book.tax_jurisdictions[row.jurisdiction].level):
        raise BookError("a jurisdiction of another level: %s" % cells)
    row.services = set(listed(cells["tax_services"], book.tax_services, "tax service"))
    row.classes = set(listed(cells["customer_classes"]))
    row.sale = oracle.choice(cells, "sale", "retail", "resale", "any")
    row.days = days_of(cells)
    rate = tax.kind == "rate"
    if not rate and (cells["base"] or cells["on_taxes"]):
        raise BookError("base and on_taxes are for kind rate: %s" % cells)
    row.base = oracle.choice(cells, "base", "charge", "interstate", "intrastate", "none")
    row.on_taxes = set(listed(cells["on_taxes"], names, "tax"))
    if bool(cells["rate"]) != rate or bool(cells["amount"]) == rate:
        raise BookError("kind rate has a rate, the others an amount: %s" % cells)
    row.rate = portion(cells["rate"], 100) if rate else oracle.parse_money(cells["amount"], "amount")
    counted = 8 if rate else 6
    row.lower = fraction(cells["bracket_from"] or "0", 0, None, counted)
    row.upper = fraction(cells["bracket_to"], 0, None, counted) if cells["bracket_to"] else None
    row.cap = fraction(cells["cap"], 0, None, 6 if tax.kind == "per_line" else 8) if cells["cap"] else None
    row.threshold = fraction(cells["threshold"], 0, None, counted) if cells["threshold"] else Fraction(0)
    row.source, row.as_of = cells["source"], day_of(cells["as_of"], None)
    oracle.choice(cells, "cadence", "", "month", "quarter", "year")
    row.key = (row.jurisdiction, "" if row.jurisdiction else row.level, frozenset(row.services), frozenset(row.classes), row.sale, row.days)
    return row


def series_of(tax, rows):
    """Rows that differ in their brackets."""
    rows = sorted(rows, key=lambda row: row.lower)
    series = min(rows, key=lambda row: row.line)
    lower = Fraction(0)
    for row in rows:
        if row.lower != lower or (row.upper is None) != (row is rows[-1]) or (row.upper is not None and row.upper <= row.lower):
            raise BookError("brackets of %s do not follow each other from 0 on" % tax.id)
        if (row.base, row.on_taxes, row.cap, row.threshold) != (series.base, series.on_taxes, series.cap, series.threshold):
            raise BookError("brackets of %s with several bases, on_taxes, caps or thresholds" % tax.id)
        lower = row.upper
    series.tax = tax
    series.brackets = [(row.lower, row.upper, row.rate) for row in rows]
    series.runs = len(rows) > 1 or series.cap is not None or series.threshold > 0
    return series


def check_series(tax):
    for index, one in enumerate(tax.series):
        for other in tax.series[:index]:
            if one.jurisdiction != other.jurisdiction or (not one.jurisdiction and one.level != other.level):
                continue
            sales = one.sale == other.sale or "any" in (one.sale, other.sale)
            if common(one.services, other.services) and common(one.classes, other.classes) and sales and overlap(one.days, other.days):
                raise BookError("overlap: two rates of %s" % tax.id)
    groups = {}
    for series in tax.series:
        groups.setdefault(series.key[:5], []).append(series)
    for same in groups.values():
        same.sort(key=lambda series: series.days)
        if any(one.days[1] != other.days[0] for one, other in zip(same, same[1:])):
            raise BookError("gap: no rate of %s for some days" % tax.id)


def in_dependency_order(book):
    """[[tax, ...]]: what a tax stands on comes before it; taxes that stand on each other are together."""
    on = {name: set().union(*(series.on_taxes for series in tax.series)) for name, tax in book.taxes.items()}
    below = {}
    for name in on:
        below[name], waiting = set(), [name]
        while waiting:
            for other in on[waiting.pop()] - below[name]:
                below[name].add(other)
                waiting.append(other)
    groups = []
    for name in on:
        if name in below[name]:
            group = sorted(other for other in on if other in below[name] and name in below[other])
            if group not in groups:
                groups.append(group)
                check_cycle(book, group)
        else:
            groups.append([name])
    done, ordered = set(), []
    while groups:
        group = next(group for group in groups if all(below[name] - set(group) <= done for name in group))
        groups.remove(group)
        ordered.append(group)
        done.update(group)
    book.cyclic = {name for name in on if name in below[name]}
    return ordered


def check_cycle(book, group):
    for name in group:
        for series in book.taxes[name].series:
            if series.runs or any(rate * len(series.on_taxes & set(group)) >= 1 for _, _, rate in series.brackets):
                raise BookError("a cycle without a solution: " + ";".join(group))


# ---------------------------------------------------------------------------------------------------------------------
# exemptions.csv, charges.csv, products.csv
# ---------------------------------------------------------------------------------------------------------------------

def check_site(book, cells):
    known(cells["account"], book.account_zone, "account")
    known(cells["site"], book.site_account, "site")
    if cells["site"] and cells["account"] and book.site_account[cells["site"]] != cells["account"]:
        raise BookError("a site of another account: %s" % cells)


def load_exemptions(book):
    book.exemptions = []
    for cells in book.tables["exemptions"]:
        check_site(book, cells)
        row = Thing()
        row.line, row.account, row.site, row.certificate = cells["#"], cells["account"], cells["site"], cells["certificate"]
        row.jurisdiction, row.category, row.tax = cells["tax_jurisdiction"], cells["category"], cells["tax"]
        row.level = oracle.choice(cells, "level", "", *LEVELS)
        known(row.jurisdiction, book.tax_jurisdictions, "jurisdiction")
        known(row.tax, book.taxes, "tax")
        known(row.category, {tax.category for tax in book.taxes.values()}, "category")
        row.percent = fraction(cells["percent"] or "100", 0, 100, 6)
        row.days = days_of(cells)
        book.exemptions.append(row)


def load_charges(book):
    book.charges = []
    for cells in book.tables["charges"]:
        need(cells, "account", "product", "kind", "amount")
        check_site(book, cells)
        row = Thing()
        row.line, row.account, row.site, row.product = cells["#"], cells["account"], cells["site"], cells["product"]
        row.kind = oracle.choice(cells, "kind", "", "recurring", "one_time", "credit", "fee")
        row.amount = oracle.parse_money(cells["amount"], "amount") * fraction(cells["quantity"] or "1", 0, None, 6)
        if row.kind == "credit":
            row.amount = -row.amount
        row.tax_included = yes(cells, "tax_included", "no")
        row.days = days_of(cells)
        if row.kind != "recurring" and (not cells["from"] or cells["to"]):
            raise BookError("%s needs from, and has no to: %s" % (row.kind, cells))
        book.charges.append(row)


def check_products(book):
    names = set()
    for cells in book.tables["products"]:
        need(cells, "product")
        if cells["product"] in names:
            raise BookError("product twice: " + cells["product"])
        names.add(cells["product"])
    if not os.path.exists(os.path.join(book.folder, "products.csv")):
        return
    for table in ("plan_rules", "tiers", "services", "tax_map", "charges"):
        for cells in book.tables[table]:
            if not cells["product"].startswith("period:"):
                known(cells["product"], names, "product")


def check_ends(book):
    if not book.taxed:
        return
    book.place_areas = {}
    for cells in book.tables["npanxx"]:
        known(cells["area"], book.tax_areas, "area")
        for prefix in oracle.expand_keys(cells["prefix"], False):
            book.place_areas[prefix] = cells["area"]
