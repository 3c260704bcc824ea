/* SPDX-License-Identifier: BSD-2-Clause */
/* The datastore's SQLite file: the one way in which announcements are written. */
#pragma once

#include "user/store/store.h"

/* Makes file and folders where missing. On failure as datastore_open(). */
int sqlite_open(const char *filename, enum proxy_role role, struct datastore **ret,
		char **ret_error);

/*
 * Take over records of another file, all or none, and remember that, so that
 * it happens once. -EEXIST from begin: done before. sqlite_import_record() is
 * a stored_each with the datastore as its argument.
 */
int sqlite_import_begin(struct datastore *store, const char *filename);
int sqlite_import_record(const struct stored *record, void *store);
int sqlite_import_end(struct datastore *store, const char *filename, bool keep);
