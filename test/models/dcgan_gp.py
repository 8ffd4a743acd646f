"""A convolutional GAN with a gradient penalty: derivatives of transposed convolutions' and instance norms' derivatives, spectral_norm,
weights_init by the class's name, Variable and the types of tensors."""

import weft as torch
import weft.nn as nn
from weft import autograd
from weft.autograd import Variable

cuda = True if torch.cuda.is_available() else False
Tensor = torch.cuda.FloatTensor if cuda else torch.FloatTensor


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        nn.init.normal_(m.weight.data, 0.0, 0.02)
    elif classname.find("BatchNorm") != -1:
        nn.init.normal_(m.weight.data, 1.0, 0.02)
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self, nz=6, ngf=4, nc=1):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self, ndf=4, nc=1):
        super().__init__()
        self.main = nn.Sequential(
            nn.utils.spectral_norm(nn.Conv2d(nc, ndf, 4, 2, 1, bias=False)),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.InstanceNorm2d(ndf * 2, affine=True),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, 1, 4, 1, 0, bias=False),
        )

    def forward(self, input):
        return self.main(input).view(-1, 1).squeeze(1)


def compute_gradient_penalty(D, real_samples, fake_samples, alpha):
    interpolates = (alpha * real_samples + ((1 - alpha) * fake_samples)).requires_grad_(True)
    d_interpolates = D(interpolates)
    fake = Variable(Tensor(real_samples.shape[0]).fill_(1.0), requires_grad=False)
    gradients = autograd.grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=fake,
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(gradients.size(0), -1)
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean()


def data(random):
    real, z, alpha = random.rand(4, 1, 16, 16), random.randn(4, 6, 1, 1), random.rand(4, 1, 1, 1)
    return tuple(a.astype("float32") for a in (real, z, alpha))


def create():
    netG, netD = Generator(), Discriminator()
    netG.apply(weights_init)
    netD.apply(weights_init)
    for name in ("weight_u", "weight_v"):  # they are drawn
        vector = getattr(netD.main[0], name)
        vector.copy_(torch.linspace(-1, 1, len(vector)))
    optimizer_G = torch.optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.999), eps=1e-3)
    optimizer_D = torch.optim.RMSprop(netD.parameters(), lr=5e-4, eps=1e-3)

    def step(real_imgs, z, alpha):
        optimizer_D.zero_grad()
        fake_imgs = netG(z)
        gradient_penalty = compute_gradient_penalty(netD, real_imgs.data, fake_imgs.data, alpha)
        d_loss = -torch.mean(netD(real_imgs)) + torch.mean(netD(fake_imgs.detach())) + 10 * gradient_penalty
        d_loss.backward()
        optimizer_D.step()
        optimizer_G.zero_grad()
        g_loss = -torch.mean(netD(fake_imgs))
        g_loss.backward()
        optimizer_G.step()
        return d_loss.detach() + g_loss.detach()

    return nn.ModuleDict({"generator": netG, "discriminator": netD}), step, None
