from __future__ import annotations

import asyncio
import hashlib
import hmac
import pickle
from pathlib import Path

import pytest

from vapitools import AnyOf, HmacSignature, OAuth2, Settings, SharedSecret
from vapitools.errors import AuthenticationError, SettingsError

from .deliveries import BODY, Headers, delivery

PEM = "-----BEGIN PRIVATE KEY-----\nMIIsecret1\n-----END PRIVATE KEY-----"
OTHER = "-----BEGIN RSA PRIVATE KEY-----\nMIIsecret2\n-----END RSA PRIVATE KEY-----"


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environ({}) == Settings()
    assert (
        Settings.from_environ({"VAPI_SERVER_SECRET": " , ", "VAPITOOLS_THREADS": " "}) == Settings()
    )


def test_every_setting_can_come_from_the_environment() -> None:
    environ = {
        "VAPI_SERVER_SECRET": "new, old",
        "VAPI_HMAC_SECRET": " key ",
        "VAPI_OAUTH2_ISSUER": "",
        "VAPITOOLS_DECRYPTION_KEYS": PEM,
        "VAPITOOLS_URL": " https://luigi.example.com ",
        "VAPITOOLS_CONTROL_URLS": "https://*.example.com, http://127.0.0.1:9000",
        "VAPITOOLS_MAX_BODY_BYTES": "1",
        "VAPITOOLS_BODY_SECONDS": "2",
        "VAPITOOLS_MAX_RESULT_CHARACTERS": "3",
        "VAPITOOLS_THREADS": "4",
        "VAPITOOLS_LEDGER_CALLS": "5",
        "VAPITOOLS_LEDGER_SECONDS": "6",
        "VAPITOOLS_GRACE_SECONDS": "7",
        "VAPITOOLS_LOG_EXCEPTIONS": "yes",
    }

    assert Settings.from_environ(environ) == Settings(
        server_secrets=("new", "old"),
        credentials=(("VAPI_HMAC_SECRET", "key"),),
        decryption_keys=(PEM,),
        url="https://luigi.example.com",
        control_urls=("https://*.example.com", "http://127.0.0.1:9000"),
        max_body_bytes=1,
        body_seconds=2,
        max_result_characters=3,
        threads=4,
        ledger_calls=5,
        ledger_seconds=6,
        grace_seconds=7,
        log_exceptions=True,
    )


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5"])
def test_a_number_that_is_none_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="VAPITOOLS_THREADS must be a whole number above zero"):
        Settings.from_environ({"VAPITOOLS_THREADS": text})


def test_secrets_are_not_shown() -> None:
    settings = Settings.from_environ(
        {
            "VAPI_SERVER_SECRET": "hush",
            "VAPI_HMAC_SECRET": "hush",
            "VAPITOOLS_DECRYPTION_KEYS": PEM.replace("secret", "hush"),
        }
    )

    assert "hush" not in repr(settings)
    assert "hush" not in repr(settings.verifier())


# --- who is let in ------------------------------------------------------------------------


HMAC = {
    "VAPI_HMAC_SECRET": "a2V5, b2xk",
    "VAPI_HMAC_ALGORITHM": "sha1",
    "VAPI_HMAC_SIGNATURE_HEADER": "X-Vapi-Signature",
    "VAPI_HMAC_TIMESTAMP_HEADER": "X-Vapi-Timestamp",
    "VAPI_HMAC_INCLUDE_TIMESTAMP": "False",
    "VAPI_HMAC_PAYLOAD_FORMAT": "{svix-id}|{url}|{body}",
    "VAPI_HMAC_MESSAGE_ID_HEADER": "x-id",
    "VAPI_HMAC_SIGNATURE_PREFIX": "sha1=",
    "VAPI_HMAC_SIGNATURE_ENCODING": "hex",
    "VAPI_HMAC_SECRET_IS_BASE64": "yes",
    "VAPITOOLS_URL": "https://luigi.example.com",
}
OAUTH2 = {
    "VAPI_OAUTH2_JWKS_URL": "https://issuer.example.com/jwks.json",
    "VAPI_OAUTH2_ISSUER": "https://issuer.example.com/",
    "VAPI_OAUTH2_AUDIENCE": "one, two",
}


def is_let_in(environ: dict[str, str], headers: Headers) -> bool:
    verifier = Settings.from_environ(environ).verifier()
    try:
        asyncio.run(verifier.verify(delivery(headers)))
    except AuthenticationError:
        return False
    return True


MISSPELT = {
    "VAPI_SERVER_SECRT": "VAPI_SERVER_SECRET",
    "VAPI_SERVER_SECRETS": "VAPI_SERVER_SECRET",
    "VAPITOOLS_URLL": "VAPITOOLS_URL",
    "VAPITOOLS_MAX_BODY": "VAPITOOLS_MAX_BODY_BYTES",
}


@pytest.mark.parametrize(("name", "meant"), MISSPELT.items(), ids=MISSPELT)
def test_a_misspelt_variable_is_named(name: str, meant: str) -> None:
    with pytest.raises(
        SettingsError, match=f"^{name} is no variable of ours; did you mean {meant}"
    ) as caught:
        Settings.from_environ({name: "hush"})

    assert "hush" not in str(caught.value)


def test_the_key_and_the_address_of_vapis_api_come_from_the_variables_of_vapis_sdk() -> None:
    environ = {"VAPI_API_KEY": " k3y ", "VAPI_BASE_URL": "https://api.eu.vapi.ai/"}

    settings = Settings.from_environ(environ)

    assert (settings.api_key, settings.api_url) == ("k3y", "https://api.eu.vapi.ai")
    assert "k3y" not in repr(settings)


def test_the_key_under_a_name_of_ours_is_an_error_not_a_key_that_is_missing() -> None:
    with pytest.raises(SettingsError, match="VAPITOOLS_API_KEY is no variable of ours"):
        Settings.from_environ({"VAPITOOLS_API_KEY": "k3y"})


def test_other_variables_of_vapis_are_left_alone() -> None:
    names = ("VAPI_PRIVATE_KEY", "VAPI_PHONE_NUMBER_ID", "VAPI_ASSISTANT_ID")

    assert Settings.from_environ(dict.fromkeys(names, "x")) == Settings()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("luigi.example.com", "must begin with https://"),
        ("https://luigi.example.com/webhook", "leave the /webhook at its end"),
        ("https://luigi.example.com/vapi/webhook/", "leave the /webhook at its end"),
    ],
)
def test_an_address_that_vapi_could_not_reach_is_refused(url: str, why: str) -> None:
    with pytest.raises(SettingsError, match=f"^VAPITOOLS_URL .*{why}"):
        Settings.from_environ({"VAPITOOLS_URL": url})
    with pytest.raises(SettingsError, match=f"^url .*{why}"):
        Settings(url=url)


def test_when_nothing_is_set_nobody_is_let_in_by_mistake() -> None:
    settings = Settings.from_environ({"VAPI_HMAC_SECRET": " ", "VAPI_SERVER_SECRET": ","})

    assert not settings.has_credentials
    with pytest.raises(SettingsError, match="nothing says who is let in; set VAPI_SERVER_SECRET"):
        settings.verifier()


def test_the_secret_makes_a_shared_secret() -> None:
    environ = {"VAPI_SERVER_SECRET": "new,old"}

    assert isinstance(Settings.from_environ(environ).verifier(), SharedSecret)
    assert is_let_in(environ, [(b"x-vapi-secret", b"old")])
    assert not is_let_in(environ, [(b"x-vapi-secret", b"older")])


@pytest.mark.parametrize(("key", "known"), [(b"key", True), (b"old", True), (b"a2V5", False)])
def test_every_option_of_hmac_can_be_set(key: bytes, known: bool) -> None:
    payload = b"m-1|https://luigi.example.com/webhook|" + BODY
    signature = b"sha1=" + hmac.digest(key, payload, hashlib.sha1).hex().encode()

    assert is_let_in(HMAC, [(b"x-id", b"m-1"), (b"x-vapi-signature", signature)]) is known


def test_the_header_of_the_time_stamp_can_be_set() -> None:
    environ = {"VAPI_HMAC_SECRET": "key", "VAPI_HMAC_TIMESTAMP_HEADER": "x-when"}
    verifier = Settings.from_environ(environ).verifier()

    assert isinstance(verifier, HmacSignature)
    with pytest.raises(AuthenticationError, match="no header x-when"):
        asyncio.run(verifier.verify(delivery([(b"x-signature", b"00" * 32)])))


@pytest.mark.parametrize("word", ["true", "1", "yes", "ON", "false", "0", "No", "off"])
def test_a_switch_can_be_set_in_several_words(word: str) -> None:
    environ = {"VAPI_HMAC_SECRET": "key", "VAPI_HMAC_INCLUDE_TIMESTAMP": word}
    signature = hmac.digest(b"key", BODY, hashlib.sha256).hex().encode()

    is_off = is_let_in(environ, [(b"x-signature", signature)])

    assert is_off is (word in ("false", "0", "No", "off"))


def test_three_variables_make_oauth2() -> None:
    verifier = Settings.from_environ(OAUTH2).verifier()

    assert isinstance(verifier, OAuth2)
    assert repr(verifier) == "OAuth2(issuer='https://issuer.example.com/')"


def test_with_several_any_of_them_is_enough() -> None:
    environ = {"VAPI_SERVER_SECRET": "hush", **HMAC, **OAUTH2}
    two = {"VAPI_SERVER_SECRET": "hush", "VAPI_HMAC_SECRET": "key"}
    assert isinstance(Settings.from_environ(two).verifier(), AnyOf)

    verifier = Settings.from_environ(environ).verifier()

    assert isinstance(verifier, AnyOf)
    assert repr(verifier).startswith("AnyOf(SharedSecret(1 secrets), HmacSignature(2 secrets, sha1")
    assert repr(verifier).endswith("OAuth2(issuer='https://issuer.example.com/'))")
    assert is_let_in(environ, [(b"x-vapi-secret", b"hush")])


def test_settings_can_be_sent_to_another_process() -> None:
    settings = Settings.from_environ({"VAPI_SERVER_SECRET": "hush", **HMAC, **OAUTH2})

    again = pickle.loads(pickle.dumps(settings))

    assert again == settings
    assert repr(again.verifier()) == repr(settings.verifier())


KEY = {"VAPI_HMAC_SECRET": "key!"}
UNUSABLE: dict[str, tuple[dict[str, str], str]] = {
    "a secret": (
        {"VAPI_SERVER_SECRET": "schlüssel"},
        "VAPI_SERVER_SECRET: SharedSecret got a secr",
    ),
    "an algorithm": ({**KEY, "VAPI_HMAC_ALGORITHM": "sha-256"}, "VAPI_HMAC_ALGORITHM 'sha-256' is"),
    "an encoding": (
        {**KEY, "VAPI_HMAC_SIGNATURE_ENCODING": "utf8"},
        "VAPI_HMAC_SIGNATURE_ENCODING 'utf8' is none of hex, base64",
    ),
    "a header": ({**KEY, "VAPI_HMAC_SIGNATURE_HEADER": "a b"}, "VAPI_HMAC_SIGNATURE_HEADER 'a b'"),
    "a switch": (
        {**KEY, "VAPI_HMAC_INCLUDE_TIMESTAMP": "never"},
        "VAPI_HMAC_INCLUDE_TIMESTAMP must be true or false",
    ),
    "a format": ({**KEY, "VAPI_HMAC_PAYLOAD_FORMAT": "{x}"}, "VAPI_HMAC_PAYLOAD_FORMAT has {x}"),
    "a base64 secret": (
        {**KEY, "VAPI_HMAC_SECRET_IS_BASE64": "true"},
        "a VAPI_HMAC_SECRET is no base64, although VAPI_HMAC_SECRET_IS_BASE64 is set",
    ),
    "a url": ({**KEY, "VAPITOOLS_URL": "luigi"}, "VAPITOOLS_URL must begin with https://"),
    "no secret": ({"VAPI_HMAC_ALGORITHM": "sha1"}, "VAPI_HMAC_SECRET must be set too"),
    "only commas": ({"VAPI_HMAC_SECRET": ","}, "VAPI_HMAC_SECRET must be set too"),
    "no issuer": (
        {"VAPI_OAUTH2_JWKS_URL": "https://x.example.com"},
        "VAPI_OAUTH2_ISSUER and VAPI_OAUTH2_AUDIENCE must be set too",
    ),
    "no tls": (
        {**OAUTH2, "VAPI_OAUTH2_JWKS_URL": "http://x.example.com"},
        "VAPI_OAUTH2_JWKS_URL must begin with https://",
    ),
    "a misspelt variable": (
        {"VAPI_HMAC_ALGORYTHM": "sha1"},
        "VAPI_HMAC_ALGORYTHM is no variable of ours; there are VAPI_HMAC_SECRET, ",
    ),
}


@pytest.mark.parametrize(("environ", "why"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_variable_that_cannot_be_used_is_named(environ: dict[str, str], why: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environ(environ).verifier()

    assert why in str(caught.value)
    assert "key!" not in str(caught.value)
    assert "schlüssel" not in str(caught.value)


# --- keys ---------------------------------------------------------------------------------

TEXTS = {
    "one": (PEM, (PEM,)),
    "several": (f"{PEM}\n{OTHER}\n", (PEM, OTHER)),
    "on one line": (PEM.replace("\n", "\\n"), (PEM,)),
    "several on one line": (f"{PEM}\\n{OTHER}".replace("\n", "\\n"), (PEM, OTHER)),
    "with words around": (f"# a comment\n{PEM}\nlast line", (PEM,)),
}


def keys(text: str) -> tuple[str, ...]:
    return Settings.from_environ({"VAPITOOLS_DECRYPTION_KEYS": text}).decryption_keys


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_keys_can_be_the_text_itself(text: str, expected: tuple[str, ...]) -> None:
    assert keys(text) == expected


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_keys_can_be_in_files(text: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    one, two = tmp_path / "one.pem", tmp_path / "two.pem"
    one.write_text(text.replace("\\n", "\n"), "ascii")
    two.write_text(OTHER, "ascii")

    assert keys(f"{one}, {two},") == (*expected, OTHER)


def test_files_of_keys_are_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(PEM, "ascii")
    settings = Settings.from_environ({"VAPITOOLS_DECRYPTION_KEYS": str(path)})
    path.unlink()

    assert settings.decryption_keys == (PEM,)


BAD_TEXTS = ["-----BEGIN PRIVATE KEY-----\nMIIsecret", f"{PEM}{OTHER[:-9]}", "MIIsecret" * 200]


@pytest.mark.parametrize("text", BAD_TEXTS, ids=["cut off", "the second cut off", "no first line"])
def test_text_that_holds_no_whole_key_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^VAPITOOLS_DECRYPTION_KEYS holds ") as caught:
        keys(text)

    assert "secret" not in str(caught.value)


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    missing, empty, binary = (tmp_path / name for name in ("missing", "empty", "binary"))
    empty.write_text("")
    binary.write_bytes(b"\xff\xfe")

    for path, why in (
        (missing, "No such file or directory"),
        (empty, "holds no PEM text, or not the whole of it"),
        (binary, "it is no text"),
        (tmp_path, "Is a directory"),
        (Path("a\0b"), "it is no text"),
    ):
        with pytest.raises(SettingsError) as caught:
            keys(str(path))
        assert str(caught.value).startswith("VAPITOOLS_DECRYPTION_KEYS: ")
        assert str(caught.value).endswith(why)
        assert repr(str(path)) in str(caught.value)
