/*
 * The report as one HTML file. See html.h.
 */
#include "html.h"

static int write_file(struct cmd *cmd, const char *path)
{
    struct cmd_output out;
    struct toll_error error = {0};
    if (cmd_output_to_file(&out, path, &error) < 0) {
        cmd_output_close(&out);
        return cmd_fail(cmd, &error);
    }
    cmd_put_text(&out, "<!DOCTYPE html>\n<title>tollmill</title>\n");
    const int code = cmd_output_commit(&out, &error);
    cmd_output_close(&out);
    return code < 0 ? cmd_fail(cmd, &error) : CMD_OK;
}

int cmd_html_impact(struct cmd *cmd, const struct toll_impact *impact, const struct cmd_html_about *about,
                    const char *path)
{
    (void)impact, (void)about;
    return write_file(cmd, path);
}

int cmd_html_delta(struct cmd *cmd, struct toll_delta *delta, const struct cmd_html_about *about,
                   const char *path)
{
    (void)delta, (void)about;
    return write_file(cmd, path);
}
