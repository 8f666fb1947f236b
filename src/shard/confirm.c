/* shard/confirm.c - positions out with pings, back with pongs. */
#include "shard/confirm.h"

#include "shard/order.h"
#include "shard/receipts.h"
#include "shard/shard_state.h"
#include "wire/event_id.h"

bool confirm_has_all(struct shard *shard, struct conn *conn)
{
	return conn_is_live(conn) && order_rest_size(shard, conn) == 0 &&
	       !recovery_has_pending(conn);
}

bool confirm_position(struct shard *shard, struct conn *conn, struct event_id *ret_id)
{
	if (!conn_has(conn, CONN_UNCONFIRMED) || !confirm_has_all(shard, conn) ||
	    event_id_is_none(shard->position))
		return false;
	conn_clear(conn, CONN_UNCONFIRMED);
	*ret_id = shard->position;
	return true;
}

struct slice confirm_ping(struct shard *shard, struct conn *conn, uint8_t text[EVENT_ID_TEXT_MAX])
{
	struct writer writer;
	struct event_id id;

	writer_init(&writer, text, EVENT_ID_TEXT_MAX);
	if (confirm_position(shard, conn, &id))
		event_id_write(&writer, id);
	ASSERT(!writer.overflow);
	return writer_written(&writer);
}

void confirm_on_pong(struct shard *shard, struct conn *conn, struct slice payload)
{
	struct event_id id;

	if (conn->state != CONN_OPEN || payload.size == 0 || !event_id_parse(payload, &id) ||
	    event_id_is_none(id) || event_id_is_after(id, shard->position))
		return;
	receipts_confirm(shard, conn, id);
}

void confirm_on_ack(struct shard *shard, struct conn *conn, struct event_id id)
{
	ASSERT(conn->state == CONN_OPEN);
	if (event_id_is_after(id, shard->position))
		id = shard->position;
	if (!event_id_is_none(id))
		receipts_confirm(shard, conn, id);
}

void confirm_on_attached(struct shard *shard, struct conn *conn, const struct attached *attached,
			 struct event_id after)
{
	if (attached->recovered && !event_id_is_none(after))
		receipts_confirm(shard, conn, after); /* the router knows the end of the log */
}
