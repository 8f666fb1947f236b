/* router/appending.c - publications of the HTTP API on their way into the log. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log_line.h"
#include "belfry/publication.h"
#include "log/log_file.h"
#include "router/fold.h"
#include "router/redis_append.h"
#include "router/router_state.h"

enum entry_reason appending_judge(const struct router *router, const struct entry_field *fields,
				  uint32_t fields_count, struct entry *ret_entry)
{
	if (fields_count > ENTRY_FIELDS_MAX)
		return ENTRY_MANY_FIELDS;
	return entry_parse(fields, fields_count, router->config->max_message_size, ret_entry);
}

enum entry_reason appending_check(struct router *router, const struct entry_field *fields,
				  uint32_t fields_count, struct entry *ret_entry)
{
	enum entry_reason reason = appending_judge(router, fields, fields_count, ret_entry);

	if (reason == ENTRY_OK)
		return reason;
	counter_add(&router->counters->dead_letters, 1);
	if (router->now_ms - router->dead_logged_ms[reason] >= 1000) {
		router->dead_logged_ms[reason] = router->now_ms;
		log_line(LOG_WARN, "router", "an entry is dead: %s", entry_reason_text(reason));
	}
	return reason;
}

static void mark_unknown(struct publication *publication, const char *why)
{
	for (uint32_t i = 0; i < publication->items_count; i++) {
		struct publication_item *item = &publication->items[i];

		if (item->outcome != PUBLICATION_TAKEN)
			continue;
		item->outcome = PUBLICATION_UNKNOWN;
		snprintf(item->error, sizeof(item->error), "the log's file cannot be synced: %s",
			 why);
	}
}

/* What is acknowledged is on the disk, where that is asked for: once for each request, whatever
 * became of its last item. */
static void make_safe(struct router *router, struct publication *publication)
{
	if (!router->redis && embedded_log_sync(&router->embedded) != STATUS_OK)
		mark_unknown(publication, log_file_advice(errno));
}

void appending_answer(struct router *router, struct publication_item *item)
{
	struct publication *publication = item->publication;

	ASSERT(item->outcome != PUBLICATION_PENDING);
	if (item->outcome == PUBLICATION_TAKEN)
		counter_add(&router->counters->published, 1);
	if (item->outcome == PUBLICATION_BAD || item->outcome == PUBLICATION_TOO_LARGE)
		counter_add(&router->counters->refused, 1);
	if (++publication->answered < publication->items_count)
		return;
	make_safe(router, publication);
	bool pushed = ring_push(&router->options.outcomes->ring, &publication);

	ASSERT(pushed); /* admin has at most as many under way as the lane holds */
	router->must_wake_admin = true;
}

enum status appending_embedded(struct router *router, const struct entry *entry,
			       struct event_id *ret_id)
{
	enum status status;

	if (fanout_room(router) < FOLD_ROOM)
		return STATUS_AGAIN;
	status = embedded_log_append(&router->embedded, router->unix_ms, entry->fields,
				     entry->fields_count, ret_id);
	if (status == STATUS_OK)
		fold_entry(router, entry, *ret_id,
			   &(struct fold_place){.history = router->history, .mode = FOLD_DELIVER});
	return status;
}

/* False: not now. */
static bool append_embedded(struct router *router, struct publication_item *item,
			    const struct entry *entry)
{
	switch (appending_embedded(router, entry, &item->event_id)) {
	case STATUS_OK:
		item->outcome = PUBLICATION_TAKEN;
		break;
	case STATUS_AGAIN:
		counter_add(&router->counters->lane_full, 1);
		return false;
	case STATUS_SYSTEM:
		item->outcome = PUBLICATION_REFUSED;
		snprintf(item->error, sizeof(item->error), "the log's file cannot be written: %s",
			 log_file_advice(errno));
		break;
	default:
		item->outcome = PUBLICATION_REFUSED;
		snprintf(item->error, sizeof(item->error), "the log's file cannot take it");
	}
	appending_answer(router, item);
	return true;
}

static void answer_unavailable(struct router *router, struct publication_item *item)
{
	item->outcome = PUBLICATION_UNAVAILABLE;
	snprintf(item->error, sizeof(item->error), "the log cannot be reached");
	appending_answer(router, item);
}

/* False: not now. */
static bool append(struct router *router, struct publication_item *item)
{
	struct entry entry;
	enum entry_reason reason;

	if (item->outcome != PUBLICATION_PENDING) { /* admin has found it wrong */
		appending_answer(router, item);
		return true;
	}
	if (router->is_stopping) { /* nobody is left to hear of it */
		answer_unavailable(router, item);
		return true;
	}
	reason = appending_judge(router, item->fields, item->fields_count, &entry);
	if (reason != ENTRY_OK) {
		item->outcome = reason == ENTRY_TOO_LARGE ? PUBLICATION_TOO_LARGE : PUBLICATION_BAD;
		snprintf(item->error, sizeof(item->error), "%s", entry_reason_text(reason));
		appending_answer(router, item);
		return true;
	}
	if (!router->redis)
		return append_embedded(router, item, &entry);
	switch (redis_append_item(router, item)) {
	case STATUS_OK:
		return true;
	case STATUS_AGAIN:
		return false;
	default:
		answer_unavailable(router, item);
		return true;
	}
}

/* Gives the publication's next items to the log. False: the rest must wait. */
static bool append_items(struct router *router, struct publication *publication)
{
	uint32_t items_count = publication->items_count;

	for (uint32_t index = publication->begun; index < items_count; index++) {
		/* With its last answer the publication is admin's: it is not looked at again. */
		publication->begun = index + 1;
		if (append(router, &publication->items[index]))
			continue;
		publication->begun = index;
		return false;
	}
	return true;
}

bool appending_drain(struct router *router)
{
	while (router->publication ||
	       ring_pop(&router->options.publications->ring, &router->publication)) {
		if (!append_items(router, router->publication))
			return true;
		router->publication = NULL;
	}
	return false;
}
