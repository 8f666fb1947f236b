/* admin/publishing.c - POST /api/publish: JSON in, entries to the router, results out. */
#include <stdio.h>
#include <stdlib.h>

#include "admin/admin_state.h"
#include "belfry/publication.h"
#include "wire/event_id.h"
#include "wire/http_answer.h"
#include "wire/json.h"
#include "wire/publish.h"

#define ITEMS_MAX 1000u
#define RESULT_SIZE_MAX 512 /* of one result in the answer */
#define IDEMPOTENCY_KEY_MAX 255u
#define LEVELS_AROUND_DATA 2 /* of nesting: the entry and the batch */

/* What the fields of a publication point into. */
struct publication_memory {
	uint8_t *body;    /* the request's, copied */
	uint8_t *scratch; /* decoded strings; as large as the body */
	size_t scratch_size, capacity;
	struct entry_field *fields; /* admin's, ENTRY_FIELDS_MAX of them: of the item being read */
};

/* ---- reading the body ---- */

static void destroy(struct publication *publication)
{
	struct publication_memory *memory = publication->memory;

	for (uint32_t i = 0; i < publication->items_count; i++)
		free((void *)(uintptr_t)publication->items[i].fields);
	if (memory) {
		free(memory->body);
		free(memory->scratch);
	}
	free(memory);
	free(publication);
}

static struct publication *create(struct admin *admin, struct admin_session *session,
				  struct slice body, uint32_t items_max)
{
	struct publication *publication =
		malloc(sizeof(*publication) + items_max * sizeof(publication->items[0]));
	struct publication_memory *memory = calloc(1, sizeof(*memory));

	if (!publication || !memory) {
		free(publication);
		free(memory);
		return NULL;
	}
	*publication = (struct publication){.request = session, .memory = memory};
	memory->capacity = body.size;
	memory->fields = admin->fields;
	memory->body = malloc(body.size);
	memory->scratch = malloc(body.size);
	if (!memory->body || !memory->scratch) {
		destroy(publication);
		return NULL;
	}
	memcpy(memory->body, body.bytes, body.size);
	return publication;
}

static void mark_bad(struct publication_item *item, const char *error)
{
	item->outcome = PUBLICATION_BAD;
	snprintf(item->error, sizeof(item->error), "%s", error);
}

static void keep_fields(struct publication_item *item, const struct publish *publish)
{
	size_t size = publish->fields_count * sizeof(struct entry_field);
	struct entry_field *fields = malloc(size ? size : 1);

	if (!fields) {
		item->outcome = PUBLICATION_UNAVAILABLE;
		snprintf(item->error, sizeof(item->error), "out of memory");
		return;
	}
	memcpy(fields, publish->fields, size);
	item->fields = fields;
	item->fields_count = publish->fields_count;
}

/* One entry of the request. */
static void add_item(struct publication *publication, struct json_value value)
{
	struct publication_item *item = &publication->items[publication->items_count++];
	struct publication_memory *memory = publication->memory;
	struct publish publish = {
		.fields = memory->fields,
		.fields_max = ENTRY_FIELDS_MAX,
		.scratch = memory->scratch + memory->scratch_size,
		.scratch_capacity = memory->capacity - memory->scratch_size,
	};
	const char *error = "an entry must be a JSON object";

	*item = (struct publication_item){.publication = publication};
	if (value.type == JSON_OBJECT)
		error = publish_parse(value, &publish);
	memory->scratch_size += publish.scratch_size;
	if (error)
		mark_bad(item, error);
	else
		keep_fields(item, &publish);
}

/* How many entries the body has, and whether it is a batch. A text: it is none. */
static const char *count_json(struct slice body, uint32_t *ret_count, bool *ret_is_batch)
{
	struct json_value whole, element;
	struct json_walk walk;

	if (!json_is_valid_around(body, LEVELS_AROUND_DATA))
		return "the body is not JSON";
	whole = json_read(body);
	if (whole.type != JSON_OBJECT && whole.type != JSON_ARRAY)
		return "the body must be an entry or an array of entries";
	*ret_is_batch = whole.type == JSON_ARRAY;
	*ret_count = *ret_is_batch ? 0 : 1;
	json_walk_init(&walk, whole);
	while (*ret_is_batch && json_walk_element(&walk, &element))
		++*ret_count;
	return NULL;
}

static void add_json(struct publication *publication, struct slice body)
{
	struct json_value whole = json_read(body);
	struct json_value element;
	struct json_walk walk;

	if (whole.type == JSON_OBJECT) {
		add_item(publication, whole);
		return;
	}
	json_walk_init(&walk, whole);
	while (json_walk_element(&walk, &element))
		add_item(publication, element);
}

/* The next line that is not blank; absent after the last. */
static struct slice next_line(struct slice *rest)
{
	struct slice line;

	do {
		line = slice_cut(rest, '\n');
		if (line.size > 0 && line.bytes[line.size - 1] == '\r')
			line.size--;
	} while (!slice_is_absent(line) && slice_trim(line).size == 0);
	return line;
}

static uint32_t count_lines(struct slice body)
{
	uint32_t count = 0;

	while (!slice_is_absent(next_line(&body)))
		count++;
	return count;
}

static void add_lines(struct publication *publication, struct slice body)
{
	struct slice line;

	while (line = next_line(&body), !slice_is_absent(line))
		add_item(publication, json_is_valid_around(line, LEVELS_AROUND_DATA)
					      ? json_read(line)
					      : (struct json_value){.type = JSON_NULL});
}

/* The media type without its parameters. */
static struct slice media_type(const struct http_head *head)
{
	struct slice value = http_head_find(head, "Content-Type");

	return slice_is_absent(value) ? value : slice_trim(slice_cut(&value, ';'));
}

static bool is_lines(struct slice type)
{
	return slice_equal_fold(type, SLICE("application/x-ndjson")) ||
	       slice_equal_fold(type, SLICE("application/ndjson"));
}

/* The body as a publication; NULL: it was refused. */
static struct publication *read_body(struct admin *admin, struct admin_session *session, bool lines,
				     struct slice body)
{
	struct publication *publication;
	const char *error = NULL;
	uint32_t count = 0;

	session->is_batch = lines;
	if (lines)
		count = count_lines(body);
	else
		error = count_json(body, &count, &session->is_batch);
	if (!error && count == 0)
		error = "there is no entry in the body";
	if (error || count > ITEMS_MAX) {
		session_refuse(admin, session, error ? 400 : 413, error ? "bad_body" : "too_many",
			       error ? error : "a request brings at most 1000 entries");
		return NULL;
	}
	publication = create(admin, session, body, count);
	if (!publication) {
		session_refuse(admin, session, 503, "memory", "out of memory");
		return NULL;
	}
	const struct publication_memory *memory = publication->memory;

	if (lines)
		add_lines(publication, slice_of(memory->body, body.size));
	else
		add_json(publication, slice_of(memory->body, body.size));
	ASSERT(publication->items_count == count);
	return publication;
}

/* ---- before anything is taken ---- */

static bool is_printable(struct slice text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.bytes[i] < ' ' || text.bytes[i] > '~')
			return false;
	return true;
}

/* Claims the request's name. False: it was answered or refused. */
static bool claim_name(struct admin *admin, struct admin_session *session,
		       const struct api_key *key, struct slice name, uint64_t fingerprint)
{
	static const struct session_refusal refusals[] = {
		[IDEMPOTENCY_BUSY] = {409, "in_progress",
				      "the first request with this Idempotency-Key is under way",
				      "Retry-After: 1\r\n", true},
		[IDEMPOTENCY_MISMATCH] = {422, "idempotency_mismatch",
					  "this Idempotency-Key was used with another body", NULL,
					  true},
		[IDEMPOTENCY_FULL] = {503, "idempotency_full",
				      "no more values of Idempotency-Key can be remembered",
				      "Retry-After: 1\r\n", true},
	};
	uint8_t hash[HMAC_SIZE_MAX];

	digest_hmac(HMAC_SHA256, slice_of(key->hash, SHA256_SIZE), name, hash);
	struct idempotency_claim claim =
		idempotency_claim(admin->idempotency, hash, fingerprint, admin->now_ms);

	session->ticket = claim.ticket;
	if (claim.verdict == IDEMPOTENCY_NEW)
		return true;
	if (claim.verdict != IDEMPOTENCY_ANSWERED) {
		session_refuse_with(admin, session, &refusals[claim.verdict]);
		return false;
	}
	counter_add(&admin->options.counters->admin.idempotency_replays, 1);
	session_send(admin, session,
		     &(struct http_answer){
			     .status = claim.status,
			     .content_type = "application/json",
			     .extra = "Idempotent-Replayed: true\r\n",
			     .body = claim.body,
		     });
	return false;
}

/* True: nobody has asked for this before. False: it was answered or refused. */
static bool claim(struct admin *admin, struct admin_session *session, const struct api_key *key,
		  const struct http_head *head, struct slice body)
{
	static const struct session_refusal bad_name = {
		400, "bad_idempotency_key",
		"Idempotency-Key must stand there once and have 1 to 255 printable characters",
		NULL, true};
	struct slice name = http_head_find(head, "Idempotency-Key");
	uint32_t count = http_head_count(head, "Idempotency-Key");

	session->ticket = 0;
	if (count == 0)
		return true;
	if (count > 1 || name.size == 0 || name.size > IDEMPOTENCY_KEY_MAX || !is_printable(name)) {
		session_refuse_with(admin, session, &bad_name);
		return false;
	}
	bool lines = is_lines(media_type(head));

	return claim_name(admin, session, key, name,
			  hash_bytes(admin->fingerprint_keys[lines], body));
}

/* The request is over: its answer is what the next one with its name gets, or it left no trace. */
static void end_claim(struct admin *admin, struct admin_session *session, int status,
		      struct slice body)
{
	if (session->ticket == 0)
		return;
	if (status < 500)
		idempotency_keep(admin->idempotency, session->ticket, status, body);
	else
		idempotency_release(admin->idempotency, session->ticket);
	session->ticket = 0;
}

/* False: the key has published enough for now, and the request was refused. */
static bool is_within_rate(struct admin *admin, struct admin_session *session, struct api_key *key,
			   uint32_t items_count)
{
	uint32_t per_second = admin->config->publish_rate;
	uint64_t wait_ms = per_second ? rate_take(&key->rate, (struct rate_limit){per_second, 1},
						  items_count, admin->now_ms)
				      : 0;
	char extra[48];

	if (wait_ms == 0)
		return true;
	end_claim(admin, session, 503, (struct slice){NULL, 0});
	counter_add(&admin->options.counters->admin.rate_limited, 1);
	snprintf(extra, sizeof(extra), "Retry-After: %lu\r\n", (wait_ms + 999) / 1000);
	session_refuse_with(admin, session,
			    &(struct session_refusal){
				    .status = 429,
				    .code = "rate_limited",
				    .message = "this API key publishes more than publish_rate",
				    .extra = extra,
				    .keeps = true,
			    });
	return false;
}

void publishing_take(struct admin *admin, struct admin_session *session, struct api_key *key,
		     const struct http_head *head, struct slice body)
{
	struct slice type = media_type(head);
	bool lines = is_lines(type);
	struct publication *publication;

	if (!lines && !slice_equal_fold(type, SLICE("application/json"))) {
		session_refuse(admin, session, 415, "media_type",
			       "Content-Type must be application/json or application/x-ndjson");
		return;
	}
	publication = read_body(admin, session, lines, body);
	if (!publication)
		return;
	if (!claim(admin, session, key, head, body) ||
	    !is_within_rate(admin, session, key, publication->items_count)) {
		destroy(publication);
		return;
	}
	session->is_waiting = true;
	admin_push(admin, admin->options.publications, &publication);
}

/* ---- writing the answer ---- */

static const struct {
	int status;
	const char *code;
} outcomes[] = {
	[PUBLICATION_PENDING] = {500, "pending"},
	[PUBLICATION_TAKEN] = {200, "ok"},
	[PUBLICATION_BAD] = {400, "bad_entry"},
	[PUBLICATION_TOO_LARGE] = {413, "too_large"},
	[PUBLICATION_REFUSED] = {503, "log_refused"},
	[PUBLICATION_UNAVAILABLE] = {503, "log_unavailable"},
	[PUBLICATION_UNKNOWN] = {503, "log_unknown"},
};

static void write_result(struct writer *writer, const struct publication_item *item)
{
	if (item->outcome == PUBLICATION_TAKEN) {
		writer_text(writer, "{\"event_id\":\"");
		event_id_write(writer, item->event_id);
		writer_text(writer, "\"}");
		return;
	}
	writer_text(writer, "{\"error\":");
	json_write_string(writer, slice_of_text(item->error));
	writer_format(writer, ",\"code\":\"%s\"}", outcomes[item->outcome].code);
}

/* 200 for a batch of which anything was taken or could be judged; 503 when the log took none. */
static int status_of(const struct publication *publication, bool is_batch)
{
	bool all_away = true;

	if (!is_batch)
		return outcomes[publication->items[0].outcome].status;
	for (uint32_t i = 0; i < publication->items_count; i++)
		all_away &= outcomes[publication->items[i].outcome].status == 503;
	return all_away ? 503 : 200;
}

static void write_results(struct writer *writer, const struct publication *publication,
			  bool is_batch)
{
	if (!is_batch) {
		write_result(writer, &publication->items[0]);
		return;
	}
	writer_text(writer, "{\"results\":[");
	for (uint32_t i = 0; i < publication->items_count; i++) {
		if (i > 0)
			writer_text(writer, ",");
		write_result(writer, &publication->items[i]);
	}
	writer_text(writer, "]}");
}

static void answer(struct admin *admin, struct admin_session *session,
		   const struct publication *publication)
{
	size_t capacity = 64 + (size_t)publication->items_count * RESULT_SIZE_MAX;
	uint8_t *bytes = malloc(capacity);
	struct writer writer;
	int status = status_of(publication, session->is_batch);

	session->is_waiting = false;
	if (!bytes) {
		end_claim(admin, session, 503, (struct slice){NULL, 0});
		session_close(admin, session);
		return;
	}
	writer_init(&writer, bytes, capacity);
	write_results(&writer, publication, session->is_batch);
	ASSERT(!writer.overflow);
	end_claim(admin, session, status, writer_written(&writer));
	if (session->is_closing) { /* whoever asked is gone, and may ask again */
		free(bytes);
		session_close(admin, session);
		return;
	}
	struct http_answer http = {
		.status = status,
		.content_type = "application/json",
		.extra = status == 503 ? "Retry-After: 1\r\n" : NULL,
		.body = writer_written(&writer),
	};

	session_send(admin, session, &http);
	free(bytes);
}

void publishing_drain(struct admin *admin)
{
	struct publication *publication;

	while (ring_pop(&admin->options.outcomes->ring, &publication)) {
		answer(admin, publication->request, publication);
		destroy(publication);
	}
}

void publishing_abandon(struct admin *admin)
{
	struct publication *publication;

	while (ring_pop(&admin->options.publications->ring, &publication))
		destroy(publication);
}
