/* tests/model/fanout_crowd.c - clients, and what each of them has to read. */
#include "fanout_crowd.h"

#include "fanout_router.h"
#include "shard/confirm.h"
#include "shard/protocol.h"
#include "shard/receive.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"

#define CHECK(expression) ASSERT(expression)

static struct crowd_options crowd;
static uint64_t (*pick_below)(uint64_t bound);

static uint32_t pick(uint32_t bound)
{
	return (uint32_t)pick_below(bound);
}

void crowd_begin(const struct crowd_options *options, uint64_t (*given_pick)(uint64_t bound))
{
	crowd = *options;
	pick_below = given_pick;
}

/* ---- what a client is to read ---- */

static struct subscription *find(struct conn *conn, uint32_t channel)
{
	struct slice name = slice_of_text(fanout_names[channel]);
	struct channel_key key = {name, hash_bytes(crowd.shard->channels.key, name),
				  (enum encoding)conn->encoding};

	return subscriptions_find(conn, channels_find(&crowd.shard->channels, &key));
}

/* Notices from now on are his: he has been live in the channel, and was not told of its end. */
static bool is_his(struct conn *conn, uint32_t channel)
{
	const struct subscription *found = channel == TO_CONN ? NULL : find(conn, channel);

	if (conn->state != CONN_OPEN ||
	    (conn_has(conn, CONN_RECOVERING) && !conn_has(conn, CONN_BEHIND)))
		return false;
	return channel == TO_CONN ||
	       (found && (subscription_is_joined(found) || found->member == MEMBER_LEFT ||
			  found->member == MEMBER_RECOVERING));
}

/* A notice was taken from the lane. */
static void account(uint32_t number)
{
	const struct entry_sent *what = router_entry(number);

	for (uint32_t slot = 0; slot < crowd.slots; slot++) {
		struct conn *conn = conn_at(crowd.shard, slot);
		struct want want = {.number = number};

		for (uint32_t i = 0; i < what->channels_count; i++) {
			uint32_t channel = what->channels[i];

			if (channel == TO_CONN &&
			    (what->slot != slot || what->generation != conn->generation))
				continue;
			if (is_his(conn, channel))
				want.may |= (uint8_t)(1u << channel);
		}
		if (!what->is_ephemeral || crowd.is_gentle)
			want.must = want.may;
		if (want.may != 0)
			client_want(&crowd.clients[slot], want);
	}
}

/* The witness's delivery, behind each notice. */
static void on_answer(struct shard *of, struct conn *conn, enum upstream_answer answer,
		      struct slice ref)
{
	CHECK(conn_slot(of, conn) == CROWD_WITNESS && slice_is_absent(ref));
	CHECK(answer == UPSTREAM_ANSWER_OK);
	account(router_taken());
}

static void tell(struct shard *of, struct conn *conn, uint8_t kind, struct slice name)
{
	uint8_t frame[64];
	uint8_t index = 0;

	while (!slice_equal_text(name, fanout_names[index]))
		index++;
	size_t size = client_write(frame, (struct replay){0, index, kind}, 0);

	CHECK(size < 2 + 125 && index < CHANNELS);
	send_frame(of, conn, WS_TEXT, slice_of(frame + 2, size - 2));
	if (kind == KIND_UNSUBSCRIBED)
		client_leave(&crowd.clients[conn_slot(of, conn)], index);
}

static void on_subscribed(struct shard *of, struct conn *conn, struct slice channel,
			  const struct envelope_replay *replay, struct slice ref)
{
	(void)replay;
	CHECK(slice_is_absent(ref));
	tell(of, conn, KIND_SUBSCRIBED, channel);
}

static void on_unsubscribed(struct shard *of, struct conn *conn, struct slice channel,
			    struct slice ref)
{
	CHECK(slice_is_absent(ref));
	tell(of, conn, KIND_UNSUBSCRIBED, channel);
}

/* ---- clients come, go, subscribe and speak ---- */

void crowd_attach(struct conn *conn)
{
	struct recovery_wish wish = {.has_after = pick(2), .after = router_some_position()};
	uint32_t index;

	if (conn_slot(crowd.shard, conn) == CROWD_WITNESS) {
		conn->state = CONN_OPEN;
		conn_set(conn, CONN_UPGRADED);
		counter_add(&crowd.shard->counters->connections, 1);
		return;
	}
	/* Both are the same bytes here: there is no compressor. */
	conn->encoding = (uint8_t)(pick(2) ? ENCODING_DEFLATE : ENCODING_WS);
	CHECK(subscriptions_add(crowd.shard, conn, SLICE("all"), &index) &&
	      index == CHANNEL_ALL + conn->encoding);
	for (uint32_t i = 1; i < CHANNELS; i++)
		if (pick(100) < crowd.join_percent)
			CHECK(subscriptions_add(crowd.shard, conn, slice_of_text(fanout_names[i]),
						&index));
	CHECK(recovery_attach(crowd.shard, conn, &wish));
	conn->state = CONN_ATTACHING;
	conn_set(conn, CONN_ATTACHED);
}

static void on_attached(struct shard *of, struct conn *conn, const struct attached *attached)
{
	CHECK(of == crowd.shard && conn->state == CONN_ATTACHING && attached);
	conn->state = CONN_OPEN;
	conn_set(conn, CONN_UPGRADED);
	counter_add(&crowd.shard->counters->connections, 1);
}

static uint32_t no_beats(const struct shard *of, const struct conn *conn)
{
	(void)of;
	(void)conn;
	return 0;
}

static const struct protocol protocol = {
	.has_close_frames = true,
	.is_heard = true,
	.on_attached = on_attached,
	.on_subscribed = on_subscribed,
	.on_unsubscribed = on_unsubscribed,
	.on_answer = on_answer,
	.beat_interval_ms = no_beats,
	.write_close = send_close_frame,
};

const struct protocol *protocol_of(const struct conn *conn)
{
	(void)conn;
	return &protocol;
}

static void subscribe(struct conn *conn, uint32_t channel)
{
	struct event_id after = router_some_position();
	uint32_t index;

	if (find(conn, channel))
		return;
	CHECK(subscriptions_add(crowd.shard, conn, slice_of_text(fanout_names[channel]), &index));
	CHECK(recovery_subscribe(crowd.shard, conn, index, pick(2) ? &after : NULL, NULL));
}

static void unsubscribe(struct conn *conn, uint32_t channel)
{
	struct subscription *found = find(conn, channel);

	if (found && found->member != MEMBER_NONE &&
	    !recovery_is_leaving(crowd.shard, conn, found->channel))
		recovery_unsubscribe(crowd.shard, conn, found, (struct slice){NULL, 0});
}

static void cut(struct conn *conn)
{
	crowd.clients[conn_slot(crowd.shard, conn)].has_ended = true;
	conn_close_join(crowd.shard, conn, CLOSE_PEER_GONE);
}

static void ping(struct conn *conn)
{
	uint8_t text[EVENT_ID_TEXT_MAX];

	send_frame(crowd.shard, conn, WS_PING, confirm_ping(crowd.shard, conn, text));
}

/* A client says something, or goes. */
void receive_on_bytes(struct shard *of, struct conn *conn, uint32_t buffer,
		      const struct uring_event *event)
{
	uint32_t what = pick(20);

	(void)buffer;
	(void)event;
	if (conn->state == CONN_HEAD)
		crowd_attach(conn);
	else if (conn->state == CONN_CLOSING || (conn->state < CONN_CLOSING && what == 0))
		cut(conn);
	else if (conn->state != CONN_OPEN)
		return;
	else if (what < 5)
		unsubscribe(conn, 1 + pick(CHANNELS - 1));
	else if (what < 10)
		subscribe(conn, 1 + pick(CHANNELS - 1));
	else if (what < 14)
		ping(conn);
	else
		for (; what > 14; what--)
			send_frame(of, conn, WS_PING, SLICE("abc"));
}
