#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""udp-echo.py NAME PORT ADDRESS...: answers each datagram with "NAME " and what it held.

One socket per address, bound to it, so that the answer comes from the address that was asked,
the VIP. Bound freely (IP_FREEBIND): the VIP may come and go on this node.
"""
import ipaddress
import selectors
import socket
import sys

IP_FREEBIND = 15
IPV6_FREEBIND = 78


def bound(address, port):
    six = ipaddress.ip_address(address).version == 6
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    if six:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    sock.bind((address, port))
    return sock


def main(name, port, *addresses):
    selector = selectors.DefaultSelector()
    for address in addresses:
        selector.register(bound(address, int(port)), selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            data, client = key.fileobj.recvfrom(65535)
            try:
                key.fileobj.sendto(name.encode() + b" " + data, client)
            except OSError as error:  # the VIP is gone for a moment
                print(f"answer to {client[0]}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
