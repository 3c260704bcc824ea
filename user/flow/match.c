// SPDX-License-Identifier: BSD-2-Clause
#include "user/flow/match.h"

#include "common/base/timestamp.h"
#include "user/flow/connection.h"
#include "user/flow/park.h"
#include "user/flow/serve.h"
#include "user/flow/worker.h"
#include "user/mail/routes.h"

#include <stddef.h>

void match_begin(struct connection *connection, const char *name)
{
	struct worker *worker = connection->worker;
	const struct route *route = NULL;

	if (worker->routes)
		route = routes_find(worker->routes, name, timestamp_now());
	if (connection_set_name(connection, name, route ? route->owner : NULL) < 0) {
		connection_close(connection, true, ENDING_MEMORY);
		return;
	}
	if (!route) {
		connection_refuse(connection, ALERT_UNRECOGNIZED_NAME, ENDING_NOT_ANNOUNCED);
		return;
	}
	connection_not_half_open(connection);
	int parked = park_take(worker, connection->proxy);
	if (parked >= 0 && serve_by_parked(connection, parked))
		return;
	connection_move(connection, CONNECTION_RENDEZVOUS);
}
