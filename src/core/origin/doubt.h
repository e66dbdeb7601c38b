/* SPDX-License-Identifier: MIT */
/*
 * Reasons for this process to look at a file's attributes again: a lock that was granted, or attributes
 * that are not those of the version that it has open. Counted per hash of device and inode, like the
 * writers in the runtime segment (file_written()). A caller that opens a file reads the count before it
 * reads the attributes; when the count changes, those attributes vouch for nothing any more, for all
 * handles of the file at once. Files with the same hash are looked at more often than needed. There are no
 * locks. A fork child continues with a copy.
 */
#ifndef CORE_DOUBT_H
#define CORE_DOUBT_H

#include <stdbool.h>
#include <stdint.h>

struct statx;

struct doubt {
	uint32_t count;	   /* number of reasons to look again, */
	uint32_t changes;  /* and of those that were attributes of another version */
	uint32_t asked;	   /* number of reasons to ask the server, */
	uint32_t answered; /* and how many of them there were when it was last asked */
	/* when attributes of no open version were last seen: clock_mono_ns() */
	uint64_t news_ns;
};

struct doubt *doubt_of(const struct statx *stx);

/* Add a reason. `ask`: the server must be asked, past the attributes that the kernel remembers. */
void doubt_raise(struct doubt *doubt, bool ask);

/* Add a reason: attributes of another version than one that is open were seen. */
void doubt_changed(struct doubt *doubt);

/*
 * The same for a caller that has read the count *seen and the number of *changes, and then the attributes: if no
 * other reason came since, both become the new ones, and the caller need not look again.
 */
void doubt_changed_seen(struct doubt *doubt, uint32_t *seen, uint32_t *changes);

/*
 * Call when attributes of a version were seen that this process does not have open: attributes that were
 * read before are older.
 */
void doubt_news(struct doubt *doubt);

/* Read the attributes of `fd`, as fresh as the reasons ask for. 0 or -errno. */
int doubt_look(struct doubt *doubt, int fd, struct statx *stx);

#endif
