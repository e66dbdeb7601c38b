/* SPDX-License-Identifier: MIT */
/*
 * A call that writes a file sets the file's times when it begins, and writes bytes until it ends. It may take
 * longer than any settle time: the caller's own pages may come from a slow disk or server, or the disk may not keep
 * up. Bytes that are read meanwhile have the new times, and may be the old ones.
 */
#ifndef CORE_WRITING_H
#define CORE_WRITING_H

#include <stdbool.h>

struct statx;

/*
 * Whether a call is writing to the file at this moment, as far as its file system tells without a wait (ext4 and
 * XFS do, except of direct writes to ext4). Files that changed long ago are not asked about. `fd` is any descriptor of
 * the file.
 *
 * To ask, the file is opened once more and closed. That would end the record locks (F_SETLK) that the program has on
 * it: while somebody has one, or a call that may take one is under way, nothing is asked, and the answer is no.
 */
bool writing_now(int fd, const struct statx *stx);

#endif
