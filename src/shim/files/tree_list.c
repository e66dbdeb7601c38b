/* SPDX-License-Identifier: MIT */
/*
 * Lists of names in frozen trees. A stream is libc's own, so that all of its functions can be called; only
 * its contents come from the record. Places are counted: "." and ".." come before the first name of the
 * record.
 */
#include "shim/libc/symbols.h"

#include "shim/files/tree.h"
#include "shim/files/tree_look.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/record_locks.h"
#include "base/stats.h"

#include "shim/files/fd.h"
#include "shim/libc/procfd.h"

#define LISTS 256u /* directories that are open at a time; others are the kernel's */

struct tree_list {
	DIR *stream; /* NULL: free */
	struct tree *tree;
	uint32_t number;
	bool real; /* its descriptor is the directory's */
	struct frozen_node node, child;
	uint64_t at;
	struct dirent entry;
};

static large_table struct tree_list lists[LISTS];
uint32_t tree_lists;

static DIR *const being_opened = (DIR *)1;

static struct tree_list *list_take(void)
{
	for (uint32_t i = 0; i < LISTS; i++) {
		DIR *none = NULL;

		if (!load_relaxed(&lists[i].stream) && cas(&lists[i].stream, &none, being_opened))
			return &lists[i];
	}
	return NULL;
}

static void list_begin(struct tree_list *list, const struct tree_look *look, DIR *dir, bool real)
{
	list->tree = look->tree;
	list->number = look->walk.number;
	list->node = look->walk.node;
	list->at = 0;
	list->real = real;
	fetch_add(&tree_lists, 1);
	store_release(&list->stream, dir);
	stats_add(frozen_lists, 1);
}

struct tree_list *tree_list_slow(DIR *dir)
{
	for (uint32_t i = 0; i < LISTS; i++)
		if (load_acquire(&lists[i].stream) == dir && dir)
			return &lists[i];
	return NULL;
}

void tree_list_end(struct tree_list *list)
{
	store_release(&list->stream, NULL);
	fetch_sub(&tree_lists, 1);
}

static bool listed(const struct tree_look *look)
{
	return S_ISDIR(look->walk.node.mode) && look->walk.node.flags & FROZEN_LISTED &&
	       look->walk.node.flags & FROZEN_READABLE;
}

DIR *tree_opendir_slow(const char *path)
{
	struct tree_list *list = NULL;
	struct tree_look look;
	DIR *dir = NULL;
	int saved = errno;

	if (!tree_enter(path))
		return NULL;
	if (tree_look(&look, AT_FDCWD, path, false) == FROZEN_IS && listed(&look))
		list = list_take();
	thread_leave();
	if (list)
		dir = NEXT(opendir)("/");
	if (dir)
		list_begin(list, &look, dir, false);
	else if (list)
		store_release(&list->stream, NULL);
	tree_look_end(&look);
	errno = saved;
	return dir;
}

void tree_listed_slow(DIR *dir, int fd)
{
	struct pathbuf *buf = pathbuf_get();
	struct tree_list *list = NULL;
	struct tree_look look = { .path = NULL };
	int saved = errno;

	/* a stream that was read from before continues where it was */
	if (buf && !sys_lseek(fd, 0, SEEK_CUR) &&
	    procfd_path(fd, buf->path, sizeof(buf->path)) > 0 && tree_enter(buf->path)) {
		if (tree_look(&look, AT_FDCWD, buf->path, false) == FROZEN_IS && listed(&look))
			list = list_take();
		thread_leave();
	}
	if (list)
		list_begin(list, &look, dir, true);
	tree_look_end(&look);
	if (buf)
		pathbuf_put(buf);
	errno = saved;
}

static bool child_read(struct tree_list *list, uint32_t number)
{
	const struct frozen *frozen = &list->tree->frozen;

	return frozen_node_any(frozen, number, &list->child) &&
	       frozen_text(frozen, list->child.name, list->child.name_length, list->entry.d_name,
			   sizeof(list->entry.d_name));
}

struct dirent *tree_list_next(struct tree_list *list)
{
	uint64_t at = list->at;
	uint64_t inode = list->node.ino;
	unsigned char type = DT_DIR;

	if (at < 2) {
		memcpy(list->entry.d_name, at ? ".." : ".", at ? 3 : 2);
		if (at && list->number &&
		    frozen_node_any(&list->tree->frozen, list->node.parent, &list->child))
			inode = list->child.ino;
	} else if (at - 2 < list->node.count &&
		   child_read(list, list->node.first + (uint32_t)at - 2)) {
		inode = list->child.ino;
		type = (unsigned char)IFTODT(list->child.mode);
	} else {
		return NULL;
	}
	list->at++;
	list->entry.d_ino = inode;
	list->entry.d_type = type;
	list->entry.d_off = (off_t)list->at;
	list->entry.d_reclen = (unsigned short)((offsetof(struct dirent, d_name) +
						 strlen(list->entry.d_name) + 8) &
						~(size_t)7);
	return &list->entry;
}

long tree_list_tell(const struct tree_list *list)
{
	return (long)list->at;
}

void tree_list_seek(struct tree_list *list, long at)
{
	list->at = at < 0 ? 0 : (uint64_t)at;
}

bool tree_list_real(struct tree_list *list, int fd)
{
	struct pathbuf *buf;
	int saved = errno, real = -ENOENT;

	if (list->real)
		return true;
	buf = pathbuf_get();
	if (buf && frozen_path(&list->tree->frozen, list->number, buf->path, sizeof(buf->path)))
		real = sys_openat(AT_FDCWD, buf->path,
				  O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK, 0);
	if (buf)
		pathbuf_put(buf);
	if (real >= 0) {
		int flags = sys_fcntl(fd, F_GETFD, 0);

		SYS_CALL(SYS_dup3, real, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0, 0, 0, 0);
		record_locks_close(real);
		list->real = true;
		stats_add(opens_late, 1);
	}
	errno = real < 0 ? -real : saved;
	return real >= 0;
}
