/* broker/listener.c - socket, options, bind, listen. */
#include "broker/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BIND_RETRY_MS 50
#define BIND_RETRIES 40
#define BACKLOG 4096
/* Bytes; the kernel doubles it. Two segments of the loopback interface fit: with less, the last
 * piece of every burst waits for a delayed acknowledgement. */
#define CLIENT_SEND_BUFFER (64 << 10)

static socklen_t fill(const struct config_address *address, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, address->host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(address->port);
		return sizeof(*v4);
	}
	v6->sin6_family = AF_INET6; /* "*" stays in6addr_any */
	v6->sin6_port = htons(address->port);
	if (strcmp(address->host, "*") != 0 &&
	    inet_pton(AF_INET6, address->host, &v6->sin6_addr) != 1)
		return 0;
	return sizeof(*v6);
}

/* Without IPv6 on the machine "*" means every IPv4 address. */
static void fall_back_to_v4(struct sockaddr_storage *address, socklen_t *size, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)address;

	memset(address, 0, sizeof(*address));
	v4->sin_family = AF_INET;
	v4->sin_port = htons(port);
	*size = sizeof(*v4);
}

static bool set_options(int fd, sa_family_t family, bool dual, bool for_clients)
{
	int on = 1, only = !dual, buffer = CLIENT_SEND_BUFFER;
	bool ok = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;

	if (family == AF_INET6)
		ok = ok && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) == 0;
	if (for_clients)
		ok = ok && setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)) == 0;
	return ok;
}

/* The kernel lets go of a killed process's sockets a moment after the process: its rings are taken
 * apart in the background. */
static bool bind_patiently(int fd, const struct sockaddr_storage *storage, socklen_t size)
{
	const struct timespec moment = {.tv_nsec = BIND_RETRY_MS * 1000000};

	for (int tries = 0; bind(fd, (const struct sockaddr *)storage, size) != 0; tries++) {
		if (errno != EADDRINUSE || tries == BIND_RETRIES)
			return false;
		nanosleep(&moment, NULL);
	}
	return true;
}

enum status listener_open(const struct config_address *address, bool for_clients, int *ret_fd,
			  char *reason, size_t reason_size)
{
	struct sockaddr_storage storage;
	socklen_t size = fill(address, &storage);
	bool is_any = strcmp(address->host, "*") == 0;
	int fd = size ? socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;

	if (fd < 0 && is_any && errno == EAFNOSUPPORT) {
		fall_back_to_v4(&storage, &size, address->port);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	if (fd >= 0 && set_options(fd, storage.ss_family, is_any, for_clients) &&
	    bind_patiently(fd, &storage, size) && listen(fd, BACKLOG) == 0) {
		*ret_fd = fd;
		return STATUS_OK;
	}
	snprintf(reason, reason_size, "cannot listen on %s:%u: %s", address->host, address->port,
		 size ? strerror(errno) : "not an address");
	if (fd >= 0)
		close(fd);
	return STATUS_SYSTEM;
}

void listener_close(int fd)
{
	shutdown(fd, SHUT_RDWR);
	close(fd);
}

void listener_address(int fd, char text[LISTENER_TEXT_SIZE])
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "?";
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;

	memset(&address, 0, sizeof(address));
	getsockname(fd, (struct sockaddr *)&address, &size);
	if (address.ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(text, LISTENER_TEXT_SIZE, "%s:%u", host, ntohs(v4->sin_port));
	} else {
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(text, LISTENER_TEXT_SIZE, "[%s]:%u", host, ntohs(v6->sin6_port));
	}
}
