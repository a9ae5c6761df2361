"""Somebody else at work: changes that reach the portal behind the API's back."""
