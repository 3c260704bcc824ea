// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/store.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/settings/settings.h"
#include "user/store/entry_file.h"
#include "user/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
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

__attribute__((format(printf, 2, 3))) static void say(char **ret_error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(ret_error, format, args) < 0)
		*ret_error = NULL;
	va_end(args);
}

static int import_bytes(struct datastore *store, const char *filename, const uint8_t *bytes,
			size_t length, enum proxy_role role, char **ret_error)
{
	struct entry_file_result result;

	int r = entry_file_parse(bytes, length, role, sqlite_import_record, store, &result);
	if (r == -EBADMSG)
		say(ret_error, "datastore %s: at byte %zu: %s; mend it or move it away", filename,
		    result.offset, result.reason);
	else if (r < 0)
		say(ret_error, "datastore %s: cannot be read in: %s", filename,
		    datastore_reason(store));
	if (r < 0)
		return r;
	if (result.torn > 0)
		log_warn("datastore %s: %zu record(s) without an end, left by a writer that was "
			 "killed: skipped",
			 filename, result.torn);
	log_info("datastore %s: %zu record(s) read", filename, result.entries);
	return 0;
}

static int import_file(struct datastore *store, const char *filename, enum proxy_role role,
		       char **ret_error)
{
	AUTO_FREE uint8_t *bytes = NULL;
	size_t length;

	int r = read_file(filename, &bytes, &length);
	if (r < 0) {
		say(ret_error, "datastore %s: %s", filename, strerror(-r));
		return r;
	}
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

/*
 * Type `file` is the originals'. It is read once and left as it is, so that
 * the way back to them stays open.
 */
static int open_file(const char *filename, enum proxy_role role, struct datastore **ret,
		     char **ret_error)
{
	AUTO_FREE char *beside = NULL;
	struct datastore *store = NULL;

	if (asprintf(&beside, "%s.sqlite", filename) < 0) {
		beside = NULL;
		return -ENOMEM;
	}
	int r = sqlite_open(beside, role, &store, ret_error);
	if (r < 0)
		return r;
	r = import_file(store, filename, role, ret_error);
	if (r < 0) {
		datastore_close(store);
		return r;
	}
	log_info("datastore: type \"file\" is only read; announcements are kept in %s", beside);
	*ret = store;
	return 0;
}

int datastore_open(const json_t *settings, enum proxy_role role, struct datastore **ret,
		   char **ret_error)
{
	const char *type = settings_string(settings, "type");
	const char *filename = settings_string(settings, "settings.filename");

	if (type && filename && strcmp(type, "sqlite") == 0)
		return sqlite_open(filename, role, ret, ret_error);
	if (type && filename && strcmp(type, "file") == 0)
		return open_file(filename, role, ret, ret_error);
	say(ret_error, "datastore: type \"%s\" cannot be served: use sqlite or file",
	    type ? type : "");
	return -ENOTSUP;
}
