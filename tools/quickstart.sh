#!/bin/sh
# From nothing to a rated month in a few minutes: builds, makes a million CDRs, imports, rates, and shows the result.
# Everything lands in quickstart/, which is made afresh each time.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh

tollmill=build/tollmill
rm -rf quickstart
mkdir quickstart

step() {
    printf '\n$ %s\n' "$*"
    "$@"
}

step $tollmill gen -o quickstart/world --cdrs 1M --numbers 20k --accounts 2000
step $tollmill import --spec data/providers/tollmill.yaml -o quickstart/cdrs quickstart/world/cdrs.csv
step $tollmill compile quickstart/world/book -o quickstart/book.image
step $tollmill rate --book quickstart/book.image --cdrs quickstart/cdrs -o quickstart/run
step $tollmill verify quickstart/run
step $tollmill summary quickstart/run

seats=data/synthetic/us-seats-book
step $tollmill import --spec data/providers/tollmill.yaml --carrier switch -o quickstart/seats-cdrs $seats/cdrs/switch-march.csv
step $tollmill import --spec data/providers/tollmill.yaml --carrier gamma -o quickstart/seats-cdrs $seats/cdrs/gamma-march.csv
step $tollmill rate --book $seats/book --cdrs quickstart/seats-cdrs -o quickstart/seats-run
step $tollmill summary quickstart/seats-run --pools
step $tollmill report quickstart/seats-run --margin account

# The taxes of that month, by data/tax-demo. It ends with 1: about some of what is sold the demo has not decided, and says so.
step $tollmill tax quickstart/seats-run --jurisdictions US,NY,IL
step $tollmill tax quickstart/seats-run -o quickstart/tax-register.csv || [ $? -eq 1 ]
step $tollmill tax quickstart/seats-run --what coverage --quiet || [ $? -eq 1 ]

# Prices 5 and 10 % up and down: whom it hurts. Then a deck was wrong, and the month is rated again.
step $tollmill whatif $seats/book --cdrs quickstart/seats-cdrs --sweep 'deck:retail 0.9..1.1 step 0.05' --top 2 --html quickstart/prices.html
cp -r $seats/book quickstart/corrected
sed -i 's/^447,UK mobile,0.05/447,UK mobile,0.055/' quickstart/corrected/decks/retail.csv
step $tollmill rerate quickstart/seats-run --book quickstart/corrected -o quickstart/seats-again || [ $? -eq 1 ]
step $tollmill delta quickstart/seats-again.delta || [ $? -eq 1 ]

cat <<'END'

That was a month of a small carrier, and one of a reseller that gives minutes by the seat (data/synthetic/us-seats-book),
with its taxes by a demo table that is not for filing (data/tax-demo). What to try next:
  build/tollmill explain quickstart/run 2026-03-01:4940                 why this call costs what it costs
  $BROWSER quickstart/prices.html                                       the same what-if, to look at
  build/tollmill export quickstart/run --format csv -o quickstart/lines.csv
  build/tollmill export quickstart/run --format jsonl --status suspense,conflict
  build/tollmill rate --book quickstart/world/book --cdrs quickstart/cdrs --from 2026-03-02 --to 2026-03-03 \
      -o quickstart/run-one-day
  $EDITOR quickstart/world/book/plan_rules.csv && build/tollmill compile quickstart/world/book --check
END
