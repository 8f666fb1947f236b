/* wsbench/requests.c - tokens and opening requests. */
#include "wsbench/requests.h"

#include <stdlib.h>
#include <time.h>

#include "base/assert.h"
#include "base/random.h"
#include "wire/base64.h"
#include "wire/digest.h"
#include "wire/event_id.h"
#include "wsbench/template.h"
#include "wsbench/token.h"

#define DAY_S 86400
#define TOKEN_SIZE_BOUND 320 /* header 36, claims up to 150, signature 43, dots, final zero */

/* RFC 6455 section 1.3 */
static const char accept_suffix[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

void requests_write_user(const struct requests *requests, uint32_t number, struct writer *writer)
{
	writer_text(writer, requests->options->user_prefix);
	writer_u64(writer, number);
}

static char *token_of(const struct requests *requests, uint32_t number)
{
	return requests->tokens + (size_t)number * requests->token_size_max;
}

static bool mint(struct requests *requests, uint32_t number, uint64_t expires_s)
{
	uint8_t user[TOKEN_USER_MAX];
	struct writer user_writer, writer;

	writer_init(&user_writer, user, sizeof(user));
	requests_write_user(requests, number, &user_writer);
	writer_init(&writer, token_of(requests, number), requests->token_size_max);
	token_write(&writer, writer_written(&user_writer), expires_s,
		    slice_of_text(requests->options->secret));
	writer_bytes(&writer, "", 1);
	return !user_writer.overflow && !writer.overflow;
}

static enum status mint_all(struct requests *requests)
{
	uint64_t expires_s = (uint64_t)time(NULL) + DAY_S;

	requests->token_size_max = TOKEN_SIZE_BOUND;
	requests->tokens = malloc((size_t)requests->count * requests->token_size_max);
	if (!requests->tokens)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0; i < requests->count; i++)
		if (!mint(requests, i, expires_s)) {
			requests_deinit(requests);
			return STATUS_TOO_LARGE;
		}
	return STATUS_OK;
}

static void make_key(struct requests *requests)
{
	uint8_t nonce[16], hash[SHA1_SIZE];

	random_secret(nonce, sizeof(nonce));
	base64_write(slice_of(nonce, sizeof(nonce)), requests->key);
	digest_sha1(slice_of(requests->key, REQUEST_KEY_SIZE), slice_of_text(accept_suffix), hash);
	base64_write(slice_of(hash, sizeof(hash)), requests->accept);
}

enum status requests_init(struct requests *requests, const struct options *options, uint32_t count)
{
	*requests = (struct requests){.options = options, .count = count};
	make_key(requests);
	return options->secret ? mint_all(requests) : STATUS_OK;
}

void requests_deinit(struct requests *requests)
{
	free(requests->tokens);
	requests->tokens = NULL;
}

void requests_write_template(const struct requests *requests, const char *text, uint32_t number,
			     struct writer *writer)
{
	uint8_t digits_bytes[20], user_bytes[TOKEN_USER_MAX];
	struct writer digits, user;

	ASSERT(number < requests->count);
	writer_init(&digits, digits_bytes, sizeof(digits_bytes));
	writer_u64(&digits, number);
	writer_init(&user, user_bytes, sizeof(user_bytes));
	requests_write_user(requests, number, &user);
	const struct template_value values[] = {
		{"i", writer_written(&digits)},
		{"user", writer_written(&user)},
		{"token", slice_of_text(requests->tokens ? token_of(requests, number) : "")},
	};
	template_write(writer, text, values, ARRAY_SIZE(values));
}

static void write_headers(const struct requests *requests, struct writer *writer)
{
	writer_format(writer,
		      " HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\n"
		      "Connection: Upgrade\r\nSec-WebSocket-Key: %.*s\r\n"
		      "Sec-WebSocket-Version: 13\r\n\r\n",
		      requests->options->host, (unsigned)requests->options->port, REQUEST_KEY_SIZE,
		      requests->key);
}

void requests_write_path(const struct requests *requests, const char *path, struct writer *writer)
{
	writer_text(writer, "GET ");
	requests_write_template(requests, path, 0, writer);
	write_headers(requests, writer);
}

void requests_write(const struct requests *requests, uint32_t number, struct event_id position,
		    struct writer *writer)
{
	const struct options *options = requests->options;
	const char *path = options->path_template ? options->path_template : options->path;

	writer_text(writer, "GET ");
	requests_write_template(requests, path, number, writer);
	if (!options->path_template && requests->tokens && !template_has(path, "token")) {
		writer_text(writer, strchr(path, '?') ? "&token=" : "?token=");
		writer_text(writer, token_of(requests, number));
	}
	if (position.ms > 0) {
		writer_text(writer, memchr(writer->bytes, '?', writer->size) ? "&" : "?");
		writer_text(writer, "last_event_id=");
		event_id_write(writer, position);
	}
	write_headers(requests, writer);
}
