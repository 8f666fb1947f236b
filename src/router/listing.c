/* router/listing.c - records, bodies, text. */
#include "router/listing.h"

#include <stdlib.h>

#include "router/fetch.h"
#include "router/queries.h"
#include "router/router_state.h"
#include "wire/envelope.h"
#include "wire/event_id.h"
#include "wire/json.h"

#define TAIL_SIZE_MAX 128

struct listing {
	struct listing *next;
	struct query *query;
	uint64_t began_ms;
	uint64_t *numbers; /* ascending */
	uint32_t count, at;
	bool has_more;
	bool has_written; /* an event: the next one needs a comma */
	struct event_id last;
	uint8_t *text;
	size_t size, capacity;
};

static void destroy(struct listing *listing)
{
	free(listing->numbers);
	free(listing->text);
	free(listing);
}

static void reserve(struct listing *listing, size_t size)
{
	size_t capacity = listing->capacity ? listing->capacity : 4096;

	while (capacity - listing->size < size)
		capacity *= 2;
	if (capacity == listing->capacity)
		return;
	uint8_t *grown = realloc(listing->text, capacity);

	ASSERT(grown != NULL);
	listing->text = grown;
	listing->capacity = capacity;
}

/* ---- which ---- */

/* The first `limit` records after the position: the walk begins at the newest. */
static bool collect(struct router *router, struct listing *listing)
{
	const struct query *query = listing->query;
	struct history *history = router->history;
	uint64_t newest = history_newest(history, router_hash(router, query->subject));
	uint64_t all = 0, kept = 0;

	for (uint64_t n = newest; n && event_id_is_after(history_id(history, n), query->after);
	     n = history_previous(history, n))
		all += history_is_current(history, n, router->unix_ms);
	listing->count = all < query->limit ? (uint32_t)all : query->limit;
	listing->has_more = all > query->limit;
	listing->numbers = malloc((listing->count + 1) * sizeof(*listing->numbers));
	if (!listing->numbers)
		return false;
	for (uint64_t n = newest; n && kept < all; n = history_previous(history, n)) {
		if (!history_is_current(history, n, router->unix_ms))
			continue;
		if (++kept > all - listing->count)
			listing->numbers[all - kept] = n;
	}
	return true;
}

/* ---- what they say ---- */

static void write_event(struct listing *listing, const struct entry *entry, struct event_id id)
{
	struct slice channel = listing->query->subject;
	struct writer writer;

	reserve(listing, envelope_size_max(entry) + 6 * channel.size + 4);
	writer_init(&writer, listing->text + listing->size, listing->capacity - listing->size);
	if (listing->has_written)
		writer_text(&writer, ",");
	envelope_write_head(&writer, entry, id);
	json_write_string(&writer, channel);
	envelope_write_tail(&writer, entry, id);
	ASSERT(!writer.overflow);
	listing->size += writer.size;
	listing->has_written = true;
	listing->last = id;
}

static void write_begin(struct listing *listing)
{
	struct writer writer;

	reserve(listing, 64 + 6 * listing->query->subject.size);
	writer_init(&writer, listing->text, listing->capacity);
	writer_text(&writer, "{\"channel\":");
	json_write_string(&writer, listing->query->subject);
	writer_text(&writer, ",\"events\":[");
	ASSERT(!writer.overflow);
	listing->size = writer.size;
	listing->last = listing->query->after;
}

static void finish(struct router *router, struct listing *listing)
{
	struct writer writer;

	reserve(listing, TAIL_SIZE_MAX);
	writer_init(&writer, listing->text + listing->size, listing->capacity - listing->size);
	writer_text(&writer, "],\"last_event_id\":\"");
	event_id_write(&writer, listing->last);
	writer_text(&writer, listing->has_more ? "\",\"more\":true}" : "\",\"more\":false}");
	ASSERT(!writer.overflow);
	queries_answer(router, listing->query, 200,
		       slice_of(listing->text, listing->size + writer.size));
}

/* False: it waits for a body. */
static bool go_on(struct router *router, struct listing *listing)
{
	struct history *history = router->history;
	struct entry entry;

	for (; listing->at < listing->count; listing->at++) {
		uint64_t number = listing->numbers[listing->at];

		if (listing->size >= LISTING_SIZE_MAX) {
			listing->has_more = true;
			break;
		}
		if (number < history_first(history))
			continue; /* trimmed meanwhile */
		switch (fetch_body(router, history_id(history, number), listing->query->subject,
				   NULL, &entry)) {
		case FETCH_READY:
			write_event(listing, &entry, history_id(history, number));
			break;
		case FETCH_DELETED:
		case FETCH_TRIMMED:
			break;
		case FETCH_PENDING:
		case FETCH_FULL:
		case FETCH_AWAY:
		case FETCH_REFUSED:
			return false;
		}
	}
	finish(router, listing);
	return true;
}

void listing_answer(struct router *router, struct query *query)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (!router->is_loaded || !listing) {
		queries_refuse(router, query, 503, "log_unavailable", "the log is not read yet");
		free(listing);
		return;
	}
	listing->query = query;
	listing->began_ms = router->now_ms;
	if (!collect(router, listing)) {
		queries_refuse(router, query, 503, "memory", "out of memory");
		destroy(listing);
		return;
	}
	write_begin(listing);
	if (go_on(router, listing)) {
		destroy(listing);
		return;
	}
	listing->next = router->listings;
	router->listings = listing;
}

void listing_turn(struct router *router)
{
	struct listing **link = &router->listings;

	while (*link) {
		struct listing *listing = *link;
		bool is_late = router->now_ms - listing->began_ms > LISTING_PATIENCE_MS;

		if (!is_late && !go_on(router, listing)) {
			link = &listing->next;
			continue;
		}
		if (is_late) /* else it is answered, and admin's */
			queries_refuse(router, listing->query, 503, "log_unavailable",
				       "Redis did not answer in time");
		*link = listing->next;
		destroy(listing);
	}
}

void listing_again_all(struct router *router)
{
	for (struct listing *listing = router->listings; listing; listing = listing->next) {
		free(listing->numbers);
		listing->at = 0;
		listing->has_written = false;
		bool is_collected = collect(router, listing);

		ASSERT(is_collected);
		write_begin(listing);
	}
}

void listing_refuse_all(struct router *router, const char *code, const char *message)
{
	while (router->listings) {
		struct listing *listing = router->listings;

		queries_refuse(router, listing->query, 503, code, message);
		router->listings = listing->next;
		destroy(listing);
	}
}
