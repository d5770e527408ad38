/* The canonical month: the taxed world with bundles, and a deck of two bands for each plan. */
#include "month.h"

#include "book_file.h"
#include "bundles.h"
#include "make.h"
#include "taxes.h"

#include <stdbool.h>
#include <stdio.h>

#define PLANS 16

/* Digits of a packed number. */
static void put_prefix(const struct toll_world_prefix *prefix, char text[17])
{
    for (unsigned i = 0; i < prefix->count; i++)
        text[i] = (char)('0' + (prefix->digits >> (60 - 4 * i) & 15));
    text[prefix->count] = '\0';
}

/* As the plain deck's prices, but every deck and band has its own. */
static void write_rows(FILE *file, unsigned deck, const struct toll_world_prefix *prefix)
{
    static const char *const increments[] = {"60,60", "6,6", "30,6", "1,1"};
    const uint32_t class_ = prefix->class_;
    const bool foreign = (prefix->digits >> 60) != 1;
    const uint64_t seed = 100 + deck;
    const uint64_t day = foreign ? 10000 + pick(seed, class_, 900000) : 2000 + pick(seed, class_, 30000);
    const uint64_t night = day * (50 + pick(seed + PLANS, class_, 40)) / 100;
    const char *const fee = foreign && pick(21, class_, 8) == 0 ? "0.05" : "";
    const char *const increment = increments[pick(20, class_, 4)];
    char digits[17];
    put_prefix(prefix, digits);
    fprintf(file, "%s,D%u,0.%06llu,%s,%s,\n%s,D%u,0.%06llu,%s,%s,low\n", digits, class_,
            (unsigned long long)day, fee, increment, digits, class_, (unsigned long long)night, fee,
            increment);
}

static bool write_deck(const char *folder, unsigned deck, const struct toll_world_arrays *arrays)
{
    char name[40];
    snprintf(name, sizeof name, "decks/retail%u.csv", deck);
    FILE *file = create(folder, name, "prefix,destination,rate,connect_fee,initial_s,increment_s,band");
    if (file == NULL)
        return false;
    for (uint32_t i = 0; i < arrays->prefix_count; i++)
        write_rows(file, deck, &arrays->prefixes[i]);
    return fclose(file) == 0;
}

static bool write_decks(const char *folder, const struct toll_world_size *size)
{
    const struct toll_world_size prefixes_only = {0, size->numbers, size->areas, size->days};
    struct toll_world_arrays arrays;
    FILE *decks = create(folder, "decks.csv", "deck,calendar");
    FILE *rules = create(folder, "plan_rules.csv", "plan,action,class,deck,priority");
    FILE *calendars = create(folder, "calendars.csv", "calendar,band,days,from,to,priority");
    if (decks == NULL || rules == NULL || calendars == NULL ||
        toll_world_arrays_make(&prefixes_only, &arrays) != 0)
        return false;
    bool done = true;
    for (unsigned i = 0; i < PLANS && done; i++) {
        fprintf(decks, "retail%u,hours\n", i);
        fprintf(rules, "p%u,free,toll_free,,1\np%u,deck,,retail%u,2\n", i, i, i);
        done = write_deck(folder, i, &arrays);
    }
    fputs("hours,low,,19:00,07:00,1\nhours,low,6;7,,,2\n", calendars);
    toll_world_arrays_free(&arrays);
    return done && (fclose(decks) != 0) + (fclose(rules) != 0) + (fclose(calendars) != 0) == 0;
}

static int beside_the_plain_book(const char *folder, const struct toll_world_size *size)
{
    char plain[4096];
    snprintf(plain, sizeof plain, "%s/book/decks/retail.csv", folder);
    if (remove(plain) == 0 && write_decks(folder, size) && toll_taxes_write_tables(folder, size) == 0 &&
        toll_bundles_write_tables(folder, size) == 0)
        return 0;
    fprintf(stderr, "the canonical month cannot be written in %s\n", folder);
    return -1;
}

int toll_month_write_book(const char *folder, const struct toll_world_size *size)
{
    return toll_world_write_book(folder, size) == 0 ? beside_the_plain_book(folder, size) : -1;
}

int toll_month_write(const char *folder, const struct toll_world_size *size)
{
    return toll_world_write(folder, size) == 0 ? beside_the_plain_book(folder, size) : -1;
}
