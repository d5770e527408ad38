/*
 * Rows typed column by column against rows.c, which reads one after the other: the same rows, extras, texts,
 * rejects, counts and lines, on files made at random of good, odd and hostile values, by every kernel, whole
 * and in pieces, at the end of memory that must not be left.
 */
#include "chunk_rows.h"
#include "io/io.h"
#include "kernel_guard.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#ifndef TOLL_SOURCE_DIR
#define TOLL_SOURCE_DIR "."
#endif

#define FILE_MAX (300u << 10)

static uint64_t random_state = 0x7477696e73;

static uint32_t pick(uint32_t below)
{
    return (uint32_t)(random_next(&random_state) % below);
}

#define ONE_OF(...)         \
    ((const char *const[]){ \
        __VA_ARGS__})[pick((uint32_t)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))]

/* ---- texts ---- */

static char out[FILE_MAX];
static size_t used;
static bool lone_cr; /* ends lines: a single LF would end that */

static void put(const char *text)
{
    const size_t bytes = strlen(text);
    assert_true(used + bytes < sizeof out);
    memcpy(out + used, text, bytes);
    used += bytes;
}

static void put_digits(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        out[used++] = (char)('0' + pick(10));
}

static void put_number(void)
{
    switch (pick(12)) {
    case 0:
        put(ONE_OF("", "anonymous", "Withheld", "sip:alice@example.org", "+", "0", "*67", "911", "+1",
                   "tel:911", " +12125550100", "+12125550100 ", "1212555010a", "(212) 555-0100", "00", "011",
                   "#", "+-1", "12345678901234567890", "sip:+12125550100@host", "0044", "000", "unknown"));
        return;
    case 1:
        put_digits(1 + pick(18));
        return;
    case 2:
        put("+");
        put_digits(1 + pick(18));
        return;
    case 3:
        put(ONE_OF("0", "00", "011", "01144", "1", "+44"));
        put_digits(5 + pick(8));
        return;
    case 4:
        put_digits(10);
        return;
    default:
        put("+1");
        put_digits(10);
    }
}

static void put_pair(char first, unsigned below)
{
    char text[8];
    if (first != 0)
        out[used++] = first;
    snprintf(text, sizeof text, "%02u", pick(below));
    put(text);
}

static void put_clock(void)
{
    const bool wild = pick(40) == 0;
    put_pair(0, wild ? 30 : 24);
    put_pair(':', wild ? 70 : 60);
    put_pair(':', wild ? 70 : 60);
}

/* Nearly all of one day, as files are; near a change of clocks now and then. */
static void put_iso(void)
{
    if (pick(60) == 0) {
        put(ONE_OF("", "2025-10-01", "2025-02-30T10:00:00Z", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z",
                   "2025-10-01T10:00:00+02:00", "2025-10-01T10:00:00.123Z", "2025-10-01T10:00:00.5",
                   "2025-10-01T10:00Z", " 2025-10-01T10:00:00Z", "2025-10-01t10:00:00Z",
                   "2025-10-01T10:00:00z", "2025-10-01T10:00:60Z", "2025-10-01T24:00:00Z",
                   "2025-1-01T010:00:00Z", "yesterday"));
        return;
    }
    put(pick(20) == 0 ? ONE_OF("2025-10-02", "2025-11-02", "2025-03-09", "1970-01-01", "2199-12-31")
                      : "2025-10-01");
    put(pick(10) == 0 ? " " : "T");
    put_clock();
    put(pick(4) == 0 ? "" : "Z");
}

static void put_local(void)
{
    if (pick(60) == 0) {
        put(ONE_OF("", "10/1/2025 9:05:00", "13/01/2025 10:00:00", "10/01/2025  10:00:00",
                   "10/01/2025 10:00:0", "10/01/25 10:00:00", "10/01/2025 25:00:00", " 10/01/2025 10:00:00"));
        return;
    }
    put(pick(10) == 0 ? ONE_OF("11/02/2025", "03/09/2025", "3/9/2025", "01/01/1970", "12/31/2199")
                      : "10/01/2025");
    put(" ");
    put_clock();
}

static void put_decimal(void)
{
    if (pick(20) == 0) {
        put(ONE_OF("", "-1", "1.5", "0.0004", "1e3", " 7", "7 ", "+3", "99999999999", "2147483647", "1.2.3",
                   ".5", "5.", "123456", "1234567", "00012"));
        return;
    }
    put_digits(1 + pick(4));
}

static void put_money(void)
{
    if (pick(20) == 0) {
        put(ONE_OF("", "-1.25", "1.", ".5", "0.123456789", "12345678", "123456789", "1234567890.12", "1,5",
                   "$1", "0.00000001", "12345678.12345678", "123456789.12345678", " 1.5", "1.5 ", "0"));
        return;
    }
    put_digits(1 + pick(3));
    put(".");
    put_digits(1 + pick(8));
}

static void put_name(void)
{
    put(ONE_OF("", "a", "sip-east-1", "sip-east-1", "exactly16bytes!!", "seventeen bytes!!", "ANSWERED",
               "busy"));
    if (pick(10) == 0)
        put_digits(1 + pick(12));
    if (pick(400) == 0)
        for (unsigned i = 0; i < 1030; i++)
            out[used++] = 'n';
}

static void put_hms(void)
{
    if (pick(20) == 0)
        put(ONE_OF("", "1:02", "00:00:60", "00:61:00", "99:59:59", "-0:01", "1:02:03", "00:00:01.5",
                   "600:00:00"));
    else
        put_clock();
}

/* What can go wrong around values. quote: quoted when it is a good idea. */
static void put_field(void (*value)(void))
{
    const size_t at = used;
    const uint32_t what = pick(300);

    if (what == 0) {
        put(ONE_OF("\"", "a\"b", "\"\"", "\"a\"\"b\"", "\"x\"y", "\"\"\"", "\t", " "));
        return;
    }
    if (what > 12) {
        value();
        return;
    }
    put("\"");
    value();
    if (what == 1)
        put(",");
    if (what == 2)
        out[used++] = pick(2) != 0 && !lone_cr ? '\n' : '\r';
    put("\"");
    if (what == 3)
        out[at + pick((uint32_t)(used - at))] = 0;
}

struct shape {
    const char *spec, *head;
    void (*fields[20])(void);
    uint32_t short_rows; /* a row in so many ends behind a field; 0: hardly any */
};

static void put_word(void)
{
    put(pick(30) == 0 ? ONE_OF("", "maybe", " out", "OUT", "in ", "both") : ONE_OF("out", "in"));
}
static void put_yes(void)
{
    put(pick(30) == 0 ? ONE_OF("", "YES", "unanswered since long") : ONE_OF("yes", "no", "yes"));
}
static void put_legs(void)
{
    put(pick(30) == 0 ? ONE_OF("both", "two") : "");
}
static void put_service(void)
{
    put(pick(30) == 0 ? ONE_OF("voice", "sms", "data", "fax") : "");
}
static void put_quantity(void)
{
    put(pick(10) == 0 ? ONE_OF("1", "-5", "1.5", "99999999999999999999") : "");
}
static void put_date(void)
{
    put(pick(20) == 0 ? ONE_OF("", " 10/01/2025", "11/02/2025", "10/1/2025", "02/30/2025") : "10/01/2025");
}

static const char two_column_spec[] =
    "spec: tollmill-cdr-map/1\nprovider: p\nversion: \"1\"\n"
    "file:\n  header: exact\n  names: [id, seq, date, time, ring, len, from, to, cost, tax]\n"
    "time: {zone: America/New_York, fold: reject}\n"
    "numbers:\n  n:\n    - none: [anonymous, withheld, \"0000000000\"]\n    - sip: yes\n"
    "    - strip: \" ()-.\"\n    - international: [\"+\", \"011\", \"00\"]\n    - nanp: yes\n"
    "    - national: {trunk: \"0\", country: \"44\", min: 9, max: 10}\n"
    "    - short: [\"911\", \"*67\"]\n    - extension: {min: 2, max: 6}\n    - bare: {min: 12, max: 15}\n"
    "fields:\n"
    "  - {to: start, from: [date, time], type: time, format: [\"%m/%d/%Y %H:%M:%S\", \"%Y-%m-%d "
    "%H:%M:%S\"]}\n"
    "  - {to: total, from: ring, type: hms}\n  - {to: duration, from: len, type: hms}\n"
    "  - {to: caller, from: from, type: number, rules: n}\n"
    "  - {to: callee, from: to, type: number, rules: n}\n"
    "  - {to: provider_charge, from: cost, type: money, unit: \"0.01\"}\n"
    "  - {to: provider_tax, from: tax, type: money}\n  - {to: account_hint, value: everybody}\n"
    "key: [id, seq]\nwarnings: {duration_over_total: yes, duration_over_s: 4000}\n";

static const char answer_spec[] =
    "spec: tollmill-cdr-map/1\nprovider: p\nversion: \"1\"\n"
    "file: {separator: \";\", header: none, columns: [5, 6, 7], multiline: yes}\n"
    "time: {zone: Europe/London}\n"
    "numbers: {n: [{international: [\"+\"]}, {short: {min: 1, max: 6}}]}\n"
    "fields:\n"
    "  - {to: start, from: 1, type: time, format: \"%m/%d/%Y %H:%M:%S\"}\n"
    "  - {to: answer, from: 2, type: time, format: \"%m/%d/%Y %H:%M:%S\"}\n"
    "  - {to: end, from: 3, type: time, format: \"%m/%d/%Y %H:%M:%S\"}\n"
    "  - {to: duration, type: end-minus-start}\n"
    "  - {to: answered, type: answer-present}\n"
    "  - {to: caller, from: 4, type: number, rules: n}\n  - {to: callee, from: 5, type: number, rules: n}\n"
    "  - {to: carrier_billed, from: 6, type: minutes}\n  - {to: carrier, from: 7, type: text}\n"
    "key: row\n";

/* Rows may lack the last column, which is mapped to nothing but is in the key. */
static const char short_spec[] =
    "spec: tollmill-cdr-map/1\nprovider: p\nversion: \"1\"\n"
    "file: {header: exact, names: [start, dur, from, to, note], columns: [4, 5]}\n"
    "time: {zone: UTC}\n"
    "numbers: {n: [{international: [\"+\"]}]}\n"
    "fields:\n"
    "  - {to: start, from: start, type: time, format: iso}\n"
    "  - {to: duration, from: dur, type: seconds}\n"
    "  - {to: caller, from: from, type: number, rules: n}\n"
    "  - {to: callee, from: to, type: number, rules: n}\n"
    "key: row\n";

static const struct shape shapes[] = {
    {NULL,
     "start,duration_s,caller,callee,service,quantity,direction,answered,record_id,charged,trunk,account_"
     "hint,"
     "calltype,lrn_caller,lrn_callee,provider_charge,ring_to,legs",
     {put_iso, put_decimal, put_number, put_number, put_service, put_quantity, put_word, put_yes, put_name,
      put_number, put_name, put_name, put_name, put_number, put_number, put_money, put_number, put_legs},
     0},
    {NULL,
     "callee,start,caller,duration_s,legs",
     {put_number, put_iso, put_number, put_decimal, put_legs},
     0},
    {two_column_spec,
     "id,seq,date,time,ring,len,from,to,cost,tax",
     {put_name, put_decimal, put_date, put_clock, put_hms, put_hms, put_number, put_number, put_money,
      put_money},
     0},
    {answer_spec, NULL, {put_local, put_local, put_local, put_number, put_number, put_decimal, put_name}, 0},
    {short_spec, "start,dur,from,to,note", {put_iso, put_decimal, put_number, put_number, put_name}, 6},
};

static void make_file(const struct shape *shape, char separator)
{
    const char *end = ONE_OF("\n", "\n", "\r\n", "\r");
    const unsigned rows = 1 + pick(600);

    used = 0;
    lone_cr = strcmp(end, "\r") == 0;
    if (shape->head != NULL) {
        put(shape->head);
        put(end);
    }
    for (unsigned r = 0; r < rows && used < sizeof out - 20000; r++) {
        for (unsigned i = 0; i < 20 && shape->fields[i] != NULL; i++) {
            if (i > 0)
                out[used++] = separator;
            put_field(shape->fields[i]);
            if (pick(shape->short_rows > 0 ? shape->short_rows : 2000) == 0)
                break;
        }
        if (pick(500) == 0)
            out[used++] = 0;
        if (r + 1 < rows || pick(2) == 0)
            put(end);
        if (pick(100) == 0)
            put(end);
    }
}

/* ---- both ways ---- */

static void same_row(const struct toll_row *a, const struct toll_row *b)
{
    const size_t bytes = (size_t)a->record_id_bytes + a->caller_bytes + a->callee_bytes;

    assert_int_equal(a->start, b->start);
    assert_int_equal(a->key_high, b->key_high);
    assert_int_equal(a->key_low, b->key_low);
    assert_int_equal(a->caller, b->caller);
    assert_int_equal(a->callee, b->callee);
    assert_int_equal(a->duration_ms, b->duration_ms);
    assert_int_equal(a->source_row, b->source_row);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->record_id_bytes, b->record_id_bytes);
    assert_int_equal(a->caller_bytes, b->caller_bytes);
    assert_int_equal(a->callee_bytes, b->callee_bytes);
    assert_memory_equal(a->text, b->text, bytes);
    assert_int_equal(a->extra == NULL, b->extra == NULL);
}

static void same_name(const struct toll_chunk *a, uint32_t a_id, const struct toll_chunk *b, uint32_t b_id,
                      enum toll_name name)
{
    size_t a_bytes, b_bytes;

    assert_int_equal(a_id == 0, b_id == 0);
    if (a_id == 0)
        return;
    const char *at = toll_strings_text(&a->lexicon->strings[name], a_id, &a_bytes),
               *bt = toll_strings_text(&b->lexicon->strings[name], b_id, &b_bytes);
    assert_int_equal(a_bytes, b_bytes);
    assert_memory_equal(at, bt, a_bytes);
}

/* Ids are by first appearance, which the two ways meet in another order. */
static void same_extra(const struct toll_chunk *a, const struct toll_row_extra *ax,
                       const struct toll_chunk *b, const struct toll_row_extra *bx)
{
    struct toll_row_extra x = *ax, y = *bx;

    same_name(a, x.trunk, b, y.trunk, TOLL_NAME_TRUNK);
    same_name(a, x.hint, b, y.hint, TOLL_NAME_HINT);
    same_name(a, x.calltype, b, y.calltype, TOLL_NAME_CALLTYPE);
    x.trunk = x.hint = x.calltype = y.trunk = y.hint = y.calltype = 0;
    assert_memory_equal(&x, &y, sizeof x);
}

static void same_chunk(const struct toll_chunk *a, const struct toll_chunk *b)
{
    assert_int_equal(a->row_count, b->row_count);

    struct chunk_rows of_a = chunk_rows_take(a), of_b = chunk_rows_take(b);
    assert_int_equal(a->reject_count, b->reject_count);
    assert_int_equal(a->data_rows, b->data_rows);
    assert_int_equal(a->legs, b->legs);
    assert_int_equal(a->warnings, b->warnings);
    assert_int_equal(a->duration_ms, b->duration_ms);
    assert_int_equal(a->lines, b->lines);
    assert_int_equal(a->first_start, b->first_start);
    assert_int_equal(a->last_start, b->last_start);
    for (size_t i = 0; i < a->row_count; i++) {
        same_row(&of_a.rows[i], &of_b.rows[i]);
        same_name(a, of_a.rows[i].carrier, b, of_b.rows[i].carrier, TOLL_NAME_CARRIER);
        same_extra(a, &of_a.extras[i], b, &of_b.extras[i]);
    }
    chunk_rows_free(&of_a);
    chunk_rows_free(&of_b);
    for (size_t i = 0; i < a->reject_count; i++) {
        const struct toll_reject *x = &a->rejects[i], *y = &b->rejects[i];
        assert_int_equal(x->reason, y->reason);
        assert_int_equal(x->column, y->column);
        assert_int_equal(x->line, y->line);
        assert_int_equal(x->offset, y->offset);
        assert_int_equal(x->raw_bytes, y->raw_bytes);
        assert_memory_equal(x->raw, y->raw, x->raw_bytes);
    }
}

static int64_t rows_compared, rejects_compared;

static void check_range(const struct toll_spec *spec, struct toll_layout *layout, size_t begin, size_t end)
{
    unsigned masks[3] = {0};
    const size_t count = 1 + twin_masks(masks + 1);
    struct toll_chunk want, got;

    layout->row_by_row = true;
    assert_int_equal(toll_chunk_read(spec, layout, "c", NULL, begin, end, &want, NULL), 0);
    layout->row_by_row = false;
    for (size_t i = 0; i < count; i++) {
        layout->kernels = toll_kernels_select(masks[i]);
        assert_int_equal(toll_chunk_read(spec, layout, "c", NULL, begin, end, &got, NULL), 0);
        same_chunk(&want, &got);
        toll_chunk_free(&got);
    }
    rows_compared += (int64_t)want.row_count;
    rejects_compared += (int64_t)want.reject_count;
    toll_chunk_free(&want);
}

static void check_file(const struct toll_spec *spec)
{
    struct guarded memory = guarded_make(used);
    char *data = (char *)memory.end - used;
    struct toll_layout layout;
    struct toll_error error;

    memcpy(data, out, used);
    if (toll_recognise(spec, "f", data, used, &layout, &error) != 0)
        fail_msg("%s", error.text);
    check_range(spec, &layout, layout.start.offset, used);
    if (!spec->multiline && used > layout.start.offset) {
        const size_t from = layout.start.offset + pick((uint32_t)(used - layout.start.offset));
        const char *end = memchr(data + from, layout.start.line_end, used - from);
        if (end != NULL) {
            check_range(spec, &layout, layout.start.offset, (size_t)(end - data) + 1);
            check_range(spec, &layout, (size_t)(end - data) + 1, used);
        }
    }
    guarded_free(&memory);
}

static void load(struct toll_spec *spec, const char *text)
{
    struct toll_findings findings;
    struct toll_error error = {0};
    const char *path = TOLL_SOURCE_DIR "/data/providers/tollmill.yaml";

    toll_findings_init(&findings, NULL);
    const int code = text == NULL ? toll_spec_load(spec, toll_io_system(), path, &findings, &error)
                                  : toll_spec_parse(spec, toll_io_system(), "s.yaml", text, strlen(text),
                                                    &findings, &error);
    if (code != 0)
        fail_msg("%s %s", error.text, findings.first_text);
}

static void check_shape(const struct shape *shape, char separator)
{
    struct toll_spec spec;

    load(&spec, shape->spec);
    rows_compared = rejects_compared = 0;
    for (unsigned turn = 0; turn < 40; turn++) {
        make_file(shape, separator);
        check_file(&spec);
    }
    assert_true(rows_compared > 500 && rejects_compared > 100); /* not all one or all the other */
    toll_spec_free(&spec);
}

static void test_all_columns(void **state)
{
    (void)state;
    check_shape(&shapes[0], ',');
}

static void test_other_order(void **state)
{
    (void)state;
    check_shape(&shapes[1], ',');
}

static void test_two_columns(void **state)
{
    (void)state;
    check_shape(&shapes[2], ',');
}

static void test_answers(void **state)
{
    (void)state;
    check_shape(&shapes[3], ';');
}

static void test_short_rows(void **state)
{
    (void)state;
    check_shape(&shapes[4], ',');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_columns), cmocka_unit_test(test_other_order),
        cmocka_unit_test(test_two_columns), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_short_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
