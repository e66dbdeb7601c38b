# SPDX-License-Identifier: MIT
# forks.py COMPARE DIRECTORY PLAIN: reads right before, beside and after processes and threads that may not be
import os, sys, threading
sys.argv = sys.argv[1:]
compare = compile(open(sys.argv[0]).read(), "compare", "exec")
exec(compare)
made = refused = 0
for _ in range(6):
    try:
        pid = os.fork()
    except BlockingIOError:
        refused += 1
        continue
    if not pid:
        exec(compare)
        os._exit(0)
    made += 1
    threads = [threading.Thread(target=lambda: exec(compare, dict(globals()))) for _ in range(2)]
    for thread in threads:
        try:
            thread.start()
            thread.join()
        except RuntimeError:
            refused += 1
    if os.waitpid(pid, 0)[1]:
        sys.exit("a child read wrong bytes")
exec(compare)
open(os.environ["SAID"], "a").write(f"{made} {refused}\n")
