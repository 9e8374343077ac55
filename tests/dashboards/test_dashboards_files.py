"""The shipped boards, compose file and provisioning files hold to their schemas and to each other."""

import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml

from spanloom.dashboards.check import check, default_paths
from spanloom.dashboards.grafana import board
from spanloom.tracing import names

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "dashboards" / "compose" / "compose.yaml"
PROVISIONING = ROOT / "dashboards" / "grafana" / "provisioning"


def test_every_shipped_file_is_checked_and_nothing_is_found():
    assert [path.name for path in default_paths()] == ["compose.yaml", "runs.json", "spanloom.yaml", "jaeger.yaml"]
    assert check() == []


def test_the_committed_board_is_what_the_generator_makes():
    assert board.BOARD_FILE.read_text(encoding="utf-8") == board.board_text(), (
        "run `python -m spanloom.dashboards.grafana.board` and commit what it writes"
    )


def test_the_board_asks_for_slow_failed_typed_and_single_traces():
    targets = {panel["title"]: panel["targets"][0] for panel in board.board()["panels"]}
    search = {"refId": "A", "datasource": board.board()["panels"][0]["datasource"], "queryType": "search"}
    search |= {"service": "$service", "limit": 50}
    assert targets == {
        "Slowest runs": {**search, "minDuration": "$min_duration"},
        "Failed runs": {**search, "tags": 'error="true"'},
        "Runs of type $type": {**search, "tags": f'{names.RUN_TYPE}="$type"'},
        "Trace $trace_id": {"refId": "A", "datasource": search["datasource"], "query": "$trace_id"},
    }


def test_the_type_variable_offers_every_run_type_once():
    variable = next(item for item in board.board()["templating"]["list"] if item["name"] == "type")
    assert variable["query"].split(",") == list(board.RUN_TYPES) == [o["value"] for o in variable["options"]]
    assert len(set(board.RUN_TYPES)) == len(board.RUN_TYPES) == 7


def test_the_board_names_no_attribute_by_a_literal_string():
    source = Path(board.__file__).read_text(encoding="utf-8")
    assert not [name for name in names.__all__ if f'"{getattr(names, name)}"' in source and "." in getattr(names, name)]


def test_compose_file_is_valid_under_the_compose_specification():
    vendored = pytest.importorskip("check_jsonschema.builtin_schemas.vendor")
    schema = json.loads(resources.files(vendored).joinpath("compose-spec.json").read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(yaml.safe_load(COMPOSE.read_text(encoding="utf-8")))


def test_compose_and_provisioning_agree_on_hosts_ports_and_folders():
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    source = yaml.safe_load((PROVISIONING / "datasources" / "jaeger.yaml").read_text(encoding="utf-8"))["datasources"][
        0
    ]
    provider = yaml.safe_load((PROVISIONING / "dashboards" / "spanloom.yaml").read_text(encoding="utf-8"))["providers"][
        0
    ]
    assert source["uid"] == "jaeger"
    assert source["url"] == "http://jaeger:16686"
    assert [port.split(":")[1] for port in services["jaeger"]["ports"]] == ["4317", "4318", "16686"]
    mounts = dict(mount.removesuffix(":ro").split(":") for mount in services["grafana"]["volumes"])
    assert {(COMPOSE.parent / left).resolve(): right for left, right in mounts.items()} == {
        PROVISIONING.resolve(): "/etc/grafana/provisioning",
        board.BOARD_FILE.parent.resolve(): provider["options"]["path"],
    }
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/{board.BOARD_FILE.name}"


def test_jaeger_is_no_newer_than_the_last_version_that_grafana_can_search():
    image = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["jaeger"]["image"]
    assert image.partition(":")[2] == "2.20.0"


def test_nothing_gets_the_docker_socket():
    assert "docker.sock" not in COMPOSE.read_text(encoding="utf-8")
