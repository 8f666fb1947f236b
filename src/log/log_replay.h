/* log/log_replay.h - tells what a log's file has, in order, and mends its end.
 *
 * Layer   log (may include: base)
 * Threads one at a time
 * Memory  one segment at a time
 * Errors  a status and a text; STATUS_INVALID: the log is damaged
 *
 * A process that is killed, or a power cut, leaves at most a record at the very end that is not
 * whole: it is cut off. Whether a bad record is the end is found out by looking for a whole one
 * behind it. A segment that was only about to begin goes as well.
 */
#ifndef BELFRY_LOG_LOG_REPLAY_H
#define BELFRY_LOG_LOG_REPLAY_H

#include "log/log_file.h"
#include "log/log_record.h"

struct log_replay {
	/* `record` is valid during the call. Anything but STATUS_OK ends the replay. */
	enum status (*on_record)(void *owner, struct log_record *record, uint64_t segment);
	void *owner;
	struct log_reason reason; /* why it failed, or what was cut off */
	struct event_id last;     /* in: what counts as the newest entry before there was one */
};

/* On success the newest segment can be written; without any segment the file is as it was. */
MUST_CHECK enum status log_replay_run(struct log_replay *replay, struct log_file *file);

#endif
