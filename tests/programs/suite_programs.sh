#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs at work on the slow origin, below the cache: a C project is configured and built from
# sources there, with the same results as without the shim; git while others write; interpreters.
. "$(dirname "$0")/../lib.sh"
need git gcc make python3
need_origin
mkdir -p "$scratch/store/project"
(cd "$TOP_SRCDIR" && tar -cf - --exclude=./build --exclude=./.git --exclude=./config.status \
	--exclude=./Makefile --exclude=./config.h --exclude=.libs --exclude='*.o' --exclude='*.lo' .) |
	tar -C "$scratch/store/project" -xf -
head -c 3000000 /dev/urandom >"$scratch/store/random.bin"
seq 1 100000 >"$scratch/store/numbers"
age "$scratch/store"
origin_mount "$scratch/store" "$scratch/mnt" --latency=0.2 --bandwidth=500M ||
	skip_all "the origin cannot be mounted"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mnt
"$RAWCACHE" format --size 512M "$IMAGE" >/dev/null || exit 1
m=$scratch/mnt
export RAWCACHE_SETTLE=0
below=("$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" --)

# --- a build. The same directory each time, because objects hold its name.
what=librawcache-preload.la
[ -z "${RAWCACHE_TESTS_FULL:-}" ] || what=all

# build NAME [COMMAND]...
build() {
	name=$1
	shift
	rm -rf "$scratch/work"
	mkdir "$scratch/work"
	(cd "$scratch/work" && "$@" "$m/project/configure" --disable-dependency-tracking -q &&
		"$@" make -s -j2 $what) >"$scratch/$name.log" 2>&1
	status=$?
	[ $status -eq 0 ] || tail -20 "$scratch/$name.log"
	(cd "$scratch/work" && find . -name '*.o' -o -name '*.so' -o -name '*.a' -o -name config.h |
		sort | xargs sha256sum) >"$scratch/$name.sums"
	return $status
}

if [ ! -x "$scratch/store/project/configure" ]; then
	echo "# a build: not run: no configure script in the source directory"
elif ! build native >/dev/null; then
	echo "# a build: not run: it fails without the shim: $(tail -1 "$scratch/native.log")"
else
	for round in first ${RAWCACHE_TESTS_FULL:+second}; do
		check "a build of $(grep -c '\.o$' "$scratch/native.sums") objects: succeeds the $round time" \
			build shim "${below[@]}"
		check "a build: the same files as without the shim" \
			diff "$scratch/native.sums" "$scratch/shim.sums"
	done
fi

# --- git, with commits, repacks and readers at the same time
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t \
	GIT_COMMITTER_EMAIL=t@t
commits=15
[ -z "${RAWCACHE_TESTS_FULL:-}" ] || commits=100

git_make() {
	"${below[@]}" git -c init.defaultBranch=main init -q "$m/repo" &&
		cp -r "$m/project/src" "$m/repo/src" &&
		"${below[@]}" git -C "$m/repo" add . && "${below[@]}" git -C "$m/repo" commit -qm start
}

git_write() {
	for i in $(seq $commits); do
		echo "line $i" >>"$m/repo/src/grows"
		echo "$i" >"$m/repo/src/replaced.new" && mv "$m/repo/src/replaced.new" "$m/repo/src/replaced"
		printf '%s' "$i" | dd of="$m/repo/src/overwritten" conv=notrunc status=none
		"${below[@]}" git -C "$m/repo" add . &&
			"${below[@]}" git -C "$m/repo" commit -qm "commit $i" || return
		[ $((i % 7)) -ne 0 ] || "${below[@]}" git -C "$m/repo" gc -q || return
	done
}

# A clone while commits are made is whole, whichever commit it is of. (A status that takes the lock
# of the index makes the other side fail, with the shim or without.) (Not a local one: that copies
# files, and fails when a repack removes one, without the shim too.)
git_read() {
	while [ ! -e "$scratch/written" ]; do
		rm -rf "$scratch/clone"
		"${below[@]}" git clone -q --no-local "$m/repo" "$scratch/clone" &&
			git -C "$scratch/clone" fsck --full --strict --no-progress || return
		"${below[@]}" git -C "$m/repo" log -p >"$scratch/log" || return
		"${below[@]}" git --no-optional-locks -C "$m/repo" status --short >/dev/null || return
	done
}

git_both() {
	(git_write; status=$?; touch "$scratch/written"; exit $status) &
	git_writer=$!
	git_read
	git_status=$?
	wait $git_writer && [ $git_status -eq 0 ]
}

check "git: init, add, commit" git_make
check "git: clones, logs and states while others commit and repack" git_both
check "git: the repository is whole" git -C "$m/repo" -c safe.directory='*' fsck --full --strict --no-progress
is "$(cd "$m/repo" && "${below[@]}" git -c safe.directory='*' ls-files -s | sha256sum)" \
	"$(cd "$scratch/store/repo" && git -c safe.directory='*' ls-files -s | sha256sum)" \
	"git: the same index through the cache as below the origin"
is "$("${below[@]}" git -C "$m/repo" log -p | sha256sum)" "$(git -C "$scratch/store/repo" log -p | sha256sum)" \
	"git: the same history"
is "$("${below[@]}" git -C "$m/repo" status --short)" "" "git: nothing is changed"

# --- interpreters read files, each in several ways
sum=$(sha256sum <"$scratch/store/random.bin" | cut -d' ' -f1)
total=5000050000

interpreter() {
	name=$1
	shift
	for round in first second; do
		is "$("${below[@]}" "$@" "$m" 2>"$scratch/interpreter.err")" "$sum $sum $total" "$name, $round time"
	done
}

if command -v perl >/dev/null; then
	interpreter perl perl -MDigest::SHA -e '
		my $d = shift;
		open(my $f, "<:raw", "$d/random.bin") or die; local $/ = undef; my $all = <$f>;
		sysopen(my $g, "$d/random.bin", 0) or die; my $sha = Digest::SHA->new(256);
		while (sysread($g, my $buf, 7919)) { $sha->add($buf) }
		$/ = "\n"; open(my $n, "<", "$d/numbers") or die; my $t = 0; $t += $_ while <$n>;
		print Digest::SHA::sha256_hex($all), " ", $sha->hexdigest, " $t\n"'
else
	echo "# perl: not run: not installed"
fi
if command -v node >/dev/null; then
	interpreter node node -e '
		const fs = require("fs"), crypto = require("crypto"), d = process.argv[1];
		const hex = b => crypto.createHash("sha256").update(b).digest("hex");
		const h = crypto.createHash("sha256");
		const total = fs.readFileSync(d + "/numbers", "utf8").trim().split("\n").reduce((a, b) => a + +b, 0);
		fs.createReadStream(d + "/random.bin", { highWaterMark: 10007 }).on("data", b => h.update(b))
			.on("end", () => console.log(hex(fs.readFileSync(d + "/random.bin")), h.digest("hex"), total));'
else
	echo "# node: not run: not installed"
fi
if command -v java >/dev/null && command -v javac >/dev/null; then
	mkdir "$scratch/java"
	cat >"$scratch/java/Reader.java" <<-'JAVA'
		import java.io.*;
		import java.nio.*;
		import java.nio.channels.*;
		import java.nio.file.*;
		import java.security.*;

		public class Reader {
			static String hex(byte[] b) {
				StringBuilder s = new StringBuilder();
				for (byte x : b)
					s.append(String.format("%02x", x));
				return s.toString();
			}
			public static void main(String[] a) throws Exception {
				Path p = Paths.get(a[0], "random.bin");
				MessageDigest one = MessageDigest.getInstance("SHA-256");
				MessageDigest two = MessageDigest.getInstance("SHA-256");
				one.update(Files.readAllBytes(p));
				try (FileChannel c = FileChannel.open(p)) {
					long half = c.size() / 2;
					two.update(c.map(FileChannel.MapMode.READ_ONLY, 0, half));
					ByteBuffer b = ByteBuffer.allocateDirect(5003);
					for (long at = half; c.read(b, at) > 0; b.clear()) {
						at += b.position();
						b.flip();
						two.update(b);
					}
				}
				long total = 0;
				try (BufferedReader r = new BufferedReader(new FileReader(a[0] + "/numbers"))) {
					for (String s; (s = r.readLine()) != null;)
						total += Long.parseLong(s);
				}
				System.out.println(hex(one.digest()) + " " + hex(two.digest()) + " " + total);
			}
		}
	JAVA
	check "javac" "${below[@]}" javac -d "$scratch/java" "$scratch/java/Reader.java"
	interpreter java java -XX:TieredStopAtLevel=1 -cp "$scratch/java" Reader
else
	echo "# java: not run: not installed"
fi
at_least "$(counter hits)" 1000 "reads were hits"
is "$(counter verify_failed)" 0 "no checksum failed"
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
done_testing
