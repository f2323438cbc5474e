# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The director's namespace with eight links, and one at their other ends that answers ARP and ND.

Link eN has 198.51.100.(16N)/28 and 2001:db8:1N::/64. The director is host 1, gateways are 2 to 5 (and fe80::2),
backends on the link 6 to 8; nobody answers for 5 and 7. Backends behind gateways: ten in each of eight subnets,
198.18.S.0/24 and 2001:db8:1:S::/64. 100 of each family in all.
"""
import ipaddress
import itertools
import os
import subprocess

LINKS = 8
SUBNETS = 8

_numbers = itertools.count(1)


def host(family, link, number):
    return f"198.51.100.{16 * link + number}" if family == 4 else f"2001:db8:{0x10 + link:x}::{number:x}"


def behind(family, subnet, number):
    return f"198.18.{subnet}.{number}" if family == 4 else str(ipaddress.ip_address(f"2001:db8:1:{subnet:x}::{number:x}"))


def subnet_length(family):
    return 28 if family == 4 else 64


def gateways(family, link):
    """Who may be named as a gateway; a link-local one too."""
    hosts = [host(family, link, number) for number in (2, 3, 4, 5)]
    return hosts if family == 4 else hosts + ["fe80::2"]


def near_backends(family):
    return [host(family, link, number) for link in range(LINKS) for number in (6, 7, 8)][:20]


def far_backends(family):
    return [behind(family, subnet, number) for subnet in range(SUBNETS) for number in range(1, 11)]


def backends(family):
    return near_backends(family) + far_backends(family)


def peer_addresses(link):
    """What the other end of a link answers for."""
    v4 = [f"{host(4, link, number)}/28" for number in (2, 3, 4, 6, 8)]
    v6 = [f"{host(6, link, number)}/64" for number in (2, 3, 4, 6, 8)] + ["fe80::2/64"]
    return v4, v6


def peer_up(link):
    """The commands that bring a new link's other end up."""
    v4, v6 = peer_addresses(link)
    return ([f"link set e{link} up"] + [f"addr add {address} dev e{link}" for address in v4]
            + [f"addr add {address} dev e{link} nodad" for address in v6])


def director_up(link):
    return [f"link set e{link} up", f"addr replace {host(4, link, 1)}/28 dev e{link}",
            f"addr replace {host(6, link, 1)}/64 dev e{link} nodad"]


def run(*words, **options):
    return subprocess.run(words, text=True, capture_output=True, timeout=60, check=False, **options)


class Network:
    def __init__(self, sysctls):
        name = f"n{os.getpid()}n{next(_numbers)}"
        self.netns = {"director": f"{name}-churn", "peer": f"{name}-churn-peer"}
        self.sysctls = sysctls

    def enter(self, side):
        return ["nsenter", f"--net=/run/netns/{self.netns[side]}", "--"]

    def set(self, side, settings):
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        result = run(*self.enter(side), "sysctl", "-q", "-p", "-", input=text)
        assert result.returncode == 0, result.stderr

    def up(self):
        quiet = {f"net.ipv6.conf.{which}.{name}": 0 for which in ("all", "default")
                 for name in ("accept_dad", "dad_transmits", "router_solicitations", "accept_ra")}
        for side, netns in self.netns.items():
            assert run("ip", "netns", "add", netns).returncode == 0
            self.set(side, quiet)
            self.ip(side, ["link set lo up"])
        self.set("director", {"net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1, **self.sysctls})
        # Each answers where it is asked, and keeps its addresses when the cable is pulled.
        self.set("peer", {f"net.{name}": value for which in ("all", "default") for name, value in (
            (f"ipv4.conf.{which}.arp_ignore", 1), (f"ipv4.conf.{which}.rp_filter", 0),
            (f"ipv6.conf.{which}.keep_addr_on_down", 1))})
        refused = self.ip("director", [f"link add c0 type veth peer name c0 netns {self.netns['peer']}", "link set c0 up",
                                       "addr add 192.0.2.1/24 dev c0", "addr add 2001:db8:ff::1/64 dev c0 nodad"])
        refused += self.ip("peer", ["link set c0 up"])
        for link in range(LINKS):
            refused += self.ip("director", [self.add_link(link)])
            refused += self.ip("peer", peer_up(link))
            refused += self.ip("director", director_up(link))
        assert not refused, refused

    def add_link(self, link):
        return f"link add e{link} type veth peer name e{link} netns {self.netns['peer']}"

    def down(self):
        for netns in self.netns.values():
            run("ip", "netns", "del", netns)

    def ip(self, side, commands):
        """Runs them all in order, on `director6` with IPv6 as the family. Returns those that the kernel refused, with its words."""
        family = ["-6"] if side.endswith("6") else []
        netns = self.netns[side.rstrip("6")]
        result = run("ip", *family, "-n", netns, "-force", "-batch", "-", input="\n".join(commands) + "\n")
        refused, words = [], ""
        for line in result.stderr.splitlines():
            if line.startswith("Command failed -:"):
                refused.append(f"{commands[int(line.rsplit(':', 1)[1]) - 1]}: {words}")
                words = ""
            else:
                words = line
        return refused
