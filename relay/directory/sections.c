// SPDX-License-Identifier: BSD-2-Clause
/* What each section of a directory record may hold. */
#include "common/base/error.h"
#include "relay/directory/private.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PLACE_MAX          160
#define FINGERPRINT_DIGITS 64

struct check {
	char place[PLACE_MAX]; /* "data[0].methods[2]" */
	char **ret_error;
};

typedef int (*check_item)(struct check *check, json_t *item);

__attribute__((format(printf, 2, 3))) static int refuse(struct check *check, const char *format,
							...)
{
	char what[256];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return error_set(check->ret_error, -EBADMSG, "%s: %s", check->place, what);
}

/* Check every item of a list, with its index in the place that an error names. */
static int each_item(struct check *check, json_t *list, check_item item)
{
	size_t length = strlen(check->place);

	if (!json_is_array(list))
		return refuse(check, "must be a list");
	for (size_t i = 0; i < json_array_size(list); i++) {
		snprintf(check->place + length, PLACE_MAX - length, "[%zu]", i);
		int r = item(check, json_array_get(list, i));
		if (r < 0)
			return r;
		check->place[length] = '\0';
	}
	return 0;
}

/* As each_item for a key of an object; absent and null count as the empty list. */
static int each_of_key(struct check *check, json_t *object, const char *key, check_item item)
{
	size_t length = strlen(check->place);
	json_t *list = json_object_get(object, key);

	if (!list || json_is_null(list))
		return 0;
	snprintf(check->place + length, PLACE_MAX - length, ".%s", key);
	int r = each_item(check, list, item);
	if (r == 0)
		check->place[length] = '\0';
	return r;
}

static int need_object(struct check *check, const json_t *item)
{
	return json_is_object(item) ? 0 : refuse(check, "must be an object");
}

static int need_string(struct check *check, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return refuse(check, "%s is missing", key);
	if (!json_is_string(value) || json_string_length(value) == 0)
		return refuse(check, "%s must be a non-empty string", key);
	return 0;
}

static int check_name(struct check *check, json_t *item)
{
	if (!json_is_string(item) || json_string_length(item) == 0)
		return refuse(check, "must be a non-empty string");
	return 0;
}

static int check_grpc_server(struct check *check, const json_t *settings)
{
	const json_t *internal = json_object_get(settings, "internal");
	const json_t *proxy = json_object_get(settings, "proxy");
	int r = need_string(check, settings, "address");

	if (r < 0)
		return r;
	if (internal && !json_is_null(internal) && !json_is_boolean(internal))
		return refuse(check, "internal must be true or false");
	if (proxy && !json_is_null(proxy) && !json_is_string(proxy))
		return refuse(check, "proxy must be the name of an operator");
	return 0;
}

static int check_channel(struct check *check, json_t *item)
{
	int r = need_object(check, item);
	if (r < 0)
		return r;
	r = need_string(check, item, "type");
	if (r < 0)
		return r;
	json_t *settings = json_object_get(item, "settings");
	if (!settings)
		return json_object_set_new(item, "settings", json_null()) < 0 ? -ENOMEM : 0;
	if (!json_is_null(settings) && !json_is_object(settings))
		return refuse(check, "settings must be an object");
	if (strcmp(json_string_value(json_object_get(item, "type")), "grpc_server") == 0)
		return check_grpc_server(check, settings);
	return 0;
}

static int check_certificate(struct check *check, json_t *item)
{
	char lower[FINGERPRINT_DIGITS + 1];
	int r = need_object(check, item);

	if (r == 0)
		r = need_string(check, item, "fingerprint");
	if (r == 0)
		r = need_string(check, item, "key_usage");
	if (r < 0)
		return r;
	const char *usage = json_string_value(json_object_get(item, "key_usage"));
	if (strcmp(usage, "encryption") != 0 && strcmp(usage, "signing") != 0)
		return refuse(check, "key_usage must be \"encryption\" or \"signing\", not \"%s\"",
			      usage);
	const char *text = json_string_value(json_object_get(item, "fingerprint"));
	if (strlen(text) != FINGERPRINT_DIGITS)
		return refuse(check, "fingerprint must be a SHA-256 of %d hex digits",
			      FINGERPRINT_DIGITS);
	for (size_t i = 0; i <= FINGERPRINT_DIGITS; i++) {
		lower[i] = (char)tolower((unsigned char)text[i]);
		if (text[i] && !isxdigit((unsigned char)text[i]))
			return refuse(check, "fingerprint must be a SHA-256 of %d hex digits",
				      FINGERPRINT_DIGITS);
	}
	return json_object_set_new(item, "fingerprint", json_string(lower)) < 0 ? -ENOMEM : 0;
}

static int check_permission(struct check *check, json_t *item)
{
	int r = need_object(check, item);

	if (r == 0)
		r = need_string(check, item, "group");
	return r < 0 ? r : each_of_key(check, item, "rights", check_name);
}

static int check_method(struct check *check, json_t *item)
{
	int r = need_object(check, item);

	if (r == 0)
		r = need_string(check, item, "name");
	return r < 0 ? r : each_of_key(check, item, "permissions", check_permission);
}

static int check_service(struct check *check, json_t *item)
{
	int r = need_object(check, item);

	if (r == 0)
		r = need_string(check, item, "name");
	if (r == 0)
		r = each_of_key(check, item, "permissions", check_permission);
	return r < 0 ? r : each_of_key(check, item, "methods", check_method);
}

static int check_setting(struct check *check, json_t *item)
{
	static const char *const optional[] = {"operator", "environment"};
	int r = need_object(check, item);

	if (r == 0)
		r = need_string(check, item, "service");
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		const json_t *value = json_object_get(item, optional[i]);
		if (value && !json_is_null(value) && !json_is_string(value))
			return refuse(check, "%s must be a string", optional[i]);
	}
	if (!json_is_object(json_object_get(item, "settings")))
		return refuse(check, "settings must be an object");
	return 0;
}

/* The originals define preferences but nobody reads them. */
static int check_preference(struct check *check, json_t *item)
{
	return need_object(check, item);
}

static const struct {
	const char *name;
	check_item item;
} sections[] = {
	{"groups", check_name},
	{"channels", check_channel},
	{"certificates", check_certificate},
	{"services", check_service},
	{"settings", check_setting},
	{"preferences", check_preference},
};

int directory_check_section(const char *section, json_t *data, char **ret_error)
{
	struct check check = {.place = "data", .ret_error = ret_error};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
		if (strcmp(section, sections[i].name) == 0)
			return each_item(&check, data, sections[i].item);
	snprintf(check.place, sizeof(check.place), "section");
	return refuse(&check,
		      "\"%s\" is unknown; there are groups, channels, certificates, services, "
		      "settings and preferences",
		      section);
}
