/*
 * Look-ups of a book's tax tables: series by the jurisdiction or level that they are for, splits by product,
 * exemptions by account and site. Each list is in the tables' own order, so that precedence needs no sorting.
 */
#include "tax/index.h"

#include "base/check.h"

#include <string.h>

/* Lists by key: key_of(row) in 0..keys-1, or -1 for a row that is in none. */
typedef int64_t key_of(const struct toll_tax_tables *tables, uint32_t row);

static bool list_by(const struct toll_tax_tables *tables, uint32_t first_row, uint32_t row_count, key_of *key,
                    size_t keys, struct toll_arena *arena, struct toll_tax_lists *out)
{
    uint32_t *first = toll_arena_alloc(arena, (keys + 2) * sizeof *first);
    uint32_t *rows = toll_arena_alloc(arena, (row_count + 1) * sizeof *rows);

    if (first == NULL || rows == NULL)
        return false;
    for (uint32_t row = first_row; row < row_count; row++) {
        const int64_t k = key(tables, row);
        if (k >= 0)
            first[k + 2]++;
    }
    for (size_t k = 0; k < keys; k++)
        first[k + 2] += first[k + 1]; /* [k + 1]: where list k begins; ends as where it ends */
    for (uint32_t row = first_row; row < row_count; row++) {
        const int64_t k = key(tables, row);
        if (k >= 0)
            rows[first[k + 1]++] = row;
    }
    *out = (struct toll_tax_lists){first, rows};
    return true;
}

static int64_t series_jurisdiction(const struct toll_tax_tables *tables, uint32_t row)
{
    return tables->series[row].jurisdiction != 0 ? tables->series[row].jurisdiction : -1;
}

static int64_t series_level(const struct toll_tax_tables *tables, uint32_t row)
{
    return tables->series[row].jurisdiction == 0 ? tables->series[row].level : -1;
}

static int64_t split_product(const struct toll_tax_tables *tables, uint32_t row)
{
    return tables->splits[row].product;
}

static int64_t exemption_account(const struct toll_tax_tables *tables, uint32_t row)
{
    const struct toll_tax_exemption *exemption = &tables->exemptions[row];

    return exemption->account != 0 || exemption->site == 0 ? exemption->account : -1;
}

static int64_t exemption_site(const struct toll_tax_tables *tables, uint32_t row)
{
    const struct toll_tax_exemption *exemption = &tables->exemptions[row];

    return exemption->account == 0 && exemption->site != 0 ? exemption->site : -1;
}

int toll_tax_index_build(const struct toll_tax_tables *tables, struct toll_arena *arena,
                         const struct toll_tax_index **out, struct toll_error *error)
{
    struct toll_tax_index *index = toll_arena_alloc(arena, sizeof *index);
    size_t accounts = 1, sites = 1;

    for (uint32_t row = 1; row < tables->exemption_count; row++) {
        const struct toll_tax_exemption *exemption = &tables->exemptions[row];
        if ((size_t)exemption->account >= accounts)
            accounts = (size_t)exemption->account + 1;
        if ((size_t)exemption->site >= sites)
            sites = (size_t)exemption->site + 1;
    }
    if (index == NULL ||
        !list_by(tables, 0, tables->series_count, series_jurisdiction, tables->jurisdiction_count, arena,
                 &index->of_jurisdiction) ||
        !list_by(tables, 0, tables->series_count, series_level, TOLL_TAX_LEVELS, arena, &index->of_level) ||
        !list_by(tables, 1, tables->split_count, split_product, tables->product_count, arena,
                 &index->of_product) ||
        !list_by(tables, 1, tables->exemption_count, exemption_account, accounts, arena,
                 &index->of_account) ||
        !list_by(tables, 1, tables->exemption_count, exemption_site, sites, arena, &index->of_site))
        return toll_error_set(error, TOLL_ENOMEM, "out of memory while preparing the book's taxes");
    index->tables = tables;
    index->accounts = accounts;
    index->sites = sites;
    *out = index;
    return 0;
}

struct toll_tax_rows toll_tax_rows_of(const struct toll_tax_lists *lists, size_t key)
{
    return (struct toll_tax_rows){lists->rows + lists->first[key], lists->first[key + 1] - lists->first[key]};
}

static bool holds(int8_t condition, int value)
{
    return condition < 0 || condition == value;
}

uint32_t toll_tax_split_find(const struct toll_tax_index *index, int32_t product, int service, int class_,
                             int jurisdiction)
{
    const struct toll_tax_tables *tables = index->tables;
    uint32_t found = 0;

    TOLL_DCHECK(product >= 0 && (uint32_t)product < (tables->product_count > 0 ? tables->product_count : 1));
    if (tables->product_count == 0)
        return 0;
    for (int any = 0; any < (product == 0 ? 1 : 2); any++) { /* its own rows, then those of any product */
        const struct toll_tax_rows rows =
            toll_tax_rows_of(&index->of_product, any == 0 ? (size_t)product : 0);

        for (uint32_t i = 0; i < rows.count && (found == 0 || rows.rows[i] < found); i++) {
            const struct toll_tax_split *split = &tables->splits[rows.rows[i]];
            if (holds(split->service, service) && holds(split->class_, class_) &&
                holds(split->jurisdiction, jurisdiction)) {
                found = rows.rows[i];
                break;
            }
        }
    }
    return found;
}

struct picked {
    uint32_t *rows;
    size_t count, room;
};

static void pick(struct picked *picked, uint32_t row)
{
    if (picked->count++ < picked->room)
        picked->rows[picked->count - 1] = row;
}

size_t toll_tax_exemptions_find(const struct toll_tax_index *index, int32_t account, int32_t site,
                                uint32_t *rows, size_t room)
{
    const struct toll_tax_exemption *exemptions = index->tables->exemptions;
    struct toll_tax_rows lists[3] = {toll_tax_rows_of(&index->of_account, 0)};
    struct picked picked = {rows, 0, room};

    if (account > 0 && (size_t)account < index->accounts)
        lists[1] = toll_tax_rows_of(&index->of_account, (size_t)account);
    if (site > 0 && (size_t)site < index->sites)
        lists[2] = toll_tax_rows_of(&index->of_site, (size_t)site);
    for (;;) {
        int next = -1;
        for (int i = 0; i < 3; i++) {
            if (lists[i].count > 0 && (next < 0 || lists[i].rows[0] < lists[next].rows[0]))
                next = i;
        }
        if (next < 0)
            return picked.count;
        const uint32_t row = lists[next].rows[0];
        if (exemptions[row].site == 0 || exemptions[row].site == site)
            pick(&picked, row);
        lists[next].rows++;
        lists[next].count--;
    }
}

/* ---- by name ---- */

/* Of rows that begin with the offset of a text and are sorted by it: the place of the one that is called so.
 */
static int32_t find(const struct toll_tax_tables *tables, const void *rows, size_t row_bytes, uint32_t count,
                    const char *name, size_t bytes)
{
    uint32_t low = 1, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        uint32_t offset;
        memcpy(&offset, (const char *)rows + middle * row_bytes, sizeof offset);
        const char *text = toll_tax_string(tables, offset);
        int order = strncmp(text, name, bytes);
        if (order == 0)
            order = text[bytes] != 0;
        if (order == 0)
            return (int32_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

int32_t toll_tax_jurisdiction_find(const struct toll_tax_tables *tables, const char *id, size_t bytes)
{
    return find(tables, tables->jurisdictions, sizeof *tables->jurisdictions, tables->jurisdiction_count, id,
                bytes);
}

int32_t toll_tax_area_find(const struct toll_tax_tables *tables, const char *area)
{
    return find(tables, tables->areas, sizeof *tables->areas, tables->area_count, area, strlen(area));
}

int32_t toll_tax_product_find(const struct toll_tax_tables *tables, const char *product)
{
    return find(tables, tables->products, sizeof *tables->products, tables->product_count, product,
                strlen(product));
}
