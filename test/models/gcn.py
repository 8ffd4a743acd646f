"""A graph convolutional network on a small graph: a normalised adjacency matrix, reset_parameters by hand, masks for training."""

import math

import weft as torch
import weft.nn as nn
import weft.nn.functional as F
from weft.nn.modules.module import Module
from weft.nn.parameter import Parameter


class GraphConvolution(Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.weight = Parameter(torch.FloatTensor(in_features, out_features))
        if bias:
            self.bias = Parameter(torch.FloatTensor(out_features))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / math.sqrt(self.weight.size(1))
        self.weight.data.uniform_(-stdv, stdv)
        if self.bias is not None:
            self.bias.data.uniform_(-stdv, stdv)

    def forward(self, input, adj):
        support = torch.mm(input, self.weight)
        output = torch.mm(adj, support)
        if self.bias is not None:
            return output + self.bias
        return output

    def __repr__(self):
        return self.__class__.__name__ + " (" + str(self.in_features) + " -> " + str(self.out_features) + ")"


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout=0.0):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        x = self.gc2(x, adj)
        return F.log_softmax(x, dim=1)


def normalize(adj):
    adj = adj + adj.T.multiply(adj.T > adj) - adj.multiply(adj.T > adj)
    adj = adj + torch.eye(adj.shape[0])
    inverse = adj.sum(1).pow(-0.5)
    inverse[torch.isinf(inverse)] = 0.0
    return torch.diag(inverse) @ adj @ torch.diag(inverse)


def data(random):
    adj = (random.rand(14, 14) > 0.7).astype("float32")
    idx_train = random.permutation(14)[:6]
    return random.rand(14, 10).astype("float32"), adj, random.randint(0, 3, 14), idx_train


def create():
    model = GCN(nfeat=10, nhid=8, nclass=3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4, eps=1e-3)

    def step(features, adj, labels, idx_train):
        model.train()
        optimizer.zero_grad()
        output = model(features, normalize(adj))
        loss_train = F.nll_loss(output[idx_train], labels[idx_train])
        loss_train.backward()
        optimizer.step()
        return loss_train.detach()

    return model, step, None
