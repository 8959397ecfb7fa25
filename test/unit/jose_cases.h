/*-------------------------------------------------------------------------
 *
 * jose_cases.h
 *	  Cases of jose_test.c: what goes in, and the code that comes out.
 *
 * IDENTIFICATION
 *	  test/unit/jose_cases.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef JOSE_CASES_H
#define JOSE_CASES_H

#include "jose.h"

/* Keys */

#define X32 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define SECRET "\"kty\":\"oct\",\"k\":\"" X32 "\""

typedef struct KeyCase
{
	const char *text;
	JoseCode	code;
	int			nkeys;
	bool		may_verify;
	bool		may_sign;
	JoseAlg		alg;
} KeyCase;

static const KeyCase key_cases[] = {
	{"{" SECRET "}", JOSE_OK, 1, true, true, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"alg\":\"HS256\"}", JOSE_OK, 1, true, true, JOSE_HS256},
	{"{" SECRET ",\"alg\":\"RS256\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"alg\":\"A128KW\"}", JOSE_OK, 1, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"alg\":\"none\"}", JOSE_OK, 1, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"alg\":1}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"use\":\"sig\"}", JOSE_OK, 1, true, true, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"use\":\"enc\"}", JOSE_OK, 1, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"use\":null}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"key_ops\":[\"verify\"]}", JOSE_OK, 1, true, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"key_ops\":[\"sign\",\"verify\"]}", JOSE_OK, 1, true, true, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"key_ops\":[\"sign\"]}", JOSE_OK, 1, false, true, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"key_ops\":[]}", JOSE_OK, 1, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"key_ops\":[\"verify\",\"verify\"]}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"key_ops\":\"verify\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"key_ops\":[1]}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"use\":\"enc\",\"key_ops\":[\"verify\"]}", JOSE_OK, 1, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET ",\"kid\":1}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"oct\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"oct\",\"k\":\"\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"oct\",\"k\":\"AA==\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"oct\",\"k\":1}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"k\":\"AA\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":1}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"OCT\",\"k\":\"AA\"}", JOSE_UNSUPPORTED, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}", JOSE_OK, 1, true, false, JOSE_ES256},
	{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X32 "\",\"y\":\"" X32 "\",\"d\":\"" X32 "\"}", JOSE_OK, 1, true, true, JOSE_ES256},
	{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X32 "\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X32 "\",\"y\":\"AA\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}", JOSE_UNSUPPORTED, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"EC\",\"crv\":\"Ed25519\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}", JOSE_UNSUPPORTED, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES384\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ES521\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"EC\",\"x\":\"" X32 "\",\"y\":\"" X32 "\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X32 "\"}", JOSE_OK, 1, true, false, JOSE_EDDSA},
	{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"alg\":\"Ed25519\",\"x\":\"" X32 "\"}", JOSE_OK, 1, true, false, JOSE_EDDSA},
	{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X32 "\",\"d\":\"AA\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" X32 "\"}", JOSE_UNSUPPORTED, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"RSA\",\"n\":\"" X32 "\",\"e\":\"AQAB\"}", JOSE_OK, 1, true, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"RSA\",\"n\":\"" X32 "\",\"e\":\"AQAB\",\"alg\":\"PS512\"}", JOSE_OK, 1, true, false, JOSE_PS512},
	{"{\"kty\":\"RSA\",\"n\":\"" X32 "\",\"e\":\"AQAB\",\"d\":\"AQAB\"}", JOSE_OK, 1, true, true, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"RSA\",\"n\":\"" X32 "\",\"e\":\"AQAB\",\"d\":\"AQAB\",\"p\":\"AQAB\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"RSA\",\"n\":\"" X32 "\",\"e\":\"AQAB\",\"d\":\"AQAB\",\"p\":\"AQAB\",\"q\":\"AQAB\",\"dp\":\"AQAB\",\"dq\":\"AQAB\",\"qi\":\"AQAB\"}",
	JOSE_OK, 1, true, true, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"RSA\",\"n\":\"" X32 "\",\"e\":\"AQAB\",\"d\":\"AQAB\",\"oth\":[]}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"RSA\",\"n\":\"" X32 "\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\"}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"keys\":[]}", JOSE_OK, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"keys\":[{" SECRET "}]}", JOSE_OK, 1, true, true, JOSE_ALG_UNKNOWN},
	{"{\"keys\":[{\"kty\":\"XX\"},{" SECRET "},{\"kty\":\"OKP\",\"crv\":\"X25519\"}]}", JOSE_OK, 1, true, true, JOSE_ALG_UNKNOWN},
	{"{\"keys\":[{" SECRET "},{\"kty\":\"oct\"}]}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"keys\":[{" SECRET "},1]}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"keys\":{}}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{\"keys\":[]," SECRET "}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"[]", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"null", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
	{"{" SECRET "," SECRET "}", JOSE_KEY, 0, false, false, JOSE_ALG_UNKNOWN},
};

/* Taking apart */

typedef struct SplitCase
{
	const char *text;
	JoseCode	code;
} SplitCase;

static const SplitCase split_cases[] = {
	{"AAAA.AAAA.AAAA", JOSE_OK}, {"AA..", JOSE_OK}, {"AA.AA.", JOSE_OK}, {"AA..AA", JOSE_OK},
	{"", JOSE_FORMAT}, {" ", JOSE_FORMAT}, {".", JOSE_FORMAT}, {"..", JOSE_FORMAT}, {".AA.AA", JOSE_FORMAT}, {"AAAA", JOSE_FORMAT},
	{"AA.AA", JOSE_FORMAT}, {"AA.AA.AA.AA", JOSE_FORMAT}, {"AA.AA.AA.AA.AA", JOSE_FORMAT}, {"AA.AA.AA.", JOSE_FORMAT}, {"...", JOSE_FORMAT},
	{" AA.AA.AA", JOSE_FORMAT}, {"AA.AA.AA ", JOSE_FORMAT}, {"AA.AA.AA\n", JOSE_FORMAT}, {"\tAA.AA.AA", JOSE_FORMAT}, {"AA.AA.AA\r", JOSE_FORMAT},
	{"AA. AA.AA", JOSE_BASE64}, {"AA.AA==.AA", JOSE_BASE64}, {"A.AA.AA", JOSE_BASE64}, {"AA.A.AA", JOSE_BASE64}, {"AA.AA.A", JOSE_BASE64},
	{"AB.AA.AA", JOSE_BASE64}, {"AA.AB.AA", JOSE_BASE64}, {"AA.AA.AB", JOSE_BASE64}, {"A+.AA.AA", JOSE_BASE64}, {"AA.A/AA.AA", JOSE_BASE64},
	{"AA.AA.A\xC3\xA9", JOSE_BASE64}, {"{\"payload\":\"AA\"}", JOSE_FORMAT},
};

/* Headers */

typedef struct HeaderCase
{
	const char *header;
	JoseCode	code;
	const char *typ;			/* asked for */
} HeaderCase;

static const HeaderCase header_cases[] = {
	{"{\"alg\":\"HS256\"}", JOSE_OK, NULL},
	{"{\"\\u0061lg\":\"HS\\u0032\\u0035\\u0036\"}", JOSE_OK, NULL},
	{" {\r\n \"alg\" : \"HS256\" ,\t\"typ\":\"JWT\" }\n", JOSE_OK, NULL},
	{"{\"alg\":\"HS256\",\"foo\":{\"bar\":[1]}}", JOSE_OK, NULL},
	{"{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"},\"jku\":1,\"x5u\":null,\"x5c\":[]}", JOSE_OK, NULL},
	{"x", JOSE_HEADER_JSON, NULL}, {"null", JOSE_HEADER_JSON, NULL}, {"[\"HS256\"]", JOSE_HEADER_JSON, NULL}, {"\"HS256\"", JOSE_HEADER_JSON, NULL},
	{"{\"alg\":\"HS256\",}", JOSE_HEADER_JSON, NULL}, {"{\"alg\":\"HS256\",\"alg\":\"none\"}", JOSE_HEADER_JSON, NULL},
	{"{\"alg\":\"HS256\",\"\\u0061lg\":\"HS256\"}", JOSE_HEADER_JSON, NULL}, {"{'alg':'HS256'}", JOSE_HEADER_JSON, NULL},
	{"{\"alg\":\"HS256\"}x", JOSE_HEADER_JSON, NULL}, {"{\"alg\":\"HS256\",\"x\":\"\xC0\xAF\"}", JOSE_HEADER_JSON, NULL},
	{"{\"alg\":\"HS256\",\"kid\":1}", JOSE_HEADER_JSON, NULL}, {"{\"alg\":\"HS256\",\"kid\":null}", JOSE_HEADER_JSON, NULL},
	{"{\"alg\":\"HS256\",\"typ\":1}", JOSE_HEADER_JSON, NULL}, {"{\"alg\":\"HS256\",\"typ\":null}", JOSE_HEADER_JSON, NULL},
	{"{}", JOSE_ALG, NULL}, {"{\"ALG\":\"HS256\"}", JOSE_ALG, NULL}, {"{\"alg\":1}", JOSE_ALG, NULL}, {"{\"alg\":null}", JOSE_ALG, NULL},
	{"{\"alg\":[\"HS256\"]}", JOSE_ALG, NULL}, {"{\"alg\":{\"alg\":\"HS256\"}}", JOSE_ALG, NULL}, {"{\"alg\":\"none\"}", JOSE_ALG, NULL},
	{"{\"alg\":\"nOnE\"}", JOSE_ALG, NULL}, {"{\"alg\":\"\"}", JOSE_ALG, NULL}, {"{\"alg\":\"HS256 \"}", JOSE_ALG, NULL},
	{"{\"alg\":\"ES256\"}", JOSE_ALG, NULL},	/* not among the allowed */
	{"{\"alg\":\"HS256\",\"crit\":null}", JOSE_CRIT, NULL}, {"{\"alg\":\"HS256\",\"crit\":[]}", JOSE_CRIT, NULL},
	{"{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", JOSE_CRIT, NULL}, {"{\"alg\":\"HS256\",\"b64\":false}", JOSE_CRIT, NULL},
	{"{\"alg\":\"HS256\",\"b64\":true}", JOSE_CRIT, NULL}, {"{\"alg\":\"HS256\",\"\\u0063rit\":[]}", JOSE_CRIT, NULL},
	{"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", JOSE_OK, NULL}, {"{\"alg\":\"HS256\",\"typ\":\"jwt\"}", JOSE_OK, NULL},
	{"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", JOSE_OK, NULL}, {"{\"alg\":\"HS256\",\"typ\":\"application/AT+JWT\"}", JOSE_OK, NULL},
	{"{\"alg\":\"HS256\",\"typ\":\"Application/jwt\"}", JOSE_OK, NULL}, {"{\"alg\":\"HS256\",\"typ\":\"\"}", JOSE_TYP, NULL},
	{"{\"alg\":\"HS256\",\"typ\":\"JWT \"}", JOSE_TYP, NULL}, {"{\"alg\":\"HS256\",\"typ\":\"JW\"}", JOSE_TYP, NULL},
	{"{\"alg\":\"HS256\",\"typ\":\"JWTT\"}", JOSE_TYP, NULL}, {"{\"alg\":\"HS256\",\"typ\":\"text/jwt\"}", JOSE_TYP, NULL},
	{"{\"alg\":\"HS256\",\"typ\":\"application/application/jwt\"}", JOSE_TYP, NULL}, {"{\"alg\":\"HS256\",\"typ\":\"application/\"}", JOSE_TYP, NULL},
	{"{\"alg\":\"HS256\",\"typ\":\"secevent+jwt\"}", JOSE_TYP, NULL}, {"{\"alg\":\"HS256\",\"typ\":\"JOSE\"}", JOSE_TYP, NULL},
	{"{\"alg\":\"HS256\",\"typ\":\"\xC4\xB1wt\"}", JOSE_TYP, NULL},
	{"{\"alg\":\"HS256\",\"cty\":\"JWT\"}", JOSE_TYP, NULL}, {"{\"alg\":\"HS256\",\"cty\":null}", JOSE_TYP, NULL},
	{"{\"alg\":\"HS256\",\"typ\":\"secevent+jwt\"}", JOSE_OK, "secevent+jwt"},
	{"{\"alg\":\"HS256\",\"typ\":\"application/SECEVENT+jwt\"}", JOSE_OK, "secevent+jwt"},
	{"{\"alg\":\"HS256\",\"typ\":\"secevent+jwt\"}", JOSE_OK, "application/secevent+jwt"},
	{"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", JOSE_TYP, "secevent+jwt"}, {"{\"alg\":\"HS256\"}", JOSE_TYP, "secevent+jwt"},
	{"{\"alg\":\"HS256\"}", JOSE_TYP, "JWT"}, {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", JOSE_TYP, "JWT"},
};

/* Choice of the key */

#define HS(kid, more) "{\"kty\":\"oct\",\"k\":\"" X32 "\",\"kid\":\"" kid "\"" more "}"
#define ED(kid, more) "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" X32 "\",\"kid\":\"" kid "\"" more "}"
#define RSA(alg) "{\"kty\":\"RSA\",\"n\":\"" X32 "\",\"e\":\"AQAB\",\"alg\":\"" alg "\"}"
#define EC(kid, more) "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" X32 "\",\"y\":\"" X32 "\",\"kid\":\"" kid "\"" more "}"

typedef struct ChoiceCase
{
	JoseAlg		alg;
	const char *kid;			/* of the token */
	const char *keys;
	JoseCode	code;
	const char *chosen;
} ChoiceCase;

static const ChoiceCase choice_cases[] = {
	{JOSE_HS256, NULL, HS("a", ""), JOSE_OK, "a"},
	{JOSE_HS256, "a", HS("a", ""), JOSE_OK, "a"},
	{JOSE_HS256, "b", HS("a", ""), JOSE_KEY, NULL},
	{JOSE_HS256, "", HS("a", ""), JOSE_KEY, NULL},
	{JOSE_HS256, "a", "{" SECRET "}", JOSE_KEY, NULL},
	{JOSE_HS256, "", "{" SECRET "}", JOSE_KEY, NULL},
	{JOSE_HS256, "", HS("", ""), JOSE_OK, ""},
	{JOSE_HS512, "a", HS("a", ""), JOSE_OK, "a"},	/* 32 bytes are enough for any hash */
	{JOSE_HS256, NULL, "{\"kty\":\"oct\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", JOSE_KEY, NULL},	/* 31 are not */
	{JOSE_RS256, NULL, RSA("RS256"), JOSE_KEY, NULL},	/* too short */
	{JOSE_RS384, NULL, RSA("RS256"), JOSE_ALG, NULL},
	{JOSE_HS384, "a", HS("a", ",\"alg\":\"HS256\""), JOSE_ALG, NULL},
	{JOSE_HS256, "a", ED("a", ""), JOSE_ALG, NULL},
	{JOSE_HS256, NULL, ED("a", ""), JOSE_ALG, NULL},
	{JOSE_EDDSA, NULL, HS("a", ""), JOSE_ALG, NULL},
	{JOSE_ES384, NULL, EC("a", ""), JOSE_ALG, NULL},
	{JOSE_HS256, NULL, "{\"keys\":[" ED("a", "") "," HS("b", "") "," EC("c", "") "]}", JOSE_OK, "b"},
	{JOSE_ES256, "c", "{\"keys\":[" ED("a", "") "," HS("b", "") "," EC("c", "") "]}", JOSE_OK, "c"},
	{JOSE_ES256, "a", "{\"keys\":[" ED("a", "") "," HS("b", "") "," EC("c", "") "]}", JOSE_ALG, NULL},
	{JOSE_RS256, NULL, "{\"keys\":[" ED("a", "") "," HS("b", "") "," EC("c", "") "]}", JOSE_KEY, NULL},
	{JOSE_HS256, NULL, "{\"keys\":[" HS("a", "") "," HS("b", "") "]}", JOSE_KEY, NULL},
	{JOSE_HS256, "b", "{\"keys\":[" HS("a", "") "," HS("b", "") "]}", JOSE_OK, "b"},
	{JOSE_HS256, "a", "{\"keys\":[" HS("a", "") "," HS("a", "") "]}", JOSE_KEY, NULL},
	{JOSE_HS256, "a", "{\"keys\":[" HS("a", "") "," ED("a", "") "]}", JOSE_OK, "a"},
	{JOSE_HS256, NULL, HS("a", ",\"use\":\"enc\""), JOSE_KEY, NULL},
	{JOSE_HS256, NULL, "{\"keys\":[" HS("a", ",\"use\":\"enc\"") "," HS("b", "") "]}", JOSE_OK, "b"},
	{JOSE_HS256, NULL, HS("a", ",\"key_ops\":[\"sign\"]"), JOSE_KEY, NULL},
	{JOSE_HS256, NULL, "{\"keys\":[]}", JOSE_KEY, NULL},
};

/* Claims */

typedef struct ClaimsCase
{
	const char *payload;
	JoseCode	code;
	bool		expired;
	int64_t		leeway;
	const char *audience;
	const char *issuer;
	const char *required;		/* besides exp */
} ClaimsCase;

#define GOOD "\"exp\":1800000001"

static const ClaimsCase claims_cases[] = {
	{"{" GOOD "}", JOSE_OK, false, 0, NULL, NULL, NULL},
	{"{\"exp\":1800000000}", JOSE_CLAIMS_TIME, true, 0, NULL, NULL, NULL},
	{"{\"exp\":1800000000.9}", JOSE_CLAIMS_TIME, true, 0, NULL, NULL, NULL},
	{"{\"exp\":1.800000001e9}", JOSE_OK, false, 0, NULL, NULL, NULL},
	{"{\"exp\":1799999971}", JOSE_OK, false, 30, NULL, NULL, NULL},
	{"{\"exp\":1799999970}", JOSE_CLAIMS_TIME, true, 30, NULL, NULL, NULL},
	{"{\"exp\":1799999970}", JOSE_CLAIMS_TIME, true, -30, NULL, NULL, NULL},
	{"{\"exp\":1799913601}", JOSE_OK, false, INT64_MAX, NULL, NULL, NULL},
	{"{\"exp\":1799913600}", JOSE_CLAIMS_TIME, true, INT64_MAX, NULL, NULL, NULL},
	{"{}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{\"exp\":null}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{\"exp\":\"1800000001\"}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{\"exp\":1e400}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{\"exp\":9223372036854775807}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{\"exp\":253402300799}", JOSE_OK, false, 86400, NULL, NULL, NULL},
	{"{\"exp\":-253402300799}", JOSE_CLAIMS_TIME, true, 86400, NULL, NULL, NULL},
	{"{\"exp\":253402300800}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{" GOOD ",\"nbf\":1800000000}", JOSE_OK, false, 0, NULL, NULL, NULL},
	{"{" GOOD ",\"nbf\":1800000001}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{" GOOD ",\"nbf\":1800000030}", JOSE_OK, false, 30, NULL, NULL, NULL},
	{"{" GOOD ",\"nbf\":1800000031}", JOSE_CLAIMS_TIME, false, 30, NULL, NULL, NULL},
	{"{" GOOD ",\"nbf\":null}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{" GOOD ",\"nbf\":\"0\"}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{" GOOD ",\"nbf\":-253402300799}", JOSE_OK, false, 86400, NULL, NULL, NULL},
	{"{" GOOD ",\"iat\":1800000000}", JOSE_OK, false, 0, NULL, NULL, NULL},
	{"{" GOOD ",\"iat\":1800000001}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{" GOOD ",\"iat\":1800000030}", JOSE_OK, false, 30, NULL, NULL, NULL},
	{"{" GOOD ",\"iat\":1800000031}", JOSE_CLAIMS_TIME, false, 30, NULL, NULL, NULL},
	{"{" GOOD ",\"iat\":true}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{" GOOD ",\"aud\":\"b\"}", JOSE_OK, false, 0, NULL, NULL, NULL},
	{"{" GOOD ",\"aud\":\"a\"}", JOSE_OK, false, 0, "a", NULL, NULL},
	{"{" GOOD ",\"aud\":[\"b\",\"a\"]}", JOSE_OK, false, 0, "a", NULL, NULL},
	{"{" GOOD "}", JOSE_CLAIMS_AUD, false, 0, "a", NULL, NULL},
	{"{" GOOD ",\"aud\":null}", JOSE_CLAIMS_AUD, false, 0, "a", NULL, NULL},
	{"{" GOOD ",\"aud\":[]}", JOSE_CLAIMS_AUD, false, 0, "a", NULL, NULL},
	{"{" GOOD ",\"aud\":[\"a\",1]}", JOSE_CLAIMS_AUD, false, 0, "a", NULL, NULL},
	{"{" GOOD ",\"aud\":[[\"a\"]]}", JOSE_CLAIMS_AUD, false, 0, "a", NULL, NULL},
	{"{" GOOD ",\"aud\":{\"a\":\"a\"}}", JOSE_CLAIMS_AUD, false, 0, "a", NULL, NULL},
	{"{" GOOD ",\"aud\":\"A\"}", JOSE_CLAIMS_AUD, false, 0, "a", NULL, NULL},
	{"{" GOOD ",\"aud\":\"ab\"}", JOSE_CLAIMS_AUD, false, 0, "a", NULL, NULL},
	{"{" GOOD ",\"aud\":\"\"}", JOSE_CLAIMS_AUD, false, 0, "a", NULL, NULL},
	{"{" GOOD ",\"iss\":\"i\"}", JOSE_OK, false, 0, NULL, "i", NULL},
	{"{" GOOD "}", JOSE_CLAIMS_ISS, false, 0, NULL, "i", NULL},
	{"{" GOOD ",\"iss\":\"j\"}", JOSE_CLAIMS_ISS, false, 0, NULL, "i", NULL},
	{"{" GOOD ",\"iss\":[\"i\"]}", JOSE_CLAIMS_ISS, false, 0, NULL, "i", NULL},
	{"{" GOOD ",\"iss\":null}", JOSE_CLAIMS_ISS, false, 0, NULL, "i", NULL},
	{"{" GOOD ",\"sub\":\"\"}", JOSE_OK, false, 0, NULL, NULL, "sub"},
	{"{" GOOD ",\"sub\":null}", JOSE_CLAIMS_REQUIRED, false, 0, NULL, NULL, "sub"},
	{"{" GOOD ",\"a\":{\"sub\":1}}", JOSE_CLAIMS_REQUIRED, false, 0, NULL, NULL, "sub"},
	{"{" GOOD "}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, "iat"},
	{"{" GOOD "}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, "nbf"},
	{"{" GOOD "}", JOSE_CLAIMS_REQUIRED, false, 0, NULL, NULL, "aud"},
	/* expired is said of nothing that has another fault */
	{"{\"exp\":1,\"aud\":\"a\",\"iss\":\"i\",\"sub\":1}", JOSE_CLAIMS_TIME, true, 0, "a", "i", "sub"},
	{"{\"exp\":1,\"aud\":\"b\",\"iss\":\"i\",\"sub\":1}", JOSE_CLAIMS_AUD, false, 0, "a", "i", "sub"},
	{"{\"exp\":1,\"aud\":\"a\",\"iss\":\"j\",\"sub\":1}", JOSE_CLAIMS_ISS, false, 0, "a", "i", "sub"},
	{"{\"exp\":1,\"aud\":\"a\",\"iss\":\"i\"}", JOSE_CLAIMS_REQUIRED, false, 0, "a", "i", "sub"},
	{"{\"exp\":1,\"nbf\":1800000001}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
	{"{\"exp\":1,\"iat\":\"\"}", JOSE_CLAIMS_TIME, false, 0, NULL, NULL, NULL},
};

/* The whole way */

typedef struct WayCase
{
	const char *header;
	const char *payload;
	JoseCode	code;
	bool		expired;
} WayCase;

static const WayCase way_cases[] = {
	{"{\"alg\":\"HS256\"}", "{" GOOD ",\"a\":\"\\u0061\"}", JOSE_OK, false},
	{"{\"alg\":\"HS256\"}", "{\"exp\":5}", JOSE_CLAIMS_TIME, true},
	{"{\"alg\":\"HS256\"}", "{\"exp\":5,\"nbf\":1900000000}", JOSE_CLAIMS_TIME, false},
	{"{\"alg\":\"HS256\"}", "{\"exp\":5,\"exp\":1900000000}", JOSE_PAYLOAD_JSON, false},
	{"{\"alg\":\"HS256\"}", "", JOSE_PAYLOAD_JSON, false},
	{"{\"alg\":\"HS256\"}", "[]", JOSE_PAYLOAD_JSON, false},
	{"{\"alg\":\"HS256\",\"kid\":\"\\u0061\"}", "{" GOOD "}", JOSE_OK, false},
	{"{\"alg\":\"HS256\",\"kid\":\"b\"}", "{" GOOD "}", JOSE_KEY, false},
	{"{\"alg\":\"HS256\",\"crit\":[]}", "{" GOOD "}", JOSE_CRIT, false},
	{"{\"alg\":\"none\"}", "{" GOOD "}", JOSE_ALG, false},
	{"{\"alg\":\"HS512\"}", "{" GOOD "}", JOSE_SIGNATURE, false},
	{"{\"alg\":\"RS256\"}", "{" GOOD "}", JOSE_ALG, false},
};

#endif							/* JOSE_CASES_H */
