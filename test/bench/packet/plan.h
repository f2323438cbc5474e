/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the runner and its BPF programs share: which packet is made, and when the clock was read.
 *
 * Compiled by both; knows no libc. Addresses and ports are in network byte order.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include <linux/types.h>

#define BENCH_HEADERS 80 /* bytes of a frame that a run may change: all headers of the longest kind */

/* Packets between two readings of the clock, and how many such chunks a run has. The first of them warm the
 * caches and do not count. */
#define BENCH_CHUNK  1024
#define BENCH_CHUNKS 48
#define BENCH_WARM   16

/* Packets before those that count, live. */
#define BENCH_WARMED ((__u64)BENCH_CHUNK * BENCH_WARM)

/* Flows: the client's lower address bits, and its port above those. */
#define BENCH_CLIENT_BITS 17
#define BENCH_CLIENT_PORT 1024

struct bench_plan {
	__u32 target;	  /* index in `next` of the program to run */
	__u32 flows;	  /* packets are of a random one of so many, from `first` on */
	__u32 in_order;	  /* 1: one flow after the other */
	__u32 frame_size; /* bytes */
	__u32 sum;	  /* IPv4: sum of the header's words, those of the source and the checksum apart */
	__u32 first;
	__u8 frame[BENCH_HEADERS]; /* of flow 0 */
};

struct bench_clock {
	__u64 packets;
	__u64 at[BENCH_CHUNKS + 1]; /* ns, before packet 0, BENCH_CHUNK, ... */
};

/* Live: packets that came back, counted from 0. Read off by the program itself, as the system call around it
 * waits for the kernel to clean up, some milliseconds. */
struct bench_arrivals {
	__u64 count;
	__u64 first_at; /* ns: packet BENCH_WARMED */
	__u64 last;	/* the last one whose number BENCH_CHUNK divides */
	__u64 last_at;
};

/* Programs that the prologue can go on to, as indices in `next`. */
enum bench_target {
	BENCH_EMPTY,
	BENCH_SWAP,	  /* parse, swap the MACs */
	BENCH_CONSTANT,	  /* parse, write constant addresses, both checksums kept right */
	BENCH_FIB,	  /* the kernel's routing table, by bpf_fib_lookup */
	BENCH_FLOW_TABLE, /* a hash of VIPs and an LRU hash of flows */
	BENCH_DIRECTOR,	  /* build/xdp, untouched */
	BENCH_TARGET_COUNT,
};

#define BENCH_TABLE_VIPS     128
#define BENCH_TABLE_BACKENDS 256

/* The flow-table variant's records. */
struct bench_vip {
	__u32 addr[4];
	__u16 port;
	__u8 protocol;
	__u8 zero;
};

struct bench_table_use {
	__u32 first; /* of its backends */
	__u32 count;
};

struct bench_flow {
	__u32 client[4];
	__u32 vip[4];
	__u32 ports;
	__u32 protocol;
};

struct bench_backend {
	__u32 addr[4];
	__u8 dst_mac[6];
	__u8 src_mac[6];
	__u32 zero;
};

#endif
