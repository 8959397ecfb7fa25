/*-------------------------------------------------------------------------
 *
 * auth_key_store_sql.c
 *	  New keys of this register's tokens: made here, or loaded from a file.
 *
 * The secret goes from the generator, or from the file, into auth.secrets
 * without becoming a value of SQL on the way: values reach logs (auto_explain
 * shows parameters of nested statements), and what the executor does not see
 * it cannot show.  The constraints of the table are checked here.
 *
 * IDENTIFICATION
 *	  src/auth_key_store_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"

#include "auth_keys.h"

/* The longest file: a set of RSA keys. */
#define MAX_KEY_FILE 65536

PG_FUNCTION_INFO_V1(statbus_auth_store_key);

static JoseAlg algorithm_by_name(const char *name);
static char *read_key_file(const char *path);
static void read_file_bytes(int fd, const char *path, char *bytes, size_t len);
static JoseKeySet generate(JoseAlg alg);
static JoseKeySet key_of_text(JoseAlg alg, char *content, const char *kid);
static void choose_of_set(JoseKeySet *set, const char *kid);
static char *kid_of(const JoseKey *key);
static void check_key(JoseKey *key, JoseAlg alg);
static char *random_kid(void);
static char *secret_text(const JoseKey *key, JoseAlg alg);
static char *jwk_text(const JoseKey *key, JoseAlg alg, const char *kid, bool is_private);
static void append_member(StringInfo text, const char *name, JoseBytes value);
static void write_secret(const char *kid, char *value);

/*
 * auth.store_key(kid text, algorithm text, path text, otherwise text) → jsonb
 *
 * Makes a key, or reads it from a file if a path is given, and keeps its
 * secret.  It is named by kid, else as the file says, else "otherwise", else
 * at random.  Returns {"kid": …, "public_jwk": …}, null for a shared secret.
 * Internal: the caller writes auth.signing_key.  Superusers only.
 */
Datum
statbus_auth_store_key(PG_FUNCTION_ARGS)
{
	char	   *kid = PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0));
	char	   *otherwise = PG_ARGISNULL(3) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(3));
	JoseMemory	memory = jose_memory(NULL);
	JoseAlg		alg;
	JoseKeySet	set;
	JoseKey    *key;
	char	   *secret;
	char	   *result;

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to change the keys of tokens"),
				 errhint("Connect as a superuser.")));
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a key needs an algorithm")));
	if (kid != NULL && !auth_kid_is_valid(kid))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a key cannot be named like this"),
				 errdetail("A kid has 1 to 64 letters, digits, dots, dashes and underscores.")));

	alg = algorithm_by_name(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (PG_ARGISNULL(2))
		set = generate(alg);
	else
		set = key_of_text(alg, read_key_file(text_to_cstring(PG_GETARG_TEXT_PP(2))), kid != NULL ? kid : otherwise);
	key = &set.keys[0];
	if (kid == NULL && key->kid.data != NULL)
		kid = kid_of(key);
	if (kid == NULL)
		kid = otherwise != NULL ? otherwise : random_kid();
	secret = secret_text(key, alg);
	result = psprintf("{\"kid\":\"%s\",\"public_jwk\":%s}", kid,
					  AUTH_ALG_IS_SHARED(alg) ? "null" : jwk_text(key, alg, kid, false));
	check_key(key, alg);
	if (set.block != NULL)
		jose_free_jwks(&set, &memory);
	else
		explicit_bzero(unconstify(uint8_t *, key->k.data), key->k.len);
	write_secret(kid, secret);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(result)));
}

/* An algorithm by its name; 22023 when there is none. */
static JoseAlg
algorithm_by_name(const char *name)
{
	JoseAlg		alg = jose_alg_by_name(name, strlen(name));

	/* Ed25519 has two names; the table knows one. */
	if (alg == JOSE_ALG_UNKNOWN || strcmp(jose_alg_name(alg), name) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown algorithm \"%s\"", name),
				 errhint("Algorithms are HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA.")));
	return alg;
}

/* What is in a file of the server, without a newline at its end. */
static char *
read_key_file(const char *path)
{
	int			fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	struct stat status;
	char	   *content;
	size_t		len;

	if (fd < 0 || fstat(fd, &status) != 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open file \"%s\": %m", path)));
	if (!S_ISREG(status.st_mode) || status.st_size < 1 || status.st_size > MAX_KEY_FILE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("file \"%s\" does not hold a key", path),
				 errdetail("A key is in a regular file of 1 to %d bytes.", MAX_KEY_FILE)));
	len = status.st_size;
	content = palloc(len + 1);
	read_file_bytes(fd, path, content, len);
	CloseTransientFile(fd);

	if (content[len - 1] == '\n')
		len--;
	content[len] = '\0';
	if (strlen(content) != len || !pg_verify_mbstr(PG_UTF8, content, len, true))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("file \"%s\" does not hold a key", path),
				 errdetail("It is not text in UTF-8.")));
	return content;
}

/* Read exactly so many bytes. */
static void
read_file_bytes(int fd, const char *path, char *bytes, size_t len)
{
	ssize_t		done = read(fd, bytes, len);

	if (done < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not read file \"%s\": %m", path)));
	if ((size_t) done != len)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("file \"%s\" changes while it is read", path)));
}

/* A new key. */
static JoseKeySet
generate(JoseAlg alg)
{
	JoseMemory	memory = jose_memory(NULL);
	JoseKeySet	set = {0};
	char	   *jwk = NULL;
	size_t		len = 0;
	JoseCode	code = jose_generate_key(alg, &jwk, &len, &memory);

	if (code == JOSE_UNSUPPORTED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this server cannot make keys for algorithm %s", jose_alg_name(alg))));
	if (code != JOSE_OK || jose_read_jwks(&set, jwk, len, &memory) != JOSE_OK || set.nkeys != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not make a key")));
	explicit_bzero(jwk, len);
	return set;
}

/*
 * A key from the text of a file: a JWK or a set of them, from which "kid"
 * chooses; any other text is a shared secret.
 */
static JoseKeySet
key_of_text(JoseAlg alg, char *content, const char *kid)
{
	JoseMemory	memory = jose_memory(NULL);
	JoseKeySet	set = {0};
	size_t		len = strlen(content);

	if (content[strspn(content, " \t\r\n")] == '{')
	{
		if (jose_read_jwks(&set, content, len, &memory) != JOSE_OK || set.nkeys == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the file does not hold a JWK, nor a set of them")));
		choose_of_set(&set, kid);
	}
	else
	{
		if (!AUTH_ALG_IS_SHARED(alg))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the file does not hold a JWK"),
					 errdetail("Algorithm %s needs one with a private part.", jose_alg_name(alg))));
		set.keys = palloc0(sizeof(JoseKey));
		set.nkeys = 1;
		set.keys[0].kty = JOSE_KTY_OCT;
		set.keys[0].may_verify = set.keys[0].may_sign = true;
		set.keys[0].k.data = memcpy(palloc(len + 1), content, len + 1);
		set.keys[0].k.len = len;
	}
	explicit_bzero(content, len);
	return set;
}

/* Let the key of a name be the first of a set; without a name there must be one key. */
static void
choose_of_set(JoseKeySet *set, const char *kid)
{
	if (set->nkeys == 1)
		return;
	for (int i = 0; kid != NULL && i < set->nkeys; i++)
	{
		JoseKey		key = set->keys[i];

		if (key.kid.data == NULL || !jose_is_name(key.kid, kid))
			continue;
		set->keys[i] = set->keys[0];
		set->keys[0] = key;
		return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the file holds %d keys", set->nkeys),
			 errhint("Name the kid of one of them.")));
}

/* The name that a JWK carries. */
static char *
kid_of(const JoseKey *key)
{
	char	   *kid = pnstrdup((const char *) key->kid.data, key->kid.len);

	if (!auth_kid_is_valid(kid))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the kid of the key in the file cannot be used here"),
				 errdetail("A kid has 1 to 64 letters, digits, dots, dashes and underscores."),
				 errhint("Name another one.")));
	return kid;
}

/* Refuse a key that would not be good for its algorithm, or whose halves do not belong together. */
static void
check_key(JoseKey *key, JoseAlg alg)
{
	static const JoseBytes probe = {(const uint8_t *) "statbus", 7};
	uint8_t		signature[JOSE_MAX_SIGNATURE];
	JoseBytes	made = {signature, 0};
	JoseCode	code;

	if (key->alg == JOSE_ALG_UNKNOWN)
		key->alg = alg;
	if (!jose_key_fits(key, alg))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key is not for algorithm %s", jose_alg_name(alg))));
	if (!jose_key_is_strong(key, alg))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key is too short for algorithm %s", jose_alg_name(alg)),
				 errdetail("A shared secret has at least %d bytes, an RSA key %d to %d bits.",
						   JOSE_MIN_HMAC_BYTES, JOSE_MIN_RSA_BITS, JOSE_MAX_RSA_BITS)));
	code = jose_prepare_key(key);
	if (code == JOSE_OK)
		code = jose_sign(key, alg, probe, signature, &made.len);
	if (code == JOSE_OK)
		code = jose_verify(key, alg, probe, made);
	jose_release_key(key);
	if (code == JOSE_UNSUPPORTED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this server cannot sign with algorithm %s", jose_alg_name(alg))));
	if (code != JOSE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the key cannot sign"),
				 errdetail("It has no private part, or one that does not belong to its public part.")));
}

/* A name for a key that is given none. */
static char *
random_kid(void)
{
	uint8_t		bytes[8];
	char	   *kid = palloc(2 * sizeof(bytes) + 1);

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random values")));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(kid + 2 * i, 3, "%02x", bytes[i]);
	return kid;
}

/*
 * What is kept of a key: a shared secret as the text that PostgREST also
 * takes, another key as its private JWK.
 */
static char *
secret_text(const JoseKey *key, JoseAlg alg)
{
	char	   *text;

	if (!AUTH_ALG_IS_SHARED(alg))
		return jwk_text(key, alg, NULL, true);
	text = pnstrdup((const char *) key->k.data, key->k.len);
	if (strlen(text) != key->k.len || !pg_verify_mbstr(PG_UTF8, text, key->k.len, true) ||
		text[0] == '{' || isspace((unsigned char) text[0]) || isspace((unsigned char) text[key->k.len - 1]))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the shared secret cannot be used as text"),
				 errdetail("It has to be UTF-8, without blanks at its ends and not beginning with a brace, so that PostgREST reads the same bytes.")));
	return text;
}

/* A key as JSON. */
static char *
jwk_text(const JoseKey *key, JoseAlg alg, const char *kid, bool is_private)
{
	static const char *const curves[] = {
		[JOSE_P256] = "P-256", [JOSE_P384] = "P-384", [JOSE_P521] = "P-521", [JOSE_ED25519] = "Ed25519"
	};
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "{\"kty\":\"%s\",\"alg\":\"%s\",\"use\":\"sig\"",
					 key->kty == JOSE_KTY_RSA ? "RSA" : key->kty == JOSE_KTY_EC ? "EC" : "OKP", jose_alg_name(alg));
	if (kid != NULL)
		appendStringInfo(&text, ",\"kid\":\"%s\"", kid);
	if (key->kty != JOSE_KTY_RSA)
		appendStringInfo(&text, ",\"crv\":\"%s\"", curves[key->curve]);
	append_member(&text, "n", key->n);
	append_member(&text, "e", key->e);
	append_member(&text, "x", key->x);
	append_member(&text, "y", key->y);
	if (is_private)
	{
		append_member(&text, "d", key->d);
		append_member(&text, "p", key->p);
		append_member(&text, "q", key->q);
		append_member(&text, "dp", key->dp);
		append_member(&text, "dq", key->dq);
		append_member(&text, "qi", key->qi);
	}
	appendStringInfoChar(&text, '}');
	return text.data;
}

/* A member of a JWK, if the key has it. */
static void
append_member(StringInfo text, const char *name, JoseBytes value)
{
	if (value.data == NULL)
		return;
	appendStringInfo(text, ",\"%s\":\"", name);
	enlargeStringInfo(text, jose_base64url_encoded_size(value.len) + 2);
	text->len += jose_base64url_encode(value.data, value.len, text->data + text->len);
	appendStringInfoChar(text, '"');
}

/*
 * Keep a secret under a key's name, in place of the one that was there.
 * Wipes it.  The caller holds a lock against others who do the same.
 */
static void
write_secret(const char *kid, char *value)
{
	Oid			relid = auth_relation("secrets");
	Relation	relation = table_open(relid, RowExclusiveLock);
	char	   *name = psprintf("%s%s", SECRET_PREFIX, kid);
	Datum		values[SECRET_COLUMNS] = {0};
	bool		nulls[SECRET_COLUMNS] = {0};
	text	   *secret = cstring_to_text(value);
	HeapTuple	old = auth_find_secret(relation, kid);
	HeapTuple	row;

	values[SECRET_KEY - 1] = CStringGetTextDatum(name);
	values[SECRET_VALUE - 1] = PointerGetDatum(secret);
	values[SECRET_CREATED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
	row = heap_form_tuple(RelationGetDescr(relation), values, nulls);
	if (old == NULL)
		CatalogTupleInsert(relation, row);
	else
		CatalogTupleUpdate(relation, &old->t_self, row);

	explicit_bzero(row->t_data, row->t_len);
	explicit_bzero(secret, VARSIZE(secret));
	explicit_bzero(value, strlen(value));
	table_close(relation, NoLock);
	CacheInvalidateRelcacheByRelid(relid);
	CommandCounterIncrement();
}
