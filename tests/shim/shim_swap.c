/* SPDX-License-Identifier: MIT */
/*
 * A descriptor that one thread reads from while another makes it one file and the other in turn, by
 * dup2(): each read has bytes of one file.
 *
 *	LD_PRELOAD=... shim_swap FILE OTHER
 *
 * Each byte of FILE is an F, each of OTHER a G, and there are as many; nothing of them is cached yet, so
 * that each read is a miss. Speaks TAP; without the shim the results are the same.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES (640u << 10) /* of three chunks, two of them whole */
#define NAP_US 300

static int file, other, number;
static int over;

static void *swap(void *arg)
{
	unsigned int seed = 1;

	(void)arg;
	while (!__atomic_load_n(&over, __ATOMIC_RELAXED)) {
		dup2(other, number);
		usleep((useconds_t)rand_r(&seed) % NAP_US);
		dup2(file, number);
		usleep((useconds_t)rand_r(&seed) % NAP_US);
	}
	return NULL;
}

static int one_letter(const char *bytes, ssize_t n)
{
	return n > 0 && (bytes[0] == 'F' || bytes[0] == 'G') &&
	       !memcmp(bytes, bytes + 1, (size_t)n - 1);
}

int main(int argc, char **argv)
{
	static char buf[READ_BYTES];
	int reads = 0, mixed = 0;
	pthread_t thread;
	off_t blocks;

	if (argc < 3)
		return 77;
	file = open(argv[1], O_RDONLY);
	other = open(argv[2], O_RDONLY);
	number = dup(file);
	blocks = lseek(file, 0, SEEK_END) / READ_BYTES;
	if (number < 0 || other < 0 || pthread_create(&thread, NULL, swap, NULL))
		return 1;
	/* in an order in which nothing is read ahead */
	for (off_t i = 0; i < blocks; i++, reads++)
		mixed += !one_letter(
			buf, pread(number, buf, READ_BYTES, (i * 37 + 11) % blocks * READ_BYTES));
	__atomic_store_n(&over, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	printf("# %d reads, %d of them mixed\n", reads, mixed);
	printf("%sok 1 - each read has bytes of one file\n1..1\n", reads && !mixed ? "" : "not ");
	return !reads || mixed;
}
