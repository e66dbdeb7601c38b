/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/sign.h"

#include "base/stack.h"

uint32_t sign_seen;
bool sign_fresh;

bool sign_note(enum sign sign)
{
	uint32_t bit = 1u << sign;

	if (load_relaxed(&sign_seen) & bit)
		return false;
	store_relaxed(&sign_fresh, true);
	stack_notes(false); /* system calls that set signal stacks are not seen either */
	return !(__atomic_fetch_or(&sign_seen, bit, __ATOMIC_ACQ_REL) & bit);
}

const char *sign_text(enum sign sign)
{
	static const char *const texts[SIGN_COUNT] = {
		[SIGN_RING] = "an io_uring",
		[SIGN_CODE] = "code that makes its own system calls",
		[SIGN_LIBC] = "a libc whose functions cannot be replaced",
		[SIGN_NUMBER] = "a descriptor that was opened or closed unseen",
		[SIGN_POSITION] = "a file position that was moved unseen",
	};

	return texts[sign];
}
