"""The worlds that are rated: made by bench_world, and checked to be what the SQL and awk were written for."""
import bisect
import csv
import datetime
import glob
import os
import subprocess
import zoneinfo

HEADERS = {
    "accounts": "account,name,class,sale,timezone,cycle_day",
    "numbers": "number,account",
    "assignments": "subject,plan",
    "plan_rules": "plan,action,class,deck,priority",
    "decks": "deck,calendar",
    "bundles": "bundle,unit,quantity,scope,jurisdictions,rollover_periods,at_limit",
    "subscriptions": "subject,bundle",
}
CALENDARS = "calendar,band,days,from,to,priority\nhours,low,,19:00,07:00,1\nhours,low,6;7,,,2\n"
DECK_HEADER = b"prefix,destination,rate,connect_fee,initial_s,increment_s,band"
CDR_HEADER = "record_id,start,duration_s,answered,caller,callee"


class World:
    def __init__(self, folder, rows):
        self.folder, self.rows = folder, rows
        self.book = os.path.join(folder, "book")
        self.cdrs = os.path.join(folder, "cdrs.csv")
        self.zones = os.path.join(folder, "zones.csv")
        self.zone = None  # of the book: bands go by it
        self.changes = {}  # zone -> (instant in ms at which its offset changes, offset before, offset after)

    def path(self, name):
        return os.path.join(self.folder, name)

    def table(self, name):
        with open(os.path.join(self.book, name + ".csv"), newline="") as file:
            return list(csv.DictReader(file))

    def decks(self):
        return sorted(glob.glob(os.path.join(self.book, "decks", "*.csv")))


def make(bench_world, folder, rows, *more):
    os.makedirs(folder)
    world = World(folder, rows)
    subprocess.run([bench_world, folder, "--cdrs", str(rows), "--csv", world.cdrs, *more], check=True)
    check(world)
    write_zones(world)
    return world


def check(world):
    """Other books need other SQL: say so rather than be wrong."""
    for name, header in HEADERS.items():
        with open(os.path.join(world.book, name + ".csv")) as file:
            expect(file.readline().rstrip("\n") == header, name + ".csv has other columns")
    with open(os.path.join(world.book, "calendars.csv")) as file:
        expect(file.read() == CALENDARS, "calendars.csv has other bands")
    with open(world.cdrs) as file:
        expect(file.readline().rstrip("\n") == CDR_HEADER, "the CDRs have other columns")
    for rule in world.table("plan_rules"):
        expect((rule["action"], rule["class"], rule["priority"]) in (("free", "toll_free", "1"), ("deck", "", "2")),
               "a plan has other rules")
    bundles = world.table("bundles")
    expect(len(bundles) == 1 and bundles[0]["scope"] == "account" and bundles[0]["at_limit"] == "overage" and
           bundles[0]["unit"] == "s" and bundles[0]["jurisdictions"] == "", "bundles.csv has other bundles")
    prefixes = None
    for path in world.decks():
        with open(path, "rb") as file:
            expect(file.readline().rstrip(b"\n") == DECK_HEADER, path + " has other columns")
            rows = [line.split(b",", 1)[0] for line in file]
        expect(rows[0::2] == rows[1::2], path + ": not two rows for each prefix, one of them of the band")
        prefixes = prefixes or rows
        expect(rows == prefixes, path + " has other prefixes than the decks before it")


def expect(held, what):
    if not held:
        raise SystemExit("peers: error: %s; duckdb.sql, postgres.sql and rate.awk are for the canonical month only" %
                         what)


def offset_ms(zone, at_ms):
    at = datetime.datetime.fromtimestamp(at_ms // 1000, zone)
    return int(at.utcoffset().total_seconds()) * 1000


def write_zones(world):
    """Offsets of the zones over the time of the calls, in which each may change once."""
    with open(world.cdrs, "rb") as file:
        file.readline()
        first = file.readline()
        file.seek(-4096 if world.rows > 100 else 0, os.SEEK_END if world.rows > 100 else os.SEEK_SET)
        last = file.readlines()[-1]
    begin, end = (int(datetime.datetime.fromisoformat(line.split(b",")[1].decode().replace("Z", "+00:00")).timestamp())
                  for line in (first, last))
    with open(os.path.join(world.book, "book.yaml")) as file:
        world.zone = dict(line.strip().split(": ") for line in file)["timezone"]
    names = {world.zone} | {row["timezone"] for row in world.table("accounts")}
    with open(world.zones, "w") as file:
        file.write("zone,change_ms,before_ms,after_ms\n")
        for name in sorted(names):
            zone = zoneinfo.ZoneInfo(name)
            hours = range(begin // 3600, end // 3600 + 2)
            offsets = [offset_ms(zone, hour * 3600000) for hour in hours]
            expect(len(set(offsets)) <= 2, name + " changes more than once")
            change = hours[bisect.bisect_left([offset != offsets[0] for offset in offsets], True)] * 3600000 \
                if len(set(offsets)) == 2 else 1 << 50
            world.changes[name] = (change, offsets[0], offsets[-1])
            file.write("%s,%d,%d,%d\n" % (name, *world.changes[name]))
