"""Trials on Ray Tune workers. Search decides and keeps the books, Tune only runs.

Ray's OptunaSearch is not used (a NaN leaves its trial running for ever, one incomplete report ends the search, a
stopped trial counts as complete), nor is Tuner.restore (a torn snapshot silently begins another experiment): a
resumed study is a new Tuner over the same records. Actors are reused, which saves most of Tune's time per trial.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import shutil
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import ray
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from frontier.driver.backends._share import packed, variables
from frontier.driver.backends._worker import run_here
from frontier.driver.cluster import alive, ask_each_node, environment, join, knock
from frontier.driver.node import gpus_gib
from frontier.driver.storage import STORAGE
from frontier.driver.study import Search
from frontier.driver.work import Work
from frontier.errors import BlockedError, FrontierError, InputError
from frontier.results.store import Study

RETRIES = 2  # a trial whose worker died is run this often again, from its checkpoints
WORDS = 300  # characters of a dead worker's last line
SLOW = "timed out during startup"  # in what Ray says when its processes take too long to start
STORE_BYTES = 100 * 2**20  # nothing of size travels through Ray: specs and records are files
SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    # Ray kills workers when a machine's memory is 95 % full, whoever filled it
    "RAY_memory_usage_threshold": "0.99",
}


def check(work: Work) -> None:
    """Raises BlockedError when a cluster on this machine could not carry one trial, or when another one does not answer
    or there is no token to join it with; what that one carries is known when it is joined."""
    if work.address is None:
        work = packed(work, () if work.gpu_gib is None else gpus_gib())
        _fitting(work, [_here(work)])
    else:
        knock(work.address)


def run(search: Search, work: Work) -> None:
    """Runs what is left of the study, `work.concurrency` trials at once or as many as the cluster can carry.

    Raises BlockedError at once when one trial asks for more than any node has: Tune would wait for ever. Raises
    InputError for a cluster of several hosts when the sampler's memory is a file of one.
    """
    if not search.remaining:
        return
    folder = search.scratch.resolve()
    forward = _Forward(search)
    with _environment(work), _cluster(work.address), _removed(folder):
        if not work.shared:
            _refuse_hosts(alive())
        if work.gpu_gib is not None:
            work = packed(work, _gpus_of_all_nodes())
        fitting = _fitting(work, [node["Resources"] for node in alive()])
        trainable = tune.with_parameters(run_here, work=_anywhere(work), study=_resolved(search.study))
        tune.Tuner(
            tune.with_resources(trainable, {"cpu": work.cpu, "gpu": work.gpu}),
            tune_config=tune.TuneConfig(
                search_alg=forward,
                num_samples=-1,  # until the search has nothing more to ask
                max_concurrent_trials=min(work.concurrency, fitting),
                reuse_actors=True,
                trial_dirname_creator=_dirname,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=str(folder),
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                callbacks=[_LastWords(forward)],
                verbose=0,
            ),
        ).fit()
    if forward.refusal:
        raise forward.refusal


@final
class _Forward(Searcher):
    """Forwards Tune's two questions, what next and how did it go, to a Search."""

    def __init__(self, search: Search) -> None:
        super().__init__()
        self._search = search
        self._running: dict[str, dict[str, Any]] = {}  # Tune's trial id -> what its worker was told
        self._again: list[dict[str, Any]] = []
        self._deaths: Counter[int] = Counter()  # of workers, by our number
        self.refusal: FrontierError | None = None

    def set_search_properties(self, metric: str | None, mode: str | None, config: dict[str, Any], **spec: Any) -> bool:
        return True

    def suggest(self, trial_id: str) -> Any:
        if self.refusal or self._search.stopped:
            return Searcher.FINISHED
        if self._running and not self._again and not self._search.ready:
            return None  # Tune asks again in a moment, and hears of results meanwhile
        config = self._again.pop(0) if self._again else self._asked()
        if config is not None:
            self._running[trial_id] = config
            return config
        # a worker that runs may die, and its trial is handed out again
        return None if self._running and not self.refusal else Searcher.FINISHED

    def _asked(self) -> dict[str, Any] | None:
        with self._refused_at_url():
            if asked := self._search.ask():
                return {"trial": asked.trial, "code_version": asked.code_version}
        return None

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if error:
            return  # _LastWords knows why
        trial = self._running.pop(trial_id)["trial"]
        if result and "blocked" in result:
            self.refusal = (BlockedError if result["blocked"] else InputError)(result["message"])
        else:
            with self._refused_at_url():
                if self._search.study.arrived(trial):
                    self._search.collect(trial)

    @contextlib.contextmanager
    def _refused_at_url(self) -> Iterator[None]:
        """What an object store refuses ends the search as a trial's refusal does; Tune would only print it."""
        try:
            yield
        except BlockedError as error:
            self.refusal = error

    def died(self, trial_id: str, times: int, reason: str) -> None:
        """The worker died, and Tune gives the trial up; it may do so too early: a worker that dies between two trials,
        while it is made ready for the second one, is not replaced. Then the trial is handed out again."""
        config = self._running.pop(trial_id)
        trial = config["trial"]
        self._deaths[trial] += times
        if self._deaths[trial] <= RETRIES:
            self._again.append(config)
        else:
            self._search.give_up(trial, f"worker died ({self._deaths[trial]} times): {reason}")

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the records and the study are on disk already."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore: a resumed study is a new Tuner."""

    def __getstate__(self) -> dict[str, Any]:
        return {}  # Tune pickles its configuration, for a restore that is never asked for


@final
class _LastWords(tune.Callback):
    """Tells why a trial's worker is gone for good; a searcher is only told that it is."""

    def __init__(self, forward: _Forward) -> None:
        self._forward = forward

    def on_trial_error(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        log = ""
        with contextlib.suppress(OSError):  # on a full disk there is none
            log = Path(trial.error_file).read_text(encoding="utf-8") if trial.error_file else ""
        words = next((line for line in reversed(log.splitlines()) if line.strip()), "no reason given")
        self._forward.died(trial.trial_id, trial.num_failures, words.strip()[:WORDS])


def _dirname(trial: Trial) -> str:
    return str(trial.trial_id)


def _here(work: Work) -> dict[str, float]:
    """What this machine lends to our processes; its GPUs are counted only if a trial asks for one."""
    resources: dict[str, float] = {"CPU": len(os.sched_getaffinity(0))}
    if work.gpu:
        import torch

        resources["GPU"] = torch.cuda.device_count()
    return resources


def _fitting(work: Work, nodes: Sequence[Mapping[str, float]]) -> int:
    """How many trials the nodes carry at once. Raises BlockedError when it is none."""
    fitting = 0
    for node in nodes:
        shares = [node.get("CPU", 0) / work.cpu] if work.cpu else []
        shares += [node.get("GPU", 0) / work.gpu] if work.gpu else []
        fitting += int(min(shares, default=work.concurrency) + 1e-9)
    if not fitting:
        cpus, gpus = (max((node.get(kind, 0) for node in nodes), default=0) for kind in ("CPU", "GPU"))
        raise BlockedError(
            f"a trial asks for {work.cpu:g} CPU and {work.gpu:g} GPU, and the largest node has {cpus:g} and {gpus:g}; "
            "lower the resources of the space, or start the search where there are more"
        )
    return fitting


def _gpus_of_all_nodes() -> list[float]:
    """Raises BlockedError for a node that does not say what it has."""
    found = ask_each_node(gpus_gib)
    if silent := [f"{node}: {answer}" for node, answer in found.items() if isinstance(answer, Exception)]:
        raise BlockedError("not every node says what its GPUs are: " + "; ".join(silent))
    return [gib for answer in found.values() for gib in answer]


def _refuse_hosts(nodes: Sequence[Mapping[str, Any]]) -> None:
    """Raises InputError where the nodes lie on several hosts."""
    hosts = sorted({str(node["NodeManagerAddress"]) for node in nodes})
    if len(hosts) > 1:
        raise InputError(
            f"the cluster has several hosts ({', '.join(hosts)}), and the sampler's memory is a file of one (SQLite)",
            where="--address",
            expected="PostgreSQL for the sampler's memory, or a cluster of one host",
            fix="go on with --resume --storage postgresql://USER:PASSWORD@HOST/DATABASE",
        )


@contextlib.contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """A cluster of our own on this machine, or a connection to the one that was named; never one found by chance."""
    if ray.is_initialized():
        raise InputError("Ray is already in use in this process", fix="call ray.shutdown() first")
    with tempfile.TemporaryDirectory(prefix="frontier-", ignore_cleanup_errors=True) as temporary:
        try:
            with _own_signals():
                if address is None:
                    _start(temporary)
                else:
                    join(address)
            yield
        finally:
            ray.shutdown()


def _start(temporary: str) -> None:
    """Raises BlockedError where this machine is too busy: Ray gives its processes half a minute."""
    try:
        ray.init(
            address="local",
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            object_store_memory=STORE_BYTES,
            _temp_dir=temporary,
        )
    except Exception as error:
        if SLOW in str(error):  # Ray raises a bare Exception
            raise BlockedError(
                "Ray did not start within 30 s, so this machine is very busy\n"
                "  to do: try again when it is less so, or search with --backend inline"
            ) from error
        raise


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Ray's core puts a handler of its own in the place of ours for SIGTERM, which prints a stack and ends the process:
    ours comes back."""
    ours = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, ours)


def _environment(work: Work) -> contextlib.AbstractContextManager[None]:
    """Ray reads its settings from the environment, and so do the thread pools of the workers that it starts."""
    own = {key: os.environ[key] for key in SETTINGS if key in os.environ}
    # no worker needs the password of the database
    return environment(SETTINGS | own | variables(work), without=(STORAGE,))


@contextlib.contextmanager
def _removed(folder: Path) -> Iterator[None]:
    """Tune's own files, gone before (a crash may have left some) and after."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _resolved(study: Study) -> Study:
    return Study(study.home.resolve(), study.name)


def _anywhere(work: Work) -> Work:
    """The work with absolute paths, so that a worker may have another working directory."""
    data = work.runtime.data
    runtime = dataclasses.replace(work.runtime, home=work.runtime.home.resolve(), data=data and data.resolve())
    return dataclasses.replace(work, runtime=runtime, recorded=())
