"""Times of torch.compile's backends in one run: eager PyTorch, weft and inductor, for inference and a training step.

    tools/backend_speed.py [NAME ...] [--threads 2] [--rounds 7] [--no-inductor]

Needs what tools/backend_models.py needs, and a C++ compiler for inductor. Prints a row of Markdown a model and way: the medians of rounds in
which each takes its turn, in ms; what the first call took beyond a later one, in s; and how much of weft's was weft's own compiler.
"""

import argparse
import statistics
import time
import warnings

import torch
import weft
import weft.torch
from backend_models import hugging, import_torchvision, inference, step


def image(name, batch=4, size=224):
    def make():
        model = import_torchvision().models.get_model(name, weights=None)
        return model, (torch.randn(batch, 3, size, size),), {}

    return make


def text(kind, batch=4, length=128, **config):
    def make():
        wide = {
            "hidden_size": 384,
            "num_hidden_layers": 6,
            "num_attention_heads": 6,
            "intermediate_size": 1536,
            "vocab_size": 8000,
        }
        model, _, _ = hugging(kind, {**wide, **config})()
        return (
            model,
            (),
            {
                "input_ids": torch.randint(3, 7000, (batch, length)),
                **({"use_cache": False} if "CausalLM" in kind else {}),
            },
        )

    return make


MODELS = {
    "resnet18": image("resnet18"),
    "resnet50": image("resnet50"),
    "vgg11_bn": image("vgg11_bn"),
    "mobilenet_v3_small": image("mobilenet_v3_small", 8),
    "efficientnet_b0": image("efficientnet_b0"),
    "regnet_y_400mf": image("regnet_y_400mf"),
    "densenet121": image("densenet121"),
    "convnext_tiny": image("convnext_tiny"),
    "swin_t": image("swin_t"),
    "vit_b_32": image("vit_b_32"),
    "bert": text("BertForMaskedLM", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0),
    "gpt2": text("GPT2LMHeadModel", n_embd=384, n_layer=6, n_head=6, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0),
    "llama": text("LlamaForCausalLM"),
    "qwen3": text("Qwen3ForCausalLM", num_key_value_heads=2, head_dim=64),
    "electra": text("ElectraModel", embedding_size=128),
}


def seconds(way, *args):
    start = time.perf_counter()
    way(*args)
    return time.perf_counter() - start


def measure(make, backends, rounds):
    """way → (medians, first calls' extra, weft's compiler's part): one model."""
    torch.manual_seed(0)
    model, args, kwargs = make()
    for training, way in ((False, inference), (True, step)):
        model.train(training)
        functions, first = {"eager": model}, {}
        own = 0.0
        for name, backend in backends.items():
            torch._dynamo.reset()
            functions[name] = torch.compile(model, backend=backend)
            before = weft._C.compile_statistics()
            first[name] = seconds(way, model, functions[name], args, kwargs)
            if name == "weft":
                own = weft._C.compile_statistics()[1] - before[1]
        times = {name: [] for name in functions}
        for turn in range(rounds + 1):
            for name, function in functions.items():
                taken = seconds(way, model, function, args, kwargs)
                if turn:
                    times[name].append(taken)
        medians = {name: statistics.median(taken) for name, taken in times.items()}
        yield way.__name__, medians, {name: first[name] - medians[name] for name in first}, own


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-inductor", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(options.threads)
    weft.set_num_threads(options.threads)
    backends = {"weft": weft.torch.backend, **({} if options.no_inductor else {"inductor": "inductor"})}
    print("| model | way | eager ms | weft ms | inductor ms | first call: weft s | of it its compiler | inductor s |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.names or MODELS:
        for way, medians, first, own in measure(MODELS[name], backends, options.rounds):
            ms = {key: f"{1e3 * value:.1f}" for key, value in medians.items()}
            extra = {key: f"{value:.1f}" for key, value in first.items()}
            print(
                f"| {name} | {way} | {ms['eager']} | {ms['weft']} | {ms.get('inductor', '')} | {extra['weft']} "
                f"| {own:.2f} | {extra.get('inductor', '')} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
