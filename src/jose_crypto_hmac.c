/*-------------------------------------------------------------------------
 *
 * jose_crypto_hmac.c
 *	  HMAC: the MAC of a token by a shared secret.
 *
 * The server has HMAC in any build, but sets it up anew each time, which costs
 * twice as much as the MAC of a token.  A prepared key therefore keeps a
 * context of libcrypto, if that is 3.0 or newer.
 *
 * IDENTIFICATION
 *	  src/jose_crypto_hmac.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose_crypto.h"

#ifdef JOSE_STANDALONE
#include <openssl/hmac.h>
#else
#include "common/cryptohash.h"
#include "common/hmac.h"
#include "common/sha2.h"
#endif

#ifdef USE_OPENSSL
#include <openssl/err.h>
#ifndef JOSE_OLD_OPENSSL
#include <openssl/core_names.h>
#include <openssl/params.h>
#endif
#endif

#define MAX_HASH_BYTES	64

#ifdef JOSE_STANDALONE

/* The MAC of some bytes, from nothing but the secret. */
static bool
make_hmac(JoseAlg alg, JoseBytes secret, JoseBytes text, uint8_t *mac)
{
	const EVP_MD *md = alg == JOSE_HS256 ? EVP_sha256() : alg == JOSE_HS384 ? EVP_sha384() : EVP_sha512();

	return HMAC(md, secret.len > 0 ? secret.data : (const uint8_t *) "", (int) secret.len,
				text.data, text.len, mac, NULL) != NULL;
}

#else

/* The MAC of some bytes, from nothing but the secret. */
static bool
make_hmac(JoseAlg alg, JoseBytes secret, JoseBytes text, uint8_t *mac)
{
	pg_cryptohash_type type = alg == JOSE_HS256 ? PG_SHA256 : alg == JOSE_HS384 ? PG_SHA384 : PG_SHA512;
	size_t		len = alg == JOSE_HS256 ? PG_SHA256_DIGEST_LENGTH :
		alg == JOSE_HS384 ? PG_SHA384_DIGEST_LENGTH : PG_SHA512_DIGEST_LENGTH;
	pg_hmac_ctx *context = pg_hmac_create(type);
	bool		ok;

	if (context == NULL)
		return false;
	ok = pg_hmac_init(context, secret.len > 0 ? secret.data : (const uint8_t *) "", secret.len) >= 0 &&
		pg_hmac_update(context, text.data, text.len) >= 0 &&
		pg_hmac_final(context, mac, len) >= 0;
	pg_hmac_free(context);
	return ok;
}

#endif							/* JOSE_STANDALONE */

#if defined(USE_OPENSSL) && !defined(JOSE_OLD_OPENSSL)

/* The MAC of some bytes with a context that has its secret. */
static bool
use_context(EVP_MAC_CTX *context, JoseBytes text, uint8_t *mac)
{
	size_t		len;

	return EVP_MAC_init(context, NULL, 0, NULL) == 1 &&
		EVP_MAC_update(context, text.data, text.len) == 1 &&
		EVP_MAC_final(context, mac, &len, MAX_HASH_BYTES) == 1;
}

/* A new context with the secret of a key, or NULL. */
static EVP_MAC_CTX *
make_context(const JoseKey *key, JoseAlg alg)
{
	static EVP_MAC *hmac = NULL;
	char	   *hash = alg == JOSE_HS256 ? "SHA256" : alg == JOSE_HS384 ? "SHA384" : "SHA512";
	OSSL_PARAM	parameters[2];
	EVP_MAC_CTX *context;

	if (hmac == NULL)
		hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	if (hmac == NULL || key->k.len == 0)
		return NULL;
	context = EVP_MAC_CTX_new(hmac);
	if (context == NULL)
		return NULL;
	parameters[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0);
	parameters[1] = OSSL_PARAM_construct_end();
	if (EVP_MAC_init(context, key->k.data, key->k.len, parameters) == 1)
		return context;
	EVP_MAC_CTX_free(context);
	return NULL;
}

/*
 * The context that a prepared key keeps for an algorithm, or NULL.  It is made
 * at the second use, since many keys are used but once, and tried twice: the
 * first versions of 3.0 do not begin anew.
 */
static EVP_MAC_CTX *
get_context(const JoseKey *key, JoseAlg alg)
{
	JoseHandle *handle = key->handle;
	JoseBytes	text = {(const uint8_t *) "text", 4};
	uint8_t		expected[MAX_HASH_BYTES] = {0};
	uint8_t		mac[MAX_HASH_BYTES] = {0};
	EVP_MAC_CTX *context;

	if (handle->macs[alg] != NULL || handle->has_no_macs)
		return handle->macs[alg];
	if (!handle->was_used[alg])
	{
		handle->was_used[alg] = true;
		return NULL;
	}
	/* First this, because the server may raise. */
	handle->has_no_macs = !make_hmac(alg, key->k, text, expected);
	if (handle->has_no_macs)
		return NULL;
	context = make_context(key, alg);
	if (context != NULL && use_context(context, text, mac) && use_context(context, text, mac) &&
		memcmp(mac, expected, MAX_HASH_BYTES) == 0)
		handle->macs[alg] = context;
	else
	{
		EVP_MAC_CTX_free(context);
		handle->has_no_macs = true;
	}
	return handle->macs[alg];
}

#endif

/* The MAC of some bytes by a shared secret, as long as the hash.  False when the library fails. */
bool
jose_make_hmac(const JoseKey *key, JoseAlg alg, JoseBytes text, uint8_t *mac)
{
#if defined(USE_OPENSSL) && !defined(JOSE_OLD_OPENSSL)
	if (key->handle != NULL)
	{
		EVP_MAC_CTX *context;
		bool		ok;

		ERR_clear_error();
		context = get_context(key, alg);
		ok = context != NULL && use_context(context, text, mac);
		ERR_clear_error();
		if (ok)
			return true;
	}
#endif
	return make_hmac(alg, key->k, text, mac);
}
