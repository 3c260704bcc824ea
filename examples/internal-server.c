/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The example backend: an HTTPS server that answers {"message":"success"}.
 *
 *   any request        {"message":"success"}
 *   POST of an object  the same object; 500 if it is not one
 *   GET /bytes/N       N bytes, each eight of them their own offset (big-endian)
 *   POST /upload       {"bytes":N,"sha256":"…"} of the body, at most 1 GiB
 */
#include "common/base/addr.h"
#include "common/base/cleanup.h"

#include <endian.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define CHUNK       (256 * 1024)
#define JSON_MAX    (1024 * 1024)
#define BODY_MAX    (1024 * 1024 * 1024)
#define HEADERS_MAX (64 * 1024)
#define IDLE_S      600

/* A download under way; freed when its connection closes or asks for something else. */
struct download {
	struct evhttp_request *request;
	uint64_t offset, end;
};

static bool is_upload(struct evhttp_request *request)
{
	return strcmp(evhttp_request_get_uri(request), "/upload") == 0;
}

static void reply(struct evhttp_request *request, int status, json_t *json)
{
	AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
	struct evbuffer *body = evbuffer_new();

	json_decref(json);
	if (!text || !body)
		abort();
	evbuffer_add_printf(body, "%s\n", text);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
			  "application/json; charset=utf-8");
	evhttp_send_reply(request, status, NULL, body);
	evbuffer_free(body);
}

static void on_close(struct evhttp_connection *connection, void *arg)
{
	(void)connection;
	free(arg);
}

static void send_part(struct evhttp_connection *connection, void *arg)
{
	struct download *download = arg;
	uint64_t left = download->end - download->offset;
	size_t n = left < CHUNK ? left : CHUNK;
	struct evbuffer *buffer;
	struct evbuffer_iovec part;

	if (n == 0) {
		evhttp_connection_set_closecb(connection, NULL, NULL);
		evhttp_send_reply_end(download->request);
		free(download);
		return;
	}
	buffer = evbuffer_new();
	if (!buffer || evbuffer_reserve_space(buffer, CHUNK, &part, 1) != 1)
		abort();
	/* CHUNK is a multiple of eight, so each part begins with a whole offset. */
	for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
		uint64_t offset = htobe64(download->offset + i);

		memcpy((char *)part.iov_base + i, &offset, sizeof(offset));
	}
	part.iov_len = n;
	evbuffer_commit_space(buffer, &part, 1);
	download->offset += n;
	evhttp_send_reply_chunk_with_cb(download->request, buffer, send_part, download);
	evbuffer_free(buffer);
}

static void reply_bytes(struct evhttp_request *request, const char *count)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct download *download;
	unsigned long long n;
	char length[32], *end;

	errno = 0;
	n = strtoull(count, &end, 10);
	if (errno || *end || end == count || *count == '-') {
		reply(request, 400, json_pack("{s:s}", "message", "/bytes/N: N is not a number"));
		return;
	}
	download = calloc(1, sizeof(*download));
	if (!download)
		abort();
	download->request = request;
	download->end = n;
	evhttp_connection_set_closecb(connection, on_close, download);
	(void)snprintf(length, sizeof(length), "%llu", n);
	evhttp_add_header(headers, "Content-Length", length);
	evhttp_add_header(headers, "Content-Type", "application/octet-stream");
	evhttp_send_reply_start(request, 200, NULL);
	send_part(connection, download);
}

static void reply_upload(struct evhttp_request *request)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	json_int_t bytes = (json_int_t)evbuffer_get_length(body);
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
	struct evbuffer_iovec part;
	unsigned n = 0;

	if (!hash || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
		abort();
	while (evbuffer_peek(body, -1, NULL, &part, 1) > 0 && part.iov_len) {
		EVP_DigestUpdate(hash, part.iov_base, part.iov_len);
		evbuffer_drain(body, part.iov_len);
	}
	EVP_DigestFinal_ex(hash, digest, &n);
	EVP_MD_CTX_free(hash);
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
	reply(request, 200, json_pack("{s:I, s:s}", "bytes", bytes, "sha256", hex));
}

static void reply_echo(struct evhttp_request *request)
{
	struct evbuffer *body = evhttp_request_get_input_buffer(request);
	size_t n = evbuffer_get_length(body);
	json_t *json = NULL;

	if (n <= JSON_MAX)
		json = json_loadb((char *)evbuffer_pullup(body, -1), n, 0, NULL);
	if (json_is_object(json)) {
		reply(request, 200, json);
		return;
	}
	json_decref(json);
	reply(request, 500, json_pack("{s:s}", "message", "the body is not a JSON object"));
}

static void on_request(struct evhttp_request *request, void *arg)
{
	const char *uri = evhttp_request_get_uri(request);
	enum evhttp_cmd_type verb = evhttp_request_get_command(request);

	(void)arg;
	if (is_upload(request) && (verb == EVHTTP_REQ_POST || verb == EVHTTP_REQ_PUT))
		reply_upload(request);
	else if (verb == EVHTTP_REQ_POST)
		reply_echo(request);
	else if (verb == EVHTTP_REQ_GET && strncmp(uri, "/bytes/", 7) == 0)
		reply_bytes(request, uri + 7);
	else
		reply(request, 200, json_pack("{s:s}", "message", "success"));
}

static struct bufferevent *new_tls(struct event_base *base, void *arg)
{
	SSL *ssl = SSL_new(arg);
	struct bufferevent *bev;

	if (!ssl)
		return NULL;
	bev = bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING,
					     BEV_OPT_CLOSE_ON_FREE);
	if (bev)
		bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);
	return bev;
}

static void on_signal(evutil_socket_t sig, short events, void *arg)
{
	(void)sig;
	(void)events;
	event_base_loopbreak(arg);
}

static SSL_CTX *load_tls(const char *certificate, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx && SSL_CTX_use_certificate_chain_file(ctx, certificate) == 1 &&
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) == 1)
		return ctx;
	(void)fprintf(stderr, "internal-server: %s, %s: %s (to make certificates: make certs)\n",
		      certificate, key, ERR_reason_error_string(ERR_peek_last_error()));
	SSL_CTX_free(ctx);
	return NULL;
}

static int listen_on(struct event_base *base, struct evhttp *http, const char *address)
{
	struct addr addrs[4];
	int n = addr_resolve(address, addrs, 4);

	if (n < 0) {
		(void)fprintf(stderr, "internal-server: %s is not an address to listen on: %s\n",
			      address, strerror(-n));
		return n;
	}
	for (int i = 0; i < n; i++) {
		bool v6 = addrs[i].sa.ss_family == AF_INET6;
		struct evconnlistener *listener = evconnlistener_new_bind(
			base, NULL, NULL,
			LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE |
				(v6 ? LEV_OPT_BIND_IPV6ONLY : 0),
			4096, (struct sockaddr *)&addrs[i].sa, (int)addrs[i].len);
		char text[ADDR_TEXT_MAX];
		int r = -errno; /* before anything else changes it */

		addr_format(&addrs[i], text);
		if (!listener && v6 && i > 0 && (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT))
			continue; /* a machine without IPv6 */
		/* What accept() returns inherits it: small answers do not wait for an ACK. */
		if (listener)
			(void)setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_NODELAY,
					 &(int){1}, sizeof(int));
		if (!listener || !evhttp_bind_listener(http, listener)) {
			(void)fprintf(stderr, "internal-server: cannot listen on %s: %s\n", text,
				      strerror(-r));
			return r;
		}
		(void)fprintf(stderr, "internal-server: listening on %s\n", text);
	}
	return 0;
}

static int serve(const char *address, SSL_CTX *tls)
{
	struct event_base *base = event_base_new();
	struct evhttp *http = base ? evhttp_new(base) : NULL;
	struct event *signals[2] = {NULL, NULL};
	int r;

	if (!http)
		return -ENOMEM;
	if (tls)
		evhttp_set_bevcb(http, new_tls, tls);
	evhttp_set_gencb(http, on_request, NULL);
	evhttp_set_max_body_size(http, BODY_MAX);
	evhttp_set_max_headers_size(http, HEADERS_MAX);
	evhttp_set_timeout(http, IDLE_S);
	evhttp_set_allowed_methods(http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
						 EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
						 EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	signals[0] = evsignal_new(base, SIGTERM, on_signal, base);
	signals[1] = evsignal_new(base, SIGINT, on_signal, base);
	for (int i = 0; i < 2; i++) {
		if (!signals[i] || event_add(signals[i], NULL) < 0)
			abort();
	}
	r = listen_on(base, http, address);
	if (r == 0)
		event_base_dispatch(base);
	evhttp_free(http);
	event_free(signals[0]);
	event_free(signals[1]);
	event_base_free(base);
	return r;
}

static const char usage[] =
	"usage: internal-server [--plain] [--certificate FILE] [--key FILE]\n"
	"\n"
	"An HTTPS server to try Passage with. IS_BIND_ADDRESS: where to listen (localhost:8888).\n"
	"  --plain             HTTP without TLS\n"
	"  --certificate FILE  settings/dev/certs/internal-server.crt\n"
	"  --key FILE          settings/dev/certs/internal-server.key\n";

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"plain", no_argument, NULL, 'p'},
		{"certificate", required_argument, NULL, 'c'},
		{"key", required_argument, NULL, 'k'},
		{"help", no_argument, NULL, 'h'},
		{},
	};
	const char *certificate = "settings/dev/certs/internal-server.crt";
	const char *key = "settings/dev/certs/internal-server.key";
	const char *address = getenv("IS_BIND_ADDRESS");
	struct rlimit files;
	SSL_CTX *tls = NULL;
	bool plain = false;
	int option, r;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			plain = true;
			break;
		case 'c':
			certificate = optarg;
			break;
		case 'k':
			key = optarg;
			break;
		default:
			(void)fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
	}
	if (optind != argc) {
		(void)fputs(usage, stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	if (!plain) {
		tls = load_tls(certificate, key);
		if (!tls)
			return 1;
	}
	r = serve(address && *address ? address : "localhost:8888", tls);
	SSL_CTX_free(tls);
	return r < 0 ? 1 : 0;
}
