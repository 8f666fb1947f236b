/* base/crc32c.h - CRC-32C, the checksum of iSCSI, ext4 and many logs.
 *
 * Layer   base
 * Threads any
 * Memory  a constant table of 8 KiB
 * Errors  none
 *
 * Castagnoli's polynomial (0x1EDC6F41, reflected), begun and ended with all bits set: RFC 3720
 * section 12.1 with the values of its appendix B.4.
 */
#ifndef BELFRY_BASE_CRC32C_H
#define BELFRY_BASE_CRC32C_H

#include "base/slice.h"

/* The sum of what gave `before` and then `bytes`; `before` is 0 at the beginning. */
uint32_t crc32c(uint32_t before, struct slice bytes);

#endif
