-- The canonical month in DuckDB, written from docs/RATING.md. Money is BIGINT in 1e-8 (rates) and 1e-6 (charges,
-- the book's decimals); sums are HUGEINT. Sections are run by systems.py, which fills in what stands in braces.
--
-- What was found to be the best plan: all decks have the same prefixes (systems.py sees to it), so one lookup finds
-- the prefix for all of them, in a table of every 7-digit head and one of the 8-digit prefixes. Prefixes whose prices
-- are equal in all decks share a class, so that the prices by deck and class are few. Only calls of accounts with a
-- bundle go through the window that draws on it.

-- [settings]
set threads = {threads};
set memory_limit = '{memory}';
set preserve_insertion_order = false;
set temp_directory = '{folder}/duckdb.tmp';

-- [book]
create table sheet as
select regexp_extract(filename, '([^/]+)[.]csv$', 1) as deck, prefix, (rate * 100000000)::bigint as rate,
       coalesce((connect_fee * 100000000)::bigint, 0) as fee, coalesce(initial_s, increment_s, 1) as initial,
       coalesce(increment_s, 1) as increment, band is not null as low
from read_csv('{book}/decks/*.csv', header = true, filename = true,
              columns = {'prefix': 'varchar', 'destination': 'varchar', 'rate': 'decimal(18,8)',
                         'connect_fee': 'decimal(18,8)', 'initial_s': 'integer', 'increment_s': 'integer',
                         'band': 'varchar'});
create table deck as
select deck, ((row_number() over (order by deck) - 1) * 65536)::integer as id from (select distinct deck from sheet);
create table price as
select deck, prefix, max(rate) filter (not low) as day_rate, max(rate) filter (low) as low_rate,
       max(fee) filter (not low) as day_fee, max(fee) filter (low) as low_fee,
       max(initial) filter (not low) as day_initial, max(initial) filter (low) as low_initial,
       max(increment) filter (not low) as day_increment, max(increment) filter (low) as low_increment
from sheet group by deck, prefix;
create table prefix as
select prefix, (row_number() over (order by prefix) - 1)::integer as id,
       (dense_rank() over (order by prices) - 1)::integer as class, decks
from (select prefix, count(*) as decks,
             string_agg(concat_ws(' ', day_rate, low_rate, day_fee, low_fee, day_initial, low_initial, day_increment,
                                  low_increment), ';' order by deck) as prices
      from price group by prefix);
create table tariff as
select distinct deck.id + prefix.class as id, price.* exclude (deck, prefix)
from price join prefix using (prefix) join deck using (deck);
create table length_2 as select prefix::integer as digits, id, class from prefix where length(prefix) = 2;
create table length_3 as select prefix::integer as digits, id, class from prefix where length(prefix) = 3;
create table length_4 as select prefix::integer as digits, id, class from prefix where length(prefix) = 4;
create table length_5 as select prefix::integer as digits, id, class from prefix where length(prefix) = 5;
create table length_6 as select prefix::integer as digits, id, class from prefix where length(prefix) = 6;
create table length_7 as select prefix::integer as digits, id, class from prefix where length(prefix) = 7;
create table length_8 as select prefix::integer as digits, id, class from prefix where length(prefix) = 8;
create table head as
select head::integer as digits, coalesce(g.id, f.id, e.id, d.id, c.id, b.id) as id,
       coalesce(g.class, f.class, e.class, d.class, c.class, b.class) as class
from range(1000000, 10000000) every(head)
left join length_7 g on g.digits = head
left join length_6 f on f.digits = head // 10
left join length_5 e on e.digits = head // 100
left join length_4 d on d.digits = head // 1000
left join length_3 c on c.digits = head // 10000
left join length_2 b on b.digits = head // 100000
where coalesce(g.id, f.id, e.id, d.id, c.id, b.id) is not null;
create table account as
select account, (row_number() over (order by account) - 1)::integer as id, change_ms, before_ms, after_ms,
       coalesce(quantity, 0) as quantity
from read_csv('{book}/accounts.csv', header = true, all_varchar = true)
join read_csv('{zones}', header = true) on zone = timezone
left join read_csv('{book}/subscriptions.csv', header = true, all_varchar = true) on subject = 'account:' || account
left join read_csv('{book}/bundles.csv', header = true) using (bundle);
create table payer as
select number::bigint as number, account.id as account, deck.id as deck, quantity > 0 as pooled
from read_csv('{book}/numbers.csv', header = true, all_varchar = true)
join account using (account)
join read_csv('{book}/assignments.csv', header = true, all_varchar = true) on subject = 'account:' || account
join read_csv('{book}/plan_rules.csv', header = true, all_varchar = true) using (plan)
join deck using (deck)
where action = 'deck';

-- [load]
create or replace table cdr as
select record_id, epoch_ms("start") as start_ms, (duration_s * 1000)::integer as duration_ms, answered, caller, callee,
       left(callee::varchar, 8)::integer as head
from read_csv('{cdrs}', header = true,
              columns = {'record_id': 'bigint', 'start': 'timestamp', 'duration_s': 'decimal(12,3)',
                         'answered': 'boolean', 'caller': 'bigint', 'callee': 'bigint'});

-- [rated]
with found as (
    select record_id, start_ms, (duration_ms + 999) // 1000 as used,
           (start_ms + case when start_ms < {change_ms} then {before_ms} else {after_ms} end) // 60000 as minute,
           account, deck, coalesce(pooled, false) as pooled, coalesce(length_8.id, head.id) as prefix,
           coalesce(length_8.class, head.class) as class,
           case when not answered then 1
                when account is null then 2
                when callee // 10000000 in (1800, 1833, 1844, 1855, 1866, 1877, 1888) then 3
                when coalesce(length_8.id, head.id) is null then 4
                when duration_ms = 0 then 5
                else 0 end as status
    from cdr
    left join payer on number = caller
    left join length_8 on length_8.digits = cdr.head
    left join head on head.digits = cdr.head // 10),
priced as (
    select found.*, minute % 1440 between 420 and 1139 and (minute // 1440 + 3) % 7 < 5 as is_day,
           case when is_day then day_rate else low_rate end as rate,
           case when is_day then day_fee else low_fee end as fee,
           case when is_day then day_initial else low_initial end as initial,
           case when is_day then day_increment else low_increment end as increment,
           case status when 0 then initial + (greatest(used - initial, 0) + increment - 1) // increment * increment
                       when 3 then used else 0 end::bigint as billed
    from found left join tariff on tariff.id = deck + class),
drawn as (
    select priced.*, greatest(0, least(billed, quantity - coalesce(sum(billed) over (
               partition by priced.account,
                            month(make_timestamp((start_ms + case when start_ms < change_ms then before_ms
                                                                  else after_ms end) * 1000))
               order by start_ms, record_id rows between unbounded preceding and 1 preceding), 0)))::bigint as included
    from priced join account on account.id = priced.account
    where pooled and status = 0
    union all
    select priced.*, 0 as included from priced where not (pooled and status = 0)),
lines as (
    select record_id, status::tinyint as status, account, case when status in (0, 5) then deck end as deck,
           case when status in (0, 5) then prefix end as prefix, billed::integer as billed,
           included::integer as included,
           case when status in (2, 4) then null
                when status <> 0 or billed = included then 0
                else (fee * 60 + rate * (billed - included) + 3000) // 6000 end as charge
    from drawn)

-- [sums]
{rated}
select account, status, count(*), sum(billed), sum(charge) from lines group by account, status;

-- [lines]
copy ({rated} select * from lines) to '{lines}' (format parquet);

-- [sums of lines]
select account, status, count(*), sum(billed), sum(charge) from '{lines}' group by account, status;

-- [names]
select id, account from account;

-- [text]
copy (select record_id, status, account.account, deck.deck, prefix.prefix, billed, included, charge
      from '{lines}' as line
      left join account on account.id = line.account
      left join deck on deck.id = line.deck
      left join prefix on prefix.id = line.prefix) to '{text}' (format csv, header false);
