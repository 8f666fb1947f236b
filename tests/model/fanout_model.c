/* tests/model/fanout_model.c - the real turns of a shard, from the lane to the sockets, over a
 * ring that is made up here: sockets take all, a part or nothing. Clients attach, subscribe and
 * unsubscribe; those that do not keep up fall behind and catch up. Each client reads every notice
 * of each of its channels from its LIVE on, in the order of the log and once, whatever happens to
 * it between, and nobody is cut. The bytes of a send are read when it is submitted, as the kernel
 * does. */
#include <errno.h>
#include <string.h>

#include "fanout_client.h"
#include "fanout_crowd.h"
#include "fanout_router.h"
#include "fanout_stubs.h"
#include "lane/lane.h"
#include "model.h"
#include "shard/deliver.h"
#include "shard/send.h"
#include "shard/shard_state.h"

#define SLOTS 400
#define OPS_MAX 4096

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
	uint32_t pushes_max; /* a turn */
	uint32_t join_percent;
	uint32_t talk_max;      /* clients that say something, a turn */
	uint32_t large_percent; /* notices that are longer than most */
	uint32_t turns;         /* lively ones that are left */
	bool is_gentle;         /* less is sent than anybody has room for: nobody may fall */
	bool is_sparse;         /* few of all; at times the shard hears of nothing */
	bool is_ephemeral;      /* nothing else is sent: likewise */
} plan;

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
static uint64_t falls, catch_ups; /* of all rounds: the model is to have seen some */

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

void uring_submit(struct uring *uring)
{
	(void)uring;
	submit_all();
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

/* Nobody is cut by the shard. */
static void check_cuts(void)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		const struct conn *conn = conn_at(shard, slot);

		if (conn->state >= CONN_CLOSING && !clients[slot].has_ended)
			CHECK(conn->reason == CLOSE_GOING_AWAY && shard->is_stopping);
	}
	if (plan.is_gentle || plan.is_ephemeral)
		CHECK(counter_read(&shard->counters->fell_behind) == 0);
}

/* ---- a round ---- */

static uint64_t some_below(uint64_t bound)
{
	return random_below(&model_random, bound);
}

/* Few clients, who change their channels often, so that some are held by nobody at times; few
 * notices, for which there is no room. */
static void plan_sparse(void)
{
	plan.is_sparse = true;
	plan.slots = 8 + pick(20);
	plan.short_percent = 40;
	plan.stuck_max = 1 + pick(60);
	plan.pushes_max = 2 + pick(4);
	plan.talk_max = 2 + pick(20);
	plan.join_percent = pick(20);
	plan.turns = 300;
	plan.large_percent = 90;
}

static void plan_round(void)
{
	plan.slots = pick(8) ? 48 : SLOTS; /* so many that one turn has not room for all */
	plan.short_percent = pick(3) ? pick(40) : pick(3);
	plan.stuck_max = pick(2) ? 4 : 60;
	plan.pushes_max = 1 + pick(40);
	plan.talk_max = pick(2) ? 4 : 40;
	plan.join_percent = pick(3) ? 50 : pick(2) ? 90 : 5;
	plan.is_gentle = pick(4) == 0;
	plan.is_sparse = false;
	plan.is_ephemeral = pick(12) == 0;
	plan.turns = plan.slots == SLOTS ? 60 : 150 + pick(250);
	plan.large_percent = plan.slots == SLOTS ? 60 : 10;
	if (pick(3) == 0)
		plan_sparse();
	config = (struct config){.close_timeout_ms = 60000};
	counters = (struct counters){0};
}

/* With small bounds there are many falls. In a gentle round all that is sent fits. */
static void begin_router(void)
{
	struct router_options options = {
		.shard = shard,
		.deliveries = &deliveries,
		.clients = clients,
		.slots = plan.slots,
		.payload_max = pick(4) ? 1000 + pick(2000) : PAYLOAD_MAX,
		.large_percent = plan.large_percent,
		.ephemeral_percent = plan.is_ephemeral ? 100
				     : pick(2)         ? 0
						       : pick(50),
		.bytes_left = plan.is_gentle        ? 60000
			      : plan.slots == SLOTS ? 2u << 20
						    : 4u << 20,
	};
	uint32_t frame_size_max = options.payload_max + 64;

	shard->tape_size_max = 4 * frame_size_max + pick(60000);
	if (shard->tape_size_max < TAPE_SIZE_MIN)
		shard->tape_size_max = TAPE_SIZE_MIN;
	shard->outbox_size_max = 2 * frame_size_max + pick(pick(2) ? 1000 : 60000);
	if (plan.is_gentle) {
		shard->tape_size_max = 1u << 20;
		shard->outbox_size_max = 1u << 20;
	}
	/* A part is small beside the slack that answers have. */
	options.part_max = 1 + pick(pick(2) ? 1000 : shard->tape_size_max);
	router_begin(&options, some_below);
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
		.connection_key = {model_seed, 3},
		.deliveries = &deliveries,
		.departures = &departures,
		.sleeper = &sleeper,
	});
	events_first = events_count = talk_count = 0;
	begin_router();
	crowd_begin(&(struct crowd_options){shard, clients, plan.slots, plan.join_percent,
					    plan.is_gentle},
		    some_below);
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		client_reset(&clients[slot]);
		conn_open(shard, slot, handoff_tag(HANDOFF_ADMIT, 0));
		crowd_attach(conn_at(shard, slot));
	}
}

static bool has_work(void)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++)
		if (clients[slot].writable_tag != 0)
			return true;
	return send_has_more(shard) || deliver_has_more(shard) || shard->sends_count > 0 ||
	       events_count > 0 || router_has_work();
}

/* Nothing is left to be sent: whoever is open is live and has read all that was for him. */
static void check_all_read(void)
{
	for (uint32_t slot = 0; slot < plan.slots; slot++) {
		const struct client *client = &clients[slot];

		if (conn_at(shard, slot)->state != CONN_OPEN)
			continue;
		CHECK(client->size == 0 && !client->has_close);
		CHECK(conn_is_live(conn_at(shard, slot)) && client_has_read(client));
	}
	CHECK(counter_read(&shard->counters->blocked) == 0 && router_waiting() == 0);
	CHECK(counter_read(&shard->counters->behind) == 0);
	falls += counter_read(&shard->counters->fell_behind);
	catch_ups += counter_read(&shard->counters->caught_up);
}

static void be_lively(void)
{
	bool is_quiet = plan.is_sparse && plan.turns / 16 % 2 == 0;

	for (uint32_t n = pick(plan.talk_max); n > 0; n--)
		add_talk(1 + pick(plan.slots - 1));
	for (uint32_t n = pick(plan.pushes_max); n > 0; n--)
		if (router_waiting() < TURN_DELIVERIES_MAX / 2) /* else a witness may be late */
			router_push_notice(is_quiet);
	plan.turns--;
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
	router_work(plan.turns > 0);
	if (plan.turns > 0) {
		waits = 0;
		be_lively();
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
	CHECK(shard->sockets == 0 && shard->channels.count == ENCODING_COUNT);
	CHECK(counter_read(&shard->counters->subscriptions) == 0);
	CHECK(counter_read(&shard->counters->connections) == 0);
	CHECK(counter_read(&shard->counters->blocked) == 0);
	CHECK(counter_read(&shard->counters->behind) == 0);
	CHECK(shard->wheel.armed == 0);
	router_work(false);
	CHECK(!router_has_work());
	router_end();
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
	int status = model_run(argc > 1 ? argv[1] : NULL, 300, round_of_fanout);

	CHECK(argc > 1 || getenv("MODEL_SEED") || (falls > 100 && catch_ups > 50));
	return status;
}
