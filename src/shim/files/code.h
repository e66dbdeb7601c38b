/* SPDX-License-Identifier: MIT */
/*
 * Whether the program has system call instructions of its own (Go with cgo, Rust's rustix, hand-written ones): a
 * sign (sign.h). Looked for once, when the first file is tracked. Go tells in a note; elsewhere the program's code
 * is searched, up to CODE_MAX: a larger one takes longer to search than a start of it should. Libraries are not.
 */
#ifndef SHIM_CODE_H
#define SHIM_CODE_H

#include <stdbool.h>

#include "base/compiler.h"

extern bool code_looked;

void code_look_slow(void);
static inline void code_look(void)
{
	if (unlikely(!load_relaxed(&code_looked)))
		code_look_slow();
}

#endif
