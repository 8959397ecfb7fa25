/*-------------------------------------------------------------------------
 *
 * jose.h
 *	  Signed tokens and their keys: JWS (RFC 7515), JWK (RFC 7517), JWA
 *	  (RFC 7518), JWT (RFC 7519), with the advice of RFC 8725.
 *
 * The way of a token, each step a function of its own:
 *
 *	  jose_split()			size, three segments, strict base64url
 *	  jose_read_header()	JSON of the header; alg, kid, typ, cty, crit
 *	  jose_choose_key()		exactly one key, whose algorithm is the header's
 *	  jose_verify()			the signature (jose_crypto.c)
 *	  jose_check_payload()	JSON of the payload: read only after the signature matched
 *	  jose_check_claims()	exp, nbf, iat, aud, iss
 *
 * jose_check() walks it.  Nothing of a payload is handed out unless the
 * signature was checked and matched.
 *
 * No Datum and no error reporting here: memory comes from JoseMemory, whose
 * alloc() does not return when there is none.  jose_crypto.c alone calls
 * libraries: libcrypto, and the server's HMAC.
 *
 * IDENTIFICATION
 *	  src/jose.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_JOSE_H
#define STATBUS_JOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits. */
#define JOSE_MAX_BYTES		16384	/* of a token, unless options say
									 * otherwise */
#define JOSE_MAX_DEPTH		16	/* of JSON: an object in an object is 2 */
#define JOSE_MAX_KEYS		64	/* of a JWK set */
#define JOSE_MAX_KID		128 /* bytes of a key's name */
#define JOSE_MAX_LEEWAY		86400	/* seconds by which clocks may differ */
#define JOSE_MIN_HMAC_BYTES	32	/* of a shared secret, whatever the hash */
#define JOSE_MIN_RSA_BITS	2048
#define JOSE_MAX_RSA_BITS	8192
#define JOSE_TIME_MAX		INT64_C(253402300799)	/* 9999-12-31T23:59:59Z */

/* What can be wrong with a token; jose_code_name() gives the text that SQL shows. */
typedef enum JoseCode
{
	JOSE_OK,
	JOSE_FORMAT,				/* "format": not three segments */
	JOSE_SIZE,					/* "size": longer than allowed */
	JOSE_BASE64,				/* "base64": not canonical base64url */
	JOSE_HEADER_JSON,			/* "header_json": the header is no strict JSON
								 * object, or a member has the wrong type */
	JOSE_ALG,					/* "alg": none, unknown, not allowed, or not
								 * the key's */
	JOSE_CRIT,					/* "crit": critical extensions are not
								 * understood */
	JOSE_TYP,					/* "typ": another kind of token, or a nested
								 * one */
	JOSE_KEY,					/* "key": no key fits, several do, or the key
								 * is malformed, too short or for another use */
	JOSE_SIGNATURE,				/* "signature": does not match */
	JOSE_PAYLOAD_JSON,			/* "payload_json": the payload is no strict
								 * JSON object */
	JOSE_CLAIMS_TIME,			/* "claims_time": exp, nbf or iat is missing,
								 * no number, or says no */
	JOSE_CLAIMS_AUD,			/* "claims_aud" */
	JOSE_CLAIMS_ISS,			/* "claims_iss" */
	JOSE_CLAIMS_REQUIRED,		/* "claims_required": another required claim
								 * is missing or null */
	JOSE_UNSUPPORTED			/* "unsupported": a good algorithm that this
								 * build cannot do */
} JoseCode;

/* Algorithms of signatures; 0 is none of them. */
typedef enum JoseAlg
{
	JOSE_ALG_UNKNOWN,
	JOSE_HS256, JOSE_HS384, JOSE_HS512,
	JOSE_RS256, JOSE_RS384, JOSE_RS512,
	JOSE_PS256, JOSE_PS384, JOSE_PS512,
	JOSE_ES256, JOSE_ES384, JOSE_ES512,
	JOSE_EDDSA					/* Ed25519; also under its name of RFC 9864 */
} JoseAlg;

#define JOSE_ALG_COUNT (JOSE_EDDSA + 1)

typedef enum JoseKeyType
{
	JOSE_KTY_OCT,
	JOSE_KTY_RSA,
	JOSE_KTY_EC,
	JOSE_KTY_OKP
} JoseKeyType;

typedef enum JoseCurve
{
	JOSE_CURVE_NONE,
	JOSE_P256, JOSE_P384, JOSE_P521,
	JOSE_ED25519
} JoseCurve;

/* Bytes of somebody else's memory. */
typedef struct JoseBytes
{
	const uint8_t *data;		/* NULL: not there */
	size_t		len;
} JoseBytes;

typedef struct JoseMemory
{
	void	   *(*alloc) (void *arg, size_t size);	/* never NULL */
	void		(*release) (void *arg, void *block);
	void	   *arg;
} JoseMemory;

/*
 * A key.  Its bytes are somebody else's: of a JoseKeySet, or of who made it by
 * hand.  "handle" is what jose_crypto.c has made of it, or NULL.
 */
typedef struct JoseKey
{
	JoseKeyType kty;
	JoseCurve	curve;
	JoseAlg		alg;			/* the JWK's "alg", else JOSE_ALG_UNKNOWN */
	bool		may_verify;		/* by its "use" and "key_ops" */
	bool		may_sign;
	JoseBytes	kid;			/* NULL data: it has none */
	JoseBytes	k;				/* oct: the secret */
	JoseBytes	n,
				e;				/* RSA, big-endian without leading zeros */
	JoseBytes	x,
				y;				/* EC, OKP: of the curve's width */
	JoseBytes	d,
				p,
				q,
				dp,
				dq,
				qi;				/* the private part, if given */
	void	   *handle;
} JoseKey;

/*
 * Keys.  A set that jose_read_jwks() made owns their bytes; one that is put
 * together by hand has no block, and is not for jose_free_jwks().
 */
typedef struct JoseKeySet
{
	JoseKey    *keys;
	int			nkeys;
	void	   *block;			/* the keys' bytes, wiped before they are
								 * given back */
	size_t		block_size;
} JoseKeySet;

/* A token, taken apart; everything decoded lies in one block of memory. */
typedef struct JoseToken
{
	JoseBytes	signed_part;	/* as it came: header "." payload */
	JoseBytes	header;			/* decoded */
	JoseBytes	payload;
	JoseBytes	signature;
	void	   *block;
	/* from the header */
	char	   *strings;		/* what had to be unescaped of it, or NULL */
	JoseAlg		alg;
	JoseBytes	kid;			/* unescaped; NULL data: none */
	bool		has_typ;
	bool		typ_is_known;	/* "JWT" or "at+jwt", in any case, with or
								 * without application/ */
	JoseBytes	typ;
	bool		has_cty;
} JoseToken;

/* What a token has to be, beyond well-formed and signed. */
typedef struct JoseOptions
{
	uint32_t	algorithms;		/* bit 1 << JoseAlg; 0: any that the keys
								 * allow */
	JoseBytes	audience;		/* NULL data: not asked for */
	JoseBytes	issuer;
	JoseBytes	typ;			/* NULL data: JWT or at+jwt or none */
	int64_t		leeway;			/* seconds, 0 .. JOSE_MAX_LEEWAY */
	int64_t		now;			/* seconds since 1970 */
	const JoseBytes *required;	/* names of claims that must be there and not
								 * null */
	int			nrequired;
	size_t		max_bytes;
	bool		signature_only; /* any payload, no claims, short secrets too:
								 * jws_verify */
} JoseOptions;

typedef struct JoseResult
{
	JoseCode	code;
	const char *message;		/* constant text, in the words of PostgREST
								 * where it has some; never part of a token */
	bool		expired;		/* good in all respects but past its exp: code
								 * is JOSE_CLAIMS_TIME */
	JoseBytes	payload;		/* only when code is JOSE_OK or expired; in
								 * the token's block */
} JoseResult;

/* --- jose_base64.c: RFC 4648 section 5, no padding, no stray bits --- */

extern size_t jose_base64url_decoded_size(size_t encoded);
extern size_t jose_base64url_encoded_size(size_t len);

/* The number of bytes written to "out", or -1 when the text is not canonical. */
extern int64_t jose_base64url_decode(const char *text, size_t len, uint8_t *out);
extern size_t jose_base64url_encode(const uint8_t *data, size_t len, char *out);

/* --- jose_json.c: RFC 8259, strictly --- */

typedef enum JoseJsonType
{
	JOSE_JSON_OBJECT,
	JOSE_JSON_ARRAY,
	JOSE_JSON_STRING,			/* unescaped, valid UTF-8, without U+0000 */
	JOSE_JSON_NUMBER,			/* its text */
	JOSE_JSON_TRUE,
	JOSE_JSON_FALSE,
	JOSE_JSON_NULL
} JoseJsonType;

/*
 * A value of a parsed text.  Values stand in one array in the order of the
 * text; a container's members follow it.  A member of an object has a name.
 */
typedef struct JoseJson
{
	JoseJsonType type;
	JoseBytes	name;			/* NULL data: not a member of an object */
	JoseBytes	text;			/* of a string, unescaped; of a number, as
								 * written */
	int			nmembers;		/* of a container */
	int			end;			/* index after the last value inside */
} JoseJson;

typedef struct JoseJsonText
{
	JoseJson   *values;			/* values[0] is the whole */
	int			nvalues;
	char	   *strings;		/* unescaped text, in as many bytes as were
								 * read; NULL: nothing had escapes */
} JoseJsonText;

/*
 * Reads a text, which has to stay where it is as long as the values are used:
 * strings without escapes point into it.  False unless it is one value of strict JSON in valid UTF-8,
 * nowhere deeper than JOSE_MAX_DEPTH, without duplicate names in any object
 * (compared unescaped), U+0000 or lone surrogates.  Linear but for the sorting of names.
 * Memory: at most a constant times len, freed by jose_json_free().
 */
extern bool jose_json_read(JoseJsonText *json, const char *text, size_t len, const JoseMemory *memory);
extern void jose_json_free(JoseJsonText *json, const JoseMemory *memory);

/* The member of an object (an index of values) by its name, or NULL. */
extern const JoseJson *jose_json_member(const JoseJsonText *json, int object, const char *name);
extern const JoseJson *jose_json_find(const JoseJsonText *json, int object, JoseBytes name);

/*
 * A number as whole seconds, rounded towards minus infinity.  False when it is no number or not
 * within -JOSE_TIME_MAX .. JOSE_TIME_MAX (also 1e400 and what wraps).
 */
extern bool jose_json_seconds(const JoseJson *value, int64_t *seconds);

/* --- jose_key.c --- */

/*
 * Reads a JWK, or a set {"keys": […]}.  JOSE_KEY when it is malformed, JOSE_UNSUPPORTED for a key
 * type or curve that we do not know; within a set such keys are left out (RFC 7517 section 5), but a
 * malformed one fails the set.  The text may go afterwards.  jose_free_jwks() also releases the keys'
 * handles; it may be called twice.
 */
extern JoseCode jose_read_jwks(JoseKeySet *set, const char *text, size_t len, const JoseMemory *memory);
extern void jose_free_jwks(JoseKeySet *set, const JoseMemory *memory);

/* Whether bytes are those of a name. */
extern bool jose_is_name(JoseBytes bytes, const char *name);

extern JoseAlg jose_alg_by_name(const char *name, size_t len);
extern const char *jose_alg_name(JoseAlg alg);

/* Whether a key is of the type and curve of an algorithm and, if it names one itself, names this. */
extern bool jose_key_fits(const JoseKey *key, JoseAlg alg);

/* Long enough: HMAC secrets of at least 32 bytes, RSA of 2048 to 8192 bits and an odd exponent > 1. */
extern bool jose_key_is_strong(const JoseKey *key, JoseAlg alg);

/* --- jose_token.c, jose_claims.c, jose.c --- */

extern const char *jose_code_name(JoseCode code);
extern const char *jose_code_message(JoseCode code);	/* what
														 * JoseResult.message
														 * says when there is
														 * nothing better */

extern JoseCode jose_split(JoseToken *token, const char *text, size_t len, size_t max_bytes, const JoseMemory *memory);
extern JoseCode jose_read_header(JoseToken *token, const JoseMemory *memory);
extern JoseCode jose_check_header(const JoseToken *token, const JoseOptions *options);
extern JoseCode jose_choose_key(const JoseToken *token, const JoseKeySet *set, const JoseOptions *options, const JoseKey **key);
extern JoseCode jose_check_payload(const JoseToken *token, JoseJsonText *json, const JoseMemory *memory);
extern JoseCode jose_check_claims(const JoseJsonText *json, const JoseOptions *options, JoseResult *result);
extern void jose_free_token(JoseToken *token, const JoseMemory *memory);

/*
 * The whole way.  The keys have been through jose_prepare_key().  On JOSE_OK, and on expired,
 * "claims" holds the parsed payload (NULL: not wanted) and result->payload its text, until
 * jose_free_token() and jose_json_free().  In all other cases both are empty.
 */
extern void jose_check(JoseResult *result, JoseToken *token, JoseJsonText *claims, const char *text, size_t len,
					   const JoseKeySet *set, const JoseOptions *options, const JoseMemory *memory);

/* --- jose_crypto.c: neither allocates with palloc nor reports errors --- */

/* The longest signature: RSA of 8192 bits. */
#define JOSE_MAX_SIGNATURE 1024

/*
 * Makes the library's form of a key: JOSE_OK, JOSE_KEY (not a point of its curve, say) or
 * JOSE_UNSUPPORTED (built without OpenSSL).  A shared secret is good without it, but slower.
 * jose_release_key() gives it back and wipes secrets; it may be called twice.
 */
extern JoseCode jose_prepare_key(JoseKey *key);
extern void jose_release_key(JoseKey *key);

/* JOSE_OK, JOSE_SIGNATURE or JOSE_UNSUPPORTED.  Secrets are compared in constant time. */
extern JoseCode jose_verify(const JoseKey *key, JoseAlg alg, JoseBytes signed_part, JoseBytes signature);

/* JOSE_OK with the signature's length, JOSE_KEY (no private part) or JOSE_UNSUPPORTED. */
extern JoseCode jose_sign(const JoseKey *key, JoseAlg alg, JoseBytes signed_part, uint8_t *signature, size_t *len);

/*
 * A new key for an algorithm, as JSON of a private JWK without kid, in memory of the caller.
 * RSA: 3072 bits.  HS: 64 characters of base64url, whose bytes are the secret, so that it can also be
 * given to PostgREST as text.
 */
extern JoseCode jose_generate_key(JoseAlg alg, char **jwk, size_t *len, const JoseMemory *memory);

#endif							/* STATBUS_JOSE_H */
