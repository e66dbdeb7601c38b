/* SPDX-License-Identifier: MIT */
/*
 * statmount(2) of Linux 6.13 and later tells of one mount what a line of mountinfo does, without the lines of all
 * others: the table of a machine with 30 mounts took 60 us of each program.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/decimal.h"
#include "base/proctable.h"
#include "base/unusual.h"
#include "core/origin/mountinfo.h"

#ifndef __NR_statmount
#define __NR_statmount 457 /* on all architectures */
#endif

/* As in <linux/mount.h>, which older headers do not have. */
#define WANT_SB_BASIC 0x1u
#define WANT_MNT_BASIC 0x2u
#define WANT_MNT_ROOT 0x8u
#define WANT_MNT_POINT 0x10u
#define WANT_FS_TYPE 0x20u
#define WANT_FS_SUBTYPE 0x100u /* not answered where there is none */
#define WANT_SB_SOURCE 0x200u
#define MUST_HAVE \
	(WANT_SB_BASIC | WANT_MNT_BASIC | WANT_MNT_ROOT | WANT_MNT_POINT | WANT_FS_TYPE | \
	 WANT_SB_SOURCE)

#define FLAG_READ_ONLY 1u /* of file systems (SB_RDONLY) and of mounts (MOUNT_ATTR_RDONLY) */

struct mount_request {
	uint32_t bytes, spare;
	uint64_t mount, want;
};

struct mount_answer {
	uint32_t bytes, options;
	uint64_t mask;
	uint32_t major, minor;
	uint64_t magic;
	uint32_t flags, type; /* strings are places in text[] */
	uint64_t mount, parent;
	uint32_t mount_short, parent_short;
	uint64_t attributes, propagation, peers, master, from;
	uint32_t root, point;
	uint64_t namespace;
	uint32_t subtype, source;
	uint64_t later[48];
	char text[];
};
static_assert(offsetof(struct mount_answer, text) == 512, "statmount");

/* Whether the table would show the text as it is. */
static bool plain(const char *text)
{
	/* by hand: strpbrk() alone lies in a page of libc that programs do not touch */
	while (*text && *text != ' ' && *text != '\t' && *text != '\n' && *text != '\\' &&
	       *text != '#')
		text++;
	return !*text;
}

/* "8:1" */
static void device_print(char *p, uint32_t major, uint32_t minor)
{
	p = decimal_print(p, major);
	*p++ = ':';
	*decimal_print(p, minor) = '\0';
}

static bool statmount_take(struct mount_answer *answer, char *scratch, size_t room,
			   struct mounted *mounted)
{
	const char *type = answer->text + answer->type;
	char device[24];
	struct mount_line line = {
		.device = device,
		.root = answer->text + answer->root,
		.point = answer->text + answer->point,
		.point_options = answer->attributes & FLAG_READ_ONLY ? "ro" : "rw",
		.type = type,
		.source = answer->text + answer->source,
		.options = answer->flags & FLAG_READ_ONLY ? "ro" : "rw",
	};

	if (answer->mask & WANT_FS_SUBTYPE) {
		snprintf(scratch, room, "%s.%s", type, answer->text + answer->subtype);
		line.type = scratch;
	}
	device_print(device, answer->major, answer->minor);
	if (!plain(line.root) || !plain(line.point) || !plain(line.type) || !plain(line.source))
		return false;
	mounted_set(mounted, &line);
	/* the options of these are a part of what they are */
	return !(mounted->kind & KIND_PACKED);
}

bool mountinfo_ask(char *buf, uint64_t unique, struct mounted *mounted)
{
	struct mount_request request = { .bytes = sizeof(request),
					 .mount = unique,
					 .want = MUST_HAVE | WANT_FS_SUBTYPE };
	struct mount_answer *answer = (void *)buf;
	size_t half = MOUNTINFO_BUFFER / 2;

	return !unusual_forbidden() && !unusual_valgrind() &&
	       !SYS_CALL(__NR_statmount, &request, answer, half, 0, 0, 0) &&
	       (answer->mask & MUST_HAVE) == MUST_HAVE &&
	       statmount_take(answer, buf + half, half, mounted);
}
