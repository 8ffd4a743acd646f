"""PPO with continuous actions: generalised advantages in a loop, a Normal policy, a clipped ratio, orthogonal weights, several epochs."""

import numpy as np
import weft as torch
import weft.nn as nn
from weft.distributions.normal import Normal


def layer_init(layer, std=np.sqrt(2), bias_const=0.0):
    torch.nn.init.orthogonal_(layer.weight, std)
    torch.nn.init.constant_(layer.bias, bias_const)
    return layer


class Agent(nn.Module):
    def __init__(self, observations=5, actions=2):
        super().__init__()
        self.critic = nn.Sequential(
            layer_init(nn.Linear(observations, 16)), nn.Tanh(), layer_init(nn.Linear(16, 1), std=1.0)
        )
        self.actor_mean = nn.Sequential(
            layer_init(nn.Linear(observations, 16)), nn.Tanh(), layer_init(nn.Linear(16, actions), std=0.01)
        )
        self.actor_logstd = nn.Parameter(torch.zeros(1, actions))

    def get_value(self, x):
        return self.critic(x)

    def get_action_and_value(self, x, action=None):
        action_mean = self.actor_mean(x)
        action_logstd = self.actor_logstd.expand_as(action_mean)
        probs = Normal(action_mean, torch.exp(action_logstd))
        if action is None:
            action = probs.sample()
        return action, probs.log_prob(action).sum(1), probs.entropy().sum(1), self.critic(x)


def data(random):
    steps, envs = 6, 3
    obs, actions = random.randn(steps, envs, 5), random.randn(steps, envs, 2)
    rewards, dones, next_obs = random.randn(steps, envs), random.rand(steps, envs) < 0.2, random.randn(envs, 5)
    return tuple(a.astype("float32") for a in (obs, actions, rewards, dones, next_obs))


def create():
    agent = Agent()
    optimizer = torch.optim.Adam(agent.parameters(), lr=3e-4, eps=1e-3)
    gamma, gae_lambda, clip_coef, ent_coef, vf_coef = 0.99, 0.95, 0.2, 0.01, 0.5

    def step(obs, actions, rewards, dones, next_obs):
        num_steps = obs.shape[0]
        with torch.no_grad():
            logprobs = torch.stack([agent.get_action_and_value(obs[t], actions[t])[1] for t in range(num_steps)])
            values = agent.get_value(obs).squeeze(-1)
            next_value = agent.get_value(next_obs).reshape(1, -1)
            advantages = torch.zeros_like(rewards)
            lastgaelam = 0
            for t in reversed(range(num_steps)):
                nextvalues = next_value[0] if t == num_steps - 1 else values[t + 1]
                delta = rewards[t] + gamma * nextvalues * (1.0 - dones[t]) - values[t]
                advantages[t] = lastgaelam = delta + gamma * gae_lambda * (1.0 - dones[t]) * lastgaelam
            returns = advantages + values
        b_obs, b_actions, b_logprobs = obs.reshape(-1, 5), actions.reshape(-1, 2), logprobs.reshape(-1)
        b_advantages, b_returns, b_values = advantages.reshape(-1), returns.reshape(-1), values.reshape(-1)
        for start in (0, 9):
            mb = slice(start, start + 9)
            _, newlogprob, entropy, newvalue = agent.get_action_and_value(b_obs[mb], b_actions[mb])
            ratio = (newlogprob - b_logprobs[mb]).exp()
            mb_advantages = b_advantages[mb]
            mb_advantages = (mb_advantages - mb_advantages.mean()) / (mb_advantages.std() + 1e-8)
            pg_loss = torch.max(
                -mb_advantages * ratio, -mb_advantages * torch.clamp(ratio, 1 - clip_coef, 1 + clip_coef)
            ).mean()
            newvalue = newvalue.view(-1)
            v_clipped = b_values[mb] + torch.clamp(newvalue - b_values[mb], -clip_coef, clip_coef)
            v_loss = 0.5 * torch.max((newvalue - b_returns[mb]) ** 2, (v_clipped - b_returns[mb]) ** 2).mean()
            loss = pg_loss - ent_coef * entropy.mean() + v_loss * vf_coef
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.parameters(), 0.5)
            optimizer.step()
        return loss.detach()

    return agent, step, None
