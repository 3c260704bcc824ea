// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/base/log.h"
#include "common/settings/settings.h"
#include "relay/bus/broker_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define DEFAULT_TIMEOUT_MS 30000
#define DEFAULT_MESSAGES   4096

/* Codes of the originals. */
#define CODE_UNDELIVERABLE 1
#define CODE_INVALID       400
#define CODE_DENIED        403

int broker_new(const struct broker_config *config, struct broker **ret)
{
	struct broker *broker = calloc(1, sizeof(*broker));
	long long messages = settings_integer(config->settings, "limits.messages");
	long long timeout = settings_integer(config->settings, "timeout");

	if (!broker)
		return -ENOMEM;
	broker->base = config->base;
	broker->resolver = config->resolver;
	broker->settings = config->settings;
	broker->name = settings_string(config->settings, "name");
	broker->dialect = config->dialect;
	broker->timeout_ms = timeout > 0 ? (unsigned)timeout : DEFAULT_TIMEOUT_MS;
	transits_init(&broker->transits, broker->base,
		      messages > 0 ? (size_t)messages : DEFAULT_MESSAGES, broker->timeout_ms);
	*ret = broker;
	return 0;
}

void broker_stop(struct broker *broker)
{
	broker->stopping = true;
	transits_cancel(&broker->transits);
}

void broker_free(struct broker *broker)
{
	if (!broker)
		return;
	broker_stop(broker);
	for (size_t i = 0; i < broker->n_channels; i++)
		broker->channels[i]->ops->free(broker->channels[i]);
	transits_done(&broker->transits);
	directory_free(broker->directory);
	free(broker);
}

void broker_set_directory(struct broker *broker, struct directory *directory)
{
	struct directory *old = broker->directory;

	broker->directory = directory;
	for (size_t i = 0; i < broker->n_channels; i++)
		if (broker->channels[i]->ops->directory_changed)
			broker->channels[i]->ops->directory_changed(broker->channels[i]);
	directory_free(old);
}

int broker_add_channel(struct broker *broker, struct channel *channel)
{
	if (broker->n_channels == BROKER_CHANNELS_MAX) {
		channel->ops->free(channel);
		return -ENOSPC;
	}
	broker->channels[broker->n_channels++] = channel;
	return 0;
}

struct event_base *broker_loop(struct broker *broker)
{
	return broker->base;
}

struct resolver *broker_resolver(struct broker *broker)
{
	return broker->resolver;
}

const char *broker_name(const struct broker *broker)
{
	return broker->name;
}

const struct directory *broker_directory(const struct broker *broker)
{
	return broker->directory;
}

enum dialect broker_dialect(const struct broker *broker)
{
	return broker->dialect;
}

unsigned broker_timeout_ms(const struct broker *broker)
{
	return broker->timeout_ms;
}

const json_t *broker_settings(const struct broker *broker)
{
	return broker->settings;
}

__attribute__((format(printf, 4, 5))) static int refuse(struct jsonrpc_error *error, int r,
							int code, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	jsonrpc_error_set(error, code, json_object(), "%s", text);
	return r;
}

/* What is executed is `method`; the id is only believed if it says the same. */
static int parse(const char *method, const char *id, struct address *ret,
		 struct jsonrpc_error *error)
{
	struct address named;

	if (address_parse_method(method, ret) < 0)
		return refuse(error, -EINVAL, CODE_INVALID,
			      "invalid request: method '%.400s' is not of the form "
			      "operator.method",
			      method);
	if (!id)
		return 0;
	if (address_parse_id(id, &named) < 0)
		return refuse(error, -EINVAL, CODE_UNDELIVERABLE,
			      "error parsing address: invalid ID format");
	if (strcmp(named.operator, ret->operator) != 0 || strcmp(named.method, ret->method) != 0)
		return refuse(error, -EINVAL, CODE_INVALID,
			      "invalid request: method is '%s.%s', but id names '%s.%s'",
			      ret->operator, ret->method, named.operator, named.method);
	return 0;
}

static int authorise(const struct broker *broker, const char *sender, const struct address *address,
		     struct jsonrpc_error *error)
{
	const char *recipient = address->operator;
	bool remote = strcmp(sender, broker->name) != 0;

	if (broker->stopping)
		return refuse(error, -ECANCELED, CODE_UNDELIVERABLE, "the relay is stopping");
	if (!directory_entry(broker->directory, sender))
		return refuse(error, -EACCES, CODE_UNDELIVERABLE,
			      "error retrieving directory entry for sender '%s': no directory "
			      "entry found",
			      sender);
	/* A relay lends its name to nobody. */
	if (remote && strcmp(recipient, broker->name) != 0)
		return refuse(error, -EACCES, CODE_INVALID,
			      "invalid request: addressed to '%s', but this relay takes messages "
			      "for '%s' only",
			      recipient, broker->name);
	if (!directory_entry(broker->directory, recipient))
		return refuse(error, -EHOSTUNREACH, CODE_UNDELIVERABLE,
			      "error retrieving directory entry for recipient '%s': no directory "
			      "entry found",
			      recipient);
	if (strcmp(sender, recipient) != 0 &&
	    !directory_permits(broker->directory, sender, recipient, address->method))
		return refuse(error, -EACCES, CODE_DENIED,
			      "Permission denied for method '%s' and client '%s'", address->method,
			      sender);
	return 0;
}

/* A copy of `params` that says who the sender is, whatever the sender says. */
static json_t *inject_client(const struct broker *broker, const char *sender, json_t *params)
{
	json_t *copy = params ? json_copy(params) : json_object();
	json_t *client = json_pack("{s:s, s:O}", "name", sender, "entry",
				   directory_entry(broker->directory, sender));

	if (!copy || !client || json_object_set_new(copy, "_client", client) < 0) {
		json_decref(copy);
		return NULL;
	}
	return copy;
}

static char *random_id(const char *method)
{
	unsigned char bytes[16];
	char text[2 * sizeof(bytes) + 1];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return NULL;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return address_format(method, text);
}

/*
 * The addressable id. Two local clients may well both count from 1: the later
 * one travels under a random id, and its own is only used for the reply.
 */
static int make_id(const struct broker *broker, const char *sender, const char *method,
		   const char *id, const char *inner_id, char **ret, struct jsonrpc_error *error)
{
	AUTO_FREE char *made = NULL;
	struct address unused;

	if (id) {
		made = strdup(id);
	} else {
		made = inner_id ? address_format(method, inner_id) : random_id(method);
		if (made && address_parse_id(made, &unused) < 0)
			return refuse(error, -EINVAL, CODE_INVALID,
				      "invalid request: id must not be empty, too long, or hold a "
				      "')'");
		if (made && transits_has(&broker->transits, sender, made)) {
			free(made);
			made = random_id(method);
		}
	}
	if (!made)
		return refuse(error, -ENOMEM, CODE_UNDELIVERABLE, "no memory");
	*ret = TAKE_PTR(made);
	return 0;
}

static int begin(struct broker *broker, const char *sender, const char *id,
		 const struct address *address, json_t *params, message_done done, void *arg,
		 struct transit **ret, struct jsonrpc_error *error)
{
	json_t *injected = inject_client(broker, sender, params);
	int r = -ENOMEM;

	if (injected)
		r = transit_begin(&broker->transits, sender, address->operator, address->method, id,
				  injected, done, arg, ret);
	switch (r) {
	case 0:
		return 0;
	case -EEXIST:
		return refuse(error, r, CODE_UNDELIVERABLE,
			      "a message with the id '%.400s' is in transit already", id);
	case -EBUSY:
		return refuse(error, r, CODE_UNDELIVERABLE,
			      "too many messages are in transit, try again later");
	default:
		return refuse(error, r, CODE_UNDELIVERABLE, "cannot take the message: %s",
			      strerror(-r));
	}
}

static void dispatch(struct broker *broker, struct transit *transit)
{
	const struct message *message = transit_message(transit);
	struct jsonrpc_error error = {0};

	if (strcmp(message->recipient, broker->name) == 0 &&
	    builtins_call(broker, message, transit_end, transit))
		return;
	for (size_t i = 0; i < broker->n_channels; i++) {
		struct channel *channel = broker->channels[i];
		if (!channel->ops->can_deliver(channel, message->recipient))
			continue;
		log_debug("message %s from %s goes by %s", message->id, message->sender,
			  channel->ops->type);
		transit_set_channel(transit, i + 1);
		channel->ops->deliver(channel, message, transit_end, transit);
		return;
	}
	log_info("message %s from %s: no channel reaches %s now", message->id, message->sender,
		 message->recipient);
	(void)refuse(&error, 0, CODE_UNDELIVERABLE, "no channel can deliver to '%s' now",
		     message->recipient);
	transit_end(-EPROTO, NULL, &error, transit);
	jsonrpc_error_clear(&error);
}

void broker_submit(struct broker *broker, const char *sender, const char *method, const char *id,
		   const char *inner_id, json_t *params, message_done done, void *arg)
{
	struct jsonrpc_error error = {0};
	struct transit *transit = NULL;
	AUTO_FREE char *full_id = NULL;
	struct address address;

	int r = parse(method, id, &address, &error);
	if (r == 0)
		r = authorise(broker, sender, &address, &error);
	if (r == 0)
		r = make_id(broker, sender, method, id, inner_id, &full_id, &error);
	if (r == 0)
		r = begin(broker, sender, full_id, &address, params, done, arg, &transit, &error);
	if (r == 0) {
		dispatch(broker, transit);
		return;
	}
	log_info("message for %.400s from %s refused: %s", method, sender,
		 error.message ? error.message : strerror(-r));
	done(-EPROTO, NULL, &error, arg);
	jsonrpc_error_clear(&error);
}
