/* What the files that read a spec share. Every function reports what is wrong and goes on. */
#ifndef TOLL_INGEST_SPEC_READ_H
#define TOLL_INGEST_SPEC_READ_H

#include "ingest/spec.h"
#include "text/yaml.h"

struct spec_reader {
    const char *file;
    struct toll_spec *spec;
    struct toll_findings *findings;
    const struct toll_io *io;
    struct toll_error *error;
    bool no_memory;
    int failed;                          /* of the system, not of the spec; its text is in error */
    struct toll_number_rules *rule_sets; /* under `numbers:` */
    size_t rule_set_count;
};

/* An error finding at a node. */
void spec_fault(struct spec_reader *reader, const struct toll_yaml *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void *spec_alloc(struct spec_reader *reader, size_t bytes); /* NULL: reader->no_memory is set */
/* A list of scalars (one scalar counts as a list of one); empty after a fault or when node is NULL. */
struct toll_words spec_words(struct spec_reader *reader, const struct toll_yaml *node, const char *what);
/* A scalar's text, or NULL after a fault. */
const char *spec_scalar(struct spec_reader *reader, const struct toll_yaml *node, const char *what);
/* The spec's column that a scalar names (a header name or a 1-based number), or -1 after a fault. */
int spec_column(struct spec_reader *reader, const struct toll_yaml *node);
/* Time patterns under `format`; their count, 0 after a fault. */
unsigned spec_formats(struct spec_reader *reader, struct toll_yaml *map,
                      struct toll_time_format formats[TOLL_TIME_FORMATS_MAX]);

void spec_read_numbers(struct spec_reader *reader, struct toll_yaml *node); /* spec_numbers.c */
void spec_read_fields(struct spec_reader *reader, struct toll_yaml *node);  /* spec_fields.c */

#endif
