/* SPDX-License-Identifier: MIT */
/* Ways to write to what is open for reading and writing: what shim_update.c and shim_update_others.c share. */
#ifndef SHIM_UPDATE_H
#define SHIM_UPDATE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SIZE (1u << 20)
#define BLOCK 4096u
#define ROOM (SIZE + 2 * BLOCK)

extern const char *path;
extern char buf[ROOM], want[ROOM];
/* of raw_calls.c */
extern ssize_t (*raw_pread)(int fd, void *buf, size_t n, uint64_t at);
extern ssize_t (*raw_pwrite)(int fd, const void *buf, size_t n, uint64_t at);
extern int (*raw_open)(const char *path, int flags);
extern ssize_t (*raw_recvmsg)(int fd, void *message, int flags);
extern char *const no_shim[];

/* shim_update.c */
int fail(const char *what);
void wait_for(pid_t pid);

/* shim_update_others.c */
void way_fork(int fd);
void way_spawn(int fd);
void way_vfork(int fd);
void way_system(int fd);
/* Another process gets it, and writes. */
void way_message(int fd);
/* This process gets one from elsewhere, and writes. */
void way_received(int fd);

#endif
