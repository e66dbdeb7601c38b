/* SPDX-License-Identifier: MIT */
/* Mappings of a cached file: what shim_map.c and its parts share. */
#ifndef SHIM_MAP_H
#define SHIM_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

extern char *want;
extern size_t size;

/* shim_map.c */
void ok(bool good, const char *what);
char *map(int fd, size_t n, int prot, int flags, off_t at);
bool raises_bus(const volatile char *p);
bool in_image(const char *p);

/* shim_map_remap.c */
void semantics(int fd, int copy);
/* What a mapping grows by is the file's, through whatever number it was mapped. */
void turning(const char *file, int copy);

/* shim_map_children.c */
/* Each child keeps what it inherited when its parent does not have it any more. */
void children(int fd, const char *go_round);
/* What is mapped when all is dropped is held, though nothing in it may be found any more. */
void dropped(int fd, const char *drop);

#endif
