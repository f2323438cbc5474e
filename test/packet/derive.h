/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the controller keeps beside the records that a case names: the guesses' rings and VIPs, and the lanes.
 */
#ifndef DERIVE_H
#define DERIVE_H

#include <bpf/libbpf.h>

/* Makes those of the director's object follow from the records that are in its maps now. A guess stays that
 * of the service that it names. Ends the run on failure. */
void derive(const struct bpf_object *director);

#endif
