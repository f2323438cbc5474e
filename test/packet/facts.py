# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the facts are written with: addresses, frames, tables, and the text that `run` reads.

Frames that must come out are built here by scapy from what went in, never by what the programs do:
header checksums are computed anew over the whole header, where the programs patch them.
"""

import random
import sys

from scapy.all import ICMP, IP, TCP, UDP, Ether, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6, PadN, Raw
from scapy.layers.inet6 import IPv6ExtHdrDestOpt

VIP4, VIP6 = "203.0.113.10", "2001:db8:f::10"
CLIENT4, CLIENT6 = "192.0.2.200", "2001:db8:c::200"
CLIENT_MAC, DIRECTOR_MAC = "02:00:00:00:0c:01", "02:00:00:00:00:d0"

PATH_ONE = 1 << 31  # a backend's path that is no record: the rest is its next hop

_lines = []


def say(*words):
    """One line of the case file."""
    _lines.append(" ".join(str(word) for word in words))


def write():
    sys.stdout.write("\n".join(_lines) + "\n")


# ---- frames ------------------------------------------------------------------------------------


def _ip(vip, client, ttl, more):
    if ":" in vip:
        return IPv6(src=client or CLIENT6, dst=vip, hlim=ttl, **more)
    return IP(src=client or CLIENT4, dst=vip, ttl=ttl, **more)


def frame(vip, l4, payload=b"hello", client=None, ttl=64, ether=None, **more):
    """A frame for `vip` as it arrives, all checksums right, as bytes."""
    ether = ether or Ether(src=CLIENT_MAC, dst=DIRECTOR_MAC)
    return bytes(ether / _ip(vip, client, ttl, more) / l4 / Raw(payload))


def tcp(port=80, sport=40000, **more):
    return TCP(sport=sport, dport=port, **more)


def udp(port=80, sport=40000, **more):
    return UDP(sport=sport, dport=port, **more)


def options_of(size):
    """A destination options header of `size` bytes."""
    first = (size - 2) // 2
    pads = [PadN(optdata=bytes(first - 2)), PadN(optdata=bytes(size - 2 - first - 2))]
    return IPv6ExtHdrDestOpt(options=pads, autopad=0)


def with_macs(data, hop):
    return bytes.fromhex((hop.dst + hop.src).replace(":", "")) + data[12:]


def with_destination(data, address, ttl_down=0):
    """The same packet for another address. The L4 checksum is left as it is."""
    packet = Ether(data)
    if IPv6 in packet:
        packet[IPv6].dst = address
        packet[IPv6].hlim -= ttl_down
        return bytes(packet)
    packet[IP].dst = address
    packet[IP].ttl -= ttl_down
    del packet[IP].chksum
    return bytes(packet)


def checksum_valid(data):
    """Is the L4 checksum of the frame what scapy computes for it?"""
    again = Ether(data)
    l4 = TCP if TCP in again else UDP
    before = again[l4].chksum
    del again[l4].chksum
    return Ether(bytes(again))[l4].chksum == before


def _error(data, source, icmp, icmp6):
    """An error to the sender of `data`, which it quotes."""
    packet = Ether(data)
    ether = Ether(src=packet.dst, dst=packet.src)
    if IPv6 in packet:
        quote = bytes(data)[14 : 14 + min(packet[IPv6].plen + 40, 1280 - 48)]
        return bytes(ether / IPv6(src=source, dst=packet[IPv6].src, hlim=64) / icmp6 / Raw(quote))
    quote = bytes(data)[14 : 14 + min(packet[IP].len, 576 - 28)]
    ip = IP(src=source, dst=packet[IP].src, tos=0xC0, flags="DF", id=0)
    return bytes(ether / ip / icmp / Raw(quote))


def told(data, mtu):
    """The error that the sender of a packet too big for `mtu` gets, from whom it was sent to."""
    packet = Ether(data)
    source = packet[IPv6].dst if IPv6 in packet else packet[IP].dst
    return _error(data, source, ICMP(type=3, code=4, nexthopmtu=mtu), ICMPv6PacketTooBig(mtu=mtu))


def told_ttl(data, own):
    """The error that the sender of a packet gets whose TTL has ended, from the address `own`."""
    return _error(data, own, ICMP(type=11, code=0), ICMPv6TimeExceeded(code=0))


# ---- the flow hash -----------------------------------------------------------------------------

_WORD = (1 << 64) - 1


def _mix(x):
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & _WORD
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & _WORD
    return x ^ x >> 31


def hash_of_flow(client, sport, dport, protocol):
    """What every director must compute for a flow, whatever its machine (xdp/pick.h)."""
    salt = protocol * 0x9E3779B97F4A7C15 & _WORD
    ports = sport << 16 | dport
    high = int.from_bytes(client[:-8], "big") * 0xD6E8FEB86659FD93 & _WORD
    low = int.from_bytes(client[-8:], "big")
    if len(client) == 4:
        return _mix((low << 32 | ports) ^ salt)
    return _mix(_mix(((high ^ high >> 32) + low) & _WORD) ^ ports ^ salt)


def slot_at(value, slots):
    return (value >> 32) * slots >> 32


def bucket_at(value, buckets):
    return (value & 0xFFFFFFFF) * buckets >> 32


def buckets_tried(value, buckets):
    """All buckets in the order in which a flow tries them: its own, then with a step of its own (xdp/forward.h)."""
    product = (value & 0xFFFFFFFF) * buckets
    step = 1 + ((product & 0xFFFFFFFF) * (buckets - 1) >> 32)
    return [((product >> 32) + i * step) % buckets for i in range(buckets)]


def flow_hash(data):
    packet = Ether(data)
    l4 = packet[TCP] if TCP in packet else packet[UDP]
    client = bytes(packet[IP])[12:16] if IP in packet else bytes(packet[IPv6])[8:24]
    return hash_of_flow(client, l4.sport, l4.dport, 6 if TCP in packet else 17)


def slot_of(data, slots):
    return slot_at(flow_hash(data), slots)


def bucket_of(data, buckets):
    return bucket_at(flow_hash(data), buckets)


# ---- tables ------------------------------------------------------------------------------------


class Hop:
    """A next hop: where frames leave, and their new MACs."""

    def __init__(self, index, dev):
        self.index, self.dev = index, dev
        self.dst = f"02:00:00:01:00:{index:02x}"
        self.src = f"02:00:00:02:00:{index:02x}"


class Backend:
    def __init__(self, index, address, mode, hops):
        self.index, self.address, self.mode, self.hops = index, address, mode, hops

    def comes_out(self, data, hop=None):
        """The frame as it leaves for this backend."""
        data = with_macs(data, hop or self.hops[0])
        return with_destination(data, self.address, 1) if self.mode == "l3" else data


class Service:
    def __init__(self, index, ring, backends):
        self.index, self.ring, self.backends = index, ring, backends

    @property
    def backend(self):
        return self.backends[0]

    def backend_of(self, data):
        return self.backends[slot_of(data, len(self.backends))]


class World:
    """Programs loaded anew, and the records written to their maps. Indexes are handed out here."""

    def __init__(self, *options):
        self._next = dict.fromkeys(("service", "slot", "backend", "path", "nexthop"), 0)
        say("world", *options)
        say("mac", DIRECTOR_MAC)

    def _index(self, kind, count=1):
        first = self._next[kind] + 1
        self._next[kind] += count
        return first

    def hop(self, dev, mtu=1500, *state):
        hop = Hop(self._index("nexthop"), dev)
        say("nexthop", hop.index, hop.dst, hop.src, dev, mtu, *state)
        return hop

    def backend(self, address, mode, *hops, owner=1, left=False, mtu=0, dscp=0, words=()):
        """No hops: no path. One, and no MTU: no record of a path. `left`: slots move away from it. `words`: of the verb."""
        path = 0
        if len(hops) == 1 and not mtu:
            path = PATH_ONE | hops[0].index
        elif hops:
            path = self._index("path")
            say("path", path, *(("mtu", mtu) if mtu else ()), *(hop.index for hop in hops))
        backend = Backend(self._index("backend"), address, mode, hops)
        say("backend", backend.index, address, mode, path, owner, *(["left"] if left else []),
            *([dscp] if dscp else []), *words)
        return backend

    def service(self, vip, port, protocol, backends, *flags):
        """A slot for each backend, in order. None: a slot without one."""
        service = Service(self._index("service"), self._index("slot", len(backends)), backends)
        for i, backend in enumerate(backends):
            say("slot", service.ring + i, backend.index if backend else 0)
        say("service", service.index, service.ring, len(backends), *flags)
        self.vip(vip, port, protocol, service)
        return service

    def record(self, vip, port, protocol, service):
        """Another record of the same entry of the file: its ring, and the VIP and port lead to it from now on."""
        other = Service(self._index("service"), service.ring, service.backends)
        say("service", other.index, other.ring, len(other.backends))
        self.vip(vip, port, protocol, other)
        return other

    @staticmethod
    def moves(service, now, before, *closed):
        """Every slot of the service is in transition."""
        for i in range(len(service.backends)):
            say("slot", service.ring + i, now.index if now else 0, before.index, *closed)

    @staticmethod
    def vip(vip, port, protocol, service):
        say("vip", vip, port, protocol, service.index)


# ---- cases -------------------------------------------------------------------------------------

_VERDICTS = {
    "tx": "tx",
    "fib_tx": "tx",
    "redirect": "redirect",
    "fib_redirect": "redirect",
    "kernel": "pass",
    "local": "pass",
    "restored": "pass",
    "echoed": "tx",
    "told_too_big": "tx",
    "told_ttl": "tx",
}
_names = set()


def verdict_of(reason):
    if reason.startswith("drop_"):
        return "drop"
    return _VERDICTS.get(reason, "pass")


def case(name, data, reason, out=None, counted=None, program="director", dev="d0", needs=None, events=()):
    """One fact: `data` coming in on `dev` ends as `reason`, as one of the frames `out`.

    A passed packet comes out as it came in unless `out` says otherwise; nothing is said of the
    bytes of a dropped one. `counted` is (service, backend), where it must count for them.
    """
    name = name.replace(" ", "_")
    assert name not in _names, name
    _names.add(name)
    if out is None:
        out = [] if verdict_of(reason) == "drop" else [data]
    say("case", name)
    say("program", program)
    say("from", dev)
    say("in", data.hex())
    say("want", verdict_of(reason), reason)
    for each in out if isinstance(out, list) else [out]:
        say("out", each if each == "last" else each.hex())
    if counted:
        say("count", counted[0].index, counted[1].index if counted[1] else 0)
    for event in events:
        say("event", event)
    if needs:
        say("needs", needs)
    say("run")


def dispatched(name, data, service, reason, backend=None, hop=None, out=None, **more):
    """`data` goes to the backend of `service` by its path, and counts for both."""
    backend = backend or service.backend
    case(name, data, reason, out or backend.comes_out(data, hop), (service, backend), **more)


def too_big(name, data, mtu, **more):
    """`data` is larger than `mtu`, which its path takes of it."""
    packet = Ether(data)
    if IPv6 in packet and mtu < 1280:
        case(name, data, "drop_small_mtu", **more)
    elif IPv6 in packet or packet[IP].flags.DF:
        case(name, data, "told_too_big", told(data, mtu), **more)
    else:
        case(name, data, "drop_too_big", **more)


def both_programs(name, data, reason):
    """A frame that neither program touches."""
    case(name, data, reason)
    case(name + " (backend)", data, reason, program="backend")


def random_flows(count, vip, make, seed):
    """Frames of `count` different flows, the same at every run."""
    dice = random.Random(seed)
    for _ in range(count):
        if ":" in vip:
            client = f"2001:db8:c:{dice.randrange(1 << 16):x}::{dice.randrange(1, 1 << 16):x}"
        else:
            client = f"198.18.{dice.randrange(256)}.{dice.randrange(1, 255)}"
        yield frame(vip, make(sport=dice.randrange(1024, 65536)), client=client)
