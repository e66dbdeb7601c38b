/* SPDX-License-Identifier: MIT */
/*
 * From the top:
 *
 *	elide_vector_slow	a copy of the program's vector, is there anything to elide?
 *	vector_elide		the thread is ours; cancellation
 *	vector_send		part after part, until one is short
 *	part_next		bytes that may be cached, or those before them
 *	part_send		transfer_send(), or what cannot be transferred by sendmsg()
 */
#include "shim/libc/symbols.h"

#include "shim/serve/elide.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include <rawcache/embed.h>

#include "base/guard.h"
#include "base/stats.h"
#include "base/sys.h"

#include "shim/table/fdtab.h"
#include "shim/serve/send_cost.h"
#include "shim/serve/socket_kind.h"
#include "shim/table/process.h"
#include "shim/libc/sigpipe.h"
#include "shim/libc/thread.h"

#define SOURCES 4     /* buffers that a thread fills in turn */
#define VECTOR_MAX 64 /* longer ones go to the kernel */
#define FLAGS_KNOWN (MSG_NOSIGNAL | MSG_DONTWAIT)

/* Bytes that this thread has read. */
struct source {
	const char *buf;
	size_t n;
	uint64_t file, offset;
};

static tls_initial struct source sources[SOURCES];
static tls_initial unsigned int source_newest;

static bool source_overlaps(const struct source *source, const char *buf, size_t n)
{
	return source->n && buf < source->buf + source->n && source->buf < buf + n;
}

static bool source_continues(const struct source *source, uint64_t file, const char *buf,
			     uint64_t offset)
{
	return source->n && source->file == file && source->buf + source->n == buf &&
	       source->offset + source->n == offset;
}

void elide_note_slow(uint64_t file, const void *buf, size_t n, uint64_t offset)
{
	struct source *source = &sources[source_newest];

	if (!attach_config.sendfile)
		return;
	if (source_continues(source, file, buf, offset)) {
		source->n += n;
		return;
	}
	/* bytes that were read into the same memory before are gone */
	if (!source_overlaps(source, buf, n)) {
		for (unsigned int i = 0; i < SOURCES; i++)
			if (source_overlaps(&sources[i], buf, n))
				sources[i].n = 0;
		source_newest = (source_newest + 1) % SOURCES;
		source = &sources[source_newest];
	}
	*source = (struct source){ .buf = buf, .n = n, .file = file, .offset = offset };
}

/* --- which bytes may be cached */

struct vector {
	struct iovec iov[VECTOR_MAX];
	size_t count, at; /* iov[at] is the first buffer that was not sent whole */
	int fd, flags;
	unsigned int kind; /* SEND_TCP, or 0 */
	size_t least;	   /* fewer bytes than this are not transferred */
};

/* Some bytes of one buffer, or the buffers before them. */
struct part {
	size_t n;
	bool elide;
	bool mapped;
	uint64_t file, offset; /* unless it is mapped */
};

/* Find the first bytes of [buf, buf + n) that may be cached, if there are enough of them. */
static bool source_find(const char *buf, size_t n, size_t least, size_t *skip, struct part *part)
{
	bool found = false;

	for (unsigned int i = 0; i < SOURCES; i++) {
		const struct source *s = &sources[i];
		const char *start = s->buf > buf ? s->buf : buf;
		const char *end = s->buf + s->n < buf + n ? s->buf + s->n : buf + n;

		if (!s->n || start >= end || (size_t)(end - start) < least ||
		    (found && (size_t)(start - buf) >= *skip))
			continue;
		found = true;
		*skip = (size_t)(start - buf);
		*part = (struct part){ .n = (size_t)(end - start),
				       .elide = true,
				       .file = s->file,
				       .offset = s->offset + (uint64_t)(start - s->buf) };
	}
	if (!found && n >= least && rawcache_maps_touch(attach_cache_now(), buf, n)) {
		*skip = 0;
		*part = (struct part){ .n = n, .elide = true, .mapped = true };
		found = true;
	}
	return found;
}

/* The next part: bytes to transfer, or all bytes before the next such ones. */
static void part_next(const struct vector *v, struct part *part)
{
	size_t before = 0;

	for (size_t i = v->at; i < v->count; i++) {
		size_t skip = 0;
		struct part found;

		if (source_find(v->iov[i].iov_base, v->iov[i].iov_len, v->least, &skip, &found)) {
			if (!before && !skip) {
				*part = found;
				return;
			}
			before += skip;
			break;
		}
		before += v->iov[i].iov_len;
	}
	*part = (struct part){ .n = before };
}

/* --- sending */

static size_t vector_left(const struct vector *v)
{
	size_t left = 0;

	for (size_t i = v->at; i < v->count; i++)
		left += v->iov[i].iov_len;
	return left;
}

static void vector_advance(struct vector *v, size_t n)
{
	while (v->at < v->count && n >= v->iov[v->at].iov_len)
		n -= v->iov[v->at++].iov_len;
	if (!n)
		return;
	v->iov[v->at].iov_base = (char *)v->iov[v->at].iov_base + n;
	v->iov[v->at].iov_len -= n;
}

/* Let the kernel copy the next `n` bytes. */
static ssize_t plain_send(struct vector *v, size_t n, bool more)
{
	struct msghdr message = { .msg_iov = &v->iov[v->at] };
	size_t whole = 0;
	size_t end = v->at;
	size_t length;
	ssize_t done;

	while (whole + v->iov[end].iov_len < n)
		whole += v->iov[end++].iov_len;
	length = v->iov[end].iov_len;
	v->iov[end].iov_len = n - whole;
	message.msg_iovlen = end + 1 - v->at;
	done = NEXT(sendmsg)(v->fd, &message, v->flags | (more ? MSG_MORE : 0));
	v->iov[end].iov_len = length;
	return done < 0 ? -errno : done;
}

/* Whether sendfile() failed in a way in which a write would not: nothing was sent. */
static bool transfer_refused(ssize_t n)
{
	switch (n) {
	case 0:
	case -ENODATA:
	case -ESTALE:
	case -EINVAL:
	case -ENOSYS:
	case -EOPNOTSUPP:
	case -EIO:
	case -EBADF:
	case -ENOMEM:
	case -ESPIPE:
		return true;
	default:
		return false;
	}
}

/* *n becomes the length of the piece that was tried. */
static ssize_t transfer_send(struct vector *v, const struct part *part, size_t *n)
{
	const struct rawcache_transfer transfer = { .way = RAWCACHE_TRANSFER_SENDFILE,
						    .out = v->fd,
						    .cancel = true };
	struct rawcache *cache = attach_cache_now();
	const char *bytes = v->iov[v->at].iov_base;

	if (part->mapped)
		return rawcache_maps_transfer(cache, &transfer, bytes, n);
	return rawcache_file_transfer_same(cache, part->file, &transfer, bytes, part->offset, n);
}

/* Send a part. A result below *n means that the kernel took no more. */
static ssize_t part_send(struct vector *v, const struct part *part, size_t *n, bool *elided)
{
	size_t left = vector_left(v);
	ssize_t done;

	*n = part->n;
	if (part->elide) {
		done = transfer_send(v, part, n);
		if (!transfer_refused(done)) {
			*elided = *elided || done > 0;
			return done;
		}
		*n = part->n;
	}
	return plain_send(v, *n, *n < left);
}

static ssize_t vector_send(struct vector *v)
{
	struct sigpipe_hold hold;
	bool elided = false;
	size_t sent = 0;
	ssize_t done = 0;
	size_t n = 0;

	sigpipe_begin(&hold);
	do {
		struct part part;

		part_next(v, &part);
		done = part_send(v, &part, &n, &elided);
		if (done <= 0)
			break;
		sent += (size_t)done;
		vector_advance(v, (size_t)done);
	} while ((size_t)done == n && v->at < v->count);
	sigpipe_end(&hold, !sent && !(v->flags & MSG_NOSIGNAL));
	stats_add(elided_writes, elided);
	return sent ? (ssize_t)sent : done;
}

static void cancelled(void *arg)
{
	(void)arg;
	thread_leave();
	thread_give_back();
}

/* A cancellation point, as the system call is that it replaces. */
static ssize_t vector_elide(struct vector *v, const struct send_cost *cost, enum send_cost_way way)
{
	ssize_t done;

	pthread_cleanup_push(cancelled, NULL);
	done = way == SEND_TRANSFER ? vector_send(v) : plain_send(v, vector_left(v), false);
	pthread_cleanup_pop(0);
	if (cost->figure)
		send_cost_learn(cost, done > 0 ? (size_t)done : 0);
	return done;
}

/* --- whether to elide */

/* sendfile() waits or not as the descriptor says, not as flags say. */
static bool flags_fit(int fd, int flags)
{
	if (flags & ~FLAGS_KNOWN)
		return false;
	return !(flags & MSG_DONTWAIT) || sys_fcntl(fd, F_GETFL, 0) & O_NONBLOCK;
}

/* The first part to elide, if there is one. */
static bool vector_find(const struct vector *v, struct part *part)
{
	size_t skip;

	for (size_t i = 0; i < v->count; i++)
		if (v->iov[i].iov_len >= v->least &&
		    source_find(v->iov[i].iov_base, v->iov[i].iov_len, v->least, &skip, part))
			return true;
	return false;
}

static size_t least_bytes(void)
{
	uint64_t fixed = rawcache_mmap_threshold_fixed(attach_cache_now());

	if (fixed == RAWCACHE_AUTO)
		return SEND_MIN;
	return fixed > ELIDE_NOTE_MIN ? (size_t)fixed : ELIDE_NOTE_MIN;
}

static bool vector_take(struct vector *v, const struct iovec *iov, size_t count)
{
	size_t total = 0;

	if (!count || count > VECTOR_MAX || guard_copy(v->iov, iov, count * sizeof(*iov)))
		return false;
	for (size_t i = 0; i < count; i++)
		if (v->iov[i].iov_len > INT_MAX - 4095 ||
		    (total += v->iov[i].iov_len) > INT_MAX - 4095)
			return false;
	v->count = count;
	v->at = 0;
	v->least = least_bytes();
	return total >= v->least;
}

bool elide_vector_slow(int fd, const struct iovec *iov, size_t count, int flags, ssize_t *done)
{
	enum send_cost_way way;
	struct send_cost cost;
	struct vector v;
	struct part part;

	if (!attach_config.sendfile || fdtab_get(fd) || !vector_take(&v, iov, count) ||
	    !vector_find(&v, &part) || process_seems_foreign() || !socket_kind(fd, &v.kind) ||
	    !flags_fit(fd, flags))
		return false;
	v.fd = fd;
	v.flags = flags;
	way = send_cost_choose(v.kind | (part.mapped ? SEND_MAPPED : 0), part.n, &cost);
	if ((way == SEND_WRITE && !cost.figure) || !thread_enter())
		return false;
	*done = vector_elide(&v, &cost, way);
	thread_leave();
	if (*done < 0) {
		errno = (int)-*done;
		*done = -1;
	}
	return true;
}
