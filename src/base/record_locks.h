/* SPDX-License-Identifier: MIT */
/*
 * Record locks (F_SETLK, lockf()) of the program. All record locks that a process has on a file end when any
 * descriptor of the file is closed in its descriptor table, also one that the program knows nothing of. Code that
 * opens a file of the origin in that table, other than for the program, must close it by record_locks_close().
 * Descriptors with O_PATH end no lock. Descriptors of helpers end none either: helpers have a table of their own.
 */
#ifndef BASE_RECORD_LOCKS_H
#define BASE_RECORD_LOCKS_H

#include <stdbool.h>

#include "base/critical.h"

/* Call before and after each call that may take a record lock, however long it waits. Async-signal-safe. */
void record_lock_begin(void);
void record_lock_end(void);

/*
 * Whether nobody has a record lock on the file of `fd`, and this program takes none before record_locks_resume(). If
 * false, there is nothing to resume. What is done in between must not wait.
 */
bool record_locks_pause(struct critical *critical, int fd);
void record_locks_resume(const struct critical *critical);

/* Close `fd`. It stays open, for good, if somebody has a record lock on the file. */
void record_locks_close(int fd);

void record_locks_fork_child(void);

#endif
