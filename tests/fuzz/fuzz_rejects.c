/*
 * A rejects file that comes back: what its rows say, packed as a rejects file again, says the same.
 */
#include "fuzz.h"
#include "ingest/reject.h"

static void check_again(const char *text, size_t bytes)
{
    const struct toll_reject_header header = {text, bytes > 0 ? bytes - 1 : 0, 1, 0};
    struct toll_reject reject = {.reason = TOLL_REJECT_BAD_TIME, .line = 2, .raw = "x", .raw_bytes = 1};
    struct toll_rejects_text packed = {0};
    size_t plain_bytes;
    char *plain;
    TOLL_ASSERT(toll_rejects_add(&packed, "a\"b.csv", &header, &reject, 1, NULL) == 0);
    /* A row of more than the lexer takes is told as too long: not these. */
    if (packed.bytes < 60000) {
        const int code = toll_rejects_unwrap("r.csv", packed.data, packed.bytes, &plain, &plain_bytes, NULL);
        TOLL_ASSERT(code == 1);
        TOLL_ASSERT(plain_bytes == bytes + 2 - (bytes == 1) && memcmp(plain, text, header.bytes) == 0);
        TOLL_ASSERT(memcmp(plain + plain_bytes - 2, "x\n", 2) == 0);
        free(plain);
    }
    free(packed.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "reason,file,line,offset,raw\n";
    struct toll_error error;
    size_t bytes;
    char *out, *text = malloc(sizeof head - 1 + size);
    TOLL_ASSERT(text != NULL);
    memcpy(text, head, sizeof head - 1);
    if (size > 0)
        memcpy(text + sizeof head - 1, data, size);
    const int code = toll_rejects_unwrap("r.csv", text, sizeof head - 1 + size, &out, &bytes, &error);
    if (code == 1) {
        TOLL_ASSERT(bytes <= sizeof head + size);
        check_again(out, bytes);
        free(out);
    } else if (code < 0) {
        fuzz_check_error(code, &error);
    }
    free(text);
    return 0;
}
