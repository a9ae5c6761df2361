"""A simulator of Zoho Desk and CRM on loopback, for the demo and the tests.

Owns a deterministic portal in memory and two doors to it: real HTTP and `responses`
callbacks. Promises to be as strict as the fact sheets say. Knows nothing of the rest of
zdsync.
"""

from .box import Sandbox
from .variant import Variant

__all__ = ["Sandbox", "Variant"]
