import gc
import os
import threading
import warnings
import weakref

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Status, StatusCode

from spanloom.exporters import DeliveryError, JournalProcessor
from spanloom.exporters.backlog import Backlog
from spanloom.tracing import journal


class FakeJournal:
    """Stands for a run's journal: says which level it was rendered at."""

    def text(self, level):
        return f'{{"level":"{level}"}}'


@pytest.fixture
def attach(provider):
    made = []

    def make(sink, **settings):
        processor = JournalProcessor(sink, destination="test", **({"delay_s": 0.01} | settings))
        provider.add_span_processor(processor)
        made.append(processor)
        return processor

    yield make
    for processor in made:
        processor.shutdown(0)


def end_spans(provider, number, **settings):
    tracer = provider.get_tracer("t")
    for at in range(number):
        tracer.start_span(f"s{at}", **settings).end()


def test_every_span_reaches_the_sink_in_order(provider, attach, sink):
    processor = attach(sink)
    end_spans(provider, 2000)
    assert processor.force_flush()
    assert [span.name for span in sink.spans] == [f"s{at}" for at in range(2000)]
    assert max(sink.batches) <= 512
    health = processor.health()
    assert (health.exported, health.failed, health.dropped, health.queued) == (2000, 0, {}, 0)


def test_spans_are_delivered_without_a_flush(provider, attach, sink):
    attach(sink)
    end_spans(provider, 1)
    assert sink.entered.wait(30)


def test_spans_come_again_after_a_quiet_time(provider, attach, sink):
    processor = attach(sink)
    for _ in range(5):
        sink.entered.clear()
        end_spans(provider, 1)
        assert sink.entered.wait(30)
    assert processor.force_flush()
    assert len(sink.spans) == 5


def test_spans_that_are_not_sampled_are_not_taken(sink):
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    processor = JournalProcessor(sink, destination="test")
    provider.add_span_processor(processor)
    end_spans(provider, 3)
    provider.shutdown()
    assert sink.spans == []
    assert processor.health().exported == 0


@pytest.mark.parametrize("level", ["structure", "content", "chunks"])
def test_the_journal_comes_with_the_span_at_the_level_of_the_processor(provider, attach, sink, level):
    processor = attach(sink, level=level)
    span = provider.get_tracer("t").start_span("run")
    context = span.get_span_context()
    journal.hand_over(context.trace_id, context.span_id, FakeJournal())
    span.end()
    journal.withdraw(context.trace_id, context.span_id)
    end_spans(provider, 1)
    assert processor.force_flush()
    assert [span.journal for span in sink.spans] == [f'{{"level":"{level}"}}', None]


def test_journals_are_asked_for_while_the_processor_lives(sink):
    before = journal.current_level()
    processor = JournalProcessor(sink, destination="test", level="chunks")
    assert journal.current_level() == journal.LEVELS["chunks"]
    processor.shutdown()
    assert journal.current_level() == before


def test_an_unknown_level_is_refused(sink):
    with pytest.raises(ValueError, match="structure"):
        JournalProcessor(sink, destination="test", level="all")


@pytest.mark.parametrize("error", [RuntimeError("disk on fire"), KeyboardInterrupt(), SystemExit(3)])
def test_a_raising_sink_is_counted_and_logged_once_and_the_worker_lives_on(provider, attach, sink, caplog, error):
    processor = attach(sink, delay_s=60)
    sink.error = error
    for _ in range(3):
        end_spans(provider, 2)
        assert not processor.force_flush()
    assert processor.health().failed == 6
    assert len(caplog.records) == 1
    assert "were not delivered to test" in caplog.text
    sink.error = None
    end_spans(provider, 2)
    assert processor.force_flush()
    assert (processor.health().exported, len(sink.spans)) == (2, 2)


def test_a_sink_may_say_that_only_some_spans_failed(provider, attach, sink):
    processor = attach(sink, delay_s=5)
    sink.error = DeliveryError("two were refused", failed_spans=2)
    end_spans(provider, 5)
    assert not processor.force_flush()
    assert (processor.health().exported, processor.health().failed) == (3, 2)
    assert processor.health().last_error == "DeliveryError: two were refused"
    assert processor.health().lost == 2


def test_one_span_that_cannot_be_read_takes_no_other_along(provider, attach, sink):
    class Broken:
        def text(self, level):
            raise ValueError("no text")

    processor = attach(sink)
    span = provider.get_tracer("t").start_span("bad")
    context = span.get_span_context()
    journal.hand_over(context.trace_id, context.span_id, Broken())
    span.end()
    journal.withdraw(context.trace_id, context.span_id)
    end_spans(provider, 2)
    processor.force_flush()
    assert (processor.health().exported, processor.health().failed) == (2, 1)


def test_a_flush_gives_up_when_its_time_is_over(provider, attach, sink):
    sink.gate = threading.Event()
    processor = attach(sink)
    end_spans(provider, 1)
    assert processor.force_flush(timeout_millis=30) is False
    assert processor.health().queued == 1
    sink.gate.set()
    assert processor.force_flush()
    assert len(sink.spans) == 1


def test_a_flush_before_any_span_has_nothing_to_wait_for(attach, sink):
    assert attach(sink).force_flush(0)


def test_a_program_is_never_held_up_by_a_hanging_sink(provider, attach, sink):
    sink.gate = threading.Event()
    processor = attach(sink, max_spans=100)
    end_spans(provider, 1)
    assert sink.entered.wait(30)
    end_spans(provider, 1000)
    assert processor.health().dropped == {"queue_full": 900}
    sink.gate.set()
    assert processor.force_flush()
    assert processor.health().exported == 101


def test_a_full_queue_gives_up_ordinary_spans_before_roots_and_failures(provider, attach, sink):
    sink.gate = threading.Event()
    processor = attach(sink, max_spans=4)
    tracer = provider.get_tracer("t")
    end_spans(provider, 1)
    assert sink.entered.wait(30)
    with tracer.start_as_current_span("root"):
        for at in range(6):
            with tracer.start_as_current_span(f"inner{at}"):
                pass
        failed = tracer.start_span("failed")
        failed.set_status(Status(StatusCode.ERROR))
        failed.end()
    sink.gate.set()
    assert processor.force_flush()
    assert [span.name for span in sink.spans] == ["s0", "inner0", "inner1", "failed", "root"]
    assert processor.health().dropped == {"queue_full": 4}


def test_a_shutdown_delivers_what_waits_and_closes_the_sink_once(provider, attach, sink):
    processor = attach(sink, delay_s=60)
    end_spans(provider, 3)
    processor.shutdown()
    processor.shutdown()
    provider.shutdown()
    assert (len(sink.spans), sink.closed) == (3, 1)
    assert processor.is_shut_down


def test_a_shutdown_without_any_span_closes_the_sink_too(attach, sink):
    attach(sink).shutdown()
    assert sink.closed == 1


def test_a_shutdown_gives_up_when_its_time_is_over_and_counts_what_is_left(provider, attach, sink):
    sink.gate = threading.Event()
    processor = attach(sink)
    end_spans(provider, 1)
    assert sink.entered.wait(30)
    end_spans(provider, 4)
    processor.shutdown(0.03)
    assert processor.health().dropped == {"shutdown_timeout": 4}
    sink.gate.set()


def test_spans_that_end_after_the_shutdown_are_counted(provider, attach, sink):
    processor = attach(sink)
    processor.shutdown()
    end_spans(provider, 2)
    assert processor.health().dropped == {"after_shutdown": 2}


def test_spans_of_many_threads_all_arrive(provider, attach, sink):
    processor = attach(sink)
    threads = [threading.Thread(target=end_spans, args=(provider, 500)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert processor.force_flush()
    assert len(sink.spans) == 4000


def test_a_span_may_end_inside_a_finaliser_at_any_moment(provider, attach, sink):
    """A finaliser that runs in the middle of `put` must find no lock held."""
    processor = attach(sink)

    class EndsInside:
        def __init__(self, span):
            self.span, self.me = span, self

        def __del__(self):
            self.span.end()

    tracer = provider.get_tracer("t")
    gc.set_threshold(1)
    try:
        for _ in range(200):
            EndsInside(tracer.start_span("gc"))
            tracer.start_span("plain").end()
    finally:
        gc.set_threshold(700, 10, 10)
    gc.collect()
    assert processor.force_flush()
    assert len(sink.spans) == 400


def test_a_processor_that_is_gone_leaves_nothing_behind(sink):
    processor = JournalProcessor(sink, destination="test")
    gone = weakref.ref(processor)
    processor.shutdown()
    del processor
    gc.collect()
    assert gone() is None


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_forked_child_exports_its_own_spans_and_none_of_its_parent(provider, attach, sink, tmp_path):
    sink.gate = threading.Event()
    processor = attach(sink)
    end_spans(provider, 3)
    assert sink.entered.wait(30)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            sink.gate = None
            provider.get_tracer("t").start_span("of the child").end()
            flushed = processor.force_flush()
            health = processor.health()
            names = [span.name for span in sink.spans]
            (tmp_path / "child").write_text(f"{flushed} {names} {health.exported} {health.queued}")
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (tmp_path / "child").read_text() == "True ['of the child'] 1 0"
    sink.gate.set()
    assert processor.force_flush()
    assert [span.name for span in sink.spans] == ["s0", "s1", "s2"]
    assert processor.health().exported == 3


def test_a_backlog_gives_items_back_in_order_whatever_their_worth():
    backlog: Backlog[int] = Backlog()
    for number in range(6):
        backlog.put(number, precious=number % 3 == 0)
    assert [backlog.take() for _ in range(7)] == [0, 1, 2, 3, 4, 5, None]


def test_a_backlog_full_of_roots_takes_no_more():
    backlog: Backlog[int] = Backlog(2)
    assert [backlog.put(number, precious=True) for number in range(3)] == [True, True, False]
    assert backlog.clear() == 2
