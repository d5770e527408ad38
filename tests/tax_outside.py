"""Outside tax engines (docs/TAX_ENGINES.md): requests for Avalara and SureTax, and made-up responses read back. What is expected was
worked out by hand. Damaged, incomplete and hostile responses are refused or told, line by line."""
import csv
import io
import json
import os
import subprocess
import tempfile

TOLLMILL = os.environ["TOLLMILL"]
SOURCE = os.environ["TOLL_SOURCE_DIR"]
SPEC = os.path.join(SOURCE, "data", "providers", "tollmill.yaml")

BOOK = {
    "book.yaml": "book: outside\ncurrency: USD\ntimezone: America/New_York\n",
    "accounts.csv": "account,name,class,sale,seller,cycle_day\nacme,Acme,business,,us,1\nbeta,Beta,residential,,us,1\nsold,Sold,,resale,,1\n",
    "sites.csv": "site,account,area\nhq,acme,nyc\nbranch,acme,austin\nhome,beta,austin\nshop,sold,nyc\n",
    "numbers.csv": "number,account,site\n12125550100,acme,hq\n15125550101,acme,branch\n15125550102,beta,home\n12125550103,sold,shop\n",
    "assignments.csv": "subject,plan\ndefault,std\n",
    "plans.csv": "plan,name\nstd,Standard\n",
    "plan_rules.csv": "plan,action,deck\nstd,deck,d\n",
    "decks.csv": "deck\nd\n",
    "decks/d.csv": "prefix,rate,per_s,increment_s\n1,0.60,60,1\n",
    "tax_jurisdictions.csv": "id,level,state,parent\nUS,federal,,\nTX,state,TX,US\nNY,state,NY,US\n",
    "tax_areas.csv": "area,tax_jurisdiction\naustin,TX\nnyc,NY\n",
    "tax_map.csv": "tax_service,product,service,share\ntelecom,,voice,\ntelecom,seat,,\ntelecom,office,,0.8\ngear,office,,0.2\n",
    "taxes.csv": "tax,tax_jurisdiction,rate\nsales,TX,6.25%\nsales,NY,4%\n",
    "sellers.csv": "seller,fusf_method\nus,safe_harbour\n",
    "charges.csv": "account,site,product,kind,amount,quantity,from,tax_included\nacme,hq,seat,recurring,25,2,2026-03-01,\n"
                   "acme,branch,office,recurring,10.01,1,2026-03-01,\nacme,hq,seat,credit,5,1,2026-03-10,\n"
                   "beta,home,seat,one_time,100,1,2026-03-12,yes\n",
    "services.csv": "service,account,site,type,quantity,product,from\ns1,acme,hq,seat,2,seat,\ns2,acme,branch,pri,1,seat,\n",
}
CDRS = """record_id,start,duration_s,caller,callee
a,2026-03-02T12:00:00-05:00,90,+12125550100,+13125550187
b,2026-03-03T12:00:00-05:00,61,+15125550101,+13125550187
c,2026-03-04T12:00:00-05:00,30,+15125550102,+13125550187
d,2026-03-05T12:00:00-05:00,60,+12125550103,+13125550187
"""
AVALARA = """what,name,kind,code
tax_service,telecom,,19/6
tax_service,gear,,8/1
area,nyc,pcode,2604100
area,austin,zip,78701-1234
class,business,,1
class,residential,,0
line_type,pri,,24
company,reg,,true
company,idnt,,us-demo
"""
SURETAX = """what,name,kind,code
tax_service,telecom,,010101
tax_service,gear,,
area,nyc,geocode,US3606100000
area,austin,,78701-1234
class,business,,B
class,residential,,R
seller,us,,03
line_type,pri,,24
account,beta,,02;04
"""

# invoice, date, line, charge, lines, minutes, sale, included, adjustment, transaction/service type. The office costs 10.01, of which 20 % are
# gear; a PRI counts 24 lines; the credit is of another day, so on an invoice of its own.
ITEMS = [
    ("acme:2026-03-01", "2026-03-01", "0", "50", 0, "0", 1, False, False, "19/6"),
    ("acme:2026-03-01", "2026-03-01", "1.1", "2.002", 0, "0", 1, False, False, "8/1"),
    ("acme:2026-03-01", "2026-03-01", "1.2", "8.008", 0, "0", 1, False, False, "19/6"),
    ("acme:2026-03-01", "2026-03-01", "3", "0", 2, "0", 1, False, False, "19/6"),
    ("acme:2026-03-01", "2026-03-01", "4", "0", 24, "0", 1, False, False, "19/6"),
    ("acme:2026-03-01", "2026-03-01", "5", "0.61", 0, "1.016667", 1, False, False, "19/6"),
    ("acme:2026-03-01", "2026-03-01", "6", "0.9", 0, "1.5", 1, False, False, "19/6"),
    ("acme:2026-03-01:2", "2026-03-10", "2", "-5", 0, "0", 1, False, True, "19/6"),
    ("beta:2026-03-01", "2026-03-01", "8", "0.3", 0, "0.5", 1, False, False, "19/6"),
    ("beta:2026-03-01:2", "2026-03-12", "7", "100", 0, "0", 1, True, False, "19/6"),
    ("sold:2026-03-01", "2026-03-01", "9", "0.6", 0, "1", 0, False, False, "19/6"),
]
REGISTER = ("account site tax_jurisdiction level tax kind billable surcharge lines base exempt rate tax_exact tax_cents").split()


def run(*command, code=0):
    done = subprocess.run([TOLLMILL] + list(command), capture_output=True, text=True, check=False)
    assert done.returncode == code, "%s: exit %d\n%s%s" % (" ".join(command), done.returncode, done.stdout, done.stderr)
    return done


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class World:
    def __init__(self, work):
        self.work = work
        for name, text in BOOK.items():
            write(os.path.join(work, "book", name), text)
        write(os.path.join(work, "cdrs.csv"), CDRS)
        self.avalara = write(os.path.join(work, "avalara.csv"), AVALARA)
        self.suretax = write(os.path.join(work, "suretax.csv"), SURETAX)
        self.cdrs = os.path.join(work, "cdrs")
        run("import", "--spec", SPEC, "-o", self.cdrs, os.path.join(work, "cdrs.csv"))
        self.run = self.rate("run")

    def rate(self, name, **changed):
        for table, text in changed.items():
            write(os.path.join(self.work, "book", table.replace("__", "/") + ".csv"), text)
        path = os.path.join(self.work, name)
        run("rate", "--book", os.path.join(self.work, "book"), "--cdrs", self.cdrs, "-o", path)
        return path

    def sent(self, engine, *more, codes=None, code=0):
        return run("tax", self.run, "--for", engine, "--codes", codes or getattr(self, engine), *more, code=code)

    def answered(self, engine, text, *more, code=0):
        path = write(os.path.join(self.work, "answer.json"), text if isinstance(text, str) else json.dumps(text))
        return run("tax", self.run, "--from", engine, "--codes", getattr(self, engine), path, *more, code=code)


# ---- requests ----

def requests_of(done):
    return [json.loads(line, parse_float=str, parse_int=str) for line in done.stdout.splitlines()]


def items_of(request):
    for invoice in request["inv"]:
        for item in invoice["itms"]:
            yield (invoice["doc"], invoice["date"][:10], item["ref"], item["chg"], int(item["line"]), item["min"], int(item["sale"]),
                   item["incl"], item["adj"], "%s/%s" % (item["tran"], item["serv"]))


def check_avalara_requests(world):
    done = world.sent("avalara")
    (request,) = requests_of(done)
    assert list(items_of(request)) == ITEMS, list(items_of(request))
    assert request["cmpn"] == {"reg": True, "idnt": "us-demo"}, request["cmpn"]
    first, last = request["inv"][0], request["inv"][-1]
    assert first["bill"] == {"pcd": "2604100"} and first["cust"] == "1" and not first["cmmt"] and first["invm"], first
    assert first["itms"][1]["from"] == first["itms"][1]["to"] == {"ctry": "USA", "zip": "78701-1234"}
    assert request["inv"][2]["cust"] == "0" and last["cust"] == "1", "residential, and business where no class is"
    path = os.path.join(world.work, "requests.jsonl")
    assert "requests 1, invoices 5, lines 11, for Avalara" in world.sent("avalara", "-o", path).stdout
    with open(path, encoding="utf-8") as file:
        assert file.read() == done.stdout
    cut = requests_of(world.sent("avalara", "--invoice-lines", "3"))
    pieces = [[(invoice["doc"], len(invoice["itms"])) for invoice in one["inv"]] for one in cut]
    assert pieces == [[("acme:2026-03-01", 3)], [("acme:2026-03-01:2", 3)], [("acme:2026-03-01:3", 1), ("acme:2026-03-01:4", 1),
                      ("beta:2026-03-01", 1)], [("beta:2026-03-01:2", 1), ("sold:2026-03-01", 1)]], pieces


def check_suretax_requests(world):
    (request,) = requests_of(world.sent("suretax"))
    # 50 + 8.008 - 5 + 0.61 + 0.9 + 0.3 + 100 + 0.6; the gear is not sent
    assert request["TotalRevenue"] == "155.4180" and request["DataYear"] + request["DataMonth"] == "202603", request
    assert request["ClientNumber"] == request["ValidationKey"] == "" and request["ReturnFileCode"] == "Q"
    items = {item["LineNumber"]: item for item in request["ItemList"]}
    assert list(items) == ["0", "1.2", "2", "3", "4", "5", "6", "7", "8", "9"], list(items)
    office, credit, lines, call, price, resold = (items[name] for name in ("1.2", "2", "4", "5", "7", "9"))
    assert office["Revenue"] == "8.0080" and office["Zipcode"] + "-" + office["Plus4"] == "78701-1234" and office["TaxSitusRule"] == "05"
    assert credit["Revenue"] == "-5.0000" and credit["TransDate"] == "2026-03-10" and credit["Geocode"] == "US3606100000"
    assert credit["TaxSitusRule"] == "13" and credit["SalesTypeCode"] == "B" and credit["RegulatoryCode"] == "03"
    assert lines["Units"] == "24" and call["Seconds"] == "61" and call["Units"] == "0" and call["TransTypeCode"] == "010101"
    assert price["TaxIncludedCode"] == "1" and price["TaxExemptionCodeList"] == ["02", "04"] and price["SalesTypeCode"] == "R"
    assert resold["TaxExemptionCodeList"] == ["07"] and resold["RegulatoryCode"] == "99" and resold["CustomerNumber"] == "sold"
    other = requests_of(world.sent("suretax", "--report-period", "2026-05"))[0]
    assert other["CmplDataYear"] + other["CmplDataMonth"] == "202605" and other["DataMonth"] == "03"


def check_codes(world):
    bad = write(os.path.join(world.work, "bad.csv"), "what,name,kind,code\ntax_service,telecom,,19\narea,nyc,,12x\narea,nyc,,1\nseller,us,,03\n"
                "town,a,,1\ncompany,cmmt,,yes\nclass,a,,9\nline_type,b,,-1\narea,c,number,2125550100\ntax_service,gear,,8/1\ntax_service,gear,,8/2\n")
    told = world.sent("avalara", codes=bad, code=78).stderr
    for where in ("bad.csv:2:22", "bad.csv:3:11", "bad.csv:5:12", "bad.csv:6:1", "bad.csv:7:15", "bad.csv:8:10", "bad.csv:9:14", "bad.csv:10:15",
                  "bad.csv:12: error: tax_service \"gear\" is in line 11 already"):
        assert where in told, (where, told)
    some = write(os.path.join(world.work, "some.csv"), "what,name,kind,code\ntax_service,telecom,,19/6\narea,nyc,,1\nclass,business,,1\n")
    told = world.sent("avalara", "-o", os.path.join(world.work, "never.jsonl"), codes=some, code=78).stderr
    for name in ("tax service \"gear\"", "area \"austin\"", "customer class \"residential\""):
        assert told.count(name) == 1, (name, told)
    assert not os.path.exists(os.path.join(world.work, "never.jsonl"))
    run("tax", world.run, "--for", "avalara", code=2)
    run("tax", world.run, "--from", "avalara", "--codes", some, code=2)
    run("tax", world.run, "--codes", some, code=2)


# ---- responses ----

def tax(tid, name, pcd, lvl, rate, amount, tm, calc=1, **more):
    return {"bill": True, "cmpl": True, "tm": tm, "calc": calc, "cat": "MADE UP", "cid": 1, "name": name, "exm": 0, "lns": 0, "min": 0, "pcd": pcd,
            "rate": rate, "sur": False, "tax": amount, "lvl": lvl, "tid": tid, **more}


def good_avalara():
    fund = {"cat": "CONNECTIVITY CHARGES"}
    taxes = {
        "0": [tax(162, "FUSF (VoIP)", 0, 0, 0.376, 12.2012, 32.45, **fund), tax(1, "Sales Tax", 2604100, 1, 0.04, 2, 50)],
        "1.1": [tax(1, "Sales Tax", 4133800, 1, 0.0625, 0.125125, 2.002)],
        "1.2": [tax(1, "Sales Tax", 4133800, 1, 0.0625, 0.5005000000000001, 8.008)],
        "2": [tax(1, "Sales Tax", 2604100, 1, 0.04, -0.2, -5)],
        "3": [], "4": [tax(17, "E911", 4133800, 2, 0.5, 12.0, 0, calc=4, lns=24)],
        "5": [tax(1, "Sales Tax", 4133800, 1, 0.0625, 0.038125, 0.61)],
        "6": [tax(1, "Sales Tax", 2604100, 1, 0.04, 0.036, 0.9), tax(60, "TRS", 0, 0, 0.00024, 1.4e-4, 0.584, bill=False)],
        "7": [tax(1, "Sales Tax", 4133800, 1, 0.0625, 5.88235294, 94.11764706)],
        "8": [tax(1, "Sales Tax", 4133800, 1, 0.0625, 0.01875, 0.3)], "9": [tax(1, "Sales Tax", 2604100, 1, 0.04, 0, 0, exm=0.6)],
    }
    invoices = {}
    for name, _, ref, *_ in ITEMS:
        invoices.setdefault(name, []).append(ref)
    return {"inv": [{"doc": name, "itms": [{"ref": ref, "txs": taxes[ref]} for ref in refs],
                     "summ": [{"tax": one["tax"], "tid": one["tid"]} for ref in refs for one in taxes[ref]]} for name, refs in invoices.items()]}


# By account and site. acme's sales tax in 2604100 is 2 - 0.2 + 0.036 = 1.836, so 1.84; in 4133800 0.125125 + 0.5005000000000001 + 0.038125 =
# 0.6637500000000001, so 0.66.
AVALARA_REGISTER = [
    ["acme", "branch", "4133800", "state", "1", "rate", "yes", "no", "3", "10.62", "0", "0.0625", "0.6637500000000001", "66"],
    ["acme", "branch", "4133800", "county", "17", "per_line", "yes", "no", "1", "24", "0", "0.5", "12", "1200"],
    ["acme", "hq", "0", "federal", "162", "rate", "yes", "no", "1", "32.45", "0", "0.376", "12.2012", "1220"],
    ["acme", "hq", "0", "federal", "60", "rate", "no", "no", "1", "0.584", "0", "0.00024", "0.00014", "0"],
    ["acme", "hq", "2604100", "state", "1", "rate", "yes", "no", "3", "45.9", "0", "0.04", "1.836", "184"],
    ["beta", "home", "4133800", "state", "1", "rate", "yes", "no", "2", "94.41764706", "0", "0.0625", "5.90110294", "590"],
    ["sold", "shop", "2604100", "state", "1", "rate", "yes", "no", "1", "0", "0.6", "0.04", "0", "0"],
]


def register_of(done):
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert all(row["period"] == row["report_period"] == "2026-03-01" and row["currency"] == "USD" for row in rows)
    return [[row[name] for name in REGISTER] for row in rows]


def check_avalara_answers(world):
    good = good_avalara()
    done = world.answered("avalara", good)
    assert register_of(done) == AVALARA_REGISTER, register_of(done)
    header = run("tax", world.run, code=1).stdout.splitlines()[0]
    assert done.stdout.splitlines()[0] == header, "the columns of our own register"
    # one response an invoice, one document behind the other; and as two files
    apart = "\n".join(json.dumps({"inv": [one]}) for one in good["inv"])
    assert world.answered("avalara", apart).stdout == done.stdout
    half = write(os.path.join(world.work, "half.json"), json.dumps({"inv": good["inv"][:2]}))
    assert world.answered("avalara", {"inv": good["inv"][2:]}, half).stdout == done.stdout
    # two sites of one account and tax: the sum is rounded once, 0.004 + 0.004 + 0.004 = 0.012
    spread = good_avalara()
    for invoice in spread["inv"]:
        for item in invoice["itms"]:
            item["txs"] = [tax(9, "Small", 7, 3, 0.1, 0.004, 0.04)] if item["ref"] in ("0", "5", "6") else []
        invoice["summ"] = []
    rows = register_of(world.answered("avalara", {"inv": [dict(one, summ=None) for one in spread["inv"]]}))
    assert [row[:5] + row[-2:] for row in rows] == [["acme", "branch", "7", "city", "9", "0.004", "0"], ["acme", "hq", "7", "city", "9", "0.008", "1"]], rows
    summary = json.loads(world.answered("avalara", good, "--json").stdout)
    assert [(one["account"], one["items"], one["answered"], one["charge"], one["tax"], one["not_billable"]) for one in summary["accounts"]] == [
        ("acme", 8, 8, "56.52000000", "26.70", "0.00"), ("beta", 2, 2, "100.30000000", "5.90", "0.00"), ("sold", 1, 1, "0.60000000", "0.00", "0.00")]
    assert summary["differences"] == [], summary


def differences(world, engine, text):
    done = world.answered(engine, text, "--json", code=1)
    return [(one["reason"], one["invoice"], one["line"]) for one in json.loads(done.stdout)["differences"]], done


def check_avalara_differences(world):
    answer = good_avalara()
    answer["inv"][0]["itms"].pop(1)
    answer["inv"][0]["summ"].pop(2)
    found, done = differences(world, "avalara", answer)
    assert found == [("missing_line", "acme:2026-03-01", "1.1")], found
    assert "(charge 2.00200000) has no answer" in done.stderr, done.stderr
    answer = good_avalara()
    answer["inv"][0]["summ"][0]["tax"] = 12.3
    found, done = differences(world, "avalara", answer)
    assert found == [("total", "acme:2026-03-01", "")], found
    # 12.2012 + 2 + 0.125125 + 0.5005000000000001 + 12 + 0.038125 + 0.036 + 0.00014
    assert "26.9010900000000001 by its lines, and to 26.9998900000000001" in done.stderr, done.stderr
    answer["inv"][0]["summ"][0]["tax"] = 12.20129 # a ten-thousandth is what floating point may make
    world.answered("avalara", answer)
    answer = good_avalara()
    answer["inv"][0]["itms"][2]["ref"] = "77"
    answer["inv"][1]["doc"] = "acme:2026-03-01"
    found, _ = differences(world, "avalara", answer)
    assert found == [("unknown_line", "acme:2026-03-01", "77"), ("unknown_line", "acme:2026-03-01", "2"),
                     ("missing_line", "acme:2026-03-01", "1.2"), ("missing_line", "acme:2026-03-01:2", "2")], found
    answer = good_avalara()
    answer["inv"].append(answer["inv"][3])
    found, done = differences(world, "avalara", answer)
    assert found == [("line_twice", "beta:2026-03-01:2", "7")], found
    assert register_of(world.answered("avalara", answer, code=1)) == AVALARA_REGISTER, "the second is not counted"
    answer = good_avalara()
    answer["inv"][4]["itms"][0] = {"ref": "9", "err": [{"code": -7, "msg": "no such \u001b[31mservice"}]}
    answer["inv"][3]["err"] = [{"code": 5, "msg": "what?"}]
    answer["err"] = [{"code": 1, "msg": "in part"}]
    found, done = differences(world, "avalara", answer)
    assert found == [("request_refused", "", ""), ("invoice_refused", "beta:2026-03-01:2", ""), ("line_refused", "sold:2026-03-01", "9")], found
    assert "\u001b" not in done.stderr and "no such" in done.stderr


def check_bad_answers(world):
    text = json.dumps(good_avalara())
    path = os.path.join(world.work, "answer.json")
    for bad, where in ((text[:-3], "too early"), ("", "the file is empty"), ("<html>503</html>", "answer.json:1:1: this is no JSON"), ("[" * 1000, "nested too deep"),
                       ("[]", "\"inv\" is missing"), ("{\"inv\":{}}", "\"inv\" is a list"), ("{\"inv\":[1]}", "an invoice is a map"),
                       ("{\"inv\":[{\"itms\":[1]}]}", "a line item is a map"), ("{\"inv\":[{\"itms\":[{\"ref\":\"0\",\"txs\":[{}]}]}]}", "a tax without \"tax\""),
                       (text.replace("12.2012", "\"12,20\""), "\"tax\" is no number that can be kept exactly"), (text.replace("12.2012", "1e999"), "kept exactly"),
                       (text.replace("12.2012", "9" * 65), "more than 64 characters"), (text.replace("\"lvl\": 0", "\"tax\": 1", 1), "has already"),
                       (text.replace("FUSF", "\udcff").encode("utf-8", "surrogateescape"), "no UTF-8")):
        with open(path, "wb") as file:
            file.write(bad if isinstance(bad, bytes) else bad.encode())
        for more in ((), ("-o", os.path.join(world.work, "never.csv"))):
            done = run("tax", world.run, "--from", "avalara", "--codes", world.avalara, path, *more, code=65)
            assert where in done.stderr and done.stdout == "", (where, done.stderr, done.stdout)
    assert not os.path.exists(os.path.join(world.work, "never.csv"))
    with open(path, "wb") as file:
        file.truncate(300 << 20)
    assert "at most 256 MiB" in run("tax", world.run, "--from", "avalara", "--codes", world.avalara, path, code=65).stderr
    run("tax", world.run, "--from", "avalara", "--codes", world.avalara, path + ".not", code=66)
    world.answered("suretax", good_avalara(), code=65)
    world.answered("avalara", good_suretax(), code=65)


def good_suretax():
    def group(line, invoice, *taxes):
        return {"LineNumber": line, "InvoiceNumber": invoice, "CustomerNumber": invoice[:4], "StateCode": "TX", "TaxList": list(taxes)}

    def one(code, name, amount, rate, base, fee=0):
        return {"TaxTypeCode": code, "TaxTypeDesc": name, "TaxAmount": amount, "TaxRate": rate, "FeeRate": fee, "RevenueBase": base, "PercentTaxable": 1.0,
                "CountyName": "TRAVIS", "CityName": "AUSTIN"}
    lines = [(ref if ref != "1.1" else None, name.rsplit(":2", 1)[0] if name.count(":") > 1 else name) for name, _, ref, *_ in ITEMS]
    taxes = {"0": [one("035", "FEDERAL UNIVERSAL SERVICE FUND", "12.201200", 0.376, "32.45")], "1.2": [one("101", "TX STATE SALES TAX", "0.500500", "0.0625", "8.008"),
             one("301", "AUSTIN CITY SALES TAX", "0.080080", 0.01, "8.008")], "4": [one("206", "911", "12", 0, "0", 0.5)], "7": [one("101", "TX STATE SALES TAX", "5.882353", 0.0625, "94.117647")]}
    return {"Successful": "Y", "ResponseCode": "9999", "HeaderMessage": "Success", "ItemMessages": [], "ClientTracking": "x", "TotalTax": "30.664133", "TransId": 1,
            "GroupList": [group(ref, name, *taxes.get(ref, [])) for ref, name in lines if ref]}


# 12.2012 + 0.5005 + 0.08008 + 12 + 5.882353 = 30.664133
SURETAX_REGISTER = [
    ["acme", "branch", "TX", "state", "101", "rate", "yes", "no", "1", "8.008", "0", "0.0625", "0.5005", "50"],
    ["acme", "branch", "TX/TRAVIS", "county", "206", "fixed", "yes", "no", "1", "1", "0", "0.5", "12", "1200"],
    ["acme", "branch", "TX/TRAVIS/AUSTIN", "city", "301", "rate", "yes", "no", "1", "8.008", "0", "0.01", "0.08008", "8"],
    ["acme", "hq", "US", "federal", "035", "rate", "yes", "no", "1", "32.45", "0", "0.376", "12.2012", "1220"],
    ["beta", "home", "TX", "state", "101", "rate", "yes", "no", "1", "94.117647", "0", "0.0625", "5.882353", "588"],
]


def check_suretax_answers(world):
    good = good_suretax()
    done = world.answered("suretax", good)
    assert register_of(done) == SURETAX_REGISTER, register_of(done)
    assert world.answered("suretax", {"d": good}).stdout == done.stdout
    assert world.answered("suretax", {"d": json.dumps(good)}).stdout == done.stdout
    found, _ = differences(world, "suretax", dict(good, TotalTax="30.67"))
    assert found == [("total", "", "")], found
    less = dict(good, GroupList=[one for one in good["GroupList"] if one["LineNumber"] != "9"])
    assert differences(world, "suretax", less)[0] == [("missing_line", "sold:2026-03-01", "9")]
    less["ItemMessages"] = [{"LineNumber": "9", "ResponseCode": "9220", "Message": "Invalid Unit Type"}]
    found, done = differences(world, "suretax", less)
    assert found == [("line_refused", "sold:2026-03-01", "9")] and "9220: Invalid Unit Type" in done.stderr, found
    found, done = differences(world, "suretax", {"Successful": "N", "ResponseCode": "1101", "HeaderMessage": "Failure", "GroupList": []})
    assert found[0] == ("request_refused", "", "") and len(found) == 11 and "1101: Failure" in done.stderr, found
    found, _ = differences(world, "suretax", json.dumps(good) + json.dumps(good))
    assert [one[0] for one in found] == ["line_twice"] * 10, found
    world.answered("suretax", dict(good, GroupList=[{"InvoiceNumber": "a", "TaxList": []}]), code=65)


# ---- the tax of an exported line ----

def check_export(world):
    """Call a is 0.90 and 1.5 minutes in New York, d the same place for 0.60 but for resale; b and c are in Texas."""
    def taxes_of(taxes):
        path = world.rate("exported-%d" % len(taxes), taxes=taxes)
        rows = list(csv.DictReader(io.StringIO(run("export", path, "--format", "csv").stdout)))
        return {row["record_id"]: row["tax"] for row in rows}
    assert taxes_of(BOOK["taxes.csv"]) == {"a": "0.036", "b": "0.038125", "c": "0.01875", "d": "0"}
    minutes = "tax,tax_jurisdiction,kind,rate,amount,sale\nsales,TX,,6.25%,,\nsales,NY,,4%,,\nminute,NY,per_minute,,0.01,any\n"
    assert taxes_of(minutes) == {"a": "0.051", "b": "0.038125", "c": "0.01875", "d": "0.01"}, "0.036 + 1.5 x 0.01; a minute for resale, too"
    late = "tax,tax_jurisdiction,rate,cap,billable\nsales,TX,6.25%,5,\nsales,NY,4%,,\nown,NY,1%,5,no\n"
    assert taxes_of(late) == {"a": "0.036", "b": "", "c": "", "d": "0"}, "what has a cap is no function of the line; the seller's own is not counted"
    write(os.path.join(world.work, "book", "taxes.csv"), BOOK["taxes.csv"])


# ---- suspense, other currencies ----

def check_suspense(world):
    world.run = world.rate("run-2", sites="site,account,area\nhq,acme,nyc\nbranch,acme,austin\nhome,beta,austin\nshop,sold,\n")
    done = world.sent("avalara", code=1)
    rows = csv.DictReader(io.StringIO(run("export", world.run, "--format", "csv").stdout))
    assert {row["record_id"]: row["tax"] for row in rows} == {"a": "0.036", "b": "0.038125", "c": "0.01875", "d": ""}, "d has no area"
    assert "1 charge lines are in tax suspense and not sent" in done.stderr and "sold" not in done.stdout, done.stderr
    write(os.path.join(world.work, "book", "book.yaml"), BOOK["book.yaml"].replace("USD", "EUR"))
    world.run = world.rate("run-3", sites=BOOK["sites.csv"])
    assert "outside engines take US and Canadian dollars only" in world.sent("avalara", code=65).stderr


def main():
    with tempfile.TemporaryDirectory() as work:
        world = World(work)
        check_avalara_requests(world)
        check_suretax_requests(world)
        check_codes(world)
        check_avalara_answers(world)
        check_avalara_differences(world)
        check_bad_answers(world)
        check_suretax_answers(world)
        check_export(world)
        check_suspense(world)
    print("requests and registers as worked out by hand; what does not agree is told")


if __name__ == "__main__":
    main()
