/* Assertions. TOLL_ASSERT stays on in release builds, at the boundaries; TOLL_DCHECK is for loops, debug
 * only. */
#ifndef TOLL_BASE_CHECK_H
#define TOLL_BASE_CHECK_H

/* Prints file, line and the condition to stderr and aborts: our own bug, never bad data. */
_Noreturn void toll_check_failed(const char *file, int line, const char *condition);

#define TOLL_ASSERT(c) ((c) ? (void)0 : toll_check_failed(__FILE__, __LINE__, #c))
#ifdef TOLL_DEBUG
#define TOLL_DCHECK(c) TOLL_ASSERT(c)
#else
#define TOLL_DCHECK(c) ((void)0)
#endif

#endif
