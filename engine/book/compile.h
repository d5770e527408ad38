/* What compiling a book and checking it share, and how a bench sees where the time goes. */
#ifndef TOLL_BOOK_COMPILE_H
#define TOLL_BOOK_COMPILE_H

#include "book/book.h"
#include "ratetable/build.h"

/* The stages of ratetable/ in their order. Errors in the book are findings; a code ends the run. */
int toll_book_stages(struct toll_build *build);
/* TOLL_EBOOK with "F: the book has 3 errors; the first: F/plan_rules.csv:4:7: ..." */
int toll_book_findings_error(const struct toll_findings *findings, const char *folder,
                             struct toll_error *error);
int64_t toll_book_now_ns(void);

/* toll_book_compile and toll_compile_with, watched (ratetable/build.h); watch may be NULL. */
int toll_book_compile_watched(const struct toll_io *io, const char *folder,
                              const struct toll_reporter *reporter, const struct toll_watch *watch,
                              uint8_t **image, size_t *bytes, struct toll_compile_result *result,
                              struct toll_error *error);
/* toll_book_compile of sources in memory; folder: how findings call it. */
int toll_book_compile_given(const struct toll_io *io, const char *folder,
                            const struct toll_given_sources *given, const struct toll_reporter *reporter,
                            uint8_t **image, size_t *bytes, struct toll_error *error);
int toll_compile_watched(const struct toll_io *io, const struct toll_compile_options *options,
                         const struct toll_watch *watch, struct toll_compile_result *result,
                         struct toll_error *error);

#endif
