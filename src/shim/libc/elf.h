/* SPDX-License-Identifier: MIT */
/* Symbols without the loader's functions, some of which are hooks here. */
#ifndef SHIM_ELF_H
#define SHIM_ELF_H

/* What the objects that were loaded after us have under this name, in their order; NULL: nothing. */
void *elf_next(const char *name);

/* The hook of this name, or NULL. */
void *elf_own(const char *name);

#endif
