"""tollmill check: a clean book has no doubt; a small book for each doubt has that one, in the line where it is.

Run by ctest with TOLLMILL (the program) and TOLL_SOURCE_DIR (the checkout).
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

TOLLMILL = os.environ["TOLLMILL"]
ROOT = os.environ["TOLL_SOURCE_DIR"]
CLEAN = {
    "book.yaml": "book: clean\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account\nacme\nbeta\n",
    "numbers.csv": "number,account,from,to\n12125550100,acme,,2026-03-10\n12125550100,beta,2026-03-10,\n"
                   "hint:H,acme,,2026-03-10\nhint:H,beta,2026-03-10,\n",
    "plans.csv": "plan\np\nq\n",
    "assignments.csv": "subject,plan,from,to\ndefault,p,,\naccount:beta,q,,2026-03-10\naccount:beta,p,2026-03-10,\n",
    "plan_rules.csv": "plan,action,deck,class,destination,jurisdiction,on_miss,amount,from,to,priority\n"
                      "p,free,,toll_free,,,,,,,1\n"
                      "p,deck,n,,UK,,next,,,,2\n"
                      "p,flat,,,UK,,,0.25,2026-01-01,2026-06-01,3\n"
                      "p,deck,d,,,intrastate,,,,,4\n"
                      "p,deck,d,,,,,,,,5\n"
                      "q,deck,d,,,,,,,,\n",
    "destinations.csv": "prefix,destination\n44,UK\n4479,UK mobile\n",
    "calendars.csv": "calendar,band,days,from,to,priority\nweek,off,6-7,,,1\nweek,night,,20:00,06:00,2\nweek,day,,,,3\n",
    "holidays.csv": "calendar,date,band\nweek,2026-12-25,off\n",
    "decks.csv": "deck,calendar,decimals\nd,,\nn,week,8\n",
    "deck_versions.csv": "deck,file,effective,mode\nd,d,,\nd,d2,2026-03-01,full\nd,d3,2026-03-15,amend\n",
    "decks/d.csv": "prefix,rate,connect_fee,to\n1,0.01,,\n1201,0.099,,\n1876,0.05,,\n,0.5,,\n44,0.02,,\n",
    "decks/d2.csv": "prefix,rate,from,to\n1,0.01,,\n1212,0.02,,2026-05-01\n1212,0.03,2026-05-01,\n",
    "decks/d3.csv": "prefix,rate\n1212,0.015\n",
    "decks/n.csv": "prefix,rate,band\n44,0.02,day\n44,0.01,night\n44,0.002,off\n447,0.0299,day\n447,0.02,\n",
    "bundles.csv": "bundle,unit,quantity,scope\nfree,s,60,account\nseats,s,60,number\n",
    "services.csv": "service,account,type\ns1,acme,seat\n",
    "subscriptions.csv": "subject,bundle,times\nplan:p,free,\naccount:acme,seats,count:seat\n",
}
# name -> (tables that change the clean book, lines "file:line name" of all warnings, words of the first text)
DOUBTS = {}


def doubt(name, lines, words, options=(), **tables):
    DOUBTS[name] = (tables, lines if isinstance(lines, list) else [lines], words, options)


def with_column(table, name):
    """The table with a last column that is empty."""
    header, *rows = table.splitlines()
    return "".join(line + "\n" for line in [header + "," + name] + [row + "," for row in rows])


RULES = "plan,action,deck,class,destination,jurisdiction,on_miss,amount,from,to,priority,trunk\n"
KEEP = "p,deck,n,,UK,,next,,,,2,\np,deck,d,,,,,,,,9,\nq,deck,d,,,,,,,,9,\n"

doubt("dead_rule", "plan_rules.csv:5 dead_rule", "line 3 is tried before it",
      plan_rules=RULES + KEEP + "p,flat,,,UK,intrastate,,1,,,10,\n")
doubt("dead_rule after two of its kind", "plan_rules.csv:6 dead_rule", "line 5 is tried before it",
      trunks="trunk\nT1\nT2\n",
      plan_rules=RULES + KEEP + "p,free,,,,,,,,,3,T1\np,flat,,,UK,,,1,2026-01-01,2026-02-01,4,T1\n"
      "p,flat,,,UK,,,1,2026-01-01,2026-02-01,4,T2\n")
doubt("dead_rule when the deck before has a row for everything",
      ["decks/d2.csv unused_file", "decks/d3.csv unused_file", "plan_rules.csv:6 dead_rule"],
      "line 3 is tried before it", deck_versions="deck,file\nd,d\n",
      plan_rules=RULES + "p,deck,n,,UK,,next,,,,2,\np,deck,d,,,,next,,,,3,\nq,deck,d,,,,,,,,9,\n"
      "q,free,,toll_free,,,,,,,8,\np,free,,,,,,,,,4,\n")
doubt("dead_rule in no time of its plan", "plan_rules.csv:5 dead_rule", 'nobody has its plan "q"',
      plan_rules=RULES + KEEP + "q,free,,,,,,,2026-04-01,2026-05-01,1,\n")
doubt("dead_rule of a class that does not occur", "plan_rules.csv:5 dead_rule", "no call has the class toll_free",
      **{"book.yaml": "book: b\ncurrency: USD\ntimezone: UTC\nnumber_plan: e164\n"},
      plan_rules=RULES + KEEP + "p,free,,toll_free,,,,,,,1,\n")
doubt("dead_rule of a jurisdiction that does not occur", "plan_rules.csv:5 dead_rule", "indeterminate",
      **{"book.yaml": "book: b\ncurrency: USD\ntimezone: UTC\nnumber_plan: e164\n"},
      plan_rules=RULES + KEEP + "p,free,,,,intrastate,,,,,1,\n")
doubt("dead_rule local without ratecenters", "plan_rules.csv:5 dead_rule", "no call of this book is local",
      plan_rules=RULES + KEEP + "p,free,,,,local,,,,,1,\n")
doubt("dead_rule n11 in a destination", "plan_rules.csv:5 dead_rule", "short code",
      plan_rules=RULES + KEEP + "p,free,,n11,UK,,,,,,1,\n")
doubt("plan_without_rules", "plans.csv:3 plan_without_rules", 'plan "q" has no rule',
      plan_rules=RULES + "p,deck,n,,UK,,next,,,,2,\np,deck,d,,,,,,,,9,\n")
doubt("unused_plan", "plans.csv:3 unused_plan", '"q" is nobody\'s', assignments="subject,plan\ndefault,p\n")
doubt("unused_deck", ["decks.csv:2 unused_deck"], '"d" is used by no rule',
      plan_rules=RULES + "p,deck,n,,UK,,next,,,,2,\nq,free,,,,,,,,,9,\n")
doubt("unused_deck that only a version names", ["deck_versions.csv:5 unused_deck"], '"x" is used by no rule',
      deck_versions=CLEAN["deck_versions.csv"] + "x,d,,\n")
doubt("unused_file", ["decks/old.csv unused_file"], "no deck reads this file", **{"decks/old.csv": "anything\n"})
doubt("unused_destination", ["destinations.csv:4 unused_destination"], '"France" is used by no rule',
      destinations=CLEAN["destinations.csv"] + "33;34,France\n")
doubt("unused_destination within one that cuts a hole", ["destinations.csv:4 unused_destination"], "UK special",
      destinations=CLEAN["destinations.csv"] + "4479111,UK special\n")
doubt("band_gap", "decks/n.csv:2 band_gap", 'Saturday 00:00 to 24:00, when the band is "off"',
      **{"decks/n.csv": "prefix,rate,band\n44,0.02,day\n44,0.01,night\n"})
doubt("band_gap at night", "decks/n.csv:2 band_gap", 'Monday 00:00 to 06:00, when the band is "night"',
      **{"decks/n.csv": "prefix,rate,band\n44,0.02,day\n44,0.01,off\n"})
doubt("band_gap where no band is in force", "decks/n.csv:2 band_gap",
      "Wednesday 12:30 to 24:00, when no band is in force",
      calendars="calendar,band,days,from,to\nweek,off,6-7,,\nweek,day,1-2;4-5,,\nweek,day,3,00:00,12:30\n",
      **{"decks/n.csv": "prefix,rate,band\n44,0.02,day\n44,0.01,off\n"})
doubt("band_gap of a band that wraps", "decks/n.csv:2 band_gap", 'Friday 22:00 to 24:00, when the band is "night"',
      calendars="calendar,band,days,from,to\nweek,night,5,22:00,06:00\nweek,off,,,\n", **{"decks/n.csv": "prefix,rate,band\n44,0.02,off\n"})
doubt("band_gap on a holiday", "decks/n.csv:2 band_gap", 'the holiday 2026-12-25, when the band is "xmas"',
      holidays="calendar,date,band\nweek,2026-12-25,xmas\n",
      **{"decks/n.csv": "prefix,rate,band\n44,0.02,day\n44,0.01,night\n44,0.01,off\n"})
doubt("band_gap when the row without band has ended", "decks/n.csv:3 band_gap", "Saturday",
      **{"decks/n.csv": "prefix,rate,band,from,to\n44,0.02,,,2026-06-01\n44,0.02,day,2026-06-01,\n44,0.01,night,2026-06-01,\n"})
doubt("band_gap after a row ends", "decks/n.csv:2 band_gap", "Saturday",
      **{"decks/n.csv": "prefix,rate,band,to\n44,0.02,day,\n44,0.01,night,\n44,0.005,off,2026-06-01\n"})
doubt("rate_decimals", ["decks/d3.csv:2 rate_decimals", "decks/d3.csv:3 rate_decimals"],
      "rate: it has 7 decimals, but the deck's charges keep 6",
      **{"decks/d3.csv": "prefix,rate,connect_fee,minimum_charge\n1212;1213,0.0150001,,\n1214,0.01,0.00000001,\n"})
doubt("rate_decimals of a quotient", "decks/n.csv:2 rate_decimals", "rate: it has 8 decimals, as quotients have",
      **{"decks/n.csv": "prefix,rate\n44,0.00033333\n"})
doubt("rate_decimals of few decimals", ["decks/n.csv:3 rate_decimals"] * 3,
      "minimum_charge: it has 2 decimals, but the deck's charges keep 1",
      decks="deck,calendar,decimals\nd,,\nn,week,1\n",
      **{"decks/n.csv": "prefix,rate,minimum_charge,maximum_charge,connect_fee\n44,0.1,0.2,,\n45,0.1,0.25,0.333,1.05\n"})
doubt("rate_decimals by jurisdiction", "decks/d3.csv:2 rate_decimals", "rate_intra: it has 7 decimals",
      **{"decks/d3.csv": "prefix,rate,rate_inter,rate_intra\n1212,0.01,0.02,0.0100001\n"})
doubt("rate_decimals of a flat rule", ["plan_rules.csv:5 rate_decimals"], "amount: it has more decimals than the book's charges keep (6)",
      plan_rules=RULES + KEEP + "p,flat,,toll_free,,,,0.0000001,,,1,\n")
doubt("ten_times_parent", "decks/d.csv:4 ten_times_parent",
      'the prefix "1876" costs 0.10000000 per 60 s, ten times what "1" costs, in which it lies (0.01000000 per 60 s, line 2)',
      **{"decks/d.csv": "prefix,rate\n1,0.01\n1201,0.0999\n1876,0.1\n18765,0.5\n,0.0001\n2,0.1\n",
         "decks/d2.csv": "prefix,rate\n1,0.01\n"})
doubt("ten_times_parent with other seconds", "decks/d2.csv:3 ten_times_parent", '"1876"',
      **{"decks/d2.csv": "prefix,rate,per_s,increment_s\n1,0.06,60,\n1876,0.01,1,\n1877,0.0099,1,\n"})
doubt("ten_times_parent in one band only", "decks/n.csv:4 ten_times_parent", '"447"',
      **{"decks/n.csv": "prefix,rate,band\n44,0.02,day\n44,0.01,\n447,0.2,day\n447,0.01,\n"})
doubt("hidden_version", "deck_versions.csv:3 hidden_version", "no row of this version is ever in force",
      deck_versions="deck,file,effective,mode\nd,d,,\nd,d3,2026-03-01,amend\nd,d2,2026-03-01,amend\n")
doubt("same_version", "deck_versions.csv:4 same_version", "changes no price", **{"decks/d3.csv": "prefix,rate\n1212,0.02\n"})
doubt("same_version of a whole sheet", "deck_versions.csv:4 same_version", "changes no price",
      deck_versions="deck,file,effective\nd,d,\nd,d2,2026-03-01\nd,d3,2026-03-15\nd,d,2026-04-01\n",
      **{"decks/d2.csv": "prefix,rate,connect_fee\n1,0.01,\n1201;1202,0.05,0.01\n", "decks/d3.csv":
         "prefix,rate,connect_fee\n1202,0.05,0.01\n1201,0.05,0.01\n1,0.01,\n"})
doubt("empty_version", "deck_versions.csv:4 empty_version", "it amends nothing", **{"decks/d3.csv": "prefix,rate\n"})
doubt("past_version", "deck_versions.csv:4 past_version", "begins in closed time", ("--closed-until", "2026-03-16"))
doubt("one_day_gap of a number", "numbers.csv:3 one_day_gap", "line 2 ends a day before",
      numbers=CLEAN["numbers.csv"].replace("beta,2026-03-10,\nhint", "beta,2026-03-11,\nhint"))
doubt("one_day_gap of a hint", "numbers.csv:5 one_day_gap", "line 4 ends a day before",
      numbers=CLEAN["numbers.csv"].replace("H,beta,2026-03-10", "H,beta,2026-03-11"))
doubt("one_day_gap over a change of the clocks", "numbers.csv:3 one_day_gap", "line 2 ends a day before",
      numbers="number,account,from,to\n12125550100,acme,,2026-03-08\n12125550100,beta,2026-03-09,\n")
doubt("one_day_gap of an assignment", "assignments.csv:4 one_day_gap", "line 3 ends a day before",
      assignments=CLEAN["assignments.csv"].replace("beta,p,2026-03-10", "beta,p,2026-03-11"))
doubt("one_day_gap of a deck's row", "decks/d2.csv:4 one_day_gap", "line 3 of decks/d2.csv ends a day before",
      **{"decks/d2.csv": "prefix,rate,from,to\n1,0.01,,\n1213,0.02,,2026-05-01\n1213,0.03,2026-05-02,\n"})
doubt("npa_state", ["npanxx.csv:2 npa_state", "npanxx.csv:4 npa_state"],
      "the area code 212 lies in NY, but this row says NJ",
      npanxx="prefix,state,country\n1212555,nj,\n1212556,NY,\n1201,ON,CA\n1416555,ON,CA\n1999,XX,\n1800,TX,\n1213,,\n")
doubt("never_in_force", "decks/d2.csv:3 never_in_force", "never in force",
      **{"decks/d2.csv": "prefix,rate,from,to\n1,0.01,,\n1213,0.02,2026-05-01,2026-05-01\n"})
doubt("no_rate", "decks/d2.csv:3 no_rate", "the rate is empty", **{"decks/d2.csv": "prefix,rate\n1,0.01\n1213,\n"})
doubt("idle_subject", ["surcharges.csv:6 idle_subject", "surcharges.csv:3 idle_subject"],
      'the account "idle" has no number, trunk or hint', accounts="account\nacme\nbeta\nidle\n",
      sites="site,account\nhq,acme\nempty,acme\n",
      numbers=CLEAN["numbers.csv"].replace("hint:", "12125550101,acme,,\nhint:", 1).replace(
          "account,", "account,site,").replace("acme,,", "acme,hq,,").replace("beta,2", "beta,,2"),
      surcharges="subject,measure,amount\naccount:acme,attempts,0.01\naccount:idle,attempts,0.01\ndefault,attempts,0.01\n"
                 "site:hq,attempts,0.02\nsite:empty,attempts,0.02\n")
doubt("idle_subject of a subscription",
      ["plans.csv:4 unused_plan", "subscriptions.csv:4 idle_subject", "subscriptions.csv:3 idle_subject",
       "subscriptions.csv:5 idle_subject"],
      'the plan "r" is given to no number', accounts="account\nacme\nbeta\nidle\n", sites="site,account\nempty,acme\n",
      plans=CLEAN["plans.csv"] + "r\n", plan_rules=CLEAN["plan_rules.csv"] + "r,deck,d,,,,,,,,\n",
      subscriptions="subject,bundle,times\naccount:acme,free,\naccount:idle,free,\nsite:empty,seats,count:seat\nplan:r,free,\n")
doubt("idle_bundle", "subscriptions.csv:5 idle_bundle", 'no rule of the plan "r" charges a call',
      plans=CLEAN["plans.csv"] + "r\n", assignments=CLEAN["assignments.csv"] + "number:12125550100,r,,\n",
      plan_rules=with_column(CLEAN["plan_rules.csv"], "service") + "r,deck,d,,,,,,,,,sms\nr,free,,,,,,,,,,voice\n",
      subscriptions=CLEAN["subscriptions.csv"] + "default,free,\nplan:r,seats,\n")
doubt("no_service", "subscriptions.csv:4 no_service", 'no service of type "seats"',
      subscriptions=CLEAN["subscriptions.csv"] + "account:acme,seats,count:seats\n")
doubt("uncounted_service", "services.csv:3 uncounted_service", 'counts services of type "line"',
      services=CLEAN["services.csv"] + "s2,acme,line\ns3,beta,line\n")
doubt("unused_bundle", "bundles.csv:4 unused_bundle", 'nobody has the bundle "extra"',
      bundles=CLEAN["bundles.csv"] + "extra,s,60,account\n")
TIERS = "tiers,unit,rate,mode,minimum_spend,maximum_spend,period\n"
TIERS_RULES = with_column(CLEAN["plan_rules.csv"], "tiers") + "q,tiers,,,,international,,,,,-1,t\n"
doubt("unused_tiers", "tiers.csv:3 unused_tiers", 'the tiers "u" are used by no rule', tiers=TIERS + "t,s,1,,,,\nu,s,1,,,,\n",
      plan_rules=TIERS_RULES)
for words in ("volume,,,", ",1,,", ",,5,month"):
    doubt("cannot_close " + words, "accounts.csv:3 cannot_close", 'begins on day 15, but the tiers "t"',
          accounts="account,cycle_day\nacme,1\nbeta,15\n", tiers=TIERS + "t,s,1," + words + "\n",
          plan_rules=TIERS_RULES)
doubt("no_fx", ["plan_rules.csv:8 no_fx"] * 2, "buys in EUR, but fx.csv has no rate from EUR to GBP",
      accounts="account,currency\nacme,\nbeta,\ngamma,GBP\ndelta,CAD\n", plans=CLEAN["plans.csv"] + "b\n",
      assignments="subject,plan,side,from,to\ndefault,p,,,\naccount:beta,q,,,2026-03-10\naccount:beta,p,,2026-03-10,\ndefault,b,buy,,\n",
      decks=CLEAN["decks.csv"].replace("decimals", "decimals,currency").replace("d,,", "d,,,").replace("n,week,8", "n,week,8,") + "e,,,EUR\n",
      plan_rules=CLEAN["plan_rules.csv"] + "b,deck,e,,,,,,,,\nb,free,,toll_free,,,,,,,-1\n",
      fx="from,to,date,rate\nEUR,CAD,2026-01-01,1.5\n", **{"decks/e.csv": "prefix,rate\n1,0.01\n"})

# A book that is taxed, without a doubt: the site and the area of its numbers, a tax of its tax service.
TAXED = {
    "accounts": "account,tax_site\nacme,hq\nbeta,\n",
    "sites": "site,account,area\nhq,acme,austin\nlab,acme,austin\nbr,beta,nyc\n",
    "tax_jurisdictions": "id,level,state,parent\nUS,federal,,\nTX,state,TX,US\nNY,state,NY,US\n",
    "tax_areas": "area,tax_jurisdiction\naustin,TX\nnyc,NY\n",
    "tax_map": "tax_service\ntelecom\n",
    "taxes": "tax,tax_jurisdiction,rate,as_of,cadence,category,from,to\nsales,TX,7%,2026-01-31,month,sales,,\nuse,NY,1%,2026-02-28,,,,2026-03-01\n",
    "services": "service,account,type,site\ns1,acme,seat,lab\n",
}


def tax_doubt(name, lines, words, options=(), **tables):
    doubt(name, lines, words, options, **{**TAXED, **tables})


tax_doubt("stale_tax", "taxes.csv:2 stale_tax", "\"sales\" was to be looked at again by 2026-02-28 (as_of and cadence), and it is 2026-03-01",
          options=("--closed-until", "2026-03-01"))
# The newest as_of is the day; a row that ended is told if nothing follows it.
tax_doubt("stale_tax by another row", ["taxes.csv:2 stale_tax", "taxes.csv:5 stale_tax"], "it is 2026-07-02 at least",
          taxes="tax,tax_jurisdiction,rate,as_of,cadence,from,to\na,TX,1%,2026-04-01,quarter,,\na,NY,1%,2026-04-02,quarter,,\n"
                "b,TX,1%,2025-01-01,year,,2026-02-01\nb,TX,1%,2025-07-01,year,2026-02-01,2026-03-01\nc,TX,1%,2026-07-02,,,\n")
tax_doubt("no_area", "sites.csv:3 no_area", "\"lab\" has no area",
          sites="site,account,area\nhq,acme,austin\nlab,acme,\nidle,acme,\nbr,beta,nyc\n")
tax_doubt("no_tax_site", "accounts.csv:3 no_tax_site", "\"beta\" has numbers, charges or services without a site",
          sites=TAXED["sites"] + "br2,beta,nyc\n")
tax_doubt("idle_area", "tax_areas.csv:4 idle_area", "\"rome\"; there are 2 such areas",
          tax_areas=TAXED["tax_areas"] + "rome,NY\nparis,NY\nlocal,NY\n", npanxx="prefix,state,area\n1212,NY,local\n")
tax_doubt("untaxed_service", "tax_map.csv:3 untaxed_service", "\"data\"",
          tax_map="tax_service,service\ntelecom,\ndata,data\n",
          taxes="tax,tax_jurisdiction,rate,tax_services\nsales,TX,7%,telecom\n")
tax_doubt("idle_exemption", [f"exemptions.csv:{n} idle_exemption" for n in (3, 5, 6, 8)], "spares nobody",
          exemptions="account,tax_jurisdiction,level,category,tax,from,to\n"
                     "acme,US,,,,,\n,NY,,,sales,,\n,,state,sales,,,\n,,city,,,,\n,,,sales,use,,\n,,,,use,2026-01-01,2026-02-01\n,,,,use,2026-03-01,\n")
# A type that a tax counts as lines is counted.
tax_doubt("uncounted_service but by a tax", "services.csv:4 uncounted_service", "\"fax\"",
          services="service,account,type,site\ns1,acme,seat,lab\ns2,acme,pri,lab\ns3,acme,fax,lab\n",
          taxes="tax,tax_jurisdiction,kind,amount,line_basis\ne911,TX,per_line,0.5,pri:23\n")


def book(folder, tables):
    files = dict(CLEAN)
    files.update({name if "." in name else name + ".csv": text for name, text in tables.items()})
    for name, text in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as out:
            out.write(text)
    return folder


def check(folder, *options):
    return subprocess.run([TOLLMILL, "check", folder, *options], capture_output=True, text=True, timeout=300,
                          env=dict(os.environ, NO_COLOR="1"))


def warnings(folder, done):
    """("file:line name", text) of each warning told, places within the folder."""
    found = []
    for line in done.stderr.splitlines():
        match = re.fullmatch(re.escape(folder) + r"/([^:]*)(?::(\d+))?(?::\d+)?: warning \[(\w+)\]: (.*)", line)
        assert match, line
        found.append((f"{match[1]}{':' + match[2] if match[2] else ''} {match[3]}", match[4]))
    return found


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="tollmill-check-")
        self.addCleanup(shutil.rmtree, self.folder)

    def test_clean(self):
        done = check(book(self.folder, {}), "--closed-until", "2026-03-15")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("errors: 0, warnings: 0.", done.stdout)

    def test_clean_and_taxed(self):
        done = check(book(self.folder, TAXED))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_doubts(self):
        for name, (tables, lines, words, options) in DOUBTS.items():
            with self.subTest(name):
                folder = book(os.path.join(self.folder, re.sub(r"\W", "_", name)), tables)
                done = check(folder, *options)
                found = warnings(folder, done)
                self.assertEqual([place for place, _ in found], lines)
                self.assertTrue(any(words in text for _, text in found), found)
                self.assertEqual(done.returncode, 1)

    def test_rating_is_not_told(self):
        # What only check looks for is no matter of compiling, and no error.
        folder = book(self.folder, DOUBTS["unused_plan"][0])
        done = subprocess.run([TOLLMILL, "compile", folder, "--check"], capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_errors(self):
        folder = book(self.folder, {"plans": "plan\np\nq\nq\nr\n"})
        done = check(folder)
        self.assertEqual(done.returncode, 78)
        self.assertIn("plans.csv:4:1: error: plan: the plan \"q\" is here for the second time", done.stderr)
        self.assertNotIn("unused_plan", done.stderr)
        done = check(folder, "--json")
        found = json.loads(done.stdout)
        self.assertEqual((found["schema"], found["exit"], found["errors"]), ("tollmill.check/1", 78, 1))
        self.assertEqual(found["findings"][0]["line"], 4)

    def test_many(self):
        rows = "".join(f"12{n:04},0.2,\n" for n in range(45))
        folder = book(self.folder, {"decks/d3.csv": "prefix,rate,to\n12,0.01,\n" + rows + "".join(
            f"13{n:04},,\n" for n in range(30))})
        done = check(folder, "--json")
        self.assertEqual(done.returncode, 1)
        found = json.loads(done.stdout)
        self.assertEqual(found["doubts"], [{"name": "no_rate", "count": 30, "shown": 20},
                                           {"name": "ten_times_parent", "count": 45, "shown": 20}])
        self.assertEqual((found["errors"], found["warnings"], len(found["findings"])), (0, 75, 40))
        self.assertEqual(done.stderr.count("warning ["), 40)
        done = check(folder, "--all")
        self.assertEqual(done.stderr.count("warning ["), 75)
        self.assertRegex(done.stdout, r"ten_times_parent +45 +45")

    def test_usage(self):
        self.assertEqual(check(os.path.join(self.folder, "none")).returncode, 66)
        self.assertEqual(check(self.folder, "--closed-until", "2026-02-30").returncode, 2)
        self.assertEqual(check("--help").returncode, 0)

    def test_every_name_is_documented_and_tested(self):
        names = set()
        room = os.path.join(ROOT, "engine", "ratetable")
        for file in os.listdir(room):
            if file.endswith(".c"):
                with open(os.path.join(room, file), encoding="utf-8") as text:
                    names |= set(re.findall(r'(?:doubt\(|toll_cell_warning\(|static const char name\[\] =)[^;]*?"([a-z]+(?:_[a-z]+)+)"', text.read()))
        with open(os.path.join(ROOT, "docs", "CHECK.md"), encoding="utf-8") as text:
            documented = set(re.findall(r"^\| `(\w+)` \|", text.read(), re.M))
        self.assertEqual(names, documented)
        self.assertEqual({name.split()[0] for name in DOUBTS}, documented)


if __name__ == "__main__":
    unittest.main()
