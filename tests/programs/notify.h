/* SPDX-License-Identifier: MIT */
/* What notify.c, its table of files and its answers share. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#define SLOTS 65536u

/* A file's bytes at one state of its attributes. */
struct kept {
	struct stat key; /* of the origin, before its bytes were read and after */
	int origin;	 /* O_PATH: its attributes are asked here */
	int memory;	 /* sealed */
	ino_t inode;	 /* of `memory` */
};

extern struct kept kept[SLOTS];	     /* filled, never emptied; inode 0: free */
extern unsigned int by_inode[SLOTS]; /* number in kept[], plus 1 */
extern unsigned int kept_count;
extern long kept_bytes;
extern dev_t memory_device;
extern pthread_mutex_t lock;
extern const char *dir;
extern size_t dir_length;
extern int listener;
extern bool pass;
extern unsigned long answered;

/* notify_files.c */
struct kept *kept_by_inode(ino_t inode);
/* The bytes of an O_PATH descriptor; NULL: the program reads them itself. */
struct kept *kept_get(int origin, const char *path);

/* notify_answers.c */
void *calls_answer(void *unused);

#endif
