#!/bin/bash
# SPDX-License-Identifier: MIT
# Images that are damaged, cut short, somebody else's, or none at all, and what is left of those that are replaced.
# shellcheck disable=SC2016,SC2059,SC2181
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

# --- bad images

# patch FILE OFFSET OCTAL
patch() {
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# everywhere NAME PATTERN IMAGE: each command refuses the image
everywhere() {
	for command in info stat verify 'drop --yes' 'run --path data'; do
		tail=
		[ "${command%% *}" != run ] || tail=true
		# shellcheck disable=SC2086
		refused "$1: ${command%% *}" 1 "$2" "$RAWCACHE" $command --cache "$3" $tail
	done
}

rm -rf cache && run true 2>/dev/null
dd if=/dev/urandom of=garbage bs=1M count=12 2>/dev/null
everywhere "what never was an image is not to be destroyed" "not an image of rawcache; name an image with --cache$" \
	garbage
echo "the only copy" >thesis
everywhere "not even if it is short" "too short for an image of rawcache; name an image with --cache$" thesis
: >empty
everywhere "an empty file" "too short.*; name an image with --cache$" empty
lost="name another image with --cache, or .*format --force., which destroys what is there$"
cp "$image" short && truncate -s 20M short
everywhere "a truncated image" "truncated; $lost" short
truncate -s 5000 short
everywhere "an image cut in its second superblock" "$lost" short
cp "$image" headless && dd if=/dev/urandom of=headless bs=4096 count=1 conv=notrunc 2>/dev/null
patch headless 4160 '\377'
everywhere "an image whose first superblock is gone, and the other one damaged" "damaged; $lost" headless
cp "$image" newer && patch newer 8 '\377' && patch newer 4104 '\377'
everywhere "an image of a newer version" "newer version.*; use that version, $lost" newer
refused "which is not overwritten without being forced" 1 "newer version.*--force" "$RAWCACHE" format newer
refused "nor with --yes" 1 "newer version.*--force" "$RAWCACHE" format --yes newer
works "but with --force" 0 "^uuid" "$RAWCACHE" format --force newer
cp "$image" damaged && patch damaged 64 '\377' && patch damaged 4160 '\377'
everywhere "both superblocks damaged" "damaged; $lost" damaged
cp "$image" half && patch half 64 '\377'
works "one superblock damaged" 0 "^uuid" "$RAWCACHE" info --cache half
everywhere "a directory" "neither a regular file" data
everywhere "a character device" "neither a regular file" /dev/null
mkfifo fifo
everywhere "a FIFO" "neither a regular file" fifo
cp "$image" open && chmod 666 open
for command in stat verify 'drop --yes' 'run --path data'; do
	tail=
	[ "${command%% *}" != run ] || tail=true
	# shellcheck disable=SC2086
	refused "an image others may write: ${command%% *}" 1 "chmod go-w.*RAWCACHE_SHARED" \
		"$RAWCACHE" $command --cache open $tail
done
chmod 620 open
refused "an image the group may write" 1 "chmod go-w" "$RAWCACHE" stat --cache open
works "RAWCACHE_SHARED accepts it" 0 "^hits" env RAWCACHE_SHARED=1 "$RAWCACHE" stat --cache open
(umask 007; exec "$RAWCACHE" format --shared --size 16M group) >/dev/null
[ "$(stat -c %A group)" = -rw-rw---T ]
ok $? "format --shared: the umask's mode, and the sticky bit"
works "which is accepted as it is" 0 "^hits" "$RAWCACHE" stat --cache group
[ "$(stat -c %a "$RAWCACHE_RUNTIME_DIR/$("$RAWCACHE" info --cache group | sed -n 's/^runtime segment *//p')")" = 660 ]
ok $? "as is its runtime segment"
chmod 620 group
refused "until the sticky bit is taken away" 1 "chmod go-w" "$RAWCACHE" stat --cache group
works "format without --shared takes it away" 0 "^uuid" \
	sh -c 'chmod 1600 group && "$0" format --yes --size 16M group && test ! -k group' "$RAWCACHE"

# --- what an image leaves behind when it is replaced

"$RAWCACHE" format --size 16M again >/dev/null
"$RAWCACHE" stat --cache again >/dev/null
segment=$RAWCACHE_RUNTIME_DIR/$("$RAWCACHE" info --cache again | sed -n 's/^runtime segment *//p')
[ -e "$segment" ]
ok $? "an image has a runtime segment"
"$RAWCACHE" format --yes again >/dev/null
[ ! -e "$segment" ]
ok $? "which goes when the image is made anew"

# --- other users

if [ "$(id -u)" = 0 ] && as_nobody true 2>/dev/null; then
	chmod 755 "$work" && cp "$image" others
	chmod 600 others
	refused "an image that may not be read" 1 "Permission denied" as_nobody "$RAWCACHE" info --cache others
	chmod 644 others
	works "an image that may only be read" 0 "^hits" as_nobody "$RAWCACHE" stat --cache others
	wanted="no permission to write the image others.*; do it as its owner"
	refused "drop by who may not write" 1 "$wanted" as_nobody "$RAWCACHE" drop --yes --cache others
	refused "drop of a path by who may not write" 1 "$wanted" \
		as_nobody "$RAWCACHE" drop --cache others "$work/data"
	refused "set by who may not write" 1 "$wanted" \
		as_nobody "$RAWCACHE" set --cache others mmap_threshold=auto
	refused "warm by who may not write" 1 "$wanted" \
		as_nobody "$RAWCACHE" warm --cache others "$work/data"
	works "run --stats by who may not write" 3 "^ran" \
		as_nobody "$RAWCACHE" run --stats -p "$work/data" --cache others sh -c 'echo ran; exit 3'
	[ "$(wc -l <err)" = 1 ] &&
		grep -q "nothing is counted, for you may only read the image others; ask its owner" err
	ok $? "tells in one line that nothing can be counted"
	chown 1 others
	refused "an image of another user" 1 "another user.*RAWCACHE_SHARED" \
		as_nobody "$RAWCACHE" stat --cache others
	chmod 1666 others
	refused "though he marked it as shared" 1 "RAWCACHE_SHARED" as_nobody "$RAWCACHE" stat --cache others
	chmod 777 runtime
	(umask 0; exec "$RAWCACHE" format --shared --size 16M everybody) >/dev/null
	works "but not when root did" 0 "^hits" as_nobody "$RAWCACHE" stat --cache everybody
	works "for everybody together" 0 "^hits" "$RAWCACHE" stat --cache everybody
	refused "a cache directory that cannot be made" 1 "cannot make the directory" \
		as_nobody env -u XDG_CACHE_HOME "$RAWCACHE" run --path "$work/data" true
	chmod 700 "$work"
else
	skip "images of other users" "needs root and setpriv"
fi
done_testing
