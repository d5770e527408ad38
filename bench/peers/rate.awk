# The canonical month in awk, written from docs/RATING.md: the book's tables and then the calls, which stand in their
# order, are read once. Numbers are doubles, exact below 2^53: money is counted in 1e-8 (rates) and 1e-6 (charges).
#
#   mawk -v zone=America/New_York -v lines=LINES -v sums=SUMS -f rate.awk \
#        zones.csv accounts.csv bundles.csv subscriptions.csv assignments.csv plan_rules.csv numbers.csv decks/*.csv \
#        cdrs.csv
#
# Of a prefix in a deck two texts are kept, the prices by day and of the band; texts are split into numbers once.

BEGIN { FS = "," }

FNR == 1 {
    file = FILENAME
    sub(/.*\//, "", file)
    sub(/[.]csv$/, "", file)
    kind = FILENAME ~ /\/decks\/[^\/]*$/ ? "deck" : file
    next
}

kind == "deck" {
    price = $3 "," $4 "," $5 "," $6
    if (!(price in id)) {
        id[price] = ++prices
        rate[prices] = int($3 * 100000000 + 0.5)
        fee[prices] = int($4 * 100000000 + 0.5)
        increment[prices] = $6 == "" ? 1 : $6 + 0
        initial[prices] = $5 == "" ? increment[prices] : $5 + 0
    }
    if ($7 == "") {
        prefixes[$1]
        day_price[file, $1] = id[price]
    } else
        low_price[file, $1] = id[price]
    next
}

kind == "zones" { change[$1] = $2 + 0; before[$1] = $3 + 0; after[$1] = $4 + 0; next }
kind == "accounts" { zone_of[$1] = $5; next }
kind == "bundles" { quantity[$1] = $3 + 0; next }
kind == "subscriptions" { sub(/^account:/, "", $1); bundle_of[$1] = quantity[$2]; next }
kind == "assignments" { sub(/^account:/, "", $1); plan_of[$1] = $2; next }
kind == "plan_rules" { if ($2 == "deck") deck_of[$1] = $4; next }
kind == "numbers" { account_of[$1] = $2; next }

# Days since 1970-01-01 of a date, worked out once for each.
function day_of(date,    y, m) {
    if (!(date in days)) {
        y = substr(date, 1, 4) + 0
        m = substr(date, 6, 2) + 0
        if (m < 3) { y--; m += 12 }
        days[date] = 365 * y + int(y / 4) - int(y / 100) + int(y / 400) + int((153 * (m - 3) + 2) / 5) + \
                     substr(date, 9, 2) - 719469
    }
    return days[date]
}

# The month in which a day lies, counted from March of the year 0; once for each day.
function month_of(day,    z, era, year, rest) {
    if (!(day in months)) {
        z = day + 719468
        era = int(z / 146097)
        z -= era * 146097
        year = int((z - int(z / 1460) + int(z / 36524) - int(z / 146096)) / 365)
        rest = z - 365 * year - int(year / 4) + int(year / 100)
        months[day] = 12 * (era * 400 + year) + int((5 * rest + 2) / 153)
    }
    return months[day]
}

{
    start = day_of(substr($2, 1, 10)) * 86400000 + \
            ((substr($2, 12, 2) * 60 + substr($2, 15, 2)) * 60 + substr($2, 18, 2)) * 1000 + substr($2, 21, 3)
    caller = substr($5, 2)
    callee = substr($6, 2)
    account = caller in account_of ? account_of[caller] : ""
    used = int($3)
    if (used < $3 + 0)
        used++
    billed = included = charge = 0
    deck = prefix = ""
    if ($4 == "no")
        status = 1
    else if (account == "") {
        status = 2
        charge = ""
    } else if (callee ~ /^1(800|833|844|855|866|877|888)/) {
        status = 3
        billed = used
    } else {
        for (n = 8; n > 0; n--) {
            prefix = substr(callee, 1, n)
            if (prefix in prefixes)
                break
        }
        if (n == 0) {
            status = 4
            charge = prefix = ""
        } else {
            status = used == 0 ? 5 : 0
            deck = deck_of[plan_of[account]]
        }
    }
    if (status == 0) {
        minute = int((start + (start < change[zone] ? before[zone] : after[zone])) / 60000)
        at = minute % 1440
        price = at >= 420 && at < 1140 && (int(minute / 1440) + 3) % 7 < 5 ? day_price[deck, prefix] \
                                                                           : low_price[deck, prefix]
        billed = initial[price]
        if (used > billed)
            billed += int((used - billed + increment[price] - 1) / increment[price]) * increment[price]
        if (account in bundle_of) {
            its = zone_of[account]
            pool = account SUBSEP month_of(int((start + (start < change[its] ? before[its] : after[its])) / 86400000))
            if (!(pool in left))
                left[pool] = bundle_of[account]
            included = left[pool] < billed ? left[pool] : billed
            left[pool] -= included
        }
        if (billed > included)
            charge = int((fee[price] * 60 + rate[price] * (billed - included) + 3000) / 6000)
    }
    print $1 "," status "," account "," deck "," prefix "," billed "," included "," charge > lines
    key = account "," status
    rows[key]++
    seconds[key] += billed
    charges[key] += charge
}

END {
    for (key in rows)
        printf "%s,%d,%.0f,%.0f\n", key, rows[key], seconds[key], charges[key] > sums
}
