/* SPDX-License-Identifier: MIT */
/*
 * The loader's functions. A handle on libc gives libc's own functions (ctypes, JNA, cffi, .NET): ours are given
 * in their places. An object that is opened with RTLD_DEEPBIND, or in another namespace, has functions
 * that nobody can replace: a sign (sign.h).
 *
 * The caller decides what RTLD_NEXT, RTLD_DEFAULT and a name without a slash mean, and libc finds the caller
 * by the return address. So the hooks call libc by a jump.
 */
#include "shim/libc/symbols.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <gnu/libc-version.h>

#include "shim/files/code.h"
#include "shim/files/loaded.h"
#include "shim/libc/elf.h"
#include "shim/table/attach.h"
#include "shim/table/process.h"
#include "shim/table/watch.h"

/* A call at the end must become a jump in every build. (clang makes one in builds with -O2.) */
#ifdef __clang__
#define JUMPS __attribute__((noinline))
#else
#define JUMPS \
	__attribute__((noinline, optimize("O2", "optimize-sibling-calls", "no-stack-protector")))
#endif

static bool same_object(const void *a, const void *b)
{
	Dl_info one, other;

	return dladdr(a, &one) && dladdr(b, &other) && one.dli_fbase == other.dli_fbase;
}

/* Whether it is liburing or libaio, which make system calls themselves: the hook decides by its name. */
static bool is_ring(const char *name)
{
	return !strncmp(name, "io_", 3) || !strncmp(name, "__io_", 5);
}

#define PRIVATE_END "_nocancel"
#define PRIVATE_MAX 16u /* longer names are none of libc's */

/* The hook of a name. libc has some of the functions once more: "__read_nocancel", which dlsym() finds. */
static void *hook_of(const char *name)
{
	const size_t around = strlen("__") + strlen(PRIVATE_END);
	size_t n = strlen(name);
	char public[PRIVATE_MAX];

	if (n <= around || n - around >= sizeof(public) || strncmp(name, "__", 2) ||
	    strcmp(name + n - strlen(PRIVATE_END), PRIVATE_END))
		return elf_own(name);
	memcpy(public, name + 2, n - around);
	public[n - around] = '\0';
	return elf_own(public);
}

/* The function that is returned in place of `found`. */
static void *replaced(const char *name, void *found)
{
	void *hook = found ? hook_of(name) : NULL;

	if (hook && (is_ring(name) || same_object(found, (const void *)gnu_get_libc_version)))
		return hook;
	return found;
}

static bool is_special(const void *handle)
{
	return handle == RTLD_DEFAULT || handle == RTLD_NEXT;
}

/* Whether the object of `caller` comes before us: then ours is the next one after it. */
static bool comes_before(const void *caller)
{
	struct link_map *own, *of;
	Dl_info info;

	if (!dladdr1(caller, &info, (void **)&of, RTLD_DL_LINKMAP) ||
	    !dladdr1((const void *)is_special, &info, (void **)&own, RTLD_DL_LINKMAP))
		return true;
	while (own && own != of)
		own = own->l_prev;
	return own;
}

/*
 * An object that was loaded later asks for the function after itself, which is never a hook. The object
 * stands between us and libc, or calls past us. So does who asks for what libc has for itself.
 */
static void special_look(const void *handle, const char *name, const void *caller)
{
	bool hooked = attach_active && name && hook_of(name);

	if (hooked && (!elf_own(name) || (handle == RTLD_NEXT && !comes_before(caller))))
		past_begin(SIGN_LIBC);
}

/*
 * The hooks have no versions, so the loader passes them by where the program names one: libc's function is found, and
 * ours given in its place. NULL: none of ours, or not to this caller.
 */
static void *special_versioned(void *handle, const char *name, const char *version,
			       const void *caller)
{
	void *hook = name ? hook_of(name) : NULL;

	if (!hook || (handle == RTLD_NEXT && !comes_before(caller)))
		return NULL;
	return replaced(name, NEXT(dlvsym)(handle, name, version)) == hook ? hook : NULL;
}

JUMPS void *dlsym(void *handle, const char *name)
{
	code_look();
	loaded_look();
	if (is_special(handle)) {
		special_look(handle, name, __builtin_return_address(0));
		return NEXT(dlsym)(handle, name);
	}
	return replaced(name, NEXT(dlsym)(handle, name));
}

JUMPS void *dlvsym(void *handle, const char *name, const char *version)
{
	code_look();
	loaded_look();
	if (is_special(handle)) {
		const void *caller = __builtin_return_address(0);
		void *hook = special_versioned(handle, name, version, caller);

		if (hook)
			return hook;
		special_look(handle, name, caller);
		return NEXT(dlvsym)(handle, name, version);
	}
	return replaced(name, NEXT(dlvsym)(handle, name, version));
}

/*
 * Loaded objects are searched before the program has an address in them. Their constructors run before
 * that, and may continue a read where the program is.
 */
static void loads(void)
{
	code_changed();
	loaded_changed();
	process_lend_all();
}

JUMPS void *dlopen(const char *name, int flags)
{
	if (flags & RTLD_DEEPBIND)
		past_begin(SIGN_LIBC);
	loads();
	return NEXT(dlopen)(name, flags);
}

JUMPS void *dlmopen(Lmid_t space, const char *name, int flags)
{
	if (space != LM_ID_BASE || flags & RTLD_DEEPBIND)
		past_begin(SIGN_LIBC);
	loads();
	return NEXT(dlmopen)(space, name, flags);
}

/* It unmaps by itself. Who calls does not matter. */
int dlclose(void *handle)
{
	uint64_t begun = loaded_close_begin();
	int ret = NEXT(dlclose)(handle);

	loaded_close_end(begun);
	return ret;
}

static void listing_end(void *arg)
{
	(void)arg;
	loaded_call_end();
}

/* What the program does for each object may wait for other threads, or leave by an exception. */
int dl_iterate_phdr(int (*visit)(struct dl_phdr_info *info, size_t size, void *arg), void *arg)
{
	int ret;

	loaded_call_begin();
	pthread_cleanup_push(listing_end, NULL);
	ret = NEXT(dl_iterate_phdr)(visit, arg);
	pthread_cleanup_pop(1);
	return ret;
}
