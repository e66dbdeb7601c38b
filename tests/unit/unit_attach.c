/* SPDX-License-Identifier: MIT */
/* Attaching: next to others that attach or format, with few rights, under limits. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "child.h"
#include "core/shared/cache.h"
#include "unit/moment.h"

#define FILE_BYTES 300000u

static char path[512];
static struct rawcache *cache;
static char loop[64]; /* the block device of a test that has one */

static int setup(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "%s", scratch_path("attach.image"));
	unlink(path);
	image_make(path, TEST_IMAGE_BYTES);
	file_write(scratch_path("a"), 1, 1, FILE_BYTES);
	cache = NULL;
	usleep(60000); /* for the file to settle */
	return 0;
}

static void loop_end(void)
{
	char command[100];

	snprintf(command, sizeof(command), "losetup -d '%s'", loop);
	if (system(command))
		printf("# %s stays\n", loop);
	*loop = '\0';
}

static int teardown(void **state)
{
	(void)state;
	rawcache_detach(cache);
	if (*loop)
		loop_end();
	return 0;
}

static bool read_right(unsigned int times)
{
	int fd;
	uint64_t file = file_open_path(cache, scratch_path("a"), &fd);
	bool right = true;

	while (times--)
		right &= file_read_right(cache, file, fd, 1, FILE_BYTES, 0);
	rawcache_file_put(cache, file);
	close(fd);
	return right;
}

/* --- a process that has read the superblock, and is late */

struct late {
	int there[2], go[2];
};

static void step_wait(void *arg)
{
	const struct late *late = arg;
	char c = 'x';

	if (write(late->there[1], &c, 1) != 1 || read(late->go[0], &c, 1) != 1)
		_exit(98);
}

/* A child that attaches, late, and runs body(); its status is body()'s. */
static pid_t late_start(struct late *late, int (*body)(void))
{
	pid_t pid;
	char c;

	assert_int_equal(pipe(late->there) | pipe(late->go), 0);
	pid = child_fork();
	if (!pid) {
		moment_set(MOMENT_BOOT_ID, 1, step_wait, late);
		cache = attach(path);
		_exit(body());
	}
	assert_int_equal(read(late->there[0], &c, 1), 1);
	return pid;
}

static int late_end(struct late *late, pid_t pid)
{
	int status;

	assert_int_equal(write(late->go[1], "x", 1), 1);
	status = child_end(pid, 5);
	close(late->there[0]);
	close(late->there[1]);
	close(late->go[0]);
	close(late->go[1]);
	return status;
}

static int body_epoch(void)
{
	struct rawcache_stats before;
	struct rawcache_stats after;

	rawcache_stats_total(cache, &before, sizeof(before));
	if (!read_right(3))
		return 1;
	rawcache_stats_total(cache, &after, sizeof(after));
	/* what the other stored is of this boot, as what we store is: nothing to verify */
	if (after.verify_ok || after.misses != before.misses)
		return 2;
	return cache_trusted(cache) ? 0 : 3;
}

static void test_epoch(void **state)
{
	struct late late;
	pid_t child;

	(void)state;
	/* the first process of the image's first boot begins the epoch */
	child = late_start(&late, body_epoch);
	cache = attach(path);
	assert_true(read_right(1));
	assert_int_equal(late_end(&late, child), 0);
}

static int body_format(void)
{
	struct rawcache_image_info info;
	struct rawcache_image_info mine;

	if (rawcache_image_info(path, &info, sizeof(info), NULL, 0) ||
	    rawcache_info(cache, &mine, sizeof(mine)))
		return 1;
	if (memcmp(info.uuid, mine.uuid, sizeof(info.uuid)) || mine.size != info.size)
		return 2;
	if (cache->image.data_bytes != (uint64_t)info.region_count * info.region_size)
		return 4;
	return read_right(3) ? 0 : 3;
}

static void test_format(void **state)
{
	struct rawcache_format_options options;
	struct rawcache_image_info made;
	struct rawcache_image_info info;
	struct late late;
	pid_t child = late_start(&late, body_format);

	(void)state;
	rawcache_format_options_init(&options, sizeof(options));
	options.size = TEST_IMAGE_BYTES + (4u << 20);
	options.region_size = TEST_REGION_BYTES;
	options.force = 1;
	assert_int_equal(rawcache_image_format(path, &options, NULL, 0), 0);
	assert_int_equal(rawcache_image_info(path, &made, sizeof(made), NULL, 0), 0);
	assert_int_equal(late_end(&late, child), 0);
	/* nor did it write the old superblock over the new one */
	assert_int_equal(rawcache_image_info(path, &info, sizeof(info), NULL, 0), 0);
	assert_string_equal(info.uuid, made.uuid);
}

/* --- a reader without rights */

static void body_reader(void *arg)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { 0 };
	struct rawcache_options options;
	enum rawcache_reason reason;

	(void)arg;
	if (syscall(SYS_capset, &header, none))
		_exit(1);
	options_for(&options, path);
	if (rawcache_attach(&options, &cache, &reason) || !cache->image.read_only ||
	    cache->runtime.header)
		_exit(1);
}

/*
 * It comes first and finds no segment: it must not keep others from making one. But what it has
 * mapped must not become another image.
 */
static void test_reader_first(void **state)
{
	struct rawcache_format_options format;
	pid_t child;

	(void)state;
	chmod(path, 0400);
	child = child_start(body_reader, NULL);
	chmod(path, 0600);
	rawcache_format_options_init(&format, sizeof(format));
	format.size = TEST_IMAGE_BYTES;
	format.force = 1;
	assert_int_equal(rawcache_image_format(path, &format, NULL, 0), -EBUSY);
	cache = attach(path);
	assert_true(read_right(2));
	rawcache_detach(cache);
	cache = NULL;
	assert_int_equal(rawcache_image_format(path, &format, NULL, 0), -EBUSY);
	child_kill(child);
	assert_int_equal(rawcache_image_format(path, &format, NULL, 0), 0);
}

/* --- limits */

static int limited(rlim_t before, rlim_t after)
{
	pid_t child = child_fork();

	if (!child) {
		struct rlimit limit = { before, RLIM_INFINITY };
		struct rawcache_options options;

		log_init(scratch_path("log"), LOG_DEBUG);
		log_info("a line");
		setrlimit(RLIMIT_FSIZE, &limit);
		options_for(&options, path);
		if (rawcache_attach(&options, &cache, NULL))
			_exit(2);
		limit.rlim_cur = after;
		setrlimit(RLIMIT_FSIZE, &limit);
		if (!read_right(3))
			_exit(1);
		rawcache_drop_all(cache);
		if (!read_right(3))
			_exit(1);
		rawcache_detach(cache);
		_exit(0);
	}
	return child_end(child, 5);
}

/* Where a file may not grow the kernel kills with SIGXFSZ: nothing is stored, nobody dies. */
static void test_file_size_limit(void **state)
{
	static const rlim_t limits[] = { 0, 6000, 100000, 1 << 20, 5 << 20 };
	int status;

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		/* most do not even allow a segment */
		status = limited(limits[i], limits[i]);
		assert_true(status == 2 || status == 0);
		unlink(path);
		image_make(path, TEST_IMAGE_BYTES);
	}
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		assert_int_equal(limited(RLIM_INFINITY, limits[i]), 0);
	cache = attach(path);
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		assert_int_equal(limited(limits[i], limits[i]), 0);
}

/* --- a block device that two containers have a node of each */

static bool loop_make(const char *file)
{
	char command[700];
	FILE *pipe;

	snprintf(command, sizeof(command), "losetup -f --show '%s' 2>/dev/null", file);
	pipe = popen(command, "r");
	if (!pipe || !fgets(loop, sizeof(loop), pipe))
		*loop = '\0';
	if (pipe)
		pclose(pipe);
	loop[strcspn(loop, "\n")] = '\0';
	return *loop == '/';
}

static const char *node_make(const char *name, dev_t device)
{
	const char *node = scratch_path("%s", name);
	int fd;

	unlink(node);
	if (mknod(node, S_IFBLK | 0600, device))
		return NULL;
	fd = open(node, O_RDWR | O_CLOEXEC);
	close(fd);
	return fd < 0 ? NULL : node;
}

struct node_user {
	const char *node, *runtime_dir;
};

static void body_node(void *arg)
{
	const struct node_user *user = arg;
	struct rawcache_options options;

	options_for(&options, user->node);
	options.runtime_dir = user->runtime_dir;
	if (rawcache_attach(&options, &cache, NULL))
		_exit(1);
}

static void nodes_check(const char *one, const char *two)
{
	struct node_user user = { one, scratch_path("shm1") };
	struct rawcache_process rows[4];
	struct rawcache_options options;
	enum rawcache_reason reason;
	pid_t child;

	mkdir(scratch_path("shm1"), 0700);
	mkdir(scratch_path("shm2"), 0700);
	child = child_start(body_node, &user);
	options_for(&options, two);
	/* a container of its own: the first one's users are not to be seen */
	options.runtime_dir = scratch_path("shm2");
	assert_int_equal(rawcache_attach(&options, &cache, &reason), -EBUSY);
	assert_int_equal(reason, RAWCACHE_REASON_runtime_unreachable);
	cache = NULL;
	/* with the segment in common all is well */
	options.runtime_dir = scratch_path("shm1");
	assert_int_equal(rawcache_attach(&options, &cache, &reason), 0);
	assert_int_equal(rawcache_stats_processes(cache, rows, sizeof(*rows), 4), 2);
	child_kill(child);
	assert_int_equal(rawcache_stats_processes(cache, rows, sizeof(*rows), 4), 1);
	rawcache_detach(cache);
	cache = NULL;
}

static void test_nodes(void **state)
{
	const char *one = NULL;
	const char *two = NULL;
	struct stat st;

	(void)state;
	if (!loop_make(path))
		skip();
	if (!stat(loop, &st)) {
		one = node_make("node1", st.st_rdev);
		two = node_make("node2", st.st_rdev);
	}
	if (one && two)
		nodes_check(one, two);
	if (!one || !two)
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_epoch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_format, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reader_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_file_size_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nodes, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
