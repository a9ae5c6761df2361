"""HTTP to Zoho: hosts, token, budget, retries. The only importer of requests and tenacity."""

from zdsync.transport.account import Account, Standing
from zdsync.transport.auth import TokenProvider
from zdsync.transport.budget import Budget, range_credits
from zdsync.transport.connect import Connection, connect, edition_name, new_refresh_token
from zdsync.transport.hooks import post_text
from zdsync.transport.hosts import DATA_CENTRES
from zdsync.transport.mail import MailServer
from zdsync.transport.session import Answer, Api
from zdsync.transport.window import Rolling, day_of

__all__ = [
    "DATA_CENTRES",
    "Account",
    "Answer",
    "Api",
    "Budget",
    "Connection",
    "MailServer",
    "Rolling",
    "Standing",
    "TokenProvider",
    "connect",
    "day_of",
    "edition_name",
    "new_refresh_token",
    "post_text",
    "range_credits",
]
