"""BERT for masked words, as the model libraries write it: an additive mask, a pooler, tied decoder weights, AdamW with linear warm-up."""

import math

import weft as torch
from weft import nn
from weft.nn import CrossEntropyLoss

VOCAB, HIDDEN, HEADS, LAYERS, LENGTH = 40, 24, 3, 2, 9


class BertEmbeddings(nn.Module):
    def __init__(self):
        super().__init__()
        self.word_embeddings = nn.Embedding(VOCAB, HIDDEN, padding_idx=0)
        self.position_embeddings = nn.Embedding(LENGTH, HIDDEN)
        self.token_type_embeddings = nn.Embedding(2, HIDDEN)
        self.LayerNorm = nn.LayerNorm(HIDDEN, eps=1e-12)
        self.register_buffer("position_ids", torch.arange(LENGTH).expand((1, -1)), persistent=False)

    def forward(self, input_ids, token_type_ids):
        seq_length = input_ids.size(1)
        embeddings = self.word_embeddings(input_ids) + self.token_type_embeddings(token_type_ids)
        embeddings += self.position_embeddings(self.position_ids[:, :seq_length])
        return self.LayerNorm(embeddings)


class BertLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(HIDDEN, HIDDEN) for _ in range(3))
        self.dense, self.norm1 = nn.Linear(HIDDEN, HIDDEN), nn.LayerNorm(HIDDEN, eps=1e-12)
        self.intermediate, self.output = nn.Linear(HIDDEN, 48), nn.Linear(48, HIDDEN)
        self.norm2 = nn.LayerNorm(HIDDEN, eps=1e-12)

    def transpose_for_scores(self, x):
        new_shape = x.size()[:-1] + (HEADS, HIDDEN // HEADS)
        return x.view(*new_shape).permute(0, 2, 1, 3)

    def forward(self, hidden_states, attention_mask):
        query = self.transpose_for_scores(self.query(hidden_states))
        key = self.transpose_for_scores(self.key(hidden_states))
        value = self.transpose_for_scores(self.value(hidden_states))
        scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(HIDDEN // HEADS)
        probs = nn.functional.softmax(scores + attention_mask, dim=-1)
        context = torch.matmul(probs, value).permute(0, 2, 1, 3).contiguous()
        context = context.view(context.size()[:-2] + (HIDDEN,))
        hidden_states = self.norm1(self.dense(context) + hidden_states)
        return self.norm2(self.output(nn.functional.gelu(self.intermediate(hidden_states))) + hidden_states)


class BertForPreTraining(nn.Module):
    def __init__(self):
        super().__init__()
        self.embeddings = BertEmbeddings()
        self.encoder = nn.ModuleList([BertLayer() for _ in range(LAYERS)])
        self.pooler, self.activation = nn.Linear(HIDDEN, HIDDEN), nn.Tanh()
        self.transform, self.norm = nn.Linear(HIDDEN, HIDDEN), nn.LayerNorm(HIDDEN, eps=1e-12)
        self.decoder = nn.Linear(HIDDEN, VOCAB, bias=False)
        self.bias = nn.Parameter(torch.zeros(VOCAB))
        self.seq_relationship = nn.Linear(HIDDEN, 2)
        self.decoder.weight = self.embeddings.word_embeddings.weight

    def get_extended_attention_mask(self, attention_mask, dtype):
        extended = attention_mask[:, None, None, :].to(dtype=dtype)
        return (1.0 - extended) * torch.finfo(dtype).min

    def forward(self, input_ids, attention_mask, token_type_ids, labels, next_sentence_label):
        hidden_states = self.embeddings(input_ids, token_type_ids)
        mask = self.get_extended_attention_mask(attention_mask, hidden_states.dtype)
        for layer in self.encoder:
            hidden_states = layer(hidden_states, mask)
        pooled = self.activation(self.pooler(hidden_states[:, 0]))
        scores = self.decoder(self.norm(nn.functional.gelu(self.transform(hidden_states)))) + self.bias
        loss_fct = CrossEntropyLoss()
        masked_lm_loss = loss_fct(scores.view(-1, VOCAB), labels.view(-1))
        return masked_lm_loss + loss_fct(self.seq_relationship(pooled).view(-1, 2), next_sentence_label.view(-1))


def data(random):
    ids = random.randint(1, VOCAB, (4, LENGTH))
    mask = (random.randint(5, LENGTH + 1, 4)[:, None] > range(LENGTH)).astype("int64")
    labels = ids.copy()
    labels[random.rand(4, LENGTH) > 0.4] = -100
    return ids * mask, mask, random.randint(0, 2, (4, LENGTH)), labels, random.randint(0, 2, 4)


def create():
    model = BertForPreTraining()
    no_decay = ["bias", "norm1.weight", "norm2.weight", "LayerNorm.weight"]
    grouped = [
        {
            "params": [p for n, p in model.named_parameters() if not any(nd in n for nd in no_decay)],
            "weight_decay": 0.01,
        },
        {"params": [p for n, p in model.named_parameters() if any(nd in n for nd in no_decay)], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(grouped, lr=1e-3, eps=1e-3)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, total_iters=3)

    def step(*batch):
        loss = model(*batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        model.zero_grad()
        return loss.detach()

    return model, step, scheduler.step
