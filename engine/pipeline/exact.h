/* Exact numbers of texts: decimals, with an exponent too, and fractions as docs/TAX.md section 5 writes them.
 */
#ifndef TOLL_PIPELINE_EXACT_H
#define TOLL_PIPELINE_EXACT_H

#include "tax/rational.h"

/* "-1.5", "1E-05", "50000/19381". False: the text is no such thing, has more than 320 digits or an exponent
 * beyond 60, or does not fit. */
bool toll_exact_parse(const char *text, struct toll_rational *out);

#endif
