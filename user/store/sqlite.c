// SPDX-License-Identifier: BSD-2-Clause
/*
 * Settings of the database, and why:
 *
 * journal_mode=WAL: a commit appends to one file and needs one fsync.
 * synchronous=FULL: an announcement is acknowledged only when it would
 *   survive a power cut; NORMAL would lose the last ones. Announcements are
 *   rare and a call's changes share a transaction, so the fsync is cheap.
 * locking_mode=EXCLUSIVE: the truth is in this process' memory, so a second
 *   process on the same file is a mistake, found here and not later.
 * secure_delete is left off: there are no secrets in it.
 */
#include "user/store/sqlite.h"

#include "common/base/cleanup.h"
#include "common/base/container_of.h"
#include "common/base/error.h"
#include "common/settings/settings.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SCHEMA_VERSION 1
#define BUSY_MS        2000 /* the predecessor may be closing it just now */

/* PRAGMA application_id: "PsPu" and "PsPr", so that no role opens the other's file. */
static const int application_ids[] = {
	[ROLE_PUBLIC] = 0x50735075,
	[ROLE_PRIVATE] = 0x50735072,
};

static const char schema[] = "CREATE TABLE announcements ("
			     "  domain TEXT NOT NULL,"
			     "  peer TEXT NOT NULL,"
			     "  owner TEXT NOT NULL,"
			     "  expires_at INTEGER NOT NULL," /* ms since the epoch, 0: never */
			     "  PRIMARY KEY (domain, peer)"
			     ") WITHOUT ROWID;"
			     /* Files of another format that have been read in already. */
			     "CREATE TABLE imported (filename TEXT PRIMARY KEY) WITHOUT ROWID";

struct sqlite {
	struct store store; /* first */
	sqlite3 *db;
	sqlite3_stmt *put, *remove;
	char reason[160]; /* of the last write that failed */
};

static struct sqlite *of(struct store *base)
{
	return container_of(base, struct sqlite, store);
}

static int to_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	default:
		return -EIO;
	}
}

static int run(sqlite3 *db, const char *sql)
{
	return to_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static int read_integer(sqlite3 *db, const char *sql, int *ret)
{
	sqlite3_stmt *statement;

	int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*ret = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return to_errno(code);
}

/* 0 if SQLite finds nothing wrong with the file's structure. */
static int check_structure(sqlite3 *db)
{
	sqlite3_stmt *statement;
	int r = -EUCLEAN;

	int code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(statement, 0);
		if (text && strcmp(text, "ok") == 0)
			r = 0;
	} else {
		r = to_errno(code);
	}
	sqlite3_finalize(statement);
	return r;
}

/* Bring an empty file to the newest schema. Steps between versions will stand here in order. */
static int migrate(sqlite3 *db, int version, enum proxy_role role)
{
	char pragmas[96];

	if (version == SCHEMA_VERSION)
		return 0;
	int r = run(db, schema);
	if (r < 0)
		return r;
	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id=%d; PRAGMA user_version=%d",
		 application_ids[role], SCHEMA_VERSION);
	return run(db, pragmas);
}

static int check_version(sqlite3 *db, enum proxy_role role)
{
	int version = 0, id = 0;

	int r = read_integer(db, "PRAGMA user_version", &version);
	if (r == 0)
		r = read_integer(db, "PRAGMA application_id", &id);
	if (r < 0)
		return r;
	if (version > SCHEMA_VERSION || version < 0)
		return -EMEDIUMTYPE;
	if (version != 0 && id != application_ids[role])
		return -EMEDIUMTYPE;
	return migrate(db, version, role);
}

static int prepare(struct sqlite *store)
{
	int code = sqlite3_prepare_v3(store->db,
				      "INSERT OR REPLACE INTO announcements"
				      " (domain, peer, owner, expires_at) VALUES (?, ?, ?, ?)",
				      -1, SQLITE_PREPARE_PERSISTENT, &store->put, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v3(store->db,
					  "DELETE FROM announcements WHERE domain = ? AND peer = ?",
					  -1, SQLITE_PREPARE_PERSISTENT, &store->remove, NULL);
	return to_errno(code);
}

static int set_up(struct sqlite *store, enum proxy_role role)
{
	sqlite3_busy_timeout(store->db, BUSY_MS);
	sqlite3_extended_result_codes(store->db, 1);
	int r = run(store->db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
			       "PRAGMA synchronous=FULL");
	if (r == 0)
		r = run(store->db, "BEGIN EXCLUSIVE");
	if (r < 0)
		return r;
	r = check_structure(store->db);
	if (r == 0)
		r = check_version(store->db, role);
	if (r < 0) {
		(void)run(store->db, "ROLLBACK");
		return r;
	}
	r = run(store->db, "COMMIT");
	return r < 0 ? r : prepare(store);
}

/* Folders above the file, as mkdir -p. */
static int make_folders(const char *filename)
{
	AUTO_FREE char *path = strdup(filename);

	if (!path)
		return -ENOMEM;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0750) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int open_database(struct sqlite *store, const char *filename)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;

	int code = sqlite3_open_v2(filename, &store->db, flags, NULL);
	if (code == SQLITE_CANTOPEN && store->db && sqlite3_system_errno(store->db) > 0)
		return -sqlite3_system_errno(store->db);
	return to_errno(code);
}

static int explain(int r, const struct sqlite *store, const char *filename, char **ret_error)
{
	const char *reason = strerror(-r), *advice = "";

	if (r == -EIO && store->db)
		reason = sqlite3_errmsg(store->db);
	else if (r == -EBUSY)
		reason = "another process has it open", advice = "; stop that one first";
	else if (r == -EUCLEAN)
		reason = "the file is damaged or is no SQLite database",
		advice = "; move it away to start with an empty one";
	else if (r == -EMEDIUMTYPE)
		reason = "the file was made by the other kind of proxy, by a newer version or by "
			 "another program",
		advice = "; give each proxy a file of its own";
	return error_set(ret_error, r, "datastore %s: %s%s", filename, reason, advice);
}

static void sqlite_close(struct store *base)
{
	struct sqlite *store = of(base);

	sqlite3_finalize(store->put);
	sqlite3_finalize(store->remove);
	sqlite3_close(store->db);
	free(store);
}

int sqlite_open(const char *filename, enum proxy_role role, struct store **ret, char **ret_error)
{
	struct sqlite *store = calloc(1, sizeof(*store));

	if (!store)
		return -ENOMEM;
	store->store.ops = &sqlite_store_ops;
	int r = make_folders(filename);
	if (r == 0)
		r = open_database(store, filename);
	if (r == 0)
		r = set_up(store, role);
	if (r < 0) {
		r = explain(r, store, filename, ret_error);
		sqlite_close(&store->store);
		return r;
	}
	*ret = &store->store;
	return 0;
}

static int open_store(const json_t *settings, enum proxy_role role, struct store **ret,
		      char **ret_error)
{
	return sqlite_open(settings_string(settings, "filename"), role, ret, ret_error);
}

static const char *sqlite_reason(const struct store *base)
{
	return container_of(base, const struct sqlite, store)->reason;
}

/* Now: the rollback will have words of its own. */
static void note_reason(struct sqlite *store)
{
	snprintf(store->reason, sizeof(store->reason), "%s", sqlite3_errmsg(store->db));
}

static int sqlite_load(struct store *base, stored_each each, void *arg)
{
	struct sqlite *store = of(base);
	sqlite3_stmt *statement;
	int r = 0;

	int code = sqlite3_prepare_v2(store->db,
				      "SELECT domain, peer, owner, expires_at FROM announcements",
				      -1, &statement, NULL);
	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = sqlite3_step(statement);
		if (code != SQLITE_ROW)
			break;
		struct stored record = {
			.domain = (const char *)sqlite3_column_text(statement, 0),
			.proxy = (const char *)sqlite3_column_text(statement, 1),
			.owner = (const char *)sqlite3_column_text(statement, 2),
			.expires_at = sqlite3_column_int64(statement, 3),
		};
		if (!record.domain || !record.proxy || !record.owner) {
			r = -ENOMEM;
			break;
		}
		r = each(&record, arg);
		if (r != 0)
			break;
	}
	sqlite3_finalize(statement);
	if (r == 0 && to_errno(code) < 0)
		note_reason(store);
	return r != 0 ? r : to_errno(code);
}

static int apply(struct sqlite *store, const struct stored_change *change)
{
	sqlite3_stmt *statement = change->remove ? store->remove : store->put;
	const struct stored *record = &change->record;

	int code = sqlite3_bind_text(statement, 1, record->domain, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(statement, 2, record->proxy, -1, SQLITE_STATIC);
	if (code == SQLITE_OK && !change->remove)
		code = sqlite3_bind_text(statement, 3, record->owner, -1, SQLITE_STATIC);
	if (code == SQLITE_OK && !change->remove)
		code = sqlite3_bind_int64(statement, 4, record->expires_at);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	int reset = sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return to_errno(code == SQLITE_DONE ? reset : code);
}

static int sqlite_write(struct store *base, const struct stored_change *changes, size_t n)
{
	struct sqlite *store = of(base);

	if (n == 0)
		return 0;
	int r = run(store->db, "BEGIN IMMEDIATE");
	for (size_t i = 0; i < n && r == 0; i++)
		r = apply(store, &changes[i]);
	if (r == 0)
		r = run(store->db, "COMMIT");
	if (r < 0)
		note_reason(store);
	/* A failure can have rolled back by itself (SQLITE_FULL, SQLITE_IOERR). */
	if (r < 0 && !sqlite3_get_autocommit(store->db))
		(void)run(store->db, "ROLLBACK");
	return r;
}

static int with_filename(struct sqlite *store, const char *sql, const char *filename)
{
	sqlite3_stmt *statement;

	int code = sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(statement, 1, filename, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	sqlite3_finalize(statement);
	return code == SQLITE_ROW ? -EEXIST : to_errno(code);
}

int sqlite_import_begin(struct store *base, const char *filename)
{
	struct sqlite *store = of(base);
	int r = with_filename(store, "SELECT 1 FROM imported WHERE filename = ?", filename);
	return r < 0 ? r : run(store->db, "BEGIN IMMEDIATE");
}

int sqlite_import_record(const struct stored *record, void *arg)
{
	struct sqlite *store = of(arg);
	struct stored_change change = {.record = *record};

	int r = apply(store, &change);
	if (r < 0)
		note_reason(store);
	return r;
}

int sqlite_import_end(struct store *base, const char *filename, bool keep)
{
	struct sqlite *store = of(base);
	int r = keep ? with_filename(store, "INSERT INTO imported VALUES (?)", filename) : 0;

	if (keep && r == 0)
		r = run(store->db, "COMMIT");
	if (!sqlite3_get_autocommit(store->db))
		(void)run(store->db, "ROLLBACK");
	return r;
}

const struct store_ops sqlite_store_ops = {
	.type = "sqlite",
	.open = open_store,
	.close = sqlite_close,
	.load = sqlite_load,
	.write = sqlite_write,
	.reason = sqlite_reason,
};
