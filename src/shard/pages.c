/* shard/pages.c - JSON from the counters, and one page of HTML. */
#include "shard/pages.h"

#include "shard/demo_page.h"
#include "shard/shard_state.h"
#include "wire/event_id.h"
#include "wire/http_answer.h"

#define NO_STORE "Cache-Control: no-store\r\n"
#define PAGE_SIZE_BASE 1024 /* bytes of the larger JSON page ... */
#define PAGE_SIZE_SHARD 256 /* ... and of each shard in it */

/* The page's script opens one WebSocket to where it came from, and loads nothing. */
#define DEMO_POLICY                                                                                \
	"Cache-Control: no-store\r\n"                                                              \
	"Content-Security-Policy: default-src 'none'; script-src 'unsafe-inline'; "                \
	"style-src 'unsafe-inline'; img-src data:; connect-src 'self' ws: wss:; base-uri 'none'; " \
	"form-action 'none'; frame-ancestors 'none'\r\n"                                           \
	"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"

bool pages_has(const struct shard *shard, struct slice path)
{
	return slice_equal_text(path, "/ws/health") || slice_equal_text(path, "/ws/stats") ||
	       (shard->config->demo && slice_equal_text(path, "/"));
}

static uint64_t sum_connections(const struct counters *counters)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < counters->shards_count; i++)
		sum += counter_read(&counters->shards[i].connections);
	return sum;
}

static uint64_t sum_blocked(const struct counters *counters)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < counters->shards_count; i++)
		sum += counter_read(&counters->shards[i].blocked);
	return sum;
}

static bool is_log_connected(const struct counters *counters)
{
	return counter_read(&counters->router.log_connected) != 0;
}

static void write_health(const struct shard *shard, struct writer *writer)
{
	const struct counters *counters = shard->all_counters;
	uint64_t total = sum_connections(counters);
	uint64_t dead = sum_blocked(counters);
	bool uses_redis = shard->config->redis_server.on;
	bool connected = is_log_connected(counters);

	writer_format(writer, "{\"status\":\"%s\",\"timestamp\":\"",
		      connected ? "healthy" : "degraded");
	event_id_write_time(writer, shard->unix_ms);
	writer_format(writer,
		      "\",\"connections\":{\"total\":%lu,\"local\":%lu,\"alive\":%lu,"
		      "\"dead\":%lu},",
		      total, total, total - (dead < total ? dead : total), dead);
	writer_format(writer,
		      "\"log\":\"%s\",\"redis\":{\"connected\":%s,\"pubsub_connected\":%s}}",
		      uses_redis ? "redis" : "embedded", uses_redis && connected ? "true" : "false",
		      counter_read(&counters->router.pubsub_connected) ? "true" : "false");
}

static void write_shard(const struct shard_counters *shard, uint32_t index, struct writer *writer)
{
	writer_format(writer,
		      "%s{\"shard\":%u,\"connections\":%lu,\"subscriptions\":%lu,"
		      "\"deliveries\":%lu,\"blocked\":%lu,\"bytes_out\":%lu,\"lane_depth\":%lu}",
		      index ? "," : "", index, counter_read(&shard->connections),
		      counter_read(&shard->subscriptions), counter_read(&shard->deliveries),
		      counter_read(&shard->blocked), counter_read(&shard->bytes_out),
		      counter_read(&shard->lane_depth));
}

static void write_stats(const struct shard *shard, struct writer *writer)
{
	const struct counters *counters = shard->all_counters;

	writer_format(writer,
		      "{\"total_connections\":%lu,\"connected_users\":%lu,\"status\":\"%s\",",
		      sum_connections(counters), counter_read(&counters->router.users),
		      is_log_connected(counters) ? "operational" : "degraded");
	writer_format(writer, "\"uptime_s\":%lu,\"timestamp\":\"",
		      (shard->unix_ms - counters->started_ms) / 1000);
	event_id_write_time(writer, shard->unix_ms);
	writer_text(writer, "\",\"shards\":[");
	for (uint32_t i = 0; i < counters->shards_count; i++)
		write_shard(&counters->shards[i], i, writer);
	writer_text(writer, "]}");
}

bool pages_answer(struct shard *shard, struct slice path, struct http_answer *ret_answer)
{
	size_t size = PAGE_SIZE_BASE + shard->all_counters->shards_count * PAGE_SIZE_SHARD;
	struct writer writer;
	uint8_t *bytes;

	*ret_answer = (struct http_answer){.status = 200};
	if (slice_equal_text(path, "/")) {
		ret_answer->content_type = "text/html; charset=utf-8";
		ret_answer->extra = DEMO_POLICY;
		ret_answer->body = slice_of(demo_page, demo_page_size);
		return true;
	}
	bytes = arena_take(&shard->arena, size);
	if (!bytes)
		return false;
	writer_init(&writer, bytes, size);
	if (slice_equal_text(path, "/ws/health"))
		write_health(shard, &writer);
	else
		write_stats(shard, &writer);
	ASSERT(!writer.overflow);
	ret_answer->content_type = "application/json";
	ret_answer->extra = NO_STORE;
	ret_answer->body = writer_written(&writer);
	return true;
}
