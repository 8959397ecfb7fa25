/*-------------------------------------------------------------------------
 *
 * jose_crypto.c
 *	  Signatures: verifying and making them.
 *
 * HMAC is in jose_crypto_hmac.c; RSA, elliptic curves and Ed25519 come from
 * libcrypto.  With JOSE_STANDALONE everything comes from libcrypto, and nothing
 * of the server is needed.
 *
 * Nothing here reports an error while an object of libcrypto is alive: it
 * would never be freed.  libcrypto keeps its errors in a queue that it shares
 * with the connection to the client, so the queue is emptied before and after.
 *
 * IDENTIFICATION
 *	  src/jose_crypto.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose_crypto.h"

#ifdef JOSE_STANDALONE
#include <openssl/rand.h>
#endif

#ifdef USE_OPENSSL
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#endif

#define MAX_HASH_BYTES	64
#define MAX_COORDINATE	66		/* P-521 */
#define MAX_DER			(3 + 2 * (3 + MAX_COORDINATE))	/* of an ECDSA signature */

/* The hash of an algorithm, by its length in bytes; 0 for Ed25519, which has its own. */
static size_t
hash_bytes(JoseAlg alg)
{
	switch (alg)
	{
		case JOSE_HS256:
		case JOSE_RS256:
		case JOSE_PS256:
		case JOSE_ES256:
			return 32;
		case JOSE_HS384:
		case JOSE_RS384:
		case JOSE_PS384:
		case JOSE_ES384:
			return 48;
		case JOSE_HS512:
		case JOSE_RS512:
		case JOSE_PS512:
		case JOSE_ES512:
			return 64;
		default:
			return 0;
	}
}

/* Bytes of a coordinate of the curve; for Ed25519 of the key. */
size_t
jose_curve_bytes(JoseCurve curve)
{
	switch (curve)
	{
		case JOSE_P256:
		case JOSE_ED25519:
			return 32;
		case JOSE_P384:
			return 48;
		case JOSE_P521:
			return MAX_COORDINATE;
		default:
			return 0;
	}
}

/*
 * HMAC
 */

#ifdef JOSE_STANDALONE

/* Bytes that nobody can guess; false when there are none. */
bool
jose_random(uint8_t *bytes, size_t len)
{
	return RAND_bytes(bytes, (int) len) == 1;
}

#define same_bytes(a, b, len) (CRYPTO_memcmp(a, b, len) == 0)

#else

/* Bytes that nobody can guess; false when there are none. */
bool
jose_random(uint8_t *bytes, size_t len)
{
	return pg_strong_random(bytes, len);
}

#define same_bytes(a, b, len) (timingsafe_bcmp(a, b, len) == 0)

#endif							/* JOSE_STANDALONE */

/* JOSE_OK when a MAC is the right one. */
static JoseCode
verify_hmac(const JoseKey *key, JoseAlg alg, JoseBytes text, JoseBytes signature)
{
	uint8_t		mac[MAX_HASH_BYTES];
	JoseCode	code;

	if (!jose_make_hmac(key, alg, text, mac))
		code = JOSE_UNSUPPORTED;
	else if (signature.len == hash_bytes(alg) && same_bytes(mac, signature.data, signature.len))
		code = JOSE_OK;
	else
		code = JOSE_SIGNATURE;
	explicit_bzero(mac, sizeof(mac));
	return code;
}

#ifdef USE_OPENSSL

/*
 * Algorithms of libcrypto
 */

/* The hash of an algorithm: fetched once in the life of the process. */
static const EVP_MD *
get_hash(JoseAlg alg)
{
	static const EVP_MD *fetched[3];
	size_t		slot = hash_bytes(alg) / 16 - 2;

	if (fetched[slot] == NULL)
	{
		static const char *const names[] = {"SHA256", "SHA384", "SHA512"};

#ifdef JOSE_OLD_OPENSSL
		fetched[slot] = EVP_get_digestbyname(names[slot]);
#else
		fetched[slot] = EVP_MD_fetch(NULL, names[slot], NULL);
#endif
	}
	return fetched[slot];
}

/* Tells a context which hash, and with RSA which padding, an algorithm has. */
static bool
set_algorithm(EVP_PKEY_CTX *context, JoseAlg alg)
{
	const EVP_MD *hash = get_hash(alg);

	if (hash == NULL || EVP_PKEY_CTX_set_signature_md(context, hash) <= 0)
		return false;
	switch (alg)
	{
		case JOSE_RS256:
		case JOSE_RS384:
		case JOSE_RS512:
			return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
		case JOSE_PS256:
		case JOSE_PS384:
		case JOSE_PS512:
			return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
				EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash) > 0 &&
				EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
		default:
			return true;
	}
}

/* The context in which a key verifies with an algorithm, or NULL. */
static EVP_PKEY_CTX *
get_verifier(JoseHandle *handle, JoseAlg alg)
{
	EVP_PKEY_CTX *context = handle->verifiers[alg];

	if (context != NULL)
		return context;
	context = EVP_PKEY_CTX_new(handle->pkey, NULL);
	if (context == NULL)
		return NULL;
	if (EVP_PKEY_verify_init(context) <= 0 || !set_algorithm(context, alg))
	{
		EVP_PKEY_CTX_free(context);
		return NULL;
	}
	handle->verifiers[alg] = context;
	return context;
}

/* Writes a positive number as an INTEGER of DER, and gives the place after it. */
static uint8_t *
put_der_integer(uint8_t *out, const uint8_t *number, size_t len)
{
	bool		pad;

	while (len > 1 && *number == 0)
	{
		number++;
		len--;
	}
	pad = (*number & 0x80) != 0;
	*out++ = 0x02;
	*out++ = (uint8_t) (len + pad);
	if (pad)
		*out++ = 0;
	memcpy(out, number, len);
	return out + len;
}

/* An ECDSA signature as libcrypto wants it, from R and S of equal width.  The length. */
static size_t
put_der_signature(uint8_t *der, const uint8_t *raw, size_t width)
{
	uint8_t		body[MAX_DER];
	uint8_t    *end = put_der_integer(body, raw, width);
	size_t		len;
	size_t		at = 0;

	end = put_der_integer(end, raw + width, width);
	len = (size_t) (end - body);
	der[at++] = 0x30;
	if (len >= 0x80)
		der[at++] = 0x81;
	der[at++] = (uint8_t) len;
	memcpy(der + at, body, len);
	return at + len;
}

/* JOSE_OK when an RSA or ECDSA signature is the right one. */
static JoseCode
verify_hashed(const JoseKey *key, JoseAlg alg, JoseBytes text, JoseBytes signature)
{
	JoseHandle *handle = key->handle;
	EVP_PKEY_CTX *context = get_verifier(handle, alg);
	uint8_t		hash[MAX_HASH_BYTES];
	uint8_t		der[MAX_DER];

	if (context == NULL || EVP_Digest(text.data, text.len, hash, NULL, get_hash(alg), NULL) != 1)
		return JOSE_UNSUPPORTED;
	if (key->kty == JOSE_KTY_EC)
	{
		size_t		width = jose_curve_bytes(key->curve);

		if (signature.len != 2 * width)
			return JOSE_SIGNATURE;
		signature.len = put_der_signature(der, signature.data, width);
		signature.data = der;
	}
	else if (signature.len != (size_t) EVP_PKEY_size(handle->pkey))
		return JOSE_SIGNATURE;

	if (EVP_PKEY_verify(context, signature.data, signature.len, hash, hash_bytes(alg)) != 1)
		return JOSE_SIGNATURE;
	return JOSE_OK;
}

/* The context in which a key of Ed25519 verifies, set up once and begun anew each time, or NULL. */
static EVP_MD_CTX *
get_ed25519_verifier(JoseHandle *handle)
{
	if (handle->ed25519 != NULL && EVP_DigestVerifyInit(handle->ed25519, NULL, NULL, NULL, NULL) == 1)
		return handle->ed25519;
	EVP_MD_CTX_free(handle->ed25519);
	handle->ed25519 = EVP_MD_CTX_new();
	if (handle->ed25519 != NULL && EVP_DigestVerifyInit(handle->ed25519, NULL, NULL, NULL, handle->pkey) == 1)
		return handle->ed25519;
	EVP_MD_CTX_free(handle->ed25519);
	handle->ed25519 = NULL;
	return NULL;
}

/* JOSE_OK when an Ed25519 signature is the right one. */
static JoseCode
verify_ed25519(const JoseKey *key, JoseBytes text, JoseBytes signature)
{
	EVP_MD_CTX *context;

	if (signature.len != 64)
		return JOSE_SIGNATURE;
	context = get_ed25519_verifier(key->handle);
	if (context == NULL)
		return JOSE_UNSUPPORTED;
	return EVP_DigestVerify(context, signature.data, signature.len, text.data, text.len) == 1 ? JOSE_OK : JOSE_SIGNATURE;
}

/* Makes an Ed25519 signature. */
static JoseCode
sign_ed25519(JoseHandle *handle, JoseBytes text, uint8_t *signature, size_t *len)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool		ok;

	*len = 64;
	ok = context != NULL &&
		EVP_DigestSignInit(context, NULL, NULL, NULL, handle->pkey) == 1 &&
		EVP_DigestSign(context, signature, len, text.data, text.len) == 1;
	EVP_MD_CTX_free(context);
	return ok ? JOSE_OK : JOSE_UNSUPPORTED;
}

/* Turns libcrypto's ECDSA signature into R and S of equal width, in the same place. */
static bool
get_raw_signature(uint8_t *signature, size_t *len, size_t width)
{
	const uint8_t *der = signature;
	ECDSA_SIG  *parts = d2i_ECDSA_SIG(NULL, &der, (long) *len);
	bool		ok;

	if (parts == NULL)
		return false;
	ok = BN_bn2binpad(ECDSA_SIG_get0_r(parts), signature, (int) width) >= 0 &&
		BN_bn2binpad(ECDSA_SIG_get0_s(parts), signature + width, (int) width) >= 0;
	ECDSA_SIG_free(parts);
	*len = 2 * width;
	return ok;
}

/* Makes an RSA or ECDSA signature. */
static JoseCode
sign_hashed(const JoseKey *key, JoseAlg alg, JoseBytes text, uint8_t *signature, size_t *len)
{
	JoseHandle *handle = key->handle;
	const EVP_MD *md = get_hash(alg);
	EVP_PKEY_CTX *context;
	uint8_t		hash[MAX_HASH_BYTES];
	bool		ok;

	if (md == NULL || EVP_Digest(text.data, text.len, hash, NULL, md, NULL) != 1)
		return JOSE_UNSUPPORTED;
	*len = JOSE_MAX_SIGNATURE;
	context = EVP_PKEY_CTX_new(handle->pkey, NULL);
	ok = context != NULL &&
		EVP_PKEY_sign_init(context) > 0 &&
		set_algorithm(context, alg) &&
		EVP_PKEY_sign(context, signature, len, hash, hash_bytes(alg)) > 0;
	EVP_PKEY_CTX_free(context);
	if (ok && key->kty == JOSE_KTY_EC)
		ok = get_raw_signature(signature, len, jose_curve_bytes(key->curve));
	return ok ? JOSE_OK : JOSE_UNSUPPORTED;
}

/*
 * Signs with a key of libcrypto.  The first signature is verified, so that a private part that does
 * not belong to the public one is found: it is JOSE_KEY, as is a key without one.
 */
static JoseCode
sign_with_handle(const JoseKey *key, JoseAlg alg, JoseBytes text, uint8_t *signature, size_t *len)
{
	JoseHandle *handle = key->handle;
	JoseCode	code;

	if (!handle->has_private)
		return JOSE_KEY;
	if (key->kty == JOSE_KTY_OKP)
		code = sign_ed25519(handle, text, signature, len);
	else
		code = sign_hashed(key, alg, text, signature, len);
	if (code != JOSE_OK || handle->is_proven)
		return code;

	if (jose_verify(key, alg, text, (JoseBytes) {signature, *len}) != JOSE_OK)
	{
		explicit_bzero(signature, *len);
		return JOSE_KEY;
	}
	handle->is_proven = true;
	return JOSE_OK;
}

#endif							/* USE_OPENSSL */

/* Whether an algorithm is one for keys of a type and curve. */
static bool
is_for_key(const JoseKey *key, JoseAlg alg)
{
	switch (key->kty)
	{
		case JOSE_KTY_OCT:
			return alg >= JOSE_HS256 && alg <= JOSE_HS512;
		case JOSE_KTY_RSA:
			return alg >= JOSE_RS256 && alg <= JOSE_PS512;
		case JOSE_KTY_EC:
			return (key->curve == JOSE_P256 && alg == JOSE_ES256) ||
				(key->curve == JOSE_P384 && alg == JOSE_ES384) ||
				(key->curve == JOSE_P521 && alg == JOSE_ES512);
		case JOSE_KTY_OKP:
			return key->curve == JOSE_ED25519 && alg == JOSE_EDDSA;
	}
	return false;
}

/*
 * JOSE_OK, JOSE_SIGNATURE or JOSE_UNSUPPORTED.  An algorithm that is not for the
 * key never matches, whatever the caller has checked before.
 */
JoseCode
jose_verify(const JoseKey *key, JoseAlg alg, JoseBytes signed_part, JoseBytes signature)
{
	JoseCode	code = JOSE_UNSUPPORTED;

	if (!is_for_key(key, alg))
		return JOSE_SIGNATURE;
	if (key->kty == JOSE_KTY_OCT)
		return verify_hmac(key, alg, signed_part, signature);
#ifdef USE_OPENSSL
	if (key->handle != NULL)
	{
		ERR_clear_error();
		if (key->kty == JOSE_KTY_OKP)
			code = verify_ed25519(key, signed_part, signature);
		else
			code = verify_hashed(key, alg, signed_part, signature);
		ERR_clear_error();
	}
#endif
	return code;
}

/* JOSE_OK with the signature's length, JOSE_KEY (no private part) or JOSE_UNSUPPORTED. */
JoseCode
jose_sign(const JoseKey *key, JoseAlg alg, JoseBytes signed_part, uint8_t *signature, size_t *len)
{
	JoseCode	code = JOSE_UNSUPPORTED;

	if (!is_for_key(key, alg))
		return JOSE_KEY;
	if (key->kty == JOSE_KTY_OCT)
	{
		*len = hash_bytes(alg);
		return jose_make_hmac(key, alg, signed_part, signature) ? JOSE_OK : JOSE_UNSUPPORTED;
	}
#ifdef USE_OPENSSL
	if (key->handle != NULL)
	{
		ERR_clear_error();
		code = sign_with_handle(key, alg, signed_part, signature, len);
		ERR_clear_error();
	}
#endif
	return code;
}

/*
 * Makes the library's form of a key: JOSE_OK, JOSE_KEY or JOSE_UNSUPPORTED.  A
 * shared secret needs none; with one, its contexts are kept.
 */
JoseCode
jose_prepare_key(JoseKey *key)
{
	if (key->handle != NULL)
		return JOSE_OK;
#ifdef USE_OPENSSL
	{
		JoseHandle *handle = OPENSSL_zalloc(sizeof(JoseHandle));

		if (key->kty == JOSE_KTY_OCT)
		{
			key->handle = handle;
			return JOSE_OK;
		}
		if (handle == NULL)
			return JOSE_UNSUPPORTED;
		ERR_clear_error();
		handle->pkey = jose_make_pkey(key);
		handle->has_private = key->d.data != NULL;
		ERR_clear_error();
		if (handle->pkey == NULL)
		{
			OPENSSL_free(handle);
			return JOSE_KEY;
		}
		key->handle = handle;
		return JOSE_OK;
	}
#else
	return key->kty == JOSE_KTY_OCT ? JOSE_OK : JOSE_UNSUPPORTED;
#endif
}

/* Gives a key back and wipes its secrets.  Its bytes stay where they are, as zeros. */
void
jose_release_key(JoseKey *key)
{
	const JoseBytes secrets[] = {key->k, key->d, key->p, key->q, key->dp, key->dq, key->qi};

#ifdef USE_OPENSSL
	JoseHandle *handle = key->handle;

	if (handle != NULL)
	{
		for (int alg = 0; alg < JOSE_ALG_COUNT; alg++)
		{
			EVP_PKEY_CTX_free(handle->verifiers[alg]);
#ifndef JOSE_OLD_OPENSSL
			EVP_MAC_CTX_free(handle->macs[alg]);
#endif
		}
		EVP_MD_CTX_free(handle->ed25519);
		EVP_PKEY_free(handle->pkey);
		OPENSSL_free(handle);
	}
#endif
	key->handle = NULL;
	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
	{
		if (secrets[i].data != NULL)
			explicit_bzero((void *) secrets[i].data, secrets[i].len);
	}
}
