/* tests/sim/sim_log.h - the producer, and what it knows of the log.
 *
 * Layer   tests
 * Threads one
 * Memory  static and heap, freed by sim_log_end
 * Errors  aborts when a publication is refused
 *
 * Entries are numbered from 0 in the order of the log. An entry's data says its number.
 */
#ifndef BELFRY_TESTS_SIM_SIM_LOG_H
#define BELFRY_TESTS_SIM_SIM_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "belfry/event_id.h"

#define SIM_ENTRIES 512u
#define SIM_USERS 4u
#define SIM_NAMED 4u

/* Channels are all, announcements, one for each user, then the named ones. */
enum { SIM_ALL, SIM_ANNOUNCEMENTS, SIM_USER, SIM_FIRST_NAMED = SIM_USER + SIM_USERS };
#define SIM_CHANNELS (SIM_FIRST_NAMED + SIM_NAMED)
extern const char *const sim_channels[SIM_CHANNELS];

struct lanes;

struct sim_habits {
	uint32_t size_max;      /* of the payload's padding */
	uint32_t large_percent; /* entries with up to size_max, others have up to 64 bytes */
	uint32_t key_percent, id_percent, ttl_percent, many_percent;
	uint32_t entries_max; /* of the round, SIM_ENTRIES at most */
};

void sim_log_begin(struct lanes *lanes, uint32_t router, const struct sim_habits *habits);
void sim_log_end(void);

/* Publishes one to three entries, if it may. */
void sim_log_publish(void);

/* Learns which entries are in the log by now: after each turn of the router. */
void sim_log_learn(void);

uint32_t sim_log_count(void);  /* in the log */
bool sim_log_is_settled(void); /* all that was published is */
struct event_id sim_log_id(uint32_t number);

/* Number of the first entry after this position. */
uint32_t sim_log_after(struct event_id id);

bool sim_log_is_in(uint32_t number, uint32_t channel);

/* The receiver of this channel may lack it: collapsed, expired, or a double. */
bool sim_log_may_lack(uint32_t number, uint32_t channel);
bool sim_log_is_double(uint32_t number, uint32_t channel);

/* The entry that a notification brings; aborts when its data is not what was published. */
uint32_t sim_log_read(struct slice message);

#endif
