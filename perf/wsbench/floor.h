/* wsbench/floor.h - the reference: raw TCP sockets and a bare send loop, no broker.
 *
 * Layer   wsbench (may include: base, options, liburing)
 * Threads made and used by the main thread; its senders are threads of its own
 * Memory  4 bytes per socket, and the io_uring tables
 * Errors  floor_create() prints to stderr and returns NULL; sends that did not take the whole
 *         frame are counted
 *
 * What a broadcast costs at least on this machine: every sender sends the same bytes to each of
 * its sockets. Up to FLOOR_SEND_MAX sockets with send(), beyond that (as RLIMIT_NOFILE allows no
 * more descriptors) with fixed-file SENDs, 128 per submission; both cost the same per send.
 */
#ifndef BELFRY_WSBENCH_FLOOR_H
#define BELFRY_WSBENCH_FLOOR_H

#include "base/slice.h"
#include "wsbench/options.h"

#define FLOOR_SEND_MAX 18000u
#define FLOOR_TABLE_SIZE 20000u /* direct descriptors of one sender */
#define FLOOR_TABLE_AIM 15000u	/* so many are meant to be in use: a full backlog fits on top */
#define FLOOR_BATCH 128u
#define FLOOR_SENDERS_MAX 32u

struct floor;

/* Listens on a free port, for `conns` connections. */
MUST_CHECK struct floor *floor_create(const struct options *options, uint32_t conns);
void floor_destroy(struct floor *floor);

uint16_t floor_port(const struct floor *floor);
uint32_t floor_accepted(const struct floor *floor);
uint32_t floor_senders(const struct floor *floor);

/* "send()" or "io_uring SEND, fixed files, batches of 128". */
const char *floor_method_name(const struct floor *floor);

/* Sends `frame` to every socket; returns when all senders are through. */
void floor_send(struct floor *floor, struct slice frame);

/* So far: CPU time inside the send loops, sends, and sends that failed or fell short. */
uint64_t floor_cpu_ns(const struct floor *floor);
uint64_t floor_sends(const struct floor *floor);
uint64_t floor_failures(const struct floor *floor);

#endif
