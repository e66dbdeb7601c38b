/* SPDX-License-Identifier: MIT */
/* What an ELF file says of itself, by libelf. */
#ifndef CLI_BINARY_H
#define CLI_BINARY_H

#include <libelf.h>
#include <limits.h>
#include <stdbool.h>

struct binary {
	int fd;
	Elf *elf;
	int class, machine;	    /* ELFCLASS*, EM_* */
	char interpreter[PATH_MAX]; /* its dynamic loader; empty: static, or a library */
	bool go;		    /* carries the build id of the Go linker */
};

/* 0; -ENOEXEC when it is no ELF file or damaged; or -errno. On 0 owes binary_close(). */
int binary_open(struct binary *binary, const char *path);
void binary_close(struct binary *binary);

typedef void binary_name_fn(void *arg, const char *name);

/* Call `fn` for the dynamic symbols it defines, or for those it wants from elsewhere. */
void binary_symbols(const struct binary *binary, bool undefined, binary_name_fn *fn, void *arg);

#endif
