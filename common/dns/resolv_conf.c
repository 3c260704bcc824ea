// SPDX-License-Identifier: BSD-2-Clause
#include "common/dns/resolv_conf.h"

#include "common/base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX (64 << 10) /* a file that is longer is read up to here */
#define BLANKS   " \t\r\n"

/* The bounds that libc sets to the options. */
#define NDOTS_MAX     15
#define TIMEOUT_MAX_S 30
#define ATTEMPTS_MAX  5

static bool with_port(const char *text, struct name_server *ret)
{
	char host[ADDR_HOST_MAX + 1];
	uint16_t port;

	return addr_split(text, host, &port) == 0 && port != 0 && host[0] != '\0' &&
	       addr_parse(text, &ret->addr, 1) == 1;
}

bool name_server_parse(const char *text, struct name_server *ret)
{
	char endpoint[INET6_ADDRSTRLEN + IF_NAMESIZE + 8];
	const char *device = strchr(text, '%');
	struct in6_addr v6;
	struct in_addr v4;

	memset(ret, 0, sizeof(*ret));
	if (device && strlen(device + 1) >= sizeof(ret->device))
		return false;
	if (device)
		strcpy(ret->device, device + 1);
	int length = device ? (int)(device - text) : (int)strnlen(text, INT_MAX);
	if (length >= INET6_ADDRSTRLEN)
		return !device && with_port(text, ret);
	snprintf(endpoint, sizeof(endpoint), "%.*s", length, text);
	if (!device && inet_pton(AF_INET, endpoint, &v4) == 1)
		snprintf(endpoint, sizeof(endpoint), "%s:53", text);
	else if (inet_pton(AF_INET6, endpoint, &v6) == 1)
		snprintf(endpoint, sizeof(endpoint), "[%.*s]:53", length, text);
	else
		snprintf(endpoint, sizeof(endpoint), "%s", text);
	return with_port(endpoint, ret);
}

static void add_server(struct resolv_conf *conf, char *rest)
{
	const char *text = strtok_r(rest, BLANKS, &rest);

	if (text && conf->n_servers < RESOLV_SERVERS &&
	    name_server_parse(text, &conf->servers[conf->n_servers]))
		conf->n_servers++;
}

/* The last such line counts. */
static void set_domains(struct resolv_conf *conf, char *rest, unsigned most)
{
	conf->n_domains = 0;
	for (const char *name; (name = strtok_r(rest, BLANKS, &rest));) {
		if (conf->n_domains < most && strlen(name) <= ADDR_HOST_MAX)
			strcpy(conf->domains[conf->n_domains++], name);
	}
}

static bool number(const char *option, const char *name, unsigned min, unsigned max, unsigned *ret)
{
	unsigned long value;
	char *end;

	if (strncmp(option, name, strlen(name)) != 0)
		return false;
	value = strtoul(option + strlen(name), &end, 10);
	if (end == option + strlen(name) || *end != '\0')
		return false;
	*ret = value < min ? min : value > max ? max : (unsigned)value;
	return true;
}

static void set_options(struct resolv_conf *conf, char *rest)
{
	unsigned seconds;

	for (const char *option; (option = strtok_r(rest, BLANKS, &rest));) {
		if (number(option, "timeout:", 1, TIMEOUT_MAX_S, &seconds))
			conf->timeout_ms = seconds * 1000;
		else if (strcmp(option, "rotate") == 0)
			conf->rotate = true;
		else if (strcmp(option, "use-vc") == 0)
			conf->use_tcp = true;
		else if (!number(option, "ndots:", 0, NDOTS_MAX, &conf->ndots))
			(void)number(option, "attempts:", 1, ATTEMPTS_MAX, &conf->attempts);
	}
}

static void parse_line(struct resolv_conf *conf, char *line)
{
	char *rest = NULL;
	const char *word = strtok_r(line, BLANKS, &rest);

	if (!word || word[0] == '#' || word[0] == ';')
		return;
	if (strcmp(word, "nameserver") == 0)
		add_server(conf, rest);
	else if (strcmp(word, "search") == 0)
		set_domains(conf, rest, RESOLV_DOMAINS);
	else if (strcmp(word, "domain") == 0)
		set_domains(conf, rest, 1);
	else if (strcmp(word, "options") == 0)
		set_options(conf, rest);
}

void resolv_conf_parse(const char *text, struct resolv_conf *ret)
{
	char line[1024];

	*ret = (struct resolv_conf){.ndots = 1, .timeout_ms = 5000, .attempts = 2};
	while (*text) {
		size_t length = strcspn(text, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)(length < 4096 ? length : 4096), text);
		parse_line(ret, line);
		text += length + (text[length] == '\n');
	}
}

/* As libc: what follows the first dot of the own name. */
static void own_domain(struct resolv_conf *conf)
{
	char name[ADDR_HOST_MAX + 1] = "";

	if (gethostname(name, sizeof(name) - 1) < 0)
		return;
	const char *dot = strchr(name, '.');
	if (dot && dot[1])
		strcpy(conf->domains[conf->n_domains++], dot + 1);
}

static int read_text(const char *path, char **ret)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *text = calloc(1, FILE_MAX + 1);
	size_t length = 0;

	if (!text)
		return -ENOMEM;
	if (fd < 0 && errno != ENOENT)
		return -errno;
	while (fd >= 0 && length < FILE_MAX) {
		ssize_t n = read(fd, text + length, FILE_MAX - length);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		length += (size_t)n;
	}
	*ret = TAKE_PTR(text);
	return 0;
}

int resolv_conf_read(const char *path, struct resolv_conf *ret)
{
	AUTO_FREE char *text = NULL;

	int r = read_text(path, &text);
	if (!text)
		return r;
	resolv_conf_parse(text, ret);
	if (ret->n_servers == 0)
		ret->n_servers = name_server_parse("127.0.0.1", &ret->servers[0]);
	if (ret->n_domains == 0)
		own_domain(ret);
	return 0;
}
