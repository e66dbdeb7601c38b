/* SPDX-License-Identifier: MIT */
/*
 * A fuzz target is one function that eats bytes (LLVMFuzzerTestOneInput). With clang it is run
 * by libFuzzer; without, by main.c over the corpus with mutations of a fixed seed.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/*
 * Lay the input over memory: records of two bytes of a place, in units of `grain`, one of a
 * length, and that many bytes. So that a short input reaches any part of a large structure.
 */
void fuzz_overlay(const uint8_t *data, size_t n, void *to, size_t room, size_t grain);

#endif
