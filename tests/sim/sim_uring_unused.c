/* tests/sim/sim_uring_unused.c - what only an acceptor, admin, streams and Redis ask for. */
#include <stdlib.h>

#include "uring/uring.h"

void uring_close_idle(struct uring *uring, uint32_t slot, uint64_t tag)
{
	(void)uring;
	(void)slot;
	(void)tag;
	abort();
}

void uring_unacknowledged(struct uring *uring, uint32_t slot, uint64_t tag)
{
	(void)uring;
	(void)slot;
	(void)tag;
	abort();
}

void uring_peer_address(struct uring *uring, uint32_t slot, struct sockaddr_storage *address,
			uint32_t size, uint64_t tag)
{
	(void)uring;
	(void)slot;
	(void)address;
	(void)size;
	(void)tag;
	abort();
}

void uring_hand_over(struct uring *uring, int target_fd, uint32_t slot, uint64_t target_tag,
		     uint64_t tag)
{
	(void)uring;
	(void)target_fd;
	(void)slot;
	(void)target_tag;
	(void)tag;
	abort();
}

void uring_accept_slots(struct uring *uring, int listener_fd, uint64_t tag)
{
	(void)uring;
	(void)listener_fd;
	(void)tag;
	abort();
}

void uring_accept_fds(struct uring *uring, int listener_fd, uint64_t tag)
{
	(void)uring;
	(void)listener_fd;
	(void)tag;
	abort();
}

void uring_connect(struct uring *uring, int fd, const struct sockaddr *address, uint32_t size,
		   uint64_t tag)
{
	(void)uring;
	(void)fd;
	(void)address;
	(void)size;
	(void)tag;
	abort();
}

void uring_receive_fd(struct uring *uring, int fd, void *bytes, uint32_t size, uint64_t tag)
{
	(void)uring;
	(void)fd;
	(void)bytes;
	(void)size;
	(void)tag;
	abort();
}

void uring_send_fd(struct uring *uring, int fd, const void *bytes, size_t size, uint64_t tag)
{
	(void)uring;
	(void)fd;
	(void)bytes;
	(void)size;
	(void)tag;
	abort();
}

void uring_cancel(struct uring *uring, uint64_t tag_of)
{
	(void)uring;
	(void)tag_of;
	abort();
}
