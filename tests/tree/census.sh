#!/bin/bash
# SPDX-License-Identifier: MIT
# The census: every function of libc that concerns files is hooked or needs no hook for a reason
# that is written down, first by libc's own list and then by what real programs call.
#
#	src/cli/libc_tbl.h		needs a hook
#	tests/tree/census_allowed.txt	concerns files, needs none, because
#	tests/tree/census_other.txt		does not concern files
#
# A name that is nowhere fails, so a new glibc cannot bring a function that nobody looked at.
. "$(dirname "$0")/../lib.sh"
need nm ldd
here=$TOP_SRCDIR/tests/tree
cd "$scratch" || exit 99

libc=$(ldd /bin/sh | sed -n 's/.*=> \(.*libc\.so[^ ]*\) .*/\1/p')
[ -n "$libc" ] || skip_all "the C library is not found"

# exports FILE: functions that programs can link with
exports() {
	nm -D --defined-only "$1" | awk '$2 ~ /^[TWi]$/ && $3 !~ /GLIBC_PRIVATE/ {
		sub(/@.*/, "", $3); print $3 }' | sort -u
}

sed -n 's/^LIBC(\(.*\))/\1/p' "$TOP_SRCDIR/src/cli/libc_tbl.h" | sort >hook
sed -n '/^#/d; s/ .*//p' "$here/census_allowed.txt" | sort >allowed
grep -v '^#' "$here/census_other.txt" | sort >other
exports "$RAWCACHE_PRELOAD" >table
exports "$libc" >libc

# --- the lists

bad=$(sort hook allowed other | uniq -d)
[ -z "$bad" ] || echo "# $bad"
[ -z "$bad" ]
ok $? "no function is in two lists"
bad=$(sed -n '/^#/d; /^[^ ]* ./!p' "$here/census_allowed.txt")
[ -z "$bad" ] || echo "# $bad"
[ -z "$bad" ]
ok $? "everything allowed has a reason"

# --- all of libc

at_least "$(wc -l <libc)" 1000 "the C library's functions were found"
sort -u hook allowed other >known
if [ "$(uname -m)" = x86_64 ]; then
	bad=$(comm -23 libc known)
	[ -z "$bad" ] || echo "$bad" | sed 's/^/# nowhere: /'
	[ -z "$bad" ]
	ok $? "every function of the C library was looked at"
fi
missing=$(comm -23 hook table)
[ -z "$missing" ] || echo "$missing" | sed 's/^/# not hooked: /'
[ -z "$missing" ]
ok $? "every function that needs a hook has one"

# --- programs and their libraries

# objects PROGRAM: it and its libraries, without libc's own
objects() {
	echo "$1"
	ldd "$1" 2>/dev/null | sed -n 's/^[^/]*\(\/[^ ]*\) (.*/\1/p' |
		grep -vE '/(libc|ld-linux[^/]*|libm|libpthread|libdl|librt|libresolv|libutil|libnss_[^/]*|libanl)\.so'
}

# census NAME PROGRAM...: what they and their libraries call
census() {
	name=$1
	shift
	for program in "$@"; do
		objects "$program"
	done | sort -u >objects
	while read -r object; do
		nm -D --undefined-only "$object" 2>/dev/null
	done <objects | awk '{ sub(/@.*/, "", $2); print $2 }' | sort -u | comm -12 - libc >calls
	bad=$(comm -23 calls known
		comm -12 calls hook | comm -23 - table)
	[ -z "$bad" ] || echo "$bad" | sed 's/^/# /'
	echo "# $name: $(wc -l <objects) objects, $(comm -12 calls hook | wc -l) hooked functions"
	[ -s calls ] && [ -z "$bad" ]
	ok $? "$name calls no function that needs a hook and has none"
}

for name in nginx lighttpd apache2 python3 git node perl java cc1 ld tar gzip ls curl rsync sqlite3 \
	bash ssh ffmpeg php ruby; do
	case $name in
	cc1) program=$(${CC:-cc} -print-prog-name=cc1) ;;
	*) program=$(PATH=$PATH:/usr/sbin:/sbin command -v $name) ;;
	esac
	program=$(readlink -f "$program" 2>/dev/null)
	[ -x "$program" ] || { echo "# $name is not installed"; continue; }
	case $name in
	java) set -- "$program" "$(dirname "$program")"/../lib/*.so "$(dirname "$program")"/../lib/server/*.so ;;
	lighttpd) set -- "$program" /usr/lib/lighttpd/*.so ;;
	apache2) set -- "$program" /usr/lib/apache2/modules/*.so ;;
	nginx) set -- "$program" /usr/lib/nginx/modules/*.so ;;
	python3) set -- "$program" /usr/lib/python3*/lib-dynload/*.so ;;
	perl) set -- "$program" $(find /usr/lib/*/perl-base -name '*.so') ;;
	ls) set -- $(dpkg -L coreutils 2>/dev/null | grep '/bin/') && name=coreutils ;;
	git) set -- "$program" "$(git --exec-path)"/git-remote-http ;;
	*) set -- "$program" ;;
	esac
	census "$name" $(for file in "$@"; do [ ! -f "$file" ] || echo "$file"; done)
done
done_testing
