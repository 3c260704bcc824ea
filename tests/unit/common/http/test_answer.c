// SPDX-License-Identifier: BSD-2-Clause
#include "common/http/answer.h"

#include "common/base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_head(void **state)
{
	static const struct {
		struct http_answer answer;
		enum http_framing framing;
		bool close;
		const char *text;
	} cases[] = {
		{{.status = 200},
		 HTTP_FRAMING_LENGTH,
		 false,
		 "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
		 "Content-Length: 7\r\n\r\n"},
		{{.status = 405, .headers = "Allow: GET\r\n"},
		 HTTP_FRAMING_LENGTH,
		 true,
		 "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json; "
		 "charset=utf-8\r\n"
		 "Content-Length: 7\r\nAllow: GET\r\nConnection: close\r\n\r\n"},
		{{.status = 200, .content_type = "text/event-stream"},
		 HTTP_FRAMING_CHUNKS,
		 false,
		 "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		 "Transfer-Encoding: chunked\r\n\r\n"},
		{{.status = 299, .content_type = "text/plain"},
		 HTTP_FRAMING_CLOSE,
		 true,
		 "HTTP/1.1 299 Error\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_FREE char *head =
			http_answer_head(&cases[i].answer, cases[i].framing, 7, cases[i].close);
		assert_string_equal(head, cases[i].text);
	}
}

static void test_status_text(void **state)
{
	(void)state;
	assert_string_equal(http_answer_status_text(404), "Not Found");
	assert_string_equal(http_answer_status_text(431), "Request Header Fields Too Large");
	assert_string_equal(http_answer_status_text(0), "Error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_status_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
