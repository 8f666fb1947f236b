/* wsbench/conn.h - the life of one client connection.
 *
 * Layer   wsbench, inside of the fleet
 * Threads the one that owns the flotilla
 * Memory  one block from malloc() while a frame is not whole
 * Errors  noted in the flotilla; the connection then closes and meets its fate
 */
#ifndef BELFRY_WSBENCH_CONN_H
#define BELFRY_WSBENCH_CONN_H

#include "wsbench/flotilla.h"

/* IDLE only. */
void conn_open(struct flotilla *flotilla, uint32_t index);

/* READY only: sends a close frame; when the server has closed, the connection opens again. */
void conn_leave(struct flotilla *flotilla, uint32_t index);

/* Any state: resets the connection, unless it is closed or closing. */
void conn_cut(struct flotilla *flotilla, uint32_t index, enum conn_fate fate);

void conn_on_event(struct flotilla *flotilla, const struct socket_event *event);

#endif
