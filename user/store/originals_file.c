// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/originals_file.h"

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/settings/settings.h"
#include "user/store/entry_file.h"
#include "user/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The originals never compact theirs; this is a million announcements. */
#define ENTRY_FILE_MAX (256 << 20)

/* Whole file, or *ret NULL when there is none. */
static int read_file(const char *filename, uint8_t **ret, size_t *ret_length)
{
	AUTO_CLOSE int fd = open(filename, O_RDONLY | O_CLOEXEC);
	AUTO_FREE uint8_t *bytes = NULL;
	struct stat info;
	size_t used = 0;

	*ret = NULL;
	*ret_length = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &info) < 0)
		return -errno;
	if (!S_ISREG(info.st_mode) || info.st_size > ENTRY_FILE_MAX)
		return -EFBIG;
	bytes = malloc((size_t)info.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	while (used < (size_t)info.st_size) {
		ssize_t n = read(fd, bytes + used, (size_t)info.st_size - used);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		used += (size_t)n;
	}
	*ret = TAKE_PTR(bytes);
	*ret_length = used;
	return 0;
}

static int import_bytes(struct store *store, const char *filename, const uint8_t *bytes,
			size_t length, enum proxy_role role, char **ret_error)
{
	struct entry_file_result result;

	int r = entry_file_parse(bytes, length, role, sqlite_import_record, store, &result);
	if (r == -EBADMSG)
		return error_set(ret_error, r,
				 "datastore %s: at byte %zu: %s; mend it or move it away", filename,
				 result.offset, result.reason);
	if (r < 0)
		return error_set(ret_error, r, "datastore %s: cannot be read in: %s", filename,
				 store_reason(store));
	if (result.torn > 0)
		log_warn("datastore %s: %zu record(s) without an end, left by a writer that was "
			 "killed: skipped",
			 filename, result.torn);
	log_info("datastore %s: %zu record(s) read", filename, result.entries);
	return 0;
}

static int import_file(struct store *store, const char *filename, enum proxy_role role,
		       char **ret_error)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length;

	int r = read_file(filename, &bytes, &length);
	if (r < 0)
		return error_set(ret_error, r, "datastore %s: %s", filename, strerror(-r));
	if (!bytes)
		return 0;
	r = sqlite_import_begin(store, filename);
	if (r == -EEXIST)
		return 0;
	if (r == 0)
		r = import_bytes(store, filename, bytes, length, role, ret_error);
	int end = sqlite_import_end(store, filename, r == 0);
	return r < 0 ? r : end;
}

static int open_originals_file(const json_t *settings, enum proxy_role role, struct store **ret,
			       char **ret_error)
{
	const char *filename = settings_string(settings, "filename");
	AUTO_FREE char *beside = NULL;
	struct store *store = NULL;

	if (asprintf(&beside, "%s.sqlite", filename) < 0) {
		beside = NULL;
		return -ENOMEM;
	}
	int r = sqlite_open(beside, role, &store, ret_error);
	if (r < 0)
		return r;
	r = import_file(store, filename, role, ret_error);
	if (r < 0) {
		store_close(store);
		return r;
	}
	log_info("datastore: type \"file\" is only read; announcements are kept in %s", beside);
	*ret = store;
	return 0;
}

/* What it opens is a SQLite store, with the ops of that. */
const struct store_ops originals_file_store_ops = {
	.type = "file",
	.open = open_originals_file,
};
