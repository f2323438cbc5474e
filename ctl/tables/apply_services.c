/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The head of a packet's way: services and the guesses for them, the VIP maps and the knobs. See apply.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shunt/guess.h>

#include "apply.h"
#include "endpoint.h"
#include "guesses.h"

static size_t count_ports(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->services_count; i++)
		count += model->services[i].config->ports_count;
	return count;
}

/* The protocols that a service has ports of, each by the first of those. */
static size_t first_ports(const struct config_service *config, size_t found[static 2])
{
	size_t count = 0;

	for (size_t i = 0; i < config->ports_count && count < 2; i++)
		if (!count || config->ports[i].protocol != config->ports[found[0]].protocol)
			found[count++] = i;
	return count;
}

/* The services that fragments without ports may be taken for, by VIP and protocol. All that are of one entry
 * of the file share a ring; where there are several such, the VIP is listed several times. */
static size_t list_strays(const struct model *model, uint8_t family, size_t size, char *out)
{
	size_t count = 0, ports[2];

	for (size_t i = 0; i < model->services_count; i++) {
		const struct service *service = &model->services[i];
		const struct config_service *config = service->config;
		size_t protocols = config->vip.family == family ? first_ports(config, ports) : 0;

		for (size_t j = 0; j < protocols; j++)
			endpoint_stray(&config->vip, config->ports[ports[j]].protocol,
				       tables_service_index(service->entries[ports[j]]),
				       out + size * count++);
	}
	return count;
}

/* Drops from the sorted list all whose keys come more than once. Returns how many are left. */
static size_t keep_single(char *list, size_t count, size_t size, size_t key_size)
{
	size_t kept = 0, next;

	for (size_t i = 0; i < count; i = next) {
		for (next = i + 1; next < count; next++)
			if (memcmp(list + i * size, list + next * size, key_size))
				break;
		if (next == i + 1)
			memmove(list + kept++ * size, list + i * size, size);
	}
	return kept;
}

static int compare_entries4(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sh_endpoint4));
}

static int compare_entries6(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct sh_endpoint6));
}

static size_t add_strays(const struct model *model, uint8_t family, size_t size, char *out)
{
	size_t count = list_strays(model, family, size, out);

	if (family == ADDR_IPV4) {
		qsort(out, count, size, compare_entries4);
		return keep_single(out, count, size, sizeof(struct sh_endpoint4));
	}
	qsort(out, count, size, compare_entries6);
	return keep_single(out, count, size, sizeof(struct sh_endpoint6));
}

int apply_want_vips(const struct apply *apply, enum dataplane_hash hash, struct dataplane_entries *out)
{
	const struct model *model = apply->model;
	uint8_t family = hash == HASH_VIPS4 ? ADDR_IPV4 : ADDR_IPV6;
	size_t size = dataplane_entry_size(hash), count = 0;
	char *want = calloc(2 * count_ports(model) + 1, size);

	if (!want)
		return -ENOMEM;
	for (size_t i = 0; i < model->services_count; i++) {
		const struct service *service = &model->services[i];
		const struct config_service *config = service->config;

		for (size_t j = 0; config->vip.family == family && j < config->ports_count; j++) {
			uint32_t index = tables_service_index(service->entries[j]);

			endpoint_entry(&config->vip, &config->ports[j], &index, sizeof(index),
				       want + size * count++);
		}
	}
	count += add_strays(model, family, size, want + size * count);
	*out = (struct dataplane_entries){want, count};
	return 0;
}

static int sync_vips(struct apply *apply, enum dataplane_hash hash)
{
	struct dataplane_entries want;
	uint64_t writes = 0;
	int err = apply_want_vips(apply, hash, &want);

	if (err)
		return err;
	err = dataplane_sync(apply->dataplane, hash, want.all, want.count, &writes);
	tables_add_writes(apply->tables, writes);
	free(want.all);
	return err;
}

static void set_any_port(struct apply *apply)
{
	struct sh_knobs *knobs = dataplane_port(apply->dataplane)->knobs;
	const struct model *model = apply->model;
	uint32_t any = 0;

	for (size_t i = 0; i < model->services_count; i++) {
		for (size_t j = 0; j < model->services[i].config->ports_count; j++)
			any |= model->services[i].config->ports[j].port == 0;
	}
	__atomic_store_n(&knobs->any_port, any, __ATOMIC_RELEASE);
}

/* Of the service of port `j`, unless it takes every port: those are not guessed. */
static void want_guess(const struct port *port, const struct service *service, size_t j,
		       struct sh_guess *want)
{
	uint32_t index = tables_service_index(service->entries[j]);
	const struct sh_service *record = &port->services[index];
	uint32_t place = sh_guess_of(record, port->guesses_size);

	if (service->config->ports[j].port && !want[place].service)
		want[place] = sh_guess_by(record, index, port->knobs->events_per_100ms);
}

struct sh_guess *apply_want_guesses(const struct apply *apply)
{
	const struct port *port = dataplane_port(apply->dataplane);
	struct sh_guess *want = calloc(port->guesses_size, sizeof(*want));

	for (size_t i = 0; want && i < apply->model->services_count; i++) {
		const struct service *service = &apply->model->services[i];

		for (size_t j = 0; j < service->config->ports_count; j++)
			want_guess(port, service, j, want);
	}
	return want;
}

int apply_guesses(struct apply *apply)
{
	struct sh_guess *want = apply_want_guesses(apply);

	if (!want)
		return -ENOMEM;
	tables_add_writes(apply->tables,
			  guesses_store(dataplane_port(apply->dataplane), want, dataplane_wait_for_packets));
	free(want);
	return 0;
}

static void point_entry(struct apply *apply, const struct service *service, size_t at)
{
	const struct config_service *config = service->config;
	const struct config_quic_id *quic_id = &config->quic_id;
	uint32_t flags = config->scheduler == SCHEDULER_RANDOM ? (uint32_t)SH_SERVICE_RANDOM : 0;

	if (quic_id->bytes && config->ports[at].protocol == IPPROTO_UDP) {
		flags |= (uint32_t)SH_SERVICE_QUIC_ID;
		tables_lay_out_ids(apply->tables, service->entries[at], (uint8_t)quic_id->offset,
				   (uint8_t)quic_id->bytes);
	}
	tables_point_service(apply->tables, service->entries[at], service->owner, service->ring, flags);
}

int apply_services(struct apply *apply)
{
	int err = apply_quic_ids(apply);

	if (err)
		return err;
	for (size_t i = 0; i < apply->model->services_count; i++) {
		const struct service *service = &apply->model->services[i];

		for (size_t j = 0; j < service->config->ports_count; j++)
			point_entry(apply, service, j);
	}
	set_any_port(apply);
	apply_tunnel(apply);
	err = apply_guesses(apply);
	if (!err)
		err = sync_vips(apply, HASH_VIPS4);
	if (!err)
		err = sync_vips(apply, HASH_VIPS6);
	if (!err)
		err = apply_addresses(apply);
	return err;
}
