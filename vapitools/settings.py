"""What can be set from outside: read from the environment once, then passed in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ._spelling import closest
from .auth import AnyOf, HmacSignature, OAuth2, SharedSecret, Verifier
from .errors import SettingsError

_PREFIX = "VAPITOOLS_"
_SECRET = "VAPI_SERVER_SECRET"
_API_KEY = "VAPI_API_KEY"
_API_URL = "VAPI_BASE_URL"
_HMAC = "VAPI_HMAC_"
_OAUTH2 = "VAPI_OAUTH2_"

# What is set by variables with a name of Vapi's.
_NAMED_BY_VAPI = frozenset({"server_secrets", "credentials", "api_key", "api_url"})

_PEM = re.compile(r"-----BEGIN ([^-]+)-----.*?-----END \1-----", re.DOTALL)
# What is longer is no path, but a key without its first line.
_MAX_PATH = 1000


@dataclass(frozen=True)
class Settings:
    """The limits and secrets a server runs with. The defaults suit production.

    Every number can be set as `VAPITOOLS_<NAME>` in the environment.

    Attributes:
        server_secrets: What Vapi sends to prove itself, from `VAPI_SERVER_SECRET`;
            several, separated by commas, while a secret is being rotated.
        credentials: The other variables that say how Vapi proves itself, `VAPI_HMAC_…` and
            `VAPI_OAUTH2_…`, as they were set. `verifier` reads them.
        api_key: The private key of Vapi's API, from `VAPI_API_KEY`. Serving needs none.
        api_url: Where Vapi's API is, from `VAPI_BASE_URL`.
        url: Where the router is reached from outside, from `VAPITOOLS_URL`. Without it, an
            assistant that is returned inline gets the address that Vapi has called.
        decryption_keys: Private keys in PEM for encrypted arguments, from
            `VAPITOOLS_DECRYPTION_KEYS`: the text itself, or the files, separated by commas.
        control_urls: Which addresses a live call may be controlled at, from
            `VAPITOOLS_CONTROL_URLS`, separated by commas. The address comes with the webhook.
        max_body_bytes: A larger webhook body is refused with 413.
        body_seconds: How long a sender may take for a body.
        max_result_characters: A longer tool result is cut, with a marker.
        threads: How many blocking `def` tools may run at once.
        ledger_calls: How many answers are kept for deliveries that Vapi repeats.
        ledger_seconds: How long an answer is kept.
        grace_seconds: How long handlers of events may go on when the server stops.
        handlers: How many handlers of events may run at once; further messages are only
            acknowledged.
        handler_seconds: How long a handler of events may run.
        log_exceptions: Log the text of unexpected exceptions. It may hold what a caller said.
    """

    server_secrets: tuple[str, ...] = field(default=(), repr=False)
    credentials: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    api_key: str | None = field(default=None, repr=False)
    api_url: str = "https://api.vapi.ai"
    url: str | None = None
    decryption_keys: tuple[str, ...] = field(default=(), repr=False)
    control_urls: tuple[str, ...] = ("https://*.vapi.ai",)
    max_body_bytes: int = 10 * 1024 * 1024
    body_seconds: int = 10
    max_result_characters: int = 10_000
    threads: int = 64
    ledger_calls: int = 10_000
    ledger_seconds: int = 900
    grace_seconds: int = 20
    handlers: int = 1000
    handler_seconds: int = 300
    log_exceptions: bool = False

    def __post_init__(self) -> None:
        if self.url is not None:
            check_url("url", self.url)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings from environment variables.

        Raises:
            SettingsError: A variable cannot be used; it is named.
        """
        _check_names(environ)
        numbers: dict[str, Any] = {
            setting.name: _positive(variable, environ[variable])
            for setting in fields(cls)
            if setting.type == "int"
            and environ.get(variable := _PREFIX + setting.name.upper(), "").strip()
        }
        log_exceptions = environ.get(_PREFIX + "LOG_EXCEPTIONS", "").strip().lower()
        return cls(
            server_secrets=_listed(environ, _SECRET),
            credentials=_credentials(environ),
            api_key=environ.get(_API_KEY, "").strip() or None,
            api_url=environ.get(_API_URL, "").strip().rstrip("/") or cls.api_url,
            url=_url(environ),
            decryption_keys=tuple(_pems(_PREFIX + "DECRYPTION_KEYS", environ)),
            control_urls=_listed(environ, _PREFIX + "CONTROL_URLS") or cls.control_urls,
            log_exceptions=log_exceptions in {"1", "true", "yes", "on"},
            **numbers,
        )

    @property
    def has_credentials(self) -> bool:
        """Whether a variable says how Vapi proves itself."""
        return bool(self.server_secrets or self.credentials)

    def verifier(self) -> Verifier:
        """Who is let in, to pass as `auth=`. Of several credentials, any one is enough.

        Raises:
            SettingsError: No variable says it, for that must not let everybody in; or one cannot
                be used, or is missing: it is named.
        """
        credentials = dict(self.credentials)
        made = (
            _shared_secret(self.server_secrets),
            _made(_HMAC, credentials, _hmac_signature, base_url=self.url),
            _made(_OAUTH2, credentials, _oauth2),
        )
        verifiers = [verifier for verifier in made if verifier is not None]
        if not verifiers:
            raise SettingsError(
                "nothing says who is let in; set VAPI_SERVER_SECRET to a secret, or another "
                "credential's variables"
            )
        return AnyOf(*verifiers) if len(verifiers) > 1 else verifiers[0]


def check_url(name: str, url: str) -> None:
    """Make sure that a URL can be where the router is.

    Raises:
        SettingsError: It cannot.
    """
    if not url.startswith(("https://", "http://")):
        raise SettingsError(f"{name} must begin with https://, such as https://luigi.example.com")
    if url.rstrip("/").endswith("/webhook"):
        raise SettingsError(f"{name} is where the router is; leave the /webhook at its end")


def _url(environ: Mapping[str, str]) -> str | None:
    url = environ.get(_PREFIX + "URL", "").strip().rstrip("/")
    if url:
        check_url(_PREFIX + "URL", url)
    return url or None


def _check_names(environ: Mapping[str, str]) -> None:
    """A variable that is misspelt must not leave the server open, or without its limit."""
    ours = [
        _PREFIX + setting.name.upper()
        for setting in fields(Settings)
        if setting.name not in _NAMED_BY_VAPI
    ]
    for name in environ:
        if name.startswith(_PREFIX):
            known, cutoff = ours, 0.0
        elif name.startswith("VAPI_") and not name.startswith((_HMAC, _OAUTH2)):
            known, cutoff = [_SECRET, _API_KEY, _API_URL], 0.8
        else:
            continue
        if name not in known and (close := closest(name, known, cutoff=cutoff)):
            raise SettingsError(f"{name} is no variable of ours; did you mean {close}?")


def _listed(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    return tuple(s for part in environ.get(variable, "").split(",") if (s := part.strip()))


def _positive(variable: str, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise SettingsError(f"{variable} must be a whole number above zero")
    return number


# --- who is let in ------------------------------------------------------------------------


def _text(value: str) -> str:
    return value


def _several(value: str) -> tuple[str, ...]:
    return tuple(s for part in value.split(",") if (s := part.strip()))


def _switch(value: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True}
    words |= {"false": False, "0": False, "no": False, "off": False}
    if value.lower() not in words:
        raise ValueError("must be true or false")
    return words[value.lower()]


# Each is an argument of the verifier's, in lower case, and how it is read.
_OPTIONS: Mapping[str, Mapping[str, Callable[[str], Any]]] = {
    _HMAC: {
        "SECRET": _several,
        "ALGORITHM": _text,
        "SIGNATURE_HEADER": _text,
        "TIMESTAMP_HEADER": _text,
        "INCLUDE_TIMESTAMP": _switch,
        "PAYLOAD_FORMAT": _text,
        "MESSAGE_ID_HEADER": _text,
        "SIGNATURE_PREFIX": _text,
        "SIGNATURE_ENCODING": _text,
        "SECRET_IS_BASE64": _switch,
    },
    _OAUTH2: {"JWKS_URL": _text, "ISSUER": _text, "AUDIENCE": _several},
}
_NEEDED = {_HMAC: ("secret",), _OAUTH2: ("jwks_url", "issuer", "audience")}


def _credentials(environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    found = {
        name: value.strip()
        for name, value in environ.items()
        if name.startswith((_HMAC, _OAUTH2)) and value.strip()
    }
    known = [prefix + option for prefix, options in _OPTIONS.items() for option in options]
    for name in found:
        if name not in known:
            raise SettingsError(f"{name} is no variable of ours; there are {', '.join(known)}")
    return tuple(sorted(found.items()))


def _made(
    prefix: str,
    credentials: Mapping[str, str],
    make: Callable[..., Verifier],
    **others: Any,
) -> Verifier | None:
    options = {
        option.lower(): _read(prefix + option, credentials[prefix + option], read)
        for option, read in _OPTIONS[prefix].items()
        if prefix + option in credentials
    }
    if not options:
        return None
    if missing := [prefix + name.upper() for name in _NEEDED[prefix] if not options.get(name)]:
        raise SettingsError(f"{' and '.join(missing)} must be set too")
    try:
        return make(**options, **others)
    except SettingsError as error:
        raise SettingsError(_with_variables(prefix, str(error))) from None


def _read(variable: str, value: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(value)
    except ValueError as error:
        raise SettingsError(f"{variable} {error}") from None


def _with_variables(prefix: str, text: str) -> str:
    """An error of the verifier's, with its arguments named as they are in the environment."""
    variables = {option.lower(): prefix + option for option in _OPTIONS[prefix]}
    variables["base_url"] = _PREFIX + "URL"
    return re.sub(r"\w+", lambda word: variables.get(word[0], word[0]), text)


def _shared_secret(secrets: tuple[str, ...]) -> Verifier | None:
    try:
        return SharedSecret(*secrets) if secrets else None
    except SettingsError as error:
        raise SettingsError(f"VAPI_SERVER_SECRET: {error}") from None


def _hmac_signature(*, secret: tuple[str, ...], **options: Any) -> Verifier:
    return HmacSignature(*secret, **options)


def _oauth2(*, jwks_url: str, **options: Any) -> Verifier:
    return OAuth2(jwks_url, **options)


# --- keys ---------------------------------------------------------------------------------


def _pems(variable: str, environ: Mapping[str, str]) -> Iterator[str]:
    """The private keys, one by one, from the text itself or from files."""
    text = environ.get(variable, "")
    if "-----BEGIN" in text:
        # Many places where variables are set take one line only.
        yield from _blocks(text.replace("\\n", "\n"), variable)
        return
    for path in _listed(environ, variable):
        yield from _blocks(_file(variable, path), f"{variable}: the file {path!r}")


def _blocks(text: str, where: str) -> Iterator[str]:
    blocks = [block[0] for block in _PEM.finditer(text)]
    if len(blocks) != text.count("-----BEGIN") or not blocks:
        raise SettingsError(f"{where} holds no PEM text, or not the whole of it")
    yield from blocks


def _file(variable: str, path: str) -> str:
    # A key that was pasted without its first line must not be shown.
    if len(path) > _MAX_PATH:
        raise SettingsError(f"{variable} holds neither PEM text nor the path of a file")
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(f"{variable}: cannot read the file {path!r}: {reason}") from None
