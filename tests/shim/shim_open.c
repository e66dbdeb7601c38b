/* SPDX-License-Identifier: MIT */
/*
 * Opening in all spellings: modes, permissions, things that are no plain files, and which opens
 * are served: rchar of /proc/self/io moves with every read() that reaches the kernel.
 *
 *	LD_PRELOAD=... shim_open DIRECTORY
 *
 * DIRECTORY is configured and writable; RAWCACHE_SETTLE is small (0.1). Speaks TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE 300000

static char dir[3000], file[4096], name[4096];
static char bytes[SIZE], buf[SIZE + 10];
static int tests, failures, under_shim;

static void result(int good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	failures += !good;
}

/* Bytes that read() calls of this process got from the kernel so far. */
static unsigned long long rchar(void)
{
	char text[512];
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/io", O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	unsigned long long value = 0;

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	sscanf(text, "rchar: %llu", &value);
	return value;
}

/* Read all of it; whether the bytes are right. *served: the kernel did not read them. */
static int all_right(int fd, int *served)
{
	unsigned long long before = rchar();
	size_t done = 0;
	ssize_t n;

	while ((n = read(fd, buf + done, sizeof(buf) - done)) > 0)
		done += (size_t)n;
	*served = rchar() - before < SIZE;
	return !n && done == SIZE && !memcmp(buf, bytes, SIZE);
}

static void served(int fd, int want, const char *what)
{
	int was = 0;
	int good = fd >= 0 && all_right(fd, &was);

	if (!good || (under_shim && was != want))
		printf("# %s: %s\n", strerror(errno), was ? "served" : "not served");
	result(good && (!under_shim || was == want), what);
	if (fd >= 0)
		close(fd);
}

static int openat2_raw(const char *path)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_NO_MAGICLINKS };

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static const char *in(const char *leaf)
{
	snprintf(name, sizeof(name), "%s/%s", dir, leaf);
	return name;
}

static void readers(void)
{
	int at = open(dir, O_RDONLY | O_DIRECTORY);
	char link[64];
	int fd;

	/* into the cache, from there by pread(), which rchar counts, and then from memory */
	for (int i = 0; i < 3; i++) {
		fd = open(file, O_RDONLY);
		while (read(fd, buf, sizeof(buf)) > 0)
			;
		close(fd);
	}
	served(open(file, O_RDONLY), 1, "open");
	served(open64(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK), 1,
	       "open64");
	served(openat(at, "plain", O_RDONLY), 1, "openat below a directory");
	served((int)syscall(SYS_openat, at, "plain", O_RDONLY), 1, "syscall(SYS_openat)");
	served(openat2_raw(file), 1, "syscall(SYS_openat2)");
	if (!chdir(dir))
		served(open("./../././", O_RDONLY | O_PATH) >= 0 ? open("plain", O_RDONLY) : -1, 1,
		       "a relative path");
	unlink(in("symlink"));
	if (!symlink("plain", in("symlink")))
		served(open(in("symlink"), O_RDONLY), 1, "a symbolic link");
	fd = open(file, O_RDONLY);
	if (read(fd, buf, 1000) != 1000)
		failures++;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	served(open(link, O_RDONLY), 1, "an open descriptor opened again, from the start");
	snprintf(link, sizeof(link), "/dev/fd/%d", fd);
	result(dup(fd) >= 0 && lseek(fd, 0, SEEK_CUR) == 1000, "whose own position stays");
	close(fd);
	served(open(file, O_RDONLY | O_CREAT, 0600), 1, "O_CREAT of what exists");
	served(open(file, O_RDWR), 1, "O_RDWR");
	served(open(file, O_RDWR | O_APPEND), 0, "O_RDWR to append is not served");
	served(open(file, O_RDONLY | O_APPEND), 0, "O_APPEND is not served");
	close(at);
}

static void modes(void)
{
	struct stat st;
	int fd;

	umask(022);
	unlink(in("made"));
	fd = open(in("made"), O_WRONLY | O_CREAT | O_EXCL, 0640);
	result(fd >= 0 && !fstat(fd, &st) && (st.st_mode & 07777) == 0640, "the mode of O_CREAT");
	close(fd);
	fd = openat(AT_FDCWD, dir, O_RDWR | O_TMPFILE, 0604);
	result(fd >= 0 && !fstat(fd, &st) && (st.st_mode & 07777) == 0604, "the mode of O_TMPFILE");
	result(write(fd, "x", 1) == 1 && !lseek(fd, 0, SEEK_SET) && read(fd, buf, 9) == 1,
	       "a file without a name");
	close(fd);
	unlink(in("made"));
	fd = creat(in("made"), 0600);
	result(fd >= 0 && !fstat(fd, &st) && (st.st_mode & 07777) == 0600, "creat");
	close(fd);
	errno = 0;
	result(open(in("none"), O_RDONLY) == -1 && errno == ENOENT, "ENOENT");
	unlink(in("made"));
}

static void others(void)
{
	char text[100];
	int fd, w;

	unlink(in("fifo"));
	if (!mkfifo(in("fifo"), 0600)) {
		fd = open(name, O_RDONLY | O_NONBLOCK);
		w = open(name, O_WRONLY);
		result(write(w, "hello", 5) == 5 && read(fd, buf, 100) == 5, "a FIFO");
		close(fd);
		close(w);
		unlink(name);
	}
	fd = open(dir, O_RDONLY);
	errno = 0;
	result(read(fd, buf, 10) == -1 && errno == EISDIR, "EISDIR");
	close(fd);
	fd = open(file, O_PATH);
	errno = 0;
	result(read(fd, buf, 10) == -1 && errno == EBADF, "O_PATH");
	close(fd);
	fd = open(file, O_WRONLY);
	errno = 0;
	result(read(fd, buf, 10) == -1 && errno == EBADF, "O_WRONLY");
	close(fd);
	fd = open(in("empty"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	w = open(in("empty"), O_RDONLY);
	result(read(w, buf, 10) == 0 && write(fd, "x", 1) == 1 && read(w, buf, 10) == 1,
	       "an empty file that grows");
	close(fd);
	close(w);
	unlink(in("empty"));
	fd = open("/proc/self/stat", O_RDONLY);
	result(read(fd, text, sizeof(text)) > 0, "/proc");
	close(fd);
}

/* Holes, and offsets beyond what 32 and 40 bits hold. */
static void sparse(void)
{
	static const off_t ends[] = { 4096, 262144, 262145, (1LL << 32) + 5, (1LL << 41) + 77 };
	char what[64];

	for (unsigned int i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		int fd = open(in("sparse"), O_RDWR | O_CREAT | O_TRUNC, 0600);
		int good = 1;

		snprintf(what, sizeof(what), "a sparse file of %lld bytes", (long long)ends[i]);
		if (ftruncate(fd, ends[i]) || pwrite(fd, "end", 3, ends[i] - 3) != 3) {
			printf("ok %d # SKIP %s: %s\n", ++tests, what, strerror(errno));
			close(fd);
			continue;
		}
		close(fd);
		usleep(400000);
		fd = open(in("sparse"), O_RDONLY);
		for (int round = 0; round < 2; round++) {
			memset(buf, 1, 4096);
			good &= pread(fd, buf, 100, 0) == 100 && !buf[0] && !buf[99];
			good &= pread(fd, buf, 4096, ends[i] - 3) == 3 && !memcmp(buf, "end", 3);
			good &= lseek(fd, -3, SEEK_END) == ends[i] - 3 && read(fd, buf, 9) == 3 &&
				!memcmp(buf, "end", 3) && read(fd, buf, 9) == 0;
			good &= lseek(fd, 0, SEEK_CUR) == ends[i];
			good &= pread(fd, buf, 10, ends[i]) == 0 &&
				pread(fd, buf, 10, ends[i] * 2) == 0;
		}
		result(good, what);
		close(fd);
	}
	unlink(in("sparse"));
}

static void in_child(int (*fn)(void), const char *what)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(fn());
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		printf("ok %d # SKIP %s\n", ++tests, what);
	else
		result(WIFEXITED(status) && !WEXITSTATUS(status), what);
}

/* Cached bytes are no way around permissions; what was open before stays readable. */
static int other_user(void)
{
	int fd = open(file, O_RDONLY);
	int was;

	if (geteuid() || chmod(file, 0600) || setresuid(65534, 65534, 65534))
		return 77;
	errno = 0;
	if (open(file, O_RDONLY) != -1 || errno != EACCES)
		return 1;
	return !all_right(fd, &was);
}

static int new_root(void)
{
	int fd = open(file, O_RDONLY);
	int again;
	int was;

	if (chroot(dir))
		return 77;
	again = open("/plain", O_RDONLY);
	return !all_right(fd, &was) || !all_right(again, &was);
}

static int no_descriptors_left(void)
{
	int fds[20000];
	int n = 0;
	int good;

	while (n < 20000 && (fds[n] = open(file, O_RDONLY)) >= 0)
		n++;
	if (n == 20000)
		return 77;
	good = errno == EMFILE && pread(fds[n - 1], buf, SIZE, 0) == SIZE &&
	       !memcmp(buf, bytes, SIZE);
	while (n)
		close(fds[--n]);
	return !good;
}

int main(int argc, char **argv)
{
	uint64_t state = 1;
	const char *preload = getenv("LD_PRELOAD");
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || !realpath(argv[1], dir))
		return 77;
	under_shim = preload && strstr(preload, "rawcache");
	snprintf(file, sizeof(file), "%s/plain", dir);
	for (int i = 0; i < SIZE; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (char)(state >> 56);
	}
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, bytes, SIZE) != SIZE || close(fd))
		return 77;
	usleep(500000);
	readers();
	modes();
	others();
	sparse();
	in_child(no_descriptors_left, "as many descriptors as the limit allows");
	in_child(new_root, "chroot");
	in_child(other_user, "a file that the user may not read");
	unlink(file);
	unlink(in("symlink"));
	printf("1..%d\n", tests);
	return failures != 0;
}
