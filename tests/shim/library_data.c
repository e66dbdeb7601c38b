/* SPDX-License-Identifier: MIT */
/*
 * A library with the bytes of the file DATA as its read-only data: see shim_libraries.c. With WRITES its constructor
 * writes to them; with TEXTREL the loader does.
 */
#include <stddef.h>
#include <sys/mman.h>

__asm__(".section .rodata\n"
	".balign 4096\n"
	".globl library_data\n"
	".type library_data, @object\n"
	"library_data: .incbin \"" DATA "\"\n"
	".globl library_end\n"
	"library_end: .balign 4096\n"
	".previous\n");

extern const char library_data[];

int library_code(void)
{
	return library_data[0];
}

/* The loader relocates this, and then nobody may write to it. */
int (*const library_table[])(void) = { library_code, NULL };

#ifdef TEXTREL
__asm__(".section .rodata\n"
	".balign 8\n"
	".globl library_pointer\n"
	"library_pointer: .quad library_code\n"
	".previous\n");
#endif

#ifdef WRITES
__attribute__((constructor)) static void library_write(void)
{
	char *page = (char *)library_data + 4096 * 5;

	mprotect(page, 4096, PROT_READ | PROT_WRITE);
	page[1] ^= 0x55;
	mprotect(page, 4096, PROT_READ);
}
#endif
