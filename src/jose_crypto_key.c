/*-------------------------------------------------------------------------
 *
 * jose_crypto_key.c
 *	  From the parts of a JWK to libcrypto's form of the key.
 *
 * RSA and EC keys are made from named parameters from 3.0 on, and in 1.1.1 from
 * a structure for each type: make_from_parts() is written twice, and
 * JOSE_OLD_OPENSSL chooses.
 *
 * IDENTIFICATION
 *	  src/jose_crypto_key.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose_crypto.h"

#ifdef USE_OPENSSL
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#ifndef JOSE_OLD_OPENSSL
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#endif

#define MAX_EXPONENT_BYTES	8	/* a longer one makes verifying slow */
#define MAX_POINT_BYTES		(1 + 2 * 66)	/* P-521 */

/* The library's number of a curve of ECDSA. */
int
jose_curve_nid(JoseCurve curve)
{
	return curve == JOSE_P256 ? NID_X9_62_prime256v1 : curve == JOSE_P384 ? NID_secp384r1 : NID_secp521r1;
}

/* Whether a private RSA key has all of its further parts, or none. */
static bool
has_all_primes_or_none(const JoseKey *key)
{
	int			given = (key->p.data != NULL) + (key->q.data != NULL) +
		(key->dp.data != NULL) + (key->dq.data != NULL) + (key->qi.data != NULL);

	return given == 0 || (given == 5 && key->d.data != NULL);
}

/* Writes a point of a curve as libcrypto reads it, and gives its length. */
static size_t
put_point(uint8_t *point, const JoseKey *key)
{
	size_t		width = key->x.len;

	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(point + 1, key->x.data, width);
	memcpy(point + 1 + width, key->y.data, width);
	return 1 + 2 * width;
}

#ifndef JOSE_OLD_OPENSSL

/* Adds a number, if it is given, to the parts of a key.  It is kept until the key is made. */
static bool
push_number(OSSL_PARAM_BLD *builder, const char *name, JoseBytes number, BIGNUM **kept)
{
	if (number.data == NULL)
		return true;
	*kept = BN_bin2bn(number.data, (int) number.len, NULL);
	return *kept != NULL && OSSL_PARAM_BLD_push_BN(builder, name, *kept) == 1;
}

static bool
push_rsa(OSSL_PARAM_BLD *builder, const JoseKey *key, BIGNUM **kept)
{
	return push_number(builder, OSSL_PKEY_PARAM_RSA_N, key->n, &kept[0]) &&
		push_number(builder, OSSL_PKEY_PARAM_RSA_E, key->e, &kept[1]) &&
		push_number(builder, OSSL_PKEY_PARAM_RSA_D, key->d, &kept[2]) &&
		push_number(builder, OSSL_PKEY_PARAM_RSA_FACTOR1, key->p, &kept[3]) &&
		push_number(builder, OSSL_PKEY_PARAM_RSA_FACTOR2, key->q, &kept[4]) &&
		push_number(builder, OSSL_PKEY_PARAM_RSA_EXPONENT1, key->dp, &kept[5]) &&
		push_number(builder, OSSL_PKEY_PARAM_RSA_EXPONENT2, key->dq, &kept[6]) &&
		push_number(builder, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, key->qi, &kept[7]);
}

static bool
push_ec(OSSL_PARAM_BLD *builder, const JoseKey *key, uint8_t *point, BIGNUM **kept)
{
	return OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
										   OBJ_nid2sn(jose_curve_nid(key->curve)), 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, put_point(point, key)) == 1 &&
		push_number(builder, OSSL_PKEY_PARAM_PRIV_KEY, key->d, &kept[0]);
}

/* An RSA or EC key from its numbers, or NULL. */
static EVP_PKEY *
make_from_parts(const JoseKey *key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, key->kty == JOSE_KTY_RSA ? "RSA" : "EC", NULL);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	BIGNUM	   *kept[8] = {NULL};
	uint8_t		point[MAX_POINT_BYTES];
	EVP_PKEY   *pkey = NULL;

	if (context != NULL && builder != NULL &&
		(key->kty == JOSE_KTY_RSA ? push_rsa(builder, key, kept) : push_ec(builder, key, point, kept)) &&
		(params = OSSL_PARAM_BLD_to_param(builder)) != NULL &&
		EVP_PKEY_fromdata_init(context) > 0 &&
		EVP_PKEY_fromdata(context, &pkey, key->d.data != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY, params) <= 0)
		pkey = NULL;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		BN_clear_free(kept[i]);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	EVP_PKEY_CTX_free(context);
	return pkey;
}

#else							/* JOSE_OLD_OPENSSL */

/* A number of a key, or NULL when it is not given. */
static BIGNUM *
make_number(JoseBytes number)
{
	return number.data == NULL ? NULL : BN_bin2bn(number.data, (int) number.len, NULL);
}

static EVP_PKEY *
make_rsa(const JoseKey *key)
{
	RSA		   *rsa = RSA_new();
	EVP_PKEY   *pkey = EVP_PKEY_new();
	bool		ok = rsa != NULL && pkey != NULL &&
		RSA_set0_key(rsa, make_number(key->n), make_number(key->e), make_number(key->d)) == 1;

	if (ok && key->p.data != NULL)
		ok = RSA_set0_factors(rsa, make_number(key->p), make_number(key->q)) == 1 &&
			RSA_set0_crt_params(rsa, make_number(key->dp), make_number(key->dq), make_number(key->qi)) == 1;
	if (ok && EVP_PKEY_assign_RSA(pkey, rsa) == 1)
		return pkey;
	RSA_free(rsa);
	EVP_PKEY_free(pkey);
	return NULL;
}

static EVP_PKEY *
make_ec(const JoseKey *key)
{
	EC_KEY	   *ec = EC_KEY_new_by_curve_name(jose_curve_nid(key->curve));
	EVP_PKEY   *pkey = EVP_PKEY_new();
	BIGNUM	   *d = make_number(key->d);
	uint8_t		point[MAX_POINT_BYTES];
	bool		ok = ec != NULL && pkey != NULL &&
		EC_KEY_oct2key(ec, point, put_point(point, key), NULL) == 1 &&
		(d == NULL || EC_KEY_set_private_key(ec, d) == 1) &&
		EVP_PKEY_assign_EC_KEY(pkey, ec) == 1;

	BN_clear_free(d);
	if (ok)
		return pkey;
	EC_KEY_free(ec);
	EVP_PKEY_free(pkey);
	return NULL;
}

/* An RSA or EC key from its numbers, or NULL. */
static EVP_PKEY *
make_from_parts(const JoseKey *key)
{
	return key->kty == JOSE_KTY_RSA ? make_rsa(key) : make_ec(key);
}

#endif							/* JOSE_OLD_OPENSSL */

/* An RSA key.  Its size is bounded, and its exponent, since both bound the time that verifying takes. */
static EVP_PKEY *
make_rsa_key(const JoseKey *key)
{
	if (key->n.len == 0 || key->n.len > JOSE_MAX_RSA_BITS / 8 || (key->n.data[key->n.len - 1] & 1) == 0 ||
		key->e.len == 0 || key->e.len > MAX_EXPONENT_BYTES || !has_all_primes_or_none(key))
		return NULL;
	return make_from_parts(key);
}

/* A key of an elliptic curve.  libcrypto refuses a point that is not on it. */
static EVP_PKEY *
make_ec_key(const JoseKey *key)
{
	size_t		width = jose_curve_bytes(key->curve);

	if (width == 0 || key->curve == JOSE_ED25519 || key->x.len != width || key->y.len != width ||
		(key->d.data != NULL && key->d.len != width))
		return NULL;
	return make_from_parts(key);
}

/* A key of Ed25519.  Its private part determines the public one, which must be the one given. */
static EVP_PKEY *
make_ed25519_key(const JoseKey *key)
{
	EVP_PKEY   *pkey;
	uint8_t		x[32];
	size_t		len = sizeof(x);

	if (key->curve != JOSE_ED25519 || key->x.len != sizeof(x))
		return NULL;
	if (key->d.data == NULL)
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->x.data, key->x.len);
	if (key->d.len != sizeof(x))
		return NULL;
	pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->d.data, key->d.len);
	if (pkey != NULL &&
		(EVP_PKEY_get_raw_public_key(pkey, x, &len) != 1 || memcmp(x, key->x.data, sizeof(x)) != 0))
	{
		EVP_PKEY_free(pkey);
		return NULL;
	}
	return pkey;
}

/* libcrypto's key, or NULL when the parts do not make one. */
EVP_PKEY *
jose_make_pkey(const JoseKey *key)
{
	switch (key->kty)
	{
		case JOSE_KTY_RSA:
			return make_rsa_key(key);
		case JOSE_KTY_EC:
			return make_ec_key(key);
		case JOSE_KTY_OKP:
			return make_ed25519_key(key);
		default:
			return NULL;
	}
}

#endif							/* USE_OPENSSL */
