/* SPDX-License-Identifier: MIT */
/*
 * A prototype, no part of the product: small files for programs that no preload object reaches (static ones, Go).
 * docs/notes/static.md tells what it costs and what it breaks.
 *
 *     notify [--pass] [--answers FILE] DIR PROGRAM [ARGUMENT]...
 *
 * PROGRAM gets a filter of system calls that passes each open for reading, and each fstat(), to this supervisor. An
 * open of a small regular file below DIR is answered by a sealed memfd with the file's bytes, put into the
 * program's table by SECCOMP_IOCTL_NOTIF_ADDFD; all else goes on as if nothing were there. The file's attributes are
 * asked for at each open: another time, size or inode is another memfd. fstat() of a memfd is answered with the
 * origin's attributes. With --pass each call is passed on: what the way alone costs. --answers: how many were answered.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SMALL (1 << 20)	   /* larger files are the program's own to read */
#define TOTAL (512L << 20) /* of memory in all */
#define SETTLE_MS 50	   /* files that changed later than this ago are passed on */
#define SLOTS 65536u
#define THREADS 4
/* of Linux 6.6: the supervisor runs on the program's processor */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#endif
#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif
/* opens that are not for reading alone */
#define OTHER_OPENS \
	(O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_DIRECTORY | O_PATH | O_DIRECT | \
	 (O_TMPFILE & ~O_DIRECTORY))

/* A file's bytes at one state of its attributes. */
struct kept {
	struct stat key; /* of the origin, before its bytes were read and after */
	int origin;	 /* O_PATH: its attributes are asked here */
	int memory;	 /* sealed */
	ino_t inode;	 /* of `memory` */
};

static struct kept kept[SLOTS];	     /* filled, never emptied; inode 0: free */
static unsigned int by_inode[SLOTS]; /* number in kept[], plus 1 */
static unsigned int kept_count;
static long kept_bytes;
static dev_t memory_device;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *dir;
static size_t dir_length;
static int listener;
static bool pass;
static unsigned long answered;

static void die(const char *what)
{
	perror(what);
	exit(125);
}

/* --- the program's side */

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* the low half of an argument; both architectures are little-endian */
#define ARGUMENT(n) LOAD(args[n])
#define IF_CALL(call, then) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, then, 0)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)

/* The listener of a filter that is this process's from now on, and its children's. */
static int filter_install(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 0, 5),
		LOAD(nr),
		IF_CALL(__NR_openat, 4),
		IF_CALL(__NR_fstat, 9),
		IF_CALL(__NR_newfstatat, 4),
		IF_CALL(__NR_statx, 5),
		RETURN(SECCOMP_RET_ALLOW),
		/* openat: none of the flags */
		ARGUMENT(2),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, OTHER_OPENS, 5, 4),
		/* newfstatat, statx: of the descriptor itself */
		ARGUMENT(3),
		BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
		ARGUMENT(2),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, AT_EMPTY_PATH, 0, 1),
		RETURN(SECCOMP_RET_USER_NOTIF),
		RETURN(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			    &program);
}

static void descriptor_send(int to, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec byte = { &(char){ 0 }, 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control.room) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	if (sendmsg(to, &message, 0) != 1)
		die("notify: sendmsg");
}

static int descriptor_receive(int from)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(from, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		die("notify: there is no filter");
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd;
}

static void program_run(int to, char **argv)
{
	int fd;

	/* one of the two is enough */
	unsetenv("LD_PRELOAD");
	fd = filter_install();
	if (fd < 0)
		die("notify: seccomp");
	descriptor_send(to, fd);
	close(fd);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

/* --- files */

static bool same_state(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       !memcmp(&a->st_mtim, &b->st_mtim, sizeof(a->st_mtim)) &&
	       !memcmp(&a->st_ctim, &b->st_ctim, sizeof(a->st_ctim));
}

static long age_ms(const struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - t->tv_sec) * 1000 + (now.tv_nsec - t->tv_nsec) / 1000000;
}

static unsigned int slot_of(const struct stat *st)
{
	uint64_t h = (st->st_ino * UINT64_C(0x9e3779b97f4a7c15)) ^ st->st_dev;

	return (unsigned int)(h >> 48) % SLOTS;
}

/* With the lock. The file's bytes, or the slot for them. */
static struct kept *kept_find(const struct stat *st)
{
	unsigned int at = slot_of(st);

	while (kept[at].inode && !same_state(&kept[at].key, st))
		at = (at + 1) % SLOTS;
	return &kept[at];
}

static struct kept *kept_by_inode(ino_t inode)
{
	unsigned int at = inode % SLOTS;

	while (by_inode[at] && kept[by_inode[at] - 1].inode != inode)
		at = (at + 1) % SLOTS;
	return by_inode[at] ? &kept[by_inode[at] - 1] : NULL;
}

static bool copy(int from, int to, off_t bytes)
{
	static __thread char buffer[SMALL];
	off_t n = 0;
	ssize_t got;

	while ((got = read(from, buffer + n, (size_t)(bytes - n))) > 0)
		n += got;
	return !got && n == bytes && write(to, buffer, (size_t)n) == n;
}

/* The bytes of `origin` in a sealed memfd, if they are one version. */
static int memory_make(const char *path, const struct stat *st)
{
	const int seals = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int to = memfd_create("notify", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat before, after;

	if (from >= 0 && to >= 0 && !fstat(from, &before) && same_state(&before, st) &&
	    copy(from, to, st->st_size) && !fstat(from, &after) && same_state(&after, st) &&
	    !fcntl(to, F_ADD_SEALS, seals)) {
		close(from);
		return to;
	}
	close(from);
	close(to);
	return -1;
}

/* With the lock. Takes `memory` and a copy of `origin`. */
static struct kept *kept_add(const struct stat *st, int origin, int memory)
{
	struct kept *k = kept_find(st);
	struct stat own;
	unsigned int at;

	if (k->inode || fstat(memory, &own) ||
	    kept_count >= SLOTS / 2) { /* another thread was first; too many */
		close(memory);
		return k->inode ? k : NULL;
	}
	*k = (struct kept){ *st, fcntl(origin, F_DUPFD_CLOEXEC, 0), memory, own.st_ino };
	memory_device = own.st_dev;
	for (at = own.st_ino % SLOTS; by_inode[at]; at = (at + 1) % SLOTS)
		;
	by_inode[at] = (unsigned int)(k - kept) + 1;
	kept_count++;
	kept_bytes += st->st_size;
	return k;
}

/* The bytes of an O_PATH descriptor; NULL: the program reads them itself. */
static struct kept *kept_get(int origin, const char *path)
{
	struct stat st;
	struct kept *k;
	int memory;

	if (fstat(origin, &st) || !S_ISREG(st.st_mode) || st.st_size > SMALL ||
	    age_ms(&st.st_mtim) < SETTLE_MS || age_ms(&st.st_ctim) < SETTLE_MS ||
	    faccessat(origin, "", R_OK, AT_EMPTY_PATH | AT_EACCESS))
		return NULL;
	pthread_mutex_lock(&lock);
	k = kept_find(&st);
	k = k->inode ? k : NULL;
	pthread_mutex_unlock(&lock);
	if (k || kept_bytes + st.st_size > TOTAL)
		return k;
	memory = memory_make(path, &st);
	if (memory < 0)
		return NULL;
	pthread_mutex_lock(&lock);
	k = kept_add(&st, origin, memory);
	pthread_mutex_unlock(&lock);
	return k;
}

/* --- answers */

static bool string_read(pid_t pid, uint64_t at, char *text, size_t room)
{
	size_t n = 0;

	while (n < room) {
		/* not across a page: the next one may not be there */
		size_t part = 4096 - (at + n) % 4096;
		struct iovec ours = { text + n, part < room - n ? part : room - n };
		struct iovec theirs = { (void *)(uintptr_t)(at + n), ours.iov_len };

		if (process_vm_readv(pid, &ours, 1, &theirs, 1, 0) != (ssize_t)ours.iov_len)
			return false;
		if (memchr(ours.iov_base, 0, ours.iov_len))
			return true;
		n += ours.iov_len;
	}
	return false;
}

/* A process that sees the same names with the same rights: what this supervisor opens is what it would. */
static bool like_us(pid_t pid)
{
	struct stat ours, theirs;
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/root", pid);
	if (stat("/", &ours) || stat(name, &theirs) || ours.st_ino != theirs.st_ino ||
	    ours.st_dev != theirs.st_dev)
		return false;
	snprintf(name, sizeof(name), "/proc/%d", pid);
	return !stat(name, &theirs) && theirs.st_uid == geteuid() && theirs.st_gid == getegid();
}

/* The file that the call names, O_PATH, and its path, if it lies below DIR. */
static int origin_open(const struct seccomp_notif *call, char *path, size_t room)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | (call->data.args[2] & O_NOFOLLOW),
				.resolve = RESOLVE_NO_MAGICLINKS };
	int at = AT_FDCWD, fd;
	char name[64], wanted[PATH_MAX];
	ssize_t n;

	if (!string_read((pid_t)call->pid, call->data.args[1], wanted, sizeof(wanted)))
		return -1;
	if (wanted[0] == '/' && strncmp(wanted, dir, dir_length))
		return -1; /* a link elsewhere that leads below DIR is not followed */
	if (wanted[0] != '/') {
		if ((int)call->data.args[0] == AT_FDCWD)
			snprintf(name, sizeof(name), "/proc/%d/cwd", (int)call->pid);
		else
			snprintf(name, sizeof(name), "/proc/%d/fd/%d", (int)call->pid,
				 (int)call->data.args[0]);
		at = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (at < 0)
			return -1;
	}
	fd = (int)syscall(SYS_openat2, at, wanted, &how, sizeof(how));
	if (at >= 0)
		close(at);
	if (fd < 0)
		return -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, path, room - 1);
	path[n < 0 ? 0 : n] = '\0';
	if (!strncmp(path, dir, dir_length) && path[dir_length] == '/' && like_us((pid_t)call->pid))
		return fd;
	close(fd);
	return -1;
}

/* True: answered, by the same call that puts the descriptor into the program's table. */
static bool answer_open(const struct seccomp_notif *call)
{
	struct seccomp_notif_addfd add = { .id = call->id,
					   .flags = SECCOMP_ADDFD_FLAG_SEND,
					   .newfd_flags = call->data.args[2] & O_CLOEXEC };
	char path[PATH_MAX], name[64];
	int origin = origin_open(call, path, sizeof(path));
	struct kept *k;
	int fd, new;

	if (origin < 0)
		return false;
	k = kept_get(origin, path);
	close(origin);
	if (!k)
		return false;
	/* each open has a position of its own */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", k->memory);
	fd = open(name, O_RDONLY | O_CLOEXEC | (int)(call->data.args[2] & O_NONBLOCK));
	if (fd < 0)
		return false;
	add.srcfd = (uint32_t)fd;
	new = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	close(fd);
	return new >= 0;
}

/* The memfd that is the descriptor `fd` of the thread; NULL: it is something else. */
static struct kept *kept_of(pid_t pid, int fd)
{
	struct stat st;
	struct kept *k = NULL;
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/fd/%d", pid, fd);
	if (!memory_device || stat(name, &st) || st.st_dev != memory_device)
		return NULL;
	pthread_mutex_lock(&lock);
	k = kept_by_inode(st.st_ino);
	pthread_mutex_unlock(&lock);
	return k;
}

/* fstat(fd, to), newfstatat(fd, "", to, flags), statx(fd, "", flags, mask, to) */
static bool answer_stat(const struct seccomp_notif *call, struct seccomp_notif_resp *answer)
{
	const struct seccomp_data *d = &call->data;
	struct kept *k = kept_of((pid_t)call->pid, (int)d->args[0]);
	struct iovec ours, theirs;
	struct statx stx;
	struct stat st;
	char first = 0;
	uint64_t to;
	long failed;

	if (!k)
		return false;
	/* AT_EMPTY_PATH with a name is no question about the descriptor */
	if (d->nr != __NR_fstat && d->args[1] &&
	    !string_read((pid_t)call->pid, d->args[1], &first, 1))
		return false;
	if (d->nr == __NR_statx) {
		failed = syscall(SYS_statx, k->origin, "", (int)d->args[2],
				 (unsigned int)d->args[3], &stx);
		ours = (struct iovec){ &stx, sizeof(stx) };
		to = d->args[4];
	} else {
		failed = syscall(SYS_fstat, k->origin, &st);
		ours = (struct iovec){ &st, sizeof(st) };
		to = d->args[d->nr == __NR_fstat ? 1 : 2];
	}
	theirs = (struct iovec){ (void *)(uintptr_t)to, ours.iov_len };
	if (failed)
		answer->error = -errno;
	else if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id))
		return false; /* the program is gone, and its number may be another's */
	else if (process_vm_writev((pid_t)call->pid, &ours, 1, &theirs, 1, 0) !=
		 (ssize_t)ours.iov_len)
		answer->error = -EFAULT;
	return true;
}

static void call_answer(const struct seccomp_notif *call)
{
	struct seccomp_notif_resp answer = { .id = call->id };

	if (!pass && call->data.nr == __NR_openat && answer_open(call)) {
		__atomic_fetch_add(&answered, 1, __ATOMIC_RELAXED);
		return;
	}
	if (pass || call->data.nr == __NR_openat || !answer_stat(call, &answer))
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	/* fails where the program was killed or a signal came: it asks again */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

static void *calls_answer(void *unused)
{
	struct seccomp_notif call;

	(void)unused;
	for (;;) {
		memset(&call, 0, sizeof(call));
		if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
			call_answer(&call);
		else if (errno != EINTR && errno != ENOENT)
			return NULL;
	}
}

/* Until nobody has the filter any more: who opens without a listener gets ENOSYS. */
static void all_await(void)
{
	struct pollfd end = { .fd = listener };

	while (!(end.revents & POLLHUP) && (poll(&end, 1, -1) >= 0 || errno == EINTR))
		;
}

static void answers_tell(const char *file)
{
	FILE *f = file ? fopen(file, "w") : NULL;

	if (f && (fprintf(f, "%lu\n", answered) < 0 || fclose(f)))
		die(file);
}

static int usage(void)
{
	fputs("usage: notify [--pass] [--answers FILE] DIR PROGRAM [ARGUMENT]...\n", stderr);
	return 125;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 0 };
	const char *answers = NULL;
	pthread_t thread;
	int pair[2], status;
	pid_t child;

	for (argv++; *argv && !strncmp(*argv, "--", 2); argv++) {
		if (!strcmp(*argv, "--pass"))
			pass = true;
		else if (!strcmp(*argv, "--answers") && argv[1])
			answers = *++argv;
		else
			return usage();
	}
	if (argc < 3 || !argv[0] || !argv[1])
		return usage();
	dir = realpath(argv[0], NULL);
	if (!dir || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die(argv[0]);
	dir_length = strlen(dir);
	child = fork();
	if (!child)
		program_run(pair[1], argv + 1);
	close(pair[1]);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max; /* two for each file that is kept */
	setrlimit(RLIMIT_NOFILE, &files);
	listener = descriptor_receive(pair[0]);
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, 1UL); /* an older kernel is slower */
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, calls_answer, NULL))
			die("notify: pthread_create");
	all_await();
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	answers_tell(answers);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
