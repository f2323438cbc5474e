/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Services: who they are, and what packets to their VIP and port go by. See tables.h and <shunt/abi.h>.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guesses.h"
#include "tables_private.h"

static void make_service_key(struct service_key *key, const struct addr *vip, const struct config_port *port)
{
	memset(key, 0, sizeof(*key));
	key->vip = *vip;
	key->protocol = port->protocol;
	key->port = port->port;
}

static void reset_service(uint32_t record, struct port *port)
{
	if (port->reset_service)
		port->reset_service(port, record);
}

int service_adopt(struct tables *tables, uint32_t index)
{
	const struct sh_service *record = &tables->port->services[index];
	struct table_service *service = calloc(1, sizeof(*service));
	struct addr vip;
	const struct config_port port = {.port = ntohs(record->vip_port), .protocol = record->protocol};

	if (!service)
		return -ENOMEM;
	tables_addr(&record->vip, record->family, &vip);
	make_service_key(&service->key, &vip, &port);
	service->index = index;
	ENTER(tables->services, service);
	index_claim(&tables->free_services, index);
	return ring_adopt(tables, record);
}

struct table_service *tables_service(struct tables *tables, const struct addr *vip,
				     const struct config_port *port)
{
	struct table_service *service;
	struct sh_service *record;
	struct service_key key;
	uint32_t index;

	make_service_key(&key, vip, port);
	FIND(tables->services, &key, service);
	if (service) {
		service->refs++;
		return service;
	}
	service = record_take(sizeof(*service), &tables->free_services, &index);
	if (!service)
		return NULL;
	service->index = index;
	service->refs = 1;
	service->key = key;
	record = &tables->port->services[index];
	reset_service(index, tables->port);
	*record = (struct sh_service){
		.family = vip->family, .protocol = port->protocol, .vip_port = htons(port->port)};
	tables_ip(vip, &record->vip);
	tables->writes++;
	ENTER(tables->services, service);
	return service;
}

void tables_service_put(struct tables *tables, struct table_service *service)
{
	if (!service || --service->refs)
		return;
	HASH_DEL(tables->services, service);
	if (!tables->left) {
		tables->writes += guesses_close(tables->port, service->index);
		tables->port->services[service->index].given_up = 1;
	}
	index_give_up(&tables->free_services, service->index);
	free(service);
}

void service_clear(uint32_t record, void *arg)
{
	struct port *port = arg;

	reset_service(record, port);
	memset(&port->services[record], 0, sizeof(struct sh_service));
}

void tables_each_service(struct tables *tables,
			 void (*each)(const struct addr *vip, const struct config_port *port, uint64_t owner,
				      void *arg),
			 void *arg)
{
	struct table_service *service, *next;

	HASH_ITER (hh, tables->services, service, next) {
		const struct config_port port = {service->key.port, service->key.protocol};
		uint64_t owner = tables->port->services[service->index].owner;

		if (owner)
			each(&service->key.vip, &port, owner, arg);
	}
}

uint32_t tables_service_index(const struct table_service *service)
{
	return service->index;
}

/* ---- words ------------------------------------------------------------------------------------- */

void tables_point_service(struct tables *tables, const struct table_service *service, uint64_t owner,
			  const struct table_ring *ring, uint32_t flags)
{
	struct sh_service *record = &tables->port->services[service->index];
	const struct sh_service where = {.ring = ring->first, .slots = ring->key.size};

	if (record->flags != flags || record->where != where.where)
		tables->writes += guesses_close(tables->port, service->index);
	if (record->owner != owner || record->flags != flags) {
		record->owner = owner;
		record->flags = flags;
		tables->writes++;
	}
	word_switch(tables, &record->where, where.where);
}

void tables_lay_out_ids(struct tables *tables, const struct table_service *service, uint8_t offset,
			uint8_t bytes)
{
	struct sh_service *record = &tables->port->services[service->index];

	if (record->quic_offset == offset && record->quic_bytes == bytes)
		return;
	record->quic_offset = offset;
	record->quic_bytes = bytes;
	tables->writes++;
}

void tables_answer(struct tables *tables, const struct table_service *service, bool answers)
{
	struct sh_service *record = &tables->port->services[service->index];

	if (record->answers == answers)
		return;
	__atomic_store_n(&record->answers, answers, __ATOMIC_RELEASE);
	tables->writes++;
}
