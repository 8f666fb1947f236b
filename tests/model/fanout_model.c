/* tests/model/fanout_model.c - the real turns of a shard, from the lane to the sockets, over a
 * ring that is made up here: sockets take all, a part or nothing. Each client reads every notice
 * of each of its channels from its join on, in order and once, or it hears a close and nothing
 * more. The bytes of a send are read when it is submitted, as the kernel does. */
#include <errno.h>
#include <string.h>

#include "fanout_client.h"
#include "fanout_stubs.h"
#include "lane/lane.h"
#include "lane/notice.h"
#include "model.h"
#include "shard/deliver.h"
#include "shard/message.h"
#include "shard/receive.h"
#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"
#include "wire/ws_frame.h"

#define SLOTS 400
#define OPS_MAX 4096
#define WITNESS 0 /* slot of the client that hears of each notice: it was delivered */

struct op {
	uint8_t type; /* enum shard_op */
	uint32_t slot;
	const uint8_t *bytes;
	size_t size;
	uint64_t tag;
};

/* How a round goes. */
static struct {
	uint32_t slots;
	uint32_t short_percent; /* sends that a socket does not take whole */
	uint32_t stuck_max;
	uint32_t payload_max;
	uint32_t large_percent; /* notices that are longer than most */
	uint32_t pushes_max; /* a turn */
	uint32_t join_percent;
	uint32_t turns;      /* lively ones that are left */
	size_t bytes_left;   /* notices are made as long as there are any */
	bool is_gentle;      /* less is sent than anybody has room for: nobody may be cut */
} plan;

/* What is on the lane: to know what was taken from it. */
struct sent {
	uint32_t number;
	uint32_t channels_count;
	uint8_t channels[3];
	uint32_t slot; /* for TO_CONN */
	uint32_t generation;
};

static struct shard *shard;
static struct config config;
static struct counters counters;
static struct lane deliveries, departures;
static struct client clients[SLOTS];
static struct op ops[OPS_MAX];
static uint32_t ops_count;
static struct uring_event events[OPS_MAX];
static uint32_t events_first, events_count;
static struct uring_event talk[SLOTS]; /* the completions that come from clients */
static uint32_t talk_count;
static bool is_talk_first;
static struct sleeper sleeper;
static struct sent sent[DELIVERY_LANE_SIZE]; /* a ring: a witness's delivery follows each */
static uint32_t sent_first, sent_count;
static uint32_t numbers;

/* ---- what lies around the files under test ---- */

static void add_op(uint8_t type, uint32_t slot, struct slice bytes, uint64_t tag)
{
	CHECK(ops_count < OPS_MAX && slot < SLOTS);
	ops[ops_count++] = (struct op){type, slot, bytes.bytes, bytes.size, tag};
}

void uring_send(struct uring *uring, uint32_t slot, const void *bytes, size_t size, uint64_t tag)
{
	(void)uring;
	add_op(SHARD_OP_SEND, slot, slice_of(bytes, size), tag);
}

void uring_poll_writable(struct uring *uring, uint32_t slot, uint64_t tag)
{
	(void)uring;
	CHECK(clients[slot].writable_tag == 0);
	clients[slot].writable_tag = tag;
}

void uring_close(struct uring *uring, uint32_t slot, const uint64_t armed[2], uint64_t tag)
{
	(void)uring;
	(void)armed;
	add_op(SHARD_OP_CLOSE, slot, (struct slice){NULL, 0}, tag);
}

/* ---- the kernel ---- */

static void add_event(uint64_t tag, int32_t result)
{
	CHECK(events_count < OPS_MAX);
	events[events_count++] = (struct uring_event){.tag = tag, .result = result};
}

static void run_send(const struct op *op)
{
	struct client *client = &clients[op->slot];
	size_t taken = op->size;

	if (client->stuck > 0) {
		taken = 0;
	} else if (pick(100) < plan.short_percent) {
		taken = pick((uint32_t)op->size);
		client->stuck = 1 + pick(plan.stuck_max);
	}
	if (taken > 0)
		client_take(client, op->bytes, taken);
	if (taken == op->size)
		return;
	add_event(op->tag, taken > 0 ? (int32_t)taken : -EAGAIN);
}

static void submit_all(void)
{
	bool has_sent[SLOTS] = {false};

	for (uint32_t i = 0; i < ops_count; i++) {
		if (ops[i].type == SHARD_OP_CLOSE) {
			clients[ops[i].slot].writable_tag = 0;
			add_event(ops[i].tag, 0);
			continue;
		}
		CHECK(!has_sent[ops[i].slot]); /* else the second overtakes a short first one */
		has_sent[ops[i].slot] = true;
		run_send(&ops[i]);
	}
	ops_count = 0;
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		struct client *client = &clients[slot];

		if (client->stuck > 0 && --client->stuck > 0)
			continue;
		if (client->writable_tag != 0)
			add_event(client->writable_tag, 1);
		client->writable_tag = 0;
	}
}

/* What clients did comes before or after what became of the sends. */
uint32_t uring_reap(struct uring *uring, struct uring_event *ret_events, uint32_t max)
{
	uint32_t count = talk_count < max ? talk_count : max;

	(void)uring;
	if (is_talk_first && count > 0) {
		memcpy(ret_events, talk, count * sizeof(*talk));
		talk_count = 0;
		return count;
	}
	is_talk_first = true; /* what is left, once the others are out */
	count = events_count - events_first < max ? events_count - events_first : max;
	memcpy(ret_events, events + events_first, count * sizeof(*events));
	events_first += count;
	if (count > 0)
		return count;
	events_first = events_count = 0;
	return talk_count > 0 ? uring_reap(uring, ret_events, max) : 0;
}

/* ---- the router ---- */

static void name_channels(struct notice *notice, const struct sent *what)
{
	for (uint32_t i = 0; i < what->channels_count; i++) {
		struct notice_channel *channel = &notice->channels[i];

		channel->name = slice_of_text(fanout_names[what->channels[i]]);
		channel->hash = hash_bytes(shard->channels.key, channel->name);
		channel->target = what->channels[i] == TO_CONN ? TARGET_CONN
				  : what->channels[i] == 0     ? TARGET_ALL
							       : TARGET_NAMED;
		channel->slot = (uint16_t)what->slot;
		channel->generation = what->generation;
	}
}

static void push_notice(void)
{
	size_t size = pick(100) < plan.large_percent ? pick(plan.payload_max) : pick(200);
	struct sent *what = &sent[(sent_first + sent_count) % DELIVERY_LANE_SIZE];
	struct delivery delivery = {.type = DELIVERY_NOTICE};
	uint8_t *bytes;

	if (size + 64 > plan.bytes_left)
		return;
	plan.bytes_left -= size + 64;
	*what = (struct sent){.number = numbers++, .slot = 1 + pick(plan.slots - 1)};
	what->generation = conn_at(shard, what->slot)->generation;
	what->channels_count = pick(4) > 0 ? 1 : 1 + pick(3);
	for (uint32_t i = 0; i < what->channels_count; i++)
		what->channels[i] = (uint8_t)pick(CHANNELS + 1);
	delivery.notice = notice_create(what->channels_count, size + 64, &bytes);
	CHECK(delivery.notice);
	name_channels(delivery.notice, what);
	size_t frame = client_write(bytes, what->channels[0], what->number, size);

	if (what->channels_count == 1) {
		delivery.notice->frame = slice_of(bytes, frame);
	} else {
		delivery.notice->head = slice_of(bytes + frame - size - 8 - 2 -
						 strlen(fanout_names[what->channels[0]]), 8);
		delivery.notice->tail = slice_of(bytes + frame - size, size);
	}
	CHECK(ring_push(&deliveries.ring, &delivery));
	delivery = (struct delivery){.type = DELIVERY_SUBSCRIBED, .slot = WITNESS};
	delivery.generation = conn_at(shard, WITNESS)->generation;
	CHECK(ring_push(&deliveries.ring, &delivery));
	sent_count++;
}

static bool is_joined(struct conn *conn, uint32_t channel)
{
	struct slice name = slice_of_text(fanout_names[channel]);
	struct subscription *found =
		subscriptions_find(conn, channels_find(&shard->channels, name,
						       hash_bytes(shard->channels.key, name)));

	return found && found->member != MEMBER_NONE;
}

/* A notice was taken from the lane: who is in must read it, on the first channel he is in. */
static void account(const struct sent *what)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		struct conn *conn = conn_at(shard, slot);

		if (conn->state != CONN_OPEN)
			continue;
		for (uint32_t i = 0; i < what->channels_count; i++) {
			uint32_t channel = what->channels[i];
			bool is_his = channel == TO_CONN
					      ? what->slot == slot &&
							what->generation == conn->generation
					      : is_joined(conn, channel);

			if (!is_his)
				continue;
			client_expect(&clients[slot], channel, what->number);
			break;
		}
	}
}

void message_on_subscribed(struct shard *of, struct conn *conn, const struct delivery *delivery)
{
	CHECK(conn_slot(of, conn) == WITNESS && delivery->slot == WITNESS && sent_count > 0);
	account(&sent[sent_first]);
	sent_first = (sent_first + 1) % DELIVERY_LANE_SIZE;
	sent_count--;
}

void uring_submit(struct uring *uring)
{
	(void)uring;
	submit_all();
}

/* ---- clients come, go, subscribe and speak ---- */

static void subscribe(struct conn *conn, uint32_t channel)
{
	uint32_t index;

	if (is_joined(conn, channel) || conn->state != CONN_OPEN)
		return;
	CHECK(subscriptions_add(shard, conn, slice_of_text(fanout_names[channel]), &index));
	CHECK(subscriptions_join(shard, conn));
}

static void become_open(struct conn *conn)
{
	conn->state = CONN_OPEN;
	counter_add(&shard->counters->connections, 1);
	conn_set(conn, CONN_UPGRADED);
	if (conn_slot(shard, conn) == WITNESS)
		return;
	subscribe(conn, 0);
	for (uint32_t i = 1; i < CHANNELS; i++)
		if (pick(100) < plan.join_percent)
			subscribe(conn, i);
}

static void cut(struct conn *conn)
{
	clients[conn_slot(shard, conn)].has_ended = true;
	conn_close_join(shard, conn, CLOSE_PEER_GONE);
}

static void unsubscribe(struct conn *conn, uint32_t channel)
{
	struct slice name = slice_of_text(fanout_names[channel]);

	if (!is_joined(conn, channel))
		return;
	uint32_t index = channels_find(&shard->channels, name,
				       hash_bytes(shard->channels.key, name));

	subscriptions_remove(shard, conn, subscriptions_find(conn, index));
	struct fifo *fifo = &clients[conn_slot(shard, conn)].expected[channel];

	fifo->left = fifo->count;
}

/* A client says something, or goes. */
void receive_on_bytes(struct shard *of, struct conn *conn, uint32_t buffer,
		      const struct uring_event *event)
{
	uint32_t what = pick(10);

	(void)buffer;
	(void)event;
	if (conn->state == CONN_HEAD)
		become_open(conn);
	else if (conn->state == CONN_CLOSING || (conn->state == CONN_OPEN && what == 0))
		cut(conn);
	else if (conn->state != CONN_OPEN)
		return;
	else if (what < 3)
		unsubscribe(conn, 1 + pick(CHANNELS - 1));
	else if (what < 5)
		subscribe(conn, 1 + pick(CHANNELS - 1));
	else
		for (; what > 5; what--)
			send_frame(of, conn, WS_PING, SLICE("abc"));
}

static void add_talk(uint32_t slot)
{
	struct conn *conn = conn_at(shard, slot);
	uint64_t tag = conn_tag(shard, conn, SHARD_OP_RECEIVE, talk_count);

	if (conn->state == CONN_FREE)
		tag = handoff_tag(HANDOFF_ADMIT, 0);
	for (uint32_t i = 0; i < talk_count; i++) /* one new socket in a slot */
		if (talk[i].tag == tag && talk[i].result == (int32_t)slot)
			return;
	if (conn->state == CONN_FREE)
		client_reset(&clients[slot]);
	talk[talk_count++] = (struct uring_event){.tag = tag, .result = (int32_t)slot};
}

/* He who was cut by the shard was slow; in a gentle round nobody is. */
static void check_cuts(void)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		const struct conn *conn = conn_at(shard, slot);

		if (conn->state < CONN_CLOSING || clients[slot].has_ended)
			continue;
		if (conn->reason != CLOSE_GOING_AWAY)
			CHECK(conn->reason == CLOSE_SLOW && !plan.is_gentle);
		else
			CHECK(shard->is_stopping);
	}
}

/* ---- a round ---- */

static void plan_round(void)
{
	plan.slots = pick(8) ? 48 : SLOTS; /* so many that one turn has not room for all */
	plan.short_percent = pick(3) ? pick(40) : pick(3);
	plan.stuck_max = pick(2) ? 4 : 60;
	plan.payload_max = pick(2) ? 3000 : PAYLOAD_MAX;
	plan.large_percent = plan.slots == SLOTS ? 60 : 10;
	plan.pushes_max = 1 + pick(40);
	plan.join_percent = pick(3) ? 50 : pick(2) ? 90 : 5;
	plan.is_gentle = pick(3) == 0;
	plan.bytes_left = plan.is_gentle ? 60000 : 8u << 20;
	plan.turns = plan.slots == SLOTS ? 100 : 200 + pick(300);
	config = (struct config){.max_message_size = 65536, .max_outbox_bytes = 65536,
				 .close_timeout_ms = 60000};
	counters = (struct counters){0};
}

static void begin(void)
{
	CHECK(ring_init(&deliveries.ring, DELIVERY_LANE_SIZE, sizeof(struct delivery)) ==
	      STATUS_OK);
	CHECK(ring_init(&departures.ring, 1024, sizeof(struct departure)) == STATUS_OK);
	sleeper_init(&sleeper, -1);
	shard = fanout_shard_create(&(struct shard_options){
		.config = &config,
		.counters = &counters,
		.slots = plan.slots,
		.channel_key = {model_seed, 2},
		.deliveries = &deliveries,
		.departures = &departures,
		.sleeper = &sleeper,
	});
	sent_first = sent_count = events_first = events_count = talk_count = 0;
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		client_reset(&clients[slot]);
		conn_open(shard, slot, handoff_tag(HANDOFF_ADMIT, 0));
		become_open(conn_at(shard, slot));
	}
}

static bool has_work(void)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++)
		if (clients[slot].writable_tag != 0)
			return true;
	return send_has_more(shard) || deliver_has_more(shard) || shard->sends_count > 0 ||
	       events_count > 0;
}

/* Nothing is left to be sent: whoever is still open has read all that was for him. */
static void check_all_read(void)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		const struct client *client = &clients[slot];

		if (conn_at(shard, slot)->state != CONN_OPEN)
			continue;
		CHECK(client->size == 0 && !client->has_close);
		for (uint32_t i = 0; i <= CHANNELS; i++)
			CHECK(client_has_read(&client->expected[i]));
	}
	CHECK(counter_read(&shard->counters->blocked) == 0 && sent_count == 0);
}

/* The world goes on between two turns: it is lively, then all sockets take everything again,
 * then the shard is told to end. */
void uring_wait(struct uring *uring, uint64_t timeout_ns)
{
	struct departure departure;
	static uint32_t waits;

	(void)uring;
	check_cuts();
	while (ring_pop(&departures.ring, &departure))
		;
	is_talk_first = pick(2);
	if (plan.turns > 0) {
		waits = 0;
		for (uint32_t n = pick(4); n > 0; n--)
			add_talk(1 + pick(plan.slots - 1));
		for (uint32_t n = pick(plan.pushes_max); n > 0; n--)
			if (sent_count < TURN_DELIVERIES_MAX / 2) /* else a witness may be late */
				push_notice();
		plan.turns--;
		return;
	}
	plan.short_percent = 0;
	CHECK(++waits < 20000);
	if (shard->is_stopping) {
		for (uint32_t slot = 0; slot < plan.slots; slot++)
			if (conn_at(shard, slot)->state == CONN_CLOSING &&
			    talk_count < TURN_RECEIVES_MAX)
				add_talk(slot);
	} else if (!has_work()) {
		CHECK(timeout_ns > 0);
		check_all_read();
		add_event(ring_tag(RING_OP_STOP, 0), 0);
	}
}

static void end(void)
{
	CHECK(shard->sockets == 0 && shard->channels.count == 1);
	CHECK(counter_read(&shard->counters->subscriptions) == 0);
	CHECK(counter_read(&shard->counters->connections) == 0);
	CHECK(counter_read(&shard->counters->blocked) == 0);
	CHECK(shard->wheel.armed == 0);
	fanout_shard_destroy(shard);
	ring_deinit(&deliveries.ring);
	ring_deinit(&departures.ring);
	for (uint32_t slot = 0; slot < plan.slots; slot++)
		client_reset(&clients[slot]);
}

static void round_of_fanout(void)
{
	plan_round();
	begin();
	shard_run(shard);
	end();
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 150, round_of_fanout);
}
