#!/usr/bin/env python3
"""seeds.py CORPUS_DIR: hand-written first inputs of the text targets, valid and hostile."""
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUT = sys.argv[1]


def put(target, name, data):
    folder = os.path.join(OUT, target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


def read(path):
    with open(os.path.join(ROOT, path), "rb") as file:
        return file.read()


HOSTILE = {
    "empty": b"", "one_byte": b"x", "nuls": b"\0" * 40, "bom": b"\xef\xbb\xbf", "bom_twice": b"\xef\xbb\xbf" * 2,
    "utf16": "name,amount\nа,1\n".encode("utf-16"), "cr_only": b"a,b\rc,d\r", "crlf": b"a,b\r\nc,d\r\n",
    "lf_only": b"\n" * 50, "quotes": b'"' * 61, "commas": b"," * 300, "open_quote": b'a,"b\nc,d\ne,f\n',
    "quote_spans": b'a,"b\nc",d\n"x""y",z\n', "latin1": b"\xe9,\xff\n", "blank": b"   \t  \n \xc2\xa0 \n",
    "many_columns": b",".join(b"c%d" % i for i in range(5000)) + b"\n", "long_field": b"a" * 5000 + b"\n",
    "long_digits": b"9" * 400 + b"\n", "quote_block": b'"' + b"x" * 62 + b'"' + b"," * 3 + b"\n",
}

for name, data in HOSTILE.items():
    for options in (0, 1, 2, 7, 60):
        if options < 3 or name in ("quotes", "open_quote", "quote_spans"):
            put("csv", f"{name}_{options}", bytes([options, options]) + data)
    put("table", name, b"\n" + data)
    put("table", name + "_rows", b"\nname,amount,count,kind,from,at\n" + data)
    put("yaml", name, data)
    put("json", name, data)
    put("spec", name, data)
    put("rejects", name, data)
    put("zone_name", name, data)
    put("tzif", name, data)
    for target in ("arrow", "cdr_part", "cdr_text", "lines", "run_tables", "image", "dataset", "run"):
        if len(data) < 100:
            put(target, name, data)
    put("numbers", name, b"\0" + data)
    put("times", name, b"\0iso\n" + data)
    put("values", name, b"\x08" + data)
    put("rows", name, b"\0start,duration_s,caller,callee\n" + data)
    put("rows", name + "_whole", b"\1" + data)
    for table in ("accounts", "plan_rules", "decks/d"):
        put("book", name + "_" + table.replace("/", "_"), b"--- " + table.encode() + b".csv\n" + data)
put("csv", "mixed", b'\x0f\x01"a";b;"c""d"\r\n;;\n"";x\n')

put("table", "all", "\nname,amount,count,kind,from,at\nx,1.5,3,deck,2026-03-01 09:30:00.123456,09:30\n"
    '"a ""b""",-0.00000001,-5,FLAT,2026-03-01,24:00\n,92233720368.54775807,,free,,\n')
put("table", "mapping", "name=Prefix;amount=Rate per min\nPrefix,Rate per min,Junk\n44,0.02,z\n")
put("table", "mapping_bad", "name=A;name=B;=;x=\nA,B\n1,2\n")
put("table", "too_many_cells", "\nname,amount\na,1,2\nb\nc,,,,\n")
put("table", "duplicate_header", "\nname,Name, NAME \n1,2,3\n")
put("table", "bad_cells", "\nname,amount,count,kind,from,at\nx,1e5,99999999999999999999,none,2026-02-30,25:00\n")

YAML = {
    "flat": "book: b\ncurrency: USD\ntimezone: Europe/London\ndecimals: 6\n",
    "nested": "a:\n  - {b: [1, 2, {c: d}], e: \"f\\u00e9\\0\"}\n  - - x\n    - |\n      text\n",
    "alias": "a: &x 1\nb: *x\n", "tag": "a: !!int 3\n", "two": "a: 1\n---\nb: 2\n", "duplicate": "a: 1\nb: 2\na: 3\n",
    "deep_flow": "[" * 60 + "]" * 60, "deep_block": "".join("  " * i + "a:\n" for i in range(50)),
    "deep_unclosed": "{a: " * 40, "tab": "a:\n\tb: 1\n", "list_key": "? [a, b]\n: c\n", "null_key": ": x\n",
    "merge": "<<: {a: 1}\n", "control": "a: \"\x01\"\n", "surrogate": "a: \"\\ud800\"\n", "wide": "a: \"\\U0001F600\"\n",
    "folded": "a: >-\n  b\n  c\n\n  d\n", "comment": "# x\na: b # c\n", "directive": "%YAML 1.1\n---\na: b\n",
    "bomb": "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "numbers": "a: 0x10\nb: 1e5\nc: -0\nd: 00\ne: 99\n",
    "bool": "a: yes\nb: True\nc: off\n", "json": '{\n  "a": [\n    {"b": "c\\n\\u2028\\ufeff"}\n  ],\n  "d": []\n}\n',
}
for name, data in YAML.items():
    put("yaml", name, data)
    put("json", name, data)
    put("spec", name, data)
    put("book", "yaml_" + name, "--- book.yaml\n" + data)

for name in sorted(os.listdir(os.path.join(ROOT, "data/providers"))):
    text = read("data/providers/" + name)
    lean = re.sub(rb"(?m)^#.*\n|\s+#.*$", b"", text)
    put("spec", name.replace(".yaml", ""), lean)
    put("yaml", name.replace(".yaml", ""), lean)

SMALL_SPEC = """spec: tollmill-cdr-map/1
provider: p
version: "1"
currency: GBP
file: {separator: ";", header: exact, multiline: yes, names: [d, t, f, b, n, c, x], null: ["-"]}
time: {zone: Europe/London, fold: reject}
numbers:
  r:
    - none: [anonymous]
    - sip: yes
    - strip: " -."
    - international: ["+", "00"]
    - national: {trunk: "0", country: "44", min: 9, max: 10}
    - short: ["999", "*67"]
    - nanp: yes
    - extension: {min: 2, max: 6}
fields:
  - {to: start, from: [d, t], type: time, format: ["%d/%m/%Y %H:%M:%S", "%s"]}
  - {to: duration, from: f, type: hms}
  - {to: caller, from: b, type: number, rules: r}
  - {to: callee, from: n, type: number, rules: r}
  - {to: provider_charge, from: c, type: money, unit: "0.01"}
  - {to: service, from: x, type: choice, map: {voice: [V, ""], sms: S}, otherwise: reject}
  - {to: direction, value: out}
  - {to: answered, value: "yes"}
key: [b, d]
probes:
  - {column: f, type: decimal}
limits: {max_reject_ppm: 10}
warnings: {duration_over_hours: 5}
"""
put("spec", "small", SMALL_SPEC)
for i in range(0, len(SMALL_SPEC), 90):
    put("spec", f"cut_{i}", SMALL_SPEC[:i])
put("rows", "own_spec", b"\xff" + SMALL_SPEC.encode() + b"%%\nd;t;f;b;n;c;x\n"
    b"29/03/2026;01:30:00;1:02;020 7946 0000;+15551234567;12;V\n25/10/2026;01:30:00;5;0207;\"a\nb\";-;S\n")
put("rows", "generic", b"\0start,duration_s,caller,callee,service,quantity,direction,answered,record_id,charged,trunk,"
    b"account_hint,calltype,lrn_caller,lrn_callee,provider_charge\n"
    b"2026-03-02T12:00:00Z,26,+12125550100,+12015550111,,,,,r1,,T,h,LD,,,0.5\n"
    b"2026-03-02T12:00:00.5-05:00,0.001,911,anonymous,sms,-3,in,no,,12125550100,,,,,+12125550999,-1\n"
    b"bad,1,2,3,,,,,,,,,,,,\n2026-03-02T12:00:00Z,-1,1,2,,,,,,,,,,,,\n")
put("rows", "legs", b"\0record_id,start,duration_s,caller,callee,direction,trunk,ring_to,legs\n"
    b"a,2026-03-01T10:00:00Z,60,+12125550100,+18005550111,?,T1,+12015550111,both\n"
    b"b,2026-03-01T10:00:00Z,60,,,in,,12,one\nc,2026-03-01T10:00:00Z,60,,,in,,,two\n")
put("rows", "telco", b"\1 callID, phoneNumber, Line, destPhoneNumber, startDate, endDate, startTime, endTime, Type, Cost\n"
    b"1,02079460000,1,07700900123,01/03/2014,01/03/2014,09:00:00,09:01:30,Mobile,12.5\n"
    b"2,02079460000,1,00155512345678,30/03/2014,30/03/2014,01:30:00,01:31:00,Intl,1\n")
put("rows", "asterisk", b'\2"","100","15551234567","ctx","""A"" <100>","SIP/1","SIP/2","Dial","x","2026-03-01 10:00:00",'
    b'"2026-03-01 10:00:05","2026-03-01 10:01:00","60","55","ANSWERED","DOCUMENTATION"\n')
put("rows", "freeswitch", b'\3"n","1001", "911","default","2026-03-01 10:00:00","2026-03-01 10:00:01",'
    b'"2026-03-01 10:00:30","30","29","NORMAL_CLEARING","u-1","u-2","acct","PCMU","PCMU"\n')
put("rejects", "two_rows", 'header,"a.csv",1,0,"x,y"\nbad_time,"a.csv",2,4,"1,""2"""\n')
put("rejects", "four_columns", "header,a,1,0\n")
put("rows", "rejects", b"\0reason,file,line,offset,raw\nheader,a,1,0,\"start,duration_s,caller,callee\"\n"
    b"bad_time,a,2,5,\"2026-03-02T12:00:00Z,5,+12125550100,911\"\n")

for i, text in enumerate(("+12125551234", "0012125551234", "01 212 555-1234", "sip:100@x;y", "tel:+442079460000",
                          "911", "*67", "anonymous", " 5551234567 ", "1" * 16, "+", "+0", "12345", "(212) 555.1234",
                          "\"\"", "+1212555123a", "##", "2" * 15, "١٢٣")):
    for rules in range(5):
        put("numbers", f"n{i}_{rules}", bytes([rules]) + text.encode() + b"\n" + text.encode()[1:])
TIMES = {
    "iso": "2026-03-01\n2026-03-01T10:00:00Z\n2026-03-29 01:30:00\n2026-10-25T01:30:00.999999999\n0001-01-01\n9999-12-31T23:59:59.999+14:00",
    "%d/%m/%Y %H:%M:%S": "29/03/2026 01:30:00\n3/1/2014 1:2:3\n31/02/2026 00:00:00\n25/10/2026 01:59:59\n25/10/2026 00:59:59\n25/10/2026 02:00:00",
    "%Y-%m-%d %H:%M:%S.%f %z": "2026-03-01 10:00:00.5 +0100\n2026-03-01  10:00:60.123456789 -05:00",
    "%s": "0\n1772452800\n1772452800.123\n-1\n99999999999999999999",
    "%Q": "1772452800123\n-5", "%b %e %Y %I:%M:%S %p": "Mar  1 2026 12:00:00 AM\nSept 1 2026 1:00:00 pm",
    "%y%m%d%H%M%S": "260301100000\n690101000000\n680101000000", "%B %d, %Y %H:%M": "September 30, 2026 23:59",
    "%Y-%m-%dT%H:%M:%S%%": "2026-03-01T10:00:00%", "%q": "x", "%": "x", "": "",
}
for i, (pattern, lines) in enumerate(TIMES.items()):
    for zone in range(9):
        put("times", f"t{i}_{zone}", bytes([zone]) + pattern.encode() + b"\n" + lines.encode())
VALUES = ("1.5\n-0.00000001\n+.5\n7.\n.\n-\n92233720368.54775807\n92233720368.54775808\n-92233720368.54775808\n1e5\n1,5\n 5 \n"
          "00012\n9223372036854775807\n-9223372036854775808\n0.000000000000000000000000000\n1:02\n1:02:03.5\n99:99\n"
          "2147483.647\n2147483.648\n0.0001\n0123456789abcdef0123456789abcdef\n\"12125551234\" x 5551234567\n")
for decimals in (0, 6, 8, 18):
    put("values", f"all_{decimals}", bytes([decimals]) + VALUES.encode())
    for i, line in enumerate(VALUES.split("\n")):
        put("values", f"v{i}_{decimals}", bytes([decimals]) + line.encode())

for i, name in enumerate(("UTC", "Europe/London", "America/New_York", "../etc/passwd", "/etc/passwd", "Europe//London",
                          "Europe/", "A" * 64, "A" * 65, "Europe/London\\", "posixrules", "Europe/../UTC")):
    put("zone_name", f"z{i}", name + "\nGMT0BST,M3.5.0/1,M10.5.0")
for i, rule in enumerate(("EST5EDT,M3.2.0,M11.1.0", "<+03>-3", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "IST-1GMT0,M10.5.0,M3.5.0/1",
                          "AAA0BBB,J60/0,J300/167", "AAA0BBB,0/0,365/25:59:59", "X0", "AAA99", "AAA-24:59:59", "AAA0BBB",
                          "EST5EDT4,M13.1.0,M1.6.7")):
    put("zone_name", f"r{i}", "UTC\n" + rule)


def tzif(version, times, types, footer, leaps=0, counts=None):
    head = b"TZif" + version + b"\0" * 15
    indexes = bytes(i % len(types) for i in range(len(times)))
    block = lambda size: (b"".join(struct.pack(">q" if size == 8 else ">i", t) for t in times) + indexes +
                          b"".join(struct.pack(">iBB", *t) for t in types) + b"LMT\0")
    numbers = struct.pack(">6I", *(counts or (0, 0, leaps, len(times), len(types), 4)))
    if version == b"\0":
        return head + numbers + block(4)
    return head + numbers + block(4) + head + numbers + block(8) + b"\n" + footer + b"\n"


put("tzif", "v1", tzif(b"\0", [-1000000, 0, 1000000], [(0, 0, 0), (3600, 1, 0)], b""))
put("tzif", "v2", tzif(b"2", [-1000000, 0, 1000000], [(0, 0, 0), (3600, 1, 0)], b"GMT0BST,M3.5.0/1,M10.5.0"))
put("tzif", "v3", tzif(b"3", [], [(-10800, 0, 0)], b"<-02>2<-01>,M3.5.0/-1,M10.5.0/0"))
put("tzif", "negative", tzif(b"2", [5, 4], [(0, 0, 0)], b""))
put("tzif", "extreme", tzif(b"2", [-2**31, 2**31 - 1], [(93599, 0, 0), (-89999, 1, 3)], b"AAA0"))
put("tzif", "counts", tzif(b"2", [0], [(0, 0, 0)], b"", counts=(2**32 - 1,) * 6))
put("tzif", "all_year_summer", tzif(b"3", [], [(0, 0, 0)], b"EST5EDT,0/0,J365/25"))
for zone in ("Europe/London", "Asia/Kathmandu", "Africa/Casablanca"):
    try:
        with open("/usr/share/zoneinfo/" + zone, "rb") as file:
            put("tzif", zone.split("/")[1], file.read())
    except OSError:
        pass

BOOK = os.path.join(ROOT, "docs/RATING.md")
with open(BOOK, encoding="utf-8") as file:
    examples = re.findall(r"```example\n(.*?)```", file.read(), re.S)
for i, example in enumerate(examples):
    put("book", f"example_{i}", re.split(r"(?m)^--- (?:cdrs|lines)", example)[0])
TABLES = {
    "accounts": "account,name,parent,timezone,currency\nacme,A,,Europe/London,EUR\nbeta,B,acme,Nowhere/None,usd\nacme,,,,\n",
    "numbers": "number,account,site,from,to\n1,acme,s1,,\n12125550100-12125550199,acme,,2026-01-01,2026-02-01\n"
               "12125550150,beta,,2026-01-15,\nhint:,acme,,,\ntrunk:x,nobody,,,\n10000000000-99999999999,acme,,,\n",
    "trunks": "trunk,side,account,carrier,channels\nT1,sell,beta,,\nT2,buy,,level3,30\nT2,,,,\n",
    "carriers": "carrier,feed_role\nlevel3,cost\nx,bill\n",
    "assignments": "subject,plan,side,from,to\ndefault,p,buy,,\ncarrier:level3,b,buy,2026-01-01,2026-02-01\naccount:acme,b,buy,,\nnumber:1,p,,,\nsite:s1,q,,2026-03-02,2026-03-01\ndefault,p,,,\ndefault,q,,,\n",
    "plans": "plan,name\np,\np,\n",
    "plan_rules": "plan,action,deck,service,direction,class,jurisdiction,destination,trunk,amount,percent,on_miss,priority,from,to\n"
                  "p,tiers,,,,,,,,,,,,,\np,deck,none,voice,in,n11,international,UK,T1,,,next,-5,2026-01-01,\n"
                  "p,flat,,,,,,,,-99999999999,,,99999999999,,\np,markup,,,,,,,,,1e9,,,,\nq,reject,,,,,,,,,,,,,\n",
    "destinations": "prefix,destination\n44;4420,UK\n1201-1299,US\n,ALL\n44,UK2\n0-9,X\n1-15,Y\n",
    "decks": "deck,currency,key,decimals,rounding,init_mode,boundary,duration_rounding,zero_s,timezone,calendar,columns\n"
             "d,EUR,callee,9,up,append,split,ms,minimum,Europe/London,cal,prefix=Code;rate=Price\nc,,npanxx_pair,,,,,,,,,\n",
    "deck_versions": "deck,file,effective,mode\nd,d,2026-01-01,full\nd,d2,2026-01-01,amend\nd,../x,,\nd,d,2025-01-01,full\nz,d,,\n",
    "calendars": "calendar,band,days,from,to,priority\ncal,night,1-5;7,23:59,24:00,\ncal,off,8,,25:00,x\ncal,a,5-1,00:00,00:00,1\n",
    "holidays": "calendar,date,band\ncal,2026-02-30,night\ncal,2026-07-04,none\ncal,2026-07-03,off\ncal,2026-07-03,off\n",
    "sites": "site,account,name,area\ns1,acme,,\ns1,beta,,\n,acme,,\n",
    "decks/d": "prefix,rate,per_s,connect_fee,initial_s,increment_s,minimum_s,free_s,minimum_charge,maximum_charge,band,from,to,status\n"
               "1,0.06,7,,,,,,2,1,,,,\n1;1;2,,,,,,,,,,night,2026-03-03,2026-03-02,blocked\n1201-1305,92233720368,1,1,1,1,1,1,,,off,,,old\n"
               "123456789012345,-1,0,,-1,2147483648,,,,,,,,\n",
    "decks/c": "key,rate\nLD;LD,0.1\n,\n;;,0.2\n", "decks/d2": "prefix,rate\n\n,,\n44-45,0.1\n45,0.2\n",
    "npanxx": "prefix,country,state,county,city,ratecenter,lata,area\n1201;1202555-1202557,us,nj,Essex,Newark,Newark,224,\n"
              "12025550100,CA,ON,,,Toronto,,\n1201,,,,,,,\n1999-2001,USA,,,,,,\n1300,,IL,,,newark,,\n",
    "local_areas": "from_ratecenter,to_ratecenter,from_state,to_state\nNEWARK,NEW YORK,,\nnew york,Newark,NY,NJ\n"
                   "NEWARK,Newerk,,\nNEWARK,NEW YORK,TX,\n,,,\n",
    "calltypes": "calltype,jurisdiction,carrier\nLD,local,\nLD,international,level3\nLD,,\nLD,local,x\nIN,indeterminate,\nIN,local,\n",
    "bundles": "bundle,unit,quantity,scope,services,classes,jurisdictions,destinations,direction,period,anchor_day,rollover_periods,prorate,"
               "at_limit,debit,increment,connect_fee,priority\nx,s,60,number,voice,ordinary;n11,local; interstate,UK;;US,out,anchor,31,36,"
               "yes,flag,used,6,charged,-1\ny,message,1000000000000000,pool,sms;mms,on_net,,,,month,2,,,reject,billed,2,,\nx,byte,-1,,data,,,,,,,,,,,,,\n",
    "services": "service,account,type,site,number,quantity,from,to\n1,acme,seat,s1,,1000000,,\n2,acme,seat,,hint:B,0,2026-03-02,2026-03-01\n,,,,,,,\n"
                "3,beta,seat,s1,12125550200,,2026-03-08 02:00:00,2026-03-08 03:00:00\n",
    "subscriptions": "subject,bundle,pool,times,from,to\ndefault,named,all,,,\naccount:acme,named,y,,,\naccount:beta,named,x,count:seat,,\n"
                     "number:12125550300,num,,count:seat,2026-02-01,2026-03-04\nnumber:12125550300,site,,1000000,,\nplan:p,acc,,,2026-03-01,2026-03-05\n"
                     "plan:q,acc,,,2026-03-01,\ntrunk:T1,named,y,,,\ncarrier:zayo,num,,,,\nplan:p,num,z,count:,,\nhint:B,acc,,0,,\n",
    "tiers": "tiers,from_qty,rate,per,flat,unit,mode,scope,period,decimals,rounding,minimum_spend,maximum_spend,product\nt,10,1,7,,s,package,,,2,up,,,\n"
             "t,0,1,11,1,s,package,number,anchor,,,1,2,x\nu,,1,,,message,,,call,,,,,\nt,10,0.1,2147483647,,byte,graduated,site,month,,,2,1,y\n",
    "fx": "from,to,date,rate\nEUR,USD,2026-01-01,1.1\nEUR,USD,2026-01-01,1.2\nUSD,USD,9999-12-31,0\neur,USD,2026-02-30,-1\nGBP,USD,0001-01-01,92233720368\n",
    "tax_jurisdictions": "id,level,name,state,fips,parent\nA,city,,,3604751,K\nK,county,,NJ,34,NY\nNY,state,,ny,36,US\nUS,federal,,,,A\nD,district,,,1,D\nD,,,,,\n"
                         "E,district,,,,kings\nNY,state,,NY,,\n",
    "tax_areas": "area,tax_jurisdiction\nx,NY\nx,NJ\nx,NY\ny,none\n,US\nnyc,mta\nnyc,kings\nnj,US\n",
    "sellers": "seller,fusf_method,interstate_share,tax_services,from,to\ns,traffic_study,,,,\ns,actual,1.1,,,\ns,actual,,data;none,2026-03-02,2026-03-02\n"
               "s,safe_harbour,0.000000000001,,2026-01-01,2026-02-01\ns,safe_harbour,100%,,2026-01-31,\nt,actual,,voice;voice;data,,\n",
    "products": "product,name,sku,gl\nseat,Seat,1,2\nseat,,,\n,x,,\n",
    "tax_map": "tax_service,product,service,class,jurisdiction,share\ntelecom,,,,,0.5\nvoice,,,,,50%\nvoice,,voice,on_net,local,0.1\ndata,,voice,on_net,local,0.8\n"
               "voice,period:short_calls,,,,\nvoice,period:short_calls,,,,0\n,x,fax,,,2\n",
    "taxes": "tax,tax_jurisdiction,level,kind,rate,amount,base,on_taxes,bracket_from,bracket_to,cap,threshold,from,to,line_basis,part_month,sourcing\n"
             "a,NY,city,,101,,none,b;z,,,,,,,,,\nb,,state,per_line,,1,,,5,1,0.0000001,,2026-03-02,2026-03-01,number:;x:1;x:2,none,origin\n"
             "c,NY,,,50%,,,c;d,,,,,,,,,\nc,NY,,,50%,,,c;d,,,,,,,,,\nd,,state,,50%,,,c;d,,10,,,,2026-01-01,,,\nd,,state,,1%,,,c;d,11,,5,,,2026-01-01,,,\n"
             "d,,state,,1%,,,,,,,,2026-01-02,,,,\ne,,,,1%,,,,,,,,,,,,\nf,US,,fixed,1%,,,,,,,,,,,,\n",
    "exemptions": "account,site,tax_jurisdiction,level,category,tax,percent,certificate,from,to\nbeta,s1,,,,,,,,\n,,XX,town,none,none,101,,2026-03-02,2026-03-02\n"
                  ",,,,,,0.0000001,,,\nacme,s1,US,district,federal,acc,0,,0001-01-01,9999-12-31\n",
    "charges": "account,product,kind,amount,site,quantity,tax_included,from,to\nacme,x,fee,1,,,,,\nbeta,x,recurring,-1,s1,-1,maybe,2026-01-01,2026-01-01\n"
               "acme,,one_time,92233720368.54775807,,9223372036854.775807,,2026-03-02,2026-03-03\n,x,credit,,,,,,\n",
    "extra": "a\n1\n",
}
for name, text in TABLES.items():
    put("book", "t_" + name.replace("/", "_"), f"--- {name}.csv\n{text}")
    put("book", "h_" + name.replace("/", "_"), f"--- {name}.csv\n{text.splitlines()[0]}\n")
    put("book", "no_" + name.replace("/", "_"), f"--- !{name}.csv\n")
put("book", "all_bad", "".join(f"--- {n}.csv\n{t}" for n, t in TABLES.items()))
put("book", "no_yaml", "--- !book.yaml\n")
put("book", "yaml_all", "--- book.yaml\nbook: x\ncurrency: EUR\ntimezone: UTC\nnumber_plan: e164\ndecimals: 8\nrounding: half_even\n")
put("book", "yaml_places", "--- book.yaml\nbook: x\ncurrency: CAD\ntimezone: UTC\ncountry: CA\njurisdiction_basis: ani_lrn\n"
    "on_net: any\n")
put("book", "places", "--- npanxx.csv\nprefix,state,ratecenter,country\n1212,NY,NEW YORK,\n1201555,NJ,Newark,us\n12015561,NJ,NEWARK,\n"
    "1201557;1201559-1201560,,NEWARK,CA\n--- local_areas.csv\nfrom_ratecenter,to_ratecenter\nNewark,New York\nNEW YORK,NEWARK\n"
    "--- calltypes.csv\ncalltype,jurisdiction,carrier\nLD,local,level3\nLD,interstate,\nIN,international,\n"
    "--- sites.csv\nsite,account,state\ns1,acme,nj\n--- plan_rules.csv\nplan,action,deck,class,jurisdiction\n"
    "p,free,,on_net,\np,deck,d,,intrastate\np,deck,c,,local\nq,deck,d,,\n")
put("book", "deck_pairs", "--- decks/p.csv\nprefix,caller_prefix,rate,from,to,per_s,step_from_s\n1202-1204;44,1212555;,0.1,,,,\n"
    ",,0.2,,2026-03-09,,\n1202,1212,0.3,2026-03-02,,,\n1202,1212,0.2,2026-03-03,,7,10\n1202,1212x,0.1,,,,\n")
put("book", "deck_steps", "--- decks/k.csv\nprefix,rate,per_s,increment_s,step_from_s,band,from,to,status\n1212;1213,0.1,,6,,,,,\n"
    "1212,0.2,7,,30,,,,\n1213,0.2,11,1,31,,2026-03-02,,\n1212,,,,60,,,,blocked\n1212,0.1,13,,,night,,,\n1212,0.1,,,5,night,,2026-03-03,\n")
put("book", "deck_rates", "--- decks/k.csv\nprefix,rate,rate_inter,rate_intra,rate_indeterminate,step_from_s\n1,0.1,0.2,,0.3,\n"
    "1212,,,0.1,,\n1212,0.1,,0.5,,20\n,,,,,\n--- decks.csv\ndeck,key,indeterminate,jurisdiction_basis,boundary,calendar\n"
    "d,,,,split,cal\nc,calltype,,,,\nk,,intra,carrier,,\np,npanxx_pair,inter,,,\n")

for section in range(53):
    for step in range(7):
        if step in (1, 4, 5, 6) or section % 5 == step:
            put("image", f"s{section}_{step}", struct.pack("<BBIB", section, step, 24 + section * 8, 4) + b"\xff\xff\xff\x7f")
    put("image", f"one_{section}", struct.pack("<BBIB", section, 5, 4, 4) + b"\1\0\0\0" + struct.pack("<BBIB", section, 4, 40, 4) + b"\0" * 4)
put("image", "header", struct.pack("<BBIB", 255, 0, 8, 4) + b"\2\0\0\0")
