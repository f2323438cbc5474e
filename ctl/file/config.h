/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The desired state: what the file says, as plain structs.
 *
 * file.c makes it, everything else only reads it. It is complete and consistent: file.c refuses
 * what is not. One `struct config` is owned by whoever called file_load; all it points to goes
 * with config_free.
 */
#ifndef SHUNT_CONFIG_H
#define SHUNT_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shunt/addr.h>

enum role { ROLE_AUTO = 0, ROLE_DIRECTOR, ROLE_BACKEND, ROLE_BOTH };

enum attach_mode { ATTACH_AUTO = 0, ATTACH_NATIVE, ATTACH_GENERIC };

enum forward { FORWARD_AUTO = 0, FORWARD_L2, FORWARD_L3, FORWARD_IPIP, FORWARD_GUE };

enum scheduler { SCHEDULER_MAGLEV = 0, SCHEDULER_RANDOM };

struct config_interface {
	char *match; /* fnmatch(3) pattern of interface names */
	enum attach_mode mode;
};

struct config_port {
	uint16_t port;	  /* host byte order; 0 stands for `any` */
	uint8_t protocol; /* IPPROTO_TCP or IPPROTO_UDP */
};

struct config_backend {
	struct addr address;
	uint32_t weight; /* 0..1000; 0 takes no new flows (draining) */
	uint64_t id;	 /* in connection IDs; where the service has no quic_id, 0 */
};

/* Where in the connection IDs that servers choose the backend's id lies, in network order. */
struct config_quic_id {
	uint32_t offset;
	uint32_t bytes; /* 1..8; 0: there is none */
};

struct config_service {
	char *name;
	struct addr vip;
	size_t ports_count;
	struct config_port *ports;
	enum forward forward;
	enum forward remote; /* what `auto` uses for a backend that is not on-link: not FORWARD_AUTO or _L2 */
	uint32_t dscp;	     /* l3: the mark that stands for the VIP, 1..63; 0: none */
	enum scheduler scheduler;
	unsigned advertise;  /* boolean: its VIP is advertised while every such service of it can serve */
	uint32_t min_active; /* 1..backends_count: from so many active backends on it can */
	struct config_quic_id quic_id; /* of its UDP ports; each backend's id fits, and is its own */
	uint32_t idle; /* ms: a flow that is silent for so long may be moved to another backend */
	size_t backends_count;
	struct config_backend *backends; /* in the file's order */
};

/* The routes by which VIPs are advertised; `metric` is below `drain_metric`. */
struct config_advertise {
	uint32_t protocol; /* 1..255 */
	uint32_t table;
	uint32_t metric, drain_metric;
	uint32_t wait; /* ms with the drain metric before the route goes */
};

#define ADVERTISE_DEFAULTS ((struct config_advertise){240, 254, 100, 200, 2000})

#define AUDIT_DEFAULT_MS 30000

/* Where a director's tunnels come from. Host bits of a source are filled from each flow's hash. */
struct config_tunnel {
	struct prefix source, source6; /* family 0: an address of the node's own */
	uint32_t port;		       /* of GUE, 1..65535 */
};

#define TUNNEL_DEFAULTS ((struct config_tunnel){.port = 6080})

struct config {
	enum role role;
	uint32_t audit; /* ms from one audit to the next; 0: none */
	struct config_advertise advertise;
	struct config_tunnel tunnel;
	size_t interfaces_count;
	struct config_interface *interfaces; /* the first that matches decides */
	size_t services_count;
	struct config_service *services; /* in the file's order */
};

void config_free(struct config *config); /* NULL is fine */

/* How its backends are reached that are not on-link. */
enum forward config_remote(const struct config_service *service);
/* May packets to its backends come by l3, or in a tunnel? */
bool config_restores(const struct config_service *service);
bool config_tunnels(const struct config_service *service);

/* Names as in the file: "l2", "maglev", "tcp", "both", ... */
const char *forward_name(enum forward forward);
const char *scheduler_name(enum scheduler scheduler);
const char *role_name(enum role role);
const char *attach_mode_name(enum attach_mode mode);
const char *protocol_name(uint8_t protocol);

#endif
