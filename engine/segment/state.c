/* What a state's files hold as rows, and finding things in them. */
#include "segment/state_files.h"

#include "base/check.h"

#include <string.h>

toll_ms toll_state_closing_of(const struct toll_state *state, const char *account)
{
    int64_t low = 0, high = state->closing_count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const int order = strcmp(state->closings[middle].account, account);
        if (order == 0)
            return state->closings[middle].closing;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return TOLL_MS_MIN;
}

const struct toll_state_part *toll_state_part_find(const struct toll_state *state, int64_t day, int part)
{
    int64_t low = 0, high = state->part_count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        const struct toll_state_part *one = &state->parts[middle];
        if (one->day == day && one->part == part)
            return one;
        if (one->day < day || (one->day == day && one->part < part))
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool toll_state_has_part(const struct toll_state *state, int64_t day, int part, int64_t rows,
                         const struct toll_file_seal *seal)
{
    const struct toll_state_part *old = toll_state_part_find(state, day, part);
    return old != NULL && old->rows == rows && old->bytes == seal->bytes &&
           (uint64_t)old->digest_high == seal->digest.high && (uint64_t)old->digest_low == seal->digest.low;
}

static bool closings_good(const struct toll_state *state)
{
    for (int64_t i = 1; i < state->closing_count; i++)
        if (strcmp(state->closings[i - 1].account, state->closings[i].account) >= 0)
            return false;
    return state->closing_count > 0 && state->closings[0].account[0] == 0;
}

static bool charges_good(const struct toll_state *state)
{
    for (int64_t i = 0; i < state->charge_count; i++) {
        const struct toll_state_charge *row = &state->charges[i];
        int64_t day;
        if (row->account[0] == 0 || !toll_day_parse(row->period, strlen(row->period), &day))
            return false;
        const int order = i == 0 ? 1 : strcmp(row->account, row[-1].account);
        if (order < 0 || (order == 0 && strcmp(row->period, row[-1].period) <= 0))
            return false;
    }
    return true;
}

/* Each part's bits are its own and count what it says. */
static bool parts_good(const struct toll_state *state)
{
    int64_t word = 0, closed_rows = 0;
    for (int64_t i = 0; i < state->part_count; i++) {
        const struct toll_state_part *part = &state->parts[i];
        if (part->part < 0 || part->rows < 1 || part->closed < 1 || part->closed > part->rows ||
            part->bytes < 1 || part->generation < 1 || part->first_word < -1 ||
            (i > 0 &&
             (part->day < part[-1].day || (part->day == part[-1].day && part->part <= part[-1].part))))
            return false;
        if (__builtin_add_overflow(closed_rows, part->closed, &closed_rows))
            return false;
        if (part->first_word < 0) {
            if (part->closed != part->rows)
                return false;
            continue;
        }
        const int64_t words = (part->rows - 1) / 64 + 1;
        if (part->first_word != word || words > state->word_count - word)
            return false;
        int64_t closed = 0;
        for (int64_t k = 0; k < words; k++)
            closed += __builtin_popcountll((uint64_t)state->closed_words[word + k]);
        if (closed != part->closed ||
            (part->rows % 64 != 0 && (uint64_t)state->closed_words[word + words - 1] >> part->rows % 64 != 0))
            return false;
        word += words;
    }
    return word == state->word_count && closed_rows == state->closed_rows;
}

bool toll_state_good(const struct toll_state *state, bool *no_memory)
{
    *no_memory = false;
    const struct toll_run_tables tables = {.pools = state->pools,
                                           .pool_count = state->pool_count,
                                           .draws = state->draws,
                                           .draw_count = state->draw_count,
                                           .counts = state->counts,
                                           .count_count = state->count_count};
    return closings_good(state) && charges_good(state) && parts_good(state) && toll_run_pools_good(&tables) &&
           toll_run_draws_good(&tables) && toll_run_counts_good(&tables) &&
           toll_run_draws_add_up(&tables, no_memory);
}
