/* wsbench/mode_xread.c - what reading a stream costs without any broker. */
#include "hiredis/hiredis_shim.h"
#include "wsbench/dial.h"
#include "wsbench/modes.h"
#include "wsbench/stopwatch.h"

#define ID_SIZE 48
#define BLOCK_MS "1000" /* an end of the stream before the last entry shows after so long */

struct reading {
	redisContext *redis;
	const struct options *options;
	char last[ID_SIZE];
	uint64_t entries;
	uint64_t wall_ns, cpu_ns;
};

static bool is_good_reply(const redisReply *reply)
{
	return reply && reply->type != REDIS_REPLY_ERROR;
}

static bool complain(const struct reading *reading, redisReply *reply)
{
	fprintf(stderr, "wsbench: redis: %s\n", reply ? reply->str : reading->redis->errstr);
	freeReplyObject(reply);
	return false;
}

/* Sends a command of words and frees its answer. */
static bool tell(struct reading *reading, const struct slice *words, int count)
{
	const char *texts[3];
	size_t sizes[3];

	for (int i = 0; i < count; i++) {
		texts[i] = (const char *)words[i].bytes;
		sizes[i] = words[i].size;
	}
	redisReply *reply = redisCommandArgv(reading->redis, count, texts, sizes);
	if (!is_good_reply(reply))
		return complain(reading, reply);
	freeReplyObject(reply);
	return true;
}

static bool log_in(struct reading *reading)
{
	struct dial_redis login;

	if (!dial_parse_redis(reading->options->redis, &login))
		return false;
	const struct slice with_user[] = {SLICE("AUTH"), login.user, login.password};
	const struct slice without[] = {SLICE("AUTH"), login.password};
	const struct slice select[] = {SLICE("SELECT"), login.database};

	if (login.password.size > 0 &&
	    !(login.user.size > 0 ? tell(reading, with_user, 3) : tell(reading, without, 2)))
		return false;
	return login.database.size == 0 || tell(reading, select, 2);
}

static bool open_redis(struct reading *reading)
{
	int fd = dial_url(reading->options->redis, 6379);

	if (fd < 0) {
		perror("wsbench: redis");
		return false;
	}
	reading->redis = redisConnectFd(fd);
	return reading->redis && log_in(reading);
}

/* Takes one reply: [[key, [[id, fields], ...]]], or nil. False: the stream has ended. */
static bool take_reply(struct reading *reading, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0)
		return false;
	const redisReply *entries = reply->element[0]->element[1];
	const redisReply *id = entries->element[entries->elements - 1]->element[0];

	snprintf(reading->last, sizeof(reading->last), "%s", id->str);
	reading->entries += entries->elements;
	return true;
}

static bool read_all(struct reading *reading)
{
	const struct options *options = reading->options;
	bool has_more = true;

	while (has_more && reading->entries < options->count) {
		redisReply *reply = redisCommand(
			reading->redis, "XREAD COUNT %llu BLOCK " BLOCK_MS " STREAMS %s %s",
			(unsigned long long)options->batch, options->stream, reading->last);

		if (!is_good_reply(reply))
			return complain(reading, reply);
		has_more = take_reply(reading, reply);
		freeReplyObject(reply);
	}
	return true;
}

static void report_run(struct bench *bench, const struct reading *reading)
{
	struct report *report = &bench->report;
	double seconds = (double)reading->wall_ns / (double)NS_PER_S;
	double entries = (double)reading->entries;

	report_section(report, "xread", "Reading");
	report_count(report, "entries", "entries", reading->entries);
	report_count(report, "batch", "asked for at a time", reading->options->batch);
	report_number(report, "wall_s", "took", (struct report_value){seconds, 3, "s"});
	report_number(report, "entries_per_s", "that is",
		      (struct report_value){seconds > 0 ? entries / seconds : 0, 0, "per second"});
	report_number(report, "cpu_each_us", "CPU per entry",
		      (struct report_value){
			      entries > 0 ? (double)reading->cpu_ns / entries / 1e3 : 0, 3, "us"});
}

int mode_xread(const struct options *options)
{
	static struct bench bench;
	struct reading reading = {.options = options, .last = "0"};

	bench = (struct bench){.options = options};
	bench_report_run(&bench);
	progress_init(&bench.progress, options->progress);
	if (!open_redis(&reading))
		return EXIT_MACHINE;
	uint64_t cpu_ns = stopwatch_thread_cpu_ns(), start_ns = stopwatch_now_ns();
	bool is_good = read_all(&reading);
	reading.wall_ns = stopwatch_now_ns() - start_ns;
	reading.cpu_ns = stopwatch_thread_cpu_ns() - cpu_ns;
	redisFree(reading.redis);
	is_good = is_good && reading.entries >= options->count;
	report_run(&bench, &reading);
	is_good &= bench_print(&bench);
	return is_good ? 0 : EXIT_WRONG;
}
