#!/bin/bash
# SPDX-License-Identifier: MIT
# Attributes that are older than the bytes: a file is replaced at the server and read while the mount shows its old
# attributes, then rolled back. What never changed reads as it always did (INV-4).
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/confirm.inc"
parts="python3 $TOP_SRCDIR/tests/faults/confirm_parts.py"
mapping="python3 $TOP_SRCDIR/tests/faults/confirm_map.py"

# rollback NAME SIZE READER OPTION...: read by READER while it is another version
rollback() {
	make A "$2" 2026-01-01
	mounted --seconds "${@:4}"
	# of a large one, the first chunk is in the cache
	[ "$2" -lt 300000 ] || RAWCACHE_READAHEAD=256K cached head -c 100 "$f" >/dev/null
	stat "$f" >/dev/null
	make B "$2" 2026-02-01
	for _ in first second; do
		# shellcheck disable=SC2086
		cached $3 "$f" >/dev/null
	done
	make A "$2" 2026-01-01
	mounted --seconds "${@:4}"
	is "$(letters cached cat "$f")$(letters cached cat "$f")" AA "$1, $2 bytes by ${3%% *} ${3##*/}"
	"$RAWCACHE" drop --cache "$IMAGE" --all >/dev/null || exit 1
}

remember="--attr-timeout=60 --entry-timeout=60"
# shellcheck disable=SC2086
for size in 100000 1000000 6000000; do
	for reader in cat "$parts" "$mapping"; do
		rollback "the kernel remembers (NFS)" $size "$reader" $remember
		rollback "a table until it is opened (sshfs)" $size "$reader" --stale=60 --stale-open -o subtype=sshfs
		rollback "a table (rclone)" $size "$reader" --stale=60 -o subtype=rclone
	done
	rollback "another way of reading" $size "env RAWCACHE_IO=io_uring cat" $remember
	rollback "and none" $size "env RAWCACHE_IO=sync cat" $remember
done
done_testing
