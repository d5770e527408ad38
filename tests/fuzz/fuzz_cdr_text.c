/*
 * The sidecar of a part: texts of every row, which lie behind one another and end where the column ends.
 *
 * Input: see sparse.h.
 */
#include "mmap_cdr/part.h"
#include "sparse.h"

static int check_rows(struct toll_cdr_text *text, struct toll_error *error)
{
    struct toll_text_view views[3], before[3] = {{NULL, 0}};
    volatile unsigned letters = 0;
    int code = 0;
    const int64_t rows = toll_cdr_text_rows(text);
    for (int64_t i = 0; i < rows; i++) {
        code = toll_cdr_text_row(text, i, &views[0], &views[1], &views[2], error);
        if (code != 0)
            return code;
        for (int c = 0; c < 3; c++) {
            for (size_t k = 0; k < views[c].bytes; k++)
                letters = letters + (unsigned char)views[c].data[k];
            if (i % TOLL_BATCH_ROWS != 0)
                TOLL_ASSERT(views[c].data == before[c].data + before[c].bytes);
            before[c] = views[c];
        }
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct toll_cdr_text *text;
    struct toll_error error;
    size_t bytes;
    uint8_t *image = sparse_expand(data, size, &bytes);
    if (image == NULL)
        return 0;
    sparse_seal(image, bytes);
    int code = toll_cdr_text_open_bytes(image, bytes, "p.text.arrow", NULL, &text, &error);
    if (code == 0) {
        code = check_rows(text, &error);
        TOLL_ASSERT((toll_cdr_text_verify(text, NULL) == 0) == (code == 0));
        toll_cdr_text_close(text);
    }
    if (code != 0)
        fuzz_check_error(code, &error);
    free(image);
    return 0;
}
