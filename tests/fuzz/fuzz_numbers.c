/*
 * Telephone numbers by several providers' rules: what comes out is a number of its type, and both ways in
 * (with and without asking whether the text says no more) agree.
 *
 * Input: one byte for the rules, then a text a line.
 */
#include "fuzz.h"
#include "ingest/numbers.h"

static const char *const none[] = {"anonymous", "withheld"}, *const prefixes[] = {"011", "00", "+"},
                         *const codes[] = {"911", "*67"};
#define WORDS(list) list, sizeof list / sizeof *list
#define NONE                                                \
    {                                                       \
        TOLL_RULE_NONE_WORDS, WORDS(none), NULL, NULL, 0, 0 \
    }
#define INTERNATIONAL                                              \
    {                                                              \
        TOLL_RULE_INTERNATIONAL, WORDS(prefixes), NULL, NULL, 0, 0 \
    }
#define SIP                                      \
    {                                            \
        TOLL_RULE_SIP, NULL, 0, NULL, NULL, 0, 0 \
    }
#define STRIP                                         \
    {                                                 \
        TOLL_RULE_STRIP, NULL, 0, " -.()", NULL, 0, 0 \
    }
#define NANP                                      \
    {                                             \
        TOLL_RULE_NANP, NULL, 0, NULL, NULL, 0, 0 \
    }
#define NATIONAL(trunk, low)                              \
    {                                                     \
        TOLL_RULE_NATIONAL, NULL, 0, trunk, "44", low, 10 \
    }
#define BARE                                       \
    {                                              \
        TOLL_RULE_BARE, NULL, 0, NULL, NULL, 7, 15 \
    }
#define SHORT                                      \
    {                                              \
        TOLL_RULE_SHORT, NULL, 0, NULL, NULL, 1, 6 \
    }
#define CODES                                           \
    {                                                   \
        TOLL_RULE_SHORT, WORDS(codes), NULL, NULL, 0, 0 \
    }
#define EXTENSION                                      \
    {                                                  \
        TOLL_RULE_EXTENSION, NULL, 0, NULL, NULL, 2, 6 \
    }
static const struct toll_number_rule plain[] = {NONE, INTERNATIONAL, SHORT, BARE},
                                     uk[] = {INTERNATIONAL, NATIONAL("0", 9), NATIONAL("", 10), SHORT},
                                     sip[] = {NONE, SIP, STRIP, INTERNATIONAL, CODES, EXTENSION, NANP},
                                     bare[] = {STRIP, BARE, EXTENSION, SHORT}, nanp[] = {NANP, SHORT};
#define RULES(list)                                    \
    {                                                  \
#list, list, sizeof list / sizeof *list, false \
    }

static void check_digits(enum toll_number_type type, uint64_t digits)
{
    const unsigned count = toll_digits_count(digits);
    char text[TOLL_DIGITS_TEXT_BYTES];
    uint64_t again;
    TOLL_ASSERT(type <= TOLL_NUMBER_INVALID);
    if (type == TOLL_NUMBER_NONE || type == TOLL_NUMBER_OTHER || type == TOLL_NUMBER_INVALID) {
        TOLL_ASSERT(digits == 0);
        return;
    }
    TOLL_ASSERT(count >= 1 && count <= TOLL_DIGITS_MAX);
    TOLL_ASSERT(toll_digits_text(digits, text) == count);
    TOLL_ASSERT(toll_digits_pack(text, count, &again) && again == digits);
    if (type == TOLL_NUMBER_E164)
        TOLL_ASSERT(count >= TOLL_E164_DIGITS_MIN && strspn(text, "0123456789") == count);
    if (type == TOLL_NUMBER_EXTENSION)
        TOLL_ASSERT(strspn(text, "0123456789") == count);
}

static void check_one(const struct toll_number_rules *rules, const char *line, size_t bytes)
{
    char *text = fuzz_copy(line, bytes);
    uint64_t digits, digits_read;
    bool same;
    const enum toll_number_type type = toll_number_parse(rules, text, bytes, &digits);
    check_digits(type, digits);
    TOLL_ASSERT(toll_number_read(rules, text, bytes, &digits_read, &same) == type && digits_read == digits);
    TOLL_ASSERT(same == toll_number_same_text(digits, text, bytes));
    if (same && digits != 0) {
        char plain_text[TOLL_DIGITS_TEXT_BYTES];
        const size_t count = toll_digits_text(digits, plain_text);
        const char *at = bytes > count ? text + (bytes - count) : text;
        TOLL_ASSERT(bytes >= count && bytes <= count + 1 && memcmp(at, plain_text, count) == 0);
        TOLL_ASSERT(bytes == count || text[0] == '+');
    }
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct toll_number_rules rules[] = {RULES(plain), RULES(uk), RULES(sip), RULES(bare), RULES(nanp)};
    struct fuzz_input input = {data, size};
    struct toll_number_rules *chosen = &rules[fuzz_take(&input, 1) % (sizeof rules / sizeof *rules)];
    toll_number_rules_finish(chosen);
    while (input.left > 0) {
        const char *end = memchr(input.at, '\n', input.left);
        const size_t bytes = end == NULL ? input.left : (size_t)(end - (const char *)input.at);
        size_t got;
        check_one(chosen, (const char *)input.at, bytes);
        fuzz_span(&input, bytes + 1, &got);
    }
    return 0;
}
