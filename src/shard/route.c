/* shard/route.c - the table of paths. */
#include "shard/route.h"

#include "base/writer.h"
#include "wire/channel_name.h"
#include "wire/http_head.h"

static const char *const trees[] = {
	[ROUTE_WS] = "/ws",
	[ROUTE_SSE] = "/sse",
	[ROUTE_POLL] = "/poll",
};

static const struct route routes[] = {
	{"", ROUTE_NO_PARAMETER, {"user:%s", "announcements"}},
	{"/notifications", ROUTE_NO_PARAMETER, {"user:%s", "announcements"}},
	{"/notifications/", ROUTE_OF_USER, {"user:%s"}},
	{"/trending", ROUTE_NO_PARAMETER, {"trending"}},
	{"/feed/", ROUTE_OF_USER, {"feed:%s"}},
	{"/engagement/", ROUTE_OF_ANYBODY, {"engagement:%s"}},
	{"/typing/", ROUTE_OF_USER, {"typing:%s"}},
};

static bool match_parameter(struct slice path, const struct route *route,
			    struct route_match *ret_match)
{
	struct slice prefix = slice_of_text(route->path);
	struct slice text = slice_skip(path, prefix.size);
	size_t size;

	if (text.size == 0 || memchr(text.bytes, '/', text.size))
		return false;
	if (!http_path_decode(text, ret_match->parameter, sizeof(ret_match->parameter), &size))
		return false;
	if (!channel_name_is_valid(slice_of(ret_match->parameter, size)))
		return false;
	ret_match->route = route;
	ret_match->parameter_size = size;
	return true;
}

static bool find_below(struct slice path, struct route_match *ret_match)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		struct slice route_path = slice_of_text(routes[i].path);

		if (routes[i].owner == ROUTE_NO_PARAMETER) {
			if (!slice_equal(path, route_path))
				continue;
			ret_match->route = &routes[i];
			ret_match->parameter_size = 0;
			return true;
		}
		if (slice_starts_with(path, route_path))
			return match_parameter(path, &routes[i], ret_match);
	}
	return false;
}

bool route_find(struct slice path, struct route_match *ret_match)
{
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		struct slice tree = slice_of_text(trees[i]);

		if (!slice_starts_with(path, tree))
			continue;
		ret_match->tree = (enum route_tree)i;
		return find_below(slice_skip(path, tree.size), ret_match);
	}
	return false;
}

struct slice route_channel(const struct route_match *match, uint32_t index, struct slice user,
			   uint8_t *name)
{
	const struct slice absent = {NULL, 0};
	const char *pattern = index < ROUTE_CHANNELS_MAX ? match->route->channels[index] : NULL;
	struct writer writer;

	if (!pattern)
		return absent;
	struct slice text = slice_of_text(pattern);

	writer_init(&writer, name, CHANNEL_SIZE_MAX);
	if (text.size > 2 && memcmp(text.bytes + text.size - 2, "%s", 2) == 0) {
		writer_bytes(&writer, text.bytes, text.size - 2);
		writer_slice(&writer, match->parameter_size
					      ? slice_of(match->parameter, match->parameter_size)
					      : user);
	} else {
		writer_slice(&writer, text);
	}
	return !writer.overflow && channel_name_is_valid(writer_written(&writer))
		       ? writer_written(&writer)
		       : absent;
}
