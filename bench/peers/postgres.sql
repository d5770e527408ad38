-- The canonical month in PostgreSQL, written from docs/RATING.md. Money is bigint in 1e-8 (rates) and 1e-6 (charges,
-- the book's decimals); sum(bigint) is numeric. Sections are run by systems.py through psql, which fills in what
-- stands in braces. Tables are unlogged, the cluster is its own and does not fsync.
--
-- As in duckdb.sql: all decks have the same prefixes, and those whose prices are equal in all decks share a class.
-- A hash join for each length of prefix: all of them together are small, a table of all heads would not be.

-- [settings]
set max_parallel_workers_per_gather = {threads};
set work_mem = '256MB';
set jit = off;
set client_min_messages = warning;

-- [book]
create unlogged table sheet (deck text, prefix text, destination text, rate numeric, connect_fee numeric,
                             initial_s int, increment_s int, band text);
{decks}
create unlogged table price as
with day as (select deck, prefix, (rate * 100000000)::bigint as rate,
                    coalesce(connect_fee * 100000000, 0)::bigint as fee,
                    coalesce(initial_s, increment_s, 1) as initial, coalesce(increment_s, 1) as increment
             from sheet where band is null),
     low as (select deck, prefix, (rate * 100000000)::bigint as rate,
                    coalesce(connect_fee * 100000000, 0)::bigint as fee,
                    coalesce(initial_s, increment_s, 1) as initial, coalesce(increment_s, 1) as increment
             from sheet where band is not null)
select deck, prefix, day.rate as day_rate, low.rate as low_rate, day.fee as day_fee, low.fee as low_fee,
       day.initial as day_initial, low.initial as low_initial, day.increment as day_increment,
       low.increment as low_increment
from day join low using (deck, prefix);
create unlogged table deck as
select deck, (row_number() over (order by deck) - 1)::int * 65536 as id from (select distinct deck from price) d;
create unlogged table prefix as
select prefix, (row_number() over (order by prefix) - 1)::int as id, length(prefix) as digits,
       (dense_rank() over (order by prices) - 1)::int as class
from (select prefix, md5(string_agg(concat_ws(' ', day_rate, low_rate, day_fee, low_fee, day_initial, low_initial,
                                              day_increment, low_increment), ';' order by deck)) as prices
      from price group by prefix) p;
create unlogged table tariff as
select distinct deck.id + prefix.class as id, day_rate, low_rate, day_fee, low_fee, day_initial, low_initial,
       day_increment, low_increment
from price join prefix using (prefix) join deck using (deck);
create unlogged table length_2 as select prefix::int as digits, id, class from prefix where digits = 2;
create unlogged table length_3 as select prefix::int as digits, id, class from prefix where digits = 3;
create unlogged table length_4 as select prefix::int as digits, id, class from prefix where digits = 4;
create unlogged table length_5 as select prefix::int as digits, id, class from prefix where digits = 5;
create unlogged table length_6 as select prefix::int as digits, id, class from prefix where digits = 6;
create unlogged table length_7 as select prefix::int as digits, id, class from prefix where digits = 7;
create unlogged table length_8 as select prefix::int as digits, id, class from prefix where digits = 8;
create unlogged table zone (zone text, change_ms bigint, before_ms bigint, after_ms bigint);
\copy zone from '{zones}' csv header
create unlogged table its_account (account text, name text, class text, sale text, timezone text, cycle_day text);
\copy its_account from '{book}/accounts.csv' csv header
create unlogged table bundle (bundle text, unit text, quantity bigint, scope text, jurisdictions text,
                              rollover text, at_limit text);
\copy bundle from '{book}/bundles.csv' csv header
create unlogged table subscription (subject text, bundle text);
\copy subscription from '{book}/subscriptions.csv' csv header
create unlogged table assignment (subject text, plan text);
\copy assignment from '{book}/assignments.csv' csv header
create unlogged table rule (plan text, action text, class text, deck text, priority text);
\copy rule from '{book}/plan_rules.csv' csv header
create unlogged table its_number (number bigint, account text);
\copy its_number from '{book}/numbers.csv' csv header
create unlogged table account as
select account, (row_number() over (order by account) - 1)::int as id, timezone, coalesce(quantity, 0) as quantity
from its_account left join subscription on subject = 'account:' || account left join bundle using (bundle);
create unlogged table payer as
select number, account.id as account, deck.id as deck, quantity > 0 as pooled
from its_number join account using (account) join assignment on subject = 'account:' || account
join rule using (plan) join deck using (deck)
where action = 'deck';
drop table sheet, price, its_account, its_number;
vacuum analyze;

-- [load]
drop table if exists cdr;
create unlogged table cdr (record_id bigint, started timestamp, duration_s numeric(12,3), answered boolean,
    caller bigint, callee bigint,
    start_ms bigint generated always as ((extract(epoch from started) * 1000)::bigint) stored,
    duration_ms int generated always as ((duration_s * 1000)::int) stored,
    head int generated always as (case when callee >= 1000000000000 then callee / 100000
                                       when callee >= 100000000000 then callee / 10000
                                       else callee / 1000 end) stored);
\copy cdr (record_id, started, duration_s, answered, caller, callee) from '{cdrs}' csv header
analyze cdr;

-- [rated]
with found as (
    select record_id, started, (duration_ms + 999) / 1000::bigint as used,
           (start_ms + case when start_ms < {change_ms} then {before_ms} else {after_ms} end) / 60000 as minute,
           account, deck, coalesce(pooled, false) as pooled,
           coalesce(h.id, g.id, f.id, e.id, d.id, c.id, b.id) as prefix,
           coalesce(h.class, g.class, f.class, e.class, d.class, c.class, b.class) as class,
           case when not answered then 1
                when account is null then 2
                when callee / 10000000 in (1800, 1833, 1844, 1855, 1866, 1877, 1888) then 3
                when coalesce(h.id, g.id, f.id, e.id, d.id, c.id, b.id) is null then 4
                when duration_ms = 0 then 5
                else 0 end as status
    from cdr
    left join payer on number = caller
    left join length_8 h on h.digits = head
    left join length_7 g on g.digits = head / 10
    left join length_6 f on f.digits = head / 100
    left join length_5 e on e.digits = head / 1000
    left join length_4 d on d.digits = head / 10000
    left join length_3 c on c.digits = head / 100000
    left join length_2 b on b.digits = head / 1000000),
banded as (
    select found.*, minute % 1440 between 420 and 1139 and (minute / 1440 + 3) % 7 < 5 as is_day from found),
priced as (
    select banded.*, case when is_day then day_rate else low_rate end as rate,
           case when is_day then day_fee else low_fee end as fee,
           case when status = 3 then used
                when status <> 0 then 0
                when is_day then day_initial + (greatest(used - day_initial, 0) + day_increment - 1)
                                                   / day_increment * day_increment
                else low_initial + (greatest(used - low_initial, 0) + low_increment - 1)
                                       / low_increment * low_increment end as billed
    from banded left join tariff on tariff.id = deck + class),
drawn as (
    select record_id, status, priced.account, deck, prefix, rate, fee, billed,
           greatest(0, least(billed, quantity - coalesce(sum(billed) over (
               partition by priced.account, date_trunc('month', started at time zone 'UTC' at time zone timezone)
               order by started, record_id rows between unbounded preceding and 1 preceding), 0)))::bigint as included
    from priced join account on account.id = priced.account
    where pooled and status = 0
    union all
    select record_id, status, account, deck, prefix, rate, fee, billed, 0 as included
    from priced where not (pooled and status = 0)),
lines as (
    select record_id, status::smallint as status, account, case when status in (0, 5) then deck end as deck,
           case when status in (0, 5) then prefix end as prefix, billed::int as billed, included::int as included,
           case when status in (2, 4) then null
                when status <> 0 or billed = included then 0
                else (fee * 60 + rate * (billed - included) + 3000) / 6000 end as charge
    from drawn)

-- [sums]
copy ({rated}
select account, status, count(*), sum(billed), sum(charge) from lines group by account, status) to stdout csv;

-- [lines]
drop table if exists line;
create unlogged table line as
{rated}
select * from lines;

-- [sums of lines]
copy (select account, status, count(*), sum(billed), sum(charge) from line group by account, status) to stdout csv;

-- [names]
copy (select id, account from account) to stdout csv;

-- [text]
copy (select record_id, status, account.account, deck.deck, prefix.prefix, billed, included, charge
      from line left join account on account.id = line.account
      left join deck on deck.id = line.deck
      left join prefix on prefix.id = line.prefix) to stdout csv;
