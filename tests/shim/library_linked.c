/* SPDX-License-Identifier: MIT */
/* Linked with a library of library_data.c: whether its data are the file's; argv: the file, and one that is tracked. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
extern const char library_data[];
int main(int argc, char **argv)
{
	static char data[3000017];
	int fd = open(argv[1], O_RDONLY);
	int text = open(argv[2], O_RDONLY);

	return read(fd, data, sizeof(data)) != sizeof(data) ||
	       memcmp(data, library_data, sizeof(data)) || text < 0;
}
