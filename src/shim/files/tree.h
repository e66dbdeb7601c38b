/* SPDX-License-Identifier: MIT */
/*
 * Frozen trees: the records of base/frozen.h answer in place of the origin. A user has declared that these trees
 * stay one version (RAWCACHE_FROZEN); each answer is of that version, so all answers fit each other.
 *
 * Calls are answered whose path leads into a tree by its words, is relative, or begins at an open directory; every
 * unusual case goes to the kernel. A file that is opened for reading is a memory file with its bytes: so the
 * kernel, children and all that reaches it past the hooks find the right bytes. A call that a memory file cannot
 * answer replaces it: the real file is opened, and put over the number. A directory that is opened is always the
 * real one.
 */
#ifndef SHIM_TREE_H
#define SHIM_TREE_H

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"
#include "base/sys.h"

#include "shim/files/names.h"
#include "shim/table/handle.h"

extern bool tree_on;

/* Read the configuration; once. */
void tree_init(void);

/* Answer nothing from now on; memory files are replaced by the real ones. */
void tree_stop(void);

struct stat;

/* The following return true with *ret, the result of the call, and errno; or false: ask the kernel. */
bool tree_stat_slow(int dir, const char *path, int flags, struct stat *st, int *ret);
bool tree_statx_slow(int dir, const char *path, int flags, unsigned int mask, struct statx *stx,
		     int *ret);
bool tree_access_slow(int dir, const char *path, int mode, int flags, int *ret);
bool tree_readlink_slow(int dir, const char *path, char *buf, size_t n, ssize_t *ret);
bool tree_open_slow(int dir, const char *path, int flags, int *ret);

#define TREE_ASK(name, arguments, values) \
	static inline bool tree_##name arguments \
	{ \
		return unlikely(load_relaxed(&tree_on)) && tree_##name##_slow values; \
	}
TREE_ASK(stat, (int dir, const char *path, int flags, struct stat *st, int *ret),
	 (dir, path, flags, st, ret))
TREE_ASK(statx,
	 (int dir, const char *path, int flags, unsigned int mask, struct statx *stx, int *ret),
	 (dir, path, flags, mask, stx, ret))
TREE_ASK(access, (int dir, const char *path, int mode, int flags, int *ret),
	 (dir, path, mode, flags, ret))
TREE_ASK(readlink, (int dir, const char *path, char *buf, size_t n, ssize_t *ret),
	 (dir, path, buf, n, ret))
TREE_ASK(open, (int dir, const char *path, int flags, int *ret), (dir, path, flags, ret))

/*
 * The kernel has returned the attributes of `fd`. If it is the memory file of a frozen file, put the frozen file's
 * attributes in their place.
 */
void tree_fstat(const struct handle *handle, struct stat *st);
void tree_fstatx(const struct handle *handle, unsigned int mask, struct statx *stx);

/* If `fd` is a memory file, replace it by the real file. Keeps errno. */
void tree_real_slow(int fd);
static inline void tree_real(int fd)
{
	if (unlikely(load_relaxed(&handle_frozen)))
		tree_real_slow(fd);
}

/* The same if `out` lies on the real file's mount, where the kernel copies from file to file. */
void tree_real_beside(int fd, int out);

/*
 * The same for all descriptors (`all`), or for those that an exec leaves open. While other threads of the program
 * may read from them, memory files stay, and share their positions.
 */
void tree_real_all(bool all);
bool tree_others_run(void);

/* The same for all descriptors of one file, by any of its names. */
void tree_real_file(uint32_t tree, uint32_t number);
void tree_real_inode(uint32_t tree, uint64_t ino);

/* --- listings */

/*
 * Open a stream of a directory in a frozen tree; NULL: leave it to the kernel. It is a stream of libc's
 * own, whose descriptor is that of "/" until the program asks for it.
 */
DIR *tree_opendir_slow(const char *path);
static inline DIR *tree_opendir(const char *path)
{
	return unlikely(load_relaxed(&tree_on)) ? tree_opendir_slow(path) : NULL;
}

/*
 * libc has just made the stream `dir` of the descriptor. If that lies in a frozen tree, the names come from the
 * record.
 */
void tree_listed_slow(DIR *dir, int fd);

struct tree_list;
extern uint32_t tree_lists; /* number of open lists */

/* The list behind a stream, or NULL: leave it to the kernel. */
struct tree_list *tree_list_slow(DIR *dir);
static inline struct tree_list *tree_list(DIR *dir)
{
	return unlikely(load_relaxed(&tree_lists)) ? tree_list_slow(dir) : NULL;
}

/* The next name; NULL at the end. */
struct dirent *tree_list_next(struct tree_list *list);
long tree_list_tell(const struct tree_list *list);
void tree_list_seek(struct tree_list *list, long at);

/* Give the stream the real directory's descriptor from now on. False, with errno: it cannot be opened. */
bool tree_list_real(struct tree_list *list, int fd);
void tree_list_end(struct tree_list *list);

/* --- changes, which are reported before they are made */

enum tree_change {
	TREE_NAME, /* the name is added, removed, or gets another file */
	TREE_FILE, /* the file to which the path leads */
	TREE_LINK, /* the file, which may be a link */
	TREE_OPEN, /* the file, or the name if it does not exist */
};
void tree_touch_slow(int dir, const char *path, enum tree_change change);
void tree_touch_fd_slow(int fd, bool made);
static inline void tree_touch(int dir, const char *path, enum tree_change change)
{
	if (unlikely(load_relaxed(&tree_on)))
		tree_touch_slow(dir, path, change);
}
/* `fd` was opened for writing, or is about to be changed; `made`: its name may be new. */
static inline void tree_touch_fd(int fd, bool made)
{
	if (unlikely(load_relaxed(&tree_on)) && fd >= 0)
		tree_touch_fd_slow(fd, made);
}

#endif
