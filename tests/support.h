/* SPDX-License-Identifier: MIT */
/* What the tests of the engine share: a scratch directory, images, origin files, TAP. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <rawcache/file.h>
#include <rawcache/image.h>

#define TEST_IMAGE_BYTES (12u << 20)
#define TEST_REGION_BYTES (512u << 10)

/* A fresh directory below $TMPDIR or the present one, removed with everything at exit. */
const char *scratch_dir(void);
/* A path inside it; static storage, the last eight stay valid. */
const char *scratch_path(const char *format, ...) __attribute__((format(printf, 1, 2)));
void scratch_remove(void);

/* Format an image with small regions, or end the test. */
void image_make(const char *path, uint64_t bytes);
/* The way of reading ahead that options_for() asks for. */
extern enum rawcache_io test_io;
/* Whether it asks for O_DIRECT. */
extern bool test_direct;
/* Options for that image: the runtime segment in the scratch directory, files settle at once. */
void options_for(struct rawcache_options *options, const char *image);
/* Attach or end the test. */
struct rawcache *attach(const char *image);

/* Write a whole file of the pattern, with a time stamp of long ago. */
void file_write(const char *path, uint32_t number, uint32_t version, uint64_t size);
/* rawcache_file_open() with the path that /proc/self/fd tells. */
int file_open_fd(struct rawcache *cache, int fd, uint64_t *file);
/* open() and rawcache_file_open(), once the file has settled, or end the test */
uint64_t file_open_path(struct rawcache *cache, const char *path, int *fd);
/* Whether the cache gives `n` right bytes of the first version of the file. */
bool file_read_right(struct rawcache *cache, uint64_t file, int fd, uint32_t number, size_t n,
		     uint64_t offset);
/* open(), or end the test */
int open_or_die(const char *path, int flags);

double now_s(void);
/* Nanoseconds that this thread ran, and that it waited for a processor. */
uint64_t thread_scheduled(void);

void tap_ok(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The plan, and the exit status. */
int tap_end(void);
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
