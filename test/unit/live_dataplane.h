/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The loaded programs and their maps, for tests that change tables while packets run.
 */
#ifndef SHUNT_TEST_LIVE_DATAPLANE_H
#define SHUNT_TEST_LIVE_DATAPLANE_H

#include "dataplane.h"
#include "live.h"

/* Pinned nowhere; to be closed by the caller. */
static inline struct dataplane *live_dataplane(uint32_t slots)
{
	const struct dataplane_sizes sizes = {
		.vips4 = 8,
		.vips6 = 8,
		.restore4 = 8,
		.restore6 = 8,
		.services = 8,
		.slots = slots,
		.backends = 256,
		.paths = 64,
		.nexthops = 64,
		.fresh = SH_FRESH_SIZE,
		.flows = SH_FLOWS_SIZE,
	};
	struct dataplane *dataplane;
	char pins[64];

	snprintf(pins, sizeof(pins), "/sys/fs/bpf/shunt-live-%d", (int)getpid());
	assert_int_equal(dataplane_open(pins, &sizes, false, &dataplane), 0);
	return dataplane;
}

#endif
