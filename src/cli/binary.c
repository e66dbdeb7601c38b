/* SPDX-License-Identifier: MIT */
#include "cli/binary.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <string.h>
#include <unistd.h>

#include "cli/library.h"

#define NOTE_GO_BUILD_ID 4 /* as Go's linker numbers it */

/* clang-format off */
#define ELF_TABLE(X) \
	X(elf_version) X(elf_begin) X(elf_end) X(elf_kind) X(elf_getphdrnum) X(elf_getdata) \
	X(elf_getdata_rawchunk) X(elf_nextscn) X(elf_strptr) X(gelf_getehdr) X(gelf_getclass) X(gelf_getphdr) \
	X(gelf_getnote) X(gelf_getsym) X(gelf_getshdr)
/* clang-format on */

static struct {
	ELF_TABLE(LIBRARY_POINTER)
} libelf;

static void binary_interpreter_read(struct binary *binary, const GElf_Phdr *phdr)
{
	ssize_t n;

	if (phdr->p_filesz >= sizeof(binary->interpreter))
		return;
	n = pread(binary->fd, binary->interpreter, phdr->p_filesz, (off_t)phdr->p_offset);
	binary->interpreter[n < 0 ? 0 : n] = '\0';
}

static bool notes_say_go(const struct binary *binary, const GElf_Phdr *phdr)
{
	Elf_Data *data = libelf.elf_getdata_rawchunk(binary->elf, (int64_t)phdr->p_offset,
						     phdr->p_filesz, ELF_T_NHDR);
	size_t name, desc, offset = 0;
	GElf_Nhdr note;

	while (data && (offset = libelf.gelf_getnote(data, offset, &note, &name, &desc)))
		if (note.n_type == NOTE_GO_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp((const char *)data->d_buf + name, "Go\0", 4))
			return true;
	return false;
}

static int headers_read(struct binary *binary)
{
	GElf_Ehdr header;
	GElf_Phdr phdr;
	size_t count;

	if (!libelf.gelf_getehdr(binary->elf, &header) ||
	    libelf.elf_getphdrnum(binary->elf, &count))
		return -ENOEXEC;
	binary->class = libelf.gelf_getclass(binary->elf);
	binary->machine = header.e_machine;
	for (size_t i = 0; i < count; i++) {
		if (!libelf.gelf_getphdr(binary->elf, (int)i, &phdr))
			return -ENOEXEC;
		if (phdr.p_type == PT_INTERP)
			binary_interpreter_read(binary, &phdr);
		else if (phdr.p_type == PT_NOTE && notes_say_go(binary, &phdr))
			binary->go = true;
	}
	return 0;
}

bool binary_load(void)
{
	return library_load(BINARY_LIBRARY, ELF_TABLE(LIBRARY_NAME), &libelf);
}

int binary_open(struct binary *binary, const char *path)
{
	int err = -ENOEXEC;

	memset(binary, 0, sizeof(*binary));
	if (!binary_load())
		return -ELIBACC;
	libelf.elf_version(EV_CURRENT);
	binary->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (binary->fd < 0)
		return -errno;
	binary->elf = libelf.elf_begin(binary->fd, ELF_C_READ, NULL);
	if (binary->elf && libelf.elf_kind(binary->elf) == ELF_K_ELF)
		err = headers_read(binary);
	if (err)
		binary_close(binary);
	return err;
}

void binary_close(struct binary *binary)
{
	libelf.elf_end(binary->elf);
	close(binary->fd);
}

static void section_symbols(const struct binary *binary, Elf_Scn *section, const GElf_Shdr *header,
			    bool undefined, binary_name_fn *fn, void *arg)
{
	Elf_Data *data = libelf.elf_getdata(section, NULL);
	GElf_Sym symbol;

	for (int i = 1; data && libelf.gelf_getsym(data, i, &symbol); i++) {
		const char *name = libelf.elf_strptr(binary->elf, header->sh_link, symbol.st_name);

		if (name && *name && (symbol.st_shndx == SHN_UNDEF) == undefined)
			fn(arg, name);
	}
}

void binary_symbols(const struct binary *binary, bool undefined, binary_name_fn *fn, void *arg)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = libelf.elf_nextscn(binary->elf, section)))
		if (libelf.gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM)
			section_symbols(binary, section, &header, undefined, fn, arg);
}
