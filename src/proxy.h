/*-------------------------------------------------------------------------
 *
 * proxy.h
 *	  Which address a request comes from, as told by proxies.
 *
 * Each proxy adds the address that it was called from to the right end of
 * X-Forwarded-For.  What is right of the first address that is no proxy of
 * ours was written by our proxies; what is left of it, by anybody.
 *
 * This module knows nothing of PostgreSQL and allocates nothing.
 *
 * IDENTIFICATION
 *	  src/proxy.h
 *
 *-------------------------------------------------------------------------
 */
#ifndef STATBUS_PROXY_H
#define STATBUS_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most networks of a list. */
#define PROXY_MAX_NETWORKS 64

/* An address of IPv4 (also when it was written as ::ffff:a.b.c.d) or IPv6; bytes that are not used are 0. */
typedef struct ProxyAddress
{
	int			len;			/* 4 or 16 */
	uint8_t		bytes[16];
} ProxyAddress;

/* All addresses that begin with the same bits. */
typedef struct ProxyNetwork
{
	ProxyAddress address;
	int			bits;
} ProxyNetwork;

extern bool proxy_parse_address(const char *text, size_t len, ProxyAddress *address);
extern bool proxy_parse_entry(const char *text, size_t len, ProxyAddress *address);
extern int	proxy_parse_networks(const char *text, size_t len, ProxyNetwork *networks);
extern bool proxy_is_within(const ProxyAddress *address, const ProxyNetwork *networks, int count);
extern bool proxy_client(const char *forwarded, size_t len, const ProxyNetwork *proxies, int count, ProxyAddress *client);

#endif							/* STATBUS_PROXY_H */
