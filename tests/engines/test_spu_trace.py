"""SPU's logs as bytes and rounds: what waits is the longest chain of messages that depend on each other."""

from __future__ import annotations

import pytest

from frontier.engines._spu_trace import bytes_of, rounds, steps

LINE = b"[2026-11-21 23:35:22.844] [trace] [info] [logging.cc:40] [spu link] key=%s, tag=%s, value=\n"


def trace(*keys: bytes) -> bytes:
    return b"".join(LINE % (key, b"a,tag=\xff key=:1:ALLGATHER") for key in keys)


def test_a_message_is_sent_by_the_one_and_received_by_the_other() -> None:
    text = trace(b"root-1:P2P-1:1->0", b"root-1:P2P-2:1->0", b"root:5:ALLGATHER", b"root-1:P2P-1:0->1")
    assert (steps(text, 0), steps(text, 1)) == ("R2X1S1", "S2X1R1")
    assert steps(b"something else\n", 0) == ""


def test_an_event_that_is_not_known_is_said() -> None:
    with pytest.raises(ValueError, match="an event that is not known"):
        steps(trace(b"root:5:BROADCAST"), 0)


@pytest.mark.parametrize(
    ("client", "server", "expected"),
    [
        ("", "", 0),
        ("S1", "R1", 1),
        ("X1", "X1", 1),  # both at once
        ("S1281", "R1281", 1),  # a burst is waited for once
        ("S1R1", "R1S1", 2),
        ("X17", "X17", 17),
        ("R1S2R1", "S1R2S1", 3),
        ("R1S1X17R1S2R1", "S1R1X17S1R2S1", 21),
    ],
)
def test_rounds_are_the_longest_chain(client: str, server: str, expected: int) -> None:
    assert rounds(client, server) == rounds(server, client) == expected


@pytest.mark.parametrize(("client", "server"), [("S1", ""), ("R1", "R1"), ("S2", "R1"), ("X1", "S1")])
def test_messages_that_do_not_belong_together_are_refused(client: str, server: str) -> None:
    with pytest.raises(ValueError, match="do not belong together"):
        rounds(client, server)


def test_bytes_are_summed_over_the_calls_of_a_log() -> None:
    line = b"[api.cc:233] Link details: total send bytes %d, recv bytes %d, send actions 20, recv actions 20\n"
    assert bytes_of(line % (77304, 21304) + b"something else\n" + line % (1, 2)) == (77305, 21306)
    assert bytes_of(b"") == (0, 0)
