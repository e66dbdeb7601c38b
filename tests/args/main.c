/* SPDX-License-Identifier: MIT */
/*
 *	LD_PRELOAD=... args CACHED-DIRECTORY PLAIN-DIRECTORY FAR-DIRECTORY [SEED [STEPS]]
 *
 * Both directories have the files `one`, `two` and `same` of 300001 bytes; FAR is on another file
 * system. Exits 0, 77 where that is not so, or 1 at the first difference, with the seed, the step
 * and the call on standard error.
 */
#include "args.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct arguments a;
char detail[256];

static unsigned long seed, step;
static const char *name = "";
static volatile sig_atomic_t signals;

static const struct kind *const rooms[] = { kinds_read, kinds_write,	  kinds_move,
					    kinds_map,	kinds_descriptor, kinds_message };
#define ROOMS (sizeof(rooms) / sizeof(rooms[0]))

static void handler(int sig)
{
	(void)sig;
	signals++;
}

void differ(const char *what, long cached, long plain)
{
	fprintf(stderr,
		"seed %lu step %lu %s: %s: %ld, plain %ld\n"
		"in %d out %d n %zu m %zu at %lld %lld buffer %d offsets %d %d flags %#lx how %ld "
		"command "
		"%#lx count %d bad %d %s%s\n",
		seed, step, name, what, cached, plain, a.in, a.out, a.n, a.m, (long long)a.at[0],
		(long long)a.at[1], a.buffer, a.offset[0], a.offset[1], a.flags, a.how, a.command,
		a.count, a.bad, a.limited ? "limited " : "", detail);
	sides_close();
	exit(1);
}

static const struct kind *draw_kind(void)
{
	unsigned int all = 0;
	uint64_t at;

	for (size_t i = 0; i < ROOMS; i++)
		for (const struct kind *kind = rooms[i]; kind->name; kind++)
			all += kind->weight;
	at = draw(all);
	for (size_t i = 0;; i++)
		for (const struct kind *kind = rooms[i]; kind->name; kind++) {
			if (at < kind->weight)
				return kind;
			at -= kind->weight;
		}
}

static void draw_common(void)
{
	memset(&a, 0, sizeof(a));
	detail[0] = '\0';
	a.in = draw(3) ? (enum slot)draw(SLOT_SAME_OUT) : (enum slot)draw(SLOTS);
	a.out = (enum slot)draw(SLOTS);
	a.n = draw_count();
	a.m = draw_count();
	a.at[0] = draw_offset();
	a.at[1] = draw_offset();
	a.buffer = draw_pointer();
	a.offset[0] = draw_pointer();
	a.offset[1] = draw_pointer();
	a.how = (long)draw(16);
	a.value = draw(UINT64_MAX);
	a.limited = !draw(30);
}

static void limit(bool on)
{
	struct rlimit rl;

	getrlimit(RLIMIT_FSIZE, &rl);
	rl.rlim_cur = on ? 100000 : rl.rlim_max;
	setrlimit(RLIMIT_FSIZE, &rl);
}

static void both_call(const struct kind *kind)
{
	int count[2];
	int err[2];
	long r[2];

	for (int i = 0; i < 2; i++) {
		signals = 0;
		errno = 0;
		r[i] = kind->call(&sides[i]);
		err[i] = errno;
		count[i] = signals;
	}
	if (r[0] != r[1])
		differ(r[0] < 0 && r[1] < 0 ? "result" : "result or error",
		       r[0] < 0 && r[1] >= 0 ? -err[0] : r[0],
		       r[1] < 0 && r[0] >= 0 ? -err[1] : r[1]);
	if (err[0] != err[1])
		differ("errno", err[0], err[1]);
	if (count[0] != count[1])
		differ("signals", count[0], count[1]);
	if (memcmp(sides[0].room, sides[1].room, ROOM))
		differ("bytes", r[0], r[1]);
	if (memcmp(sides[0].offset, sides[1].offset, sizeof(sides[0].offset)))
		differ("offset", (long)sides[0].offset[0], (long)sides[1].offset[0]);
}

static void positions_compare(void)
{
	for (enum slot slot = 0; slot < SLOTS; slot++) {
		off_t at[2] = { lseek(sides[0].fd[slot], 0, SEEK_CUR),
				lseek(sides[1].fd[slot], 0, SEEK_CUR) };

		if (at[0] != at[1])
			differ("position", (long)at[0], (long)at[1]);
	}
}

static void written_compare(void)
{
	static const enum slot all[] = { SLOT_TARGET, SLOT_SAME_OUT, SLOT_FAR, SLOT_SEALED };
	long n[2];

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (int k = 0; k < 2; k++)
			n[k] = pread(sides[k].fd[all[i]], sides[k].room, ROOM, 0);
		if (n[0] != n[1] || memcmp(sides[0].room, sides[1].room, ROOM))
			differ("what was written", n[0], n[1]);
	}
}

/* What waits in pipes and sockets: they are never full. */
static void sent_compare(void)
{
	static const enum slot ends[] = { SLOT_PIPE_IN, SLOT_SOCKET_IN };
	long n[2];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		for (int k = 0; k < 2; k++)
			n[k] = read(sides[k].fd[ends[i]], sides[k].room, ROOM);
		if (n[0] != n[1] || memcmp(sides[0].room, sides[1].room, ROOM))
			differ("what was sent", n[0], n[1]);
	}
}

static void one_step(void)
{
	const struct kind *kind = draw_kind();

	draw_common();
	name = kind->name;
	if (kind->draw)
		kind->draw();
	limit(a.limited);
	both_call(kind);
	limit(false);
	if (!draw(4))
		positions_compare();
	if (!draw(8))
		written_compare();
	if (a.out == SLOT_PIPE_OUT ? draw(2) : a.out == SLOT_SOCKET_OUT)
		sent_compare();
	if (!draw(32))
		sides_reopen();
}

int main(int argc, char **argv)
{
	unsigned long steps = argc > 5 ? strtoul(argv[5], NULL, 0) : 4000;
	const int caught[] = { SIGXFSZ, SIGPIPE, SIGIO, SIGURG };

	if (argc < 4)
		return 77;
	seed = argc > 4 ? strtoul(argv[4], NULL, 0) : 1;
	draw_seed(seed);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		signal(caught[i], handler);
	if (sides_open(argv[1], argv[2], argv[3]))
		return 77;
	for (step = 0; step < steps; step++)
		one_step();
	sides_close();
	return 0;
}
