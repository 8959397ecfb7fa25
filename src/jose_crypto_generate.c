/*-------------------------------------------------------------------------
 *
 * jose_crypto_generate.c
 *	  New keys, as JSON of private JWKs.
 *
 * IDENTIFICATION
 *	  src/jose_crypto_generate.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose_crypto.h"

#ifdef USE_OPENSSL
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#ifndef JOSE_OLD_OPENSSL
#include <openssl/core_names.h>
#endif
#endif

#define HMAC_RANDOM_BYTES	48	/* 64 characters of base64url */
#define NEW_RSA_BITS		3072
#define MAX_JWK_BYTES		4096	/* of a new key: RSA of 3072 bits has 2400 */
#define MAX_PART_BYTES		(NEW_RSA_BITS / 8)

/* Text that is being written: never past the end of its block. */
typedef struct JoseWriter
{
	char	   *text;
	size_t		len;
} JoseWriter;

/* Appends a constant. */
static void
put_text(JoseWriter *writer, const char *text)
{
	size_t		len = strlen(text);

	memcpy(writer->text + writer->len, text, len);
	writer->len += len;
}

/* Appends a member whose value is bytes in base64url. */
static void
put_bytes(JoseWriter *writer, const char *name, const uint8_t *bytes, size_t len)
{
	put_text(writer, ",\"");
	put_text(writer, name);
	put_text(writer, "\":\"");
	writer->len += jose_base64url_encode(bytes, len, writer->text + writer->len);
	put_text(writer, "\"");
}

/*
 * A new shared secret: text of 64 characters, whose bytes are the key.
 */
static bool
generate_hmac(JoseWriter *writer)
{
	uint8_t		random[HMAC_RANDOM_BYTES];
	char		secret[2 * HMAC_RANDOM_BYTES];
	bool		ok = jose_random(random, sizeof(random));

	if (ok)
	{
		size_t		len = jose_base64url_encode(random, sizeof(random), secret);

		put_bytes(writer, "k", (const uint8_t *) secret, len);
	}
	explicit_bzero(random, sizeof(random));
	explicit_bzero(secret, sizeof(secret));
	return ok;
}

#ifdef USE_OPENSSL

/* Names of a key's numbers in a JWK, in the order of enum KeyPart. */
static const char *const part_names[] = {"n", "e", "d", "p", "q", "dp", "dq", "qi", "x", "y"};

typedef enum KeyPart
{
	PART_N, PART_E, PART_D, PART_P, PART_Q, PART_DP, PART_DQ, PART_QI, PART_X, PART_Y
} KeyPart;

#ifndef JOSE_OLD_OPENSSL

/* One of the numbers of a key, big-endian, in "width" bytes, or in as many as it needs.  0: failed. */
static size_t
read_number(EVP_PKEY *pkey, KeyPart part, uint8_t *out, size_t width)
{
	static const char *const names[] = {
		OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E, OSSL_PKEY_PARAM_RSA_D,
		OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
		OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
		OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y
	};
	const char *name = part == PART_D && width > 0 ? OSSL_PKEY_PARAM_PRIV_KEY : names[part];
	BIGNUM	   *number = NULL;
	size_t		len = 0;

	if (EVP_PKEY_get_bn_param(pkey, name, &number) == 1)
	{
		len = width > 0 ? width : (size_t) BN_num_bytes(number);
		if (len > MAX_PART_BYTES || BN_bn2binpad(number, out, (int) len) < 0)
			len = 0;
	}
	BN_clear_free(number);
	return len;
}

#else							/* JOSE_OLD_OPENSSL */

/* One of the numbers of a key, big-endian, in "width" bytes, or in as many as it needs.  0: failed. */
static size_t
read_number(EVP_PKEY *pkey, KeyPart part, uint8_t *out, size_t width)
{
	const BIGNUM *numbers[10] = {NULL};
	BIGNUM	   *x = BN_new();
	BIGNUM	   *y = BN_new();
	const RSA  *rsa = EVP_PKEY_base_id(pkey) == EVP_PKEY_RSA ? EVP_PKEY_get0_RSA(pkey) : NULL;
	const EC_KEY *ec = EVP_PKEY_base_id(pkey) == EVP_PKEY_EC ? EVP_PKEY_get0_EC_KEY(pkey) : NULL;
	size_t		len = 0;

	if (rsa != NULL)
	{
		RSA_get0_key(rsa, &numbers[PART_N], &numbers[PART_E], &numbers[PART_D]);
		RSA_get0_factors(rsa, &numbers[PART_P], &numbers[PART_Q]);
		RSA_get0_crt_params(rsa, &numbers[PART_DP], &numbers[PART_DQ], &numbers[PART_QI]);
	}
	else if (ec != NULL && x != NULL && y != NULL &&
			 EC_POINT_get_affine_coordinates(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec), x, y, NULL) == 1)
	{
		numbers[PART_D] = EC_KEY_get0_private_key(ec);
		numbers[PART_X] = x;
		numbers[PART_Y] = y;
	}
	if (numbers[part] != NULL)
	{
		len = width > 0 ? width : (size_t) BN_num_bytes(numbers[part]);
		if (len > MAX_PART_BYTES || BN_bn2binpad(numbers[part], out, (int) len) < 0)
			len = 0;
	}
	BN_free(x);
	BN_free(y);
	return len;
}

#endif							/* JOSE_OLD_OPENSSL */

/* Makes a new key pair, or gives NULL. */
static EVP_PKEY *
generate_pkey(int type, JoseCurve curve)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_id(type, NULL);
	EVP_PKEY   *pkey = NULL;

	if (context == NULL ||
		EVP_PKEY_keygen_init(context) <= 0 ||
		(type == EVP_PKEY_RSA && EVP_PKEY_CTX_set_rsa_keygen_bits(context, NEW_RSA_BITS) <= 0) ||
		(type == EVP_PKEY_EC && EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, jose_curve_nid(curve)) <= 0) ||
		EVP_PKEY_keygen(context, &pkey) <= 0)
		pkey = NULL;
	EVP_PKEY_CTX_free(context);
	return pkey;
}

/* Appends numbers of a key, from one to another. */
static bool
put_parts(JoseWriter *writer, EVP_PKEY *pkey, KeyPart first, KeyPart last, size_t width)
{
	uint8_t		bytes[MAX_PART_BYTES];
	bool		ok = true;

	for (KeyPart part = first; ok && part <= last; part++)
	{
		size_t		len = read_number(pkey, part, bytes, width);

		ok = len > 0;
		if (ok)
			put_bytes(writer, part_names[part], bytes, len);
	}
	explicit_bzero(bytes, sizeof(bytes));
	return ok;
}

/* Appends the parts of a key of Ed25519. */
static bool
put_ed25519(JoseWriter *writer, EVP_PKEY *pkey)
{
	uint8_t		x[32];
	uint8_t		d[32];
	size_t		xlen = sizeof(x);
	size_t		dlen = sizeof(d);
	bool		ok = EVP_PKEY_get_raw_public_key(pkey, x, &xlen) == 1 &&
		EVP_PKEY_get_raw_private_key(pkey, d, &dlen) == 1;

	if (ok)
	{
		put_bytes(writer, "x", x, xlen);
		put_bytes(writer, "d", d, dlen);
	}
	explicit_bzero(d, sizeof(d));
	return ok;
}

/* Makes a new pair for an algorithm and appends its parts. */
static bool
generate_pair(JoseWriter *writer, JoseAlg alg)
{
	JoseCurve	curve = alg == JOSE_ES256 ? JOSE_P256 : alg == JOSE_ES384 ? JOSE_P384 : alg == JOSE_ES512 ? JOSE_P521 : JOSE_CURVE_NONE;
	int			type = alg == JOSE_EDDSA ? EVP_PKEY_ED25519 : curve != JOSE_CURVE_NONE ? EVP_PKEY_EC : EVP_PKEY_RSA;
	EVP_PKEY   *pkey;
	bool		ok;

	ERR_clear_error();
	pkey = generate_pkey(type, curve);
	if (pkey == NULL)
		ok = false;
	else if (type == EVP_PKEY_RSA)
		ok = put_parts(writer, pkey, PART_N, PART_QI, 0);
	else if (type == EVP_PKEY_EC)
		ok = put_parts(writer, pkey, PART_X, PART_Y, jose_curve_bytes(curve)) &&
			put_parts(writer, pkey, PART_D, PART_D, jose_curve_bytes(curve));
	else
		ok = put_ed25519(writer, pkey);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return ok;
}

#endif							/* USE_OPENSSL */

/* The members of a new JWK that say what kind of key it is. */
static const char *
jwk_heading(JoseAlg alg)
{
	switch (alg)
	{
		case JOSE_HS256:
		case JOSE_HS384:
		case JOSE_HS512:
			return "{\"kty\":\"oct\"";
		case JOSE_ES256:
			return "{\"kty\":\"EC\",\"crv\":\"P-256\"";
		case JOSE_ES384:
			return "{\"kty\":\"EC\",\"crv\":\"P-384\"";
		case JOSE_ES512:
			return "{\"kty\":\"EC\",\"crv\":\"P-521\"";
		case JOSE_EDDSA:
			return "{\"kty\":\"OKP\",\"crv\":\"Ed25519\"";
		case JOSE_ALG_UNKNOWN:
			return NULL;
		default:
			return "{\"kty\":\"RSA\"";
	}
}

/*
 * A new key for an algorithm, as JSON of a private JWK without kid, in memory of the caller: who
 * wipes it.  JOSE_UNSUPPORTED when this build cannot make one.
 */
JoseCode
jose_generate_key(JoseAlg alg, char **jwk, size_t *len, const JoseMemory *memory)
{
	JoseWriter	writer = {NULL, 0};
	bool		ok;

	if (jwk_heading(alg) == NULL)
		return JOSE_UNSUPPORTED;
	writer.text = memory->alloc(memory->arg, MAX_JWK_BYTES);
	put_text(&writer, jwk_heading(alg));
	put_text(&writer, ",\"alg\":\"");
	put_text(&writer, jose_alg_name(alg));
	put_text(&writer, "\"");
	if (alg <= JOSE_HS512)
		ok = generate_hmac(&writer);
	else
#ifdef USE_OPENSSL
		ok = generate_pair(&writer, alg);
#else
		ok = false;
#endif
	if (!ok)
	{
		explicit_bzero(writer.text, MAX_JWK_BYTES);
		memory->release(memory->arg, writer.text);
		return JOSE_UNSUPPORTED;
	}
	put_text(&writer, "}");
	*jwk = writer.text;
	*len = writer.len;
	return JOSE_OK;
}
