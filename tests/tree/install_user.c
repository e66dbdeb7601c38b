/* SPDX-License-Identifier: MIT */
/* A program of a user of the library. */
#include <stdio.h>
#include <rawcache/image.h>
int main(int argc, char **argv)
{
	struct rawcache_image_info info;
	char why[200] = "";

	if (argc < 2 || rawcache_image_info(argv[1], &info, sizeof(info), why, sizeof(why)))
		return printf("%s\n", why), 1;
	printf("%llu\n", (unsigned long long)info.size);
	return 0;
}
