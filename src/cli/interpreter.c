/* SPDX-License-Identifier: MIT */
#include "cli/interpreter.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_HERE ELFDATA2LSB
#else
#define BYTE_ORDER_HERE ELFDATA2MSB
#endif

/* What the two classes of files have in common. */
struct headers {
	unsigned char class;
	uint64_t offset, size, count;
};

struct segment {
	uint32_t type;
	uint64_t offset, bytes;
};

static int interpreter_headers_read(int fd, struct headers *headers)
{
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr small;
		Elf64_Ehdr large;
	} h;
	ssize_t n = pread(fd, &h, sizeof(h), 0);

	if (n < (ssize_t)sizeof(h.small) || memcmp(h.ident, ELFMAG, SELFMAG) ||
	    h.ident[EI_DATA] != BYTE_ORDER_HERE)
		return -ENOEXEC;
	headers->class = h.ident[EI_CLASS];
	if (headers->class == ELFCLASS32) {
		headers->offset = h.small.e_phoff;
		headers->size = h.small.e_phentsize;
		headers->count = h.small.e_phnum;
		return headers->size == sizeof(Elf32_Phdr) || !headers->count ? 0 : -ENOEXEC;
	}
	if (headers->class != ELFCLASS64 || n < (ssize_t)sizeof(h.large))
		return -ENOEXEC;
	headers->offset = h.large.e_phoff;
	headers->size = h.large.e_phentsize;
	headers->count = h.large.e_phnum;
	return headers->size == sizeof(Elf64_Phdr) || !headers->count ? 0 : -ENOEXEC;
}

static bool interpreter_segment_read(int fd, const struct headers *headers, uint64_t i,
				     struct segment *segment)
{
	union {
		Elf32_Phdr small;
		Elf64_Phdr large;
	} p;

	if (pread(fd, &p, headers->size, (off_t)(headers->offset + i * headers->size)) !=
	    (ssize_t)headers->size)
		return false;
	if (headers->class == ELFCLASS32)
		*segment = (struct segment){ p.small.p_type, p.small.p_offset, p.small.p_filesz };
	else
		*segment = (struct segment){ p.large.p_type, p.large.p_offset, p.large.p_filesz };
	return true;
}

static int interpreter_read(int fd, char interpreter[PATH_MAX])
{
	struct headers headers;
	struct segment segment;
	int err = interpreter_headers_read(fd, &headers);

	for (uint64_t i = 0; !err && i < headers.count; i++) {
		ssize_t n;

		if (!interpreter_segment_read(fd, &headers, i, &segment))
			return -ENOEXEC;
		if (segment.type != PT_INTERP || segment.bytes >= PATH_MAX)
			continue;
		n = pread(fd, interpreter, segment.bytes, (off_t)segment.offset);
		interpreter[n < 0 ? 0 : n] = '\0';
		break; /* the kernel takes the first one, too */
	}
	return err;
}

int interpreter_find(const char *path, char interpreter[PATH_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err;

	interpreter[0] = '\0';
	if (fd < 0)
		return -errno;
	err = interpreter_read(fd, interpreter);
	close(fd);
	return err;
}

bool interpreter_is_musl(const char *interpreter)
{
	const char *slash = strrchr(interpreter, '/');

	return slash && !strncmp(slash + 1, "ld-musl-", 8);
}
