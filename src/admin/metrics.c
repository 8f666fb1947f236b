/* admin/metrics.c - families from the counter tables. */
#include "admin/metrics.h"

#include <stddef.h>
#include <string.h>

#define LINE_MAX_BYTES 96
#define HEAD_MAX_BYTES 256

/* One family: a row of a counter table. */
struct family {
	const char *name;
	const char *kind; /* "counter" or "gauge" */
	const char *help;
	size_t offset; /* of the counter in its struct */
};

static const struct family shard_families[] = {
#define X(name, kind, help) {#name, #kind, help, offsetof(struct shard_counters, name)},
	SHARD_COUNTER_TABLE(X)
#undef X
};
static const struct family router_families[] = {
#define X(name, kind, help) {#name, #kind, help, offsetof(struct router_counters, name)},
	ROUTER_COUNTER_TABLE(X)
#undef X
};
static const struct family acceptor_families[] = {
#define X(name, kind, help) {#name, #kind, help, offsetof(struct acceptor_counters, name)},
	ACCEPTOR_COUNTER_TABLE(X)
#undef X
};
static const struct family admin_families[] = {
#define X(name, kind, help) {#name, #kind, help, offsetof(struct admin_counters, name)},
	ADMIN_COUNTER_TABLE(X)
#undef X
};
static const char *const close_labels[] = {
#define X(name, code, text, label) label,
	CLOSE_REASON_TABLE(X)
#undef X
};

size_t metrics_size_max(const struct counters *counters)
{
	size_t rows = ARRAY_SIZE(shard_families) + CLOSE_REASON_COUNT;

	return (rows + ARRAY_SIZE(router_families) + ARRAY_SIZE(acceptor_families) +
		ARRAY_SIZE(admin_families) + 2) *
		       (HEAD_MAX_BYTES + LINE_MAX_BYTES) +
	       rows * counters->shards_count * LINE_MAX_BYTES;
}

static uint64_t value_at(const void *owner, size_t offset)
{
	return counter_read((const struct counter *)((const char *)owner + offset));
}

static void write_head(struct writer *writer, const char *prefix, const struct family *family)
{
	writer_format(writer, "# TYPE belfry_%s%s %s\n# HELP belfry_%s%s %s.\n", prefix,
		      family->name, family->kind, prefix, family->name, family->help);
}

static const char *suffix(const struct family *family)
{
	return strcmp(family->kind, "counter") == 0 ? "_total" : "";
}

static void write_shard_family(struct writer *writer, const struct counters *counters,
			       const struct family *family)
{
	write_head(writer, "", family);
	for (uint32_t i = 0; i < counters->shards_count; i++)
		writer_format(writer, "belfry_%s%s{shard=\"%u\"} %lu\n", family->name,
			      suffix(family), i, value_at(&counters->shards[i], family->offset));
}

static void write_closed(struct writer *writer, const struct counters *counters)
{
	writer_text(writer, "# TYPE belfry_closed counter\n"
			    "# HELP belfry_closed Connections that ended, by reason.\n");
	for (uint32_t i = 0; i < counters->shards_count; i++)
		for (uint32_t reason = 0; reason < CLOSE_REASON_COUNT; reason++)
			writer_format(writer,
				      "belfry_closed_total{shard=\"%u\",reason=\"%s\"} %lu\n", i,
				      close_labels[reason],
				      counter_read(&counters->shards[i].closed[reason]));
}

static void write_single(struct writer *writer, const char *prefix, const struct family *family,
			 const void *owner)
{
	write_head(writer, prefix, family);
	writer_format(writer, "belfry_%s%s%s %lu\n", prefix, family->name, suffix(family),
		      value_at(owner, family->offset));
}

void metrics_write(struct writer *writer, const struct counters *counters)
{
	for (size_t i = 0; i < ARRAY_SIZE(shard_families); i++)
		write_shard_family(writer, counters, &shard_families[i]);
	write_closed(writer, counters);
	for (size_t i = 0; i < ARRAY_SIZE(router_families); i++)
		write_single(writer, "router_", &router_families[i], &counters->router);
	for (size_t i = 0; i < ARRAY_SIZE(acceptor_families); i++)
		write_single(writer, "acceptor_", &acceptor_families[i], &counters->acceptor);
	for (size_t i = 0; i < ARRAY_SIZE(admin_families); i++)
		write_single(writer, "admin_", &admin_families[i], &counters->admin);
	writer_format(writer,
		      "# TYPE belfry_start_time_seconds gauge\n"
		      "# HELP belfry_start_time_seconds Unix time at which the process began.\n"
		      "belfry_start_time_seconds %lu\n",
		      counters->started_ms / 1000);
	writer_text(writer, "# EOF\n");
}
