/* SPDX-License-Identifier: MIT */
/*
 * Programs that are particular about their stack, their threads, their system calls.
 *
 *	shim_odd altstack FILE		the first open, in a handler on an alternate stack of 8 KiB
 *	shim_odd fork FILE		no thread but its own after fork()
 *	shim_odd ignored		execs by syscall() with SIGSEGV ignored
 *	shim_odd sealed FILE		mremap() of a mapping that is sealed
 *	shim_odd grown[-private] FILE	a mapping, part of it cached and part not, when the file has grown
 *	shim_odd first-ends FILE	the first thread ends while another goes on, which then ends the process
 *	shim_odd listed FILE	the first open, by a thread that is waited for in dl_iterate_phdr()
 *	shim_odd confined FILE	reads and maps it, and then makes the fewest calls that it needs to the end
 *	shim_odd confined-fork FILE	and forks meanwhile
 *	shim_odd no-clock FILE	reads it, and must not look at the processor's clock any more
 *	shim_odd dispatch FILE	reads it, and only libc's system calls are allowed from then on
 *	shim_odd filtered PROGRAM...	runs it with a filter that kills for unusual calls
 *
 * Exits 0, 1 for a fault, or 77.
 */
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define SMALL 8192

#ifndef SYS_mseal
#define SYS_mseal 462
#endif

static const char *path;
static char buf[1 << 20];
static long got = -1;

static void handler(int sig)
{
	int fd = open(path, O_RDONLY);

	(void)sig;
	got = read(fd, buf, PAGE);
	close(fd);
}

/* With a page below it that nobody may touch. */
static int altstack(void)
{
	char *m = mmap(NULL, PAGE + SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	stack_t stack = { .ss_sp = m + PAGE, .ss_size = SMALL };

	if (m == MAP_FAILED || mprotect(m, PAGE, PROT_NONE) || sigaltstack(&stack, NULL))
		return 77; /* the kernel wants more for its own frame */
	sigaction(SIGUSR1, &act, NULL);
	raise(SIGUSR1);
	return got != PAGE;
}

/* As Python 3.12 does it. */
static long threads(void)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	long n = 0;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "Threads: %ld", &n);
	if (f)
		fclose(f);
	return n;
}

static int fork_alone(void)
{
	int fd = open(path, O_RDONLY);
	long n;
	pid_t pid;

	while (read(fd, buf, sizeof(buf)) > 0)
		;
	pid = fork();
	if (!pid)
		_exit(0);
	n = threads();
	waitpid(pid, NULL, 0);
	if (n != 1)
		printf("# %ld threads\n", n);
	return n != 1;
}

static int ignored(void)
{
	char *const argv[] = { "cat", "/proc/self/status", NULL };
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, buf, 1) != 1)
		return 77;
	signal(SIGSEGV, SIG_IGN);
	syscall(SYS_execve, "/bin/cat", argv, environ);
	return 77;
}

static void *last_thread(void *arg)
{
	const struct timespec nap = { .tv_nsec = 100000000 };

	nanosleep(&nap, NULL);
	printf("last words\n");
	return arg;
}

static int first_ends(void)
{
	int fd = open(path, O_RDONLY);
	const char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	pthread_t thread;

	if (p == MAP_FAILED || read(fd, buf, PAGE) != PAGE || memcmp(p, buf, PAGE))
		return 77;
	if (pthread_create(&thread, NULL, last_thread, NULL))
		return 77;
	pthread_exit(NULL);
}

static void *reader(void *arg)
{
	handler(0);
	return arg;
}

/* What it is called for holds the loader's lock. */
static int thread_waited_for(struct dl_phdr_info *info, size_t size, void *arg)
{
	pthread_t thread;

	(void)info;
	(void)size;
	return pthread_create(&thread, NULL, reader, arg) || pthread_join(thread, NULL) ? 77 : 1;
}

static int listed(void)
{
	if (dl_iterate_phdr(thread_waited_for, NULL) != 1)
		return 77;
	return got != PAGE;
}

static int sealed(void)
{
	int fd = open(path, O_RDONLY);
	char *p = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

	if (p == MAP_FAILED || syscall(SYS_mseal, p, 2 * PAGE, 0L))
		return 77;
	errno = 0;
	return mremap(p, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED || errno != EPERM;
}

/* No way back. */
static int filter_set(struct sock_filter *code, unsigned short n)
{
	struct sock_fprog program = { n, code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#define KILL_FOR(nr) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)

/* Whether some of [map, map + n) is not the file's own. */
static bool is_shown(const char *map, size_t n)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long from, to;
	char line[512];
	bool shown = false;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && from < (unsigned long)map + n &&
		    to > (unsigned long)map && strstr(line, "cache.img"))
			shown = true;
	if (f)
		fclose(f);
	return shown;
}

/* As a reader of a log does: what another program appends is noticed, and then the mapping grows. */
static int grown(int type)
{
	static char command[512];
	int fd = open(path, O_RDONLY);
	size_t n = (size_t)lseek(fd, 0, SEEK_END);
	char *map;

	for (size_t at = 0; at < n; at += 2 * sizeof(buf) / 4)
		if (pread(fd, buf, sizeof(buf) / 4, (off_t)at) < 0)
			return 1;
	usleep(300000); /* stored: else the test has nothing to look at */
	map = mmap(NULL, n, PROT_READ, type, fd, 0);
	if (map == MAP_FAILED || !is_shown(map, n))
		return 77;
	snprintf(command, sizeof(command), "env -u LD_PRELOAD sh -c 'echo more >>%s'", path);
	if (system(command))
		return 77;
	for (int tries = 0; is_shown(map, n) && tries < 200; tries++) {
		struct stat st;

		fstat(fd, &st);
		usleep(50000);
	}
	map = mremap(map, n, n + 2 * sizeof(buf), MREMAP_MAYMOVE);
	if (map == MAP_FAILED) {
		perror("mremap");
		return 1;
	}
	return memcmp(map + n, "more", 4) != 0;
}

#define ALLOW(nr) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static int child_alike(const char *map)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		exit(memcmp(map, buf, sizeof(buf)) != 0);
	return pid < 0 || waitpid(pid, &status, 0) != pid || status;
}

/* All of its calls from there on, fork() and exit() included: ours would kill it. */
static int confined(bool with_child)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(SYS_pread64),
		ALLOW(SYS_read),
		ALLOW(SYS_munmap),
		ALLOW(SYS_close),
		ALLOW(SYS_exit_group),
		ALLOW(SYS_clone), /* fork() */
		ALLOW(SYS_wait4),
		ALLOW(SYS_rt_sigprocmask),
		ALLOW(SYS_rt_sigaction),
		ALLOW(SYS_set_robust_list),
		ALLOW(SYS_mmap),
		ALLOW(SYS_mremap),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	static char again[PAGE];
	int fd = open(path, O_RDONLY);
	char *map = mmap(NULL, sizeof(buf), PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED || read(fd, buf, PAGE) != PAGE ||
	    pread(fd, buf, sizeof(buf), 0) != sizeof(buf))
		return 1;
	if (filter_set(code, sizeof(code) / sizeof(code[0])))
		return 77;
	if (memcmp(map, buf, sizeof(buf)) || pread(fd, again, PAGE, 2 * PAGE) != PAGE ||
	    memcmp(again, buf + 2 * PAGE, PAGE) || read(fd, again, PAGE) != PAGE ||
	    memcmp(again, buf + PAGE, PAGE))
		return 1;
	if (with_child && child_alike(map))
		return 1;
	munmap(map, sizeof(buf));
	close(fd);
	return 0; /* through exit() */
}

static int reads_on(int fd)
{
	return read(fd, buf, PAGE) != PAGE || pread(fd, buf, sizeof(buf), PAGE) != sizeof(buf);
}

static int no_clock(void)
{
	int fd = open(path, O_RDONLY);
	int bad = reads_on(fd);

	if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0))
		return 77;
	return bad | reads_on(fd) | reads_on(open(path, O_RDONLY)); /* through exit() */
}

static char blocks; /* for the kernel: 1, calls from elsewhere raise SIGSYS */

/* Of the object that has exit(): address and size. */
static int code_of_libc(struct dl_phdr_info *info, size_t size, void *arg)
{
	const uintptr_t in = (uintptr_t)&exit;
	uintptr_t *range = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;

		if (info->dlpi_phdr[i].p_type != PT_LOAD ||
		    in - start >= info->dlpi_phdr[i].p_memsz)
			continue;
		range[0] = start;
		range[1] = info->dlpi_phdr[i].p_memsz;
		return 1;
	}
	return 0;
}

static int dispatch(void)
{
	uintptr_t range[2] = { 0 };
	int fd = open(path, O_RDONLY);
	int bad = reads_on(fd);

	dl_iterate_phdr(code_of_libc, range);
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, range[0], range[1], &blocks))
		return 77;
	blocks = 1;
	bad |= reads_on(fd) | reads_on(open(path, O_RDONLY));
	blocks = 0;
	return bad;
}

/* What systemd's @system-service does not have, and what older ones do not. */
static int filtered(char **argv)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		KILL_FOR(SYS_mincore),
		KILL_FOR(SYS_pidfd_open),
		KILL_FOR(SYS_pidfd_getfd),
		KILL_FOR(SYS_process_vm_readv),
		KILL_FOR(SYS_userfaultfd),
		KILL_FOR(SYS_fchown),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	if (filter_set(code, sizeof(code) / sizeof(code[0])))
		return 77;
	execvp(argv[0], argv);
	return 77;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 77;
	path = argv[2];
	if (!strcmp(argv[1], "altstack"))
		return altstack();
	if (!strcmp(argv[1], "fork"))
		return fork_alone();
	if (!strcmp(argv[1], "ignored"))
		return ignored();
	if (!strcmp(argv[1], "first-ends"))
		return first_ends();
	if (!strcmp(argv[1], "listed"))
		return listed();
	if (!strcmp(argv[1], "sealed"))
		return sealed();
	if (!strcmp(argv[1], "grown"))
		return grown(MAP_SHARED);
	if (!strcmp(argv[1], "grown-private"))
		return grown(MAP_PRIVATE);
	if (!strcmp(argv[1], "no-clock"))
		return no_clock();
	if (!strcmp(argv[1], "dispatch"))
		return dispatch();
	if (!strcmp(argv[1], "confined"))
		return confined(false);
	if (!strcmp(argv[1], "confined-fork"))
		return confined(true);
	return filtered(argv + 2);
}
