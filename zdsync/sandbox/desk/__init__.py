"""Zoho Desk: one file per resource, each with its handlers and its ROUTES."""
