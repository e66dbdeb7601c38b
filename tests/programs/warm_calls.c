/* SPDX-License-Identifier: MIT */
/*
 * Reads a file by pread() and by read(): warm_calls FILE READS. It has a system call instruction of its own, whose
 * number nobody can tell from the code: here it is getppid().
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BLOCK 4096

static volatile long number = SYS_getppid;

static long call_itself(void)
{
#if defined(__x86_64__)
	long n;

	__asm__ volatile("syscall" : "=a"(n) : "0"(number) : "rcx", "r11", "memory");
	return n;
#else
	register long x8 __asm__("x8") = number, x0 __asm__("x0");

	__asm__ volatile("svc #0" : "=r"(x0) : "r"(x8) : "memory");
	return x0;
#endif
}

int main(int argc, char **argv)
{
	static unsigned char block[BLOCK];
	long reads = argc == 3 ? atol(argv[2]) : 0;
	int fd = reads ? open(argv[1], O_RDONLY) : -1;
	long sum = 0;

	if (fd < 0 || call_itself() != getppid())
		return 1;
	for (long i = 0; i < reads; i++)
		sum += pread(fd, block, BLOCK, i * 7 % 1024 * BLOCK) + block[i % BLOCK];
	for (long i = 0; i < reads; i++)
		sum += read(fd, block, BLOCK) + block[i % BLOCK];
	printf("%ld\n", sum);
	return 0;
}
