/* SPDX-License-Identifier: MIT */
/* Where a function of the public API puts the text of an error. */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include <stddef.h>

#include "base/compiler.h"

struct message {
	char *text; /* the caller's buffer; NULL: no text is wanted */
	size_t bytes;
};

/* Returns `err`. */
int message_refuse(struct message *message, int err, const char *format, ...) printf_like(3, 4);

#endif
