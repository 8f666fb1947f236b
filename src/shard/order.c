/* shard/order.c - one tape at a time. */
#include "shard/order.h"

#include "shard/send.h"
#include "shard/shard_state.h"
#include "shard/subscriptions.h"

#define SCAN_MAX 1024 /* members looked at for one frame; a larger channel waits for its turn */

/* Copies to the outbox what tapes other than that of `channel` still have for the connection. */
static void catch_up_others(struct shard *shard, struct conn *conn, uint32_t channel)
{
	struct subscription *all = subscriptions_of(conn);

	for (uint32_t i = 0; i < conn->subscriptions_count; i++)
		if (all[i].channel != channel && subscription_is_joined(&all[i]))
			send_catch_up(shard, conn, channels_at(&shard->channels, all[i].channel),
				      all[i].member);
}

void order_before_frame(struct shard *shard, struct conn *conn)
{
	if (shard->dirty_count > 0 || conn_has(conn, CONN_LAGGING))
		catch_up_others(shard, conn, CHANNEL_NONE);
}

size_t order_rest_size(struct shard *shard, struct conn *conn)
{
	const struct subscription *all = subscriptions_of(conn);
	size_t size = 0;

	if (shard->dirty_count == 0 && !conn_has(conn, CONN_LAGGING))
		return 0;
	for (uint32_t i = 0; i < conn->subscriptions_count; i++) {
		struct channel *channel = channels_at(&shard->channels, all[i].channel);

		if (channel->tape && subscription_is_joined(&all[i]))
			size += channel->tape->head -
				channel_members(channel)[all[i].member].position;
	}
	return size;
}

/* Some tape other than this channel's has bytes that not every member has got. */
static bool another_is_dirty(const struct shard *shard, const struct channel *channel)
{
	return shard->dirty_count > (channel->tape->is_dirty ? 1u : 0u);
}

static void scan_members(struct shard *shard, uint32_t index)
{
	struct channel *channel = channels_at(&shard->channels, index);
	const struct member *members = channel_members(channel);

	for (uint32_t i = 0; i < channel->members_used; i++)
		if (members[i].slot != MEMBER_HOLE)
			catch_up_others(shard, conn_at(shard, members[i].slot), index);
}

/* Those that lag are few; who no longer does leaves the list here. */
static void scan_lagging(struct shard *shard, uint32_t index)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < shard->lagging_count; i++) {
		uint16_t slot = shard->lagging[i];
		struct conn *conn = conn_at(shard, slot);

		if (!conn_has(conn, CONN_LAGGING) || conn->state >= CONN_CLOSING) {
			conn_clear(conn, CONN_LISTED);
			continue;
		}
		shard->lagging[kept++] = slot;
		if (subscriptions_find(conn, index))
			catch_up_others(shard, conn, index);
	}
	shard->lagging_count = kept;
}

bool order_before_tape(struct shard *shard, uint32_t channel)
{
	struct channel *own = channels_at(&shard->channels, channel);

	ASSERT(own->tape != NULL);
	if (another_is_dirty(shard, own)) {
		if (own->members_used > SCAN_MAX)
			return false;
		scan_members(shard, channel);
	}
	scan_lagging(shard, channel);
	return true;
}

void order_note_lagging(struct shard *shard, struct conn *conn)
{
	conn_set(conn, CONN_LAGGING);
	if (conn_has(conn, CONN_LISTED))
		return;
	conn_set(conn, CONN_LISTED);
	ASSERT(shard->lagging_count < shard->slots);
	shard->lagging[shard->lagging_count++] = (uint16_t)conn_slot(shard, conn);
}
