/* SPDX-License-Identifier: BSD-2-Clause */
/* The store of type `sqlite`: announcements in a SQLite file. */
#pragma once

#include "user/store/store.h"

extern const struct store_ops sqlite_store_ops;

/* Makes file and folders where missing. On failure as store_open(). */
int sqlite_open(const char *filename, enum proxy_role role, struct store **ret, char **ret_error);

/*
 * Take over records of another file, all or none, and remember that, so that
 * it happens once. -EEXIST from begin: done before. sqlite_import_record() is
 * a stored_each with the store as its argument.
 */
int sqlite_import_begin(struct store *store, const char *filename);
int sqlite_import_record(const struct stored *record, void *store);
int sqlite_import_end(struct store *store, const char *filename, bool keep);
