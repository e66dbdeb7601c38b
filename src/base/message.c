/* SPDX-License-Identifier: MIT */
#include "base/message.h"

#include <stdarg.h>
#include <stdio.h>

int message_refuse(struct message *message, int err, const char *format, ...)
{
	va_list ap;

	if (message->text) {
		va_start(ap, format);
		vsnprintf(message->text, message->bytes, format, ap);
		va_end(ap);
	}
	return err;
}
