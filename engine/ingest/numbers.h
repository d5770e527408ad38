/*
 * Telephone numbers as providers write them, to packed digits and a type.
 *
 * A provider's rules are an ordered list; the first rule that decides ends it. What no rule takes is text
 * (TOLL_NUMBER_OTHER). Digits are 0 for NONE, OTHER and INVALID. E.164 means 7 to 15 digits (ITU-T E.164
 * section 6; seven is the shortest international number in use). Rules are const after compilation; any
 * thread may use them.
 */
#ifndef TOLL_INGEST_NUMBERS_H
#define TOLL_INGEST_NUMBERS_H

#include "mmap_cdr/cdr.h"

#include <stdbool.h>
#include <stddef.h>

#define TOLL_E164_DIGITS_MIN 7
#define TOLL_E164_DIGITS_MAX 15

enum toll_number_rule_kind {
    TOLL_RULE_NONE_WORDS,    /* words: no number (anonymous, withheld); without regard to case */
    TOLL_RULE_SIP,           /* takes "sip:", "sips:", "tel:" and everything from '@' or ';' off */
    TOLL_RULE_STRIP,         /* takes these characters out */
    TOLL_RULE_INTERNATIONAL, /* words: prefixes, the longest wins; country code and number follow */
    TOLL_RULE_NANP,          /* 10 digits, or 11 with a leading 1, as the North American plan has them */
    TOLL_RULE_NATIONAL,      /* trunk prefix and low..high digits: country code and those digits */
    TOLL_RULE_BARE,          /* low..high digits that begin with the country code */
    TOLL_RULE_SHORT,         /* low..high characters of digits, '*', '#'; or exactly these words */
    TOLL_RULE_EXTENSION      /* low..high digits */
};

struct toll_number_rule {
    enum toll_number_rule_kind kind;
    const char *const *words; /* NONE_WORDS, INTERNATIONAL (longest first), SHORT */
    size_t word_count;
    const char *trunk, *country; /* NATIONAL; STRIP: trunk holds the characters */
    unsigned low, high;
};

struct toll_number_rules {
    const char *name;
    const struct toll_number_rule *rules;
    size_t count;
    bool plus_is_e164; /* "+digits" may take the short way; toll_number_rules_finish sets it */
};

void toll_number_rules_finish(struct toll_number_rules *rules);

/* text: the field, blanks at its ends allowed. *digits is 0 where there is no telephone number. */
enum toll_number_type toll_number_parse(const struct toll_number_rules *rules, const char *text, size_t bytes,
                                        uint64_t *digits);

/* Does the text say no more than the digits, with or without a leading '+'? Then it need not be kept. */
bool toll_number_same_text(uint64_t digits, const char *text, size_t bytes);

/* Both at once. */
enum toll_number_type toll_number_read(const struct toll_number_rules *rules, const char *text, size_t bytes,
                                       uint64_t *digits, bool *same_text);

#endif
