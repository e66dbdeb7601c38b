/* SPDX-License-Identifier: MIT */
#include <rawcache/rawcache.h>

const char *rawcache_version(void)
{
	return PACKAGE_VERSION;
}
