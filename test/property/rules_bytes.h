/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes that came out, against those that the way asks for: made here from what came in. Checksums are
 * not made, but looked at: right after, where they were right before, and wrong where they were wrong.
 */
#ifndef TEST_PROPERTY_RULES_BYTES_H
#define TEST_PROPERTY_RULES_BYTES_H

#include "rules.h"

struct goal;
struct sight;

/* Each returns NULL, or what does not hold. */
const char *rules_forwarded(const struct trial *trial, const struct sight *in, const struct goal *goal);
const char *rules_restored(const struct trial *trial, const struct sight *in);
const char *rules_decapsulated(const struct trial *trial, const struct sight *in);
/* A packet of our own making: to who sent what came in, and right in itself. */
const char *rules_answered(const struct trial *trial, const struct sight *in, const struct goal *goal);

#endif
