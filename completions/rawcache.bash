# Made by scripts/gen-man from rawcache.bash.in: change that one.
# SPDX-License-Identifier: MIT
# bash completion for rawcache(1)

declare -gA _rawcache_options=(
	[run]='--path --profile --exclude --frozen --cache --size --stats --report --threshold --ttl --log --tier --help'
	[setup]='--path --cache --size --yes --help'
	[stat]='--cache --profile --json --prometheus --html --list --per-process --bytes --watch --count --help'
	[top]='--cache --profile --interval --help'
	[info]='--cache --profile --json --bytes --help'
	[ls]='--cache --profile --json --bytes --sort --reverse --help'
	[du]='--cache --profile --depth --json --bytes --help'
	[warm]='--cache --profile --tier --jobs --dry-run --json --frozen --help'
	[format]='--size --region --chunk --object --shared --force --yes --profile --json --help'
	[thaw]='--cache --profile --help'
	[verify]='--cache --profile --json --help'
	[drop]='--cache --profile --all --yes --json --help'
	[set]='--cache --profile --help'
	[explain]='--cache --profile --path --exclude --names --json --help'
	[doctor]='--cache --path --profile --json --help'
	[export]='--cache --profile --listen --textfile --interval --help'
	[tier]='--cache --profile --tier --json --help'
	[help]='--help'
)
# what follows an option; those that are not here take no value
declare -gA _rawcache_values=(
	[run:--path]='directory'
	[run:-p]='directory'
	[run:--profile]='profile'
	[run:--exclude]='directory'
	[run:-x]='directory'
	[run:--frozen]='any'
	[run:--cache]='file'
	[run:-c]='file'
	[run:--size]='words 1G 10G 100G'
	[run:-s]='words 1G 10G 100G'
	[run:--report]='file'
	[run:--threshold]='words auto 4K 64K'
	[run:--ttl]='any'
	[run:--log]='file'
	[run:--tier]='any'
	[setup:--path]='directory'
	[setup:-p]='directory'
	[setup:--cache]='file'
	[setup:-c]='file'
	[setup:--size]='words 1G 10G 100G'
	[setup:-s]='words 1G 10G 100G'
	[stat:--cache]='file'
	[stat:-c]='file'
	[stat:--profile]='profile'
	[stat:--html]='file'
	[stat:--watch]='any'
	[stat:--count]='any'
	[stat:-n]='any'
	[top:--cache]='file'
	[top:-c]='file'
	[top:--profile]='profile'
	[top:--interval]='any'
	[top:-i]='any'
	[info:--cache]='file'
	[info:-c]='file'
	[info:--profile]='profile'
	[ls:--cache]='file'
	[ls:-c]='file'
	[ls:--profile]='profile'
	[ls:--sort]='words name cached size share time'
	[ls:-s]='words name cached size share time'
	[du:--cache]='file'
	[du:-c]='file'
	[du:--profile]='profile'
	[du:--depth]='any'
	[du:-d]='any'
	[warm:--cache]='file'
	[warm:-c]='file'
	[warm:--profile]='profile'
	[warm:--tier]='any'
	[warm:--jobs]='any'
	[warm:-j]='any'
	[format:--size]='words 1G 10G 100G'
	[format:-s]='words 1G 10G 100G'
	[format:--region]='words 4M 8M 16M 32M 64M'
	[format:--chunk]='words 64K 128K 256K'
	[format:--object]='any'
	[format:--profile]='profile'
	[thaw:--cache]='file'
	[thaw:-c]='file'
	[thaw:--profile]='profile'
	[verify:--cache]='file'
	[verify:-c]='file'
	[verify:--profile]='profile'
	[drop:--cache]='file'
	[drop:-c]='file'
	[drop:--profile]='profile'
	[set:--cache]='file'
	[set:-c]='file'
	[set:--profile]='profile'
	[explain:--cache]='file'
	[explain:-c]='file'
	[explain:--profile]='profile'
	[explain:--path]='directory'
	[explain:-p]='directory'
	[explain:--exclude]='directory'
	[explain:-x]='directory'
	[doctor:--cache]='file'
	[doctor:-c]='file'
	[doctor:--path]='directory'
	[doctor:-p]='directory'
	[doctor:--profile]='profile'
	[export:--cache]='file'
	[export:-c]='file'
	[export:--profile]='profile'
	[export:--listen]='any'
	[export:-l]='any'
	[export:--textfile]='file'
	[export:-t]='file'
	[export:--interval]='any'
	[export:-i]='any'
	[tier:--cache]='file'
	[tier:-c]='file'
	[tier:--profile]='profile'
	[tier:--tier]='any'
)
declare -gA _rawcache_operands=(
	[run]=program
	[setup]=none
	[stat]=none
	[top]=none
	[info]=none
	[ls]=files
	[du]=files
	[warm]=files
	[format]=files
	[thaw]=files
	[verify]=none
	[drop]=files
	[set]=none
	[explain]=files
	[doctor]=program
	[export]=none
	[tier]=none
	[help]=command
)

_rawcache_program()
{
	local program=$1

	# what stands behind `run` and its options completes as if it stood alone
	if declare -F _comp_command_offset >/dev/null; then
		_comp_command_offset "$program"
	elif declare -F _command_offset >/dev/null; then
		_command_offset "$program"
	else
		mapfile -t COMPREPLY < <(compgen -o bashdefault -c -- "${COMP_WORDS[COMP_CWORD]}")
	fi
}

# The index of the program's word in `rawcache run`, or nothing while there is none.
_rawcache_find_program()
{
	local command=$1 i

	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)
			echo $((i + 1))
			return
			;;
		-*)
			[[ -n ${_rawcache_values[$command:${COMP_WORDS[i]}]-} ]] || continue
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
			((i++))
			;;
		*)
			echo $i
			return
			;;
		esac
	done
	[[ $i -eq $COMP_CWORD && ${COMP_WORDS[i]} != -* ]] && echo $i
}

_rawcache_profiles()
{
	local file

	for file in "${XDG_CONFIG_HOME:-$HOME/.config}"/rawcache/*.conf; do
		[[ -e $file ]] && basename "$file" .conf
	done
}

# The value of the option before the cursor. Fails when that is none that takes a value.
_rawcache_value()
{
	local kind=${_rawcache_values[$1:$2]-} current=$3

	case $kind in
	directory)
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		compopt -o filenames 2>/dev/null || :
		;;
	file)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		compopt -o filenames 2>/dev/null || :
		;;
	profile) mapfile -t COMPREPLY < <(compgen -W "$(_rawcache_profiles)" -- "$current") ;;
	words*) mapfile -t COMPREPLY < <(compgen -W "${kind#words }" -- "$current") ;;
	any) ;;
	*) return 1 ;;
	esac
}

_rawcache_operand()
{
	local current=$2 program

	case ${_rawcache_operands[$1]-} in
	program)
		program=$(_rawcache_find_program "$1")
		[[ -n $program ]] && _rawcache_program "$program"
		;;
	files)
		[[ $current == -* ]] && return 1
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		compopt -o filenames 2>/dev/null || :
		;;
	command) mapfile -t COMPREPLY < <(compgen -W "${!_rawcache_options[*]}" -- "$current") ;;
	*) return 1 ;;
	esac
}

_rawcache()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "${!_rawcache_options[*]} --help --version" -- "$current")
		return
	fi
	if [[ $current == = ]]; then
		current=
	elif [[ $previous == = ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	_rawcache_value "$command" "$previous" "$current" && return
	_rawcache_operand "$command" "$current" && return
	mapfile -t COMPREPLY < <(compgen -W "${_rawcache_options[$command]-}" -- "$current")
}

complete -F _rawcache rawcache
