/* belfry/limits.h - every fixed bound, with its reason and its product in bytes.
 *
 * Layer   nouns (may include: libc)
 * Threads any; constants
 * Memory  each product is stated where it arises
 * Errors  none
 *
 * Bounds that an operator may change are configuration keys, not here.
 */
#ifndef BELFRY_LIMITS_H
#define BELFRY_LIMITS_H

/* ---- what the wire may bring ---- */
#define CHANNEL_SIZE_MAX 255         /* bytes of a channel name: fits one length byte */
#define USER_SIZE_MAX 250            /* bytes of a user id: "user:" + id is a channel name */
#define HTTP_HEADERS_MAX 64          /* header lines of one request; browsers send about 20 */
#define TOKEN_SIZE_MAX 8192          /* bytes of a JWT; browsers and proxies stop at about 8 KiB */
#define KID_SIZE_MAX 255             /* bytes of the name of a key */
#define JTI_SIZE_MAX 128             /* bytes of a token's id; a UUID has 36 */
#define ORIGIN_SIZE_MAX 320          /* bytes of an Origin: a name has 253, a scheme few */
#define JSON_DEPTH_MAX 64            /* nesting of JSON text, bounds the stack of its reader */
#define ENTRY_CHANNELS_MAX 10000     /* `to` fields of one entry */
#define ENTRY_FIELDS_MAX 10064       /* all fields of one entry: its channels and 64 others */
#define CONTROL_PAYLOAD_MAX 125      /* payload bytes of a control frame (RFC 6455 section 5.5) */
#define FRAME_HEADER_MAX 14          /* 2 + 8 length + 4 mask (RFC 6455 section 5.2) */
#define ECHO_MESSAGE_MAX (16u << 20) /* one message on the debug route /echo */
#define REF_SIZE_MAX 128             /* bytes of a client's `ref`, as JSON text */
#define DEVICE_SIZE_MAX 64           /* bytes of the parameter `device` */
#define PROXY_HEADER_SIZE_MAX 4096   /* bytes of a PROXY header: addresses and a few TLVs */
#define CONNECTION_ID_SIZE 24        /* 15 bytes in base64url, 4 letters for its partition */

/* ---- threads and lanes ---- */
#define SHARDS_MAX 64           /* one byte in a connection id */
#define SLOTS_MAX 65535         /* connections of a shard: 16 bits in a tag, one is "none" */
#define POLL_SESSIONS_MAX 8192  /* of them without a socket of their own: Socket.IO that polls */
#define DELIVERY_LANE_SIZE 4096 /* x 32 bytes = 128 KiB a shard */
#define RECEIPT_LANE_SIZE 4096  /* x 56 bytes = 224 KiB a shard */
#define DEPARTURE_LANE_SIZE \
	65536 /* x 8 bytes = 512 KiB a shard: more than SLOTS_MAX, see belfry/departure.h */
#define PUBLICATION_LANE_SIZE 256 /* x 8 bytes, publications and queries, each way: HTTP requests */

/* ---- a shard's turn ---- */
#define TURN_SENDS_MAX 1024            /* sends of one turn, 24 bytes of bookkeeping each */
#define TURN_SWEEP_MAX 256             /* of them from tapes: about 1 ms, what a unicast may wait */
#define TURN_RECEIVES_MAX 128          /* receive buffers, x 8 KiB = 1 MiB a shard */
#define RECEIVE_SIZE 8192              /* bytes of a receive buffer */
#define READ_PAUSE_SIZE (1u << 20)     /* with so much in its outbox a client is not read */
#define TURN_DELIVERIES_MAX 1024       /* deliveries taken from the lane in one turn */
#define TURN_INFLATED_MAX (256u << 10) /* bytes inflated in a turn, beside a message a connection */
#define TURN_ARENA_SIZE (512u << 10)   /* bytes for answers written and sent in the same turn */

#define POLL_ANSWER_SIZE (256u << 10) /* bytes of packets in an answer to a poll, or one packet */

#define UPGRADE_TIMEOUT_MS 10000 /* of a WebSocket that probes, as Engine.IO's servers have it */

/* ---- tokens ----
 * One unit of verification is an RSA signature of 2048 bits, about 0.2 ms; with 4096 bits it is 4,
 * ES256 is 0.9 ms, ES384 3.8 ms. So a turn spends about 1 ms on signatures, what it also may spend
 * on a sweep (TURN_SWEEP_MAX), but for one ES384, which goes alone. */
#define TURN_VERIFY_UNITS 5
#define VERIFY_UNITS_P256 5
#define VERIFY_UNITS_P384 20
#define JWT_TRIES_MAX 8                  /* keys that a token without a `kid` is tried with */
#define JWT_KEYS_MAX 64                  /* keys of a node */
#define KEY_FILE_SIZE_MAX (1u << 20)     /* bytes of a file with keys */
#define TOKENS_CACHED_MAX 65536          /* verified tokens of a shard; about 200 bytes each ... */
#define TOKEN_CACHE_SIZE_MAX (16u << 20) /* ... and so many bytes of them at most */

/* ---- fan-out ---- */
#define ENVELOPE_SIZE_MAX 8192     /* bytes around `data`: names of at most 255 bytes, escaped */
#define TAPE_MEMBERS_MIN 16        /* a channel with as many members here gets a tape */
#define TAPE_SIZE_MIN 4096         /* bytes of a new tape; doubles up to the larger of ... */
#define TAPE_SIZE_MAX (256u << 10) /* ... this and four frames of the largest size */
#define TAPES_DIRTY_MAX 4096       /* tapes that may have bytes to send at one time */

#endif
