/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/code_object.h"

#include <elf.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <gnu/libc-version.h>
#include <sys/auxv.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/record_locks.h"
#include "base/sys.h"

#include "shim/files/code_scan.h"

#define SECTIONS_READ 32 /* 2 KiB of a small stack at once */
#define SEGMENTS_READ \
	32 /* 1,796 objects of Debian 12 have 6 to 15; one with more is not read again */

/*
 * Objects that are not searched. Hooks stand in for the functions of the first ones. The others wait and
 * wake in threads that compute together: the number is in the register for so long that it cannot be told.
 */
static const char *const passed[] = { "ld-linux",  "libpthread.so", "librt.so",	 "liburing.so",
				      "libaio.so", "libgomp.so",    "libitm.so", "linux-vdso" };

static bool name_is_passed(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (!strncmp(name, passed[i], strlen(passed[i])))
			return true;
	return false;
}

static bool part_has(const struct dl_phdr_info *info, const void *p)
{
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type == PT_LOAD &&
		    (uintptr_t)p - info->dlpi_addr - header->p_vaddr < header->p_memsz)
			return true;
	}
	return false;
}

static void note_read(const ElfW(Nhdr) * note, const char *p, size_t name,
		      struct code_object *object)
{
	if (note->n_namesz != 4)
		return;
	if (!memcmp(p, "Go\0", 4))
		object->go = true;
	if (!memcmp(p, "GNU", 4) && note->n_type == NT_GNU_BUILD_ID && note->n_descsz >= 8)
		object->id = XXH3_64bits(p + name, note->n_descsz) | 1;
}

static void notes_read(const char *p, size_t n, struct code_object *object)
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
			return;
		note_read(&note, p, name, object);
		p += rest;
	}
}

/* The loader gives the program no name. */
static const char *code_path_of(const struct dl_phdr_info *info)
{
	static large_table char path[PATH_MAX];
	ssize_t n;

	if (info->dlpi_name && *info->dlpi_name)
		return info->dlpi_name;
	n = sys_readlinkat(AT_FDCWD, "/proc/self/exe", path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	return path;
}

bool code_object_read(const struct dl_phdr_info *info, struct code_object *object)
{
	*object = (struct code_object){ .base = info->dlpi_addr,
					.segment = info->dlpi_phdr,
					.segments = info->dlpi_phnum };
	/* libc, ourselves, and the kernel's own object */
	if (part_has(info, (const void *)gnu_get_libc_version) || part_has(info, passed) ||
	    part_has(info, (const void *)getauxval(AT_SYSINFO_EHDR)))
		return false;
	object->path = code_path_of(info);
	if (name_is_passed(object->path))
		return false;
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		const char *p = (const char *)(info->dlpi_addr + header->p_vaddr);

		if (header->p_type == PT_NOTE)
			notes_read(p, header->p_memsz, object);
		if (header->p_type == PT_LOAD &&
		    (header->p_flags & (PF_X | PF_R)) == (PF_X | PF_R) &&
		    object->parts < CODE_PARTS)
			object->part[object->parts++] =
				(struct code_part){ (const unsigned char *)p, header->p_filesz };
	}
	return object->parts;
}

/* Whether the file is the one that the loader has mapped: another one may have its name by now. */
static bool header_read(int fd, const struct code_object *object, ElfW(Ehdr) * header)
{
	ElfW(Phdr) segments[SEGMENTS_READ];
	size_t n = object->segments * sizeof(segments[0]);

	return sys_pread(fd, header, sizeof(*header), 0) == sizeof(*header) &&
	       !memcmp(header->e_ident, ELFMAG, SELFMAG) && header->e_phnum == object->segments &&
	       object->segments <= SEGMENTS_READ && header->e_shentsize == sizeof(ElfW(Shdr)) &&
	       header->e_shnum && sys_pread(fd, segments, n, header->e_phoff) == (ssize_t)n &&
	       !memcmp(segments, object->segment, n);
}

static bool section_calls(const ElfW(Shdr) * section, const struct code_object *object,
			  const struct code_part *part)
{
	uintptr_t from = object->base + section->sh_addr - (uintptr_t)part->p;

	if ((section->sh_flags & (SHF_ALLOC | SHF_EXECINSTR)) != (SHF_ALLOC | SHF_EXECINSTR) ||
	    from >= part->n || section->sh_size > part->n - from)
		return false;
	return code_scan(part->p + from, section->sh_size, 0, section->sh_size);
}

static int sections_look(int fd, const ElfW(Ehdr) * header, const struct code_object *object,
			 const struct code_part *part)
{
	ElfW(Shdr) sections[SECTIONS_READ];

	for (unsigned int i = 0; i < header->e_shnum;) {
		unsigned int count = header->e_shnum - i < SECTIONS_READ ? header->e_shnum - i :
									   SECTIONS_READ;
		size_t n = count * sizeof(sections[0]);

		if (sys_pread(fd, sections, n, header->e_shoff + i * sizeof(sections[0])) !=
		    (ssize_t)n)
			return 1;
		for (unsigned int k = 0; k < count; k++)
			if (section_calls(&sections[k], object, part))
				return 1;
		i += count;
	}
	return 0;
}

int code_sections_call(const struct code_object *object, const struct code_part *part)
{
	int fd = sys_openat(AT_FDCWD, object->path, O_RDONLY | O_CLOEXEC, 0);
	ElfW(Ehdr) header;
	int calls = 1;

	if (fd < 0)
		return 1;
	if (header_read(fd, object, &header))
		calls = sections_look(fd, &header, object, part);
	record_locks_close(fd);
	return calls;
}
