/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The loaded program, asked what it does with a packet, and nothing comes of the asking.
 *
 * Running the very program that is attached would count the packet, remember its flow, prolong a
 * transition and tell an event. So a twin of it is loaded from the same object with the same constants:
 * instruction for instruction what is attached. It reads the very tables that packets are sent by, as they
 * are at that moment. What a program writes to is the twin's own: counters, remembered flows, the ring of
 * events, and `seen` of backends. What it has to know of those is copied into them before each run:
 *
 *	knobs		with events switched on, for the event tells service and backend
 *	backends	as they are
 *	fresh, flows	what is remembered of this flow
 *	egress		as it is; and then one interface less each time, to see by which one the packet leaves
 *
 * A map is the twin's own by default; dataplane_specs names those that packets only read. It runs by
 * BPF_PROG_TEST_RUN, which sends nothing. Loaded when first asked for, and goes with its dataplane: that one
 * question takes 0.2 s on a busy machine, in which the daemon does nothing else, and the next ones hardly
 * any time.
 */
#ifndef SHUNT_TWIN_H
#define SHUNT_TWIN_H

#include <stddef.h>
#include <stdint.h>

struct bpf_object;
struct twin;
struct sh_backend;
struct sh_knobs;

/* What is loaded, and of what it is made. */
struct twin_original {
	const struct bpf_object *object; /* loaded */
	const void *elf;		 /* the bytes that it was opened from */
	size_t elf_size;
	const char *program; /* the one in it that is attached */
};

/* Loads a twin. 0 and *out (twin_close), or -errno. */
int twin_open(const struct twin_original *original, struct twin **out);
/* While the original is still open. NULL is fine. */
void twin_close(struct twin *twin);

#define TWIN_ROOM 256 /* a frame may grow by so much */

struct twin_run {
	uint32_t ifindex; /* where the frame comes in: a link of this network namespace */
	const uint8_t *frame;
	uint32_t size;
	uint8_t *out;	   /* room for size + TWIN_ROOM */
	uint32_t out_size; /* what comes out */
	uint32_t verdict;  /* XDP_* */
	uint32_t reason;   /* enum sh_reason */
	uint32_t service;  /* 0: it was for none, or passed otherwise than for its TTL */
	uint32_t backend;  /* 0: none was chosen */
	uint32_t known;	   /* the backend that the flow is remembered for; 0: it is not remembered */
	uint32_t egress;   /* ifindex by which it leaves; 0: it does not */
};

/* Fills in all from `out_size` on. 0 or -errno. */
int twin_run(struct twin *twin, struct twin_run *run);

#endif
