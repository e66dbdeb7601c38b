#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache export --listen unix:PATH: the socket is taken from who is dead, and from nobody else.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/export.inc"

need_server
serve "unix:$scratch/export.sock"
curl -sS --unix-socket export.sock http://x/metrics | grep -qx "rawcache_up 1"
ok $? "it serves on a unix socket"
"$RAWCACHE" export --cache "$IMAGE" --listen "unix:$scratch/export.sock" 2>err
[ $? = 1 ] && grep -q "somebody listens there" err
ok $? "which another one does not take"
kill -9 "$server"
wait "$server" 2>/dev/null
serve "unix:$scratch/export.sock"
curl -sS --unix-socket export.sock http://x/metrics | grep -qx "rawcache_up 1"
ok $? "unless it is dead"
kill -TERM "$server"
wait "$server"
check "it takes its socket away" test ! -e export.sock
done_testing
