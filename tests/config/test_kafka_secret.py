"""How to get into the brokers: librdkafka's own settings, kept out of the project's file."""

from __future__ import annotations

from pathlib import Path

import pytest

from micromoments.config import ConfigError, load_cluster, secret_settings

FILE = '[cluster]\nkafka = "k:9093"\nredis = "redis://r:6379"\n'


def given(folder: Path, line: str) -> dict[str, object]:
    """The settings of a project whose table has this line, too."""
    (folder / "micromoments.toml").write_text(FILE + line)
    found = load_cluster(
        folder, {"SHOP_KAFKA": '{"sasl.username": "shop", "enable.ssl.certificate.verification": true}'}
    )
    assert found is not None
    return secret_settings(found)


def test_settings_come_from_where_they_are_named(tmp_path: Path) -> None:
    """By environment or file; the path of a file that lies in the folder is made whole; without any there are none."""
    (tmp_path / "ca.pem").touch()
    (tmp_path / "kafka.json").write_text('{"ssl.ca.location": "ca.pem", "ssl.key.location": "/etc/key.pem"}')
    named = given(tmp_path, 'kafka_secret = { env = "SHOP_KAFKA" }')
    assert named == {"sasl.username": "shop", "enable.ssl.certificate.verification": True}
    filed = given(tmp_path, 'kafka_secret = { file = "kafka.json" }')
    assert filed == {"ssl.ca.location": str(tmp_path / "ca.pem"), "ssl.key.location": "/etc/key.pem"}
    assert given(tmp_path, "") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"acks": "1"}', "acks"),
        ('{"sasl.password": ["hush"]}', "no JSON object"),
        ("hush", "no JSON object"),
        ('{"sasl.password": "hush", "group.id": "mine"}', "group.id"),
    ],
)
def test_what_weakens_the_log_or_is_no_setting_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """The mistake says what was got and wanted, and never shows a secret."""
    (tmp_path / "kafka.json").write_text(text)
    with pytest.raises(ConfigError, match=said) as refused:
        given(tmp_path, 'kafka_secret = { file = "kafka.json" }')
    assert "hush" not in str(refused.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """A secret that can't be read is a mistake of the table, with its line."""
    with pytest.raises(ConfigError, match=r"kafka\.json"):
        given(tmp_path, 'kafka_secret = { file = "kafka.json" }')
