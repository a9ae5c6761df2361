"""zdsync: a DuckDB mirror of Zoho Desk and CRM, YAML rules, safe writes, reports."""
