from __future__ import annotations

import pytest

from vapitools import Settings
from vapitools.errors import SettingsError


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environ({}) == Settings()
    assert (
        Settings.from_environ({"VAPI_SERVER_SECRET": " , ", "VAPITOOLS_THREADS": " "}) == Settings()
    )


def test_every_setting_can_come_from_the_environment() -> None:
    environ = {
        "VAPI_SERVER_SECRET": "new, old",
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
    assert "hush" not in repr(Settings(server_secrets=("hush",)))
