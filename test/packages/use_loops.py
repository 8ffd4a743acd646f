"""Training loops of others: ignite's engine with metrics and handlers, and skorch's classifier."""

import torch
from ignite.engine import Engine, Events, create_supervised_evaluator, create_supervised_trainer
from ignite.handlers import EarlyStopping, LRScheduler
from ignite.metrics import Accuracy, ConfusionMatrix, Loss, RunningAverage
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring
from skorch.callbacks import LRScheduler as SkorchScheduler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def network(random):
    net = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 3))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.from_numpy(0.3 * random.randn(*parameter.shape).astype("float32")))
    return net


def results(random):
    x = random.randn(96, 6).astype("float32")
    y = (x[:, :3] + x[:, 3:]).argmax(1)
    loader = DataLoader(TensorDataset(torch.from_numpy(x), torch.from_numpy(y)), batch_size=16)

    net, loss = network(random), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.5)
    trainer = create_supervised_trainer(net, optimizer, loss)
    RunningAverage(output_transform=lambda out: out).attach(trainer, "loss")
    metrics = {"accuracy": Accuracy(), "loss": Loss(loss), "confusion": ConfusionMatrix(3)}
    evaluator: Engine = create_supervised_evaluator(net, metrics)
    decay = torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.8)
    trainer.add_event_handler(Events.EPOCH_STARTED, LRScheduler(decay))
    evaluator.add_event_handler(
        Events.COMPLETED, EarlyStopping(2, lambda engine: -engine.state.metrics["loss"], trainer)
    )
    losses = []

    @trainer.on(Events.EPOCH_COMPLETED)
    def evaluate(engine):
        evaluator.run(loader)
        losses.append(evaluator.state.metrics["loss"])

    state = trainer.run(loader, max_epochs=4)
    yield "ignite's losses", losses
    yield "ignite's running loss", state.metrics["loss"]
    yield "ignite's accuracy", evaluator.state.metrics["accuracy"]
    yield "ignite's confusion", evaluator.state.metrics["confusion"]

    classifier = NeuralNetClassifier(
        network(random),
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        lr=0.1,
        max_epochs=4,
        batch_size=32,
        train_split=None,
        callbacks=[
            SkorchScheduler(torch.optim.lr_scheduler.ExponentialLR, gamma=0.9),
            EpochScoring("accuracy", name="train_acc", on_train=True),
        ],
        verbose=0,
    )
    classifier.fit(x, y)
    yield "skorch's losses", classifier.history[:, "train_loss"]
    yield "skorch's accuracy", classifier.history[:, "train_acc"]
    yield "skorch's probabilities", classifier.predict_proba(x)[:4]
