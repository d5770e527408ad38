/* Errors and findings stay one line that no terminal obeys, whatever they quote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"

/* Line ends, escape, DEL, and U+009B, which terminals take for an escape; then text that must stay. */
#define NASTY                \
    "a\nb\r\tc\x1b[31md\x7f" \
    "e\xC2\x9B"              \
    "f\xC2\xA0g\xC3\x9Bh\xC2"
#define CLEAN "a b  c [31md e  f\xC2\xA0g\xC3\x9Bh\xC2"

static void keep(void *context, const struct toll_diagnostic *diagnostic)
{
    strcpy(context, diagnostic->text);
}

static void test_one_line(void **state)
{
    struct toll_error error;
    struct toll_findings findings;
    char told[256] = "";
    const struct toll_reporter reporter = {keep, told};

    (void)state;
    assert_int_equal(toll_error_set(&error, TOLL_EDATA, "%s", NASTY), TOLL_EDATA);
    assert_string_equal(error.text, CLEAN);
    assert_int_equal(toll_error_errno(&error, TOLL_EIO, ENOENT, "%s", NASTY), TOLL_EIO);
    assert_string_equal(error.text, CLEAN ": No such file or directory");
    toll_findings_init(&findings, &reporter);
    toll_finding(&findings, TOLL_ERROR, "f", 1, 1, "%s", NASTY);
    assert_string_equal(told, CLEAN);
    assert_string_equal(findings.first_text, CLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
