/* SPDX-License-Identifier: MIT */
/*
 * Streams of a cached text file against a local copy: bench_stdio CACHED-FILE LOCAL-COPY [--json]
 *
 * The two sides alternate; the best round of each is taken. Above 1 the cache is faster.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 15

static char buf[1 << 20];
static char *line;
static size_t line_room;

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void with_fgets(FILE *f)
{
	while (fgets(buf, 1000, f))
		;
}

static void with_getline(FILE *f)
{
	while (getline(&line, &line_room, f) > 0)
		;
}

static void with_getc(FILE *f)
{
	while (getc(f) != EOF)
		;
}

static void with_getc_unlocked(FILE *f)
{
	while (getc_unlocked(f) != EOF)
		;
}

static void with_fread_512(FILE *f)
{
	while (fread(buf, 1, 512, f) == 512)
		;
}

static void with_fread_64k(FILE *f)
{
	while (fread(buf, 1, 65536, f) == 65536)
		;
}

static void with_fread_1m(FILE *f)
{
	while (fread(buf, 1, sizeof(buf), f) == sizeof(buf))
		;
}

static void with_fscanf(FILE *f)
{
	while (fscanf(f, "%*s") != EOF)
		;
}

static void with_fseek(FILE *f)
{
	unsigned int at = 1;

	for (int i = 0; i < 20000; i++) {
		at = at * 1103515245 + 12345;
		fseek(f, at % 4000000, SEEK_SET);
		getc(f);
	}
}

static const struct {
	const char *name;
	void (*run)(FILE *f);
} loops[] = {
	{ "fgets", with_fgets },	 { "getline", with_getline },
	{ "getc", with_getc },		 { "getc_unlocked", with_getc_unlocked },
	{ "fread 512", with_fread_512 }, { "fread 64K", with_fread_64k },
	{ "fread 1M", with_fread_1m },	 { "fscanf", with_fscanf },
	{ "fseek", with_fseek },
};

static double pass(const char *name, void (*run)(FILE *f))
{
	FILE *f = fopen(name, "r");
	double start = seconds();

	if (!f)
		exit(1);
	run(f);
	start = seconds() - start;
	fclose(f);
	return start;
}

int main(int argc, char **argv)
{
	int json = argc > 3 && !strcmp(argv[3], "--json");

	if (argc < 3)
		return 2;
	if (!json)
		printf("%-14s %12s %12s %8s\n", "call", "cache us", "native us", "ratio");
	for (size_t i = 0; i < sizeof(loops) / sizeof(loops[0]); i++) {
		double best[2] = { 1e9, 1e9 };

		for (int round = 0; round < ROUNDS; round++)
			for (int side = 0; side < 2; side++) {
				double t = pass(argv[1 + side], loops[i].run);

				if (t < best[side])
					best[side] = t;
			}
		printf(json ? "{\"bench\":\"stdio\",\"call\":\"%s\",\"cache_us\":%.0f,"
			      "\"native_us\":%.0f,\"ratio\":%.2f}\n" :
			      "%-14s %12.0f %12.0f %7.2fx\n",
		       loops[i].name, best[0] * 1e6, best[1] * 1e6, best[1] / best[0]);
	}
	return 0;
}
