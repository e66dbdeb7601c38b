/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls when a thread is cancelled, or an exception passes, inside a hook that
 * has something to give back (pthread_cleanup_push()). Both belong to libgcc_s, and what is static
 * of it aborts in the hands of the shared one, which libc cancels threads with. But loading the
 * library takes as long as all else that a program pays for us at its start, and nearly no program
 * is cancelled. So they are looked up when they are needed, as libc itself does: by then somebody
 * is unwinding, and the library is in memory.
 */
#include "shim/libc/symbols.h"

#include <dlfcn.h>

#define LIBRARY "libgcc_s.so.1"
#define GO_ON_UNWINDING 8 /* _URC_CONTINUE_UNWIND; <unwind.h> would export what is declared here */

typedef int personality_fn(int version, int actions, uint64_t class, void *exception,
			   void *context);
typedef void resume_fn(void *exception);

personality_fn unwind_personality __asm__("__gcc_personality_v0");
resume_fn unwind_resume __asm__("_Unwind_Resume");

/* NULL: there is no such library, and the thread unwinds by another one. */
static void *unwinder_find(const char *name)
{
	void *library = NEXT(dlopen)(LIBRARY, RTLD_LAZY);

	return library ? NEXT(dlsym)(library, name) : NULL;
}

/* Without the library nothing is released, as when the program ends. */
int unwind_personality(int version, int actions, uint64_t class, void *exception, void *context)
{
	static personality_fn *found;
	personality_fn *personality = load_relaxed(&found);

	if (!personality) {
		personality = (personality_fn *)unwinder_find("__gcc_personality_v0");
		store_relaxed(&found, personality);
	}
	return personality ? personality(version, actions, class, exception, context) :
			     GO_ON_UNWINDING;
}

/* Called after the personality has led to code of ours, so the library was found. */
void unwind_resume(void *exception)
{
	resume_fn *resume = (resume_fn *)unwinder_find("_Unwind_Resume");

	if (resume)
		resume(exception);
	__builtin_trap();
}
