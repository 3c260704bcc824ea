// SPDX-License-Identifier: BSD-2-Clause
#include "user/control/control.h"

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/timestamp.h"
#include "common/dns/settings.h"
#include "common/settings/settings.h"
#include "user/control/role.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Routes and notices honour the time of expiry by themselves; this only takes the records away. */
#define SWEEP_SECONDS 5

/*
 * After a stop, what was begun just before still has to be answered: calls,
 * and addresses of connections that are being dialled. The loop goes on until
 * there was nothing to do for a while, or the workers' grace is over.
 */
#define TURN_MS     50
#define QUIET_TURNS 5

static void stop(struct control *control)
{
	const struct timeval turn = {.tv_usec = TURN_MS * 1000};
	long long grace_ms = settings_integer(control->tree, "limits.shutdown_grace");

	if (control->stopping) {
		crew_stop(&control->crew, 0, false);
		event_base_loopbreak(control->base);
		return;
	}
	control->stopping = true;
	log_info("stopping: open connections may go on for %lld.%03lld s", grace_ms / 1000,
		 grace_ms % 1000);
	control->ops->stop(control);
	crew_stop(&control->crew, (unsigned)grace_ms, false);
	control->turns_left = (unsigned)(grace_ms / TURN_MS);
	event_add(control->quiet, &turn);
}

static void on_quiet(evutil_socket_t fd, short events, void *arg)
{
	struct control *control = arg;

	(void)fd;
	(void)events;
	control->quiet_turns = control->ops->busy(control) ? 0 : control->quiet_turns + 1;
	if (control->quiet_turns >= QUIET_TURNS || control->turns_left-- == 0)
		event_base_loopbreak(control->base);
}

static void on_signal(evutil_socket_t number, short events, void *arg)
{
	(void)events;
	log_info("signal %s", strsignal((int)number));
	stop(arg);
}

void control_stray_mail(struct mail *mail)
{
	log_error("mail of type %d is not for this control thread", (int)mail->type);
	mail_free(mail);
}

static void on_mail(evutil_socket_t fd, short events, void *arg)
{
	struct control *control = arg;
	struct stop_order order;

	(void)fd;
	(void)events;
	for (struct mail *mail = mailbox_take_all(control->box), *next; mail; mail = next) {
		next = mail->next;
		control->ops->mail(control, mail);
	}
	if (mailbox_take_stop(control->box, &order))
		stop(control);
}

static void on_sweep(evutil_socket_t fd, short events, void *arg)
{
	struct control *control = arg;

	(void)fd;
	(void)events;
	size_t n = announcements_expire(control->announcements, timestamp_now());
	int r = announcements_commit(control->announcements);
	if (r > 0) {
		log_info("%zu announcement(s) have expired", n);
		control->ops->changed(control);
	} else if (r < 0 && !control->sweep_failed) {
		log_error("expired announcements cannot be removed from the datastore: %s",
			  announcements_reason(control->announcements));
	}
	control->sweep_failed = r < 0;
}

static void on_call(struct jsonrpc_call *call, void *arg)
{
	struct control *control = arg;

	if (!control->stopping)
		control->quiet_turns = 0;
	control->ops->call(control, call);
}

static int open_announcements(struct control *control, char **ret_error)
{
	const struct announcements_limits limits = {
		.total = (size_t)settings_integer(control->tree, "limits.announcements"),
		.per_owner = (size_t)settings_integer(control->tree,
						      "limits.announcements_per_operator"),
	};
	struct store *store;

	int r = store_open(settings_get(control->block, "datastore"), control->ops->role, &store,
			   ret_error);
	if (r < 0)
		return r;
	r = announcements_new(store, &limits, timestamp_now(), &control->announcements);
	if (r < 0) {
		(void)error_set(ret_error, r, "datastore: %s", store_reason(store));
		store_close(store);
	}
	return r;
}

static int make_events(struct control *control)
{
	const struct timeval sweep = {.tv_sec = SWEEP_SECONDS};

	int r = mailbox_new(&control->box);
	if (r < 0)
		return r;
	control->mail = event_new(control->base, mailbox_fd(control->box), EV_READ | EV_PERSIST,
				  on_mail, control);
	control->interrupt = evsignal_new(control->base, SIGINT, on_signal, control);
	control->terminate = evsignal_new(control->base, SIGTERM, on_signal, control);
	control->sweep = event_new(control->base, -1, EV_PERSIST, on_sweep, control);
	control->quiet = event_new(control->base, -1, EV_PERSIST, on_quiet, control);
	if (!control->mail || !control->interrupt || !control->terminate || !control->sweep ||
	    !control->quiet)
		return -ENOMEM;
	if (event_add(control->mail, NULL) < 0 || event_add(control->interrupt, NULL) < 0 ||
	    event_add(control->terminate, NULL) < 0 || event_add(control->sweep, &sweep) < 0)
		return -ENOMEM;
	return 0;
}

static int set_up(struct control *control, char **ret_error)
{
	const struct resolver_settings dns = dns_settings(control->tree);

	control->base = event_base_new();
	if (!control->base)
		return -ENOMEM;
	int r = make_events(control);
	if (r == 0)
		r = resolver_new(control->base, &dns, &control->resolver);
	if (r == 0)
		r = open_announcements(control, ret_error);
	if (r == 0)
		r = jsonrpc_client_new(control->base, control->resolver,
				       settings_get(control->block, "jsonrpc_client"),
				       &control->client, ret_error);
	if (r == 0)
		r = control->ops->open(control, ret_error);
	if (r == 0)
		r = jsonrpc_server_new(
			control->base, settings_get(control->block, "jsonrpc_server"),
			control->name, on_call, control, &control->server, ret_error);
	return r;
}

int control_new(const json_t *settings, const struct role_ops *ops, struct control **ret,
		char **ret_error)
{
	struct control *control = NULL;
	AUTO_FREE char *error = NULL;

	control = calloc(1, sizeof(*control));
	if (!control)
		return -ENOMEM;
	control->ops = ops;
	control->tree = json_incref((json_t *)settings);
	control->block = settings_get(settings, ops->section);
	control->name = settings_string(control->block, "name");
	int r = set_up(control, &error);
	if (r < 0) {
		*ret_error = error ? TAKE_PTR(error) : strdup(strerror(-r));
		control_free(control);
		return r;
	}
	*ret = control;
	return 0;
}

struct mailbox *control_mailbox(struct control *control)
{
	return control->box;
}

void control_set_workers(struct control *control, struct mailbox **boxes, unsigned n)
{
	control->crew.boxes = boxes;
	control->crew.n = n;
	if (control->ops->brief)
		control->ops->brief(control);
}

int control_run(struct control *control)
{
	control->ops->start(control);
	int r = event_base_dispatch(control->base);

	/* The next process may have the port and the file while our connections drain. */
	jsonrpc_server_free(control->server);
	control->server = NULL;
	/* libevent closes their descriptors in its loop: whoever waits for an answer is to hear. */
	(void)event_base_loop(control->base, EVLOOP_NONBLOCK);
	announcements_close(control->announcements);
	return r < 0 ? -EIO : 0;
}

void control_stop(struct control *control)
{
	mailbox_stop(control->box, 0, false);
}

static void free_event(struct event *event)
{
	if (event)
		event_free(event);
}

void control_free(struct control *control)
{
	if (!control)
		return;
	/* They have ended; the replies that freeing the client brings must not go to them. */
	control->crew.n = 0;
	free_event(control->mail);
	free_event(control->interrupt);
	free_event(control->terminate);
	free_event(control->sweep);
	free_event(control->quiet);
	if (control->client)
		jsonrpc_client_free(control->client);
	/* Those who wait for addresses hear of it while the role is there. */
	resolver_free(control->resolver);
	control->ops->free(control);
	if (control->server)
		jsonrpc_server_free(control->server);
	announcements_free(control->announcements);
	mailbox_free(control->box);
	if (control->base)
		event_base_free(control->base);
	json_decref(control->tree);
	free(control);
}
