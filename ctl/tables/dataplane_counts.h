/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counters in the maps: what each CPU has counted, added up. Used by dataplane.c alone.
 *
 * A packet that goes the straight way is counted under its service and, at once, its reason, in a map of its
 * own (struct sh_straight_count). What is asked for is put together here: a service's counter is that and
 * what the map of services has, a reason's that of all services and what the map of reasons has. An index
 * that is given to something else starts at zero, and no reason may lose by that: so what went the straight
 * way stays, and is taken off the service's other counter.
 */
#ifndef SHUNT_DATAPLANE_COUNTS_H
#define SHUNT_DATAPLANE_COUNTS_H

#include "dataplane_maps.h"

/* `maps`: all DATAPLANE_MAPS of them. 0 and *out, zero where `index` was never counted; or -errno. */
int dataplane_counts_read(const struct dataplane_map *maps, int cpus, enum dataplane_counts counts,
			  uint32_t index, struct sh_count *out);
/* All of them. 0, or -errno with nothing written. */
int dataplane_counts_reasons(const struct dataplane_map *maps, int cpus,
			     struct sh_count out[static SH_REASON_COUNT]);
/* From here on it reads as zero. 0 or -errno. */
int dataplane_counts_reset(const struct dataplane_map *maps, int cpus, enum dataplane_counts counts,
			   uint32_t index);
/* COPY_CARRY: once no packet counts in the old map any more. 0 or -errno. */
int dataplane_counts_carry(const struct dataplane_map *map, int cpus);

#endif
