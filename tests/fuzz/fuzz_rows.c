/*
 * A delivered file by a mapping spec, from bytes to canonical rows: counts and sums agree with the rows,
 * every row is in range, two pieces, row by row, give the rows of one, column by column, packed rows are what
 * they were, and the rejects file says the lines that were refused.
 *
 * Input: one byte for the spec (one of those shipped, or, 0xFF, the input's own up to a line "%%"), the rest
 * is the file.
 */
#include "../chunk_rows.h"
#include "base/cpu.h"
#include "fuzz.h"
#include "ingest/delivery.h"
#include "ingest/limits.h"
#include "ingest/order.h"
#include "memory_io.h"

#define SHIPPED 4
static struct toll_spec shipped[SHIPPED];

/* Once, before anything is fuzzed. */
static void load_shipped(struct memory_io *memory)
{
    static const char *const names[SHIPPED] = {"tollmill", "np-dl-telco", "asterisk-cdr-csv",
                                               "freeswitch-example"};
    static char text[32768];
    struct toll_findings findings;
    if (shipped[0].zone != NULL)
        return;
    toll_findings_init(&findings, NULL);
    for (int i = 0; i < SHIPPED; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/data/providers/%s.yaml", TOLL_SOURCE_DIR, names[i]);
        FILE *file = fopen(path, "rb");
        TOLL_ASSERT(file != NULL);
        const size_t bytes = fread(text, 1, sizeof text, file);
        fclose(file);
        TOLL_ASSERT(toll_spec_parse(&shipped[i], &memory->io, path, text, bytes, &findings, NULL) == 0);
    }
}

/* ---- what holds of rows ---- */

static void check_number(uint64_t digits, unsigned type)
{
    const unsigned count = toll_digits_count(digits);
    TOLL_ASSERT(type <= TOLL_NUMBER_INVALID && count <= TOLL_DIGITS_MAX);
    TOLL_ASSERT(type == TOLL_NUMBER_E164 || type == TOLL_NUMBER_SHORT || type == TOLL_NUMBER_EXTENSION
                    ? count > 0
                    : digits == 0);
}

static void check_row(const struct toll_row *row, const struct toll_row_names *names)
{
    const struct toll_row_extra *extra = toll_row_extra(row);
    TOLL_ASSERT(row->start >= toll_days_from_civil(TOLL_INGEST_YEAR_MIN, 1, 1) * TOLL_DAY_MS &&
                row->start < toll_days_from_civil(TOLL_INGEST_YEAR_MAX + 1, 1, 1) * TOLL_DAY_MS);
    TOLL_ASSERT(row->duration_ms >= 0 && extra->setup_ms >= 0 && extra->quantity >= 0);
    TOLL_ASSERT((row->kind & TOLL_KIND_SERVICE) < TOLL_SERVICES);
    check_number(row->caller, row->kind >> TOLL_KIND_CALLER_TYPE_SHIFT & TOLL_KIND_TYPE_MASK);
    check_number(row->callee, row->kind >> TOLL_KIND_CALLEE_TYPE_SHIFT & TOLL_KIND_TYPE_MASK);
    TOLL_ASSERT(row->record_id_bytes <= TOLL_INGEST_TEXT_MAX && row->caller_bytes <= TOLL_INGEST_TEXT_MAX &&
                row->callee_bytes <= TOLL_INGEST_TEXT_MAX);
    const size_t letters = (size_t)row->record_id_bytes + row->caller_bytes + row->callee_bytes;
    TOLL_ASSERT(letters == 0 || memchr(row->text, 0, letters) == NULL);
    const uint32_t ids[] = {row->carrier, extra->trunk, extra->hint, extra->calltype};
    for (int i = 0; i < 4; i++)
        TOLL_ASSERT(ids[i] <= names->strings[i].count);
}

/* By day and in order, as the import takes them. The sum of durations, of second legs only once. */
static int64_t check_days(const struct toll_delivery *delivery, const struct toll_gather *gather,
                          const struct toll_row_names *names, int64_t *legs)
{
    struct toll_row_slot slot = {0};
    int64_t *days, duration_ms = 0;
    size_t day_count, count = 0;
    TOLL_ASSERT(toll_gather_days(gather, true, &days, &day_count, NULL) == 0);
    for (size_t d = 0; d < day_count; d++) {
        struct toll_day_rows rows;
        TOLL_ASSERT(d == 0 || days[d] > days[d - 1]);
        TOLL_ASSERT(toll_gather_day(gather, days[d], &rows, NULL) == 0 && rows.count > 0);
        for (size_t i = 0; i < rows.count; i++) {
            const struct toll_slice_row *entry = &rows.entries[i];
            TOLL_ASSERT(toll_slice_take(rows.slices[entry->slice], entry->row, &slot));
            const struct toll_row *row = &slot.row;
            check_row(row, names);
            TOLL_ASSERT(toll_day_of_ms(row->start) == days[d]);
            TOLL_ASSERT(row->start >= delivery->first_start && row->start <= delivery->last_start);
            TOLL_ASSERT(row->source_row >= 1 && row->source_row <= delivery->rows);
            TOLL_ASSERT(i == 0 || toll_day_rows_compare(&rows, entry - 1, entry) <= 0);
            const bool second = (row->kind & TOLL_KIND_LEG) != 0 && (row->kind & TOLL_KIND_IN) != 0;
            *legs += second;
            duration_ms += second ? 0 : row->duration_ms;
        }
        count += rows.count;
        toll_day_rows_free(&rows);
    }
    TOLL_ASSERT(count == (size_t)(delivery->accepted + delivery->legs));
    free(slot.text);
    free(days);
    return duration_ms;
}

static void check_delivery(const struct toll_delivery *delivery, const struct toll_gather *gather,
                           const struct toll_row_names *names)
{
    int64_t rows = 0, accepted = 0, rejected = 0, legs = 0;
    TOLL_ASSERT(check_days(delivery, gather, names, &legs) == delivery->duration_ms);
    TOLL_ASSERT(legs == delivery->legs);
    for (size_t c = 0; c < gather->held_count; c++) {
        const struct toll_chunk *chunk = &gather->held[c]->chunk;
        rows += chunk->data_rows;
        accepted += (int64_t)chunk->row_count - chunk->legs;
        rejected += (int64_t)chunk->reject_count;
    }
    TOLL_ASSERT(rows == delivery->rows && rows == accepted + rejected);
    TOLL_ASSERT(accepted == delivery->accepted && rejected == delivery->rejected);
    TOLL_ASSERT(delivery->warnings <= accepted);
    TOLL_ASSERT((rejected > 0) == (delivery->rejects.bytes > 0));
}

/* The rejects file, unpacked, ends with the raw lines, in order. */
static void check_rejects(const struct toll_delivery *delivery, const struct toll_gather *gather)
{
    char *out;
    size_t bytes;
    TOLL_ASSERT(
        toll_rejects_unwrap("r", delivery->rejects.data, delivery->rejects.bytes, &out, &bytes, NULL) == 1);
    for (size_t c = gather->held_count; c-- > 0;) {
        for (size_t i = gather->held[c]->chunk.reject_count; i-- > 0;) {
            const struct toll_reject *reject = &gather->held[c]->chunk.rejects[i];
            TOLL_ASSERT(reject->raw_bytes > 0 && toll_reject_name(reject->reason)[0] != 0);
            TOLL_ASSERT(bytes > reject->raw_bytes && out[bytes - 1] == '\n');
            bytes -= reject->raw_bytes + 1;
            TOLL_ASSERT(memcmp(out + bytes, reject->raw, reject->raw_bytes) == 0);
        }
    }
    free(out);
}

/* ---- one piece and two ---- */

/* A second leg is its record's first with the other direction and another key. */
static bool second_leg(const struct toll_row *rows, size_t index)
{
    const struct toll_row *row = &rows[index], *out = row - 1;
    if ((row->kind & TOLL_KIND_LEG) == 0 || (row->kind & TOLL_KIND_IN) == 0)
        return false;
    TOLL_ASSERT(index > 0 && out->source_row == row->source_row && out->start == row->start);
    TOLL_ASSERT((out->kind | TOLL_KIND_IN) == row->kind && out->kind != row->kind);
    TOLL_ASSERT(out->key_high == row->key_high && (out->key_low ^ 1) == row->key_low);
    TOLL_ASSERT(out->duration_ms == row->duration_ms);
    return true;
}

static void check_same_row(const struct toll_row *a, const struct toll_row *b)
{
    const size_t letters = (size_t)a->record_id_bytes + a->caller_bytes + a->callee_bytes;
    TOLL_ASSERT(a->start == b->start && a->key_high == b->key_high && a->key_low == b->key_low);
    TOLL_ASSERT(a->caller == b->caller && a->callee == b->callee && a->kind == b->kind);
    TOLL_ASSERT(a->duration_ms == b->duration_ms && a->record_id_bytes == b->record_id_bytes);
    TOLL_ASSERT(a->caller_bytes == b->caller_bytes && a->callee_bytes == b->callee_bytes);
    TOLL_ASSERT(letters == 0 || memcmp(a->text, b->text, letters) == 0);
}

/* Packed rows are what they were before: names and optional values, too. */
static void check_packed(const struct toll_chunk *whole, struct toll_ordered *ordered)
{
    struct chunk_rows all = chunk_rows_take(whole);
    const struct toll_row *rows = all.rows;
    struct toll_row_slot slot = {0};
    struct toll_pool pool;
    size_t count = 0;
    toll_pool_init(&pool, 0);
    struct toll_sha256_walk walk = {.at = NULL};
    TOLL_ASSERT(toll_ordered_make(ordered, &pool, &walk, NULL) == 0);
    for (size_t s = 0; s < ordered->slice_count; s++) {
        const struct toll_day_slice *slice = &ordered->slices[s];
        for (size_t i = 0; i < slice->count; i++, count++) {
            size_t low = 0, high = whole->row_count;
            TOLL_ASSERT(toll_slice_take(slice, i, &slot));
            while (low < high) { /* the first row of the record */
                const size_t middle = (low + high) / 2;
                if (rows[middle].source_row < slot.row.source_row)
                    low = middle + 1;
                else
                    high = middle;
            }
            TOLL_ASSERT(low < whole->row_count);
            low += rows[low].kind != slot.row.kind;
            const struct toll_row *row = &rows[low];
            TOLL_ASSERT(low < whole->row_count && row->source_row == slot.row.source_row);
            check_same_row(row, &slot.row);
            TOLL_ASSERT(row->carrier == slot.row.carrier);
            const struct toll_row_extra *a = toll_row_extra(row), *b = toll_row_extra(&slot.row);
            TOLL_ASSERT(memcmp(a, b, offsetof(struct toll_row_extra, unused)) == 0);
        }
    }
    TOLL_ASSERT(count == whole->row_count);
    free(slot.text);
    chunk_rows_free(&all);
    toll_ordered_free(ordered);
    toll_pool_free(&pool);
}

static void check_same(const struct toll_chunk *whole, const struct toll_chunk pieces[2])
{
    struct chunk_rows all = chunk_rows_take(whole);
    size_t row = 0;
    int64_t legs = 0;
    TOLL_ASSERT(whole->row_count == pieces[0].row_count + pieces[1].row_count);
    TOLL_ASSERT(whole->reject_count == pieces[0].reject_count + pieces[1].reject_count);
    TOLL_ASSERT(whole->lines == pieces[0].lines + pieces[1].lines);
    TOLL_ASSERT(whole->duration_ms == pieces[0].duration_ms + pieces[1].duration_ms);
    for (int p = 0; p < 2; p++) {
        struct chunk_rows piece = chunk_rows_take(&pieces[p]);
        for (size_t i = 0; i < pieces[p].row_count; i++, row++) {
            check_same_row(&all.rows[row], &piece.rows[i]);
            legs += second_leg(all.rows, row);
        }
        chunk_rows_free(&piece);
    }
    chunk_rows_free(&all);
    TOLL_ASSERT(legs == whole->legs);
}

static void check_pieces(const struct toll_spec *spec, const char *data, size_t size)
{
    struct toll_layout layout;
    struct toll_chunk whole, pieces[2];
    if (spec->multiline || toll_recognise(spec, "f", data, size, &layout, NULL) != 0)
        return;
    const size_t from = layout.start.offset, middle = from + (size - from) / 2;
    const char *end = memchr(data + middle, layout.start.line_end, size - middle);
    if (end == NULL)
        return;
    const size_t cut = (size_t)(end - data) + 1;
    layout.kernels = toll_kernels_select(toll_cpu_features());
    TOLL_ASSERT(toll_chunk_read(spec, &layout, "c", NULL, from, size, &whole, NULL) == 0);
    struct toll_ordered *ordered = calloc(1, sizeof *ordered);
    TOLL_ASSERT(ordered != NULL);
    TOLL_ASSERT(toll_chunk_read(spec, &layout, "c", NULL, from, size, &ordered->chunk, NULL) == 0);
    check_packed(&whole, ordered);
    layout.row_by_row = true; /* the pieces in the other way */
    TOLL_ASSERT(toll_chunk_read(spec, &layout, "c", NULL, from, cut, &pieces[0], NULL) == 0);
    TOLL_ASSERT(toll_chunk_read(spec, &layout, "c", NULL, cut, size, &pieces[1], NULL) == 0);
    check_same(&whole, pieces);
    toll_chunk_free(&whole);
    toll_chunk_free(&pieces[0]);
    toll_chunk_free(&pieces[1]);
}

/* ---- the whole way ---- */

static void read_file(const struct toll_spec *spec, struct memory_io *memory, const char *data, size_t size)
{
    const struct toll_dataset nothing = {0};
    struct toll_row_names names = {0};
    struct toll_gather gather = {
        .io = &memory->io, .threads = 1, .names = &names, .memory = {.limit = (size_t)1 << 30}};
    struct toll_findings findings;
    struct toll_delivery delivery;
    struct toll_error error;
    toll_gather_init(&gather);
    const struct toll_delivery_run run = {.io = &memory->io,
                                          .spec = spec,
                                          .dataset = &nothing,
                                          .carrier = "c",
                                          .gather = &gather,
                                          .kernels = toll_kernels_select(toll_cpu_features()),
                                          .fast_sha256 = toll_sha256_is_fast(),
                                          .findings = &findings};
    toll_findings_init(&findings, NULL);
    memory_add(memory, "f.csv", data, size);
    if (toll_delivery_read(&run, "f.csv", NULL, 0, &delivery, &error) != 0)
        toll_check_failed(__FILE__, __LINE__, error.text);
    TOLL_ASSERT(strlen(delivery.sha256) == 64 && delivery.bytes == (int64_t)size);
    if (delivery.refused) {
        TOLL_ASSERT(findings.errors > 0);
        fuzz_check_line(findings.first_text);
    } else {
        if (delivery.rejects.bytes > 0)
            check_rejects(&delivery, &gather);
        TOLL_ASSERT(toll_row_names_rank(&names));
        check_delivery(&delivery, &gather, &names);
    }
    toll_delivery_free(&delivery);
    toll_gather_free(&gather);
    toll_row_names_free(&names);
    check_pieces(spec, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct memory_io memory;
    struct toll_findings findings;
    struct toll_spec own = {0};
    const struct toll_spec *spec;
    memory_io_init(&memory);
    load_shipped(&memory);
    const unsigned choice = (unsigned)fuzz_take(&input, 1);
    spec = &shipped[choice % SHIPPED];
    if (choice == 0xFF) {
        const uint8_t *end = input.left == 0 ? NULL : memmem(input.at, input.left, "\n%%\n", 4);
        size_t got;
        if (end == NULL)
            return 0;
        const size_t bytes = (size_t)(end - input.at) + 1;
        const char *text = (const char *)fuzz_span(&input, bytes + 3, &got);
        toll_findings_init(&findings, NULL);
        const int code = toll_spec_parse(&own, &memory.io, "s.yaml", text, bytes, &findings, NULL);
        spec = &own;
        if (code != 0)
            spec = NULL;
    }
    if (spec != NULL) {
        char *file = fuzz_copy(input.at, input.left);
        read_file(spec, &memory, file, input.left);
        free(file);
    }
    toll_spec_free(&own);
    TOLL_ASSERT(memory.open == 0);
    return 0;
}
