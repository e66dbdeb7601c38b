#!/bin/bash
# SPDX-License-Identifier: MIT
# A user's programs read root's image and believe no other user's, in a user namespace too.
# shellcheck source=tests/faults/rights.inc
. "$(dirname "$0")/rights.inc"

image_of 1234 user.img 600
root_image
chmod 644 "$scratch/root.img"
RAWCACHE_PRELOAD=$scratch/open/${RAWCACHE_PRELOAD##*/}
as_user_reads() {
	rm -f "$scratch/log" && : >"$scratch/log" && chmod 666 "$scratch/log"
	is "$(setpriv --reuid=4321 --regid=4321 --clear-groups env LD_PRELOAD="$RAWCACHE_PRELOAD" \
		RAWCACHE_PATHS="$scratch/d" RAWCACHE_DEVICE="$1" RAWCACHE_LOG="$scratch/log" \
		md5sum <"$scratch/d/f")" "$wanted" "a user with $2: right bytes"
	is "$(grep -c image_refused "$scratch/log")" "$3" "and refused: $3"
}
as_user_reads "$scratch/root.img" "root's image" 0
chmod 644 "$scratch/open/user.img"
as_user_reads "$scratch/open/user.img" "another user's image" 1

# a user namespace: owners and users that have no id there all look like 65534
nameless() {
	rm -f "$scratch/log" && : >"$scratch/log" && chmod 666 "$scratch/log"
	is "$(LD_PRELOAD=$RAWCACHE_PRELOAD RAWCACHE_PATHS=$scratch/d RAWCACHE_DEVICE=$1 \
		RAWCACHE_LOG=$scratch/log "${@:4}" md5sum <"$scratch/d/f")" "$wanted" "$2: right bytes"
	is "$(grep -c image_refused "$scratch/log")" "$3" "and refused: $3"
}
if unshare -U true 2>/dev/null; then
	nameless "$scratch/open/user.img" "another user's image in a user namespace" 1 unshare -U
	nameless "$scratch/open/user.img" "and with that id mapped" 1 \
		setpriv --reuid=4321 --regid=4321 --clear-groups unshare -U --map-user=65534
	nameless "$scratch/root.img" "one's own there" 0 unshare -U
else
	echo "# no user namespaces here"
fi


done_testing
