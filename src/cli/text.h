/* SPDX-License-Identifier: MIT */
/* Numbers and names as people read them. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define TEXT_LENGTH 24 /* room for any number below */

/* All write into `buf` of TEXT_LENGTH bytes and return it. */
char *text_bytes(uint64_t bytes, char *buf);		   /* 1.5G */
char *text_count(uint64_t count, char *buf);		   /* 1.5M, powers of 1000 */
char *text_duration(uint64_t ns, char *buf);		   /* 1.5us */
char *text_ratio(uint64_t part, uint64_t rest, char *buf); /* 99.5%, or - when there is nothing */
char *text_time(uint64_t seconds, char *buf);		   /* 2024-05-01 12:00:00 */

/* The length of the UTF-8 character at `s`; 0 when there is none. */
size_t text_character(const char *s);

/*
 * Take the user's locale for characters, not for numbers, which programs read. Most that is printed is ASCII, and
 * `run` prints nothing: its tables are read when they are needed.
 */
void text_locale(void);

/*
 * Names of files may hold anything: a line that has one in it keeps the characters of the locale
 * that can be printed, and for the rest, newlines among them, has ? in their places.
 */
void text_clean(char *text);

#endif
