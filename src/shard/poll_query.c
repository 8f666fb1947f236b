/* shard/poll_query.c - two numbers with bounds. */
#include "shard/poll_query.h"

#include "wire/http_head.h"

/* False: it is there and no number. */
static bool read_number(struct slice query, const char *name, uint64_t most, uint32_t *number)
{
	struct slice text = http_query_find(query, name);
	uint64_t value;

	if (slice_is_absent(text))
		return true;
	if (!slice_to_u64(text, &value))
		return false;
	*number = (uint32_t)(value < most ? value : most);
	return true;
}

bool poll_query_read(struct slice query, struct poll_query *ret_query)
{
	uint32_t wait_s = POLL_WAIT_DEFAULT_S;
	uint32_t limit = POLL_LIMIT_DEFAULT;

	if (!read_number(query, "wait", POLL_WAIT_MAX_S, &wait_s) ||
	    !read_number(query, "limit", POLL_LIMIT_MAX, &limit) || limit == 0)
		return false;
	*ret_query = (struct poll_query){.wait_ms = wait_s * 1000, .limit = limit};
	return true;
}
