#!/bin/bash
# SPDX-License-Identifier: MIT
# A debugger sees the same in a library, with data of the image.
. "$(dirname "$0")/../lib.sh"
need gdb
. "$(dirname "$0")/libraries.inc"

libraries_warm
cat >"$scratch/commands" <<-GDB
	set confirm off
	set breakpoint pending on
	set startup-with-shell off
	break library_code
	run
	print/x *((unsigned char *)&library_data + 2000000)
	info symbol &library_data
	continue
GDB
debug() {
	gdb -nx -batch -iex "set debuginfod enabled off" -x "$scratch/commands" --args \
		"$program" told "$scratch/mnt/lib.so" "$scratch/data" 2>&1 |
		grep -E '^(\$1|Breakpoint 1,|library_data|ok|not ok|.*exited)' |
		sed 's/0x[0-9a-f]\{6,\}//g; s/(process [0-9]*)//'
}
debug >"$scratch/plain"
sed -i "1i set environment LD_PRELOAD $RAWCACHE_PRELOAD\nset environment RAWCACHE_PATHS $scratch/mnt\n\
set environment RAWCACHE_DEVICE $IMAGE" "$scratch/commands"
mapped=$(counter libraries_mapped)
debug >"$scratch/cached"
at_least "$(wc -l <"$scratch/plain")" 10 "a debugger stops in the library"
is "$(cat "$scratch/cached")" "$(cat "$scratch/plain")" "and sees the same"
is "$(($(counter libraries_mapped) - mapped))" 1 "with the image's data"
done_testing
