/* SPDX-License-Identifier: MIT */
/*
 * vfork(), which returns twice on one stack: a C function around it would have its frame
 * overwritten by the child. So the hook is assembly that keeps nothing on the stack: the
 * caller's return address lies in TLS while libc's vfork runs. Between the two returns this
 * thread is the child's: thread_frame is THREAD_FOREIGN.
 */
#include "shim/libc/symbols.h"

#include "shim/table/process.h"
#include "shim/libc/thread.h"
#include "shim/table/news.h"

#define VFORK_DEPTH 32 /* a vfork child may call vfork() */

static tls_initial void *returns[VFORK_DEPTH];
static tls_initial uintptr_t frames[VFORK_DEPTH]; /* thread_frame before each of them */
static tls_initial unsigned int depth;

struct vfork_result {
	long pid;
	void *to;
};

/* Called by the assembly below, and by nothing else. */
__attribute__((visibility("hidden"), used)) void *vfork_before(void *to);
__attribute__((visibility("hidden"), used)) struct vfork_result vfork_after(long pid);

/* Returns the function to call: beyond a depth that no program reaches, fork does as well. */
void *vfork_before(void *to)
{
	process_share_vfork();
	if (depth < VFORK_DEPTH) {
		returns[depth] = to;
		frames[depth] = thread_frame;
	}
	depth++;
	return (void *)(depth < VFORK_DEPTH ? NEXT(vfork) : fork);
}

struct vfork_result vfork_after(long pid)
{
	struct vfork_result result = { pid, returns[(depth - 1) % VFORK_DEPTH] };

	/* the child leaves the address where the parent will look for it */
	if (pid) {
		depth--;
		news_hear(); /* it has ended, or is another program: what it has done in our memory is done */
	}
	/* a signal handler may call vfork() in the middle of a hook, which continues afterwards */
	store_relaxed(&thread_frame, pid && depth < VFORK_DEPTH ? frames[depth] : THREAD_FOREIGN);
	return result;
}

#if defined(__x86_64__)
__asm__(".text\n"
	".globl vfork\n"
	".type vfork, @function\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	movq (%rsp), %rdi\n"
	"	subq $8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	call vfork_before\n"
	"	addq $16, %rsp\n"
	"	.cfi_adjust_cfa_offset -16\n"
	"	call *%rax\n"
	"	movslq %eax, %rdi\n"
	"	call vfork_after\n"
	"	pushq %rdx\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size vfork, . - vfork\n"
	".globl __vfork\n"
	".type __vfork, @function\n"
	".set __vfork, vfork\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl vfork\n"
	".type vfork, %function\n"
	"vfork:\n"
	"	.cfi_startproc\n"
	"	hint #34\n"
	"	stp x29, x30, [sp, #-16]!\n"
	"	.cfi_adjust_cfa_offset 16\n"
	"	mov x0, x30\n"
	"	bl vfork_before\n"
	"	ldp x29, x30, [sp], #16\n"
	"	.cfi_adjust_cfa_offset -16\n"
	"	blr x0\n"
	"	sxtw x0, w0\n"
	"	bl vfork_after\n"
	"	mov x30, x1\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size vfork, . - vfork\n"
	".globl __vfork\n"
	".type __vfork, %function\n"
	".set __vfork, vfork\n");
#endif
