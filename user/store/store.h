/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a proxy keeps over a restart: its announcements. One batch of changes
 * is one transaction, which is safe when store_write() returns.
 *
 * There are several kinds of store. To add one, write a file with its ops and
 * name them in the table in store.c; for the settings to name it, add its type
 * to datastore_types in user/settings_schema.c.
 */
#pragma once

#include "user/store/role.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* As it is stored. */
struct stored {
	const char *domain;
	const char *proxy;  /* private: the name of the public proxy; public: "" */
	const char *owner;  /* operator that announced it; "": unknown */
	int64_t expires_at; /* ms since the epoch, 0: never */
};

struct stored_change {
	struct stored record;
	bool remove; /* the record of this domain and proxy goes; the rest of it is ignored */
};

typedef int (*stored_each)(const struct stored *record, void *arg);

/* An open one. Each kind has this as the first member of its own struct. */
struct store {
	const struct store_ops *ops;
};

/* What a kind of store does; the functions of the same names below say what is asked of it. */
struct store_ops {
	const char *type; /* in the settings */
	/* `settings`: the checked `settings` of the `datastore` block. */
	int (*open)(const json_t *settings, enum proxy_role role, struct store **ret,
		    char **ret_error);
	void (*close)(struct store *store); /* never NULL */
	int (*load)(struct store *store, stored_each each, void *arg);
	int (*write)(struct store *store, const struct stored_change *changes, size_t n);
	const char *(*reason)(const struct store *store);
};

/*
 * Open what a checked `datastore` block asks for, for announcements of this
 * role; makes file and folder where missing. On failure a negative errno
 * (-ENOTSUP: no such type, -EBUSY: another process has it, -EUCLEAN: damaged,
 * -EMEDIUMTYPE: of the other role or of a newer version) and *ret_error (caller
 * frees) with what to do.
 */
int store_open(const json_t *settings, enum proxy_role role, struct store **ret, char **ret_error);
void store_close(struct store *store); /* takes NULL */

/* Call `each` for every record until it returns non-zero; returns that, or -EIO. */
int store_load(struct store *store, stored_each each, void *arg);

/* All of the changes or none of them: 0, or -EIO, -ENOSPC, -EROFS. */
int store_write(struct store *store, const struct stored_change *changes, size_t n);

/* The last failure in words, for the log (borrowed). */
const char *store_reason(const struct store *store);
