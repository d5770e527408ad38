/* A row on disk is 64 bytes, its optional values if it has any, and its texts. */
#include "ingest/runs.h"

#include "base/check.h"
#include "base/error.h"
#include "ingest/limits.h"

#include <stdlib.h>
#include <string.h>

#define HAS_EXTRA 0x8000u /* in record_id_bytes */

struct stored {
    int64_t start;
    uint64_t key_high, key_low;
    uint64_t caller, callee;
    int32_t duration_ms, source_row;
    uint32_t source, carrier;
    uint16_t kind, record_id_bytes, caller_bytes, callee_bytes;
};
_Static_assert(sizeof(struct stored) == 64, "TOLL_RUN_ROW_BYTES_MAX counts it");
_Static_assert(TOLL_INGEST_TEXT_MAX < HAS_EXTRA, "the bit is free");

static int no_memory(struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "import: out of memory");
}

void toll_run_free(struct toll_run *run)
{
    for (size_t i = 0; i < run->day_count; i++) {
        free(run->days[i].blocks);
        free(run->days[i].sources);
        toll_use_free(&run->days[i].use);
    }
    free(run->days);
    memset(run, 0, sizeof *run);
}

/* -- keys -- */

#define KEYS_OF_LIMIT 16 /* of the memory, for keys that wait, and once more for them sorted */
#define KEYS_LEAST ((size_t)TOLL_KEY_PARTITIONS * 64)

int toll_key_writer_open(struct toll_key_writer *writer, struct toll_spill *spill, struct toll_memory *memory,
                         bool old, struct toll_error *error)
{
    *writer = (struct toll_key_writer){.spill = spill, .memory = memory, .old = old};
    writer->room = memory->limit / (2 * KEYS_OF_LIMIT) / sizeof *writer->records;
    writer->room = writer->room < KEYS_LEAST ? KEYS_LEAST : writer->room;
    writer->records = malloc(writer->room * sizeof *writer->records);
    writer->spread = malloc(writer->room * sizeof *writer->spread);
    toll_memory_take(memory, 2 * writer->room * sizeof *writer->records);
    return writer->records == NULL || writer->spread == NULL ? no_memory(error) : 0;
}

int toll_key_writer_flush(struct toll_key_writer *writer, struct toll_error *error)
{
    const size_t bytes = writer->count * sizeof *writer->records;
    struct toll_key_run *runs, *run;
    uint64_t at[TOLL_KEY_PARTITIONS];

    if (writer->count == 0)
        return 0;
    runs = realloc(writer->runs, (writer->run_count + 1) * sizeof *runs);
    if (runs == NULL)
        return no_memory(error);
    writer->runs = runs;
    run = &runs[writer->run_count++];
    *run = (struct toll_key_run){.offset = toll_spill_reserve(writer->spill, bytes), .old = writer->old};
    for (size_t i = 0; i < writer->count; i++)
        run->at[toll_key_partition(writer->records[i].key_low) + 1]++;
    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++) {
        at[p] = run->at[p];
        run->at[p + 1] += run->at[p];
    }
    for (size_t i = 0; i < writer->count; i++)
        writer->spread[at[toll_key_partition(writer->records[i].key_low)]++] = writer->records[i];
    for (unsigned p = 0; p < TOLL_KEY_PARTITIONS; p++)
        run->hash[p] = toll_hash(writer->spread + run->at[p],
                                 (size_t)(run->at[p + 1] - run->at[p]) * sizeof *writer->spread);
    writer->count = 0;
    return toll_spill_write(writer->spill, writer->spread, bytes, run->offset, error);
}

static int hand_over(struct toll_key_writer *writer, struct toll_key_run **runs, size_t *count,
                     struct toll_error *error)
{
    struct toll_key_run *all = realloc(*runs, (*count + writer->run_count + 1) * sizeof *all);

    if (all == NULL)
        return no_memory(error);
    if (writer->run_count > 0)
        memcpy(all + *count, writer->runs, writer->run_count * sizeof *all);
    *runs = all;
    *count += writer->run_count;
    return 0;
}

int toll_key_writer_close(struct toll_key_writer *writer, int code, struct toll_key_run **runs, size_t *count,
                          struct toll_error *error)
{
    if (code == 0)
        code = toll_key_writer_flush(writer, error);
    if (code == 0)
        code = hand_over(writer, runs, count, error);
    toll_memory_give_back(writer->memory, 2 * writer->room * sizeof *writer->records);
    free(writer->records);
    free(writer->spread);
    free(writer->runs);
    return code;
}

/* -- writing -- */

static int flush(struct toll_run_writer *writer, struct toll_error *error)
{
    struct toll_run_day *day = writer->day;
    struct toll_run_block *block;
    int code;

    if (writer->rows == 0)
        return 0;
    if ((day->block_count & (day->block_count - 1)) == 0) {
        size_t room = day->block_count == 0 ? 1 : 2 * day->block_count;
        struct toll_run_block *larger = realloc(day->blocks, room * sizeof *larger);

        if (larger == NULL)
            return no_memory(error);
        day->blocks = larger;
    }
    block = &day->blocks[day->block_count];
    *block = (struct toll_run_block){.offset = toll_spill_reserve(writer->spill, writer->used),
                                     .bytes = (uint32_t)writer->used,
                                     .rows = writer->rows,
                                     .hash = toll_hash(writer->buffer, writer->used)};
    code = toll_spill_write(writer->spill, writer->buffer, writer->used, block->offset, error);
    if (code != 0)
        return code;
    day->block_count++;
    day->rows += writer->rows;
    writer->used = writer->rows = 0;
    return 0;
}

int toll_run_write_row(struct toll_run_writer *writer, const struct toll_row *row, struct toll_error *error)
{
    const size_t texts = (size_t)row->record_id_bytes + row->caller_bytes + row->callee_bytes;
    const size_t bytes = sizeof(struct stored) + (row->extra == NULL ? 0 : sizeof *row->extra) + texts;
    struct stored stored = {row->start,       row->key_high,    row->key_low,         row->caller,
                            row->callee,      row->duration_ms, row->source_row,      row->source,
                            row->carrier,     row->kind,        row->record_id_bytes, row->caller_bytes,
                            row->callee_bytes};
    uint8_t *at;

    if (writer->used + bytes > writer->block_bytes) {
        int code = flush(writer, error);

        if (code != 0)
            return code;
    }
    TOLL_ASSERT(writer->used + bytes <= writer->block_bytes);
    if (row->extra != NULL)
        stored.record_id_bytes |= HAS_EXTRA;
    at = writer->buffer + writer->used;
    memcpy(at, &stored, sizeof stored);
    at += sizeof stored;
    if (row->extra != NULL) {
        memcpy(at, row->extra, sizeof *row->extra);
        at += sizeof *row->extra;
    }
    if (texts > 0)
        memcpy(at, row->text, texts);
    writer->used += bytes;
    writer->rows++;
    return 0;
}

int toll_run_write_end(struct toll_run_writer *writer, struct toll_error *error)
{
    return flush(writer, error);
}

/* -- reading -- */

int toll_run_reader_open(struct toll_run_reader *reader, const struct toll_spill *spill,
                         const struct toll_run_day *day, struct toll_error *error)
{
    size_t largest = 0;

    *reader = (struct toll_run_reader){.spill = spill, .day = day};
    for (size_t i = 0; i < day->block_count; i++)
        largest = day->blocks[i].bytes > largest ? day->blocks[i].bytes : largest;
    reader->buffer = malloc(largest + 1);
    return reader->buffer == NULL ? no_memory(error) : 0;
}

void toll_run_reader_close(struct toll_run_reader *reader)
{
    free(reader->buffer);
    free(reader->slots[0].text);
    free(reader->slots[1].text);
    memset(reader, 0, sizeof *reader);
}

static int read_block(struct toll_run_reader *reader, struct toll_error *error)
{
    const struct toll_run_block *block = &reader->day->blocks[reader->block++];
    int code = toll_spill_read(reader->spill, reader->buffer, block->bytes, block->offset, error);

    if (code != 0)
        return code;
    if (!toll_hash_equal(toll_hash(reader->buffer, block->bytes), block->hash))
        return toll_spill_damaged(reader->spill, error);
    reader->at = 0;
    reader->used = block->bytes;
    return 0;
}

int toll_run_reader_next(struct toll_run_reader *reader, struct toll_row **row, struct toll_error *error)
{
    struct toll_row_slot *slot = &reader->slots[reader->turn ^= 1];
    struct stored stored;
    size_t texts;
    char *text;
    int code;

    *row = NULL;
    if (reader->at == reader->used) {
        if (reader->block == reader->day->block_count)
            return 0;
        code = read_block(reader, error);
        if (code != 0)
            return code;
    }
    memcpy(&stored, reader->buffer + reader->at, sizeof stored);
    reader->at += sizeof stored;
    slot->row = (struct toll_row){.start = stored.start,
                                  .key_high = stored.key_high,
                                  .key_low = stored.key_low,
                                  .caller = stored.caller,
                                  .callee = stored.callee,
                                  .duration_ms = stored.duration_ms,
                                  .source_row = stored.source_row,
                                  .source = stored.source,
                                  .carrier = stored.carrier,
                                  .kind = stored.kind,
                                  .record_id_bytes = stored.record_id_bytes & (uint16_t)~HAS_EXTRA,
                                  .caller_bytes = stored.caller_bytes,
                                  .callee_bytes = stored.callee_bytes};
    if (stored.record_id_bytes & HAS_EXTRA) {
        memcpy(&slot->extra, reader->buffer + reader->at, sizeof slot->extra);
        reader->at += sizeof slot->extra;
        slot->row.extra = &slot->extra;
    }
    texts = (size_t)slot->row.record_id_bytes + slot->row.caller_bytes + slot->row.callee_bytes;
    text = toll_row_slot_text(slot, texts);
    if (text == NULL)
        return no_memory(error);
    if (texts > 0)
        memcpy(text, reader->buffer + reader->at, texts);
    slot->row.text = text;
    reader->at += texts;
    *row = &slot->row;
    return 0;
}
