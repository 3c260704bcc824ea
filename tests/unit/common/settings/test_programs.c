// SPDX-License-Identifier: BSD-2-Clause
/* The schemas of the programs, against the dev roles, the samples, the originals' settings and
 * docs/settings.md. Runs in the project's folder. */
#include "relay/settings_schema.h"
#include "user/settings_schema.h"

#include "tests/unit/common/settings/certs.h"

#include <unistd.h>

#define DOC "docs/settings.md"

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	ssize_t length = getdelim(&text, &size, '\0', file);
	(void)fclose(file);
	assert_true(length > 0);
	return text;
}

/* A copy of `text` in which every `from` is `to`. */
static char *replaced(const char *text, const char *from, const char *to)
{
	char *out = NULL;
	size_t size;
	FILE *stream = open_memstream(&out, &size);
	const char *hit;

	assert_non_null(stream);
	for (; (hit = strstr(text, from)); text = hit + strlen(from))
		fprintf(stream, "%.*s%s", (int)(hit - text), text, to);
	fputs(text, stream);
	assert_int_equal(fclose(stream), 0);
	return out;
}

static void copy_role(const char *role)
{
	char from[PATH_MAX], to[PATH_MAX];

	snprintf(from, sizeof(from), "settings/dev/roles/%s/001_default.yml", role);
	snprintf(to, sizeof(to), "roles/%s/001_default.yml", role);
	char *text = read_file(from);
	put(to, text);
	free(text);
}

static void dev_roles(void **state)
{
	static const struct {
		const char *role, *name;
		const struct schema *schema;
		bool relay;
	} roles[] = {
		{"public-proxy-1", "public.name", &proxy_schema, false},
		{"private-proxy-1", "private.name", &proxy_schema, false},
		{"public-proxy-hyper-1", "name", &relay_schema, true},
		{"private-proxy-hyper-1", "name", &relay_schema, true},
		{"public-proxy-eps-1", "name", &relay_schema, true},
		{"private-proxy-eps-1", "name", &relay_schema, true},
	};
	char path[PATH_MAX];

	(void)state;
	put_certificates("certs");
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		copy_role(roles[i].role);
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
		snprintf(path, sizeof(path), "roles/%s", roles[i].role);
		json_t *tree = loads(path, roles[i].schema);

		assert_string_equal(settings_string(tree, roles[i].name),
				    strncmp(roles[i].role, "public", 6) == 0
					    ? "public-proxy-1.ga"
					    : "private-proxy-1.ga");
		if (!roles[i].relay)
			assert_string_equal(settings_string(tree, "forwarding"), "sockmap");
		json_decref(tree);
	}
	json_t *tree = loads("roles/private-proxy-1", &proxy_schema);
	assert_string_equal(settings_string(tree, "private.announcements.0.domain"),
			    "test.internal-server.local");
	assert_string_equal(settings_string(tree, "private.public_proxies.0.endpoints.0"),
			    "localhost:9999");
	json_decref(tree);
	/* eps runs in hyper's place. */
	tree = loads("roles/public-proxy-eps-1", &relay_schema);
	json_t *same = loads("roles/public-proxy-hyper-1", &relay_schema);
	assert_int_equal(json_array_size(settings_get(tree, "channels")), 4);
	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "channels.%zu.type", i);
		assert_string_equal(settings_string(tree, path), settings_string(same, path));
	}
	json_decref(tree);
	json_decref(same);
}

static void samples(void **state)
{
	static const struct {
		const char *file;
		const struct schema *schema;
	} list[] = {
		{"public-proxy.yml", &proxy_schema},
		{"private-proxy.yml", &proxy_schema},
		{"relay.yml", &relay_schema},
		{"private-relay.yml", &relay_schema},
	};
	char path[PATH_MAX];

	(void)state;
	put_certificates("tls");
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		snprintf(path, sizeof(path), "settings/samples/%s", list[i].file);
		char *text = read_file(path), *here = replaced(text, "/etc/passage", folder);
		put(list[i].file, here);
		json_decref(loads(list[i].file, list[i].schema));
		free(text);
		free(here);
	}
}

/* Whether the sample has "key:" on a line of its own, if only as a comment. */
static bool mentions(const char *text, const char *key)
{
	for (const char *hit = text; (hit = strstr(hit, key)); hit++)
		if ((hit == text || strchr(" \n{-", hit[-1])) && hit[strlen(key)] == ':')
			return true;
	return false;
}

static void expect_keys(const struct schema *schema, const char *text, const char *file)
{
	for (const struct schema_key *key = schema->keys; key->name; key++) {
		bool useless = key->doc && strstr(key->doc, "of no use");

		if (key->flags & SCHEMA_UNSERVED || useless)
			continue;
		if (!mentions(text, key->name))
			fail_msg("%s does not show the key %s", file, key->name);
		if (key->object)
			expect_keys(key->object, text, file);
		for (const struct schema_variant *v = key->variants; v && v->type; v++)
			if (v->settings)
				expect_keys(v->settings, text, file);
	}
}

/* Every key that is served is in a sample. */
static void samples_show_every_key(void **state)
{
	char *public = read_file("settings/samples/public-proxy.yml");
	char *private = read_file("settings/samples/private-proxy.yml");
	char *relay = read_file("settings/samples/relay.yml");
	char *both = malloc(strlen(public) + strlen(private) + 1);

	(void)state;
	assert_non_null(both);
	strcat(strcpy(both, public), private);
	expect_keys(&proxy_schema, both, "settings/samples/*-proxy.yml");
	expect_keys(&relay_schema, relay, "settings/samples/relay.yml");
	free(public);
	free(private);
	free(relay);
	free(both);
}

/* Settings as operators of the originals have them: other modes and blocks, a slip, a bare "$DIR".
 */
static void originals_proxy(void **state)
{
	struct settings_report report;
	json_t *tree = NULL;

	(void)state;
	put_certificates("certs");
	put("o/proxy/1.yml",
	    "metrics:\n  bind_address: localhost:2114\n"
	    "public:\n"
	    "  name: public-proxy-1.ga\n"
	    "  datastore: {type: file, settings: {filename: /tmp/announcements.db}}\n"
	    "  tls_bind_address: localhost:4433\n"
	    "  accept_timeout: 20\n"
	    "  tcp_rate_limits: [{type: minute, limit: 1000}]\n"
	    "  jsonrpc_client:\n"
	    "    endpoint: https://localhost:5544/jsonrpc\n"
	    "    server_name: public-proxy-1\n"
	    "    proxy_url: \"\"\n"
	    "    local: false\n"
	    "    tls: &tls\n"
	    "      ca_certificate_files: [\"/$DIR/../../certs/root.crt\"]\n"
	    "      certificate_file: \"/$DIR/../../certs/public-proxy-1.ga.crt\"\n"
	    "      key_file: \"$DIR/../../certs/public-proxy-1.ga.key\"\n"
	    "  jsonrpc_server:\n"
	    "    bind_address: localhost:6655\n"
	    "    cors: {allowed_hosts: [\"^http(?:s)?://localhost\\\\:\\\\d+$\"]}\n"
	    "    tls:\n"
	    "      ca_certificate_files: [\"/$DIR/../../certs/root.crt\"]\n"
	    "      certificate_file: \"/$DIR/../../certs/public-proxy-1.ga.crt\"\n"
	    "      key_file: \"/$DIR/../../certs/public-proxy-1.ga.key\"\n"
	    "      validate_client: false\n"
	    "private:\n"
	    "  name: private-proxy-1.ga\n"
	    "  datastore: {type: file, settings: {filename: /tmp/private.db}}\n"
	    "  jsonrpc_client: {endpoint: \"http://localhost:7766/jsonrpc\"}\n"
	    "  jsonrpc_server: {bind_address: \"localhost:8877\"}\n"
	    "  internal_endpoint:\n"
	    "    address: localhost:7777\n"
	    "    timeout: 30.5\n"
	    "    jsonrpc_path: /jsonrpc\n"
	    "    jsonrpc_client: {endpoint: \"http://localhost:1/\"}\n"
	    "    tls: {verify_client: false, whatever: 1}\n");
	assert_int_equal(load("o/proxy", &proxy_schema, &tree, &report), 0);
	assert_int_equal(report.n_errors, 0);
	assert_int_equal(report.n_warnings, 9);
	has_warning(&report, "1.yml:1: metrics: is known, but");
	has_warning(&report, "public.jsonrpc_client.server_name: ");
	has_warning(&report, "public.jsonrpc_client.local: ");
	has_warning(&report, "public.jsonrpc_server.cors: ");
	has_warning(&report, "public.jsonrpc_server.tls.validate_client: ");
	has_warning(&report, "private.internal_endpoint.tls: ");
	has_warning(&report, "private.internal_endpoint.timeout: ");
	assert_int_equal(settings_integer(tree, "public.accept_timeout"), 20000);
	assert_int_equal(settings_bool(tree, "public.jsonrpc_server.tls.verify_client"), 1);
	assert_string_equal(settings_string(tree, "public.internal_bind_address"),
			    "localhost:9999");
	assert_null(settings_get(tree, "private.internal_endpoint.tls"));
	assert_int_equal(settings_integer(tree, "limits.hello_timeout"), 5000);
	assert_int_equal(settings_integer(tree, "limits.kernel_backlog"), 256 << 10);
	json_decref(tree);
	settings_report_clear(&report);
}

#define TLS                                                                \
	"tls: {ca_certificate_files: [\"/$DIR/../../certs/root.crt\"],"    \
	" certificate_file: \"/$DIR/../../certs/private-proxy-1.ga.crt\"," \
	" key_file: \"/$DIR/../../certs/private-proxy-1.ga.key\"}"

static void originals_relay(void **state)
{
	struct settings_report report;
	json_t *tree = NULL;

	(void)state;
	put_certificates("certs");
	put("o/relay/1.yml",
	    "name: ls-1\n"
	    "directory: {type: json, settings: {path: \"/$DIR/../../directory\"}}\n"
	    "metrics: {bind_address: \"localhost:2112\"}\n"
	    "signing: {name: ls-1, key_file: /x, certificate_file: /y}\n"
	    "channels:\n"
	    "  - {name: out, type: stdout, settings: {}}\n"
	    "  - {name: quic, type: quic, settings: {bindAddress: \"localhost:1\", channels: []}}\n"
	    "  - {name: in, type: grpc_server, settings: {" TLS "}}\n"
	    "  - {name: to, type: grpc_client, settings: {useProxy: true, " TLS "}}\n"
	    "  - {name: call, type: jsonrpc_client, services: [locations],\n"
	    "     settings: {endpoint: \"http://localhost:6666/jsonrpc\"}}\n");
	assert_int_equal(load("o/relay", &relay_schema, &tree, &report), 0);
	assert_int_equal(report.n_warnings, 6);
	has_warning(&report, "1.yml:6: channels.0: the type stdout is known, but not served");
	has_warning(&report, "channels.1: the type quic is known");
	has_warning(&report, "channels.3.settings.useProxy: ");
	has_warning(&report, "channels.4.services: ");
	has_warning(&report, "signing: ");
	assert_int_equal(json_array_size(settings_get(tree, "channels")), 3);
	assert_string_equal(settings_string(tree, "channels.0.settings.bind_address"),
			    "localhost:4444");
	assert_int_equal(settings_integer(tree, "channels.1.settings.reconnect_min"), 200);
	assert_null(settings_get(tree, "channels.1.settings.dialect"));
	assert_int_equal(settings_integer(tree, "limits.message_size"), 4 << 20);
	json_decref(tree);
	settings_report_clear(&report);
}

#define SHA256 "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""

static void refusals(void **state)
{
	static const char head[] =
		"name: r\nchannels: [{type: jsonrpc_client, settings: {endpoint: "
		"\"http://localhost:1/\"}}]\n";
	char text[2000];

	(void)state;
	put_certificates("certs");
	snprintf(text, sizeof(text), "%sdirectory: {type: api, settings: {endpoints: []}}\n", head);
	put("r/x/1.yml", text);
	fails_with("r/x/1.yml", &relay_schema, "the service directory is not served");
	snprintf(text, sizeof(text),
		 "%sdirectory: {type: json, settings: {path: \"/$DIR/../nowhere\"}}\n", head);
	put("r/x/2.yml", text);
	fails_with("r/x/2.yml", &relay_schema, "/nowhere: No such file or directory");
	put("o/y/3.yml",
	    "name: r\ndirectory: {type: json, settings: {path: \"/$DIR/../../directory\"}}\n"
	    "channels:\n"
	    "  - {type: grpc_client, settings: {" TLS "}}\n"
	    "  - {type: grpc_client, settings: {" TLS "}}\n");
	fails_with("o/y/3.yml", &relay_schema, "there are two of one type");
	put("o/y/4.yml",
	    "name: r\ndirectory: {type: json, settings: {path: \"/$DIR/../../directory\"}}\n"
	    "channels:\n"
	    "  - {type: grpc_client, settings: {tls: {}, reconnect_min: 1s}}\n");
	fails_with("o/y/4.yml", &relay_schema,
		   ":4: channels.0.settings: tls needs certificate_file");
	put("o/y/10.yml",
	    "name: r\ndirectory: {type: json, settings: {path: \"/$DIR/../../directory\"}}\n"
	    "channels:\n"
	    "  - type: grpc_server\n"
	    "    settings:\n"
	    "      tls:\n"
	    "        ca_certificate_files: [\"/$DIR/../../certs/root.crt\"]\n"
	    "        certificate_file: \"/$DIR/../../certs/private-proxy-1.ga.crt\"\n"
	    "        key_file: \"/$DIR/../../certs/private-proxy-1.ga.key\"\n"
	    "        fingerprints: [" SHA256 "]\n");
	fails_with("o/y/10.yml", &relay_schema,
		   "tls.fingerprints has no effect on relays: write them into the directory");
	put("o/y/5.yml", "private:\n  name: p\n  datastore: {type: redis, settings: {}}\n"
			 "  internal_endpoint: {}\n"
			 "  jsonrpc_server: {bind_address: \"localhost:1\"}\n"
			 "  jsonrpc_client: {endpoint: \"http://localhost:2/\"}\n");
	fails_with("o/y/5.yml", &proxy_schema,
		   ":3: private.datastore.type: redis is not served in this version; use sqlite");
	put("o/y/6.yml",
	    "private:\n  name: p\n  datastore: {type: sqlite, settings: {filename: x}}\n"
	    "  internal_endpoint: {}\n"
	    "  jsonrpc_server: {bind_address: \"localhost:1\"}\n"
	    "  jsonrpc_client: {endpoint: \"http://localhost:2/\"}\n"
	    "  announcements: [{domain: a.b, proxies: [q, p]}]\n");
	fails_with("o/y/6.yml", &proxy_schema, "is this private proxy itself");
	put("o/y/9.yml",
	    "private:\n  name: p\n  datastore: {type: sqlite, settings: {filename: x}}\n"
	    "  internal_endpoint: {send_proxy: v2}\n"
	    "  jsonrpc_server: {bind_address: \"localhost:1\"}\n"
	    "  jsonrpc_client: {endpoint: \"http://localhost:2/\"}\n"
	    "  parked: {max: 3}\n");
	fails_with("o/y/9.yml", &proxy_schema, "parked: min is larger than max");
	put("o/y/7.yml", "public:\n  tls:\n    a: b\n");
	struct settings_report report;
	json_t *tree = NULL;
	assert_int_equal(load("o/y/7.yml", &proxy_schema, &tree, &report), -EINVAL);
	assert_int_equal(report.n_errors, 5);
	has_error(&report, ":1: public.name: is required: own name as an operator");
	has_error(&report, ":2: public.tls: unknown key");
	settings_report_clear(&report);
	put("o/y/8.yml", "");
	assert_int_equal(load("o/y/8.yml", &relay_schema, &tree, &report), -EINVAL);
	assert_int_equal(report.n_errors, 3);
	has_error(&report, "/o/y/8.yml: name: is required: own name as an operator");
	settings_report_clear(&report);
	unsetenv(VARIABLE);
	assert_int_equal(settings_load(VARIABLE, &relay_schema, &tree, &report), -EINVAL);
	has_error(&report, VARIABLE ": channels: is required");
	settings_report_clear(&report);
}

/* The tables in the documentation are what the schemas print. UPDATE=1 writes them anew. */
static void documentation(void **state)
{
	static const char begin[] = "<!-- keys -->\n", end[] = "<!-- end of keys -->\n";
	const struct schema *const schemas[] = {&proxy_schema, &relay_schema};
	char *tables = NULL, *text = read_file(DOC);
	size_t size;

	(void)state;
	FILE *out = open_memstream(&tables, &size);
	assert_non_null(out);
	schema_print(schemas, 2, out);
	assert_int_equal(fclose(out), 0);
	char *from = strstr(text, begin), *to = strstr(text, end);
	if (!from || !to)
		fail_msg("%s lacks the marks around its tables", DOC);
	from += strlen(begin);
	if (getenv("UPDATE")) {
		FILE *file = fopen(DOC, "w");

		assert_non_null(file);
		fprintf(file, "%.*s%s%s", (int)(from - text), text, tables, to);
		assert_int_equal(fclose(file), 0);
	} else if ((size_t)(to - from) != size || memcmp(from, tables, size) != 0) {
		fail_msg("the tables in %s are not those of the schemas; run this test with "
			 "UPDATE=1",
			 DOC);
	}
	free(tables);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dev_roles),
		cmocka_unit_test(samples),
		cmocka_unit_test(samples_show_every_key),
		cmocka_unit_test(originals_proxy),
		cmocka_unit_test(originals_relay),
		cmocka_unit_test(refusals),
		cmocka_unit_test(documentation),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
