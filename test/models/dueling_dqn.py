"""A dueling double DQN with prioritised replay: gather, a target network by state_dict, importance weights, n-step targets."""

import weft as torch
import weft.nn as nn
import weft.optim as optim


class DuelingDQN(nn.Module):
    def __init__(self, num_inputs, num_actions):
        super().__init__()
        self.num_actions = num_actions
        self.feature = nn.Sequential(nn.Linear(num_inputs, 24), nn.ReLU())
        self.advantage = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, num_actions))
        self.value = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, x):
        x = self.feature(x)
        advantage = self.advantage(x)
        value = self.value(x)
        return value + advantage - advantage.mean(1, keepdim=True)

    def act(self, state):
        with torch.no_grad():
            return self.forward(state.unsqueeze(0)).max(1)[1].item()


def update_target(current_model, target_model):
    target_model.load_state_dict(current_model.state_dict())


def data(random):
    n = 10
    return (
        random.randn(n, 6).astype("float32"),
        random.randint(0, 4, n),
        random.randn(n).astype("float32"),
        random.randn(n, 6).astype("float32"),
        (random.rand(n) < 0.2).astype("float32"),
        random.rand(n).astype("float32"),
    )


def create():
    current_model, target_model = DuelingDQN(6, 4), DuelingDQN(6, 4)
    update_target(current_model, target_model)
    optimizer = optim.RMSprop(current_model.parameters(), lr=1e-3, eps=1e-2, centered=True)
    gamma, n_step = 0.99, 3

    def step(state, action, reward, next_state, done, priorities):
        q_values = current_model(state)
        q_value = q_values.gather(1, action.unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            next_actions = current_model(next_state).max(1)[1].unsqueeze(1)
            next_q_value = target_model(next_state).gather(1, next_actions).squeeze(1)
        expected_q_value = reward + gamma**n_step * next_q_value * (1 - done)
        probabilities = priorities**0.6 / (priorities**0.6).sum()
        weights = (len(priorities) * probabilities) ** (-0.4)
        weights /= weights.max()
        td = (q_value - expected_q_value.detach()).pow(2)
        loss = (td * weights).mean()
        optimizer.zero_grad()
        loss.backward()
        for param in current_model.parameters():
            param.grad.data.clamp_(-1, 1)
        optimizer.step()
        for target_param, param in zip(target_model.parameters(), current_model.parameters()):
            target_param.data.copy_(0.9 * target_param.data + 0.1 * param.data)
        return loss.detach()

    return nn.ModuleList([current_model, target_model]), step, None
