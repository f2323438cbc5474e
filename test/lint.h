/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What clang's analyzer cannot know. Included before each file by test/lint, and by nothing else.
 *
 * errno is positive after a failed call. Without this the analyzer follows paths on which
 * `return -errno` returns 0 with the outputs unset, and reports what they hold. It does not reason
 * about -x where it only knows that x > 0 (clang 14), so errno takes one of a few values here, those
 * that our code tells apart.
 *
 * HASH_DELETE takes the entry out of the table. The analyzer loses sight of that in uthash's lists,
 * and believes that a table still holds what was freed after it. Nor can it read a key that was
 * copied as a struct byte by byte, as HASH_FUNCTION does.
 */
#ifndef SHUNT_LINT_H
#define SHUNT_LINT_H

#include <errno.h>
#include <uthash.h>

int lint_unknown(void); /* has no body: could be anything */

static inline int *lint_errno(void)
{
	static int value;

	switch (lint_unknown()) {
	case 0:
		value = EINTR;
		break;
	case 1:
		value = EAGAIN;
		break;
	case 2:
		value = ENOENT;
		break;
	default:
		value = EIO;
	}
	return &value;
}

void *lint_delete(const void *head, const void *entry); /* the table's new head */

unsigned int lint_hash(const void *key, unsigned int length);

#undef HASH_DELETE
#define HASH_DELETE(hh, head, entry) ((head) = lint_delete(head, entry))
#undef HASH_FUNCTION
#define HASH_FUNCTION(key, length, hash) ((hash) = lint_hash(key, length))

#undef errno
#define errno (*lint_errno())

#endif
