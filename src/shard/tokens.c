/* shard/tokens.c - the cache first, then the keys. */
#include "shard/tokens.h"

#include "base/assert.h"
#include "lane/keyring.h"
#include "lane/verified.h"

void tokens_init(struct tokens *tokens, struct keyring *keyring, struct token_cache_keys keys,
		 struct shard_counters *counters)
{
	*tokens = (struct tokens){.counters = counters, .budget = TURN_VERIFY_UNITS};
	token_cache_init(&tokens->cache, keys);
	tokens_renew(tokens, keyring);
}

struct verified *tokens_take_fresh(struct tokens *tokens)
{
	return tokens->fresh_count > 0 ? tokens->fresh[--tokens->fresh_count] : NULL;
}

void tokens_deinit(struct tokens *tokens)
{
	struct verified *fresh;

	while ((fresh = tokens_take_fresh(tokens)) != NULL)
		verified_unref(fresh);
	token_cache_deinit(&tokens->cache);
	keyring_unref(tokens->keyring);
	tokens->keyring = NULL;
}

void tokens_renew(struct tokens *tokens, struct keyring *keyring)
{
	keyring_unref(tokens->keyring);
	tokens->keyring = keyring;
	token_cache_clear(&tokens->cache);
	if (keyring)
		counter_set(&tokens->counters->keys_read, keyring->serial);
}

void tokens_begin_turn(struct tokens *tokens)
{
	tokens->budget += TURN_VERIFY_UNITS;
	if (tokens->budget > TURN_VERIFY_UNITS)
		tokens->budget = TURN_VERIFY_UNITS;
}

bool tokens_must_wait(const struct tokens *tokens, struct slice token)
{
	return tokens->budget <= 0 && tokens->keyring &&
	       jwt_cost(token, &tokens->keyring->rules) > 0 &&
	       !token_cache_find(&tokens->cache, token_cache_name(&tokens->cache, token));
}

/* The claims as verification gave them; `channels` points into their own buffer. */
static void write_claims(const struct verified *verified, struct jwt_claims *ret_claims)
{
	ASSERT(verified->user.size <= sizeof(ret_claims->user));
	ASSERT(verified->jti.size <= sizeof(ret_claims->jti));
	memcpy(ret_claims->user, verified->user.bytes, verified->user.size);
	ret_claims->user_size = verified->user.size;
	memcpy(ret_claims->jti, verified->jti.bytes, verified->jti.size);
	ret_claims->jti_size = verified->jti.size;
	ret_claims->expires_s = verified->expires_s;
	ret_claims->not_before_s = verified->not_before_s;
	ret_claims->issued_s = verified->issued_s;
	ret_claims->admin = verified->admin;
	ret_claims->channels = (struct slice){NULL, 0};
	if (slice_is_absent(verified->channels))
		return;
	ASSERT(verified->channels.size <= sizeof(ret_claims->payload));
	memcpy(ret_claims->payload, verified->channels.bytes, verified->channels.size);
	ret_claims->channels = slice_of(ret_claims->payload, verified->channels.size);
}

/* Only time can have changed what is known of it. */
static enum jwt_result from_cache(struct tokens *tokens, const struct verified *verified,
				  int64_t now_s, struct jwt_claims *ret_claims)
{
	enum jwt_result result = jwt_claims_times(verified->expires_s, verified->not_before_s,
						  tokens->keyring->rules.leeway_s, now_s);

	counter_add(&tokens->counters->token_cache_hits, 1);
	if (result == JWT_OK)
		write_claims(verified, ret_claims);
	return result;
}

static void keep(struct tokens *tokens, struct token_name name, const struct jwt_claims *claims)
{
	const struct verified source = {
		.serial = tokens->keyring->serial,
		.name = name,
		.expires_s = claims->expires_s,
		.not_before_s = claims->not_before_s,
		.issued_s = claims->issued_s,
		.user = slice_of(claims->user, claims->user_size),
		.jti = slice_of(claims->jti, claims->jti_size),
		.channels = claims->channels,
		.admin = claims->admin,
	};
	struct verified *verified = verified_create(&source);

	if (!verified)
		return;
	if (tokens->fresh_count < ARRAY_SIZE(tokens->fresh)) {
		verified_ref(verified, 1);
		tokens->fresh[tokens->fresh_count++] = verified;
	}
	token_cache_add(&tokens->cache, verified);
}

enum jwt_result tokens_verify(struct tokens *tokens, struct slice token, int64_t now_s,
			      struct jwt_claims *ret_claims)
{
	struct token_name name = token_cache_name(&tokens->cache, token);
	const struct verified *known = token_cache_find(&tokens->cache, name);
	uint32_t cost = 0;

	if (!tokens->keyring)
		return token.size == 0 ? JWT_MISSING : JWT_ALGORITHM;
	if (known)
		return from_cache(tokens, known, now_s, ret_claims);
	enum jwt_result result =
		jwt_verify(token, &tokens->keyring->rules, now_s, &cost, ret_claims);

	counter_add(&tokens->counters->token_verified, 1);
	tokens->budget -= (int32_t)cost;
	if (result == JWT_OK && cost > 0)
		keep(tokens, name, ret_claims);
	return result;
}

void tokens_learn(struct tokens *tokens, struct verified *verified)
{
	if (tokens->keyring && verified->serial == tokens->keyring->serial)
		token_cache_add(&tokens->cache, verified);
	else
		verified_unref(verified);
}
