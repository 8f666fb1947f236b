/* log/embedded_log.c - ids that only grow. */
#include "log/embedded_log.h"

void embedded_log_init(struct embedded_log *log, uint64_t now_ms)
{
	log->last = (struct event_id){.ms = now_ms, .sequence = 0};
}

struct event_id embedded_log_append(struct embedded_log *log, uint64_t now_ms)
{
	if (now_ms > log->last.ms)
		log->last = (struct event_id){.ms = now_ms, .sequence = 0};
	else
		log->last.sequence++;
	return log->last;
}
