#!/bin/bash
# SPDX-License-Identifier: MIT
# Origins that answer with errors, or less than they were asked for.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fill_faults.inc"

errors() {
	origin --latency=0.5 --attr-timeout=0
	for error in EIO ESTALE ETIMEDOUT; do
		tell "fail read $error 0 file"
		fresh
		same_as_native "$io: $error of all reads" reads "$file"
		check "$io: $error is what the program gets" grep -q "^0 [0-9]*$" "$scratch/cached"
		and_nothing_wrong "$io: $error" file
	done
	fresh
	tell "fail read EIO 7 file"
	cached cat "$file" >"$scratch/out" 2>/dev/null
	check "$io: what is read between errors is right" \
		cmp -n "$(stat -c %s "$scratch/out")" "$scratch/out" "$back/file"
	and_nothing_wrong "$io: errors in between" file
}

# Without the page cache: for it the kernel takes a short answer for the end of the file, and shows zeros to who reads
# on while somebody else asks for the size.
short_answers() {
	origin --direct-io --log="$scratch/reads"
	fresh
	tell "short read 100000 5 file"
	right file "$io: short reads"
	is "$(grep -c short "$CACHED_PATH/.origin/control")" 0 "$io: (five of them)"
	and_nothing_wrong "$io: short reads" file
	# all of them: with odd ends, just below and above what is asked for, and one page too few. What is read into a
	# chunk's buffer must not go beyond its end, where the next one's begins.
	chunk=$("$RAWCACHE" info --json --cache "$IMAGE" | sed -n 's/.*"chunk_size": *\([0-9]*\).*/\1/p')
	for bytes in 100000 30001 131071 258048; do
		fresh
		: >"$scratch/reads"
		tell "short read $bytes 0 file"
		right file "$io: reads of $bytes bytes at most"
		is "$(awk -v chunk="$chunk" '$2 % chunk + $3 > chunk' "$scratch/reads" | head -3)" "" \
			"$io: reads of $bytes bytes at most: none asks for more than its chunk"
		and_nothing_wrong "$io: reads of $bytes bytes at most" file
	done
}

by_each_backend errors
by_each_backend short_answers
done_testing
