"""Graph attention over a list of edges: a softmax within each node's edges by scatter_add, and pooling by graph."""

import weft as torch
import weft.nn as nn
import weft.nn.functional as F

NODES, GRAPHS = 15, 3


class GATLayer(nn.Module):
    def __init__(self, num_in_features, num_out_features, num_of_heads, concat=True):
        super().__init__()
        self.num_of_heads, self.num_out_features, self.concat = num_of_heads, num_out_features, concat
        self.linear_proj = nn.Linear(num_in_features, num_of_heads * num_out_features, bias=False)
        self.scoring_fn_target = nn.Parameter(torch.Tensor(1, num_of_heads, num_out_features))
        self.scoring_fn_source = nn.Parameter(torch.Tensor(1, num_of_heads, num_out_features))
        self.bias = nn.Parameter(torch.Tensor(num_of_heads * num_out_features if concat else num_out_features))
        self.leakyReLU = nn.LeakyReLU(0.2)
        nn.init.xavier_uniform_(self.linear_proj.weight)
        nn.init.xavier_uniform_(self.scoring_fn_target)
        nn.init.xavier_uniform_(self.scoring_fn_source)
        torch.nn.init.zeros_(self.bias)

    def forward(self, in_nodes_features, edge_index):
        num_of_nodes = in_nodes_features.shape[0]
        proj = self.linear_proj(in_nodes_features).view(-1, self.num_of_heads, self.num_out_features)
        scores_source = (proj * self.scoring_fn_source).sum(dim=-1)
        scores_target = (proj * self.scoring_fn_target).sum(dim=-1)
        src, trg = edge_index[0], edge_index[1]
        scores = self.leakyReLU(scores_source.index_select(0, src) + scores_target.index_select(0, trg))
        attention = self.neighborhood_aware_softmax(scores, trg, num_of_nodes)
        weighted = proj.index_select(0, src) * attention
        out = torch.zeros((num_of_nodes, self.num_of_heads, self.num_out_features), dtype=weighted.dtype)
        out = out.scatter_add(0, trg.view(-1, 1, 1).expand_as(weighted), weighted)
        out = out.reshape(num_of_nodes, -1) if self.concat else out.mean(dim=1)
        return F.elu(out + self.bias)

    def neighborhood_aware_softmax(self, scores, trg, num_of_nodes):
        exp_scores = (scores - scores.max()).exp()
        index = trg.unsqueeze(-1).expand_as(exp_scores)
        sums = torch.zeros((num_of_nodes, self.num_of_heads), dtype=scores.dtype).scatter_add_(0, index, exp_scores)
        return (exp_scores / (sums.index_select(0, trg) + 1e-16)).unsqueeze(-1)


class GAT(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([GATLayer(6, 4, 2), GATLayer(8, 6, 3, concat=False)])
        self.gate, self.out = nn.Linear(12, 6), nn.Linear(12, 1)

    def forward(self, x, edge_index, batch):
        for layer in self.layers:
            x = layer(x, edge_index)
        total = torch.zeros(GRAPHS, x.shape[1]).index_add(0, batch, x)
        highest = torch.full((GRAPHS, x.shape[1]), -torch.inf).scatter_reduce(
            0, batch[:, None].expand_as(x), x, reduce="amax", include_self=False
        )
        pooled = torch.cat([total, highest], dim=1)
        return self.out(torch.cat([pooled[:, :6], torch.sigmoid(self.gate(pooled)) * pooled[:, 6:]], dim=1)).squeeze(-1)


def data(random):
    batch = random.randint(0, GRAPHS, NODES)
    batch[:GRAPHS] = range(GRAPHS)
    edges = random.randint(0, NODES, (2, 40))
    edges[1, :NODES] = edges[0, :NODES] = range(NODES)  # every node has itself
    return random.randn(NODES, 6).astype("float32"), edges, batch, random.randn(GRAPHS).astype("float32")


def create():
    model = GAT()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    loss_fn = nn.SmoothL1Loss(beta=0.5)

    def step(x, edge_index, batch, y):
        optimizer.zero_grad()
        loss = loss_fn(model(x, edge_index, batch), y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return model, step, None
