/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/rights.h"

#include <linux/keyctl.h>
#include <sys/syscall.h>

#include <rawcache/embed.h>
#include <rawcache/zerocopy.h>

#include "shim/libc/thread.h"
#include "shim/table/attach.h"
#include "shim/table/process.h"
#include "shim/table/who.h"

void rights_begin(struct rights_change *change)
{
	process_stand_ins_end(true);
	who_blur();
	change->begun = attach_active && rawcache_helper_threads() && !process_is_foreign();
	if (!change->begun)
		return;
	/* a handler that jumps away from here would leave the process without helpers */
	critical_enter(&change->critical);
	rawcache_helpers_leave();
}

void rights_end(const struct rights_change *change)
{
	if (!change->begun)
		return;
	rawcache_helpers_return();
	critical_leave(&change->critical);
}

void rights_drop(void)
{
	enum rawcache_reason reason;

	if (!attach_active || !attach_config.early || attach_cache_now() || process_is_foreign() ||
	    !thread_enter())
		return;
	attach_cache(&reason);
	thread_leave();
}

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446 /* on all machines */
#endif

static bool call_changes(long number, long first)
{
	switch (number) {
	case SYS_setuid:
	case SYS_setgid:
	case SYS_setreuid:
	case SYS_setregid:
	case SYS_setresuid:
	case SYS_setresgid:
	case SYS_setgroups:
	case SYS_setfsuid:
	case SYS_setfsgid:
	case SYS_capset:
	case SYS_landlock_restrict_self:
		return true;
	case SYS_keyctl:
		return first == KEYCTL_JOIN_SESSION_KEYRING || first == KEYCTL_SET_REQKEY_KEYRING ||
		       first == KEYCTL_ASSUME_AUTHORITY;
	default:
		return false;
	}
}

void rights_call_begin(long number, long first, struct rights_change *change)
{
	bool changes = call_changes(number, first);

	change->begun = false;
	if (changes || number == SYS_chroot || number == SYS_pivot_root)
		rights_drop();
	if (changes)
		rights_begin(change);
}
