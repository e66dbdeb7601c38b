#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache run: the first run makes the image, and a program that cannot be started has the status of a shell.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

touch file
works "the image is made at first use" 0 "ran" run echo ran
if [ ! -f "$image" ]; then
	echo "Bail out! there is no image to test with"
	exit 99
fi
[ "$(stat -c %a "$image")" = 600 ] && [ "$(stat -c %a "$(dirname "$image")")" = 700 ]
ok $? "the image and its directory are the user's alone"
[ "$(ls -A "$(dirname "$image")")" = cache.img ]
ok $? "nothing else lies there"
works "the second time it is used as it is" 0 "ran" run echo ran
# a directory in PATH that may not be searched makes it 126, as for env(1)
refused "a program that does not exist" 127 "there is no such program" \
	env PATH=/usr/bin:/bin "$work/bin/run" nosuchprogram
refused "a program that may not be executed" 126 "Permission denied" run ./file
printf '#!/nowhere/sh\n' >script && chmod +x script
refused "a program without its interpreter" 127 "interpreter" run ./script
done_testing
