/* shard/notice_frame.h - a notice as the WebSocket frame that one channel's receivers get.
 *
 * Layer   shard (may include: lane, wire, uring, log, base, libc)
 * Threads the shard
 * Memory  the caller's
 * Errors  none
 */
#ifndef BELFRY_SHARD_NOTICE_FRAME_H
#define BELFRY_SHARD_NOTICE_FRAME_H

#include "belfry/notice.h"

/* Bytes of the frame for channels[index]. */
size_t notice_frame_size(const struct notice *notice, uint32_t index);

/* Writes exactly that many bytes. */
void notice_frame_write(const struct notice *notice, uint32_t index, uint8_t *bytes);

#endif
