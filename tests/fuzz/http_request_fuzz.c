/* tests/fuzz/http_request_fuzz.c - heads of requests, cut in any way.
 *
 * Byte 0 chooses the size limit, byte 1 by how much the prefix grows. The answer must not depend
 * on the cutting, and a head that was taken must be one to every reader: exactly one CRLF per
 * line and no other CR or LF.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/assert.h"
#include "belfry/config.h"
#include "belfry/limits.h"
#include "wire/base64.h"
#include "wire/http_head.h"
#include "wire/origin.h"
#include "wire/ws_handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_inside(struct slice part, struct slice whole)
{
	if (slice_is_absent(part))
		return;
	ASSERT(part.bytes >= whole.bytes && part.size <= whole.size);
	ASSERT((size_t)(part.bytes - whole.bytes) <= whole.size - part.size);
}

static void check_lines(const struct http_head *head, struct slice text)
{
	bool has_empty_line = text.bytes[0] == '\r';
	size_t lines = head->headers_count + 2 + (has_empty_line ? 1 : 0);

	for (size_t i = 0; i < text.size; i++) {
		uint8_t byte = text.bytes[i];

		ASSERT(byte != 0 && byte != 0x7F);
		ASSERT((byte == '\n') == (i > 0 && text.bytes[i - 1] == '\r'));
		lines -= byte == '\n';
	}
	ASSERT(lines == 0);
	ASSERT(text.size > 4 && memcmp(text.bytes + text.size - 4, "\r\n\r\n", 4) == 0);
}

static void check_name(struct slice name)
{
	ASSERT(name.size > 0);
	for (size_t i = 0; i < name.size; i++) {
		ASSERT(name.bytes[i] > ' ' && name.bytes[i] < 0x7F);
		ASSERT(memchr("\"(),/:;<=>?@[\\]{}", name.bytes[i], 17) == NULL);
	}
}

static void check_head(const struct http_head *head, struct slice text)
{
	ASSERT(head->minor_version <= 1);
	ASSERT(head->headers_count <= HTTP_HEADERS_MAX);
	ASSERT(head->path.size > 0 && head->path.bytes[0] == '/');
	ASSERT(memchr(head->path.bytes, '?', head->path.size) == NULL);
	ASSERT(http_head_count(head, "host") <= 1);
	check_name(head->method);
	check_inside(head->method, text);
	check_inside(head->path, text);
	check_inside(head->query, text);
	check_lines(head, text);
	for (uint32_t i = 0; i < head->headers_count; i++) {
		struct slice value = head->headers[i].value;

		check_name(head->headers[i].name);
		check_inside(head->headers[i].name, text);
		check_inside(value, text);
		ASSERT(slice_equal(value, slice_trim(value)));
	}
}

static void check_decode(struct slice text)
{
	uint8_t bytes[64];
	size_t size = 0;

	if (http_percent_decode(text, bytes, sizeof(bytes), &size))
		ASSERT(size <= sizeof(bytes) && size <= text.size);
}

/* An origin of the pattern has nothing but a host, and that of the pattern. */
static void check_origin(const struct http_head *head)
{
	char rule[] = "https://*.a.example";
	char *items[] = {rule};
	struct config_list rules = {items, 1};
	struct slice origin = http_head_find(head, "Origin");
	struct slice tail;

	if (origin_judge(&rules, head) != ORIGIN_LISTED)
		return;
	ASSERT(http_head_count(head, "Origin") == 1 && origin.size <= ORIGIN_SIZE_MAX);
	tail = slice_skip(origin, origin.size - (origin.bytes[origin.size - 1] == '3' ? 14 : 10));
	ASSERT(slice_equal_fold(tail, SLICE(".a.example")) ||
	       slice_equal_fold(tail, SLICE(".a.example:443")));
	ASSERT(slice_equal_fold(slice_of(origin.bytes, 8), SLICE("https://")));
	for (const uint8_t *at = origin.bytes + 8; at < tail.bytes; at++)
		ASSERT(memchr("/?#@\\:[]*%, ", *at, 13) == NULL);
}

/* Nor does a Host decide more than it should. */
static void check_same_host(const struct http_head *head)
{
	static const struct config_list rules = {NULL, 0};
	struct slice host = http_head_find(head, "Host");
	struct slice origin = http_head_find(head, "Origin");

	if (origin_judge(&rules, head) != ORIGIN_SAME)
		return;
	host = slice_cut(&host, host.bytes[0] == '[' ? ']' : ':');
	origin = slice_skip(origin, origin.bytes[4] == ':' ? 7 : 8);
	ASSERT(origin.size >= host.size);
	ASSERT(slice_equal_fold(slice_of(origin.bytes, host.size), host));
	ASSERT(host.size > 0 && memchr(origin.bytes, '@', origin.size) == NULL);
}

/* The questions that are asked of a head. */
static void ask(const struct http_head *head, struct slice text)
{
	struct ws_handshake handshake;
	struct slice rest;
	uint64_t size;
	uint8_t nonce[17];
	size_t nonce_size;
	struct slice token = http_query_find(head->query, "token");
	struct slice cookie = http_cookie_find(head, "token");
	bool has_body_size = http_head_body_size(head, &size);

	check_inside(token, head->query);
	check_inside(cookie, text);
	check_decode(token);
	check_decode(head->path);
	check_origin(head);
	check_same_host(head);
	if (http_head_has_token(head, "Connection", "close"))
		ASSERT(!http_head_is_persistent(head));
	if (has_body_size && size > 0)
		ASSERT(http_head_count(head, "Content-Length") == 1);
	if (ws_handshake_check(head, &handshake) != 101)
		return;
	ASSERT(has_body_size && size == 0 && head->minor_version == 1);
	ASSERT(handshake.key.size == 24);
	if (base64_parse(handshake.key, nonce, sizeof(nonce), &nonce_size))
		ASSERT(nonce_size == 16);
	if (ws_handshake_offers(handshake.protocols, "bearer.", false, &rest))
		check_inside(rest, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const size_t sizes_max[] = {8192, 16, 64, 100, 200, 400, 1, 0};
	static struct http_head head;

	if (size < 2 || size > 10000)
		return 0;

	size_t size_max = sizes_max[bytes[0] % ARRAY_SIZE(sizes_max)];
	size_t step = bytes[1] % 32 + 1u;
	struct slice text = slice_of(bytes + 2, size - 2);
	int whole = http_head_parse(text, size_max, &head);
	int answer = HTTP_HEAD_PARTIAL;

	if (whole == HTTP_HEAD_COMPLETE) {
		ASSERT(head.head_size <= size_max && head.head_size <= text.size);
		check_head(&head, slice_of(text.bytes, head.head_size));
		ask(&head, slice_of(text.bytes, head.head_size));
	}
	ASSERT(whole == HTTP_HEAD_PARTIAL || whole == HTTP_HEAD_COMPLETE || whole == 400 ||
	       whole == 414 || whole == 431 || whole == 505);
	for (size_t at = step; at < text.size && answer == HTTP_HEAD_PARTIAL; at += step) {
		uint8_t *copy = malloc(at); /* of the exact size: no byte behind it may be read */

		ASSERT(copy != NULL);
		memcpy(copy, text.bytes, at);
		answer = http_head_parse(slice_of(copy, at), size_max, &head);
		free(copy);
	}
	ASSERT(answer == HTTP_HEAD_PARTIAL || answer == whole);
	return 0;
}
