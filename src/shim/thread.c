/* SPDX-License-Identifier: MIT */
#include "shim/thread.h"

tls_initial uintptr_t thread_frame;
