import pytest

from spanloom.exporters import ConfigurationError
from spanloom.exporters.environment import CAPTURE_VARIABLE, Environment, read, traces_endpoint


def test_with_nothing_set_nothing_is_said():
    assert read({}) == Environment()
    assert read({"OTEL_TRACES_EXPORTER": "", "OTEL_EXPORTER_OTLP_ENDPOINT": " "}) == Environment()


def test_all_variables_are_read():
    found = read(
        {
            "OTEL_SDK_DISABLED": "True",
            "OTEL_TRACES_EXPORTER": "otlp, console",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example/otlp/",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20abc,x-team=blue",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_BSP_MAX_QUEUE_SIZE": "100",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            CAPTURE_VARIABLE: "true",
        }
    )
    assert found == Environment(
        disabled=True,
        exporters=("otlp", "console"),
        endpoint="https://c.example/otlp/v1/traces",
        protocol="http/protobuf",
        headers={"authorization": "Basic abc", "x-team": "blue"},
        timeout_s=3,
        compression="gzip",
        max_spans=100,
        batch_spans=10,
        delay_s=0.05,
        capture="content",
    )


def test_the_variables_of_the_traces_signal_go_first_and_their_endpoint_is_used_as_it_is():
    found = read(
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:1",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces:2/in",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "4",
        }
    )
    assert (found.endpoint, found.timeout_s) == ("http://traces:2/in", 4)


def test_headers_stay_out_of_the_repr():
    assert "secret" not in repr(read({"OTEL_EXPORTER_OTLP_HEADERS": "key=secret"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h:port/"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "just-a-word"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "=x"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "nan"),
    ],
)
def test_a_bad_value_is_an_error_that_names_its_variable(name, value):
    with pytest.raises(ConfigurationError, match=name):
        read({name: value})


def test_a_bad_header_is_not_shown_in_the_error():
    with pytest.raises(ConfigurationError) as error:
        read({"OTEL_EXPORTER_OTLP_HEADERS": "secretword"})
    assert "secretword" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "level"),
    [
        ("true", "content"),
        ("SPAN_ONLY", "content"),
        ("SPAN_AND_EVENT", "content"),
        ("EVENT_ONLY", "structure"),
        ("NO_CONTENT", "structure"),
        ("false", "structure"),
    ],
)
def test_the_capture_variable_of_the_genai_conventions_sets_the_level(value, level):
    assert read({CAPTURE_VARIABLE: value}).capture == level


def test_an_unknown_capture_value_captures_no_content_and_says_so(caplog):
    assert read({CAPTURE_VARIABLE: "yes please"}).capture == "structure"
    assert CAPTURE_VARIABLE in caplog.text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/traces"),
        ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
        ("https://x.example/otlp", "https://x.example/otlp/v1/traces"),
        ("https://x.example/otlp/v1/traces", "https://x.example/otlp/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
    ],
)
def test_traces_are_posted_below_the_base_url(url, expected):
    assert traces_endpoint(url, source="endpoint") == expected
