// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/addr.h"
#include "common/base/cleanup.h"
#include "common/base/domain.h"
#include "common/base/timestamp.h"
#include "common/settings/schema.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define FINGERPRINT_DIGITS   64
#define FINGERPRINT_TEXT_MAX (FINGERPRINT_DIGITS + FINGERPRINT_DIGITS / 2)

static const char *const type_names[] = {
	[SCHEMA_STRING] = "a string",
	[SCHEMA_BOOL] = "true or false",
	[SCHEMA_INTEGER] = "an integer",
	[SCHEMA_DURATION] = "a duration",
	[SCHEMA_SIZE] = "a size",
	[SCHEMA_ADDRESS] = "host:port",
	[SCHEMA_URL] = "a URL",
	[SCHEMA_FILE] = "an existing path",
	[SCHEMA_PATH] = "a path",
	[SCHEMA_DOMAIN] = "a domain",
	[SCHEMA_TIME] = "an RFC 3339 time",
	[SCHEMA_FINGERPRINT] = "a SHA-256 fingerprint",
	[SCHEMA_CHOICE] = "a choice",
	[SCHEMA_ANY] = "anything",
	[SCHEMA_LIST] = "a list",
	[SCHEMA_OBJECT] = "a map",
	[SCHEMA_TAGGED] = "a map with type and settings",
};

const char *schema_type_name(enum schema_type type)
{
	return type_names[type];
}

#define SAY(...) snprintf(what, SCHEMA_WHAT_MAX, __VA_ARGS__)

/* A short quotation of the offending value. */
static void quote(const json_t *in, char text[64])
{
	AUTO_FREE char *dump = json_dumps(in, JSON_ENCODE_ANY | JSON_COMPACT);

	snprintf(text, 64, "%.60s", dump ? dump : "?");
}

static int wrong_type(enum schema_type type, const json_t *in, char what[SCHEMA_WHAT_MAX])
{
	char text[64];

	quote(in, text);
	if (json_is_object(in))
		SAY("must be %s, not a map", schema_type_name(type));
	else if (json_is_array(in))
		SAY("must be %s, not a list", schema_type_name(type));
	else if (json_is_string(in))
		SAY("must be %s, not %s", schema_type_name(type), text);
	else
		SAY("must be %s, not %s%s", schema_type_name(type), text,
		    type == SCHEMA_BOOL ? "" : "; put it in quotes if it is meant as text");
	return -EINVAL;
}

static int check_range(const struct schema_key *key, enum schema_type type, long long value,
		       char what[SCHEMA_WHAT_MAX])
{
	long long max = key->max ? key->max : LLONG_MAX;
	const char *unit = type == SCHEMA_DURATION ? " ms" : type == SCHEMA_SIZE ? " bytes" : "";

	if (value >= key->min && value <= max)
		return 0;
	if (!key->max)
		SAY("must be at least %lld%s, not %lld", key->min, unit, value);
	else
		SAY("must be from %lld to %lld%s, not %lld", key->min, max, unit, value);
	return -EINVAL;
}

static int to_bool(const json_t *in, json_t **ret, char what[SCHEMA_WHAT_MAX])
{
	static const char *const words[] = {"yes", "on", "true", "y", "no", "off", "false", "n"};
	const char *text = json_string_value(in);

	if (json_is_boolean(in)) {
		*ret = json_boolean(json_is_true(in));
		return 0;
	}
	for (size_t i = 0; text && i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(text, words[i]) == 0) {
			SAY("must be true or false, not \"%s\"; write %s", text,
			    i < 4 ? "true" : "false");
			return -EINVAL;
		}
	return wrong_type(SCHEMA_BOOL, in, what);
}

static int to_integer(const struct schema_key *key, const json_t *in, json_t **ret,
		      char what[SCHEMA_WHAT_MAX])
{
	if (!json_is_integer(in)) {
		const char *text = json_string_value(in);

		if (text && *text && strspn(text, "0123456789") == strlen(text)) {
			SAY("must be an integer, not the string \"%.60s\"; remove the quotes, or "
			    "give its variable the type int",
			    text);
			return -EINVAL;
		}
		return wrong_type(SCHEMA_INTEGER, in, what);
	}
	long long value = json_integer_value(in);
	int r = check_range(key, SCHEMA_INTEGER, value, what);
	if (r == 0)
		*ret = json_integer(value);
	return r;
}

static int to_quantity(const struct schema_key *key, enum schema_type type, const json_t *in,
		       json_t **ret, char what[SCHEMA_WHAT_MAX])
{
	const char *how = type == SCHEMA_DURATION
				  ? "write 500ms, 10s, 5m, 1h, 2d or a number of seconds"
				  : "write 64KiB, 4MiB, 1GiB or a number of bytes";
	const char *text = json_string_value(in);
	char number[64];
	long long value;
	int r;

	if (json_is_integer(in))
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(in));
	else if (json_is_real(in))
		snprintf(number, sizeof(number), "%.9f", json_real_value(in));
	else if (!text)
		return wrong_type(type, in, what);
	if (!text)
		text = number;
	r = type == SCHEMA_DURATION ? schema_parse_duration(text, &value)
				    : schema_parse_size(text, &value);
	if (r < 0) {
		SAY("must be %s, not \"%.60s\"%s; %s", schema_type_name(type), text,
		    r == -ERANGE ? ", which is too large" : "", how);
		return -EINVAL;
	}
	r = check_range(key, type, value, what);
	if (r == 0)
		*ret = json_integer(value);
	return r;
}

static int check_address(const char *text, char what[SCHEMA_WHAT_MAX])
{
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;

	if (addr_split(text, host, &port) == 0)
		return 0;
	SAY("must be host:port, not \"%.60s\"; write localhost:443, 192.0.2.1:443, [::1]:443, "
	    "or :443 for every address",
	    text);
	return -EINVAL;
}

static int check_url(const char *text, char what[SCHEMA_WHAT_MAX])
{
	char authority[ADDR_HOST_MAX + 8], host[ADDR_HOST_MAX + 1];
	const char *rest = NULL;
	uint16_t port;

	if (strncasecmp(text, "http://", 7) == 0)
		rest = text + 7;
	else if (strncasecmp(text, "https://", 8) == 0)
		rest = text + 8;
	size_t length = rest ? strcspn(rest, "/?#") : 0;
	if (length > 0 && length <= ADDR_HOST_MAX && !strpbrk(text, " \t\r\n")) {
		const char *after;

		snprintf(authority, sizeof(authority), "%.*s", (int)length, rest);
		after = strrchr(authority, ']');
		if (!strchr(after ? after : authority, ':'))
			strcat(authority, ":80");
		if (addr_split(authority, host, &port) == 0 && host[0])
			return 0;
	}
	SAY("must be a URL such as https://localhost:5544/jsonrpc, not \"%.100s\"", text);
	return -EINVAL;
}

static int check_file(const char *text, char what[SCHEMA_WHAT_MAX])
{
	if (access(text, R_OK) == 0)
		return 0;
	if (errno == EACCES)
		SAY("%.160s: cannot be read by this user", text);
	else if (text[0] == '/')
		SAY("%.160s: %s", text, strerror(errno));
	else
		SAY("%.120s: %s; a path without / in front is sought in the working directory, "
		    "write \"$DIR/…\" for the settings file's own folder",
		    text, strerror(errno));
	return -EINVAL;
}

static int to_domain(const char *text, json_t **ret, char what[SCHEMA_WHAT_MAX])
{
	char normal[DOMAIN_MAX + 1];
	const char *reason = NULL;

	if (domain_normalise(text, true, normal, &reason) < 0) {
		SAY("must be a domain such as www.example.org or *.example.org (ASCII), "
		    "not \"%.60s\", which %s",
		    text, reason);
		return -EINVAL;
	}
	*ret = json_string(normal);
	return 0;
}

static int to_fingerprint(const char *text, json_t **ret, char what[SCHEMA_WHAT_MAX])
{
	char hex[FINGERPRINT_DIGITS + 1];
	size_t n = 0;

	for (const char *c = text; *c; c++) {
		if (*c == ':')
			continue;
		if (!isxdigit((unsigned char)*c) || n == FINGERPRINT_DIGITS) {
			n = 0;
			break;
		}
		hex[n++] = (char)tolower((unsigned char)*c);
	}
	if (n != FINGERPRINT_DIGITS) {
		SAY("must be the SHA-256 of a certificate in hex, 64 digits; \"openssl x509 -noout "
		    "-fingerprint -sha256\" prints it");
		return -EINVAL;
	}
	hex[n] = '\0';
	*ret = json_string(hex);
	return 0;
}

static int check_time(const char *text, char what[SCHEMA_WHAT_MAX])
{
	int64_t ms;

	if (timestamp_parse(text, &ms) == 0)
		return 0;
	SAY("must be an RFC 3339 time such as 2027-01-31T12:00:00Z, on a day that exists, not "
	    "\"%.60s\"",
	    text);
	return -EINVAL;
}

static int check_choice(const struct schema_key *key, const char *text, char what[SCHEMA_WHAT_MAX])
{
	size_t n = 0, used;

	for (; key->choices[n]; n++)
		if (strcmp(key->choices[n], text) == 0)
			return 0;
	const char *near = schema_nearest(text, key->choices, n);
	if (near) {
		SAY("\"%.60s\" is none of the choices; did you mean \"%s\"?", text, near);
		return -EINVAL;
	}
	used = (size_t)SAY("\"%.60s\" is none of the choices:", text);
	for (size_t i = 0; i < n && used < SCHEMA_WHAT_MAX; i++)
		used += (size_t)snprintf(what + used, SCHEMA_WHAT_MAX - used, "%s %s", i ? "," : "",
					 key->choices[i]);
	return -EINVAL;
}

static int to_text(const struct schema_key *key, enum schema_type type, const json_t *in,
		   json_t **ret, char what[SCHEMA_WHAT_MAX])
{
	const char *text = json_string_value(in);
	int r = 0;

	if (!text)
		return wrong_type(type, in, what);
	switch (type) {
	case SCHEMA_ADDRESS:
		r = check_address(text, what);
		break;
	case SCHEMA_URL:
		r = check_url(text, what);
		break;
	case SCHEMA_FILE:
		r = check_file(text, what);
		break;
	case SCHEMA_DOMAIN:
		return to_domain(text, ret, what);
	case SCHEMA_FINGERPRINT:
		return to_fingerprint(text, ret, what);
	case SCHEMA_TIME:
		r = check_time(text, what);
		break;
	case SCHEMA_CHOICE:
		r = check_choice(key, text, what);
		break;
	default:
		if (key->max && (long long)strlen(text) > key->max) {
			SAY("must have at most %lld bytes", key->max);
			r = -EINVAL;
		}
	}
	if (r == 0)
		*ret = json_string(text);
	return r;
}

int schema_value(const struct schema_key *key, enum schema_type type, const json_t *in,
		 json_t **ret, char what[SCHEMA_WHAT_MAX])
{
	json_t *value = NULL;
	int r;

	what[0] = '\0';
	switch (type) {
	case SCHEMA_BOOL:
		r = to_bool(in, &value, what);
		break;
	case SCHEMA_INTEGER:
		r = to_integer(key, in, &value, what);
		break;
	case SCHEMA_DURATION:
	case SCHEMA_SIZE:
		r = to_quantity(key, type, in, &value, what);
		break;
	case SCHEMA_ANY:
		value = json_deep_copy(in);
		r = 0;
		break;
	default:
		r = to_text(key, type, in, &value, what);
	}
	if (r < 0)
		return r;
	if (!value)
		return -ENOMEM;
	*ret = value;
	return 0;
}
