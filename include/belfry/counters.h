/* belfry/counters.h - what is counted, and by whom.
 *
 * Layer   nouns (may include: base)
 * Threads each struct is written by one thread and read by any (base/counters.h)
 * Memory  one struct per thread, on its own cache lines
 * Errors  none
 *
 * One row makes the field, the metric belfry_<name> and its help text. To add a counter, add a
 * row and count. Units are in the name: bytes, ns; plain numbers otherwise.
 */
#ifndef BELFRY_COUNTERS_H
#define BELFRY_COUNTERS_H

#include <stdalign.h>

#include "base/compiler.h"
#include "base/counters.h"
#include "belfry/close_reason.h"
#include "belfry/limits.h"

/* name, kind (counter or gauge), help */
#define SHARD_COUNTER_TABLE(X)                                                                  \
	X(running, gauge, "1 from the moment the thread takes what others send it")             \
	X(connections, gauge, "Connections of clients, of any protocol")                        \
	X(sockets, gauge, "Sockets held, with those that are not yet or no longer open")        \
	X(sessions, gauge, "Socket.IO sessions that poll, or did before they were upgraded")    \
	X(upgrades, counter, "Sessions that went over from polling to a WebSocket")             \
	X(moves, counter, "Sockets given to the shard where the session of a request lives")    \
	X(blocked, gauge, "Connections whose socket takes no more bytes at the moment")         \
	X(subscriptions, gauge, "Subscriptions of connections to channels")                     \
	X(channels, gauge, "Channels that somebody on this shard holds")                        \
	X(handshakes, counter, "Handshakes of clients that succeeded")                          \
	X(refusals, counter, "Handshakes that were refused")                                    \
	X(http_requests, counter, "Plain HTTP requests answered")                               \
	X(encoded, counter, "Notifications written, once for each channel and encoding")        \
	X(compressed, counter, "Messages that were compressed, of all that were written")       \
	X(compressed_bytes_in, counter, "Bytes of these messages before")                       \
	X(compressed_bytes_out, counter, "Bytes of these messages after")                       \
	X(inflated, counter, "Compressed messages from clients")                                \
	X(deliveries, counter, "Notifications put on sockets, one for each receiver")           \
	X(handshakes_limited, counter, "Handshakes over a handshake_rate")                      \
	X(messages_in, counter, "Messages from clients")                                        \
	X(events_unknown, counter, "Events of Socket.IO clients that mean nothing here")        \
	X(slowed, counter, "Times that a client sent too much and was left unread for a while") \
	X(pings, counter, "Heartbeat pings sent")                                               \
	X(sends, counter, "Sends submitted to the kernel")                                      \
	X(sends_short, counter, "Sends of which the socket did not take every byte")            \
	X(bytes_out, counter, "Bytes given to sockets")                                         \
	X(bytes_in, counter, "Bytes received from sockets")                                     \
	X(turns, counter, "Turns of the loop")                                                  \
	X(busy_ns, counter, "Time spent in turns, without waiting, in nanoseconds")             \
	X(turn_max_ns, gauge, "Longest turn of the last ten seconds, in nanoseconds")           \
	X(lane_depth, gauge, "Deliveries that waited on the lane when it was last looked at")   \
	X(lane_held, counter, "Times that a full tape kept a delivery on the lane")             \
	X(behind, gauge, "Connections that left their channels and are yet to catch up")        \
	X(fell_behind, counter, "Times that a connection had no room and left its channels")    \
	X(caught_up, counter, "Times that such a connection got all that it had missed")        \
	X(replayed, counter, "Notifications of deliveries that were replayed")                  \
	X(ephemeral_dropped, counter, "Notifications without an id that found no room")         \
	X(keys_read, gauge, "Which reading of the keys for tokens is in use")                   \
	X(token_verified, counter, "Tokens that were looked at, good or bad")                   \
	X(token_cache_hits, counter, "Tokens that had been verified before")                    \
	X(token_waits, counter, "Requests that waited a turn for the verification of a token")

#define ROUTER_COUNTER_TABLE(X)                                                                  \
	X(running, gauge, "1 from the moment the thread takes what others send it")              \
	X(entries, counter, "Entries read from the log")                                         \
	X(dead_letters, counter, "Entries that broke a rule and were set aside")                 \
	X(expired, counter, "Entries whose ttl was over when they were read")                    \
	X(notices, counter, "Entries that somebody on this node is interested in")               \
	X(handed_out, counter, "Deliveries pushed to shards")                                    \
	X(lane_full, counter, "Times that a full lane stopped the reading of the log")           \
	X(users, gauge, "Users that are connected to this node")                                 \
	X(interests, gauge, "Channels that some shard of this node holds")                       \
	X(published, counter, "Entries written to the log for the HTTP API")                     \
	X(refused, counter, "Entries of the HTTP API that broke a rule")                         \
	X(log_connected, gauge, "1 while the log can be read and written")                       \
	X(log_failures, counter, "Times that the log was lost or could not be reached")          \
	X(log_reconnects, counter, "Times that the link to the log was made anew")               \
	X(log_reloads, counter, "Times that the retention window was read again")                \
	X(log_lost, counter, "Entries that were read and are proven to be lost")                 \
	X(epochs, counter, "New epochs of the log made by this node")                            \
	X(pubsub_connected, gauge, "1 while Redis Pub/Sub is listened to")                       \
	X(partitions_read, gauge, "Partitions of the log that this node reads; 0: there is one") \
	X(partition_joins, counter, "Partitions that were read from some moment on")             \
	X(partition_leaves, counter, "Partitions that nobody needed any more")                   \
	X(late, counter, "Entries with an id before one that was delivered, of several streams") \
	X(misplaced, counter, "Channels of entries that are not in their channel's stream")      \
	X(bridged, counter, "Messages taken from Redis Pub/Sub")                                 \
	X(bridge_refused, counter,                                                               \
	  "Messages of Redis Pub/Sub: no JSON object, too large, or to no channel")              \
	X(bridge_dropped, counter, "Messages of Redis Pub/Sub dropped for a full lane")          \
	X(duplicates, counter, "Entries dropped in a channel because their id was there before") \
	X(history_records, gauge, "Entries that can be replayed, once for each channel")         \
	X(history_bytes, gauge, "Memory of the index of these entries, in bytes")                \
	X(bodies_bytes, gauge, "Memory of bodies that are kept, in bytes")                       \
	X(fetched, counter, "Bodies that were fetched from Redis for a replay")                  \
	X(fetches_refused, counter, "Bodies that Redis refused to give")                         \
	X(replays, counter, "Connections that had missed something")                             \
	X(replayed, counter, "Messages sent again to connections that had missed them")          \
	X(cursors, gauge, "Cursors of users and devices in memory")                              \
	X(cursors_written, counter, "Cursors written to Redis")                                  \
	X(upstream, counter, "Messages of clients appended to belfry:up")                        \
	X(upstream_lost, counter, "Messages of clients that belfry:up did not take")             \
	X(presence_lost, counter, "Connections that presence had no memory for")                 \
	X(online_users, gauge, "Users who are online on this node, lingering ones included")     \
	X(revocations, gauge, "Revocations of tokens that this node knows")                      \
	X(refused_address, counter, "Connections through proxies over max_connections_per_ip")

#define ACCEPTOR_COUNTER_TABLE(X)                                                   \
	X(running, gauge, "1 from the moment the thread takes what others send it") \
	X(accepted, counter, "Connections accepted")                                \
	X(refused_full, counter, "Connections over max_connections")                \
	X(refused_address, counter, "Connections over max_connections_per_ip")      \
	X(dropped, counter, "Connections cut at once because no slot was free to refuse them")

#define ADMIN_COUNTER_TABLE(X)                                                             \
	X(running, gauge, "1 from the moment the thread takes what others send it")        \
	X(requests, counter, "HTTP requests read, whatever the answer")                    \
	X(queries, counter, "Requests that were handed to the router as a question")       \
	X(rate_limited, counter, "Publishing requests over publish_rate")                  \
	X(idempotency_keys, gauge, "Values of Idempotency-Key whose answer is remembered") \
	X(idempotency_replays, counter, "Publishing requests answered from memory")        \
	X(idempotency_evicted, counter, "Answers forgotten before their time, for want of room")

#define X(name, kind, help) struct counter name;
struct shard_counters {
	alignas(CACHE_LINE_SIZE) SHARD_COUNTER_TABLE(X) struct counter closed[CLOSE_REASON_COUNT];
};

struct router_counters {
	alignas(CACHE_LINE_SIZE) ROUTER_COUNTER_TABLE(X)
};

struct acceptor_counters {
	alignas(CACHE_LINE_SIZE) ACCEPTOR_COUNTER_TABLE(X)
};

struct admin_counters {
	alignas(CACHE_LINE_SIZE) ADMIN_COUNTER_TABLE(X)
};
#undef X

/* Everything that is counted, for those who show it. */
struct counters {
	uint32_t shards_count;
	uint64_t started_ms; /* Unix */
	struct router_counters router;
	struct acceptor_counters acceptor;
	struct admin_counters admin;
	struct shard_counters shards[SHARDS_MAX];
};

#endif
