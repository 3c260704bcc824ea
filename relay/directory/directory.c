// SPDX-License-Identifier: BSD-2-Clause
#include "relay/directory/directory.h"

#include "common/base/cleanup.h"
#include "relay/directory/private.h"

#include <errno.h>
#include <string.h>

struct directory *directory_new(void)
{
	struct directory *directory = calloc(1, sizeof(*directory));

	if (!directory)
		return NULL;
	directory->entries = json_object();
	if (!directory->entries) {
		free(directory);
		return NULL;
	}
	return directory;
}

void directory_free(struct directory *directory)
{
	if (!directory)
		return;
	json_decref(directory->entries);
	free(directory);
}

json_t *directory_entry(const struct directory *directory, const char *name)
{
	return json_object_get(directory->entries, name);
}

int directory_each(const struct directory *directory,
		   int (*each)(const char *name, json_t *entry, void *arg), void *arg)
{
	const char *name;
	json_t *entry;

	json_object_foreach(directory->entries, name, entry) {
		int r = each(name, entry, arg);
		if (r != 0)
			return r;
	}
	return 0;
}

size_t directory_size(const struct directory *directory)
{
	return json_object_size(directory->entries);
}

const json_t *directory_channel(const struct directory *directory, const char *name,
				const char *type)
{
	const json_t *channels = json_object_get(directory_entry(directory, name), "channels");
	const json_t *channel;
	size_t i;

	json_array_foreach(channels, i, channel) {
		const char *own = json_string_value(json_object_get(channel, "type"));
		if (own && strcmp(own, type) == 0)
			return json_object_get(channel, "settings");
	}
	return NULL;
}

bool directory_pins(const struct directory *directory, const char *name, const char *fingerprint)
{
	const json_t *entry = directory_entry(directory, name);
	const json_t *certificates = json_object_get(entry, "certificates");
	const json_t *certificate;
	size_t i;

	json_array_foreach(certificates, i, certificate) {
		const char *usage = json_string_value(json_object_get(certificate, "key_usage"));
		const char *listed = json_string_value(json_object_get(certificate, "fingerprint"));
		if (usage && listed && strcmp(usage, "encryption") == 0 &&
		    strcmp(listed, fingerprint) == 0)
			return true;
	}
	return false;
}
