/* SPDX-License-Identifier: MIT */
/*
 * The image is formatted under a temporary name in its directory and then renamed without replacing. The
 * lock is a file beside it, which is held by flock() while it exists under its name. It only spares work
 * and disk space: the rename is what makes it safe. A temporary image that exists while the lock is held
 * was left by a command that was killed.
 */
#include "cli/create.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/checked.h"
#include "cli/command.h"
#include "cli/say.h"
#include "cli/text.h"

/*
 * What the cache needs besides grows with it: of 10 GiB, 35 MiB of index and a segment as large in memory, which the
 * smallest machines have. A smaller one would not hold an epoch of most data sets. `format --size` takes another.
 */
#define DEFAULT_SIZE (UINT64_C(10) << 30)
#define DEFAULT_SHARE 10 /* of the free space: images in several places must not fill the disk */
#define SIZE_STEP (UINT64_C(1) << 20) /* people read the size */

struct image_path {
	char path[PATH_MAX]; /* absolute */
	char lock[PATH_MAX + 16], temporary[PATH_MAX + 16];
};

uint64_t create_share(uint64_t free_bytes)
{
	return round_down(min_u64(DEFAULT_SIZE, free_bytes / DEFAULT_SHARE), SIZE_STEP);
}

int create_default_size(const char *path, uint64_t *size)
{
	char copy[PATH_MAX];
	char text[TEXT_LENGTH];
	struct statvfs fs;
	const char *dir;
	uint64_t free_bytes;

	snprintf(copy, sizeof(copy), "%s", path);
	dir = dirname(copy);
	if (statvfs(dir, &fs))
		return say_refusal("the directory of the image, %s, cannot be used: %s; "
				   "create it or choose another",
				   dir, strerror(errno));
	if (fs.f_flag & ST_RDONLY)
		return say_refusal("no image can be made in %s: its file system is mounted "
				   "read-only; name an image elsewhere",
				   dir);
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	*size = create_share(free_bytes);
	if (*size >= RAWCACHE_MIN_IMAGE_SIZE)
		return GO_ON;
	return say_refusal(
		"only %s are free in %s, and a tenth of that is too little for an image; "
		"say how large with --size, or name an image elsewhere with --cache",
		text_bytes(free_bytes, text), dir);
}

int create_absolute(const char *path, const char *what, char *absolute, size_t n)
{
	char dir_copy[PATH_MAX], base_copy[PATH_MAX], real[PATH_MAX];
	const char *dir, *base;

	if ((size_t)snprintf(dir_copy, sizeof(dir_copy), "%s", path) >= sizeof(dir_copy))
		return say_refusal("the name of %s is too long: %s; choose a shorter one", what,
				   path);
	strcpy(base_copy, dir_copy);
	dir = dirname(dir_copy);
	base = basename(base_copy);
	if (!realpath(dir, real))
		return say_refusal("the directory of %s, %s, cannot be used: %s; "
				   "create it or choose another",
				   what, dir, strerror(errno));
	if (!strcmp(real, "/"))
		*real = '\0';
	if ((size_t)snprintf(absolute, n, "%s/%s", real, base) >= n)
		return say_refusal("the name of %s is too long: %s/%s; choose a shorter one", what,
				   real, base);
	return GO_ON;
}

/* mkdir -p with mode 0700, for the directories above `path`. */
static int directories_make(const char *path)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(dir, 0700) && errno != EEXIST)
			return say_refusal("cannot make the directory %s for the default image: "
					   "%s; name an image elsewhere with --cache",
					   dir, strerror(errno));
		*slash = '/';
	}
	return GO_ON;
}

static int place_init(struct image_path *place, const char *path)
{
	int status = create_absolute(path, "the image", place->path, sizeof(place->path));
	char *slash;

	if (status != GO_ON)
		return status;
	slash = strrchr(place->path, '/');
	snprintf(place->lock, sizeof(place->lock), "%.*s/.%s.lock", (int)(slash - place->path),
		 place->path, slash + 1);
	snprintf(place->temporary, sizeof(place->temporary), "%.*s/.%s.new",
		 (int)(slash - place->path), place->path, slash + 1);
	return GO_ON;
}

/* True when the locked file is still the one with that name. */
static bool lock_current(int fd, const char *name)
{
	struct stat mine, named;

	return !fstat(fd, &mine) && !lstat(name, &named) && mine.st_dev == named.st_dev &&
	       mine.st_ino == named.st_ino;
}

/* A descriptor that holds the lock, or -errno. */
static int lock_take(const char *name)
{
	int fd;

	for (;;) {
		fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd < 0)
			return -errno;
		while (flock(fd, LOCK_EX)) {
			int err = errno;

			if (err == EINTR)
				continue;
			close(fd);
			return -err;
		}
		if (lock_current(fd, name))
			return fd;
		close(fd);
	}
}

static void lock_release(const char *name, int fd)
{
	unlink(name); /* removed before the lock is released: a waiter checks the name again */
	close(fd);
}

/* Give the finished image its name, unless another command came first, which is as good. */
static int image_publish(const struct image_path *place)
{
	int err = 0;

	if (renameat2(AT_FDCWD, place->temporary, AT_FDCWD, place->path, RENAME_NOREPLACE))
		err = errno;
	if (err == EINVAL || err == ENOSYS) /* not every file system can */
		err = link(place->temporary, place->path) ? errno : 0;
	unlink(place->temporary);
	if (!err || err == EEXIST)
		return GO_ON;
	return say_refusal(
		"cannot give the new image its name %s: %s; name an image elsewhere with --cache",
		place->path, strerror(err));
}

static const char *refused_advice(int err)
{
	switch (-err) {
	case EBUSY:
	case EEXIST:
		return ""; /* the library's words say it */
	case ERANGE:
		return "; see `rawcache help format`";
	case ENOSPC:
	case EFBIG:
	case EDQUOT:
		return "; choose a smaller --size, or another disk";
	case ECANCELED:
		return "; start again when it may take its time";
	case EIO:
		return "; look at the disk and at the kernel's log, or choose another disk";
	default:
		return "; name an image where this user may write";
	}
}

int create_refused(const char *path, const char *message, int err)
{
	say_refusal("cannot make the image %s: %s%s", path, *message ? message : strerror(-err),
		    refused_advice(err));
	return err == -ERANGE ? STATUS_USAGE : STATUS_REFUSED;
}

static int image_make(const struct target *target, const struct image_path *place)
{
	struct rawcache_format_options options;
	char message[512] = "";
	char text[TEXT_LENGTH];
	int status = GO_ON;
	int err;

	unlink(place->temporary);
	rawcache_format_options_init(&options, sizeof(options));
	options.size = target->config.size;
	options.runtime_dir = *target->config.runtime_dir ? target->config.runtime_dir : NULL;
	if (!options.size)
		status = create_default_size(place->path, &options.size);
	if (status != GO_ON)
		return status;
	err = rawcache_image_format(place->temporary, &options, message, sizeof(message));
	if (err) {
		unlink(place->temporary);
		return create_refused(place->path, message, err);
	}
	status = image_publish(place);
	if (status == GO_ON)
		say_note("made the image %s (%s%s)", place->path, text_bytes(options.size, text),
			 target->config.size ?
				 "" :
				 "; --size and --cache choose another size and place, "
				 "`rawcache setup` asks");
	return status;
}

static bool image_exists(const char *path)
{
	struct stat st;

	return !stat(path, &st) || errno != ENOENT;
}

int create_if_missing(const struct target *target)
{
	struct image_path place;
	int status;
	int fd;

	if (image_exists(target->path))
		return GO_ON;
	status = target->fallback ? directories_make(target->path) : GO_ON;
	if (status == GO_ON)
		status = place_init(&place, target->path);
	if (status != GO_ON)
		return status;
	fd = lock_take(place.lock);
	if (fd < 0)
		return say_refusal("cannot make the image %s: its directory: %s; "
				   "name an image elsewhere with --cache",
				   place.path, strerror(-fd));
	if (!image_exists(place.path))
		status = image_make(target, &place);
	lock_release(place.lock, fd);
	return status;
}
