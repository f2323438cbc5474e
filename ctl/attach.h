/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * XDP programs on links, each held by a bpf_link that is pinned.
 *
 * A pin is PIN_DIR/links/IFINDEX-MODE: the program stays attached when the process ends, and the
 * next process adopts it. MODE is `native`, `generic` or `refused-ERRNO`, the last a generic one
 * that is there because the device refused native mode; the name carries over a restart what
 * bpf_link_info does not tell. Entries die by attach_remove, and by themselves where the device is
 * gone, moved to another network namespace, or its ifindex has come to mean another device.
 *
 * One process at a time owns a PIN_DIR (flock).
 */
#ifndef SHUNT_ATTACH_H
#define SHUNT_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

struct attach;

/*
 * Prepares PIN_DIR/links (bpffs_prepare), takes its lock and adopts the pins that are there; a pin
 * whose device is gone is removed. *out is the caller's: attach_close. 0, or -errno, logged with
 * the remedy: -EMEDIUMTYPE where PIN_DIR is on no BPF file system, -EADDRINUSE where another
 * process owns it.
 */
int attach_open(const char *pin_dir, struct attach **out);

/* Closes the descriptors only: pins and programs stay. NULL is fine. */
void attach_close(struct attach *attach);

struct attach_result {
	bool native;
	int refused; /* ATTACH_AUTO in generic mode: the errno (positive) with which native mode was refused
		      */
};

/*
 * Makes `program_fd` the link's program. One that is ours already is replaced atomically, or left
 * alone where it is the same. ATTACH_AUTO is native, or generic where the device refuses native
 * mode; it does not try native mode again where that was refused before. A change of mode detaches
 * and attaches. 0 and *out, or -errno:
 *	-EBUSY	a program that is not ours is attached (attach_found); it is left alone
 *	-EEXIST	an upper device (a bond) or a lower one has a program, so that this one cannot have its own
 *	-ENODEV	there is no such link
 *	else	what the kernel answered
 */
int attach_set(struct attach *attach, int ifindex, int program_fd, enum attach_mode mode,
	       struct attach_result *out);

/* Detaches, also from a device that has moved to another network namespace, and removes the pin.
 * 0 also where there is none. */
int attach_remove(struct attach *attach, int ifindex);

/* Is a pin of ours held for that ifindex? */
bool attach_has(const struct attach *attach, int ifindex);

/* The ifindexes that are held, ascending: writes at most `size`, returns how many there are. */
size_t attach_held(const struct attach *attach, int *out, size_t size);

/* Asks the kernel which program is attached to a link in this network namespace: *id is 0 for
 * none; *native tells the mode. 0 or -errno. */
int attach_found(int ifindex, uint32_t *id, bool *native);

#endif
