/* SPDX-License-Identifier: MIT */
/*
 * shim_rights HOW FILE: a program of one thread that reads, changes its rights in the way HOW says, and reads on. No
 * other thread may be there right after the change, and none may have other rights later. Prints "threads BEFORE
 * AFTER LATER different N sum X"; 77 where the kernel does not know the call.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PIECE (256 << 10)
#define PIECES_BEFORE 12
#define NOBODY 65534

int capset(void *header, const void *data);

static char buf[PIECE];
static uint64_t sum = 14695981039346656037u;
static char rights_own[4096];

static int read_piece(int fd)
{
	ssize_t n = read(fd, buf, sizeof(buf));

	for (ssize_t i = 0; i < n; i += 61)
		sum = (sum ^ (unsigned char)buf[i]) * 1099511628211u;
	return n > 0;
}

/* The lines of a thread's status that say what it may do. */
static void rights_of(const char *task, char *rights, size_t room)
{
	static const char *const names[] = { "Uid:", "Gid:",	    "Groups:",
					     "Cap",  "NoNewPrivs:", "Seccomp" };
	char path[300], line[500];
	FILE *status;

	*rights = '\0';
	snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			if (!strncmp(line, names[i], strlen(names[i])) &&
			    strlen(rights) + strlen(line) < room)
				strcat(rights, line);
	if (status)
		fclose(status);
}

/* How many threads there are; *different of them have other rights than this one. */
static int threads_look(int *different)
{
	DIR *tasks = opendir("/proc/self/task");
	char own[20], rights[4096];
	struct dirent *task;
	int threads = 0;

	snprintf(own, sizeof(own), "%d", getpid());
	rights_of(own, rights_own, sizeof(rights_own));
	while (tasks && (task = readdir(tasks))) {
		if (*task->d_name == '.')
			continue;
		rights_of(task->d_name, rights, sizeof(rights));
		if (!*rights) /* it has just ended */
			continue;
		threads++;
		*different += strcmp(rights, rights_own) != 0;
	}
	if (tasks)
		closedir(tasks);
	return threads;
}

struct cap_header {
	unsigned int version;
	int pid;
};

static long change(const char *how)
{
	struct cap_header header = { 0x20080522, 0 };
	unsigned int none[6] = { 0 };

	if (!strcmp(how, "capset"))
		return capset(&header, none);
	if (!strcmp(how, "raw-capset"))
		return syscall(SYS_capset, &header, none);
	if (!strcmp(how, "no_new_privs"))
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!strcmp(how, "raw-no_new_privs"))
		return syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!strcmp(how, "securebits"))
		return prctl(PR_SET_SECUREBITS, 1, 0, 0, 0);
	if (!strcmp(how, "bounding"))
		return prctl(PR_CAPBSET_DROP, 5, 0, 0, 0);
	if (!strcmp(how, "ambient"))
		return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (!strcmp(how, "setfsuid"))
		return setfsuid(NOBODY) < 0 ? -1 : 0;
	if (!strcmp(how, "setfsgid"))
		return setfsgid(NOBODY) < 0 ? -1 : 0;
	if (!strcmp(how, "raw-setfsuid"))
		return syscall(SYS_setfsuid, NOBODY) < 0 ? -1 : 0;
	if (!strcmp(how, "setuid"))
		return setuid(NOBODY);
	if (!strcmp(how, "raw-setuid"))
		return syscall(SYS_setuid, NOBODY);
	if (!strcmp(how, "raw-setresgid"))
		return syscall(SYS_setresgid, NOBODY, NOBODY, NOBODY);
	if (!strcmp(how, "raw-setgroups"))
		return syscall(SYS_setgroups, 0, NULL);
	if (!strcmp(how, "landlock")) /* without a rule set it fails, and does nothing */
		return syscall(446, -1, 0) && errno == ENOSYS ? -1 : 0;
	if (!strcmp(how, "keyring"))
		return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ? -1 : 0;
	errno = ENOSYS;
	return -1;
}

int main(int argc, char **argv)
{
	int before, after, later, different = 0, ignored = 0;
	int fd = argc > 2 ? open(argv[2], O_RDONLY) : -1;

	if (fd < 0)
		return 2;
	for (int i = 0; i < PIECES_BEFORE; i++)
		read_piece(fd);
	/* the thread that watches mappings is a helper, too */
	if (argc > 3 && mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		return 2;
	before = threads_look(&ignored);
	if (change(argv[1])) {
		fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
		return errno == ENOSYS || errno == EPERM ? 77 : 1;
	}
	after = threads_look(&different);
	for (int i = 0; i < PIECES_BEFORE; i++)
		read_piece(fd);
	later = threads_look(&different);
	while (read_piece(fd))
		;
	threads_look(&different);
	printf("threads %d %d %d different %d sum %016llx\n", before, after, later, different,
	       (unsigned long long)sum);
	return 0;
}
