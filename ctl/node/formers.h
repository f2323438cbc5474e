/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Restore entries of a former file, which go on for a while: see formers.c.
 */
#ifndef SHUNT_FORMERS_H
#define SHUNT_FORMERS_H

#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "dataplane.h"

struct rt_state;

#define FORMER_ENTRY 40 /* bytes of the longest: struct sh_endpoint6 and an address, padded */

struct former_restore {
	enum dataplane_hash hash; /* HASH_RESTORE4 or HASH_RESTORE6 */
	uint64_t end;		  /* ms, as controller_now_ms */
	char entry[FORMER_ENTRY];
};

/* Zeroed is empty. */
struct formers {
	struct former_restore *all;
	size_t count;
};

void formers_clear(struct formers *formers);

/* After a file was loaded, before the maps are brought in step with it: notes which of their entries are to
 * go on that `config` does not ask for. 0, or -errno and perhaps not all noted. */
int formers_note(struct formers *formers, const struct dataplane *dataplane, const struct config *config,
		 const struct rt_state *state, enum role role, uint64_t now);
/* Drops those that have ended. When the next one ends, or 0 where there is none. */
uint64_t formers_expire(struct formers *formers, uint64_t now);
/* Adds those that may go on to what `config` asks of the map. 0, or -ENOMEM with `want` as it was. */
int formers_append(const struct formers *formers, const struct config *config, const struct rt_state *state,
		   enum role role, enum dataplane_hash hash, struct dataplane_entries *want);

#endif
