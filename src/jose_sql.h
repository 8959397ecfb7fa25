/*-------------------------------------------------------------------------
 *
 * jose_sql.h
 *	  Tokens as the server sees them: arguments, claims as jsonb, memory.
 *
 * IDENTIFICATION
 *	  src/jose_sql.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_JOSE_SQL_H
#define STATBUS_JOSE_SQL_H

#include "statbus.h"

#include "utils/jsonb.h"

#include "jose.h"

/* What became of a token.  "claims" are in the current memory context. */
typedef struct JoseVerdict
{
	JoseCode	code;
	const char *message;		/* constant text; NULL when the code is
								 * JOSE_OK */
	bool		expired;		/* good in all respects but past its exp: code
								 * is JOSE_CLAIMS_TIME */
	Jsonb	   *claims;			/* NULL unless the code is JOSE_OK or it is
								 * only expired */
} JoseVerdict;

/* palloc in "context", or in the context that is current at each call when it is NULL. */
extern JoseMemory jose_memory(MemoryContext context);

/* Seconds since 1970, by the clock. */
extern int64 jose_clock(void);

/* exp is required, now is the clock, any algorithm that the keys allow, no audience. */
extern void jose_default_options(JoseOptions *options);

/*
 * Reads options over the default ones.  What it copies goes to the current memory context.  Raises
 * 22023 for an unknown name or a wrong type.  Says whether "now" was given.
 */
extern bool jose_read_options(JoseOptions *options, Jsonb *given);

/*
 * Checks a token, a text, with keys that have been through jose_prepare_key().  Never raises for
 * what a token holds.  A long token is refused before it is fetched and decompressed.
 */
extern void jose_check_datum(JoseVerdict *verdict, Datum token, const JoseKeySet *set, const JoseOptions *options);

/* Parsed JSON as jsonb, or NULL when a number in it has more than JOSE_MAX_DIGITS digits when written out. */
#define JOSE_MAX_DIGITS 1000
extern Jsonb *jose_json_to_jsonb(const JoseJsonText *json);

#endif							/* STATBUS_JOSE_SQL_H */
