/* wire/socket_io_pid.c - a position and a name, signed. */
#include "wire/socket_io_pid.h"

#include "base/assert.h"
#include "base/writer.h"
#include "wire/base64.h"
#include "wire/digest.h"
#include "wire/socket_io.h"

#define VERSION_POSITION 1
#define VERSION_CURSOR 2
#define SIGNED_SIZE (1 + 8 + 8 + CONNECTION_ID_SIZE)
#define MAC_SIZE 12
#define PID_SIZE (SIGNED_SIZE + MAC_SIZE)
#define PURPOSE "belfry socket.io pid" /* no token's signed text has a blank */

_Static_assert(BASE64URL_SIZE(PID_SIZE) == SOCKET_IO_PID_SIZE, "the size of the text");

static void put_u64(uint8_t *bytes, uint64_t number)
{
	for (uint32_t i = 0; i < 8; i++)
		bytes[i] = (uint8_t)(number >> (56 - 8 * i));
}

static uint64_t read_u64(const uint8_t *bytes)
{
	uint64_t number = 0;

	for (uint32_t i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* Neither the purpose nor the contents have another size, and no namespace has a zero byte: two
 * users or namespaces never give the same text. */
static void sign(struct slice contents, const struct socket_io_pid_key *key,
		 uint8_t ret_mac[MAC_SIZE])
{
	uint8_t text[sizeof(PURPOSE) + SIGNED_SIZE + SOCKET_IO_NAMESPACE_SIZE_MAX + 1 +
		     USER_SIZE_MAX];
	uint8_t mac[HMAC_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, text, sizeof(text));
	writer_text(&writer, PURPOSE);
	writer_slice(&writer, contents);
	writer_slice(&writer, key->name_space);
	writer_bytes(&writer, "", 1);
	writer_slice(&writer, key->user);
	ASSERT(!writer.overflow);
	digest_hmac(HMAC_SHA256, key->secret, writer_written(&writer), mac);
	memcpy(ret_mac, mac, MAC_SIZE);
}

void socket_io_pid_write(const struct socket_io_pid *pid, const struct socket_io_pid_key *key,
			 char ret_text[SOCKET_IO_PID_SIZE])
{
	uint8_t bytes[PID_SIZE];

	bytes[0] = pid->by_cursor ? VERSION_CURSOR : VERSION_POSITION;
	put_u64(bytes + 1, pid->position.ms);
	put_u64(bytes + 9, pid->position.sequence);
	memcpy(bytes + 17, pid->sid, CONNECTION_ID_SIZE);
	sign(slice_of(bytes, SIGNED_SIZE), key, bytes + SIGNED_SIZE);
	base64url_write(slice_of(bytes, sizeof(bytes)), ret_text);
}

bool socket_io_pid_read(struct slice text, const struct socket_io_pid_key *key,
			struct socket_io_pid *ret_pid)
{
	uint8_t bytes[PID_SIZE];
	uint8_t mac[MAC_SIZE];
	size_t size;

	if (text.size != SOCKET_IO_PID_SIZE ||
	    !base64url_parse(text, bytes, sizeof(bytes), &size) || size != PID_SIZE ||
	    (bytes[0] != VERSION_POSITION && bytes[0] != VERSION_CURSOR))
		return false;
	sign(slice_of(bytes, SIGNED_SIZE), key, mac);
	if (!digest_equal(slice_of(mac, MAC_SIZE), slice_of(bytes + SIGNED_SIZE, MAC_SIZE)))
		return false;
	ret_pid->by_cursor = bytes[0] == VERSION_CURSOR;
	ret_pid->position = (struct event_id){read_u64(bytes + 1), read_u64(bytes + 9)};
	memcpy(ret_pid->sid, bytes + 17, CONNECTION_ID_SIZE);
	return true;
}
