/* router/inbox.h - unread and read state: entries of certain types change what others count.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  none of its own: marks are in the history
 * Errors  a state entry whose data says nothing changes nothing
 *
 * In a channel whose namespace is an inbox an entry is unread until it is read or deleted. What
 * clients and backends do about it are entries as well, so every node folds the same log to the
 * same state:
 *
 *     type notification_read     data {"id":"n1","read_at":...}, or {"all":true,"last":"17-0",...}
 *     type notification_deleted  data {"id":"n1",...}
 *     type unread_count          data {"count":5}: from here on these are unread
 *
 * `id` is the producer's id of the notification, else its event id.
 */
#ifndef BELFRY_ROUTER_INBOX_H
#define BELFRY_ROUTER_INBOX_H

#include <stdbool.h>

#include "wire/entry.h"

struct history;
struct router;

enum inbox_type { INBOX_MESSAGE, INBOX_READ, INBOX_DELETED, INBOX_COUNT };

enum inbox_type inbox_type_of(struct slice type);

/* One inbox in an index. */
struct inbox {
	const struct router *router;
	struct history *history;
	uint64_t channel;
	struct event_id last; /* the newest entry */
};

/* The entry is in this inbox: changes the state. True: the number of unread ones is another than
 * before because of it. */
bool inbox_apply(const struct inbox *inbox, const struct entry *entry);

/* There may be such a notification: it has a record, or a backend counts older ones, or nothing is
 * known of this channel here. */
bool inbox_may_have(const struct router *router, struct slice name, struct slice id);

/* Tells the holders of the inbox how many are unread: {"type":"unread_count",...}; `reserve` as in
 * fanout_ephemeral(). */
void inbox_tell_count(struct router *router, struct slice name, uint32_t reserve);

/* Hashes for the history of what belongs to a channel; never 0. */
uint64_t inbox_id_hash(const struct router *router, uint64_t channel, struct slice id);
uint64_t inbox_key_hash(const struct router *router, uint64_t channel, struct slice key);

#endif
