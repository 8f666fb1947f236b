/* router/redis_append.c - one XADD, or one for each partition. */
#include "router/redis_append.h"

#include <stdio.h>
#include <stdlib.h>

#include "belfry/publication.h"
#include "router/redis_log.h"
#include "router/router_state.h"
#include "wire/partition.h"

#define EVERYWHERE UINT16_MAX /* a field that is no channel */

void redis_append_on_answer(struct router *router, struct publication_item *item,
			    enum status status, struct event_id id, struct slice error)
{
	bool is_first_bad = status != STATUS_OK && (item->outcome == PUBLICATION_PENDING ||
						    item->outcome == PUBLICATION_TAKEN);

	if (status == STATUS_INVALID)
		refusals_note(router, "Redis does not take an entry", error);
	if (status == STATUS_OK && event_id_is_none(item->event_id))
		item->event_id = id;
	if (status == STATUS_OK && item->outcome == PUBLICATION_PENDING)
		item->outcome = PUBLICATION_TAKEN;
	if (is_first_bad) {
		item->outcome =
			status == STATUS_INVALID ? PUBLICATION_REFUSED : PUBLICATION_UNKNOWN;
		snprintf(item->error, sizeof(item->error), "%.*s", (int)error.size,
			 error.size ? (const char *)error.bytes : "");
	}
	if (--item->answers_owed == 0)
		appending_answer(router, item);
}

/* The item's fields, of the channels only those of one partition. `places` NULL: all. */
static enum status add(struct redis_log *redis, struct publication_item *item,
		       const uint16_t *places, uint32_t partition)
{
	struct slice *words = malloc(2 * item->fields_count * sizeof(*words));
	uint32_t count = 0;
	enum status status;

	if (!words)
		return STATUS_NO_MEMORY;
	for (uint32_t i = 0; i < item->fields_count; i++) {
		if (places && places[i] != EVERYWHERE && places[i] != partition)
			continue;
		words[count++] = item->fields[i].name;
		words[count++] = item->fields[i].value;
	}
	struct redis_writer_entry entry = {redis_log_key(redis, partition),
					   redis_log_length_max(redis), words, count};

	if (redis->writer.count == 0)
		redis->heard_ms[LINK_WRITE] = redis->router->now_ms;
	status = redis_writer_add(&redis->writer, &entry, item);
	free(words);
	if (status == STATUS_OK)
		item->answers_owed++;
	return status;
}

/* Where each field goes; returns to how many partitions. */
static uint32_t place(const struct redis_log *redis, const struct publication_item *item,
		      uint16_t *ret_places, bool wanted[PARTITIONS_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < item->fields_count; i++) {
		ret_places[i] = EVERYWHERE;
		if (!slice_equal_text(item->fields[i].name, "to"))
			continue;
		uint32_t partition = redis_log_partition(redis, item->fields[i].value);

		ret_places[i] = (uint16_t)partition;
		count += !wanted[partition];
		wanted[partition] = true;
	}
	return count;
}

/* With the first one taken the others are under way, or the item's outcome says why not. */
static enum status add_parts(struct redis_log *redis, struct publication_item *item,
			     const uint16_t *places, const bool *wanted)
{
	for (uint32_t i = 0; i < redis->partitions.count; i++) {
		enum status status = wanted[i] ? add(redis, item, places, i) : STATUS_OK;

		if (status == STATUS_OK)
			continue;
		if (item->answers_owed == 0)
			return status;
		item->outcome = PUBLICATION_UNKNOWN;
		snprintf(item->error, sizeof(item->error), "out of memory");
		break;
	}
	return STATUS_OK;
}

enum status redis_append_item(struct router *router, struct publication_item *item)
{
	struct redis_log *redis = router->redis;
	bool wanted[PARTITIONS_MAX] = {false};
	enum status status = STATUS_AGAIN;

	item->answers_owed = 0;
	item->event_id = (struct event_id){0, 0};
	if (redis->partitions.count == 1)
		return add(redis, item, NULL, 0);
	uint16_t *places = malloc((item->fields_count + 1) * sizeof(*places));

	if (!places)
		return STATUS_NO_MEMORY;
	uint32_t count = place(redis, item, places, wanted);

	if (!redis->writer.is_ready)
		status = STATUS_UNAVAILABLE;
	else if (redis->writer.count + count <= REDIS_WRITER_PENDING_MAX)
		status = add_parts(redis, item, places, wanted);
	free(places);
	return status;
}
