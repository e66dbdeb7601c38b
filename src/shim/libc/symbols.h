/* SPDX-License-Identifier: MIT */
/*
 * The hooks and the functions behind them: libc's, or another preloaded object's. The first call of each looks
 * its symbol up among the objects that stood behind ours when the constructor called symbols_init(): they are
 * never unloaded, so this needs no lock, and a signal handler may do it. (To look up all of them took half of
 * what we cost a program that starts.) A call that comes before the constructor asks the loader: another
 * library's constructor cannot come earlier because of -z initfirst, but an IFUNC resolver can. Each pointer is
 * written with the same value by every thread.
 *
 * This header must come first in every file of src/shim: feature macros of the build would rename the
 * functions that we define.
 */
#ifndef SHIM_SYMBOLS_H
#define SHIM_SYMBOLS_H

#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <aio.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <link.h>
#include <mqueue.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
/* newer headers give these names to the functions of a newer C: declare those under other names */
#define scanf header_scanf
#define fscanf header_fscanf
#define vscanf header_vscanf
#define vfscanf header_vfscanf
#include <stdio.h>
#undef scanf
#undef fscanf
#undef vscanf
#undef vfscanf
#undef fread_unlocked
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>
#include <utime.h>
#include <utmp.h>
#include <wchar.h>
#include <wordexp.h>

#include "base/compiler.h"

struct io_uring;
struct io_uring_cqe;
struct io_uring_params;
struct __kernel_timespec;

#define EXPORT __attribute__((visibility("default")))

#define SYMBOL(result, name, arguments) EXPORT result name arguments;
#define ALIAS(name, of)
#include "shim/libc/symbols_tbl.h"
#undef SYMBOL
#undef ALIAS

/* gcc wants an alias to have its target's attributes; clang does not know the attribute for that */
#ifdef __clang__
#define HOOK_COPY(of)
#else
#define HOOK_COPY(of) __attribute__((copy(of)))
#endif

/* A second name for a hook of the same file. (Its C name is another, for <fcntl.h> and friends.) */
#define HOOK_ALIAS(name, of) \
	extern __typeof(of) alias_##name __asm__(#name) \
		__attribute__((alias(#of), visibility("default"))) HOOK_COPY(of)

struct symbols_next {
#define SYMBOL(result, name, arguments) result(*name) arguments;
#define ALIAS(name, of)
#include "shim/libc/symbols_tbl.h"
#undef SYMBOL
#undef ALIAS
};

extern struct symbols_next symbols_next;

void symbols_init(void);

/* Resolve the symbol whose pointer is at `offset` of symbols_next; never NULL. */
void *symbols_resolve_one(size_t offset);

/* The function of this name behind our hook. */
#define NEXT(name) \
	(likely(symbols_next.name) ? symbols_next.name : \
				     (__typeof__(symbols_next.name))symbols_resolve_one( \
					     offsetof(struct symbols_next, name)))

#endif
