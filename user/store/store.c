// SPDX-License-Identifier: BSD-2-Clause
#include "user/store/store.h"

#include "common/base/error.h"
#include "common/settings/settings.h"
#include "user/store/originals_file.h"
#include "user/store/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct store_ops *const kinds[] = {
	&sqlite_store_ops,
	&originals_file_store_ops,
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

int store_open(const json_t *settings, enum proxy_role role, struct store **ret, char **ret_error)
{
	const char *type = settings_string(settings, "type");
	char types[64] = "";

	for (size_t i = 0; type && i < N_KINDS; i++)
		if (strcmp(kinds[i]->type, type) == 0)
			return kinds[i]->open(settings_get(settings, "settings"), role, ret,
					      ret_error);
	for (size_t i = 0, n = 0; i < N_KINDS && n < sizeof(types); i++)
		n += (size_t)snprintf(types + n, sizeof(types) - n, "%s%s", i ? " or " : "",
				      kinds[i]->type);
	return error_set(ret_error, -ENOTSUP, "datastore: type \"%s\" cannot be served: use %s",
			 type ? type : "", types);
}

void store_close(struct store *store)
{
	if (store)
		store->ops->close(store);
}

int store_load(struct store *store, stored_each each, void *arg)
{
	return store->ops->load(store, each, arg);
}

int store_write(struct store *store, const struct stored_change *changes, size_t n)
{
	return store->ops->write(store, changes, n);
}

const char *store_reason(const struct store *store)
{
	return store->ops->reason(store);
}
