/* wsbench/dial.c - TCP connections and pipes. */
#include "wsbench/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST_MAX 256

struct url {
	struct slice login; /* absent: none */
	struct slice host, port, path;
};

static struct url split_url(const char *text)
{
	const char *scheme = strstr(text, "://");
	struct slice path = slice_of_text(scheme ? scheme + 3 : text);
	struct slice authority = slice_cut(&path, '/');
	struct url url = {.host = authority, .path = path};
	const uint8_t *at = memrchr(authority.bytes, '@', authority.size);

	if (at) {
		url.login = slice_of(authority.bytes, (size_t)(at - authority.bytes));
		url.host = slice_skip(authority, url.login.size + 1);
	}
	url.port = url.host;
	url.host = slice_cut(&url.port, ':');
	return url;
}

static int connect_first(const struct addrinfo *list)
{
	const int on = 1;

	for (; list; list = list->ai_next) {
		int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return -1;
		if (connect(fd, list->ai_addr, list->ai_addrlen) == 0) {
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
			return fd;
		}
		int error = errno;
		close(fd);
		errno = error;
	}
	return -1;
}

int dial_host(const char *host, uint16_t port)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list;
	char service[8];

	snprintf(service, sizeof(service), "%u", (unsigned)port);
	int result = getaddrinfo(host, service, &hints, &list);
	if (result != 0) {
		fprintf(stderr, "wsbench: %s: %s\n", host, gai_strerror(result));
		errno = EHOSTUNREACH;
		return -1;
	}
	int fd = connect_first(list);
	freeaddrinfo(list);
	return fd;
}

int dial_url(const char *text, uint16_t default_port)
{
	struct url url = split_url(text);
	uint64_t port = default_port;
	char host[HOST_MAX];

	if (url.host.size == 0 || url.host.size >= sizeof(host) ||
	    (!slice_is_absent(url.port) && !slice_to_u64(url.port, &port)) || port > UINT16_MAX) {
		fprintf(stderr, "wsbench: %s: a URL with host and port is expected\n", text);
		errno = EINVAL;
		return -1;
	}
	memcpy(host, url.host.bytes, url.host.size);
	host[url.host.size] = '\0';
	return dial_host(host, (uint16_t)port);
}

bool dial_parse_redis(const char *text, struct dial_redis *ret_login)
{
	struct url url = split_url(text);
	struct slice user = {NULL, 0}, password = url.login;
	uint64_t database;

	if (!slice_is_absent(url.login))
		user = slice_cut(&password, ':');
	if (!slice_is_absent(url.path) && url.path.size > 0 &&
	    !slice_to_u64(url.path, &database)) {
		fprintf(stderr, "wsbench: %s: the database must be a number\n", text);
		errno = EINVAL;
		return false;
	}
	*ret_login = (struct dial_redis){
		.user = user,
		.password = password,
		.database = url.path,
	};
	return true;
}

int dial_command(const char *command, int *ret_pid)
{
	int ends[2];

	if (pipe(ends) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[0], STDIN_FILENO);
		close(ends[0]);
		close(ends[1]);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(ends[0]);
	if (pid < 0) {
		close(ends[1]);
		return -1;
	}
	*ret_pid = pid;
	return ends[1];
}
