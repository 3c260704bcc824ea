// SPDX-License-Identifier: BSD-2-Clause
/* resolv.conf and hosts: what they say, and that changes are followed. */
#include "tests/unit/common/dns/fixture.h"

#include "common/dns/search.h"

#include <sched.h>
#include <sys/mount.h>

static const char *server_text(const struct resolv_conf *conf, unsigned i)
{
	static char text[ADDR_TEXT_MAX];

	addr_format(&conf->servers[i].addr, text);
	return text;
}

static void resolv_conf_is_read(void **state)
{
	struct resolv_conf conf;

	(void)state;
	resolv_conf_parse("", &conf);
	assert_int_equal(conf.n_servers, 0);
	assert_int_equal(conf.ndots, 1);
	assert_int_equal(conf.timeout_ms, 5000);
	assert_int_equal(conf.attempts, 2);
	assert_false(conf.rotate);
	resolv_conf_parse("# nameserver 192.0.2.9\n"
			  ";nameserver 192.0.2.9\n"
			  "nameserver 192.0.2.1\r\n"
			  "  nameserver\t2001:db8::1  # the other one\n"
			  "nameserver fe80::1%lo\n"
			  "nameserver nonsense\n"
			  "nameserver\n"
			  "domain old.example\n"
			  "search a.example b.example\n"
			  "options ndots:3 timeout:1 attempts:9 rotate use-vc edns0 timeout:x\n",
			  &conf);
	assert_int_equal(conf.n_servers, 3);
	assert_string_equal(server_text(&conf, 0), "192.0.2.1:53");
	assert_string_equal(server_text(&conf, 1), "[2001:db8::1]:53");
	assert_string_equal(conf.servers[2].device, "lo");
	assert_int_equal(conf.n_domains, 2);
	assert_string_equal(conf.domains[1], "b.example");
	assert_int_equal(conf.ndots, 3);
	assert_int_equal(conf.timeout_ms, 1000);
	assert_int_equal(conf.attempts, 5);
	assert_true(conf.rotate && conf.use_tcp);
}

static void too_much_is_left_out(void **state)
{
	AUTO_FREE char *text = malloc(100000);
	struct resolv_conf conf;
	size_t length = 0;

	(void)state;
	for (unsigned i = 0; i < 40; i++)
		length += (size_t)sprintf(text + length, "nameserver 192.0.2.%u\n", i);
	length += (size_t)sprintf(text + length, "search");
	for (unsigned i = 0; i < 2000; i++)
		length += (size_t)sprintf(text + length, " d%u.example", i);
	sprintf(text + length, "\noptions timeout:0 attempts:0 ndots:99\n");
	resolv_conf_parse(text, &conf);
	assert_int_equal(conf.n_servers, RESOLV_SERVERS);
	assert_int_equal(conf.n_domains, RESOLV_DOMAINS);
	assert_int_equal(conf.timeout_ms, 1000);
	assert_int_equal(conf.attempts, 1);
	assert_int_equal(conf.ndots, 15);
}

static void name_servers(void **state)
{
	static const char *const bad[] = {"",      "name",           "name:53",      "192.0.2.1:0",
					  "1.2.3", "192.0.2.1%eth0", "[2001:db8::1", "%lo"};
	struct name_server server;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (name_server_parse(bad[i], &server))
			fail_msg("%s", bad[i]);
	assert_true(name_server_parse("192.0.2.1:5353", &server));
	assert_true(name_server_parse("[2001:db8::1]:53", &server));
	assert_true(name_server_parse("2001:0db8:0000:0000:0000:0000:0000:0001", &server));
}

static void assert_names(const struct resolv_conf *conf, const char *host, const char *expected)
{
	char name[ADDR_HOST_MAX + 1], all[2000] = "";

	for (unsigned i = 0; search_name(conf, host, i, name); i++) {
		strcat(all, name);
		strcat(all, " ");
	}
	assert_string_equal(all, expected);
}

static void the_search_list(void **state)
{
	struct resolv_conf conf;

	(void)state;
	resolv_conf_parse("search x.example .y.example\n", &conf);
	assert_names(&conf, "db", "db.x.example db.y.example db ");
	assert_names(&conf, "db.a", "db.a db.a.x.example db.a.y.example ");
	assert_names(&conf, "db.", "db. ");
	resolv_conf_parse("options ndots:2\nsearch x.example\n", &conf);
	assert_names(&conf, "db.a", "db.a.x.example db.a ");
	resolv_conf_parse("search .\n", &conf);
	assert_names(&conf, "db", "db db ");
	resolv_conf_parse("", &conf);
	assert_names(&conf, "db", "db ");
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* In a view of the file system that is this process's own. */
static void replace_file(const char *path, const char *text)
{
	char name[] = "/tmp/resolver-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	close(fd);
	write_file(name, text);
	assert_int_equal(mount(name, path, NULL, MS_BIND, NULL), 0);
	unlink(name);
}

static void a_view_of_its_own(void)
{
	static bool done;

	if (!done) {
		assert_int_equal(unshare(CLONE_NEWNS), 0);
		assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
		replace_file("/etc/resolv.conf", "# none\n");
		replace_file("/etc/hosts", "# none\n");
	}
	done = true;
}

static void hosts_are_followed(void **state)
{
	const struct resolver_settings settings = two_servers();

	(void)state;
	a_view_of_its_own();
	write_file("/etc/hosts", "127.0.0.4 relay.example other\n::4 relay.example\n");
	first.zone[0] = (struct record){"relay.example", 1, 0, 1, 300, 0};
	renew(&settings);
	assert_int_equal(look_up("Relay.Example:80").n, 2);
	assert_leads_to("other:80", "127.0.0.4:80");
	assert_int_equal(look_up("relay.example.:80").n, 2);
	assert_int_equal(first.n_a, 0);
	write_file("/etc/hosts", "127.0.0.5 relay.example\n");
	turn_for(1050);
	assert_leads_to("relay.example:80", "127.0.0.5:80");
	write_file("/etc/hosts", "# empty\n");
	turn_for(1050);
	assert_leads_to("relay.example:80", "192.0.2.1:80");
	/* A name that is kept from the servers, too. */
	write_file("/etc/hosts", "127.0.0.6 relay.example\n");
	turn_for(1050);
	assert_leads_to("relay.example:80", "127.0.0.6:80");
}

static void searched_names_are_asked_for(void **state)
{
	const struct resolver_settings settings = two_servers();

	(void)state;
	a_view_of_its_own();
	write_file("/etc/resolv.conf", "search x.example y.example\n");
	first.zone[0] = (struct record){"db.y.example", 1, 0, 7, 300, 0};
	/* Another host of that name has the other family: the two are not mixed. */
	first.zone[1] = (struct record){"db.x.example", 0, 0, 0, 300, 0};
	first.zone[2] = (struct record){"db", 0, 1, 9, 300, 0};
	renew(&settings);
	assert_leads_to("db:5432", "192.0.2.7:5432");
	assert_leads_to("db.:5432", "[2001:db8::9]:5432");
	/* One that fails on the way does not end the search, but is what is told at its end. */
	first.zone[3] = (struct record){"bad.x.example", 0, 0, 0, 300, FAILS};
	second.zone[0] = (struct record){.how = FAILS};
	first.zone[4] = (struct record){"bad.y.example", 1, 0, 8, 300, 0};
	assert_leads_to("bad:1", "192.0.2.8:1");
	first.zone[4].how = DENIED;
	first.zone[3].name = "worse.x.example";
	assert_int_equal(look_up("worse:1").n, -EIO);
}

/* The port is always 53 there: other options show that it was read. */
static void resolv_conf_is_followed(void **state)
{
	const struct resolver_settings settings = two_servers();

	(void)state;
	a_view_of_its_own();
	write_file("/etc/resolv.conf", "search x.example\n");
	first.zone[0] = (struct record){"db.x.example", 1, 0, 1, 300, 0};
	first.zone[1] = (struct record){"db.y.example", 1, 0, 2, 300, 0};
	renew(&settings);
	assert_leads_to("db:1", "192.0.2.1:1");
	write_file("/etc/resolv.conf", "search y.example\noptions timeout:1\n");
	turn_for(1050);
	assert_leads_to("db:1", "192.0.2.2:1");
	/* Also while a question is under way at servers that go. */
	first.zone[2] = second.zone[2] = (struct record){"slow.y.example", 0, 0, 0, 1, SILENT};
	struct outcome outcome = {0};
	resolver_lookup(resolver, "slow:1", on_done, &outcome);
	turn_for(100);
	write_file("/etc/resolv.conf", "options timeout:2 attempts:1\n");
	turn_for(1050);
	assert_int_equal(look_up("db.x.example:1").n, 1);
	turn_for(2500);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.n, -EIO);
	assert_non_null(strstr(outcome.reason, "Timeout while contacting DNS servers after 1."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolv_conf_is_read),
		cmocka_unit_test(too_much_is_left_out),
		cmocka_unit_test(name_servers),
		cmocka_unit_test(the_search_list),
		TEST(hosts_are_followed),
		TEST(searched_names_are_asked_for),
		TEST(resolv_conf_is_followed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
