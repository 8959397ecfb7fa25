/*-------------------------------------------------------------------------
 *
 * proxy_test.c
 *	  Addresses, networks and the walk along X-Forwarded-For.
 *
 * IDENTIFICATION
 *	  test/unit/proxy_test.c
 *
 *-------------------------------------------------------------------------
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "proxy.h"
#include "tap.h"

/* Report one test of something. */
static void
about(bool passed, const char *what, const char *result)
{
	ok(passed, "%s: %s", what, result);
}

/* A copy of exactly the text's length, so that a read beyond its end is seen. */
static char *
exact(const char *text, size_t *len)
{
	char	   *copy;

	*len = strlen(text);
	copy = malloc(*len > 0 ? *len : 1);
	memcpy(copy, text, *len);
	return copy;
}

/* An address as the C library writes it. */
static const char *
written(const ProxyAddress *address)
{
	static char text[INET6_ADDRSTRLEN];

	return inet_ntop(address->len == 4 ? AF_INET : AF_INET6, address->bytes, text, sizeof(text));
}

/* What an entry of the header is read as; "-" for none. */
static void
entry(const char *text, const char *expected)
{
	ProxyAddress address;
	size_t		len;
	char	   *copy = exact(text, &len);
	const char *got = proxy_parse_entry(copy, len, &address) ? written(&address) : "-";

	free(copy);
	about(strcmp(got, expected) == 0, "entry", text);
}

/* How many networks a list has, -1: it is none. */
static void
list(const char *text, int expected)
{
	ProxyNetwork networks[PROXY_MAX_NETWORKS];
	size_t		len;
	char	   *copy = exact(text, &len);
	int			got = proxy_parse_networks(copy, len, networks);

	free(copy);
	about(got == expected, "list", text);
}

/* Whose request it is behind some proxies; "-" when it is not known. */
static void
client(const char *proxies, const char *forwarded, const char *expected)
{
	ProxyNetwork networks[PROXY_MAX_NETWORKS];
	ProxyAddress address;
	size_t		len;
	char	   *copy = exact(forwarded, &len);
	int			count = proxy_parse_networks(proxies, strlen(proxies), networks);
	const char *got = count >= 0 && proxy_client(copy, len, networks, count, &address) ? written(&address) : "-";

	free(copy);
	about(strcmp(got, expected) == 0, proxies, forwarded);
}

/* Whether an address lies in a network. */
static void
within(const char *network, const char *text, bool expected)
{
	ProxyNetwork networks[PROXY_MAX_NETWORKS];
	ProxyAddress address;
	int			count = proxy_parse_networks(network, strlen(network), networks);

	about(count == 1 && proxy_parse_address(text, strlen(text), &address) &&
		  proxy_is_within(&address, networks, count) == expected, network, text);
}

static void
test_entries(void)
{
	static const char *const none[] = {
		"", " ", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.256", "01.2.3.4", "1.2.3.00", "0x1.2.3.4", "1.2.3.4 5",
		"1.2.3.-4", "+1.2.3.4", "1.2.3.99999", "1.2.3.123456", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:-1", "1.2.3.4:x", ":80", "[1.2.3.4]", "[1.2.3.4]:80",
		":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "12345::", "g::", ":1::", "::1:",
		"1:2:3:4:5:6:7:1.2.3.4", "1.2.3.4::", "::1.2.3.4:1", "::1.2.3", "::1.2.3.256", "fe80::1%eth0", "[::1", "::1]", "[::1]x", "[::1]:", "[::1]:x", "[::1]:70000", "[]",
		"unknown", "_hidden", "localhost", "\"1.2.3.4\"", "for=1.2.3.4", "1.2.3.4/8", "::/0",
	};

	entry("1.2.3.4", "1.2.3.4");
	entry(" \t0.0.0.0 ", "0.0.0.0");
	entry("255.255.255.255:65535", "255.255.255.255");
	entry("1.2.3.4:0", "1.2.3.4");
	entry("::", "::");
	entry("::1", "::1");
	entry("1::", "1::");
	entry("2001:DB8::a:b", "2001:db8::a:b");
	entry("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8");
	entry("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
	entry("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
	entry("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304");
	entry("64:ff9b::1.2.3.4", "64:ff9b::102:304");
	entry("::ffff:1.2.3.4", "1.2.3.4");
	entry("::FFFF:102:304", "1.2.3.4");
	entry("::fffe:1.2.3.4", "::fffe:102:304");
	entry("[::1]", "::1");
	entry(" [2001:db8::1]:443", "2001:db8::1");
	entry("[::ffff:1.2.3.4]:443", "1.2.3.4");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		entry(none[i], "-");
}

static void
test_lists(void)
{
	char		many[PROXY_MAX_NETWORKS * 8 + 16] = "";

	list("", 0);
	list(" , ,\t\n", 0);
	list("10.0.0.1", 1);
	list("10.0.0.0/8,fd00::/8 ::1\n192.168.0.0/16,", 4);
	list("10.0.0.0/32", 1);
	list("::/1", 1);
	list("10.0.0.0/33", -1);
	list("::/129", -1);
	list("0.0.0.0/0", -1);
	list("::/0", -1);
	list("::ffff:0:0/96", 1);
	list("10.0.0.1/8", -1);
	list("10.0.0.0/", -1);
	list("10.0.0.0/08", -1);
	list("10.0.0.0/8/8", -1);
	list("/8", -1);
	list("10.0.0.1:80", -1);
	list("[::1]", -1);
	list("10.0.0.1;10.0.0.2", -1);
	list("10.0.0.1 localhost", -1);
	for (int i = 0; i < PROXY_MAX_NETWORKS; i++)
		strcat(many, "1.1.1.1,");
	list(many, PROXY_MAX_NETWORKS);
	strcat(many, "1.1.1.1");
	list(many, -1);
}

static void
test_networks(void)
{
	within("10.0.0.0/8", "10.255.255.255", true);
	within("10.0.0.0/8", "11.0.0.0", false);
	within("10.0.0.0/8", "9.255.255.255", false);
	within("10.0.0.0/9", "10.127.255.255", true);
	within("10.0.0.0/9", "10.128.0.0", false);
	within("128.0.0.0/1", "255.0.0.0", true);
	within("128.0.0.0/1", "127.255.255.255", false);
	within("10.0.0.4/31", "10.0.0.5", true);
	within("10.0.0.4/31", "10.0.0.6", false);
	within("10.0.0.4", "10.0.0.4", true);
	within("10.0.0.4", "10.0.0.5", false);
	within("10.0.0.0/8", "::ffff:10.1.1.1", true);
	within("::ffff:10.0.0.0/104", "10.1.1.1", true);
	within("::ffff:10.0.0.0/104", "11.1.1.1", false);
	within("::a00:0/104", "10.1.1.1", false);
	within("10.0.0.0/8", "a00::", false);
	within("fd00::/8", "fdff::1", true);
	within("fd00::/8", "fc00::1", false);
	within("2001:db8::/33", "2001:db8:7fff::", true);
	within("2001:db8::/33", "2001:db8:8000::", false);
	within("::1", "::1", true);
	within("::1", "::2", false);
}

static void
test_clients(void)
{
	client("", "1.2.3.4", "-");
	client("10.0.0.0/8", "", "-");
	client("10.0.0.0/8", "1.2.3.4", "1.2.3.4");
	client("10.0.0.0/8", "6.6.6.6, 1.2.3.4", "1.2.3.4");
	client("10.0.0.0/8", "6.6.6.6,1.2.3.4,10.0.0.1,10.0.0.2", "1.2.3.4");
	client("10.0.0.0/8", "6.6.6.6, 1.2.3.4:999, [::ffff:10.0.0.1]:1", "1.2.3.4");
	client("10.0.0.0/8 fd00::/8", "2001:db8::5, fd00::1, 10.0.0.2", "2001:db8::5");
	client("10.0.0.0/8", "10.0.0.9, 10.0.0.1", "10.0.0.9");
	client("10.0.0.0/8", "10.0.0.9", "10.0.0.9");
	client("10.0.0.0/8", "garbage, 1.2.3.4", "1.2.3.4");
	client("10.0.0.0/8", "1.2.3.4, garbage", "-");
	client("10.0.0.0/8", "1.2.3.4, unknown, 10.0.0.1", "-");
	client("10.0.0.0/8", "1.2.3.4,", "-");
	client("10.0.0.0/8", ",10.0.0.1", "-");
	client("10.0.0.0/8", ",", "-");
}

int
main(void)
{
	test_entries();
	test_lists();
	test_networks();
	test_clients();
	return tap_end();
}
