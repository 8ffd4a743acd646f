"""Embeddings by triplets: one network for three inputs, margin losses, parameter groups with their own rates, a schedule."""

import weft as torch
import weft.nn as nn
import weft.nn.functional as F
import weft.optim as optim
from weft.optim import lr_scheduler


class EmbeddingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.convnet = nn.Sequential(
            nn.Conv2d(1, 6, 5),
            nn.PReLU(),
            nn.MaxPool2d(2, stride=2),
            nn.Conv2d(6, 8, 3),
            nn.PReLU(),
            nn.MaxPool2d(2, stride=2),
        )
        self.fc = nn.Sequential(nn.Linear(8 * 2 * 2, 16), nn.PReLU(), nn.Linear(16, 2))

    def forward(self, x):
        output = self.convnet(x)
        output = output.view(output.size()[0], -1)
        return self.fc(output)


class TripletNet(nn.Module):
    def __init__(self, embedding_net):
        super().__init__()
        self.embedding_net = embedding_net

    def forward(self, x1, x2, x3):
        return self.embedding_net(x1), self.embedding_net(x2), self.embedding_net(x3)


class TripletLoss(nn.Module):
    def __init__(self, margin):
        super().__init__()
        self.margin = margin

    def forward(self, anchor, positive, negative, size_average=True):
        distance_positive = (anchor - positive).pow(2).sum(1)
        distance_negative = (anchor - negative).pow(2).sum(1)
        losses = F.relu(distance_positive - distance_negative + self.margin)
        return losses.mean() if size_average else losses.sum()


class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = F.pairwise_distance(output1, output2, keepdim=True)
        return torch.mean(
            (1 - label) * torch.pow(distance, 2) + label * torch.pow(torch.clamp(self.margin - distance, min=0.0), 2)
        )


def data(random):
    return tuple(random.randn(5, 1, 16, 16).astype("float32") for _ in range(3))


def create():
    net = EmbeddingNet()
    model = TripletNet(net)
    triplet, contrastive = TripletLoss(1.0), ContrastiveLoss()
    ranking, cosine = nn.MarginRankingLoss(margin=0.2), nn.CosineEmbeddingLoss(margin=0.1)
    optimizer = optim.SGD(
        [{"params": net.convnet.parameters()}, {"params": net.fc.parameters(), "lr": 1e-2}],
        lr=1e-3,
        momentum=0.9,
        weight_decay=1e-4,
        nesterov=True,
    )
    scheduler = lr_scheduler.StepLR(optimizer, 2, gamma=0.1, last_epoch=-1)

    def step(*triplets):
        anchor, positive, negative = model(*triplets)
        loss = triplet(anchor, positive, negative)
        loss = loss + 0.1 * nn.TripletMarginLoss(margin=1.0, p=2)(anchor, positive, negative)
        near, far = F.pairwise_distance(anchor, positive, 2), F.pairwise_distance(anchor, negative, 2)
        loss = loss + 0.1 * ranking(near, far, torch.FloatTensor(anchor.size(0)).fill_(-1))
        loss = loss + 0.1 * contrastive(anchor, positive, torch.ones(anchor.size(0), 1))
        loss = loss + 0.1 * cosine(anchor, negative, -torch.ones(anchor.size(0)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return model, step, scheduler.step
