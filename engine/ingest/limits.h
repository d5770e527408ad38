/* The limits of the ingest room, each with its reason. */
#ifndef TOLL_INGEST_LIMITS_H
#define TOLL_INGEST_LIMITS_H

#define TOLL_INGEST_COLUMNS_MAX 512 /* the widest real format seen has 133 columns */
#define TOLL_INGEST_TEXT_MAX \
    1024u /* bytes of one kept text (record id, dialled, trunk): lengths are 16 bits */
#define TOLL_INGEST_PROBE_ROWS 1000 /* rows that content probes look at */
#define TOLL_INGEST_YEAR_MIN                                                                                \
    1970                          /* a start outside these years is no call, and day names have four digits \
                                   */
#define TOLL_INGEST_YEAR_MAX 2199 /* zones are expanded to the end of 2199 */
#define TOLL_INGEST_CARRIERS_MAX 65535  /* the carrier column is a uint16 dictionary */
#define TOLL_INGEST_ROWS_MAX 2147483647 /* rows of one import; row numbers are int32 */
#define TOLL_INGEST_CHUNK_BYTES \
    (1u << 20) /* what one worker lexes at a time: its rows are still in the caches when they are ordered */
#define TOLL_INGEST_REJECTS_TOLD \
    10 /* rejects reported one by one for each file; all are in the rejects file */
#define TOLL_INGEST_REJECT_RAW_MAX 4096u /* bytes kept of a row that is too long to be a row */
#define TOLL_INGEST_THREADS_MAX 256      /* more would only wait for memory */

#endif
