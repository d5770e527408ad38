/* The frame of the doubts, and what nobody uses: plans, decks, files of decks, destinations. */
#include "ratetable/doubts.h"

#include "ratetable/owners.h"
#include "ratetable/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

void toll_doubts_end(struct toll_doubts *doubts)
{
    toll_buffer_free(&doubts->destination_parents);
}

void toll_doubt(struct toll_build *build, const char *name, const char *file, long line, long column,
                const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    build->findings->name = name;
    toll_finding(build->findings, TOLL_WARNING, file, line, column, "%s", text);
    build->findings->name = NULL;
}

const char *toll_doubt_path(struct toll_build *build, const char *name)
{
    for (size_t i = 0; i < build->sources.count; i++) {
        const struct toll_source *source = *TOLL_BUFFER_AT(&build->sources, struct toll_source *, i);
        if (strcmp(source->name, name) == 0)
            return source->path;
    }
    return name;
}

static const struct toll_rule *rules_of(const struct toll_build *build, size_t *count)
{
    *count = build->sections[TOLL_SECTION_RULES].count;
    return build->sections[TOLL_SECTION_RULES].data;
}

static uint32_t line_of(const struct toll_table_names *names, uint32_t id)
{
    return *TOLL_BUFFER_AT(&names->lines, uint32_t, id - 1);
}

/* A mark for each id. */
static bool *marks_make(size_t count)
{
    return calloc(count + 1, sizeof(bool));
}

static int check_plans(struct toll_build *build)
{
    const char *path = toll_doubt_path(build, "plans.csv");
    const uint32_t count = build->plans.strings.count;
    bool *assigned = marks_make(count), *ruled = marks_make(count);
    const struct toll_rule *rules;
    size_t rule_count;

    rules = rules_of(build, &rule_count);
    for (size_t i = 0; i < build->assignments.count && assigned != NULL; i++)
        assigned[TOLL_BUFFER_AT(&build->assignments, struct toll_assignment, i)->plan] = true;
    for (size_t i = 1; i < rule_count && ruled != NULL; i++)
        ruled[rules[i].plan] = true;
    for (uint32_t id = 1; id <= count && assigned != NULL && ruled != NULL; id++) {
        const char *name = toll_strings_text(&build->plans.strings, id, NULL);
        if (!ruled[id])
            toll_doubt(build, "plan_without_rules", path, line_of(&build->plans, id), 0,
                       "the plan \"%.60s\" has no rule: every call under it goes to suspense as no_rule; "
                       "write its rules into plan_rules.csv",
                       name);
        if (!assigned[id])
            toll_doubt(build, "unused_plan", path, line_of(&build->plans, id), 0,
                       "the plan \"%.60s\" is nobody's: assignments.csv does not name it", name);
    }
    const bool good = assigned != NULL && ruled != NULL;
    free(assigned);
    free(ruled);
    return good ? 0 : toll_build_memory(build);
}

/* Where a deck that decks.csv does not have is named first. */
static uint32_t version_line(const struct toll_build *build, uint32_t deck)
{
    for (size_t i = 0; i < build->deck_versions.count; i++) {
        const struct toll_deck_version *version =
            TOLL_BUFFER_AT(&build->deck_versions, struct toll_deck_version, i);
        if (version->deck == (int32_t)deck)
            return version->line;
    }
    return 0;
}

static int check_decks(struct toll_build *build)
{
    const uint32_t count = (uint32_t)build->deck_builds.count;
    bool *used = marks_make(count);
    const struct toll_rule *rules;
    size_t rule_count;

    if (used == NULL)
        return toll_build_memory(build);
    rules = rules_of(build, &rule_count);
    for (size_t i = 1; i < rule_count; i++)
        used[rules[i].deck] = true;
    for (uint32_t id = 1; id <= count; id++) {
        const struct toll_deck_build *deck =
            TOLL_BUFFER_AT(&build->deck_builds, struct toll_deck_build, id - 1);
        if (!used[id])
            toll_doubt(build, "unused_deck",
                       toll_doubt_path(build, deck->line > 0 ? "decks.csv" : "deck_versions.csv"),
                       deck->line > 0 ? deck->line : version_line(build, id), 0,
                       "the deck \"%.60s\" is used by no rule of plan_rules.csv", deck->name);
    }
    free(used);
    return 0;
}

/* Sheets that lie in decks/ and are read by nobody. */
static int check_files(struct toll_build *build)
{
    char **names, path[4096], name[512];
    size_t count;
    struct toll_error reason;
    struct stat status;
    int code =
        build->io->fstatat(build->io->context, build->directory, "decks", &status, AT_SYMLINK_NOFOLLOW);

    if (code == -ENOENT || (code == 0 && !S_ISDIR(status.st_mode)))
        return 0;
    if (code != 0)
        return toll_error_errno(build->error, TOLL_EIO, -code, "%s/decks: cannot look at it", build->folder);
    code = toll_list_directory(build->io, build->directory, "decks", &names, &count, &reason);
    if (code != 0)
        return toll_error_set(build->error, code, "%s/%s", build->folder, reason.text);
    for (size_t i = 0; i < count; i++) {
        const size_t bytes = strlen(names[i]);
        if (bytes < 4 || bytes > 250 || strcmp(names[i] + bytes - 4, ".csv") != 0 || names[i][0] == '.')
            continue;
        snprintf(name, sizeof(name), "decks/%s", names[i]);
        if (strcmp(toll_doubt_path(build, name), name) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", build->folder, name);
        toll_doubt(build, "unused_file", path, 0, 0,
                   "no deck reads this file: no rule names a deck \"%.*s\", and deck_versions.csv does not "
                   "name the file",
                   (int)bytes - 4, names[i]);
    }
    toll_names_free(names, count);
    return 0;
}

/* A destination that no rule or bundle names has a meaning all the same where it cuts a hole into one that
 * has. */
static int check_destinations(struct toll_build *build)
{
    const uint32_t count = build->destinations.strings.count;
    const struct toll_buffer *parents = &build->doubts->destination_parents;
    const struct toll_buffer *bundled = &build->sections[TOLL_SECTION_BUNDLE_DESTINATIONS];
    bool *named = marks_make(count), *holes = marks_make(count);
    const bool good = named != NULL && holes != NULL;
    const struct toll_rule *rules;
    size_t rule_count;

    rules = rules_of(build, &rule_count);
    for (size_t i = 1; i < rule_count && good; i++)
        named[rules[i].destination] = true;
    for (size_t i = 0; i < bundled->count && good; i++)
        named[*TOLL_BUFFER_AT(bundled, uint32_t, i)] = true;
    for (size_t i = 0; i < parents->count && good; i++) {
        const struct toll_destination_parent *pair =
            TOLL_BUFFER_AT(parents, struct toll_destination_parent, i);
        if (pair->parent > 0 && named[pair->parent])
            holes[pair->destination] = true;
    }
    for (uint32_t id = 1; id <= count && good; id++) {
        if (!named[id] && !holes[id])
            toll_doubt(build, "unused_destination", toll_doubt_path(build, "destinations.csv"),
                       line_of(&build->destinations, id), 0,
                       "the destination \"%.60s\" is used by no rule of plan_rules.csv and no bundle",
                       toll_strings_text(&build->destinations.strings, id, NULL));
    }
    free(named);
    free(holes);
    return good ? 0 : toll_build_memory(build);
}

/* Surcharges on an account or a site to which no number, trunk or hint belongs. */
static int check_surcharges(struct toll_build *build)
{
    const struct toll_buffer *sections = build->sections;
    bool *accounts = marks_make(build->accounts.strings.count),
         *sites = marks_make(build->sites.strings.count);
    const bool good = accounts != NULL && sites != NULL;

    for (size_t i = 1; i < sections[TOLL_SECTION_OWNERS].count && good; i++) {
        const struct toll_owner *owner = TOLL_BUFFER_AT(&sections[TOLL_SECTION_OWNERS], struct toll_owner, i);
        accounts[owner->account] = sites[owner->site] = true;
    }
    for (size_t i = 1; i < sections[TOLL_SECTION_SURCHARGES].count && good; i++) {
        const struct toll_surcharge *row =
            TOLL_BUFFER_AT(&sections[TOLL_SECTION_SURCHARGES], struct toll_surcharge, i);
        const bool account = row->level == TOLL_LEVEL_ACCOUNT;
        if ((!account && row->level != TOLL_LEVEL_SITE) || (account ? accounts : sites)[row->subject])
            continue;
        toll_doubt(build, "idle_subject", toll_doubt_path(build, "surcharges.csv"), row->line, 0,
                   "the %s \"%.60s\" has no number, trunk or hint, so no call is ever counted for it",
                   account ? "account" : "site",
                   toll_strings_text(account ? &build->accounts.strings : &build->sites.strings, row->subject,
                                     NULL));
    }
    free(accounts);
    free(sites);
    return good ? 0 : toll_build_memory(build);
}

int toll_build_doubts(struct toll_build *build)
{
    static int (*const stages[])(struct toll_build *) = {
        check_plans,         check_decks,       check_files,       check_destinations, check_surcharges,
        toll_doubts_bundles, toll_doubts_rules, toll_doubts_dates, toll_doubts_tax};
    int code = 0;

    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]) && code == 0; i++)
        code = stages[i](build);
    return code;
}
