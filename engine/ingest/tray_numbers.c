/*
 * Numbers of a tray. "+" and digits, and digits alone, are packed and asked the rules about by a kernel
 * (simd/fields.h), which knows the rules as they are for digits. What else there is goes to numbers.h.
 */
#include "ingest/tray_rows.h"

#include "base/digits.h"

#include <string.h>

static bool pack_word(const char *word, uint64_t *digits, unsigned *count)
{
    *count = (unsigned)strlen(word);
    *digits = 0;
    if (*count == 0)
        return true;
    for (const char *at = word; *at != 0; at++)
        if (*at < '0' || *at > '9')
            return false;
    return toll_digits_pack(word, *count, digits);
}

/* The rule that was added; NULL: it wants none of these texts, or there are too many. */
static struct toll_digit_rule *add_rule(struct toll_digit_rules *rules, enum toll_digit_rule_kind kind,
                                        enum toll_number_type type, const struct toll_number_rule *from,
                                        const char *word)
{
    struct toll_digit_rule *rule = &rules->rules[rules->count];

    *rule = (struct toll_digit_rule){
        .kind = kind, .type = type, .otherwise = TOLL_NUMBER_INVALID, .low = from->low, .high = from->high};
    if (word != NULL && !pack_word(word, &rule->prefix, &rule->prefix_digits))
        return NULL;
    rules->alone &= rules->count + 1 < TOLL_DIGIT_RULES_MAX;
    rules->count += rules->alone;
    return rule;
}

static void add_words(struct toll_digit_rules *rules, enum toll_digit_rule_kind kind,
                      enum toll_number_type type, const struct toll_number_rule *from)
{
    for (size_t i = 0; i < from->word_count; i++)
        (void)add_rule(rules, kind, type, from, from->words[i]);
}

static void add_bare(struct toll_digit_rules *rules, const struct toll_number_rule *from)
{
    struct toll_digit_rule *rule = add_rule(rules, TOLL_DIGITS_COUNT, TOLL_NUMBER_E164, from, NULL);

    rule->low = rule->low > rules->least ? rule->low : rules->least;
}

static void compile(const struct toll_number_rules *rules, struct toll_digit_rules *out)
{
    *out = (struct toll_digit_rules){.least = TOLL_E164_DIGITS_MIN,
                                     .alone = true,
                                     .plus = rules->plus_is_e164,
                                     .plus_type = TOLL_NUMBER_E164,
                                     .other_type = TOLL_NUMBER_OTHER};
    _Static_assert(TOLL_E164_DIGITS_MAX == TOLL_DIGITS_MAX, "as rules of digits have it");
    for (size_t i = 0; i < rules->count; i++) {
        const struct toll_number_rule *rule = &rules->rules[i];
        struct toll_digit_rule *added;

        switch (rule->kind) {
        case TOLL_RULE_NONE_WORDS:
            add_words(out, TOLL_DIGITS_NOTHING, TOLL_NUMBER_NONE, rule);
            break;
        case TOLL_RULE_SIP:
            break; /* takes nothing from digits */
        case TOLL_RULE_STRIP:
            out->alone &= strpbrk(rule->trunk, "0123456789") == NULL;
            break;
        case TOLL_RULE_INTERNATIONAL:
            add_words(out, TOLL_DIGITS_INTERNATIONAL, TOLL_NUMBER_E164, rule);
            break;
        case TOLL_RULE_NANP:
            (void)add_rule(out, TOLL_DIGITS_NANP, TOLL_NUMBER_E164, rule, NULL);
            break;
        case TOLL_RULE_NATIONAL:
            added = add_rule(out, TOLL_DIGITS_NATIONAL, TOLL_NUMBER_E164, rule, rule->trunk);
            if (added != NULL)
                out->alone &= pack_word(rule->country, &added->country, &added->country_digits);
            break;
        case TOLL_RULE_BARE:
            add_bare(out, rule);
            break;
        case TOLL_RULE_SHORT:
            if (rule->word_count > 0)
                add_words(out, TOLL_DIGITS_EQUAL, TOLL_NUMBER_SHORT, rule);
            else
                (void)add_rule(out, TOLL_DIGITS_COUNT, TOLL_NUMBER_SHORT, rule, NULL);
            break;
        case TOLL_RULE_EXTENSION:
            (void)add_rule(out, TOLL_DIGITS_COUNT, TOLL_NUMBER_EXTENSION, rule, NULL);
            break;
        }
    }
}

void toll_tray_numbers_init(struct toll_tray *tray)
{
    static const enum toll_target targets[TOLL_TRAY_NUMBERS] = {TOLL_TO_CALLER,     TOLL_TO_CALLEE,
                                                                TOLL_TO_CHARGED,    TOLL_TO_LRN_CALLER,
                                                                TOLL_TO_LRN_CALLEE, TOLL_TO_RING_TO};

    for (int n = 0; n < TOLL_TRAY_NUMBERS; n++) {
        const struct toll_spec_field *field = &tray->spec->fields[targets[n]];

        tray->number_rules[n].target = targets[n];
        if (field->mapped && field->rules != NULL)
            compile(field->rules, &tray->number_rules[n].rules);
    }
}

/* Column n into tray->numbers[n], and what each is; of odd rows anything. */
static void read_numbers(struct toll_tray *tray, int n, const struct toll_tray_spans *spans,
                         uint8_t type[TOLL_TRAY_ROWS], uint8_t same_text[TOLL_TRAY_ROWS])
{
    const struct toll_tray_number *number = &tray->number_rules[n];
    const struct toll_number_rules *rules = tray->spec->fields[number->target].rules;
    const struct toll_field_column column = toll_tray_column(tray, spans);
    uint32_t rest[TOLL_TRAY_ROWS];
    const size_t left =
        tray->kernels->numbers(&number->rules, &column, tray->rows, tray->numbers[n], type, same_text, rest);

    for (size_t i = 0; i < left; i++) {
        const uint32_t r = rest[i];
        bool same = true;

        type[r] = TOLL_NUMBER_NONE;
        tray->numbers[n][r] = 0;
        if (spans->bytes[r] > 0)
            type[r] = (uint8_t)toll_number_read(rules, tray->text + spans->begin[r], spans->bytes[r],
                                                &tray->numbers[n][r], &same);
        same_text[r] = same;
    }
}

static void check_lengths(struct toll_tray *tray, const struct toll_tray_spans *spans)
{
    for (uint32_t r = 0; r < tray->rows; r++)
        if (spans->bytes[r] > TOLL_INGEST_TEXT_MAX)
            toll_tray_odd(tray, r);
}

/* Caller and callee: their text is kept where it says more than the digits. */
static void read_end(struct toll_tray *tray, int n)
{
    const unsigned shift = n == 0 ? TOLL_KIND_CALLER_TYPE_SHIFT : TOLL_KIND_CALLEE_TYPE_SHIFT;
    struct toll_tray_spans *spans = &tray->texts[1 + n];
    uint8_t type[TOLL_TRAY_ROWS], same_text[TOLL_TRAY_ROWS];

    toll_tray_spans(tray, tray->reader->slots[tray->number_rules[n].target], spans);
    check_lengths(tray, spans);
    read_numbers(tray, n, spans, type, same_text);
    for (uint32_t r = 0; r < tray->rows; r++) {
        tray->kind[r] |= (uint16_t)((unsigned)type[r] << shift);
        spans->bytes[r] = same_text[r] ? 0 : spans->bytes[r];
    }
}

/* A number that has no type of its own in a part. */
static void read_side(struct toll_tray *tray, int n)
{
    struct toll_tray_spans spans;
    uint8_t type[TOLL_TRAY_ROWS], same_text[TOLL_TRAY_ROWS];

    toll_tray_spans(tray, tray->reader->slots[tray->number_rules[n].target], &spans);
    read_numbers(tray, n, &spans, type, same_text);
    for (uint32_t r = 0; r < tray->rows; r++) {
        const bool full = type[r] == TOLL_NUMBER_E164;

        tray->numbers[n][r] = full ? tray->numbers[n][r] : 0;
        tray->warned[r] |= !full && type[r] != TOLL_NUMBER_NONE && spans.bytes[r] > 0;
    }
}

void toll_tray_numbers(struct toll_tray *tray)
{
    if (tray->reader->slots[TOLL_TO_RECORD_ID] >= 0) {
        toll_tray_spans(tray, tray->reader->slots[TOLL_TO_RECORD_ID], &tray->texts[0]);
        check_lengths(tray, &tray->texts[0]);
    }
    for (int n = 0; n < TOLL_TRAY_NUMBERS; n++) {
        const enum toll_target target = tray->number_rules[n].target;

        if (n < 2 && tray->spec->fields[target].mapped)
            read_end(tray, n);
        else if (n >= 2 && tray->reader->slots[target] >= 0)
            read_side(tray, n);
    }
}
