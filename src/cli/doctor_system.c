/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "cli/text.h"

/* The largest segment has 35 MiB: segment_layout.c; others need some, too. */
#define SHM_WANTED (UINT64_C(64) << 20)
#define FILES_WANTED 64 /* with fewer, image_fd_hide() finds no number above the program's own */

static void image_look(struct doctor *doctor)
{
	const struct target *target = &doctor->target;
	enum rawcache_reason reason;
	struct rawcache *cache;
	int err = target_try(target, TARGET_ATTACH, &cache, &reason);

	if (!err) {
		doctor_ok("the image %s can be used", target->path);
		rawcache_detach(cache);
	} else if (err == -ENOENT && reason == RAWCACHE_REASON_no_image) {
		doctor_ok("there is no image at %s yet: `rawcache run` makes it", target->path);
	} else {
		doctor_fail(
			doctor, "the image %s cannot be used (%s): %s; `rawcache info` says more",
			target->path, rawcache_reason_name(reason), rawcache_reason_text(reason));
	}
}

static void runtime_look(struct doctor *doctor)
{
	const char *dir = target_runtime_dir(&doctor->target);
	char text[TEXT_LENGTH];
	struct statvfs fs;
	uint64_t room;

	if (statvfs(dir, &fs) || access(dir, W_OK | X_OK)) {
		doctor_fail(doctor,
			    "the runtime segment cannot be made in %s: %s; name another "
			    "directory with RAWCACHE_RUNTIME_DIR",
			    dir, strerror(errno));
		return;
	}
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room < SHM_WANTED)
		doctor_warn("only %s are free in %s: the runtime segment of a large image may not "
			    "fit",
			    text_bytes(room, text), dir);
	else
		doctor_ok("%s has room for the runtime segment", dir);
}

static uint64_t limit_of(int resource)
{
	struct rlimit limit;

	return getrlimit(resource, &limit) ? RLIM_INFINITY : limit.rlim_cur;
}

static void limits_look(struct doctor *doctor)
{
	const char *path = doctor->target.path;
	uint64_t files = limit_of(RLIMIT_NOFILE);
	uint64_t bytes = 0;
	struct stat st;

	if (!stat(path, &st) && S_ISREG(st.st_mode))
		bytes = (uint64_t)st.st_size;
	if (files < FILES_WANTED)
		doctor_warn("a process may open %llu files, and the cache needs three of them",
			    (unsigned long long)files);
	if (limit_of(RLIMIT_AS) / 8 < bytes)
		doctor_warn("RLIMIT_AS leaves no address space to map the image: reads use pread");
	if (limit_of(RLIMIT_FSIZE) < bytes)
		doctor_warn("RLIMIT_FSIZE forbids writing to the image: nothing new is stored");
}

static void uring_look(void)
{
	struct io_uring_params params = { .flags = 0 };
	long fd = syscall(__NR_io_uring_setup, 1, &params);

	if (fd >= 0) {
		close((int)fd);
		doctor_ok("io_uring is allowed");
	} else {
		doctor_warn("io_uring cannot be used (%s): fills use threads", strerror(errno));
	}
}

/* A chroot or a container may not have /proc, where the names of opened files are read. */
static void proc_look(struct doctor *doctor)
{
	if (access("/proc/self/fd", X_OK))
		doctor_fail(doctor, "/proc is not mounted here, and the cache needs it: mount it");
}

void doctor_system(struct doctor *doctor)
{
	proc_look(doctor);
	image_look(doctor);
	runtime_look(doctor);
	limits_look(doctor);
	uring_look();
}
