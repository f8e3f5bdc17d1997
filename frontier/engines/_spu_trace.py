"""What SPU's logs tell: the messages that a party sent and awaited, in order, and their bytes; rounds follow from both.

A party's messages are a text of steps and how often each comes: `S` sends, `R` receives, `X` sends and then receives.
"""

from __future__ import annotations

import itertools
import re
from collections import deque

MESSAGE = re.compile(rb"\[spu link\] key=[^,]*?:(?:(\d)->\d|(ALLGATHER)), tag=")
ANY = re.compile(rb"\[spu link\] key=")
BYTES = re.compile(rb"Link details: total send bytes (\d+), recv bytes (\d+),")
STEP = re.compile(r"([SRX])(\d+)")


def steps(trace: bytes, rank: int) -> str:
    """The steps in a party's part of the trace. Raises ValueError for an event that is no message between the two."""
    found = [b"X" if together else (b"S" if int(sender) == rank else b"R") for sender, together in _messages(trace)]
    return "".join(f"{step.decode()}{sum(1 for _ in same)}" for step, same in itertools.groupby(found))


def _messages(trace: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = MESSAGE.findall(trace)
    if len(found) != len(ANY.findall(trace)):
        raise ValueError("SPU's trace holds an event that is not known")
    return found


def bytes_of(log: bytes) -> tuple[int, int]:
    """Bytes sent and received, summed over the calls that a log tells of."""
    found = BYTES.findall(log)
    return sum(int(sent) for sent, _ in found), sum(int(received) for _, received in found)


def rounds(client: str, server: str) -> int:
    """How often somebody has to wait for the other, one way each, until both are through: the longest chain of
    messages that depend on each other. Raises ValueError where the two do not belong together."""
    todo = [deque(_expanded(client)), deque(_expanded(server))]
    under_way: list[deque[int]] = [deque(), deque()]  # when the messages of each were sent
    at = [0, 0]
    progress = True
    while progress:
        progress = False
        for party in (0, 1):
            while todo[party] and _does(todo[party], under_way[party], under_way[1 - party], at, party):
                progress = True
    if any(todo) or any(under_way):
        raise ValueError("the two parties' messages do not belong together")
    return max(at)


def _does(todo: deque[str], mine: deque[int], theirs: deque[int], at: list[int], party: int) -> bool:
    """The party's next step, or its first half. False where it has to wait."""
    step = todo.popleft()
    if step in "SX":
        mine.append(at[party])
        if step == "X":
            todo.appendleft("R")
        return True
    if not theirs:
        todo.appendleft(step)
        return False
    at[party] = max(at[party], theirs.popleft() + 1)
    return True


def _expanded(text: str) -> list[str]:
    return [step for step, count in STEP.findall(text) for _ in range(int(count))]
