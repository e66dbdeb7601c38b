/* SPDX-License-Identifier: MIT */
/* What is appended to a file of 300 lines while a stream is at its end: stdio_grow FILE */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	FILE *f = fopen(argv[1], "r");
	FILE *w = fopen(argv[1], "a");
	char line[200];
	int lines = 0;
	while (fgets(line, sizeof(line), f))
		lines++;
	fputs("one more\n", w);
	fflush(w);
	if (fgets(line, sizeof(line), f) || !feof(f))
		return 1; /* the end is sticky */
	clearerr(f);
	if (!fgets(line, sizeof(line), f) || strcmp(line, "one more\n"))
		return 2;
	fputs("and one", w);
	fclose(w);
	clearerr(f);
	return !fgets(line, sizeof(line), f) || strcmp(line, "and one") || lines != 300;
}
