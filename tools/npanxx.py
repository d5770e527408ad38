#!/usr/bin/env python3
"""npanxx.csv of a book, made from public lists of assigned numbers that you have fetched.

Reads one or more of

  NANPA's central office code assignments, utilized codes (CoCodeAssignment_Utilized_..., once allutlzd.txt):
      State, NPA-NXX, OCN, Company, RateCenter, EffectiveDate, Use, AssignDate, Initial/Growth, ...
  NANPA's thousands-block report (ThousandsBlockAssignment_...): State, NPA, NXX, X, STATUS, Rate Center, ...
  the Canadian Numbering Administrator's CO code status (COCodeStatus_...):
      NPA, CO Code (NXX), Status, Exchange Area, Province, Company, OCN, Remarks

separated by tabs, commas, semicolons or bars. Columns are found by their names in the header, which may stand
below a title line; the options below name others. Only rows in service are taken, and of the blocks only
those whose place is not that of their NPA-NXX. The result is sorted and depends on the rows alone.
docs/RATING.md, section 6.1, says what the table means.
"""
import argparse
import csv
import os
import re
import sys
import tempfile

COLUMNS = ["prefix", "country", "state", "county", "city", "ratecenter", "lata", "area"]
EXAMPLES = """examples:
  npanxx.py -o book/npanxx.csv CoCodeAssignment_Utilized_AllStates_Public.txt
  npanxx.py -o book/npanxx.csv CoCodeAssignment_Utilized_AllStates_Public.txt \\
            ThousandsBlockAssignment_All.csv COCodeStatus_ALL.csv
  npanxx.py --state-column ST --ratecenter-column RC --in-service ACTIVE codes.csv > npanxx.csv

exit codes: 0 written, 2 wrong call, 65 a file is not what it should be, 66 a file is missing, 74 cannot write
"""
# By value: the names its column may have, compared in small letters without blanks, dashes, bars and such.
NAMES = {
    "npanxx": ["npanxx", "npaandnxx"],
    "npa": ["npa"],
    "nxx": ["nxx", "cocode", "cocodenxx", "exchange"],
    "block": ["x", "block", "thousandsblock", "blockid"],
    "state": ["state", "province", "stateprovince"],
    "ratecenter": ["ratecenter", "ratecentre", "exchangearea", "ratecenterabbreviation"],
    "use": ["use", "status", "codestatus", "blockstatus"],
    "county": ["county"],
    "city": ["city"],
    "lata": ["lata"],
}
WHAT = {"npanxx": "NPA-NXX", "npa": "NPA", "nxx": "NXX", "block": "thousands block's digit",
        "ratecenter": "rate center", "use": "word for rows in service", "lata": "LATA"}
IN_SERVICE = ["as", "inservice", "assigned"]
CANADIAN_IN_SERVICE = ["inservice"]  # "Assigned" there: not yet in service
US = set("""AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY
NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR VI GU AS MP""".split())
CANADA = set("AB BC MB NB NL NS NT NU ON PE QC SK YT".split())
OTHER_NAMES = {"NN": "MP", "CQ": "MP", "CNMI": "MP", "USVI": "VI", "NF": "NL", "PQ": "QC", "YK": "YT"}
HEADER_LINES = 10  # among which the header must be


class Fault(Exception):
    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


def plain(text):
    return re.sub(r"[^a-z0-9]", "", text.lower())


def spaced(text):
    return " ".join(text.split())


def read_text(path):
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise Fault(66, f"{path}: there is no such file")
    except OSError as error:
        raise Fault(66, f"{path}: cannot read: {error.strerror}")
    if b"\0" in data:
        raise Fault(65, f"{path}: is no text; unpack an archive, save a spreadsheet as CSV (UTF-8)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # as the lists with French names come


def split(lines, separator):
    """(line number, fields) of each row. A quote in a company's name quotes nothing where tabs separate."""
    bare = separator == "\t" and not any('"\t"' in line for line in lines[:HEADER_LINES])
    quoting = csv.QUOTE_NONE if bare else csv.QUOTE_MINIMAL
    rows = csv.reader(lines, delimiter=separator, quoting=quoting, skipinitialspace=True)
    for fields in rows:
        yield rows.line_num, [field.strip() for field in fields]


def find_columns(header, names):
    """By value: the index of its column, where there is one."""
    have = [plain(field) for field in header]
    found = {}
    for value, wanted in names.items():
        for name in wanted:
            if have.count(name) > 0:
                found[value] = have.index(name)
                break
    return found


def find_header(path, lines, names):
    """Separator, line number, columns and fields of the line that names the most."""
    best = None
    for separator in "\t,;|":
        try:
            for number, fields in split(lines[:HEADER_LINES], separator):
                found = find_columns(fields, names)
                if best is None or len(found) > len(best[2]):
                    best = separator, number, found, fields
        except csv.Error:
            continue
    found = best[2] if best else {}
    if not any(lines):
        raise Fault(65, f"{path}: the file is empty")
    for value, instead in (("npanxx", {"npa", "nxx"}), ("state", set())):
        if value not in found and not (instead and instead <= set(found)):
            wanted = "NPA-NXX (or NPA and NXX)" if value == "npanxx" else "State or Province"
            option = "--npanxx-column" if value == "npanxx" else "--state-column"
            raise Fault(65, f"{path}:1: there is no column {wanted} in the first {HEADER_LINES} lines; "
                            f"name it with {option}")
    return best


def prefix_of(where, fields, found):
    if "npanxx" in found:
        digits = fields[found["npanxx"]].replace("-", "").replace(" ", "")
    else:
        digits = fields[found["npa"]] + fields[found["nxx"]]
    if not re.fullmatch(r"[2-9][0-9]{2}[2-9][0-9]{2}", digits):
        raise Fault(65, f"{where}: \"{digits}\" is no NPA-NXX, two times three digits from 200 on; mend the list")
    block = fields[found["block"]] if "block" in found else ""
    if block and not re.fullmatch(r"[0-9]", block):
        raise Fault(65, f"{where}: \"{block}\" is no thousands block, which is one digit; mend the list")
    return "1" + digits + block


def place_of(where, fields, found):
    """country, state, county, city, ratecenter, lata, area; None where no state is given."""
    state = spaced(fields[found["state"]]).upper()
    state = OTHER_NAMES.get(state, state)
    if not state:
        return None
    if state not in US and state not in CANADA:
        raise Fault(65, f"{where}: \"{state}\" is no state, territory or province by its abbreviation; mend the list")
    values = {value: spaced(fields[found[value]]) if value in found else ""
              for value in ("county", "city", "ratecenter", "lata")}
    ratecenter = values["ratecenter"].upper()
    if re.fullmatch(r"X{3,}", ratecenter):  # none, as the lists write it
        ratecenter = ""
    country = "US" if state in US else "CA"
    return country, state, values["county"], values["city"], ratecenter, values["lata"], ""


def read_list(path, names, in_service, table, counts):
    """Adds a list to the table: prefix to (place, where it stands). Returns the names of its columns."""
    lines = re.split(r"\r\n|\r|\n", read_text(path))
    separator, header, found, header_fields = find_header(path, lines, names)
    canadian = plain(header_fields[found["state"]]) == "province"
    words = in_service or (CANADIAN_IN_SERVICE if canadian else IN_SERVICE)
    needed = max(found[value] for value in found if value not in ("county", "city", "lata"))
    try:
        for number, fields in split(lines, separator):
            where = f"{path}:{number}"
            if number <= header or not any(fields):
                continue
            missing = len(fields) <= needed
            fields += [""] * (max(found.values()) + 1 - len(fields))
            if not any(fields[found[value]] for value in ("npanxx", "npa", "nxx") if value in found):
                continue  # a remark or the date of the list
            if missing:
                raise Fault(65, f"{where}: the row has less than {needed + 1} fields; fetch the list again")
            counts["rows"] += 1
            if "use" in found and plain(fields[found["use"]]) not in words:
                counts["not in service"] += 1
                continue
            prefix = prefix_of(where, fields, found)
            place = place_of(where, fields, found)
            if place is None:
                counts["without state"] += 1
                continue
            if prefix in table and table[prefix][0] != place:
                raise Fault(65, f"{where}: {prefix} lies in another place at {table[prefix][1]}; "
                                "leave out one of the rows or lists")
            if prefix in table:
                counts["double"] += 1
                continue
            table[prefix] = place, where
    except csv.Error as error:
        raise Fault(65, f"{path}: cannot be split into columns: {error}")
    return {plain(field) for field in header_fields}


def without_idle_blocks(table, counts):
    """A block that lies where its NPA-NXX does changes nothing."""
    kept = {}
    for prefix, (place, _) in table.items():
        if len(prefix) == 8 and prefix[:7] in table and table[prefix[:7]][0] == place:
            counts["blocks like their NPA-NXX"] += 1
        else:
            kept[prefix] = place
    return kept


def write_table(table, file):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for prefix in sorted(table):
        writer.writerow((prefix,) + table[prefix])


def write_file(table, path):
    """Beside its place, then renamed: whole or not at all."""
    folder = os.path.dirname(os.path.abspath(path))
    temporary = None
    try:
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".npanxx.", delete=False, encoding="utf-8",
                                         newline="") as file:
            temporary = file.name
            write_table(table, file)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        raise Fault(74, f"{path}: cannot write: {error.strerror}")


def options():
    parser = argparse.ArgumentParser(prog="npanxx.py", description=__doc__, epilog=EXAMPLES,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="LIST", help="a list, unpacked")
    parser.add_argument("-o", "--output", metavar="FILE", help="the table (default: standard output)")
    parser.add_argument("--in-service", action="append", default=[], metavar="WORD",
                        help="the word of rows in service, instead of AS, Assigned and In Service (may be repeated)")
    for value in NAMES:
        parser.add_argument(f"--{value}-column", action="append", default=[], metavar="NAME",
                            help=f"the column of the {WHAT.get(value, value)}, when it has a name of its own")
    return parser.parse_args()


def main():
    arguments = options()
    own = {value: [plain(name) for name in getattr(arguments, f"{value}_column")] for value in NAMES}
    names = {value: own[value] + NAMES[value] for value in NAMES}
    in_service = [plain(word) for word in arguments.in_service]
    counts = {"rows": 0, "not in service": 0, "without state": 0, "double": 0, "blocks like their NPA-NXX": 0}
    table = {}
    columns = set()
    for path in arguments.files:
        columns |= read_list(path, names, in_service, table, counts)
    for value in NAMES:
        for name in getattr(arguments, f"{value}_column"):
            if plain(name) not in columns:
                raise Fault(65, f"--{value}-column {name}: no list has such a column")
    table = without_idle_blocks(table, counts)
    if not table:
        raise Fault(65, f"{arguments.files[0]}: no row is in service; name the word for it with --in-service")
    if arguments.output:
        write_file(table, arguments.output)
    else:
        write_table(table, sys.stdout)
    left_out = ", ".join(f"{count} {what}" for what, count in counts.items() if what != "rows" and count)
    print(f"{counts['rows']} rows: {len(table)} prefixes" + (f"; left out: {left_out}" if left_out else ""),
          file=sys.stderr)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Fault as fault:
        print(f"npanxx.py: {fault}", file=sys.stderr)
        sys.exit(fault.code)
