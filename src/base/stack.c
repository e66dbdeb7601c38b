/* SPDX-License-Identifier: MIT */
#include "base/stack.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/auxv.h>

#include "base/compiler.h"
#include "base/lines.h"
#include "base/memory.h"
#include "base/proctable.h"

#define STACK_GUARD 4096u /* a page: what grows beyond the stack faults */
/* The most that a fill needs, and 5 KiB for each signal that the kernel delivers meanwhile (AVX-512). */
#define STACK_ROOM 16384u
#define NOTED 2 /* a handler on one stack may have set another */

#ifdef __SANITIZE_THREAD__
#define STACK_BYTES (2u << 20) /* the sanitizer needs a megabyte of it */
#else
#define STACK_BYTES (256u << 10) /* sixteen times STACK_ROOM */
#endif

/*
 * void stack_switch(void (*fn)(void *), void *arg, void *top): the frame pointer leads an unwinder
 * back.
 */
void stack_switch(void (*fn)(void *arg), void *arg, void *top);

#if defined(__x86_64__)
__asm__(".text\n"
	".hidden stack_switch\n"
	".type stack_switch, @function\n"
	"stack_switch:\n"
	"	.cfi_startproc\n"
	"	push %rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbp, -16\n"
	"	mov %rsp, %rbp\n"
	"	.cfi_def_cfa_register %rbp\n"
	"	mov %rdx, %rsp\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	call *%rax\n"
	"	mov %rbp, %rsp\n"
	"	pop %rbp\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.size stack_switch, . - stack_switch\n");
#else
__asm__(".text\n"
	".hidden stack_switch\n"
	".type stack_switch, %function\n"
	"stack_switch:\n"
	"	.cfi_startproc\n"
	"	stp x29, x30, [sp, #-16]!\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset x29, -16\n"
	"	.cfi_offset x30, -8\n"
	"	mov x29, sp\n"
	"	.cfi_def_cfa_register x29\n"
	"	mov sp, x2\n"
	"	mov x9, x0\n"
	"	mov x0, x1\n"
	"	blr x9\n"
	"	mov sp, x29\n"
	"	ldp x29, x30, [sp], #16\n"
	"	.cfi_def_cfa sp, 0\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.size stack_switch, . - stack_switch\n");
#endif

struct work {
	void (*fn)(void *arg);
	void *arg;
};

/*
 * Runs on the new stack. The kernel would now consider the program's alternate stack unused, and a fault
 * that we handle would overwrite its contents.
 */
static void work_run(void *arg)
{
	const stack_t none = { .ss_flags = SS_DISABLE };
	const struct work *work = arg;
	stack_t before;
	bool hidden = !SYS_CALL(__NR_sigaltstack, &none, &before, 0, 0, 0, 0);

	work->fn(work->arg);
	if (hidden && !(before.ss_flags & SS_DISABLE))
		SYS_CALL(__NR_sigaltstack, &before, NULL, 0, 0, 0, 0);
}

int stack_call(void (*fn)(void *arg), void *arg)
{
	struct work work = { .fn = fn, .arg = arg };
	char *base = sys_mmap(NULL, STACK_GUARD + STACK_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (sys_is_error(base))
		return -ENOMEM;
	SYS_CALL(__NR_mprotect, base, STACK_GUARD, PROT_NONE, 0, 0, 0);
	memory_expect(base + STACK_GUARD + STACK_BYTES - STACK_ROOM, STACK_ROOM, true);
	stack_switch(work_run, &work, base + STACK_GUARD + STACK_BYTES);
	sys_munmap(base, STACK_GUARD + STACK_BYTES);
	return 0;
}

/* The last stacks that were set: a handler on one of them may have set another. */
static tls_initial struct {
	uintptr_t base;
	size_t size;
} noted[NOTED];
static tls_initial bool forgotten; /* more were set than fit */
static bool noted_all;

at_start void stack_notes(bool all)
{
	store_relaxed(&noted_all, all);
}

void stack_note(const stack_t *stack)
{
	if (stack->ss_flags & SS_DISABLE)
		return;
	if (noted[0].base != (uintptr_t)stack->ss_sp) {
		forgotten |= noted[1].size != 0;
		noted[1] = noted[0];
	}
	noted[0].base = (uintptr_t)stack->ss_sp;
	noted[0].size = stack->ss_size;
}

/* The number of bytes below `at` on the alternate stack; 0: `at` does not lie on it. */
static size_t alternate_room(uintptr_t at)
{
	stack_t stack;

	for (int i = 0; i < NOTED; i++)
		if (at - noted[i].base < noted[i].size)
			return at - noted[i].base;
	/* this runs at each open: the kernel is asked only where a stack may not have been noted */
	if (likely(load_relaxed(&noted_all) && !forgotten))
		return 0;
	if (!SYS_CALL(__NR_sigaltstack, NULL, &stack, 0, 0, 0, 0) && stack.ss_flags & SS_ONSTACK)
		return at - (uintptr_t)stack.ss_sp;
	return 0;
}

bool stack_is_small(void)
{
	size_t room = alternate_room((uintptr_t)__builtin_frame_address(0));

	return room && room < STACK_ROOM;
}

/* The kernel's data lie above the stack of the first thread, glibc's descriptor above that of any other. */
bool stack_is_own(void)
{
	uintptr_t at = (uintptr_t)__builtin_frame_address(0);

	if (getauxval(AT_RANDOM) - at > STACK_SAME && (uintptr_t)pthread_self() - at > STACK_SAME)
		return false;
	return !alternate_room(at);
}

#define MAPS_BYTES 1024u /* of lines at once: there may be little room */

struct stack_search {
	uintptr_t low, high;
	bool together;
};

/* Both ends in one mapping: there is a guard below a thread's stack. */
static bool stack_line(void *arg, char *line)
{
	struct stack_search *search = arg;
	struct vma vma;

	if (!vma_parse(line, &vma) || search->low < vma.start || search->low >= vma.end)
		return false;
	search->together = search->high < vma.end;
	return true;
}

bool never_inline stack_is_certain(void)
{
	struct stack_search search = { .low = (uintptr_t)__builtin_frame_address(0),
				       .high = (uintptr_t)pthread_self() };
	char buf[MAPS_BYTES];

	if (!stack_is_own())
		return false;
	if (getauxval(AT_RANDOM) - search.low <= STACK_SAME)
		return true;
	/* the first thread's descriptor does not lie above its stack */
	if (SYS_CALL(__NR_gettid, 0, 0, 0, 0, 0, 0) == sys_getpid())
		return false;
	lines_read("/proc/self/maps", buf, sizeof(buf), stack_line, &search);
	return search.together;
}
