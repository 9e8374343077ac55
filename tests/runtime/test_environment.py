"""Settings and secrets that programs read from the environment."""

from collections.abc import Callable

import pytest
from pydantic import BaseModel, Field, SecretStr

from spanloom.runtime.exceptions import InvalidInputError
from spanloom.runtime.utils import (
    convert_to_secret_str,
    from_env,
    get_from_dict_or_env,
    get_from_env,
    secret_from_env,
)
from spanloom.runtime.utils.env import env_var_is_set


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set one variable, and leave another unset."""
    monkeypatch.setenv("SOME_KEY", "from outside")
    monkeypatch.setenv("EMPTY_KEY", "")
    monkeypatch.delenv("NO_KEY", raising=False)


def test_a_setting_comes_from_the_mapping_then_the_environment_then_the_default() -> None:
    """An empty value counts as absent, and the first of several names wins."""
    assert get_from_dict_or_env({"key": "given"}, "key", "SOME_KEY") == "given"
    assert get_from_dict_or_env({"key": ""}, "key", "SOME_KEY") == "from outside"
    assert get_from_dict_or_env({"b": "two"}, ["a", "b"], "SOME_KEY") == "two"
    assert get_from_env("key", "EMPTY_KEY", "default") == "default"


@pytest.mark.parametrize(
    "read",
    [
        lambda: get_from_env("key", "NO_KEY"),
        lambda: get_from_dict_or_env({}, "key", "NO_KEY"),
        from_env("NO_KEY"),
        secret_from_env(["NO_KEY", "OTHER_NO_KEY"]),
    ],
)
def test_a_missing_setting_is_an_error_that_names_the_variable(read: Callable[[], object]) -> None:
    """Without a default, the error says which variable to set."""
    with pytest.raises(InvalidInputError, match="NO_KEY"):
        read()
    with pytest.raises(InvalidInputError, match="own words"):
        from_env("NO_KEY", error_message="own words")()


def test_a_field_takes_its_default_from_the_environment() -> None:
    """The factories read when an object is made; a secret does not show in its `repr`."""

    class Settings(BaseModel):
        plain: str | None = Field(default_factory=from_env(["NO_KEY", "SOME_KEY"]))
        secret: SecretStr | None = Field(default_factory=secret_from_env("SOME_KEY"))
        absent: SecretStr | None = Field(default_factory=secret_from_env("NO_KEY", default=None))

    settings = Settings()
    assert settings.plain == "from outside"
    assert settings.secret == convert_to_secret_str(SecretStr("from outside"))
    assert settings.absent is None
    assert "outside" not in repr(settings.secret)


def test_a_variable_is_set_unless_it_says_no() -> None:
    """Absent and empty ones are not."""
    assert env_var_is_set("SOME_KEY")
    assert not env_var_is_set("EMPTY_KEY")
    assert not env_var_is_set("NO_KEY")
