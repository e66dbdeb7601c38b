/* SPDX-License-Identifier: MIT */
/* Numbers and words by fscanf(), lines, positions, bytes that are pushed back: stdio_scan FILE */
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
	FILE *f = fopen(argv[1], "r");
	long number, sum = 0;
	char word[100], *line = NULL;
	size_t room = 0;
	while (fscanf(f, "%ld %99s", &number, word) == 2) {
		sum = sum * 3 + number + word[0];
		if (getline(&line, &room, f) < 0)
			break;
		sum += line[3];
		if (number % 1000 == 0)
			fseek(f, 4321, SEEK_CUR);
		ungetc('\n', f);
	}
	fseek(f, 0, SEEK_END);
	printf("%ld %ld\n", sum, ftell(f));
	rewind(f);
	setvbuf(f, NULL, _IOFBF, 1 << 20);
	while ((number = getc_unlocked(f)) != EOF)
		sum = sum * 31 + number;
	printf("%ld\n", sum);
	return 0;
}
