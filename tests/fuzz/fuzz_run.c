/*
 * run.json: what is read is written again, and read again gives the same text; no name in it leads out of the
 * run's folder. The input is the text without its last member, the digest: see sealed_text.h.
 */
#include "sealed_text.h"
#include "segment/run_text.h"

static void check_again(const struct toll_run_manifest *manifest, const struct toll_run_file *files,
                        size_t file_count)
{
    struct toll_arena arena = {0};
    struct toll_run_manifest again;
    struct toll_run_file files_again[TOLL_RUN_FILES];
    struct toll_json first, second;
    struct toll_error error = {0};
    size_t count_again;
    TOLL_ASSERT(toll_run_manifest_encode(&first, manifest, files, file_count, NULL) == 0);
    if (toll_run_manifest_decode("run.json", first.text, first.bytes, &arena, &again, files_again,
                                 &count_again, NULL, &error) != 0)
        toll_check_failed(__FILE__, __LINE__, error.text);
    TOLL_ASSERT(count_again == file_count);
    TOLL_ASSERT(toll_run_manifest_encode(&second, &again, files_again, count_again, NULL) == 0);
    TOLL_ASSERT(first.bytes == second.bytes && memcmp(first.text, second.text, first.bytes) == 0);
    toll_json_free(&first);
    toll_json_free(&second);
    toll_arena_free(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct toll_run_manifest manifest;
    struct toll_run_file files[TOLL_RUN_FILES];
    struct toll_arena arena = {0};
    struct toll_hash128 digest;
    struct toll_error error;
    size_t bytes, count;
    char *text = sealed_text(data, size, &bytes);
    const int code =
        toll_run_manifest_decode("run.json", text, bytes, &arena, &manifest, files, &count, &digest, &error);
    free(text);
    if (code == 0) {
        TOLL_ASSERT(toll_run_manifest_fault(&manifest) == NULL);
        for (size_t i = 0; i < count; i++) {
            TOLL_ASSERT(toll_run_file_name_valid(files[i].name) && strchr(files[i].name, '/') == NULL);
            TOLL_ASSERT(strstr(files[i].name, "..") == NULL && files[i].name[0] != '.');
        }
        check_again(&manifest, files, count);
    } else {
        fuzz_check_error(code, &error);
    }
    toll_arena_free(&arena);
    return 0;
}
