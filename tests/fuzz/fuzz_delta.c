/*
 * delta.json: what is read is written again, and read again gives the same text. The input is the text
 * without its last member, the digest: see sealed_text.h.
 */
#include "sealed_text.h"
#include "segment/delta_files.h"

static void check_again(const struct toll_delta_manifest *manifest, const struct toll_run_file *files)
{
    struct toll_arena arena = {0};
    struct toll_delta_manifest again;
    struct toll_run_file files_again[TOLL_DELTA_FILES];
    struct toll_json first, second;
    struct toll_hash128 digest;
    struct toll_error error = {0};
    TOLL_ASSERT(toll_delta_manifest_encode(&first, manifest, files, NULL) == 0);
    if (toll_delta_manifest_decode("delta.json", first.text, first.bytes, &arena, &again, files_again,
                                   &digest, &error) != 0)
        toll_check_failed(__FILE__, __LINE__, error.text);
    TOLL_ASSERT(toll_delta_manifest_encode(&second, &again, files_again, NULL) == 0);
    TOLL_ASSERT(first.bytes == second.bytes && memcmp(first.text, second.text, first.bytes) == 0);
    toll_json_free(&first);
    toll_json_free(&second);
    toll_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct toll_delta_tables none;
    struct toll_delta_manifest manifest;
    struct toll_run_file files[TOLL_DELTA_FILES];
    struct toll_arena arena = {0};
    struct toll_hash128 digest;
    struct toll_error error;
    size_t bytes;
    char *text = sealed_text(data, size, &bytes);
    const int code =
        toll_delta_manifest_decode("delta.json", text, bytes, &arena, &manifest, files, &digest, &error);
    free(text);
    if (code == 0) {
        (void)toll_delta_fault(&manifest, &none); /* survives whatever the manifest says */
        check_again(&manifest, files);
    } else {
        fuzz_check_error(code, &error);
    }
    toll_arena_free(&arena);
    return 0;
}
