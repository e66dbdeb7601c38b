#!/bin/bash
# SPDX-License-Identifier: MIT
# What share of the bytes that a program reads comes from the cache the second time; its output is what it is without. The
# table has a line for each: name, program that must be there, percent at least, command. @ is the directory; programs
# that are not installed are named. Full (RAWCACHE_TESTS_FULL=1) or not, all lines are run.
. "$(dirname "$0")/../lib.sh"
need python3
need_origin
mkdir -p "$scratch/back" "$scratch/bin"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mount
"$RAWCACHE" format --size 256M "$IMAGE" >/dev/null || exit 1
export RAWCACHE_SETTLE=0

table='
cat            cat       100  cat @/data
sha256sum      sha256sum 100  sha256sum @/data
cp             cp        100  cp @/data /dev/stdout
xz             xz        100  xz -dc @/data.xz
tar            tar       100  tar cf - -C @ data
grep           grep      100  grep -c @/data -e a
python-r+b     python3   100  python3 -c "print(len(open(\"@/data\",\"r+b\").read()))"
python-sqlite  python3   95   python3 -c "import sqlite3;print(sqlite3.connect(\"@/db\").execute(\"select sum(length(v)) from t\").fetchone())"
python-wal     python3   95   python3 -c "import sqlite3;print(sqlite3.connect(\"@/wal\").execute(\"select sum(length(v)) from t\").fetchone())"
sqlite3        sqlite3   95   sqlite3 @/db "select sum(length(v)) from t"
gfortran       gfortran  95   fortran @/data
java           javac     95   java -Xshare:auto -cp classes Raf @/data
node           node      100  node -e "const f=require(\"fs\"),d=f.openSync(\"@/data\",\"r+\");console.log(f.readSync(d,Buffer.alloc(1<<23),0,1<<23,0))"
perl-+<        perl      100  perl -e "open(F,\"+<\",\"@/data\");binmode F;print sysread(F,\$b,1<<23)"
'

# --- what they read
head -c 8388608 /dev/urandom >"$scratch/back/data"
xz -0k "$scratch/back/data"
python3 - "$scratch/back" <<'PY'
import os, sqlite3, sys
for name, mode in (("db", "delete"), ("wal", "wal")):
    c = sqlite3.connect(sys.argv[1] + "/" + name)
    c.execute("pragma journal_mode=" + mode)
    c.execute("create table t (v)")
    c.executemany("insert into t values (?)", [(os.urandom(1000),) for _ in range(6000)])
    c.commit()
    c.close()
PY
if command -v gfortran >/dev/null; then
	cat >"$scratch/read.f90" <<'F'
program reads
  character(len=512) :: name
  integer(8) :: buffer(8192)
  integer :: i
  integer(8) :: sum
  call get_command_argument(1, name)
  open (10, file=trim(name), access='stream', form='unformatted', status='old')
  sum = 0
  do i = 1, 128
    read (10) buffer
    sum = ieor(sum, buffer(i))
  end do
  print *, sum
end program
F
	gfortran -o "$scratch/bin/fortran" "$scratch/read.f90"
fi
if command -v javac >/dev/null; then
	cat >"$scratch/Raf.java" <<'J'
public class Raf {
	public static void main(String[] a) throws Exception {
		try (java.io.RandomAccessFile f = new java.io.RandomAccessFile(a[0], "rw")) {
			byte[] b = new byte[65536];
			long n = 0, sum = 0;
			for (int k; (k = f.read(b)) > 0; n += k)
				sum += b[0];
			System.out.println(n + " " + sum);
		}
	}
}
J
	javac -d "$scratch/classes" "$scratch/Raf.java"
fi
PATH=$scratch/bin:$PATH
cd "$scratch" || exit 1
sleep 0.1

# reads HOW OUTPUT COMMAND: bytes that the origin gave
reads() {
	origin_mount "$scratch/back" "$scratch/mount" >/dev/null || exit 1
	"$1" bash -c "exec $3" >"$2" 2>"$scratch/err" || sed 's/^/# /' "$scratch/err" >&2
	origin_stat "$scratch/mount" read_bytes
	origin_umount "$scratch/mount"
}

while read -r name program percent command; do
	[ -n "$name" ] || continue
	if ! command -v "$program" >/dev/null; then
		echo "# $name: $program is not installed"
		continue
	fi
	command=${command//@/$scratch/mount}
	alone=$(reads env "$scratch/plain" "$command")
	reads cached "$scratch/first" "$command" >/dev/null
	second=$(reads cached "$scratch/second" "$command")
	is "$(cat "$scratch/first" "$scratch/second" | sha256sum)" \
		"$(cat "$scratch/plain" "$scratch/plain" | sha256sum)" "$name: the output is the same"
	share=$((alone ? 100 - second * 100 / alone : 0))
	at_least $share "$percent" "$name: $share % of $alone bytes from the cache"
done <<<"$table"
done_testing
