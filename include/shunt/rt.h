/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What netlink/ offers ctl/: the kernel's links, addresses, neighbours, routes and rules as
 * plain structs. No type of libnl and no netlink constant is needed to use it.
 *
 *	rt_query   a socket to ask and to write: one request, one answer
 *	rt_state   the observed state: links, addresses and neighbours, by look-up
 *	rt_watch   a socket that follows the kernel: keeps an rt_state and returns hints
 *
 * Routes are not mirrored. An event says that something changed (a hint); the kernel is then
 * asked about the addresses it may concern (rt_query_fib), which is right whatever the rules,
 * tables and nexthop objects are.
 *
 * Functions return 0 or -errno, leave their outputs untouched on failure, and log nothing.
 */
#ifndef SHUNT_RT_H
#define SHUNT_RT_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/addr.h>

#define RT_KIND_SIZE 16

enum rt_xdp_mode { RT_XDP_NONE = 0, RT_XDP_GENERIC, RT_XDP_NATIVE, RT_XDP_OFFLOAD, RT_XDP_MULTI };

/* As the kernel numbers them (BOND_MODE_*). */
enum rt_bond_mode {
	RT_BOND_ROUNDROBIN = 0,
	RT_BOND_ACTIVEBACKUP,
	RT_BOND_XOR,
	RT_BOND_BROADCAST,
	RT_BOND_8023AD,
	RT_BOND_TLB,
	RT_BOND_ALB,
};

struct rt_link {
	int ifindex;
	char name[IFNAMSIZ];
	char kind[RT_KIND_SIZE]; /* "veth", "bridge", ...; empty for a physical or virtio device */
	uint8_t mac[6];		 /* zero where the link has none of 6 bytes */
	uint32_t mtu;
	bool up;      /* IFF_UP: administratively */
	bool carrier; /* IFF_LOWER_UP */
	bool loopback;
	bool bare;  /* its packets begin with IP, or whatever it is, and not with an Ethernet header */
	int master; /* ifindex of the bridge, bond or VRF, or 0 */
	int lower;  /* IFLA_LINK: parent, or a veth's peer; 0 where none */
	bool lower_elsewhere;	/* `lower` is an index in another network namespace */
	uint16_t vlan_id;	/* "vlan" */
	uint16_t vlan_protocol; /* its ethertype, host order: 0x8100 or 0x88a8 */
	bool vlan_filtering;	/* "bridge" */
	enum rt_bond_mode bond_mode;
	int bond_active;     /* the slave that carries the traffic, in modes that have one; 0: none */
	uint32_t vrf_table;  /* "vrf" */
	bool macvlan_bridge; /* "macvlan" in mode bridge: neighbours may be on this very host */
	enum rt_xdp_mode xdp_mode;
	uint32_t xdp_program; /* id of the attached program, 0 for none */
};

/* Where a bridge sends frames to a MAC. */
struct rt_fdb {
	int bridge;
	uint8_t mac[6];
	int port; /* ifindex */
};

struct rt_addr {
	int ifindex;
	struct addr addr;
	uint8_t length;	  /* prefix length */
	uint8_t protocol; /* IFA_PROTO; 0 where unset or the kernel has none (before 5.18) */
};

/* Neighbour states (NUD_*), reduced to what decides. */
enum rt_neigh_state {
	RT_NEIGH_NONE = 0,   /* no entry, or one that nobody asked for */
	RT_NEIGH_INCOMPLETE, /* being resolved */
	RT_NEIGH_FAILED,     /* did not answer; in an rt_state it stays so while it is probed again, until it
				answers */
	RT_NEIGH_VALID,	     /* REACHABLE, STALE, DELAY, PROBE, NOARP: mac is right */
	RT_NEIGH_PERMANENT,  /* set by hand: valid, and never to be written by us */
};

struct rt_neigh {
	int ifindex;
	struct addr addr;
	enum rt_neigh_state state;
	uint8_t mac[6]; /* meaningful where VALID or PERMANENT */
	bool managed;	/* NTF_EXT_MANAGED */
};

#define RT_LEGS_MAX 32

struct rt_leg {
	int ifindex;
	struct addr gateway; /* family 0: on-link. May be IPv6 for an IPv4 route (RFC 5549) */
	uint32_t weight;     /* 1..256; to 65536 in nexthop groups (kernel 6.13) */
	bool dead;	     /* RTNH_F_DEAD or RTNH_F_LINKDOWN */
};

enum rt_route_type {
	RT_ROUTE_NONE = 0, /* no route: ENETUNREACH */
	RT_ROUTE_UNICAST,
	RT_ROUTE_LOCAL,
	RT_ROUTE_BLACKHOLE,
	RT_ROUTE_UNREACHABLE,
	RT_ROUTE_PROHIBIT,
	RT_ROUTE_THROW, /* sends on to the next rule: in dumps, never an answer */
	RT_ROUTE_OTHER, /* broadcast, multicast, ...: cannot reach a backend */
};

/* A route, or the FIB's answer for one address. */
struct rt_route {
	enum rt_route_type type;
	struct prefix dst; /* the prefix that matched */
	uint32_t table;
	uint8_t protocol;    /* RTPROT_* or a number of a routing daemon */
	uint32_t metric;     /* RTA_PRIORITY */
	uint32_t mtu;	     /* RTAX_MTU, 0 where unset */
	uint32_t nexthop_id; /* nexthop object, 0 for none */
	/* IPv6: in so many ms, rounded up, the kernel begins to skip it, without a word; negative: it does,
	 * and has not removed it yet. 0: it has no end, or one within 10 ms. */
	int64_t lifetime;
	bool tunnel;	   /* a leg has a light-weight tunnel encapsulation */
	size_t legs_count; /* legs beyond RT_LEGS_MAX are left out and `legs_cut` set */
	bool legs_cut;
	struct rt_leg legs[RT_LEGS_MAX];
};

enum rt_rule_action {
	RT_RULE_TABLE = 0, /* look into `table`, or with `l3mdev` into the VRF's */
	RT_RULE_GOTO,	   /* go on at the priority `target` */
	RT_RULE_NOP,
	RT_RULE_REJECT, /* blackhole, unreachable, prohibit */
};

/* A rule matches what all its selectors match; with `invert` what they do not. */
struct rt_rule {
	int family; /* ADDR_IPV4 or ADDR_IPV6 */
	uint32_t priority;
	enum rt_rule_action action;
	uint32_t table, target;
	struct prefix src, dst; /* length 0 and family 0: any */
	uint32_t fwmark, fwmask;
	uint8_t tos, protocol;
	char iif[IFNAMSIZ], oif[IFNAMSIZ]; /* iif "lo": what this node makes itself */
	uint32_t uid_first;		   /* 0 where it does not matter */
	bool ports;			   /* matches by source or destination port */
	bool dscp, flow_label, tunnel;	   /* matches by that */
	bool l3mdev;			   /* matches what belongs to a VRF */
	bool unknown;			   /* has an attribute that is not known here */
	bool invert;
	int suppress_length; /* routes whose prefixes are not longer don't count; -1: all do */
	bool suppress_group; /* nor do those by links of a group */
};

/* ---- asking and writing ------------------------------------------------------------------ */

struct rt_query;

/* Opens a request socket in this thread's network namespace. *out is the caller's; rt_query_close. */
int rt_query_open(struct rt_query **out);
void rt_query_close(struct rt_query *query); /* NULL is fine */

/*
 * What the FIB answers for a packet to `dst` made on this node: RTM_GETROUTE with
 * RTM_F_FIB_MATCH (net/ipv4/route.c inet_rtm_getroute), every leg with its weight. "No route",
 * blackhole, unreachable and prohibit are answers (out->type), not errors; with them the kernel
 * names no prefix, and all else in *out is zero. The legs of nexthop objects are filled in;
 * legs come in order of ifindex, then gateway.
 * -EAGAIN where routes changed all the while: ask again.
 */
int rt_query_fib(struct rt_query *query, const struct addr *dst, struct rt_route *out);

/* An interface that packets come in by. */
struct rt_ingress {
	int ifindex;
	char name[IFNAMSIZ];
	char vrf[IFNAMSIZ]; /* the VRF that it is a port of, or empty */
	uint32_t vrf_table;
	struct addr source; /* IPv4: somebody on its network, no address of this node; family 0: none */
};

/*
 * The same for a packet that comes in, as rules may have it. IPv4 needs the source; IPv6 is asked without.
 * -EXDEV where the kernel would not accept a packet with that source there (rp_filter), or there is none.
 */
int rt_query_fib_from(struct rt_query *query, const struct addr *dst, const struct rt_ingress *ingress,
		      struct rt_route *out);

/* Does this node forward IPv6 (net.ipv6.conf.all.forwarding)? 0 or -errno: there may be no IPv6. */
int rt_query_forwarding6(struct rt_query *query, bool *out);

/*
 * Says which addresses rt_query_fib will be asked about, so that a full table that churns costs it nothing:
 * for IPv6 it follows the routes through nexthop objects. Others may still be asked about, at the price of
 * a dump. -errno where that cannot be: then every route is followed.
 */
int rt_query_interest(struct rt_query *query, const struct addr *addresses, size_t count);

/* Dumps. `each` gets a pointer that is valid during the call; non-zero from it ends the dump
 * and is returned. A dump that the kernel marked as interrupted is repeated a few times (so a record
 * may come twice), then -EAGAIN. */
int rt_dump_links(struct rt_query *query, int (*each)(const struct rt_link *, void *), void *arg);
int rt_dump_addrs(struct rt_query *query, int (*each)(const struct rt_addr *, void *), void *arg);
int rt_dump_neighs(struct rt_query *query, int (*each)(const struct rt_neigh *, void *), void *arg);
int rt_dump_routes(struct rt_query *query, int family, int (*each)(const struct rt_route *, void *),
		   void *arg);
int rt_dump_rules(struct rt_query *query, int family, int (*each)(const struct rt_rule *, void *), void *arg);

/*
 * Asks the kernel to keep a neighbour resolved (NTF_EXT_MANAGED, kernel 5.16). *managed says
 * whether the kernel took it so; where it knows no managed entries, one resolution is started
 * (NTF_USE) and *managed is false: call again from time to time. MAC and state of an entry stay.
 * Never touches an entry that is PERMANENT when it looks: -EEXIST. -EAGAIN where it is made and deleted
 * all the while. -ENOBUFS where the neighbour table is full
 * (net.ipv4|ipv6.neigh.default.gc_thresh3, one bound for all network namespaces).
 */
int rt_neigh_manage(struct rt_query *query, int ifindex, const struct addr *addr, bool *managed);
/* Ends that: the entry stays as an ordinary one that ages. 0 also where there is none. */
int rt_neigh_unmanage(struct rt_query *query, int ifindex, const struct addr *addr);

/* Host addresses (/32, /128), scope global, no DAD, IFA_PROTO = `protocol` where the kernel
 * has it. Adding one that exists and removing one that does not are 0. */
int rt_addr_add(struct rt_query *query, int ifindex, const struct addr *addr, uint8_t protocol);
int rt_addr_remove(struct rt_query *query, int ifindex, const struct addr *addr);

/* A blackhole host route (/32, /128): an address that a routing daemon is to advertise. */
struct rt_blackhole {
	struct addr addr;
	uint8_t protocol;
	uint32_t table;
	uint32_t metric; /* not 0, which IPv6 takes as 1024 */
};

/* Adds it; -EEXIST where the table has a route, anybody's, of that address and metric already. */
int rt_blackhole_add(struct rt_query *query, const struct rt_blackhole *route);
/* Removes exactly it: protocol and metric too. 0 also where there is none. */
int rt_blackhole_remove(struct rt_query *query, const struct rt_blackhole *route);
/* Those with that protocol, in whatever table; the kernel leaves out all other routes, however
 * many. As the dumps above, on a socket of its own: `each` may use a query. */
int rt_dump_blackholes(uint8_t protocol, int (*each)(const struct rt_blackhole *, void *), void *arg);

/* ---- the observed state ------------------------------------------------------------------ */

struct rt_state; /* links, addresses, neighbours and the bridges' forwarding entries; owned by its rt_watch,
		    or by rt_state_free */

int rt_state_new(struct rt_state **out);
void rt_state_free(struct rt_state *state);
/* Fills the state from dumps and forgets what the dumps no longer hold. */
int rt_state_load(struct rt_state *state, struct rt_query *query);

/* Look-ups return NULL where there is none; the pointer is valid until the state changes. */
const struct rt_link *rt_state_link(const struct rt_state *state, int ifindex);
const struct rt_neigh *rt_state_neigh(const struct rt_state *state, int ifindex, const struct addr *addr);
/* The port by which the bridge sends frames to `mac`; 0 where it has not learnt it. */
int rt_state_port(const struct rt_state *state, int bridge, const uint8_t mac[static 6]);
/* The first link that carries `addr`, by ifindex; NULL where it is no address of this node. */
const struct rt_addr *rt_state_addr(const struct rt_state *state, const struct addr *addr);
/* Walks in order of ifindex. `each` must not change the state. */
void rt_state_each_link(const struct rt_state *state, void (*each)(const struct rt_link *, void *),
			void *arg);
void rt_state_each_addr(const struct rt_state *state, void (*each)(const struct rt_addr *, void *),
			void *arg);

/* For unit tests of what reads a state: put and drop records by hand. */
int rt_state_put_link(struct rt_state *state, const struct rt_link *link);
int rt_state_put_addr(struct rt_state *state, const struct rt_addr *addr);
int rt_state_put_neigh(struct rt_state *state, const struct rt_neigh *neigh);
int rt_state_put_fdb(struct rt_state *state, const struct rt_fdb *fdb);
void rt_state_drop_link(struct rt_state *state, int ifindex); /* with its addresses and neighbours */
void rt_state_drop_addr(struct rt_state *state, const struct rt_addr *addr);
void rt_state_drop_neigh(struct rt_state *state, int ifindex, const struct addr *addr);

/* ---- following ---------------------------------------------------------------------------- */

struct rt_neigh_key {
	int ifindex;
	struct addr addr;
};

/* An event of a route to one host that may be, or take the place of, a rt_blackhole of ours. */
struct rt_host_event {
	struct rt_blackhole route; /* protocol 0 where it is no blackhole */
	bool came;		   /* else it went */
	bool replaces;		   /* it took the place of whatever was there */
};

/* What a batch of events may concern. Zero it, or rt_hints_reset, before use; it grows as needed,
 * and where a list passes 4096 entries it is emptied and `everything` set instead. */
struct rt_hints {
	bool everything; /* link, address, rule, nexthop object, netconf, overrun: ask about every backend */
	bool links;	 /* a link appeared, vanished or changed */
	bool addrs;	 /* an address came or went */
	bool fdb;	 /* a bridge learnt, moved or forgot a MAC */
	bool rules;	 /* a rule came or went */
	bool failed6;	 /* an IPv6 neighbour failed once more: no news but for who chooses routes by that */
	bool sysctls;	 /* forwarding, or another sysctl that netconf tells, changed */
	bool overrun;	 /* the socket lost events and has been recovered by a new dump */
	int *ifindexes; /* the links and bridges that `links` and `fdb` are about; fewer where `everything` is
			   set for want of room */
	size_t ifindexes_count, ifindexes_size;
	struct prefix *routes; /* prefixes whose routes changed */
	size_t routes_count, routes_size;
	struct rt_host_event *hosts; /* in the order in which it happened */
	size_t hosts_count, hosts_size;
	bool hosts_cut;		     /* there were more */
	struct rt_neigh_key *neighs; /* neighbours whose state or MAC changed */
	size_t neighs_count, neighs_size;
};

void rt_hints_reset(struct rt_hints *hints); /* empties, keeps the memory */
void rt_hints_free(struct rt_hints *hints);
bool rt_hints_any(const struct rt_hints *hints);

struct rt_watch_stats {
	uint64_t events;   /* messages decoded */
	uint64_t overruns; /* ENOBUFS seen and recovered */
	uint64_t unparsed; /* messages that did not decode: treated as `everything` */
};

struct rt_watch;

/*
 * Joins the groups for link, neighbour, address, route, rule, netconf and nexthop events, v4 and
 * v6, then loads the state (so nothing falls between). `rcvbuf` in bytes (SO_RCVBUFFORCE), 0 for 8 MiB.
 */
int rt_watch_open(struct rt_watch **out, size_t rcvbuf);
void rt_watch_close(struct rt_watch *watch);
int rt_watch_fd(const struct rt_watch *watch); /* for epoll, level triggered */
struct rt_state *rt_watch_state(struct rt_watch *watch);
const struct rt_watch_stats *rt_watch_stats(const struct rt_watch *watch);

/*
 * Keeps out of the socket those route events whose prefix covers none of the `count` addresses, of both
 * families. What comes after it returns is filtered so; ask about new addresses after it. The same set
 * again costs nothing. Needs CAP_BPF; -errno where it cannot be, and then everything comes.
 */
int rt_watch_interest(struct rt_watch *watch, const struct addr *addresses, size_t count);
bool rt_watch_filtered(const struct rt_watch *watch);

/*
 * Reads until the socket is empty (but at most some thousand messages, so that one call stays
 * short), applies links, addresses and neighbours to the state, and adds what it may concern to
 * `hints`. On an overrun: drains to EAGAIN and discards, dumps on a second socket, sets
 * hints->everything and ->overrun; what queued meanwhile is applied by the next call. After
 * another -errno call again: a recovery that failed is repeated, and no event is trusted before.
 */
int rt_watch_read(struct rt_watch *watch, struct rt_hints *hints);

/* Loads the state anew although nothing was lost, and sets hints->everything, ->links and ->addrs.
 * Read what is queued first: an older event would undo what it tells until its successor comes. */
int rt_watch_reload(struct rt_watch *watch, struct rt_hints *hints);

#endif
