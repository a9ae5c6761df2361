"""Read → upsert → checkpoint, stream by stream. Never writes to Zoho, never decides anything."""

from zdsync.pull.progress import Progress, Quiet
from zdsync.pull.puller import Puller, StreamOutcome

__all__ = ["Progress", "Puller", "Quiet", "StreamOutcome"]
