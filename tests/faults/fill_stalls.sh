#!/bin/bash
# SPDX-License-Identifier: MIT
# Origins that stall, vanish, or cut a file in the middle of its fill.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/fill_faults.inc"
origin --latency=0.5 --attr-timeout=0

# stalled COMMAND...: begins to read below the cache, and waits for the origin; its process in $reader
stalled() {
	fresh
	tell "stall read"
	begin "$@" 2>/dev/null
	reader=$begun
	wait_until is_stalled
}

cut_in_its_fill() {
	origin_has cut 33000000
	age "$back"
	cp "$back/cut" "$scratch/before"
	stalled cat "$CACHED_PATH/cut" >"$scratch/out"
	truncate -s 5000000 "$back/cut"
	tell clear
	wait $reader
	check "$io: a file cut while it is read: nothing but its bytes" \
		cmp -n "$(stat -c %s "$scratch/out")" "$scratch/out" "$scratch/before"
	sleep 2.2
	right cut "$io: and is read as it is now"
	verified "$io: nothing wrong is stored of it"
}

killed() {
	stalled dd if="$file" of=/dev/null bs=256k count=1
	begin timeout 60 cmp "$file" "$back/file"
	other=$begun
	sleep 0.3
	kill -9 $reader
	wait $reader 2>/dev/null
	tell clear
	wait $other
	ok $? "$io: who waits for a filler that is killed goes on"
}

stopped() {
	stalled dd if="$file" of=/dev/null bs=256k count=1
	kill -STOP $reader
	tell clear
	mark counter fill_waits_vain
	check "$io: who waits for one that is stopped goes to the origin" cached timeout 60 cmp "$file" "$back/file"
	at_least "$(since)" 1 "$io: and counts that it waited in vain"
	kill -CONT $reader
	wait $reader
	ok $? "$io: and that one goes on, too"
	verified "$io: nothing wrong is stored by either"
}

# each side has an origin of its own to lose
vanishes() {
	for side in native cached; do
		mount=$scratch/$side.$io
		origin_mount "$back" "$mount" --attr-timeout=0
		run=
		[ $side = native ] || run="$RAWCACHE run --path $mount --cache $IMAGE --"
		# shellcheck disable=SC2086
		timeout 60 $run python3 "$probe" vanish "$mount/file" "$(origin_stat "$mount" pid)" \
			>"$scratch/$side" 2>&1
		echo "status $?" >>"$scratch/$side"
	done
	is "$(cat "$scratch/cached")" "$(cat "$scratch/native")" "$io: an origin that vanishes"
}

by_each_backend cut_in_its_fill
by_each_backend killed
by_each_backend stopped
by_each_backend vanishes
done_testing
