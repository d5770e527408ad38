/*
 * Money and exact decimals. This room is the only one that knows the scale.
 *
 * toll_money is int64_t in 1e-8 of the currency unit (toll_money of 1.00 = 100,000,000); it holds +-92
 * billion units. Totals are toll_total (__int128), narrowed only through toll_money_narrow. No floating
 * point, ever.
 */
#ifndef TOLL_BASE_MONEY_H
#define TOLL_BASE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t toll_money;
__extension__ typedef __int128 toll_total;

#define TOLL_MONEY_UNIT INT64_C(100000000)
#define TOLL_MONEY_DECIMALS 8
#define TOLL_TOTAL_TEXT_BYTES 48 /* room for any toll_total as text, with terminator */

enum toll_rounding { TOLL_HALF_UP, TOLL_HALF_EVEN, TOLL_UP, TOLL_DOWN }; /* mirrored for negatives */

/* Reads a plain decimal ("-12.5", "+.5", "7.", up to `decimals` places; further digits only if zero; no
 * exponent, no thousands separators, no blanks inside) as an integer scaled by 10^decimals (0..18). 0, or -1
 * malformed, -2 more decimals than can be kept, -3 out of range. */
int toll_decimal_parse(const char *text, size_t bytes, int decimals, int64_t *out);

/* toll_decimal_parse with 8 decimals. */
int toll_money_parse(const char *text, size_t bytes, toll_money *out);

/* "-12.50000000": always `decimals` places (0..18). Returns the length; buffer has TOLL_TOTAL_TEXT_BYTES. */
size_t toll_total_format(toll_total scaled, int decimals, char *buffer);
size_t toll_money_format(toll_money money, char *buffer); /* 8 places */

/* False when it does not fit. */
bool toll_money_narrow(toll_total total, toll_money *out);

/* numerator/denominator (denominator > 0) rounded to an integer. */
toll_total toll_round_ratio(toll_total numerator, toll_total denominator, enum toll_rounding rounding);

#endif
