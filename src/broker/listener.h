/* broker/listener.h - listening sockets.
 *
 * Layer   broker (may include everything)
 * Threads main
 * Memory  none
 * Errors  a status and a text that names the address
 */
#ifndef BELFRY_BROKER_LISTENER_H
#define BELFRY_BROKER_LISTENER_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/status.h"
#include "belfry/config.h"

#define LISTENER_TEXT_SIZE (CONFIG_HOST_SIZE + 10)

/* Opens a listening socket. `for_clients`: its connections inherit a small send buffer, so that
 * a client who reads nothing takes kilobytes of kernel memory and not megabytes. */
MUST_CHECK enum status listener_open(const struct config_address *address, bool for_clients,
				     int *ret_fd, char *reason, size_t reason_size);

/* Stops listening at once, also when a ring still holds the socket, so that another process may
 * listen there. */
void listener_close(int fd);

/* "host:port" that the socket is bound to, IPv6 in brackets. */
void listener_address(int fd, char text[LISTENER_TEXT_SIZE]);

#endif
