#!/bin/bash
# SPDX-License-Identifier: MIT
# stress-ng's stressors of files, descriptors and processes verify themselves in a cached
# directory: what succeeds without the shim succeeds with it. usage: suite_stress.sh [STRESSOR]...
. "$(dirname "$0")/../lib.sh"
need stress-ng
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/shim
mkdir "$scratch/shim" "$scratch/native"
"$RAWCACHE" format --size 256M "$IMAGE" >/dev/null || exit 1
export RAWCACHE_SETTLE=0

short="hdd seek sendfile splice mmap readahead dup close fstat copy-file iomix io-uring aio pipe
	vfork fork"
long="access affinity aiol chmod clone close-range dentry dir daemon dirdeep exec fallocate fcntl
	fiemap fifo file-ioctl filename flock fpunch fsize getdent handle inode-flags inotify io key
	lease link locka lockf lockofd madvise memfd mmapfork msync open pipeherd poll procfs pthread
	pty remap rename resched revio ring-pipe sigio sock sockfd sockpair spawn switch symlink
	sync-file tee touch udp unshare userfaultfd utime verity vm-splice xattr zero zombie"
seconds=1
[ -z "${RAWCACHE_TESTS_FULL:-}" ] || seconds=3

# stress DIRECTORY STRESSOR [COMMAND]... : 0 success, 3 and 4: not on this machine
stress() {
	dir=$1
	stressor=$2
	shift 2
	(cd "$dir" && "$@" timeout -k 5 60 stress-ng --"$stressor" 1 --timeout $seconds --verify \
		--temp-path "$dir" --hdd-bytes 8M --seek-size 4M --readahead-bytes 8M \
		--copy-file-bytes 128M --iomix-bytes 16M --mmap-bytes 16M --mmap-file \
		--sendfile-size 1M --fallocate-bytes 8M --oomable)
}

# shellcheck disable=SC2048 # names of stressors
for stressor in ${*:-$short${RAWCACHE_TESTS_FULL:+ $long}}; do
	stress "$scratch/native" "$stressor" >"$scratch/native.log" 2>&1 </dev/null
	status=$?
	if [ $status -eq 0 ] && ! grep -q 'skipp' "$scratch/native.log"; then
		check "$stressor" stress "$scratch/shim" "$stressor" \
			"$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" --
	else
		said=$(grep -vE 'dispatching|setting to' "$scratch/native.log" | tail -1)
		echo "# $stressor: not run: without the shim: status $status, $said"
	fi
done
is "$(counter verify_failed)" 0 "no checksum failed"
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
done_testing
