"""Read → upsert → checkpoint, stream by stream. Never writes to Zoho, never decides anything."""

from zdsync.pull.progress import Progress, Quiet
from zdsync.pull.puller import Puller, StreamOutcome, unknown_streams

__all__ = ["Progress", "Puller", "Quiet", "StreamOutcome", "unknown_streams"]
