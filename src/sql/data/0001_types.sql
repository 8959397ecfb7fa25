-- Step 0001: every enumeration that table columns use. Values stand in the order in which they sort.

-- The kinds of statistical unit; the order is the order of lists and reports.
CREATE TYPE register.statistical_unit_type AS ENUM ('establishment', 'legal_unit', 'enterprise', 'power_group');

CREATE TYPE register.activity_type AS ENUM ('primary', 'secondary', 'ancilliary');
CREATE TYPE register.location_type AS ENUM ('physical', 'postal');
CREATE TYPE register.person_sex AS ENUM ('Male', 'Female');

-- Statistical variables: the type of their values and how often they are observed.
CREATE TYPE register.stat_type AS ENUM ('int', 'float', 'string', 'bool');
CREATE TYPE register.stat_frequency AS ENUM ('daily', 'weekly', 'biweekly', 'monthly', 'bimonthly', 'quarterly', 'semesterly', 'yearly');

CREATE TYPE register.external_ident_shape AS ENUM ('regular', 'hierarchical');

-- How the code of an activity category is written, given the digits of its path.
CREATE TYPE register.activity_category_code_behaviour AS ENUM ('digits', 'dot_after_two_digits');

-- Time contexts: periods relative to today, tags with dates, and years.
CREATE TYPE register.relative_period_scope AS ENUM ('input_and_query', 'query', 'input');
CREATE TYPE register.relative_period_code AS ENUM (
    'today',
    'year_curr', 'year_prev', 'year_curr_only', 'year_prev_only',
    'start_of_week_curr', 'stop_of_week_prev', 'start_of_week_prev',
    'start_of_month_curr', 'stop_of_month_prev', 'start_of_month_prev',
    'start_of_quarter_curr', 'stop_of_quarter_prev', 'start_of_quarter_prev',
    'start_of_semester_curr', 'stop_of_semester_prev', 'start_of_semester_prev',
    'start_of_year_curr', 'stop_of_year_prev', 'start_of_year_prev',
    'start_of_quinquennial_curr', 'stop_of_quinquennial_prev', 'start_of_quinquennial_prev',
    'start_of_decade_curr', 'stop_of_decade_prev', 'start_of_decade_prev'
);
CREATE TYPE register.time_context_type AS ENUM ('relative_period', 'tag', 'year');

CREATE TYPE register.history_resolution AS ENUM ('year', 'year-month');
CREATE TYPE register.hierarchy_scope AS ENUM ('all', 'tree', 'details');
CREATE TYPE register.power_group_root_status AS ENUM ('single', 'cycle', 'multi');

-- Users: from the most to the least powerful.
CREATE TYPE auth.statbus_role AS ENUM ('admin_user', 'regular_user', 'restricted_user', 'external_user');

CREATE TYPE import.mode AS ENUM (
    'legal_unit', 'establishment_formal', 'establishment_informal', 'generic_unit', 'legal_relationship'
);
CREATE TYPE import.strategy AS ENUM (
    'insert_or_replace', 'insert_only', 'replace_only', 'insert_or_update', 'update_only'
);
CREATE TYPE import.valid_time_from AS ENUM ('job_provided', 'source_columns');
CREATE TYPE import.job_state AS ENUM (
    'waiting_for_upload', 'upload_completed', 'preparing_data', 'analysing_data', 'waiting_for_review',
    'approved', 'rejected', 'processing_data', 'failed', 'finished'
);
CREATE TYPE import.data_state AS ENUM ('pending', 'analysing', 'analysed', 'processing', 'processed', 'error');
CREATE TYPE import.row_operation AS ENUM ('insert', 'replace', 'update');
CREATE TYPE import.row_action AS ENUM ('use', 'skip');
CREATE TYPE import.column_purpose AS ENUM ('source_input', 'internal', 'pk_id', 'metadata');
CREATE TYPE import.source_expression AS ENUM ('now', 'default');

CREATE TYPE worker.task_state AS ENUM ('pending', 'processing', 'interrupted', 'waiting', 'completed', 'failed');
CREATE TYPE worker.child_mode AS ENUM ('concurrent', 'serial');
