# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Frames as they are, sent into a lab and seen where they come out."""
import contextlib
import ctypes
import os
import socket
import time

ETH_P_ALL = 3
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def _within(name):
    """This thread is in that network namespace meanwhile; sockets made there stay there."""
    with open("/proc/thread-self/ns/net", encoding="ascii") as here, open(f"/run/netns/{name}", encoding="ascii") as there:
        _enter(there)
        try:
            yield
        finally:
            _enter(here)


def _enter(namespace):
    if _libc.setns(namespace.fileno(), CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def port(lab, node, dev):
    """A socket for whole frames on a node's interface."""
    with _within(lab.netns(node)):
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    end.bind((dev, ETH_P_ALL))
    end.setblocking(False)
    return end


@contextlib.contextmanager
def ports(lab, *places):
    """{(node, dev): socket}"""
    found = {}
    try:
        for node, dev in places:
            found[node, dev] = port(lab, node, dev)
        yield found
    finally:
        for end in found.values():
            end.close()


def arrivals(found):
    """[(place, frame)] of what came in at the ports so far, and not what left there."""
    frames = []
    for place, end in found.items():
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, source = end.recvfrom(65536)
                if source[2] != socket.PACKET_OUTGOING:
                    frames.append((place, frame))
    return frames


def arrival(found, mine, deadline=5.0):
    """The first (place, frame) that `mine` accepts; fails after `deadline` seconds."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        for place, frame in arrivals(found):
            if mine(frame):
                return place, frame
        time.sleep(0.005)
    raise AssertionError(f"no such frame within {deadline} s")
