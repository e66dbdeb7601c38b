/* SPDX-License-Identifier: MIT */
/* A program that loads plugins with RTLD_DEEPBIND, and calls a function without a hook. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <mqueue.h>
int main(void)
{
	dlopen("libnone.so", RTLD_NOW | RTLD_DEEPBIND);
	return mq_open("/none", 0) < 0;
}
