/* The numbers of the Arrow metadata format (format/Schema.fbs, Message.fbs, File.fbs), shared by the encoder
 * and the reader, and the sizes of encoded messages. */
#ifndef TOLL_ARROW_ENCODE_H
#define TOLL_ARROW_ENCODE_H

#include "arrow/arrow.h"

#define TOLL_ARROW_MAGIC \
    "ARROW1\0" /* with the literal's own terminator 8 bytes; the file's last 6 without zeros */
#define TOLL_ARROW_CONTINUATION UINT32_C(0xFFFFFFFF)
#define TOLL_ARROW_PREFIX_BYTES 8 /* continuation mark and metadata size before each message */
#define TOLL_ARROW_TAIL_ALIGNMENT 64
#define TOLL_ARROW_KEY_SCHEMA "tollmill.schema"
#define TOLL_ARROW_KEY_HASHES "tollmill.xxh3"
#define TOLL_ARROW_KEY_SCALE "scale"
#define TOLL_ARROW_HASH_DIGITS 32 /* hex digits of one checksum */

enum { ARROW_VERSION_V5 = 4 };
enum { ARROW_HEADER_SCHEMA = 1, ARROW_HEADER_DICTIONARY = 2, ARROW_HEADER_BATCH = 3 };
enum { ARROW_TYPE_INT = 2, ARROW_TYPE_UTF8 = 5, ARROW_TYPE_TIMESTAMP = 10 };
enum { ARROW_UNIT_MILLISECOND = 1 };

/* Field numbers of the tables. */
enum {
    MESSAGE_VERSION,
    MESSAGE_HEADER_TYPE,
    MESSAGE_HEADER,
    MESSAGE_BODY_BYTES,
    MESSAGE_METADATA,
    MESSAGE_FIELDS
};
enum { SCHEMA_ENDIANNESS, SCHEMA_FIELDS, SCHEMA_METADATA, SCHEMA_FEATURES, SCHEMA_WIDTH };
enum {
    FIELD_NAME,
    FIELD_NULLABLE,
    FIELD_TYPE_TYPE,
    FIELD_TYPE,
    FIELD_DICTIONARY,
    FIELD_CHILDREN,
    FIELD_METADATA,
    FIELD_WIDTH
};
enum { INT_BITS, INT_SIGNED, INT_WIDTH };
enum { TIMESTAMP_UNIT, TIMESTAMP_ZONE, TIMESTAMP_WIDTH };
enum { ENCODING_ID, ENCODING_INDEX, ENCODING_ORDERED, ENCODING_KIND, ENCODING_WIDTH };
enum { PAIR_KEY, PAIR_VALUE, PAIR_WIDTH };
enum { BATCH_LENGTH, BATCH_NODES, BATCH_BUFFERS, BATCH_COMPRESSION, BATCH_VARIADIC, BATCH_WIDTH };
enum { DICTIONARY_ID, DICTIONARY_DATA, DICTIONARY_DELTA, DICTIONARY_WIDTH };
enum { FOOTER_VERSION, FOOTER_SCHEMA, FOOTER_DICTIONARIES, FOOTER_BATCHES, FOOTER_METADATA, FOOTER_WIDTH };

#define ARROW_NODE_BYTES 16   /* FieldNode: length, null count */
#define ARROW_BUFFER_BYTES 16 /* Buffer: offset, length */
#define ARROW_BLOCK_BYTES 24  /* Block: offset, metadata length (32 bits, 32 of padding), body length */

#endif
