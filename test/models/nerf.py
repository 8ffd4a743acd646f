"""NeRF: positional encoding by a list of lambdas, a skip connection, and rays that add up by an exclusive product."""

import weft as torch
import weft.nn as nn
import weft.nn.functional as F


class Embedder:
    def __init__(self, input_dims, multires):
        embed_fns, out_dim = [lambda x: x], input_dims
        for freq in 2.0 ** torch.linspace(0.0, multires - 1, steps=multires):
            for p_fn in [torch.sin, torch.cos]:
                embed_fns.append(lambda x, p_fn=p_fn, freq=freq: p_fn(x * freq))
                out_dim += input_dims
        self.embed_fns, self.out_dim = embed_fns, out_dim

    def __call__(self, inputs):
        return torch.cat([fn(inputs) for fn in self.embed_fns], -1)


class NeRF(nn.Module):
    def __init__(self, D=3, W=16, input_ch=3, input_ch_views=3, skips=(1,)):
        super().__init__()
        self.input_ch, self.input_ch_views, self.skips = input_ch, input_ch_views, skips
        self.pts_linears = nn.ModuleList(
            [nn.Linear(input_ch, W)]
            + [nn.Linear(W, W) if i not in self.skips else nn.Linear(W + input_ch, W) for i in range(D - 1)]
        )
        self.views_linears = nn.ModuleList([nn.Linear(input_ch_views + W, W // 2)])
        self.feature_linear = nn.Linear(W, W)
        self.alpha_linear = nn.Linear(W, 1)
        self.rgb_linear = nn.Linear(W // 2, 3)

    def forward(self, x):
        input_pts, input_views = torch.split(x, [self.input_ch, self.input_ch_views], dim=-1)
        h = input_pts
        for i, _ in enumerate(self.pts_linears):
            h = F.relu(self.pts_linears[i](h))
            if i in self.skips:
                h = torch.cat([input_pts, h], -1)
        alpha = self.alpha_linear(h)
        h = torch.cat([self.feature_linear(h), input_views], -1)
        for i, _ in enumerate(self.views_linears):
            h = F.relu(self.views_linears[i](h))
        return torch.cat([self.rgb_linear(h), alpha], -1)


def raw2outputs(raw, z_vals, rays_d):
    dists = z_vals[..., 1:] - z_vals[..., :-1]
    dists = torch.cat([dists, torch.Tensor([1e10]).expand(dists[..., :1].shape)], -1)
    dists = dists * torch.norm(rays_d[..., None, :], dim=-1)
    rgb = torch.sigmoid(raw[..., :3])
    alpha = 1.0 - torch.exp(-F.relu(raw[..., 3]) * dists)
    ones = torch.ones((alpha.shape[0], 1))
    weights = alpha * torch.cumprod(torch.cat([ones, 1.0 - alpha + 1e-10], -1), -1)[:, :-1]
    rgb_map = torch.sum(weights[..., None] * rgb, -2)
    depth_map = torch.sum(weights * z_vals, -1)
    return rgb_map + (1.0 - torch.sum(weights, -1)[..., None]), depth_map


def data(random):
    rays = random.randn(6, 2, 3).astype("float32")
    return rays[:, 0].copy(), rays[:, 1].copy(), random.rand(6, 3).astype("float32")


def create():
    embed, embed_views = Embedder(3, 3), Embedder(3, 2)
    model = NeRF(input_ch=embed.out_dim, input_ch_views=embed_views.out_dim)
    optimizer = torch.optim.Adam(params=list(model.parameters()), lr=5e-4, betas=(0.9, 0.999), eps=1e-3)
    state = {"global_step": 0}

    def step(rays_o, rays_d, target):
        viewdirs = rays_d / torch.norm(rays_d, dim=-1, keepdim=True)
        t_vals = torch.linspace(0.0, 1.0, steps=8)
        z_vals = (2.0 * (1.0 - t_vals) + 6.0 * t_vals).expand([rays_o.shape[0], 8])
        pts = rays_o[..., None, :] + rays_d[..., None, :] * z_vals[..., :, None]
        flat = torch.reshape(pts, [-1, pts.shape[-1]])
        dirs = torch.reshape(viewdirs[:, None].expand(pts.shape), [-1, 3])
        raw = model(torch.cat([embed(flat), embed_views(dirs)], -1)).reshape(list(pts.shape[:-1]) + [4])
        rgb, depth = raw2outputs(raw, z_vals, rays_d)
        optimizer.zero_grad()
        loss = torch.mean((rgb - target) ** 2) + 1e-3 * depth.mean()
        loss.backward()
        optimizer.step()
        return loss.detach()

    def decay():
        state["global_step"] += 1
        for param_group in optimizer.param_groups:
            param_group["lr"] = 5e-4 * 0.1 ** (state["global_step"] / 10)

    return model, step, decay
