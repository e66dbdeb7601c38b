#!/bin/bash
# SPDX-License-Identifier: MIT
# A program of one thread that changes its rights changes those of all its threads: our helpers leave, and come back.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

need_origin
program=$TOP_BUILDDIR/tests/shim/shim_rights
mkdir "$scratch/store"
head -c 12000000 /dev/urandom >"$scratch/store/f"
export RAWCACHE_SETTLE=0
chmod 755 "$scratch"
origin_mount "$scratch/store" "$scratch/mnt" --latency=5 || skip_all "the origin cannot be mounted"
CACHED_PATH=$scratch/mnt
IMAGE=$scratch/cache.img
left_helpers=0
for how in capset raw-capset no_new_privs raw-no_new_privs securebits bounding ambient setfsuid setfsgid \
	raw-setfsuid raw-setuid raw-setresgid raw-setgroups landlock keyring setuid; do
	plain=$("$program" "$how" "$scratch/store/f" 2>"$scratch/err")
	if [ $? -ne 0 ]; then
		echo "# $how: $(cat "$scratch/err")"
		continue
	fi
	"$RAWCACHE" format --yes --size 64M "$IMAGE" >/dev/null
	got=$(cached "$program" "$how" "$scratch/mnt/f" 2>"$scratch/err")
	read -r _ before after later _ different _ sum <<<"$got"
	echo "# $how: $got"
	is "$sum" "${plain##* }" "$how: right bytes"
	is "$different" 0 "$how: no thread has other rights"
	# what libc does in all threads needs nobody to leave
	[ "$how" = setuid ] || is "$after" 1 "$how: no helper is there when it has happened"
	[ "$before" -gt 1 ] && [ "$later" -gt 1 ] && left_helpers=$((left_helpers + 1))
done
for how in capset no_new_privs setfsuid; do
	got=$(cached "$program" "$how" "$scratch/mnt/f" mapped 2>"$scratch/err") || continue
	read -r _ before _ _ _ different _ <<<"$got"
	is "$different" 0 "$how, with a mapping: no thread has other rights"
	at_least "$before" 2 "there was one that watched it"
done
at_least "$left_helpers" 5 "there were helpers before, and again later"
done_testing
