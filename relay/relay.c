// SPDX-License-Identifier: BSD-2-Clause
#include "relay/relay.h"

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/log_queue.h"
#include "common/dns/settings.h"
#include "common/settings/settings.h"
#include "relay/channel/grpc/channels.h"
#include "relay/channel/jsonrpc/channels.h"
#include "relay/directory/watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* For the last answers to reach their sockets. */
#define LINGER_MS 200

struct relay {
	struct event_base *base;
	struct resolver *resolver;
	struct broker *broker;
	const char *name;
	const char *directory_path;
	struct directory_watch *watch;
	struct event *signals[3];
	bool stopping;
};

static const struct {
	const char *type;
	int (*make)(struct broker *broker, const json_t *settings, struct channel **ret,
		    char **ret_error);
} makers[] = {
	{"jsonrpc_server", channel_jsonrpc_server_new},
	{"jsonrpc_client", channel_jsonrpc_client_new},
	{"grpc_server", channel_grpc_server_new},
	{"grpc_client", channel_grpc_client_new},
};

static int load_directory(const struct relay *relay, struct directory **ret, char **ret_error)
{
	struct directory *directory;
	int r = directory_load(relay->directory_path, &directory, ret_error);

	if (r < 0)
		return r;
	if (!directory_entry(directory, relay->name)) {
		directory_free(directory);
		return error_set(ret_error, -ENOENT,
				 "directory: %s holds no record of '%s', the own operator (name in "
				 "the settings)",
				 relay->directory_path, relay->name);
	}
	*ret = directory;
	return 0;
}

static int set_directory(const struct relay *relay, const char *if_it_fails)
{
	AUTO_FREE char *why = NULL;
	struct directory *directory = NULL;
	int r = load_directory(relay, &directory, &why);

	if (r < 0) {
		log_error("%s%s", why ? why : strerror(-r), if_it_fails);
		return r;
	}
	log_info("directory: %zu operators from %s", directory_size(directory),
		 relay->directory_path);
	broker_set_directory(relay->broker, directory);
	return 0;
}

static void on_directory_changed(void *arg)
{
	(void)set_directory(arg, "; the directory read before stays in force");
}

static void on_signal(evutil_socket_t number, short events, void *arg)
{
	struct timeval linger = {.tv_usec = LINGER_MS * 1000};
	struct relay *relay = arg;

	(void)events;
	if (number == SIGHUP) {
		log_info("SIGHUP: reading the directory again");
		on_directory_changed(relay);
		return;
	}
	if (relay->stopping) {
		(void)event_base_loopbreak(relay->base);
		return;
	}
	log_info("stopping on %s", number == SIGINT ? "SIGINT" : "SIGTERM");
	relay->stopping = true;
	broker_stop(relay->broker);
	(void)event_base_loopexit(relay->base, &linger);
}

static int add_signals(struct relay *relay)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		relay->signals[i] = evsignal_new(relay->base, numbers[i], on_signal, relay);
		if (!relay->signals[i] || event_add(relay->signals[i], NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_channel(struct relay *relay, const json_t *channel)
{
	const char *type = settings_string(channel, "type");
	AUTO_FREE char *why = NULL;
	struct channel *made;

	for (size_t i = 0; i < sizeof(makers) / sizeof(makers[0]); i++) {
		if (strcmp(type, makers[i].type) != 0)
			continue;
		int r = makers[i].make(relay->broker, settings_get(channel, "settings"), &made,
				       &why);
		if (r == 0)
			r = broker_add_channel(relay->broker, made);
		if (r < 0)
			log_error("channel %s: %s", type, why ? why : strerror(-r));
		return r;
	}
	log_warn("channel %s is not served in this version", type);
	return 0;
}

static int add_channels(struct relay *relay, const json_t *settings)
{
	const json_t *channel;
	size_t i;

	json_array_foreach(settings_get(settings, "channels"), i, channel) {
		int r = add_channel(relay, channel);
		if (r < 0)
			return r;
	}
	return 0;
}

static int start(struct relay *relay, const json_t *settings, enum dialect dialect)
{
	struct broker_config config = {.settings = settings, .dialect = dialect};
	const struct resolver_settings dns = dns_settings(settings);
	int r;

	relay->base = config.base = event_base_new();
	r = relay->base ? resolver_new(relay->base, &dns, &relay->resolver) : -ENOMEM;
	config.resolver = relay->resolver;
	if (r < 0 || broker_new(&config, &relay->broker) < 0 || add_signals(relay) < 0) {
		log_error("cannot start: no memory");
		return -ENOMEM;
	}
	r = set_directory(relay, "");
	if (r < 0)
		return r;
	r = directory_watch_new(relay->base, relay->directory_path, on_directory_changed, relay,
				&relay->watch);
	if (r < 0)
		log_warn("directory: cannot watch %s (%s); send SIGHUP after a change",
			 relay->directory_path, strerror(-r));
	return add_channels(relay, settings);
}

static void relay_done(struct relay *relay)
{
	directory_watch_free(relay->watch);
	broker_free(relay->broker);
	resolver_free(relay->resolver);
	for (size_t i = 0; i < sizeof(relay->signals) / sizeof(relay->signals[0]); i++)
		if (relay->signals[i])
			event_free(relay->signals[i]);
	if (relay->base)
		event_base_free(relay->base);
}

int relay_run(const json_t *settings, enum dialect dialect)
{
	struct relay relay = {
		.name = settings_string(settings, "name"),
		.directory_path = settings_string(settings, "directory.settings.path"),
	};

	int r = log_queue_start((size_t)settings_integer(settings, "limits.log_backlog"));
	if (r < 0)
		log_error("cannot start the thread that writes the log: %s", strerror(-r));
	else
		r = start(&relay, settings, dialect);
	if (r == 0) {
		log_info("relay of %s is ready", relay.name);
		if (event_base_dispatch(relay.base) < 0) {
			log_error("the event loop failed: %s", strerror(errno));
			r = -EIO;
		}
	}
	relay_done(&relay);
	if (r == 0)
		log_info("stopped");
	log_queue_stop();
	return r;
}
