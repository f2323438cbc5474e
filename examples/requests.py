#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A steady stream of requests, each on a connection of its own, the URLs in turn.

    requests.py [OPTION...] URL...            (http://ADDRESS/ or udp://ADDRESS:PORT)

Prints one line for each request when it is over: START END ok|failed ANSWER. Times are seconds of
the monotonic clock; ANSWER is the first word of the body, or the error. Requests do not wait for
each other. SIGTERM ends the stream; what is in flight is finished and printed.
"""
import argparse
import http.client
import itertools
import signal
import socket
import threading
import time
import urllib.parse


def http_get(url, timeout, port):
    connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=timeout,
                                            source_address=("", port) if port else None)
    try:
        connection.request("GET", url.path or "/")
        response = connection.getresponse()
        body = response.read().decode(errors="replace")
        if response.status != 200:
            raise OSError(f"HTTP status {response.status}")
        return body
    finally:
        connection.close()


def udp_echo(url, timeout, port):
    family = socket.AF_INET6 if ":" in url.hostname else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.bind(("", port))
        sock.connect((url.hostname, url.port))
        sock.send(b"hello")
        return sock.recv(65535).decode(errors="replace")


def request(url, timeout, port):
    start = time.monotonic()
    try:
        body = (udp_echo if url.scheme == "udp" else http_get)(url, timeout, port)
        result = "ok " + (body.split() or ["?"])[0]
    except (OSError, http.client.HTTPException) as error:
        result = "failed " + (str(error) or type(error).__name__).replace("\n", " ")
    # One write: print() ends its line by another, and the threads share the output.
    print(f"{start:.6f} {time.monotonic():.6f} {result}\n", end="", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=20, help="requests a second")
    parser.add_argument("--timeout", type=float, default=5, help="seconds a request may take")
    parser.add_argument("--count", type=int, help="stop after that many")
    parser.add_argument("--port", type=int, default=0, help="the first's source port, the next one's is one higher")
    parser.add_argument("url", nargs="+", type=urllib.parse.urlsplit)
    args = parser.parse_args()

    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    due = time.monotonic()
    for number, url in enumerate(itertools.cycle(args.url), 1):
        port = args.port + number - 1 if args.port else 0
        threading.Thread(target=request, args=(url, args.timeout, port)).start()
        due += 1 / args.rate
        if number == args.count or over.wait(max(0.0, due - time.monotonic())):
            break


if __name__ == "__main__":
    main()
