#!/bin/bash
# SPDX-License-Identifier: MIT
# git below the cache, with commits, repacks and readers at the same time.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/suite_programs.inc"

need git
suite_project
suite_origin
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
suite_verified 100
done_testing
