/* SPDX-License-Identifier: MIT */
/*
 * Corners: one way to notice the shim each, in a process of its own, because it may hang or die.
 *
 *	LD_PRELOAD=... shim_corners CORNER FILE-A FILE-B
 *
 * The files lie below a configured directory, have settled, are longer than three chunks and
 * differ in every 4 KiB block. Exit status 0: nothing was noticed. 77: cannot be tried here.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 4096
#define CHUNK (256 << 10)

static const char *a, *b;
static size_t bytes_a;
static char buf[CHUNK];

static int fail(const char *what)
{
	fprintf(stderr, "%s (errno %d)\n", what, errno);
	return 1;
}

static int open_a(int flags)
{
	int fd = open(a, O_RDONLY | flags);

	if (fd < 0)
		exit(fail(a));
	return fd;
}

/* The file's bytes as the kernel has them: a descriptor with O_APPEND is not served. */
static void expect(const char *path, char *bytes, size_t n, off_t offset)
{
	int fd = open(path, O_RDONLY | O_APPEND);

	if (fd < 0 || pread(fd, bytes, n, offset) != (ssize_t)n)
		exit(fail(path));
	close(fd);
}

/* The buffer has block `n` of the file. */
static int is_block(const char *path, int n)
{
	char want[BLOCK];

	expect(path, want, BLOCK, (off_t)n * BLOCK);
	return !memcmp(buf, want, BLOCK);
}

/* --- RAWCACHE_REVALIDATE=100: the first read after the time is of the file as it is now */

static int revalidate(void)
{
	int fd = open_a(0);
	pid_t pid;
	int status;

	for (int i = 0; i < 3; i++) /* the last one of what is known to be in memory */
		if (pread(fd, buf, BLOCK, 0) != BLOCK || !is_block(a, 0))
			return fail("the first reads");
	pid = fork();
	if (!pid) {
		snprintf(buf, sizeof(buf), "of=%s", a);
		setenv("RAWCACHE_DISABLE", "1", 1);
		execlp("dd", "dd", "if=/dev/urandom", "bs=4096", "count=1", "conv=notrunc",
		       "status=none", buf, (char *)NULL);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return fail("dd");
	sleep(3);
	if (pread(fd, buf, BLOCK, 0) != BLOCK || !is_block(a, 0))
		return fail("bytes from before the change");
	return 0;
}

/* --- a pipe that is full makes nobody wait */

/* Chunks that do not lie side by side in the image, the first ending where the pipe is full. */
static int pipe_takes(ssize_t (*transfer)(int out, int in, off_t *offset, size_t n))
{
	off_t offset = CHUNK - 65536;
	int fd = open_a(0);
	int ends[2];
	ssize_t n;

	if (pread(fd, buf, CHUNK, CHUNK) != CHUNK || pread(fd, buf, CHUNK, 0) != CHUNK ||
	    pipe(ends))
		return fail("reading");
	n = transfer(ends[1], fd, &offset, 2 * 65536);
	if (n <= 0 || n > 65536 || offset != CHUNK - 65536 + n)
		return fail("transfer");
	return 0;
}

static ssize_t by_splice(int out, int in, off_t *offset, size_t n)
{
	return splice(in, offset, out, NULL, n, 0);
}

static int pipe_splice(void)
{
	return pipe_takes(by_splice);
}

static int pipe_sendfile(void)
{
	return pipe_takes(sendfile);
}

/* --- the image is cut short ($IMAGE): transfers are the origin's */

static int cut_short(void)
{
	off_t offset = 0;
	int fd = open_a(0);
	int ends[2];

	if (read(fd, buf, CHUNK) != CHUNK || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
	    sendfile(ends[1], fd, &offset, BLOCK) != BLOCK)
		return fail("sendfile before");
	if (truncate(getenv("IMAGE"), 1 << 20))
		return fail("truncate");
	if (sendfile(ends[1], fd, &offset, BLOCK) != BLOCK || read(ends[0], buf, BLOCK) != BLOCK ||
	    read(ends[0], buf, BLOCK) != BLOCK || !is_block(a, 1))
		return fail("sendfile after");
	if (pipe(ends) || splice(fd, &offset, ends[1], NULL, BLOCK, 0) != BLOCK ||
	    read(ends[0], buf, BLOCK) != BLOCK || !is_block(a, 2))
		return fail("splice after");
	return 0;
}

/* --- descriptors of its own for a thread, or a child */

static volatile int step, number;

static void step_wait(int n)
{
	while (step < n)
		sched_yield();
}

static void *thread_unshare(void *arg)
{
	int fd;

	(void)arg;
	if (close_range((unsigned int)number, (unsigned int)number, CLOSE_RANGE_UNSHARE))
		exit(fail("close_range"));
	fd = open(b, O_RDONLY);
	if (fd != number || pread(fd, buf, BLOCK, 0) != BLOCK)
		exit(fail("the thread's file"));
	step = 1;
	pause();
	return NULL;
}

static int range_unshare(void)
{
	pthread_t thread;

	number = open_a(0);
	if (read(number, buf, BLOCK) != BLOCK ||
	    pthread_create(&thread, NULL, thread_unshare, NULL))
		return fail("beginning");
	step_wait(1);
	if (read(number, buf, BLOCK) != BLOCK || !is_block(a, 1))
		return fail("the position is another's");
	if (pread(number, buf, BLOCK, 0) != BLOCK || !is_block(a, 0))
		return fail("the file is another's");
	return 0;
}

static void *thread_read(void *arg)
{
	(void)arg;
	step_wait(1);
	if (read(number, buf, BLOCK) != BLOCK || !is_block(a, 1))
		exit(fail("reading beside a vfork child"));
	step = 2;
	return NULL;
}

static int vfork_replaces(void)
{
	pthread_t thread;
	int other = open(b, O_RDONLY | O_CLOEXEC);

	number = open_a(O_CLOEXEC);
	if (read(number, buf, BLOCK) != BLOCK || pthread_create(&thread, NULL, thread_read, NULL))
		return fail("beginning");
	if (!vfork()) {
		step = 1;
		step_wait(2); /* the position is in user space */
		dup2(other, number);
		fcntl(number, F_SETFD, 0);
		_exit(0);
	}
	pthread_join(thread, NULL);
	if (read(number, buf, BLOCK) != BLOCK || !is_block(a, 2))
		return fail("the position was lost");
	if (read(other, buf, BLOCK) != BLOCK || !is_block(b, 0))
		return fail("the other file's position moved");
	return 0;
}

static int vfork_keeps(void)
{
	int fd = open_a(O_CLOEXEC);
	int ends[2];
	int status;

	if (fd != 3) { /* what the shell's redirection below says */
		dup3(fd, 3, O_CLOEXEC);
		close(fd);
		fd = 3;
	}
	if (pipe(ends) || read(fd, buf, BLOCK) != BLOCK)
		return fail("beginning");
	if (!vfork()) {
		dup2(ends[0], 0);
		ioctl(fd, FIONCLEX);
		execlp("sh", "sh", "-c", "read x; dd bs=4096 count=1 of=/dev/null status=none <&3",
		       NULL);
		_exit(1);
	}
	if (read(fd, buf, BLOCK) != BLOCK || !is_block(a, 1))
		return fail("before the child");
	if (write(ends[1], "\n", 1) != 1 || wait(&status) < 0 || status)
		return fail("the child");
	if (read(fd, buf, BLOCK) != BLOCK || !is_block(a, 3))
		return fail("after the child");
	return 0;
}

/* Actions that were made before the file was opened. */
static int spawn_early(void)
{
	static char *arguments[] = { "dd", "bs=4096", "count=1", "status=none", NULL };
	posix_spawn_file_actions_t actions;
	int fd = open_a(O_CLOEXEC);
	int ends[2];
	pid_t pid;

	if (pipe(ends))
		return fail("pipe");
	close(fd);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	if (open_a(O_CLOEXEC) != fd || read(fd, buf, BLOCK) != BLOCK ||
	    posix_spawnp(&pid, "dd", &actions, NULL, arguments, environ))
		return fail("posix_spawnp");
	if (read(ends[0], buf, BLOCK) != BLOCK || !is_block(a, 1))
		return fail("the child read something else");
	return 0;
}

/* --- bad pointers are the kernel's to refuse */

static int bad_messages(void)
{
	struct msghdr message = { .msg_control = (void *)16, .msg_controllen = 64 };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	int fd = open_a(0);
	int ends[2];

	if (read(fd, buf, BLOCK) != BLOCK || socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return fail("beginning");
	if (sendmsg(ends[0], (void *)(uintptr_t)number, 0) != -1 || errno != EFAULT)
		return fail("a bad message");
	if (sendmsg(ends[0], &message, 0) != -1 || errno != EFAULT)
		return fail("bad control data");
	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	*(struct cmsghdr *)control = (struct cmsghdr){ .cmsg_len = SIZE_MAX / 2,
						       .cmsg_level = SOL_SOCKET,
						       .cmsg_type = SCM_RIGHTS };
	if (sendmsg(ends[0], &message, 0) != -1 || errno != EINVAL)
		return fail("more control data than there is");
	return 0;
}

/* --- what helper threads have open */

static int lock_ends(void)
{
	int fd = open_a(0);

	if (flock(fd, LOCK_EX))
		return fail("flock");
	while (read(fd, buf, 65536) > 0)
		;
	close(fd);
	return flock(open_a(0), LOCK_EX | LOCK_NB) ? fail("a closed file is locked") : 0;
}

static int namespace_user(void)
{
	pid_t pid = fork();
	int status;
	int fd;

	/* whether it is allowed here, before there is any helper */
	if (!pid)
		_exit(unshare(CLONE_NEWUSER) ? 77 : 0);
	if (waitpid(pid, &status, 0) != pid || status)
		return 77;
	fd = open_a(0);
	while (read(fd, buf, 65536) > 0)
		;
	return unshare(CLONE_NEWUSER) ? fail("unshare") : 0;
}

/* --- system calls that the program did not think of */

static int confined(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		int fd = open_a(0);
		ssize_t n;
		size_t done = 0;

		while (done < CHUNK && (n = read(fd, buf, BLOCK)) > 0)
			done += (size_t)n;
		if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
			syscall(SYS_exit, 77);
		while ((n = read(fd, buf, CHUNK)) > 0)
			done += (size_t)n;
		syscall(SYS_exit, n || done != bytes_a);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return fail("it was killed");
	return WEXITSTATUS(status);
}

/* --- memory */

#define IMAGE_MB 256

static long locked_mb(void)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmLck: %ld", &kib);
	if (f)
		fclose(f);
	return kib >> 10;
}

/* The first chunk is cached, and can be read still. */
static int locked(void)
{
	int fd = open_a(0);

	for (int i = 0; i < 3; i++)
		if (pread(fd, buf, BLOCK, 0) != BLOCK || !is_block(a, 0))
			return fail("read");
	if (locked_mb() < 1)
		return fail("nothing is locked");
	return locked_mb() >= IMAGE_MB / 2 ? fail("the image is locked") : 0;
}

static int lock_before(void)
{
	return mlockall(MCL_CURRENT | MCL_FUTURE) ? 77 : locked();
}

static int lock_after(void)
{
	int fd = open_a(0);

	if (read(fd, buf, BLOCK) != BLOCK)
		return fail("read");
	if (mlockall(MCL_CURRENT))
		return 77;
	sleep(2); /* a storage that failed is tried again */
	return locked();
}

/* Without privileges: what is allowed is more than the program has, and less than the image. */
static int lock_limited(void)
{
	struct rlimit limit;
	int fd = open_a(0);

	if (read(fd, buf, BLOCK) != BLOCK)
		return fail("read");
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return fail("getrlimit");
	if (limit.rlim_max > (IMAGE_MB / 4) << 20)
		limit.rlim_max = (IMAGE_MB / 4) << 20;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setgid(65534) || setuid(65534))
		return 77;
	if (mlockall(MCL_CURRENT))
		return fail("mlockall");
	return locked();
}

/* Limited to somewhat more than the image. */
static int space(void)
{
	const struct rlimit limit = { (IMAGE_MB + 100) << 20, RLIM_INFINITY };
	void *p;

	if (setrlimit(RLIMIT_AS, &limit) || read(open_a(0), buf, BLOCK) != BLOCK || !is_block(a, 0))
		return fail("read");
	p = mmap(NULL, IMAGE_MB << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		 0);
	return p == MAP_FAILED ? fail("the address space is the cache's") : 0;
}

/* The image is cut off while helpers are at work: their faults are no more the program's than its own. */
static int cut_under_helpers(void)
{
	const char *image = getenv("RAWCACHE_DEVICE");
	int fd = open_a(0);

	if (!image || read(fd, buf, BLOCK) != BLOCK || truncate(image, 0))
		return fail("beginning");
	for (int n = 0; n < 700; n++)
		if (pread(fd, buf, BLOCK, (off_t)n * BLOCK) != BLOCK || !is_block(a, n))
			return fail("the bytes");
	return 0;
}

/* In a thread that holds every signal back. */
static int cut_blocked(void)
{
	sigset_t all;

	sigfillset(&all);
	return sigprocmask(SIG_BLOCK, &all, NULL) ? fail("mask") : cut_under_helpers();
}

/* Where the cache looks for a chunk that nobody read yet, in a thread that holds every signal back. */
static int blocked_begin(void)
{
	const char *image = getenv("RAWCACHE_DEVICE");
	int fd = open_a(0);
	sigset_t all;

	sigfillset(&all);
	if (!image || read(fd, buf, BLOCK) != BLOCK || sigprocmask(SIG_BLOCK, &all, NULL) ||
	    truncate(image, 2 * BLOCK))
		exit(fail("beginning"));
	return fd;
}

static int cut_sendfile(void)
{
	off_t offset = 4 * CHUNK;
	int fd = blocked_begin();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
	    sendfile(ends[1], fd, &offset, BLOCK) != BLOCK || read(ends[0], buf, BLOCK) != BLOCK)
		return fail("sendfile");
	return is_block(a, 4 * CHUNK / BLOCK) ? 0 : fail("the bytes");
}

static int cut_advise(void)
{
	int fd = blocked_begin();

	return posix_fadvise(fd, CHUNK, 0, POSIX_FADV_WILLNEED) ? fail("posix_fadvise") : 0;
}

/* --- small things of the program's own */

static void *thread_small(void *arg)
{
	int fd = open(a, O_RDONLY);

	if (fd < 0 || read(fd, arg, BLOCK) != BLOCK || read(fd, arg, BLOCK) != BLOCK || close(fd))
		exit(fail("reading"));
	return NULL;
}

/* The first open of the process, in a thread with the smallest stack that there is. */
static int small_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	if (pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN) ||
	    pthread_create(&thread, &attr, thread_small, buf) || pthread_join(thread, NULL))
		return fail("thread");
	return is_block(a, 1) ? 0 : fail("the bytes");
}

static int namespace_join(void)
{
	int ns = open("/proc/self/ns/mnt", O_RDONLY);
	pid_t pid = fork();
	int status = 0;
	int fd;

	/* whether it is allowed here, before there is any helper */
	if (!pid)
		_exit(setns(ns, CLONE_NEWNS) ? 77 : 0);
	if (waitpid(pid, &status, 0) != pid || status)
		return 77;
	fd = open_a(0);
	while (read(fd, buf, 65536) > 0)
		;
	return setns(ns, CLONE_NEWNS) ? fail("setns") : 0;
}

static volatile sig_atomic_t signals;

static void count(int sig)
{
	(void)sig;
	signals++;
}

/* A read() of nothing while another sends us signals, the last of them before it sends a byte. */
static ssize_t read_interrupted(int sig)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	int ends[2];
	ssize_t n;
	pid_t pid;
	char c;

	if (pipe(ends))
		exit(fail("pipe"));
	signals = 0;
	pid = fork();
	if (!pid) {
		for (int i = 0; i < 10; i++) {
			nanosleep(&nap, NULL);
			kill(getppid(), sig);
		}
		nanosleep(&nap, NULL);
		_exit(write(ends[1], "x", 1) != 1);
	}
	n = read(ends[0], &c, 1);
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	return n < 0 ? -errno : n;
}

/* What a signal of ours interrupts goes on, or not, as the program wants it. */
static int restart(void)
{
	struct sigaction act = { .sa_handler = count, .sa_flags = SA_RESTART };

	sigaction(SIGBUS, &act, NULL);
	if (read(open_a(0), buf, BLOCK) != BLOCK)
		return fail("read");
	if (read_interrupted(SIGBUS) != 1 || !signals)
		return fail("SA_RESTART from before");
	if (sigaction(SIGSEGV, &act, NULL) || read_interrupted(SIGSEGV) != 1 || !signals)
		return fail("SA_RESTART");
	act.sa_flags = 0;
	if (sigaction(SIGSEGV, &act, NULL) || read_interrupted(SIGSEGV) != -EINTR)
		return fail("no SA_RESTART");
	signal(SIGSEGV, SIG_IGN);
	return read_interrupted(SIGSEGV) == 1 && !signals ? 0 : fail("SIG_IGN");
}

/* What a vfork child does with its signals is not its parent's. */
static int vfork_signals(void)
{
	struct sigaction act = { .sa_handler = count };
	struct sigaction now;
	pid_t pid;

	if (read(open_a(0), buf, BLOCK) != BLOCK || sigaction(SIGSEGV, &act, NULL))
		return fail("beginning");
	pid = vfork();
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	if (sigaction(SIGSEGV, NULL, &now) || now.sa_handler != count)
		return fail("the handler is gone");
	raise(SIGSEGV);
	return signals == 1 ? 0 : fail("the handler was not called");
}

static const struct {
	const char *name;
	int (*run)(void);
} corners[] = {
	{ "cut_under_helpers", cut_under_helpers },
	{ "cut_blocked", cut_blocked },
	{ "cut_sendfile", cut_sendfile },
	{ "cut_advise", cut_advise },
	{ "small_stack", small_stack },
	{ "namespace_join", namespace_join },
	{ "restart", restart },
	{ "vfork_signals", vfork_signals },
	{ "revalidate", revalidate },
	{ "pipe_splice", pipe_splice },
	{ "pipe_sendfile", pipe_sendfile },
	{ "cut_short", cut_short },
	{ "range_unshare", range_unshare },
	{ "vfork_replaces", vfork_replaces },
	{ "vfork_keeps", vfork_keeps },
	{ "spawn_early", spawn_early },
	{ "bad_messages", bad_messages },
	{ "lock_ends", lock_ends },
	{ "namespace_user", namespace_user },
	{ "confined", confined },
	{ "lock_before", lock_before },
	{ "lock_after", lock_after },
	{ "lock_limited", lock_limited },
	{ "space", space },
};

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 4)
		return 2;
	a = argv[2];
	if (stat(a, &st))
		return 2;
	bytes_a = (size_t)st.st_size;
	b = argv[3];
	for (size_t i = 0; i < sizeof(corners) / sizeof(corners[0]); i++)
		if (!strcmp(corners[i].name, argv[1]))
			return corners[i].run();
	return 2;
}
