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

#include "config.h"

struct attach;
struct rt_link;

/*
 * Prepares PIN_DIR/links (bpffs_prepare), takes its lock and adopts the pins that are there; a pin
 * whose device is gone is removed. *out is the caller's: attach_close. 0, or -errno, logged with
 * the remedy: -EMEDIUMTYPE where PIN_DIR is on no BPF file system, -EADDRINUSE where another
 * process owns it.
 */
int attach_open(const char *pin_dir, struct attach **out);

/* Closes the descriptors only: pins and programs stay. NULL is fine. */
void attach_close(struct attach *attach);

/* Asks the kernel which programs the links of this namespace carry, for attach_set and attach_seen: it sends
 * no event when a bpf_link comes, changes or goes. 0 or -errno; -EAGAIN where links kept changing meanwhile.
 */
int attach_observe(struct attach *attach);

/* A link that carried a program, of whomever, at the last attach_observe; NULL where it had none. Valid until
 * the next one. */
const struct rt_link *attach_seen(const struct attach *attach, int ifindex);

/* Is the program that attach_seen found there, and that is not ours, held by a bpf_link? Then only who owns
 * that can take it away. `program_fd`: any other program. */
bool attach_blocked_by_link(const struct attach *attach, int ifindex, int program_fd);

struct attach_result {
	bool native;
	int refused; /* ATTACH_AUTO in generic mode: the errno (positive) with which native mode was refused
		      */
};

/*
 * Makes `program_fd` the link's program, after attach_observe. One that is ours already is replaced
 * atomically, or left alone where it is the same. ATTACH_AUTO is native, or generic where the device refuses
 * native mode; it does not try native mode again where that was refused before. A change of mode detaches and
 * attaches. 0 and *out, or -errno:
 *	-EBUSY	a program that is not ours is attached (attach_seen); it is left alone
 *	-EEXIST	the same in the other mode, or an upper or lower device (of a bond) has a program
 *	-ENODEV	there is no such link
 *	else	what the kernel answered
 */
int attach_set(struct attach *attach, int ifindex, int program_fd, enum attach_mode mode,
	       struct attach_result *out);

/* Detaches, also from a device that has moved to another network namespace, and removes the pin.
 * 0 also where there is none. */
int attach_remove(struct attach *attach, int ifindex);

/* Removes PIN_DIR/links, where no pin is left in it: before attach_close, for good. */
void attach_forget(const struct attach *attach);

/* Is a pin of ours held for that ifindex? */
bool attach_has(const struct attach *attach, int ifindex);

/* The ifindexes that are held, ascending: writes at most `size`, returns how many there are. */
size_t attach_held(const struct attach *attach, int *out, size_t size);

#endif
