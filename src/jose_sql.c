/*-------------------------------------------------------------------------
 *
 * jose_sql.c
 *	  Checking tokens with keys that the caller gives.
 *
 * What a token holds never raises: it is a result.  Options that do not exist
 * are a bad call, and raise 22023.
 *
 * Keys are read once for all calls of a query that give the same ones.  What
 * libcrypto made of them is not in a memory context, so that the context in
 * which a call's state lies releases it by a callback.
 *
 * IDENTIFICATION
 *	  src/jose_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose_sql.h"

#include "access/detoast.h"
#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#define MAX_JWKS_BYTES	(1024 * 1024)

/* What calls of one function in one query share. */
typedef struct JoseCall
{
	MemoryContext keys_context; /* of jwks and set */
	MemoryContextCallback callback;
	Jsonb	   *jwks;			/* the keys as they were given, or NULL */
	JoseKeySet	set;
	JoseCode	code;			/* of reading and preparing them */
	MemoryContext options_context;	/* of given and options */
	Jsonb	   *given;			/* the options as they were given, or NULL */
	JoseOptions options;
	bool		has_now;
	TupleDesc	result;			/* of auth.jwt_check */
} JoseCall;

static void *
allocate(void *arg, size_t size)
{
	return arg != NULL ? MemoryContextAlloc(arg, size) : palloc(size);
}

static void
release(void *arg, void *block)
{
	(void) arg;
	pfree(block);
}

/* palloc in "context", or in the context that is current at each call when it is NULL. */
JoseMemory
jose_memory(MemoryContext context)
{
	return (JoseMemory) {allocate, release, context};
}

/* Prepares all keys of a set: JOSE_OK, or JOSE_KEY.  Keys that this build cannot use stay, and refuse. */
static JoseCode
prepare_keys(JoseKeySet *set)
{
	for (int i = 0; i < set->nkeys; i++)
	{
		if (jose_prepare_key(&set->keys[i]) == JOSE_KEY)
			return JOSE_KEY;
	}
	return JOSE_OK;
}

/* Releases all keys of a set; needed before its memory goes. */
static void
release_keys(JoseKeySet *set)
{
	for (int i = 0; i < set->nkeys; i++)
		jose_release_key(&set->keys[i]);
}

/*
 * Checks a token, a text, with keys that have been through jose_prepare_key().
 * A token that is too long is refused by its size alone: nothing of it is
 * fetched or decompressed.
 */
void
jose_check_datum(JoseVerdict *verdict, Datum token, const JoseKeySet *set, const JoseOptions *options)
{
	JoseMemory	memory = jose_memory(NULL);
	size_t		len = toast_raw_datum_size(token) - VARHDRSZ;
	struct varlena *text = NULL;
	JoseToken	parts;
	JoseResult	result;
	JoseJsonText claims;

	if (len <= options->max_bytes)
		text = pg_detoast_datum_packed((struct varlena *) DatumGetPointer(token));
	jose_check(&result, &parts, &claims, text != NULL ? VARDATA_ANY(text) : "", len, set, options, &memory);
	verdict->code = result.code;
	verdict->message = result.message;
	verdict->expired = result.expired;
	verdict->claims = NULL;
	if ((result.code == JOSE_OK || result.expired) && !options->signature_only)
	{
		verdict->claims = jose_json_to_jsonb(&claims);
		if (verdict->claims == NULL)
		{
			verdict->code = JOSE_PAYLOAD_JSON;
			verdict->message = jose_code_message(JOSE_PAYLOAD_JSON);
			verdict->expired = false;
		}
	}
	jose_json_free(&claims, &memory);
	jose_free_token(&parts, &memory);
	if (text != NULL && (Pointer) text != DatumGetPointer(token))
		pfree(text);
}

/* Gives back what libcrypto holds for a call, and wipes the keys. */
static void
release_call_keys(void *arg)
{
	JoseCall   *call = arg;

	release_keys(&call->set);
	memset(&call->set, 0, sizeof(JoseKeySet));
	if (call->jwks != NULL)
		explicit_bzero(call->jwks, VARSIZE(call->jwks));
	call->jwks = NULL;
}

/* The state of a call, made at the first one. */
static JoseCall *
get_call(FunctionCallInfo fcinfo)
{
	JoseCall   *call = fcinfo->flinfo->fn_extra;

	if (call == NULL)
	{
		MemoryContext context = fcinfo->flinfo->fn_mcxt;

		call = MemoryContextAllocZero(context, sizeof(JoseCall));
		call->keys_context = AllocSetContextCreate(context, "statbus keys of tokens", ALLOCSET_SMALL_SIZES);
		call->options_context = AllocSetContextCreate(context, "statbus options of tokens", ALLOCSET_SMALL_SIZES);
		fcinfo->flinfo->fn_extra = call;
	}
	return call;
}

/* Whether a value of jsonb is, byte for byte, the one that was kept. */
static bool
is_kept(Jsonb *kept, Jsonb *value)
{
	return kept != NULL && VARSIZE(kept) == VARSIZE(value) && memcmp(kept, value, VARSIZE(value)) == 0;
}

/* A copy of a value in the current memory context. */
static Jsonb *
keep_jsonb(Jsonb *value)
{
	Jsonb	   *kept = palloc(VARSIZE(value));

	memcpy(kept, value, VARSIZE(value));
	return kept;
}

/* Reads and prepares the keys of a call, in its context. */
static void
read_keys(JoseCall *call, Jsonb *jwks)
{
	JoseMemory	memory = jose_memory(call->keys_context);
	MemoryContext before;
	StringInfoData text;

	MemoryContextReset(call->keys_context); /* runs the callback, once */
	call->callback.func = release_call_keys;
	call->callback.arg = call;
	MemoryContextRegisterResetCallback(call->keys_context, &call->callback);

	before = MemoryContextSwitchTo(call->keys_context);
	initStringInfo(&text);
	(void) JsonbToCString(&text, &jwks->root, 2 * VARSIZE(jwks));
	call->code = jose_read_jwks(&call->set, text.data, (size_t) text.len, &memory);
	explicit_bzero(text.data, (size_t) text.len);
	pfree(text.data);
	if (call->code == JOSE_OK)
		call->code = prepare_keys(&call->set);
	call->jwks = keep_jsonb(jwks);
	MemoryContextSwitchTo(before);
}

/* The keys of an argument, as a code; their set is in the call. */
static JoseCode
get_keys(FunctionCallInfo fcinfo, JoseCall *call, int arg)
{
	Datum		datum = PG_GETARG_DATUM(arg);
	Jsonb	   *jwks;

	if (toast_raw_datum_size(datum) > MAX_JWKS_BYTES)
		return JOSE_KEY;
	jwks = DatumGetJsonbP(datum);
	if (!is_kept(call->jwks, jwks))
		read_keys(call, jwks);
	PG_FREE_IF_COPY(jwks, arg);
	return call->code;
}

/* The options of an argument; NULL means none. */
static const JoseOptions *
get_options(FunctionCallInfo fcinfo, JoseCall *call, int arg)
{
	Jsonb	   *given;
	MemoryContext before;

	if (PG_ARGISNULL(arg))
	{
		call->given = NULL;
		jose_default_options(&call->options);
		return &call->options;
	}
	given = PG_GETARG_JSONB_P(arg);
	if (!is_kept(call->given, given))
	{
		call->given = NULL;
		MemoryContextReset(call->options_context);
		before = MemoryContextSwitchTo(call->options_context);
		jose_default_options(&call->options);
		call->has_now = jose_read_options(&call->options, given);
		call->given = keep_jsonb(given);
		MemoryContextSwitchTo(before);
	}
	else if (!call->has_now)
		call->options.now = jose_clock();
	PG_FREE_IF_COPY(given, arg);
	return &call->options;
}

/* A verdict that is known without a look at the token. */
static void
set_verdict(JoseVerdict *verdict, JoseCode code)
{
	verdict->code = code;
	verdict->message = jose_code_message(code);
	verdict->expired = false;
	verdict->claims = NULL;
}

/* The row type of auth.jwt_check. */
static TupleDesc
get_result_type(FunctionCallInfo fcinfo, JoseCall *call)
{
	if (call->result == NULL)
	{
		MemoryContext before = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		TupleDesc	found;

		if (get_call_result_type(fcinfo, NULL, &found) != TYPEFUNC_COMPOSITE || found->natts != 5)
			elog(ERROR, "auth.jwt_check() must return auth.jwt_check_result");
		call->result = BlessTupleDesc(CreateTupleDescCopy(found));
		MemoryContextSwitchTo(before);
	}
	return call->result;
}

PG_FUNCTION_INFO_V1(statbus_jwt_check);

/*
 * auth.jwt_check(token, jwks, options): whether a token is good, its claims if
 * it is, and otherwise what is wrong with it.
 */
Datum
statbus_jwt_check(PG_FUNCTION_ARGS)
{
	JoseCall   *call = get_call(fcinfo);
	const JoseOptions *options = get_options(fcinfo, call, 2);
	JoseCode	code = PG_ARGISNULL(1) ? JOSE_KEY : get_keys(fcinfo, call, 1);
	JoseVerdict verdict;
	Datum		values[5];
	bool		nulls[5] = {false};
	bool		is_valid;

	if (PG_ARGISNULL(0))
		set_verdict(&verdict, JOSE_FORMAT);
	else if (code != JOSE_OK)
		set_verdict(&verdict, code);
	else
		jose_check_datum(&verdict, PG_GETARG_DATUM(0), &call->set, options);

	is_valid = verdict.code == JOSE_OK;
	values[0] = BoolGetDatum(is_valid);
	values[1] = is_valid ? JsonbPGetDatum(verdict.claims) : (Datum) 0;
	values[2] = is_valid ? (Datum) 0 : CStringGetTextDatum(jose_code_name(verdict.code));
	values[3] = is_valid ? (Datum) 0 : CStringGetTextDatum(verdict.message);
	values[4] = BoolGetDatum(verdict.expired);
	nulls[1] = !is_valid;
	nulls[2] = nulls[3] = is_valid;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(get_result_type(fcinfo, call), values, nulls)));
}

PG_FUNCTION_INFO_V1(statbus_jws_verify);

/* auth.jws_verify(token, jwk): whether the signature is good, whatever it stands under. */
Datum
statbus_jws_verify(PG_FUNCTION_ARGS)
{
	JoseCall   *call = get_call(fcinfo);
	JoseOptions options;
	JoseVerdict verdict;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || get_keys(fcinfo, call, 1) != JOSE_OK)
		PG_RETURN_BOOL(false);
	memset(&options, 0, sizeof(options));
	options.max_bytes = JOSE_MAX_BYTES;
	options.signature_only = true;
	jose_check_datum(&verdict, PG_GETARG_DATUM(0), &call->set, &options);
	PG_RETURN_BOOL(verdict.code == JOSE_OK);
}
