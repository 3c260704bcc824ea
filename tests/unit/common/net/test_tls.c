// SPDX-License-Identifier: BSD-2-Clause
#include "common/base/cleanup.h"
#include "common/net/tls.h"
#include "tests/unit/test_certs.h"

#include <errno.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static json_t *block(const char *name, bool verify)
{
	char certificate[64], key[64];

	snprintf(certificate, sizeof(certificate), "%s.crt", name);
	snprintf(key, sizeof(key), "%s.key", name);
	return json_pack("{s:[s], s:s, s:s, s:b, s:b}", "ca_certificate_files",
			 certs_path("root.crt"), "certificate_file", certs_path(certificate),
			 "key_file", certs_path(key), "verify_client", verify,
			 "insecure_skip_verify", 0);
}

static SSL_CTX *context_of(json_t *settings, enum tls_role role)
{
	AUTO_JSON json_t *taken = settings;
	AUTO_FREE char *error = NULL;
	SSL_CTX *context = NULL;

	if (tls_context_new(taken, role, &context, &error) < 0)
		fail_msg("%s", error);
	return context;
}

/* A handshake over memory; 0 if both sides agree. */
static int shake(SSL *server, SSL *client)
{
	BIO *left, *right;
	int s = 0, c = 0;

	BIO_new_bio_pair(&left, 0, &right, 0);
	SSL_set_bio(server, left, left);
	SSL_set_bio(client, right, right);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	for (int i = 0; i < 20 && (s != 1 || c != 1); i++) {
		c = c == 1 ? 1 : SSL_do_handshake(client);
		s = s == 1 ? 1 : SSL_do_handshake(server);
	}
	return s == 1 && c == 1 ? 0 : -EPROTO;
}

struct pair {
	SSL_CTX *server_context, *client_context;
	SSL *server, *client;
};

static int connect_pair(struct pair *pair, json_t *server, json_t *client, const char *expected)
{
	pair->server_context = context_of(server, TLS_SERVER);
	pair->client_context = context_of(client, TLS_CLIENT);
	pair->server = SSL_new(pair->server_context);
	pair->client = SSL_new(pair->client_context);
	assert_int_equal(tls_expect_server(pair->client, expected), 0);
	return shake(pair->server, pair->client);
}

static void free_pair(struct pair *pair)
{
	SSL_free(pair->server);
	SSL_free(pair->client);
	SSL_CTX_free(pair->server_context);
	SSL_CTX_free(pair->client_context);
}

static void test_mutual(void **state)
{
	char fingerprint[TLS_FINGERPRINT_MAX];
	struct pair pair;

	(void)state;
	assert_int_equal(connect_pair(&pair, block("op-1", true), block("op-2", true), "op-1"), 0);
	assert_int_equal(tls_peer_fingerprint(pair.server, fingerprint), 0);
	assert_int_equal(strspn(fingerprint, "0123456789abcdef"), 64);
	assert_true(tls_certificate_has_name(SSL_get0_peer_certificate(pair.server), "OP-2"));
	assert_int_equal(SSL_version(pair.client), TLS1_3_VERSION);
	free_pair(&pair);
}

static void test_tls_1_2_has_forward_secrecy(void **state)
{
	struct pair pair = {.server_context = context_of(block("op-1", true), TLS_SERVER),
			    .client_context = context_of(block("op-2", true), TLS_CLIENT)};

	(void)state;
	SSL_CTX_set_max_proto_version(pair.client_context, TLS1_2_VERSION);
	SSL_CTX_set_cipher_list(pair.client_context, "ALL");
	pair.server = SSL_new(pair.server_context);
	pair.client = SSL_new(pair.client_context);
	assert_int_equal(shake(pair.server, pair.client), 0);
	const char *cipher = SSL_get_cipher_name(pair.client);
	assert_non_null(strstr(cipher, "ECDHE-"));
	assert_true(strstr(cipher, "GCM") || strstr(cipher, "CHACHA20"));
	free_pair(&pair);

	pair.server_context = context_of(block("op-1", true), TLS_SERVER);
	pair.client_context = context_of(block("op-2", true), TLS_CLIENT);
	SSL_CTX_set_min_proto_version(pair.client_context, 0);
	SSL_CTX_set_max_proto_version(pair.client_context, TLS1_1_VERSION);
	pair.server = SSL_new(pair.server_context);
	pair.client = SSL_new(pair.client_context);
	assert_int_not_equal(shake(pair.server, pair.client), 0);
	free_pair(&pair);
}

static void test_refusals(void **state)
{
	json_t *nobody = json_pack("{s:[s]}", "ca_certificate_files", certs_path("root.crt"));
	struct pair pair;

	(void)state;
	/* Another name, another authority, no certificate. */
	assert_int_not_equal(connect_pair(&pair, block("op-1", true), block("op-2", true), "op-2"),
			     0);
	free_pair(&pair);
	assert_int_not_equal(
		connect_pair(&pair, block("stranger", true), block("op-2", true), "op-1"), 0);
	free_pair(&pair);
	assert_int_not_equal(
		connect_pair(&pair, block("op-1", true), block("stranger", true), "op-1"), 0);
	free_pair(&pair);
	assert_int_not_equal(connect_pair(&pair, block("op-1", true), nobody, "op-1"), 0);
	free_pair(&pair);
}

static void test_no_client_certificate(void **state)
{
	json_t *nobody = json_pack("{s:[s]}", "ca_certificate_files", certs_path("root.crt"));
	char fingerprint[TLS_FINGERPRINT_MAX];
	struct pair pair;

	(void)state;
	assert_int_equal(connect_pair(&pair, block("op-1", false), nobody, "127.0.0.1"), 0);
	assert_int_equal(tls_peer_fingerprint(pair.server, fingerprint), -ENOENT);
	free_pair(&pair);
}

static void test_names(void **state)
{
	FILE *file = fopen(certs_path("op-2.crt"), "r");
	X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);

	(void)state;
	fclose(file);
	assert_true(tls_certificate_has_name(certificate, "op-2"));
	assert_true(tls_certificate_has_name(certificate, "also-2"));
	assert_false(tls_certificate_has_name(certificate, "op-22"));
	assert_false(tls_certificate_has_name(certificate, "op-"));
	assert_false(tls_certificate_has_name(certificate, ""));
	X509_free(certificate);
}

static void broken(json_t *settings, enum tls_role role, const char *part)
{
	AUTO_JSON json_t *taken = settings;
	AUTO_FREE char *error = NULL;
	SSL_CTX *context = (void *)1;

	assert_int_equal(tls_context_new(taken, role, &context, &error), -EINVAL);
	assert_ptr_equal(context, (void *)1);
	if (!strstr(error, part))
		fail_msg("'%s' does not hold '%s'", error, part);
}

static void test_errors(void **state)
{
	json_t *settings = block("op-1", true);

	(void)state;
	json_object_set_new(settings, "key_file", json_string(certs_path("op-2.key")));
	broken(settings, TLS_SERVER, "op-2.key");
	settings = block("op-1", true);
	json_object_set_new(settings, "key_file", json_string(certs_path("locked.key")));
	broken(settings, TLS_SERVER, "locked.key");
	settings = block("op-1", true);
	json_object_set_new(settings, "certificate_file", json_string("/no/such/file"));
	broken(settings, TLS_SERVER, "No such file");
	settings = block("op-1", true);
	json_object_set_new(settings, "ca_certificate_files", json_array());
	broken(settings, TLS_SERVER, "verify_client: false");
	broken(json_pack("{s:[s]}", "ca_certificate_files", certs_path("op-1.key")), TLS_CLIENT,
	       "op-1.key");
	broken(json_object(), TLS_SERVER, "certificate_file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mutual),   cmocka_unit_test(test_tls_1_2_has_forward_secrecy),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_no_client_certificate),
		cmocka_unit_test(test_names),    cmocka_unit_test(test_errors),
	};
	return cmocka_run_group_tests(tests, certs_setup, certs_teardown);
}
