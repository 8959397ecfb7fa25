-- Step 0025: a cell can say that a value goes away, which an empty one need not.

ALTER TABLE import.definition
    ADD COLUMN erase_words text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT definition_erase_words CHECK (
        array_position(erase_words, NULL) IS NULL AND '' <> ALL (erase_words) AND cardinality(erase_words) <= 20
        AND NOT lower(erase_words::text)::text[] && lower(import_as_null::text)::text[]);
COMMENT ON COLUMN import.definition.erase_words IS
    'Values, compared without regard to case, that take away what the register has in the period of the row; none of them is in import_as_null';

INSERT INTO import.data_column (step_id, priority, column_name, column_type, purpose, is_nullable)
SELECT s.id, 9, 'erased_columns', 'text[]', 'metadata', true
FROM import.step AS s WHERE s.code = 'metadata';

INSERT INTO import.finding_code (level, severity, code, message, hint) VALUES
    ('row', 'error', 'erase_not_allowed', '{column} cannot be taken away', 'Leave the cell empty');
