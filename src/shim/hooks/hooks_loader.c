/* SPDX-License-Identifier: MIT */
/*
 * The loader's functions. A handle on libc gives libc's own functions (ctypes, JNA, cffi, .NET): ours are given
 * in their places. An object that is opened with RTLD_DEEPBIND, or in another namespace, has functions
 * that nobody can replace: a sign (sign.h).
 *
 * Who calls decides what RTLD_NEXT, RTLD_DEFAULT and a name without a slash mean, and libc takes the return address
 * for that. So these calls go on as jumps.
 */
#include "shim/libc/symbols.h"

#include <dlfcn.h>
#include <string.h>
#include <gnu/libc-version.h>

#include "shim/libc/elf.h"
#include "shim/table/watch.h"

/* A call at the end becomes a jump, whatever the build is. (clang makes one in a build with -O2.) */
#ifdef __clang__
#define JUMPS __attribute__((noinline))
#else
#define JUMPS __attribute__((noinline, optimize("O2", "optimize-sibling-calls", "no-stack-protector")))
#endif

static bool same_object(const void *a, const void *b)
{
	Dl_info one, other;

	return dladdr(a, &one) && dladdr(b, &other) && one.dli_fbase == other.dli_fbase;
}

/* liburing and libaio make system calls themselves: whatever has such a name, the hook knows what follows. */
static bool is_ring(const char *name)
{
	return !strncmp(name, "io_", 3) || !strncmp(name, "__io_", 5);
}

/* What is to be given out in place of `found`. */
static void *replaced(const char *name, void *found)
{
	void *hook = found ? elf_own(name) : NULL;

	if (hook && (is_ring(name) || same_object(found, (const void *)gnu_get_libc_version)))
		return hook;
	return found;
}

static bool is_special(const void *handle)
{
	return handle == RTLD_DEFAULT || handle == RTLD_NEXT;
}

JUMPS void *dlsym(void *handle, const char *name)
{
	if (is_special(handle))
		return NEXT(dlsym)(handle, name);
	return replaced(name, NEXT(dlsym)(handle, name));
}

JUMPS void *dlvsym(void *handle, const char *name, const char *version)
{
	if (is_special(handle))
		return NEXT(dlvsym)(handle, name, version);
	return replaced(name, NEXT(dlvsym)(handle, name, version));
}

JUMPS void *dlopen(const char *name, int flags)
{
	if (flags & RTLD_DEEPBIND)
		past_begin(SIGN_LIBC);
	return NEXT(dlopen)(name, flags);
}

JUMPS void *dlmopen(Lmid_t space, const char *name, int flags)
{
	if (space != LM_ID_BASE || flags & RTLD_DEEPBIND)
		past_begin(SIGN_LIBC);
	return NEXT(dlmopen)(space, name, flags);
}
