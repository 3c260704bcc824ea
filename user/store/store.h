/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a proxy keeps over a restart: its announcements. One batch of changes
 * is one transaction, which is on the disk when datastore_write() returns.
 */
#pragma once

#include "user/store/role.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* As it is stored. */
struct stored {
	const char *domain;
	const char *peer;   /* private: the name of the public proxy; public: "" */
	const char *owner;  /* operator that announced it; "": unknown */
	int64_t expires_at; /* ms since the epoch, 0: never */
};

struct stored_change {
	struct stored record;
	bool remove; /* the record of this domain and peer goes; the rest of it is ignored */
};

typedef int (*stored_each)(const struct stored *record, void *arg);

struct datastore;

/*
 * Open a checked `datastore` block for announcements of this role; makes file
 * and folder where missing. On failure a negative errno (-EBUSY: another
 * process has it, -EUCLEAN: damaged, -EMEDIUMTYPE: of the other role or of a
 * newer version) and *ret_error (caller frees) with what to do.
 */
int datastore_open(const json_t *settings, enum proxy_role role, struct datastore **ret,
		   char **ret_error);
void datastore_close(struct datastore *store); /* takes NULL */

/* Call `each` for every record until it returns non-zero; returns that, or -EIO. */
int datastore_load(struct datastore *store, stored_each each, void *arg);

/* All of the changes or none of them: 0, or -EIO, -ENOSPC, -EROFS. */
int datastore_write(struct datastore *store, const struct stored_change *changes, size_t n);

/* SQLite's words for the last failure, for the log (borrowed). */
const char *datastore_reason(const struct datastore *store);
