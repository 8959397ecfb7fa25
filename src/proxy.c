/*-------------------------------------------------------------------------
 *
 * proxy.c
 *	  Which address a request comes from, as told by proxies.
 *
 * An address has one meaning here: no leading zeros (octal to some), no
 * short forms of IPv4, no zone of IPv6, no names.
 *
 * IDENTIFICATION
 *	  src/proxy.c
 *
 *-------------------------------------------------------------------------
 */
#include "proxy.h"

#include <string.h>

#define IPV4_BYTES	4
#define IPV6_BYTES	16

/* Where IPv4 addresses lie within those of IPv6: ::ffff:0:0/96. */
#define MAPPED_BITS 96
static const uint8_t mapped_prefix[MAPPED_BITS / 8] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* The place of a character, or len when it is not there. */
static size_t
find(const char *text, size_t len, char wanted)
{
	const char *place = len == 0 ? NULL : memchr(text, wanted, len);

	return place == NULL ? len : (size_t) (place - text);
}

/* A whole text of digits, without leading zeros, up to a limit of at most five digits.  False for any other. */
static bool
parse_decimal(const char *text, size_t len, int limit, int *value)
{
	int			number = 0;

	if (len < 1 || len > 5 || (len > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < len; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (text[i] - '0');
	}
	*value = number;
	return number <= limit;
}

/* Four numbers with dots between them. */
static bool
parse_ipv4(const char *text, size_t len, uint8_t *bytes)
{
	for (int i = 0; i < IPV4_BYTES; i++)
	{
		size_t		part = i < IPV4_BYTES - 1 ? find(text, len, '.') : len;
		int			value;

		if (!parse_decimal(text, part, 255, &value))
			return false;
		bytes[i] = (uint8_t) value;
		if (i == IPV4_BYTES - 1)
			return true;
		if (part == len)
			return false;
		text += part + 1;
		len -= part + 1;
	}
	return false;
}

/* One to four hexadecimal digits. */
static bool
parse_group(const char *text, size_t len, uint8_t *bytes)
{
	unsigned	value = 0;

	if (len < 1 || len > 4)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		char		c = text[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (unsigned) (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + (unsigned) (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			value = value * 16 + (unsigned) (c - 'A' + 10);
		else
			return false;
	}
	bytes[0] = (uint8_t) (value >> 8);
	bytes[1] = (uint8_t) (value & 0xff);
	return true;
}

/*
 * Groups with colons between them; the last two may be written as an IPv4
 * address when "ipv4_may_end" says so.  Returns how many bytes they are, -1
 * when they are something else or more than there is room for.  No text is
 * no group.
 */
static int
parse_groups(const char *text, size_t len, uint8_t *bytes, int room, bool ipv4_may_end)
{
	int			done = 0;

	if (len == 0)
		return 0;
	for (;;)
	{
		size_t		part = find(text, len, ':');

		if (part == len && ipv4_may_end && find(text, len, '.') < len)
		{
			if (room - done < IPV4_BYTES || !parse_ipv4(text, len, bytes + done))
				return -1;
			return done + IPV4_BYTES;
		}
		if (room - done < 2 || !parse_group(text, part, bytes + done))
			return -1;
		done += 2;
		if (part == len)
			return done;
		text += part + 1;
		len -= part + 1;
	}
}

/* Eight groups, or fewer with "::" once for one or more groups of zeros (RFC 4291). */
static bool
parse_ipv6(const char *text, size_t len, uint8_t *bytes)
{
	uint8_t		tail[IPV6_BYTES];
	int			head_len;
	int			tail_len;
	size_t		gap = 0;

	memset(bytes, 0, IPV6_BYTES);
	while (gap + 1 < len && !(text[gap] == ':' && text[gap + 1] == ':'))
		gap++;
	if (gap + 1 >= len)
		return parse_groups(text, len, bytes, IPV6_BYTES, true) == IPV6_BYTES;

	head_len = parse_groups(text, gap, bytes, IPV6_BYTES - 2, false);
	if (head_len < 0)
		return false;
	tail_len = parse_groups(text + gap + 2, len - gap - 2, tail, IPV6_BYTES - 2 - head_len, true);
	if (tail_len < 0)
		return false;
	memcpy(bytes + IPV6_BYTES - tail_len, tail, (size_t) tail_len);
	return true;
}

/* Whether the first bits of two addresses are equal. */
static bool
same_bits(const uint8_t *a, const uint8_t *b, int bits)
{
	int			rest = bits % 8;

	if (memcmp(a, b, (size_t) (bits / 8)) != 0)
		return false;
	return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

/* Make an address of IPv4 of one that is written as IPv6. */
static void
unmap(ProxyAddress *address)
{
	memmove(address->bytes, address->bytes + sizeof(mapped_prefix), IPV4_BYTES);
	memset(address->bytes + IPV4_BYTES, 0, IPV6_BYTES - IPV4_BYTES);
	address->len = IPV4_BYTES;
}

static bool
is_mapped(const ProxyAddress *address)
{
	return address->len == IPV6_BYTES && same_bits(address->bytes, mapped_prefix, MAPPED_BITS);
}

/* Either kind of address, as it is written. */
static bool
parse_as_written(const char *text, size_t len, ProxyAddress *address)
{
	memset(address, 0, sizeof(*address));
	address->len = find(text, len, ':') < len ? IPV6_BYTES : IPV4_BYTES;
	return address->len == IPV6_BYTES ?
		parse_ipv6(text, len, address->bytes) : parse_ipv4(text, len, address->bytes);
}

/* An address and nothing else.  When false, *address is not to be used. */
bool
proxy_parse_address(const char *text, size_t len, ProxyAddress *address)
{
	if (!parse_as_written(text, len, address))
		return false;
	if (is_mapped(address))
		unmap(address);
	return true;
}

/*
 * One entry of X-Forwarded-For: an address, perhaps with spaces around it, in
 * brackets (IPv6), and with a port.
 */
bool
proxy_parse_entry(const char *text, size_t len, ProxyAddress *address)
{
	size_t		end;
	int			port;

	while (len > 0 && (text[0] == ' ' || text[0] == '\t'))
		text++, len--;
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;

	if (len > 0 && text[0] == '[')
	{
		end = find(text, len, ']');
		if (end == len || find(text, end, ':') == end)
			return false;
		if (end + 1 < len && (text[end + 1] != ':' || !parse_decimal(text + end + 2, len - end - 2, 65535, &port)))
			return false;
		return proxy_parse_address(text + 1, end - 1, address);
	}

	/* One colon is that of a port, several are those of IPv6. */
	end = find(text, len, ':');
	if (end < len && find(text + end + 1, len - end - 1, ':') == len - end - 1)
	{
		if (!parse_decimal(text + end + 1, len - end - 1, 65535, &port))
			return false;
		len = end;
	}
	return proxy_parse_address(text, len, address);
}

/* An address, or one with "/" and the number of bits that count; none of the others may be set. */
static bool
parse_network(const char *text, size_t len, ProxyNetwork *network)
{
	size_t		slash = find(text, len, '/');
	ProxyAddress *address = &network->address;

	if (!parse_as_written(text, slash, address))
		return false;
	network->bits = address->len * 8;
	if (slash < len && !parse_decimal(text + slash + 1, len - slash - 1, address->len * 8, &network->bits))
		return false;

	/* Everybody's address is nobody's proxy. */
	if (network->bits == 0)
		return false;
	for (int bit = network->bits; bit < address->len * 8; bit++)
		if (address->bytes[bit / 8] & (0x80 >> (bit % 8)))
			return false;

	if (is_mapped(address) && network->bits > MAPPED_BITS)
	{
		unmap(address);
		network->bits -= MAPPED_BITS;
	}
	return true;
}

static bool
is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * A list of addresses and networks, with commas or white space between them.
 * Returns how many they are, -1 when something else is among them or they
 * are more than PROXY_MAX_NETWORKS, for which there must be room.
 */
int
proxy_parse_networks(const char *text, size_t len, ProxyNetwork *networks)
{
	int			count = 0;
	size_t		i = 0;

	for (;;)
	{
		size_t		start;

		while (i < len && is_separator(text[i]))
			i++;
		if (i == len)
			return count;
		start = i;
		while (i < len && !is_separator(text[i]))
			i++;
		if (count == PROXY_MAX_NETWORKS || !parse_network(text + start, i - start, &networks[count]))
			return -1;
		count++;
	}
}

/* Whether an address lies in one of the networks. */
bool
proxy_is_within(const ProxyAddress *address, const ProxyNetwork *networks, int count)
{
	for (int i = 0; i < count; i++)
		if (address->len == networks[i].address.len &&
			same_bits(address->bytes, networks[i].address.bytes, networks[i].bits))
			return true;
	return false;
}

/*
 * The address that a request comes from: of X-Forwarded-For the last entry
 * that is none of our proxies, or its first one when all of them are.  False
 * when that is not known: there is no entry, there are no proxies to believe,
 * or something that is no address comes first.
 */
bool
proxy_client(const char *forwarded, size_t len, const ProxyNetwork *proxies, int count, ProxyAddress *client)
{
	size_t		end = len;

	if (count == 0)
		return false;
	for (;;)
	{
		size_t		start = end;

		while (start > 0 && forwarded[start - 1] != ',')
			start--;
		if (!proxy_parse_entry(forwarded + start, end - start, client))
			return false;
		if (start == 0 || !proxy_is_within(client, proxies, count))
			return true;
		end = start - 1;
	}
}
