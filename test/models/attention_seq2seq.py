"""Translation by two GRUs with additive attention: packed sequences, a loop over the words, teacher forcing, two optimizers."""

import weft as torch
import weft.nn as nn
import weft.nn.functional as F
from weft import optim
from weft.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

SRC, TGT, HIDDEN, PAD = 18, 20, 16, 0


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.embedding = nn.Embedding(input_size, hidden_size, padding_idx=PAD)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden_size, hidden_size)

    def forward(self, input, lengths):
        packed = pack_padded_sequence(self.embedding(input), lengths, batch_first=True, enforce_sorted=False)
        output, hidden = self.gru(packed)
        output, _ = pad_packed_sequence(output, batch_first=True, total_length=input.size(1))
        hidden = torch.tanh(self.fc(torch.cat((hidden[-2], hidden[-1]), dim=1)))
        return output, hidden.unsqueeze(0)


class BahdanauAttention(nn.Module):
    def __init__(self, hidden_size):
        super().__init__()
        self.Wa = nn.Linear(hidden_size, hidden_size)
        self.Ua = nn.Linear(2 * hidden_size, hidden_size)
        self.Va = nn.Linear(hidden_size, 1)

    def forward(self, query, keys, mask):
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys)))
        scores = scores.squeeze(2).unsqueeze(1)
        scores.masked_fill_(mask.unsqueeze(1), -1e9)
        weights = F.softmax(scores, dim=-1)
        return torch.bmm(weights, keys), weights


class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size):
        super().__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.attention = BahdanauAttention(hidden_size)
        self.gru = nn.GRU(3 * hidden_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, encoder_outputs, encoder_hidden, mask, target_tensor):
        decoder_input = torch.empty(encoder_outputs.size(0), 1, dtype=torch.long).fill_(1)
        decoder_hidden, outputs = encoder_hidden, []
        for i in range(target_tensor.size(1)):
            embedded = self.embedding(decoder_input)
            context, _ = self.attention(decoder_hidden.permute(1, 0, 2), encoder_outputs, mask)
            output, decoder_hidden = self.gru(torch.cat((embedded, context), dim=2), decoder_hidden)
            outputs.append(self.out(output))
            if i % 2 == 0:
                decoder_input = target_tensor[:, i].unsqueeze(1)  # teacher forcing
            else:
                _, topi = outputs[-1].topk(1)
                decoder_input = topi.squeeze(-1).detach()
        return F.log_softmax(torch.cat(outputs, dim=1), dim=-1)


def data(random):
    source, target = random.randint(2, SRC, (3, 6)), random.randint(2, TGT, (3, 5))
    source[1, 4:], source[2, 3:] = PAD, PAD
    return source, target


def create():
    encoder, decoder = EncoderRNN(SRC, HIDDEN), AttnDecoderRNN(HIDDEN, TGT)
    encoder_optimizer = optim.SGD(encoder.parameters(), lr=0.5)
    decoder_optimizer = optim.SGD(decoder.parameters(), lr=0.5)
    criterion = nn.NLLLoss()

    def step(source, target):
        encoder_optimizer.zero_grad()
        decoder_optimizer.zero_grad()
        encoder_outputs, encoder_hidden = encoder(source, [6, 4, 3])
        outputs = decoder(encoder_outputs, encoder_hidden, source == PAD, target)
        loss = criterion(outputs.view(-1, outputs.size(-1)), target.view(-1))
        loss.backward()
        encoder_optimizer.step()
        decoder_optimizer.step()
        return loss.detach()

    return nn.ModuleDict({"encoder": encoder, "decoder": decoder}), step, None
