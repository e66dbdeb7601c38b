/* SPDX-License-Identifier: MIT */
#include "shim/files/code_scan.h"

#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/compiler.h"

#if defined(__x86_64__)
#include <emmintrin.h>

#include "shim/files/code_decode.h"
#endif

#define NUMBER_ANY UINT32_MAX /* no system call has this number */

/* Whether the system call neither makes, ends, moves nor uses descriptors of files. */
static bool number_is_harmless(uint32_t number)
{
	/* clang-format off */
	static const uint16_t harmless[] = {
		__NR_brk,	     __NR_clock_getres,	   __NR_clock_gettime,	  __NR_clock_nanosleep,
		__NR_exit,	     __NR_exit_group,	   __NR_futex,		  __NR_getcpu,
		__NR_getegid,	     __NR_geteuid,	   __NR_getgid,		  __NR_getpid,
		__NR_getppid,	     __NR_getrandom,	   __NR_getrlimit,	  __NR_getrusage,
		__NR_gettid,	     __NR_gettimeofday,	   __NR_getuid,		  __NR_kill,
		__NR_madvise,	     __NR_membarrier,	   __NR_mincore,	  __NR_mprotect,
		__NR_nanosleep,	     __NR_prlimit64,	   __NR_rt_sigaction,	  __NR_rt_sigpending,
		__NR_rt_sigprocmask, __NR_rt_sigqueueinfo, __NR_rt_sigreturn,	  __NR_rt_sigtimedwait,
		__NR_rt_tgsigqueueinfo, __NR_sched_getaffinity, __NR_sched_setaffinity, __NR_sched_yield,
		__NR_set_robust_list, __NR_set_tid_address, __NR_sigaltstack,	  __NR_tgkill,
		__NR_times,	     __NR_tkill,	   __NR_uname,		  __NR_wait4,
		__NR_waitid,
#ifdef __NR_arch_prctl
		__NR_arch_prctl,     __NR_time,
#endif
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (harmless[i] == number)
			return true;
	return false;
}

#if defined(__x86_64__)
#define BEFORE_MAX 96 /* number of bytes that are decoded before an instruction, */
/* and number of bytes within which wrong starts join the right instructions */
#define BEFORE_MIN 24

/* Whether `at` is a system call instruction whose number is not known to be harmless. */
static bool at_calls(const unsigned char *start, const unsigned char *at, const unsigned char *end)
{
	size_t room = (size_t)(at - start);
	size_t first = room < BEFORE_MAX ? room : BEFORE_MAX;
	size_t last = room < BEFORE_MIN ? (room < 1 ? 0 : 1) : BEFORE_MIN;
	size_t begun = 0, arrived = 0, harmless = 0;

	if (!decode_goes_on(at + 2, end))
		return false;
	for (size_t i = first; i >= last && i; i--) {
		uint32_t number = NUMBER_ANY;

		begun++;
		if (!decode_walk(at - i, at, &number))
			continue;
		arrived++;
		harmless += number_is_harmless(number);
	}
	return arrived * 2 >= begun && harmless * 2 < arrived + !arrived;
}

bool code_scan(const unsigned char *p, size_t n, size_t from, size_t to)
{
	const __m128i first = _mm_set1_epi8(0x0f), second = _mm_set1_epi8(0x05);
	size_t i = from;

	/* the bytes that the vector loop leaves */
	for (; i + 16 <= to && i + 17 <= n; i += 16) {
		__m128i a = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(p + i)), first);
		__m128i b = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(p + i + 1)), second);
		unsigned int found = (unsigned int)_mm_movemask_epi8(_mm_and_si128(a, b));

		for (; unlikely(found); found &= found - 1)
			if (at_calls(p, p + i + (size_t)__builtin_ctz(found), p + n))
				return true;
	}
	for (; i < to && i + 2 <= n; i++)
		if (p[i] == 0x0f && p[i + 1] == 0x05 && at_calls(p, p + i, p + n))
			return true;
	return false;
}

#else

#define BEFORE_MAX 16 /* in instructions */

/* mov w8 or x8, #number. Other instructions that set the register are not told from the rest. */
static bool at_calls(const unsigned char *start, const unsigned char *at)
{
	for (size_t i = 1; i <= BEFORE_MAX && (size_t)(at - start) >= i * 4; i++) {
		uint32_t instruction;

		memcpy(&instruction, at - i * 4, sizeof(instruction));
		if ((instruction & 0x7fe0001f) == 0x52800008)
			return !number_is_harmless(instruction >> 5 & 0xffff);
		if ((instruction & 0x1f) == 8)
			return true;
	}
	return true;
}

bool code_scan(const unsigned char *p, size_t n, size_t from, size_t to)
{
	for (size_t i = (from + 3) & ~(size_t)3; i < to && i + 4 <= n; i += 4) {
		uint32_t instruction;

		memcpy(&instruction, p + i, sizeof(instruction));
		if (unlikely(instruction == 0xd4000001 /* svc #0 */) && at_calls(p, p + i))
			return true;
	}
	return false;
}
#endif
