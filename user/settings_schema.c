// SPDX-License-Identifier: BSD-2-Clause
#include "user/settings_schema.h"

#include "common/dns/settings.h"
#include "common/net/blocks.h"

#define SECONDS  1000LL
#define HOURS    (3600 * SECONDS)
#define MANY     10000000
#define NAME_LEN 255

static const char *const forwarding_choices[] = {"auto", "sockmap", "splice", "copy", NULL};
static const char *const proxy_protocol_choices[] = {"off", "required", NULL};
static const char *const send_proxy_choices[] = {"off", "v1", "v2", NULL};

static const struct schema_key filename_keys[] = {
	SCHEMA_KEY("filename", PATH, .flags = SCHEMA_REQUIRED,
		   .doc = "the file; its folder is made if need be"),
	SCHEMA_END,
};
static const struct schema filename_schema = {.keys = filename_keys};

static const struct schema_variant datastore_types[] = {
	{.type = "sqlite", .settings = &filename_schema, .doc = "a SQLite database"},
	{.type = "file",
	 .settings = &filename_schema,
	 .doc = "the originals' log; it is read, and kept on in a database beside it"},
	{.type = "redis",
	 .doc = "not served in this version",
	 .refusal = "redis is not served in this version; use sqlite"},
	{.type = NULL},
};

/* What both roles have in common. */
#define OPERATION                                                                                 \
	SCHEMA_KEY("name", STRING, .flags = SCHEMA_REQUIRED, .max = NAME_LEN,                     \
		   .doc = "own name as an operator"),                                             \
		SCHEMA_KEY("datastore", TAGGED, .flags = SCHEMA_REQUIRED,                         \
			   .variants = datastore_types, .doc = "where announcements are kept"),   \
		SCHEMA_KEY("jsonrpc_server", OBJECT, .flags = SCHEMA_REQUIRED,                    \
			   .object = &jsonrpc_server_schema, .doc = "where the own relay calls"), \
		SCHEMA_KEY("jsonrpc_client", OBJECT, .flags = SCHEMA_REQUIRED,                    \
			   .object = &jsonrpc_client_schema, .doc = "the own relay")

static const struct schema_key limits_keys[] = {
	SCHEMA_KEY("connections", INTEGER, .fallback = "0", .min = 0, .max = MANY,
		   .doc = "at once, in any state, also those that a private proxy has dialled "
			  "ahead; 0: as many as the limit of open files allows, and never more"),
	SCHEMA_KEY("half_open", INTEGER, .fallback = "4096", .min = 1, .max = MANY,
		   .doc = "public: connections whose ClientHello is not complete"),
	SCHEMA_KEY("half_open_per_source", INTEGER, .fallback = "256", .min = 1, .max = MANY,
		   .doc = "public: of them, from one IPv4 address or IPv6 /64"),
	SCHEMA_KEY("hello_timeout", DURATION, .fallback = "5s", .min = 1, .max = 1 * HOURS,
		   .doc = "public: for the whole ClientHello"),
	SCHEMA_KEY(
		"pending", INTEGER, .fallback = "4096", .min = 1, .max = MANY,
		.doc = "public: connections that wait for the private proxy to dial back; private: "
		       "notices and calls under way"),
	SCHEMA_KEY("pending_per_operator", INTEGER, .fallback = "1024", .min = 1, .max = MANY,
		   .doc = "public: of them, for one private proxy"),
	SCHEMA_KEY("dial_backs", INTEGER, .fallback = "4096", .min = 1, .max = MANY,
		   .doc = "public: connections to the internal listener without a token yet"),
	SCHEMA_KEY("token_timeout", DURATION, .fallback = "5s", .min = 1, .max = 1 * HOURS,
		   .doc = "public: for the whole token"),
	SCHEMA_KEY("dial_timeout", DURATION, .fallback = "10s", .min = 1, .max = 1 * HOURS,
		   .doc = "private: to reach the public proxy and the internal server, all of "
			  "their addresses together"),
	SCHEMA_KEY("idle_timeout", DURATION, .fallback = "1h", .min = 0, .max = 8760 * HOURS,
		   .doc = "a connection on which nothing moves is closed; 0: never"),
	SCHEMA_KEY("keepalive", DURATION, .fallback = "60s", .min = 0, .max = 9 * HOURS,
		   .doc = "silence before TCP asks whether the peer is there, rounded up to whole "
			  "seconds; 0: "
			  "never"),
	SCHEMA_KEY("drain_timeout", DURATION, .fallback = "5m", .min = 1, .max = 24 * HOURS,
		   .doc = "a connection that is being closed may stand still this long"),
	SCHEMA_KEY("kernel_backlog", SIZE, .fallback = "256KiB", .min = 4096, .max = 1LL << 30,
		   .doc = "what the kernel may hold for one direction, above the socket's own "
			  "buffer, and at most half of that buffer; beyond it user space takes "
			  "over"),
	SCHEMA_KEY("memory_per_direction", SIZE, .fallback = "4MiB", .min = 65536, .max = 1LL << 30,
		   .doc = "what one direction may hold in all"),
	SCHEMA_KEY("shutdown_grace", DURATION, .fallback = "5s", .min = 0, .max = 24 * HOURS,
		   .doc = "open connections may go on this long after SIGTERM"),
	SCHEMA_KEY("announcements", INTEGER, .fallback = "10000", .min = 1, .max = MANY,
		   .doc = "in all"),
	SCHEMA_KEY("announcements_per_operator", INTEGER, .fallback = "1000", .min = 1, .max = MANY,
		   .doc = "of one operator"),
	SCHEMA_KEY("parked", INTEGER, .fallback = "4096", .min = 0, .max = MANY,
		   .doc = "public: connections that private proxies have dialled ahead, in all"),
	SCHEMA_KEY("parked_per_operator", INTEGER, .fallback = "256", .min = 0, .max = MANY,
		   .doc = "public: of them, of one operator"),
	SCHEMA_LOG_BACKLOG,
	SCHEMA_END,
};
static const struct schema limits_schema = {.keys = limits_keys};

static const struct schema_key auto_keys[] = {
	SCHEMA_KEY("sockmap_after", DURATION, .fallback = "200ms", .min = 0, .max = 24 * HOURS,
		   .doc = "a connection that ends sooner never touches the sockmap"),
	SCHEMA_KEY("burst_length", DURATION, .fallback = "100ms", .min = 10, .max = 1 * HOURS,
		   .doc = "the time over which bulk is told from the rest"),
	SCHEMA_KEY("bulk_bytes", SIZE, .fallback = "1MiB", .min = 65536, .max = 1LL << 30,
		   .doc = "one direction that moves this much within a burst is bulk, and goes by "
			  "splice"),
	SCHEMA_KEY("bulk_spills", INTEGER, .fallback = "16", .min = 1, .max = MANY,
		   .doc = "it leaves the sockmap if it was given back to user space this often "
			  "meanwhile"),
	SCHEMA_KEY("busy_percent", INTEGER, .fallback = "90", .min = 1, .max = 100,
		   .doc = "of the time of all processors: from here on connections leave the "
			  "sockmap, since an epoll loop then moves more at one wake-up"),
	SCHEMA_KEY("calm_percent", INTEGER, .fallback = "75", .min = 0, .max = 99,
		   .doc = "up to here they may enter it; less than busy_percent"),
	SCHEMA_END,
};

static const char *check_auto(const json_t *rules)
{
	if (json_integer_value(json_object_get(rules, "calm_percent")) >=
	    json_integer_value(json_object_get(rules, "busy_percent")))
		return "calm_percent has to be less than busy_percent, or connections would enter "
		       "and leave the sockmap in turns";
	return NULL;
}

static const struct schema auto_schema = {.keys = auto_keys, .check = check_auto};

static const struct schema_key public_keys[] = {
	OPERATION,
	SCHEMA_KEY("tls_bind_address", ADDRESS, .fallback = "localhost:443",
		   .doc = "where clients connect"),
	SCHEMA_KEY("internal_bind_address", ADDRESS, .fallback = "localhost:9999",
		   .doc = "where private proxies dial back"),
	SCHEMA_KEY("internal_endpoint", ADDRESS, .fallback = "localhost:9999",
		   .doc = "the same, as private proxies reach it; sent in the notice"),
	SCHEMA_KEY("accept_timeout", DURATION, .fallback = "10s", .min = 1, .max = 3000 * SECONDS,
		   .doc = "for the private proxy to dial back"),
	SCHEMA_KEY("park_timeout", DURATION, .fallback = "5m", .min = 1000, .max = 24 * HOURS,
		   .doc = "a connection that was dialled ahead and not used is closed at this age "
			  "or up to a quarter earlier, and replaced, before a firewall on the way "
			  "forgets it"),
	SCHEMA_KEY("proxy_protocol", CHOICE, .choices = proxy_protocol_choices, .fallback = "off",
		   .doc = "required: each connection to tls_bind_address begins with a header of "
			  "the PROXY protocol, version 1 or 2, from a load balancer in front"),
	SCHEMA_KEY("tcp_rate_limits", LIST, .element = SCHEMA_OBJECT, .object = &rate_limit_schema,
		   .fallback = "[]", .doc = "what one source may open at tls_bind_address"),
	SCHEMA_KEY("internal_tcp_rate_limits", LIST, .element = SCHEMA_OBJECT,
		   .object = &rate_limit_schema, .fallback = "[]",
		   .doc = "what one source may open at internal_bind_address"),
	SCHEMA_END,
};
static const struct schema public_schema = {.keys = public_keys};

static const struct schema_key internal_endpoint_keys[] = {
	SCHEMA_KEY("address", ADDRESS, .fallback = "localhost:8888", .doc = "the internal server"),
	SCHEMA_KEY("send_proxy", CHOICE, .choices = send_proxy_choices, .fallback = "off",
		   .doc = "tell internal servers the client's address by a header of the PROXY "
			  "protocol, of this version; they must expect it. The address is known of "
			  "connections dialled ahead only; the others say UNKNOWN (v1) or LOCAL "
			  "(v2)"),
	SCHEMA_KEY("tls", OBJECT, .flags = SCHEMA_UNSERVED,
		   .doc = "ending TLS here; connections are passed through as they are"),
	SCHEMA_KEY("jsonrpc_client", OBJECT, .flags = SCHEMA_UNSERVED,
		   .doc = "belongs to ending TLS here"),
	SCHEMA_KEY("jsonrpc_path", STRING, .flags = SCHEMA_UNSERVED,
		   .doc = "belongs to ending TLS here"),
	SCHEMA_KEY("timeout", DURATION, .flags = SCHEMA_UNSERVED,
		   .doc = "belongs to ending TLS here"),
	SCHEMA_END,
};
static const struct schema internal_endpoint_schema = {.keys = internal_endpoint_keys};

static const struct schema_key announcement_keys[] = {
	SCHEMA_KEY("domain", DOMAIN, .flags = SCHEMA_REQUIRED,
		   .doc = "a server name; *.example.org covers one label"),
	SCHEMA_KEY("proxies", LIST, .flags = SCHEMA_REQUIRED, .element = SCHEMA_STRING,
		   .max = NAME_LEN, .doc = "names of the public proxies to announce it to"),
	SCHEMA_KEY("internal_address", ADDRESS,
		   .doc = "the internal server for it; without it internal_endpoint.address"),
	SCHEMA_KEY("expires_at", TIME,
		   .doc = "when it ends; public proxies take at most 7 days ahead"),
	SCHEMA_END,
};
static const struct schema announcement_schema = {.keys = announcement_keys};

static const struct schema_key public_proxy_keys[] = {
	SCHEMA_KEY("name", STRING, .flags = SCHEMA_REQUIRED, .max = NAME_LEN,
		   .doc = "its name as an operator"),
	SCHEMA_KEY("endpoints", LIST, .flags = SCHEMA_REQUIRED, .element = SCHEMA_ADDRESS,
		   .doc = "what may be dialled when it asks for it"),
	SCHEMA_END,
};
static const struct schema public_proxy_schema = {.keys = public_proxy_keys};

static const struct schema_key parked_keys[] = {
	SCHEMA_KEY("min", INTEGER, .fallback = "4", .min = 1, .max = 4096,
		   .doc = "kept waiting at each public proxy, however little there is to do"),
	SCHEMA_KEY("max", INTEGER, .fallback = "128", .min = 0, .max = 4096,
		   .doc = "kept waiting there when there is much to do; 0: none at all"),
	SCHEMA_END,
};
static const struct schema parked_schema = {.keys = parked_keys};

static const char *check_private(const json_t *private)
{
	const json_t *announcement, *proxy;
	size_t i, j;

	long long most = settings_integer(private, "parked.max");
	if (most > 0 && settings_integer(private, "parked.min") > most)
		return "parked: min is larger than max; lower min or raise max, or set max to 0 "
		       "to park no connections";
	json_array_foreach(settings_get(private, "announcements"), i, announcement)
		json_array_foreach(settings_get(announcement, "proxies"), j, proxy)
			if (json_equal(proxy, settings_get(private, "name")))
				return "announcements: a proxy listed "
				       "there is this private proxy "
				       "itself; list public ones";
	return NULL;
}

static const struct schema_key private_keys[] = {
	OPERATION,
	SCHEMA_KEY("internal_endpoint", OBJECT, .flags = SCHEMA_REQUIRED,
		   .object = &internal_endpoint_schema, .doc = "where connections lead to"),
	SCHEMA_KEY("announcements", LIST, .element = SCHEMA_OBJECT, .object = &announcement_schema,
		   .fallback = "[]", .doc = "what to announce by itself"),
	SCHEMA_KEY("public_proxies", LIST, .element = SCHEMA_OBJECT, .object = &public_proxy_schema,
		   .fallback = "[]",
		   .doc = "which endpoints a public proxy may have dialled; a notice that names "
			  "another is refused"),
	SCHEMA_KEY("parked", OBJECT, .object = &parked_schema, .fallback = "{}",
		   .doc = "connections to public proxies dialled ahead, so that a client need not "
			  "wait for one; their number follows the demand"),
	SCHEMA_END,
};
static const struct schema private_schema = {.keys = private_keys, .check = check_private};

static const struct schema_key proxy_keys[] = {
	SCHEMA_KEY("public", OBJECT, .object = &public_schema, .doc = "needed by proxy run public"),
	SCHEMA_KEY("private", OBJECT, .object = &private_schema,
		   .doc = "needed by proxy run private"),
	SCHEMA_KEY("forwarding", CHOICE, .choices = forwarding_choices, .fallback = "auto",
		   .doc = "how bytes move; auto decides for each connection"),
	SCHEMA_KEY("auto", OBJECT, .object = &auto_schema, .fallback = "{}",
		   .doc = "how auto decides"),
	SCHEMA_KEY("workers", INTEGER, .fallback = "0", .min = 0, .max = 256,
		   .doc = "threads that forward; 0: one for each processor"),
	SCHEMA_KEY("yield_at", INTEGER, .fallback = "4", .min = 0, .max = MANY,
		   .doc = "new connections of a worker at which it lets other programs run before "
			  "it sleeps; 0: never"),
	SCHEMA_KEY("anonymize_clients", BOOL, .fallback = "true",
		   .doc = "log half of a client's address only"),
	SCHEMA_KEY("limits", OBJECT, .object = &limits_schema, .fallback = "{}",
		   .doc = "what strangers can make grow"),
	SCHEMA_KEY("dns", OBJECT, .object = &dns_schema, .fallback = "{}",
		   .doc = "how host names are resolved while the program runs"),
	SCHEMA_KEY("metrics", OBJECT, .flags = SCHEMA_UNSERVED, .object = &metrics_schema,
		   .doc = "Prometheus"),
	SCHEMA_END,
};
const struct schema proxy_schema = {.name = "proxy", .keys = proxy_keys};
