/* shard/resume.c - position, identity and device of an upgrade request. */
#include "shard/resume.h"

#include "wire/connection_id.h"
#include "wire/event_id.h"

static void read_position(const struct http_head *head, struct resume *resume)
{
	struct slice text = http_query_find(head->query, "last_event_id");

	if (slice_is_absent(text))
		text = http_query_find(head->query, "lastEventId");
	if (slice_is_absent(text))
		text = http_head_find(head, "Last-Event-ID");
	resume->has_after = !slice_is_absent(text) && event_id_parse(text, &resume->after);
}

/* Which node wrote it does not matter here: the router knows whose it was. */
static void read_identity(const struct http_head *head, struct resume *resume)
{
	struct slice text = http_query_find(head->query, "connection_id");

	resume->has_identity =
		resume->has_after && !slice_is_absent(text) && connection_id_is_well_formed(text);
	if (resume->has_identity)
		memcpy(resume->identity, text.bytes, sizeof(resume->identity));
}

static bool read_device(const struct http_head *head, struct resume *resume)
{
	struct slice text = http_query_find(head->query, "device");
	uint8_t device[DEVICE_SIZE_MAX];
	size_t size;

	if (slice_is_absent(text))
		return true;
	if (!http_percent_decode(text, device, sizeof(device), &size) || size == 0)
		return false;
	for (size_t i = 0; i < size; i++)
		if (device[i] < 0x20 || device[i] > 0x7E)
			return false;
	memcpy(resume->device, device, size);
	resume->device_size = size;
	return true;
}

bool resume_read(const struct http_head *head, struct resume *ret_resume)
{
	struct resume resume = {.has_after = false};

	read_position(head, &resume);
	read_identity(head, &resume);
	if (!read_device(head, &resume))
		return false;
	*ret_resume = resume;
	return true;
}

void resume_prefer_header(const struct http_head *head, struct resume *resume)
{
	struct slice text = http_head_find(head, "Last-Event-ID");
	struct event_id after;

	if (slice_is_absent(text) || !event_id_parse(text, &after))
		return;
	resume->has_after = true;
	resume->after = after;
}
