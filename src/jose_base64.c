/*-------------------------------------------------------------------------
 *
 * jose_base64.c
 *	  base64url (RFC 4648 section 5) without padding.
 *
 * One text for each sequence of bytes and the other way round: a padding
 * character, white space, the standard alphabet's + and /, and a last
 * character with bits that say nothing are all refused.
 *
 * IDENTIFICATION
 *	  src/jose_base64.c
 *
 *-------------------------------------------------------------------------
 */
#include "jose.h"

#define BAD 0x80

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The six bits of a character, or BAD. */
static const uint8_t six_bits[256] = {
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 62, 0x80, 0x80,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 0x80, 0x80, 0x80, 0x80, 63,
	0x80, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
	0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
};

/* The number of bytes that a text of this length stands for, if it is good. */
size_t
jose_base64url_decoded_size(size_t encoded)
{
	return encoded / 4 * 3 + encoded % 4 * 3 / 4;
}

/* The length of the text for so many bytes. */
size_t
jose_base64url_encoded_size(size_t len)
{
	return len / 3 * 4 + (len % 3 * 4 + 2) / 3;
}

/*
 * Decodes a text to "out", which has room for jose_base64url_decoded_size()
 * bytes.  Returns their number, or -1 when the text is not canonical.
 */
int64_t
jose_base64url_decode(const char *text, size_t len, uint8_t *out)
{
	const uint8_t *at = (const uint8_t *) text;
	const uint8_t *last = at + len / 4 * 4;
	uint8_t    *start = out;
	uint8_t		bad = 0;
	uint32_t	a;
	uint32_t	b;
	uint32_t	c;
	uint32_t	d;

	for (; at < last; at += 4, out += 3)
	{
		a = six_bits[at[0]];
		b = six_bits[at[1]];
		c = six_bits[at[2]];
		d = six_bits[at[3]];
		bad |= (uint8_t) (a | b | c | d);
		out[0] = (uint8_t) (a << 2 | b >> 4);
		out[1] = (uint8_t) (b << 4 | c >> 2);
		out[2] = (uint8_t) (c << 6 | d);
	}
	if (len % 4 == 1 || (bad & BAD))
		return -1;
	if (len % 4 >= 2)
	{
		a = six_bits[at[0]];
		b = six_bits[at[1]];
		c = len % 4 == 3 ? six_bits[at[2]] : 0;
		if (((a | b | c) & BAD) || (len % 4 == 2 ? b & 15 : c & 3))
			return -1;
		*out++ = (uint8_t) (a << 2 | b >> 4);
		if (len % 4 == 3)
			*out++ = (uint8_t) (b << 4 | c >> 2);
	}
	return out - start;
}

/* Encodes bytes to "out"; returns the length of the text, which is not ended by a zero. */
size_t
jose_base64url_encode(const uint8_t *data, size_t len, char *out)
{
	char	   *start = out;

	for (; len >= 3; data += 3, len -= 3)
	{
		*out++ = alphabet[data[0] >> 2];
		*out++ = alphabet[(data[0] & 3) << 4 | data[1] >> 4];
		*out++ = alphabet[(data[1] & 15) << 2 | data[2] >> 6];
		*out++ = alphabet[data[2] & 63];
	}
	if (len > 0)
	{
		*out++ = alphabet[data[0] >> 2];
		*out++ = alphabet[(data[0] & 3) << 4 | (len > 1 ? data[1] >> 4 : 0)];
		if (len > 1)
			*out++ = alphabet[(data[1] & 15) << 2];
	}
	return (size_t) (out - start);
}
