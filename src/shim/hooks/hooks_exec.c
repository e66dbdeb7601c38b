/* SPDX-License-Identifier: MIT */
/*
 * exec and spawn: the new program inherits descriptors whose positions the shim keeps. The positions are
 * set in the kernel for good, because after vfork() the parent continues with the same descriptions.
 */
#include "shim/libc/symbols.h"

#include <alloca.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shim/files/fd.h"
#include "shim/files/names.h"
#include "shim/files/tree.h"
#include "shim/table/process.h"
#include "shim/libc/signals.h"
#include "shim/table/news.h"

static void exec_prepare(void)
{
	process_share_inherited();
	process_settle();
	signals_lend();
}

/* No other program was started. */
static int exec_failed(int ret)
{
	int saved = errno;

	signals_return();
	errno = saved;
	return ret;
}

int execve(const char *path, char *const argv[], char *const envp[])
{
	/* programs that search PATH themselves ask for absent names */
	if (names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	exec_prepare();
	return exec_failed(NEXT(execve)(path, argv, envp));
}

int execv(const char *path, char *const argv[])
{
	if (names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	exec_prepare();
	return exec_failed(NEXT(execv)(path, argv));
}

/*
 * The search along PATH. libc asks for the name in one place after another, inside itself. Where names are
 * remembered this is done here, as glibc does it, but that a place where the name is known to be absent is not
 * asked. libc is given the others as paths with a slash, so that it goes on to try a script as it would.
 */

/* NULL: libc searches. It has rules of its own for empty places, and for what is too long. */
static const char *search_places(const char *file)
{
	const char *places;
	size_t n;

	if (likely(!load_relaxed(&names_on)) || !*file || strchr(file, '/') ||
	    strlen(file) > NAME_MAX)
		return NULL;
	places = getenv("PATH");
	n = places ? strlen(places) : 0;
	if (!n || n >= PATH_MAX - 1 || *places == ':' || places[n - 1] == ':' ||
	    strstr(places, "::"))
		return NULL;
	return places;
}

/* Whether the search goes on after this error. */
static bool search_goes_on(int err)
{
	return err == EACCES || err == ENOENT || err == ESTALE || err == ENOTDIR || err == ENODEV ||
	       err == ETIMEDOUT;
}

/* Returns if no program was started. `buf` has room for a place, a slash and the name; `envp` may be NULL. */
static int search(const char *places, const char *file, char *buf, char *const argv[],
		  char *const envp[])
{
	bool denied = false;

	for (const char *end; *places; places = *end ? end + 1 : end) {
		end = strchrnul(places, ':');
		memcpy(buf, places, (size_t)(end - places));
		buf[end - places] = '/';
		strcpy(buf + (end - places) + 1, file);
		if (names_absent(AT_FDCWD, buf, NAMES_LOOK))
			continue;
		exec_prepare();
		names_missed(buf, exec_failed(envp ? NEXT(execvpe)(buf, argv, envp) :
						     NEXT(execvp)(buf, argv)));
		denied |= errno == EACCES;
		if (!search_goes_on(errno))
			return -1;
	}
	if (denied)
		errno = EACCES;
	return -1;
}

/* On the stack, as libc does it: a vfork child may not allocate. */
#define SEARCH_BUFFER(places, file) alloca(strlen(places) + strlen(file) + 2)

int execvp(const char *file, char *const argv[])
{
	const char *places = search_places(file);

	if (unlikely(places))
		return search(places, file, SEARCH_BUFFER(places, file), argv, NULL);
	exec_prepare();
	return exec_failed(NEXT(execvp)(file, argv));
}

int execvpe(const char *file, char *const argv[], char *const envp[])
{
	const char *places = search_places(file);

	if (unlikely(places && envp))
		return search(places, file, SEARCH_BUFFER(places, file), argv, envp);
	exec_prepare();
	return exec_failed(NEXT(execvpe)(file, argv, envp));
}

int execveat(int dir, const char *path, char *const argv[], char *const envp[], int flags)
{
	tree_real(dir);
	exec_prepare();
	return exec_failed(NEXT(execveat)(dir, path, argv, envp, flags));
}

int fexecve(int fd, char *const argv[], char *const envp[])
{
	tree_real(fd);
	exec_prepare();
	return exec_failed(NEXT(fexecve)(fd, argv, envp));
}

/* The number of arguments from `arg` to the NULL that ends them, which is counted too. */
static size_t count_arguments(const char *arg, va_list ap)
{
	size_t n = 1;

	for (; arg; n++)
		arg = va_arg(ap, const char *);
	return n;
}

static void copy_arguments(const char **argv, const char *arg, va_list ap)
{
	for (*argv = arg; *argv; *++argv = arg)
		arg = va_arg(ap, const char *);
}

/* On the stack, as libc does it: a vfork child may not allocate. */
#define LIST_ARGUMENTS(argv, arg, ap) \
	do { \
		va_start(ap, arg); \
		(argv) = alloca(count_arguments(arg, ap) * sizeof(*(argv))); \
		va_end(ap); \
		va_start(ap, arg); \
		copy_arguments(argv, arg, ap); \
	} while (0)

int execl(const char *path, const char *arg, ...)
{
	const char **argv;
	va_list ap;

	LIST_ARGUMENTS(argv, arg, ap);
	va_end(ap);
	return execv(path, (char *const *)argv);
}

int execlp(const char *file, const char *arg, ...)
{
	const char **argv;
	va_list ap;

	LIST_ARGUMENTS(argv, arg, ap);
	va_end(ap);
	return execvp(file, (char *const *)argv);
}

/* The environment follows the NULL. */
int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	const char **argv;
	va_list ap;

	LIST_ARGUMENTS(argv, arg, ap);
	va_end(ap);
	va_start(ap, arg);
	count_arguments(arg, ap);
	envp = va_arg(ap, char *const *);
	va_end(ap);
	return execve(path, (char *const *)argv, envp);
}

/* A duplicate may have been asked for before the number got its present meaning: see below. */
static void spawn_prepare(const posix_spawn_file_actions_t *actions)
{
	if (actions)
		process_share_vfork();
	else
		process_share_inherited();
	signals_lend();
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	int err;

	spawn_prepare(actions);
	err = NEXT(posix_spawn)(pid, path, actions, attributes, argv, envp);
	news_hear(); /* an action may cut a file */
	signals_return();
	return err;
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
		 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	int err;

	spawn_prepare(actions);
	err = NEXT(posix_spawnp)(pid, file, actions, attributes, argv, envp);
	news_hear(); /* an action may cut a file */
	signals_return();
	return err;
}

/* The child will make its duplicate where we cannot see it, of a descriptor that may be closed on exec. */
int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *actions, int fd, int to)
{
	tree_real(fd);
	fd_share(fd);
	return NEXT(posix_spawn_file_actions_adddup2)(actions, fd, to);
}
