/* tests/model/presence_model.c - presence of several nodes over a Redis that is made up here. The
 * commands of the nodes interleave at random, replies come late, nodes die, links break. When all
 * is quiet Redis must show who is online and, unless links broke, the last event of each user. */
#include <string.h>

#include "model.h"
#include "presence_fake.h"
#include "router/presence_redis.h"

#define NODES 3
#define IDS 3 /* of a user on a node */
#define TTL_MS 1000u
#define LINGER_MS 100u
#define PATIENCE_MS 20 /* no command and no turn waits longer than that */

static uint64_t now_ms;
static bool is_clean; /* no links break in this round: events are exact */
static bool is_over;  /* nothing breaks any more */

struct call {
	struct call *next;
	struct redis_call *call;
	uint64_t begun_ms;
	bool is_executed;
	struct fake_command command;
};

static struct node {
	bool is_alive;
	struct presence presence;
	struct presence_redis redis;
	struct redis_client client;
	struct call *calls;
	uint64_t turn_ms;
	bool attached[FAKE_USERS][IDS];
	uint64_t since_ms[FAKE_USERS]; /* has some attached; else had some until ... */
	uint64_t until_ms[FAKE_USERS];
} nodes[NODES];

static bool has_attached(const struct node *node, uint32_t user)
{
	bool has = false;

	for (uint32_t id = 0; id < IDS; id++)
		has |= node->attached[user][id];
	return has;
}

/* He was there long enough for all to know, and he still is, or was a moment ago. */
static bool must_be_online(uint32_t user)
{
	for (uint32_t i = 0; i < NODES; i++) {
		const struct node *node = &nodes[i];
		bool has = has_attached(node, user);
		uint64_t until_ms = has ? now_ms : node->until_ms[user];

		if (node->is_alive && node->since_ms[user] > 0 &&
		    until_ms - node->since_ms[user] > 3 * PATIENCE_MS &&
		    now_ms - until_ms < LINGER_MS - 2 * PATIENCE_MS)
			return true;
	}
	return false;
}

/* Before it counts. */
static void on_event(uint32_t user, enum fake_event event)
{
	if (is_clean && event == FAKE_OFFLINE)
		CHECK(fake.last_event[user] == FAKE_ONLINE && !must_be_online(user));
}

/* ---- links ---- */

/* Not strndup: AddressSanitizer of gcc takes it to read one byte more. */
static char *copy_word(struct slice word)
{
	char *copy = malloc(word.size + 1);

	CHECK(copy != NULL);
	if (word.size > 0)
		memcpy(copy, word.bytes, word.size);
	copy[word.size] = '\0';
	return copy;
}

/* Instead of that of log/redis_client.c. */
enum status redis_client_add(struct redis_client *client, const struct slice *words, uint32_t count,
			     struct redis_call *redis_call)
{
	struct node *node = CONTAINER_OF(client, struct node, client);
	struct call **end = &node->calls;
	struct call *call;

	if (!client->is_ready)
		return STATUS_UNAVAILABLE;
	if (!is_clean && !is_over && pick(200) == 0)
		return STATUS_NO_MEMORY;
	call = calloc(1, sizeof(*call));
	CHECK(call && count <= FAKE_WORDS_MAX);
	call->call = redis_call;
	call->begun_ms = now_ms;
	call->command.words_count = count;
	for (uint32_t i = 0; i < count; i++)
		call->command.words[i] = copy_word(words[i]);
	while (*end)
		end = &(*end)->next;
	*end = call;
	client->count++;
	return STATUS_OK;
}

static void execute_next(struct node *node)
{
	struct call *call = node->calls;

	while (call && call->is_executed)
		call = call->next;
	if (!call)
		return;
	call->is_executed = true;
	fake_execute(&call->command, now_ms);
}

static void finish(struct node *node, enum status status)
{
	struct call *call = node->calls;
	struct redis_reply reply = {call->command.values, call->command.values_count};

	node->calls = call->next;
	node->client.count--;
	if (call->call)
		call->call->on_reply(call->call, status, status == STATUS_OK ? &reply : NULL);
	for (uint32_t i = 0; i < call->command.words_count; i++)
		free(call->command.words[i]);
	free(call);
}

static void deliver_next(struct node *node)
{
	if (node->calls && node->calls->is_executed)
		finish(node, STATUS_OK);
}

static void settle(struct node *node)
{
	while (node->calls) {
		execute_next(node);
		deliver_next(node);
	}
}

static void break_link(struct node *node)
{
	for (uint32_t n = pick(20); n > 0; n--)
		execute_next(node);
	node->client.is_ready = false;
	while (node->calls)
		finish(node, STATUS_UNAVAILABLE);
}

/* ---- nodes ---- */

static void start(struct node *node)
{
	static const char names[] = "abc";
	struct presence_options options = {
		.key = {model_seed, 5},
		.linger_ms = LINGER_MS,
		.refresh_ms = TTL_MS / 3,
	};
	struct presence_redis_options redis_options = {
		.presence = &node->presence,
		.client = &node->client,
		.store = {slice_of(names + (node - nodes), 1), TTL_MS, LINGER_MS},
	};

	memset(node, 0, sizeof(*node));
	CHECK(presence_init(&node->presence, &options));
	presence_redis_init(&node->redis, &redis_options);
	node->client.is_ready = true;
	node->is_alive = true;
	node->turn_ms = now_ms;
}

/* Like a power cut; but what is on its way arrives, so that no event is lost. */
static void die(struct node *node)
{
	settle(node);
	presence_redis_deinit(&node->redis);
	presence_deinit(&node->presence);
	memset(node, 0, sizeof(*node));
}

static void turn(struct node *node)
{
	if (!node->is_alive)
		return;
	node->turn_ms = now_ms;
	presence_redis_turn(&node->redis, now_ms, now_ms);
}

static void change(struct node *node)
{
	uint32_t user = pick(FAKE_USERS), id = pick(IDS);
	char user_name[] = {'u', (char)('0' + user)};
	char id_name[CONNECTION_ID_SIZE + 1];
	struct presence_arrival arrival = {.user = slice_of(user_name, 2), .since_ms = 1};

	if (!node->is_alive)
		return;
	snprintf(id_name, sizeof(id_name), "node-%u-user-%u-id-%07u", (unsigned)(node - nodes),
		 user, id);
	arrival.connection_id = slice_of(id_name, CONNECTION_ID_SIZE);
	bool had = has_attached(node, user);

	node->attached[user][id] = !node->attached[user][id];
	if (!had)
		node->since_ms[user] = now_ms;
	node->until_ms[user] = now_ms;
	if (node->attached[user][id])
		CHECK(presence_attach(&node->presence, &arrival));
	else
		presence_detach(&node->presence, now_ms, arrival.user, arrival.connection_id);
}

static void pass_time(uint64_t ms)
{
	for (uint32_t i = 0; i < NODES; i++) {
		if (now_ms + ms - nodes[i].turn_ms > PATIENCE_MS)
			turn(&nodes[i]);
		if (nodes[i].calls && now_ms + ms - nodes[i].calls->begun_ms > PATIENCE_MS)
			settle(&nodes[i]);
	}
	now_ms += ms;
}

static void pass_much_time(uint64_t ms)
{
	for (uint64_t until_ms = now_ms + ms; now_ms < until_ms; now_ms += 10) {
		for (uint32_t i = 0; i < NODES; i++) {
			turn(&nodes[i]);
			settle(&nodes[i]);
		}
	}
}

/* ---- what must be ---- */

static uint32_t count_attached(uint32_t user)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < NODES; i++)
		for (uint32_t id = 0; id < IDS; id++)
			count += nodes[i].attached[user][id];
	return count;
}

static void check_user(uint32_t user)
{
	uint32_t attached = count_attached(user), live = 0;

	fake_expire(user, now_ms);
	for (uint32_t i = 0; i < FAKE_MEMBERS_MAX; i++)
		live += fake.presence[user][i].text && fake.presence[user][i].end_ms > now_ms;
	CHECK(live == attached);
	CHECK((fake.online[user].text != NULL) == (attached > 0));
	if (!is_clean)
		return;
	if (attached > 0)
		CHECK(fake.last_event[user] == FAKE_ONLINE);
	else
		CHECK(fake.last_event[user] != FAKE_ONLINE);
}

static void step(void)
{
	struct node *node = &nodes[pick(NODES)];
	uint32_t kind = pick(100);

	if (kind < 6)
		change(node);
	else if (kind < 26)
		turn(node);
	else if (kind < 58)
		execute_next(node);
	else if (kind < 80)
		deliver_next(node);
	else if (kind < 97)
		pass_time(1 + pick(4));
	else if (kind == 97)
		pass_much_time(pick(10) ? pick(2 * LINGER_MS) : pick(3 * TTL_MS));
	else if (kind == 98 && pick(4) == 0 && node->is_alive)
		die(node);
	else if (kind == 98 && !node->is_alive)
		start(node);
	else if (kind == 99 && !is_clean && node->client.is_ready)
		break_link(node);
	else if (kind == 99 && node->is_alive)
		node->client.is_ready = true;
}

static void run_round(void)
{
	uint32_t steps = 200 + pick(3000);

	memset(&fake, 0, sizeof(fake));
	fake.on_event = on_event;
	now_ms = 1000000;
	is_clean = pick(3) > 0;
	is_over = false;
	for (uint32_t i = 0; i < NODES; i++)
		start(&nodes[i]);
	while (steps-- > 0)
		step();
	for (uint32_t i = 0; i < NODES; i++) {
		if (!nodes[i].is_alive)
			start(&nodes[i]);
		nodes[i].client.is_ready = true;
	}
	is_over = true;
	pass_much_time(4 * TTL_MS);
	for (uint32_t user = 0; user < FAKE_USERS; user++)
		check_user(user);
	for (uint32_t i = 0; i < NODES; i++)
		die(&nodes[i]);
	for (uint32_t user = 0; user < FAKE_USERS; user++) {
		now_ms = fake.presence_expiry_ms[user] + 1;
		fake_expire(user, now_ms);
		fake_remove(&fake.online[user]);
	}
}

int main(int argc, char **argv)
{
	return model_run(argc > 1 ? argv[1] : NULL, 2000, run_round);
}
