"""What is said in a ticket by its portal: comments, replies by e-mail, and finding them again.

Owns those calls (desk-tickets.md section 3 Comments, desk-people.md section 9). Must not know
what a text means, or repeat one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from zdsync.connectors.decode import decode
from zdsync.connectors.forms import record_of
from zdsync.connectors.lists import Sizes, read_list
from zdsync.connectors.senders import Senders
from zdsync.errors import OutcomeUnknown
from zdsync.model import Shape
from zdsync.streams import BY_NAME
from zdsync.transport.session import Api

_UNSENT = frozenset({"FAILED", "DRAFT"})  # desk-people.md section 9
_EARLIER = timedelta(minutes=5)  # by which Zoho's clock may lag behind ours


class Speech:
    """Says things in tickets of one portal. Thread-safe."""

    def __init__(self, api: Api, sizes: Sizes, departments: Callable[[], Sequence[str]]) -> None:
        self._api = api
        self._sizes = sizes
        self._senders = Senders(api, sizes, departments)

    def add_comment(self, ticket_id: str, content: str, *, public: bool) -> None:
        """Add a comment of HTML; the default of isPublic is undocumented, so it is sent."""
        body = {"content": content, "contentType": "html", "isPublic": public}
        self._api.send("POST", f"/tickets/{ticket_id}/comments", body=body, stream="desk.writes")

    def send_reply(self, ticket_id: str, content: str, *, sender: str, to: str) -> None:
        """Answer by e-mail, at once. OutcomeUnknown where Zoho took it and says that it failed.

        What else than at once means nobody knows (desk-people.md 9, sendImmediately): a reply that
        is kept back could not be looked for.
        """
        body = {
            "channel": "EMAIL",
            "content": content,
            "contentType": "html",
            "fromEmailAddress": sender,
            "to": to,
        }
        path = f"/tickets/{ticket_id}/sendReply"
        at_once = {"sendImmediately": "true"}
        answer = self._api.send("POST", path, params=at_once, body=body, stream="desk.writes")
        if str(record_of(answer).get("status") or "").upper() == "FAILED":
            what = "Zoho took the reply and says that sending it failed"
            raise OutcomeUnknown(what, "Look at the ticket; it is not sent again.")

    def reply_addresses(self, sender: str = "") -> frozenset[str] | None:
        """The portal's own addresses, in small letters; None where they cannot be known.

        A list of all may be one of the first department only: where `sender` is not in it, each
        department is asked. A portal that shows no list is left to refuse a wrong address itself.
        """
        return self._senders.known(sender)

    def forget_addresses(self) -> None:
        """Ask for the addresses anew: an administrator may have added one."""
        self._senders.forget()

    def finds_comment(self, ticket_id: str, ours: Callable[[str], bool]) -> bool:
        """Whether one of the ticket's comments is ours."""
        pages = read_list(
            self._api,
            self._sizes,
            f"/tickets/{ticket_id}/comments",
            stream="desk.comments",
            endpoint="/tickets/{id}/comments",
        )
        return any(ours(str(one.get("content") or "")) for page in pages for one in page)

    def finds_reply(
        self, ticket_id: str, ours: Callable[[str], bool], *, since: datetime
    ) -> bool | None:
        """Whether one of the messages sent since then is ours; each is read in full.

        None where ours is there and was not sent: Zoho may send it yet, or somebody in Desk.
        """
        pages = read_list(
            self._api,
            self._sizes,
            f"/tickets/{ticket_id}/threads",
            stream="desk.threads",
            endpoint="/tickets/{id}/threads",
        )
        hung = {"ticketId": ticket_id}
        found = [{**one, **hung} for page in pages for one in page]
        for row in decode(BY_NAME["desk.threads"], Shape.LIST, found):
            if row.get("direction") != "out" or _before(row.get("created_time"), since):
                continue
            path = f"/tickets/{ticket_id}/threads/{row['id']}"
            whole = record_of(self._api.get(path, stream="desk.threads"))
            if ours(str(whole.get("content") or whole.get("plainText") or "")):
                return None if str(row.get("status")).upper() in _UNSENT else True
        return False


def _before(created: str | None, since: datetime) -> bool:
    at = (since - _EARLIER).replace(tzinfo=None)
    return created is not None and datetime.fromisoformat(created) < at
