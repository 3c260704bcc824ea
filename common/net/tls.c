// SPDX-License-Identifier: BSD-2-Clause
#include "common/net/tls.h"

#include "common/base/cleanup.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/settings/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Forward secrecy and authenticated encryption only: of RFC 9325 section 4.2 what is needed. */
#define TLS_1_2_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

static void cleanup_context(SSL_CTX **context)
{
	SSL_CTX_free(*context);
}

/* The errors that OpenSSL has queued are said, or follow from what is. */
__attribute__((format(printf, 2, 3))) static int fail(char **ret_error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int r = error_set_list(ret_error, -EINVAL, format, args);
	va_end(args);
	ERR_clear_error();
	return r;
}

/* The oldest error is the cause, those after it are its echoes in the upper layers. */
static const char *reason(void)
{
	unsigned long code = ERR_get_error();
	const char *text;

	if (code == 0)
		return "unknown reason";
	if (ERR_SYSTEM_ERROR(code))
		return strerror(ERR_GET_REASON(code));
	text = ERR_reason_error_string(code);
	return text ? text : "unknown reason";
}

/* A key with a pass phrase must not make a daemon wait at a terminal. */
static int no_pass_phrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return 0;
}

static void cleanup_names(STACK_OF(X509_NAME) * *names)
{
	sk_X509_NAME_pop_free(*names, X509_NAME_free);
}

/* A server also tells its clients which authorities it asks for (RFC 8446 section 4.2.4). */
static int load_authorities(SSL_CTX *context, const json_t *files, enum tls_role role,
			    char **ret_error)
{
	CLEANUP(cleanup_names) STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	const json_t *file;
	size_t i;

	if (!names)
		return -ENOMEM;
	json_array_foreach(files, i, file) {
		const char *path = json_string_value(file);
		if (!path)
			return fail(ret_error, "ca_certificate_files: item %zu is not a file name",
				    i + 1);
		if (SSL_CTX_load_verify_file(context, path) != 1 ||
		    SSL_add_file_cert_subjects_to_stack(names, path) != 1)
			return fail(ret_error, "ca_certificate_files: cannot read %s: %s", path,
				    reason());
	}
	if (role == TLS_SERVER)
		SSL_CTX_set_client_CA_list(context, TAKE_PTR(names));
	return 0;
}

static int load_certificate(SSL_CTX *context, const char *certificate, const char *key,
			    char **ret_error)
{
	if (!certificate != !key)
		return fail(ret_error, "certificate_file and key_file: give both or none of them");
	if (!certificate)
		return 0;
	SSL_CTX_set_default_passwd_cb(context, no_pass_phrase);
	if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
		return fail(ret_error, "certificate_file: cannot read %s: %s", certificate,
			    reason());
	if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		return fail(ret_error, "key_file: cannot use %s with certificate %s: %s", key,
			    certificate, reason());
	if (SSL_CTX_check_private_key(context) != 1)
		return fail(ret_error, "key_file: %s does not belong to certificate %s: %s", key,
			    certificate, reason());
	return 0;
}

static int set_server_verification(SSL_CTX *context, const json_t *settings, bool authorities,
				   char **ret_error)
{
	if (settings_bool(settings, "verify_client")) {
		if (!authorities)
			return fail(ret_error, "ca_certificate_files: needed to verify clients; "
					       "list them, or set verify_client: false");
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
				   NULL);
	} else if (settings_bool(settings, "request_client_cert") && authorities) {
		SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	} else {
		SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	}
	return 0;
}

static int set_client_verification(SSL_CTX *context, const json_t *settings, bool authorities,
				   char **ret_error)
{
	if (settings_bool(settings, "insecure_skip_verify")) {
		SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
		return 0;
	}
	if (!authorities && SSL_CTX_set_default_verify_paths(context) != 1)
		return fail(ret_error, "cannot load the system's certificate authorities: %s",
			    reason());
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	return 0;
}

int tls_context_apply(SSL_CTX *context, const json_t *settings, enum tls_role role,
		      char **ret_error)
{
	const json_t *files = settings_get(settings, "ca_certificate_files");
	const char *certificate = settings_string(settings, "certificate_file");
	bool authorities = json_array_size(files) > 0;
	int r;

	ERR_clear_error();
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(context, TLS_1_2_CIPHERS) != 1)
		return fail(ret_error, "cannot set up TLS: %s", reason());
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Connections are kept open, so little is gained by tickets, and a certificate that was
	 * withdrawn must not live on in one. */
	SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					     SSL_OP_NO_COMPRESSION |
					     SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(context, 0);

	r = load_authorities(context, files, role, ret_error);
	if (r < 0)
		return r;
	if (role == TLS_SERVER && !certificate)
		return fail(ret_error, "certificate_file: a server needs a certificate and a key");
	r = load_certificate(context, certificate, settings_string(settings, "key_file"),
			     ret_error);
	if (r < 0)
		return r;
	return role == TLS_SERVER
		       ? set_server_verification(context, settings, authorities, ret_error)
		       : set_client_verification(context, settings, authorities, ret_error);
}

int tls_context_new(const json_t *settings, enum tls_role role, SSL_CTX **ret, char **ret_error)
{
	CLEANUP(cleanup_context)
	SSL_CTX *context =
		SSL_CTX_new(role == TLS_SERVER ? TLS_server_method() : TLS_client_method());

	if (!context)
		return fail(ret_error, "cannot set up TLS: %s", reason());
	int r = tls_context_apply(context, settings, role, ret_error);
	if (r < 0)
		return r;
	if (role == TLS_CLIENT && settings_bool(settings, "insecure_skip_verify"))
		log_warn("tls: insecure_skip_verify is set: the server's certificate is not "
			 "checked, anybody can stand in for it");
	*ret = TAKE_PTR(context);
	return 0;
}

int tls_expect_server(SSL *ssl, const char *host)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	struct in6_addr ip;

	if (inet_pton(AF_INET, host, &ip) == 1 || inet_pton(AF_INET6, host, &ip) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1 ? 0 : -EINVAL;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (SSL_set_tlsext_host_name(ssl, host) != 1 ||
	    X509_VERIFY_PARAM_set1_host(param, host, 0) != 1)
		return -EINVAL;
	return 0;
}

int tls_certificate_fingerprint(const X509 *certificate, char ret[TLS_FINGERPRINT_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	if (X509_digest(certificate, EVP_sha256(), digest, &length) != 1 || length != 32)
		return -ENOMEM;
	for (unsigned int i = 0; i < length; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

int tls_peer_fingerprint(const SSL *ssl, char ret[TLS_FINGERPRINT_MAX])
{
	const X509 *certificate = SSL_get0_peer_certificate(ssl);

	return certificate ? tls_certificate_fingerprint(certificate, ret) : -ENOENT;
}

/* A name with a NUL inside equals nothing: what is compared is all that the authority signed. */
static bool asn1_equals(const ASN1_STRING *string, const char *name)
{
	size_t length = (size_t)ASN1_STRING_length(string);

	return length == strlen(name) &&
	       strncasecmp((const char *)ASN1_STRING_get0_data(string), name, length) == 0 &&
	       !memchr(ASN1_STRING_get0_data(string), 0, length);
}

bool tls_certificate_has_name(const X509 *certificate, const char *name)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	bool found = false;

	for (int i = X509_NAME_get_index_by_NID(subject, NID_commonName, -1); i >= 0;
	     i = X509_NAME_get_index_by_NID(subject, NID_commonName, i)) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
		if (asn1_equals(X509_NAME_ENTRY_get_data(entry), name))
			return true;
	}
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && !found; i++) {
		const GENERAL_NAME *san = sk_GENERAL_NAME_value(names, i);
		found = san->type == GEN_DNS && asn1_equals(san->d.dNSName, name);
	}
	GENERAL_NAMES_free(names);
	return found;
}
