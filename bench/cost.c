/* The plain world with a vendor. */
#include "cost.h"
#include "make.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_table(const char *folder, const char *name, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/book/%s", folder, name);
    FILE *file = fopen(path, mode);
    if (file == NULL)
        fprintf(stderr, "%s: cannot be opened\n", path);
    return file;
}

static bool append(const char *folder, const char *name, const char *text)
{
    FILE *file = open_table(folder, name, "a");
    if (file == NULL)
        return false;
    const bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

/* Every line of a table through `put`. */
static bool rewrite(const char *folder, const char *from_name, const char *to_name,
                    void (*put)(FILE *to, const char *line, uint64_t number))
{
    char line[256];
    FILE *from = open_table(folder, from_name, "r"), *to = open_table(folder, to_name, "w");
    if (from == NULL || to == NULL)
        return false;
    for (uint64_t number = 0; fgets(line, sizeof line, from) != NULL; number++) {
        line[strcspn(line, "\n")] = 0;
        put(to, line, number);
    }
    fclose(from);
    return fclose(to) == 0;
}

static void put_vendor_row(FILE *to, const char *line, uint64_t number)
{
    static const char *const increments[] = {"1,1", "6,6", "30,6", "60,60"};
    if (number == 0) {
        fputs("prefix,destination,rate,initial_s,increment_s\n", to);
        return;
    }
    const unsigned long long prefix = strtoull(line, NULL, 10);
    const uint64_t class_ = pick(60, number, 900); /* not the retail deck's classes */
    const bool foreign = line[0] != '1';
    fprintf(to, "%llu,V%llu,0.%06llu,%s\n", prefix, (unsigned long long)class_,
            (unsigned long long)(foreign ? 8000 + pick(61, class_, 700000) : 1000 + pick(61, class_, 20000)),
            increments[pick(62, class_, 4)]);
}

static void put_side(FILE *to, const char *line, uint64_t number)
{
    fprintf(to, "%s,%s\n", line, number == 0 ? "side" : "sell");
}

static void put_as_it_is(FILE *to, const char *line, uint64_t number)
{
    (void)number;
    fprintf(to, "%s\n", line);
}

int toll_cost_write(const char *folder, const struct toll_world_size *size)
{
    if (toll_world_write(folder, size) != 0)
        return -1;
    const bool done = rewrite(folder, "decks/retail.csv", "decks/vendor.csv", put_vendor_row) &&
                      rewrite(folder, "assignments.csv", "decks/sides.csv", put_side) &&
                      rewrite(folder, "decks/sides.csv", "assignments.csv", put_as_it_is) &&
                      append(folder, "assignments.csv", "default,vendor,buy\n") &&
                      append(folder, "decks.csv", "vendor\n") && append(folder, "plans.csv", "vendor,\n") &&
                      append(folder, "plan_rules.csv", "vendor,deck,,vendor,\n");
    char path[4096];
    snprintf(path, sizeof path, "%s/book/decks/sides.csv", folder);
    remove(path);
    return done ? 0 : -1;
}
