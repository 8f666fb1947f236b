/* belfry/publication.h - entries that an HTTP request brings, on their way to the log and back.
 *
 * Layer   nouns (may include: libc, base, belfry/)
 * Threads made by admin, pushed to the router, filled in there, pushed back; one holder at a time
 * Memory  made and freed by admin; fields point into memory that the publication owns
 * Errors  each item has its own outcome
 */
#ifndef BELFRY_PUBLICATION_H
#define BELFRY_PUBLICATION_H

#include "belfry/entry_field.h"
#include "belfry/event_id.h"

#define PUBLICATION_ERROR_SIZE 160

enum publication_outcome {
	PUBLICATION_PENDING,     /* the router is to give it to the log */
	PUBLICATION_TAKEN,       /* in the log: `event_id` */
	PUBLICATION_BAD,         /* breaks a rule: `error`; not in the log; admin may say so too */
	PUBLICATION_TOO_LARGE,   /* over max_message_size; not in the log */
	PUBLICATION_REFUSED,     /* the log refused it: `error` */
	PUBLICATION_UNAVAILABLE, /* the log cannot be reached: nothing was taken */
	PUBLICATION_UNKNOWN,     /* the link broke before the answer: taken or not */
};

struct publication;

struct publication_item {
	struct publication *publication; /* whose item this is */
	const struct entry_field *fields;
	uint32_t fields_count;
	enum publication_outcome outcome;
	struct event_id event_id;
	uint32_t answers_owed; /* router's: the log is still to say what became of it */
	char error[PUBLICATION_ERROR_SIZE];
};

struct publication {
	void *request; /* admin's: what asked for it */
	void *memory;  /* admin's: what the fields point into */
	uint32_t items_count;
	uint32_t begun;    /* router's: items that were given to the log */
	uint32_t answered; /* router's: items with an outcome */
	struct publication_item items[];
};

#endif
