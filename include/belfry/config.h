/* belfry/config.h - what an operator may set: one table, and the struct that it fills.
 *
 * Layer   nouns (may include: libc)
 * Threads written by main before any thread starts; constant, and read by all, from then on
 * Memory  strings and lists belong to struct config until config_deinit()
 * Errors  none here; broker/config.h reads and checks
 *
 * From CONFIG_TABLE come the fields below, the reading of file, environment and command line,
 * `--help`, `--print-config`, `--check` and the reference page deploy/CONFIG.md. A new key is one
 * row here; a key with a form of its own is also a kind, with its check in broker/config_value.c.
 */
#ifndef BELFRY_CONFIG_H
#define BELFRY_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "belfry/ip.h"

/* One line per kind of value: kind, C type of the field. */
#define CONFIG_KIND_TABLE(X)              \
	X(ADDRESSES, struct config_list)  \
	X(ALGORITHMS, struct config_list) \
	X(KEYS, struct config_list)       \
	X(KEY_FILES, struct config_list)  \
	X(NAMES, struct config_list)      \
	X(NETWORKS, struct config_list)   \
	X(ORIGINS, struct config_list)    \
	X(NAMESPACES, struct config_list) \
	X(RULES, struct config_list)      \
	X(SWITCHES, struct config_list)   \
	X(ADMIN, char *)                  \
	X(REDIS, char *)                  \
	X(STREAM, char *)                 \
	X(PATH, char *)                   \
	X(NODE, char *)                   \
	X(COOKIE, char *)                 \
	X(CLAIM, char *)                  \
	X(SECRET, char *)                 \
	X(COUNT, uint32_t)                \
	X(SIZE, uint32_t)                 \
	X(DURATION, uint32_t)             \
	X(SWITCH, bool)                   \
	X(CHOICE, unsigned)

/* Flags of a key. */
#define CONFIG_LIST 1u   /* a struct config_list: may be repeated, items have commas between */
#define CONFIG_SECRET 2u /* never shown: printed as *** */
#define CONFIG_RELOAD 4u /* no connection depends on it: may change while connections stay */
#define CONFIG_ZERO 8u   /* 0 is allowed beside min..max */

/* One line per key: key, kind, field, default as text, min, max, flags, allowed, help.
 * min and max are in the field's unit (bytes, milliseconds) and 0 where they have no meaning;
 * `allowed` is the whole text for people where it cannot be made from min and max, else "".
 * A CHOICE stores the index of the word in `allowed`; the enums below name them in that order. */
#define CONFIG_TABLE(X)                                                                            \
	X(listen, ADDRESSES, listen, "127.0.0.1:8080", 0, 0, CONFIG_LIST,                          \
	  "IPV4:PORT, [IPV6]:PORT or :PORT for all; port 0 picks one", "addresses for clients")    \
	X(admin, ADMIN, admin, "127.0.0.1:8081", 0, 0, 0, "HOST:PORT as in listen, or off",        \
	  "address for health, metrics and the HTTP API; keep it private")                         \
	X(listen_proxy, ADDRESSES, listen_proxy, "", 0, 0, CONFIG_LIST, "as in listen",            \
	  "addresses where a proxy connects that sends a PROXY protocol header first")             \
	X(trusted_proxy, NETWORKS, trusted_proxy, "", 0, 0, CONFIG_LIST,                           \
	  "ADDRESS or ADDRESS/BITS, such as 10.0.0.0/8 or fd00::/8; empty: none",                  \
	  "networks of the proxies that are believed when they say whose connection it is")        \
	X(forwarded_header, CHOICE, forwarded_header, "any", 0, 0, 0,                              \
	  "any|x-forwarded-for|forwarded",                                                         \
	  "the header that trusted proxies set; any: Forwarded without an X-Forwarded-For")        \
	X(redis, REDIS, redis, "", 0, 0, CONFIG_SECRET,                                            \
	  "redis://[user:password@]host[:port][/db], "                                             \
	  "redis+sentinel://[user:password@]host[:port],.../master[/db], or empty",                \
	  "the Redis that holds the log; empty: the embedded log, in memory, for one node")        \
	X(stream, STREAM, stream, "belfry:in", 0, 0, 0,                                            \
	  "1 to 255 printable characters without blanks",                                          \
	  "key of the stream that producers append to")                                            \
	X(partitions, COUNT, partitions, "1", 1, 1024, 0, "",                                      \
	  "number of streams in Redis that the log is spread over; the same for all nodes")        \
	X(partition_linger, DURATION, partition_linger_ms, "5m", 1000, 86400000, 0, "",            \
	  "how long a partition is still read when nobody here needs it any more")                 \
	X(pubsub, SWITCH, pubsub, "on", 0, 1, 0, "",                                               \
	  "with Redis: deliver what is published on its channels ws:*")                            \
	X(retention, DURATION, retention_ms, "24h", 1000, 2592000000, 0, "",                       \
	  "age at which an entry can no longer be replayed")                                       \
	X(retention_entries, COUNT, retention_entries, "1000000", 1, 100000000, 0, "",             \
	  "entries that can be replayed, one for each of their channels; 24 to 88 bytes each")     \
	X(history_memory, SIZE, history_memory, "64m", 65536, 4294967295, 0, "",                   \
	  "bodies of entries that are kept in memory; the embedded log keeps no others")           \
	X(history, SWITCHES, history, "typing=off, *=on", 0, 0, CONFIG_LIST,                       \
	  "NAMESPACE=on or NAMESPACE=off, with * for all other namespaces",                        \
	  "namespaces whose messages can be replayed; off where no rule fits")                     \
	X(inbox, SWITCHES, inbox, "user=on, *=off", 0, 0, CONFIG_LIST,                             \
	  "NAMESPACE=on or NAMESPACE=off, with * for all other namespaces",                        \
	  "namespaces whose messages are unread until read or deleted; off where no rule fits")    \
	X(replay_limit, COUNT, replay_limit, "100000", 1, 10000000, 0, "",                         \
	  "messages that one connection may have missed; beyond, recovered is false")              \
	X(resume_window, DURATION, resume_window_ms, "2m", 0, 3600000, 0, "",                      \
	  "time for a cut off client to take up its connection id again")                          \
	X(dedupe_window, DURATION, dedupe_window_ms, "10m", 0, 86400000, 0, "",                    \
	  "time in which a second entry with the same id to the same channel is dropped")          \
	X(node, NODE, node, "", 1, 64, 0,                                                          \
	  "1 to 64 printable characters without blanks, or empty for the host name",               \
	  "the name of this node in presence; no two nodes may share one")                         \
	X(presence, SWITCH, presence, "on", 0, 1, 0, "",                                           \
	  "keep in Redis who is online, and tell it in the stream belfry:up")                      \
	X(presence_ttl, DURATION, presence_ttl_ms, "60s", 3000, 3600000, 0, "",                    \
	  "a node that is gone for so long has nobody online")                                     \
	X(presence_linger, DURATION, presence_linger_ms, "10s", 0, 600000, 0, "",                  \
	  "a user without a connection for so long is offline")                                    \
	X(upstream, SWITCH, upstream, "on", 0, 1, 0, "",                                           \
	  "append what clients send on purpose to the stream belfry:up")                           \
	X(log_file, PATH, log_file, "", 1, 4000, 0,                                                \
	  "a path of at most 4000 printable bytes, or empty for none",                             \
	  "file that keeps the embedded log over a restart; not together with redis")              \
	X(log_fsync, CHOICE, log_fsync, "second", 0, 0, 0, "always|second|never",                  \
	  "when what is appended to log_file goes to the disk")                                    \
	X(slow_deadline, DURATION, slow_deadline_ms, "30s", 1000, 600000, 0, "",                   \
	  "a client that is behind for so long is closed with 4410")                               \
	X(shards, COUNT, shards, "0", 0, 64, 0, "",                                                \
	  "threads that hold connections; 0: one less than the processors, at least 1")            \
	X(auth, CHOICE, auth, "jwt", 0, 0, 0, "jwt|none",                                          \
	  "how clients prove who they are; none is for development")                               \
	X(auth_none_anywhere, SWITCH, auth_none_anywhere, "off", 0, 1, 0, "",                      \
	  "allow auth = none on addresses that other machines can reach")                          \
	X(secret_key, SECRET, secret_key, "", 1, 4096, CONFIG_SECRET | CONFIG_RELOAD,              \
	  "1 to 4096 bytes, better 32 or more",                                                    \
	  "the key that tokens are signed with; auth = jwt needs it, public_key or jwks_file")     \
	X(algorithm, ALGORITHMS, algorithm, "", 0, 0, CONFIG_LIST | CONFIG_RELOAD,                 \
	  "HS256|HS384|HS512|RS256|RS384|RS512|ES256|ES384",                                       \
	  "algorithms that a token may be signed with; empty: HS256 with secret_key, and what "    \
	  "the other keys are for")                                                                \
	X(public_key, KEY_FILES, public_key, "", 0, 0, CONFIG_LIST | CONFIG_RELOAD,                \
	  "the path of a PEM file, or KID=PATH",                                                   \
	  "public keys, RSA or EC, or certificates, that tokens are signed with; with KID for "    \
	  "tokens with this kid")                                                                  \
	X(jwks_file, PATH, jwks_file, "", 1, 4000, CONFIG_RELOAD,                                  \
	  "a path of at most 4000 printable bytes, or empty for none",                             \
	  "JSON Web Key Set with the keys that tokens are signed with")                            \
	X(issuer, NAMES, issuer, "", 0, 0, CONFIG_LIST | CONFIG_RELOAD,                            \
	  "1 to 1000 printable characters without blanks and commas",                              \
	  "what a token may say in iss; empty: anything, or nothing")                              \
	X(audience, NAMES, audience, "", 0, 0, CONFIG_LIST | CONFIG_RELOAD,                        \
	  "1 to 1000 printable characters without blanks and commas",                              \
	  "what a token must say, or say among others, in aud; empty: anything, or nothing")       \
	X(token_leeway, DURATION, token_leeway_ms, "30s", 0, 600000, CONFIG_RELOAD, "",            \
	  "by how much clocks may differ where a token's exp and nbf are looked at")               \
	X(claim_user, CLAIM, claim_user, "", 0, 0, CONFIG_RELOAD, "the name of a claim, or empty", \
	  "claim that names the user; empty: sub, else user_id, else userId")                      \
	X(claim_channels, CLAIM, claim_channels, "channels", 0, 0, CONFIG_RELOAD,                  \
	  "the name of a claim, or empty for none",                                                \
	  "claim with the array of channels that may be subscribed to")                            \
	X(claim_admin, CLAIM, claim_admin, "admin", 0, 0, CONFIG_RELOAD,                           \
	  "the name of a claim, or empty for none", "claim that is true for an admin")             \
	X(token_cookie, COOKIE, token_cookie, "", 0, 0, CONFIG_RELOAD,                             \
	  "the name of a cookie, or empty for none", "cookie that may carry the token")            \
	X(api_key, KEYS, api_key, "", 1, 4096, CONFIG_LIST | CONFIG_SECRET | CONFIG_RELOAD,        \
	  "1 to 4096 printable characters without blanks and commas, better 16 or more; or "       \
	  "sha256: and the 64 hexadecimal digits of a key's SHA-256",                              \
	  "keys that open the HTTP API; empty: it is closed")                                      \
	X(publish_rate, COUNT, publish_rate, "0", 0, 1000000, CONFIG_RELOAD, "",                   \
	  "entries that one API key may publish in a second; 0: no limit")                         \
	X(max_connections, COUNT, max_connections, "200000", 1, 10000000, CONFIG_RELOAD, "",       \
	  "connections that this node takes")                                                      \
	X(max_connections_per_user, COUNT, max_connections_per_user, "0", 0, 10000000,             \
	  CONFIG_RELOAD, "", "connections of one user on this node; 0: no limit")                  \
	X(max_connections_per_ip, COUNT, max_connections_per_ip, "0", 0, 10000000, CONFIG_RELOAD,  \
	  "", "connections from one address on this node; 0: no limit")                            \
	X(handshake_rate, COUNT, handshake_rate, "0", 0, 1000000, 0, "",                           \
	  "handshakes that this node takes in a second, and at once; 0: no limit")                 \
	X(handshake_rate_per_ip, COUNT, handshake_rate_per_ip, "0", 0, 1000000, 0, "",             \
	  "handshakes from one address in a second, and at once; 0: no limit")                     \
	X(message_rate, COUNT, message_rate, "500", 0, 1000000, 0, "",                             \
	  "messages and pings of one connection in a second, ten times as many at once; 0: no "    \
	  "limit")                                                                                 \
	X(message_rate_per_user, COUNT, message_rate_per_user, "5000", 0, 1000000, 0, "",          \
	  "the same for all connections of one user on this node; 0: no limit")                    \
	X(max_subscriptions, COUNT, max_subscriptions, "100", 1, 1000, 0, "",                      \
	  "channels of one connection")                                                            \
	X(max_header_bytes, SIZE, max_header_bytes, "8k", 1024, 65536, 0, "",                      \
	  "request line and headers of one HTTP request")                                          \
	X(max_message_size, SIZE, max_message_size, "64k", 1024, 1048576, 0, "",                   \
	  "one entry of the log; a larger one becomes a dead letter")                              \
	X(max_client_message, SIZE, max_client_message, "64k", 125, 1048576, 0, "",                \
	  "one message from a client; a larger one is answered with close 1009")                   \
	X(max_outbox_bytes, SIZE, max_outbox_bytes, "256k", 65536, 67108864, 0, "",                \
	  "what may wait for one slow connection")                                                 \
	X(compression, SWITCH, compression, "on", 0, 1, 0, "",                                     \
	  "offer permessage-deflate to WebSocket clients that can")                                \
	X(compression_threshold, SIZE, compression_threshold, "1k", 0, 1048576, 0, "",             \
	  "smaller messages are not compressed")                                                   \
	X(compression_level, COUNT, compression_level, "1", 1, 9, 0, "",                           \
	  "1 costs least, 9 makes the smallest messages")                                          \
	X(handshake_timeout, DURATION, handshake_timeout_ms, "10s", 100, 300000, CONFIG_RELOAD,    \
	  "", "from accept to a finished upgrade")                                                 \
	X(heartbeat_interval, DURATION, heartbeat_interval_ms, "30s", 1000, 3600000, CONFIG_ZERO,  \
	  "", "time between two pings to a connection; 0: off, with the timeout")                  \
	X(heartbeat_timeout, DURATION, heartbeat_timeout_ms, "60s", 1000, 86400000, 0, "",         \
	  "a client silent for so long is closed with 4408; longer than heartbeat_interval")       \
	X(sse_heartbeat, DURATION, sse_heartbeat_ms, "15s", 1000, 60000, 0, "",                    \
	  "a Server-Sent Events stream that is silent for so long gets a comment")                 \
	X(sse_confirm, SWITCH, sse_confirm, "on", 0, 1, 0, "",                                     \
	  "count as received what the TCP of a stream's client, or of a proxy before it, has "     \
	  "acknowledged; Linux 6.7")                                                               \
	X(sse_retry, DURATION, sse_retry_ms, "3s", 100, 600000, 0, "",                             \
	  "a browser waits about so long, half as long again at most, before it opens a stream "   \
	  "that has ended anew")                                                                   \
	X(idle_timeout, DURATION, idle_timeout_ms, "0", 1000, 86400000, CONFIG_ZERO, "",           \
	  "close after so long without a message in either direction; 0: off")                     \
	X(close_timeout, DURATION, close_timeout_ms, "2s", 100, 60000, CONFIG_RELOAD, "",          \
	  "wait for the client's half of a close")                                                 \
	X(token_warning, DURATION, token_warning_ms, "0", 1000, 3600000, CONFIG_ZERO, "",          \
	  "time before the end of a token at which a WebSocket client is told; 0: not before")     \
	X(token_grace, DURATION, token_grace_ms, "10s", 0, 3600000, CONFIG_RELOAD, "",             \
	  "time to send a new token after the old one has expired")                                \
	X(allow_origin, ORIGINS, allow_origin, "", 0, 0, CONFIG_LIST | CONFIG_RELOAD,              \
	  "scheme://host[:port], scheme://*.host[:port], null, or * for any; "                     \
	  "empty: the same host only",                                                             \
	  "origins of web pages that may connect")                                                 \
	X(namespace, NAMESPACES, namespace, "", 0, 0, CONFIG_LIST,                                 \
	  "at most 3 of: a slash, then 1 to 63 of letters, digits, - _ . and /",                   \
	  "namespaces of Socket.IO beside /, which is always there")                               \
	X(subscribe, RULES, subscribe,                                                             \
	  "trending=any, feed=claim, engagement=any, typing=claim, announcements=any, *=claim", 0, \
	  0, CONFIG_LIST | CONFIG_RELOAD,                                                          \
	  "NAMESPACE=WHO with any, claim or none as WHO and * for all other namespaces",           \
	  "who may subscribe to the channels of a namespace; none where no rule fits")             \
	X(publish, RULES, publish, "*=none", 0, 0, CONFIG_LIST | CONFIG_RELOAD,                    \
	  "NAMESPACE=WHO with any, claim or none as WHO and * for all other namespaces",           \
	  "clients that may publish to the channels of a namespace; none where no rule fits")      \
	X(debug_echo, SWITCH, debug_echo, "off", 0, 1, 0, "",                                      \
	  "serve /echo, without a token, for tests of the protocol")                               \
	X(demo, SWITCH, demo, "off", 0, 1, 0, "", "serve a small page at /")                       \
	X(log_level, CHOICE, log_level, "info", 0, 0, CONFIG_RELOAD, "debug|info|warn|error",      \
	  "the least important lines that are still logged")                                       \
	X(log_format, CHOICE, log_format, "text", 0, 0, 0, "text|json",                            \
	  "lines for people or for programs")                                                      \
	X(drain_window, DURATION, drain_window_ms, "0s", 0, 600000, CONFIG_RELOAD, "",             \
	  "time over which connections are closed at SIGTERM")

enum config_key {
#define X(key, ...) CONFIG_KEY_##key,
	CONFIG_TABLE(X)
#undef X
		CONFIG_KEY_COUNT
};

enum config_auth { CONFIG_AUTH_JWT, CONFIG_AUTH_NONE };
enum config_forwarded { CONFIG_FORWARDED_ANY, CONFIG_FORWARDED_X_FOR, CONFIG_FORWARDED_RFC7239 };
enum config_log_level { CONFIG_LOG_DEBUG, CONFIG_LOG_INFO, CONFIG_LOG_WARN, CONFIG_LOG_ERROR };
enum config_log_format { CONFIG_LOG_TEXT, CONFIG_LOG_JSON };
enum config_log_fsync { CONFIG_FSYNC_ALWAYS, CONFIG_FSYNC_SECOND, CONFIG_FSYNC_NEVER };

/* Bits of config.algorithms. */
#define CONFIG_ALGORITHM_HS256 1u
#define CONFIG_ALGORITHM_HS384 2u
#define CONFIG_ALGORITHM_HS512 4u
#define CONFIG_ALGORITHM_RS256 8u
#define CONFIG_ALGORITHM_RS384 16u
#define CONFIG_ALGORITHM_RS512 32u
#define CONFIG_ALGORITHM_ES256 64u
#define CONFIG_ALGORITHM_ES384 128u

#define CONFIG_HASHED_KEY "sha256:" /* an item of api_key that begins so is a hash */

#define CONFIG_LISTEN_MAX 16    /* addresses in `listen` and `listen_proxy` */
#define CONFIG_SENTINELS_MAX 16 /* addresses in the URL of `redis` */
#define CONFIG_HOST_SIZE 256    /* a host name is at most 253 bytes (RFC 1035), with final zero */
#define CONFIG_NODE_SIZE 65     /* HOST_NAME_MAX of Linux, with final zero */

struct config_list {
	char **items; /* NULL when count is 0 */
	uint32_t count;
};

/* Where to listen. host is an IPv4 or IPv6 address as inet_ntop() writes it, without brackets,
 * or "*": every address of the machine, IPv6 and IPv4. port 0: the kernel picks one. */
struct config_address {
	char host[CONFIG_HOST_SIZE];
	uint16_t port;
};

struct config_address_list {
	struct config_address *items;
	uint32_t count;
};

/* Where the log is. host is a name or an address, without brackets. With Sentinels host is "" and
 * port 0: they are asked, in turn, where the master of that name is. */
struct config_redis {
	bool on; /* false: no URL was given, the log is the embedded one, the rest is zero */
	char host[CONFIG_HOST_SIZE];
	uint16_t port;
	struct config_address_list sentinels; /* at most CONFIG_SENTINELS_MAX; hosts may be names */
	char *master; /* the name that the Sentinels know it by; NULL: there are none */
	uint32_t db;
	char *user;     /* NULL: none; %XX of the URL is decoded */
	char *password; /* NULL: none; %XX of the URL is decoded */
};

/* Who may do it with the channels of a namespace. CLAIM: whom the token's `channels` names. */
enum config_who { CONFIG_WHO_ANY, CONFIG_WHO_CLAIM, CONFIG_WHO_NONE };

/* Order does not matter: the rule with the namespace's own name is asked first, then "*", and
 * without either the answer is CONFIG_WHO_NONE. No pattern is there twice. */
struct config_rule {
	char *pattern; /* a namespace, or "*" */
	enum config_who who;
};

struct config_rule_list {
	struct config_rule *items;
	uint32_t count;
};

/* On or off by namespace, likewise; without a rule that fits it is off. */
struct config_switch {
	char *pattern; /* a namespace, or "*" */
	bool on;
};

struct config_switch_list {
	struct config_switch *items;
	uint32_t count;
};

#define X(kind, type) typedef type config_type_##kind;
CONFIG_KIND_TABLE(X)
#undef X

/* Every key of the table is a field of its name (durations: name_ms, in milliseconds; sizes in
 * bytes). No char * is NULL: what was not given is "". */
struct config {
#define X(key, kind, field, ...) config_type_##kind field;
	CONFIG_TABLE(X)
#undef X

	/* The same, read: what the threads use. */
	struct config_address_list listen_addresses; /* from listen, then from listen_proxy; at
						      * least one */
	uint32_t listen_proxy_first;                 /* index of the first from listen_proxy */
	struct ip_network_list trusted_networks;     /* from trusted_proxy */
	bool admin_on;                               /* admin is not "off" */
	struct config_address admin_address;         /* from admin, when admin_on */
	struct config_redis redis_server;            /* from redis */
	unsigned algorithms;                         /* from algorithm, CONFIG_ALGORITHM_* bits;
						      * 0: what the keys are for */
	struct config_rule_list subscribe_rules;     /* from subscribe */
	struct config_rule_list publish_rules;       /* from publish */
	struct config_switch_list history_rules;     /* from history */
	struct config_switch_list inbox_rules;       /* from inbox */
	char node_name[CONFIG_NODE_SIZE];            /* from node, else the host name; not empty */
};

#endif
