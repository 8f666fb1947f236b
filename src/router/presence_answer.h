/* router/presence_answer.h - presence as JSON text: for the store, and for who asks over HTTP.
 *
 * Layer   router (may include: lane, wire, uring, log, base, libc)
 * Threads the router
 * Memory  the caller's; a writer that is too small says so
 * Errors  false for stored text that nobody here has written
 *
 *   GET /api/users/{id}/presence   {"user_id":U,"online":true,"connections":[MEMBER,...]}
 *   GET /api/connections/{id}      {"connection_id":C,"user_id":U,"node":N,"device":D,"since":T,
 *                                 "address":A}
 *
 * A MEMBER is {"connection_id":C,"node":N,"device":D,"since":T}: T is RFC 3339, D is null for a
 * connection that did not name its device; the address is left out where nobody has looked. A
 * user who lingers is online without connections.
 */
#ifndef BELFRY_ROUTER_PRESENCE_ANSWER_H
#define BELFRY_ROUTER_PRESENCE_ANSWER_H

#include "base/writer.h"
#include "router/presence.h"
#include "wire/ip.h"

#define PRESENCE_NODE_MAX 255 /* bytes of a node's name */

/* A byte becomes at most six (\u001f); and the rest, 24 of it the time. */
#define PRESENCE_MEMBER_MAX \
	(6 * (PRESENCE_NODE_MAX + PRESENCE_DEVICE_MAX + CONNECTION_ID_SIZE) + 128)
#define PRESENCE_CONN_MAX (PRESENCE_MEMBER_MAX + 6 * USER_SIZE_MAX + 16 + IP_TEXT_MAX + 16)

/* What an answer on a user needs beside its members and a comma for each. */
#define PRESENCE_ANSWER_MAX (6 * USER_SIZE_MAX + 64)

/* A MEMBER, at most PRESENCE_MEMBER_MAX bytes. */
void presence_answer_member(struct writer *writer, struct slice node,
			    const struct presence_conn *conn);

/* The answer on a user: opened, then its members, then closed. */
void presence_answer_open(struct writer *writer, struct slice user, bool is_online);
void presence_answer_add(struct writer *writer, struct slice node,
			 const struct presence_conn *conn);
void presence_answer_close(struct writer *writer);

/* Likewise a member as it was stored. Text without a connection_id (it only says that a user
 * lingers) and text that is no MEMBER is left out. */
void presence_answer_add_stored(struct writer *writer, struct slice stored);

/* The answer on a connection of this node, at most PRESENCE_CONN_MAX bytes. */
void presence_answer_conn(struct writer *writer, struct slice node,
			  const struct presence_conn *conn);

/* Likewise from what is stored under belfry:conn:C. False, nothing written: it is not ours. At
 * most the size of `stored`, six times that of `id`, and 112. */
MUST_CHECK bool presence_answer_stored(struct writer *writer, struct slice id, struct slice stored);

/* What is stored there: {"user":U,"node":N,"device":D,"since":T,"address":A}; at most
 * PRESENCE_CONN_MAX. */
void presence_answer_record(struct writer *writer, struct slice node,
			    const struct presence_conn *conn);

#endif
