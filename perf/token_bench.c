/* perf/token_bench.c - what a token costs the first time, and what it costs again.
 *
 *   tokenbench [seconds]      for each measurement, default 1
 *
 * Verifies one token of each algorithm over and over, as a shard does (tokens_verify), first with
 * nothing kept, then from the cache with 50,000 other tokens in it. One thread; both in one run,
 * one after the other, so that the ratio does not depend on the machine's mood. A token signed with
 * a secret is not kept by a shard; it is here, to show why.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>

#include "../tests/unit/wire/token_vectors.h"
#include "base/slice.h"
#include "lane/keyring.h"
#include "lane/verified.h"
#include "shard/tokens.h"
#include "wire/base64.h"
#include "wire/digest.h"
#include "wire/pem_key.h"

#define NOW 1769337000
#define OTHERS 50000
#define BATCH 16 /* verifications between two looks at the clock */

static const char secret[] = "a secret of thirty-two bytes....";

struct subject {
	const char *name;
	const char *pem; /* NULL: the secret */
	const char *token;
};

static struct shard_counters counters;
static struct tokens tokens;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fail(const char *text)
{
	fprintf(stderr, "tokenbench: %s\n", text);
	exit(1);
}

static const char *signed_with_secret(void)
{
	static char token[512];
	uint8_t mac[HMAC_SIZE_MAX];
	size_t size = base64url_write(SLICE("{\"alg\":\"HS256\",\"typ\":\"JWT\"}"), token);

	token[size++] = '.';
	size += base64url_write(SLICE("{\"sub\":\"42\"}"), token + size);
	size_t mac_size =
		digest_hmac(HMAC_SHA256, slice_of_text(secret), slice_of(token, size), mac);
	token[size++] = '.';
	size += base64url_write(slice_of(mac, mac_size), token + size);
	token[size] = '\0';
	return token;
}

static struct keyring *make_keyring(const struct subject *subject)
{
	static uint8_t room[PEM_KEY_ROOM];
	struct jwt_key key = {
		.type = JWT_KEY_SECRET,
		.algorithms = JWT_HS256,
		.bytes = slice_of_text(secret),
	};
	const struct jwt_rules rules = {
		.keys = &key,
		.keys_count = 1,
		.leeway_s = 30,
		.claim_user = "",
		.claim_channels = "channels",
		.claim_admin = "admin",
	};

	if (subject->pem && pem_key_read(slice_of_text(subject->pem), room, &key))
		fail("a key cannot be read");
	struct keyring *keyring = keyring_create(&rules, 1);

	if (!keyring)
		fail("out of memory");
	return keyring;
}

static void learn(struct slice token)
{
	const struct verified source = {
		.serial = 1,
		.name = token_cache_name(&tokens.cache, token),
		.expires_s = INT64_MAX,
		.not_before_s = INT64_MIN,
		.issued_s = INT64_MIN,
		.user = SLICE("42"),
		.jti = SLICE(""),
	};
	struct verified *verified = verified_create(&source);

	if (!verified)
		fail("out of memory");
	tokens_learn(&tokens, verified);
}

/* Verifications a second. Nothing is kept when `is_cold`. */
static double measure(struct slice token, double seconds, bool is_cold)
{
	uint64_t start_ns = now_ns(), ended_ns = start_ns, count = 0;
	static struct jwt_claims claims;

	while ((double)(ended_ns - start_ns) < seconds * 1e9) {
		for (uint32_t i = 0; i < BATCH; i++) {
			if (tokens_verify(&tokens, token, NOW, &claims) != JWT_OK)
				fail("a token was refused");
			if (is_cold)
				token_cache_clear(&tokens.cache);
		}
		count += BATCH;
		ended_ns = now_ns();
	}
	return (double)count / ((double)(ended_ns - start_ns) / 1e9);
}

static void drop_fresh(void)
{
	struct verified *fresh;

	while ((fresh = tokens_take_fresh(&tokens)) != NULL)
		verified_unref(fresh);
}

static void run(const struct subject *subject, double seconds)
{
	struct slice token = slice_of_text(subject->token);

	tokens_init(&tokens, make_keyring(subject), (struct token_cache_keys){{1, 2}, {3, 4}},
		    &counters);
	double cold = measure(token, seconds, true);

	drop_fresh();
	for (uint64_t i = 0; i < OTHERS; i++)
		learn(slice_of(&i, sizeof(i)));
	learn(token);
	double warm = measure(token, seconds, false);

	printf("%9s %9.0f %9.2f %11.0f %9.2f %9.0f\n", subject->name, cold, 1e6 / cold, warm,
	       1e6 / warm, warm / cold);
	fflush(stdout);
	tokens_deinit(&tokens);
}

int main(int argc, char **argv)
{
	const struct subject subjects[] = {
		{"HS256", NULL, signed_with_secret()},
		{"RS256", RSA_PEM, TOKEN_RS256},
		{"ES256", P256_PEM, TOKEN_ES256},
		{"ES384", P384_PEM, TOKEN_ES384},
	};
	struct utsname machine;
	uint64_t seconds = 1;

	if (argc > 2 || (argc == 2 && !slice_to_u64(slice_of_text(argv[1]), &seconds)) ||
	    seconds < 1 || seconds > 600)
		fail("usage: tokenbench [seconds], 1 to 600");
	if (uname(&machine) != 0)
		fail("uname");
	printf("tokenbench: %" PRIu64 " s each, %d other tokens in the cache, RSA of 2048 bits\n",
	       seconds, OTHERS);
	printf("belfry %s, compiler %s, %s %s %s, one thread\n", BELFRY_VERSION, __VERSION__,
	       machine.sysname, machine.release, machine.machine);
	printf("%9s | %18s | %20s | %s\n", "", "verified", "from the cache", "");
	printf("%9s %9s %9s %11s %9s %9s\n", "algorithm", "a second", "us", "a second", "us",
	       "ratio");
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		run(&subjects[i], (double)seconds);
	return 0;
}
