/* SPDX-License-Identifier: MIT */
/* A program without anything to tell of. */
#include <stdio.h>
int main(void)
{
	return puts("ran") < 0;
}
