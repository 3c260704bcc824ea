// SPDX-License-Identifier: BSD-2-Clause
#include "user/wire/caller.h"

#include "user/wire/limits.h"

#include <errno.h>
#include <string.h>

int caller_parse(const json_t *params, struct caller *ret)
{
	const json_t *client = json_object_get(params, "_client");
	const char *name = json_string_value(json_object_get(client, "name"));
	const json_t *entry = json_object_get(client, "entry");

	if (!name || name[0] == '\0' || strlen(name) > OPERATOR_MAX || !json_is_object(entry))
		return -EINVAL;
	*ret = (struct caller){.name = name, .entry = entry};
	return 0;
}

const json_t *caller_proxy_settings(const struct caller *caller, const char *name)
{
	const json_t *list = json_object_get(caller->entry, "settings"), *record;
	size_t i;

	json_array_foreach(list, i, record) {
		const char *service = json_string_value(json_object_get(record, "service"));
		const char *proxy = json_string_value(json_object_get(record, "operator"));
		if (service && strcmp(service, "proxy") == 0 &&
		    (!proxy || proxy[0] == '\0' || strcmp(proxy, name) == 0))
			return json_object_get(record, "settings");
	}
	return NULL;
}

const json_t *caller_channel(const struct caller *caller, const char *type)
{
	const json_t *list = json_object_get(caller->entry, "channels"), *channel;
	size_t i;

	json_array_foreach(list, i, channel) {
		const char *text = json_string_value(json_object_get(channel, "type"));
		if (text && strcmp(text, type) == 0)
			return json_object_get(channel, "settings");
	}
	return NULL;
}
