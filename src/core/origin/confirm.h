/* SPDX-License-Identifier: MIT */
/*
 * Whether bytes belong to the state of the file for which their key stands. Mounts remember attributes:
 * bytes that were just read may be newer than what statx() says. So nothing is stored before the server was
 * asked, after the bytes had arrived, and answered that the file is unchanged (INV-4). The mount decides
 * how the server is asked: enum origin_look.
 */
#ifndef CORE_CONFIRM_H
#define CORE_CONFIRM_H

#include <stdbool.h>

struct file;

/* Whether bytes of the file must be confirmed; for other files file_unchanged() is enough. */
bool confirm_needed(const struct file *file);

/*
 * Ask now, with one system call, through `fd`, which has the file open. Returns false if it is another
 * state, or if the answer cannot be known: if it takes a new open(), only confirm_by_path() can tell.
 */
bool confirm_by_descriptor(const struct file *file, int fd);

/* The same by name, for a thread with a descriptor table of its own. */
bool confirm_by_path(const struct file *file);

/*
 * Must be called before the first byte is read through the kernel's cache. On FUSE that cache may have
 * pages that are older than the attributes (kernel_cache without auto_inval_data), now and for as long as
 * they are mapped. Returns false if it has.
 */
bool confirm_pages(struct file *file, int fd);

#endif
