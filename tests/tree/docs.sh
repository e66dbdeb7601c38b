#!/bin/bash
# SPDX-License-Identifier: MIT
# Every command in the documents is run: each page from its top to its end by one shell, in a world where
# /mnt/nfs is a small slow origin and /mnt/ssd an empty disk. Links between pages lead somewhere.
#
# ```sh                 a block that must succeed
# ```sh status=N        its last command's status is N
# ```sh needs=PROGRAM   skipped where that is not installed
# ```sh not-run         not run, which the text says
# ```conf               what stands in a file of somebody else's
# ```text               behind a block: what that printed; the first word of each line is looked for in it
#
# DOCS_KEEP=DIRECTORY keeps what the blocks printed, to be put into the pages.
. "$(dirname "$0")/../lib.sh"
need unshare python3 make gcc ip
need_origin
[ "$(id -u)" -eq 0 ] || skip_all "only root can mount"
unshare --mount --pid --fork true 2>/dev/null || skip_all "no namespaces here"
cd "$scratch" || exit 1
pages=$(cd "$TOP_SRCDIR" && ls README.md docs/*.md docs/*/*.md)

# --- the world, made once

mkdir -p store/train store/models store/web store/src store/bucket work home
for i in 0 1 2 3; do head -c 3000000 /dev/urandom >store/train/part-$i; done
head -c 12000000 /dev/urandom >store/models/weights.bin
head -c 40000 /dev/urandom | base64 >store/web/page.html
cp -r store/train store/bucket/ && tar -C store -cf store/bucket/set.tar train && rm -r store/bucket/train
for i in 1 2 3 4; do
	printf '#include "all.h"\nint f%s(void) { return N; }\n' $i >store/src/f$i.c
done
awk 'BEGIN { print "#define N 1"; for (i = 0; i < 3000; i++) print "#define C" i, i }' >store/src/all.h
cat >store/src/Makefile <<'MAKE'
$(OUT)/lib.a: $(patsubst %.c,$(OUT)/%.o,$(wildcard *.c))
	ar cr $@ $^
$(OUT)/%.o: %.c
	mkdir -p $(OUT) && gcc -c -o $@ $<
MAKE
cp "$TOP_SRCDIR/tests/tree/docs_train.py" work/train.py
cp "$TOP_SRCDIR/tests/tree/docs_serve.py" work/serve.py
cat >work/nginx.conf <<'NGINX'
pid /mnt/work/nginx.pid;
error_log /mnt/work/error.log;
events { }
http {
	access_log off;
	client_body_temp_path /mnt/work/tmp;
	proxy_temp_path /mnt/work/tmp;
	fastcgi_temp_path /mnt/work/tmp;
	uwsgi_temp_path /mnt/work/tmp;
	scgi_temp_path /mnt/work/tmp;
	server { listen 127.0.0.1:8080; root /mnt/nfs/web; sendfile on; }
}
NGINX
age store

# --- blocks

# blocks PAGE DIRECTORY: N.sh, N.how (what stands behind ```sh), N.text
blocks() {
	mkdir -p "$2"
	awk -v dir="$2" '
		/^```/ && inside { inside = ""; next }
		/^```sh/ { n++; inside = dir "/" n ".sh"; print substr($0, 7) >(dir "/" n ".how"); next }
		/^```text/ { inside = dir "/" n ".text"; next }
		/^```/ { inside = "/dev/null"; next }
		inside { print >inside }' "$1"
}
# world DIRECTORY: what a page meets; its mounts and processes end with it
world() {
	set -e
	mount --make-rprivate /
	mount -t tmpfs -o size=1g none /dev/shm
	mkdir mnt
	mount -t tmpfs -o size=2g none mnt
	mkdir mnt/nfs mnt/ssd mnt/bucket mnt/tmp mnt/store
	cp -r work home mnt/
	mount --bind store mnt/store # a copy would have changed just now
	mount --move mnt /mnt
	# a tier that is not much faster than its origin is not asked
	case $1 in *tier.md) latency=30 ;; *) latency=1 ;; esac
	"$ORIGIN" --latency=$latency /mnt/store /mnt/nfs
	ip link set lo up
	for n in 1 2; do ip address add 10.0.0.$n/32 dev lo; done
	printf '127.0.0.1 localhost\n10.0.0.1 cache1\n10.0.0.2 cache2\n' >/mnt/hosts
	mount --bind /mnt/hosts /etc/hosts
	export HOME=/mnt/home TMPDIR=/mnt/tmp EXAMPLES=$TOP_SRCDIR/examples PATH=$TOP_BUILDDIR:$PATH
	unset RAWCACHE ORIGIN
	cd /mnt/work
}
# page_run DIRECTORY: run its blocks in one shell; N.out and N.status
page_run() {
	world "$1"
	set +e -E
	trap 'failed=$((failed + 1))' ERR
	for script in $(find "$1" -name '*.sh' | sort -V); do
		how=$(cat "${script%.sh}.how")
		missing=
		case $how in
		*not-run*) continue ;;
		*needs=*) command -v "${how##*needs=}" >/dev/null || missing=1 ;;
		esac
		[ -z "$missing" ] || continue
		# in this shell: variables and background programs stay
		failed=0
		# shellcheck source=/dev/null
		. "$script" >"${script%.sh}.out" 2>&1 </dev/null
		status=$?
		case $how in *status=*) ;; *) [ $failed = 0 ] || status="$failed commands failed" ;; esac
		echo "$status" >"${script%.sh}.status"
	done
	kill $(jobs -p) 2>/dev/null
	fusermount3 -u -z /mnt/nfs
}
export -f world page_run
export scratch ORIGIN TOP_BUILDDIR TOP_SRCDIR RAWCACHE_PRELOAD

# block_judge DIRECTORY N PAGE
block_judge() {
	read -r judge_how <"$1/$2.how"
	judge_name="$3, block $2: $(grep -m1 . "$1/$2.sh" | cut -c1-60)"
	case $judge_how in
	*not-run*)
		grep -B12 -F "$(head -1 "$1/$2.sh")" "$TOP_SRCDIR/$3" >"$scratch/near"
		grep -A8 -F "$(tail -1 "$1/$2.sh")" "$TOP_SRCDIR/$3" >>"$scratch/near"
		grep -q "not run" "$scratch/near"
		ok $? "$judge_name: the text says that it was not run"
		return
		;;
	*needs=*) [ -e "$1/$2.status" ] || { ok 0 "$judge_name # SKIP needs ${judge_how##*needs=}"; return; } ;;
	esac
	judge_wanted=0
	case $judge_how in *status=*) judge_wanted=${judge_how##*status=} ;; esac
	judge_got=$(cat "$1/$2.status" 2>/dev/null)
	[ "$judge_got" = "$judge_wanted" ] || sed 's/^/# /' "$1/$2.out"
	is "$judge_got" "$judge_wanted" "$judge_name"
	[ -e "$1/$2.text" ] || return
	awk '$1 ~ /^[A-Za-z_]+:?$/ { print $1 }' "$1/$2.text" | sort -u >"$scratch/words"
	judge_bad=$(while read -r word; do grep -qwF "$word" "$1/$2.out" || echo "$word"; done <"$scratch/words")
	[ -z "$judge_bad" ] || sed 's/^/# /' "$1/$2.out"
	is "$judge_bad" "" "$judge_name: it prints what the page shows"
}

for page in $pages; do
	dir=$scratch/blocks/$page
	blocks "$TOP_SRCDIR/$page" "$dir"
	rm -rf "${scratch:?}/mnt"
	[ ! -e "$dir/1.sh" ] || timeout 300 unshare --mount --pid --net --fork --kill-child --mount-proc \
		bash -c "cd '$scratch' && page_run '$dir'" </dev/null
	for n in $(cd "$dir" && ls | sed -n 's/\.sh$//p' | sort -n); do block_judge "$dir" "$n" "$page"; done
done
[ -z "${DOCS_KEEP:-}" ] || cp -r "$scratch/blocks/." "$DOCS_KEEP"

# --- commands that are in no block that is run

# $ in front: scripts/walk prints docs/walk.md, and has each of its commands
grep -h '^    \$ ' "$TOP_SRCDIR/docs/walk.md" | sed 's/^    \$ //; s/ &$//' >walked
tr -d '\\' <"$TOP_SRCDIR/scripts/walk" >walk
bad=$(while IFS= read -r line; do grep -qF -- "$line" walk || echo "$line"; done <walked)
is "$bad" "" "the commands of docs/walk.md are those of scripts/walk"
at_least "$(wc -l <walked)" 6 "which are there"
# else none stands outside of a block, but scripts/... of this tree, which say themselves what they did
bad=$(cd "$TOP_SRCDIR" && for page in $pages; do
	awk -v page="$page" '/^```/ { inside = !inside } /^    (\$|# apt)/ { shown = 1 } /^$/ { shown = 0 }
		!inside && !shown && $0 ~ "^    ((sudo|export|cd|head|env|LD_PRELOAD=[^ ]*|RAWCACHE_[A-Z]*=[^ ]*) |" \
			"rawcache [a-z]|memcached|nginx|curl|apt)" {
			print page ": " $0 }' "$page"
done)
is "$bad" "" "no command stands outside of a block that is run"

# --- commands in lines of the text: each and its options exist

"$RAWCACHE" help --table options >options
(cd "$TOP_SRCDIR" && for page in $pages NEWS; do
	tr '\n' ' ' <"$page" | grep -oE '`rawcache [a-z]+[^`]*`' | tr -d '`' | tr -s ' ' | sed "s|^|$page |"
done) >inline
bad=$(while read -r page _ command rest; do
	grep -q "^$command " options || { echo "$page: rawcache $command"; continue; }
	for word in ${rest%% -- *}; do
		case $word in
		--) break ;;
		--[a-z]*) grep -qx -e "$command $(echo "$word" | grep -oE '^--[a-z-]+')" options ||
			echo "$page: rawcache $command $rest" ;;
		esac
	done
done <inline)
is "$bad" "" "commands that the text names, and their options, exist"
at_least "$(wc -l <inline)" 100 "there are such"

# --- links

(cd "$TOP_SRCDIR" && grep -oE '\]\([^)#]+' $pages docs/*.md | sort -u) >links
bad=
while IFS= read -r line; do
	from=${line%%:*} to=${line#*](}
	case $to in *://*) continue ;; esac
	[ -e "$TOP_SRCDIR/$(dirname "$from")/$to" ] || bad="$bad $from->$to"
done <links
is "$bad" "" "links lead to files"
bad=$(cd "$TOP_SRCDIR" && for page in docs/*.md docs/quickstart/*.md; do
	grep -qF "$page" docs/Makefile.inc || echo "$page"
done)
is "$bad" "" "all pages are in the tarball"
at_most "$(wc -l <"$TOP_SRCDIR/README.md")" 70 "the README is short"
done_testing
