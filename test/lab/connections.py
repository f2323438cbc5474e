#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Long TCP connections with data flowing, and their servers.

    connections.py serve NAME PORT          answers each byte with NAME, which is two bytes
    connections.py hold COUNT LATE ADDRESS...   COUNT connections to port 80 of the addresses in turn, and LATE more, ten a
                                            second, once those stand; each sends a byte every half second

`hold` prints `ready` when COUNT stand and had an answer, and at SIGTERM a line of JSON: connections, late (how many of them came late), messages,
broken (reset, closed, refused, or answered by another than before: a list of what), worst (longest wait for an answer in
seconds), lag (of it this program's own, at most: on a busy machine it waits for its turn), by (connections of each server).
"""
import collections
import errno
import heapq
import json
import selectors
import signal
import socket
import sys
import time

PERIOD = 0.5
LATE_PERIOD = 0.1


def serve(name, port):
    selector = selectors.DefaultSelector()
    listener = socket.socket(socket.AF_INET6)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", port))
    listener.listen(2048)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                accepted, _ = listener.accept()
                accepted.setblocking(False)
                selector.register(accepted, selectors.EVENT_READ)
                continue
            try:
                data = key.fileobj.recv(100)
                if data:
                    key.fileobj.send(name.encode() * len(data))
                    continue
            except OSError:
                pass
            selector.unregister(key.fileobj)
            key.fileobj.close()


class Connection:
    def __init__(self, address):
        self.address = address
        self.server = b""
        self.asked = self.begun = time.monotonic()
        self.waits = True  # for the handshake, or an answer
        self.stands = False
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        error = self.socket.connect_ex((address, 80))
        if error not in (0, errno.EINPROGRESS):
            raise OSError(error, "connect")


class Holder:
    def __init__(self, count, late, addresses):
        self.count, self.late, self.addresses = count, late, addresses
        self.selector = selectors.DefaultSelector()
        self.connections = []
        self.standing = 0
        self.heard = 0
        self.due = []  # heap of (time, number)
        self.broken = []
        self.messages = 0
        self.worst = self.lag = 0.0
        self.ready = 0.0  # when
        self.over = False

    def begin(self):
        number = len(self.connections)
        connection = Connection(self.addresses[number % len(self.addresses)])
        self.connections.append(connection)
        self.selector.register(connection.socket, selectors.EVENT_WRITE, number)

    def answered(self, connection):
        self.worst = max(self.worst, time.monotonic() - connection.asked)
        connection.waits = False

    def breaks(self, number, why):
        connection = self.connections[number]
        self.selector.unregister(connection.socket)
        connection.socket.close()
        connection.waits = False
        connection.stands = False
        self.broken.append(f"{number} of {connection.server.decode()}: {why}")

    def stands(self, number):
        connection = self.connections[number]
        error = connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.breaks(number, f"refused: {errno.errorcode[error]}")
            return
        self.answered(connection)
        connection.stands = True
        self.standing += 1
        self.selector.modify(connection.socket, selectors.EVENT_READ, number)
        heapq.heappush(self.due, (time.monotonic(), number))

    def hears(self, number):
        connection = self.connections[number]
        try:
            data = connection.socket.recv(100)
        except OSError as error:
            self.breaks(number, errno.errorcode[error.errno])
            return
        if not data:
            self.breaks(number, "closed")
        elif connection.server and data != connection.server:
            self.breaks(number, f"answered by {data.decode()}")
        else:
            self.heard += not connection.server
            connection.server = data
            self.messages += 1
            self.answered(connection)

    def speaks(self, now):
        while self.due and self.due[0][0] <= now:
            _, number = heapq.heappop(self.due)
            connection = self.connections[number]
            if not connection.stands:
                continue
            heapq.heappush(self.due, (now + PERIOD, number))
            if connection.waits:
                continue
            try:
                connection.socket.send(b".")
                connection.asked = time.monotonic()
                connection.waits = True
            except OSError as error:
                self.breaks(number, errno.errorcode[error.errno])

    def wanted(self, now):
        """How many connections there should be by now."""
        if not self.ready:
            return min(self.count, self.standing + 100)
        return self.count + min(self.late, int((now - self.ready) / LATE_PERIOD))

    def run(self):
        while not self.over:
            now = time.monotonic()
            while len(self.connections) < self.wanted(now):
                self.begin()
            self.speaks(now)
            for key, _ in self.selector.select(0.02):
                if self.connections[key.data].stands:
                    self.hears(key.data)
                else:
                    self.stands(key.data)
            if not self.ready and self.heard + len(self.broken) >= self.count:
                self.ready = time.monotonic()
                print("ready", flush=True)
            self.lag = max(self.lag, time.monotonic() - now)

    def report(self):
        now = time.monotonic()
        waits = [now - connection.asked for connection in self.connections if connection.waits]
        print(json.dumps({
            "connections": len(self.connections),
            "late": max(0, len(self.connections) - self.count),
            "messages": self.messages,
            "broken": self.broken,
            "worst": round(max([self.worst, *waits]), 3),
            "lag": round(self.lag, 3),
            "by": collections.Counter(connection.server.decode() for connection in self.connections),
        }), flush=True)


def hold(count, late, addresses):
    holder = Holder(count, late, addresses)

    def end(*_):
        holder.over = True

    signal.signal(signal.SIGTERM, end)
    holder.run()
    holder.report()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2], int(sys.argv[3]))
    else:
        hold(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
