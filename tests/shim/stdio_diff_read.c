/* SPDX-License-Identifier: MIT */
/* Calls that read from a stream: lines, numbers, single characters, blocks. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stdio_diff.h"

extern int __uflow(FILE *);
extern int __underflow(FILE *);

static long lines(FILE *f, char *buf, int delimiter, int count)
{
	static char *line[2];
	static size_t n[2];
	int i = buf == room[1];
	long sum = 0;

	while (count--) {
		ssize_t got = delimiter == '\n' ? getline(&line[i], &n[i], f) :
						  getdelim(&line[i], &n[i], delimiter, f);

		sum = sum * 3 + got;
		if (got < 0)
			break;
		memcpy(buf, line[i], (size_t)got + 1 < ROOM ? (size_t)got + 1 : ROOM);
	}
	return sum + (long)n[i];
}

void do_line(struct slot *s)
{
	int n = rnd(4) ? (int)rnd(200) : (int)some_size() + 1;
	int count = 1 + (int)rnd(50);
	int delimiter = rnd(2) ? '\n' : 'x';

	switch (rnd(4)) {
	case 0:
		BOTH("fgets", fgets(buf, n, f) == buf);
		break;
	case 1:
		BOTH("fgets_unlocked", fgets_unlocked(buf, n, f) == buf);
		break;
	default:
		BOTH("getdelim", lines(f, buf, delimiter, count));
	}
}

static long scan(FILE *f, char *buf, int how, int count)
{
	long sum = 0;
	int got = 0;

	while (count--) {
		int number = 0;
		int used = 0;

		if (how == 0)
			got = fscanf(f, "%d%n", &number, &used);
		else if (how == 1)
			got = fscanf(f, "%100s%n", buf, &used);
		else
			got = fscanf(f, "%*[^\n]%*c%n", &used);
		sum = sum * 5 + number + used + got;
		if (got < 0)
			break;
	}
	return sum;
}

void do_scan(struct slot *s)
{
	int how = (int)rnd(3);
	int count = (int)rnd(60);

	s->scanned = 1;
	BOTH("fscanf", scan(f, buf, how, count));
}

static long chars(FILE *f, int how, int count)
{
	long sum = 0;
	int c = 0;

	while (count-- && c != EOF) {
		switch (how) {
		case 0:
			c = getc(f);
			break;
		case 1:
			c = fgetc(f);
			break;
		case 2:
			c = getc_unlocked(f);
			break;
		case 3:
			c = (getc_unlocked)(f);
			break;
		case 4:
			c = fgetc_unlocked(f);
			break;
		case 5:
			c = __underflow(f) == EOF ? EOF : __uflow(f);
			break;
		default:
			c = getw(f);
		}
		sum = sum * 31 + c;
	}
	return sum;
}

void do_chars(struct slot *s)
{
	int how = (int)rnd(7);
	int count = rnd(3) ? 1 + (int)rnd(10) : (int)rnd(20000);

	s->scanned |= how == 6;
	BOTH("getc", chars(f, how, count));
}

void do_read(struct slot *s)
{
	size_t item = 1 + (rnd(3) ? 0 : rnd(100));
	size_t n = some_size() / item;

	if (rnd(2))
		BOTH("fread", fread(buf, item, n, f));
	else
		BOTH("fread_unlocked", fread_unlocked(buf, item, n, f));
}
