"""One POST to a chat's webhook, of an address that the settings name.

Promises https only (plain http to this machine), no redirect, no cookie, no .netrc entry, no
retry, and that no message or log line holds the address: whoever knows it may post. Must not know
what a notice says.
"""

from __future__ import annotations

import orjson
import requests

from zdsync.errors import OutcomeUnknown, Refused, ZohoFailed
from zdsync.transport.hosts import host_of, is_loopback
from zdsync.transport.wire import TIMEOUT, never_sent, new_session, no_auth


def post_text(url: str, text: str) -> None:
    """Post {"text": …}, as Slack, Teams, Mattermost and Google Chat take it.

    Raises Refused where nothing was posted, OutcomeUnknown where it may have been.
    """
    host = host_of(url).rpartition("@")[2]
    if not url.startswith("https://") and not is_loopback(url):
        raise Refused(f"{host}: plain http would show the notice", 0)
    try:
        with new_session(url) as session:
            response = session.post(
                url,
                data=orjson.dumps({"text": text}),
                headers={"Content-Type": "application/json"},
                auth=no_auth,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        raise _broken(host, error) from None
    if response.status_code >= 500:
        what = f"{host}: HTTP {response.status_code}; the notice may have been posted"
        raise OutcomeUnknown(what, "It is not sent again.")
    if not 200 <= response.status_code < 300:
        raise Refused(f"{host}: HTTP {response.status_code}", response.status_code)


def _broken(host: str, error: requests.RequestException) -> ZohoFailed:
    # Not the error's own text: it may hold the address.
    sure = never_sent(error) or isinstance(error, requests.exceptions.SSLError)
    if sure or isinstance(error, requests.exceptions.InvalidURL):
        return Refused(f"cannot reach {host}", 0)
    return OutcomeUnknown(f"{host} gave no answer; the notice may have been posted")
