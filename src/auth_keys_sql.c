/*-------------------------------------------------------------------------
 *
 * auth_keys_sql.c
 *	  The keys of this register's tokens, as each backend remembers them, and
 *	  what verifies and signs with them.
 *
 * Keys are read from auth.signing_key and auth.secrets, without regard to the
 * rights of whoever asks: the secrets go to HMAC and nowhere else.  They are
 * remembered until one of the tables changes.  A trigger of both sends an
 * invalidation, which arrives at the next call after the change is committed,
 * also within a transaction of any isolation level.
 *
 * IDENTIFICATION
 *	  src/auth_keys_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "auth_keys.h"

/* All keys that are not revoked, and which of them are good for a span of time. */
typedef struct KeyCache
{
	MemoryContext context;
	MemoryContextCallback at_end;
	AuthKey    *keys;
	int			nkeys;
	TimestampTz from;			/* what follows holds from <= now < until */
	TimestampTz until;
	JoseKeySet	verifying;		/* copies that share what belongs to the keys */
	const AuthKey *signing;
} KeyCache;

static KeyCache *cache = NULL;
static bool cache_is_current = false;
static Oid	key_relation = InvalidOid;
static Oid	secret_relation = InvalidOid;

PG_FUNCTION_INFO_V1(statbus_auth_keys_changed);
PG_FUNCTION_INFO_V1(statbus_auth_jwt_verify);
PG_FUNCTION_INFO_V1(statbus_auth_jwt_sign);

static void forget_keys(Datum arg, Oid relation);
static void release_keys(void *arg);
static void forget_key(JoseKey *key);
static KeyCache *current_keys(TimestampTz now);
static void read_keys(void);
static void read_key_rows(KeyCache *keys);
static bool read_key_row(AuthKey *key, HeapTuple row, TupleDesc columns, MemoryContext context);
static void read_shared_secrets(KeyCache *keys);
static void keep_complete(KeyCache *keys);
static void choose_keys(KeyCache *keys, TimestampTz now);
static char *claims_text(Jsonb *claims);
static char *sign_text(const AuthKey *key, const char *payload);
static JoseCode sign_with(const AuthKey *key, JoseBytes input, uint8_t *signature, size_t *len);
static char *read_secret(const char *kid);

/* Callback: something has happened to a relation. */
static void
forget_keys(Datum arg, Oid relation)
{
	(void) arg;
	if (relation == InvalidOid || relation == key_relation || relation == secret_relation)
		cache_is_current = false;
}

/* Callback: the memory of a cache goes.  Gives back what libraries made, and wipes secrets. */
static void
release_keys(void *arg)
{
	KeyCache   *keys = arg;

	for (int i = 0; i < keys->nkeys; i++)
		forget_key(&keys->keys[i].key);
}

/* Give back what the library made of a key, and wipe its secret. */
static void
forget_key(JoseKey *key)
{
	jose_release_key(key);
	if (key->k.data != NULL)
		explicit_bzero(unconstify(uint8_t *, key->k.data), key->k.len);
}

/* A relation of schema auth, or InvalidOid. */
Oid
auth_relation(const char *name)
{
	Oid			schema = get_namespace_oid("auth", true);

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

/* Names of keys are those that the table's CHECK allows. */
bool
auth_kid_is_valid(const char *kid)
{
	size_t		len = strlen(kid);

	return len >= 1 && len <= 64 &&
		strspn(kid, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

/* The keys as they are committed now, with this transaction's own changes, and chosen for the moment. */
static KeyCache *
current_keys(TimestampTz now)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterRelcacheCallback(forget_keys, (Datum) 0);
		registered = true;
	}
	AcceptInvalidationMessages();
	if (cache == NULL || !cache_is_current)
		read_keys();
	if (now < cache->from || now >= cache->until)
		choose_keys(cache, now);
	return cache;
}

/*
 * Read all keys.  What is changed while they are read is read by the next call.
 */
static void
read_keys(void)
{
	MemoryContext context;
	KeyCache   *keys;

	if (cache != NULL)
	{
		context = cache->context;
		cache = NULL;
		MemoryContextDelete(context);
	}
	key_relation = auth_relation("signing_key");
	secret_relation = auth_relation("secrets");
	cache_is_current = true;

	/* An error on the way takes the unfinished cache along. */
	context = AllocSetContextCreate(CurrentMemoryContext, "statbus keys of tokens", ALLOCSET_SMALL_SIZES);
	keys = MemoryContextAllocZero(context, sizeof(KeyCache));
	keys->context = context;
	keys->at_end.func = release_keys;
	keys->at_end.arg = keys;
	MemoryContextRegisterResetCallback(context, &keys->at_end);

	if (OidIsValid(key_relation) && OidIsValid(secret_relation))
	{
		read_key_rows(keys);
		read_shared_secrets(keys);
		keep_complete(keys);
	}
	else
		cache_is_current = false;	/* nothing would tell when they come */
	keys->verifying.keys = MemoryContextAllocZero(context, sizeof(JoseKey) * Max(keys->nkeys, 1));
	choose_keys(keys, GetCurrentTimestamp());

	MemoryContextSetParent(context, CacheMemoryContext);
	cache = keys;
}

/* Read auth.signing_key, with a snapshot of this moment. */
static void
read_key_rows(KeyCache *keys)
{
	Relation	relation = table_open(key_relation, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;
	int			room = 8;

	keys->keys = MemoryContextAllocZero(keys->context, sizeof(AuthKey) * room);
	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		AuthKey		key = {0};

		if (!read_key_row(&key, row, RelationGetDescr(relation), keys->context))
			continue;
		if (keys->nkeys == room)
		{
			room *= 2;
			keys->keys = repalloc(keys->keys, sizeof(AuthKey) * room);
		}
		keys->keys[keys->nkeys++] = key;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

/*
 * A key from its row.  False when it is revoked, or is not what the table should hold: a broken key
 * must not take the others along.
 */
static bool
read_key_row(AuthKey *key, HeapTuple row, TupleDesc columns, MemoryContext context)
{
	MemoryContext caller;
	Datum		value[SIGNING_KEY_CREATED_AT + 1];
	bool		is_null[SIGNING_KEY_CREATED_AT + 1];
	char	   *state;
	char	   *algorithm;
	JoseKeySet	set = {0};
	JoseMemory	memory = jose_memory(NULL);

	for (int i = SIGNING_KEY_KID; i <= SIGNING_KEY_CREATED_AT; i++)
	{
		value[i] = statbus_getattr(row, i, columns, &is_null[i]);
		if (is_null[i] && i != SIGNING_KEY_PUBLIC_JWK)
			return false;
	}
	state = TextDatumGetCString(value[SIGNING_KEY_STATE]);
	algorithm = TextDatumGetCString(value[SIGNING_KEY_ALGORITHM]);
	key->is_active = strcmp(state, "active") == 0;
	key->alg = jose_alg_by_name(algorithm, strlen(algorithm));
	if ((!key->is_active && strcmp(state, "verify_only") != 0) || key->alg == JOSE_ALG_UNKNOWN ||
		AUTH_ALG_IS_SHARED(key->alg) != is_null[SIGNING_KEY_PUBLIC_JWK])
		return false;
	key->not_before = DatumGetTimestampTz(value[SIGNING_KEY_NOT_BEFORE]);
	key->not_after = DatumGetTimestampTz(value[SIGNING_KEY_NOT_AFTER]);
	key->created_at = DatumGetTimestampTz(value[SIGNING_KEY_CREATED_AT]);

	caller = MemoryContextSwitchTo(context);
	key->kid = TextDatumGetCString(value[SIGNING_KEY_KID]);
	if (AUTH_ALG_IS_SHARED(key->alg))
		key->key.kty = JOSE_KTY_OCT;
	else
	{
		Jsonb	   *jwk = DatumGetJsonbP(value[SIGNING_KEY_PUBLIC_JWK]);
		char	   *text = JsonbToCString(NULL, &jwk->root, VARSIZE(jwk));

		if (jose_read_jwks(&set, text, strlen(text), &memory) == JOSE_OK && set.nkeys == 1)
			key->key = set.keys[0];
	}
	MemoryContextSwitchTo(caller);

	key->key.alg = key->alg;
	key->key.kid.data = (const uint8_t *) key->kid;
	key->key.kid.len = strlen(key->kid);
	key->key.may_verify = true;
	key->key.may_sign = key->is_active;
	return AUTH_ALG_IS_SHARED(key->alg) || set.nkeys == 1;
}

/* Read the shared secrets among auth.secrets. */
static void
read_shared_secrets(KeyCache *keys)
{
	Relation	relation = table_open(secret_relation, AccessShareLock);
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	row;

	while (HeapTupleIsValid(row = systable_getnext(scan)))
	{
		bool		is_null;
		char	   *name = TextDatumGetCString(statbus_getattr(row, SECRET_KEY, RelationGetDescr(relation), &is_null));

		if (strncmp(name, SECRET_PREFIX, strlen(SECRET_PREFIX)) != 0)
			continue;
		for (int i = 0; i < keys->nkeys; i++)
		{
			AuthKey    *key = &keys->keys[i];
			text	   *secret;

			if (!AUTH_ALG_IS_SHARED(key->alg) || key->key.k.data != NULL || strcmp(key->kid, name + strlen(SECRET_PREFIX)) != 0)
				continue;
			secret = DatumGetTextPP(statbus_getattr(row, SECRET_VALUE, RelationGetDescr(relation), &is_null));
			key->key.k.len = VARSIZE_ANY_EXHDR(secret);
			key->key.k.data = memcpy(MemoryContextAlloc(keys->context, Max(key->key.k.len, 1)),
									 VARDATA_ANY(secret), key->key.k.len);
		}
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

/* Keep the keys that can be used: with a secret or a public part, long enough, understood by the library. */
static void
keep_complete(KeyCache *keys)
{
	for (int i = 0; i < keys->nkeys;)
	{
		AuthKey    *key = &keys->keys[i];

		if ((AUTH_ALG_IS_SHARED(key->alg) && key->key.k.data == NULL) || !jose_key_fits(&key->key, key->alg) ||
			!jose_key_is_strong(&key->key, key->alg) || jose_prepare_key(&key->key) != JOSE_OK)
		{
			AuthKey    *last = &keys->keys[keys->nkeys - 1];
			AuthKey		unusable = *key;

			*key = *last;
			*last = unusable;
			forget_key(&last->key);
			keys->nkeys--;
		}
		else
			i++;
	}
}

/* Choose what verifies and what signs at a moment, and how long that holds. */
static void
choose_keys(KeyCache *keys, TimestampTz now)
{
	keys->from = DT_NOBEGIN;
	keys->until = DT_NOEND;
	keys->verifying.nkeys = 0;
	keys->signing = NULL;
	for (int i = 0; i < keys->nkeys; i++)
	{
		const AuthKey *key = &keys->keys[i];
		TimestampTz edges[2] = {key->not_before, key->not_after};

		for (int e = 0; e < 2; e++)
		{
			if (edges[e] <= now)
				keys->from = Max(keys->from, edges[e]);
			else
				keys->until = Min(keys->until, edges[e]);
		}
		if (now < key->not_before || now >= key->not_after)
			continue;
		keys->verifying.keys[keys->verifying.nkeys++] = key->key;
		if (key->is_active &&
			(keys->signing == NULL || key->created_at > keys->signing->created_at ||
			 (key->created_at == keys->signing->created_at && strcmp(key->kid, keys->signing->kid) > 0)))
			keys->signing = key;
	}
}

/* What verifies at a moment; never NULL, but there may be no key in it. */
const JoseKeySet *
auth_verifying_keys(TimestampTz now)
{
	return &current_keys(now)->verifying;
}

/* What signs at a moment: the key of that name, or the newest; NULL when there is none. */
const AuthKey *
auth_signing_key(const char *kid, TimestampTz now)
{
	KeyCache   *keys = current_keys(now);

	if (kid == NULL)
		return keys->signing;
	for (int i = 0; i < keys->nkeys; i++)
	{
		AuthKey    *key = &keys->keys[i];

		if (strcmp(key->kid, kid) == 0)
			return key->is_active && key->not_before <= now && now < key->not_after ? key : NULL;
	}
	return NULL;
}

/*
 * auth.keys_changed() → trigger: lets every backend forget the keys when the
 * change is committed, and this one now.
 */
Datum
statbus_auth_keys_changed(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("auth.keys_changed() is a trigger function")));
	CacheInvalidateRelcacheByRelid(RelationGetRelid(((TriggerData *) fcinfo->context)->tg_relation));
	PG_RETURN_POINTER(NULL);
}

/*
 * Check a token as the register does: a signature of one of its keys, exp, and
 * the audience if one is set.  Never raises for what a token holds.
 */
void
auth_check_token(JoseVerdict *verdict, Datum token)
{
	JoseOptions options;
	const JoseKeySet *keys = auth_verifying_keys(GetCurrentTimestamp());

	jose_default_options(&options);
	if (statbus_jwt_audience != NULL && statbus_jwt_audience[0] != '\0')
	{
		options.audience.data = (const uint8_t *) statbus_jwt_audience;
		options.audience.len = strlen(statbus_jwt_audience);
	}
	jose_check_datum(verdict, token, keys, &options);
}

/*
 * auth.jwt_verify(token_value text) → auth.jwt_verify_result
 */
Datum
statbus_auth_jwt_verify(PG_FUNCTION_ARGS)
{
	TupleDesc	columns = fcinfo->flinfo->fn_extra;
	JoseVerdict verdict = {.code = JOSE_FORMAT, .message = "Token is NULL"};
	Datum		values[4] = {0};
	bool		nulls[4] = {false, true, true, false};

	if (columns == NULL)
	{
		MemoryContext caller = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);

		if (get_call_result_type(fcinfo, NULL, &columns) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		columns = BlessTupleDesc(columns);
		fcinfo->flinfo->fn_extra = columns;
		MemoryContextSwitchTo(caller);
	}

	if (!PG_ARGISNULL(0))
		auth_check_token(&verdict, PG_GETARG_DATUM(0));
	values[0] = BoolGetDatum(verdict.claims != NULL);
	if (verdict.claims != NULL)
	{
		values[1] = JsonbPGetDatum(verdict.claims);
		nulls[1] = false;
	}
	if (verdict.message != NULL)
	{
		values[2] = CStringGetTextDatum(verdict.message);
		nulls[2] = false;
	}
	values[3] = BoolGetDatum(verdict.expired);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(columns, values, nulls)));
}

/*
 * auth.jwt_sign(claims jsonb, kid text) → text: a token, signed with a key of
 * that name or with the newest.
 */
Datum
statbus_auth_jwt_sign(PG_FUNCTION_ARGS)
{
	char	   *kid = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	const AuthKey *key;
	char	   *payload;

	if (PG_ARGISNULL(0) || !JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("claims of a token must be a JSON object")));
	payload = claims_text(PG_GETARG_JSONB_P(0));
	key = auth_signing_key(kid, GetCurrentTimestamp());
	if (key == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no active key to sign tokens with"),
				 errhint("A superuser can make one with SELECT auth.create_signing_key().")));
	PG_RETURN_TEXT_P(cstring_to_text(sign_text(key, payload)));
}

/*
 * Claims as they are put into a token: without blanks, and not what every
 * verifier would refuse.
 */
static char *
claims_text(Jsonb *claims)
{
	JoseMemory	memory = jose_memory(NULL);
	JoseJsonText json = {0};
	char	   *text = JsonbToCString(NULL, &claims->root, VARSIZE(claims));
	size_t		len = 0;
	bool		is_quoted = false;

	for (const char *c = text; *c != '\0'; c++)
	{
		if (*c == ' ' && !is_quoted)
			continue;
		if (*c == '"')
			is_quoted = !is_quoted;
		text[len++] = *c;
		if (*c == '\\')
			text[len++] = *++c;
	}
	text[len] = '\0';
	if (!jose_json_read(&json, text, len, &memory))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("claims of a token must not be nested deeper than %d levels", JOSE_MAX_DEPTH)));
	jose_json_free(&json, &memory);
	return text;
}

/* A token of a payload. */
static char *
sign_text(const AuthKey *key, const char *payload)
{
	uint8_t		signature[JOSE_MAX_SIGNATURE];
	size_t		signature_len = 0;
	char	   *header = psprintf("{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"JWT\"}", jose_alg_name(key->alg), key->kid);
	size_t		size = jose_base64url_encoded_size(strlen(header)) + jose_base64url_encoded_size(strlen(payload)) +
		jose_base64url_encoded_size(sizeof(signature)) + 3;
	char	   *token = palloc(size);
	JoseBytes	input;
	JoseCode	code;

	input.data = (const uint8_t *) token;
	input.len = jose_base64url_encode((const uint8_t *) header, strlen(header), token);
	token[input.len++] = '.';
	input.len += jose_base64url_encode((const uint8_t *) payload, strlen(payload), token + input.len);

	code = sign_with(key, input, signature, &signature_len);
	if (code == JOSE_UNSUPPORTED)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("this server cannot sign with algorithm %s", jose_alg_name(key->alg))));
	if (code != JOSE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("key \"%s\" cannot sign", key->kid),
				 errhint("A superuser can make another with SELECT auth.rotate_signing_key().")));
	token[input.len] = '.';
	size = input.len + 1;
	size += jose_base64url_encode(signature, signature_len, token + size);
	token[size] = '\0';
	if (size > JOSE_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the token would be longer than %d bytes", JOSE_MAX_BYTES)));
	return token;
}

/*
 * Sign, with the private part of the key read for this once, if it has one.
 * No error can be raised while the library holds the key.
 */
static JoseCode
sign_with(const AuthKey *key, JoseBytes input, uint8_t *signature, size_t *len)
{
	JoseMemory	memory = jose_memory(NULL);
	JoseKeySet	set = {0};
	JoseCode	code;
	char	   *jwk;

	if (AUTH_ALG_IS_SHARED(key->alg))
		return jose_sign(&key->key, key->alg, input, signature, len);

	jwk = read_secret(key->kid);
	if (jwk == NULL)
		return JOSE_KEY;
	code = jose_read_jwks(&set, jwk, strlen(jwk), &memory);
	explicit_bzero(jwk, strlen(jwk));
	if (code != JOSE_OK)
		return code;
	code = set.nkeys == 1 && jose_key_fits(&set.keys[0], key->alg) ? jose_prepare_key(&set.keys[0]) : JOSE_KEY;
	if (code == JOSE_OK)
		code = jose_sign(&set.keys[0], key->alg, input, signature, len);
	jose_free_jwks(&set, &memory);
	return code;
}

/* A copy of a key's row in auth.secrets, or NULL. */
HeapTuple
auth_find_secret(Relation secrets, const char *kid)
{
	char	   *name = psprintf("%s%s", SECRET_PREFIX, kid);
	SysScanDesc scan = systable_beginscan(secrets, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	found = NULL;
	HeapTuple	row;

	while (found == NULL && HeapTupleIsValid(row = systable_getnext(scan)))
	{
		bool		is_null;

		if (strcmp(TextDatumGetCString(statbus_getattr(row, SECRET_KEY, RelationGetDescr(secrets), &is_null)), name) == 0)
			found = heap_copytuple(row);
	}
	systable_endscan(scan);
	return found;
}

/* The secret of a key from its row, or NULL.  The caller wipes it. */
static char *
read_secret(const char *kid)
{
	Relation	secrets = table_open(secret_relation, AccessShareLock);
	HeapTuple	row = auth_find_secret(secrets, kid);
	char	   *secret = NULL;

	if (row != NULL)
	{
		bool		is_null;

		secret = TextDatumGetCString(statbus_getattr(row, SECRET_VALUE, RelationGetDescr(secrets), &is_null));
		explicit_bzero(row->t_data, row->t_len);
	}
	table_close(secrets, AccessShareLock);
	return secret;
}
