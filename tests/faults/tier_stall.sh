#!/bin/bash
# SPDX-License-Identifier: MIT
# All helpers that may read a mount wait for it: what the tier has of that mount is asked for, and had, all the same.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
tier_file $((4 << 20))
head -c $((8 << 20)) /dev/urandom >"$scratch/back/other"
age "$scratch/back"
tier_key
latency=5
memcached_start server -m 64
# shellcheck disable=SC2154 # memcached_start names it
servers=127.0.0.1:$server_port
node 1
tiered cmp "$CACHED_PATH/file" "$scratch/back/file"
ok $? "a machine reads a file"
at_least "$(counter tier_puts)" 8 "and puts it"

# hangs: on another machine ten threads wait for another file of the mount; then one reads that file
hangs() {
	node 2
	tiered python3 -c 'import os, sys, threading, time
mount, wanted, stalled = sys.argv[1:]
other = os.open(mount + "/other", os.O_RDONLY)
same = os.pread(other, 262144, 0) == open(wanted + "/other", "rb").read(262144)
file = os.open(mount + "/file", os.O_RDONLY)
same &= os.pread(file, 262144, 0) == open(wanted + "/file", "rb").read(262144)
time.sleep(0.3)
with open(mount + "/.origin/control", "w") as f:
    f.write("stall read other\n")
for at in range(10):
    threading.Thread(target=os.pread, args=(other, 262144, (8 + 2 * at) << 18), daemon=True).start()
for _ in range(200):
    if open(stalled).read().split("stalled ", 1)[1].split()[0] >= "8":
        break
    time.sleep(0.05)
same &= os.pread(file, 1 << 20, 1 << 20) == open(wanted + "/file", "rb").read()[1 << 20:2 << 20]
print(same, flush=True)
sys.stdin.read()' "$CACHED_PATH" "$scratch/back" "$CACHED_PATH/.origin/stats" <"$scratch/orders" >"$scratch/said" &
	pids="$pids $!"
	exec 7>"$scratch/orders"
	wait_until test -s "$scratch/said"
	said=$(cat "$scratch/said")
	stalled=$(origin_stat "$CACHED_PATH" stalled)
	origin_control "$CACHED_PATH" clear
	exec 7>&-
	wait $!
}
mkfifo "$scratch/orders"
for _ in $(seq 5); do
	hangs
	[ "$said" = True ] && [ "$(counter tier_hits)" -ge 4 ] && break
done
is "$stalled" 8 "on another machine all helpers that may read the mount wait for it"
is "$said" True "a program has every byte of the file meanwhile"
at_least "$(counter tier_hits)" 4 "from the tier"
done_testing
