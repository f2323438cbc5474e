/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rings: their room among the slots, and their slots. See tables.h.
 *
 * A service has one ring, and two while it goes over to one of another size. Sizes are powers of two,
 * so each slot of the new one lies within one slot of the old, or is a number of them whole: it
 * begins as a copy, and changes as any ring does. Packets never know.
 */
#include <errno.h>
#include <stdlib.h>

#include "ring.h"
#include "tables_private.h"
#include "transition.h"

struct table_ring *ring_largest(const struct tables *tables, uint64_t owner)
{
	for (uint32_t size = RING_MAX; size >= RING_MIN; size /= 2) {
		const struct ring_key key = {.owner = owner, .size = size};
		struct table_ring *ring;

		FIND(tables->rings, &key, ring);
		if (ring)
			return ring;
	}
	return NULL;
}

uint32_t tables_ring_of(const struct tables *tables, uint64_t owner)
{
	const struct table_ring *ring = ring_largest(tables, owner);

	return ring ? ring->key.size : 0;
}

static struct sh_slot copy_slot(struct sh_slot slot, const struct ring_copies *copies)
{
	uint32_t before = slot.before & ~SH_BEFORE_CLOSED;

	if (!copies)
		return slot;
	slot.now = slot.now < copies->size ? copies->of[slot.now] : 0;
	before = before < copies->size ? copies->of[before] : 0;
	slot.before = before ? before | (slot.before & SH_BEFORE_CLOSED) : 0;
	return slot;
}

struct sh_slot *ring_read(struct port *port, const struct table_ring *from, const struct ring_copies *copies,
			  uint32_t count)
{
	struct sh_slot *copy = calloc(count, sizeof(*copy));
	const struct sh_slot *slots;

	if (!copy || !from)
		return copy;
	slots = port->slots(port, from->first, from->key.size);
	if (!slots) {
		free(copy);
		return NULL;
	}
	for (uint32_t i = 0; i < count; i++)
		copy[i] = copy_slot(slots[(uint64_t)i * from->key.size / count], copies);
	port->slots_done(port);
	return copy;
}

/* Nobody looks at the new ring's slots yet. */
static int begin_as(struct tables *tables, struct table_ring *ring, const struct table_ring *from,
		    const struct ring_copies *copies)
{
	struct port *port = tables->port;
	struct sh_slot *copy = ring_read(port, from, copies, ring->key.size), *slots;

	slots = copy ? port->slots(port, ring->first, ring->key.size) : NULL;
	if (!slots) {
		free(copy);
		return -errno;
	}
	for (uint32_t i = 0; i < ring->key.size; i++)
		word_switch(tables, &slots[i].both, copy[i].both);
	port->slots_done(port);
	free(copy);
	ring->changed = from ? from->changed : 0;
	return 0;
}

int ring_adopt(struct tables *tables, const struct sh_service *record)
{
	const struct ring_key key = {.owner = record->owner, .size = record->slots};
	struct table_ring *ring;

	if (!record->slots)
		return 0;
	FIND(tables->rings, &key, ring);
	/* Another port of the same service points at the same ring. */
	if (ring)
		return 0;
	/* A run that is not free belongs to a ring already: this record is stale, let it be written anew. */
	if (extents_claim(&tables->free_slots, record->ring, record->slots))
		return 0;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->key = key;
	ring->first = record->ring;
	ENTER(tables->rings, ring);
	return 0;
}

static struct table_ring *new_ring(struct tables *tables, const struct ring_key *key,
				   const struct table_ring *from, const struct ring_copies *copies)
{
	struct table_ring *ring = calloc(1, sizeof(*ring));
	int err = ring ? extents_take(&tables->free_slots, key->size, &ring->first) : -ENOMEM;

	if (!err) {
		ring->key = *key;
		err = begin_as(tables, ring, from, copies);
		if (err)
			(void)extents_give_up(&tables->free_slots, ring->first, key->size);
	}
	if (err) {
		free(ring);
		errno = -err;
		return NULL;
	}
	ENTER(tables->rings, ring);
	return ring;
}

int ring_copy(struct tables *tables, uint64_t origin, uint64_t owner, const struct ring_copies *copies)
{
	const struct table_ring *from = ring_largest(tables, origin);
	struct ring_key key = {.owner = owner};

	if (!from)
		return 0;
	key.size = from->key.size;
	return new_ring(tables, &key, from, copies) ? 0 : -errno;
}

struct table_ring *tables_ring(struct tables *tables, uint64_t owner, uint32_t size)
{
	const struct ring_key key = {.owner = owner, .size = size};
	struct table_ring *ring;

	FIND(tables->rings, &key, ring);
	if (!ring)
		ring = new_ring(tables, &key, ring_largest(tables, owner), NULL);
	if (ring)
		ring->refs++;
	return ring;
}

void tables_ring_put(struct tables *tables, struct table_ring *ring)
{
	if (!ring || --ring->refs)
		return;
	HASH_DEL(tables->rings, ring);
	(void)extents_give_up(&tables->free_slots, ring->first, ring->key.size);
	free(ring);
}

/* Slots from change->at on, as many as the budget allows: a window of its own for each part. */
static struct sh_slot *next_slots(struct tables *tables, const struct table_ring *ring,
				  const struct ring_change *change, size_t *budget, uint32_t *count)
{
	size_t left = ring->key.size - change->at;

	*count = (uint32_t)(left < *budget ? left : *budget);
	*budget -= *count;
	return tables->port->slots(tables->port, ring->first + change->at, *count);
}

/* Before any slot moves: a packet that finds it moved finds its former backend marked. */
static void leave(struct tables *tables, const struct sh_slot *slots, uint32_t count,
		  struct ring_change *change)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t from = slots[i].now;

		if (from == change->want[change->at + i])
			continue;
		change->moves = true;
		if (transition_leave(change->transition, from))
			__atomic_store_n(&tables->port->backends[from].seen, change->now, __ATOMIC_RELEASE);
	}
}

/* Who is left is known. */
static void end_leaving(struct table_ring *ring, struct ring_change *change)
{
	change->left = true;
	change->at = 0;
	if (!change->transition)
		return;
	if (change->moves || !ring->changed) {
		ring->changed = change->now;
		ring->closed = false;
	}
	ring->closed |= change->now - ring->changed >= change->idle;
	change->transition->close = ring->closed;
}

static void store_slots(struct tables *tables, struct sh_slot *slots, uint32_t count,
			struct ring_change *change)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t want = change->want[change->at + i];
		struct sh_slot slot = {.now = want};

		if (change->transition)
			slot = transition_next(slots[i], want, change->transition);
		change->moving += slot.before != 0;
		change->stores += word_switch(tables, &slots[i].both, slot.both);
	}
}

int tables_store_ring(struct tables *tables, struct table_ring *ring, struct ring_change *change,
		      size_t *budget)
{
	if (!change->transition && !change->left)
		end_leaving(ring, change);
	while (*budget && change->at < ring->key.size) {
		uint32_t count;
		struct sh_slot *slots = next_slots(tables, ring, change, budget, &count);

		if (!slots)
			return -errno;
		if (change->left)
			store_slots(tables, slots, count, change);
		else
			leave(tables, slots, count, change);
		tables->port->slots_done(tables->port);
		change->at += count;
		if (!change->left && change->at == ring->key.size)
			end_leaving(ring, change);
	}
	if (change->at < ring->key.size)
		return 1;
	ring->moving = change->moving;
	return 0;
}

bool tables_ring_due(const struct table_ring *ring, uint32_t now, uint32_t idle)
{
	return ring->moving && !ring->closed && now - ring->changed >= idle;
}

uint32_t tables_ring_size(const struct table_ring *ring)
{
	return ring->key.size;
}

uint32_t tables_ring_moving(const struct table_ring *ring)
{
	return ring->moving;
}
