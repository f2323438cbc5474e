/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who is named by which id in QUIC's connection IDs. See apply.h and xdp/named.h.
 *
 * A backend that is gone from the file keeps its id as long as it has flows, unless the file gives it to
 * another. Its record says which: also after a restart.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "apply.h"

static bool has_ids(const struct service *service)
{
	return service->config->quic_id.bytes != 0;
}

/* Is the id of somebody in the file, or of one who is gone and comes before `gone`? */
static bool is_taken(const struct apply *apply, const struct service *service, const struct gone *gone,
		     uint64_t id)
{
	uint64_t other;

	for (size_t i = 0; i < service->config->backends_count; i++) {
		if (service->config->backends[i].id == id)
			return true;
	}
	for (const struct gone *before = service->gone; before != gone; before = before->next) {
		if (tables_backend_name(apply->tables, before->member.backend, &other) && other == id)
			return true;
	}
	return false;
}

static void add(struct dataplane_entries *out, const struct member *member, uint64_t id)
{
	char *entry = (char *)out->all + dataplane_entry_size(HASH_QUIC_IDS) * out->count++;
	const struct sh_quic_key key = {.owner = member->service->owner, .id = id};
	uint32_t index = tables_backend_index(member->backend);

	memcpy(entry, &key, sizeof(key));
	memcpy(entry + sizeof(key), &index, sizeof(index));
}

static void add_service(const struct apply *apply, const struct service *service,
			struct dataplane_entries *out)
{
	uint64_t id;

	for (size_t i = 0; i < service->config->backends_count; i++)
		add(out, &service->members[i], service->config->backends[i].id);
	for (const struct gone *gone = service->gone; gone; gone = gone->next) {
		if (tables_backend_name(apply->tables, gone->member.backend, &id) &&
		    !is_taken(apply, service, gone, id))
			add(out, &gone->member, id);
	}
}

static size_t count_named(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->services_count; i++) {
		const struct service *service = &model->services[i];

		if (!has_ids(service))
			continue;
		count += service->config->backends_count;
		for (const struct gone *gone = service->gone; gone; gone = gone->next)
			count++;
	}
	return count;
}

int apply_want_quic_ids(const struct apply *apply, struct dataplane_entries *out)
{
	const struct model *model = apply->model;
	struct dataplane_entries want = {
		.all = calloc(count_named(model) + 1, dataplane_entry_size(HASH_QUIC_IDS))};

	if (!want.all)
		return -ENOMEM;
	for (size_t i = 0; i < model->services_count; i++) {
		if (has_ids(&model->services[i]))
			add_service(apply, &model->services[i], &want);
	}
	*out = want;
	return 0;
}

static void name_members(struct apply *apply, const struct service *service)
{
	for (size_t i = 0; has_ids(service) && i < service->config->backends_count; i++) {
		const struct table_backend *backend = service->members[i].backend;

		tables_name_backend(apply->tables, backend, service->config->backends[i].id);
		tables_mark_named(apply->tables, backend, 0); /* it stays, named or not */
	}
}

void apply_name_backends(struct apply *apply)
{
	for (size_t i = 0; i < apply->model->services_count; i++)
		name_members(apply, &apply->model->services[i]);
}

int apply_quic_ids(struct apply *apply)
{
	struct dataplane_entries want;
	uint64_t writes = 0;
	int err;

	apply_name_backends(apply);
	err = apply_want_quic_ids(apply, &want);
	if (err)
		return err;
	err = dataplane_sync(apply->dataplane, HASH_QUIC_IDS, want.all, want.count, &writes);
	tables_add_writes(apply->tables, writes);
	free(want.all);
	if (!err)
		apply->model->forgot = false;
	return err == -E2BIG ? -ENOSPC : err;
}
