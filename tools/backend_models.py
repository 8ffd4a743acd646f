"""Models under torch.compile: weft beside eager PyTorch (values and gradients) and, with --inductor, beside inductor (time).

    tools/backend_models.py [--inductor] [--time] [--only NAME ...]

Needs torch 2.13, torchvision, timm and transformers beside weft; everything has random weights. A line a model: the greatest
difference from eager relative to its tolerance (1 is the limit) in evaluation and of a training step's gradients, how many operators
weft runs in how many programs, which of PyTorch's run between them, and the times in ms. Where eager PyTorch is itself further from float64
than that, three times its distance is the tolerance. docs/torch.md keeps the table.
"""

import argparse
import copy
import functools
import math
import sys
import time
import types
import warnings
from collections import Counter

import torch
import weft
import weft.torch
from weft.torch import _backend
from weft.torch._explain import GraphExplanation, _add

warnings.simplefilter("ignore")
if not torch.backends.cuda.is_built():
    # A torchvision built for CUDA does not load its own operators beside a CPU torch. No classifier needs them, but what describes
    # them to the compiler fails without.
    sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")


def vision(name, size=64, batch=2):
    def make():
        import torchvision

        model = torchvision.models.get_model(name, weights=None)
        return model, (torch.randn(batch, 3, size, size),), {}

    return make


def timm_model(name, size=64, batch=2, **options):
    def make():
        import timm

        return timm.create_model(name, pretrained=False, **options), (torch.randn(batch, 3, size, size),), {}

    return make


def hugging(kind, config, **inputs):
    def make():
        import transformers

        options = {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "vocab_size": 99,
        }
        options.update(config)
        model = getattr(transformers, kind)(getattr(transformers, options.pop("config"))(**options))
        ids = torch.randint(3, 90, (2, 12))
        given = {name: make_input(ids) for name, make_input in inputs.items()} or {"input_ids": ids}
        return model, (), given

    return make


IDS = {"input_ids": lambda ids: ids}
IMAGE = {"pixel_values": lambda ids: torch.randn(2, 3, 32, 32)}
SEQ2SEQ = {**IDS, "decoder_input_ids": lambda ids: ids[:, :7]}

MODELS = {
    **{
        name: vision(name)
        for name in (
            "alexnet vgg11_bn resnet18 resnet50 resnext50_32x4d wide_resnet50_2 squeezenet1_1 mobilenet_v2 mobilenet_v3_small "
            "mobilenet_v3_large mnasnet0_5 shufflenet_v2_x0_5 densenet121 efficientnet_b0 efficientnet_v2_s regnet_y_400mf "
            "regnet_x_400mf convnext_tiny swin_t"
        ).split()
    },
    "googlenet": vision("googlenet", 96),
    "inception_v3": vision("inception_v3", 128),
    "vit_b_16": vision("vit_b_16", 224, 1),
    "maxvit_t": vision("maxvit_t", 224, 1),
    **{
        "timm " + name: timm_model(name)
        for name in (
            "resnet26d resnetrs50 seresnet50 skresnet18 res2net50_26w_4s ecaresnet26t regnety_002 mobilenetv3_small_050 "
            "mobilenetv4_conv_small efficientnet_lite0 tf_efficientnet_b0 ghostnet_100 hardcorenas_a mnasnet_100 spnasnet_100 fbnetc_100 "
            "dla34 hrnet_w18_small dpn48b vovnet39a cspresnet50 darknet53 convnext_atto convnextv2_atto edgenext_xx_small repvgg_a0 "
            "resmlp_12_224 mixer_s32_224 gmlp_ti16_224 poolformer_s12 convmixer_768_32 inception_next_atto fastvit_t8 starnet_s1 "
            "mambaout_femto rexnet_100 nfnet_l0 xception41 tinynet_a lcnet_050 semnasnet_075 levit_128s deit_tiny_patch16_224 "
            "vit_tiny_patch16_224 beit_base_patch16_224 cait_xxs24_224 pit_ti_224 coat_lite_tiny crossvit_tiny_240 efficientformer_l1 "
            "mobilevit_xxs volo_d1_224 twins_svt_small visformer_tiny swin_tiny_patch4_window7_224"
        ).split()
    },
    "bert": hugging("BertForMaskedLM", {"config": "BertConfig"}),
    "distilbert": hugging("DistilBertModel", {"config": "DistilBertConfig", "dim": 32, "n_heads": 4, "n_layers": 2, "hidden_dim": 64}),
    "gpt2": hugging("GPT2LMHeadModel", {"config": "GPT2Config", "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}),
    "llama": hugging("LlamaForCausalLM", {"config": "LlamaConfig"}),
    "mistral": hugging("MistralForCausalLM", {"config": "MistralConfig", "num_key_value_heads": 2}),
    "qwen2": hugging("Qwen2ForCausalLM", {"config": "Qwen2Config", "num_key_value_heads": 2}),
    "gemma": hugging("GemmaForCausalLM", {"config": "GemmaConfig", "num_key_value_heads": 2, "head_dim": 8}),
    "phi": hugging("PhiForCausalLM", {"config": "PhiConfig"}),
    "mamba": hugging("MambaForCausalLM", {"config": "MambaConfig", "state_size": 4}),
    "t5": hugging("T5ForConditionalGeneration", {"config": "T5Config", "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4}, **SEQ2SEQ),
    "bart": hugging("BartForConditionalGeneration", {
        "config": "BartConfig", "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
        "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64}, **SEQ2SEQ),
    "whisper": hugging("WhisperModel", {
        "config": "WhisperConfig", "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
        "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "num_mel_bins": 20, "max_source_positions": 30,
        "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1, "suppress_tokens": []},
        input_features=lambda ids: torch.randn(2, 20, 60), decoder_input_ids=lambda ids: ids[:, :7]),
    "hf vit": hugging("ViTForImageClassification", {"config": "ViTConfig", "image_size": 32, "patch_size": 8}, **IMAGE),
    "hf resnet": hugging("ResNetForImageClassification", {
        "config": "ResNetConfig", "embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1]}, **IMAGE),
    "roberta": hugging("RobertaForSequenceClassification", {"config": "RobertaConfig"}),
    "electra": hugging("ElectraModel", {"config": "ElectraConfig", "embedding_size": 16}),
    "albert": hugging("AlbertModel", {"config": "AlbertConfig", "embedding_size": 16}),
    "gpt_neox": hugging("GPTNeoXForCausalLM", {"config": "GPTNeoXConfig"}),
    "opt": hugging("OPTForCausalLM", {"config": "OPTConfig", "ffn_dim": 64, "word_embed_proj_dim": 32}),
}  # fmt: skip


def leaves(result):
    found = torch.utils._pytree.tree_leaves(dict(result) if hasattr(result, "items") else result)
    return [x for x in found if isinstance(x, torch.Tensor)]


def step(model, function, args, kwargs):
    """Loss and gradients of a training step whose random numbers are the same each time."""
    model.zero_grad(set_to_none=True)
    torch.manual_seed(11)
    floats = [x for x in leaves(function(*args, **kwargs)) if x.requires_grad]
    loss = sum(x.float().square().mean() for x in floats)
    loss.backward()
    return [loss.detach()] + [p.grad for p in model.parameters() if p.grad is not None]


def inference(model, function, args, kwargs):
    with torch.no_grad():
        return [x.detach() for x in leaves(function(*args, **kwargs))]


def distance(found, expected):
    """The greatest difference, in tolerances: 1e-4 of the largest element of the tensor, and float32's usual 1.3e-6 of each."""
    worst = 0.0
    for one, other in zip(found, expected, strict=True):
        if one.shape != other.shape or one.dtype != other.dtype:
            return math.inf
        if not other.numel():
            continue
        scale = other.double().abs().max().item()
        gap = (one.double() - other.double()).abs() / (1e-4 * scale + 1e-5 + 1.3e-6 * other.double().abs())
        worst = max(worst, gap.nan_to_num(math.inf).max().item())
    return worst


def distance_of_truth(found, expected, truth):
    """The same from float64's, less three times eager's own: for networks that make much of rounding."""
    worst = 0.0
    for one, other, true in zip(found, expected, truth, strict=True):
        gap, own = ((x.double() - true).abs().max().item() if x.numel() else 0.0 for x in (one, other))
        worst = max(worst, gap / (3 * own + 1e-6 * true.abs().max().item() + 1e-12) if true.numel() else 0.0)
    return worst


def seconds(run, least=0.3):
    run()
    best, until = math.inf, time.perf_counter() + least
    while time.perf_counter() < until:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def measure(make, backends, timed):
    torch.manual_seed(0)
    model, args, kwargs = make()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    row, plans = {}, []
    for training, way in ((False, inference), (True, step)):
        model.train(training).load_state_dict(state)
        kind = way.__name__
        expected = way(model, model, args, kwargs)
        if timed:
            row[f"{kind} eager"] = seconds(functools.partial(way, model, model, args, kwargs))
        for name, backend in backends.items():
            torch._dynamo.reset()
            compiled = torch.compile(model, backend=backend)
            model.load_state_dict(state)
            token = _backend.observed.set(plans)
            before, start = weft._C.compile_statistics(), time.perf_counter()
            found = way(model, compiled, args, kwargs)
            row[f"{kind} first {name}"] = time.perf_counter() - start
            _backend.observed.reset(token)
            if name == "weft":
                row[f"{kind} programs"] = weft._C.compile_statistics()[1] - before[1]
                row[f"{kind} distance"] = distance(found, expected)
                if row[f"{kind} distance"] > 1:
                    model.load_state_dict(state)
                    wide = copy.deepcopy(model).double()
                    wide_args = [x.double() if x.is_floating_point() else x for x in args]
                    row[f"{kind} distance"] = distance_of_truth(found, expected, way(wide, wide, wide_args, kwargs))
            if timed:
                row[f"{kind} {name}"] = seconds(functools.partial(way, model, compiled, args, kwargs))
    total = GraphExplanation("", 0, 0, Counter())
    for _, plan in plans:
        _add(plan, total)
    row.update(operators=total.operators, programs=total.programs, graphs=len(plans), foreign=total.foreign)
    return row


def line(name, row):
    foreign = ", ".join(f"{count} {what}" for what, count in row["foreign"].most_common(4))
    times = "".join(
        f" | {kind}: "
        + ", ".join(
            f"{k.split(' ', 1)[1]} {v * 1e3:.1f}"
            for k, v in row.items()
            if k.startswith(kind) and isinstance(v, float) and "distance" not in k
        )
        for kind in ("inference", "step")
    )
    return (
        f"{name:34} {row['inference distance']:8.3f} {row['step distance']:8.3f}  {row['operators']} in {row['programs']} ({row['graphs']} graphs)"
        f" {foreign}{times}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--inductor", action="store_true")
    parser.add_argument("--time", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(2)
    backends = {"weft": weft.torch.backend, **({"inductor": "inductor"} if options.inductor else {})}
    good = 0
    chosen = {name: make for name, make in MODELS.items() if not options.only or name in options.only}
    for name, make in chosen.items():
        try:
            row = measure(make, backends, options.time)
        except Exception as error:
            print(f"{name:34} {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", flush=True)
            continue
        good += max(row["inference distance"], row["step distance"]) <= 1
        print(line(name, row), flush=True)
    print(f"{good} of {len(chosen)} models within tolerance, forward and gradients")


if __name__ == "__main__":
    main()
