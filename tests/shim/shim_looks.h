/* SPDX-License-Identifier: MIT */
/* Files that others change while they are open: what the cases of shim_looks.c share. */
#ifndef SHIM_LOOKS_H
#define SHIM_LOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SIZE (4u << 20)
#define BLOCK 4096u

extern const char *path, *backing;
extern char buf[SIZE + BLOCK];

/* shim_looks.c */
int fail(const char *what);
void change_size(off_t size);
void change_range(char letter, off_t from, size_t n);
void change(char letter);
/* Longer than a tick of the kernel's coarse clock. */
void tick(void);
int file_open(int flags);
/* A descriptor whose first chunk is cached, and in memory. */
int file_warm(void);
bool all(size_t n, char letter);
bool has(int fd, char letter);

/* shim_looks_told.c */
int told(void);
/* The end of the file moves. */
int told_end(void);
/* Reads that pass to the kernel tell as well: by a descriptor for appending. */
int told_writer(void);

/* shim_looks_mixed.c */
int mixed(void);
int mixed_plain(void);
/* Parts of a chunk are cached, others are not. */
int mixed_parts(void);
int mixed_cut(void);
/* After the kernel has forgotten the attributes. */
int later(void);

/* shim_looks_news.c */
int news_inotify(void);
/* The same by its number. */
int news_number(void);
int news_directory(void);
int news_lease(void);
int news_mapped(void);

/* Cached reads by two descriptors, a change, and reads when @hears has returned; 8 times. */
int news_rounds(int before, bool (*hears)(int channel, char letter), int channel);

/* Locks, names, connections: shim_looks_names.c */
int heard_flock(void);
int heard_record_lock(void);
int heard_lockf(void);
int heard_new_file(void);
int heard_mkdir(void);
int heard_access(void);
int heard_absent(void);
int heard_open(void);
int heard_eventfd(void);
int heard_wide(void);
int heard_wide_character(void);
int heard_accept(void);
int heard_connect(void);

/* What others tell: shim_looks_heard.c */
int heard_wait(void);
int heard_pipe(void);
int heard_count(void);
int heard_vector(void);
int heard_recv(void);
int heard_message(void);
int heard_line(void);
int heard_byte(void);
int heard_byte_alone(void);
int heard_scan(void);
int heard_record(void);
int heard_long_line(void);
int heard_command(void);
int heard_vfork(void);
int heard_signal(void);

#endif
