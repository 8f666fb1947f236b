/* shard/move.c - parcels out, parcels in. */
#include "shard/move.h"

#include <stdlib.h>
#include <string.h>

#include "lane/parcel.h"
#include "shard/http.h"
#include "shard/receive.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/timers.h"

/* What the other shard has to know of a connection that has only spoken HTTP. */
struct move {
	struct parcel parcel;
	struct move *next; /* the taker's: in the order of arrival */
	uint32_t slot;     /* the taker's */
	uint32_t arrival;
	uint8_t verdict;
	uint8_t placed;
	bool is_proxied; /* its PROXY header has come already */
	size_t size;
	uint8_t bytes[];
};

static const struct http_refusal no_room = {
	503,
	"overload",
	"the node has no room for this request at the moment",
	"Retry-After: 1\r\n",
};

void move_begin(struct shard *shard, struct conn *conn, uint32_t to_shard, struct slice bytes)
{
	ASSERT(conn->state == CONN_HEAD && !conn->inbound);
	ASSERT(to_shard != shard->index && to_shard < shard->all_counters->shards_count);
	if (conn_store(conn, bytes, SIZE_MAX) != STATUS_OK) {
		conn_close_join(shard, conn, CLOSE_NO_MEMORY);
		return;
	}
	conn->partner = (uint16_t)to_shard;
	conn->state = CONN_MOVING;
	send_queue(shard, conn);
}

/* Bytes of the request become the parcel's. NULL: out of memory. */
static struct move *pack(const struct conn *conn)
{
	const struct inbound *in = conn->inbound;
	struct move *move = malloc(sizeof(*move) + in->size);

	if (!move)
		return NULL;
	*move = (struct move){
		.arrival = conn->arrival,
		.verdict = conn->verdict,
		.placed = conn->placed,
		.is_proxied = conn_has(conn, CONN_PROXIED),
		.size = in->size,
	};
	memcpy(move->bytes, in->bytes, in->size);
	return move;
}

static void refuse(struct shard *shard, struct conn *conn)
{
	conn_drop_inbound(conn);
	conn->state = CONN_HEAD;
	conn->partner = PARTNER_NONE;
	if (shard->is_stopping)
		conn_close_join(shard, conn, CLOSE_GOING_AWAY);
	else
		http_refuse(shard, conn, &no_room);
}

void move_on_drained(struct shard *shard, struct conn *conn)
{
	struct inbound *in = conn->inbound;
	struct move *move;

	ASSERT(conn->state == CONN_MOVING && !conn->outbox && !conn_has(conn, CONN_BLOCKED));
	if (conn_has(conn, CONN_HANDED))
		return;
	move = shard->is_stopping ? NULL : pack(conn);
	if (!move) {
		refuse(shard, conn);
		return;
	}
	/* It stays in reach until it is known that the other shard has it. */
	free(in->bytes);
	in->bytes = NULL;
	in->size = in->capacity = 0;
	in->parcel = move;
	conn_set(conn, CONN_HANDED);
	wheel_disarm(&shard->wheel, conn_slot(shard, conn));
	parcel_seal(&move->parcel);
	uring_hand_over(shard->uring, shard->shard_ring_fds[conn->partner], conn_slot(shard, conn),
			ring_tag_of_pointer(RING_OP_MOVE, move),
			conn_tag(shard, conn, SHARD_OP_HANDED, 0));
}

void move_on_handed(struct shard *shard, struct conn *conn, const struct uring_event *event)
{
	ASSERT(conn->state == CONN_MOVING && conn_has(conn, CONN_HANDED));
	if (event->result >= 0) {
		counter_add(&shard->counters->moves, 1);
		conn_close_moved(shard, conn);
		return;
	}
	conn_clear(conn, CONN_HANDED);
	free(conn->inbound->parcel);
	refuse(shard, conn);
}

void move_on_arrival(struct shard *shard, const struct uring_event *event)
{
	struct move *move = ring_tag_pointer(event->tag);

	ASSERT(event->result >= 0);
	parcel_open(&move->parcel);
	move->slot = (uint32_t)event->result;
	move->next = NULL;
	if (shard->moved_in_last)
		shard->moved_in_last->next = move;
	else
		shard->moved_in = move;
	shard->moved_in_last = move;
}

static struct move *take_first(struct shard *shard)
{
	struct move *move = shard->moved_in;

	if (!move)
		return NULL;
	shard->moved_in = move->next;
	if (!shard->moved_in)
		shard->moved_in_last = NULL;
	return move;
}

void move_take(struct shard *shard)
{
	struct move *move;

	while ((move = take_first(shard)) != NULL) {
		struct conn *conn = conn_at(shard, move->slot);

		conn_open(shard, move->slot,
			  handoff_tag((enum handoff_verdict)move->verdict, move->arrival));
		conn->placed = move->placed;
		if (move->is_proxied)
			conn_set(conn, CONN_PROXIED);
		receive_feed(shard, conn, move->bytes, move->size);
		free(move);
	}
}

void move_drop(struct shard *shard)
{
	struct move *move;

	while ((move = take_first(shard)) != NULL)
		free(move);
}
