/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maps as they were when they were made: a loaded program serves many worlds, as the verifier takes far
 * longer than all of a world's cases, in a guest minutes.
 */
#ifndef TEST_PACKET_EMPTY_H
#define TEST_PACKET_EMPTY_H

struct bpf_object;

/* Empties every map of the object. What was loaded with values (constants, programs) stays, and so does a
 * ring buffer: that is for its reader to drain. 0 or -errno. */
int object_empty(struct bpf_object *object);

#endif
