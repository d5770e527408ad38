/* A made-up call as text: "from=+12125550100, to=+12015550111, at=2026-03-02T12:00:00Z, secs=61". Values are
 * read as import reads those of tollmill's own CSV (docs/IMPORT.md), so that both give the same call. */
#include "pipeline/explain_ask.h"

#include "base/error.h"
#include "ingest/limits.h"
#include "ingest/values.h"
#include "tollmill_segment.h"

#include <string.h>

enum key {
    FROM,
    TO,
    AT,
    SECS,
    SERVICE,
    DIRECTION,
    ANSWERED,
    CHARGED,
    TRUNK,
    HINT,
    CALLTYPE,
    CARRIER,
    QUANTITY,
    LRN,
    LRN_FROM,
    RING_TO,
    LEGS,
    PROVIDER_CHARGE,
    KEYS
};
static const char *const keys[KEYS] = {
    "from",     "to",      "at",       "secs",    "service",  "direction",
    "answered", "charged", "trunk",    "hint",    "calltype", "carrier",
    "quantity", "lrn",     "lrn_from", "ring_to", "legs",     "provider_charge"};

struct asking {
    struct toll_value values[KEYS];
    bool given[KEYS];
    struct toll_error *error;
};

static int no_value(const struct asking *asking, enum key key, const char *want)
{
    return toll_error_set(asking->error, TOLL_EUSAGE, "--call: %s=%.*s is no %s", keys[key],
                          asking->values[key].bytes > 40 ? 40 : (int)asking->values[key].bytes,
                          asking->values[key].text, want);
}

/* ---- the text ---- */

static bool is_line_break(char c)
{
    return c == '\n' || c == '\r';
}

/* A call may stand on several lines of a shell. */
static struct toll_value trimmed(const char *text, size_t bytes)
{
    struct toll_value value = toll_value_trim((struct toll_value){text, bytes});
    while (value.bytes > 0 && (is_line_break(value.text[0]) || is_line_break(value.text[value.bytes - 1]))) {
        const size_t front = is_line_break(value.text[0]) ? 1 : 0, back = 1 - front;
        value = toll_value_trim((struct toll_value){value.text + front, value.bytes - front - back});
    }
    return value;
}

static int read_pair(struct asking *asking, struct toll_value pair)
{
    const char *equals = memchr(pair.text, '=', pair.bytes);
    const int shown = pair.bytes > 40 ? 40 : (int)pair.bytes;
    if (equals == NULL)
        return toll_error_set(asking->error, TOLL_EUSAGE,
                              "--call: \"%.*s\" is not NAME=VALUE; write from=+1212..., to=..., at=..., "
                              "secs=...",
                              shown, pair.text);
    const struct toll_value name = trimmed(pair.text, (size_t)(equals - pair.text));
    const struct toll_value value = trimmed(equals + 1, pair.bytes - (size_t)(equals + 1 - pair.text));
    for (int key = 0; key < KEYS; key++) {
        if (strlen(keys[key]) != name.bytes || memcmp(keys[key], name.text, name.bytes) != 0)
            continue;
        if (asking->given[key])
            return toll_error_set(asking->error, TOLL_EUSAGE, "--call: %s is there twice", keys[key]);
        if (value.bytes > TOLL_INGEST_TEXT_MAX)
            return toll_error_set(asking->error, TOLL_EUSAGE, "--call: %s is longer than %u bytes", keys[key],
                                  TOLL_INGEST_TEXT_MAX);
        asking->given[key] = true;
        asking->values[key] = value;
        return 0;
    }
    return toll_error_set(asking->error, TOLL_EUSAGE,
                          "--call: there is no %.*s; there are from, to, at, secs, service, direction, "
                          "answered, charged, trunk, hint, calltype, carrier, quantity, lrn, lrn_from, "
                          "ring_to, legs, provider_charge",
                          name.bytes > 40 ? 40 : (int)name.bytes, name.text);
}

static int read_pairs(struct asking *asking, const char *text)
{
    const char *const end = text + strlen(text);
    int rc = 0;
    while (rc == 0 && text < end) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        const char *stop = comma != NULL ? comma : end;
        const struct toll_value pair = trimmed(text, (size_t)(stop - text));
        if (pair.bytes > 0)
            rc = read_pair(asking, pair);
        text = stop + 1;
    }
    return rc;
}

/* ---- values ---- */

static int choose(const struct asking *asking, enum key key, const char *const *words, int count, int *out)
{
    const struct toll_value *value = &asking->values[key];
    if (value->bytes == 0)
        return 0;
    for (int i = 0; i < count; i++) {
        if (strlen(words[i]) != value->bytes || memcmp(words[i], value->text, value->bytes) != 0)
            continue;
        *out = i;
        return 0;
    }
    return no_value(asking, key,
                    key == SERVICE     ? "service; there are voice, sms, mms, data, event"
                    : key == DIRECTION ? "direction; there are out, in"
                    : key == LEGS      ? "number of legs; there are one, both"
                                       : "answer; write yes or no");
}

static int read_kind(const struct asking *asking, struct toll_ask *ask)
{
    static const char *const services[] = {"voice", "sms", "mms", "data", "event"};
    static const char *const directions[] = {"out", "in"}, *const answers[] = {"yes", "no"};
    static const char *const legs[] = {"one", "both"};
    int service = 0, direction = 0, unanswered = 0, both = 0;
    int rc = choose(asking, SERVICE, services, 5, &service);
    if (rc == 0)
        rc = choose(asking, DIRECTION, directions, 2, &direction);
    if (rc == 0)
        rc = choose(asking, ANSWERED, answers, 2, &unanswered);
    if (rc == 0)
        rc = choose(asking, LEGS, legs, 2, &both);
    ask->row.kind = (uint16_t)((unsigned)service | (direction ? TOLL_KIND_IN : 0u) |
                               (unanswered ? 0u : TOLL_KIND_ANSWERED) | (both ? TOLL_KIND_LEG : 0u));
    return rc;
}

static int read_start(const struct asking *asking, struct toll_ask *ask)
{
    static const struct toll_time_format iso = {.iso = true};
    struct toll_zone *utc = toll_zone_utc();
    struct toll_time_reader reader;
    if (asking->values[AT].bytes == 0) {
        toll_zone_free(utc);
        return toll_error_set(asking->error, TOLL_EUSAGE,
                              "--call: when? write at=2026-03-02T12:00:00Z (or with an offset: -05:00)");
    }
    if (utc == NULL)
        return toll_error_set(asking->error, TOLL_ENOMEM, "out of memory");
    toll_time_reader_init(&reader, utc, TOLL_FOLD_FIRST);
    const enum toll_time_result result =
        toll_time_read(&reader, &iso, 1, asking->values[AT].text, asking->values[AT].bytes, &ask->row.start);
    toll_zone_free(utc);
    return result == TOLL_TIME_OK
               ? 0
               : no_value(asking, AT, "time from 1970 to 2199; write at=2026-03-02T12:00:00Z");
}

static int read_units(const struct asking *asking, struct toll_ask *ask)
{
    const unsigned service = toll_kind_service(ask->row.kind);
    const struct toll_value secs = asking->values[SECS], quantity = asking->values[QUANTITY];
    const struct toll_value money = asking->values[PROVIDER_CHARGE];
    int64_t units = service == TOLL_VOICE ? 0 : 1;
    if (secs.bytes > 0 && toll_value_duration(TOLL_VALUE_SECONDS, secs, &ask->row.duration_ms) != 0)
        return no_value(asking, SECS, "duration in seconds, such as 61 or 61.5");
    if (secs.bytes == 0 && service == TOLL_VOICE && (ask->row.kind & TOLL_KIND_ANSWERED) != 0)
        return toll_error_set(asking->error, TOLL_EUSAGE, "--call: how long? write secs=61 (or answered=no)");
    if (quantity.bytes > 0 && (!toll_value_integer(quantity, 1, &units) || units == INT64_MIN))
        return no_value(asking, QUANTITY, "whole number");
    if (quantity.bytes == 0 && service == TOLL_DATA)
        return toll_error_set(asking->error, TOLL_EUSAGE, "--call: how much data? write quantity=BYTES");
    if (units < 0)
        ask->row.kind |= TOLL_KIND_CREDIT;
    ask->row.quantity = units < 0 ? -units : units;
    if (money.bytes == 0)
        return 0;
    if (!toll_value_money(money, TOLL_MONEY_UNIT, &ask->row.provider_charge))
        return no_value(asking, PROVIDER_CHARGE, "amount with at most 8 decimals");
    ask->row.kind |= TOLL_KIND_PROVIDER_CHARGE;
    return 0;
}

/* The rules `plain` of data/providers/tollmill.yaml. */
static enum toll_number_type read_number(struct toll_value value, uint64_t *digits)
{
    static const char *const none[] = {"anonymous", "unknown", "restricted", "withheld"};
    static const char *const plus[] = {"+"};
    static const struct toll_number_rule plain[] = {
        {.kind = TOLL_RULE_NONE_WORDS, .words = none, .word_count = 4, .trunk = "", .country = ""},
        {.kind = TOLL_RULE_INTERNATIONAL, .words = plus, .word_count = 1, .trunk = "", .country = ""},
        {.kind = TOLL_RULE_SHORT, .trunk = "", .country = "", .low = 1, .high = 6},
        {.kind = TOLL_RULE_BARE,
         .trunk = "",
         .country = "",
         .low = TOLL_E164_DIGITS_MIN,
         .high = TOLL_E164_DIGITS_MAX},
    };
    struct toll_number_rules rules = {.name = "plain", .rules = plain, .count = 4};
    toll_number_rules_finish(&rules);
    *digits = 0;
    return toll_number_parse(&rules, value.text, value.bytes, digits);
}

/* Numbers beside the two ends count only in full. */
static uint64_t side_number(const struct asking *asking, enum key key)
{
    uint64_t digits;
    return asking->values[key].bytes > 0 && read_number(asking->values[key], &digits) == TOLL_NUMBER_E164
               ? digits
               : 0;
}

static void copy_text(const struct asking *asking, enum key key, char text[TOLL_ASK_TEXT_BYTES])
{
    if (asking->values[key].bytes > 0)
        memcpy(text, asking->values[key].text, asking->values[key].bytes);
    text[asking->values[key].bytes] = 0;
}

int toll_ask_read(const char *text, struct toll_ask *ask, struct toll_error *error)
{
    struct asking asking = {.error = error};
    struct toll_row *row = &ask->row;
    memset(ask, 0, sizeof *ask);
    for (int key = 0; key < KEYS; key++)
        asking.values[key].text = "";
    int rc = read_pairs(&asking, text);
    if (rc == 0)
        rc = read_kind(&asking, ask);
    if (rc == 0)
        rc = read_start(&asking, ask);
    if (rc == 0)
        rc = read_units(&asking, ask);
    if (rc != 0)
        return rc;
    const enum toll_number_type caller = read_number(asking.values[FROM], &row->caller);
    const enum toll_number_type callee = read_number(asking.values[TO], &row->callee);
    row->kind |= (uint16_t)((unsigned)caller << TOLL_KIND_CALLER_TYPE_SHIFT |
                            (unsigned)callee << TOLL_KIND_CALLEE_TYPE_SHIFT);
    row->charged = side_number(&asking, CHARGED);
    row->lrn_callee = side_number(&asking, LRN);
    row->lrn_caller = side_number(&asking, LRN_FROM);
    row->ring_to = side_number(&asking, RING_TO);
    copy_text(&asking, TRUNK, ask->trunk);
    copy_text(&asking, HINT, ask->hint);
    copy_text(&asking, CALLTYPE, ask->calltype);
    copy_text(&asking, CARRIER, ask->carrier);
    return 0;
}
