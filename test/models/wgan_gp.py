"""A Wasserstein GAN whose gradient penalty is a derivative of a derivative."""

import weft as torch
import weft.autograd as autograd
import weft.nn as nn
import weft.nn.functional as F


class Generator(nn.Module):
    def __init__(self, img_shape=(1, 6, 6), latent_dim=5):
        super().__init__()

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.Linear(in_feat, out_feat)]
            if normalize:
                layers.append(nn.BatchNorm1d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.img_shape = img_shape
        self.model = nn.Sequential(
            *block(latent_dim, 12, normalize=False), *block(12, 16), nn.Linear(16, 36), nn.Tanh()
        )

    def forward(self, z):
        img = self.model(z)
        return img.view(img.shape[0], *self.img_shape)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = nn.Sequential(
            nn.Linear(36, 24), nn.Softplus(), nn.Linear(24, 12), nn.LeakyReLU(0.2, inplace=True), nn.Linear(12, 1)
        )

    def forward(self, img):
        return self.model(img.view(img.shape[0], -1))


def compute_gradient_penalty(D, real_samples, fake_samples, alpha):
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = D(interpolates)
    gradients = autograd.grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=torch.ones_like(d_interpolates),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def data(random):
    real, z, alpha = random.rand(6, 1, 6, 6), random.randn(6, 5), random.rand(6, 1, 1, 1)
    return tuple(a.astype("float32") for a in (real, z, alpha))


def create():
    generator, discriminator = Generator(), Discriminator()
    optimizer_G = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9), eps=1e-3)
    optimizer_D = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(0.5, 0.9), eps=1e-3)

    def step(real_imgs, z, alpha):
        optimizer_D.zero_grad()
        fake_imgs = generator(z)
        penalty = compute_gradient_penalty(discriminator, real_imgs.data, fake_imgs.data, alpha)
        d_loss = -torch.mean(discriminator(real_imgs)) + torch.mean(discriminator(fake_imgs.detach())) + 10 * penalty
        d_loss.backward()
        optimizer_D.step()
        optimizer_G.zero_grad()
        g_loss = -torch.mean(F.logsigmoid(discriminator(generator(z))))
        g_loss.backward()
        optimizer_G.step()
        return d_loss.detach() + g_loss.detach()

    return nn.ModuleDict({"generator": generator, "discriminator": discriminator}), step, None
