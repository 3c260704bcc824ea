// SPDX-License-Identifier: BSD-2-Clause
/* The methods that a relay answers itself. */
#include "common/base/cleanup.h"
#include "common/base/version.h"
#include "relay/bus/broker_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct builtin {
	const char *name;
	/* A new reference, or NULL with *ret_why for parameters that are none of this method. */
	json_t *(*call)(const struct broker *broker, const json_t *params, const char **ret_why);
};

static json_t *ping(const struct broker *broker, const json_t *params, const char **ret_why)
{
	AUTO_JSON json_t *echoed = json_copy((json_t *)params);
	time_t now = time(NULL);
	char timestamp[32];
	struct tm utc;

	(void)ret_why;
	(void)json_object_del(echoed, "_client");
	strftime(timestamp, sizeof(timestamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	return json_pack("{s:s, s:s, s:O, s:O}", "version", PASSAGE_VERSION, "timestamp", timestamp,
			 "params", echoed, "serverInfo",
			 directory_entry(broker->directory, broker->name));
}

struct selection {
	const struct directory *directory;
	const char *group;
	const char *name;
	const json_t *channels;
	json_t *entries;
};

static bool has_string(const json_t *list, const char *string)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (strcmp(json_string_value(item), string) == 0)
			return true;
	return false;
}

static int select_entry(const char *name, json_t *entry, void *arg)
{
	struct selection *selection = arg;
	const json_t *type;
	size_t i;

	if (selection->name && strcmp(selection->name, name) != 0)
		return 0;
	if (selection->group && !has_string(json_object_get(entry, "groups"), selection->group))
		return 0;
	json_array_foreach(selection->channels, i, type)
		if (!directory_channel(selection->directory, name, json_string_value(type)))
			return 0;
	return json_array_append(selection->entries, entry) < 0 ? -ENOMEM : 0;
}

static const char *check_selection(const json_t *params)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)params, key, value) {
		const json_t *item;
		size_t i;
		if (strcmp(key, "_client") == 0 || json_is_null(value))
			continue;
		if (strcmp(key, "group") == 0 || strcmp(key, "operator") == 0) {
			if (!json_is_string(value))
				return "group and operator must be strings";
		} else if (strcmp(key, "channels") == 0) {
			if (!json_is_array(value))
				return "channels must be a list of strings";
			json_array_foreach(value, i, item)
				if (!json_is_string(item))
					return "channels must be a list of strings";
		} else {
			return "there are only group, operator and channels";
		}
	}
	return NULL;
}

static json_t *list_directory(const struct broker *broker, const json_t *params,
			      const char **ret_why)
{
	AUTO_JSON json_t *entries = json_array();
	struct selection selection = {
		.directory = broker->directory,
		.group = json_string_value(json_object_get(params, "group")),
		.name = json_string_value(json_object_get(params, "operator")),
		.channels = json_object_get(params, "channels"),
		.entries = entries,
	};

	*ret_why = check_selection(params);
	if (*ret_why || !entries || directory_each(broker->directory, select_entry, &selection) < 0)
		return NULL;
	return json_pack("{s:O}", "entries", entries);
}

static const struct builtin builtins[] = {
	{"_ping", ping},
	{"_directory", list_directory},
	{"_connectionRequest", NULL}, /* gRPC through a public proxy is not served */
};

static void answer(const struct broker *broker, const struct builtin *builtin,
		   const struct message *message, message_done done, void *arg)
{
	struct jsonrpc_error error = {0};
	const char *why = NULL;
	AUTO_JSON json_t *result = NULL;

	if (builtin->call)
		result = builtin->call(broker, message->params, &why);
	if (result) {
		done(0, result, NULL, arg);
		return;
	}
	if (!builtin->call)
		jsonrpc_error_set(&error, JSONRPC_METHOD_NOT_FOUND, NULL, "method not found");
	else if (why)
		jsonrpc_error_set(&error, JSONRPC_INVALID_PARAMS,
				  json_pack("{s:s, s:s}", "code", "FORM-ERROR", "message", why),
				  "invalid params");
	else
		jsonrpc_error_set(&error, JSONRPC_INTERNAL_ERROR, NULL, "internal error");
	done(-EPROTO, NULL, &error, arg);
	jsonrpc_error_clear(&error);
}

bool builtins_call(const struct broker *broker, const struct message *message, message_done done,
		   void *arg)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
		if (strcmp(builtins[i].name, message->method) == 0) {
			answer(broker, &builtins[i], message, done, arg);
			return true;
		}
	return false;
}
