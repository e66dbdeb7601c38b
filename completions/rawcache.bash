# SPDX-License-Identifier: MIT
# bash completion for rawcache(1)

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
	local i

	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--)
			echo $((i + 1))
			return
			;;
		-p | -x | -c | -s | --path | --exclude | --cache | --size | --threshold | --ttl | --log)
			[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
			((i++))
			;;
		-*) ;;
		*)
			echo $i
			return
			;;
		esac
	done
	[[ $i -eq $COMP_CWORD && ${COMP_WORDS[i]} != -* ]] && echo $i
}

# The value of the option before the cursor. Fails when that is none that takes a value.
_rawcache_value()
{
	local option=$1 current=$2

	case $option in
	-p | -x | --path | --exclude)
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		compopt -o filenames
		;;
	-c | --cache | --log)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		compopt -o filenames
		;;
	-s | --size) mapfile -t COMPREPLY < <(compgen -W '1G 10G 100G' -- "$current") ;;
	--region) mapfile -t COMPREPLY < <(compgen -W '4M 8M 16M 32M 64M' -- "$current") ;;
	--chunk) mapfile -t COMPREPLY < <(compgen -W '64K 128K 256K' -- "$current") ;;
	--threshold) mapfile -t COMPREPLY < <(compgen -W 'auto 4K 64K' -- "$current") ;;
	-w | -n | -i | -j | --jobs | --object | --ttl | --watch | --count | --interval) ;;
	*) return 1 ;;
	esac
}

_rawcache()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} program
	local -A options=(
		[run]='--path --exclude --cache --size --stats --threshold --ttl --log --help'
		[stat]='--cache --json --prometheus --per-process --bytes --watch --count --list --help'
		[top]='--cache --interval --help'
		[info]='--cache --json --bytes --help'
		[format]='--size --region --chunk --object --shared --yes --force --help'
		[verify]='--cache --help'
		[explain]='--path --exclude --cache --json --help'
		[doctor]='--cache --help'
		[ls]='--cache --json --bytes --help'
		[warm]='--cache --jobs --dry-run --help'
		[drop]='--cache --yes --all --help'
		[set]='--cache --help'
		[help]='--help'
	)

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "${!options[*]} --help --version" -- "$current")
		return
	fi
	if [[ $current == = ]]; then
		current=
	elif [[ $previous == = ]]; then
		previous=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if [[ $command == run ]]; then
		_rawcache_value "$previous" "$current" && return
		program=$(_rawcache_find_program)
		if [[ -n $program ]]; then
			_rawcache_program "$program"
			return
		fi
	elif _rawcache_value "$previous" "$current"; then
		return
	fi
	if [[ $command == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "${!options[*]}" -- "$current")
	elif [[ $command == @(format|explain|ls|warm|drop) && $current != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		compopt -o filenames
	elif [[ $command == doctor && $current != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -o bashdefault -c -- "$current")
	else
		mapfile -t COMPREPLY < <(compgen -W "${options[$command]-}" -- "$current")
	fi
}

complete -F _rawcache rawcache
