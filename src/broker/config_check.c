/* broker/config_check.c - what only shows when several keys are looked at together. */
#include "broker/config_check.h"

#include "belfry/encoding.h"
#include "broker/config_address.h"
#include "broker/config_value.h"
#include "broker/keys.h"
#include "lane/keyring.h"

#include <ctype.h>

#define SECRET_SIZE_ADVISED 32 /* the size of an HS256 digest (RFC 7518 section 3.2) */
#define API_KEY_SIZE_ADVISED 16

static bool is_right(const struct config_draft *draft, enum config_key key)
{
	return !draft->origins[key].is_wrong;
}

/* The one of the two that somebody gave, so that the error line names a place. */
static enum config_key given_one(const struct config_draft *draft, enum config_key a,
				 enum config_key b)
{
	return draft->origins[a].level > CONFIG_LEVEL_DEFAULT ? a : b;
}

static void check_secret_key(struct config_draft *draft)
{
	const struct config *config = draft->config;
	size_t size = config->secret_key ? strlen(config->secret_key) : 0;

	if (!is_right(draft, CONFIG_KEY_secret_key) || !is_right(draft, CONFIG_KEY_auth) ||
	    config->auth != CONFIG_AUTH_JWT)
		return;
	if (size == 0 && config->public_key.count == 0 && !config->jwks_file[0]) {
		config_report_error(
			draft->report,
			"configuration: secret_key: missing: auth = jwt checks tokens with it; "
			"give it as BELFRY_SECRET_KEY, SECRET_KEY or --secret-key, as secret_key "
			"in the file, or the path of a file with it as BELFRY_SECRET_KEY_FILE; "
			"or give public keys with public_key or jwks_file; "
			"for development alone: auth = none");
		return;
	}
	if (size == 0)
		return;
	if (size < SECRET_SIZE_ADVISED)
		config_draft_warn(draft, CONFIG_KEY_secret_key,
				  "has %zu bytes; %d random ones or more cannot be guessed", size,
				  SECRET_SIZE_ADVISED);
	if (isspace((unsigned char)config->secret_key[size - 1]))
		config_draft_warn(draft, CONFIG_KEY_secret_key,
				  "ends with a blank or a line break, which is part of the key");
}

static void on_key_problem(void *owner, enum config_key key, bool is_wrong, const char *text)
{
	if (is_wrong)
		config_draft_refuse(owner, key, "%s", text);
	else
		config_draft_warn(owner, key, "%s", text);
}

/* The files of keys are read here for what is wrong with them, and again for their keys. */
static void check_keys(struct config_draft *draft)
{
	if (!is_right(draft, CONFIG_KEY_secret_key) || !is_right(draft, CONFIG_KEY_algorithm) ||
	    !is_right(draft, CONFIG_KEY_public_key) || !is_right(draft, CONFIG_KEY_jwks_file))
		return;
	keyring_unref(keys_read(draft->config, 0, on_key_problem, draft));
}

static void check_api_keys(struct config_draft *draft)
{
	const struct config_list *keys = &draft->config->api_key;
	uint32_t short_keys = 0;

	if (!is_right(draft, CONFIG_KEY_api_key))
		return;
	for (uint32_t i = 0; i < keys->count; i++)
		short_keys += strlen(keys->items[i]) < API_KEY_SIZE_ADVISED;
	if (short_keys)
		config_draft_warn(draft, CONFIG_KEY_api_key,
				  "%u of %u with fewer than %d characters can be guessed",
				  short_keys, keys->count, API_KEY_SIZE_ADVISED);
}

static void check_auth_none(struct config_draft *draft)
{
	const struct config *config = draft->config;
	const struct config_address_list *list = &config->listen_addresses;
	char text[CONFIG_ADDRESS_TEXT_SIZE];
	uint32_t i = 0;

	if (!is_right(draft, CONFIG_KEY_auth) || !is_right(draft, CONFIG_KEY_listen) ||
	    !is_right(draft, CONFIG_KEY_listen_proxy) ||
	    !is_right(draft, CONFIG_KEY_auth_none_anywhere) || config->auth != CONFIG_AUTH_NONE)
		return;
	while (i < list->count && config_address_is_loopback(&list->items[i]))
		i++;
	if (i == list->count)
		return;
	config_address_text(&list->items[i], text);
	if (config->auth_none_anywhere)
		config_draft_warn(draft, CONFIG_KEY_auth,
				  "none: whoever reaches %s may claim to be any user", text);
	else
		config_draft_refuse(draft, CONFIG_KEY_auth,
				    "none is refused while listen has %s, which other machines can "
				    "reach; listen on 127.0.0.1 or [::1], use auth = jwt, or force "
				    "it with auth_none_anywhere = on",
				    text);
}

static void check_heartbeat(struct config_draft *draft)
{
	const struct config *config = draft->config;
	char interval[CONFIG_NUMBER_SIZE];
	char timeout[CONFIG_NUMBER_SIZE];

	if (!is_right(draft, CONFIG_KEY_heartbeat_interval) ||
	    !is_right(draft, CONFIG_KEY_heartbeat_timeout) || config->heartbeat_interval_ms == 0 ||
	    config->heartbeat_timeout_ms > config->heartbeat_interval_ms)
		return;
	config_value_number_text(CONFIG_KIND_DURATION, config->heartbeat_interval_ms, interval);
	config_value_number_text(CONFIG_KIND_DURATION, config->heartbeat_timeout_ms, timeout);
	config_draft_refuse(
		draft,
		given_one(draft, CONFIG_KEY_heartbeat_timeout, CONFIG_KEY_heartbeat_interval),
		"heartbeat_timeout (%s) must be longer than heartbeat_interval (%s), or every "
		"connection is closed before its next ping",
		timeout, interval);
}

static void refuse_overlap(struct config_draft *draft, enum config_key key,
			   const struct config_address *a, const struct config_address *b)
{
	char a_text[CONFIG_ADDRESS_TEXT_SIZE];
	char b_text[CONFIG_ADDRESS_TEXT_SIZE];

	if (!config_address_overlaps(a, b))
		return;
	config_address_text(a, a_text);
	config_address_text(b, b_text);
	if (strcmp(a_text, b_text) == 0)
		config_draft_refuse(draft, key, "%s is given twice", a_text);
	else
		config_draft_refuse(draft, key, "%s and %s cannot both be listened on", a_text,
				    b_text);
}

static void check_addresses(struct config_draft *draft)
{
	const struct config *config = draft->config;
	const struct config_address_list *list = &config->listen_addresses;
	bool has_admin = is_right(draft, CONFIG_KEY_admin) && config->admin_on;
	enum config_key key = given_one(draft, CONFIG_KEY_admin, CONFIG_KEY_listen);
	enum config_key listen = given_one(draft, CONFIG_KEY_listen_proxy, CONFIG_KEY_listen);

	if (!is_right(draft, CONFIG_KEY_listen) || !is_right(draft, CONFIG_KEY_listen_proxy))
		return;
	for (uint32_t i = 0; i < list->count; i++) {
		for (uint32_t j = 0; j < i; j++)
			refuse_overlap(draft, listen, &list->items[j], &list->items[i]);
		if (has_admin)
			refuse_overlap(draft, key, &list->items[i], &config->admin_address);
	}
}

/* Whoever reaches such an address says who he is. */
static void check_proxies(struct config_draft *draft)
{
	const struct config *config = draft->config;

	if (!is_right(draft, CONFIG_KEY_listen_proxy) ||
	    !is_right(draft, CONFIG_KEY_trusted_proxy) || config->listen_proxy.count == 0 ||
	    config->trusted_proxy.count > 0)
		return;
	config_draft_warn(draft, CONFIG_KEY_listen_proxy,
			  "is open to whoever can reach it, and believes the header of each; name "
			  "the proxies in trusted_proxy");
}

static void check_log_file(struct config_draft *draft)
{
	const struct config *config = draft->config;

	if (!is_right(draft, CONFIG_KEY_log_file) || !is_right(draft, CONFIG_KEY_redis) ||
	    !config->log_file[0] || !config->redis_server.on)
		return;
	config_draft_refuse(draft, CONFIG_KEY_log_file,
			    "log_file is refused together with redis: the log is in Redis, which "
			    "keeps it; leave one of the two empty");
}

static void check_namespaces(struct config_draft *draft)
{
	const struct config_list *list = &draft->config->namespace;

	if (!is_right(draft, CONFIG_KEY_namespace))
		return;
	if (list->count > NAMESPACES_MAX - 1)
		config_draft_refuse(draft, CONFIG_KEY_namespace,
				    "has %u items, at most %d are taken", list->count,
				    NAMESPACES_MAX - 1);
	for (uint32_t i = 0; i < list->count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(list->items[i], list->items[j]) == 0)
				config_draft_refuse(draft, CONFIG_KEY_namespace,
						    "%s is given twice", list->items[i]);
}

void config_check(struct config_draft *draft)
{
	check_secret_key(draft);
	check_keys(draft);
	check_api_keys(draft);
	check_auth_none(draft);
	check_heartbeat(draft);
	check_addresses(draft);
	check_proxies(draft);
	check_log_file(draft);
	check_namespaces(draft);
}
