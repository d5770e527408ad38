/*
 * dataset.json: what is read is written again, and read again gives the same text. The input is the text
 * without its last member, the digest: see sealed_text.h.
 */
#include "mmap_cdr/dataset_text.h"
#include "sealed_text.h"

static void drop(struct toll_dataset *dataset, struct toll_json *json)
{
    free(dataset->parts);
    toll_receipts_free(dataset->receipts, dataset->receipt_count);
    toll_json_free(json);
}

static void check_again(const struct toll_dataset *dataset)
{
    struct toll_dataset again = {.path = dataset->path};
    struct toll_json first, second;
    struct toll_error error = {0};
    TOLL_ASSERT(toll_dataset_fault(dataset) == NULL);
    TOLL_ASSERT(toll_dataset_encode(&first, dataset, NULL) == 0);
    if (toll_dataset_decode(&again, first.text, first.bytes, &error) != 0)
        toll_check_failed(__FILE__, __LINE__, error.text);
    TOLL_ASSERT(toll_dataset_encode(&second, &again, NULL) == 0);
    TOLL_ASSERT(first.bytes == second.bytes && memcmp(first.text, second.text, first.bytes) == 0);
    toll_json_free(&first);
    drop(&again, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[] = "cdrs";
    struct toll_dataset dataset = {.path = path};
    struct toll_json none = {0};
    struct toll_error error;
    size_t bytes;
    char *text = sealed_text(data, size, &bytes);
    const int code = toll_dataset_decode(&dataset, text, bytes, &error);
    free(text);
    if (code != 0) {
        fuzz_check_error(code, &error);
        return 0;
    }
    check_again(&dataset);
    drop(&dataset, &none);
    return 0;
}
