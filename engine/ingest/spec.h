/*
 * A mapping spec: one provider's file format as data (docs/IMPORT.md describes the YAML). Read once, checked
 * whole, then const; any thread may use it.
 *
 * A spec speaks of its own columns: with a header these are the names it lists, in its order; without one
 * they are positions. recognise.h says where each of them lies in one delivered file.
 */
#ifndef TOLL_INGEST_SPEC_H
#define TOLL_INGEST_SPEC_H

#include "base/arena.h"
#include "base/checksum.h"
#include "base/error.h"
#include "base/money.h"
#include "ingest/numbers.h"
#include "ingest/times.h"
#include "io/io.h"

/* What a value becomes. END, ANSWER and TOTAL are only looked at while the row is read. */
enum toll_target {
    TOLL_TO_START,
    TOLL_TO_ANSWER,
    TOLL_TO_END,
    TOLL_TO_DURATION,
    TOLL_TO_TOTAL,
    TOLL_TO_CARRIER_BILLED,
    TOLL_TO_CALLER,
    TOLL_TO_CALLEE,
    TOLL_TO_CHARGED,
    TOLL_TO_LRN_CALLER,
    TOLL_TO_LRN_CALLEE,
    TOLL_TO_RING_TO,
    TOLL_TO_TRUNK,
    TOLL_TO_HINT,
    TOLL_TO_CALLTYPE,
    TOLL_TO_CARRIER,
    TOLL_TO_RECORD_ID,
    TOLL_TO_QUANTITY,
    TOLL_TO_PROVIDER_CHARGE,
    TOLL_TO_PROVIDER_TAX,
    TOLL_TO_SERVICE,
    TOLL_TO_DIRECTION,
    TOLL_TO_ANSWERED,
    TOLL_TO_LEGS,
    TOLL_TARGETS
};
const char *toll_target_name(enum toll_target target);

enum toll_value_type {
    TOLL_VALUE_TIME,
    TOLL_VALUE_SECONDS, /* decimal; likewise the next three */
    TOLL_VALUE_MILLISECONDS,
    TOLL_VALUE_MICROSECONDS,
    TOLL_VALUE_MINUTES,
    TOLL_VALUE_HMS, /* [hh:]mm:ss[.fff] */
    TOLL_VALUE_END_MINUS_START,
    TOLL_VALUE_MONEY,
    TOLL_VALUE_INTEGER,
    TOLL_VALUE_NUMBER,
    TOLL_VALUE_TEXT,
    TOLL_VALUE_CHOICE,
    TOLL_VALUE_ANSWER_PRESENT,
    TOLL_VALUE_CONSTANT,
    TOLL_VALUES
};

struct toll_words {
    const char *const *words;
    size_t count;
};

#define TOLL_CHOICE_REJECT (-1)

struct toll_spec_field {
    bool mapped;
    enum toll_value_type type;
    int columns[2]; /* the spec's columns; a time may come from two, joined by a blank */
    unsigned column_count;
    struct toll_time_format formats[TOLL_TIME_FORMATS_MAX];
    unsigned format_count;
    int64_t unit; /* money: 1e-8 of the currency for one of the file; integer: a factor */
    const struct toll_number_rules *rules;
    struct toll_words choice_words[8]; /* by canonical value: the provider's words */
    int otherwise, empty; /* canonical value for other words and for none, or TOLL_CHOICE_REJECT */
    int constant;         /* canonical value; for carrier a text: */
    const char *constant_text;
};

/* A column of nearly every row must look like this, or the file is another format. */
struct toll_spec_probe {
    int column;
    enum { TOLL_PROBE_TIME, TOLL_PROBE_DECIMAL, TOLL_PROBE_DIGITS, TOLL_PROBE_WORDS } kind;
    struct toll_time_format formats[TOLL_TIME_FORMATS_MAX];
    unsigned format_count;
    struct toll_words words;
    bool required; /* an empty value does not pass; otherwise it is not looked at */
    int64_t least_ppm;
};

enum toll_header { TOLL_HEADER_EXACT, TOLL_HEADER_TRIMMED, TOLL_HEADER_NONE };

struct toll_spec {
    struct toll_arena arena;
    const char *path, *provider, *version, *currency, *carrier; /* currency, carrier: "" when not given */
    /* file */
    char separator;
    bool multiline, skip_blank;
    enum toll_header header;
    bool any_order;
    const char **names; /* with a header */
    bool *optional;
    int column_count;  /* names, or without a header the largest legal count */
    int *legal_counts; /* of fields in a row; none: as many as the header has */
    int legal_count;
    struct toll_words null_tokens; /* without the empty text, which always is one */
    const struct toll_hash128 *header_hashes;
    size_t header_hash_count;
    /* time */
    struct toll_zone *zone;
    enum toll_fold fold;
    struct toll_spec_field fields[TOLL_TARGETS];
    int *key_columns; /* none: the whole row */
    int key_count;
    const struct toll_spec_probe *probes;
    size_t probe_count;
    int64_t max_reject_ppm;
    bool warn_over_total;
    int64_t warn_over_ms; /* 0: never */
};

/* TOLL_EBOOK when anything is wrong: every place is a finding. TOLL_ENOINPUT when there is no such file. The
 * spec is released with toll_spec_free, which is safe on a zeroed struct. */
int toll_spec_load(struct toll_spec *spec, const struct toll_io *io, const char *path,
                   struct toll_findings *findings, struct toll_error *error);
/* The same from bytes; path is for messages. */
int toll_spec_parse(struct toll_spec *spec, const struct toll_io *io, const char *path, const char *data,
                    size_t size, struct toll_findings *findings, struct toll_error *error);
void toll_spec_free(struct toll_spec *spec);

#endif
