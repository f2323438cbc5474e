# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""L3 direct server return end to end: a director, routers, two backends, real servers."""
import json
import subprocess

import pytest

from lab import wait_for

VIP4 = "203.0.113.10"
VIP6 = "2001:db8:203::10"
VIPS = pytest.mark.parametrize("vip", [VIP4, VIP6], ids=["ipv4", "ipv6"])
WEB = (f"http://{VIP4}/", f"http://[{VIP6}]/")
BACKENDS = ("b1", "b2")


def udp(vip):
    return f"udp://[{vip}]:7" if ":" in vip else f"udp://{vip}:7"


def routes_by(lab, router):
    """The director's routes to the backends, by the router with that host number."""
    lab.run("director", f"ip route replace 198.51.100.0/24 via 198.18.1.{router}")
    lab.run("director", f"ip route replace 2001:db8:51::/64 via 2001:db8:18:1::{router}")


def default_routes(lab):
    lab.run("director", "ip route replace default via 198.18.1.1")
    lab.run("director", "ip -6 route replace default via 2001:db8:18:1::1")


def nexthops(lab):
    return {path["nexthop"] for backend in lab.backends().values() for path in backend["paths"]}


def assert_both_answer(answers, count):
    assert set(answers) == set(BACKENDS), answers
    assert sum(answers.values()) == count, answers


# ---- requests


@VIPS
def test_200_requests_all_answered_by_both_backends(l3, vip):
    assert_both_answer(l3.curl(vip, 200), 200)


@VIPS
def test_udp_echo_answered_by_both_backends(l3, vip):
    requests = l3.requests(udp(vip), count=100)
    assert [request for request in requests if not request.ok] == []
    assert {request.answer for request in requests} == set(BACKENDS)


@VIPS
def test_a_response_of_many_packets_arrives_whole(l3, vip):
    host = f"[{vip}]" if ":" in vip else vip
    # Both ways: a header of 6000 bytes in the request takes several packets, too.
    text = l3.run("client", "curl", "-sS", "--max-time", "5", "-H", "X-Long: " + "x" * 6000, f"http://{host}/")
    assert text.strip() in BACKENDS


@VIPS
def test_replies_do_not_cross_the_director(l3, vip):
    def ours():
        return sum(service["packets"] for service in l3.json("director", "show", "services"))

    packets, (received, sent) = ours(), l3.counters("director", "eth0")
    assert_both_answer(l3.curl(vip, 100), 100)
    packets, (received, sent) = ours() - packets, [
        after - before for after, before in zip(l3.counters("director", "eth0"), (received, sent))
    ]
    # A request takes the client four packets at least; neighbours talk a little beside it.
    assert packets >= 400
    assert packets <= received <= packets + 60
    assert packets <= sent <= packets + 60


@pytest.mark.parametrize("ttl,outcome", [(2, "113"), (3, "timed out"), (4, "answered")])
def test_the_ttl_goes_down_by_one_at_the_director(l3, ttl, outcome):
    """Edge, director and r1 take one each. With 1 left the director tells the client (EHOSTUNREACH, 113; test_ttl.py). So
    does r1, but of a packet to the backend: that was none of the client's."""
    text = l3.run("client", "/usr/bin/python3", "-c", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, {ttl})
s.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
s.settimeout(1)
s.connect(("{VIP4}", 7))
s.send(b"x")
try:
    s.recv(100)
    print("answered")
except OSError as error:
    print(error.errno or error)
""")
    assert text.strip() == outcome


# ---- changes while requests flow


def under_traffic(lab, change, settled):
    """Runs change() while 20 requests a second flow, and checks the promises of the contract.

    Only requests in flight during the change may fail, and a second after it is complete the
    maps agree with the kernel. settled() is then waited for, and 20 more requests are made.
    """
    with lab.traffic(*WEB) as traffic:
        with traffic.change():
            change()
        lab.assert_verified()
        wait_for("settled", settled)
        traffic.more(20)
    assert traffic.failed_beside_changes() == []
    return traffic


def test_router_gets_a_new_mac(l3):
    macs = []

    def settled():
        hops = [path for backend in l3.backends().values() for path in backend["paths"]]
        return hops and all(path["dst_mac"] == macs[0] for path in hops)

    traffic = under_traffic(l3, lambda: macs.append(l3.new_mac("r1", "core")), settled)
    assert traffic.failed() == []


def test_route_moves_to_another_router(l3):
    try:
        traffic = under_traffic(l3, lambda: routes_by(l3, 3),
                                lambda: nexthops(l3) == {"198.18.1.3", "2001:db8:18:1::3"})
        assert traffic.failed() == []
        assert l3.all_active()
    finally:
        routes_by(l3, 2)
    wait_for("back", lambda: l3.all_active() and nexthops(l3) == {"198.18.1.2", "2001:db8:18:1::2"})


def test_routes_over_both_routers(l3):
    """A weighted multipath route: every leg is a path of the backend, and carries packets."""
    before = l3.counters("r2", "core")[0]
    try:
        l3.run("director", "ip route replace 198.51.100.0/24 nexthop via 198.18.1.2 weight 1 "
                           "nexthop via 198.18.1.3 weight 3")
        wait_for("two paths", lambda: l3.all_active() and len(l3.backends()["198.51.100.11"]["paths"]) == 2)
        l3.assert_verified()
        weights = {path["nexthop"]: path["weight"] for path in l3.backends()["198.51.100.11"]["paths"]}
        assert weights["198.18.1.3"] == 3 * weights["198.18.1.2"]
        assert_both_answer(l3.curl(VIP4, 100), 100)
        assert l3.counters("r2", "core")[0] > before + 100
    finally:
        routes_by(l3, 2)
    wait_for("back", lambda: l3.all_active() and nexthops(l3) == {"198.18.1.2", "2001:db8:18:1::2"})


def test_interface_goes_down_and_up(l3):
    def change():
        l3.run("director", "ip link set eth0 down")
        wait_for("unreachable", lambda: all(backend["state"] == "unreachable" and backend["reason"]
                                            for backend in l3.backends().values()))
        l3.run("director", "ip link set eth0 up")
        # The kernel restores the connected routes only; the others are a routing daemon's work.
        routes_by(l3, 2)
        default_routes(l3)

    under_traffic(l3, change, l3.all_active)


def test_route_vanishes_and_returns(l3):
    def change():
        for node in ("director",):
            l3.run(node, "ip route del 198.51.100.0/24")
            l3.run(node, "ip route replace blackhole 198.51.100.0/24")
        wait_for("unreachable", lambda: l3.backends()["198.51.100.11"]["state"] == "unreachable")
        assert "blackhole" in l3.backends()["198.51.100.11"]["reason"]
        assert l3.backends()["2001:db8:51::11"]["state"] == "active"
        l3.run("director", "ip route del blackhole 198.51.100.0/24")
        routes_by(l3, 2)

    under_traffic(l3, change, l3.all_active)


@pytest.mark.parametrize("vip", [f"{VIP4}/32", f"{VIP6}/128"], ids=["ipv4", "ipv6"])
def test_alias_deleted_by_hand_comes_back(l3, vip):
    def there():
        return any(f"{info['local']}/{info['prefixlen']}" == vip
                   for link in json.loads(l3.run("b1", "ip -j addr show dev lo")) for info in link["addr_info"])

    assert there()
    under_traffic(l3, lambda: l3.run("b1", f"ip addr del {vip} dev lo"), there)
    l3.assert_verified("b1", "b2")


@pytest.mark.parametrize("node", ["director", "b1"])
def test_kill_9_and_restart_fails_no_request(l3, node):
    attachment, interfaces = l3.attachment(node, "eth0"), l3.json(node, "show", "interfaces")

    def change():
        l3.kill(node)
        traffic.more(10)
        l3.start(node)

    with l3.traffic(*WEB) as traffic:
        with traffic.change():
            change()
        l3.assert_verified(node)
        traffic.more(20)
    assert traffic.failed() == []
    assert l3.attachment(node, "eth0") == attachment, "the pin was not adopted"
    assert l3.json(node, "show", "interfaces") == interfaces


def test_a_change_while_the_daemon_is_dead_is_found_at_start(l3):
    l3.kill("director")
    mac = l3.new_mac("r1", "core")
    routes_by(l3, 3)
    l3.start("director")
    try:
        wait_for("moved", lambda: nexthops(l3) == {"198.18.1.3", "2001:db8:18:1::3"})
        l3.assert_verified()
        routes_by(l3, 2)
        wait_for("back, with the new MAC", lambda: {
            path["dst_mac"] for backend in l3.backends().values() for path in backend["paths"]} == {mac})
    finally:
        routes_by(l3, 2)
    assert_both_answer(l3.curl(VIP4, 50), 50)


def test_verify_finds_what_was_tampered_with(l3):
    """Without this, "0 differences" would prove nothing. A restart adopts the map and mends it."""
    pin = l3.pin_dir / "director/maps/nexthops"

    def entry(key):
        words = l3.run("director", f"bpftool -j map lookup pinned {pin} key hex {key:02x} 00 00 00")
        return [int(word, 16) for word in json.loads(words)["value"]]

    mac = [int(byte, 16) for byte in l3.backends()["198.51.100.11"]["paths"][0]["dst_mac"].split(":")]
    for key in range(1, 9):
        value = entry(key)
        if value[:6] == mac:  # in use, or left from before: then nobody looks
            value[5] ^= 0xFF
            words = " ".join(f"{byte:02x}" for byte in value)
            l3.run("director", f"bpftool map update pinned {pin} key hex {key:02x} 00 00 00 value hex {words}")
    result = l3.shunt("director", "verify")
    assert result.returncode == 1
    mac[5] ^= 0xFF
    assert ":".join(f"{byte:02x}" for byte in mac) in result.stdout + result.stderr
    l3.kill("director")
    l3.start("director")
    l3.assert_verified()
    assert_both_answer(l3.curl(VIP4, 50), 50)


# ---- interfaces


def interface(lab, node, name):
    found = [entry for entry in lab.json(node, "show", "interfaces") if entry["name"] == name]
    return found[0] if found else None


def new_cable(lab, name):
    """A cable from the edge to the director that did not exist before; the VIPs are routed over it."""
    edge, director = lab.netns("edge"), lab.netns("director")
    lab.run("edge", f"ip link add name new type veth peer name {name} netns {director}")
    lab.run("edge", "ethtool -K new tx off")
    lab.run("director", f"ethtool -K {name} tx off")
    lab.run("edge", "ip link set new up")
    lab.run("edge", "ip addr add 198.18.2.1/24 dev new")
    lab.run("edge", "ip addr add 2001:db8:18:2::1/64 dev new")
    lab.run("director", f"ip link set {name} up")
    lab.run("director", f"ip addr add 198.18.2.10/24 dev {name}")
    lab.run("director", f"ip addr add 2001:db8:18:2::10/64 dev {name}")
    lab.run("edge", f"ip route replace {VIP4}/32 via 198.18.2.10")
    lab.run("edge", f"ip route replace {VIP6}/128 via 2001:db8:18:2::10")
    return edge


def remove_cable(lab):
    lab.run("edge", f"ip route replace {VIP4}/32 via 198.18.1.10")
    lab.run("edge", f"ip route replace {VIP6}/128 via 2001:db8:18:1::10")
    lab.run("edge", "ip link del new", check=False)


def test_a_new_interface_carries_the_program_and_forwards(l3):
    try:
        new_cable(l3, "eth1")
        wait_for("a program on eth1", lambda: l3.program("director", "eth1"))
        received, sent = l3.counters("director", "eth1")[0], l3.counters("director", "eth0")[1]
        for vip in (VIP4, VIP6):
            assert_both_answer(l3.curl(vip, 50), 50)
        assert l3.counters("director", "eth1")[0] >= received + 400
        assert l3.counters("director", "eth0")[1] >= sent + 400, "not redirected to eth0"
        assert interface(l3, "director", "eth1")["state"] == interface(l3, "director", "eth0")["state"]
    finally:
        remove_cable(l3)
    wait_for("forgotten", lambda: interface(l3, "director", "eth1") is None)
    assert_both_answer(l3.curl(VIP4, 50), 50)


def test_an_interface_that_does_not_match_is_left_alone(l3):
    try:
        new_cable(l3, "other0")
        wait_for("other0 is up", lambda: l3.link("director", "other0")["operstate"] == "UP")
        l3.assert_verified()
        assert l3.program("director", "other0") is None
    finally:
        remove_cable(l3)


@pytest.fixture
def foreign_program(l3, tmp_path):
    """Somebody else's XDP program, pinned in the lab's folder; yields its path and id."""
    source, obj, pin = tmp_path / "f.c", tmp_path / "f.o", l3.pin_dir / "foreign"
    source.write_text('__attribute__((section("xdp"), used)) int foreign(void *ctx) { return 2; }\n'
                      '__attribute__((section("license"), used)) char _license[] = "GPL";\n')
    l3.run("director", f"clang -O2 -target bpf -c {source} -o {obj}")
    l3.run("director", f"bpftool prog load {obj} {pin} type xdp")
    yield pin, json.loads(l3.run("director", f"bpftool -j prog show pinned {pin}"))["id"]
    pin.unlink()


def test_a_foreign_program_blocks_and_is_not_touched(l3, foreign_program):
    pin, program = foreign_program
    try:
        new_cable(l3, "other0")
        l3.run("director", f"bpftool net attach xdpgeneric pinned {pin} dev other0")
        l3.run("director", "ip link set dev other0 down")
        l3.run("director", "ip link set dev other0 name eth7")
        l3.run("director", "ip link set dev eth7 up")
        entry = wait_for("blocked", lambda: (lambda found: found if found and found["state"] == "blocked" else None)(
            interface(l3, "director", "eth7")))
        assert str(program) in entry["reason"]
        assert l3.program("director", "eth7") == program
        # It goes away: the interface is ours to take.
        l3.run("director", "bpftool net detach xdpgeneric dev eth7")
        wait_for("ours", lambda: l3.program("director", "eth7") not in (None, program))
    finally:
        remove_cable(l3)


# ---- the file and the command


def strip(documents):
    """Without the counters, which go on."""
    return [{key: value for key, value in document.items() if key not in ("packets", "bytes")}
            for document in documents]


def picture(lab, node):
    return {what: strip(lab.json(node, "show", what)) for what in ("services", "backends", "interfaces", "aliases")}


@pytest.mark.complains
@pytest.mark.parametrize("node", ["director", "b1"])
def test_reload_of_a_broken_file_changes_nothing(l3, node):
    before, program, text = picture(l3, node), l3.program(node, "eth0"), l3.read_config()
    assert program
    try:
        l3.write_config(text.replace("forward: l3", "foward: l3", 1))
        result = l3.shunt(node, "reload")
        assert result.returncode == 1
        line = 1 + text[:text.index("forward:")].count("\n")
        assert f"shunt.yaml:{line}:5: unknown key 'foward'" in result.stderr
        assert "did you mean 'forward'?" in result.stderr
        assert picture(l3, node) == before
        assert l3.program(node, "eth0") == program
        assert_both_answer(l3.curl(VIP4, 50), 50)
    finally:
        l3.write_config(text)
    assert l3.shunt(node, "reload").returncode == 0
    assert picture(l3, node) == before


def test_reload_with_weights_shifts_the_flows(l3):
    def weigh(text):
        return text.replace("- 198.51.100.12\n", "- {address: 198.51.100.12, weight: 3}\n")

    with l3.configured(weigh, "director"):
        assert l3.backends()["198.51.100.12"]["weight"] == 3
        answers = l3.curl(VIP4, 400)
        assert_both_answer(answers, 400)
        assert 0.65 < answers["b2"] / 400 < 0.85
        l3.assert_verified()
    assert_both_answer(l3.curl(VIP4, 50), 50)


def test_reloads_in_quick_succession(l3):
    """What each gives up rests for a while: however many services change at once, the next one is taken as well."""
    def of(port):
        return 'interfaces: [{match: "eth*"}]\nservices:\n' + "".join(
            f"  - {{name: s{i}, vip: 203.0.113.{20 + i}, ports: [{port}/tcp], forward: ipip, backends: [198.51.100.11]}}\n"
            for i in range(25))

    for port in (80, 81) * 4:
        with l3.configured(lambda _, port=port: of(port), "director"):
            assert {row["port"] for row in l3.json("director", "show", "services")} == {port}


def test_weight_0_drains(l3):
    def weigh(text):
        return text.replace("- 198.51.100.12\n", "- {address: 198.51.100.12, weight: 0}\n")

    with l3.configured(weigh, "director"):
        assert l3.backends()["198.51.100.12"]["state"] == "draining"
        assert l3.curl(VIP4, 50) == {"b1": 50}
    assert_both_answer(l3.curl(VIP4, 50), 50)


def test_a_drain_in_a_service_that_the_file_lost_is_told_and_can_be_forgotten(l3):
    address = "198.51.100.12"

    def state():
        return l3.backends()[address]["state"]

    def ask(*args):
        result = l3.shunt("director", *args)
        return result.stdout + result.stderr

    assert ask("drain", address) == "done: 1 marked\n"
    wait_for("draining", lambda: state() == "draining")
    with l3.configured(lambda text: text.replace("name: web\n", "name: www\n"), "director"):
        assert state() == "active"
        assert f"{address} is drained as a backend of web, which the file has not" in (
            l3.run_dir / "director.log").read_text()
        assert ask("undrain", address, "web") == "done: 1 marked\n"
        assert "no service" in ask("undrain", "198.51.100.99")
    assert state() == "active"


def test_a_service_that_goes_takes_its_alias_along(l3):
    def without_web6(text):
        return text[:text.index("  - name: web6")]

    def aliases():
        return [info["local"] for link in json.loads(l3.run("b1", "ip -j addr show dev lo"))
                for info in link["addr_info"] if info["scope"] == "global"]

    with l3.configured(without_web6, "b1"):
        wait_for("only the IPv4 alias", lambda: aliases() == [VIP4])
    wait_for("both", lambda: sorted(aliases()) == sorted([VIP4, VIP6]))


def test_random_is_sticky_and_spreads(l3):
    def random(text):
        return text.replace("forward: l3\n", "forward: l3\n    scheduler: random\n")

    with l3.configured(random, "director"):
        l3.assert_verified()
        for vip in (VIP4, VIP6):
            assert_both_answer(l3.curl(vip, 100), 100)
            spread = set()
            for port in range(20000, 20010):
                answers = {l3.requests(udp(vip), count=1, port=port)[0].answer for _ in range(3)}
                assert len(answers) == 1 and answers <= set(BACKENDS)
                spread |= answers
            assert spread == set(BACKENDS)
    assert_both_answer(l3.curl(VIP4, 50), 50)


def test_events_tell_dispatches_and_neighbours(l3):
    def documents():
        return [json.loads(line) for line in lines()]

    with l3.streaming("director", "events", "-j") as lines:
        def dispatched():
            l3.curl(VIP4, 2)
            return [event for event in documents() if event.get("event") == "dispatch"]

        event = wait_for("a dispatch", dispatched)[0]
        assert event["client"] == "198.18.0.10"
        assert event["vip"] == VIP4
        assert event["backend"] in ("198.51.100.11", "198.51.100.12")
        mac = l3.new_mac("r1", "core")
        wait_for("the new MAC", lambda: [event for event in documents()
                                         if event.get("event") != "dispatch" and mac in json.dumps(event)])


def test_show_and_status_as_text(l3):
    for what in ("services", "backends", "nexthops", "interfaces", "aliases"):
        result = l3.shunt("director", "show", what)
        assert result.returncode == 0, result.stderr
    assert "198.51.100.11" in l3.shunt("director", "show", "backends").stdout
    assert "02:00:00:00" in l3.shunt("director", "show", "nexthops").stdout
    assert l3.shunt("director", "status").returncode == 0
    assert l3.shunt("director", "show", "nonsense").returncode == 2
    assert l3.shunt("director", "nonsense").returncode == 2


def test_two_directors_pick_the_same_backends(l3, fresh_l3):
    def picks(lab):
        return [request.answer for vip in (VIP4, VIP6)
                for request in lab.requests(udp(vip), count=60, port=30000)]

    first = picks(l3)
    assert set(first) == set(BACKENDS)
    assert picks(fresh_l3) == first


# ---- the end


def test_down_leaves_nothing(fresh_l3):
    lab = fresh_l3
    keys = [f"net.ipv4.conf.{dev}.{key}" for dev in ("all", "default", "lo", "eth0")
            for key in ("arp_ignore", "arp_announce")]
    during = lab.run("b1", "sysctl", *keys)
    assert "arp_ignore = 1" in during and "arp_announce = 2" in during
    for node in ("director", "b1", "b2"):
        result = lab.shunt(node, "down")
        assert result.returncode == 0, result.stderr
        wait_for(f"shuntd of {node} ends", lambda node=node: lab.shunt(node, "status").returncode == 1)
        for link in json.loads(lab.run(node, "ip -j -d addr")):
            assert "xdp" not in link
            addresses = {info["local"] for info in link["addr_info"]}
            assert not addresses & {VIP4, VIP6}
        assert all(line.endswith(" = 0") for line in lab.run(node, "sysctl", *keys).splitlines())
        assert not (lab.pin_dir / node).exists()
    # What was the case before: a backend's daemon can be started again.
    for node in ("b1", "b2", "director"):
        lab.start(node)
    wait_for("active again", lab.all_active)
    wait_for("answers", lambda: set(lab.curl(VIP4, 20)) == set(BACKENDS))


def test_a_node_with_many_backend_addresses(l3):
    """However many of the backends it is, also when it comes to be them only later: all its entries have room."""
    own = [f"198.51.100.{i}" for i in range(100, 180)]
    text = ('interfaces: [{match: "eth*"}]\nservices:\n'
            f"  - {{name: web, vip: 203.0.113.10, ports: [80/tcp, 7/udp], forward: l3, backends: [{', '.join(own)}]}}\n")
    addresses = "".join(f"address VERB {address}/24 dev eth0\n" for address in own)

    def change(verb):
        subprocess.run([*l3.enter("b1"), "ip", "-batch", "-"], input=addresses.replace("VERB", verb), text=True, check=True,
                       timeout=30)

    with l3.configured(lambda _: text, "b1"):
        change("add")
        try:
            wait_for("the alias", lambda: [row["state"] for row in l3.json("b1", "show", "aliases")] == ["installed"])
            l3.assert_verified("b1")
            assert l3.shunt("b1", "reload").returncode == 0
            l3.assert_verified("b1")
        finally:
            change("del")
