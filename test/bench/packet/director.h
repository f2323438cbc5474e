/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The director's program, loaded as built, and its maps filled as a controller would.
 */
#ifndef BENCH_DIRECTOR_H
#define BENCH_DIRECTOR_H

#include <stdint.h>

struct director;

/* What a service forwards by, in which state. The VIP with that number (frames.h), of each family. */
enum director_service {
	DIRECTOR_NONE, /* a VIP that no service has */
	DIRECTOR_L2,
	DIRECTOR_L3,
	DIRECTOR_IPIP,
	DIRECTOR_GUE,
	DIRECTOR_MOVING, /* l2, each slot in transition */
	DIRECTOR_LARGE,	 /* l2, the largest ring that there is */
	DIRECTOR_SERVICES,
};

#define DIRECTOR_BACKENDS   100	  /* of each service */
#define DIRECTOR_FIRST	    10	  /* the number (frames.h) of the first of them */
#define DIRECTOR_RING	    16384 /* slots, as the controller sizes it for them */
#define DIRECTOR_RING_MAX   65536
#define DIRECTOR_OTHER_VIPS 1000 /* services that no packet is for */

/* All services' next hops lie on `ifindex`. Ends the run on failure. */
struct director *director_new(uint32_t ifindex);
void director_free(struct director *director);
int director_fd(const struct director *director);

#endif
