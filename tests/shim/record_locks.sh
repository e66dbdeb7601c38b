#!/bin/bash
# SPDX-License-Identifier: MIT
# Record locks (F_SETLK) of a program stay, though the cache opens their files once more beside it: closing any
# descriptor of a file in the program's table would end them. tests/faults/writing.sh has files that changed just now.
. "$(dirname "$0")/../lib.sh"
need python3
mkdir -p "$scratch/local/tree/many"
head -c 3000017 /dev/urandom >"$scratch/data"
# what looks like a system call is among the data between the code, so that the library's sections are read
printf '\xb8\0\0\0\0\x0f\x05\xc3\x90\x90\x90\x90\x90\x90\x90\x90' >"$scratch/calls"
for n in $(seq 64); do cat "$scratch/calls"; done | cat - "$scratch/data" >"$scratch/code"
made() { # LIBRARY DATA OPTION...
	${CC:-cc} -shared -fPIC -O1 -DDATA="\"$scratch/$2\"" -o "$scratch/local/$1.so" "${@:3}" \
		"$TOP_SRCDIR/tests/shim/library_data.c"
}
check "a library" made data data
check "one whose data look like code" made code code -Wl,-z,noseparate-code -Wl,--build-id=0x$(date +%s%N)
echo text >"$scratch/local/text"
head -c 12M /dev/urandom >"$scratch/local/large"
head -c 300000 /dev/urandom >"$scratch/local/tree/file"
touch "$scratch/local/tree/many/"{1..20}
age "$scratch/local"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/local
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
locks=$TOP_SRCDIR/tests/shim/record_locks.py
frozen() {
	"$RAWCACHE" run --frozen "$scratch/local/tree" --cache "$IMAGE" -- "$@"
}

for round in cold warm; do
	check "a file that is read and mapped, and a program later, $round" cached python3 "$locks" read \
		"$scratch/local/large" "$scratch/local/text"
done
cached cat "$scratch/local/data.so" "$scratch/local/text" >/dev/null
mapped=$(counter libraries_mapped)
cached python3 -c 'import ctypes, sys; ctypes.c_char.in_dll(ctypes.CDLL(sys.argv[1]), "library_data")
open(sys.argv[2]).read()' "$scratch/local/data.so" "$scratch/local/text"
at_least $(($(counter libraries_mapped) - mapped)) 1 "the library is mapped from the image"
check "and stays locked then" cached python3 "$locks" library "$scratch/local/data.so" "$scratch/local/text"
check "so does one whose sections are read" cached python3 "$locks" library "$scratch/local/code.so" \
	"$scratch/local/text"
check "and a file of a frozen tree" frozen python3 "$locks" frozen "$scratch/local/tree/file" "$scratch/local/text"
late=$(counter opens_late)
check "and a directory" frozen python3 "$locks" listing "$scratch/local/tree/many" "$scratch/local/text"
at_least $(($(counter opens_late) - late)) 1 "which was opened late"
python3 "$TOP_SRCDIR/tests/shim/record_locks_other.py" "$scratch/local/tree/file" &
other=$!
sleep 0.5
check "a file that others have locked is not left open" frozen python3 "$locks" again "$scratch/local/tree/file" \
	"$scratch/local/text"
kill $other
done_testing
