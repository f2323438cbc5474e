#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What QUIC clients send, as far as a balancer sees it, to servers that answer each datagram with "NAME " first.

    quic.py COUNT ADDRESS...    COUNT connections to port 443 of the addresses in turn, and ten more each second

The server NAME, "b" and a number, puts 0x100 more than the number into the connection IDs that it chooses, two bytes from byte 1 on.
A connection begins with an Initial whose ID the client made up; once answered, the rest of the handshake and all data
have the server's ID. The handshake is from one port; each datagram of data is from another. Prints `ready` when COUNT stand, and at
SIGTERM a line of JSON: connections, messages (answers to data), ports (that data came from), broken (answered by another than
before), lost (datagrams without an answer within five seconds), by (connections of each server).
"""
import collections
import json
import os
import selectors
import signal
import socket
import sys
import time

PERIOD = 0.2
PATIENCE = 5.0
PER_SECOND = 10

INITIAL, HANDSHAKE = 0xC0, 0xE0


def long_header(first, cid):
    return bytes([first]) + (1).to_bytes(4, "big") + bytes([len(cid)]) + cid + bytes(1)


def server_cid(name):
    return b"\x07" + (0x100 + int(name[1:])).to_bytes(2, "big") + os.urandom(5)


class Connection:
    """Goes through `steps`: what is sent next, when the last was answered."""

    def __init__(self, address):
        self.address = address
        self.socket = None
        self.name = ""
        self.own_cid = os.urandom(8)
        self.answers = 0
        self.ports = 0
        self.sent = 0.0
        self.waits = False

    def datagram(self):
        if not self.name:
            return long_header(INITIAL, self.own_cid).ljust(1200, b"\0")
        cid = server_cid(self.name)
        if self.answers == 1:
            return long_header(INITIAL, cid).ljust(1200, b"\0")
        if self.answers == 2:
            return long_header(HANDSHAKE, cid).ljust(100, b"\0")
        return b"\x40" + cid + bytes(30)

    def renew_socket(self):
        self.socket = socket.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((self.address, 443))
        self.socket.setblocking(False)
        self.ports += 1


class Clients:
    def __init__(self, count, addresses):
        self.count, self.addresses = count, addresses
        self.selector = selectors.DefaultSelector()
        self.connections = []
        self.broken = []
        self.lost = []
        self.messages = 0
        self.ready = 0.0
        self.over = False

    def send(self, connection, now):
        if not connection.socket or connection.answers > 2:
            if connection.socket:
                self.selector.unregister(connection.socket)
                connection.socket.close()
            connection.renew_socket()
            self.selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.socket.send(connection.datagram())
        connection.sent, connection.waits = now, True

    def hears(self, connection):
        try:
            name = connection.socket.recv(2000).split(b" ", 1)[0].decode()
        except OSError as error:
            self.broken.append(f"{connection.name} after {connection.answers} answers: {error}")
            return
        if connection.name and name != connection.name:
            self.broken.append(f"{connection.name} after {connection.answers} answers: answered by {name}")
        connection.name = connection.name or name
        connection.answers += 1
        connection.waits = False
        self.messages += connection.answers > 3

    def turn(self, now):
        wanted = self.count + (int((now - self.ready) * PER_SECOND) if self.ready else 0)
        while len(self.connections) < wanted:
            self.connections.append(Connection(self.addresses[len(self.connections) % len(self.addresses)]))
        for connection in self.connections:
            if connection.waits and now - connection.sent > PATIENCE:
                self.lost.append(f"{connection.name} after {connection.answers} answers")
                connection.waits = False
            # A handshake does not pause.
            if not connection.waits and (connection.answers < 3 or now - connection.sent > PERIOD):
                self.send(connection, now)
        for key, _ in self.selector.select(0.01):
            self.hears(key.data)
        if not self.ready and all(connection.answers > 3 for connection in self.connections):
            self.ready = now
            print("ready", flush=True)

    def report(self):
        print(json.dumps({
            "connections": len(self.connections),
            "messages": self.messages,
            "ports": sum(connection.ports for connection in self.connections),
            "broken": self.broken,
            "lost": self.lost,
            "by": collections.Counter(connection.name for connection in self.connections),
        }), flush=True)


def main(count, addresses):
    clients = Clients(count, addresses)

    def end(*_):
        clients.over = True

    signal.signal(signal.SIGTERM, end)
    while not clients.over:
        clients.turn(time.monotonic())
    clients.report()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
