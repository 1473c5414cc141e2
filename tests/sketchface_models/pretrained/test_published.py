"""Networks whose weights others publish: layouts, forward passes, and files that are not right."""

import hashlib
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
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
INCEPTION_TABLE = """
Conv2d_1a_3x3 3 32 3 3 | Conv2d_2a_3x3 32 32 3 3 | Conv2d_2b_3x3 32 64 3 3
Conv2d_3b_1x1 64 80 1 1 | Conv2d_4a_3x3 80 192 3 3
Mixed_5b A 192 32 | Mixed_5c A 256 64 | Mixed_5d A 288 64 | Mixed_6a B 288
Mixed_6b C 768 128 | Mixed_6c C 768 160 | Mixed_6d C 768 160 | Mixed_6e C 768 192
Mixed_7a D 768 | Mixed_7b E 1280 | Mixed_7c E 2048
"""
BLOCKS = {
    "A": "branch1x1 i 64 1 1,branch5x5_1 i 48 1 1,branch5x5_2 48 64 5 5,branch3x3dbl_1 i 64 1 1,"
    "branch3x3dbl_2 64 96 3 3,branch3x3dbl_3 96 96 3 3,branch_pool i w 1 1",
    "B": "branch3x3 i 384 3 3,branch3x3dbl_1 i 64 1 1,branch3x3dbl_2 64 96 3 3,"
    "branch3x3dbl_3 96 96 3 3",
    "C": "branch1x1 i 192 1 1,branch7x7_1 i w 1 1,branch7x7_2 w w 1 7,branch7x7_3 w 192 7 1,"
    "branch7x7dbl_1 i w 1 1,branch7x7dbl_2 w w 7 1,branch7x7dbl_3 w w 1 7,"
    "branch7x7dbl_4 w w 7 1,branch7x7dbl_5 w 192 1 7,branch_pool i 192 1 1",
    "D": "branch3x3_1 i 192 1 1,branch3x3_2 192 320 3 3,branch7x7x3_1 i 192 1 1,"
    "branch7x7x3_2 192 192 1 7,branch7x7x3_3 192 192 7 1,branch7x7x3_4 192 192 3 3",
    "E": "branch1x1 i 320 1 1,branch3x3_1 i 384 1 1,branch3x3_2a 384 384 1 3,"
    "branch3x3_2b 384 384 3 1,branch3x3dbl_1 i 448 1 1,branch3x3dbl_2 448 384 3 3,"
    "branch3x3dbl_3a 384 384 1 3,branch3x3dbl_3b 384 384 3 1,branch_pool i 192 1 1",
}
"""The published layout: name, channels in and out, kernel height and width of each convolution."""


def inception_layout() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"fc.weight": (1008, 2048), "fc.bias": (1008,)}
    for entry in INCEPTION_TABLE.replace("\n", "|").split("|"):
        fields = entry.split()
        if not fields:
            continue
        if fields[1] in BLOCKS:
            letters = {"i": fields[2], "w": fields[-1]}
            rows = [
                [letters.get(x, x) for x in row.split()] for row in BLOCKS[fields[1]].split(",")
            ]
            rows = [[f"{fields[0]}.{row[0]}", *row[1:]] for row in rows]
        else:
            rows = [fields]
        for name, into, out, height, width in rows:
            shapes[f"{name}.conv.weight"] = (int(out), int(into), int(height), int(width))
            norm = ("weight", "bias", "running_mean", "running_var")
            shapes |= {f"{name}.bn.{key}": (int(out),) for key in norm}
            shapes[f"{name}.bn.num_batches_tracked"] = ()
    return shapes


def conv_layout(prefix: str, rows: dict[int, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for index, shape in rows.items():
        shapes |= {f"{prefix}.{index}.weight": shape, f"{prefix}.{index}.bias": shape[:1]}
    return shapes


VGG_WIDTHS = {
    16: (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512),
    19: (64, 64, 0, 128, 128, 0, *[256] * 4, 0, *[512] * 4, 0, *[512] * 4),
}


def vgg_layout(depth: int) -> dict[str, tuple[int, ...]]:
    rows, index, channels = {}, 0, 3
    for width in VGG_WIDTHS[depth]:
        if width:
            rows[index] = (width, channels, 3, 3)
            channels = width
        index += 2 if width else 1
    top = {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)}
    return conv_layout("features", rows) | conv_layout("classifier", top)


ALEXNET_LAYOUT = conv_layout(
    "features",
    {
        0: (64, 3, 11, 11),
        3: (192, 64, 5, 5),
        6: (384, 192, 3, 3),
        8: (256, 384, 3, 3),
        10: (256, 256, 3, 3),
    },
) | conv_layout("classifier", {1: (4096, 9216), 4: (4096, 4096), 6: (1000, 4096)})


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


@pytest.mark.parametrize(("backbone", "widths"), [("alex", (64, 192, 384, 256, 256))])
def test_linear_layers_have_the_published_names(backbone: str, widths: tuple[int, ...]) -> None:
    expected = {f"lin{i}.model.1.weight": (1, width, 1, 1) for i, width in enumerate(widths)}
    assert shapes_of(LinearLayers(backbone)) == expected


def random_weights(shapes: dict[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Weights under which signals neither die nor explode."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in shapes.items():
        if name.endswith("num_batches_tracked"):
            continue
        tensor = torch.randn(shape, generator=generator)
        if len(shape) > 1:
            tensor *= (2 / (tensor[0].numel())) ** 0.5
        elif name.endswith("running_var"):
            tensor = tensor.abs() + 0.5
        else:
            tensor *= 0.1
        tensors[name] = tensor + (1 if name.endswith("bn.weight") else 0)
    return tensors


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


@pytest.fixture
def lpips_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict, dict]:
    weights = random_weights(ALEXNET_LAYOUT)
    linear = {
        f"lin{i}.model.1.weight": torch.rand(1, width, 1, 1)
        for i, width in enumerate((64, 192, 384, 256, 256))
    }
    save(tmp_path, published.ALEXNET, weights, monkeypatch)
    monkeypatch.setitem(lpips_module.FILES, "alex", (published.ALEXNET, published.LPIPS_ALEX))
    save(tmp_path, published.LPIPS_ALEX, linear, monkeypatch)
    return tmp_path, weights, linear


def test_lpips_is_its_published_formula(lpips_folder: tuple[Path, dict, dict]) -> None:
    folder, weights, linear = lpips_folder
    generator = torch.Generator().manual_seed(3)
    first, second = (torch.rand(2, 3, 72, 80, generator=generator) * 2 - 1 for _ in "ab")
    expected = torch.zeros(2)
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    maps = [alexnet_maps(weights, (x - shift) / scale) for x in (first, second)]
    for index, (a, b) in enumerate(zip(*maps, strict=True)):
        a, b = (x / (x.norm(dim=1, keepdim=True) + 1e-10) for x in (a, b))
        weighted = (a - b) ** 2 * linear[f"lin{index}.model.1.weight"][0]
        expected += weighted.sum(1).mean((1, 2))
    metric = LPIPS("alex", folder)
    torch.testing.assert_close(metric(first, second), expected, rtol=1e-4, atol=1e-6)
    assert metric(first, first).tolist() == [0, 0]


def test_lpips_takes_grey_as_three_equal_channels(lpips_folder: tuple[Path, dict, dict]) -> None:
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
    weights = random_weights({k: v for k, v in vgg_layout(19).items() if "features" in k})
    top = {k: torch.zeros(v) for k, v in vgg_layout(19).items() if "classifier" in k}
    save(tmp_path, published.VGG19, weights | top, monkeypatch)
    loss = VGGLoss(tmp_path)
    generated = (torch.rand(1, 3, 32, 32) * 2 - 1).requires_grad_()
    reference = torch.rand(1, 3, 32, 32) * 2 - 1

    def maps(x: Tensor) -> list[Tensor]:
        taps, index, block = [], 0, 0
        for position, width in enumerate(VGG_WIDTHS[19]):
            if not width:
                x, index = F.max_pool2d(x, 2), index + 1
                continue
            w, b = weights[f"features.{index}.weight"], weights[f"features.{index}.bias"]
            x, index = F.conv2d(x, w, b, padding=1).relu(), index + 2
            if position == 0 or not VGG_WIDTHS[19][position - 1]:
                taps.append(x)
                block += 1
        return taps

    expected = sum(
        weight * (a - b).abs().mean()
        for weight, a, b in zip((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), maps(generated), maps(reference))
    )
    value = loss(generated, reference)
    torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)
    value.backward()
    assert generated.grad is not None
    assert generated.grad.abs().sum() > 0
    assert all(p.grad is None for p in loss.parameters())
