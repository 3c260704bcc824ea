// SPDX-License-Identifier: BSD-2-Clause
/* Messages as recorded from the original, and what a hostile peer might send instead. */
#include "relay/channel/grpc/message.h"
#include "relay/channel/grpc/struct.h"
#include "relay/channel/grpc/wire.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LIST_REQUEST                                                       \
	"0a227075626c69632d70726f78792d312e67612e676574416e6e6f756e63656d" \
	"656e747312001a257075626c69632d70726f78792d312e67612e676574416e6e" \
	"6f756e63656d656e7473283129"
#define ANNOUNCE_REQUEST                                                   \
	"0a257075626c69632d70726f78792d312e67612e616e6e6f756e6365436f6e6e" \
	"656374696f6e7312720a700a0b636f6e6e656374696f6e731261325f0a3c2a3a" \
	"0a260a06646f6d61696e121c1a1a677270632e696e7465726e616c2d73657276" \
	"65722e6c6f63616c0a100a0a657870697265735f6174120208000a1f2a1d0a1b" \
	"0a06646f6d61696e12111a0f782e6f746865722e6578616d706c651a28707562" \
	"6c69632d70726f78792d312e67612e616e6e6f756e6365436f6e6e656374696f" \
	"6e73283229"
#define ANNOUNCE_RESPONSE                                                  \
	"0a287075626c69632d70726f78792d312e67612e616e6e6f756e6365436f6e6e" \
	"656374696f6e73283229123e0a3c0a015f123732350a0208000a2f2a2d0a180a" \
	"076d657373616765120d1a0b6e6f7420616c6c6f7765640a110a04636f646512" \
	"09110000000000307940"
#define DENIED_RESPONSE                                                    \
	"0a197075626c69632d70726f78792d312e67612e6e6f70652833291a48089303" \
	"12435065726d697373696f6e2064656e69656420666f72206d6574686f642027" \
	"6e6f70652720616e6420636c69656e742027707269766174652d70726f78792d" \
	"312e676127"

static size_t unhex(const char *hex, uint8_t *ret)
{
	size_t length = strlen(hex) / 2;

	for (size_t i = 0; i < length; i++) {
		unsigned byte;
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		ret[i] = (uint8_t)byte;
	}
	return length;
}

static json_t *parse(const char *text)
{
	json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(json);
	return json;
}

static void assert_json(json_t *json, const char *expected)
{
	json_t *wanted = parse(expected);

	if (!json_equal(json, wanted))
		fail_msg("got %s", json_dumps(json, JSON_ENCODE_ANY));
	json_decref(wanted);
}

/* Encode what was decoded: equal length, and equal again after another turn. */
static void check_request(const char *hex, const char *method, const char *id, const char *params)
{
	struct grpc_request request, again;
	uint8_t data[1024], *encoded;
	size_t length = unhex(hex, data), n;

	assert_int_equal(grpc_request_decode(data, length, &request), 0);
	assert_string_equal(request.method, method);
	assert_string_equal(request.id, id);
	assert_string_equal(request.client_name, "");
	assert_json(request.params, params);
	assert_int_equal(
		grpc_request_encode(request.method, request.id, NULL, request.params, &encoded, &n),
		0);
	assert_int_equal(n, length);
	assert_int_equal(grpc_request_decode(encoded, n, &again), 0);
	assert_true(json_equal(again.params, request.params));
	free(encoded);
	grpc_request_clear(&request);
	grpc_request_clear(&again);
}

static void test_requests(void **state)
{
	(void)state;
	check_request(LIST_REQUEST, "public-proxy-1.ga.getAnnouncements",
		      "public-proxy-1.ga.getAnnouncements(1)", "{}");
	check_request(ANNOUNCE_REQUEST, "public-proxy-1.ga.announceConnections",
		      "public-proxy-1.ga.announceConnections(2)",
		      "{\"connections\":[{\"domain\":\"grpc.internal-server.local\",\"expires_at\":"
		      "null},{\"domain\":\"x.other.example\"}]}");
}

static void test_result(void **state)
{
	struct grpc_response response;
	uint8_t data[1024], *encoded;
	size_t length = unhex(ANNOUNCE_RESPONSE, data), n;

	(void)state;
	assert_int_equal(grpc_response_decode(data, length, &response), 0);
	assert_false(response.has_error);
	assert_json(response.result, "{\"_\":[null,{\"code\":403,\"message\":\"not allowed\"}]}");
	json_t *list = json_object_get(response.result, "_");
	assert_int_equal(grpc_response_encode_result(response.id, list, &encoded, &n), 0);
	assert_int_equal(n, length);
	free(encoded);
	grpc_response_clear(&response);
}

static void test_error(void **state)
{
	struct grpc_response response;
	uint8_t data[1024], *encoded;
	size_t length = unhex(DENIED_RESPONSE, data), n;

	(void)state;
	assert_int_equal(grpc_response_decode(data, length, &response), 0);
	assert_true(response.has_error);
	assert_null(response.result);
	assert_int_equal(response.error.code, 403);
	assert_int_equal(grpc_response_encode_error(response.id, &response.error, &encoded, &n), 0);
	assert_int_equal(n, length);
	assert_memory_equal(encoded, data, n);
	free(encoded);
	grpc_response_clear(&response);
}

static void round_trip(const char *in, const char *out)
{
	Relay__Struct *message;
	json_t *json = parse(in), *back;

	assert_int_equal(grpc_struct_from_json(json, &message), 0);
	size_t n = relay__struct__get_packed_size(message);
	uint8_t *data = malloc(n + 1);
	relay__struct__pack(message, data);
	relay__struct__free_unpacked(message, NULL);
	assert_int_equal(grpc_wire_check(GRPC_WIRE_STRUCT, data, n), 0);
	message = relay__struct__unpack(NULL, n, data);
	assert_non_null(message);
	assert_int_equal(grpc_struct_to_json(message, &back), 0);
	assert_json(back, out);
	relay__struct__free_unpacked(message, NULL);
	json_decref(json);
	json_decref(back);
	free(data);
}

static void test_values(void **state)
{
	static const char all[] =
		"{\"a\":null,\"b\":false,\"c\":true,\"d\":0,\"e\":\"\",\"f\":[],\"g\":{},"
		"\"h\":[0,\"\",false,null,[[]],{\"\":{}}],\"i\":1.5,\"j\":-3,\"k\":\"größer\","
		"\"l\":9007199254740992,\"m\":1e300}";

	(void)state;
	round_trip(all, all);
	round_trip("{\"a\":2.0}", "{\"a\":2}");
	round_trip("{\"a\":-0.0}", "{\"a\":-0.0}");
}

static void refused(const json_t *json, int expected)
{
	Relay__Struct *message = NULL;

	assert_int_equal(grpc_struct_from_json(json, &message), expected);
	assert_null(message);
}

static json_t *nest(unsigned depth)
{
	json_t *json = json_object();

	while (depth-- > 0)
		json = json_pack("{s:o}", "x", json);
	return json;
}

static void test_refused(void **state)
{
	json_t *json;

	(void)state;
	json = json_pack("{s:I}", "a", (json_int_t)9007199254740993);
	refused(json, -ERANGE);
	json_decref(json);
	json = json_pack("{s:[o]}", "a", json_stringn("a\0b", 3));
	refused(json, -EINVAL);
	json_decref(json);
	json = json_array();
	refused(json, -EINVAL);
	json_decref(json);
	json = nest(GRPC_WIRE_DEPTH_MAX + 1);
	refused(json, -ELOOP);
	json_decref(json);
	json = nest(GRPC_WIRE_DEPTH_MAX);
	char *text = json_dumps(json, 0);
	round_trip(text, text);
	free(text);
	json_decref(json);
}

static int decode_hex(const char *hex)
{
	struct grpc_request request;
	uint8_t data[256];
	size_t length = unhex(hex, data);

	int r = grpc_request_decode(data, length, &request);
	if (r == 0)
		grpc_request_clear(&request);
	return r;
}

static void test_malformed(void **state)
{
	(void)state;
	assert_int_equal(decode_hex(""), 0);
	assert_int_equal(decode_hex("0a"), -EBADMSG);
	assert_int_equal(decode_hex("0a05616263"), -EBADMSG);
	assert_int_equal(decode_hex("0a0161120012"), -EBADMSG);
	assert_int_equal(decode_hex("1200"), 0);
	assert_int_equal(decode_hex("12001200"), -EBADMSG); /* params twice */
	assert_int_equal(decode_hex("1001"), -EBADMSG);     /* params a number */
	assert_int_equal(decode_hex("0a026100"), -EBADMSG); /* NUL */
	assert_int_equal(decode_hex("0a02c328"), -EBADMSG); /* not UTF-8 */
	assert_int_equal(decode_hex("12100a0e0a0178120911000000000000f07f"), -EBADMSG); /* Inf */
	assert_int_equal(decode_hex("12100a0e0a0178120911000000000000f87f"), -EBADMSG); /* NaN */
	assert_int_equal(decode_hex("12050a030a0178"), 0); /* no value: null */
	assert_int_equal(decode_hex("ffffffffffffffffffffff01"), -EBADMSG);
	assert_int_equal(decode_hex("0affffffff0f"), -EBADMSG);
}

/* Make data[at…size) the payload of a field in front of it. */
static size_t prepend(uint8_t *data, size_t at, size_t size, uint8_t tag)
{
	size_t length = size - at;
	uint8_t head[8];
	size_t n = 0;

	head[n++] = tag;
	for (; length > 0x7f; length >>= 7)
		head[n++] = (uint8_t)(length | 0x80);
	head[n++] = (uint8_t)length;
	memcpy(data + at - n, head, n);
	return at - n;
}

/* A list in a list in a list…: a few megabytes would overflow the decoder's stack. */
static int check_deep(unsigned depth)
{
	size_t size = 4u << 20, at = size;
	uint8_t *data = malloc(size);

	while (depth-- > 1) {
		at = prepend(data, at, size, 0x0a); /* ListValue.values */
		at = prepend(data, at, size, 0x32); /* Value.list_value */
	}
	at = prepend(data, at, size, 0x12); /* Field.value */
	at = prepend(data, at, size, 0x0a); /* Struct.fields */
	int r = grpc_wire_check(GRPC_WIRE_STRUCT, data + at, size - at);
	free(data);
	return r;
}

static void test_deep(void **state)
{
	(void)state;
	assert_int_equal(check_deep(GRPC_WIRE_DEPTH_MAX), 0);
	assert_int_equal(check_deep(GRPC_WIRE_DEPTH_MAX + 1), -ELOOP);
	assert_int_equal(check_deep(400000), -ELOOP);
}

static void test_many(void **state)
{
	size_t n = 2 * (GRPC_WIRE_FIELDS_MAX + 1);
	uint8_t *data = malloc(n);

	(void)state;
	for (size_t i = 0; i < n; i += 2) {
		data[i] = 0x0a; /* an empty field */
		data[i + 1] = 0;
	}
	assert_int_equal(grpc_wire_check(GRPC_WIRE_STRUCT, data, n), -E2BIG);
	assert_int_equal(grpc_wire_check(GRPC_WIRE_STRUCT, data, n - 2), 0);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests), cmocka_unit_test(test_result),
		cmocka_unit_test(test_error),    cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),  cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_deep),     cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
