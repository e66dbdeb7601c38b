/* SPDX-License-Identifier: MIT */
/*
 * What calls cost a program that no preload object reaches, by each way of reaching it: bench_static FILE [rewrite]
 *
 * Without `rewrite` its calls are as they are: run it alone, and below tests/programs/notify with and without --pass.
 * With it the instruction that makes them is overwritten by a jump, as libsyscall_intercept does: the registers are
 * kept, stack and thread pointer are others meanwhile (a static program has its own use for both), and reads are copies
 * from memory; all else is passed on. x86-64 only. docs/notes/static.md has the answers.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 7
#define BLOCK 4096u

#if defined(__x86_64__)
long site(long number, long a, long b, long c, long d);
extern unsigned char site_instruction[], site_after[];
void trampoline(void);

/* As Go's Syscall6: the instruction, and a comparison behind it that can be moved. */
__asm__(".text\n"
	".globl site\n"
	"site:\n"
	"	mov %rdi, %rax\n"
	"	mov %rsi, %rdi\n"
	"	mov %rdx, %rsi\n"
	"	mov %rcx, %rdx\n"
	"	mov %r8, %r10\n"
	".globl site_instruction\n"
	"site_instruction:\n"
	"	syscall\n"
	"	cmp $0xfffffffffffff001, %rax\n"
	".globl site_after\n"
	"site_after:\n"
	"	ret\n"
	/* where the jump leads: all registers but those that the instruction changes are as they were afterwards */
	".globl trampoline\n"
	"trampoline:\n"
	"	mov %rsp, %r11\n"
	"	mov our_stack(%rip), %rsp\n"
	"	push %r11\n"
	"	push %rbx\n	push %rbp\n	push %rdi\n	push %rsi\n"
	"	push %rdx\n	push %r8\n	push %r9\n	push %r10\n"
	"	rdfsbase %rbx\n"
	"	mov our_thread(%rip), %rcx\n"
	"	wrfsbase %rcx\n"
	"	mov %rsp, %rbp\n"
	"	sub $576, %rsp\n"
	"	and $-64, %rsp\n"
	"	fxsave (%rsp)\n"
	"	mov %rdx, %rcx\n	mov %rsi, %rdx\n	mov %rdi, %rsi\n"
	"	mov %rax, %rdi\n	mov %r10, %r8\n"
	"	call handler\n"
	"	fxrstor (%rsp)\n"
	"	mov %rbp, %rsp\n"
	"	wrfsbase %rbx\n"
	"	pop %r10\n	pop %r9\n	pop %r8\n	pop %rdx\n"
	"	pop %rsi\n	pop %rdi\n	pop %rbp\n	pop %rbx\n"
	"	pop %rsp\n"
	"	cmp $0xfffffffffffff001, %rax\n"
	"	lea site_after(%rip), %rcx\n"
	"	jmp *%rcx\n");

char *our_stack;
uintptr_t our_thread;
static char memory[BLOCK];

long handler(long number, long a, long b, long c, long d);
__attribute__((used)) long handler(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long ret;

	if (number == SYS_pread64 && c == BLOCK) {
		memcpy((void *)b, memory, BLOCK);
		return BLOCK;
	}
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return ret;
}

static bool rewrite(void)
{
	uintptr_t page = (uintptr_t)site_instruction & -(uintptr_t)4096;
	int32_t distance = (int32_t)((unsigned char *)trampoline - (site_instruction + 5));
	char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED || !(getauxval(AT_HWCAP2) & 2) /* rdfsbase, wrfsbase */ ||
	    mprotect((void *)page, 8192, PROT_READ | PROT_WRITE | PROT_EXEC))
		return false;
	our_stack = stack + 65536;
	__asm__ volatile("rdfsbase %0" : "=r"(our_thread));
	site_instruction[0] = 0xe9;
	memcpy(site_instruction + 1, &distance, 4);
	memset(site_instruction + 5, 0x90, (size_t)(site_after - site_instruction) - 5);
	return !mprotect((void *)page, 8192, PROT_READ | PROT_EXEC);
}
#else
static long site(long number, long a, long b, long c, long d)
{
	return syscall(number, a, b, c, d);
}

static bool rewrite(void)
{
	return false;
}
#endif

static char block[BLOCK];
static struct stat st;
static const char *name;
static int fd;

static void do_open(void)
{
	site(SYS_close, site(SYS_openat, AT_FDCWD, (long)name, O_RDONLY, 0), 0, 0, 0);
}

static void do_stat(void)
{
	site(SYS_fstat, fd, (long)&st, 0, 0);
}

static void do_read(void)
{
	site(SYS_pread64, fd, (long)block, BLOCK, 0);
}

/* The best of some rounds. */
static void measure(const char *what, void (*call)(void), unsigned int count)
{
	double best = 1e18;

	for (int round = 0; round < ROUNDS; round++) {
		struct timespec a, b;
		double ns;

		clock_gettime(CLOCK_MONOTONIC, &a);
		for (unsigned int i = 0; i < count; i++)
			call();
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) /
		     count;
		best = ns < best ? ns : best;
	}
	printf("%-16s %8.0f ns\n", what, best);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 1;
	name = argv[1];
	if (argc > 2 && !rewrite()) {
		fputs("bench_static: this machine cannot rewrite\n", stderr);
		return 77;
	}
	fd = (int)site(SYS_openat, AT_FDCWD, (long)name, O_RDONLY, 0);
	measure("open and close", do_open, 2000);
	measure("fstat", do_stat, 2000);
	measure("pread of 4 KiB", do_read, 200000);
	return 0;
}
