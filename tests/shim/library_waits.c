/* SPDX-License-Identifier: MIT */
/* The same as library_linked.c, but the first look at libraries is later: after a line of input. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
extern const char library_data[];
static char data[3000017];
int main(int argc, char **argv)
{
	int fd = open(argv[1], O_RDONLY);
	int had = read(fd, data, sizeof(data)) == sizeof(data);

	puts("begun");
	fflush(stdout);
	getchar();
	fd = open(argv[2], O_RDONLY);
	printf("%d\n", had && fd >= 0 && !memcmp(data, library_data, sizeof(data)));
	return 0;
}
