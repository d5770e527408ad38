/*
 * Number rules. Most numbers of most feeds are "+" and digits: those are packed eight digits at a time and no
 * rule is looked at, after it was proved once that no earlier rule could want them.
 */
#include "ingest/numbers.h"

#include "base/check.h"

#include <string.h>
#include <strings.h>

#define SCRATCH_BYTES 128 /* no telephone number is longer; what is longer is text */

struct piece {
    const char *text;
    size_t bytes;
};

/* Eight decimal digits as eight nibbles, first digit on top. False unless all are digits. */
static inline bool pack_eight(const char *text, uint32_t *out)
{
    uint64_t word;

    memcpy(&word, text, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    /* First byte already on top. */
#else
    word = __builtin_bswap64(word);
#endif
    word ^= UINT64_C(0x3030303030303030);
    if (((word + UINT64_C(0x7676767676767676)) | word) & UINT64_C(0x8080808080808080))
        return false;
    word = (word | word >> 4) & UINT64_C(0x00ff00ff00ff00ff);
    word = (word | word >> 8) & UINT64_C(0x0000ffff0000ffff);
    *out = (uint32_t)(word | word >> 16);
    return true;
}

static bool all_digits(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return true;
}

/* 7..15 decimal digits. */
static inline bool pack_e164(const char *text, size_t bytes, uint64_t *digits)
{
    uint32_t first, last;
    unsigned rest;

    if (bytes < TOLL_E164_DIGITS_MIN || bytes > TOLL_E164_DIGITS_MAX)
        return false;
    if (bytes == 7)
        return all_digits(text, bytes) && toll_digits_pack(text, bytes, digits);
    if (!pack_eight(text, &first) || !pack_eight(text + bytes - 8, &last))
        return false;
    rest = 4u * ((unsigned)bytes - 8); /* bits that only the second load has */
    /* The second load's last `rest` bits belong right behind the first eight digits. */
    *digits = (uint64_t)first << 32;
    if (rest != 0)
        *digits |= ((uint64_t)last << (64 - rest)) >> 32;
    *digits |= UINT64_MAX >> (4 * bytes);
    return true;
}

static bool equals_word(struct piece piece, const char *word)
{
    return strlen(word) == piece.bytes && strncasecmp(piece.text, word, piece.bytes) == 0;
}

static bool has_prefix(struct piece piece, const char *prefix, size_t *bytes)
{
    *bytes = strlen(prefix);
    return piece.bytes >= *bytes && memcmp(piece.text, prefix, *bytes) == 0;
}

static void take_sip(struct piece *piece)
{
    static const char *const schemes[] = {"sip:", "sips:", "tel:"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t bytes = strlen(schemes[i]);

        if (piece->bytes >= bytes && strncasecmp(piece->text, schemes[i], bytes) == 0) {
            piece->text += bytes;
            piece->bytes -= bytes;
            break;
        }
    }
    for (size_t i = 0; i < piece->bytes; i++) {
        if (piece->text[i] == '@' || piece->text[i] == ';') {
            piece->bytes = i;
            break;
        }
    }
}

/* Into scratch; false when the text is too long for a number. */
static bool strip(struct piece *piece, const char *characters, char scratch[SCRATCH_BYTES])
{
    size_t kept = 0;

    if (piece->bytes > SCRATCH_BYTES)
        return false;
    for (size_t i = 0; i < piece->bytes; i++) {
        char character = piece->text[i]; /* may lie in scratch: kept <= i */

        if (strchr(characters, character) == NULL || character == '\0')
            scratch[kept++] = character;
    }
    piece->text = scratch;
    piece->bytes = kept;
    return true;
}

static bool nanp(struct piece piece, uint64_t *digits)
{
    const char *ten = piece.text + (piece.bytes == 11);
    uint64_t packed;

    if ((piece.bytes != 10 && piece.bytes != 11) || (piece.bytes == 11 && piece.text[0] != '1'))
        return false;
    if (ten[0] < '2' || ten[3] < '2' || !pack_e164(ten, 10, &packed))
        return false;
    *digits = UINT64_C(1) << 60 | packed >> 4;
    return true;
}

static bool national(const struct toll_number_rule *rule, struct piece piece, uint64_t *digits)
{
    char whole[TOLL_E164_DIGITS_MAX];
    size_t trunk, country = strlen(rule->country), rest;

    if (!has_prefix(piece, rule->trunk, &trunk))
        return false;
    rest = piece.bytes - trunk;
    if (rest < rule->low || rest > rule->high || country + rest > TOLL_E164_DIGITS_MAX)
        return false;
    memcpy(whole, rule->country, country);
    memcpy(whole + country, piece.text + trunk, rest);
    return pack_e164(whole, country + rest, digits);
}

/* 1 decided (*type), 0 not for this rule. */
static int international(const struct toll_number_rule *rule, struct piece piece, uint64_t *digits,
                         enum toll_number_type *type)
{
    for (size_t i = 0; i < rule->word_count; i++) {
        size_t bytes;

        if (!has_prefix(piece, rule->words[i], &bytes))
            continue;
        if (pack_e164(piece.text + bytes, piece.bytes - bytes, digits))
            *type = TOLL_NUMBER_E164;
        else if (all_digits(piece.text + bytes, piece.bytes - bytes))
            *type = TOLL_NUMBER_INVALID; /* meant as a number, but of no legal length */
        else
            return 0;
        return 1;
    }
    return 0;
}

static bool in_range(const struct toll_number_rule *rule, size_t bytes)
{
    return bytes >= rule->low && bytes <= rule->high;
}

static bool short_code(const struct toll_number_rule *rule, struct piece piece)
{
    for (size_t i = 0; i < rule->word_count; i++) {
        if (equals_word(piece, rule->words[i]))
            return true;
    }
    return false;
}

static int apply(const struct toll_number_rule *rule, struct piece *piece, char scratch[SCRATCH_BYTES],
                 uint64_t *digits, enum toll_number_type *type)
{
    switch (rule->kind) {
    case TOLL_RULE_NONE_WORDS:
        *type = TOLL_NUMBER_NONE;
        for (size_t i = 0; i < rule->word_count; i++) {
            if (equals_word(*piece, rule->words[i]))
                return 1;
        }
        return 0;
    case TOLL_RULE_SIP:
        take_sip(piece);
        return 0;
    case TOLL_RULE_STRIP:
        *type = TOLL_NUMBER_OTHER;
        return !strip(piece, rule->trunk, scratch);
    case TOLL_RULE_INTERNATIONAL:
        return international(rule, *piece, digits, type);
    case TOLL_RULE_NANP:
        *type = TOLL_NUMBER_E164;
        return nanp(*piece, digits);
    case TOLL_RULE_NATIONAL:
        *type = TOLL_NUMBER_E164;
        return national(rule, *piece, digits);
    case TOLL_RULE_BARE:
        *type = TOLL_NUMBER_E164;
        return in_range(rule, piece->bytes) && pack_e164(piece->text, piece->bytes, digits);
    case TOLL_RULE_SHORT:
        *type = TOLL_NUMBER_SHORT;
        if (rule->word_count > 0)
            return short_code(rule, *piece) && toll_digits_pack(piece->text, piece->bytes, digits);
        return in_range(rule, piece->bytes) && toll_digits_pack(piece->text, piece->bytes, digits);
    case TOLL_RULE_EXTENSION:
        *type = TOLL_NUMBER_EXTENSION;
        return in_range(rule, piece->bytes) && all_digits(piece->text, piece->bytes) &&
               toll_digits_pack(piece->text, piece->bytes, digits);
    }
    return 0;
}

/* Could this rule take "+digits" before INTERNATIONAL sees it? */
static bool may_take_plus(const struct toll_number_rule *rule)
{
    switch (rule->kind) {
    case TOLL_RULE_NONE_WORDS:
        for (size_t i = 0; i < rule->word_count; i++) {
            if (rule->words[i][0] == '+')
                return true;
        }
        return false;
    case TOLL_RULE_STRIP:
        return strpbrk(rule->trunk, "+0123456789") != NULL;
    case TOLL_RULE_INTERNATIONAL:
        return true;
    case TOLL_RULE_NATIONAL:
        return rule->trunk[0] == '+';
    default:
        return false; /* these want digits from the first character on */
    }
}

void toll_number_rules_finish(struct toll_number_rules *rules)
{
    rules->plus_is_e164 = false;
    for (size_t i = 0; i < rules->count; i++) {
        const struct toll_number_rule *rule = &rules->rules[i];

        if (rule->kind == TOLL_RULE_INTERNATIONAL) {
            bool other = false, plus = false;

            for (size_t k = 0; k < rule->word_count; k++) {
                plus |= strcmp(rule->words[k], "+") == 0;
                other |= rule->words[k][0] == '+' && rule->words[k][1] != '\0';
            }
            rules->plus_is_e164 = plus && !other;
            return;
        }
        if (may_take_plus(rule))
            return;
    }
}

static enum toll_number_type parse_by_rules(const struct toll_number_rules *rules, const char *text,
                                            size_t bytes, uint64_t *digits)
{
    char scratch[SCRATCH_BYTES];
    struct piece piece;

    while (bytes > 0 && (text[0] == ' ' || text[0] == '\t')) {
        text++;
        bytes--;
    }
    while (bytes > 0 && (text[bytes - 1] == ' ' || text[bytes - 1] == '\t'))
        bytes--;
    *digits = 0;
    if (bytes == 0)
        return TOLL_NUMBER_NONE;
    if (rules->plus_is_e164 && text[0] == '+' && pack_e164(text + 1, bytes - 1, digits))
        return TOLL_NUMBER_E164;
    piece = (struct piece){text, bytes};
    for (size_t i = 0; i < rules->count; i++) {
        enum toll_number_type type = TOLL_NUMBER_OTHER;

        if (apply(&rules->rules[i], &piece, scratch, digits, &type))
            return type;
        if (piece.bytes == 0)
            return TOLL_NUMBER_OTHER; /* "sip:@host": text, but no number */
    }
    return TOLL_NUMBER_OTHER;
}

static inline bool plus_e164(const struct toll_number_rules *rules, const char *text, size_t bytes,
                             uint64_t *digits)
{
    return bytes > 0 && text[0] == '+' && rules->plus_is_e164 && pack_e164(text + 1, bytes - 1, digits);
}

enum toll_number_type toll_number_parse(const struct toll_number_rules *rules, const char *text, size_t bytes,
                                        uint64_t *digits)
{
    return plus_e164(rules, text, bytes, digits) ? TOLL_NUMBER_E164
                                                 : parse_by_rules(rules, text, bytes, digits);
}

enum toll_number_type toll_number_read(const struct toll_number_rules *rules, const char *text, size_t bytes,
                                       uint64_t *digits, bool *same_text)
{
    enum toll_number_type type = TOLL_NUMBER_E164;

    *same_text = plus_e164(rules, text, bytes, digits);
    if (!*same_text) {
        type = parse_by_rules(rules, text, bytes, digits);
        *same_text = toll_number_same_text(*digits, text, bytes);
    }
    return type;
}

bool toll_number_same_text(uint64_t digits, const char *text, size_t bytes)
{
    uint64_t packed;

    if (bytes == 0)
        return true;
    if (digits == 0)
        return false;
    if (text[0] == '+') {
        text++;
        bytes--;
    }
    return (pack_e164(text, bytes, &packed) || toll_digits_pack(text, bytes, &packed)) && packed == digits;
}
