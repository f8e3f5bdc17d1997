"""One party of SPU's CHEETAH (Huang et al., USENIX Security 2022) in a ring of 64 bits, on shares from outside.

SPU stores a secret as the party's additive share: int64 numbers that add up to the encoded value. So a party's own
share is set as SPU's, without anything being revealed or dealt, and taken out again after the call.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from frontier.engines._spu_import import library
from frontier.engines._spu_trace import bytes_of, steps

SHARE = "cheetah.AShr<FM64>"
WORD_BYTES = 8
WAIT_MS = 120_000  # for a message; that the other party is alive is seen to elsewhere
RETRIES, RETRY_MS = 50, 100  # until the other party listens
ENDLESS = 1 << 50  # bytes of a log before SPU begins another one
Answer = tuple[dict[str, Any], bytes]


@dataclass(frozen=True)
class Program:
    """A gate compiled, and for each input what SPU calls a share of that shape."""

    executable: Any
    inputs: tuple[tuple[str, bytes], ...]
    outputs: tuple[str, ...]


class Party:
    """SPU's library answers requests: `link`, then `run` as often as wanted, `begin` and `counts` around them."""

    def __init__(self) -> None:
        self._library = library()
        self._log, self._trace = self._logs()
        self._programs: dict[tuple[int, int], Program] = {}
        self._ends: list[int] = []  # of the calls, in the trace

    def asked(self, message: dict[str, Any], raw: bytes) -> Answer:
        """What is answered. Raises whatever the library does."""
        match message["do"]:
            case "link":
                self._link(message["rank"], message["parties"], message["fraction_bits"])
                return {}, b""
            case "prepare":
                self._program(message["relus"], message["squares"])
                return {}, b""
            case "run":
                return {}, self._run(message["relus"], message["squares"], raw)
            case "begin":
                self._read(self._log), self._read(self._trace)
                self._ends = []
                self._began_s = time.process_time()
                return {}, b""
            case "counts":
                cpu_s = time.process_time() - self._began_s
                sent, received = bytes_of(self._read(self._log))
                return {"cpu_s": cpu_s, "sent_bytes": sent, "received_bytes": received, "calls": self._calls()}, b""
        raise ValueError(message)

    def _link(self, rank: int, parties: list[str], fraction_bits: int) -> None:
        """Joined to the other party, which has to do the same meanwhile."""
        link = self._library.link
        described = link.Desc()
        for name, address in zip(("client", "server"), parties, strict=True):
            described.add_party(name, address)
        described.connect_retry_times, described.connect_retry_interval_ms = RETRIES, RETRY_MS
        described.recv_timeout_ms = WAIT_MS
        described.throttle_window_size = 0  # or else every tenth message waits for an answer to the first
        asked = {
            "protocol": "CHEETAH",
            "field": "FM64",
            "fxp_fraction_bits": fraction_bits,
            "max_concurrency": 1,
            "enable_pphlo_profile": True,  # which is what writes the bytes of every call into the log
            "cheetah_2pc_config": {"ot_kind": "YACL_Ferret"},
        }
        config = self._library.RuntimeConfig()
        if not config.ParseFromJsonString(json.dumps(asked)):
            raise ValueError(f"SPU does not take {asked}")
        self._rank, self._io = rank, self._library.IoWrapper(2, config)
        self._context = link.create_brpc(described, rank)
        self._runtime = self._library.RuntimeWrapper(self._context, config)

    def _run(self, relus: int, squares: int, raw: bytes) -> bytes:
        """Shares of x -> of relu(x) and of x^2, truncated; `raw` holds those of the ReLUs first."""
        program, start = self._program(relus, squares), 0
        for name, meta in program.inputs:
            size = (relus if name == "r" else squares) * WORD_BYTES
            self._runtime.SetVar(name, self._share(meta, raw[start : start + size]))
            start += size
        self._runtime.Run(program.executable)
        found = b"".join(self._content(self._runtime.GetVar(name)) for name in program.outputs)
        for name in (*(name for name, _ in program.inputs), *program.outputs):
            self._runtime.DelVar(name)
        _flush()
        self._ends.append(os.fstat(self._trace.fileno()).st_size)
        return found

    def _calls(self) -> list[str]:
        """The steps of every call since the beginning."""
        trace = self._read(self._trace)
        return [steps(trace[start:end], self._rank) for start, end in itertools.pairwise([0, *self._ends])]

    def _program(self, relus: int, squares: int) -> Program:
        if (relus, squares) not in self._programs:
            library, sizes = self._library, {name: n for name, n in (("r", relus), ("s", squares)) if n}
            source = library.CompilationSource()
            source.ir_type = library.SourceIRType.STABLEHLO
            source.ir_txt = _stablehlo(sizes).encode()
            source.input_visibility = [library.Visibility.VIS_SECRET] * len(sizes)
            executable = library.Executable()
            executable.name = "gate"
            executable.input_names = list(sizes)
            executable.output_names = [f"{name}_out" for name in sizes]
            executable.code = library.compile(source, library.CompilerOptions())
            inputs = tuple((name, self._meta(size)) for name, size in sizes.items())
            self._programs[relus, squares] = Program(executable, inputs, tuple(executable.output_names))
        return self._programs[relus, squares]

    def _meta(self, size: int) -> bytes:
        """How SPU describes a share of so many numbers; an owner would make it a value that needs no protocol."""
        secret = self._library.Visibility.VIS_SECRET
        meta: bytes = self._io.MakeShares(np.zeros(size, np.float32), secret, -1)[self._rank].meta
        self._checked(meta)
        return meta

    def _checked(self, meta: bytes) -> None:
        described = self._library.ValueMeta()
        if not described.ParseFromString(meta) or described.storage_type != SHARE:
            raise ValueError(f"SPU holds {described.storage_type} where {SHARE} was to be")

    def _share(self, meta: bytes, words: bytes) -> Any:
        chunk = self._library.ValueChunk()
        chunk.total_bytes, chunk.chunk_offset, chunk.content = len(words), 0, words
        share = self._library.Share()
        share.meta, share.share_chunks = meta, [chunk.SerializeToString()]
        return share

    def _content(self, share: Any) -> bytes:
        self._checked(share.meta)
        found = b""
        for part in share.share_chunks:
            chunk = self._library.ValueChunk()
            chunk.ParseFromString(part)
            if chunk.chunk_offset != len(found):
                raise ValueError("SPU hands out a share in disorder")
            found += chunk.content
        return found

    def _logs(self) -> tuple[BinaryIO, BinaryIO]:
        """SPU's two logs, open to be read; their names are gone at once, so that nothing stays behind."""
        with tempfile.TemporaryDirectory() as folder:
            log, trace = Path(folder, "log"), Path(folder, "trace")
            options = self._library.logging.LogOptions()
            options.enable_console_logger = False
            options.system_log_path, options.trace_log_path = str(log), str(trace)
            options.max_log_file_size, options.trace_content_length = ENDLESS, 0
            self._library.logging.setup_logging(options)
            return log.open("r+b"), trace.open("r+b")

    def _read(self, log: BinaryIO) -> bytes:
        """What is new in a log, which is empty afterwards."""
        _flush()
        found = log.read()
        os.ftruncate(log.fileno(), 0)
        log.seek(0)
        return found


def _flush() -> None:
    ctypes.CDLL(None).fflush(None)  # SPU writes its logs through C's streams


def _stablehlo(sizes: dict[str, int]) -> str:
    """relu(r) and s^2 of vectors of these sizes, as a program."""
    kinds = {name: f"tensor<{size}xf32>" for name, size in sizes.items()}
    body = {
        "r": "%zero = stablehlo.constant dense<0.0> : {0}\n%a = stablehlo.maximum %r, %zero : {0}",
        "s": "%b = stablehlo.multiply %s, %s : {0}",
    }
    given = ", ".join(f"%{name}: {kind}" for name, kind in kinds.items())
    lines = "\n".join(body[name].format(kind) for name, kind in kinds.items())
    results = ", ".join({"r": "%a", "s": "%b"}[name] for name in kinds)
    types = ", ".join(kinds.values())
    return f"module {{ func.func @main({given}) -> ({types}) {{\n{lines}\nreturn {results} : {types} }} }}"
