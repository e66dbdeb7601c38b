/* SPDX-License-Identifier: MIT */
/*
 * Somebody scribbles over the image and the runtime segment while a program goes on with all that
 * the engine can do. The input is a list of commands: a byte that names one, and what it takes.
 * With an even first byte only the segment is written to, and every byte that is read must be
 * right; otherwise nothing is touched outside of the image, and nobody hangs. The locks are left
 * alone, as in fuzz_runtime.c. Each input finds the image and the segment as they were made.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rawcache/object.h>
#include <rawcache/tree.h>
#include <rawcache/embed.h>

#include "../pattern.h"
#include "../support.h"
#include "core/shared/process.h"
#include "fuzz.h"
#include "fuzz_engine.h"

#define COMMANDS_MAX 48

struct input {
	const uint8_t *data;
	size_t n;
	bool check; /* the image is whole */
};

static struct rawcache *cache;
static char *image_copy;
static uint8_t cache_uuid[16];
static size_t image_bytes;
static char *data; /* of the image, to write to */

static uint32_t take(struct input *in, unsigned int bytes)
{
	uint32_t value = 0;

	for (; bytes-- && in->n; in->data++, in->n--)
		value = value << 8 | *in->data;
	return value;
}

/* --- what is written to */

static void overlay(struct input *in, void *to, size_t room, size_t grain)
{
	size_t n = in->n < 3 ? in->n : 3 + (size_t)(in->data[2] % 64 + 1);

	n = n < in->n ? n : in->n;
	fuzz_overlay(in->data, n, to, room, grain);
	in->data += n;
	in->n -= n;
}

static void scribble_segment(struct input *in)
{
	struct runtime *r = &cache->runtime;
	char *fields = (char *)&r->header->visits_count;
	struct process_slot mine = *cache_slot(cache);

	switch (take(in, 1) % 6) {
	case 0:
		overlay(in, fields, (size_t)((char *)&r->header->region_lock - fields), 4);
		break;
	case 1:
		overlay(in, r->slots, RUNTIME_SLOTS * sizeof(*r->slots), 64);
		/* who takes our pins away can have others' bytes put where we read */
		if (in->check)
			memcpy(cache_slot(cache), &mine, sizeof(mine));
		break;
	case 2:
		overlay(in, r->blocks, RUNTIME_BLOCKS * sizeof(*r->blocks), 64);
		break;
	case 3:
		overlay(in, r->flights, RUNTIME_FLIGHTS * sizeof(*r->flights), 4);
		break;
	case 4: /* and whatever lies between them */
		overlay(in, r->writers, (size_t)((char *)r->visits - (char *)r->writers), 4);
		break;
	default:
		overlay(in, r->visits, r->visits_count, 1);
		break;
	}
}

static void scribble_image(struct input *in)
{
	struct image *image = &cache->image;
	char *table = (char *)image->regions;

	if (in->check) {
		scribble_segment(in);
		return;
	}
	switch (take(in, 1) % 4) {
	case 0:
		overlay(in, table, image->sb.region_count * sizeof(struct region), 4);
		break;
	case 1: /* the index, and whatever follows it */
		overlay(in, image->buckets,
			(size_t)(image->meta + image->meta_bytes - (char *)image->buckets), 8);
		break;
	case 2:
		overlay(in, image->state, (size_t)(table - (char *)image->state), 8);
		break;
	default:
		overlay(in, data, image->data_bytes, 4096);
		break;
	}
}

/* --- what is done */

static void right(const struct input *in, const char *bytes, size_t n, uint64_t at)
{
	if (in->check && pattern_check(bytes, n, 1, 1, 1, at) != n)
		abort();
}

static void do_read(struct input *in, uint64_t file, int fd)
{
	static char buf[FUZZ_FILE_BYTES];
	uint64_t at = take(in, 3) % FUZZ_FILE_BYTES;
	size_t n = take(in, 3) % FUZZ_FILE_BYTES;
	ssize_t got = rawcache_file_read(cache, file, fd, buf, n, at);

	if (got > 0)
		right(in, buf, (size_t)got, at);
	else if (got != -ESTALE && n)
		abort();
}

static void do_map(struct input *in, uint64_t file, int fd)
{
	size_t cut = (take(in, 1) + 1) * 4096u;
	void *at = mmap(NULL, FUZZ_FILE_BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
	unsigned int how = take(in, 1);
	void *taken;
	char *p;

	if (at == MAP_FAILED)
		abort();
	rawcache_file_map(cache, file, fd, &at, FUZZ_FILE_BYTES, PROT_READ,
			  MAP_PRIVATE | (how & 1 ? MAP_POPULATE : 0) | (how & 2 ? MAP_FIXED : 0),
			  0);
	p = at;
	right(in, p, FUZZ_FILE_BYTES, 0);
	cut = cut < FUZZ_FILE_BYTES ? cut : 4096;
	for (int part = 0; part < 2; part++) {
		char *from = part ? p + cut : p;
		size_t n = part ? FUZZ_FILE_BYTES - cut : cut;

		taken = rawcache_maps_take(cache, from, n);
		munmap(from, n);
		rawcache_maps_drop(cache, taken);
	}
}

static void do_send(struct input *in, uint64_t file, int fd)
{
	struct rawcache_transfer t = { .way = take(in, 1) % 3 };
	uint64_t at = take(in, 3);

	t.out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	rawcache_file_transfer(cache, file, fd, &t, at, take(in, 3));
	close(t.out);
}

static void do_object(struct input *in)
{
	static char value[100000];
	static char back[100000];
	struct rawcache_view view;
	size_t n = take(in, 2);
	uint32_t key = take(in, 1) % 4;
	unsigned int sum = 0;

	memset(value, (int)key + 1, n);
	if (take(in, 1) & 1)
		rawcache_store(cache, &key, sizeof(key), value, n, take(in, 1));
	if (!rawcache_lookup_zero_copy(cache, &key, sizeof(key), &view)) {
		for (size_t i = 0; i < view.length; i++)
			sum |= (unsigned int)((const char *)view.data)[i] ^ (key + 1);
		if (in->check && sum)
			abort();
		rawcache_view_release(cache, &view);
	}
	rawcache_lookup(cache, &key, sizeof(key), back, sizeof(back));
	if (take(in, 1) & 1)
		rawcache_remove(cache, &key, sizeof(key));
}

static bool listed(void *arg, const struct rawcache_cached_file *file)
{
	*(size_t *)arg += strlen(file->path);
	return true;
}

static void do_tree(struct input *in)
{
	struct rawcache_verify_result result;
	uint64_t files;
	uint64_t bytes;
	size_t sum = 0;

	switch (take(in, 1) % 4) {
	case 0:
		rawcache_list(cache, listed, &sum);
		break;
	case 1:
		rawcache_drop_path(cache, "/", &files, &bytes, NULL, NULL);
		break;
	case 2:
		rawcache_verify(cache, &result, NULL, NULL);
		break;
	default:
		rawcache_drop_all(cache);
		break;
	}
}

static void do_ask(struct input *in, uint64_t file, int fd)
{
	struct rawcache_file_state state;
	uint64_t at = take(in, 3);
	struct statx stx;

	rawcache_file_cached(cache, file, at, take(in, 3));
	rawcache_file_advise(cache, file, fd, at, take(in, 2), (int)(take(in, 1) % 6));
	if (!statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &stx)) {
		rawcache_file_explain(cache, fd, fuzz_path(), &stx, &state, NULL);
		if (take(in, 1) & 1)
			rawcache_file_changed(cache, &stx);
	}
}

/* A process died: what stands in its slot, and its blocks, is taken over. */
static void do_fold(struct input *in)
{
	struct runtime *r = &cache->runtime;
	uint32_t slot = take(in, 2) % RUNTIME_SLOTS;

	if ((int32_t)slot == cache->slot)
		return;
	r->slots[slot].used = 1;
	r->header->block_owner[take(in, 2) % RUNTIME_BLOCKS] = slot + 1;
	r->header->slots_high = RUNTIME_SLOTS;
	process_reap(cache);
}

static void do_one(struct input *in, uint64_t file, int fd)
{
	switch (take(in, 1) % 11) {
	case 0:
	case 1:
		scribble_segment(in);
		break;
	case 2:
	case 3:
		scribble_image(in);
		break;
	case 4:
		do_read(in, file, fd);
		break;
	case 5:
		do_map(in, file, fd);
		break;
	case 6:
		do_send(in, file, fd);
		break;
	case 7:
		do_object(in);
		break;
	case 8:
		do_tree(in);
		break;
	case 9:
		do_ask(in, file, fd);
		break;
	default:
		do_fold(in);
		break;
	}
}

/* --- from one input to the next */

static void image_write_back(void)
{
	int fd = open_or_die(scratch_path("image"), O_WRONLY);

	if (pwrite(fd, image_copy, image_bytes, 0) != (ssize_t)image_bytes)
		abort();
	close(fd);
}

static void attach_anew(void)
{
	rawcache_detach(cache);
	runtime_remove(cache_uuid, scratch_dir());
	image_write_back();
	cache = attach(scratch_path("image"));
}

/* As it is before somebody attaches. */
static void copy_make(void)
{
	const char *path;
	int fd;

	cache = fuzz_cache();
	rawcache_detach(cache);
	path = scratch_path("image");
	fd = open_or_die(path, O_RDWR);
	image_bytes = (size_t)lseek(fd, 0, SEEK_END);
	image_copy = malloc(image_bytes);
	data = mmap(NULL, image_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (!image_copy || data == MAP_FAILED ||
	    pread(fd, image_copy, image_bytes, 0) != (ssize_t)image_bytes)
		abort();
	close(fd);
	cache = attach(path);
	data += cache->image.sb.data_offset;
	memcpy(cache_uuid, cache->image.sb.uuid, sizeof(cache_uuid));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct input in = { bytes, n, false };
	uint64_t file = 0;
	int fd;

	if (!cache) {
		test_io = RAWCACHE_IO_SYNC;
		copy_make();
	}
	in.check = !(take(&in, 1) & 1);
	fd = open_or_die(fuzz_path(), O_RDONLY);
	if (!file_open_fd(cache, fd, &file)) {
		for (int i = 0; i < COMMANDS_MAX && in.n; i++)
			do_one(&in, file, fd);
		rawcache_file_put(cache, file);
	}
	close(fd);
	attach_anew();
	return 0;
}
