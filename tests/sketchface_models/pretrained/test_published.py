"""Networks whose weights others publish: layouts, forward passes, and files that are not right."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from made_published import (
    ALEXNET_LAYOUT,
    ALEXNET_MAPS,
    VGG16_MAPS,
    VGG_WIDTHS,
    compact_weights,
    inception_layout,
    linear_layout,
    random_weights,
    vgg_layout,
)
from torch import Tensor, nn

from sketchface_models.errors import SketchFaceError
from sketchface_models.losses import perceptual as perceptual_module
from sketchface_models.losses.perceptual import VGGLoss
from sketchface_models.metrics import inception_features as inception_module
from sketchface_models.metrics import lpips as lpips_module
from sketchface_models.metrics.inception_features import InceptionFeatures
from sketchface_models.metrics.lpips import LPIPS, LinearLayers
from sketchface_models.networks.imagenet import VGG, AlexNet
from sketchface_models.networks.inception import Inception
from sketchface_models.pretrained import published
from sketchface_models.pretrained.published import Published, load_published

USERS = (perceptual_module, inception_module, lpips_module)
"""Modules that name a public file."""


def shapes_of(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize(
    ("network", "layout", "parameters"),
    [
        (Inception, inception_layout(), 23_850_960),
        (AlexNet, ALEXNET_LAYOUT, 61_100_840),
        (lambda: VGG(16), vgg_layout(16), 138_357_544),
        (lambda: VGG(19, 1), vgg_layout(19), 143_667_240),
    ],
    ids=["inception", "alexnet", "vgg16", "vgg19"],
)
def test_every_key_and_shape_is_the_published_one(network, layout, parameters) -> None:
    with torch.device("meta"):
        made = network()
    assert shapes_of(made) == layout
    assert sum(p.numel() for p in made.parameters()) == parameters


@pytest.mark.parametrize(("backbone", "widths"), [("alex", ALEXNET_MAPS), ("vgg", VGG16_MAPS)])
def test_linear_layers_have_the_published_names(backbone: str, widths: tuple[int, ...]) -> None:
    assert shapes_of(LinearLayers(backbone)) == linear_layout(widths)


class Reference:
    """Inception-v3 once more, as functions of its weights (Szegedy et al. 2016, Table 1)."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.w = weights

    def conv(self, name: str, x: Tensor, stride: int = 1, same: bool = True) -> Tensor:
        weight = self.w[f"{name}.conv.weight"]
        padding = [side // 2 if same else 0 for side in weight.shape[2:]]
        x = F.conv2d(x, weight, stride=stride, padding=padding)
        mean, var, gamma, beta = (
            self.w[f"{name}.bn.{key}"][:, None, None]
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        return ((x - mean) / (var + 0.001).sqrt() * gamma + beta).clamp(min=0)

    def chain(self, block: str, branch: str, x: Tensor, count: int) -> Tensor:
        for index in range(1, count + 1):
            x = self.conv(f"{block}.{branch}_{index}", x)
        return x

    def mean3(self, x: Tensor) -> Tensor:
        ones = torch.ones_like(x[:1, :1])
        box = torch.ones(1, 1, 3, 3)
        sums = F.conv2d(x.flatten(0, 1)[:, None], box, padding=1).view_as(x)
        return sums / F.conv2d(ones, box, padding=1)

    def __call__(self, x: Tensor) -> Tensor:
        c = self.conv
        x = c("Conv2d_1a_3x3", x, 2, same=False)
        x = c("Conv2d_2b_3x3", c("Conv2d_2a_3x3", x, same=False))
        x = F.max_pool2d(x, 3, 2)
        x = F.max_pool2d(c("Conv2d_4a_3x3", c("Conv2d_3b_1x1", x), same=False), 3, 2)
        for b in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
            pooled = c(f"{b}.branch_pool", self.mean3(x))
            double = self.chain(b, "branch3x3dbl", x, 3)
            five = self.chain(b, "branch5x5", x, 2)
            x = torch.cat([c(f"{b}.branch1x1", x), five, double, pooled], 1)
        b = "Mixed_6a"
        double = c(f"{b}.branch3x3dbl_3", self.chain(b, "branch3x3dbl", x, 2), 2, same=False)
        three = c(f"{b}.branch3x3", x, 2, same=False)
        x = torch.cat([three, double, F.max_pool2d(x, 3, 2)], 1)
        for b in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
            pooled = c(f"{b}.branch_pool", self.mean3(x))
            seven, double = self.chain(b, "branch7x7", x, 3), self.chain(b, "branch7x7dbl", x, 5)
            x = torch.cat([c(f"{b}.branch1x1", x), seven, double, pooled], 1)
        b = "Mixed_7a"
        three = c(f"{b}.branch3x3_2", c(f"{b}.branch3x3_1", x), 2, same=False)
        seven = c(f"{b}.branch7x7x3_4", self.chain(b, "branch7x7x3", x, 3), 2, same=False)
        x = torch.cat([three, seven, F.max_pool2d(x, 3, 2)], 1)
        for b in ("Mixed_7b", "Mixed_7c"):
            pool = self.mean3(x) if b == "Mixed_7b" else F.max_pool2d(x, 3, 1, 1)
            three, double = c(f"{b}.branch3x3_1", x), self.chain(b, "branch3x3dbl", x, 2)
            split = [c(f"{b}.branch3x3_2{side}", three) for side in "ab"]
            split += [c(f"{b}.branch3x3dbl_3{side}", double) for side in "ab"]
            x = torch.cat([c(f"{b}.branch1x1", x), *split, c(f"{b}.branch_pool", pool)], 1)
        return x.mean((2, 3))


def save(folder: Path, file: Published, tensors: dict, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a file in torch's own format, as its authors do, and let its name's hash agree."""
    folder.mkdir(exist_ok=True)
    path = folder / file.name
    torch.save(tensors, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    stated = published.HASH_IN_NAME.search(file.name)
    if stated:
        # The made file cannot have the published hash: the file of that name stands for it.
        honest = Published(file.name.replace(stated[1], digest[: len(stated[1])]), file.source)
        path = path.rename(folder / honest.name)
        for name in ("INCEPTION", "ALEXNET", "VGG16", "VGG19"):
            if getattr(published, name) is file:
                monkeypatch.setattr(published, name, honest)
                for module in USERS:
                    if getattr(module, name, None) is file:
                        monkeypatch.setattr(module, name, honest)
    return path


def test_inception_agrees_with_an_independent_forward_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = random_weights(inception_layout())
    save(tmp_path, published.INCEPTION, weights, monkeypatch)
    pictures = torch.rand(1, 3, 120, 90, generator=torch.Generator().manual_seed(1)) * 2 - 1
    features = InceptionFeatures(tmp_path)(pictures)
    # Bilinear by hand: source position (i + 0.5) * scale - 0.5, clamped at the border.
    x = resized_by_hand(pictures, 299)
    expected = Reference(weights)(x)
    assert features.shape == (1, 2048)
    assert expected.std() > 1e-3
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-4)


def resized_by_hand(x: Tensor, side: int) -> Tensor:
    for axis in (2, 3):
        length = x.shape[axis]
        where = ((torch.arange(side) + 0.5) * length / side - 0.5).clamp(0, length - 1)
        low = where.floor().long()
        high = (low + 1).clamp(max=length - 1)
        shape = [1, 1, 1, 1]
        shape[axis] = side
        part = (where - low).view(shape)
        x = x.index_select(axis, low) * (1 - part) + x.index_select(axis, high) * part
    return x


def alexnet_maps(w: dict[str, Tensor], x: Tensor) -> list[Tensor]:
    maps = []
    for index, stride, padding, pool in ((0, 4, 2, 0), (3, 1, 2, 1), (6, 1, 1, 1), (8, 1, 1, 0)):
        x = F.max_pool2d(x, 3, 2) if pool else x
        x = F.conv2d(
            x, w[f"features.{index}.weight"], w[f"features.{index}.bias"], stride, padding
        ).relu()
        maps.append(x)
    last = F.conv2d(x, w["features.10.weight"], w["features.10.bias"], padding=1).relu()
    return [*maps, last]


def vgg_maps(depth: int, weights: dict[str, Tensor], x: Tensor, first: bool) -> list[Tensor]:
    """The map behind the first or the last ReLU of each block."""
    blocks: list[list[Tensor]] = [[]]
    index = 0
    for width in VGG_WIDTHS[depth]:
        if not width:
            x, index = F.max_pool2d(x, 2), index + 1
            blocks.append([])
            continue
        w, b = weights[f"features.{index}.weight"], weights[f"features.{index}.bias"]
        x, index = F.conv2d(x, w, b, padding=1).relu(), index + 2
        blocks[-1].append(x)
    return [block[0 if first else -1] for block in blocks]


@pytest.fixture(scope="module")
def lpips_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict]]:
    """A folder with both backbones and their layers, and the weights: file name -> tensors."""
    folder, weights = tmp_path_factory.mktemp("judges"), {}
    with pytest.MonkeyPatch.context() as patch:
        for backbone, layout, maps in (
            ("alex", ALEXNET_LAYOUT, ALEXNET_MAPS),
            ("vgg", vgg_layout(16), VGG16_MAPS),
        ):
            network, linear = lpips_module.FILES[backbone]
            weights[backbone] = compact_weights(layout)
            shapes = linear_layout(maps).items()
            weights[linear.name] = {name: torch.rand(shape) for name, shape in shapes}
            path = save(folder, network, weights[backbone], patch)
            save(folder, linear, weights[linear.name], patch)
            honest = Published(path.name, network.source)
            patch.setitem(lpips_module.FILES, backbone, (honest, linear))
        yield folder, weights


@pytest.mark.parametrize("backbone", ["alex", "vgg"])
def test_lpips_is_its_published_formula(lpips_folder: tuple[Path, dict], backbone: str) -> None:
    folder, weights = lpips_folder
    generator = torch.Generator().manual_seed(3)
    first, second = (torch.rand(2, 3, 72, 80, generator=generator) * 2 - 1 for _ in "ab")
    expected = torch.zeros(2)
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    own, linear = weights[backbone], weights[f"{backbone}.pth"]
    seen = [(x - shift) / scale for x in (first, second)]
    if backbone == "alex":
        maps = [alexnet_maps(own, x) for x in seen]
    else:
        maps = [vgg_maps(16, own, x, first=False) for x in seen]
    for index, (a, b) in enumerate(zip(*maps, strict=True)):
        a, b = (x / (x.norm(dim=1, keepdim=True) + 1e-10) for x in (a, b))
        weighted = (a - b) ** 2 * linear[f"lin{index}.model.1.weight"][0]
        expected += weighted.sum(1).mean((1, 2))
    assert index == 4
    metric = LPIPS(backbone, folder)
    torch.testing.assert_close(metric(first, second), expected, rtol=1e-4, atol=1e-6)
    assert metric(first, first).tolist() == [0, 0]


def test_lpips_takes_grey_as_three_equal_channels(lpips_folder: tuple[Path, dict]) -> None:
    metric = LPIPS("alex", lpips_folder[0])
    first, second = torch.rand(2, 1, 1, 64, 64).unbind(0)
    grey = metric(first, second)
    assert torch.equal(grey, metric(first.repeat(1, 3, 1, 1), second.repeat(1, 3, 1, 1)))


def test_a_missing_file_is_named_with_where_it_goes(tmp_path: Path) -> None:
    with pytest.raises(SketchFaceError, match=r"pt_inception-2015-12-05-6726825d\.pth: No such"):
        InceptionFeatures(tmp_path)


def test_a_file_of_another_hash_is_refused(tmp_path: Path) -> None:
    (tmp_path / published.VGG19.name).write_bytes(b"something else")
    with pytest.raises(SketchFaceError, match=r"vgg19-dcbb9e9d\.pth: its SHA-256 begins with"):
        VGGLoss(tmp_path)


@pytest.mark.parametrize("spoil", ["missing", "shape", "extra"])
def test_partial_weights_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    file = Published("layers.pth", "a test")
    weights = {k: v.clone() for k, v in LinearLayers("alex").state_dict().items()}
    if spoil == "missing":
        del weights["lin2.model.1.weight"]
    elif spoil == "shape":
        weights["lin2.model.1.weight"] = torch.zeros(1, 3, 1, 1)
    else:
        weights["lin9.model.1.weight"] = torch.zeros(1, 3, 1, 1)
    save(tmp_path, file, weights, monkeypatch)
    with pytest.raises(SketchFaceError, match=r"layers\.pth: 1 weights do not fit.*lin[29]"):
        load_published(LinearLayers("alex"), file, tmp_path)


def test_code_in_a_file_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    file = Published("trap.pth", "a test")
    save(tmp_path, file, {"x": Trap()}, monkeypatch)
    with pytest.raises(SketchFaceError, match=r"trap\.pth: not a file of weights"):
        load_published(LinearLayers("alex"), file, tmp_path)
    assert not (tmp_path / "ran").exists()


def test_vgg_loss_is_the_weighted_l1_of_five_maps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = compact_weights(vgg_layout(19))
    save(tmp_path, published.VGG19, weights, monkeypatch)
    loss = VGGLoss(tmp_path)
    generated = (torch.rand(1, 3, 32, 32) * 2 - 1).requires_grad_()
    reference = torch.rand(1, 3, 32, 32) * 2 - 1
    maps = [vgg_maps(19, weights, x, first=True) for x in (generated, reference)]
    expected = sum(
        weight * (a - b).abs().mean()
        for weight, a, b in zip((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), *maps)
    )
    value = loss(generated, reference)
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)
    value.backward()
    assert generated.grad is not None
    assert generated.grad.abs().sum() > 0
    assert all(p.grad is None for p in loss.parameters())
