/*-------------------------------------------------------------------------
 *
 * import_rule_number.c
 *	  Exact fractions for declared rules.
 *
 * A fraction is two natural numbers of at most 256 bits, which is 77 digits.
 * They are not shortened: comparing takes a product of 512 bits at most, and
 * what does not fit into 256 on the way is said to be too big.
 *
 * IDENTIFICATION
 *	  src/import_rule_number.c
 *
 *-------------------------------------------------------------------------
 */
#include "import_rule.h"

#include <string.h>

/* Of a product that is only compared. */
#define WIDE_LIMBS (2 * RULE_LIMBS)

/* A small natural number. */
static RuleNatural
natural(uint64_t value)
{
	RuleNatural result;

	result.limbs[0] = (uint32_t) value;
	result.limbs[1] = (uint32_t) (value >> 32);
	result.len = result.limbs[1] != 0 ? 2 : result.limbs[0] != 0 ? 1 : 0;
	return result;
}

/* value * factor + more; false when that has too many limbs. */
static bool
scale(RuleNatural *value, uint32_t factor, uint32_t more)
{
	uint64_t	carry = more;

	for (int i = 0; i < value->len; i++)
	{
		carry += (uint64_t) value->limbs[i] * factor;
		value->limbs[i] = (uint32_t) carry;
		carry >>= 32;
	}
	if (carry == 0)
		return true;
	if (value->len == RULE_LIMBS)
		return false;
	value->limbs[value->len++] = (uint32_t) carry;
	return true;
}

/* The order of two numbers by their limbs. */
static int
compare_limbs(const uint32_t *a, int alen, const uint32_t *b, int blen)
{
	if (alen != blen)
		return alen < blen ? -1 : 1;
	for (int i = alen - 1; i >= 0; i--)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return 0;
}

/* The order of two natural numbers. */
static int
compare(const RuleNatural *a, const RuleNatural *b)
{
	return compare_limbs(a->limbs, a->len, b->limbs, b->len);
}

/* a + b */
static bool
add(const RuleNatural *a, const RuleNatural *b, RuleNatural *sum)
{
	const RuleNatural *longer = a->len >= b->len ? a : b;
	const RuleNatural *shorter = a->len >= b->len ? b : a;
	RuleNatural result = *longer;
	uint64_t	carry = 0;

	for (int i = 0; i < result.len; i++)
	{
		carry += (uint64_t) result.limbs[i] + (i < shorter->len ? shorter->limbs[i] : 0);
		result.limbs[i] = (uint32_t) carry;
		carry >>= 32;
	}
	if (carry != 0)
	{
		if (result.len == RULE_LIMBS)
			return false;
		result.limbs[result.len++] = (uint32_t) carry;
	}
	*sum = result;
	return true;
}

/* a - b, which is not negative */
static void
subtract(const RuleNatural *a, const RuleNatural *b, RuleNatural *difference)
{
	RuleNatural result = *a;
	int64_t		borrow = 0;

	for (int i = 0; i < result.len; i++)
	{
		borrow += (int64_t) result.limbs[i] - (i < b->len ? b->limbs[i] : 0);
		result.limbs[i] = (uint32_t) borrow;
		borrow = borrow < 0 ? -1 : 0;
	}
	while (result.len > 0 && result.limbs[result.len - 1] == 0)
		result.len--;
	*difference = result;
}

/* a * b in full; returns its length. */
static int
multiply_wide(const RuleNatural *a, const RuleNatural *b, uint32_t *product)
{
	int			len = a->len + b->len;

	memset(product, 0, sizeof(uint32_t) * WIDE_LIMBS);
	for (int i = 0; i < a->len; i++)
	{
		uint64_t	carry = 0;

		for (int j = 0; j < b->len; j++)
		{
			carry += (uint64_t) a->limbs[i] * b->limbs[j] + product[i + j];
			product[i + j] = (uint32_t) carry;
			carry >>= 32;
		}
		product[i + b->len] = (uint32_t) carry;
	}
	while (len > 0 && product[len - 1] == 0)
		len--;
	return len;
}

/* a * b; false when that has too many limbs. */
static bool
multiply(const RuleNatural *a, const RuleNatural *b, RuleNatural *product)
{
	uint32_t	wide[WIDE_LIMBS];
	int			len = multiply_wide(a, b, wide);

	if (len > RULE_LIMBS)
		return false;
	product->len = len;
	memcpy(product->limbs, wide, sizeof(uint32_t) * (size_t) len);
	return true;
}

/* True when the fraction is zero. */
bool
rule_number_is_zero(const RuleNumber *number)
{
	return number->num.len == 0;
}

/* Change the sign. */
void
rule_number_negate(RuleNumber *number)
{
	number->negative = !number->negative && number->num.len > 0;
}

/* A whole number. */
void
rule_number_from_int(int64_t value, RuleNumber *number)
{
	number->negative = value < 0;
	number->num = natural(value < 0 ? 0 - (uint64_t) value : (uint64_t) value);
	number->den = natural(1);
}

/* The number as an integer; false when it is not whole, or too big. */
bool
rule_number_to_int(const RuleNumber *number, int64_t *value)
{
	uint64_t	num = 0;
	uint64_t	den = 0;

	if (number->num.len > 2 || number->den.len > 2)
		return false;
	for (int i = number->num.len - 1; i >= 0; i--)
		num = num << 32 | number->num.limbs[i];
	for (int i = number->den.len - 1; i >= 0; i--)
		den = den << 32 | number->den.limbs[i];
	if (num % den != 0 || num / den > INT64_MAX)
		return false;
	*value = number->negative ? -(int64_t) (num / den) : (int64_t) (num / den);
	return true;
}

/* Read digits with an optional minus and point; false: too many, or none. */
bool
rule_number_parse(SbSlice digits, RuleNumber *number)
{
	bool		negative = digits.len > 0 && digits.data[0] == '-';
	size_t		end = digits.len;
	bool		has_point = false;
	bool		has_digit = false;

	number->num = natural(0);
	number->den = natural(1);
	if (memchr(digits.data, '.', digits.len) != NULL)
		while (end > 0 && digits.data[end - 1] == '0')
			end--;
	for (size_t i = negative ? 1 : 0; i < end; i++)
	{
		char		c = digits.data[i];

		if (c == '.' && !has_point)
			has_point = true;
		else if (c < '0' || c > '9')
			return false;
		else if (!scale(&number->num, 10, (uint32_t) (c - '0')) || (has_point && !scale(&number->den, 10, 0)))
			return false;
		has_digit = has_digit || c != '.';
	}
	number->negative = negative && number->num.len > 0;
	return has_digit || end < digits.len;
}

/* The order of two fractions, always exact. */
int
rule_number_compare(const RuleNumber *a, const RuleNumber *b)
{
	uint32_t	left[WIDE_LIMBS];
	uint32_t	right[WIDE_LIMBS];
	int			order;

	if (a->negative != b->negative)
		return a->negative ? -1 : 1;
	if (compare(&a->den, &b->den) == 0)
		order = compare(&a->num, &b->num);
	else
	{
		int			left_len = multiply_wide(&a->num, &b->den, left);
		int			right_len = multiply_wide(&b->num, &a->den, right);

		order = compare_limbs(left, left_len, right, right_len);
	}
	return a->negative ? -order : order;
}

/* a + b; false when it is too big. */
bool
rule_number_add(const RuleNumber *a, const RuleNumber *b, RuleNumber *sum)
{
	RuleNatural left = a->num;
	RuleNatural right = b->num;
	RuleNumber	result;
	int			order;

	result.den = a->den;
	if (compare(&a->den, &b->den) != 0 &&
		(!multiply(&a->num, &b->den, &left) || !multiply(&b->num, &a->den, &right) ||
		 !multiply(&a->den, &b->den, &result.den)))
		return false;
	order = compare(&left, &right);
	result.negative = a->negative;
	if (a->negative == b->negative)
	{
		if (!add(&left, &right, &result.num))
			return false;
	}
	else if (order >= 0)
		subtract(&left, &right, &result.num);
	else
	{
		subtract(&right, &left, &result.num);
		result.negative = b->negative;
	}
	if (result.num.len == 0)
	{
		result.negative = false;
		result.den = natural(1);
	}
	*sum = result;
	return true;
}

/* a * b; false when it is too big. */
bool
rule_number_multiply(const RuleNumber *a, const RuleNumber *b, RuleNumber *product)
{
	RuleNumber	result;

	if (!multiply(&a->num, &b->num, &result.num) || !multiply(&a->den, &b->den, &result.den))
		return false;
	result.negative = a->negative != b->negative && result.num.len > 0;
	if (result.num.len == 0)
		result.den = natural(1);
	*product = result;
	return true;
}

/* a / b, which is not zero; false when it is too big. */
bool
rule_number_divide(const RuleNumber *a, const RuleNumber *b, RuleNumber *quotient)
{
	RuleNumber	inverse;

	inverse.negative = b->negative;
	inverse.num = b->den;
	inverse.den = b->num;
	return rule_number_multiply(a, &inverse, quotient);
}
