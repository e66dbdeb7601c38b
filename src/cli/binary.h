/* SPDX-License-Identifier: MIT */
/* What an ELF file says of itself, by libelf, which is loaded at the first use: see library.h. */
#ifndef CLI_BINARY_H
#define CLI_BINARY_H

#include <libelf.h>
#include <limits.h>
#include <stdbool.h>

#define BINARY_LIBRARY "libelf.so.1"

struct binary {
	int fd;
	Elf *elf;
	int class, machine;	    /* ELFCLASS*, EM_* */
	char interpreter[PATH_MAX]; /* its dynamic loader; empty: static, or a library */
	bool go;		    /* carries the build id of the Go linker */
};

/* False: there is no libelf. */
bool binary_load(void);

/* 0; -ELIBACC: there is no libelf; -ENOEXEC when it is no ELF file or damaged; or -errno. On 0 owes binary_close(). */
int binary_open(struct binary *binary, const char *path);
void binary_close(struct binary *binary);

typedef void binary_name_fn(void *arg, const char *name);

/* Call `fn` for the dynamic symbols it defines, or for those it wants from elsewhere. */
void binary_symbols(const struct binary *binary, bool undefined, binary_name_fn *fn, void *arg);

#endif
