// SPDX-License-Identifier: BSD-2-Clause
#include "relay/directory/directory.h"

#include "common/base/cleanup.h"
#include "common/base/container_of.h"
#include "relay/directory/private.h"

#include <errno.h>
#include <string.h>

struct directory *directory_new(void)
{
	struct directory *directory = calloc(1, sizeof(*directory));

	if (!directory)
		return NULL;
	table_init(&directory->by_name);
	STAILQ_INIT(&directory->entries);
	return directory;
}

void directory_free(struct directory *directory)
{
	struct directory_entry *entry;

	if (!directory)
		return;
	while ((entry = STAILQ_FIRST(&directory->entries))) {
		STAILQ_REMOVE_HEAD(&directory->entries, next);
		json_decref(entry->json);
		free(entry);
	}
	table_clear(&directory->by_name);
	free(directory);
}

int directory_add(struct directory *directory, const char *name, json_t *json)
{
	size_t size = strlen(name) + 1;
	struct directory_entry *entry = malloc(sizeof(*entry) + size);

	if (!entry || !json) {
		free(entry);
		json_decref(json);
		return -ENOMEM;
	}
	memcpy(entry->name, name, size);
	entry->json = json;
	table_add(&directory->by_name, &entry->link, table_hash_string(&directory->by_name, name));
	STAILQ_INSERT_TAIL(&directory->entries, entry, next);
	directory->n_entries++;
	return 0;
}

static bool same_name(const struct table_link *link, const void *name)
{
	return strcmp(container_of(link, const struct directory_entry, link)->name, name) == 0;
}

json_t *directory_entry(const struct directory *directory, const char *name)
{
	const struct table *entries = &directory->by_name;
	struct table_link *link;

	link = table_find(entries, table_hash_string(entries, name), same_name, name);
	return link ? container_of(link, struct directory_entry, link)->json : NULL;
}

int directory_each(const struct directory *directory,
		   int (*each)(const char *name, json_t *entry, void *arg), void *arg)
{
	struct directory_entry *entry;

	STAILQ_FOREACH(entry, &directory->entries, next) {
		int r = each(entry->name, entry->json, arg);
		if (r != 0)
			return r;
	}
	return 0;
}

size_t directory_size(const struct directory *directory)
{
	return directory->n_entries;
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
