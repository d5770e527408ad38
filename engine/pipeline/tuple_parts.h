/* Between the files that make the tuples of a run. */
#ifndef TOLL_PIPELINE_TUPLE_PARTS_H
#define TOLL_PIPELINE_TUPLE_PARTS_H

#include "pipeline/tuples.h"

/* The span around an instant. */
struct toll_tuple_span toll_tuple_span_around(const struct toll_book *book, uint32_t zone, int32_t cycle_day,
                                              toll_ms at);
/* Those of a calendar that the times touch. -1: out of memory. */
int toll_tuple_spans_make(const struct toll_book *book, const struct toll_tuple_time *times, size_t count,
                          struct toll_tuple_calendar *calendar);

/* Profiles, their calendars without spans, and which bucket has which. -1: out of memory. */
int toll_tuple_profiles_make(struct toll_tuples *tuples);

#endif
