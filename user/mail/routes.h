/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which operator serves which server name: an immutable table, shared by
 * reference count. The control thread makes a new one when an announcement
 * changes and mails it to the workers, so that a look-up takes no lock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct route {
	const char *domain; /* lower case; "*.example.org" covers one label */
	const char *owner;  /* the operator that serves it */
	int64_t expires_at; /* ms since the epoch, 0: never */
};

struct routes;

/* Copies the list. NULL: out of memory. */
struct routes *routes_new(const struct route *list, size_t n);
struct routes *routes_ref(struct routes *routes);
void routes_unref(struct routes *routes); /* takes NULL; any thread */

/*
 * The unexpired route for a lower-case server name: the exact name before the
 * wildcard. NULL if there is none. Valid as long as the reference is held.
 */
const struct route *routes_find(const struct routes *routes, const char *name, int64_t now);
