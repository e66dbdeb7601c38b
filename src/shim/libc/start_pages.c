/* SPDX-License-Identifier: MIT */
/*
 * What each program touches of this object when it starts lies side by side (at_start, first_table), and is mapped by
 * two calls: a page fault takes as long as several of them, ten in a virtual machine without nested page tables. An
 * older kernel refuses the advice, and the pages come by faults.
 */
#include "shim/libc/symbols.h"

#include "shim/libc/start_pages.h"

#include "base/compiler.h"
#include "base/memory.h"

#define START_BYTES 12288u /* of code that is at_start, and a little more */

/*
 * The linker's: the file as it is mapped, where zeroed variables begin, and what stands between code of the start and
 * constants.
 */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
extern char __bss_start[] __attribute__((visibility("hidden")));
extern const char _fini[] __attribute__((visibility("hidden")));

/* Constants end where the table begins by which exceptions find their frames. */
at_start static uintptr_t constants_end(void)
{
	const char *file = (const char *)&__ehdr_start;
	const ElfW(Phdr) *header = (const void *)(file + __ehdr_start.e_phoff);

	for (int i = 0; i < __ehdr_start.e_phnum; i++)
		if (header[i].p_type == PT_GNU_EH_FRAME)
			return (uintptr_t)file + header[i].p_vaddr;
	return 0;
}

at_start void start_pages(void)
{
	uintptr_t code = (uintptr_t)_fini - START_BYTES;
	uintptr_t end = constants_end();

	memory_expect(__bss_start, (size_t)(memory_first - __bss_start) + 1, true);
	if (end > code)
		memory_expect((const void *)code, end - code, false);
}

void start_pages_attach(void)
{
	const char *file = (const char *)&__ehdr_start;

	memory_expect(file, (size_t)(_fini - file), false);
}
