/* tests/sim/sim.c - the real router and real shards in one thread, over what is made up. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "belfry/counters.h"
#include "belfry/ring_tag.h"
#include "broker/config.h"
#include "broker/lanes.h"
#include "router/router.h"
#include "router/router_state.h"
#include "shard/deliver.h"
#include "shard/shard.h"
#include "shard/shard_state.h"
#include "sim_client.h"
#include "sim_fiber.h"
#include "sim_log.h"
#include "sim_uring.h"

#define SHARDS 3u
#define CLIENTS 24u
#define SLOTS 32u
#define ROUNDS 5000u

static struct config base_config;

struct sim {
	struct config config;
	struct counters *counters;
	struct lanes lanes;
	struct shard *shards[SHARDS];
	struct router *router;
	uint32_t shards_count, clients_count;
	struct client_world world;
	struct client clients[CLIENTS];
};

static uint64_t seed;
static uint64_t fell_behind, caught_up;

static void on_abort(int signal_number)
{
	(void)signal_number;
	fprintf(stderr, "sim: failed with seed %" PRIu64 "\n", seed);
}

/* ---- making a node ---- */

static void read_config(void)
{
	static char *words[] = {
		(char *)"sim",         (char *)"--auth=none",       (char *)"--redis=",
		(char *)"--admin=off", (char *)"--subscribe=*=any", (char *)"--log-level=error"};
	static char *nothing[] = {NULL};
	struct config_report report = {0};
	enum config_outcome outcome =
		config_load(&base_config, ARRAY_SIZE(words), words, nothing, &report);

	config_report_print(&report, stderr);
	ASSERT(outcome == CONFIG_RUN);
	config_report_deinit(&report);
}

static void vary_config(struct sim *sim)
{
	struct config *config = &sim->config;

	sim->world.is_roomy = sim_chance(50);
	config->max_message_size = sim_chance(50) ? 1024 : 8192;
	config->max_outbox_bytes = 1024; /* the shard makes it two of the largest frames */
	config->heartbeat_interval_ms = sim_chance(50) ? 1000 : 30000;
	config->heartbeat_timeout_ms = 60000;
	config->slow_deadline_ms = sim_chance(30) ? 1000 : 30000;
	config->presence = sim_chance(30);
	if (sim->world.is_roomy)
		return;
	config->history_memory = 2048u << sim_pick(6);
	config->retention_entries = 4u << sim_pick(7);
	config->retention_ms = sim_chance(30) ? 1000 : 60000;
	config->replay_limit = sim_chance(30) ? 1 + sim_pick(40) : 100000;
	config->dedupe_window_ms = sim_chance(50) ? 100 : 600000;
}

static void create_shards(struct sim *sim, struct hash_key channel_key,
			  struct hash_key connection_key)
{
	char reason[512];

	for (uint32_t i = 0; i < sim->shards_count; i++) {
		struct shard_options options = {
			.config = &sim->config,
			.counters = sim->counters,
			.index = i,
			.slots = SLOTS,
			.channel_key = channel_key,
			.connection_key = connection_key,
			.deliveries = &sim->lanes.deliveries[i],
			.receipts = &sim->lanes.receipts[i],
			.departures = &sim->lanes.departures[i],
			.sleeper = &sim->lanes.shard_sleepers[i],
			.rates = &sim->lanes.rates,
		};
		enum status status =
			shard_create(&options, &sim->shards[i], reason, sizeof(reason));

		ASSERT(status == STATUS_OK && shard_ring_fd(sim->shards[i]) == (int)i);
		sleeper_init(options.sleeper, (int)i);
		sim_fiber_create(i, shard_run, sim->shards[i]);
	}
}

static void create_node(struct sim *sim)
{
	struct hash_key channel_key, connection_key;
	char reason[512];
	enum status status = lanes_init(&sim->lanes, sim->shards_count);

	ASSERT(status == STATUS_OK);
	sim->counters->shards_count = sim->shards_count;
	random_secret(&channel_key, sizeof(channel_key));
	random_secret(&connection_key, sizeof(connection_key));
	create_shards(sim, channel_key, connection_key);
	struct router_options options = {
		.config = &sim->config,
		.counters = &sim->counters->router,
		.channel_key = channel_key,
		.connection_key = connection_key,
		.shards_count = sim->shards_count,
		.deliveries = sim->lanes.deliveries,
		.receipts = sim->lanes.receipts,
		.publications = &sim->lanes.publications,
		.outcomes = &sim->lanes.outcomes,
		.queries = &sim->lanes.queries,
		.answers = &sim->lanes.answers,
		.sleeper = &sim->lanes.router_sleeper,
	};

	status = router_create(&options, &sim->router, reason, sizeof(reason));
	ASSERT(status == STATUS_OK);
	sleeper_init(options.sleeper, (int)sim->shards_count);
	sleeper_init(&sim->lanes.admin_sleeper, -1);
	sim_fiber_create(sim->shards_count, router_run, sim->router);
	sim->world.router = sim->router;
	sim->world.shards = sim->shards_count;
}

/* ---- running it ---- */

/* Lets a thread run if it is awake. */
static bool run_thread(struct sim *sim, uint32_t index)
{
	if (!sim_ring_is_awake(index) || !sim_fiber_resume(index))
		return false;
	if (index == sim->shards_count)
		sim_log_learn();
	return true;
}

static void step(struct sim *sim)
{
	uint32_t what = sim_pick(100);

	if (what < 55)
		run_thread(sim, sim_pick(sim->shards_count + 1));
	else if (what < 88)
		client_act(&sim->clients[sim_pick(sim->clients_count)]);
	else if (what < 92)
		sim_log_publish();
	else
		sim_pass(sim_chance(95) ? sim_pick(2000000) : sim_pick(400000000));
}

/* All threads and all clients, until nothing moves. Then the time of the next who wakes. */
static void settle(struct sim *sim)
{
	uint64_t wake_ns = UINT64_MAX;
	bool has_moved = true;

	for (uint32_t n = 0; has_moved; n++) {
		has_moved = false;
		ASSERT(n < 100000);
		for (uint32_t i = 0; i <= sim->shards_count; i++)
			has_moved |= run_thread(sim, i);
		for (uint32_t i = 0; i < sim->clients_count; i++)
			has_moved |= client_pump(&sim->clients[i]);
	}
	for (uint32_t i = 0; i <= sim->shards_count; i++)
		if (sim_ring_wake_ns(i) > sim_now_ns() && sim_ring_wake_ns(i) < wake_ns)
			wake_ns = sim_ring_wake_ns(i);
	sim_pass(wake_ns == UINT64_MAX ? 1000000 : wake_ns - sim_now_ns());
}

static void settle_for(struct sim *sim, uint64_t ms)
{
	uint64_t until_ns = sim_now_ns() + ms * 1000000;

	while (sim_now_ns() < until_ns)
		settle(sim);
}

/* ---- its end ---- */

/* Whoever went away comes back, and everybody gets all. */
static void complete(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->clients_count; i++)
		if (sim->clients[i].state == CLIENT_AWAY)
			client_connect(&sim->clients[i], sim_chance(80));
	settle_for(sim, 1200);
	ASSERT(sim_log_is_settled());
	for (uint32_t i = 0; i < sim->clients_count; i++)
		if (sim->clients[i].state == CLIENT_OPEN)
			client_check_complete(&sim->clients[i]);
}

static bool is_empty(struct lane *lane)
{
	return ring_peek(&lane->ring) == NULL;
}

/* Positions are told to shards that have ended, too, and answers to clients that have gone. */
static bool has_late_ones_only(struct lane *lane)
{
	struct delivery delivery;

	while (ring_pop(&lane->ring, &delivery)) {
		if (delivery.type != DELIVERY_POSITION && delivery.type != DELIVERY_ANSWER)
			return false;
		deliver_free(&delivery);
	}
	return true;
}

static void check_shard(struct sim *sim, uint32_t index)
{
	const struct shard *shard = sim->shards[index];
	struct shard_counters *counters = shard->counters;

	ASSERT(shard->sockets == 0 && shard->waiting_count == 0 && shard->held_count == 0);
	ASSERT(counter_read(&counters->behind) == 0 && counter_read(&counters->connections) == 0);
	ASSERT(is_empty(&sim->lanes.receipts[index]));
	ASSERT(has_late_ones_only(&sim->lanes.deliveries[index]));
	fell_behind += counter_read(&counters->fell_behind);
	caught_up += counter_read(&counters->caught_up);
	for (uint32_t i = 0; i < SLOTS; i++) {
		ASSERT(shard->conns[i].state == CONN_FREE && !shard->conns[i].outbox);
		ASSERT(shard->falls[i].channels_count == 0);
	}
}

static void stop(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->shards_count; i++)
		sim_ring_post(i, ring_tag(RING_OP_STOP, 0), 0);
	for (uint32_t n = 0; n < 20000; n++) {
		bool is_running = false;

		settle(sim);
		for (uint32_t i = 0; i < sim->shards_count; i++)
			is_running |= sim->shards[i]->sockets > 0;
		if (!is_running)
			break;
	}
	settle_for(sim, 100);
	for (uint32_t i = 0; i < sim->shards_count; i++)
		check_shard(sim, i);
	const struct router *router = sim->router;

	ASSERT(router->sessions.count == 0 && router->interests.count == 0);
	ASSERT(router->ready.count == 0 && router->parked.count == 0);
	ASSERT(router->answers.count == 0 && !router->publication && !router->listings);
	sim_ring_post(sim->shards_count, ring_tag(RING_OP_STOP, 0), 0);
	while (run_thread(sim, sim->shards_count))
		continue;
	ASSERT(sim_log_is_settled());
}

static void destroy_node(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->clients_count; i++)
		client_end(&sim->clients[i]);
	sim_log_end();
	for (uint32_t i = 0; i < sim->shards_count; i++)
		shard_destroy(sim->shards[i]);
	router_destroy(sim->router);
	lanes_deinit(&sim->lanes);
}

/* ---- rounds ---- */

static void make_clients(struct sim *sim)
{
	bool is_crowd = sim_chance(30); /* enough of them for tapes */

	sim->shards_count = is_crowd ? 1 : 1 + sim_pick(SHARDS);
	sim->clients_count = is_crowd ? CLIENTS : 1 + sim_pick(10);
	sim->world.has_positions = sim_chance(50);
	for (uint32_t i = 0; i < sim->clients_count; i++) {
		struct client *client = &sim->clients[i];

		client->user = sim_pick(SIM_USERS);
		client->greed = 1 + sim_pick(4096);
		if (sim_chance(70))
			snprintf(client->device, sizeof(client->device), "d%u", i);
	}
}

static void round_of(struct sim *sim)
{
	struct sim_weather weather = {
		.short_percent = sim_pick(30),
		.rearm_percent = sim_pick(30),
		.buffer_size = 512u << sim_pick(7),
		.yields = sim_chance(50),
	};
	struct sim_habits habits = {
		.large_percent = sim_pick(100),
		.key_percent = sim_chance(30) ? 50 : 0,
		.id_percent = sim_chance(30) ? 50 : 0,
		.ttl_percent = sim_chance(30) ? 20 : 0,
		.many_percent = sim_pick(80),
		.entries_max = sim_chance(10) ? SIM_ENTRIES : 100,
	};
	uint32_t steps = 200 + sim_pick(1200);

	sim->config = base_config;
	make_clients(sim);
	vary_config(sim);
	habits.size_max = sim->config.max_message_size - 128;
	sim_uring_begin(&weather);
	create_node(sim);
	sim_log_begin(&sim->lanes, sim->shards_count, &habits);
	client_begin(&sim->world);
	for (uint32_t i = 0; i < steps; i++)
		step(sim);
	complete(sim);
	stop(sim);
	destroy_node(sim);
}

static void run_seed(void)
{
	static struct sim sim;
	static struct counters counters;

	memset(&sim, 0, sizeof(sim));
	memset(&counters, 0, sizeof(counters));
	sim.counters = &counters;
	sim_begin(seed);
	round_of(&sim);
}

static uint64_t number_of(const char *text, uint64_t fallback)
{
	return text ? strtoull(text, NULL, 10) : fallback;
}

/* sim [SEED]; without: SIM_SEED, or SIM_ROUNDS of them from SIM_FIRST on. SIM_TRACE shows what
 * clients receive. A seed repeats in builds of one kind: where history_memory is small, what is
 * kept depends on the allocator. */
int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : getenv("SIM_SEED");
	uint64_t first = number_of(getenv("SIM_FIRST"), 1);
	uint64_t rounds = number_of(getenv("SIM_ROUNDS"), ROUNDS);

	if (only) {
		first = number_of(only, 1);
		rounds = 1;
	}
	signal(SIGABRT, on_abort);
	read_config();
	for (seed = first; seed < first + rounds; seed++)
		run_seed();
	config_deinit(&base_config);
	printf("sim: %" PRIu64 " rounds, %" PRIu64 " connections, %" PRIu64 " came back (%" PRIu64
	       " not recovered), %" PRIu64 " notices, %" PRIu64 " replayed, %" PRIu64
	       " subscribes, %" PRIu64 " positions, %" PRIu64 " fell behind, %" PRIu64
	       " caught up, %" PRIu64 " slow\n",
	       rounds, client_tally.connections, client_tally.resumed, client_tally.lost,
	       client_tally.notices, client_tally.replayed, client_tally.subscribes,
	       client_tally.positions, fell_behind, caught_up, client_tally.slow);
	return 0;
}
