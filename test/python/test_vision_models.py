"""Models of images: trained alike eagerly and compiled, and shipped, to the bit."""

import numpy
import pytest
import vision_models as models
import weft
from artifact import AOT, Artifact
from conftest import assert_same_bits
from weft.nn import functional as F

MAKERS = [models.LeNet, models.resnet, models.vgg, models.mobilenet, models.efficientnet, models.densenet, models.UNet,
          models.Autoencoder, models.Spatial]  # fmt: skip


def images(seed, *shape):
    return weft.from_numpy(numpy.random.RandomState(seed).standard_normal(shape).astype("float32"))


def trained(make, compiled):
    weft.manual_seed(0)
    model = make()
    optimizer = weft.optim.AdamW(model.parameters(), lr=1e-2)

    def step(x, y):
        out = model(x)
        loss = F.mse_loss(out, x) if out.ndim == 4 else F.cross_entropy(out, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    run, losses = weft.compile(step) if compiled else step, []
    for seed in range(4):
        losses.append(run(images(seed % 2, 6, 1, 16, 16), weft.arange(6) % 10).item())
    return losses, model.eval()


def same_states(a, b):
    assert list(a.state_dict()) == list(b.state_dict())
    for name, tensor in a.state_dict().items():
        assert_same_bits(tensor, b.state_dict()[name])


@pytest.mark.parametrize("make", MAKERS)
def test_training_and_serving(make, tmp_path):
    """Four steps, eagerly and compiled; then the artifact of the model, and each image of the batch alone."""
    losses, model = trained(make, False)
    compiled_losses, compiled = trained(make, True)
    assert losses == compiled_losses and losses[2] < losses[0]
    same_states(model, compiled)
    x = images(9, 3, 1, 16, 16)
    with weft.no_grad():
        want = model(x)
        assert_same_bits(weft.compile(model)(x), want)
        for i in range(3):
            assert_same_bits(model(x[i : i + 1]), want[i : i + 1])
        if AOT:
            assert_same_bits(Artifact(model, (x,), tmp_path)(x)[0], want)


def test_two_networks_against_each_other():
    """A GAN: both steps in one program, with spectral norm in the discriminator."""

    def run(compiled):
        weft.manual_seed(0)
        generator, critic = models.Generator(), models.discriminator()
        makes, judges = (weft.optim.Adam(m.parameters(), lr=2e-3, betas=(0.5, 0.999)) for m in (generator, critic))

        def step(real):
            fake = generator(weft.randn(real.shape[0], 6))
            loss = F.softplus(-critic(real)).mean() + F.softplus(critic(fake.detach())).mean()
            loss.backward()
            judges.step()
            wanted = F.softplus(-critic(fake)).mean()
            wanted.backward()
            makes.step()
            judges.zero_grad()
            makes.zero_grad()
            return weft.stack([loss, wanted]).detach()

        call = weft.compile(step) if compiled else step
        return [call(images(i, 4, 1, 16, 16)) for i in range(4)], generator, critic

    eager, compiled = run(False), run(True)
    for a, b in zip(eager[0], compiled[0]):
        assert_same_bits(a, b)
    same_states(eager[1], compiled[1])
    same_states(eager[2], compiled[2])


@pytest.mark.skipif(AOT is None, reason="weft-aot is not installed")
@pytest.mark.parametrize("cpu", [None, "x86-64-v3"])
def test_a_resnet_18_ships(cpu, tmp_path):
    weft.manual_seed(0)
    model, x = models.ResNet18(16).eval(), images(1, 2, 3, 64, 64)
    with weft.no_grad():
        want = model(x)
        artifact = Artifact(model, (x,), tmp_path, *([f"--cpu={cpu}"] if cpu else []))
    assert artifact.instance is None  # a model in evaluation has no state
    for _ in range(2):
        assert_same_bits(artifact(x)[0], want)
