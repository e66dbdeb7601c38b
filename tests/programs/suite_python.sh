#!/bin/bash
# SPDX-License-Identifier: MIT
# CPython's own regression tests with their files in a cached directory: each module runs without
# the shim and with it, and every test that passed without it must pass with it.
# usage: suite_python.sh [MODULE]...; RAWCACHE_TESTS_FULL=1: many more modules
. "$(dirname "$0")/../lib.sh"
python=/usr/bin/python3.11
[ -x $python ] || skip_all "$python is not installed"
$python -c 'import test.test_mmap' 2>/dev/null || skip_all "libpython3.11-testsuite is not installed"

short="test_os test_io test_file test_fileio test_bufio test_largefile test_mmap test_posix
	test_shutil test_tempfile test_pathlib test_zipfile test_tarfile test_gzip test_bz2 test_lzma
	test_mailbox test_shelve test_dbm test_popen test_fcntl test_select test_pickle"
long="test_subprocess test_socket test_threading test_signal test_multiprocessing_fork
	test_multiprocessing_forkserver test_multiprocessing_spawn test_concurrent_futures test_asyncio
	test_asyncore test_cmd_line test_cmd_line_script test_codecs test_compileall test_csv
	test_dbm_dumb test_dbm_gnu test_dbm_ndbm test_eintr test_epoll test_faulthandler
	test_filecmp test_fileinput test_fork1 test_ftplib test_genericpath test_glob test_httpservers
	test_import test_ioctl test_linecache test_logging test_memoryio test_plistlib test_poll
	test_posixpath test_pty test_py_compile test_runpy test_selectors test_socketserver test_ssl
	test_stat test_tracemalloc test_unicode_file test_univnewlines test_venv test_wait3
	test_wait4 test_zipimport"
# waits for ever where the hypervisor offers AF_VSOCK but nobody answers
ignored='*ThreadedVSOCK*'
modules=${*:-$short${RAWCACHE_TESTS_FULL:+ $long}}

mkdir "$scratch/native" "$scratch/shim"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/shim
"$RAWCACHE" format --size 1G "$IMAGE" >/dev/null || exit 1

. "$(dirname "$0")/suite_python.inc"

for module in $modules; do
	run_module "$module"
	count=$(grep -o '<testcase' "$scratch/native.xml" 2>/dev/null | wc -l)
	[ "$count" -gt 0 ] || echo "# $module: no results without the shim: $(tail -1 "$scratch/native.log")"
	run_again "$module"
	if [ -s "$scratch/lost" ]; then
		sed 's/^/# /' "$scratch/lost" | head -40
		tail -60 "$scratch/shim.log" | sed 's/^/# /'
	fi
	[ ! -s "$scratch/lost" ]
	ok $? "$module: what passes without the shim passes with it ($count tests)"
done
at_least "$(counter hits)" 100 "reads were hits"
is "$(counter verify_failed)" 0 "no checksum failed"
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
done_testing
