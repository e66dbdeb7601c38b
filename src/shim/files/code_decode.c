/* SPDX-License-Identifier: MIT */
#include "shim/files/code_decode.h"

#include <stddef.h>
#include <string.h>

/* Of the last instructions before one, and behind it: see is_zeros(). */
#define ZEROS_SEEN 0xffu
#define ZEROS_AFTER 8

/* The form of what follows the byte of an opcode. */
enum form {
	M = 1,	   /* a byte that names operands */
	I8 = 2,	   /* a byte */
	I16 = 4,   /* two bytes */
	I32 = 8,   /* two or four bytes, as the prefix says */
	REL = 16,  /* four bytes */
	BAD = 128, /* no instruction */
};

static const uint8_t one_byte[256] = {
	[0x00 ... 0x03] = M,   [0x04] = I8,
	[0x05] = I32,	       [0x06 ... 0x07] = BAD,
	[0x08 ... 0x0b] = M,   [0x0c] = I8,
	[0x0d] = I32,	       [0x0e] = BAD,
	[0x10 ... 0x13] = M,   [0x14] = I8,
	[0x15] = I32,	       [0x16 ... 0x17] = BAD,
	[0x18 ... 0x1b] = M,   [0x1c] = I8,
	[0x1d] = I32,	       [0x1e ... 0x1f] = BAD,
	[0x20 ... 0x23] = M,   [0x24] = I8,
	[0x25] = I32,	       [0x27] = BAD,
	[0x28 ... 0x2b] = M,   [0x2c] = I8,
	[0x2d] = I32,	       [0x2f] = BAD,
	[0x30 ... 0x33] = M,   [0x34] = I8,
	[0x35] = I32,	       [0x37] = BAD,
	[0x38 ... 0x3b] = M,   [0x3c] = I8,
	[0x3d] = I32,	       [0x3f] = BAD,
	[0x60 ... 0x61] = BAD, [0x63] = M,
	[0x68] = I32,	       [0x69] = M | I32,
	[0x6a] = I8,	       [0x6b] = M | I8,
	[0x70 ... 0x7f] = I8,  [0x80] = M | I8,
	[0x81] = M | I32,      [0x82] = BAD,
	[0x83] = M | I8,       [0x84 ... 0x8f] = M,
	[0x9a] = BAD,	       [0xa8] = I8,
	[0xa9] = I32,	       [0xb0 ... 0xb7] = I8,
	[0xb8 ... 0xbf] = I32, [0xc0 ... 0xc1] = M | I8,
	[0xc2] = I16,	       [0xc6] = M | I8,
	[0xc7] = M | I32,      [0xc8] = I16 | I8,
	[0xca] = I16,	       [0xcd] = I8,
	[0xce] = BAD,	       [0xd0 ... 0xd3] = M,
	[0xd4 ... 0xd6] = BAD, [0xd8 ... 0xdf] = M,
	[0xe0 ... 0xe7] = I8,  [0xe8 ... 0xe9] = REL,
	[0xea] = BAD,	       [0xeb] = I8,
	[0xf6 ... 0xf7] = M,   [0xfe ... 0xff] = M,
};

/* Opcodes behind 0x0f. */
static const uint8_t two_bytes[256] = {
	[0x00 ... 0x03] = M,
	[0x04] = BAD,
	[0x0a] = BAD,
	[0x0c] = BAD,
	[0x0d] = M,
	[0x0e ... 0x0f] = BAD,
	[0x10 ... 0x23] = M,
	[0x24 ... 0x27] = BAD,
	[0x28 ... 0x2f] = M,
	[0x36] = BAD,
	[0x38] = M,
	[0x39] = BAD,
	[0x3a] = M | I8,
	[0x3b ... 0x3f] = BAD,
	[0x40 ... 0x6f] = M,
	[0x70 ... 0x73] = M | I8,
	[0x74 ... 0x76] = M,
	[0x78 ... 0x7f] = M,
	[0x80 ... 0x8f] = REL,
	[0x90 ... 0x9f] = M,
	[0xa3] = M,
	[0xa4] = M | I8,
	[0xa5] = M,
	[0xa6 ... 0xa7] = BAD,
	[0xab] = M,
	[0xac] = M | I8,
	[0xad ... 0xb9] = M,
	[0xba] = M | I8,
	[0xbb ... 0xc1] = M,
	[0xc2] = M | I8,
	[0xc3] = M,
	[0xc4 ... 0xc6] = M | I8,
	[0xc7] = M,
	[0xd0 ... 0xff] = M,
};

struct instruction {
	const unsigned char *p, *end; /* the next byte to read; nothing is read from `end` on */
	bool wide, word;	      /* REX.W; the prefix for two bytes */
	bool high_reg, high_rm;	      /* registers r8 to r15 */
	unsigned int map;	      /* opcode map: 1, 2: behind 0x0f; 0x10: vector instructions */
	unsigned char code, modrm;
};

static unsigned char next(struct instruction *in)
{
	return in->p < in->end ? *in->p++ : (in->p++, 0);
}

static void prefixes(struct instruction *in)
{
	for (;; next(in)) {
		unsigned char c = in->p < in->end ? *in->p : 0;

		in->word |= c == 0x66;
		if (c != 0x66 && c != 0x67 && c != 0xf2 && c != 0xf3 && c != 0xf0 &&
		    (c & 0xe7) != 0x26 && c != 0x64 && c != 0x65)
			break;
	}
	if (in->p < in->end && (*in->p & 0xf0) == 0x40) {
		unsigned char rex = next(in);

		in->wide = rex & 8;
		in->high_reg = rex & 4;
		in->high_rm = rex & 1;
	}
}

/* Decode the prefix of a vector instruction. Returns the form of the rest, or BAD. */
static unsigned int vector_form(struct instruction *in, unsigned char prefix)
{
	unsigned int map = 1;

	in->map = 0x10;
	if (prefix != 0xc5)
		map = next(in) & (prefix == 0x62 ? 7 : 31);
	next(in);
	if (prefix == 0x62)
		next(in);
	in->code = next(in);
	if (map == 3)
		return M | I8;
	if (map == 1)
		return in->code == 0x77 ? 0 : M | (two_bytes[in->code] & I8);
	return map && map < 7 ? M : BAD;
}

static unsigned int form_of(struct instruction *in)
{
	in->code = next(in);
	if (in->code == 0xc4 || in->code == 0xc5 || in->code == 0x62)
		return vector_form(in, in->code);
	if (in->code != 0x0f)
		return one_byte[in->code];
	in->code = next(in);
	in->map = 1;
	if (in->code == 0x38 || in->code == 0x3a) {
		unsigned int form = two_bytes[in->code];

		in->map = 2;
		in->code = next(in);
		return form;
	}
	return two_bytes[in->code];
}

/* Decode operands in memory. */
static void operands(struct instruction *in)
{
	unsigned int mode, rm;

	in->modrm = next(in);
	mode = in->modrm >> 6;
	rm = in->modrm & 7;
	if (mode == 3)
		return;
	if (rm == 4 && (next(in) & 7) == 5 && !mode)
		in->p += 4;
	if (mode == 1)
		in->p += 1;
	else if (mode == 2 || (!mode && rm == 5))
		in->p += 4;
}

static bool instruction_read(struct instruction *in)
{
	unsigned int form;

	prefixes(in);
	form = form_of(in);
	if (form & BAD)
		return false;
	if (form & M)
		operands(in);
	/* `test` with an immediate: two of the instructions with this opcode */
	if (!in->map && (in->code == 0xf6 || in->code == 0xf7) && !(in->modrm & 0x30))
		form |= in->code == 0xf6 ? I8 : I32;
	if (form & I8)
		in->p += 1;
	if (form & I16)
		in->p += 2;
	if (form & I32)
		in->p += in->word ? 2 : !in->map && (in->code & 0xf8) == 0xb8 && in->wide ? 8 : 4;
	if (form & REL)
		in->p += 4;
	if (!in->map && in->code >= 0xa0 && in->code <= 0xa3)
		in->p += 8;
	return true;
}

static uint32_t word_before(const unsigned char *p)
{
	uint32_t word;

	memcpy(&word, p - sizeof(word), sizeof(word));
	return word;
}

/*
 * Whether the instruction leaves eax as it is, whatever its operands are: compare, test, push, conditional
 * jump.
 */
static bool keeps(const struct instruction *in)
{
	unsigned char c = in->code;

	if (in->map & 0x10)
		return true;
	if (in->map == 1)
		return (c >= 0x10 && c <= 0x17) || (c >= 0x28 && c <= 0x2f) || (c & 0xf0) == 0x80 ||
		       c == 0x1f || c == 0x1e || c == 0xef || c == 0x6f || c == 0x7f || c == 0xa3;
	return (c >= 0x38 && c <= 0x3d) || c == 0x84 || c == 0x85 || c == 0xa8 || c == 0xa9 ||
	       (c >= 0x50 && c <= 0x57) || (c & 0xf0) == 0x70 || c == 0x68 || c == 0x6a ||
	       c == 0x90 || (c >= 0x88 && c <= 0x89 && in->modrm >> 6 != 3) || c == 0xc6;
}

/* Whether the instruction may set eax, or ends a path behind which others come in. */
static bool sets(const struct instruction *in)
{
	unsigned char c = in->code;
	bool reg = !(in->modrm & 0x38) && !in->high_reg;
	bool rm = (in->modrm & 7) == 0 && in->modrm >> 6 == 3 && !in->high_rm;

	if (keeps(in))
		return false;
	if (in->map)
		return two_bytes[c] & M ? reg || rm : true;
	if ((c >= 0xb0 && c <= 0xbf) || (c >= 0x58 && c <= 0x5f))
		return (c & 7) == 0 && !in->high_rm;
	if (c == 0xc7 || c == 0x80 || c == 0x81 || c == 0x83 || c == 0xc0 || c == 0xc1 ||
	    (c >= 0xd0 && c <= 0xd3))
		return rm;
	return one_byte[c] & M && c < 0xd8 ? reg || rm : true;
}

/* The number in eax after the instruction. */
static uint32_t number_after(const struct instruction *in, uint32_t number)
{
	bool to_itself = in->modrm == 0xc0 && !in->high_reg && !in->high_rm;

	if (!in->map && in->code == 0xb8 && !in->high_rm && !in->wide && !in->word)
		return word_before(in->p);
	if (!in->map && in->code == 0xc7 && to_itself && !in->word)
		return word_before(in->p);
	if (!in->map && (in->code == 0x31 || in->code == 0x33) && to_itself && !in->word)
		return 0;
	return sets(in) ? UINT32_MAX : number;
}

/* Two zeros: no compiler makes this instruction. It is data that looks like code. */
static bool is_zeros(const struct instruction *in)
{
	return !in->map && !in->code && !in->modrm;
}

bool decode_walk(const unsigned char *p, const unsigned char *at, uint32_t *number)
{
	uint32_t zeros = 0;

	while (p < at) {
		struct instruction in = { .p = p, .end = at + 2 };

		if (!instruction_read(&in) || in.p > at)
			return false;
		*number = number_after(&in, *number);
		zeros = zeros << 1 | is_zeros(&in);
		p = in.p;
	}
	return !(zeros & ZEROS_SEEN);
}

bool decode_goes_on(const unsigned char *p, const unsigned char *end)
{
	for (unsigned int i = 0; i < ZEROS_AFTER && p < end; i++) {
		struct instruction in = { .p = p, .end = end };

		if (!instruction_read(&in) || is_zeros(&in))
			return false;
		/* bytes behind a jump or the end of a function need not be code */
		if (!in.map &&
		    (in.code == 0xc3 || in.code == 0xe9 || in.code == 0xeb || in.code == 0xcc))
			return true;
		p = in.p;
	}
	return true;
}
