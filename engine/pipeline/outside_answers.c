/* Answers of an outside engine: read, joined with the lines that were sent, and what does not agree noted. */
#include "pipeline/outside_answers.h"

#include "base/check.h"
#include "io/file.h"
#include "text/json_read.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- members ---- */

const char *toll_answer_text(struct toll_yaml *map, const char *key)
{
    const struct toll_yaml *node = toll_yaml_get(map, key);
    return toll_json_is_null(node) || node->kind != TOLL_YAML_SCALAR ? "" : node->text;
}

int toll_answer_shape(struct toll_tax_outside *o, const struct toll_yaml *node, const char *what,
                      struct toll_error *error)
{
    return toll_error_set(error, TOLL_EDATA, "%s:%ld:%ld: %s", o->file, node->line, node->column, what);
}

int toll_answer_number(struct toll_tax_outside *o, struct toll_yaml *map, const char *key,
                       struct toll_rational *out, struct toll_error *error)
{
    const struct toll_yaml *node = toll_yaml_get(map, key);

    toll_rational_zero(out);
    if (toll_json_is_null(node))
        return 0;
    if (node->kind != TOLL_YAML_SCALAR || !toll_exact_parse(node->text, out))
        return toll_error_set(error, TOLL_EDATA, "%s:%ld:%ld: \"%s\" is no number that can be kept exactly",
                              o->file, node->line, node->column, key);
    return 0;
}

const char *toll_answer_words(struct toll_tax_outside *o, struct toll_yaml *map, const char *code_key,
                              const char *words_key)
{
    char text[400];
    const char *copy;

    if (!toll_json_is_map(map))
        return "";
    snprintf(text, sizeof(text), "%.40s: %.300s", toll_answer_text(map, code_key),
             toll_answer_text(map, words_key));
    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = ' ';
    copy = toll_arena_copy(&o->arena, text, strlen(text));
    return copy != NULL ? copy : "";
}

/* ---- differences ---- */

static const char *keep(struct toll_tax_outside *o, const char *text)
{
    const char *copy = text == NULL || text[0] == '\0' ? "" : toll_arena_copy(&o->arena, text, strlen(text));
    return copy != NULL ? copy : "";
}

int toll_answer_differs(struct toll_tax_outside *o, const struct toll_tax_outside_difference *difference,
                        struct toll_error *error)
{
    struct toll_tax_outside_difference *one;

    if (o->difference_count == o->difference_room) {
        const size_t room = o->difference_room == 0 ? 64 : o->difference_room * 2;
        void *grown = realloc(o->differences, room * sizeof(*o->differences));
        if (grown == NULL)
            return toll_error_set(error, TOLL_ENOMEM, "out of memory");
        o->differences = grown;
        o->difference_room = room;
    }
    one = &o->differences[o->difference_count++];
    *one = *difference;
    one->account = keep(o, difference->account);
    one->period = keep(o, difference->period);
    one->invoice = keep(o, difference->invoice);
    one->line = keep(o, difference->line);
    one->charge = keep(o, difference->charge);
    one->ours = keep(o, difference->ours);
    one->theirs = keep(o, difference->theirs);
    one->about = difference->about != NULL ? difference->about : "";
    one->file = keep(o, o->file);
    return 0;
}

static const char *text_of(const struct toll_tax_outside *o, uint32_t id)
{
    return toll_strings_text(&o->strings, id, NULL);
}

static int differs_at(struct toll_tax_outside *o, const char *reason, const struct toll_sent *sent,
                      const char *invoice, const char *line, const char *about, struct toll_error *error)
{
    char charge[TOLL_TOTAL_TEXT_BYTES] = "";
    struct toll_tax_outside_difference difference = {
        .reason = reason, .invoice = invoice, .line = line, .about = about};

    if (sent != NULL) {
        toll_total_format(sent->charge, toll_outside_decimals(o->options->engine), charge);
        difference.account = text_of(o, sent->account);
        difference.period = text_of(o, sent->period);
        difference.invoice = text_of(o, sent->invoice);
        difference.charge = charge;
    }
    return toll_answer_differs(o, &difference, error);
}

/* ---- lines ---- */

static int compare_sent(const void *a, const void *b)
{
    const struct toll_sent *x = a, *y = b;
    if (x->index != y->index)
        return x->index < y->index ? -1 : 1;
    return (x->part > y->part) - (x->part < y->part);
}

/* "17" or "17.2" */
static struct toll_sent *find_sent(const struct toll_tax_outside *o, const char *line)
{
    struct toll_sent key = {0};
    char *end;

    if (line[0] < '0' || line[0] > '9' || strlen(line) > 30)
        return NULL;
    key.index = strtoll(line, &end, 10);
    if (*end == '.' && end[1] >= '1' && end[1] <= '9') {
        const unsigned long part = strtoul(end + 1, &end, 10);
        key.part = part > UINT32_MAX ? 0 : (uint32_t)part;
    }
    return *end == '\0' && o->sent_count > 0
               ? bsearch(&key, o->sent, o->sent_count, sizeof(key), compare_sent)
               : NULL;
}

struct toll_sent *toll_answer_line(struct toll_tax_outside *o, const char *invoice, const char *line,
                                   bool once, int *code, struct toll_error *error)
{
    struct toll_sent *sent = find_sent(o, line);

    if (sent == NULL || strcmp(text_of(o, sent->invoice), invoice) != 0) {
        *code = differs_at(o, "unknown_line", NULL, invoice, line, "", error);
        return NULL;
    }
    if (sent->document != 0 && (once || sent->document != o->document)) {
        *code = differs_at(o, "line_twice", sent, invoice, line, "", error);
        return NULL;
    }
    sent->document = o->document;
    return sent;
}

int toll_answer_refused(struct toll_tax_outside *o, const char *invoice, const char *line, const char *about,
                        struct toll_error *error)
{
    struct toll_sent *sent = find_sent(o, line);

    if (sent != NULL && invoice != NULL && strcmp(text_of(o, sent->invoice), invoice) != 0)
        sent = NULL;
    if (sent != NULL)
        sent->refused = true;
    return differs_at(o, "line_refused", sent, invoice, line, about, error);
}

/* More than a ten-thousandth and a millionth for each tax apart: engines of this kind add up in floating
 * point, and one of them rounds each tax to six places. */
int toll_answer_total(struct toll_tax_outside *o, const char *invoice, const struct toll_rational *sum,
                      const struct toll_rational *total, int64_t taxes, struct toll_error *error)
{
    char ours[TOLL_RATIONAL_TEXT_BYTES], theirs[TOLL_RATIONAL_TEXT_BYTES];
    struct toll_rational apart, allowed;

    toll_rational_of(&allowed, 100 + taxes, 1000000);
    if (!toll_rational_subtract(&apart, sum, total))
        return toll_error_set(error, TOLL_EDATA, "%s: its sums are out of range", o->file);
    apart.negative = false;
    if (toll_rational_compare(&apart, &allowed) <= 0)
        return 0;
    toll_rational_text(sum, ours);
    toll_rational_text(total, theirs);
    const struct toll_tax_outside_difference difference = {
        .reason = "total", .invoice = invoice, .ours = ours, .theirs = theirs};
    return toll_answer_differs(o, &difference, error);
}

/* ---- what was sent ---- */

static int keep_invoice(void *context, const struct toll_outside_invoice *invoice, struct toll_error *error)
{
    struct toll_tax_outside *o = context;
    const uint32_t name = toll_strings_add(&o->strings, invoice->name, strlen(invoice->name));
    const uint32_t account = toll_strings_add(&o->strings, invoice->account, strlen(invoice->account));
    const uint32_t period = toll_strings_add(&o->strings, invoice->period, strlen(invoice->period));
    const uint32_t currency = toll_strings_add(&o->strings, invoice->currency, strlen(invoice->currency));

    if (o->sent_count + invoice->count > o->sent_room) {
        size_t room = o->sent_room == 0 ? 256 : o->sent_room * 2;
        while (room < o->sent_count + invoice->count)
            room *= 2;
        void *grown = realloc(o->sent, room * sizeof(*o->sent));
        if (grown == NULL)
            return toll_error_set(error, TOLL_ENOMEM, "out of memory");
        o->sent = grown;
        o->sent_room = room;
    }
    for (size_t i = 0; i < invoice->count; i++) {
        const struct toll_outside_item *item = &invoice->items[i];
        const uint32_t site = toll_strings_add(&o->strings, item->site, strlen(item->site));
        if (name == 0 || account == 0 || period == 0 || currency == 0 || site == 0)
            return toll_error_set(error, TOLL_ENOMEM, "out of memory");
        o->sent[o->sent_count++] = (struct toll_sent){.index = item->index,
                                                      .part = item->part,
                                                      .invoice = name,
                                                      .account = account,
                                                      .period = period,
                                                      .site = site,
                                                      .currency = currency,
                                                      .charge = item->charge};
    }
    return 0;
}

static int gather_sent(struct toll_tax_outside *o, struct toll_taxes *taxes, struct toll_error *error)
{
    struct toll_findings findings;
    struct toll_tax_codes codes;
    struct toll_outside_walk walk = {.taxes = taxes,
                                     .options = o->options,
                                     .codes = &codes,
                                     .findings = &findings,
                                     .invoice = keep_invoice,
                                     .context = o};
    int code;

    toll_findings_init(&findings, &o->options->reporter);
    code = toll_tax_codes_read(&codes, o->options->engine, o->options->codes_path, &findings, error);
    if (code == 0)
        code = toll_outside_walk(&walk, error);
    toll_tax_codes_free(&codes);
    o->facts = walk.facts;
    if (code == 0 && o->sent_count > 0)
        qsort(o->sent, o->sent_count, sizeof(*o->sent), compare_sent);
    return code;
}

/* ---- responses ---- */

static int read_file(struct toll_tax_outside *o, const char *path, struct toll_error *error)
{
    struct toll_arena arena = {0};
    struct toll_blob blob = {0};
    struct toll_json_reader reader;
    struct toll_yaml *root;
    int more = 0, documents = 0;
    struct toll_file file = {0};
    int code = toll_file_open(&file, toll_io_system(), AT_FDCWD, path, TOLL_READ_PREAD, error);

    if (code == 0 && file.size > TOLL_TAX_RESPONSE_BYTES)
        code = toll_error_set(error, TOLL_EDATA,
                              "%s: %" PRId64 " bytes; a response has at most %" PRId64
                              " MiB: give the responses as several files",
                              path, file.size, TOLL_TAX_RESPONSE_BYTES >> 20);
    toll_file_close(&file);
    if (code == 0)
        code = toll_blob_read(&blob, toll_io_system(), AT_FDCWD, path, TOLL_READ_PREAD, error);
    if (code != 0)
        return code;
    o->file = path;
    toll_json_open(&reader, path, blob.data, blob.size);
    while (code == 0 && (more = toll_json_next(&reader, &arena, &root, error)) == 1) {
        o->document++;
        documents++;
        code = o->options->engine == TOLL_TAX_AVALARA ? toll_answer_avalara(o, root, error)
                                                      : toll_answer_suretax(o, root, error);
        toll_arena_free(&arena);
    }
    if (code == 0 && more < 0)
        code = more;
    if (code == 0 && documents == 0)
        code = toll_error_set(error, TOLL_EDATA, "%s: the file is empty; it should hold a response", path);
    toll_arena_free(&arena);
    toll_blob_free(&blob);
    return code;
}

static int note_missing(struct toll_tax_outside *o, struct toll_error *error)
{
    char ref[TOLL_OUTSIDE_REF_BYTES];
    int code = 0;

    o->file = "";
    for (size_t i = 0; code == 0 && i < o->sent_count; i++) {
        const struct toll_sent *sent = &o->sent[i];
        if (sent->document != 0 || sent->refused)
            continue;
        toll_outside_ref(&(struct toll_outside_item){.index = sent->index, .part = sent->part}, ref);
        code = differs_at(o, "missing_line", sent, NULL, ref, "", error);
    }
    return code;
}

int toll_tax_outside_open(struct toll_taxes *taxes, const struct toll_tax_outside_options *options,
                          const char *const *files, size_t file_count, struct toll_tax_outside **out,
                          struct toll_error *error)
{
    struct toll_tax_outside *o = calloc(1, sizeof(*o));
    int code;

    *out = NULL;
    if (o == NULL)
        return toll_error_set(error, TOLL_ENOMEM, "out of memory");
    o->options = options;
    o->file = "";
    if (options->report_period != NULL)
        o->report_period = toll_arena_copy(&o->arena, options->report_period, strlen(options->report_period));
    code = gather_sent(o, taxes, error);
    for (size_t i = 0; code == 0 && i < file_count; i++)
        code = read_file(o, files[i], error);
    if (code == 0)
        code = note_missing(o, error);
    if (code == 0)
        code = toll_answer_finish(o, error);
    o->options = NULL;
    if (code != 0)
        toll_tax_outside_close(o);
    else
        *out = o;
    return code;
}

void toll_tax_outside_close(struct toll_tax_outside *o)
{
    if (o == NULL)
        return;
    toll_strings_free(&o->strings);
    toll_strings_free(&o->row_keys);
    toll_strings_free(&o->group_keys);
    toll_arena_free(&o->arena);
    free(o->sent);
    free(o->rows);
    free(o->differences);
    free(o->accounts);
    free(o);
}

bool toll_tax_outside_difference(struct toll_tax_outside *o, int64_t index,
                                 struct toll_tax_outside_difference *out)
{
    if (index < 0 || (size_t)index >= o->difference_count)
        return false;
    *out = o->differences[index];
    return true;
}

void toll_tax_outside_facts(const struct toll_tax_outside *o, struct toll_tax_outside_facts *out)
{
    *out = o->facts;
}
