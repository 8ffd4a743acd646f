"""torchmetrics: classes and functions of most of its domains."""

import torch
import torchmetrics as tm
import torchmetrics.functional as TF


def results(random):
    new = lambda *shape: torch.from_numpy(random.randn(*shape).astype("float32"))
    logits, target = new(200, 5), torch.from_numpy(random.randint(0, 5, 200))
    prob, labels = torch.sigmoid(new(200)), torch.from_numpy(random.randint(0, 2, 200))
    a = new(200)
    b = a * 0.7 + new(200)
    images = torch.sigmoid(new(2, 3, 32, 32))
    noisy = (images + 0.05 * new(2, 3, 32, 32)).clamp(0, 1)
    groups = torch.arange(200) // 20
    many = dict(task="multiclass", num_classes=5)
    for name, metric in [
        ("accuracy", tm.Accuracy(**many)),
        ("accuracy of each", tm.Accuracy(**many, average="none")),
        ("top 2", tm.Accuracy(**many, top_k=2)),
        ("f1", tm.F1Score(**many, average="macro")),
        ("precision", tm.Precision(**many, average="weighted")),
        ("confusion", tm.ConfusionMatrix(**many)),
        ("auroc", tm.AUROC(**many)),
        ("calibration", tm.CalibrationError(**many)),
        ("kappa", tm.CohenKappa(**many)),
        ("matthews", tm.MatthewsCorrCoef(**many)),
        ("jaccard", tm.JaccardIndex(**many)),
        ("hinge", tm.HingeLoss(**many)),
    ]:
        for part in (slice(0, 120), slice(120, 200)):
            metric.update(logits.softmax(1)[part], target[part])
        yield name, metric.compute()
    for metric in (tm.AUROC("binary", thresholds=20), tm.AveragePrecision("binary"), tm.Recall("binary")):
        yield type(metric).__name__, metric(prob, labels)
    yield "roc", tm.ROC("binary", thresholds=5)(prob, labels)[1]
    for metric in (
        tm.MeanSquaredError(),
        tm.R2Score(),
        tm.PearsonCorrCoef(),
        tm.SpearmanCorrCoef(),
        tm.ExplainedVariance(),
    ):
        yield type(metric).__name__, metric(a, b)
    yield "kendall", tm.KendallRankCorrCoef()(a[:40], b[:40])
    yield "cosine", tm.CosineSimilarity()(logits, logits.flip(0))
    yield "kl", tm.KLDivergence()(logits.softmax(1), logits.flip(0).softmax(1))
    yield "psnr", tm.image.PeakSignalNoiseRatio(data_range=1.0)(noisy, images)
    yield "ssim", tm.image.StructuralSimilarityIndexMeasure(data_range=1.0)(noisy, images)
    yield "uqi", tm.image.UniversalImageQualityIndex()(noisy, images)
    yield "perplexity", tm.text.Perplexity()(logits[None], target[None])
    yield "words", tm.text.WordErrorRate()(["this is the prediction"], ["this is the reference"])
    yield "ndcg", tm.retrieval.RetrievalNormalizedDCG()(prob, labels, indexes=groups)
    yield "snr", tm.audio.ScaleInvariantSignalDistortionRatio()(a, b)
    yield "distances", TF.pairwise_euclidean_distance(logits[:4])
    yield "running", tm.wrappers.Running(tm.MeanMetric(), 3)(a)
    both = tm.MetricCollection([tm.MeanSquaredError(), tm.MeanAbsoluteError()])
    yield "collection", torch.stack(list(both(a, b).values()))
    greatest = tm.MaxMetric()
    for part in a.split(50):
        greatest.update(part)
    yield "max", greatest.compute()
