/*
 * The normalised CDR: what one row of a dataset part holds. docs/FORMATS.md is the same for readers in other
 * languages.
 *
 * A part is one UTC day (of `start`), an Arrow IPC file, sorted by (start, record_key, caller, callee,
 * duration_ms, then all other columns in enum order except source). An optional column is present exactly
 * when some row of the part has a value other than 0 in it, so a part's columns are a function of its rows.
 */
#ifndef TOLL_MMAP_CDR_CDR_H
#define TOLL_MMAP_CDR_CDR_H

#include "base/digits.h"
#include "base/time.h"

enum toll_cdr_column {
    /* hot, always there */
    TOLL_CDR_START,       /* int64 timestamp[ms, UTC]: answer time if answered, else set-up time */
    TOLL_CDR_DURATION_MS, /* int32 >= 0 */
    TOLL_CDR_CALLER,      /* uint64 packed BCD (base/digits.h), 0 = no number */
    TOLL_CDR_CALLEE,      /* uint64 packed BCD */
    TOLL_CDR_KIND,        /* uint16, bits below */
    TOLL_CDR_CARRIER,     /* uint16 dictionary: whose feed it came in */
    /* optional */
    TOLL_CDR_CHARGED,    /* uint64 packed BCD: charged party, BTN, diverting number */
    TOLL_CDR_LRN_CALLER, /* uint64 packed BCD */
    TOLL_CDR_LRN_CALLEE, /* uint64 packed BCD */
    TOLL_CDR_RING_TO,    /* uint64 packed BCD: the terminating number of a toll-free call */
    TOLL_CDR_TRUNK,      /* int32 dictionary */
    TOLL_CDR_HINT,       /* int32 dictionary: account hint */
    TOLL_CDR_CALLTYPE,   /* int32 dictionary: the carrier's call-type code */
    TOLL_CDR_QUANTITY,   /* int64: messages, bytes, events (services other than voice) */
    TOLL_CDR_SETUP_MS,   /* int32: from set-up to `start` */
    /* cold */
    TOLL_CDR_PROVIDER_CHARGE,   /* int64 money 1e-8, valid where kind says so */
    TOLL_CDR_PROVIDER_TAX,      /* int64 money 1e-8 */
    TOLL_CDR_CARRIER_BILLED_MS, /* int32 */
    TOLL_CDR_RECORD_KEY_HIGH,   /* uint64: the 128-bit record key; always there */
    TOLL_CDR_RECORD_KEY_LOW,    /* uint64; always there */
    TOLL_CDR_SOURCE_FILE,       /* int32 dictionary of the files' sha256 in hex; always there */
    TOLL_CDR_SOURCE_ROW, /* int32: 1-based data row of that file (header and blank lines not counted) */
    TOLL_CDR_COLUMNS,
};
/* In every dictionary column 0 means none and the value i is entry i of the dictionary, whose entry 0 is "".
 * Entries 1.. are sorted bytewise and each is used by some row of the part. */

enum toll_service { TOLL_VOICE, TOLL_SMS, TOLL_MMS, TOLL_DATA, TOLL_EVENT, TOLL_SERVICES };
enum toll_direction { TOLL_OUT, TOLL_IN, TOLL_DIRECTIONS };
enum toll_number_type {
    TOLL_NUMBER_NONE,      /* empty or withheld */
    TOLL_NUMBER_E164,      /* full international number */
    TOLL_NUMBER_SHORT,     /* short code, N11, 911, 988, star code */
    TOLL_NUMBER_EXTENSION, /* internal digits */
    TOLL_NUMBER_OTHER,     /* not a telephone number: SIP user, text; its text is in the sidecar, digits 0 */
    TOLL_NUMBER_INVALID,   /* meant as a number, but no valid one; digits 0 */
};

/* kind, a uint16 */
#define TOLL_KIND_SERVICE 0x0007u /* enum toll_service */
#define TOLL_KIND_IN 0x0008u      /* direction: in */
#define TOLL_KIND_ANSWERED 0x0010u
#define TOLL_KIND_CALLER_TYPE_SHIFT 5 /* 3 bits, enum toll_number_type */
#define TOLL_KIND_CALLEE_TYPE_SHIFT 8 /* 3 bits */
#define TOLL_KIND_TYPE_MASK 0x7u
#define TOLL_KIND_CREDIT 0x0800u   /* quantity was negative; it is stored positive */
#define TOLL_KIND_CONFLICT 0x1000u /* same record key as another row with other content */
#define TOLL_KIND_PROVIDER_CHARGE 0x2000u
#define TOLL_KIND_PROVIDER_TAX 0x4000u
#define TOLL_KIND_LEG 0x8000u /* the record gave two rows (legs: both) */

/* Rows of a part as const columns. NULL for an absent optional column. Borrowed from the part or the read
 * buffer. */
struct toll_cdr_batch {
    int64_t rows;
    int64_t first_row; /* of the part */
    const int64_t *start;
    const int32_t *duration_ms;
    const uint64_t *caller, *callee;
    const uint16_t *kind, *carrier;
    const uint64_t *charged, *lrn_caller, *lrn_callee, *ring_to;
    const int32_t *trunk, *hint, *calltype;
    const int64_t *quantity;
    const int32_t *setup_ms;
    const int64_t *provider_charge, *provider_tax;
    const int32_t *carrier_billed_ms;
    const uint64_t *record_key_high, *record_key_low;
    const int32_t *source_file, *source_row;
};

#define TOLL_BATCH_ROWS 65536 /* one Arrow record batch; a format constant */

#endif
