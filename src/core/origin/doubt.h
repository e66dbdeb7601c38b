/* SPDX-License-Identifier: MIT */
/*
 * What makes this process look at a file's attributes again: a lock that was granted, or attributes
 * that are not those of the version that it has open. Hashed by device and inode, like the writers in
 * the runtime segment (file_written()): whoever opens a file notes the count before it reads the
 * attributes, and a count that has changed since ends what they vouched for, for all handles of the
 * file at once. Files that share a place look once more than they need to.
 *
 * No locks. A fork child goes on with a copy.
 */
#ifndef CORE_DOUBT_H
#define CORE_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

struct statx;

struct doubt {
	uint32_t count;	   /* of reasons to look again */
	uint32_t asked;	   /* reasons for which the server shall be asked, */
	uint32_t answered; /* and how many of them were there when it was asked last */
	/* when attributes were known last that are those of no open version: clock_mono_ns() */
	uint64_t news_ns;
};

struct doubt *doubt_of(const struct statx *stx);

/* Look again; `ask`: past what the kernel remembers of the attributes. */
void doubt_raise(struct doubt *doubt, bool ask);

/*
 * The same for a caller that has noted *seen and then read the attributes: if no other reason came since, *seen becomes
 * the new count, and the caller need not look again.
 */
void doubt_raise_seen(struct doubt *doubt, uint32_t *seen);

/* Attributes of a version were seen that this process does not have open: attributes read before are older. */
void doubt_news(struct doubt *doubt);

/* Read the attributes of `fd`, as fresh as the reasons ask for. 0 or -errno. */
int doubt_look(struct doubt *doubt, int fd, struct statx *stx);

#endif
