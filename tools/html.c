/*
 * The file of an HTML report: it appears whole or not at all. See html.h.
 */
#include "html.h"
#include "html_page.h"
#include "options.h"

#include <stdio.h>

int cmd_html_open(struct cmd_output *out, const char *path, struct toll_error *error)
{
    return cmd_output_to_file(out, path, error);
}

int cmd_html_check(struct cmd *cmd, const char *path)
{
    struct toll_error error = {0};
    return path != NULL && cmd_output_check(path, &error) < 0 ? cmd_fail(cmd, &error) : CMD_GO;
}

int cmd_html_close(struct cmd_html *html, const char *path, struct toll_error *error)
{
    if (!html->failed)
        return cmd_output_commit(html->out, error);
    error->code = TOLL_ENOMEM;
    snprintf(error->text, sizeof error->text, "cannot write %s: out of memory", path);
    return TOLL_ENOMEM;
}
