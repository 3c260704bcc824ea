// SPDX-License-Identifier: BSD-2-Clause
#include "common/http/answer.h"

#include <stdio.h>

static const struct {
	int status;
	const char *text;
} statuses[] = {
	{200, "OK"},
	{400, "Bad Request"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{408, "Request Timeout"},
	{411, "Length Required"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{503, "Service Unavailable"},
	{505, "HTTP Version Not Supported"},
};

const char *http_answer_status_text(int status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].text;
	return "Error";
}

char *http_answer_head(const struct http_answer *answer, enum http_framing framing, size_t length,
		       bool close)
{
	char body[64] = "";
	char *text;

	if (framing == HTTP_FRAMING_LENGTH)
		snprintf(body, sizeof(body), "Content-Length: %zu\r\n", length);
	else if (framing == HTTP_FRAMING_CHUNKS)
		snprintf(body, sizeof(body), "Transfer-Encoding: chunked\r\n");
	int n = asprintf(&text, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%s%s%s\r\n", answer->status,
			 http_answer_status_text(answer->status),
			 answer->content_type ? answer->content_type : HTTP_TYPE_JSON, body,
			 answer->headers ? answer->headers : "",
			 close ? "Connection: close\r\n" : "");
	return n < 0 ? NULL : text;
}
