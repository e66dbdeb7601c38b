#!/bin/bash
# SPDX-License-Identifier: MIT
# fio verifies what it wrote, with every I/O engine it has here, in a cached directory: written
# below the cache, then read back through descriptors that are open for reading only, in the
# blocks it was written in and in small ones.
. "$(dirname "$0")/../lib.sh"
need fio
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/shim
mkdir "$scratch/shim" "$scratch/native"
"$RAWCACHE" format --size 256M "$IMAGE" >/dev/null || exit 1
export RAWCACHE_SETTLE=0

size=4M
[ -z "${RAWCACHE_TESTS_FULL:-}" ] || size=48M

# job DIRECTORY ENGINE RW BLOCK [COMMAND]...
job() {
	dir=$1
	engine=$2
	rw=$3
	block=$4
	shift 4
	"$@" fio --name="$engine" --directory="$dir" --filename="$engine.data" \
		--ioengine="$engine" --rw="$rw" --bs="$block" --size=$size --iodepth=4 \
		--verify=xxhash --verify_interval=4k --verify_fatal=1 --do_verify=1 \
		--verify_state_save=0 --fallocate=none --minimal
}

# engine_all DIRECTORY ENGINE [COMMAND]...
engine_all() {
	where=$1
	name=$2
	shift 2
	for how in randwrite ${RAWCACHE_TESTS_FULL:+write}; do
		job "$where" "$name" $how 64k "$@" || return
		sleep 0.05 # a file changed within a tick of the clock is not stored
		job "$where" "$name" ${how%write}read 64k "$@" || return
		job "$where" "$name" randread 4k "$@" || return
	done
}

for engine in sync psync vsync pvsync pvsync2 mmap libaio io_uring posixaio splice; do
	if job "$scratch/native" $engine randwrite 64k >"$scratch/native.log" 2>&1; then
		check "$engine: write, verify, read and verify" engine_all "$scratch/shim" $engine \
			"$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" --
	else
		echo "# $engine: not run: fio fails without the shim: $(tail -1 "$scratch/native.log")"
	fi
	rm -f "$scratch/native/$engine.data"
done
at_least "$(counter hits)" 1000 "reads were hits"

# that fio notices a wrong byte, and that the cache passes on what another program wrote
flip() {
	printf 'wrong' | dd of="$scratch/shim/psync.data" bs=1 seek=1000000 conv=notrunc status=none
	! job "$scratch/shim" psync read 64k "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" --
}
check "a byte that another program changed is seen" flip
is "$(counter verify_failed)" 0 "no checksum failed"
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
done_testing
