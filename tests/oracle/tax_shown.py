"""What `tollmill tax` shows of a run, and the run's own tables of taxes, as rows of text."""
from fractions import Fraction

from tax import TUPLE_COLUMNS, counted_lines, evaluate, exact_text, tax_run

REGISTER_COLUMNS = ["period", "report_period", "account", "site", "tax_jurisdiction", "level", "tax", "name", "category", "kind",
                    "billable", "surcharge", "lines", "base", "exempt", "rate", "tax_exact", "tax_cents", "currency"]
TAX_LINE_COLUMNS = ["period", "account", "site", "line", "kind", "product", "tuple", "tax_services", "charge", "tax_jurisdiction",
                    "level", "tax", "base", "exempt", "rate", "tax_exact", "tax_cents", "currency"]
SUSPENSE_COLUMNS = ["reason", "account", "site", "kind", "product", "service", "jurisdiction", "lines", "calls", "charge", "currency"]
COVERAGE_COLUMNS = ["tax_jurisdiction", "level", "tax_service", "lines", "charge", "currency"]


def rate_text(series):
    return exact_text(series.brackets[0][2]) if len(series.brackets) == 1 else "brackets"


def register(book, taxes):
    groups = {}
    for line in taxes.lines:
        for part in line.components:
            rate = None if len(part.series.brackets) > 1 else part.series.brackets[0][2]
            key = (line.period.isoformat(), line.account, line.site, part.jurisdiction, part.tax.id, rate)
            groups.setdefault(key, []).append((line, part))
    rows = []
    for key in sorted(groups, key=lambda key: [text.encode() for text in key[:5]] + [key[5] is None, key[5] or 0]):
        tax, some = groups[key][0][1].tax, groups[key]
        counted = len({id(line) for line, _ in some})
        if tax.kind == "per_line":
            counted = sum(counted_lines(tax, line) for line, _ in some)
        rows.append({"period": key[0], "report_period": key[0], "account": key[1], "site": key[2], "tax_jurisdiction": key[3],
                     "level": some[0][1].level, "tax": key[4], "name": tax.name, "category": tax.category, "kind": tax.kind,
                     "billable": "yes" if tax.billable else "no", "surcharge": "yes" if tax.surcharge else "no",
                     "lines": exact_text(counted), "base": exact_text(sum(part.base for _, part in some)),
                     "exempt": exact_text(sum(part.exempt for _, part in some)), "rate": rate_text(some[0][1].series),
                     "tax_exact": exact_text(sum(part.exact for _, part in some)),
                     "tax_cents": str(sum(part.cents for _, part in some)), "currency": book.account_currency[key[1]]})
    return rows


def tax_lines(book, taxes):
    rows = []
    for line in taxes.lines:
        for part in line.components:
            rows.append({"period": line.period.isoformat(), "account": line.account, "site": line.site, "line": str(line.line),
                         "kind": line.kind, "product": line.product, "tax_services": line.services,
                         "tuple": tuple_text(line.tuple) if line.tuple else "", "charge": exact_text(line.charge),
                         "tax_jurisdiction": part.jurisdiction, "level": part.level, "tax": part.tax.id, "base": exact_text(part.base),
                         "exempt": exact_text(part.exempt), "rate": rate_text(part.series), "tax_exact": exact_text(part.exact),
                         "tax_cents": str(part.cents), "currency": book.account_currency[line.account]})
    return rows


def tuple_text(cells):
    return "|".join(str(cells[name]) for name in TUPLE_COLUMNS)


def suspense(book, taxes):
    groups = {}
    for line in taxes.lines:
        if line.reason:
            key = (line.reason, line.account, line.site, line.kind, line.product, line.service, line.jurisdiction,
                   book.account_currency[line.account])
            groups.setdefault(key, []).append(line)
    rows = []
    for key in sorted(groups):
        row = dict(zip(SUSPENSE_COLUMNS[:7], key), currency=key[7], lines=str(len(groups[key])))
        row["calls"] = str(sum(line.calls for line in groups[key]))
        row["charge"] = exact_text(sum(line.charge for line in groups[key]))
        rows.append(row)
    return rows


def coverage(book, taxes):
    """What no series of any tax is ever for."""
    groups = {}
    for line in taxes.lines:
        if line.reason:
            continue
        for name in book.tax_areas[line.area]:
            for service in line.shares:
                if service and not is_decided(book, name, service):
                    groups.setdefault((name, service, book.account_currency[line.account]), []).append(line)
    rows = []
    for key in sorted(groups):
        rows.append({"tax_jurisdiction": key[0], "level": book.tax_jurisdictions[key[0]].level, "tax_service": key[1],
                     "lines": str(len(groups[key])), "charge": exact_text(sum(line.charge for line in groups[key])), "currency": key[2]})
    return rows


def is_decided(book, name, service):
    level = book.tax_jurisdictions[name].level
    return any((series.jurisdiction == name or (not series.jurisdiction and series.level == level))
               and (not series.services or service in series.services) for tax in book.taxes.values() for series in tax.series)


def bucket_rows(taxes):
    rows = []
    for (account, site, _, key), (calls, units, amount) in taxes.buckets.items():
        rows.append({"account": account, "site": site, "tuple": tuple_text(dict(zip(TUPLE_COLUMNS, key[0]))), "count": str(calls),
                     "units": str(units), "charge": str(amount)})
    return rows


def tuple_rows(taxes, components):
    """The rated lines with their tuples, and what the billable taxes of the line alone come to; "" where one is late."""
    sums = {}
    for row in components:
        if row["billable"] == "1":
            sums.setdefault(row["tuple"], []).append(row)
    rows = []
    for entry, cells in taxes.tuples:
        own = ""
        some = sums.get(tuple_text(cells), [])
        if not cells["reason"] and not any(row["late"] == "1" for row in some):
            charge = Fraction(entry.line["charge"])
            minutes = Fraction(int(entry.line["billed"]), 60) if entry.line["service"] == "voice" else 0
            own = exact_text(sum(Fraction(row["per_charge"]) * charge + Fraction(row["per_minute"]) * minutes for row in some))
        rows.append(dict(cells, record_id=entry.record.record_id, direction=entry.record.direction, tax=own))
    return rows


def component_rows(book, taxes):
    """Of each tuple of usage: what a unit of charge and a minute are taxed; nothing of late ones. Taxes are of the first degree
    in both, so that they are found from three charges of it."""
    rows, seen = [], set()
    for line in taxes.lines:
        if line.kind != "usage" or line.reason or tuple_text(line.tuple) in seen:
            continue
        seen.add(tuple_text(line.tuple))
        minutes, found = line.minutes, {}
        saved = [(part.exact, part.base, part.exempt) for part in line.components]
        for name, charge, minute in (("none", 0, 0), ("charge", 1, 0), ("minute", 0, 1)):
            line.minutes = Fraction(minute)
            evaluate(book, line, Fraction(charge), {})
            found[name] = [part.exact for part in line.components]
        line.minutes = minutes
        for part, none, charge, minute, old in zip(line.components, found["none"], found["charge"], found["minute"], saved):
            assert none == 0
            part.exact, part.base, part.exempt = old
            rows.append({"tuple": tuple_text(line.tuple), "tax": part.tax.id, "tax_jurisdiction": part.jurisdiction, "level": part.level,
                         "category": part.tax.category, "name": part.tax.name, "kind": part.tax.kind, "rate": rate_text(part.series),
                         "billable": str(int(part.tax.billable)), "surcharge": str(int(part.tax.surcharge)), "late": str(int(part.late)),
                         "base": exact_text(part.weight), "exempt": exact_text(part.percent), "line": str(part.series.line),
                         "per_charge": "" if part.late else exact_text(charge), "per_minute": "" if part.late else exact_text(minute)})
    return rows


COMPONENT_COLUMNS = ["tuple", "tax", "tax_jurisdiction", "level", "category", "name", "kind", "billable", "surcharge", "late", "rate",
                     "base", "exempt", "per_charge", "per_minute", "line"]
SHOWN = {"register": REGISTER_COLUMNS, "lines": TAX_LINE_COLUMNS, "suspense": SUSPENSE_COLUMNS, "coverage": COVERAGE_COLUMNS,
         "tuples": ["record_id", "direction", "tax"] + TUPLE_COLUMNS, "buckets": ["account", "site", "tuple", "count", "units", "charge"],
         "components": COMPONENT_COLUMNS}


def shown(book, run):
    """{what: rows}"""
    taxes = tax_run(book, run)
    components = component_rows(book, taxes)
    return {"register": register(book, taxes), "lines": tax_lines(book, taxes), "suspense": suspense(book, taxes),
            "coverage": coverage(book, taxes), "tuples": tuple_rows(taxes, components), "buckets": bucket_rows(taxes),
            "components": components}
