#!/bin/bash
# SPDX-License-Identifier: MIT
# What bash, zsh and fish complete.
. "$(dirname "$0")/../lib.sh"
cd "$scratch" || exit 99
completions=$TOP_SRCDIR/completions
export XDG_CONFIG_HOME=$scratch/config HOME=$scratch
mkdir -p config/rawcache bin folder
ln -s "$RAWCACHE" bin/rawcache
PATH=$scratch/bin:$PATH
: >config/rawcache/training.conf
: >file.img

# bash_completes WORD...: what bash offers for the last word
bash_completes() {
	bash --norc -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rawcache 2>/dev/null
		printf "%s\n" "${COMPREPLY[@]}"' "$completions/rawcache.bash" "$@" | grep . | sort | tr '\n' ' '
}
is "$(bash_completes rawcache du)" "du " "bash: a command"
is "$(bash_completes rawcache r)" "run " "by its first letter"
is "$(bash_completes rawcache run --pr)" "--profile " "an option"
is "$(bash_completes rawcache run --profile t)" "training " "a profile"
is "$(bash_completes rawcache run --path fo)" "folder " "a directory"
is "$(bash_completes rawcache ls --sort s)" "share size " "one of some words"
is "$(bash_completes rawcache ls --cache = "fi")" "file.img " "a value behind ="
is "$(bash_completes rawcache warm -n "fi")" "file.img " "-n of warm takes no value"
is "$(bash_completes rawcache stat -n 1)" "" "that of stat does"
is "$(bash_completes rawcache help du)" "du " "a command to be explained"
bash_completes rawcache run --path folder -- seq | grep -q '\bseq\b'
ok $? "a program"

if command -v fish >/dev/null; then
	fish_completes() {
		fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$completions/rawcache.fish" "$1" 2>err |
			cut -f1 | tr '\n' ' '
	}
	is "$(fish_completes 'rawcache du')" "du " "fish: a command"
	is "$(fish_completes 'rawcache run --pr')" "--profile " "an option"
	is "$(fish_completes 'rawcache run --profile t')" "training " "a profile"
	is "$(fish_completes 'rawcache ls --sort s')" "share size " "one of some words"
	fish_completes 'rawcache run -- se' | grep -q '\bseq\b'
	ok $? "a program"
	is "$(cat err)" "" "without complaints"
else
	ok 0 "fish # SKIP it is not installed"
fi

if command -v zsh >/dev/null; then
	# zsh completes on a terminal only: one of its own, on which what is wanted appears
	cat >zsh_completes <<-'ZSH'
		zmodload zsh/zpty
		zpty z zsh -f -i
		zpty -w z "PS1= PS2=; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D; setopt no_list_beep"
		zpty -w z "zstyle ':completion:*' list-colors ''; bindkey '^I' complete-word; print read''y"
		zpty -m -r z line '*ready*' >/dev/null
		zpty -w -n z "$2"$'\t'
		zpty -r -m z line "*$3*"
		print -r -- $line
		zpty -d z
	ZSH
	check "zsh: the file is right" zsh -n "$completions/_rawcache"
	for pair in "rawcache r|rawcache run" "rawcache run --pr|rawcache run --profile" \
		"rawcache ls --sort sh|rawcache ls --sort share" \
		"rawcache run --profile t|rawcache run --profile training"; do
		check "it completes ${pair%|*}" \
			timeout 60 zsh -f zsh_completes "$completions" "${pair%|*}" "${pair#*|}"
	done
else
	ok 0 "zsh # SKIP it is not installed"
fi
done_testing
