/* What an opened run owns, for the files of this room. */
#ifndef TOLL_SEGMENT_RUN_FILES_H
#define TOLL_SEGMENT_RUN_FILES_H

#include "base/arena.h"
#include "segment/run_text.h"

struct toll_run_owned {
    struct toll_arena arena; /* texts and parts */
    struct toll_run_file files[TOLL_RUN_FILES];
    size_t file_count;
    const struct toll_run_files *like; /* NULL, or whose tables are these where the files are the same */
};

static inline const struct toll_run_owned *toll_run_owned(const struct toll_run_files *run)
{
    return run->owned;
}

#endif
