"""Zoho CRM, v8, for reading (CRM 3 to 7 and 11)."""
