"""A graph convolutional network whose adjacency matrix is sparse: sparse.FloatTensor, spmm, accuracy on parts of the nodes."""

import math

import numpy as np
import weft as torch
import weft.nn as nn
import weft.nn.functional as F
import weft.optim as optim
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
        output = torch.spmm(adj, support)
        return output + self.bias if self.bias is not None else output


class GCN(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout):
        super().__init__()
        self.gc1 = GraphConvolution(nfeat, nhid)
        self.gc2 = GraphConvolution(nhid, nclass)
        self.dropout = dropout

    def forward(self, x, adj):
        x = F.relu(self.gc1(x, adj))
        x = F.dropout(x, self.dropout, training=self.training)
        return F.log_softmax(self.gc2(x, adj), dim=1)


def adjacency(random, nodes, edges):
    matrix = np.eye(nodes, dtype=np.float32)
    matrix[random.randint(0, nodes, edges), random.randint(0, nodes, edges)] = 1
    matrix = np.maximum(matrix, matrix.T)
    matrix /= matrix.sum(1, keepdims=True)
    row, col = matrix.nonzero()
    indices = torch.from_numpy(np.vstack((row, col)).astype(np.int64))
    values = torch.from_numpy(matrix[row, col])
    return torch.sparse.FloatTensor(indices, values, torch.Size(matrix.shape))


def data(random):
    return random.rand(30, 12).astype("float32"), random.randint(0, 4, 30), np.arange(10)


def create():
    adj = adjacency(np.random.RandomState(0), 30, 60)
    model = GCN(nfeat=12, nhid=8, nclass=4, dropout=0.0)
    optimizer = optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4, eps=1e-3)

    def step(features, labels, idx_train):
        model.train()
        optimizer.zero_grad()
        output = model(features, adj)
        loss_train = F.nll_loss(output[idx_train], labels[idx_train])
        loss_train.backward()
        optimizer.step()
        return loss_train.detach()

    return model, step, None
