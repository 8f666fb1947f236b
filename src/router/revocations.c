/* router/revocations.c - a chained hash table by what a token is asked for. */
#include "router/revocations.h"

#include <stdlib.h>

#include "base/assert.h"

bool revocations_init(struct revocations *revocations, struct hash_key key)
{
	*revocations = (struct revocations){
		.key = key,
		.heads = calloc(REVOCATIONS_HEADS, sizeof(struct revoked *)),
		.next_end_ms = UINT64_MAX,
	};
	return revocations->heads != NULL;
}

void revocations_deinit(struct revocations *revocations)
{
	struct revoked *revoked = revocations->oldest;

	while (revoked) {
		struct revoked *newer = revoked->newer;

		free(revoked);
		revoked = newer;
	}
	free(revocations->heads);
	*revocations = (struct revocations){0};
}

/* ---- what is looked for ---- */

static uint64_t hash_named(const struct revocations *revocations, struct revocation named)
{
	uint8_t bytes[REVOCATION_ID_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	revocation_write(&writer, &named);
	ASSERT(!writer.overflow);
	return hash_bytes(revocations->key, writer_written(&writer));
}

/* Every token is asked for this one. */
static uint64_t everybody(const struct revocations *revocations)
{
	return hash_bytes(revocations->key, SLICE("before:"));
}

uint64_t revocations_jti(const struct revocations *revocations, struct slice jti)
{
	uint64_t hash;

	if (jti.size == 0)
		return 0;
	hash = hash_named(revocations, (struct revocation){REVOCATION_JTI, jti, 0});
	return hash ? hash : 1;
}

static uint64_t target_of(const struct revocations *revocations, struct revocation revocation)
{
	if (revocation.kind == REVOCATION_JTI)
		return revocations_jti(revocations, revocation.subject);
	if (slice_is_absent(revocation.subject))
		return everybody(revocations);
	revocation.kind = REVOCATION_USER;
	return hash_named(revocations, revocation);
}

static struct revoked **head_of(const struct revocations *revocations, uint64_t target)
{
	return &revocations->heads[target % REVOCATIONS_HEADS];
}

static struct revoked **link_of(const struct revocations *revocations, uint64_t target,
				struct slice id)
{
	struct revoked **link = head_of(revocations, target);

	while (*link && ((*link)->target != target || !slice_equal(revoked_id(*link), id)))
		link = &(*link)->chained;
	return link;
}

/* Where it is, or would be; NULL: it is no id. */
static struct revoked **place_of(const struct revocations *revocations, struct slice id,
				 struct revocation *ret, uint64_t *ret_target)
{
	if (!revocation_parse(id, ret))
		return NULL;
	*ret_target = target_of(revocations, *ret);
	return link_of(revocations, *ret_target, id);
}

/* ---- in and out ---- */

static struct revoked *create(const struct revocation *revocation, uint64_t target, struct slice id)
{
	struct revoked *revoked = malloc(sizeof(*revoked) + id.size);

	if (!revoked)
		return NULL;
	*revoked = (struct revoked){
		.target = target,
		.kind = (uint8_t)revocation->kind,
		.before_s = revocation->before_s,
		.id_size = (uint16_t)id.size,
	};
	memcpy(revoked->id, id.bytes, id.size);
	return revoked;
}

static void link_in(struct revocations *revocations, struct revoked *revoked)
{
	struct revoked **head = head_of(revocations, revoked->target);

	revoked->chained = *head;
	*head = revoked;
	revoked->older = revocations->newest;
	*(revocations->newest ? &revocations->newest->newer : &revocations->oldest) = revoked;
	revocations->newest = revoked;
	revocations->count++;
}

static struct revoked *link_out(struct revocations *revocations, struct revoked **link)
{
	struct revoked *revoked = *link;

	*link = revoked->chained;
	*(revoked->older ? &revoked->older->newer : &revocations->oldest) = revoked->newer;
	*(revoked->newer ? &revoked->newer->older : &revocations->newest) = revoked->older;
	revocations->count--;
	return revoked;
}

static struct revoked *take(struct revocations *revocations, struct revoked *revoked)
{
	struct revoked **link = link_of(revocations, revoked->target, revoked_id(revoked));

	ASSERT(*link == revoked);
	return link_out(revocations, link);
}

enum revocations_put revocations_put(struct revocations *revocations, struct slice id,
				     uint64_t until_ms)
{
	enum revocations_put answer = REVOCATIONS_KNOWN;
	struct revocation revocation;
	uint64_t target;
	struct revoked **link = place_of(revocations, id, &revocation, &target);
	struct revoked *revoked;

	if (!link)
		return REVOCATIONS_BAD;
	revoked = *link;
	if (!revoked) {
		if (revocations->count >= REVOCATIONS_MAX)
			return REVOCATIONS_FULL;
		revoked = create(&revocation, target, id);
		if (!revoked)
			return REVOCATIONS_NO_MEMORY;
		link_in(revocations, revoked);
	}
	if (revoked->until_ms < until_ms)
		answer = REVOCATIONS_NEW;
	revoked->until_ms = until_ms;
	revoked->round = revocations->round;
	if (until_ms < revocations->next_end_ms)
		revocations->next_end_ms = until_ms;
	return answer;
}

const struct revoked *revocations_find(const struct revocations *revocations, struct slice id)
{
	struct revocation revocation;
	uint64_t target;
	struct revoked **link = place_of(revocations, id, &revocation, &target);

	return link ? *link : NULL;
}

bool revocations_remove(struct revocations *revocations, struct slice id)
{
	struct revocation revocation;
	uint64_t target;
	struct revoked **link = place_of(revocations, id, &revocation, &target);

	if (!link || !*link)
		return false;
	free(link_out(revocations, link));
	return true;
}

void revocations_begin(struct revocations *revocations)
{
	revocations->round++;
	revocations->next_end_ms = UINT64_MAX;
}

void revocations_end(struct revocations *revocations)
{
	struct revoked *revoked = revocations->oldest;

	while (revoked) {
		struct revoked *newer = revoked->newer;

		if (revoked->round != revocations->round)
			free(take(revocations, revoked));
		revoked = newer;
	}
}

/* ---- questions ---- */

static bool has(const struct revocations *revocations, uint64_t target, uint32_t issued_s,
		uint64_t now_ms)
{
	for (const struct revoked *at = *head_of(revocations, target); at; at = at->chained)
		if (at->target == target && now_ms < at->until_ms &&
		    (at->kind != REVOCATION_BEFORE || issued_s < at->before_s))
			return true;
	return false;
}

bool revocations_has(const struct revocations *revocations, const struct revocations_token *token,
		     uint64_t now_ms)
{
	if (revocations->count == 0)
		return false;
	return has(revocations, token->user, token->issued_s, now_ms) ||
	       (token->jti != 0 && has(revocations, token->jti, token->issued_s, now_ms)) ||
	       has(revocations, everybody(revocations), token->issued_s, now_ms);
}

void revocations_sweep(struct revocations *revocations, uint64_t now_ms,
		       void (*on_ended)(void *owner, struct slice id), void *owner)
{
	uint64_t next_end_ms = UINT64_MAX;
	struct revoked *revoked = revocations->oldest;

	if (now_ms < revocations->next_end_ms)
		return;
	while (revoked) {
		struct revoked *newer = revoked->newer;

		if (revoked->until_ms <= now_ms) {
			on_ended(owner, revoked_id(revoked));
			free(take(revocations, revoked));
		} else if (revoked->until_ms < next_end_ms) {
			next_end_ms = revoked->until_ms;
		}
		revoked = newer;
	}
	revocations->next_end_ms = next_end_ms;
}
