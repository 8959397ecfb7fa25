/*-------------------------------------------------------------------------
 *
 * proxy_fuzz.c
 *	  Fuzz target of the reading of addresses: src/proxy.c without a server.
 *
 * The input up to its first NUL is the list of proxies, the rest is the
 * header.  Apart from what the sanitizers see, these promises are held
 * against each result:
 *	  - an address that is read is one for the C library too, and the same;
 *	  - written plainly, it is read back as the same address;
 *	  - nobody can change the result by adding entries on the left.
 *
 * IDENTIFICATION
 *	  test/fuzz/proxy_fuzz.c
 *
 *-------------------------------------------------------------------------
 */
#include "proxy.h"
#include "fuzz.h"

#include <arpa/inet.h>
#include <string.h>

static bool
same(const ProxyAddress *a, const ProxyAddress *b)
{
	return a->len == b->len && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Against the C library, which reads the same texts and also IPv4 in IPv6 as IPv6. */
static void
fuzz_address(const char *text, size_t len)
{
	ProxyAddress address;
	ProxyAddress again;
	uint8_t		bytes[16];
	char		plain[INET6_ADDRSTRLEN];
	char		copy[64];
	bool		read = proxy_parse_address(text, len, &address);
	bool		is_ipv6;

	if (len >= sizeof(copy) || memchr(text, 0, len) != NULL)
	{
		CHECK(!read);
		return;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	is_ipv6 = strchr(copy, ':') != NULL;
	CHECK((inet_pton(is_ipv6 ? AF_INET6 : AF_INET, copy, bytes) == 1) == read);
	if (!read)
		return;
	CHECK(address.len == 4 || address.len == 16);
	CHECK(memcmp(address.bytes, bytes + (is_ipv6 && address.len == 4 ? 12 : 0), (size_t) address.len) == 0);
	CHECK(inet_ntop(address.len == 4 ? AF_INET : AF_INET6, address.bytes, plain, sizeof(plain)) != NULL);
	CHECK(proxy_parse_address(plain, strlen(plain), &again) && same(&address, &again));
}

/* The walk along the header. */
static void
fuzz_client(const ProxyNetwork *networks, int count, const char *text, size_t len)
{
	static const char forged[] = "6.6.6.6,";
	ProxyAddress address;
	ProxyAddress again;
	char	   *longer;

	if (!proxy_client(text, len, networks, count, &address))
		return;
	CHECK(count > 0);
	if (proxy_is_within(&address, networks, count))
		return;
	longer = malloc(len + sizeof(forged));
	CHECK(longer != NULL);
	memcpy(longer, forged, sizeof(forged) - 1);
	memcpy(longer + sizeof(forged) - 1, text, len);
	CHECK(proxy_client(longer, len + sizeof(forged) - 1, networks, count, &again) && same(&address, &again));
	free(longer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *) data;
	const char *nul = size == 0 ? NULL : memchr(text, 0, size);
	size_t		len = nul == NULL ? size : (size_t) (nul - text);
	ProxyNetwork networks[PROXY_MAX_NETWORKS];
	int			count = proxy_parse_networks(text, len, networks);

	CHECK(count >= -1 && count <= PROXY_MAX_NETWORKS);
	for (int i = 0; i < count; i++)
	{
		CHECK(networks[i].bits >= 1 && networks[i].bits <= networks[i].address.len * 8);
		CHECK(proxy_is_within(&networks[i].address, networks, count));
	}
	fuzz_address(text, len);
	if (nul != NULL && count >= 0)
		fuzz_client(networks, count, nul + 1, size - len - 1);
	return 0;
}
