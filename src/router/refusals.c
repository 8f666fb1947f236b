/* router/refusals.c - counted each, said once. */
#include "router/refusals.h"

#include <stdio.h>

#include "base/log_line.h"
#include "router/redis_log.h"
#include "router/router_state.h"

#define SAME_MS 60000 /* until the same word is said again */
#define ANY_MS 1000   /* until another one is */

/* Of a command that it does not know Redis repeats the words, and among them what clients said. */
static struct slice without_words(struct slice error)
{
	struct slice rest = error;

	return slice_starts_with(error, SLICE("ERR unknown")) ? slice_cut(&rest, ',') : error;
}

static void say(struct router *router, const char *what, struct slice error)
{
	struct refusals *refusals = &router->refusals;
	struct slice rest = error, word = slice_cut(&rest, ' '), shown = without_words(error);
	bool is_same = slice_equal_text(word, refusals->word);
	uint64_t wait_ms = is_same ? SAME_MS : ANY_MS;

	if (refusals->told_ms != 0 && router->now_ms - refusals->told_ms < wait_ms)
		return;
	refusals->told_ms = router->now_ms;
	snprintf(refusals->word, sizeof(refusals->word), "%.*s",
		 word.size < sizeof(refusals->word) ? (int)word.size
						    : (int)sizeof(refusals->word) - 1,
		 (const char *)word.bytes);
	log_line(LOG_WARN, "router", "%s: %.*s", what, shown.size < 150 ? (int)shown.size : 150,
		 (const char *)shown.bytes);
}

void refusals_note(struct router *router, const char *what, struct slice error)
{
	counter_add(&router->counters->log_refused, 1);
	if (error.size > 0)
		say(router, what, error);
}

void refusals_turn(struct router *router)
{
	const struct redis_client *client = redis_log_client(router->redis);
	uint64_t fresh = client->refusals - router->refusals.heard;

	if (fresh == 0)
		return;
	router->refusals.heard = client->refusals;
	counter_add(&router->counters->log_refused, fresh);
	say(router, "Redis refuses a command", slice_of_text(client->refusal));
}
