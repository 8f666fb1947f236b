/* shard/protocol.c - the tables by number. */
#include "shard/protocol.h"

#include "base/assert.h"
#include "shard/conn.h"

static const struct protocol *const protocols[] = {
	[PROTOCOL_NATIVE] = &protocol_native,
	[PROTOCOL_SSE] = &protocol_sse,
	[PROTOCOL_POLL] = &protocol_poll,
	[PROTOCOL_SOCKET_IO] = &protocol_socket_io,
};

const struct protocol *protocol_of(const struct conn *conn)
{
	ASSERT(conn->protocol < PROTOCOL_COUNT);
	return protocols[conn->protocol];
}
