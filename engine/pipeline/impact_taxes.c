/* What a register says by account. */
#include "base/error.h"
#include "pipeline/impact.h"
#include "pipeline/taxes.h"

#include <stdlib.h>
#include <string.h>

static int by_account(const void *a, const void *b)
{
    const struct toll_impact_tax *x = a, *y = b;
    const int accounts = strcmp(x->account, y->account);
    return accounts != 0 ? accounts : strcmp(x->currency, y->currency);
}

static const char *keep(struct toll_strings *texts, const char *text)
{
    const uint32_t id = toll_strings_add(texts, text, strlen(text));
    return id == 0 ? NULL : toll_strings_text(texts, id, NULL);
}

/* Rows of one account become one. */
static size_t join(struct toll_impact_tax *rows, size_t count)
{
    size_t used = 0;
    if (count > 0)
        qsort(rows, count, sizeof *rows, by_account);
    for (size_t i = 0; i < count; i++)
        if (used > 0 && by_account(&rows[used - 1], &rows[i]) == 0)
            rows[used - 1].cents += rows[i].cents;
        else
            rows[used++] = rows[i];
    return used;
}

int toll_impact_taxes_of(struct toll_taxes *taxes, struct toll_strings *texts, struct toll_impact_tax **out,
                         size_t *count, struct toll_error *error)
{
    struct toll_tax_register_row row;
    struct toll_impact_tax *rows = NULL;
    size_t used = 0, room = 0;
    bool good = true;
    for (int64_t i = 0; good && toll_taxes_register(taxes, i, &row); i++) {
        if (!row.billable)
            continue;
        if (used == room) {
            room = 2 * room + 256;
            struct toll_impact_tax *grown = realloc(rows, room * sizeof *grown);
            good = grown != NULL;
            rows = good ? grown : rows;
        }
        const struct toll_impact_tax one = {keep(texts, row.account), keep(texts, row.currency),
                                            row.tax_cents};
        good = good && one.account != NULL && one.currency != NULL;
        if (good)
            rows[used++] = one;
    }
    if (!good) {
        free(rows);
        return toll_error_set(error, TOLL_ENOMEM, "out of memory for the taxes of a report");
    }
    *count = join(rows, used);
    *out = rows;
    return 0;
}
