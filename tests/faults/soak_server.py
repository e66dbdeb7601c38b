# SPDX-License-Identifier: MIT
# server.py DIRECTORY STOP: writes files anew, reads them in threads, maps them, forks
import hashlib, mmap, os, random, sys, threading
directory, stop = sys.argv[1:]
draw = random.Random(1)
lock = threading.Lock()
bad = []
def content(n, v):
    return hashlib.sha256(f"{n} {v}".encode()).digest() * (1000 + n * 1700)
version = [0] * 12
def write(n):
    name = os.path.join(directory, str(n))
    with open(name + ".new", "wb") as f:
        f.write(content(n, version[n] + 1))
    os.rename(name + ".new", name)
    version[n] += 1
def read(n, r):
    with lock:
        want = content(n, version[n])
        f = open(os.path.join(directory, str(n)), "rb")
    with f:
        for _ in range(20):
            at = r.randrange(len(want))
            f.seek(at)
            if f.read(9000) != want[at:at + 9000]:
                bad.append((n, at))
        with mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
            if m[:] != want:
                bad.append((n, "map"))
def reader(i):
    r = random.Random(i)
    while not os.path.exists(stop) and not bad:
        read(r.randrange(len(version)), r)
for n in range(len(version)):
    write(n)
print("ready", flush=True)
threads = [threading.Thread(target=reader, args=(i,)) for i in range(3)]
for t in threads:
    t.start()
while not os.path.exists(stop) and not bad:
    with lock:
        write(draw.randrange(len(version)))
    pid = os.fork()
    if not pid:
        n = draw.randrange(len(version))
        with open(os.path.join(directory, str(n)), "rb") as f:
            os._exit(f.read() != content(n, version[n]))
    if os.waitpid(pid, 0)[1]:
        bad.append("child")
    threading.Event().wait(0.05)
for t in threads:
    t.join()
sys.exit(f"wrong: {bad}" if bad else 0)
