/*
 * A biller's folder: the input's files take the places of those of a small sound book, which is compiled.
 * What is accepted can be opened and used; the same folder gives the same image; what is refused says where.
 *
 * Input: lines "--- plan_rules.csv", each with the file's text behind it, as in docs/RATING.md; "---
 * !plans.csv" takes a file away.
 */
#include "book_base.h"
#include "book_use.h"

#define NAMES 40

static void set_file(struct memory_io *memory, char *name, size_t name_bytes, const char *text, size_t bytes)
{
    const bool gone = name_bytes > 0 && name[0] == '!';
    char *full = name; /* "book/" was put in front of it */
    if (gone)
        memmove(name, name + 1, strlen(name));
    full -= 5;
    memcpy(full, "book/", 5);
    if (strchr(name, '/') != NULL && strncmp(name, "decks/", 6) != 0)
        return; /* no other folder is ever looked into */
    if (strcmp(name, "decks") == 0)
        return; /* that is a folder here */
    if (strlen(name) == 0 || memory->count == MEMORY_FILES_MAX)
        return;
    memory_add(memory, full, text, bytes);
    for (int i = 0; gone && i < memory->count; i++) {
        if (strcmp(memory->files[i].name, full) == 0)
            memory->files[i] = memory->files[--memory->count];
    }
}

static void set_files(struct memory_io *memory, struct fuzz_input *input, char names[NAMES][128])
{
    const char *at = (const char *)input->at, *const end = at + input->left;
    int count = 0;
    while (at < end && count < NAMES) {
        const char *next;
        size_t bytes = 0;
        if (end - at < 4 || memcmp(at, "--- ", 4) != 0)
            return;
        at += 4;
        while (at < end && *at != '\n' && bytes < 120) {
            if (*at != 0)
                names[count][5 + bytes++] = *at;
            at++;
        }
        names[count][5 + bytes] = 0;
        at += at < end;
        next = memmem(at, (size_t)(end - at), "\n--- ", 5);
        const char *stop = next == NULL ? end : next + 1;
        set_file(memory, names[count++] + 5, bytes, at, (size_t)(stop - at));
        at = stop;
    }
}

/* Is there a range of so many numbers that compiling it would take longer than a thousand other inputs? Those
 * that no book may have are told at once. */
static bool has_slow_range(const uint8_t *data, size_t size)
{
    for (size_t i = 1; i + 1 < size; i++) {
        uint64_t first = 0, last = 0, ten = 1;
        if (data[i] != '-')
            continue;
        for (size_t k = i; k-- > 0 && data[k] >= '0' && data[k] <= '9' && i - k < 17; ten *= 10)
            first += (uint64_t)(data[k] - '0') * ten;
        for (size_t k = i + 1; k < size && data[k] >= '0' && data[k] <= '9' && k - i < 17; k++)
            last = last * 10 + (uint64_t)(data[k] - '0');
        if (last > first && last - first > 500 && last - first < UINT64_C(100000000))
            return true;
    }
    return false;
}

static void check_again(struct memory_io *memory, const uint8_t *image, size_t bytes)
{
    struct toll_compile_result result;
    uint8_t *again;
    size_t again_bytes;
    TOLL_ASSERT(toll_book_compile(&memory->io, MEMORY_FOLDER, NULL, &again, &again_bytes, &result, NULL) ==
                0);
    TOLL_ASSERT(again_bytes == bytes && memcmp(again, image, bytes) == 0);
    free(again);
}

/* What is doubtful in a book that may be compiled: no error, and each warning has its place. */
static void check_doubts(struct memory_io *memory)
{
    struct fuzz_findings told = {0, 0};
    const struct toll_check_options options = {
        .book_path = MEMORY_FOLDER, .closed_until = "2026-03-03", .reporter = {fuzz_report, &told}};
    struct toll_check_result result;
    struct toll_error error;
    int64_t count = 0;
    const int code = toll_check_with(&memory->io, &options, &result, &error);
    for (int i = 0; i < result.doubt_count; i++)
        count += result.doubts[i].count;
    TOLL_ASSERT(code == (count > 0 ? TOLL_EFINDINGS : 0) && result.errors == 0 && count == result.warnings &&
                count == (int64_t)told.warnings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_findings told = {0, 0};
    const struct toll_reporter reporter = {fuzz_report, &told};
    struct fuzz_input input = {data, size};
    struct toll_compile_result result;
    struct memory_io memory;
    struct toll_error error;
    struct toll_book *book;
    char names[NAMES][128];
    uint8_t *image;
    size_t bytes;
    if (has_slow_range(data, size))
        return 0;
    memory_io_init(&memory);
    book_base_add(&memory);
    set_files(&memory, &input, names);
    const int code = toll_book_compile(&memory.io, MEMORY_FOLDER, &reporter, &image, &bytes, &result, &error);
    /* Of many deck rows without a rate the last warning counts those that are not shown. */
    TOLL_ASSERT(result.errors == (int64_t)told.errors && result.warnings >= (int64_t)told.warnings);
    if (code == 0) {
        TOLL_ASSERT(told.errors == 0);
        if (toll_book_open_bytes(image, bytes, "image", &book, &error) != 0)
            toll_check_failed(__FILE__, __LINE__, error.text);
        use_lookups(book);
        use_rating(book);
        if (size % 16 == 0)
            check_again(&memory, image, bytes);
        toll_book_close(book);
        check_doubts(&memory);
    } else {
        TOLL_ASSERT(code == TOLL_EBOOK ? told.errors > 0 : code == TOLL_EDATA);
        fuzz_check_error(code, &error);
    }
    free(image);
    TOLL_ASSERT(memory.open == 0);
    return 0;
}
