"""A sparse mixture of experts: noisy top-k gating without the noise, dispatch by nonzero and split, a balancing loss."""

import weft as torch
import weft.nn as nn


class SparseDispatcher:
    def __init__(self, num_experts, gates):
        self._gates = gates
        self._num_experts = num_experts
        sorted_experts, index_sorted_experts = torch.nonzero(gates).sort(0)
        _, self._expert_index = sorted_experts.split(1, dim=1)
        self._batch_index = torch.nonzero(gates)[index_sorted_experts[:, 1], 0]
        self._part_sizes = (gates > 0).sum(0).tolist()
        gates_exp = gates[self._batch_index.flatten()]
        self._nonzero_gates = torch.gather(gates_exp, 1, self._expert_index)

    def dispatch(self, inp):
        inp_exp = inp[self._batch_index].squeeze(1)
        return torch.split(inp_exp, self._part_sizes, dim=0)

    def combine(self, expert_out):
        stitched = torch.cat(expert_out, 0).mul(self._nonzero_gates)
        zeros = torch.zeros(self._gates.size(0), expert_out[-1].size(1), requires_grad=True)
        return zeros.index_add(0, self._batch_index, stitched.float())


class MLP(nn.Module):
    def __init__(self, input_size, output_size, hidden_size):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(input_size, hidden_size), nn.Linear(hidden_size, output_size)
        self.relu, self.soft = nn.ReLU(), nn.Softmax(1)

    def forward(self, x):
        return self.soft(self.fc2(self.relu(self.fc1(x))))


class MoE(nn.Module):
    def __init__(self, input_size=8, output_size=4, num_experts=4, hidden_size=10, k=2):
        super().__init__()
        self.num_experts, self.k = num_experts, k
        self.experts = nn.ModuleList([MLP(input_size, output_size, hidden_size) for _ in range(num_experts)])
        self.w_gate = nn.Parameter(torch.zeros(input_size, num_experts), requires_grad=True)

    def cv_squared(self, x):
        if x.shape[0] == 1:
            return torch.tensor([0], device=x.device, dtype=x.dtype)
        return x.float().var() / (x.float().mean() ** 2 + 1e-10)

    def forward(self, x, loss_coef=1e-2):
        logits = (x @ self.w_gate).softmax(1)
        top_logits, top_indices = logits.topk(min(self.k + 1, self.num_experts), dim=1)
        top_k_logits, top_k_indices = top_logits[:, : self.k], top_indices[:, : self.k]
        top_k_gates = top_k_logits / (top_k_logits.sum(1, keepdim=True) + 1e-6)
        gates = torch.zeros_like(logits, requires_grad=True).scatter(1, top_k_indices, top_k_gates)
        loss = self.cv_squared(gates.sum(0)) + self.cv_squared((gates > 0).sum(0))
        dispatcher = SparseDispatcher(self.num_experts, gates)
        expert_inputs = dispatcher.dispatch(x)
        expert_outputs = [self.experts[i](expert_inputs[i]) for i in range(self.num_experts)]
        return dispatcher.combine(expert_outputs), loss * loss_coef


def data(random):
    return random.randn(9, 8).astype("float32"), random.randint(0, 4, 9)


def create():
    net = MoE()
    loss_fn = nn.CrossEntropyLoss()
    optim = torch.optim.Adagrad(net.parameters(), lr=0.02)

    def step(x, y):
        net.train()
        y_hat, aux_loss = net(x)
        total_loss = loss_fn(y_hat, y) + aux_loss
        optim.zero_grad()
        total_loss.backward()
        optim.step()
        return total_loss.detach()

    return net, step, None
