// SPDX-License-Identifier: BSD-2-Clause
/* The tls blocks of the programs' settings. */
#include "user/settings_schema.h"

#include "tests/unit/common/settings/certs.h"

static void tls_blocks(void **state)
{
	(void)state;
	put_certificates("certs");
	static const char form[] =
		"public:\n  name: p\n  datastore: {type: sqlite, settings: {filename: x}}\n"
		"  jsonrpc_server: {bind_address: \"localhost:1\"%s}\n"
		"  jsonrpc_client: {endpoint: \"%s://localhost:2/\"%s}\n";
	char text[2000];

	snprintf(text, sizeof(text), form,
		 ", tls: {certificate_file: \"/$DIR/../../certs/ca.crt\","
		 " key_file: \"/$DIR/../../certs/ca.crt\"}",
		 "https", "");
	put("o/t/1.yml", text);
	fails_with("o/t/1.yml", &proxy_schema, "jsonrpc_server.tls: to verify clients, list");
	snprintf(text, sizeof(text), form, "", "https",
		 ", tls: {certificate_file: \"/$DIR/../../certs/ca.crt\"}");
	put("o/t/2.yml", text);
	fails_with("o/t/2.yml", &proxy_schema, "certificate_file and key_file belong together");
	snprintf(text, sizeof(text), form, "", "http", ", tls: {}");
	put("o/t/3.yml", text);
	fails_with("o/t/3.yml", &proxy_schema, "which is not encrypted");
	snprintf(text, sizeof(text), form, ", tls: {certificate_file: /nowhere/x.crt}", "https",
		 "");
	put("o/t/4.yml", text);
	struct settings_report report;
	json_t *tree = NULL;
	assert_int_equal(load("o/t/4.yml", &proxy_schema, &tree, &report), -EINVAL);
	has_error(&report, "tls.certificate_file: /nowhere/x.crt: No such file or directory");
	has_error(&report, "tls.key_file: is required: PEM: its private key");
	settings_report_clear(&report);
}

/* Before the restart that would end in an outage. */
static void key_of_another_certificate(void **state)
{
	char pem[4096];

	(void)state;
	put_certificates("certs");
	make_certificate(pem, sizeof(pem));
	put("certs/other.key", pem);
	put("o/k/1.yml",
	    "public:\n  name: p\n  datastore: {type: sqlite, settings: {filename: x}}\n"
	    "  jsonrpc_server: {bind_address: \"localhost:1\"}\n"
	    "  jsonrpc_client: {endpoint: \"https://localhost:2/\", tls: {"
	    "certificate_file: \"/$DIR/../../certs/ca.crt\","
	    " key_file: \"/$DIR/../../certs/other.key\"}}\n");
	fails_with("o/k/1.yml", &proxy_schema, "public.jsonrpc_client.tls: key_file: ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls_blocks),
		cmocka_unit_test(key_of_another_certificate),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
