/*-------------------------------------------------------------------------
 *
 * jose_jsonb_sql.c
 *	  Between jsonb and the verifier: claims that leave it, options that enter.
 *
 * Claims are built from what the verifier has parsed, so that the server's own
 * parser, which raises, never sees the text of a token.
 *
 * IDENTIFICATION
 *	  src/jose_jsonb_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose_sql.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#define MAX_TOKEN_BYTES	(1024 * 1024)	/* that the option max_bytes may allow */
#define MAX_REQUIRED	64
#define INT64_DIGITS	18		/* as many digits always fit */

/* How an option is read from its value. */
typedef void (*ReadOption) (JoseOptions *options, const char *name, JsonbValue *value);

typedef struct OptionRule
{
	const char *name;
	ReadOption	read;
} OptionRule;

/*
 * Claims
 */

/* The exponent of a number, or 0; as far from 0 as matters here when it is further. */
static int
read_exponent(const uint8_t *at, const uint8_t *end)
{
	int			exponent = 0;
	bool		negative;

	if (at >= end)
		return 0;
	at++;						/* the e */
	negative = at < end && *at == '-';
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	for (; at < end && exponent <= 10 * JOSE_MAX_DIGITS; at++)
		exponent = exponent * 10 + (*at - '0');
	return negative ? -exponent : exponent;
}

/* Whether a number, written out, has few enough digits on both sides of its point: a short text may mean a long one. */
static bool
is_short_number(JoseBytes number)
{
	const uint8_t *at = number.data;
	const uint8_t *end = number.data + number.len;
	size_t		whole = 0;
	size_t		fraction = 0;
	int			exponent;

	if (at < end && *at == '-')
		at++;
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		whole++;
	if (at < end && *at == '.')
		for (at++; at < end && *at >= '0' && *at <= '9'; at++)
			fraction++;
	exponent = read_exponent(at, end);
	return (int64) whole + exponent <= JOSE_MAX_DIGITS && (int64) fraction - exponent <= JOSE_MAX_DIGITS;
}

/* Reads a number that is nothing but a few digits. */
static bool
read_integer(JoseBytes number, int64 *result)
{
	size_t		first = number.len > 0 && number.data[0] == '-' ? 1 : 0;

	if (number.len - first > INT64_DIGITS)
		return false;
	*result = 0;
	for (size_t i = first; i < number.len; i++)
	{
		if (number.data[i] < '0' || number.data[i] > '9')
			return false;
		*result = *result * 10 + (number.data[i] - '0');
	}
	if (first == 1)
		*result = -*result;
	return true;
}

/* A number as numeric.  Its text is a number of JSON, which numeric_in() reads too. */
static Numeric
make_numeric(JoseBytes number)
{
	int64		integer;
	char	   *text;
	Numeric		result;

	if (read_integer(number, &integer))
		return int64_to_numeric(integer);
	text = pnstrdup((const char *) number.data, number.len);
	result = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(text),
												 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	pfree(text);
	return result;
}

/* A string, a number or a word as jsonb sees it. */
static void
make_scalar(JsonbValue *out, const JoseJson *value)
{
	switch (value->type)
	{
		case JOSE_JSON_STRING:
			out->type = jbvString;
			out->val.string.val = (char *) value->text.data;
			out->val.string.len = (int) value->text.len;
			break;
		case JOSE_JSON_NUMBER:
			out->type = jbvNumeric;
			out->val.numeric = make_numeric(value->text);
			break;
		case JOSE_JSON_TRUE:
		case JOSE_JSON_FALSE:
			out->type = jbvBool;
			out->val.boolean = value->type == JOSE_JSON_TRUE;
			break;
		default:
			out->type = jbvNull;
			break;
	}
}

/*
 * A parsed object or array as jsonb, or NULL when it holds a number that is too
 * long.  Raises nothing but for want of memory.
 */
Jsonb *
jose_json_to_jsonb(const JoseJsonText *json)
{
	JsonbParseState *state = NULL;
	JsonbValue *whole = NULL;
	const JoseJson *open[JOSE_MAX_DEPTH];
	int			depth = 0;

	for (int i = 0; i < json->nvalues; i++)
	{
		if (json->values[i].type == JOSE_JSON_NUMBER && !is_short_number(json->values[i].text))
			return NULL;
	}
	for (int i = 0; i < json->nvalues; i++)
	{
		const JoseJson *value = &json->values[i];
		JsonbValue	scalar;

		if (value->name.data != NULL)
		{
			scalar.type = jbvString;
			scalar.val.string.val = (char *) value->name.data;
			scalar.val.string.len = (int) value->name.len;
			(void) pushJsonbValue(&state, WJB_KEY, &scalar);
		}
		if (value->type == JOSE_JSON_OBJECT || value->type == JOSE_JSON_ARRAY)
		{
			if (depth == JOSE_MAX_DEPTH)
				elog(ERROR, "parsed JSON is deeper than its parser allows");
			(void) pushJsonbValue(&state, value->type == JOSE_JSON_OBJECT ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY, NULL);
			open[depth++] = value;
		}
		else
		{
			make_scalar(&scalar, value);
			(void) pushJsonbValue(&state, value->name.data != NULL ? WJB_VALUE : WJB_ELEM, &scalar);
		}
		while (depth > 0 && open[depth - 1]->end == i + 1)
		{
			depth--;
			whole = pushJsonbValue(&state, open[depth]->type == JOSE_JSON_OBJECT ? WJB_END_OBJECT : WJB_END_ARRAY, NULL);
		}
	}
	return JsonbValueToJsonb(whole);
}

/*
 * Options
 */

pg_noreturn static void refuse_value(const char *name, const char *expected);

/* Refuses the value of an option. */
static void
refuse_value(const char *name, const char *expected)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("option \"%s\" of auth.jwt_check() must be %s", name, expected)));
}

/* A string, copied. */
static JoseBytes
read_string(const char *name, const JsonbValue *value)
{
	if (value->type != jbvString)
		refuse_value(name, "a string");
	return (JoseBytes) {(const uint8_t *) pnstrdup(value->val.string.val, value->val.string.len),
						(size_t) value->val.string.len};
}

/* A whole number between two others; a fraction is cut off downwards. */
static int64
read_whole(const char *name, const JsonbValue *value, int64 least, int64 most)
{
	Datum		floor;
	Datum		low = NumericGetDatum(int64_to_numeric(least));
	Datum		high = NumericGetDatum(int64_to_numeric(most));

	if (value->type != jbvNumeric)
		refuse_value(name, "a number");
	floor = DirectFunctionCall1(numeric_floor, NumericGetDatum(value->val.numeric));
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, floor, low)) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, floor, high)))
		refuse_value(name, psprintf("between " INT64_FORMAT " and " INT64_FORMAT, least, most));
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, floor));
}

/* The strings of an array, copied. */
static JoseBytes *
read_strings(const char *name, JsonbValue *value, int *count)
{
	JsonbIterator *iterator;
	JsonbValue	element;
	JoseBytes  *strings;
	int			room;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data))
		refuse_value(name, "an array of strings");
	room = JsonContainerSize(value->val.binary.data);
	if (room > MAX_REQUIRED)
		refuse_value(name, psprintf("an array of at most %d strings", MAX_REQUIRED));
	strings = palloc(sizeof(JoseBytes) * Max(room, 1));
	*count = 0;
	iterator = JsonbIteratorInit(value->val.binary.data);
	(void) JsonbIteratorNext(&iterator, &element, true);	/* the array begins */
	while (JsonbIteratorNext(&iterator, &element, true) == WJB_ELEM)
	{
		if (element.type != jbvString)
			refuse_value(name, "an array of strings");
		strings[(*count)++] = read_string(name, &element);
	}
	return strings;
}

static void
read_algorithms(JoseOptions *options, const char *name, JsonbValue *value)
{
	int			count;
	JoseBytes  *names = read_strings(name, value, &count);

	if (count == 0)
		refuse_value(name, "an array of at least one algorithm");
	options->algorithms = 0;
	for (int i = 0; i < count; i++)
	{
		JoseAlg		alg = jose_alg_by_name((const char *) names[i].data, names[i].len);

		if (alg == JOSE_ALG_UNKNOWN)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown algorithm \"%s\" in option \"%s\" of auth.jwt_check()", (const char *) names[i].data, name),
					 errhint("There are HS, RS, PS and ES, each with 256, 384 and 512, and EdDSA.")));
		options->algorithms |= UINT32_C(1) << alg;
	}
}

static void
read_audience(JoseOptions *options, const char *name, JsonbValue *value)
{
	options->audience = read_string(name, value);
}

static void
read_issuer(JoseOptions *options, const char *name, JsonbValue *value)
{
	options->issuer = read_string(name, value);
}

static void
read_typ(JoseOptions *options, const char *name, JsonbValue *value)
{
	options->typ = read_string(name, value);
}

static void
read_leeway(JoseOptions *options, const char *name, JsonbValue *value)
{
	options->leeway = read_whole(name, value, 0, JOSE_MAX_LEEWAY);
}

static void
read_now(JoseOptions *options, const char *name, JsonbValue *value)
{
	options->now = read_whole(name, value, -JOSE_TIME_MAX, JOSE_TIME_MAX);
}

static void
read_max_bytes(JoseOptions *options, const char *name, JsonbValue *value)
{
	options->max_bytes = (size_t) read_whole(name, value, 1, MAX_TOKEN_BYTES);
}

static void
read_require(JoseOptions *options, const char *name, JsonbValue *value)
{
	options->required = read_strings(name, value, &options->nrequired);
}

static const OptionRule option_rules[] = {
	{"algorithms", read_algorithms},
	{"audience", read_audience},
	{"issuer", read_issuer},
	{"leeway", read_leeway},
	{"max_bytes", read_max_bytes},
	{"now", read_now},
	{"require", read_require},
	{"typ", read_typ},
};

/* Reads one option by its name. */
static void
read_option(JoseOptions *options, const char *name, JsonbValue *value)
{
	for (int i = 0; i < (int) lengthof(option_rules); i++)
	{
		if (strcmp(option_rules[i].name, name) == 0)
		{
			option_rules[i].read(options, name, value);
			return;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("auth.jwt_check() has no option \"%s\"", name),
			 errhint("Its options are algorithms, audience, issuer, leeway, max_bytes, now, require and typ.")));
}

/* Seconds since 1970, by the clock. */
int64
jose_clock(void)
{
	TimestampTz now = GetCurrentTimestamp();
	int64		seconds = now / USECS_PER_SEC - (now % USECS_PER_SEC < 0 ? 1 : 0);

	return seconds + (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

/* exp is required, now is the clock, any algorithm that the keys allow, no audience. */
void
jose_default_options(JoseOptions *options)
{
	static const JoseBytes required = {(const uint8_t *) "exp", 3};

	memset(options, 0, sizeof(JoseOptions));
	options->required = &required;
	options->nrequired = 1;
	options->max_bytes = JOSE_MAX_BYTES;
	options->now = jose_clock();
}

/*
 * Reads options over the default ones; what is copied goes to the current memory
 * context.  Raises 22023 for an unknown name or a wrong type.  Says whether "now" was given.
 */
bool
jose_read_options(JoseOptions *options, Jsonb *given)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		has_now = false;

	if (!JB_ROOT_IS_OBJECT(given))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the options of auth.jwt_check() must be a JSON object")));
	iterator = JsonbIteratorInit(&given->root);
	(void) JsonbIteratorNext(&iterator, &value, true);	/* the object begins */
	while ((token = JsonbIteratorNext(&iterator, &value, true)) == WJB_KEY)
	{
		char	   *name = pnstrdup(value.val.string.val, value.val.string.len);

		(void) JsonbIteratorNext(&iterator, &value, true);
		read_option(options, name, &value);
		has_now = has_now || strcmp(name, "now") == 0;
	}
	return has_now;
}
