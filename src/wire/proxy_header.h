/* wire/proxy_header.h - the PROXY protocol, version 1 and 2.
 *
 * Layer   wire (may include: base, libc)
 * Threads any
 * Memory  the caller's; nothing is kept between calls
 * Errors  PROXY_HEADER_BAD: the connection is not to be used
 *
 * "The PROXY protocol, versions 1 & 2" of HAProxy: what a proxy sends before the client's first
 * byte to say whose connection it is. The answer does not depend on how the bytes were cut.
 */
#ifndef BELFRY_WIRE_PROXY_HEADER_H
#define BELFRY_WIRE_PROXY_HEADER_H

#include "base/compiler.h"
#include "base/slice.h"
#include "belfry/ip.h"
#include "belfry/limits.h"

enum proxy_header_status {
	PROXY_HEADER_PARTIAL, /* so far it may become one */
	PROXY_HEADER_WHOLE,
	PROXY_HEADER_BAD, /* it is none, or breaks the protocol; more bytes change nothing */
};

struct proxy_header {
	struct ip source; /* of the client; not known: UNKNOWN, LOCAL (the proxy's own health check)
			   * or a Unix socket, the peer's own address is then the best there is */
	size_t size;      /* bytes of the header: the client's follow */
};

/* Reads the header at the beginning of `bytes`. Version 1 (section 2.1): at most 107 bytes with
 * CRLF. Version 2 (section 2.2): at most PROXY_HEADER_SIZE_MAX; addresses of a stream or of
 * datagrams, TLVs (section 2.2.2) must fit exactly and are skipped, but PP2_TYPE_CRC32C must be
 * right. *ret_header is untouched unless WHOLE. */
MUST_CHECK enum proxy_header_status proxy_header_parse(struct slice bytes,
						       struct proxy_header *ret_header);

#endif
