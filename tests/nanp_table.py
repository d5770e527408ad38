#!/usr/bin/env python3
"""The shape of data/nanp.csv, against what is known of the numbering plan from elsewhere.

nanp_table.py TABLE          prints each finding and exits 1
nanp_table.py --self-test    feeds itself bad tables and exits 1 unless each is found
"""
import collections
import csv
import re
import sys

STATES = set("""AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND
OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY""".split())
TERRITORIES = {"PR": ["787", "939"], "VI": ["340"], "GU": ["671"], "AS": ["684"], "MP": ["670"]}
PROVINCES = set("AB BC MB NB NL ON QC SK".split())
SEVERAL_PROVINCES = ["782", "867", "902"]
ELSEWHERE = {"AG": ["268"], "AI": ["264"], "BB": ["246"], "BM": ["441"], "BS": ["242"], "DM": ["767"],
             "DO": ["809", "829", "849"], "GD": ["473"], "JM": ["658", "876"], "KN": ["869"], "KY": ["345"],
             "LC": ["758"], "MS": ["664"], "SX": ["721"], "TC": ["649"], "TT": ["868"], "VC": ["784"], "VG": ["284"]}
NO_PLACE = set("""456 500 521 522 523 524 525 526 527 528 529 532 533 544 566 577 588 600 622 633 700 710 800 822 833
844 855 866 877 880 881 882 888 900""".split())
# States with a single NPA, and the first NPA of some others: as in the public plan for decades.
SINGLE = {"AK": "907", "DE": "302", "HI": "808", "ME": "207", "MT": "406", "ND": "701", "NH": "603", "RI": "401",
          "SD": "605", "VT": "802", "WY": "307"}
KNOWN = {"201": "NJ", "202": "DC", "212": "NY", "213": "CA", "214": "TX", "305": "FL", "312": "IL", "404": "GA",
         "415": "CA", "416": "ON", "514": "QC", "604": "BC", "617": "MA", "713": "TX", "403": "AB", "204": "MB"}
COUNTS = {"US": 378, "CA": 55}


def findings(rows):
    if not rows or rows[0] != ["npa", "country", "state"]:
        return ["line 1: the header is not npa,country,state"]
    found, states, countries, last = [], collections.defaultdict(list), collections.defaultdict(list), ""
    for line, row in enumerate(rows[1:], 2):
        if len(row) != 3:
            found.append(f"line {line}: {len(row)} fields")
            continue
        npa, country, state = row
        if not re.fullmatch(r"[2-9][0-9][0-9]", npa) or npa.endswith("11") or npa[1] == "9":
            found.append(f"line {line}: {npa} is no NPA")
        if npa in NO_PLACE:
            found.append(f"line {line}: {npa} is no place")
        if npa <= last:
            found.append(f"line {line}: {npa} after {last}")
        last = npa
        countries[country].append(npa)
        states[country, state].append(npa)
        if country == "US":
            good = state in STATES or state in TERRITORIES
        elif country == "CA":
            good = state in PROVINCES or (state == "" and npa in SEVERAL_PROVINCES)
        else:
            good = country in ELSEWHERE and state == ""
        if not good:
            found.append(f"line {line}: {npa} in {country} {state}")
    where = {npa: state for (_, state), list_of in states.items() for npa in list_of}
    found += [f"no NPA of {state}" for state in sorted(STATES) if not states["US", state]]
    found += [f"no NPA of {province}" for province in sorted(PROVINCES) if not states["CA", province]]
    found += [f"{state}: {states['US', state]}" for state, good in TERRITORIES.items() if states["US", state] != good]
    found += [f"{country}: {countries[country]}" for country, good in ELSEWHERE.items() if countries[country] != good]
    found += [f"{state}: {states['US', state]}" for state, npa in SINGLE.items() if states["US", state] != [npa]]
    found += [f"{npa} is in {where.get(npa)}" for npa, state in KNOWN.items() if where.get(npa) != state]
    if states["CA", ""] != SEVERAL_PROVINCES:
        found.append(f"of several provinces: {states['CA', '']}")
    found += [f"{country}: {len(countries[country])} NPAs, not {count}" for country, count in COUNTS.items()
              if len(countries[country]) != count]
    return found


def self_test(path):
    with open(path, encoding="ascii", newline="") as file:
        good = list(csv.reader(file))
    row = {npa: index for index, (npa, _, _) in enumerate(good)}

    def changed(npa, new):
        return good[:row[npa]] + new + good[row[npa] + 1:]

    bad = [good[1:], changed("302", []), changed("302", [["302", "US", "DE"]] * 2),
           changed("212", [["212", "US", "NX"]]), changed("212", [["212", "US", "CA"]]),
           changed("212", [["212", "US", ""]]), changed("867", [["867", "CA", "YT"]]),
           changed("809", [["809", "PR", ""]]), changed("212", [["212", "US", "NY"], ["211", "US", "NY"]]),
           changed("801", [["800", "US", "UT"], ["801", "US", "UT"]]), changed("787", [["787", "US", "VI"]])]
    missed = [number for number, table in enumerate(bad) if not findings(table)]
    return [f"bad table {number} was not found" for number in missed] + findings(good)


def main():
    if sys.argv[1:] == ["--self-test"]:
        found = self_test(__file__.rsplit("/", 2)[0] + "/data/nanp.csv")
    else:
        with open(sys.argv[1], encoding="ascii", newline="") as file:
            found = findings(list(csv.reader(file)))
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
