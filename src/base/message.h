/* SPDX-License-Identifier: MIT */
/* Where a function of the public API says what was wrong, in words. */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include <stddef.h>

#include "base/compiler.h"

struct message {
	char *text; /* the caller's; NULL: nobody wants to know */
	size_t bytes;
};

/* Returns `err`. */
int message_refuse(struct message *message, int err, const char *format, ...) printf_like(3, 4);

#endif
