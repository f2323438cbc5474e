/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pinned XDP links of attach.c: the table of what is held, and the files that keep it.
 *
 * A pin is DIR/IFINDEX-MODE. MODE is `native`, `generic` or `refused-ERRNO`, the last a generic link that is
 * there because the device refused native mode: the name carries over a restart what bpf_link_info does
 * not tell. One process at a time owns a DIR (flock). An entry lives from pins_add, or from the process
 * before, to pins_drop.
 */
#ifndef SHUNT_PINS_H
#define SHUNT_PINS_H

#include <stddef.h>

#include "attach.h"

struct bpf_link_info;

struct pinned {
	int ifindex;
	int fd; /* of the bpf_link; owned by the table */
	struct attach_result how;
};

struct pins {
	char *dir;
	int lock;		/* descriptor of `dir`, locked */
	struct pinned *entries; /* ascending by ifindex; they move when one is added or dropped */
	size_t count, size;
};

/* Prepares `dir`, locks it and adopts what is pinned there; drops a pin whose link is no longer about the
 * device it is named for. 0, or -errno, logged, with *out untouched. pins_close. */
int pins_open(const char *dir, struct pins *out);
void pins_close(struct pins *pins); /* the links stay */

struct pinned *pins_find(const struct pins *pins, int ifindex);
/* Pins entry->fd and takes it over; 0, or -errno and the descriptor is still the caller's. There is no other
 * entry with that ifindex. */
int pins_add(struct pins *pins, const struct pinned *entry);
/* Pins it again where somebody removed the file: without it the link would end with the process. */
int pins_restore(const struct pins *pins, const struct pinned *entry);
/* Detaches, unpins, closes and forgets. -errno where the file could not be removed. */
int pins_drop(struct pins *pins, struct pinned *entry);
/* What the kernel says of the link: 0, or -errno; -EINVAL where it is no XDP link. */
int pins_info(const struct pinned *entry, struct bpf_link_info *out);

#endif
