"""What `sql:` may use: functions, operators and types. Data only.

Each function is a pure one of its arguments: it reads no file, setting, clock or other row.
"""

from __future__ import annotations

_NAMES = """
lower upper lcase ucase trim ltrim rtrim length len strlen left right substring substr replace
contains starts_with ends_with prefix suffix position strpos instr concat concat_ws split_part
regexp_matches regexp_full_match regexp_extract regexp_replace strip_accents like_escape
not_like_escape ilike_escape not_ilike_escape
levenshtein damerau_levenshtein jaro_similarity jaro_winkler_similarity jaccard
abs round floor ceil ceiling trunc sign greatest least mod nullif ifnull
list_value list_contains list_has array_contains array_has list_has_any list_has_all
array_has_any array_has_all array_length
year quarter month week day hour minute second dayofweek dayofyear isodow date_part datepart
date_trunc datetrunc date_diff datediff date_sub datesub epoch strftime try_strptime last_day
to_seconds to_minutes to_hours to_days to_weeks to_months to_years
"""
FUNCTIONS = {name: name for name in _NAMES.split()}
# (name in DuckDB's tree, number of arguments) → how it is written
OPERATORS = {
    **{(sign, 2): sign for sign in ("+", "-", "*", "/", "//", "%", "||")},
    **{(sign, 2): sign for sign in ("~~", "!~~", "~~*", "!~~*", "~~~")},
    ("-", 1): "-",
    ("+", 1): "+",
}
# id of a type in DuckDB's tree → what is written
TYPES = {
    "VARCHAR": "VARCHAR", "BOOLEAN": "BOOLEAN", "INTEGER": "INTEGER", "BIGINT": "BIGINT",
    "DOUBLE": "DOUBLE", "FLOAT": "DOUBLE", "DECIMAL": "DOUBLE", "DATE": "DATE",
    "TIMESTAMP": "TIMESTAMP", "INTERVAL": "INTERVAL",
}  # fmt: skip
