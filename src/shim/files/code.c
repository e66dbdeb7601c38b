/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/code.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

#include "shim/table/watch.h"

/* 0.2 ms, where its pages are in memory. */
#define CODE_MAX (1u << 20)
#define NUMBER_MAX 0x400u /* numbers of system calls are smaller */
/* How far before the instruction its number is set. */
#define NUMBER_BYTES 64
#define ZERO_BYTES 16

bool code_looked;

#if defined(__x86_64__)
/* mov $number, %eax, or of 0 xor %eax, %eax: the two bytes of the instruction alone are found in any data. */
static bool number_is_set(const unsigned char *start, const unsigned char *at)
{
	for (const unsigned char *p = at - 2; p >= start && p >= at - NUMBER_BYTES; p--) {
		uint32_t number;

		if (p <= at - 5 && *p == 0xb8) {
			memcpy(&number, p + 1, sizeof(number));
			if (number < NUMBER_MAX)
				return true;
		}
		if (p >= at - ZERO_BYTES && p[0] == 0x31 && p[1] == 0xc0)
			return true;
	}
	return false;
}

static bool code_calls(const unsigned char *start, size_t n)
{
	const unsigned char *end = start + n;
	const unsigned char *at = start;

	while ((at = memmem(at, (size_t)(end - at), "\x0f\x05", 2))) {
		if (number_is_set(start, at))
			return true;
		at++;
	}
	return false;
}
#else
static bool code_calls(const unsigned char *start, size_t n)
{
	for (size_t i = 0; i + 4 <= n; i += 4) {
		uint32_t instruction;

		memcpy(&instruction, start + i, sizeof(instruction));
		if (instruction == 0xd4000001 /* svc #0 */)
			return true;
	}
	return false;
}
#endif

/* A note of Go's linker. */
static bool notes_go(const char *p, size_t n)
{
	const char *end = p + n;
	ElfW(Nhdr) note;

	while ((size_t)(end - p) >= sizeof(note)) {
		size_t name, rest;

		memcpy(&note, p, sizeof(note));
		p += sizeof(note);
		name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
		rest = name + (((size_t)note.n_descsz + 3) & ~(size_t)3);
		if (rest > (size_t)(end - p))
			return false;
		if (note.n_namesz == 4 && !memcmp(p, "Go\0", 4))
			return true;
		p += rest;
	}
	return false;
}

static bool program_calls(const ElfW(Phdr) *headers, size_t count)
{
	size_t code = 0;
	uintptr_t base = 0;

	for (size_t i = 0; i < count; i++) {
		if (headers[i].p_type == PT_PHDR)
			base = (uintptr_t)headers - headers[i].p_vaddr;
		if (headers[i].p_type == PT_LOAD && headers[i].p_flags & PF_X)
			code += headers[i].p_memsz;
	}
	for (size_t i = 0; i < count; i++) {
		const char *p = (const char *)(base + headers[i].p_vaddr);

		if (headers[i].p_type == PT_NOTE && notes_go(p, headers[i].p_memsz))
			return true;
		if (headers[i].p_type == PT_LOAD && headers[i].p_flags & PF_X && headers[i].p_flags & PF_R &&
		    code <= CODE_MAX && code_calls((const unsigned char *)p, headers[i].p_filesz))
			return true;
	}
	return false;
}

void code_look_slow(void)
{
	const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);

	if (__atomic_exchange_n(&code_looked, true, __ATOMIC_RELAXED))
		return;
	if (headers && program_calls(headers, getauxval(AT_PHNUM)))
		past_begin(SIGN_CODE);
}
