/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/loaded_find.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/checked.h"
#include "base/paths.h"
#include "base/sys.h"

#include "shim/table/attach.h"

#define PAGE 4096u /* of both machines */
/* Less is not worth the request that it takes to open the file. */
#define DATA_MIN ((size_t)1 << 20)

/* Code that the loader has changed where it lies: so it may be with data beside it. */
static bool is_changed(const struct dl_phdr_info *info, const ElfW(Phdr) * header)
{
	const ElfW(Dyn) *entry = (const void *)(info->dlpi_addr + header->p_vaddr);
	const ElfW(Dyn) *end = entry + header->p_memsz / sizeof(*entry);

	for (; entry < end && entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_TEXTREL ||
		    (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL))
			return true;
	return false;
}

/*
 * In whole pages, as the loader has mapped it. The first page of the file stays, by which others find in
 * /proc/self/maps, and in a core file, what is mapped there.
 */
static struct library_segment segment_of(const struct dl_phdr_info *info, const ElfW(Phdr) * header)
{
	uintptr_t start = round_down(info->dlpi_addr + header->p_vaddr, PAGE);
	uintptr_t end = round_up(info->dlpi_addr + header->p_vaddr + header->p_filesz, PAGE);
	struct library_segment segment = { start, end - start, round_down(header->p_offset, PAGE) };

	if (!segment.offset && segment.n > PAGE)
		segment = (struct library_segment){ start + PAGE, segment.n - PAGE, PAGE };
	return segment;
}

static bool is_data(const ElfW(Phdr) * header)
{
	return header->p_type == PT_LOAD && header->p_flags == PF_R &&
	       header->p_filesz == header->p_memsz && header->p_filesz >= DATA_MIN;
}

static bool segments_find(const struct dl_phdr_info *info, struct library *candidate)
{
	candidate->segments = 0;
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type == PT_DYNAMIC && is_changed(info, header))
			return false;
		if (is_data(header) && candidate->segments < SEGMENTS)
			candidate->segment[candidate->segments++] = segment_of(info, header);
	}
	return candidate->segments;
}

/* The program has no name. */
static bool loaded_name_copy(const struct dl_phdr_info *info, char *name)
{
	ssize_t n;

	if (info->dlpi_name && *info->dlpi_name) {
		n = (ssize_t)strnlen(info->dlpi_name, PATH_MAX);
		if (n < PATH_MAX)
			memcpy(name, info->dlpi_name, (size_t)n + 1);
		return n < PATH_MAX;
	}
	n = sys_readlinkat(AT_FDCWD, "/proc/self/exe", name, PATH_MAX - 1);
	name[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

at_start bool loaded_inside(const char *path)
{
	return *path == '/' && paths_match(attach_config.paths, path) == PATH_INSIDE;
}

bool candidate_is(const struct dl_phdr_info *info, struct library *candidate)
{
	candidate->base = info->dlpi_addr;
	candidate->headers = info->dlpi_phdr;
	return segments_find(info, candidate) && loaded_name_copy(info, candidate->name->path) &&
	       loaded_inside(candidate->name->path);
}
