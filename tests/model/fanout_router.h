/* tests/model/fanout_router.h - the router in the model of the fan-out: a log, and replays.
 *
 * Layer   tests
 * Threads one
 * Memory  static and heap, freed by router_end
 * Errors  aborts when the shard breaks the rules of belfry/receipt.h
 *
 * Receipts are taken in order, some at a time. For each connection one recovery is worked on at a
 * time: what lies after the positions it names is sent in parts, one for each MORE, then LIVE.
 */
#ifndef BELFRY_TESTS_MODEL_FANOUT_ROUTER_H
#define BELFRY_TESTS_MODEL_FANOUT_ROUTER_H

#include <stdbool.h>
#include <stdint.h>

#include "belfry/event_id.h"
#include "fanout_client.h"

struct client;
struct lane;
struct shard;

struct router_options {
	struct shard *shard;
	struct lane *deliveries;
	struct client *clients; /* `slots` of them; that of the first slot is the witness */
	uint32_t slots;
	uint32_t payload_max;
	uint32_t large_percent;     /* notices that are longer than most */
	uint32_t ephemeral_percent; /* notices that are in no log */
	uint32_t part_max;          /* bytes of a part of a replay, beside its last frame */
	size_t bytes_left;          /* notices are made as long as there are any */
};

/* An entry of the log, or an ephemeral notice; its number is its index. */
struct entry_sent {
	uint32_t size; /* of the pattern */
	uint32_t channels_count;
	uint8_t channels[3];
	bool is_ephemeral;
	uint16_t slot; /* for TO_CONN */
	uint32_t generation;
};

void router_begin(const struct router_options *options, uint64_t (*pick)(uint64_t bound));
void router_end(void);

/* Pushes a notice to random channels, and behind it an ANSWER for the witness. `is_quiet`: only
 * if the shard does not hear of it. */
void router_push_notice(bool is_quiet);

/* Works on what the shard has asked for: some of it, or all. */
void router_work(bool is_lively);

/* Something that was asked for is not done. */
bool router_has_work(void);

/* The shard has taken the oldest notice that was pushed: its number. */
uint32_t router_taken(void);
uint32_t router_waiting(void); /* not taken */

const struct entry_sent *router_entry(uint32_t number);
bool router_is_ephemeral(uint32_t number);
uint32_t router_number_of(struct event_id id);

/* A position that a client may name: anything so far, often near the end. */
struct event_id router_some_position(void);

#endif
