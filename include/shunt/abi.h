/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ABI between the packet path (xdp/) and the controller (ctl/).
 *
 * One header, compiled by both sides, with its sizes asserted: there is no second copy to
 * drift. It knows no libc, no file and no netlink.
 *
 *	guesses    {VIP, port, protocol}   -> service and its ring, perhaps (guess.h)
 *	vips       {VIP, port, protocol}   -> service
 *	addresses  VIP                     -> the service that speaks for it
 *	services   service                 -> where its ring lies
 *	slots      ring + hash(flow)       -> backend
 *	backends   backend                 -> address, mode, path
 *	paths      path                    -> a weighted group of next hops
 *	nexthops   next hop                -> egress ifindex, MACs
 *	lanes      backend                 -> what its frames become, by l2 and one next hop (lane.h)
 *
 * Rules of publication, which both sides rely on:
 *  - Index 0 of every array means "nothing"; the controller never hands it out.
 *  - A record is written before anything points to it, and is immutable while something does,
 *    except for the words marked `atomic`. Those are aligned and are stored and loaded whole.
 *  - A neighbour's new MAC is one such word: one store for every backend behind it.
 *
 * Addresses and ports are in network byte order (__be32, __be16); all else is host order.
 * An IPv4 address occupies the first word of a four-word address, the rest is zero.
 */
#ifndef SHUNT_ABI_H
#define SHUNT_ABI_H

#include <linux/types.h>

/* Bumped when a record's meaning changes: pinned maps of another version are not adopted. */
#define SH_ABI_VERSION 10

#define SH_FAMILY_IPV4 4
#define SH_FAMILY_IPV6 6

struct sh_ip {
	__be32 w[4];
};

/* Key of `vips4` and, with the backend's own address in place of the VIP, of `restore4`.
 * Port 0 stands for every port of the protocol and is looked up second. */
struct sh_endpoint4 {
	__be32 addr;
	__be16 port;
	__u8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 zero;
};

/* In `restore4` and `restore6`, protocol 0 says that `port` is a DSCP (1..63): of a packet so marked
 * the port does not matter (L3DSR). */

/* The same for `vips6` and `restore6`. */
struct sh_endpoint6 {
	__be32 addr[4];
	__be16 port;
	__u8 protocol;
	__u8 zero;
};

/*
 * An entry of `guesses`, the place of which is computed (guess.h), with all that the straight way goes by of
 * its service: there it costs no second look.
 *
 * Before anything but `where` changes, `where` is cleared, and set last. A packet loads `where`, the rest,
 * and `where` again. Services may share a ring: before an entry goes over from one service to another, all
 * packets that saw the former have ended.
 */
struct sh_guess {
	union {
		struct {
			__u32 ring;
			__u32 slots;
		};
		/* Atomic. The service's; 0: the straight way is closed to it (sh_guess_where). */
		__u64 where;
	};
	__u32 service; /* atomic: index in `services`; 0: none */
	__be16 vip_port;
	__u8 protocol;
	__u8 family;
	struct sh_ip vip;
};

/* For `zero` of a VIP's key, with port 0: leads to a service whose ring all of the VIP's services of that
 * protocol share, for fragments that come before the one that has the ports (xdp/hard.h). */
#define SH_ENDPOINT_STRAY 1

#define SH_SERVICE_RANDOM  (1U << 0) /* scheduler random: a new flow takes any slot, remembered in `flows` */
#define SH_SERVICE_QUIC_ID (1U << 1) /* UDP: connection IDs name the backend (xdp/quic.h) */

/* One VIP:port/protocol. Services that come from one entry of the file share a ring. */
struct sh_service {
	union {
		struct {
			__u32 ring;  /* first slot of the ring in `slots` */
			__u32 slots; /* its size; 0: no backend is active */
		};
		__u64 where; /* atomic: both at once */
	};
	__u32 flags;
	/* With SH_SERVICE_QUIC_ID: where in a connection ID that the server chose its backend's id lies, in
	 * network order. Both fit into SH_QUIC_ID_MAX. */
	__u8 quic_offset;
	__u8 quic_bytes; /* 1..8 */
	__u16 zero;
	/* Of its ring and its backends, whatever its entry in the file is called now
	 * (ctl/tables/succession.h); at first FNV-1a of the name. 0: record not in use. */
	__u64 owner;
	struct sh_ip vip; /* its own key, for reading back and for events */
	__be16 vip_port;
	__u8 protocol;
	__u8 family;   /* of `vip`: SH_FAMILY_* */
	__u32 answers; /* atomic; where `addresses` leads here: 1: a service of the VIP has an active backend
			*/
	__u8 given_up; /* as in sh_backend */
	__u8 zero1[15];
};

/*
 * One share of a service's flows. Steady (`before` 0), all of them go to `now`. In transition, new
 * flows go to `now` and are remembered, known ones to where they are remembered, and a packet in
 * the midst of an unknown flow to `before`: who began before the transition did. `before` may equal
 * `now` (what is remembered still counts), and `now` may be 0 (no backend takes new flows).
 */
struct sh_slot {
	union {
		struct {
			__u32 now;
			__u32 before; /* with SH_BEFORE_CLOSED or without */
		};
		__u64 both; /* atomic */
	};
};

/* In `before`: every flow of datagrams that was there when the transition began has shown itself, or has
 * been silent for the idle time. Unknown ones are new. */
#define SH_BEFORE_CLOSED (1U << 31)

enum sh_mode {
	SH_MODE_NONE = 0,
	SH_MODE_L2 = 1,	   /* rewrite MACs only */
	SH_MODE_L3 = 2,	   /* also rewrite the destination address; the L4 checksum stays the VIP's */
	SH_MODE_LOCAL = 3, /* the backend is this node: pass to the stack */
	SH_MODE_IPIP = 4,  /* whole, in an IP packet to the backend (RFC 2003, 2473, 4213) */
	SH_MODE_GUE = 5,   /* the same with UDP between (GUE variant 1) */
};

/* One backend of one service of the file: one cache line. */
struct sh_backend {
	struct sh_ip address;
	__u64 owner;  /* as its services have it; 0: record not in use */
	__u32 weight; /* from the file, for reading back only */
	__u8 family;  /* of `address`: SH_FAMILY_* */
	__u8 zero0[3];
	union {
		struct {
			__u32 path; /* in `paths`, or SH_PATH_ONE; 0: none, ask bpf_fib_lookup */
			__u32 mode; /* enum sh_mode */
		};
		__u64 how; /* atomic: mode and path switch together */
	};
	/* Atomic. 0, or when (CLOCK_MONOTONIC_COARSE, see SH_SEEN_SHIFT) a packet last came for
	 * it as a backend that a slot moves away from. The controller sets it and clears it, the packet path
	 * only renews what is set. */
	__u32 seen;
	__u8 dscp;	  /* l3: the mark that stands for the VIP (L3DSR); 0: none. Atomic */
	__u8 has_quic_id; /* for reading back */
	__u8 given_up;	  /* 1: it rests until it is free. Whoever starts must not take it for its namesake */
	__u8 zero1;
	__u64 quic_id; /* that connection IDs name it by, where its service has such. Atomic */
	/* Atomic. Like `seen`: when a packet last named it by its id. Of who is gone from the file; else 0.
	 */
	__u32 named;
	__u8 zero2[4];
};

/* Nanoseconds to the unit of `seen`: 1.07 s. */
#define SH_SEEN_SHIFT 30

/* With this bit a backend's `path` is no record: the rest of the word is its one next hop, and the route sets
 * no MTU. */
#define SH_PATH_ONE (1U << 31)

#define SH_PATH_BUCKETS 127

/*
 * The legs of a multipath route, which fill the buckets in proportion to their weights, usable or
 * not: a flow whose bucket leads to a next hop without SH_NEXTHOP_VALID takes other buckets, one
 * after the other, until one leads somewhere (xdp/forward.h). A prime number of buckets, so that
 * every step leads round to all of them. Immutable.
 */
struct sh_path {
	__u16 buckets; /* a prime up to SH_PATH_BUCKETS, or 1; 0: record not in use */
	__u16 mtu;     /* of the route, at most 65535; 0: it sets none. The next hop's counts beside it */
	__u32 nexthop[SH_PATH_BUCKETS];
};

#define SH_NEXTHOP_VALID   0x8000 /* the destination MAC is known, and frames can be sent there */
#define SH_NEXTHOP_HERE	   0x4000 /* only what came in by `ifindex`: the device takes no redirected frames */
#define SH_NEXTHOP_8021AD  0x2000 /* the tag is 802.1ad's, else 802.1Q's */
#define SH_NEXTHOP_TAGGED  0x1000 /* push a VLAN tag */
#define SH_NEXTHOP_VLAN_ID 0x0fff

/*
 * One neighbour on one link. Its identity {link, neighbour} never changes. Where the link is made of
 * others (a VLAN, a bridge, ...) frames leave by one of those: `ifindex`, and with the tag in `flags`.
 *
 * No packet gets a mixture of two states. One word that changes alone is a state of its own. Before more
 * than one change, `dst` is cleared, and set last. A packet loads `where`, the other two, and `where`
 * again: where the version moved it takes none of it.
 */
struct sh_nexthop {
	union {
		struct {
			__u8 dst_mac[6];
			__u16 flags; /* SH_NEXTHOP_*; without VALID zero */
		};
		__u64 dst; /* atomic: what a neighbour change rewrites */
	};
	union {
		struct {
			__u8 src_mac[6];
			__u16 mtu; /* of the links, at most 65535: largest L3 packet in bytes */
		};
		__u64 src; /* atomic: what a local MAC or MTU change rewrites */
	};
	union {
		struct {
			__u32 ifindex; /* to transmit on */
			__u32 version; /* one more after every store to one of these three words */
		};
		__u64 where; /* atomic */
	};
	struct sh_ip neighbour; /* for reading back; the packet path does not look at it */
	__u32 family;		/* of `neighbour`; 0: record not in use */
	__u32 link;		/* of the route; for reading back */
};

/*
 * By the index of a backend: what its frames become, for l2 by one next hop that is usable and takes no tag,
 * so that the straight way has it by the slot alone (lane.h).
 *
 * Before anything but `where` changes, `where` is cleared, and set last, with another version than it ever
 * had. A packet loads `where`, the rest, and `where` again: where it moved, the packet takes none of it.
 */
struct sh_lane {
	__u8 macs[12]; /* as a frame begins: destination, source */
	__u32 mtu;     /* largest L3 packet in bytes; 0: no bound */
	union {
		struct {
			__u32 ifindex; /* to transmit on */
			__u32 version;
		};
		__u64 where; /* atomic. 0: the backend's record tells */
	};
	__u32 stores; /* the last version; the packet path does not look at it */
	__u32 zero;
};

/* Key of `quic_ids`, which leads to an index in `backends`. What is found counts where its record has the
 * same owner and id. */
struct sh_quic_key {
	__u64 owner; /* of the service */
	__u64 id;
};

#define SH_QUIC_ID_MAX 20 /* bytes of a connection ID (RFC 9000, 17.2) */

/* Key of `flows`: the client's side of a flow to a service. */
struct sh_flow {
	struct sh_ip client;
	__be16 client_port;
	__be16 vip_port;
	__u32 whose; /* its service's in the file, with the protocol (<shunt/fresh.h>) */
};

/* Eight flows of which one packet was seen, the latest first (fresh.h). */
#define SH_FRESH_WAYS 8

struct sh_fresh {
	__u64 flow[SH_FRESH_WAYS]; /* atomic, each; 0: none */
};

/* Sets of fresh flows, and entries of `flows`, on a node that directs (xdp/flows.h). A handshake has the time
 * that it takes to turn its set over. */
#define SH_FRESH_BITS 14
#define SH_FRESH_SIZE 16384U
#define SH_FLOWS_SIZE 262144U

/* Datagrams in fragments that are remembered, on their way to a backend and on arrival there (xdp/pieces.h).
 */
#define SH_PIECES_SIZE 16384U

struct sh_flow_state {
	__u32 backend;
	__u32 zero;
};

/* Where tunnels come from. Bits in `spread` are filled from the flow's hash, so that the backend's NIC
 * spreads flows over its queues by the outer addresses. */
struct sh_tunnel {
	__be32 source4; /* 0: none, tunnels over IPv4 are dropped */
	__be32 spread4;
	struct sh_ip source6; /* all zero: none */
	__be32 spread6;	      /* of the last word */
	__be16 port;	      /* of GUE */
	__u16 zero;
};

/* Settings that may change while packets flow; `knobs` holds one. */
struct sh_knobs {
	__u32 any_port;		/* 1: services with port 0 exist, look them up second */
	__u32 events_per_100ms; /* dispatch events each CPU may emit; 0: nobody listens */
	__u32 tunnel;		/* atomic: which of `tunnels`; the other one is written before a switch */
	__u32 abi;		/* SH_ABI_VERSION of who filled the maps */
	struct sh_tunnel tunnels[2];
};

/* Key of `served` and `addresses`: an address of either family. */
struct sh_address {
	struct sh_ip ip;
	__u32 family;
};

#define SH_SERVED_OWN (1U << 0) /* a backend's own address: tunnels end there */
#define SH_SERVED_VIP (1U << 1) /* what may come out of them */

struct sh_served {
	__u16 as;    /* SH_SERVED_* */
	__be16 port; /* OWN: of GUE */
};

/* In `owns`, by ifindex: the addresses of this node that it tells of an ended TTL from, to those who sent by
 * that interface (xdp/time_exceeded.h). Zero: none. */
struct sh_own {
	struct sh_ip v6;
	__be32 v4;
};

#define SH_OWNS_SIZE 256

/* What senders are told of, each with an account of its own (xdp/telling.h). */
enum sh_telling_kind { SH_TELLING_TOO_BIG, SH_TELLING_TTL, SH_TELLING_COUNT };

/* What is left to tell senders of it, on one CPU. */
struct sh_telling {
	__u64 since;  /* when credit was last given: ns, CLOCK_MONOTONIC_COARSE */
	__u64 credit; /* ns */
};

#define SH_TELLING_COST	 1000000U /* ns of credit for one error: 1,000 a second */
#define SH_TELLING_BURST 250U	  /* errors that credit is kept for */

/* A place in `macs` (macs.h). */
#define SH_MACS_PLACES 256
#define SH_MACS_WAYS   8
#define SH_MAC_NONE    0ULL
#define SH_MAC_ANY     ~0ULL /* as the last: there are more than fit */

struct sh_macs {
	__u64 mac[SH_MACS_WAYS]; /* atomic, each */
};

/* Fixed when the director's program is loaded (read-only data `load`; include this header before
 * the skeleton). */
struct sh_load {
	__u32 restore; /* 1: this node is a backend too, restore first */
	__u32 guesses; /* entries of `guesses` */
};

enum sh_event_kind {
	SH_EVENT_DISPATCH = 1,
};

/* One record of the ring buffer `events`. */
struct sh_event {
	__u64 time;   /* ns, CLOCK_MONOTONIC_COARSE */
	__u32 kind;   /* enum sh_event_kind */
	__u32 reason; /* enum sh_reason: what became of the packet */
	__u32 service;
	__u32 backend;
	__u32 missed; /* dispatches not reported on this CPU since its last event */
	__u8 family;
	__u8 protocol;
	__u8 zero[2];
	struct sh_ip client;
	struct sh_ip vip;
	__be16 client_port;
	__be16 vip_port;
	__u32 zero1;
};

struct sh_count {
	__u64 packets;
	__u64 bytes; /* of the frame as received, Ethernet header included */
};

/*
 * What of a service went the straight way (xdp/straight.h), by its reason. It is counted here alone: neither
 * in `reasons` nor in `service_counts`. So each of those two reasons is what `reasons` has of it and the sum
 * of these over all records, in use or not: they are never set back. What a service comes to is this and what
 * `service_counts` has of it, which may be below zero, for an index may have had another service before.
 */
struct sh_straight_count {
	struct sh_count tx;	  /* SH_TX */
	struct sh_count redirect; /* SH_REDIRECT */
};

/*
 * What became of a packet. Every packet that a program sees is counted under exactly one.
 * X(symbol, "json name", "in words")
 */
#define SH_REASONS(X)                                                                                     \
	X(TX, "tx", "forwarded out of the interface it came in")                                          \
	X(REDIRECT, "redirect", "forwarded out of another interface")                                     \
	X(FIB_TX, "fib_tx", "no cached path: forwarded by bpf_fib_lookup, same interface")                \
	X(FIB_REDIRECT, "fib_redirect", "no cached path: forwarded by bpf_fib_lookup, other interface")   \
	X(KERNEL, "kernel", "no neighbour yet: rewritten and handed to the kernel, which resolves it")    \
	X(LOCAL, "local", "the backend is this node")                                                     \
	X(RESTORED, "restored", "backend: destination rewritten to the VIP")                              \
	X(DECAPSULATED, "decapsulated", "backend: taken out of its tunnel")                               \
	X(ECHOED, "echoed", "echo request to a VIP: answered")                                            \
	X(TOLD_TOO_BIG, "told_too_big", "larger than the MTU of the path: the sender was told (ICMP)")    \
	X(TOLD_TTL, "told_ttl", "TTL or hop limit too low to route: the sender was told (ICMP)")          \
	X(PASS_NOT_IP, "pass_not_ip", "neither IPv4 nor IPv6 (ARP, three VLAN tags, ...)")                \
	X(PASS_MALFORMED, "pass_malformed", "a header is truncated or lies about its length")             \
	X(PASS_PROTOCOL, "pass_protocol", "neither TCP nor UDP")                                          \
	X(PASS_FRAGMENT, "pass_fragment", "a fragment: another protocol, or its first is unknown")        \
	X(PASS_IPV6_EXT, "pass_ipv6_ext", "IPv6 extension headers that are not looked behind")            \
	X(PASS_NOT_OURS, "pass_not_ours", "not for a VIP and port of a service")                          \
	X(PASS_NOT_US, "pass_not_us", "for a service, but to a MAC address that is not this node's")      \
	X(PASS_ICMP, "pass_icmp", "an ICMP error about no flow to a service")                             \
	X(PASS_TTL, "pass_ttl", "TTL or hop limit too low to route: left to the kernel")                  \
	X(PASS_TUNNEL, "pass_tunnel", "backend: a tunnel's packet, but not for a VIP served through it")  \
	X(PASS_CUT_OFF, "pass_cut_off",                                                                   \
	  "the programs behind the first one were removed: left to the kernel")                           \
	X(DROP_NO_BACKEND, "drop_no_backend", "the service has no active backend")                        \
	X(DROP_NO_NEIGHBOUR, "drop_no_neighbour", "l2: the backend's MAC is not known yet")               \
	X(DROP_NO_ROUTE, "drop_no_route", "the kernel has no way to the backend")                         \
	X(DROP_TOO_BIG, "drop_too_big", "larger than the MTU of the path; no DF, or from no one to tell") \
	X(DROP_TOO_BIG_LIMIT, "drop_too_big_limit",                                                       \
	  "larger than the MTU of the path; others were just told")                                       \
	X(DROP_SMALL_MTU, "drop_small_mtu", "IPv6: the path takes less than 1280 bytes: raise its MTU")   \
	X(DROP_TTL_LIMIT, "drop_ttl_limit", "TTL or hop limit too low to route; others were just told")   \
	X(DROP_ECHO, "drop_echo", "echo request to a VIP that has no active backend")                     \
	X(DROP_NO_SOURCE, "drop_no_source", "tunnel: this node has no address to send it from")           \
	X(DROP_ECN, "drop_ecn", "backend: tunnel marked congested, and the packet in it cannot say so")   \
	X(DROP_LOOP, "drop_loop", "l2: back to the node that it came from")                               \
	X(DROP_EGRESS, "drop_egress", "the egress interface is gone or cannot transmit")

#define SH_REASON_ENUM(symbol, name, words) SH_##symbol,
enum sh_reason { SH_REASONS(SH_REASON_ENUM) SH_REASON_COUNT };

#define SH_ASSERT_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " is not " #size " bytes")
SH_ASSERT_SIZE(struct sh_endpoint4, 8);
SH_ASSERT_SIZE(struct sh_endpoint6, 20);
SH_ASSERT_SIZE(struct sh_service, 64);
SH_ASSERT_SIZE(struct sh_guess, 32);
SH_ASSERT_SIZE(struct sh_lane, 32);
SH_ASSERT_SIZE(struct sh_slot, 8);
SH_ASSERT_SIZE(struct sh_backend, 64);
SH_ASSERT_SIZE(struct sh_path, 512);
SH_ASSERT_SIZE(struct sh_nexthop, 48);
SH_ASSERT_SIZE(struct sh_quic_key, 16);
SH_ASSERT_SIZE(struct sh_flow, 24);
SH_ASSERT_SIZE(struct sh_flow_state, 8);
SH_ASSERT_SIZE(struct sh_own, 20);
SH_ASSERT_SIZE(struct sh_telling, 16);
SH_ASSERT_SIZE(struct sh_fresh, 64);
SH_ASSERT_SIZE(struct sh_load, 8);
SH_ASSERT_SIZE(struct sh_tunnel, 32);
SH_ASSERT_SIZE(struct sh_knobs, 80);
SH_ASSERT_SIZE(struct sh_address, 20);
SH_ASSERT_SIZE(struct sh_served, 4);
SH_ASSERT_SIZE(struct sh_event, 72);
SH_ASSERT_SIZE(struct sh_count, 16);
SH_ASSERT_SIZE(struct sh_straight_count, 32);
SH_ASSERT_SIZE(struct sh_macs, 64);

#endif
