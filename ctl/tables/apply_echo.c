/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which VIPs answer echo requests: those where a service has an active backend. See xdp/echo.h.
 *
 * A packet has no port to find a service by, so the first service of each VIP speaks for it: `addresses`
 * leads to the record of its first port, and there one word says whether to answer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"

bool *apply_want_answers(const struct apply *apply)
{
	const struct model *model = apply->model;
	bool *want = calloc(model->services_count + 1, sizeof(*want));

	for (size_t i = 0; want && i < model->services_count; i++)
		want[model->services[i].speaker - model->services] |= service_active(&model->services[i]) > 0;
	return want;
}

int apply_answers(struct apply *apply)
{
	bool *want;

	if (!apply->model->echo_stale)
		return 0;
	want = apply_want_answers(apply);
	if (!want)
		return -ENOMEM;
	for (size_t i = 0; i < apply->model->services_count; i++)
		tables_answer(apply->tables, apply->model->services[i].entries[0], want[i]);
	free(want);
	apply->model->echo_stale = false;
	return 0;
}

int apply_want_addresses(const struct apply *apply, struct dataplane_entries *out)
{
	const struct model *model = apply->model;
	size_t size = dataplane_entry_size(HASH_ADDRESSES), count = 0;
	char *want = calloc(model->services_count + 1, size);

	if (!want)
		return -ENOMEM;
	for (size_t i = 0; i < model->services_count; i++) {
		const struct service *service = &model->services[i];
		uint32_t index = tables_service_index(service->entries[0]);
		struct sh_address key = {.family = service->config->vip.family};

		if (service->speaker != service)
			continue;
		tables_ip(&service->config->vip, &key.ip);
		memcpy(want + size * count, &key, sizeof(key));
		memcpy(want + size * count++ + sizeof(key), &index, sizeof(index));
	}
	*out = (struct dataplane_entries){want, count};
	return 0;
}

int apply_addresses(struct apply *apply)
{
	struct dataplane_entries want;
	uint64_t writes = 0;
	int err = apply_want_addresses(apply, &want);

	if (err)
		return err;
	err = dataplane_sync(apply->dataplane, HASH_ADDRESSES, want.all, want.count, &writes);
	tables_add_writes(apply->tables, writes);
	free(want.all);
	return err;
}
