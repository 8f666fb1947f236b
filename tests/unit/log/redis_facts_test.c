/* tests/unit/log/redis_facts_test.c - XINFO STREAM and INFO of several servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "log/redis_facts.h"
#include "redis_feed.h"

struct reading {
	struct redis_call call;
	enum status (*read)(struct redis_facts *facts, const struct redis_reply *reply);
	enum status status;
	struct redis_facts facts;
};

static void on_reply(struct redis_call *call, enum status status, const struct redis_reply *reply)
{
	struct reading *reading = CONTAINER_OF(call, struct reading, call);

	assert_int_equal(status, STATUS_OK);
	reading->status = reading->read(&reading->facts, reply);
}

/* ---- the stream ---- */

/* The facts as text: "length added first last max_deleted", - for what is not told. */
static void write_stream(const struct redis_facts *facts, char *out, size_t size)
{
	char added[24] = "-";

	if (facts->has_entries_added)
		snprintf(added, sizeof(added), "%lu", facts->entries_added);
	snprintf(out, size, "%s %lu %s %lu-%lu%s %lu-%lu %lu-%lu",
		 facts->stream_exists ? "there" : "none", facts->length, added, facts->first_id.ms,
		 facts->first_id.sequence, facts->has_recorded_first ? "" : "?", facts->last_id.ms,
		 facts->last_id.sequence, facts->max_deleted_id.ms, facts->max_deleted_id.sequence);
}

/* `expected` NULL: that is no answer to XINFO STREAM. */
static void check_stream(const char *reply, const char *expected)
{
	struct slice bytes = slice_of_text(reply);
	char found[256];

	for (size_t way = 0; way <= bytes.size; way++) {
		struct reading reading = {.call = {on_reply}, .read = redis_facts_read_stream};

		reading.facts.maxmemory = 5;
		reading.facts.length = 77;
		reading.facts.has_recorded_first = true;
		assert_int_equal(reply_in_way(bytes, way, &reading.call), STATUS_OK);
		assert_int_equal(reading.status, expected ? STATUS_OK : STATUS_INVALID);
		assert_int_equal(reading.facts.maxmemory, 5);
		if (!expected) {
			assert_int_equal(reading.facts.length, 77);
			continue;
		}
		write_stream(&reading.facts, found, sizeof(found));
		assert_string_equal(found, expected);
	}
}

#define TREE "+radix-tree-keys\r\n:1\r\n+radix-tree-nodes\r\n:2\r\n"
#define ENTRY(id) "*2\r\n+" id "\r\n*2\r\n$6\r\nlength\r\n$2\r\n99\r\n"
#define TAIL_OF_7                                                    \
	"+max-deleted-entry-id\r\n+7-7\r\n+entries-added\r\n:60\r\n" \
	"+recorded-first-entry-id\r\n+30-1\r\n"

static void facts_of_the_stream(void **state)
{
	(void)state;
	/* 6.2 */
	check_stream(
		"*14\r\n+length\r\n:2\r\n" TREE "+last-generated-id\r\n+40-2\r\n"
		"+groups\r\n:0\r\n+first-entry\r\n" ENTRY("30-1") "+last-entry\r\n" ENTRY("40-2"),
		"there 2 - 30-1? 40-2 0-0");
	check_stream("*14\r\n+length\r\n:0\r\n" TREE "+last-generated-id\r\n+40-2\r\n"
		     "+groups\r\n:0\r\n+first-entry\r\n$-1\r\n+last-entry\r\n$-1\r\n",
		     "there 0 - 0-0? 40-2 0-0");
	/* 7.0 */
	check_stream(
		"*20\r\n+length\r\n:2\r\n" TREE "+last-generated-id\r\n+40-2\r\n" TAIL_OF_7
		"+groups\r\n:0\r\n+first-entry\r\n" ENTRY("35-0") "+last-entry\r\n" ENTRY("40-2"),
		"there 2 60 30-1 40-2 7-7");
	/* any order, unknown names, nested and odd values */
	check_stream("*18\r\n+first-entry\r\n" ENTRY("35-0") TAIL_OF_7
		     "+new\r\n*2\r\n+length\r\n:5\r\n+x\r\n*0\r\n:5\r\n:6\r\n+length\r\n:3\r\n"
		     "+last-generated-id\r\n+9-0\r\n",
		     "there 3 60 30-1 9-0 7-7");
	/* values of a wrong type, a name without a value */
	check_stream("*13\r\n+length\r\n+2\r\n+entries-added\r\n$-1\r\n"
		     "+last-generated-id\r\n+soon\r\n+recorded-first-entry-id\r\n:1\r\n"
		     "+first-entry\r\n*0\r\n+max-deleted-entry-id\r\n*1\r\n+1-1\r\n+length\r\n",
		     "there 0 - 0-0? 0-0 0-0");
}

static void no_stream(void **state)
{
	(void)state;
	check_stream("-ERR no such key\r\n", "none 0 - 0-0? 0-0 0-0");
	check_stream("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n",
		     NULL);
	check_stream("-LOADING Redis is loading the dataset in memory\r\n", NULL);
	check_stream("+OK\r\n", NULL);
	check_stream("$-1\r\n", NULL);
	check_stream("*0\r\n", NULL);
}

/* ---- the server ---- */

static void write_server(const struct redis_facts *facts, char *out, size_t size)
{
	snprintf(out, size, "%s %06x %s%s%s %s %lu", facts->product, facts->version,
		 facts->is_master ? "master" : "replica", facts->is_loading ? " loading" : "",
		 facts->evicts ? " evicts" : "", facts->replid[0] ? facts->replid : "-",
		 facts->maxmemory);
}

static void check_server(const char *info, const char *expected)
{
	struct reading reading = {.call = {on_reply}, .read = redis_facts_read_server};
	size_t size = strlen(info);
	char *reply = malloc(size + 32);
	char found[256];
	int reply_size = snprintf(reply, size + 32, "$%zu\r\n%s\r\n", size, info);

	reading.facts.length = 77;
	assert_int_equal(reply_in_way(slice_of(reply, (size_t)reply_size), 9, &reading.call),
			 STATUS_OK);
	assert_int_equal(reading.status, STATUS_OK);
	assert_int_equal(reading.facts.length, 77);
	write_server(&reading.facts, found, sizeof(found));
	assert_string_equal(found, expected);
	free(reply);
}

#define REPLID "04fdc159dc496d61108b89de30b344ac499807e1"

static void facts_of_the_server(void **state)
{
	(void)state;
	check_server("# Server\r\nredis_version:7.0.15\r\nredis_git_sha1:00000000\r\n"
		     "redis_mode:standalone\r\nos:Linux 6.1.0 x86_64\r\n\r\n# Memory\r\n"
		     "used_memory:1\r\nmaxmemory:104857600\r\nmaxmemory_human:100.00M\r\n"
		     "maxmemory_policy:allkeys-lru\r\n\r\n# Persistence\r\nloading:0\r\n"
		     "async_loading:0\r\n\r\n# Replication\r\nrole:master\r\n"
		     "connected_slaves:0\r\nmaster_replid:" REPLID "\r\n"
		     "master_replid2:0000000000000000000000000000000000000000\r\n",
		     "Redis 7.0.15 07000f master evicts " REPLID " 104857600");
	check_server("redis_version:6.2.14\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n"
		     "loading:1\r\nrole:slave\r\nmaster_replid:" REPLID "\r\n",
		     "Redis 6.2.14 06020e replica loading " REPLID " 0");
	check_server("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n"
		     "valkey_release_stage:ga\r\nrole:master\r\n",
		     "Valkey 8.0.1 070204 master - 0");
	check_server("redis_version:8.2.0\r\nrole:master", "Redis 8.2.0 080200 master - 0");
	check_server("redis_version:7.9.240\r\nrole:master\n", "Redis 7.9.240 0709f0 master - 0");
	check_server("redis_version:255.255.255\r\n", "Redis 255.255.255 ffffff replica - 0");
	check_server("redis_version:8.0-rc1\r\n", "Redis 8.0-rc1 080000 replica - 0");
}

static void strange_texts(void **state)
{
	(void)state;
	check_server("", " 000000 replica - 0");
	check_server("\r\n\r\n:\r\n::\r\nrole\r\n# role:master\r\n", " 000000 replica - 0");
	check_server("redis_version:\r\nmaxmemory:-1\r\nloading:yes\r\nmaster_replid:\r\n",
		     "Redis  000000 replica - 0");
	check_server("redis_version:1.2.3.4.5 and a lot behind it\r\n",
		     "Redis 1.2.3.4.5 and a lot  010203 replica - 0");
	check_server("master_replid:" REPLID "f\r\nmaxmemory:99999999999999999999\r\n",
		     " 000000 replica - 0");
	check_server("role:master\r\nrole:slave\r\n", " 000000 replica - 0");
}

static void check_no_info(const char *reply)
{
	struct slice bytes = slice_of_text(reply);

	for (size_t way = 0; way <= bytes.size; way++) {
		struct reading reading = {.call = {on_reply}, .read = redis_facts_read_server};

		reading.facts.is_master = true;
		assert_int_equal(reply_in_way(bytes, way, &reading.call), STATUS_OK);
		assert_int_equal(reading.status, STATUS_INVALID);
		assert_true(reading.facts.is_master);
	}
}

static void no_info(void **state)
{
	(void)state;
	check_no_info("-NOPERM this user has no permissions to run the 'info' command\r\n");
	check_no_info("$-1\r\n");
	check_no_info("*1\r\n+role:slave\r\n");
}

/* Redis 6.2 gives a section at a time: what one of them does not tell stays. */
static void sections_add_up(void **state)
{
	struct reading reading = {.call = {on_reply}, .read = redis_facts_read_server};
	char found[256];

	(void)state;
	assert_int_equal(reply_in_way(SLICE("+redis_version:6.2.0\r\n"), 1, &reading.call),
			 STATUS_OK);
	assert_int_equal(reply_in_way(SLICE("+role:master\r\n"), 1, &reading.call), STATUS_OK);
	assert_int_equal(reply_in_way(SLICE("+loading:1\r\n"), 1, &reading.call), STATUS_OK);
	write_server(&reading.facts, found, sizeof(found));
	assert_string_equal(found, "Redis 6.2.0 060200 master loading - 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_of_the_stream),
		cmocka_unit_test(no_stream),
		cmocka_unit_test(facts_of_the_server),
		cmocka_unit_test(strange_texts),
		cmocka_unit_test(no_info),
		cmocka_unit_test(sections_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
