/*
 * The small tables of a run to Arrow bytes. Small by their meaning: prices.arrow of a month by sixteen decks
 * has millions of rows. So nothing is gathered first: each batch is put where it belongs in the file, block
 * of rows by block, by whichever thread comes to it; its words have numbers of that thread's then. When all
 * are known and sorted, the numbers become places in the dictionaries, and the batches get their checksums.
 * Columns that may be narrow are begun so; where a value or the number of words does not fit, all is put once
 * more. So the bytes depend on the rows alone.
 */
#include "base/check.h"
#include "base/error.h"
#include "base/large.h"
#include "segment/price_terms.h"
#include "segment/run_tables.h"
#include "segment/run_words.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX 16
#define BATCHES_FOR_THREADS 4
#define BLOCK_ROWS 1024                /* that are made at once: they stay in the second cache */
#define TAIL_BYTES ((size_t)64 * 1024) /* room for it where there are no words to speak of */
_Static_assert(TOLL_ARROW_BATCH_ROWS % BLOCK_ROWS == 0, "blocks fill batches");

/* ---- one file ---- */

struct worker {
    struct encode *encode;
    pthread_t thread;
    struct toll_words words[TOLL_ARROW_COLUMNS]; /* by column */
    struct toll_price_terms terms;               /* of a packed table */
    uint64_t wide;                               /* bits of columns that are too narrow for what it met */
    char *block;                                 /* of rows that are made; NULL: they lie in an array */
    bool failed;                                 /* out of memory */
};
struct encode {
    const struct toll_run_table *table;
    const struct toll_run_packed *packed; /* NULL: all is in one file */
    struct toll_arrow_field fields[TOLL_ARROW_COLUMNS];
    struct toll_arrow_schema schema; /* as it is written: some columns may be narrower */
    const struct toll_run_rows *rows;
    struct toll_arrow_plan plan;
    int64_t *text_bytes; /* batch x text column */
    unsigned texts;
    uint8_t *bytes;   /* the file */
    uint8_t *batches; /* who put each: index of workers */
    struct worker *workers;
    unsigned worker_count;
    uint64_t wide;                            /* bits of columns that must be wider */
    const char **entries[TOLL_ARROW_COLUMNS]; /* by column */
    uint32_t entry_counts[TOLL_ARROW_COLUMNS];
    struct toll_price_row *terms; /* of a packed table, when they are known */
    size_t term_count;
    atomic_llong next; /* the batch that nobody has begun */
};

static const char *text_at(const char *row, uint16_t offset)
{
    const char *text;
    memcpy(&text, row + offset, sizeof text);
    return text != NULL ? text : "";
}

static bool is_terms(const struct encode *encode, unsigned column)
{
    const struct toll_run_packed *packed = encode->packed;
    return packed != NULL && packed->terms != NULL && column == packed->terms_column;
}

static int no_memory(const struct encode *encode, struct toll_error *error)
{
    return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", encode->table->file);
}

static const char *rows_at(const struct worker *worker, int64_t first, int64_t count)
{
    const struct toll_run_rows *rows = worker->encode->rows;
    if (rows->make == NULL)
        return (const char *)rows->rows + (size_t)first * worker->encode->table->row_bytes;
    rows->make(rows->context, first, count, worker->block);
    return worker->block;
}

static int64_t block_of(int64_t left)
{
    return left < BLOCK_ROWS ? left : BLOCK_ROWS;
}

static int measure_texts(struct encode *encode, int64_t count, struct toll_error *error)
{
    const struct toll_run_table *table = encode->table;
    encode->texts = toll_arrow_text_count(&table->schema);
    encode->text_bytes =
        calloc((size_t)(count / TOLL_ARROW_BATCH_ROWS + 1) * (encode->texts + 1), sizeof *encode->text_bytes);
    if (encode->text_bytes == NULL)
        return no_memory(encode, error);
    for (int64_t first = 0; encode->texts > 0 && first < count; first += BLOCK_ROWS) {
        const int64_t rows = block_of(count - first);
        const char *row = rows_at(&encode->workers[0], first, rows);
        int64_t *bytes = encode->text_bytes + first / TOLL_ARROW_BATCH_ROWS * encode->texts;
        for (unsigned c = 0, text = 0; c < table->schema.count; c++) {
            if (table->schema.fields[c].type != TOLL_ARROW_UTF8)
                continue;
            for (int64_t i = 0; i < rows; i++)
                bytes[text] +=
                    (int64_t)strlen(text_at(row + (size_t)i * table->row_bytes, table->offsets[c]));
            text++;
        }
    }
    return 0;
}

/* ---- a block of rows ---- */

struct place { /* where a column's next value goes */
    uint8_t *values, *texts;
    int32_t text_bytes; /* so far */
};

static void put_texts(const char *row, size_t row_bytes, int64_t count, struct place *place)
{
    for (int64_t i = 0; i < count; i++, row += row_bytes) {
        const char *text = text_at(row, 0);
        const size_t length = strlen(text);
        memcpy(place->texts + place->text_bytes, text, length);
        place->text_bytes += (int32_t)length;
        memcpy(place->values, &place->text_bytes, sizeof place->text_bytes);
        place->values += sizeof place->text_bytes;
    }
}

/* The numbers of more words than 16 bits hold are found when the dictionary is made: they are too many. */
static bool put_words(const char *row, size_t row_bytes, int64_t count, size_t width,
                      struct toll_words *words, struct place *place)
{
    const char *last = NULL;
    uint32_t word = 0;
    for (int64_t i = 0; i < count; i++, row += row_bytes) {
        const char *text = text_at(row, 0);
        if (text != last && !toll_words_number(words, text, &word))
            return false;
        last = text;
        if (width == sizeof(uint16_t))
            memcpy(place->values, &(uint16_t){(uint16_t)word}, sizeof(uint16_t));
        else
            memcpy(place->values, &word, sizeof word);
        place->values += width;
    }
    return true;
}

static void put_values(const char *row, size_t row_bytes, int64_t count, size_t width, struct place *place)
{
    for (int64_t i = 0; i < count; i++, row += row_bytes) {
        if (width == sizeof(int32_t))
            memcpy(place->values, row, sizeof(int32_t));
        else
            memcpy(place->values, row, sizeof(int64_t));
        place->values += width;
    }
}

/* What is put narrower than it is: 64 bits in 32, or 32 in 16 without a sign. False: some value does not fit.
 */
static bool put_narrow(const char *row, size_t row_bytes, int64_t count, size_t width, struct place *place)
{
    bool fits = true;
    for (int64_t i = 0; i < count; i++, row += row_bytes) {
        if (width == sizeof(uint16_t)) {
            int32_t value;
            memcpy(&value, row, sizeof value);
            fits = fits && (uint16_t)value == value;
            memcpy(place->values, &(uint16_t){(uint16_t)value}, sizeof(uint16_t));
        } else {
            int64_t value;
            memcpy(&value, row, sizeof value);
            fits = fits && (int32_t)value == value;
            memcpy(place->values, &(int32_t){(int32_t)value}, sizeof(int32_t));
        }
        place->values += width;
    }
    return fits;
}

/* Numbers of terms, which become ids as words become places. */
static bool put_terms(const char *row, size_t row_bytes, int64_t count, size_t width,
                      struct toll_price_terms *terms, struct place *place)
{
    for (int64_t i = 0; i < count; i++, row += row_bytes) {
        uint32_t number;
        if (!toll_price_terms_number(terms, (const struct toll_price_row *)(const void *)row, &number))
            return false;
        if (width == sizeof(uint16_t))
            memcpy(place->values, &(uint16_t){(uint16_t)number}, sizeof(uint16_t));
        else
            memcpy(place->values, &number, sizeof number);
        place->values += width;
    }
    return true;
}

static bool put_column(struct worker *worker, unsigned column, const char *rows, int64_t count,
                       struct place *place)
{
    const struct encode *encode = worker->encode;
    const struct toll_run_table *table = encode->table;
    const enum toll_arrow_type type = encode->fields[column].type;
    const size_t width = toll_arrow_width(type);
    const char *row = rows + table->offsets[column];
    bool put = true, fits = true;
    if (is_terms(encode, column)) {
        put = put_terms(rows, table->row_bytes, count, width, &worker->terms, place);
        fits = width > sizeof(uint16_t) || worker->terms.count <= UINT16_MAX;
    } else if (type == TOLL_ARROW_UTF8) {
        put_texts(row, table->row_bytes, count, place);
    } else if (toll_arrow_is_dictionary(type)) {
        put = put_words(row, table->row_bytes, count, width, &worker->words[column], place);
        fits = width > sizeof(uint16_t) || worker->words[column].count <= UINT16_MAX ||
               type == table->schema.fields[column].type; /* told with their number when all are known */
    } else if (type != table->schema.fields[column].type) {
        fits = put_narrow(row, table->row_bytes, count, width, place);
    } else {
        put_values(row, table->row_bytes, count, width, place);
    }
    worker->wide |= (uint64_t)!fits << column;
    return put;
}

static bool put_block(struct worker *worker, int64_t first, int64_t count, struct place *places)
{
    const struct toll_run_table *table = worker->encode->table;
    const char *rows = rows_at(worker, first, count);
    bool put = true;
    for (unsigned c = 0; put && c < table->schema.count; c++)
        put = put_column(worker, c, rows, count, &places[c]);
    return put;
}

/* ---- batches, twice ---- */

static uint8_t *batch_body(const struct encode *encode, int64_t index, struct toll_arrow_buffer *buffers,
                           unsigned *count)
{
    const struct toll_arrow_plan *plan = &encode->plan;
    toll_arrow_batch_layout(plan->schema, toll_arrow_batch_rows(plan->rows, index),
                            encode->text_bytes + index * encode->texts, buffers, count);
    return encode->bytes + plan->batch_offset[index] + plan->message_bytes;
}

static bool put_batch(struct worker *worker, int64_t index)
{
    struct encode *encode = worker->encode;
    const struct toll_arrow_schema *schema = &encode->schema;
    const int64_t rows = toll_arrow_batch_rows(encode->plan.rows, index);
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
    struct place places[TOLL_ARROW_COLUMNS];
    uint8_t *body = batch_body(encode, index, buffers, NULL);
    bool put = true;
    for (unsigned c = 0, b = 0; c < schema->count; c++, b++) {
        places[c] = (struct place){.values = body + buffers[b].offset};
        if (schema->fields[c].type != TOLL_ARROW_UTF8)
            continue;
        memset(places[c].values, 0, sizeof(int32_t));
        places[c].values += sizeof(int32_t);
        places[c].texts = body + buffers[++b].offset;
    }
    encode->batches[index] = (uint8_t)(worker - encode->workers);
    for (int64_t at = 0; put && worker->wide == 0 && at < rows; at += BLOCK_ROWS)
        put = put_block(worker, index * TOLL_ARROW_BATCH_ROWS + at, block_of(rows - at), places);
    return put;
}

static void *put_batches(void *argument)
{
    struct worker *worker = argument;
    struct encode *encode = worker->encode;
    int64_t index;
    while (!worker->failed && worker->wide == 0 &&
           (index = atomic_fetch_add(&encode->next, 1)) < encode->plan.batches)
        worker->failed = !put_batch(worker, index);
    return NULL;
}

static void place_words(uint8_t *values, int64_t count, size_t width, const uint32_t *places)
{
    uint16_t *narrow = (uint16_t *)(void *)values;
    uint32_t *wide = (uint32_t *)(void *)values;
    for (int64_t i = 0; i < count; i++) {
        if (width == sizeof *narrow)
            narrow[i] = (uint16_t)places[narrow[i]];
        else
            wide[i] = places[wide[i]];
    }
}

static void finish_batch(const struct encode *encode, int64_t index)
{
    const struct toll_arrow_schema *schema = &encode->schema;
    const struct worker *putter = &encode->workers[encode->batches[index]];
    const int64_t rows = toll_arrow_batch_rows(encode->plan.rows, index);
    struct toll_arrow_buffer buffers[TOLL_ARROW_BUFFERS];
    struct toll_hash128 hashes[TOLL_ARROW_BUFFERS];
    unsigned count;
    uint8_t *body = batch_body(encode, index, buffers, &count);
    for (unsigned c = 0, b = 0; c < schema->count; c++, b++) {
        const enum toll_arrow_type type = schema->fields[c].type;
        if (toll_arrow_is_dictionary(type))
            place_words(body + buffers[b].offset, rows, toll_arrow_width(type), putter->words[c].places);
        else if (is_terms(encode, c))
            place_words(body + buffers[b].offset, rows, toll_arrow_width(type), putter->terms.ids);
        b += type == TOLL_ARROW_UTF8;
    }
    for (unsigned b = 0; b < count; b++) {
        const size_t padded = toll_arrow_pad(buffers[b].bytes);
        memset(body + buffers[b].offset + buffers[b].bytes, 0, padded - buffers[b].bytes);
        hashes[b] = toll_hash(body + buffers[b].offset, padded);
    }
    toll_arrow_batch_message(&encode->plan, rows, buffers, hashes,
                             encode->bytes + encode->plan.batch_offset[index]);
}

static void *finish_batches(void *argument)
{
    struct encode *encode = ((struct worker *)argument)->encode;
    int64_t index;
    while ((index = atomic_fetch_add(&encode->next, 1)) < encode->plan.batches)
        finish_batch(encode, index);
    return NULL;
}

/* The caller works, too; a thread that cannot be had is not missed. */
static bool for_batches(struct encode *encode, void *(*work)(void *))
{
    bool failed = false, started[THREADS_MAX] = {false};
    atomic_store(&encode->next, 0);
    for (unsigned i = 1; i < encode->worker_count; i++)
        started[i] = pthread_create(&encode->workers[i].thread, NULL, work, &encode->workers[i]) == 0;
    work(&encode->workers[0]);
    for (unsigned i = 1; i < encode->worker_count; i++)
        if (started[i])
            pthread_join(encode->workers[i].thread, NULL);
    for (unsigned i = 0; i < encode->worker_count; i++)
        failed = failed || encode->workers[i].failed;
    return !failed;
}

/* ---- dictionaries ---- */

/* All workers' words of a column. */
static bool list_words(struct encode *encode, unsigned column, struct toll_word *list)
{
    for (unsigned i = 0; i < encode->worker_count; i++) {
        struct toll_words *words = &encode->workers[i].words[column];
        words->places = malloc((words->count + 1) * sizeof *words->places);
        if (words->places == NULL)
            return false;
        for (size_t s = 0; s < words->slot_count; s++)
            if (words->slots[s].text != NULL)
                *list++ = (struct toll_word){words->slots[s].text, &words->places[words->slots[s].word]};
    }
    return true;
}

/* Each once, and the places of all. */
static bool make_dictionary(struct encode *encode, unsigned column)
{
    size_t count = 0;
    for (unsigned i = 0; i < encode->worker_count; i++)
        count += encode->workers[i].words[column].count;
    struct toll_word *words = malloc((count + 1) * sizeof *words);
    struct toll_run_words dictionary = {0};
    const bool made =
        words != NULL && list_words(encode, column, words) && toll_words_sort(words, count, &dictionary);
    encode->entries[column] = dictionary.entries;
    encode->entry_counts[column] = dictionary.count;
    free(words);
    return made;
}

static int make_dictionaries(struct encode *encode, struct toll_error *error)
{
    const struct toll_arrow_schema *schema = &encode->schema;
    for (unsigned c = 0; c < schema->count; c++) {
        const enum toll_arrow_type type = schema->fields[c].type;
        if (!toll_arrow_is_dictionary(type))
            continue;
        if (!make_dictionary(encode, c))
            return no_memory(encode, error);
        if (type != TOLL_ARROW_DICTIONARY_UINT16 || encode->entry_counts[c] <= UINT16_MAX)
            continue;
        encode->wide |= UINT64_C(1) << c;
        if (type == encode->table->schema.fields[c].type)
            return toll_error_set(
                error, TOLL_EDATA, "%s: column %s has %u words, more than its %d; rate fewer days at a time",
                encode->table->file, schema->fields[c].name, encode->entry_counts[c], UINT16_MAX);
    }
    return 0;
}

static int join_terms(struct encode *encode, struct toll_error *error)
{
    struct toll_price_terms *lists[THREADS_MAX];
    if (encode->packed == NULL || encode->packed->terms == NULL)
        return 0;
    const unsigned column = encode->packed->terms_column;
    for (unsigned i = 0; i < encode->worker_count; i++)
        lists[i] = &encode->workers[i].terms;
    encode->terms = toll_price_terms_join(lists, encode->worker_count, &encode->term_count);
    if (encode->fields[column].type == TOLL_ARROW_UINT16 && encode->term_count > UINT16_MAX)
        encode->wide |= UINT64_C(1) << column;
    return encode->terms != NULL ? 0 : no_memory(encode, error);
}

/* ---- the file ---- */

static int begin_workers(struct encode *encode, int64_t count, unsigned threads, struct toll_error *error)
{
    const unsigned most = count / TOLL_ARROW_BATCH_ROWS < BATCHES_FOR_THREADS ? 1 : THREADS_MAX;
    encode->worker_count = threads < 1 ? 1 : threads < most ? threads : most;
    encode->workers = calloc(encode->worker_count, sizeof *encode->workers);
    encode->batches = calloc((size_t)(count / TOLL_ARROW_BATCH_ROWS + 1), 1);
    bool good = encode->workers != NULL && encode->batches != NULL;
    for (unsigned i = 0; good && i < encode->worker_count; i++) {
        encode->workers[i].encode = encode;
        if (encode->rows->make != NULL)
            good = (encode->workers[i].block = malloc(BLOCK_ROWS * encode->table->row_bytes)) != NULL;
    }
    return good ? 0 : no_memory(encode, error);
}

/* Behind the batches there is room for most tails; for a larger one all is copied. */
static int put_tail(struct encode *encode, size_t room, struct toll_arrow_memory *memory,
                    struct toll_error *error)
{
    const struct toll_arrow_plan *plan = &encode->plan;
    const size_t tail_at = (size_t)plan->batch_offset[plan->batches];
    struct toll_arrow_dictionary dictionaries[TOLL_ARROW_COLUMNS];
    unsigned count = 0;
    uint8_t *tail = NULL;
    size_t tail_bytes;
    for (unsigned c = 0; c < plan->schema->count; c++)
        if (toll_arrow_is_dictionary(plan->schema->fields[c].type))
            dictionaries[count++] =
                (struct toll_arrow_dictionary){encode->entries[c], encode->entry_counts[c]};
    int rc = toll_arrow_tail(plan, dictionaries, &tail, &tail_bytes, error);
    if (rc == 0 && tail_bytes > room - tail_at) {
        uint8_t *larger = toll_large_array(tail_at + tail_bytes);
        if (larger != NULL) {
            memcpy(larger, encode->bytes, tail_at);
            free(encode->bytes);
            encode->bytes = larger;
        } else {
            rc = no_memory(encode, error);
        }
    }
    if (rc == 0) {
        memcpy(encode->bytes + tail_at, tail, tail_bytes);
        *memory = (struct toll_arrow_memory){encode->bytes, tail_at + tail_bytes, tail_at + tail_bytes};
        encode->bytes = NULL;
    }
    free(tail);
    return rc;
}

/* All rows into the file, but for the places of their words. */
static int put_all(struct encode *encode, int64_t count, size_t *room, struct toll_error *error)
{
    int rc = toll_arrow_plan_make(&encode->plan, &encode->schema, count, encode->text_bytes, error);
    if (rc != 0)
        return rc;
    const size_t body = (size_t)encode->plan.batch_offset[encode->plan.batches];
    *room = body + TAIL_BYTES + (toll_arrow_dictionary_count(&encode->schema) > 0 ? body / 8 : 0);
    encode->bytes = toll_large_array(*room);
    if (encode->bytes == NULL || !for_batches(encode, put_batches))
        return no_memory(encode, error);
    for (unsigned i = 0; i < encode->worker_count; i++)
        encode->wide |= encode->workers[i].wide;
    if (encode->wide == 0)
        rc = join_terms(encode, error);
    return rc == 0 && encode->wide == 0 ? make_dictionaries(encode, error) : rc;
}

static void forget_all(struct encode *encode)
{
    const unsigned columns = encode->table->schema.count;
    for (unsigned i = 0; encode->workers != NULL && i < encode->worker_count; i++) {
        struct worker *worker = &encode->workers[i];
        for (unsigned c = 0; c < columns; c++)
            toll_words_free(&worker->words[c]);
        toll_price_terms_free(&worker->terms);
        worker->wide = 0;
    }
    for (unsigned c = 0; c < columns; c++) {
        free(encode->entries[c]);
        encode->entries[c] = NULL;
    }
    free(encode->terms);
    encode->terms = NULL;
    free(encode->bytes);
    encode->bytes = NULL;
    toll_arrow_plan_free(&encode->plan);
}

/* Each time at least one column gets its own type. */
static int put_wide_enough(struct encode *encode, int64_t count, size_t *room, struct toll_error *error)
{
    int rc = put_all(encode, count, room, error);
    while (rc == 0 && encode->wide != 0) {
        for (unsigned c = 0; c < encode->schema.count; c++)
            if ((encode->wide >> c & 1) != 0)
                encode->fields[c].type = encode->table->schema.fields[c].type;
        encode->wide = 0;
        forget_all(encode);
        rc = put_all(encode, count, room, error);
    }
    return rc;
}

static void choose_types(struct encode *encode)
{
    const struct toll_arrow_schema *schema = &encode->table->schema;
    for (unsigned c = 0; c < schema->count; c++) {
        encode->fields[c] = schema->fields[c];
        if (encode->packed != NULL)
            encode->fields[c].type = encode->packed->narrow[c];
    }
    encode->schema = (struct toll_arrow_schema){schema->name, encode->fields, schema->count};
}

static int encode_all(struct encode *encode, int64_t count, unsigned threads,
                      struct toll_arrow_memory *memory, struct toll_arrow_memory *terms,
                      struct toll_error *error)
{
    size_t room = 0;
    choose_types(encode);
    int rc = begin_workers(encode, count, threads, error);
    if (rc == 0)
        rc = measure_texts(encode, count, error);
    if (rc == 0)
        rc = put_wide_enough(encode, count, &room, error);
    if (rc == 0 && encode->terms != NULL)
        rc = toll_run_table_encode(encode->packed->terms, encode->terms, (int64_t)encode->term_count, terms,
                                   error);
    if (rc == 0) {
        toll_arrow_head(&encode->plan, encode->bytes);
        for_batches(encode, finish_batches);
        rc = put_tail(encode, room, memory, error);
    }
    return rc;
}

static int encode_by(const struct toll_run_table *table, const struct toll_run_packed *packed,
                     const struct toll_run_rows *rows, int64_t count, unsigned threads,
                     struct toll_arrow_memory *memory, struct toll_arrow_memory *terms,
                     struct toll_error *error)
{
    struct encode *encode = calloc(1, sizeof *encode);
    *memory = (struct toll_arrow_memory){0};
    if (encode == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "%s: out of memory", table->file);
    encode->table = table;
    encode->packed = packed;
    encode->rows = rows;
    const int rc = encode_all(encode, count, threads, memory, terms, error);
    forget_all(encode);
    for (unsigned i = 0; encode->workers != NULL && i < encode->worker_count; i++)
        free(encode->workers[i].block);
    free(encode->workers);
    free(encode->batches);
    free(encode->text_bytes);
    free(encode);
    return rc;
}

int toll_run_table_encode_by(const struct toll_run_table *table, const struct toll_run_rows *rows,
                             int64_t count, unsigned threads, struct toll_arrow_memory *memory,
                             struct toll_error *error)
{
    return encode_by(table, NULL, rows, count, threads, memory, NULL, error);
}

int toll_run_packed_encode(const struct toll_run_packed *packed, const struct toll_run_rows *rows,
                           int64_t count, unsigned threads, struct toll_arrow_memory *memory,
                           struct toll_arrow_memory *terms, struct toll_error *error)
{
    if (terms != NULL)
        *terms = (struct toll_arrow_memory){0};
    const int rc = encode_by(packed->table, packed, rows, count, threads, memory, terms, error);
    if (rc != 0 && terms != NULL) {
        free(terms->bytes);
        *terms = (struct toll_arrow_memory){0};
    }
    return rc;
}

int toll_run_table_encode(const struct toll_run_table *table, const void *rows, int64_t count,
                          struct toll_arrow_memory *memory, struct toll_error *error)
{
    return toll_run_table_encode_by(table, &(struct toll_run_rows){.rows = rows}, count, 1, memory, error);
}
