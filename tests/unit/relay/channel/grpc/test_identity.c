// SPDX-License-Identifier: BSD-2-Clause
#include "relay/channel/grpc/identity.h"

#include "common/base/cleanup.h"
#include "tests/unit/relay/directory/fixture.h"
#include "tests/unit/test_certs.h"

#include <errno.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct grpc_identity identity;

static int load(void **state)
{
	FILE *file;

	if (certs_setup(state) != 0)
		return -1;
	file = fopen(certs_path("op-2.crt"), "r");
	identity.certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
	if (file)
		fclose(file);
	return identity.certificate
		       ? tls_certificate_fingerprint(identity.certificate, identity.fingerprint)
		       : -1;
}

static int unload(void **state)
{
	grpc_identity_clear(&identity);
	return certs_teardown(state);
}

/* A directory in which each of `names`, up to NULL, lists the certificate. */
static struct directory *listing(const char *const *names, const char *usage)
{
	struct directory *directory = directory_new();

	for (; *names; names++) {
		AUTO_FREE char *text = NULL, *error = NULL;
		int n = asprintf(&text,
				 "{\"records\":[{\"name\":\"%s\",\"section\":\"certificates\","
				 "\"data\":[{\"fingerprint\":\"%s\",\"key_usage\":\"%s\"}]}]}",
				 *names, identity.fingerprint, usage);
		assert_true(n > 0);
		assert_int_equal(directory_add_records(directory, "test", text, (size_t)n, &error),
				 0);
	}
	return directory;
}

static int refresh(const char *const *names, const char *usage)
{
	struct directory *directory = listing(names, usage);
	int r = grpc_identity_refresh(&identity, directory);

	directory_free(directory);
	return r;
}

/* The certificate is that of op-2, who is also-2 as well. */
static void test_names(void **state)
{
	(void)state;
	assert_int_equal(refresh((const char *const[]){"also-2", "op-2", NULL}, "encryption"), 0);
	assert_int_equal(identity.n_names, 2);
	/* The CN is the first, whatever the directory's order. */
	assert_string_equal(grpc_identity_select(&identity, ""), "op-2");
	assert_string_equal(grpc_identity_select(&identity, "op-2"), "op-2");
	assert_string_equal(grpc_identity_select(&identity, "also-2"), "also-2");
	assert_null(grpc_identity_select(&identity, "op-1"));
}

static void test_change(void **state)
{
	(void)state;
	assert_int_equal(refresh((const char *const[]){"also-2", NULL}, "encryption"), 0);
	assert_int_equal(identity.n_names, 1);
	assert_string_equal(grpc_identity_select(&identity, ""), "also-2");
	assert_null(grpc_identity_select(&identity, "op-2"));
}

/* Listed for another name, for another use, or not at all. */
static void test_nobody(void **state)
{
	(void)state;
	assert_int_equal(refresh((const char *const[]){"op-1", NULL}, "encryption"), -EACCES);
	assert_int_equal(refresh((const char *const[]){"op-2", NULL}, "signing"), -EACCES);
	assert_int_equal(refresh((const char *const[]){NULL}, "encryption"), -EACCES);
	assert_int_equal(identity.n_names, 0);
	assert_null(grpc_identity_select(&identity, ""));
	assert_null(grpc_identity_select(&identity, "op-2"));
}

static void test_no_certificate(void **state)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(context);
	struct directory *directory = fixture_directory();
	struct grpc_identity nobody;

	(void)state;
	assert_int_equal(grpc_identity_init(&nobody, ssl, directory), -ENOENT);
	grpc_identity_clear(&nobody);
	directory_free(directory);
	SSL_free(ssl);
	SSL_CTX_free(context);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_no_certificate),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
