/*
 * Numbers of a tray. "+" and digits, and digits alone, are packed sixteen characters at a time; of digits
 * alone the rules are then asked with shifts and compares. What else there is goes to numbers.h.
 */
#include "ingest/tray_rows.h"

#include "base/check.h"

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
                                        const struct toll_number_rule *from, const char *word)
{
    struct toll_digit_rule *rule = &rules->rules[rules->count];

    *rule = (struct toll_digit_rule){.kind = kind, .low = from->low, .high = from->high};
    if (word != NULL && !pack_word(word, &rule->prefix, &rule->prefix_digits))
        return NULL;
    rules->usable &= rules->count + 1 < TOLL_DIGIT_RULES_MAX;
    rules->count += rules->usable;
    return rule;
}

static void add_words(struct toll_digit_rules *rules, enum toll_digit_rule_kind kind,
                      const struct toll_number_rule *from)
{
    for (size_t i = 0; i < from->word_count; i++)
        (void)add_rule(rules, kind, from, from->words[i]);
}

static void compile(const struct toll_number_rules *rules, struct toll_digit_rules *out)
{
    *out = (struct toll_digit_rules){.from = rules, .usable = true};
    for (size_t i = 0; i < rules->count; i++) {
        const struct toll_number_rule *rule = &rules->rules[i];
        struct toll_digit_rule *added;

        switch (rule->kind) {
        case TOLL_RULE_NONE_WORDS:
            add_words(out, TOLL_DIGITS_NONE, rule);
            break;
        case TOLL_RULE_SIP:
            break; /* takes nothing from digits */
        case TOLL_RULE_STRIP:
            out->usable &= strpbrk(rule->trunk, "0123456789") == NULL;
            break;
        case TOLL_RULE_INTERNATIONAL:
            add_words(out, TOLL_DIGITS_INTERNATIONAL, rule);
            break;
        case TOLL_RULE_NANP:
            (void)add_rule(out, TOLL_DIGITS_NANP, rule, NULL);
            break;
        case TOLL_RULE_NATIONAL:
            added = add_rule(out, TOLL_DIGITS_NATIONAL, rule, rule->trunk);
            if (added != NULL)
                out->usable &= pack_word(rule->country, &added->country, &added->country_digits);
            break;
        case TOLL_RULE_BARE:
            (void)add_rule(out, TOLL_DIGITS_BARE, rule, NULL);
            break;
        case TOLL_RULE_SHORT:
            if (rule->word_count > 0)
                add_words(out, TOLL_DIGITS_SHORT_WORD, rule);
            else
                (void)add_rule(out, TOLL_DIGITS_SHORT, rule, NULL);
            break;
        case TOLL_RULE_EXTENSION:
            (void)add_rule(out, TOLL_DIGITS_EXTENSION, rule, NULL);
            break;
        }
    }
}

static inline bool is_e164(unsigned count)
{
    return count >= TOLL_E164_DIGITS_MIN && count <= TOLL_E164_DIGITS_MAX;
}

static inline uint64_t end_of(unsigned count)
{
    return UINT64_MAX >> (4 * count); /* of 1 to 15 digits */
}

/* Without its first n digits. */
static inline uint64_t drop(uint64_t digits, unsigned n)
{
    return n == 0 ? digits : digits << (4 * n) | (UINT64_MAX >> (64 - 4 * n));
}

static inline bool digits_nanp(uint64_t digits, unsigned count, uint64_t *out)
{
    *out = count == 10 ? UINT64_C(1) << 60 | digits >> 4 : digits;
    return (count == 10 || count == 11) && *out >> 60 == 1 && (*out >> 56 & 15) >= 2 &&
           (*out >> 44 & 15) >= 2;
}

static bool digits_national(const struct toll_digit_rule *rule, uint64_t digits, unsigned count,
                            uint64_t *out)
{
    const unsigned rest = count - rule->prefix_digits;

    if (!toll_digits_has_prefix(digits, rule->prefix, rule->prefix_digits) || count < rule->prefix_digits ||
        rest < rule->low || rest > rule->high || !is_e164(rule->country_digits + rest))
        return false;
    *out = drop(digits, rule->prefix_digits);
    if (rule->country_digits > 0)
        *out = (*out >> (4 * rule->country_digits)) | (rule->country & ~end_of(rule->country_digits));
    return true;
}

/* What the rules make of `count` digits, 1 to 15, and nothing else. */
static enum toll_number_type by_digits(const struct toll_digit_rules *rules, uint64_t digits, unsigned count,
                                       uint64_t *out)
{
    for (unsigned i = 0; i < rules->count; i++) {
        const struct toll_digit_rule *rule = &rules->rules[i];
        const bool in_range = count >= rule->low && count <= rule->high;
        unsigned rest;

        *out = digits;
        switch (rule->kind) {
        case TOLL_DIGITS_NONE:
            *out = 0;
            if (rule->prefix == digits)
                return TOLL_NUMBER_NONE;
            break;
        case TOLL_DIGITS_INTERNATIONAL:
            rest = count - rule->prefix_digits;
            if (count < rule->prefix_digits ||
                !toll_digits_has_prefix(digits, rule->prefix, rule->prefix_digits))
                break;
            *out = is_e164(rest) ? drop(digits, rule->prefix_digits) : 0;
            return is_e164(rest) ? TOLL_NUMBER_E164 : TOLL_NUMBER_INVALID;
        case TOLL_DIGITS_NANP:
            if (digits_nanp(digits, count, out))
                return TOLL_NUMBER_E164;
            break;
        case TOLL_DIGITS_NATIONAL:
            if (digits_national(rule, digits, count, out))
                return TOLL_NUMBER_E164;
            break;
        case TOLL_DIGITS_BARE:
            if (in_range && is_e164(count))
                return TOLL_NUMBER_E164;
            break;
        case TOLL_DIGITS_SHORT_WORD:
            if (rule->prefix == digits)
                return TOLL_NUMBER_SHORT;
            break;
        case TOLL_DIGITS_SHORT:
            if (in_range)
                return TOLL_NUMBER_SHORT;
            break;
        case TOLL_DIGITS_EXTENSION:
            if (in_range)
                return TOLL_NUMBER_EXTENSION;
            break;
        }
    }
    *out = 0;
    return TOLL_NUMBER_OTHER;
}

void toll_tray_numbers_init(struct toll_tray *tray)
{
    static const enum toll_target targets[TOLL_TRAY_NUMBERS] = {TOLL_TO_CALLER,     TOLL_TO_CALLEE,
                                                                TOLL_TO_CHARGED,    TOLL_TO_LRN_CALLER,
                                                                TOLL_TO_LRN_CALLEE, TOLL_TO_RING_TO};

    for (int n = 0; n < TOLL_TRAY_NUMBERS; n++) {
        const struct toll_spec_field *field = &tray->spec->fields[targets[n]];

        tray->numbers[n].target = targets[n];
        if (field->mapped && field->rules != NULL)
            compile(field->rules, &tray->numbers[n].rules);
    }
}

static inline enum toll_number_type read_number(const struct toll_digit_rules *rules, struct toll_value text,
                                                uint64_t *digits, bool *same_text)
{
    const bool plus = text.text[0] == '+';
    const size_t count = text.bytes - plus;
    uint64_t packed;

    if (text.bytes > 0 && (plus ? rules->from->plus_is_e164 && is_e164((unsigned)count) : rules->usable) &&
        toll_padded_digits(text.text + plus, count, &packed)) {
        enum toll_number_type type = TOLL_NUMBER_E164;

        *digits = packed;
        if (!plus)
            type = by_digits(rules, packed, (unsigned)count, digits);
        *same_text = packed == *digits;
        return type;
    }
    return toll_number_read(rules->from, text.text, text.bytes, digits, same_text);
}

/* Caller and callee: their text is kept where it says more than the digits. */
static void read_end(struct toll_tray *tray, int n)
{
    struct toll_tray_number *number = &tray->numbers[n];
    const int slot = tray->reader->slots[number->target];
    const unsigned shift = n == 0 ? TOLL_KIND_CALLER_TYPE_SHIFT : TOLL_KIND_CALLEE_TYPE_SHIFT;

    for (uint32_t r = 0; r < tray->rows; r++) {
        enum toll_number_type type;
        struct toll_row *row = &tray->out[r];
        struct toll_value text;
        bool same_text;

        if (!toll_tray_value(tray, r, slot, &text))
            continue;
        type = read_number(&number->rules, text, n == 0 ? &row->caller : &row->callee, &same_text);
        row->kind |= (uint16_t)((unsigned)type << shift);
        tray->texts[1 + n][r] = (uint32_t)(text.text - tray->text);
        *(n == 0 ? &row->caller_bytes : &row->callee_bytes) = same_text ? 0 : (uint16_t)text.bytes;
        if (text.bytes > TOLL_INGEST_TEXT_MAX)
            toll_tray_odd(tray, r);
    }
}

static inline uint64_t *side_place(struct toll_row_extra *extra, enum toll_target target)
{
    return target == TOLL_TO_CHARGED      ? &extra->charged
           : target == TOLL_TO_LRN_CALLER ? &extra->lrn_caller
           : target == TOLL_TO_LRN_CALLEE ? &extra->lrn_callee
                                          : &extra->ring_to;
}

/* A number that has no type of its own in a part. */
static void read_side(struct toll_tray *tray, int n)
{
    struct toll_tray_number *number = &tray->numbers[n];
    const int slot = tray->reader->slots[number->target];

    for (uint32_t r = 0; r < tray->rows; r++) {
        uint64_t *out = side_place(&tray->extras[r], number->target);
        enum toll_number_type type;
        struct toll_value text;
        bool same_text;

        if (!toll_tray_value(tray, r, slot, &text))
            continue;
        *out = 0;
        if (text.bytes == 0)
            continue;
        type = read_number(&number->rules, text, out, &same_text);
        if (type != TOLL_NUMBER_E164)
            *out = 0;
        tray->has_extra[r] |= type == TOLL_NUMBER_E164;
        tray->warned[r] |= type != TOLL_NUMBER_E164 && type != TOLL_NUMBER_NONE;
    }
}

static void read_record_ids(struct toll_tray *tray)
{
    const int slot = tray->reader->slots[TOLL_TO_RECORD_ID];

    for (uint32_t r = 0; r < tray->rows; r++) {
        struct toll_value text;

        if (!toll_tray_value(tray, r, slot, &text))
            continue;
        tray->texts[0][r] = (uint32_t)(text.text - tray->text);
        tray->out[r].record_id_bytes = (uint16_t)text.bytes;
        if (text.bytes > TOLL_INGEST_TEXT_MAX)
            toll_tray_odd(tray, r);
    }
}

void toll_tray_numbers(struct toll_tray *tray)
{
    if (tray->reader->slots[TOLL_TO_RECORD_ID] >= 0)
        read_record_ids(tray);
    for (int n = 0; n < TOLL_TRAY_NUMBERS; n++) {
        if (n < 2 && tray->spec->fields[tray->numbers[n].target].mapped)
            read_end(tray, n);
        else if (n >= 2 && tray->reader->slots[tray->numbers[n].target] >= 0)
            read_side(tray, n);
    }
}
