/* SPDX-License-Identifier: MIT */
/* A program with a system call of its own. */
#include <fcntl.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	static char buffer[4096];
	int fd = open(argv[argc - 1], O_RDONLY);
	long n = 0;
#if defined(__x86_64__)
	__asm__ volatile("syscall"
			 : "=a"(n)
			 : "0"(0), "D"(fd), "S"(buffer), "d"(sizeof(buffer))
			 : "rcx", "r11", "memory");
#else
	register long x8 __asm__("x8") = 63, x0 __asm__("x0") = fd,
			 x2 __asm__("x2") = sizeof(buffer);
	register void *x1 __asm__("x1") = buffer;
	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
	n = x0;
#endif
	printf("%ld\n", n);
}
