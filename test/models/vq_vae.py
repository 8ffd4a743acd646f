"""VQ-VAE: the nearest of a codebook, gradients straight through it, and a codebook that follows as a running mean."""

import weft as torch
import weft.nn as nn
import weft.nn.functional as F


class VectorQuantizerEMA(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, commitment_cost, decay, epsilon=1e-5):
        super().__init__()
        self._embedding_dim = embedding_dim
        self._num_embeddings = num_embeddings
        self._embedding = nn.Embedding(self._num_embeddings, self._embedding_dim)
        self._embedding.weight.data.normal_()
        self._commitment_cost = commitment_cost
        self.register_buffer("_ema_cluster_size", torch.zeros(num_embeddings))
        self.register_buffer("_ema_w", torch.zeros(num_embeddings, self._embedding_dim))
        self._decay = decay
        self._epsilon = epsilon

    def forward(self, inputs):
        inputs = inputs.permute(0, 2, 3, 1).contiguous()
        input_shape = inputs.shape
        flat_input = inputs.view(-1, self._embedding_dim)
        distances = (
            torch.sum(flat_input**2, dim=1, keepdim=True)
            + torch.sum(self._embedding.weight**2, dim=1)
            - 2 * torch.matmul(flat_input, self._embedding.weight.t())
        )
        encoding_indices = torch.argmin(distances, dim=1).unsqueeze(1)
        encodings = torch.zeros(encoding_indices.shape[0], self._num_embeddings, device=inputs.device)
        encodings.scatter_(1, encoding_indices, 1)
        quantized = torch.matmul(encodings, self._embedding.weight).view(input_shape)
        if self.training:
            self._ema_cluster_size.mul_(self._decay).add_(torch.sum(encodings, 0), alpha=1 - self._decay)
            n = torch.sum(self._ema_cluster_size.data)
            size = (self._ema_cluster_size + self._epsilon) / (n + self._num_embeddings * self._epsilon) * n
            dw = torch.matmul(encodings.t(), flat_input)
            self._ema_w.copy_(self._ema_w * self._decay + (1 - self._decay) * dw.detach())
            self._embedding.weight.data.copy_(self._ema_w / size.unsqueeze(1))
        e_latent_loss = F.mse_loss(quantized.detach(), inputs)
        loss = self._commitment_cost * e_latent_loss
        quantized = inputs + (quantized - inputs).detach()
        avg_probs = torch.mean(encodings, dim=0)
        perplexity = torch.exp(-torch.sum(avg_probs * torch.log(avg_probs + 1e-10)))
        return loss, quantized.permute(0, 3, 1, 2).contiguous(), perplexity


class Residual(nn.Module):
    def __init__(self, channels, hidden):
        super().__init__()
        self._block = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(channels, hidden, kernel_size=3, padding=1, bias=False),
            nn.ReLU(),
            nn.Conv2d(hidden, channels, kernel_size=1, bias=False),
        )

    def forward(self, x):
        return x + self._block(x)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self._encoder = nn.Sequential(nn.Conv2d(1, 12, 4, 2, 1), nn.ReLU(), nn.Conv2d(12, 12, 3, 1, 1), Residual(12, 6))
        self._pre_vq_conv = nn.Conv2d(12, 4, kernel_size=1, stride=1)
        self._vq_vae = VectorQuantizerEMA(8, 4, 0.25, 0.9)
        self._decoder = nn.Sequential(nn.Conv2d(4, 12, 3, 1, 1), Residual(12, 6), nn.ConvTranspose2d(12, 1, 4, 2, 1))

    def forward(self, x):
        loss, quantized, perplexity = self._vq_vae(self._pre_vq_conv(self._encoder(x)))
        return loss, self._decoder(quantized), perplexity


def data(random):
    return (random.rand(4, 1, 8, 8).astype("float32"),)


def create():
    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, amsgrad=False, eps=1e-3)

    def step(data):
        model.train()
        optimizer.zero_grad()
        vq_loss, data_recon, perplexity = model(data)
        loss = F.mse_loss(data_recon, data) / 0.1 + vq_loss
        loss.backward()
        optimizer.step()
        return loss.detach() + 0.1 * perplexity.detach()

    return model, step, None
