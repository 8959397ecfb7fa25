-- Definitions 95: who may use the views of schema api: whoever may use the tables behind them (granted in 90).
SELECT statbus.grant_api_views();

-- PostgREST reads the schema again at the end of the transaction.
NOTIFY pgrst, 'reload schema';
