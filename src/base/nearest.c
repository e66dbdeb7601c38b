/* SPDX-License-Identifier: MIT */
#include "base/nearest.h"

#include <string.h>

#define NAME_MAX_LENGTH 40 /* longer than each option, command and variable */

/* Edit distance with swapped neighbours as one edit (optimal string alignment), by rows. */
static unsigned int name_distance(const char *a, const char *b)
{
	unsigned int rows[3][NAME_MAX_LENGTH + 1];
	size_t n = strlen(b);
	size_t m = strlen(a);

	for (unsigned int j = 0; j <= n; j++)
		rows[0][j] = j;
	for (unsigned int i = 1; i <= m; i++) {
		unsigned int *row = rows[i % 3];
		const unsigned int *above = rows[(i - 1) % 3];
		const unsigned int *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			unsigned int best = above[j - 1] + (a[i - 1] != b[j - 1]);

			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    above2[j - 2] + 1 < best)
				best = above2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[m % 3][n];
}

void nearest_init(struct nearest *nearest, const char *wanted)
{
	nearest->wanted = wanted;
	nearest->best = NULL;
	/* with more than a third of the letters wrong it is no mistyped name */
	nearest->distance = (unsigned int)strlen(wanted) / 3 + 1;
}

void nearest_offer(struct nearest *nearest, const char *name)
{
	unsigned int distance;

	if (strlen(nearest->wanted) > NAME_MAX_LENGTH || strlen(name) > NAME_MAX_LENGTH)
		return;
	distance = name_distance(nearest->wanted, name);
	if (distance >= nearest->distance)
		return;
	nearest->distance = distance;
	nearest->best = name;
}
