/* SPDX-License-Identifier: MIT */
/*
 * System calls that the preload object cannot know of: what a test program does as somebody else. The instruction
 * lies in memory that is made when the program starts. If it lay in the program, the object would find it there
 * (sign.h), and look at each read of this program, but of no other.
 *
 * To be included before base/sys.h, whose functions make their calls this way then. What a call opens is for such
 * calls only.
 */
#ifndef TESTS_OUTSIDE_H
#define TESTS_OUTSIDE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef long outside_fn(long number, long a, long b, long c, long d, long e, long f);

static outside_fn *outside_call;

#if defined(__x86_64__)
/* The instruction is no whole one here: data may lie in a segment that can be executed. */
static const uint8_t outside_code[] = {
	0x48, 0x89, 0xf8,	      /* mov rax, rdi */
	0x48, 0x89, 0xf7,	      /* mov rdi, rsi */
	0x48, 0x89, 0xd6,	      /* mov rsi, rdx */
	0x48, 0x89, 0xca,	      /* mov rdx, rcx */
	0x4d, 0x89, 0xc2,	      /* mov r10, r8 */
	0x4d, 0x89, 0xc8,	      /* mov r8, r9 */
	0x4c, 0x8b, 0x4c, 0x24, 0x08, /* mov r9, [rsp + 8] */
	0xff, 0x05, 0xc3,	      /* syscall, whose first byte is 0x0f; ret */
};
#define OUTSIDE_HIDDEN 23
#define OUTSIDE_BYTE 0x0f
#elif defined(__aarch64__)
static const uint8_t outside_code[] = {
	0xe8, 0x03, 0x00, 0xaa, /* mov x8, x0 */
	0xe0, 0x03, 0x01, 0xaa, /* mov x0, x1 */
	0xe1, 0x03, 0x02, 0xaa, /* mov x1, x2 */
	0xe2, 0x03, 0x03, 0xaa, /* mov x2, x3 */
	0xe3, 0x03, 0x04, 0xaa, /* mov x3, x4 */
	0xe4, 0x03, 0x05, 0xaa, /* mov x4, x5 */
	0xe5, 0x03, 0x06, 0xaa, /* mov x5, x6 */
	0xff, 0x00, 0x00, 0xd4, /* svc #0, whose first byte is 0x01 */
	0xc0, 0x03, 0x5f, 0xd6, /* ret */
};
#define OUTSIDE_HIDDEN 28
#define OUTSIDE_BYTE 0x01
#endif

__attribute__((constructor)) static void outside_make(void)
{
	const size_t n = sizeof(outside_code);
	uint8_t *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	memcpy(p, outside_code, n);
	p[OUTSIDE_HIDDEN] = OUTSIDE_BYTE;
	__builtin___clear_cache((char *)p, (char *)p + n);
	if (mprotect(p, n, PROT_READ | PROT_EXEC))
		abort();
	memcpy(&outside_call, &p, sizeof(p));
}

#define SYS_CALL(nr, a, b, c, d, e, f) \
	outside_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

#endif
