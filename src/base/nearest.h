/* SPDX-License-Identifier: MIT */
/* "did you mean": the known name that is nearest to a mistyped one. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

struct nearest {
	const char *wanted;
	const char *best; /* NULL while no name is near enough */
	unsigned int distance;
};

void nearest_init(struct nearest *nearest, const char *wanted);

/* `name` must outlive the search. */
void nearest_offer(struct nearest *nearest, const char *name);

#endif
