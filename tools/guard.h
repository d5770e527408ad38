/*
 * The guard against SIGBUS: what a mapped file answers with when it was cut short, or its disk failed, after
 * it was opened.
 */
#ifndef CMD_GUARD_H
#define CMD_GUARD_H

/*
 * To be called once, by the command only, before any file is mapped: signal handlers belong to the process,
 * and the library may live in somebody else's. From then on such a fault, in any thread, ends the process
 * with CMD_IO and one line on stderr: which file, which byte, what to do. What was begun stays as a temporary
 * that the next run wipes, as after a kill. A SIGBUS that no mapped file raised does what it always did.
 */
void cmd_guard_install(void);

#endif
