"""HIDA's networks against the layer tables of docs/papers.md, HIDA, and the paper's equations."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hida_settings import PAPER
from scipy import ndimage
from torch import Tensor, nn

from sketchface_models.networks.acon import META_ACON, Slopes
from sketchface_models.networks.deform import DeformableConv2d
from sketchface_models.networks.hida.conditions import DepthPyramid
from sketchface_models.networks.hida.decoder import DOG, DecoderLayer
from sketchface_models.networks.hida.generator import Generator
from sketchface_models.networks.hida.settings import NetworkSettings, deforming
from sketchface_models.networks.norms import InstanceNorm2d

RELEASED = replace(
    PAPER,
    meta_acon="channel",
    encoder_order="acon-conv-norm",
    appearance="plane",
    gamma="one-plus",
    residual="after",
    pyramid="nearest",
)
BASE = replace(PAPER, modulation="none", activation="leaky", dog="none")
DESIGNS = {
    "paper": PAPER,
    "released": RELEASED,
    "deforming everywhere": replace(PAPER, dog="all"),
    "metaacon": replace(PAPER, activation="metaacon"),
    "leaky": replace(PAPER, activation="leaky"),
    "without dyspade": replace(PAPER, modulation="none"),
}


def count(module: nn.Module | None) -> int:
    return sum(p.numel() for p in module.parameters()) if module is not None else 0


@pytest.fixture(scope="module")
def released() -> Generator:
    """At the width of paper and code."""
    return Generator(replace(RELEASED, width=64), 256, True, 3)


def inputs(size: int = 64, faces: int = 2, dtype: torch.dtype = torch.float32, seed: int = 0):
    """Photo, depth and one style each."""
    draw = torch.Generator().manual_seed(seed)
    photo = torch.rand(faces, 3, size, size, generator=draw, dtype=dtype) * 2 - 1
    depth = torch.rand(faces, 1, size, size, generator=draw, dtype=dtype)
    return photo, depth, torch.eye(3, dtype=dtype)[torch.arange(faces) % 3]


def small(network: NetworkSettings, size: int = 64, seed: int = 0) -> Generator:
    torch.manual_seed(seed)
    return Generator(network, size, True, 3)


# The released code registers two batch norms in each metaACON, which are never run.
STEMS = {"photo_stem": 3_136, "depth_stem": 1_088}
ENCODER = [
    (128, 128, 267_056),
    (128, 256, 529_328),
    (256, 512, 2_107_184),
    (512, 512, 4_230_240),
    (512, 512, 4_230_240),
    (512, 512, 4_230_240),
    (512, 512, 4_230_240),
]
# in, out, side of the output, condition planes, dropout, used parameters
DECODER = [
    (512, 512, 2, 4, 0.5, 9_742_422),
    (1024, 512, 4, 5, 0.5, 12_363_402),
    (1024, 512, 8, 5, 0.5, 15_535_700),
    (1024, 512, 16, 5, 0.0, 15_535_700),
    (1024, 256, 32, 5, 0.0, 5_994_308),
    (512, 128, 64, 5, 0.0, 1_506_244),
    (256, 64, 128, 5, 0.0, 380_420),
]
HEAD = 6_545


def test_the_released_generator_has_its_parameters_in_use(released: Generator):
    assert count(released) == 80_894_566
    stems = sum(STEMS.values())
    encoder = sum(total - batch_norms(in_channels) for in_channels, _, total in ENCODER)
    decoder = sum(row[-1] for row in DECODER)
    assert stems + encoder + decoder + 2 * HEAD == 80_894_566


def batch_norms(channels: int) -> int:
    return 2 * (channels + max(16, channels // 16))


def test_released_encoder_layers(released: Generator):
    encoder = released.encoder
    assert {name: count(getattr(encoder, name)) for name in STEMS} == STEMS
    assert len(encoder.layers) == 7
    for number, (layer, row) in enumerate(zip(encoder.layers, ENCODER, strict=True)):
        in_channels, out_channels, registered = row
        assert count(layer) == registered - batch_norms(in_channels)
        activation, convolution, *norm = layer
        assert type(activation) is META_ACON["channel"]
        assert (convolution.in_channels, convolution.out_channels) == (in_channels, out_channels)
        shape = convolution.kernel_size, convolution.stride, convolution.padding
        assert shape == ((4, 4), (2, 2), (1, 1))
        assert [type(each) for each in norm] == ([InstanceNorm2d] if number < 6 else [])
        assert not count(nn.ModuleList(norm))


@pytest.mark.parametrize("number", range(7))
def test_released_decoder_layer(released: Generator, number: int):
    in_channels, out_channels, _, planes, dropout, used = DECODER[number]
    layer = released.decoder[number]
    assert count(layer) == used
    assert isinstance(layer.up, DOG) == (number < 2)
    if number >= 2:
        shape = layer.up.kernel_size, layer.up.stride, layer.up.padding
        assert (type(layer.up), *shape) == (nn.ConvTranspose2d, (4, 4), (2, 2), (1, 1))
        assert (layer.up.in_channels, layer.up.out_channels) == (in_channels, out_channels)
    else:
        assert layer.up.convolution.weight.shape == (out_channels, in_channels, 3, 3)
        assert layer.up.convolution.offset_mask.out_channels == 54
    assert layer.adaptation.trunk[0].in_channels == planes
    assert layer.adaptation.names == ["theta", "gamma", "beta"]
    assert (layer.appearance is None) == (number == 0)
    assert layer.dropout.p == dropout


def test_released_heads(released: Generator):
    assert count(released.sketch_head) == HEAD
    assert count(released.depth_head) == HEAD
    kinds = [type(module) for module in released.sketch_head.modules()]
    assert nn.Tanh in kinds
    kinds = [type(module) for module in released.depth_head.modules()]
    assert nn.Tanh not in kinds
    assert InstanceNorm2d not in kinds


@pytest.mark.parametrize("network", [PAPER, RELEASED], ids=["paper", "released"])
@pytest.mark.parametrize(("size", "halvings"), [(256, 8), (128, 7), (64, 6)])
def test_halvings_and_doublings(network: NetworkSettings, size: int, halvings: int):
    generator = small(replace(network, width=8), size)
    sides: dict[str, list[tuple[int, ...]]] = {"encoder": [], "decoder": []}
    for name, shapes in sides.items():
        layers = generator.encoder.layers if name == "encoder" else generator.decoder
        for layer in layers:
            layer.register_forward_hook(lambda _, __, y, shapes=shapes: shapes.append(y.shape[1:]))
    with torch.no_grad():
        sketch, depth = generator(*inputs(size, faces=1))
    assert sketch.shape == depth.shape == (1, 1, size, size)
    rows = ENCODER[: halvings - 1]
    assert sides["encoder"] == [
        (row[1] // 8, *2 * (size >> level + 2,)) for level, row in enumerate(rows)
    ]
    assert sides["encoder"][-1][1] == 1
    rows = DECODER[8 - halvings :]
    assert sides["decoder"] == [
        (row[1] // 8, *2 * (2 ** (level + 1),)) for level, row in enumerate(rows)
    ]


def test_width_multiplies_every_layer():
    narrow, wide = small(replace(RELEASED, width=4)), small(replace(RELEASED, width=8))
    assert wide.encoder.channels == [2 * channels for channels in narrow.encoder.channels]
    for thin, broad in zip(narrow.decoder, wide.decoder, strict=True):
        trunks = [layer.adaptation.trunk[0] for layer in (thin, broad)]
        assert trunks[1].out_channels == 2 * trunks[0].out_channels
        assert trunks[1].in_channels == trunks[0].in_channels


@pytest.mark.parametrize(
    ("dog", "expected"),
    [
        ("none", []),
        ("top2", [0, 1]),
        ("mid3", [2, 3, 4]),
        ("btm2", [5, 6]),
        ("all", [0, 1, 2, 3, 4, 5, 6]),
    ],
)
def test_dog_names_the_layers_that_deform(dog, expected: list[int]):
    assert list(deforming(dog, 7)) == expected
    layers = small(replace(PAPER, dog=dog), 256).decoder
    assert [n for n, layer in enumerate(layers) if isinstance(layer.up, DOG)] == expected


def test_the_base_model_has_no_part_that_hida_adds():
    """Table 2, model A: photo in, sketch out."""
    torch.manual_seed(0)
    generator = Generator(BASE, 64, False, 0)
    kinds = {type(module) for module in generator.modules()}
    assert not kinds & {DOG, DeformableConv2d, Slopes, *META_ACON.values()}
    assert generator.depth_head is None
    photo, _, _ = inputs()
    sketch, depth = generator(photo)
    assert sketch.shape == (2, 1, 64, 64)
    assert depth is None
    sketch.mean().backward()
    assert all(p.grad is not None for p in generator.parameters())


def activations(module: nn.Module, skipped: str) -> set[type[nn.Module]]:
    """Kinds of activation functions, but of modules that are called `skipped`."""
    kinds = {nn.ReLU, nn.LeakyReLU, Slopes, *META_ACON.values()}
    return {type(m) for name, m in module.named_modules() if skipped not in name} & kinds


@pytest.mark.parametrize("kind", ["pixel", "channel"])
@pytest.mark.parametrize("activation", ["leaky", "metaacon", "infoacon"])
def test_meta_acon_stays_in_the_trunk_of_the_conditions(kind: str, activation: str):
    """Section 3.1 defines DySPADE by it: Table 2's model C has it, and fixed ones elsewhere."""
    generator = small(replace(PAPER, activation=activation, dog="none", meta_acon=kind))
    trunks = [layer.adaptation.trunk for layer in generator.decoder]
    assert [[type(module) for module in trunk] for trunk in trunks] == [
        [nn.Conv2d, META_ACON[kind]]
    ] * 5
    adaptive = {META_ACON[kind], Slopes}
    elsewhere = {nn.ReLU, nn.LeakyReLU} if activation == "leaky" else adaptive
    assert activations(generator, "trunk") == elsewhere


# --- activations ------------------------------------------------------------------------------


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def switched(x: np.ndarray, theta: np.ndarray, p1: np.ndarray, p2: np.ndarray) -> np.ndarray:
    """Eq. 1 with the x that its first product lacks."""
    return (p1 - p2) * x * sigmoid(theta * (p1 - p2) * x) + p2 * x


def slopes_of(module: Slopes) -> tuple[np.ndarray, np.ndarray]:
    return module.p1.detach().numpy(), module.p2.detach().numpy()


def test_infoacon_is_its_formula():
    torch.manual_seed(0)
    module = Slopes(3).double()
    x, theta = torch.randn(2, 3, 4, 5).double(), torch.rand(2, 3, 4, 5).double()
    expected = switched(x.numpy(), theta.numpy(), *slopes_of(module))
    np.testing.assert_allclose(module(x, theta).detach().numpy(), expected, rtol=1e-12)
    theta = theta.requires_grad_()
    assert torch.autograd.gradcheck(module, (x.requires_grad_(), theta), fast_mode=True)


def test_a_switch_of_zero_is_linear_and_a_large_one_a_maximum():
    module = Slopes(3).double()
    p1, p2 = module.p1.detach(), module.p2.detach()
    x = torch.randn(2, 3, 4, 4).double()
    off, on = torch.zeros_like(x), torch.full_like(x, 1e9)
    torch.testing.assert_close(module(x, off), (p1 + p2) / 2 * x)
    torch.testing.assert_close(module(x, on), torch.maximum(p1 * x, p2 * x))


def test_slopes_start_from_a_unit_normal_distribution():
    torch.manual_seed(0)
    module = Slopes(2000)
    for slope in (module.p1, module.p2):
        assert slope.shape == (1, 2000, 1, 1)
        assert abs(float(slope.detach().mean())) < 0.1
        assert float(slope.detach().std()) == pytest.approx(1, abs=0.05)


def test_pixel_meta_acon_is_its_formula():
    module = META_ACON["pixel"](3).double()
    x = torch.randn(2, 3, 4, 5).double()
    expected = switched(x.numpy(), sigmoid(x.numpy()), *slopes_of(module.slopes))
    np.testing.assert_allclose(module(x).detach().numpy(), expected, rtol=1e-12)


def channel_theta(module: nn.Module, x: np.ndarray) -> np.ndarray:
    """theta as released: sigmoid(W2 W1 of the channels' means), a number a channel."""
    theta = x.mean(axis=(2, 3))
    for layer in module.theta:
        weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        theta = theta @ weight[:, :, 0, 0].T + bias
    return sigmoid(theta)[:, :, None, None]


@pytest.mark.parametrize(("channels", "narrow"), [(3, 16), (512, 32)])
def test_channel_meta_acon_is_its_formula(channels: int, narrow: int):
    module = META_ACON["channel"](channels).double()
    assert module.theta[0].out_channels == narrow
    x = torch.randn(2, channels, 4, 5).double()
    theta = channel_theta(module, x.numpy())
    expected = switched(x.numpy(), theta, *slopes_of(module.slopes))
    np.testing.assert_allclose(module(x).detach().numpy(), expected, rtol=1e-9, atol=1e-12)


# --- one decoder layer ------------------------------------------------------------------------


def meta_acon(module: nn.Module, x: Tensor) -> Tensor:
    pixel = isinstance(module, META_ACON["pixel"])
    theta = sigmoid(x.numpy()) if pixel else channel_theta(module, x.numpy())
    return torch.from_numpy(switched(x.numpy(), theta, *slopes_of(module.slopes)))


def normed(x: Tensor) -> Tensor:
    mean = x.mean(dim=(2, 3), keepdim=True)
    variance = (x - mean).square().mean(dim=(2, 3), keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt()


def doubled(x: Tensor) -> Tensor:
    """Bilinear, by numpy: pixel centres of the output stand at (i + 0.5) / 2 - 0.5."""
    for axis in (2, 3):
        side = x.shape[axis]
        position = np.clip((np.arange(2 * side) + 0.5) / 2 - 0.5, 0, side - 1)
        low = np.floor(position).astype(int)
        high = np.minimum(low + 1, side - 1)
        share = torch.from_numpy(position - low).view([-1 if d == axis else 1 for d in range(4)])
        x = x.index_select(axis, torch.from_numpy(low)) * (1 - share) + share * x.index_select(
            axis, torch.from_numpy(high)
        )
    return x


def layer_by_formula(layer: DecoderLayer, x: Tensor, planes: list[Tensor], source: Tensor, **how):
    """The layer of docs/papers.md, HIDA, with its variants: `one_plus`, `after`, `deforms`."""
    if how["deforms"]:
        convolution = layer.up.convolution  # its offsets are 0 and its masks 0.5
        h = F.conv2d(doubled(x), 0.5 * convolution.weight, convolution.bias, padding=1)
    else:
        h = F.conv_transpose2d(x, layer.up.weight, layer.up.bias, stride=2, padding=1)
    conditions = list(planes)
    if layer.appearance is not None:
        up, activation = layer.appearance
        appearance = F.conv_transpose2d(source, up.weight, up.bias, stride=2, padding=1)
        conditions.append(meta_acon(activation, appearance))
    convolution, activation = layer.adaptation.trunk
    trunk = F.conv2d(torch.cat(conditions, 1), convolution.weight, convolution.bias, padding=1)
    trunk = meta_acon(activation, trunk)
    channels = h.shape[1]
    weights, biases = layer.adaptation.branches.weight, layer.adaptation.branches.bias
    theta, gamma, beta = (
        F.conv2d(trunk, weights[part], biases[part], padding=1)
        for part in (slice(n * channels, (n + 1) * channels) for n in range(3))
    )
    theta = sigmoid(theta.numpy())
    f = torch.from_numpy(switched(h.numpy(), theta, *slopes_of(layer.activation)))
    g = normed(f) * (gamma + how["one_plus"]) + beta
    return g + (f if how["after"] else h)


@pytest.mark.parametrize("up", ["transposed", "dog"])
@pytest.mark.parametrize("network", [PAPER, RELEASED], ids=["paper", "released"])
def test_decoder_layer_is_its_formula(network: NetworkSettings, up: str):
    torch.manual_seed(0)
    layer = DecoderLayer(network, 6, 5, 4, 4, up, drops=True).double().eval()
    x, source = torch.randn(2, 6, 3, 4).double(), torch.randn(2, 4, 3, 4).double()
    planes = [torch.rand(2, 1, 6, 8).double(), torch.rand(2, 3, 6, 8).double()]
    released = network is RELEASED
    with torch.no_grad():
        expected = layer_by_formula(
            layer, x, planes, source, one_plus=released, after=released, deforms=up == "dog"
        )
        torch.testing.assert_close(layer(x, planes, source), expected)


# Not "leaky", which has kinks.
@pytest.mark.parametrize("name", [name for name in DESIGNS if name != "leaky"])
def test_decoder_layer_gradients(name: str):
    torch.manual_seed(0)
    layer = DecoderLayer(DESIGNS[name], 4, 3, 4, 1, "dog", drops=False).double()
    nn.init.normal_(layer.up.convolution.offset_mask.bias, 0, 0.3)
    tensors = [torch.randn(2, 4, 2, 2).double().requires_grad_() for _ in range(2)]
    depth = torch.rand(2, 1, 4, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, source, depth: layer(x, [depth], source), (*tensors, depth), fast_mode=True
    )


def test_dropout_comes_last_and_only_while_training():
    torch.manual_seed(0)
    layer = DecoderLayer(PAPER, 4, 8, 4, 1, "transposed", drops=True)
    x, source, depth = torch.randn(4, 4, 8, 8), torch.randn(4, 4, 8, 8), torch.rand(4, 1, 16, 16)
    with torch.no_grad():
        kept = layer.eval()(x, [depth], source)
        dropped = layer.train()(x, [depth], source)
    gone = dropped == 0
    assert 0.45 < gone.float().mean() < 0.55
    torch.testing.assert_close(dropped[~gone], 2 * kept[~gone])


# --- the generator's wiring -------------------------------------------------------------------


@pytest.mark.parametrize("network", [PAPER, RELEASED], ids=["paper", "released"])
def test_what_each_decoder_layer_is_given(network: NetworkSettings):
    generator = small(network).eval()
    photo, depth, style = inputs()
    maps, calls, outputs = [], [], []
    for layer in generator.encoder.layers:
        layer.register_forward_hook(lambda _, __, y: maps.append(y))
    for layer in generator.decoder:
        layer.register_forward_pre_hook(lambda _, args: calls.append(args))
        layer.register_forward_hook(lambda _, __, y: outputs.append(y))
    heads = []
    for head in (generator.sketch_head, generator.depth_head):
        head.register_forward_pre_hook(lambda _, args: heads.append(args[0]))
    with torch.no_grad():
        generator(photo, depth, style)
        stems = [generator.encoder.photo_stem(photo), generator.encoder.depth_stem(depth)]
    inside = maps[::-1]
    pyramid = generator.pyramid(depth)[::-1]
    assert torch.equal(calls[0][0], inside[0])
    for number, (x, (small_depth, small_style), source) in enumerate(calls):
        side = 2 ** (number + 1)
        assert small_depth.shape == (2, 1, side, side)
        assert torch.equal(small_depth, pyramid[number])
        assert small_style.shape == (2, 3, side, side)
        assert torch.equal(small_style.amax((2, 3)), style)
        assert torch.equal(small_style.amin((2, 3)), style)
        skip = inside[number]
        assert torch.equal(source, skip)
        if number:
            assert torch.equal(x, torch.cat([outputs[number - 1], skip], dim=1))
    for head, stem in zip(heads, stems, strict=True):
        torch.testing.assert_close(head, torch.cat([outputs[-1], stem], dim=1))


@pytest.mark.parametrize("network", DESIGNS.values(), ids=DESIGNS)
def test_style_and_depth_are_heard(network: NetworkSettings):
    generator = small(network).eval()
    photo, depth, style = inputs(faces=1)
    with torch.no_grad():
        sketch, _ = generator(photo, depth, style)
        same, _ = generator(photo, depth, style)
        other_depth, _ = generator(photo, 1 - depth, style)
        assert torch.equal(sketch, same)
        assert (other_depth - sketch).abs().mean() > 1e-3
        others = torch.eye(3)[1:]
        restyled = [generator(photo, depth, each[None])[0] for each in others]
    for one, other in ((sketch, restyled[0]), (sketch, restyled[1]), restyled):
        assert (one - other).abs().mean() > 1e-4


def test_style_leaves_the_encoder_alone():
    generator = small(PAPER).eval()
    photo, depth, style = inputs(faces=1)
    seen = []
    generator.encoder.register_forward_hook(lambda _, __, result: seen.append(result[1]))
    with torch.no_grad():
        generator(photo, depth, style)
        generator(photo, depth, style.roll(1, dims=1))
    for one, other in zip(*seen, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("network", DESIGNS.values(), ids=DESIGNS)
def test_every_parameter_learns(network: NetworkSettings):
    """None is dead; a bias that an instance norm takes away again has a gradient of zero."""
    generator = small(network)
    photo, depth, style = inputs(faces=3)
    photo, depth = photo.requires_grad_(), depth.requires_grad_()
    sketch, generated = generator(photo, depth, style)
    (sketch.square().mean() + generated.square().mean()).backward()
    for tensor in (photo, depth):
        assert tensor.grad.isfinite().all()
        assert (tensor.grad != 0).float().mean() > 0.99
    taken_away = {
        f"encoder.layers.{number}.1.bias"
        for number in range(len(generator.encoder.layers))
        if network.encoder_order == "acon-conv-norm"
    }
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert name in taken_away or parameter.grad.abs().max() > 0, name


def test_output_ranges():
    generator = small(PAPER)
    photo, depth, style = inputs()
    with torch.no_grad():
        for layer in (generator.sketch_head, generator.depth_head):
            next(m for m in layer.modules() if isinstance(m, nn.ConvTranspose2d)).weight.mul_(1e3)
        sketch, generated = generator(photo, depth, style)
    assert sketch.abs().max() <= 1
    assert sketch.min() < -0.99
    assert sketch.max() > 0.99
    assert generated.min() < -1
    assert generated.max() > 2


@pytest.mark.parametrize("network", [PAPER, RELEASED], ids=["paper", "released"])
def test_a_face_is_drawn_alike_alone_and_among_others(network: NetworkSettings):
    generator = small(network).double().eval()
    photo, depth, style = inputs(faces=3, dtype=torch.float64)
    with torch.no_grad():
        together = generator(photo, depth, style)
        alone = generator(photo[1:2], depth[1:2], style[1:2])
    for many, one in zip(together, alone, strict=True):
        torch.testing.assert_close(many[1:2], one)


@pytest.mark.parametrize("network", [PAPER, RELEASED], ids=["paper", "released"])
def test_half_precision_draws_nearly_the_same(network: NetworkSettings):
    generator = small(replace(network, width=8)).eval()
    photo, depth, style = inputs()
    with torch.no_grad():
        exact, _ = generator(photo, depth, style)
        with torch.autocast("cpu", torch.bfloat16):
            rounded, _ = generator(photo, depth, style)
    assert (rounded.float() - exact).abs().mean() < 0.02 < exact.std()


def test_the_gaussian_pyramid_is_scipys():
    depth = torch.rand(2, 1, 16, 16, dtype=torch.float64)
    levels = DepthPyramid("gaussian", 4).double()(depth)
    expected = depth[:, 0].numpy()
    binomial = np.array([1, 4, 6, 4, 1]) / 16
    for level, side in zip(levels, (8, 4, 2, 1), strict=True):
        for axis in (1, 2):
            expected = ndimage.correlate1d(expected, binomial, axis=axis, mode="nearest")
        expected = expected[:, ::2, ::2]
        assert level.shape == (2, 1, side, side)
        np.testing.assert_allclose(level[:, 0].numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("size", [64, 128])
def test_with_six_halvings_the_same_weights_fit_every_side(size: int):
    fixed = replace(PAPER, halvings=6)
    generator = small(fixed, size)
    assert {n: p.shape for n, p in generator.state_dict().items()} == {
        n: p.shape for n, p in small(PAPER, 64).state_dict().items()
    }
    innermost = []
    generator.encoder.layers[-1].register_forward_hook(lambda *args: innermost.append(args[-1]))
    sketch, depth = generator(*inputs(size))
    assert sketch.shape == depth.shape == (2, 1, size, size)
    assert innermost[0].shape[2:] == (size // 64, size // 64)


def test_as_many_halvings_as_the_side_has_change_nothing():
    photo, depth, style = inputs()
    for plain, fixed in zip(
        small(PAPER)(photo, depth, style),
        small(replace(PAPER, halvings=6))(photo, depth, style),
        strict=True,
    ):
        assert torch.equal(plain, fixed)


def test_the_nearest_pyramid_is_torchs():
    depth = torch.rand(2, 1, 32, 32)
    for number, level in enumerate(DepthPyramid("nearest", 4)(depth)):
        assert torch.equal(level, F.interpolate(depth, size=16 >> number, mode="nearest"))
