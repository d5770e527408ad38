"""Effective rates (docs/TAX.md section 7): jurisdictions side by side, and one run against another. Worked out by hand; the book is that of
tax_outside.py."""
import json
import os
import tempfile

from tax_outside import BOOK, World, run

# TX: 10.01 + 0.61 of acme, 0.30 and 100 with its tax of beta, so 1600/17 without; two usage buckets, two charges, a line of the inventory.
# NY: 50 - 5 + 0.90 of acme at 4 % are 1.836; the 0.60 of a reseller are exempt.
SIDE = """tax,name,tax_jurisdiction,level,lines,charge,base,exempt,tax_exact,tax_cents,rate,rate_of,currency
sales,,NY,state,5,46.5,45.9,0.6,1.836,184,153/3875,charge,USD
sales,,TX,state,5,17856.4/170,17856.4/170,0,17856.4/2720,656,0.0625,charge,USD
"""
FEE = "tax,tax_jurisdiction,rate,kind,amount,line_basis,name\nsales,TX,6.5%,,,,\nsales,NY,4%,,,,\nfee,NY,,per_line,0.50,seat,A fee\n"


def check_side_by_side(world):
    # 10.92 + 1600/17 = 17856.4/170 = 44641/425; times 1/16
    want = SIDE.replace("17856.4/170", "44641/425").replace("17856.4/2720", "44641/6800")
    done = run("tax", world.run, "--jurisdictions", "NY,TX", "--format", "csv")
    assert done.stdout == want, done.stdout
    lines = want.splitlines()
    other = run("tax", world.run, "--jurisdictions", "TX,NY", "--format", "csv").stdout.splitlines()
    assert other == [lines[0], lines[2], lines[1]], other
    assert run("tax", world.run, "--jurisdictions", "US", "--format", "csv").stdout.splitlines() == lines[:1]
    rows = json.loads(run("tax", world.run, "--jurisdictions", "TX", "--json").stdout)["taxes"]
    assert [(row["tax"], row["rate"], row["tax_cents"]) for row in rows] == [("sales", "0.0625", 656)], rows
    text = run("tax", world.run, "--jurisdictions", "NY,TX").stdout
    assert text.split() == ["tax", "NY", "rate", "TX", "rate", "sales", "1.84", "0.039484", "6.56", "0.0625", "USD"], text
    for bad in ("", ",", "NY,", "A,B,C,D,E,F,G,H,I"):
        run("tax", world.run, "--jurisdictions", bad, code=2)
    assert "\"ZZ\"" in run("tax", world.run, "--jurisdictions", "TX,ZZ", code=2).stderr


def check_compare(world):
    changed = world.rate("changed", taxes=FEE)
    header = "change,tax_jurisdiction,level,tax,name,rate_before,rate_after,moved_by,charge_before,charge_after,tax_before,tax_after,currency"
    appeared = "appeared,NY,state,fee,A fee,,1,,,0,,1,USD"  # two seats on one line of the inventory, without charge
    # 100 at 6.5 % included are 20000/213; with 10.92: 22325.96/213 = 558149/5325, times 0.065 = 13/200
    moved = "moved,TX,state,sales,,0.0625,0.065,0.04,44641/425,558149/5325,44641/6800,7255937/1065000,USD"
    done = run("tax", "--compare", world.run, changed, "--format", "csv", code=1)
    assert done.stdout.splitlines() == [header, appeared], done.stdout
    done = run("tax", "--compare", world.run, changed, "--threshold", "3.9999%", "--format", "csv", code=1)
    assert done.stdout.splitlines() == [header, appeared, moved], done.stdout
    done = run("tax", "--compare", world.run, changed, "--threshold", "4", "--format", "csv", code=1)
    assert done.stdout.splitlines() == [header, appeared], "not more than 4 %: " + done.stdout
    done = run("tax", "--compare", changed, world.run, "--json", code=1)
    moves = json.loads(done.stdout)
    assert moves["compared"] == 3 and [(one["change"], one["tax"], one["rate_before"], one["rate_after"]) for one in moves["moves"]] == [
        ("vanished", "fee", "1", None)], moves
    text = run("tax", "--compare", changed, world.run, "--threshold", "1%", code=1).stdout
    assert "-3.85%" in text and "3 taxes compared, 2 moved by more than 1%, appeared or vanished" in text, text
    done = run("tax", "--compare", world.run, world.run)
    assert done.stdout == "2 taxes compared, 0 moved by more than 5%, appeared or vanished\n", done.stdout
    free = world.rate("free", taxes="tax,tax_jurisdiction,rate\nsales,TX,6.25%\nsales,NY,0\n")
    (move,) = json.loads(run("tax", "--compare", free, world.run, "--json", code=1).stdout)["moves"]
    assert (move["change"], move["rate_before"], move["moved_by"]) == ("moved", "0", None), "from nothing: " + str(move)
    for bad in (("--compare", world.run), ("--compare", world.run, world.run, world.run), (world.run, "--threshold", "5%"), (world.run, world.run),
                ("--compare", world.run, world.run, "--threshold", "x"), ("--compare", world.run, world.run, "--what", "lines"),
                (world.run, "--jurisdictions", "TX", "--what", "register"), ("--compare", world.run, world.run, "--threshold", "1.00001"),
                ("--compare", world.run, world.run, "--jurisdictions", "TX")):
        run("tax", *bad, code=2)
    run("tax", "--compare", world.run, world.run + "-not", code=66)
    for table in [name for name in BOOK if name.startswith("tax") or name in ("charges.csv", "services.csv")]:
        os.remove(os.path.join(world.work, "book", table))
    untaxed = world.rate("untaxed", sites="site,account\nhq,acme\nbranch,acme\nhome,beta\nshop,sold\n")
    run("tax", untaxed, code=2)


def main():
    with tempfile.TemporaryDirectory() as work:
        world = World(work)
        check_side_by_side(world)
        check_compare(world)
    print("effective rates and how they moved, as worked out by hand")


if __name__ == "__main__":
    main()
