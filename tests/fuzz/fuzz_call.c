/*
 * A made-up call (explain --call): what is accepted is a call that import could have written, and the pairs
 * in another order are the same call. The empty ones between commas are nothing.
 *
 * Input: the text.
 */
#include "fuzz.h"
#include "pipeline/explain_ask.h"

#include "base/digits.h"
#include "ingest/numbers.h"

static void check_number(uint64_t digits, unsigned type)
{
    const unsigned count = toll_digits_count(digits);
    TOLL_ASSERT(type <= TOLL_NUMBER_INVALID);
    if (type == TOLL_NUMBER_E164)
        TOLL_ASSERT(count >= TOLL_E164_DIGITS_MIN && count <= TOLL_E164_DIGITS_MAX);
    else
        TOLL_ASSERT((digits != 0) == (type == TOLL_NUMBER_SHORT || type == TOLL_NUMBER_EXTENSION));
}

static void check_call(const struct toll_ask *ask)
{
    const struct toll_row *row = &ask->row;
    TOLL_ASSERT(toll_kind_service(row->kind) == (row->kind & TOLL_KIND_SERVICE));
    TOLL_ASSERT((row->kind & TOLL_KIND_CONFLICT) == 0);
    TOLL_ASSERT(row->start >= 0 && row->duration_ms >= 0);
    TOLL_ASSERT(row->quantity >= 0);
    TOLL_ASSERT((row->kind & TOLL_KIND_PROVIDER_CHARGE) != 0 || row->provider_charge == 0);
    check_number(row->caller, toll_kind_caller_type(row->kind));
    check_number(row->callee, toll_kind_callee_type(row->kind));
    const uint64_t side[] = {row->charged, row->lrn_caller, row->lrn_callee, row->ring_to};
    for (size_t i = 0; i < sizeof side / sizeof *side; i++)
        check_number(side[i], side[i] == 0 ? TOLL_NUMBER_NONE : TOLL_NUMBER_E164);
    const char *texts[] = {ask->trunk, ask->hint, ask->calltype, ask->carrier};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        TOLL_ASSERT(memchr(texts[i], 0, TOLL_ASK_TEXT_BYTES) != NULL && strchr(texts[i], ',') == NULL);
}

/* "a,b,c" -> ",c,b,a" */
static char *reversed(const char *text)
{
    const size_t bytes = strlen(text);
    char *out = malloc(bytes + 2);
    size_t end = bytes, at = 0;
    TOLL_ASSERT(out != NULL);
    for (size_t i = bytes + 1; i-- > 0;) {
        if (i > 0 && text[i - 1] != ',')
            continue;
        out[at++] = ',';
        memcpy(out + at, text + i, end - i);
        at += end - i;
        end = i - (i > 0);
    }
    out[at] = 0;
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct toll_ask *ask = malloc(2 * sizeof *ask), *again = ask + 1;
    struct toll_error error = {0};
    char *text = malloc(size + 1);
    TOLL_ASSERT(ask != NULL && text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = 0;
    char *other = reversed(text);
    const int rc = toll_ask_read(text, ask, &error);
    if (rc != 0)
        fuzz_check_error(rc, &error);
    else
        check_call(ask);
    const int code = toll_ask_read(other, again, NULL);
    TOLL_ASSERT(code == rc && (rc != 0 || memcmp(ask, again, sizeof *ask) == 0));
    free(other);
    free(text);
    free(ask);
    return 0;
}
