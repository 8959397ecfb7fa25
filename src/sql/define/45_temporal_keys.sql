-- The btrees that temporal foreign keys walk over. Keys that users made with 0.1 or 0.2 were content with other indexes; those of
-- the register have got theirs from ensure_foreign_key.
SELECT temporal.ensure_foreign_key_indexes(c.relation, c.constraint_name)
FROM temporal.constraint AS c
WHERE c.constraint_type = 'foreign key' AND c.table_schema <> 'register';
