/* SPDX-License-Identifier: MIT */
/* What a request asks for, from a file that helpers have open. */
#ifndef CORE_KEPT_READ_H
#define CORE_KEPT_READ_H

#include <stdint.h>

#include "core/origin/io.h"
#include "core/origin/origin_fds.h"

/* Into `buf`: as many bytes as there are, or -errno. */
int32_t kept_read(const struct kept *kept, const struct io_request *request, char *buf);

#endif
