/* SPDX-License-Identifier: MIT */
/* "did you mean": the name of a list that a mistyped one probably stands for. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

struct nearest {
	const char *wanted;
	const char *best; /* NULL while nothing is near enough */
	unsigned int distance;
};

void nearest_init(struct nearest *nearest, const char *wanted);

/* `name` must outlive the search. */
void nearest_offer(struct nearest *nearest, const char *name);

#endif
