"""Each planted mistake is found, and the finding says where it is."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spanloom.dashboards import check as check_module
from spanloom.dashboards.check import check
from spanloom.dashboards.grafana.board import board

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "dashboards" / "compose" / "compose.yaml").read_text(encoding="utf-8")
SOURCES = (ROOT / "dashboards" / "grafana" / "provisioning" / "datasources" / "jaeger.yaml").read_text(encoding="utf-8")
PROVIDERS = (ROOT / "dashboards" / "grafana" / "provisioning" / "dashboards" / "spanloom.yaml").read_text(
    encoding="utf-8"
)

Json = dict[str, Any]


def set_at(*keys: Any, value: Any) -> Callable[[Json], None]:
    def change(data: Any) -> None:
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


def remove_at(*keys: Any) -> Callable[[Json], None]:
    def change(data: Any) -> None:
        for key in keys[:-1]:
            data = data[key]
        del data[keys[-1]]

    return change


BOARD_MISTAKES = {
    "a typo'd key": (set_at("panels", 0, "targets", 0, "minDuraton", value="1s"), "minDuraton"),
    "a typo'd top-level key": (set_at("tittle", value="x"), "tittle"),
    "a place that is no number": (set_at("panels", 0, "gridPos", "w", value="12"), "$.panels[0].gridPos.w"),
    "overlapping panels": (set_at("panels", 1, "gridPos", "x", value=11), "'Slowest runs' and 'Failed runs' overlap"),
    "a panel over the edge": (set_at("panels", 2, "gridPos", "x", value=1), "right edge"),
    "a panel id used twice": (set_at("panels", 1, "id", value=1), "panel id 1 is used 2 times"),
    "a missing refId": (remove_at("panels", 0, "targets", 0, "refId"), "refId is missing"),
    "a fixed data source": (set_at("panels", 0, "datasource", "uid", value="jaeger"), "data source 'jaeger'"),
    "no unit": (remove_at("panels", 0, "fieldConfig", "overrides", 0), "no unit is set"),
    "no title": (remove_at("title"), "$.title: a board needs one"),
    "no uid": (set_at("uid", value=""), "$.uid: a board needs one"),
    "another schema version": (set_at("schemaVersion", value=36), "$.schemaVersion"),
    "an unknown variable": (set_at("panels", 0, "targets", 0, "service", value="$servce"), "$servce is not a variable"),
    "a variable defined twice": (set_at("templating", "list", 1, "name", value="type"), "variable 'type' is used 2"),
    "an unknown attribute": (
        set_at("panels", 2, "targets", 0, "tags", value='spanloom.run.typ="$type"'),
        "no span carries 'spanloom.run.typ'",
    ),
}


@pytest.mark.parametrize("name", BOARD_MISTAKES)
def test_a_planted_mistake_in_a_board_is_found(name: str, tmp_path: Path):
    change, finding = BOARD_MISTAKES[name]
    data = copy.deepcopy(board())
    change(data)
    path = tmp_path / "planted.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    problems = check([path])
    assert any(finding in problem for problem in problems), problems
    assert all(problem.startswith(f"{path}: ") for problem in problems)


def test_two_targets_of_one_panel_with_one_ref_id_are_found(tmp_path: Path):
    data = copy.deepcopy(board())
    data["panels"][0]["targets"] *= 2
    path = tmp_path / "planted.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    assert any("refId 'A' is used 2 times" in problem for problem in check([path]))


YAML_MISTAKES = {
    "an image without a version": (
        COMPOSE,
        "jaegertracing/jaeger:2.20.0",
        "jaegertracing/jaeger",
        "services.jaeger.image",
    ),
    "an image that moves": (COMPOSE, "grafana/grafana:12.4.2", "grafana/grafana:latest", "services.grafana.image"),
    "a port open to the network": (COMPOSE, '"127.0.0.1:3000:3000"', '"3000:3000"', "services.grafana.ports[0]"),
    "the Docker socket": (
        COMPOSE,
        "../grafana/boards:/etc/grafana/boards:ro",
        "/var/run/docker.sock:/var/run/docker.sock:ro",
        "services.grafana.volumes[1]",
    ),
    "a mount of nothing": (COMPOSE, "../grafana/boards:", "../grafana/board:", "there is no '../grafana/board'"),
    "a typo'd compose key": (COMPOSE, "depends_on:", "depend_on:", "depend_on"),
    "no health check": (COMPOSE, "healthcheck:", "health_check:", "health_check"),
    "a typo'd data source key": (SOURCES, "isDefault:", "is_default:", "is_default"),
    "another API version": (SOURCES, "apiVersion: 1", "apiVersion: 2", "1 was expected"),
    "a base path Grafana would drop": (SOURCES, ":16686", ":16686/jaeger", "url"),
    "a typo'd provider key": (PROVIDERS, "disableDeletion:", "disableDeletions:", "disableDeletions"),
}


@pytest.mark.parametrize("name", YAML_MISTAKES)
def test_a_planted_mistake_in_a_yaml_file_is_found(name: str, tmp_path: Path):
    text, right, wrong, finding = YAML_MISTAKES[name]
    assert right in text
    path = tmp_path / "planted.yaml"
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    problems = check([path])
    assert any(finding in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("name", "text", "finding"),
    [
        ("a.json", "{", "cannot be read"),
        ("a.yaml", "a: [", "cannot be read"),
        ("a.yaml", "a: 1", "is no board, compose file or provisioning file"),
        ("a.json", "[]", "is no board"),
    ],
)
def test_a_file_that_is_no_such_file_is_told_not_raised(name: str, text: str, finding: str, tmp_path: Path):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    (problem,) = check([path])
    assert finding in problem


def test_a_missing_file_is_told_not_raised(tmp_path: Path):
    (problem,) = check([tmp_path / "none.json"])
    assert "cannot be read" in problem


@pytest.mark.parametrize("panels", [None, 1, [1], [{}], [{"targets": 3, "gridPos": 4, "fieldConfig": []}]])
def test_a_board_of_any_shape_is_told_not_raised(panels: Any, tmp_path: Path):
    path = tmp_path / "planted.json"
    path.write_text(json.dumps({"panels": panels, "templating": []}), encoding="utf-8")
    assert check([path])


def test_a_schema_of_the_caller_is_asked_as_well(tmp_path: Path):
    path, schema = tmp_path / "planted.json", tmp_path / "strict.json"
    path.write_text(json.dumps(board()), encoding="utf-8")
    schema.write_text(json.dumps({"type": "object", "required": ["gnetId"]}), encoding="utf-8")
    assert check([path]) == []
    (problem,) = check([path], schema=schema)
    assert "'gnetId' is a required property (strict.json)" in problem


def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def nothing_there(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(check_module, "import_module", nothing_there)
    path = tmp_path / "planted.yaml"
    path.write_text(COMPOSE, encoding="utf-8")
    with pytest.raises(ModuleNotFoundError, match=r"Run: pip install 'spanloom\[yaml\]'"):
        check([path])
