/* wire/forwarded.h - whose request it is when proxies stand between: two headers and whom to
 * believe.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  none
 * Errors  none: what cannot be read is an address that is not known
 *
 * Each proxy adds the address that it saw to the right end of a list, and a client may send any
 * list. So it is read from the right, as long as the address is one of a trusted proxy; the first
 * other one is the client's.
 */
#ifndef BELFRY_WIRE_FORWARDED_H
#define BELFRY_WIRE_FORWARDED_H

#include "belfry/config.h"
#include "belfry/ip.h"
#include "wire/http_head.h"

/* The client's address by X-Forwarded-For, or Forwarded (RFC 7239), whichever `which` wants; ANY:
 * Forwarded counts when there is no X-Forwarded-For. The peer that sent the head is trusted, the
 * caller has looked. Addresses may have brackets and a port.
 *
 * When every address is trusted it is the leftmost one, and an element that names none ("unknown",
 * an obfuscated name, no `for`, nonsense) ends the list like its left end. Not known: there is
 * neither header, or its rightmost element names no address. */
struct ip forwarded_client(const struct http_head *head, enum config_forwarded which,
			   const struct ip_network_list *trusted);

#endif
