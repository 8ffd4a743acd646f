"""Models under torch.compile: weft beside eager PyTorch, values and gradients.

    tools/backend_models.py [NAME ...] [--limit SECONDS] [--again] [--table docs/torch.md]

Needs torch 2.13, torchvision, timm and transformers beside weft; everything has random weights. Runs each model in a process of its own,
all of them or those whose names begin so, keeps what came of each in build/backend_models.jsonl, where a later call finds it, and writes
the table between the marks of the Markdown file.

Distances are in tolerances: 1e-4 of a tensor's largest element, 1 is the limit. A network that makes much of rounding (batch norm over a few
elements) may be beyond that: then weft and eager are compared in float64, where the limit is 1e-8 of the largest element, and weft's
float32 may be three times as far from float64 as eager's.
"""

import argparse
import copy
import json
import math
import multiprocessing
import pathlib
import sys
import time
import types
import warnings
from collections import Counter

RESULTS = pathlib.Path("build/backend_models.jsonl")
BEGIN, END = "<!-- models: tools/backend_models.py -->", "<!-- end of models -->"

# ---------------------------------------------------------------- The models

VISION = {  # size of the image → classifiers; the rest of torchvision's registry has 64
    96: "googlenet",
    128: "inception_v3",
    224: "vit_b_16 vit_b_32 vit_l_16 vit_l_32 vit_h_14 maxvit_t",
}
TIMM = {  # (size of the image, whether the model is told) → members of timm's families
    (
        64,
        False,
    ): "resnet26d seresnet50 skresnet18 res2net50_26w_4s ecaresnet26t regnety_002 mobilenetv3_small_050 mobilenetv4_conv_small "
    "efficientnet_lite0 ghostnet_100 hardcorenas_a mixnet_s fbnetc_100 dla34 hrnet_w18_small dpn48b vovnet39a cspresnet50 darknet53 "
    "convnext_atto convnextv2_atto edgenext_xx_small repvgg_a0 poolformer_s12 convmixer_768_32 inception_next_atto fastvit_t8 starnet_s1 "
    "mambaout_femto rexnet_100 nfnet_l0 xception41 tinynet_a lcnet_050 selecsls42 resnest14d hgnet_tiny repghostnet_050 repvit_m0_9 "
    "resnetv2_18 lambda_resnet26t gcresnet33ts mobilevit_xxs xcit_nano_12_p16_224 pvt_v2_b0 efficientvit_b0 efficientvit_m0 crossvit_tiny_240 "
    "caformer_s18 focalnet_tiny_srf davit_tiny mvitv2_tiny rdnet_tiny sequencer2d_s twins_svt_small fasternet_t0 efficientvim_m1 "
    "cpubone_nano csatv2 shvit_s1 swiftformer_xs tiny_vit_5m_224 iformer_t lowformer_b0 lcnetv2_base cspnext_tiny nextvit_small tresnet_m "
    "densenet121 legacy_seresnet18 gernet_s",
    (
        64,
        True,
    ): "vit_tiny_patch16_224 deit_tiny_patch16_224 levit_128s mixer_s32_224 resmlp_12_224 gmlp_ti16_224 swin_tiny_patch4_window7_224 "
    "cait_xxs24_224 pit_ti_224 coat_lite_tiny volo_d1_224 visformer_tiny coatnet_pico_rw_224 maxvit_pico_rw_256 efficientformerv2_s0 "
    "convit_tiny eva02_tiny_patch14_224 vit_relpos_small_patch16_224 vit_tiny_r_s16_p8_224 botnet26t_256 nest_tiny gcvit_xxtiny "
    "hiera_tiny_224 swinv2_cr_tiny_224 tnt_s_legacy_patch16_224 vitamin_small_224 beit_base_patch16_224",
    (96, False): "inception_v4 inception_resnet_v2",
    (224, False): "efficientformer_l1",
}

# As few blocks as the constructor is willing to take: those of a stage are alike.
SHALLOW = [
    {"depths": (1, 1, 1, 1)},
    {"layers": (1, 1, 1, 1)},
    {"depth": 2},
    {"serial_depths": (1, 1, 1, 1)},
    {"stages": (1, 1, 1, 1)},
    {},
]
FIRST = (
    "alexnet squeezenet1_1 resnet18 mobilenet_v3_small vgg11_bn mnasnet0_5 shufflenet_v2_x0_5 mobilenet_v2 vit_b_32 convnext_tiny "
    "regnet_x_400mf regnet_y_400mf googlenet efficientnet_b0 swin_t inception_v3 resnext50_32x4d wide_resnet50_2 swin_v2_t densenet121 "
    "efficientnet_v2_s maxvit_t"
).split()


def images(batch, size):
    import torch

    return torch.randn(batch, 3, size, size)


def import_torchvision():
    import torch

    if not torch.backends.cuda.is_built():
        # A torchvision built for CUDA does not load its own operators beside a CPU torch. No classifier needs them, but what
        # describes them to the compiler fails without.
        sys.modules["torchvision._meta_registrations"] = types.ModuleType("torchvision._meta_registrations")
    import torchvision

    return torchvision


def vision(name):
    torchvision = import_torchvision()

    sizes = {model: size for size, models in VISION.items() for model in models.split()}
    size = sizes.get(name, 64)
    return torchvision.models.get_model(name, weights=None), (images(2 if size < 224 else 1, size),), {}


def timm_model(name):
    import_torchvision()
    import timm
    import torch

    ((size, told),) = (group for group, models in TIMM.items() if name in models.split())
    sized = {"img_size": size} if told else {}
    for fewer in SHALLOW:
        try:
            model = timm.create_model(name, pretrained=False, **sized, **fewer)
            with torch.no_grad():
                model.eval()(images(2, size))
            return model, (images(2, size),), {}
        except Exception:
            if not fewer:
                raise


def hugging(kind, config=None, **inputs):
    def make():
        import torch

        import_torchvision()
        import transformers

        small = {
            "hidden_size": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "vocab_size": 99,
        }
        base = kind.removesuffix("Model").split("For")[0].removesuffix("LMHead")
        options = {"config": base + "Config", **small, **(config or {})}
        configuration = getattr(transformers, options.pop("config"))
        model = getattr(transformers, kind)(configuration(**options))
        ids = torch.randint(3, 90, (2, 12))
        return model, (), {name: make_input(ids) for name, make_input in (inputs or IDS).items()}

    return make


def _normal(*shape):
    def make(ids):
        import torch

        return torch.randn(*shape)

    return make


IDS = {"input_ids": lambda ids: ids}
IMAGE = {"pixel_values": _normal(2, 3, 32, 32)}
SOUND = {"input_values": _normal(2, 1600)}
SEQ2SEQ = {**IDS, "decoder_input_ids": lambda ids: ids[:, :7]}
HALVES = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "max_position_embeddings": 64,
}  # fmt: skip
SPECIAL = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 1}
GROUPED = {"num_key_value_heads": 2}
PATCHES = {"image_size": 32, "patch_size": 8}
WAVES = {"conv_dim": [16, 16], "conv_stride": [5, 4], "conv_kernel": [10, 8], "num_feat_extract_layers": 2, "num_conv_pos_embeddings": 8,
         "num_conv_pos_embedding_groups": 4, "mask_time_prob": 0.0, "layerdrop": 0.0}  # fmt: skip

HUGGING = {
    # encoders
    "bert": hugging("BertForMaskedLM"),
    "distilbert": hugging("DistilBertModel", {"dim": 32, "n_heads": 4, "n_layers": 2, "hidden_dim": 64}),
    "roberta": hugging("RobertaForSequenceClassification"),
    "electra": hugging("ElectraModel", {"embedding_size": 16}),
    "albert": hugging("AlbertModel", {"embedding_size": 16}),
    "deberta": hugging("DebertaV2Model"),
    "mpnet": hugging("MPNetModel"),
    "fnet": hugging("FNetModel"),
    "xlnet": hugging("XLNetModel", {"d_model": 32, "n_layer": 2, "n_head": 4, "d_inner": 64}),
    "squeezebert": hugging("SqueezeBertModel", {"embedding_size": 32}),
    "modernbert": hugging("ModernBertModel", SPECIAL),
    # decoders
    "gpt2": hugging("GPT2LMHeadModel", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}),
    "gpt_neo": hugging("GPTNeoForCausalLM", {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]]}),
    "gptj": hugging("GPTJForCausalLM", {"n_embd": 32, "n_layer": 2, "n_head": 4, "rotary_dim": 4}),
    "gpt_neox": hugging("GPTNeoXForCausalLM"),
    "opt": hugging("OPTForCausalLM", {"ffn_dim": 64, "word_embed_proj_dim": 32}),
    "bloom": hugging("BloomForCausalLM", {"n_layer": 2, "n_head": 4}),
    "falcon": hugging("FalconForCausalLM"),
    "mpt": hugging("MptForCausalLM", {"d_model": 32, "n_heads": 4, "n_layers": 2}),
    "llama": hugging("LlamaForCausalLM"),
    "mistral": hugging("MistralForCausalLM", GROUPED),
    "mixtral": hugging("MixtralForCausalLM", {**GROUPED, "num_local_experts": 4}),
    "qwen2": hugging("Qwen2ForCausalLM", GROUPED),
    "qwen3": hugging("Qwen3ForCausalLM", {**GROUPED, "head_dim": 8}),
    "qwen3_moe": hugging("Qwen3MoeForCausalLM", {**GROUPED, "head_dim": 8, "num_experts": 4, "moe_intermediate_size": 16, "num_experts_per_tok": 2}),
    "gemma": hugging("GemmaForCausalLM", {**GROUPED, "head_dim": 8}),
    "gemma2": hugging("Gemma2ForCausalLM", {**GROUPED, "head_dim": 8}),
    "gemma3": hugging("Gemma3ForCausalLM", {"config": "Gemma3TextConfig", **GROUPED, "head_dim": 8}),
    "phi": hugging("PhiForCausalLM"),
    "phi3": hugging("Phi3ForCausalLM", SPECIAL),
    "cohere": hugging("CohereForCausalLM", SPECIAL),
    "olmo2": hugging("Olmo2ForCausalLM", SPECIAL),
    "stablelm": hugging("StableLmForCausalLM", {"num_key_value_heads": 4}),
    "granite": hugging("GraniteForCausalLM"),
    "smollm3": hugging("SmolLM3ForCausalLM", {**SPECIAL, **GROUPED}),
    "mamba": hugging("MambaForCausalLM", {"state_size": 4}),
    "mamba2": hugging("Mamba2ForCausalLM", {"state_size": 4, "num_heads": 8, "head_dim": 8, "n_groups": 1, "chunk_size": 4}),
    "rwkv": hugging("RwkvForCausalLM", {"attention_hidden_size": 32}),
    # encoder and decoder
    "t5": hugging("T5ForConditionalGeneration", {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, **SPECIAL}, **SEQ2SEQ),
    "bart": hugging("BartForConditionalGeneration", HALVES, **SEQ2SEQ),
    "pegasus": hugging("PegasusForConditionalGeneration", HALVES, **SEQ2SEQ),
    "marian": hugging("MarianMTModel", {"config": "MarianConfig", **HALVES, **SPECIAL}, **SEQ2SEQ),
    "blenderbot": hugging("BlenderbotForConditionalGeneration", HALVES, **SEQ2SEQ),
    "whisper": hugging(
        "WhisperForConditionalGeneration", {**HALVES, **SPECIAL, "num_mel_bins": 20, "max_source_positions": 30, "suppress_tokens": [], "begin_suppress_tokens": []},
        input_features=_normal(2, 20, 60), decoder_input_ids=lambda ids: ids[:, :7]),
    # images and sound
    "vit": hugging("ViTForImageClassification", PATCHES, **IMAGE),
    "dinov2": hugging("Dinov2Model", PATCHES, **IMAGE),
    "beit": hugging("BeitModel", PATCHES, **IMAGE),
    "clip vision": hugging("CLIPVisionModel", {**PATCHES, "config": "CLIPVisionConfig"}, **IMAGE),
    "clip text": hugging("CLIPTextModel", {**SPECIAL, "config": "CLIPTextConfig"}),
    "siglip vision": hugging("SiglipVisionModel", {**PATCHES, "config": "SiglipVisionConfig"}, **IMAGE),
    "resnet": hugging("ResNetForImageClassification", {"embedding_size": 16, "hidden_sizes": [16, 32], "depths": [1, 1]}, **IMAGE),
    "convnext": hugging("ConvNextModel", {"hidden_sizes": [16, 32], "depths": [1, 1], "num_stages": 2}, **IMAGE),
    "swin": hugging("SwinModel", {"image_size": 32, "patch_size": 4, "embed_dim": 16, "depths": [1, 1], "num_attention_heads": [2, 4], "window_size": 4}, **IMAGE),
    "segformer": hugging("SegformerModel", {"num_encoder_blocks": 2, "depths": [1, 1], "sr_ratios": [2, 1], "hidden_sizes": [16, 32], "num_attention_heads": [1, 2]}, **IMAGE),
    "wav2vec2": hugging("Wav2Vec2Model", WAVES, **SOUND),
    "hubert": hugging("HubertModel", WAVES, **SOUND),
}  # fmt: skip

# One of each kind of cache.
GENERATING = "gpt2 bloom llama gemma3 qwen3_moe mamba rwkv t5 bart whisper".split()


def names():
    torchvision = import_torchvision()
    members = [model for models in TIMM.values() for model in models.split()]
    # One of a family first, the giants last.
    late = ["vit_h_14", "regnet_y_128gf"]
    rest = [name for name in torchvision.models.list_models(module=torchvision.models) if name not in FIRST + late]
    kinds = (("torchvision", FIRST), ("timm", members), ("transformers", HUGGING), ("torchvision", rest + late))
    return [f"{kind} {name}" for kind, models in kinds for name in models]


def make(name):
    kind, _, name = name.partition(" ")
    if kind == "torchvision":
        return vision(name)
    return timm_model(name) if kind == "timm" else HUGGING[name]()


# ---------------------------------------------------------------- One model, in a process of its own


def leaves(result):
    import torch

    found = torch.utils._pytree.tree_leaves(dict(result) if hasattr(result, "items") else result)
    return [x for x in found if isinstance(x, torch.Tensor)]


def step(model, function, args, kwargs):
    """Loss and gradients of a training step whose random numbers are the same each time."""
    import torch

    model.zero_grad(set_to_none=True)
    torch.manual_seed(11)
    floats = [x for x in leaves(function(*args, **kwargs)) if x.requires_grad]
    loss = sum((x if x.dtype == torch.float64 else x.float()).square().mean() for x in floats)
    loss.backward()
    return [loss.detach()] + [p.grad for p in model.parameters() if p.grad is not None]


def inference(model, function, args, kwargs):
    import torch

    with torch.no_grad():
        return [x.detach() for x in leaves(function(*args, **kwargs))]


def distance(found, expected, relative=1e-4, absolute=1e-5):
    """The greatest difference, in tolerances: of the tensor's largest element, and a hundredth of that of each."""
    worst = 0.0
    for one, other in zip(found, expected, strict=True):
        if one.shape != other.shape or one.dtype != other.dtype:
            return math.inf
        if not other.numel():
            continue
        size = other.double().abs()
        gap = (one.double() - other.double()).abs() / (relative * (size.max() + size / 100) + absolute)
        worst = max(worst, gap.nan_to_num(math.inf).max().item())
    return worst


def error(found, truth):
    """The root of the mean of the tensors' squared relative errors."""
    parts = [(x.double() - true).norm() / true.norm() for x, true in zip(found, truth) if true.norm() > 0]
    return math.sqrt(sum(part.item() ** 2 for part in parts) / len(parts)) if parts else 0.0


def generated(model, kwargs, backend):
    """Whether 8 tokens after the prompt are eager's, by a model whose every forward is compiled."""
    import torch

    kwargs = {name: value for name, value in kwargs.items() if name != "decoder_input_ids"}
    options = {
        "max_new_tokens": 8,
        "min_new_tokens": 8,
        "do_sample": False,
        "output_logits": True,
        "return_dict_in_generate": True,
    }
    forward = model.forward
    expected = model.generate(**kwargs, **options)
    torch._dynamo.reset()
    model.forward = torch.compile(forward, backend=backend)
    found = model.generate(**kwargs, **options)
    model.forward = forward
    return torch.equal(found.sequences, expected.sequences) and distance(found.logits, expected.logits) <= 1


def measure(name):
    import torch
    import weft.torch
    from weft.torch import _backend
    from weft.torch._explain import GraphExplanation, _add

    torch.manual_seed(0)
    backend = weft.torch.backend
    start = time.perf_counter()
    model, args, kwargs = make(name)
    for parameter in model.parameters():  # those that begin as zero would hide what is behind them
        parameter.data += 0.02 * torch.randn_like(parameter)
    state = copy.deepcopy(model.state_dict())  # with what versions its parts are
    row, plans = {"name": name}, []
    for training, way in ((False, inference), (True, step)):
        kind = way.__name__
        model.train(training)
        expected = way(model, model, args, kwargs)
        torch._dynamo.reset()
        model.load_state_dict(state)
        token = _backend.observed.set(plans)
        found = way(model, torch.compile(model, backend=backend), args, kwargs)
        _backend.observed.reset(token)
        row[kind] = distance(found, expected)
        if row[kind] > 1:
            wide = copy.deepcopy(model.to(torch.float32)).double()
            wide.load_state_dict(state)
            own = ([x.double() if x.is_floating_point() else x for x in args],
                   {key: x.double() if x.is_floating_point() else x for key, x in kwargs.items()})  # fmt: skip
            truth = way(wide, wide, *own)
            row[f"{kind} error"], row[f"{kind} eager's error"] = error(found, truth), error(expected, truth)
            wide.load_state_dict(state)
            torch._dynamo.reset()
            mine = way(wide, torch.compile(wide, backend=backend), *own)
            row[f"{kind} float64"] = distance(mine, truth, 1e-8, 1e-9)
        model.load_state_dict(state)
    if name.removeprefix("transformers ") in GENERATING:
        try:
            row["generate"] = generated(model.eval(), kwargs, backend)
        except Exception as failure:
            row["generate"] = f"{type(failure).__name__}: {failure}"[:300]
    total = GraphExplanation("", 0, 0, Counter())
    for _, plan in plans:
        _add(plan, total)
    row.update(operators=total.operators, programs=total.programs, graphs=len(plans), foreign=total.foreign)
    row["seconds"] = time.perf_counter() - start
    return row


# ---------------------------------------------------------------- All of them


def is_good(row):
    def fine(kind):
        close = row[kind] <= 1
        return close or (row[f"{kind} float64"] <= 1 and row[f"{kind} error"] <= 3 * row[f"{kind} eager's error"])

    return "failed" not in row and fine("inference") and fine("step") and row.get("generate", True) is True


def preload():
    """What every child would do again: imports, and the first compilation's."""
    import_torchvision()
    import timm  # noqa: F401
    import torch
    import transformers  # noqa: F401
    import weft.torch

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with torch.no_grad():
        torch.compile(torch.nn.Linear(2, 2), backend=weft.torch.backend)(torch.ones(1, 2))


def _child(name, pipe):
    try:
        pipe.send(measure(name))
    except BaseException as failure:
        pipe.send({"name": name, "failed": f"{type(failure).__name__}: {failure}"[:400]})


def run(name, limit):
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    child = context.Process(target=_child, args=(name, there))
    child.start()
    there.close()
    try:
        return here.recv() if here.poll(limit) else {"name": name, "failed": f"more than {limit:g} s"}
    except EOFError:
        child.join()
        return {"name": name, "failed": f"exit status {child.exitcode}"}
    finally:
        child.kill()
        child.join()


def _distance(row, kind):
    if row[kind] <= 1:
        return f"{row[kind]:.3f}"
    ratio = row[f"{kind} error"] / row[f"{kind} eager's error"]
    return f"{row[kind]:.3g}; float64 {row[f'{kind} float64']:.2g}, error {ratio:.2f} of eager's"


def line(row):
    if "failed" in row:
        return f"| {row['name']} | {row['failed']} | | | | | |"
    generate = {True: "same", None: ""}.get(row.get("generate"), str(row.get("generate")))
    foreign = ", ".join(f"{count} {what.split(' (')[0]}" for what, count in row["foreign"].items())
    return (
        f"| {row['name']} | {_distance(row, 'inference')} | {_distance(row, 'step')} | {generate} "
        f"| {row['operators']} | {row['programs']} | {foreign} |"
    )


def table(rows):
    foreign = Counter()
    for row in rows:
        foreign.update({what.split(" (")[0]: count for what, count in row.get("foreign", {}).items()})
    good = sum(map(is_good, rows))
    return "\n".join([
        f"{good} of {len(rows)} models are within the tolerance, forward, gradients and `generate`. PyTorch's own operators in them: "
        + ", ".join(f"{count} x {what}" for what, count in foreign.most_common()) + ".",
        "",
        "| model | evaluation | gradients | generate | operators | programs | PyTorch's own between them |",
        "|---|---|---|---|---|---|---|",
        *map(line, rows),
    ])  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--limit", type=float, default=300)
    parser.add_argument("--again", action="store_true", help="also models that have results")
    parser.add_argument("--table", type=pathlib.Path)
    options = parser.parse_args()
    from tqdm import tqdm

    rows = {}
    if RESULTS.exists():
        rows = {row["name"]: row for row in map(json.loads, RESULTS.read_text().splitlines())}
    everything = names()
    preload()
    chosen = dict.fromkeys(name for prefix in options.names or [""] for name in everything if name.startswith(prefix))
    for name in tqdm([name for name in chosen if options.again or name not in rows], unit="model"):
        rows[name] = run(name, options.limit)
        with RESULTS.open("a") as file:
            file.write(json.dumps(rows[name]) + "\n")
        if not is_good(rows[name]):
            tqdm.write(line(rows[name]))
    known = [rows[name] for name in everything if name in rows]
    print(table(known).splitlines()[0])
    if options.table:
        text = options.table.read_text()
        before, rest = text.split(BEGIN)
        _, after = rest.split(END)
        options.table.write_text(f"{before}{BEGIN}\n{table(known)}\n{END}{after}")


if __name__ == "__main__":
    main()
