"""A bundle: one linearized network as files that anybody can load: mask, weights, manifest. No pickle."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from frontier.data._dataset import Dataset
from frontier.errors import InputError, VerificationError
from frontier.files import writable, write_atomic
from frontier.masks.file import load as load_mask
from frontier.masks.mask import Mask
from frontier.nn.gates import FrozenGate
from frontier.nn.network import Classifier, backbone, build
from frontier.nn.sites import Site
from frontier.nn.surgery import gate, mask_of, set_mask
from frontier.results.record import TrialRecord
from frontier.results.spec import NetworkSpec
from frontier.trial.manifest import MANIFEST, MASK, WEIGHTS, Manifest, read_manifest

PROBES = 64  # images of the reload check


def save_weights(model: Classifier, path: Path) -> None:
    """All parameters and buffers but the masks, which have a file of their own."""
    masks = {f"body.{site}.kept" for site, _ in mask_of(model.body).sites}
    state = {name: value.cpu().contiguous() for name, value in model.state_dict().items() if name not in masks}
    write_atomic(path, save(state))


def assemble(
    network: NetworkSpec,
    image: tuple[int, int, int],
    classes: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    folder: Path,
    mask_file: str,
    weights_file: str,
) -> Classifier:
    """The network of a mask file and a weights file, in eval mode. Raises InputError where they do not fit."""
    outer = backbone(network.name).outer
    plain = build(network.name, image, classes, sites=network.sites, options=network.options)
    mask = load_mask(folder / mask_file)
    path = folder / weights_file
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"cannot read the weights ({error})", where=str(path), expected="a safetensors file") from None
    body = set_mask(gate(plain, image, _blank, outer=outer), mask, _coefficients(mask, state))
    model = Classifier(body, mean, std)
    masks = {f"body.{site}.kept" for site, _ in mask_of(body).sites}
    expected = {name: value.shape for name, value in model.state_dict().items() if name not in masks}
    found = {name: value.shape for name, value in state.items()}
    if expected != found:
        wrong = min(set(expected.items()) ^ set(found.items()), key=str)[0]
        raise InputError(
            f"the weights do not fit the network at '{wrong}'",
            where=str(path),
            expected=str(expected.get(wrong, "no such tensor")),
            got=str(found.get(wrong, "no such tensor")),
        )
    model.load_state_dict(state, strict=False)
    return model.eval()


def load(folder: Path | str) -> Classifier:
    """A bundle's network in eval mode: pixels (B, C, H, W) in [0, 1] -> logits. Files are checked by hash.

    Nothing is unpickled, but the network's code is not in the bundle: a manifest that names a plug-in or
    `pkg.module:factory` makes this import that module, which must be on this machine (PYTHONPATH, `frontier.plug_in`).
    Load such a bundle only from where you would take a module from.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest.sha256 != {name: _sha256(folder / name) for name in (MASK, WEIGHTS)}:
        raise VerificationError(f"{folder}: mask or weights are not the files that the manifest describes")
    model = assemble(
        manifest.network, manifest.image, manifest.classes, manifest.mean, manifest.std, folder, MASK, WEIGHTS
    )
    mask = mask_of(model.body)
    if (mask.hash, mask.count) != (manifest.mask_hash, manifest.relu_count):
        raise VerificationError(f"{folder}: the mask is not the one that the manifest describes")
    return model


def trained_again(folder: Path) -> str:
    """What somebody can do who wants the network of a trial whose weights are gone."""
    again = f"frontier trial {folder / 'record.json'} --out FOLDER"
    return f"train it again and export that: {again}, then frontier export --from FOLDER --out BUNDLE"


def export(record: TrialRecord, folder: Path, out: Path, *, study: str, point: int, data: Dataset) -> Manifest:
    """Write the bundle of one point of a trial to the new folder `out`, reload it and compare logits.

    `folder` is the trial's, `data` the data set (image, classes, mean, std). Raises InputError if the weights
    were not kept or `out` is not empty, VerificationError if the reloaded network differs in one bit.
    """
    found = record.points[point]
    trial = record.trial if record.trial is not None else 0
    if found.weights is None or not (folder / found.weights).is_file():
        raise InputError(
            f"the weights of trial {trial} were not kept",
            where=str(folder),
            expected="a trial on the front (keep: front), or a study run with --keep all",
            fix=trained_again(folder),
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            "exists and is not empty",
            where=str(out),
            expected="a new or an empty folder",
            fix="give another one with --out",
        )
    network = found.network or record.spec.network
    common = (network, data.image, data.classes, data.mean, data.std)
    original = assemble(*common, folder, found.mask.file, found.weights)
    writable(out.parent, "--out")
    aside = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        shutil.copyfile(folder / found.mask.file, aside / MASK)
        shutil.copyfile(folder / found.weights, aside / WEIGHTS)
        manifest = Manifest(
            study=study,
            trial=trial,
            point=point,
            network=network,
            image=data.image,
            classes=data.classes,
            mean=data.mean,
            std=data.std,
            relu_count=found.relu_count,
            mask_hash=found.mask.hash,
            sha256={name: _sha256(aside / name) for name in (MASK, WEIGHTS)},
            results=found,
            spec=record.spec,
            origin=record.origin.model_dump(mode="json"),
        )
        write_atomic(aside / MANIFEST, manifest.model_dump_json(indent=1) + "\n")
        pixels = torch.rand(PROBES, *data.image, generator=torch.Generator().manual_seed(0))
        reloaded = load(aside)
        with torch.inference_mode():
            if not _same(original(pixels), reloaded(pixels)):
                raise VerificationError("the exported network does not give the same logits; nothing was written")
        aside.chmod(0o755)
        if out.exists():
            out.rmdir()
        aside.rename(out)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return manifest


def _coefficients(mask: Mask, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The polynomial surrogates among the weights, by site; sites without one have the identity."""
    named = {path: f"body.{path}.coefficients" for path, _ in mask.sites}
    found = {path: state[name] for path, name in named.items() if name in state}
    for path, shape in mask.sites:
        if path in found and (found[path].ndim != 2 or found[path].shape[1] != shape[0]):
            got = tuple(found[path].shape)
            raise InputError(
                "not a surrogate's coefficients", where=path, expected=f"(degree + 1, {shape[0]})", got=got
            )
    return found


def _blank(site: Site) -> FrozenGate:
    """A gate whose mask is about to be set."""
    return FrozenGate(torch.zeros(site.shape, dtype=torch.bool))


def _same(one: Tensor, other: Tensor) -> bool:
    """In every bit; polynomials overflow on noise, so that both may be NaN at the same place."""
    return torch.equal(one.isnan(), other.isnan()) and torch.equal(one[~one.isnan()], other[~other.isnan()])


def _sha256(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"cannot read the file ({error.strerror})", where=str(path), expected="a whole bundle"
        ) from None
