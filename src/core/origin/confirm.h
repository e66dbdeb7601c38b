/* SPDX-License-Identifier: MIT */
/*
 * Whether bytes are those of the state of the file that their key tells of. Mounts remember
 * attributes: bytes that have just been read may be newer than what statx() says. So nothing is
 * stored before the server was asked, after the bytes had come, and said that the file is what it
 * was (INV-4). How it is asked depends on the mount: enum origin_look.
 */
#ifndef CORE_CONFIRM_H
#define CORE_CONFIRM_H

#include <stdbool.h>

struct file;

/*
 * Whether bytes of the file have to be confirmed; others are the file's if file_unchanged() says
 * so.
 */
bool confirm_needed(const struct file *file);

/*
 * Ask now. `fd`: where the caller has the file open, looked at with one system call. False: it is
 * another state, or that cannot be known: where it takes a new open(), only confirm_by_path() can.
 */
bool confirm_by_descriptor(const struct file *file, int fd);

/* The same by name, for a thread with a descriptor table of its own. */
bool confirm_by_path(const struct file *file);

/*
 * Before the first byte is read through the kernel's cache: on FUSE it may have pages that are
 * older than the attributes (kernel_cache without auto_inval_data), now and as long as they are
 * mapped. False: it has.
 */
bool confirm_pages(struct file *file, int fd);

#endif
