/*-------------------------------------------------------------------------
 *
 * proxy_sql.c
 *	  Addresses of requests: the setting statbus.trusted_proxies, and SQL.
 *
 * IDENTIFICATION
 *	  src/proxy_sql.c
 *
 *-------------------------------------------------------------------------
 */
#include "statbus.h"

#include <sys/socket.h>

#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inet.h"

#include "proxy.h"
#include "proxy_sql.h"

PG_FUNCTION_INFO_V1(statbus_forwarded_for);

/* GUC check hook of statbus.trusted_proxies: accepts nothing but addresses and networks. */
bool
statbus_check_trusted_proxies(char **newval, void **extra, GucSource source)
{
	ProxyNetwork networks[PROXY_MAX_NETWORKS];

	(void) extra;
	(void) source;

	if (*newval == NULL || proxy_parse_networks(*newval, strlen(*newval), networks) >= 0)
		return true;

	GUC_check_errcode(ERRCODE_INVALID_PARAMETER_VALUE);
	GUC_check_errdetail("The value is not a list of at most %d addresses and networks.", PROXY_MAX_NETWORKS);
	GUC_check_errhint("Write 10.0.0.5, fd00::/8, for example: no names, no leading zeros, nothing set right of a network's mask, and not the network of all addresses.");
	return false;
}

/* An address as the server's type. */
static Datum
inet_datum(const ProxyAddress *address)
{
	inet	   *result = palloc0(sizeof(inet));

	ip_family(result) = address->len == 4 ? PGSQL_AF_INET : PGSQL_AF_INET6;
	ip_bits(result) = (unsigned char) (address->len * 8);
	memcpy(ip_addr(result), address->bytes, (size_t) address->len);
	SET_INET_VARSIZE(result);
	return InetPGetDatum(result);
}

/*
 * auth.forwarded_for(forwarded text, proxies text) → inet: what proxy_client()
 * says of a header X-Forwarded-For; NULL when the address is not known.
 */
Datum
statbus_forwarded_for(PG_FUNCTION_ARGS)
{
	text	   *forwarded = PG_GETARG_TEXT_PP(0);
	text	   *proxies = PG_GETARG_TEXT_PP(1);
	ProxyNetwork networks[PROXY_MAX_NETWORKS];
	ProxyAddress client;
	int			count = proxy_parse_networks(VARDATA_ANY(proxies), VARSIZE_ANY_EXHDR(proxies), networks);

	if (count < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the proxies are not a list of addresses and networks")));
	if (!proxy_client(VARDATA_ANY(forwarded), VARSIZE_ANY_EXHDR(forwarded), networks, count, &client))
		PG_RETURN_NULL();
	return inet_datum(&client);
}
