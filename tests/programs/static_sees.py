# SPDX-License-Identifier: MIT
"""What a program sees of files, by each call that tells: static_sees.py FILE..."""
import mmap, os, sys
for name in sys.argv[1:]:
    fd = os.open(name, os.O_RDONLY)
    copy = os.dup(fd)
    same = [os.fstat(fd) == os.stat(name), os.fstat(copy) == os.stat(name), os.stat(fd) == os.stat(name)]
    with open(name, "rb") as f:
        data = f.read()
    size = os.fstat(fd).st_size
    shown = mmap.mmap(fd, 0, prot=mmap.PROT_READ)[:] if size else b""
    print(os.path.basename(name), all(same), hash(data) == hash(shown), len(data), os.read(fd, 5), os.read(copy, 5),
          os.pread(fd, 3, 1), os.lseek(fd, 0, 1), os.get_inheritable(fd), sum(data))
    for how in os.O_RDWR, os.O_RDONLY | os.O_DIRECTORY, os.O_RDONLY | os.O_NOFOLLOW:
        try:
            os.close(os.open(name, how))
            print("opens")
        except OSError as e:
            print(e.errno)
