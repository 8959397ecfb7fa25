/*-------------------------------------------------------------------------
 *
 * jose_crypto.h
 *	  What the two files of jose_crypto share: libcrypto's form of a key.
 *
 * IDENTIFICATION
 *	  src/jose_crypto.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_JOSE_CRYPTO_H
#define STATBUS_JOSE_CRYPTO_H

#ifdef JOSE_STANDALONE
#define USE_OPENSSL 1			/* tests without a server always have
								 * libcrypto */
#else
#include "postgres.h"
#endif

#include <string.h>

#include "jose.h"

#ifdef JOSE_WITHOUT_OPENSSL		/* tests of what a server without it can do */
#undef USE_OPENSSL
#endif

#ifdef USE_OPENSSL
#include <openssl/evp.h>

/* From 3.0 on keys are made from named parameters; 1.1.1 has a structure for each type. */
#if OPENSSL_VERSION_NUMBER < 0x30000000L && !defined(JOSE_OLD_OPENSSL)
#define JOSE_OLD_OPENSSL 1
#endif

/*
 * A key as libcrypto wants it.  A context is kept for each algorithm that the
 * key has verified with: setting one up costs as much as a tenth of a
 * verification with RSA.
 */
typedef struct JoseHandle
{
	EVP_PKEY   *pkey;			/* NULL for a shared secret */
	EVP_PKEY_CTX *verifiers[JOSE_ALG_COUNT];	/* not for Ed25519 */
	EVP_MD_CTX *ed25519;		/* the same for Ed25519 */
#ifndef JOSE_OLD_OPENSSL
	EVP_MAC_CTX *macs[JOSE_ALG_COUNT];	/* with the secret in them */
	bool		was_used[JOSE_ALG_COUNT];
	bool		has_no_macs;	/* the library cannot use a context twice */
#endif
	bool		has_private;
	bool		is_proven;		/* a signature made with it has verified */
} JoseHandle;

/* libcrypto's key, or NULL when the parts do not make one. */
extern EVP_PKEY *jose_make_pkey(const JoseKey *key);

/* The library's number of a curve of ECDSA. */
extern int	jose_curve_nid(JoseCurve curve);
#endif							/* USE_OPENSSL */

/* The MAC of some bytes by a shared secret, as long as the hash.  False when the library fails. */
extern bool jose_make_hmac(const JoseKey *key, JoseAlg alg, JoseBytes text, uint8_t *mac);

/* Bytes of a coordinate of the curve; for Ed25519 of the key. */
extern size_t jose_curve_bytes(JoseCurve curve);

/* Bytes that nobody can guess; false when there are none. */
extern bool jose_random(uint8_t *bytes, size_t len);

#endif							/* STATBUS_JOSE_CRYPTO_H */
