/* What compiling a book and checking it share. */
#ifndef TOLL_BOOK_COMPILE_H
#define TOLL_BOOK_COMPILE_H

#include "ratetable/build.h"

/* The stages of ratetable/ in their order. Errors in the book are findings; a code ends the run. */
int toll_book_stages(struct toll_build *build);
/* TOLL_EBOOK with "F: the book has 3 errors; the first: F/plan_rules.csv:4:7: ..." */
int toll_book_findings_error(const struct toll_findings *findings, const char *folder,
                             struct toll_error *error);
int64_t toll_book_now_ns(void);

#endif
