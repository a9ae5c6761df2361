"""Settings from the environment, `.env` or `zdsync.toml`; the environment wins.

Read by cli and app only; every stage below gets plain values. Secrets stay in `SecretStr`, so
that no repr, log line or error can show them. All problems are reported at once.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from zdsync.errors import Misconfigured, Problem
from zdsync.model import Voice
from zdsync.outlets import Targets, mail_server, sender
from zdsync.personal import Retention, misnamed, retention

PREFIX = "ZDSYNC_"
DataCentre = Literal["com", "eu", "in", "au", "jp", "cn", "ca", "sa", "uk", "sg", "ae"]
Edition = Literal["free", "express", "standard", "professional", "enterprise"]
SECRETS = ("org_id", "client_id", "client_secret", "refresh_token")
_FILED = (*SECRETS, "smtp_url")  # each may lie in a file
_HIDDEN = frozenset({*_FILED, "notify"})  # never shown: the address of a webhook is a key to it
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(text: Any) -> timedelta:
    """Read `90s`, `5m`, `2h`, `7d` or a number of seconds."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", str(text))
    if not match:
        raise ValueError("not a duration; write for example 5m, 2h or 7d")
    return timedelta(seconds=float(match[1]) * _UNITS[match[2] or "s"])


def _words(text: Any) -> Any:
    return (
        [part.strip() for part in text.split(",") if part.strip()]
        if isinstance(text, str)
        else text
    )


def _pairs(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    pairs = {}
    for part in _words(text):
        owner, equals, agent = part.partition("=")
        if not (equals and owner.strip() and agent.strip()):
            raise ValueError("write owner@example.com=agent@example.com, several with commas")
        pairs[owner.strip().lower()] = agent.strip().lower()
    return pairs


def _pause(value: Any) -> timedelta:
    pause = value if isinstance(value, timedelta) else duration(value)
    if pause < timedelta(seconds=1):
        raise ValueError("at least 1s")
    return pause


def _memory(value: Any) -> str:
    if not re.fullmatch(r"\d+(\.\d+)?\s*(MB|GB|MiB|GiB)", str(value)):
        raise ValueError("write for example 512MB or 2GB")
    return str(value)


def _choice(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def _switch(value: Any) -> Any:
    """Read `on` and `off`, and what else means yes or no."""
    word = str(value).strip().lower()
    if word in {"on", "yes", "true", "1"}:
        return True
    if word in {"off", "no", "false", "0"}:
        return False
    raise ValueError("write on or off")


def _retention(value: Any) -> Any:
    return retention(value) if isinstance(value, str) else value


def _host(value: Any) -> Any:
    if value is None or value == "":
        return None
    url = urlsplit(str(value))
    loopback = url.hostname in {"127.0.0.1", "localhost", "::1"}
    if url.scheme != "https" and not (url.scheme == "http" and loopback):
        raise ValueError("must be https (plain http only to this machine)")
    if url.username or url.password or url.query or url.fragment or not url.hostname:
        raise ValueError("must be a plain address, such as https://desk.zoho.eu/api/v1")
    return str(value).rstrip("/")


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
Pause = Annotated[timedelta, NoDecode, BeforeValidator(_pause)]
Host = Annotated[str | None, BeforeValidator(_host)]


class Files(BaseSettings):
    """Files that hold credentials; read by itself where another setting is wrong."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", toml_file="zdsync.toml", extra="ignore", frozen=True
    )

    org_id_file: Path | None = None
    client_id_file: Path | None = None
    client_secret_file: Path | None = None
    refresh_token_file: Path | None = None
    smtp_url_file: Path | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then `.env`, then `zdsync.toml`."""
        toml = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, dotenv_settings, toml


class Settings(Files):
    """Every setting; names in the environment are `ZDSYNC_` and the name in capitals."""

    dc: Annotated[DataCentre, BeforeValidator(_choice)] = "com"
    org_id: SecretStr | None = None
    client_id: SecretStr | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    accounts_url: Host = None
    desk_url: Host = None
    crm_url: Host = None
    data_dir: Path = Path("data")
    rules: Path = Path("rules.yaml")
    edition: Annotated[Edition | None, BeforeValidator(_choice)] = None
    credit_reserve: float = Field(0.2, ge=0, lt=1)
    every: Pause = timedelta(minutes=5)
    publish_every: Pause = timedelta(minutes=5)
    memory: Annotated[str, BeforeValidator(_memory)] = "512MB"
    sla_tier_field: str = Field("SLA_Tier", pattern=r"^[A-Za-z0-9_]+$")
    outcome_field: str = Field("cf_outcome", pattern=r"^cf_[A-Za-z0-9_]+$")
    crm: Annotated[bool, BeforeValidator(_switch)] = True
    crm_contacts: str = Field("Contacts", pattern=r"^[A-Za-z0-9_]+$")
    crm_accounts: str = Field("Accounts", pattern=r"^[A-Za-z0-9_]+$")
    owner_map: Annotated[dict[str, str], NoDecode, BeforeValidator(_pairs)] = {}
    exclude: Words = ()
    publish_exclude: Words = ()
    child_credits: float = Field(150, ge=0)
    retention: Annotated[Retention | None, NoDecode, BeforeValidator(_retention)] = None
    replies: Annotated[bool, BeforeValidator(_switch)] = False
    notify: Targets = {}
    notify_texts: Annotated[bool, BeforeValidator(_switch)] = False
    smtp_url: Annotated[SecretStr | None, AfterValidator(mail_server)] = None
    smtp_from: Annotated[str | None, AfterValidator(sender)] = None

    @property
    def voice(self) -> Voice:
        """What rules may say, and to whom."""
        mailed = frozenset(
            name
            for name, target in self.notify.items()
            if target.get_secret_value().startswith("mailto:")
        )
        mail = self.smtp_url is not None and self.smtp_from is not None
        return Voice(frozenset(self.notify), self.replies, self.notify_texts, mail, mailed)

    @property
    def private_dir(self) -> Path:
        """Work file, journal, token: nobody else's business (0700)."""
        return self.data_dir / "private"

    def secret(self, name: str) -> str:
        """The plain text of one credential; empty where it is not set."""
        held: SecretStr | None = getattr(self, name)
        return held.get_secret_value().strip() if held else ""

    def missing_credentials(self) -> list[Problem]:
        """One problem a credential that no source gave."""
        return [
            Problem(
                PREFIX + name.upper(),
                "is not set",
                f"set it in the environment or .env, or name a file: {PREFIX}{name.upper()}_FILE",
            )
            for name in SECRETS
            if not self.secret(name)
        ]


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read all settings; raise Misconfigured with every problem at once."""
    problems = list(_mistyped_names())
    try:
        settings = Settings(**(overrides or {}))
        settings = settings.model_copy(update=_credentials(settings, problems))
        problems += misnamed(PREFIX + "EXCLUDE", settings.exclude, stored=True)
        problems += misnamed(PREFIX + "PUBLISH_EXCLUDE", settings.publish_exclude, stored=False)
    except ValidationError as error:
        _credentials(Files(), problems)
        raise Misconfigured("the settings need mending", problems + _problems(error)) from None
    except (OSError, ValueError) as error:  # zdsync.toml or .env that is no such file
        file = Problem("zdsync.toml", f"cannot be read: {_cause(error)}")
        raise Misconfigured("the settings need mending", [*problems, file]) from None
    if problems:
        raise Misconfigured("the settings need mending", problems)
    return settings


def _credentials(files: Files, problems: list[Problem]) -> dict[str, SecretStr]:
    """Read each credential that a file holds and nothing else gives."""
    read: dict[str, SecretStr] = {}
    for name in _FILED:
        path: Path | None = getattr(files, f"{name}_file")
        if path is None or getattr(files, name, None):
            continue
        try:
            read[name] = SecretStr(path.read_text(encoding="utf-8").strip())
            if name == "smtp_url":
                mail_server(read[name])
        except (OSError, ValueError) as error:
            where = f"{PREFIX}{name.upper()}_FILE"
            problems.append(Problem(where, f"cannot be read: {_cause(error)}", "", str(path)))
    return read


def _cause(error: Exception) -> str:
    return error.strerror or "unreadable" if isinstance(error, OSError) else str(error)


def _problems(error: ValidationError) -> list[Problem]:
    found = []
    for item in error.errors():
        name = str(item["loc"][0]) if item["loc"] else "settings"
        what = item["msg"].removeprefix("Value error, ")
        text = "" if name in _HIDDEN else str(item["input"])
        hint = ""
        if name in {"dc", "edition"}:
            allowed: tuple[str, ...] = get_args(DataCentre if name == "dc" else Edition)
            near = difflib.get_close_matches(text, allowed, 1)
            hint = f"did you mean {near[0]}?" if near else ""
            what = "is none of " + ", ".join(allowed)
        found.append(Problem(PREFIX + name.upper(), what, hint, text))
    return found


def _mistyped_names() -> Iterator[Problem]:
    """A name that is nearly ours is a mistake; one far from ours may belong to somebody else."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in os.environ:
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, sorted(known), 1, cutoff=0.85)
            if near:
                yield Problem(name, "is no setting of zdsync", f"did you mean {near[0]}?")
