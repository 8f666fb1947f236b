/* wire/socket_io_event.h - what clients emit, as commands of the native protocol.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's writer
 * Errors  the writer's overflow; an event that says nothing we know is UNKNOWN
 *
 * An event and its first argument are written as the native message that means the same, so both
 * protocols have one parser (wire/command.h), one set of rules and one set of errors. The id of
 * an acknowledgement goes and comes back as `ref`.
 *
 *     join "42" | subscribe "feed" | subscribe {"channel":..,"last_event_id":..}
 *     leave "feed" | unsubscribe {"channel":..}
 *     mark:read {"notificationId":..} | mark:read "n1" | mark:all:read
 *     notification:delete {"id":..} | typing {"to":..,"data":..} | publish {"channel":..,..}
 *     ack "1724000000000-0" | auth {"token":..}
 */
#ifndef BELFRY_WIRE_SOCKET_IO_EVENT_H
#define BELFRY_WIRE_SOCKET_IO_EVENT_H

#include "base/compiler.h"
#include "wire/socket_io.h"

enum socket_io_meaning {
	SOCKET_IO_UNKNOWN,
	SOCKET_IO_OWN_ROOM, /* join of the user's own room, which it is in already */
	SOCKET_IO_COMMAND,  /* a native message was written */
};

/* Bytes that the native message of this packet can take. */
size_t socket_io_event_command_size(const struct socket_io_packet *packet);

/* `packet` is an EVENT; `user` is who emits it. */
MUST_CHECK enum socket_io_meaning socket_io_event_read(const struct socket_io_packet *packet,
						       struct slice user, struct writer *writer);

#endif
