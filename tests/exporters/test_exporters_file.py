import json
import os
import subprocess
import sys

import pytest

from spanloom.exporters import ConfigurationError, ExportError, FileSink, SpanFormatError, read_file


def test_spans_come_back_from_the_file(tmp_path, make_span):
    path = tmp_path / "deep" / "x.otlp.jsonl"
    spans = [make_span(name="größe 🎈", journal='{"v":1}' * 900), make_span(attributes={"b": b"\0"})]
    sink = FileSink(path)
    sink.export(spans[:1])
    sink.export(spans[1:])
    sink.close()
    assert list(read_file(path)) == spans
    assert [set(json.loads(line)) for line in path.read_text().splitlines()] == [{"resourceSpans"}] * 2


def test_a_new_sink_appends(tmp_path, make_span):
    path = tmp_path / "x.otlp.jsonl"
    spans = [make_span(), make_span()]
    for span in spans:
        sink = FileSink(path)
        sink.export([span])
        sink.close()
    assert list(read_file(path)) == spans


def test_a_line_that_was_cut_off_is_reported_and_skipped(tmp_path, make_span):
    path = tmp_path / "x.otlp.jsonl"
    spans = [make_span(), make_span(), make_span()]
    sink = FileSink(path)
    sink.export(spans[:1])
    sink.export(spans[1:2])
    sink.close()
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) - 40)
    told: list[str] = []
    assert list(read_file(path, report=told.append)) == spans[:1]
    assert len(told) == 1
    assert "line 2 is cut off" in told[0]

    sink = FileSink(path)
    sink.export(spans[2:])
    sink.close()
    assert list(read_file(path, report=told.append)) == [spans[0], spans[2]]


def test_a_cut_off_line_is_logged_unless_a_report_is_asked_for(tmp_path, caplog):
    path = tmp_path / "x.otlp.jsonl"
    path.write_text('{"resourceSp')
    assert list(read_file(path)) == []
    assert "cut off" in caplog.text


@pytest.mark.parametrize("text", ["hello\n", '{"a": 1}\n', "[1]\n", "\x00\x01\n"])
def test_a_foreign_file_is_a_clear_error(tmp_path, text):
    path = tmp_path / "notes.txt"
    path.write_text(text)
    with pytest.raises(SpanFormatError, match="line 1"):
        list(read_file(path))


def test_lines_of_other_signals_are_passed_over(tmp_path, make_span):
    path = tmp_path / "x.otlp.jsonl"
    span = make_span()
    sink = FileSink(path)
    sink.export([span])
    sink.close()
    with open(path, "a") as file:
        file.write('{"resourceLogs":[]}\n\n')
    assert list(read_file(path)) == [span]


def test_a_missing_file_is_a_clear_error(tmp_path):
    with pytest.raises(SpanFormatError, match="cannot be read"):
        list(read_file(tmp_path / "none"))


def test_a_path_that_is_no_file_is_refused_at_once(tmp_path):
    with pytest.raises(ConfigurationError, match="span file"):
        FileSink(tmp_path)


def test_a_closed_file_says_so(tmp_path, make_span):
    sink = FileSink(tmp_path / "x")
    sink.close()
    sink.close()
    with pytest.raises(ExportError, match="closed"):
        sink.export([make_span()])


def test_several_processes_write_whole_lines_into_one_file(tmp_path):
    path = tmp_path / "x.otlp.jsonl"
    code = (
        "import sys\n"
        "from spanloom.exporters import FileSink, SpanData\n"
        "sink = FileSink(sys.argv[1])\n"
        "for n in range(1, 101):\n"
        "    span_id = f'{int(sys.argv[2]):08x}{n:08x}'\n"
        "    sink.export([SpanData('a' * 32, span_id, None, '', 'x' * 3000, 'INTERNAL', 1, 2)])\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), str(n)]) for n in (1, 2)]
    assert [process.wait() for process in running] == [0, 0]
    assert len({span.span_id for span in read_file(path)}) == 200
