# SPDX-License-Identifier: MIT
"""A memcached server that does one thing wrong. usage: tier_fake.py MODE PORT [REAL_PORT]

Between a client and a real server (REAL_PORT) it passes on what both say, but for answers with a value, which
MODE spoils. Without a real server it says what MODE says."""
import os
import re
import socket
import sys
import threading
import time

mode, port = sys.argv[1], int(sys.argv[2])
real = int(sys.argv[3]) if len(sys.argv) > 3 else None
pause = {"slow": 0.2, "slower": 0.6}.get(mode, 0)  # before each value of the real server
seen = []  # values of other keys, and of this one


def opaque(line):
    found = re.search(rb" O(\d+)", line)
    return found.group(1) if found else b"0"


def answer(line):
    """What a server without a real one says to a question."""
    o = opaque(line)
    return {
        "drip": lambda: b"VA 262184 O%s\r\n" % o + os.urandom(262184) + b"\r\n",
        "random": lambda: b"VA 262184 O%s\r\n" % o + os.urandom(262184) + b"\r\n",
        "garbage": lambda: b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "noise": lambda: os.urandom(4096),
        "huge": lambda: b"VA 4000000000 O%s\r\n" % o + b"x" * 100000,
        "short": lambda: b"VA 5 O%s\r\nshort\r\n" % o,
        "opaque": lambda: b"VA 262184 O%d\r\n" % (int(o) + 1) + os.urandom(262184) + b"\r\n",
        "cut": lambda: b"VA 262184 O%s\r\n" % o + b"x" * 1000,
        "lease": lambda: b"VA 0 O%s Z\r\n\r\n" % o,
        "full": lambda: b"SERVER_ERROR out of memory storing object\r\n",
        "late": lambda: b"VA 262184 O%s\r\n" % o + os.urandom(262184) + b"\r\n",
        "old": lambda: b"ERROR\r\n",
        "line": lambda: b"V" * 100000,
        "unasked": lambda: b"EN O%s\r\nEN O%s\r\n" % (o, o),
    }[mode]()


def say(client, text):
    if mode == "late":
        time.sleep(0.3)
    if mode == "drip":
        for i in range(0, len(text), 100):
            client.sendall(text[i : i + 100])
            time.sleep(0.03)
    else:
        client.sendall(text)
    if mode == "cut":
        client.shutdown(socket.SHUT_RDWR)


def ask(server, line, body):
    server.write(line + body)
    server.flush()
    head = server.readline()
    value = server.read(int(head.split()[1]) + 2) if head.startswith(b"VA ") else b""
    return head, value


def spoil(head, value):
    """`wrong`: another key's value; `replay`: this server's first one; `flip`: one bit."""
    if len(value) < 100:
        return head + value
    time.sleep(pause)
    seen.append(value)
    if mode == "wrong" and len(seen) > 1:
        value = seen[-2] if len(seen[-2]) == len(value) else value
    if mode == "replay":
        value = seen[0] if len(seen[0]) == len(value) else value
    if mode == "flip":
        value = value[:99] + bytes([value[99] ^ 1]) + value[100:]
    return head + value


def serve(client):
    questions = client.makefile("rb")
    server = real and socket.create_connection(("127.0.0.1", real)).makefile("rwb")
    try:
        while mode != "stall":
            line = questions.readline()
            if not line:
                return
            body = questions.read(int(line.split()[2]) + 2) if line.startswith(b"ms ") else b""
            if server:
                client.sendall(spoil(*ask(server, line, body)))
            else:
                say(client, answer(line))
        time.sleep(3600)
    except OSError:
        pass
    finally:
        client.close()


listener = socket.create_server(("127.0.0.1", port), backlog=64)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
