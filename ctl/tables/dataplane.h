/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The BPF side of the controller: both programs and their maps, pinned.
 *
 * Every map is pinned under PIN_DIR/maps. Opening adopts the pinned maps that fit, creates
 * those that are missing, and where the file has outgrown a map, creates a larger one and copies
 * what the old one holds. The programs are always loaded afresh: interfaces are switched to
 * them in one step (attach.h), and only then does dataplane_commit pin the new maps in place of
 * the old. So a start, a restart, a reload that needs more room and an upgrade are the same
 * thing, and packets flow through the former program meanwhile.
 *
 * Counters are exact through all of it: what an outgrown map counted up to the switch is carried over by
 * dataplane_commit, when nothing counts there any more.
 */
#ifndef SHUNT_DATAPLANE_H
#define SHUNT_DATAPLANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port.h"

struct dataplane;
struct twin;

/* Records needed in each map. The maps may be larger. */
struct dataplane_sizes {
	uint32_t guesses, vips4, vips6, restore4, restore6, served, addresses;
	uint32_t services, slots, backends, quic_ids, paths, nexthops, fresh, flows, bound, mended;
};

/* Hash maps that are kept by whole entries. */
enum dataplane_hash {
	HASH_VIPS4,
	HASH_VIPS6,
	HASH_RESTORE4,
	HASH_RESTORE6,
	HASH_SERVED,
	HASH_ADDRESSES,
	HASH_EGRESS,
	HASH_OWNS,
	HASH_FLOWS,
	HASH_QUIC_IDS,
	HASH_COUNT
};

/* Counters by index, summed over CPUs. */
enum dataplane_counts { COUNTS_SERVICES, COUNTS_BACKENDS };

/*
 * Loads programs and maps. `restore`: the director's program also restores, for a node that is
 * backend and director. 0 and *out (dataplane_close), or -errno, logged with its cause.
 */
int dataplane_open(const char *pin_dir, const struct dataplane_sizes *sizes, bool restore,
		   struct dataplane **out);
/* Pins this generation's maps in place of the former. 0 or -errno, logged. */
int dataplane_commit(struct dataplane *dataplane);
/* Closes what this process holds; pinned maps and attached programs stay. NULL is fine. */
void dataplane_close(struct dataplane *dataplane);
/* Removes the pinned maps below `pin_dir`. 0 or -errno. */
int dataplane_unpin(const char *pin_dir);

/* Would `sizes` fit without larger maps? */
bool dataplane_fits(const struct dataplane *dataplane, const struct dataplane_sizes *sizes);

int dataplane_director_fd(const struct dataplane *dataplane);
int dataplane_backend_fd(const struct dataplane *dataplane);

enum dataplane_program { PROGRAM_DIRECTOR, PROGRAM_BACKEND, DATAPLANE_PROGRAMS };

/* That program's twin (twin.h), loaded when first asked for. 0 and *out, which goes with the dataplane, or
 * -errno. */
int dataplane_twin(struct dataplane *dataplane, enum dataplane_program program, struct twin **out);
/* Returns when all packets that programs see now have ended. */
void dataplane_wait_for_packets(void);
int dataplane_events_fd(const struct dataplane *dataplane);
/* Zeroes the count of dispatch events that were left out. */
void dataplane_forget_missed(struct dataplane *dataplane);
struct port *dataplane_port(struct dataplane *dataplane);

/* What a hash map is to hold: `count` entries as dataplane_sync takes them. Free `all`. */
struct dataplane_entries {
	void *all;
	size_t count;
};

/*
 * Makes a hash map hold exactly `want`: `count` entries of key and value, back to back, each
 * entry padded to dataplane_entry_size(). Sorts `want`. *writes grows by the updates made.
 */
size_t dataplane_entry_size(enum dataplane_hash hash);
int dataplane_sync(struct dataplane *dataplane, enum dataplane_hash hash, void *want, size_t count,
		   uint64_t *writes);
/* Stores one entry of that form. 0 or -errno. */
int dataplane_put(struct dataplane *dataplane, enum dataplane_hash hash, const void *entry);
/* How many entries of the map are missing, wrong or too many. Writes nothing; sorts `want`. 0 or -errno. */
int dataplane_compare(const struct dataplane *dataplane, enum dataplane_hash hash, void *want, size_t count,
		      size_t *differences);
/* All entries of a hash map in a new array of dataplane_entry_size() records; free() it. */
int dataplane_read(const struct dataplane *dataplane, enum dataplane_hash hash, void **out, size_t *count);

/* 0 and *out, zero where `index` was never counted; or -errno. */
int dataplane_count(const struct dataplane *dataplane, enum dataplane_counts counts, uint32_t index,
		    struct sh_count *out);
/* The counters of all reasons, which are never set back: one pass over the services. 0, or -errno with
 * nothing written. */
int dataplane_reasons(const struct dataplane *dataplane, struct sh_count out[static SH_REASON_COUNT]);
/* Sets a counter to zero, before its index is given to something else. 0 or -errno. */
int dataplane_count_reset(struct dataplane *dataplane, enum dataplane_counts counts, uint32_t index);

#endif
