# Made by scripts/gen-man from rawcache.fish.in: change that one.
# SPDX-License-Identifier: MIT
# fish completion for rawcache(1)

function __rawcache_first
	test (count (commandline -opc)) -eq 1
end

function __rawcache_using
	set -l words (commandline -opc)
	test (count $words) -ge 2; and test $words[2] = $argv[1]
end

function __rawcache_commands
	rawcache help | string match -rg '^  ([a-z]+)  '
end

function __rawcache_profiles
	set -q XDG_CONFIG_HOME; or set -l XDG_CONFIG_HOME $HOME/.config
	for file in $XDG_CONFIG_HOME/rawcache/*.conf
		basename $file .conf
	end
end

complete -c rawcache -f
complete -c rawcache -n __rawcache_first -s h -l help -d 'list the commands'
complete -c rawcache -n __rawcache_first -s V -l version -d 'tell the version'
complete -c rawcache -n __rawcache_first -a run -d 'run a program that reads through the cache'
complete -c rawcache -n '__rawcache_using run' -l path -s p -x -a '(__fish_complete_directories)' -d 'cache the files below DIR'
complete -c rawcache -n '__rawcache_using run' -l profile -x -a '(__rawcache_profiles)' -d 'what `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using run' -l exclude -s x -x -a '(__fish_complete_directories)' -d 'but not those below DIR'
complete -c rawcache -n '__rawcache_using run' -l frozen -x -d ' cache the files below DIR'
complete -c rawcache -n '__rawcache_using run' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using run' -l size -s s -x -a '1G 10G 100G' -d 'size of the image if it is made now'
complete -c rawcache -n '__rawcache_using run' -l stats -d 'wait for the program and tell what the cache did meanwhile'
complete -c rawcache -n '__rawcache_using run' -l report -r -F -d 'the same as a page with pictures'
complete -c rawcache -n '__rawcache_using run' -l threshold -x -a 'auto 4K 64K' -d 'smallest read that is copied from a cold mapping'
complete -c rawcache -n '__rawcache_using run' -l ttl -x -d 'how long stored data count'
complete -c rawcache -n '__rawcache_using run' -l log -r -F -d 'write a log'
complete -c rawcache -n '__rawcache_using run' -l tier -x -d 'share what is read with other machines'
complete -c rawcache -n '__rawcache_using run' -l help -s h -d 'this text'
complete -c rawcache -n '__rawcache_using run' -a '(__fish_complete_subcommand --fcs-skip=2)'
complete -c rawcache -n __rawcache_first -a setup -d 'ask what to cache and where, and write a profile'
complete -c rawcache -n '__rawcache_using setup' -l path -s p -x -a '(__fish_complete_directories)' -d 'the directory'
complete -c rawcache -n '__rawcache_using setup' -l cache -s c -r -F -d 'the image file or block device'
complete -c rawcache -n '__rawcache_using setup' -l size -s s -x -a '1G 10G 100G' -d 'its size'
complete -c rawcache -n '__rawcache_using setup' -l yes -s y -d 'write the profile without asking'
complete -c rawcache -n '__rawcache_using setup' -l help -s h -d 'this text'
complete -c rawcache -n __rawcache_first -a stat -d 'show what the cache did'
complete -c rawcache -n '__rawcache_using stat' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using stat' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using stat' -l json -s j -d 'all of it'
complete -c rawcache -n '__rawcache_using stat' -l prometheus -d 'the text format that Prometheus scrapes'
complete -c rawcache -n '__rawcache_using stat' -l html -r -F -d 'a page with pictures'
complete -c rawcache -n '__rawcache_using stat' -l list -s l -d 'what is counted'
complete -c rawcache -n '__rawcache_using stat' -l per-process -s p -d 'the processes that use the image now'
complete -c rawcache -n '__rawcache_using stat' -l bytes -s b -d 'bytes as numbers'
complete -c rawcache -n '__rawcache_using stat' -l watch -x -d 'and --count about that time'
complete -c rawcache -n '__rawcache_using stat' -l count -s n -x -d 'end after N lines of --watch'
complete -c rawcache -n '__rawcache_using stat' -l help -s h -d 'this text'
complete -c rawcache -n __rawcache_first -a top -d 'watch the cache and its processes live'
complete -c rawcache -n '__rawcache_using top' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using top' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using top' -l interval -s i -x -d 'time between two looks'
complete -c rawcache -n '__rawcache_using top' -l help -s h -d 'this text'
complete -c rawcache -n __rawcache_first -a info -d 'describe an image and tell how full it is'
complete -c rawcache -n '__rawcache_using info' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using info' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using info' -l json -s j -d 'as JSON'
complete -c rawcache -n '__rawcache_using info' -l bytes -s b -d 'bytes as numbers'
complete -c rawcache -n '__rawcache_using info' -l help -s h -d 'this text'
complete -c rawcache -n __rawcache_first -a ls -d 'which files are cached, and how much of each'
complete -c rawcache -n '__rawcache_using ls' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using ls' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using ls' -l json -s j -d 'for programs'
complete -c rawcache -n '__rawcache_using ls' -l bytes -s b -d 'exact numbers'
complete -c rawcache -n '__rawcache_using ls' -l sort -s s -x -a 'name cached size share time' -d 'name'
complete -c rawcache -n '__rawcache_using ls' -l reverse -s r -d 'the other way round'
complete -c rawcache -n '__rawcache_using ls' -l help -s h -d 'this text'
complete -c rawcache -n '__rawcache_using ls' -F
complete -c rawcache -n __rawcache_first -a du -d 'how much is cached below each directory'
complete -c rawcache -n '__rawcache_using du' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using du' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using du' -l depth -s d -x -d 'so many levels of directories'
complete -c rawcache -n '__rawcache_using du' -l json -s j -d 'for programs'
complete -c rawcache -n '__rawcache_using du' -l bytes -s b -d 'exact numbers'
complete -c rawcache -n '__rawcache_using du' -l help -s h -d 'this text'
complete -c rawcache -n '__rawcache_using du' -F
complete -c rawcache -n __rawcache_first -a warm -d 'read files into the cache ahead of time'
complete -c rawcache -n '__rawcache_using warm' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using warm' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using warm' -l jobs -s j -x -d 'files that are read at the same time'
complete -c rawcache -n '__rawcache_using warm' -l dry-run -s n -d 'tell how much there is'
complete -c rawcache -n '__rawcache_using warm' -l json -d 'for programs'
complete -c rawcache -n '__rawcache_using warm' -l frozen -d 'record the names'
complete -c rawcache -n '__rawcache_using warm' -l help -s h -d 'this text'
complete -c rawcache -n '__rawcache_using warm' -F
complete -c rawcache -n __rawcache_first -a format -d 'make an image'
complete -c rawcache -n '__rawcache_using format' -l size -s s -x -a '1G 10G 100G' -d 'bytes'
complete -c rawcache -n '__rawcache_using format' -l region -x -a '4M 8M 16M 32M 64M' -d 'unit of recycling'
complete -c rawcache -n '__rawcache_using format' -l chunk -x -a '64K 128K 256K' -d 'unit of caching'
complete -c rawcache -n '__rawcache_using format' -l object -x -d 'what a cached file has on average'
complete -c rawcache -n '__rawcache_using format' -l shared -d 'let others write it'
complete -c rawcache -n '__rawcache_using format' -l force -s f -d 'overwrite something that is no image'
complete -c rawcache -n '__rawcache_using format' -l yes -s y -d 'empty an image that is there without asking'
complete -c rawcache -n '__rawcache_using format' -l json -s j -d 'tell what was made as JSON'
complete -c rawcache -n '__rawcache_using format' -l help -s h -d 'this text'
complete -c rawcache -n '__rawcache_using format' -F
complete -c rawcache -n __rawcache_first -a thaw -d 'ask the origin for frozen directories again'
complete -c rawcache -n '__rawcache_using thaw' -l cache -s c -r -F -d 'image file beside which the record lies'
complete -c rawcache -n '__rawcache_using thaw' -l help -s h -d 'this text'
complete -c rawcache -n '__rawcache_using thaw' -F
complete -c rawcache -n __rawcache_first -a verify -d 'compare everything cached with its checksums'
complete -c rawcache -n '__rawcache_using verify' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using verify' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using verify' -l json -s j -d 'for programs'
complete -c rawcache -n '__rawcache_using verify' -l help -s h -d 'this text'
complete -c rawcache -n __rawcache_first -a drop -d 'forget files, or everything, that is cached'
complete -c rawcache -n '__rawcache_using drop' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using drop' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using drop' -l all -d 'do not ask'
complete -c rawcache -n '__rawcache_using drop' -l yes -s y -d '--all   do not ask'
complete -c rawcache -n '__rawcache_using drop' -l json -s j -d 'for programs'
complete -c rawcache -n '__rawcache_using drop' -l help -s h -d 'this text'
complete -c rawcache -n '__rawcache_using drop' -F
complete -c rawcache -n __rawcache_first -a set -d 'change a setting of running programs'
complete -c rawcache -n '__rawcache_using set' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using set' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using set' -l help -s h -d 'this text'
complete -c rawcache -n __rawcache_first -a explain -d 'tell whether and why a file is cached or not'
complete -c rawcache -n '__rawcache_using explain' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using explain' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using explain' -l path -s p -x -a '(__fish_complete_directories)' -d 'besides RAWCACHE_PATHS'
complete -c rawcache -n '__rawcache_using explain' -l exclude -s x -x -a '(__fish_complete_directories)' -d 'but not those below DIR'
complete -c rawcache -n '__rawcache_using explain' -l names -s n -d 'of directories'
complete -c rawcache -n '__rawcache_using explain' -l json -s j -d 'as JSON'
complete -c rawcache -n '__rawcache_using explain' -l help -s h -d 'this text'
complete -c rawcache -n '__rawcache_using explain' -F
complete -c rawcache -n __rawcache_first -a doctor -d 'tell whether a program can be served'
complete -c rawcache -n '__rawcache_using doctor' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using doctor' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using doctor' -l json -s j -d 'for programs'
complete -c rawcache -n '__rawcache_using doctor' -l help -s h -d 'this text'
complete -c rawcache -n '__rawcache_using doctor' -a '(__fish_complete_subcommand --fcs-skip=2)'
complete -c rawcache -n __rawcache_first -a export -d 'give the statistics to Prometheus'
complete -c rawcache -n '__rawcache_using export' -l cache -s c -r -F -d 'image file or block device'
complete -c rawcache -n '__rawcache_using export' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using export' -l listen -s l -x -d 'ADDRESS'
complete -c rawcache -n '__rawcache_using export' -l textfile -s t -r -F -d 'write FILE'
complete -c rawcache -n '__rawcache_using export' -l interval -s i -x -d ''
complete -c rawcache -n '__rawcache_using export' -l help -s h -d 'this text'
complete -c rawcache -n __rawcache_first -a tier -d 'look after the servers that machines share what they read by'
complete -c rawcache -n '__rawcache_using tier' -l cache -s c -r -F -d 'image whose machine\'s state is shown'
complete -c rawcache -n '__rawcache_using tier' -l profile -x -a '(__rawcache_profiles)' -d 'with the settings that `rawcache setup NAME` wrote'
complete -c rawcache -n '__rawcache_using tier' -l tier -x -d 'HOST'
complete -c rawcache -n '__rawcache_using tier' -l help -s h -d 'this text'
complete -c rawcache -n __rawcache_first -a help -d 'explain a command'
complete -c rawcache -n '__rawcache_using help' -l help -d ''
complete -c rawcache -n '__rawcache_using help' -a '(__rawcache_commands)'
