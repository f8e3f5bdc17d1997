"""Norm branches: shared weights, separate norms, and a plain network to be deployed."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from frontier.errors import InputError
from frontier.nn.branches import BranchNorm, branched, is_branched, served, use
from frontier.nn.gates import FrozenGate
from frontier.nn.network import Classifier, build
from frontier.nn.surgery import gate, gates, mask_of
from frontier.nn.surrogates import dapa

IMAGE = (3, 16, 16)
BRANCHES = ("clean", "adversarial")


def plain(name: str = "resnet18", **options: int) -> Classifier:
    torch.manual_seed(0)
    body = build(name, IMAGE, 4, options=options or {"width": 4})
    model = Classifier(body, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2))
    pixels = torch.rand(8, *IMAGE)
    model.train()(pixels)  # running statistics that are not those of a fresh network
    return model


def norms(model: nn.Module, branch: str) -> list[nn.BatchNorm2d]:
    found = [module.norms[branch] for module in model.modules() if isinstance(module, BranchNorm)]
    return [norm for norm in found if isinstance(norm, nn.BatchNorm2d)]


def values(model: nn.Module, branch: str) -> list[torch.Tensor]:
    return [value.clone() for norm in norms(model, branch) for value in norm.state_dict().values()]


def equal(left: list[torch.Tensor], right: list[torch.Tensor]) -> bool:
    return len(left) == len(right) > 0 and all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize(("used", "idle"), [BRANCHES, BRANCHES[::-1]])
def test_r1_a_pass_through_one_branch_leaves_the_other_untouched(used: str, idle: str) -> None:
    model = branched(plain(), BRANCHES).train()
    before = {branch: values(model, branch) for branch in BRANCHES}
    use(model, used)
    model(torch.rand(8, *IMAGE)).square().sum().backward()
    assert equal(values(model, idle), before[idle])
    assert not equal(values(model, used), before[used])
    assert all(p.grad is None for norm in norms(model, idle) for p in norm.parameters())
    assert all(p.grad is not None for norm in norms(model, used) for p in norm.parameters())


def test_r1_weights_and_masks_are_the_same_objects_for_both_branches() -> None:
    body = gate(plain().body, IMAGE, FrozenGate.at)
    model = branched(plain().around(body), BRANCHES)
    shared = []
    for branch in BRANCHES:
        use(model, branch)
        convolutions = [id(m.weight) for m in model.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        shared.append((convolutions, [id(found.kept) for found in gates(model.body).values()]))  # type: ignore[arg-type]
    assert shared[0] == shared[1]
    assert len(shared[0][0]) > 0
    assert len(shared[0][1]) == 17


def test_r1_each_norm_costs_2c_parameters_more_shortcuts_included() -> None:
    original = plain()
    channels = sum(m.num_features for m in original.modules() if isinstance(m, nn.BatchNorm2d))
    model = branched(original, BRANCHES)
    count = [sum(p.numel() for p in net.parameters()) for net in (original, model)]
    assert count[1] - count[0] == 2 * channels
    assert isinstance(model.get_submodule("body.layer2.0.shortcut.1"), BranchNorm)


def test_branches_start_as_copies() -> None:
    original = plain().eval()
    model = branched(original, BRANCHES)
    pixels = torch.rand(4, *IMAGE)
    assert not any(module.training for module in model.modules())
    for branch in BRANCHES:
        use(model, branch)
        assert torch.equal(model(pixels), original(pixels))
    assert not is_branched(original)


def test_a_norm_without_a_trained_scale_stays_one() -> None:
    model = branched(plain("airnet", width1=4, width2=4, width3=4), BRANCHES)
    assert len(norms(model, "clean")) == 6
    for branch in BRANCHES:
        assert {norm.weight.requires_grad for norm in norms(model, branch)} == {False}
        assert {norm.bias.requires_grad for norm in norms(model, branch)} == {True}


@pytest.mark.parametrize("branch", BRANCHES)
def test_what_is_served_is_a_plain_network(branch: str) -> None:
    original = plain()
    model = branched(original, BRANCHES).train()
    for at, name in enumerate(BRANCHES):  # let them differ
        use(model, name)
        model(torch.rand(8, *IMAGE) * (at + 1) / 2)
    done = served(model.eval(), branch)
    pixels = torch.rand(4, *IMAGE)
    use(model, branch)
    assert torch.equal(done(pixels), model(pixels))
    assert list(done.state_dict()) == list(original.state_dict())
    assert is_branched(model)
    assert not is_branched(done)
    use(model, BRANCHES[1 - BRANCHES.index(branch)])
    assert not torch.equal(done(pixels), model(pixels))
    with torch.no_grad():
        next(done.parameters()).add_(1)
    assert not torch.equal(next(done.parameters()), next(model.parameters()))


class Functional(nn.Module):
    """A network whose ReLU is a function, so that surgery has to trace it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.norm(self.conv(x)))
        logits: torch.Tensor = self.head(x.mean(dim=(2, 3)))
        return logits


def test_gates_first_then_branches_on_a_network_that_had_to_be_traced() -> None:
    torch.manual_seed(0)
    original = Classifier(Functional(), (0.5,) * 3, (0.2,) * 3).eval()
    gated = original.around(gate(original.body, IMAGE, FrozenGate.at)).eval()
    model = branched(gated, BRANCHES)
    pixels = torch.rand(4, *IMAGE)
    assert torch.equal(model(pixels), original(pixels))
    assert mask_of(served(model, "clean").body).count == 4 * 16 * 16
    model.train()
    use(model, "adversarial")
    model(pixels)
    done = served(model.eval(), "adversarial")
    assert torch.equal(done(pixels), model(pixels))
    assert not torch.equal(done(pixels), served(model, "clean")(pixels))
    assert not is_branched(done)


def test_a_norm_that_stands_at_two_paths_stays_one() -> None:
    body = Functional()
    body.add_module("again", body.norm)
    model = branched(Classifier(body, (0.5,) * 3, (0.2,) * 3), BRANCHES)
    assert model.get_submodule("body.norm") is model.get_submodule("body.again")
    done = served(model, "adversarial")
    assert done.get_submodule("body.norm") is done.get_submodule("body.again")
    assert list(done.body.state_dict()) == list(body.state_dict())


def test_coefficients_of_surrogates_are_shared() -> None:
    def polynomial(site: object) -> FrozenGate:
        shape: tuple[int, ...] = getattr(site, "shape")  # noqa: B009
        return FrozenGate(torch.zeros(shape).bool(), dapa(torch.zeros(shape[0]), torch.ones(shape[0]), 2))

    model = branched(plain().around(gate(plain().body, IMAGE, polynomial)), BRANCHES)
    assert sum(name.endswith("coefficients") for name, _ in model.named_parameters()) == 17


def test_an_unknown_branch_is_named() -> None:
    with pytest.raises(InputError, match="clean or adversarial"):
        use(branched(plain(), BRANCHES), "corrupted")


def test_a_compiled_network_follows_the_switch() -> None:
    model = branched(plain("tinynet", width=2), BRANCHES).train()
    use(model, "adversarial")
    model(torch.rand(8, *IMAGE) / 2)
    model.eval()
    compiled = torch.compile(model, backend="eager", fullgraph=True)
    pixels = torch.rand(4, *IMAGE)
    answers = {}
    for branch in (*BRANCHES, *BRANCHES):
        use(model, branch)
        answers[branch] = compiled(pixels)
        assert torch.equal(answers[branch], served(model, branch)(pixels))
    assert not torch.equal(answers["clean"], answers["adversarial"])
