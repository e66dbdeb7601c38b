/* SPDX-License-Identifier: MIT */
/*
 * Two versions of the library, with runtime segments of different layouts, and one image. This
 * is compiled twice: tests/faults/versions with the engine as it is, tests/faults/version_other with one whose
 * segment has another version and smaller slots. Whoever comes second does without the cache; the
 * two are never attached at once.
 *
 *	versions		the test
 *	version_other IMAGE STATE DATA hold|churn	what it runs; and `versions` itself, too
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compiler.h"
#include "core/shared/cache.h"
#include "pattern.h"
#include "support.h"

#define SIZE ((1u << 20) + 4321)
#define ROUNDS 40

#ifdef ENABLE_STEPS
#define WHICH 1
void step_point(void)
{
}

void step_sleep(void)
{
	usleep(1000);
}
#else
#define WHICH 0
#endif

struct state {
	uint32_t attached[2]; /* processes of each version */
	uint32_t both, wrong, used[2], refused[2];
	uint32_t hold; /* 1: held, 2: let go */
};

static struct state *state;

static bool read_right(struct rawcache *cache, const char *data)
{
	static char buf[SIZE];
	int fd = open_or_die(data, O_RDONLY);
	uint64_t file = 0;
	ssize_t n = -1;

	if (cache && !file_open_fd(cache, fd, &file)) {
		n = rawcache_file_read(cache, file, fd, buf, SIZE, 0);
		rawcache_file_put(cache, file);
	} else {
		n = pread(fd, buf, SIZE, 0);
	}
	close(fd);
	return n == SIZE && pattern_check(buf, SIZE, 1, 1, 1, 0) == SIZE;
}

/* 0, or why not */
static int come(const char *image, const char *data, struct rawcache **cache)
{
	struct rawcache_options options;
	char dir[512];
	int err;

	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(image, '/') - image), image);
	options_for(&options, image);
	options.runtime_dir = dir;
	*cache = NULL;
	err = rawcache_attach(&options, cache, NULL);
	fetch_add(err ? &state->refused[WHICH] : &state->used[WHICH], 1);
	if (!err) {
		fetch_add(&state->attached[WHICH], 1);
		fence_full();
		if (load_acquire(&state->attached[!WHICH]))
			fetch_add(&state->both, 1);
	}
	if (!read_right(*cache, data) || !read_right(*cache, data))
		fetch_add(&state->wrong, 1);
	return err;
}

static void go(struct rawcache *cache)
{
	if (!cache)
		return;
	fetch_sub(&state->attached[WHICH], 1);
	rawcache_detach(cache);
}

static int child_main(const char *image, const char *data, const char *what)
{
	struct rawcache *cache;
	uint64_t random = (uint64_t)getpid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!strcmp(what, "hold")) {
		if (come(image, data, &cache))
			return 1;
		store_release(&state->hold, 1);
		for (int i = 0; i < 2000 && load_acquire(&state->hold) != 2; i++)
			usleep(5000);
		go(cache);
		return 0;
	}
	for (int i = 0; i < ROUNDS; i++) {
		come(image, data, &cache);
		usleep((useconds_t)(pattern_random(&random) % 3000));
		go(cache);
		usleep((useconds_t)(pattern_random(&random) % 6000));
	}
	return 0;
}

static pid_t start(const char *program, const char *image, const char *memory, const char *data,
		   const char *what)
{
	pid_t pid = fork();

	if (!pid) {
		execl(program, program, image, memory, data, what, NULL);
		_exit(98);
	}
	return pid;
}

static bool ends(pid_t pid)
{
	int status = 1;

	for (int i = 0; i < 4000; i++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return !status;
		usleep(5000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return false;
}

static void memory_map_state(const char *path)
{
	int fd = open_or_die(path, O_RDWR | O_CREAT);

	if (ftruncate(fd, sizeof(*state)))
		die("ftruncate");
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (state == MAP_FAILED)
		die("mmap");
	close(fd);
}

int main(int argc, char **argv)
{
	char image[512], memory[512], data[512], other[600], self[600];
	struct rawcache *cache;
	pid_t pids[4];
	bool good = true;
	char *slash;

	if (argc == 5) {
		memory_map_state(argv[2]);
		return child_main(argv[1], argv[3], argv[4]);
	}
	snprintf(image, sizeof(image), "%s", scratch_path("image"));
	snprintf(memory, sizeof(memory), "%s", scratch_path("state"));
	snprintf(data, sizeof(data), "%s", scratch_path("data"));
	self[readlink("/proc/self/exe", self, 500)] = '\0';
	slash = strrchr(self, '/');
	snprintf(other, sizeof(other), "%.*s/version_other", (int)(slash - self), self);
	memory_map_state(memory);
	image_make(image, TEST_IMAGE_BYTES);
	file_write(data, 1, 1, SIZE);
	usleep(40000);

	tap_ok(!come(image, data, &cache), "the first is attached");
	pids[0] = start(other, image, memory, data, "hold");
	tap_ok(!ends(pids[0]) && state->refused[1] == 1 && !state->wrong,
	       "the second is not, and reads on");
	go(cache);
	pids[0] = start(other, image, memory, data, "hold");
	for (int i = 0; i < 2000 && load_acquire(&state->hold) != 1; i++)
		usleep(5000);
	tap_ok(state->used[1] == 1, "when the first is gone, it is");
	tap_ok(come(image, data, &cache) < 0 && !cache, "and now the first is not");
	store_release(&state->hold, 2);
	tap_ok(ends(pids[0]), "until that is gone");
	for (int i = 0; i < 4; i++)
		pids[i] = start(i & 1 ? other : self, image, memory, data, "churn");
	for (int i = 0; i < 4; i++)
		good = ends(pids[i]) && good;
	tap_note("attached %u and %u times, refused %u and %u times", state->used[0],
		 state->used[1], state->refused[0], state->refused[1]);
	tap_ok(good, "both come and go");
	tap_ok(state->used[0] > 1 && state->used[1] > 1, "both use the image");
	tap_ok(!state->both, "never at the same time");
	tap_ok(!state->wrong, "every byte is right");
	return tap_end();
}
