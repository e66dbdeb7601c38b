#!/bin/bash
# SPDX-License-Identifier: MIT
# Libraries below a cached directory: large read-only data come out of the image, and nothing else differs.
. "$(dirname "$0")/../lib.sh"
need_origin
program=$TOP_BUILDDIR/tests/shim/shim_libraries
mkdir -p "$scratch/store" "$scratch/local" "$scratch/mnt"
head -c 3000017 /dev/urandom >"$scratch/data"
made() { # FILE OPTION...
	${CC:-cc} -shared -fPIC -O1 -Wl,-soname,"$1" "${@:2}" \
		-DDATA="\"$scratch/${data:-data}\"" -o "$scratch/store/$1" \
		"$TOP_SRCDIR/tests/shim/library_data.c"
}
check "a library" made lib.so
check "one that writes to its data" made writes.so -DWRITES
check "one that the loader writes to" made textrel.so -DTEXTREL -Wl,-z,notext
check "a program that is linked with one" ${CC:-cc} -fPIC -o "$scratch/linked" -x c - -x none "$scratch/store/lib.so" \
	-Wl,-rpath,"$scratch/mnt" -Wl,--no-as-needed <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
extern const char library_data[];
int main(int argc, char **argv)
{
	static char data[3000017];
	int fd = open(argv[1], O_RDONLY);
	int text = open(argv[2], O_RDONLY);

	return read(fd, data, sizeof(data)) != sizeof(data) || memcmp(data, library_data, sizeof(data)) || text < 0;
}
C
echo text >"$scratch/store/text"
age "$scratch/store"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mnt
"$RAWCACHE" format --size 96M "$IMAGE" >/dev/null || exit 1

# ways ROUND: each gives what it gives without the cache
ways() {
	local way file
	for way in told close past fork written constructor textrel; do
		file=lib
		[ $way != constructor ] || file=writes
		[ $way != textrel ] || file=textrel
		tap "$way, $1" "${@:2}" timeout 120 "$program" $way "$scratch/mnt/$file.so" "$scratch/data"
	done
	tap "storm, $1" "${@:2}" timeout 300 "$program" storm "$scratch/mnt/lib.so" "$scratch/data" 150
}

origin_mount "$scratch/store" "$scratch/mnt" || exit 1
ways "without the cache"
tap "cold" cached "$program" told "$scratch/mnt/lib.so" "$scratch/data"
"$RAWCACHE" warm --cache "$IMAGE" "$scratch/mnt" >/dev/null || exit 1
origin_umount "$scratch/mnt"

# --- the origin is not read for them again
origin_mount "$scratch/store" "$scratch/mnt" || exit 1
mapped=$(counter libraries_mapped)
tap "warm" cached "$program" told "$scratch/mnt/lib.so" "$scratch/data"
is "$(($(counter libraries_mapped) - mapped))" 1 "the library's data are counted"
at_most "$(origin_stat "$scratch/mnt" read_bytes)" 700000 "and not read from the origin"
ways "warm" cached
at_least "$(counter libraries_mapped)" $((mapped + 40)) "they are the image's each time"

# --- what a program begins with: when its first file is tracked
mapped=$(counter libraries_mapped)
check "a program that is linked with it" cached "$scratch/linked" "$scratch/data" "$scratch/mnt/text"
check "has the same data" cached "$scratch/linked" "$scratch/data" "$scratch/mnt/text"
is "$(($(counter libraries_mapped) - mapped))" 2 "and has them from the image"

# --- a thread forks while others look up symbols
check "a program that forks" ${CC:-cc} -D_GNU_SOURCE -O1 -pthread -o "$scratch/forks" \
	"$TOP_SRCDIR/tests/shim/library_forks.c" -ldl
check "its children find the loader's lock free" \
	cached timeout 300 "$scratch/forks" "$scratch/mnt/lib.so" "$scratch/mnt/text"

# --- a thread closes one while another looks at the next, which takes long
check "a program that closes" ${CC:-cc} -D_GNU_SOURCE -O1 -pthread -o "$scratch/closes" \
	"$TOP_SRCDIR/tests/shim/library_closes.c" -ldl
cp "$scratch/store/lib.so" "$scratch/store/next.so"
touch -d '1 hour ago' "$scratch/store/next.so"
origin_control "$scratch/mnt" "meta-latency 250"
for _ in 1 2 3; do
	check "has the place of what it closed" cached timeout 60 "$scratch/closes" "$scratch/mnt/text" \
		"$scratch/mnt/lib.so" "$scratch/mnt/next.so"
done
origin_control "$scratch/mnt" "meta-latency 0"
rm "$scratch/store/next.so"

# --- a debugger
if command -v gdb >/dev/null; then
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
fi

# --- a library that is replaced: who has it goes on, who comes has the new one
head -c 3000017 /dev/urandom >"$scratch/data2"
mkfifo "$scratch/to" "$scratch/from"
cat >"$scratch/hold.py" <<'E2'
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
data = open(sys.argv[2], "rb").read()
at = ctypes.addressof(ctypes.c_char.in_dll(library, "library_data"))
for line in sys.stdin:
    print(int(ctypes.string_at(at, len(data)) == data), flush=True)
E2
cached python3 -S "$scratch/hold.py" "$scratch/mnt/lib.so" "$scratch/data" <"$scratch/to" >"$scratch/from" &
pids="$pids $!"
exec 8>"$scratch/to" 9<"$scratch/from"
echo >&8
read -r -t 60 same <&9
is "$same" 1 "a process has the library"
mv "$scratch/store/lib.so" "$scratch/store/old.so"
data=data2 made lib.so
age "$scratch/store"
tap "replaced" cached "$program" told "$scratch/mnt/lib.so" "$scratch/data2"
tap "and again" cached "$program" told "$scratch/mnt/lib.so" "$scratch/data2"
rm "$scratch/store/old.so"
"$RAWCACHE" drop --cache "$IMAGE" --all >/dev/null 2>&1
head -c 90000000 /dev/urandom >"$scratch/store/large"
age "$scratch/store"
cached cat "$scratch/mnt/large" >/dev/null
cached cat "$scratch/mnt/large" >/dev/null
echo >&8
read -r -t 60 same <&9
is "$same" 1 "the process still has the old one, whatever became of the image"
exec 8>&- 9<&-
wait "${pids##* }"
origin_umount "$scratch/mnt"
rm "$scratch/store/writes.so" "$scratch/store/textrel.so" "$scratch/store/large"

# --- a library that is replaced by a file of the same number, before the program's first look
numbered() {
	check "the program is made" ${CC:-cc} -fPIC -o "$scratch/waits" -x c - -x none "$scratch/store/lib.so" \
		-Wl,-rpath,"$scratch/mnt" <<-'C'
		#include <fcntl.h>
		#include <stdio.h>
		#include <string.h>
		#include <unistd.h>
		extern const char library_data[];
		static char data[3000017];
		int main(int argc, char **argv)
		{
			int fd = open(argv[1], O_RDONLY);
			int had = read(fd, data, sizeof(data)) == sizeof(data);

			puts("begun");
			fflush(stdout);
			getchar();
			fd = open(argv[2], O_RDONLY);
			printf("%d\n", had && fd >= 0 && !memcmp(data, library_data, sizeof(data)));
			return 0;
		}
	C
	LD_PRELOAD=$scratch/number.so origin_mount "$scratch/store" "$scratch/mnt" || return 1
	cached "$scratch/waits" "$scratch/data2" "$scratch/mnt/text" <"$scratch/to" >"$scratch/from" &
	pids="$pids $!"
	exec 8>"$scratch/to" 9<"$scratch/from"
	read -r -t 60 same <&9
	rm "$scratch/store/lib.so"
	made lib.so
	age "$scratch/store"
	"$RAWCACHE" warm --cache "$IMAGE" "$scratch/mnt" >/dev/null || return 1
	echo >&8
	read -r -t 60 same <&9
	is "$same" 1 "a file of the same number and place is not the library"
	exec 8>&- 9<&-
}
# shellcheck disable=SC2046
if ${CC:-cc} -shared -fPIC -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DDATA_BYTES=3000017 -o "$scratch/number.so" \
	"$TOP_SRCDIR/tests/shim/library_number.c" $(pkg-config --cflags fuse3) 2>/dev/null; then
	numbered
	ok $? "the story of the numbers was told"
fi
done_testing
