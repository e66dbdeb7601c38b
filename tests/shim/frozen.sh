#!/bin/bash
# SPDX-License-Identifier: MIT
# Frozen trees: what a record answers is what the origin answered, no request is made, and changes end it.
. "$(dirname "$0")/../lib.sh"
need_origin
need python3
mkdir -p "$scratch/back/a" "$scratch/back/deep/1/2/3/4"
cd "$scratch/back" || exit 1
echo "some bytes" >a/b
echo f >deep/1/2/3/4/f
for n in a:link ../mnt/a:up /etc:out none:dangling loop:loop link:chain; do ln -s "${n%%:*}" "${n##*:}"; done
ln -s "$scratch/mnt/a" absolute
printf '#!/bin/sh\necho run\n' >./exec
chmod 755 ./exec
echo secret >./secret
chmod 000 secret
: >empty
head -c 3000000 /dev/urandom >large
head -c 20000 /dev/urandom >pieces
mkfifo fifo
echo hard >./hard
ln hard hard2
mkdir many
for n in $(seq 300); do echo "$n" >"many/$n"; done
for n in c{1..21} n{1..10}; do mkdir "$n" && echo "f$n" >"$n/f" && echo "g$n" >"$n/g"; done
ln -s c4 to_c4
cd / || exit 1
IMAGE=$scratch/cache.img
remount() {
	[ ! -d "$scratch/mnt/.origin" ] || origin_umount "$scratch/mnt"
	origin_mount "$scratch/back" "$scratch/mnt"
}
remount || skip_all "the origin cannot be mounted"
calls=$TOP_SRCDIR/tests/shim/frozen_calls.py
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
frozen() {
	"$RAWCACHE" run --frozen "$scratch/mnt${LIMIT:-}" --cache "$IMAGE" -- "$@"
}
# below COMMAND...: the same without `rawcache run`, which would record the tree anew
below() {
	LD_PRELOAD=$RAWCACHE_PRELOAD RAWCACHE_DEVICE=$IMAGE \
		RAWCACHE_FROZEN=$scratch/mnt RAWCACHE_PATHS=$scratch/mnt "$@"
}
record() {
	ls "$IMAGE".frozen-* 2>/dev/null
}

python3 "$calls" "$scratch/mnt" "$scratch/copy" >"$scratch/kernel" 2>&1
"$RAWCACHE" warm --frozen --cache "$IMAGE" "$scratch/mnt" >"$scratch/out"
is "$(sed -n 's/^.* is frozen: \([0-9]* names\),.*/\1/p' "$scratch/out")" "418 names" "a tree is frozen"
frozen python3 "$calls" "$scratch/mnt" "$scratch/copy" >"$scratch/frozen" 2>&1
check "all calls answer as the kernel does" diff "$scratch/kernel" "$scratch/frozen"
at_least "$(wc -l <"$scratch/kernel")" 1500 "and they were many"
at_least "$(counter frozen_names)" 1000 "from the record"
at_least "$(counter opens_frozen)" 50 "files, too"
at_least "$(counter frozen_lists)" 20 "and listings"
is "$(counter frozen_wrong)" 0 "nothing was found to be another"

remount
frozen python3 -c '
import os, sys
for d, _, files in os.walk(sys.argv[1]):
    for f in files:
        p = os.path.join(d, f)
        if os.path.isfile(p) and os.path.getsize(p) < 1 << 20:
            open(p, "rb").read() if f != "secret" else os.stat(p)
        os.path.exists(p + ".no")' "$scratch/mnt"
requests=$(sed -n '/^\(lookup\|getattr\|open\|read\|readdir\|readlink\) [1-9]/p' "$scratch/mnt/.origin/stats" |
	grep -v '^\(lookup\|open\|read\|getattr\) [0-9]$')
is "$requests" "" "a run after the mount was made anew asks the origin nothing"

# positions, when another thread does what makes stand-ins real files
for how in look fork; do
	check "each byte is read once, $how" frozen timeout 100 "$TOP_BUILDDIR/tests/shim/shim_frozen" "$how" \
		"$scratch/mnt/pieces"
done

# a bad record is none
cp "$(record)" "$scratch/good"
printf 'xxxxxxxxxxxxxxxx' | dd of="$(record)" bs=1 seek=100 conv=notrunc 2>/dev/null
is "$(below cat "$scratch/mnt/a/b")" "some bytes" "a record that is damaged is not believed"
cp "$scratch/good" "$(record)"
size=$(stat -c %s "$(record)")
at=$(grep -abo 'some bytes' "$(record)" | head -1 | cut -d: -f1)
printf 'SOME' | dd of="$(record)" bs=1 seek="$at" conv=notrunc 2>/dev/null
is "$(below cat "$scratch/mnt/a/b")" "some bytes" "nor bytes whose checksum is wrong"
truncate -s $((size / 2)) "$(record)"
is "$(below cat "$scratch/mnt/a/b")" "some bytes" "nor one that is cut short"
"$RAWCACHE" warm --frozen --cache "$IMAGE" "$scratch/mnt" >/dev/null

# changes by programs below the shim
check "changes are seen at once, by all processes" frozen timeout 120 python3 \
	"$TOP_SRCDIR/tests/shim/frozen_changes.py" "$scratch/mnt"
at_least "$(counter frozen_touched)" 20 "they end what the record says of the files"

# changes that nobody told
"$RAWCACHE" warm --frozen --cache "$IMAGE" "$scratch/mnt" >/dev/null
sleep 2.2
echo "other bytes" >"$scratch/back/a/b"
sleep 1.2 # so long the kernel believes what it knows of the file
is "$(frozen cat "$scratch/mnt/a/b")" "some bytes" "a frozen tree is the version that was recorded"
is "$(frozen python3 -c '
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
fcntl.flock(fd, fcntl.LOCK_SH)
print(os.read(fd, 99).decode(), end="")
print(os.fstat(fd).st_size, open(sys.argv[1]).read(), end="")' "$scratch/mnt/a/b" | tr '\n' ' ')" \
	"some bytes 11 other bytes " \
		"what turns out to be another file thaws the tree, and what is open stays as it was"
is "$(counter frozen_wrong)" 1 "that is counted"
is "$(frozen cat "$scratch/mnt/a/b")" "other bytes" "and holds for all"

# thaw, and a time
"$RAWCACHE" warm --frozen --cache "$IMAGE" "$scratch/mnt" >/dev/null
echo "third bytes" >"$scratch/back/a/b"
sleep 1.2
frozen sh -c 'cat "$1/a/b"; "$2" thaw --cache "$3" "$1"; cat "$1/a/b"; test -e "$1/a/b"' - "$scratch/mnt" \
	"$RAWCACHE" "$IMAGE" >"$scratch/out" 2>&1
is "$(tr '\n' ' ' <"$scratch/out")" "other bytes third bytes " "a tree is thawed for programs that run already"
is "$(record)" "" "its record is gone"
sleep 2.2
LIMIT='=1s' frozen sh -c 'read x <"$1/a/b"; echo fourth >"$2/a/b"; read y <"$1/a/b"
	sleep 1.2; read z <"$1/a/b"; echo "$x, $y, $z"' - "$scratch/mnt" "$scratch/back" >"$scratch/out"
is "$(cat "$scratch/out")" "third bytes, third bytes, fourth" "with a time it ends by itself"
chmod 666 "$(record)"
echo fifth >"$scratch/back/a/b"
is "$(below cat "$scratch/mnt/a/b")" fifth \
	"a record that others could write is not used"
done_testing
