#!/bin/bash
# SPDX-License-Identifier: MIT
# The examples for services, jobs and clusters, as far as one machine without them can tell.
. "$(dirname "$0")/../lib.sh"
examples=$TOP_SRCDIR/examples
cd "$scratch" || exit 99
export RAWCACHE_RUNTIME_DIR=$scratch/runtime
mkdir runtime bin data
ln -s "$RAWCACHE" bin/rawcache
PATH=$scratch/bin:$PATH

# --- systemd: a service as Debian's packages have it, with the drop-in

if command -v systemd-analyze >/dev/null; then
	mkdir -p units
	cat >units/nginx.service <<-'UNIT'
		[Unit]
		Description=a web server
		[Service]
		Type=simple
		ExecStart=/bin/sh -c 'exec sleep 1'
		ProtectSystem=strict
		PrivateDevices=yes
	UNIT
	cp -r "$examples/systemd/nginx.service.d" units
	SYSTEMD_UNIT_PATH=$scratch/units: systemd-analyze verify --recursive-errors=no \
		"$scratch/units/nginx.service" >out 2>&1
	is "$(cat out)" "" "systemd-analyze verify has nothing to say"
	echo 'SystemCallFilters=@system-service' >>units/nginx.service.d/rawcache.conf
	SYSTEMD_UNIT_PATH=$scratch/units: systemd-analyze verify --recursive-errors=no \
		"$scratch/units/nginx.service" >out 2>&1
	grep -q SystemCallFilters out
	ok $? "and reads the drop-in"
	# what the unit does first, without systemd
	start=$(sed -n "s/^ExecStartPre=-.bin.sh -c '\(.*\)'/\1/p" "$examples/systemd/nginx.service.d/rawcache.conf" |
		sed 's/10G/16M/')
	RAWCACHE_DEVICE=$scratch/nginx.img check "its first command makes the image" sh -c "$start"
	check "which is one" "$RAWCACHE" info --cache nginx.img
	RAWCACHE_DEVICE=$scratch/nginx.img check "and leaves it alone the next time" sh -c "$start"
else
	ok 0 "systemd # SKIP systemd-analyze is not installed"
fi

# --- Slurm: its variables, and stand-ins for what only a node has

cat >bin/logger <<'E2'
#!/bin/sh
cat >>logged
E2
printf '#!/bin/sh\n' >bin/squeue
chmod +x bin/logger bin/squeue
if [ "$(id -u)" = 0 ]; then
	export SLURM_JOB_USER=root SLURM_JOB_ID=7 RAWCACHE_NODE_DIR=$scratch/node RAWCACHE_NODE_SIZE=16M
	check "the Prolog" "$examples/slurm/prolog.sh"
	check "makes an image" "$RAWCACHE" info --cache node/root/cache.img
	is "$(stat -c %a node/root)" 700 "that is the user's alone"
	check "once" "$examples/slurm/prolog.sh"
	is "$("$examples/slurm/taskprolog.sh")" "" "a task that names no directory gets nothing"
	RAWCACHE_PATHS=$scratch/data "$examples/slurm/taskprolog.sh" >out
	is "$(head -n 1 out)" "export RAWCACHE_DEVICE=$scratch/node/root/cache.img" "one that does gets the image"
	grep -qxF 'export LD_PRELOAD=/usr/$LIB/rawcache/librawcache-preload.so' out
	ok $? "and the object"
	check "the Epilog" "$examples/slurm/epilog.sh"
	grep -q "^hits " logged
	ok $? "tells what the cache did"
	RAWCACHE_NODE_KEEP=0 check "the last Epilog" "$examples/slurm/epilog.sh"
	check "takes the image away" test ! -e node/root/cache.img
	RAWCACHE_NODE_SIZE=1T check "a Prolog that finds no room lets the job run" "$examples/slurm/prolog.sh"
else
	ok 0 "Slurm # SKIP only root can be the daemon"
fi

# --- files that only other machines can run: that they are well-formed

if python3 -c 'import yaml' 2>/dev/null; then
	for file in container/compose.yaml kubernetes/rawcache.yaml; do
		check "$file is YAML" \
			python3 -c 'import sys, yaml; list(yaml.safe_load_all(open(sys.argv[1])))' "$examples/$file"
	done
else
	ok 0 "YAML # SKIP python3-yaml is not installed"
fi
"$RAWCACHE" help --table variables | sed -n 's/^\.B \(RAWCACHE_[A-Z_]*\).*/\1/p' | sort >known
printf 'RAWCACHE_NODE_%s\n' DIR SIZE KEEP >>known
grep -rhoE --exclude='*.c' 'RAWCACHE_[A-Z_]+' "$examples" | sort -u | grep -vxF -f known >unknown
is "$(cat unknown)" "" "they name no variable that there is not"
done_testing
