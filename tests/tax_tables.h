/*
 * Tax tables built by hand, a row a call, as the book's image would hold them. Texts are kept once; ids count
 * from 1 in the order of the calls (jurisdictions, taxes and tax services need not be sorted by name here).
 */
#ifndef TOLL_TESTS_TAX_TABLES_H
#define TOLL_TESTS_TAX_TABLES_H

#include "ratetable/tax_layout.h"

#include <stdlib.h>
#include <string.h>

#define TAX_ROWS 1024
struct tax_world {
    struct toll_tax_tables tables;
    char strings[65536];
    uint32_t string_bytes;
    struct toll_tax_jurisdiction jurisdictions[TAX_ROWS];
    uint32_t services[TAX_ROWS], products[TAX_ROWS];
    struct toll_tax_split splits[TAX_ROWS];
    struct toll_tax_split_part split_parts[TAX_ROWS];
    struct toll_tax_seller sellers[TAX_ROWS];
    struct toll_tax taxes[TAX_ROWS];
    struct toll_tax_series series[TAX_ROWS];
    struct toll_tax_bracket brackets[TAX_ROWS];
    struct toll_tax_exemption exemptions[TAX_ROWS];
    int32_t ids[64 * TAX_ROWS];
    uint32_t texts[TAX_ROWS];
};

static inline uint32_t tax_text(struct tax_world *w, const char *text)
{
    for (uint32_t at = 0; at < w->string_bytes; at += (uint32_t)strlen(w->strings + at) + 1) {
        if (strcmp(w->strings + at, text) == 0)
            return at;
    }
    const uint32_t at = w->string_bytes;
    strcpy(w->strings + at, text);
    w->string_bytes += (uint32_t)strlen(text) + 1;
    return at;
}

static inline struct tax_world *tax_world_create(void)
{
    struct tax_world *w = calloc(1, sizeof *w);
    struct toll_tax_tables *t = &w->tables;

    tax_text(w, "");
    t->taxed = true;
    t->strings = w->strings;
    t->jurisdictions = w->jurisdictions;
    t->services = w->services;
    t->products = w->products;
    t->splits = w->splits;
    t->split_parts = w->split_parts;
    t->sellers = w->sellers;
    t->taxes = w->taxes;
    t->series = w->series;
    t->brackets = w->brackets;
    t->exemptions = w->exemptions;
    t->ids = w->ids;
    t->texts = w->texts;
    t->jurisdiction_count = t->service_count = t->product_count = t->split_count = t->tax_count =
        t->exemption_count = 1;
    return w;
}

static inline int32_t tax_jurisdiction(struct tax_world *w, const char *id, int level, int32_t parent)
{
    const uint32_t row = w->tables.jurisdiction_count++;
    w->jurisdictions[row] = (struct toll_tax_jurisdiction){
        .id = tax_text(w, id), .level = level, .parent = parent, .line = row + 1};
    return (int32_t)row;
}

static inline int32_t tax_service(struct tax_world *w, const char *name)
{
    w->services[w->tables.service_count] = tax_text(w, name);
    return (int32_t)w->tables.service_count++;
}

static inline int32_t tax_product(struct tax_world *w, const char *name)
{
    w->products[w->tables.product_count] = tax_text(w, name);
    return (int32_t)w->tables.product_count++;
}

/* In order of precedence; conditions of -1, product 0: any. Parts follow by tax_part. */
static inline uint32_t tax_split(struct tax_world *w, int32_t product, int service, int class_,
                                 int jurisdiction)
{
    const uint32_t row = w->tables.split_count++;
    w->splits[row] = (struct toll_tax_split){
        product, (int8_t)service, (int8_t)class_, (int8_t)jurisdiction, 0, w->tables.split_part_count,
        0,       row + 1};
    return row;
}

static inline void tax_part(struct tax_world *w, int32_t service, int64_t share)
{
    w->split_parts[w->tables.split_part_count++] = (struct toll_tax_split_part){service, 0, share};
    w->splits[w->tables.split_count - 1].count++;
}

static inline struct toll_tax *tax_of(struct tax_world *w, const char *id, int kind)
{
    const uint32_t row = w->tables.tax_count++;
    w->taxes[row] =
        (struct toll_tax){.tax = tax_text(w, id), .line = row + 1, .kind = (uint8_t)kind, .billable = 1};
    return &w->taxes[row];
}

static inline int32_t tax_id(const struct tax_world *w, const struct toll_tax *tax)
{
    return (int32_t)(tax - w->taxes);
}

/* jurisdiction 0: every one of the level. rate: 1e-12, or money. */
static inline struct toll_tax_series *tax_row(struct tax_world *w, const struct toll_tax *tax,
                                              int32_t jurisdiction, int level, int64_t rate)
{
    const uint32_t row = w->tables.series_count++;
    w->brackets[w->tables.bracket_count] = (struct toll_tax_bracket){.rate = rate, .line = row + 2};
    w->series[row] = (struct toll_tax_series){
        .tax = tax_id(w, tax),
        .jurisdiction = jurisdiction,
        .level = jurisdiction != 0 ? w->jurisdictions[jurisdiction].level : level,
        .from = TOLL_TAX_DAY_MIN,
        .until = TOLL_TAX_DAY_MAX,
        .bracket_first = w->tables.bracket_count++,
        .bracket_count = 1,
        .cap = INT64_MAX,
    };
    return &w->series[row];
}

/* Lists of the series made last: ascending. */
static inline void tax_on(struct tax_world *w, struct toll_tax_series *series, const struct toll_tax *tax)
{
    if (series->on_count++ == 0)
        series->on_first = w->tables.id_count;
    w->ids[w->tables.id_count++] = tax_id(w, tax);
}

static inline void tax_for_service(struct tax_world *w, struct toll_tax_series *series, int32_t service)
{
    if (series->service_count++ == 0)
        series->service_first = w->tables.id_count;
    w->ids[w->tables.id_count++] = service;
}

static inline void tax_for_class(struct tax_world *w, struct toll_tax_series *series, const char *class_)
{
    if (series->class_count++ == 0)
        series->class_first = w->tables.text_count;
    w->texts[w->tables.text_count++] = tax_text(w, class_);
}

static inline struct toll_tax_seller *tax_seller(struct tax_world *w, const char *seller, int method,
                                                 int64_t share)
{
    const uint32_t row = w->tables.seller_count++;
    w->sellers[row] = (struct toll_tax_seller){.seller = tax_text(w, seller),
                                               .method = method,
                                               .share = share,
                                               .from = TOLL_TAX_DAY_MIN,
                                               .until = TOLL_TAX_DAY_MAX};
    return &w->sellers[row];
}

static inline struct toll_tax_exemption *tax_exemption(struct tax_world *w, int32_t percent)
{
    const uint32_t row = w->tables.exemption_count++;
    w->exemptions[row] = (struct toll_tax_exemption){
        .level = -1, .percent = percent, .from = TOLL_TAX_DAY_MIN, .until = TOLL_TAX_DAY_MAX};
    return &w->exemptions[row];
}

#endif
