/* wire/ws_handshake.c - the server's side of the opening handshake. */
#include "wire/ws_handshake.h"

#include "wire/base64.h"
#include "wire/digest.h"

#define KEY_SIZE 16 /* bytes of the client's nonce */

/* The text that RFC 6455 section 1.3 appends to the key. */
static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/* 22 digits and padding. Clients that draw random digits leave unused bits set in the last one;
 * the key is only hashed, as text, so that does no harm: it is looked at in a group of its own,
 * where all its bits count. */
static bool is_key(struct slice key)
{
	uint8_t nonce[KEY_SIZE];
	size_t size;

	if (key.size != BASE64_SIZE(KEY_SIZE) || key.bytes[22] != '=' || key.bytes[23] != '=')
		return false;

	const uint8_t last[4] = {'A', 'A', key.bytes[20], key.bytes[21]};

	return base64_parse(slice_of(key.bytes, 20), nonce, sizeof(nonce), &size) && size == 15 &&
	       base64_parse(slice_of(last, sizeof(last)), nonce, sizeof(nonce), &size) && size == 3;
}

/* Without a body: its bytes would be read as frames. */
static bool has_body(const struct http_head *head)
{
	uint64_t size;

	return !http_head_body_size(head, &size) || size > 0;
}

int ws_handshake_check(const struct http_head *head, struct ws_handshake *ret)
{
	if (!slice_equal_text(head->method, "GET"))
		return 405;
	if (!http_head_has_token(head, "Upgrade", "websocket"))
		return 426;
	if (!slice_equal_text(http_head_find(head, "Sec-WebSocket-Version"), "13"))
		return 426;

	struct slice key = http_head_find(head, "Sec-WebSocket-Key");
	struct ws_deflate deflate;

	if (head->minor_version < 1 || !http_head_has_token(head, "Connection", "upgrade") ||
	    http_head_count(head, "Sec-WebSocket-Version") > 1 ||
	    http_head_count(head, "Sec-WebSocket-Key") > 1 || !is_key(key) || has_body(head) ||
	    !ws_extension_negotiate(head, &deflate))
		return 400;
	*ret = (struct ws_handshake){
		.key = key,
		.protocols = http_head_find(head, "Sec-WebSocket-Protocol"),
		.deflate = deflate,
	};
	return 101;
}

bool ws_handshake_offers(struct slice protocols, const char *prefix, bool exact,
			 struct slice *ret_rest)
{
	struct slice start = slice_of_text(prefix);

	while (!slice_is_absent(protocols)) {
		struct slice protocol = slice_trim(slice_cut(&protocols, ','));

		if (!slice_starts_with(protocol, start) || (exact && protocol.size != start.size))
			continue;
		*ret_rest = slice_skip(protocol, start.size);
		return true;
	}
	return false;
}

void ws_handshake_accept(struct slice key, char ret_accept[WS_ACCEPT_SIZE])
{
	uint8_t hash[SHA1_SIZE];

	digest_sha1(key, slice_of_text(guid), hash);
	base64_write(slice_of(hash, sizeof(hash)), ret_accept);
}

void ws_handshake_write(struct writer *writer, struct slice key, const char *protocol,
			const struct ws_deflate *deflate)
{
	char accept[WS_ACCEPT_SIZE];

	ws_handshake_accept(key, accept);
	writer_text(writer, "HTTP/1.1 101 Switching Protocols\r\n"
			    "Upgrade: websocket\r\n"
			    "Connection: Upgrade\r\n"
			    "Sec-WebSocket-Accept: ");
	writer_bytes(writer, accept, sizeof(accept));
	if (protocol) {
		writer_text(writer, "\r\nSec-WebSocket-Protocol: ");
		writer_text(writer, protocol);
	}
	if (deflate && deflate->on) {
		writer_text(writer, "\r\nSec-WebSocket-Extensions: ");
		ws_extension_write(writer, deflate);
	}
	writer_text(writer, "\r\n\r\n");
}
