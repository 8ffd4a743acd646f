#include "codegen/plan/MemoryPlan.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Alignment.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <climits>
#include <map>
#include <numeric>
#include <tuple>

namespace weft {

namespace {

// Which step must come before which, by what they read and write.
class Dependences {
public:
  explicit Dependences(const std::vector<PlannedStep> &steps) : after(steps.size()), steps(steps) {
    std::map<int, std::vector<int>> writers, readers;
    for (int i = 0; i < int(steps.size()); ++i) {
      for (int buffer : steps[i].reads)
        for (int writer : writers[buffer])
          after[writer].insert(i);
      for (int buffer : steps[i].writes) {
        for (int writer : writers[buffer])
          after[writer].insert(i);
        for (int reader : readers[buffer])
          if (reader != i)
            after[reader].insert(i);
        writers[buffer].push_back(i);
      }
      for (int buffer : steps[i].reads)
        readers[buffer].push_back(i);
    }
  }

  bool leadsTo(int from, int to) const {
    std::vector<int> stack{from};
    std::vector<char> seen(steps.size());
    while (!stack.empty()) {
      int at = stack.back();
      stack.pop_back();
      if (at == to)
        return true;
      for (int next : after[at])
        if (!seen[next]++)
          stack.push_back(next);
    }
    return false;
  }

  std::vector<std::set<int>> after;

private:
  const std::vector<PlannedStep> &steps;
};

} // namespace

static bool isInPlace(const PlannedStep &step, int input, int output) {
  return std::find(step.inPlace.begin(), step.inPlace.end(), std::make_pair(input, output)) != step.inPlace.end();
}

// Whether the step computes a check.
static bool makesCheck(const Plan &plan, const PlannedStep &step) {
  return llvm::any_of(plan.checks, [&](const PlanCheck &check) { return step.writes.count(check.buffer); });
}

namespace {
// The steps that read and write a buffer, in order, and those that compute a check.
struct Uses {
  explicit Uses(const PlanDraft &draft) : readers(draft.plan.buffers.size()), writers(draft.plan.buffers.size()) {
    for (int i = 0; i < int(draft.steps.size()); ++i) {
      const PlannedStep &step = draft.steps[i];
      for (int buffer : step.reads)
        readers[buffer].push_back(i);
      for (int buffer : step.writes)
        writers[buffer].push_back(i);
      if (makesCheck(draft.plan, step))
        checking.push_back(i);
    }
  }
  std::vector<std::vector<int>> readers, writers; // by buffer
  std::vector<int> checking;
};
} // namespace

// The output's writers must run after every other reader of the input, and read it themselves only in place. They must
// also run after all checks: a run that fails has not written to what it was given.
static bool takeDonation(const PlanDraft &draft, const Uses &uses, Dependences &order, Donation donation) {
  const std::vector<PlannedStep> &steps = draft.steps;
  const std::vector<int> &writers = uses.writers[donation.output];
  for (int i : writers)
    if (makesCheck(draft.plan, steps[i]) ||
        (steps[i].reads.count(donation.input) && !isInPlace(steps[i], donation.input, donation.output)))
      return false;
  std::vector<int> readers;
  for (const std::vector<int> *some : {&uses.readers[donation.input], &uses.checking})
    llvm::copy_if(*some, std::back_inserter(readers), [&](int i) { return !llvm::is_contained(writers, i); });
  for (int reader : readers)
    for (int writer : writers)
      if (order.leadsTo(writer, reader))
        return false;
  for (int reader : readers)
    order.after[reader].insert(writers.begin(), writers.end());
  return true;
}

// One more than the latest of those before.
static std::vector<int> earliestLevels(const Dependences &order) {
  std::vector<int> levels(order.after.size()), waits(order.after.size()), ready;
  for (const std::set<int> &successors : order.after)
    for (int next : successors)
      ++waits[next];
  for (size_t i = 0; i < waits.size(); ++i)
    if (!waits[i])
      ready.push_back(int(i));
  for (; !ready.empty();) {
    int i = ready.back();
    ready.pop_back();
    for (int next : order.after[i]) {
      levels[next] = std::max(levels[next], levels[i] + 1);
      if (--waits[next] == 0)
        ready.push_back(next);
    }
  }
  return levels;
}

static int64_t temporaryBytes(const PlanDraft &draft, int buffer) {
  const PlanBuffer &planned = draft.plan.buffers[buffer];
  return planned.kind == WEFT_TEMPORARY && planned.bytes.isStatic() ? llvm::alignTo(planned.bytes.constant, 64) : 0;
}

// Moves steps to right before their results are wanted, where these are no less than what must then be kept for the
// step: a backward pass packs its weights when it comes to them, not when the program begins.
static void delaySteps(const PlanDraft &draft, const Dependences &order, std::vector<int> &levels) {
  const std::vector<PlannedStep> &steps = draft.steps;
  std::map<int, std::vector<int>> users;
  for (int i = 0; i < int(steps.size()); ++i) {
    for (int buffer : steps[i].reads)
      users[buffer].push_back(i);
    for (int buffer : steps[i].writes)
      users[buffer].push_back(i);
  }
  std::vector<int> last(steps.size());
  std::iota(last.begin(), last.end(), 0);
  llvm::sort(last, [&](int a, int b) { return std::pair(-levels[a], a) < std::pair(-levels[b], b); });
  for (int i : last) {
    if (order.after[i].empty() || steps[i].kept)
      continue;
    int latest = INT_MAX;
    for (int next : order.after[i])
      latest = std::min(latest, levels[next] - 1);
    int64_t made = 0, extended = 0;
    for (int buffer : steps[i].writes)
      made += temporaryBytes(draft, buffer);
    for (int buffer : steps[i].reads)
      if (llvm::none_of(users[buffer], [&](int user) { return user != i && levels[user] >= latest; }))
        extended += temporaryBytes(draft, buffer);
    if (made > 0 && made >= extended)
      levels[i] = latest;
  }
}

void orderSteps(PlanDraft &draft, const std::vector<Donation> &donations) {
  std::vector<PlannedStep> &steps = draft.steps;
  Dependences order(steps);
  Uses uses(draft);
  for (Donation donation : donations)
    if (takeDonation(draft, uses, order, donation))
      draft.plan.buffers[donation.output].alias = donation.input;

  std::vector<int> levels = earliestLevels(order);
  delaySteps(draft, order, levels);
  std::vector<int> sequence(steps.size());
  std::iota(sequence.begin(), sequence.end(), 0);
  // What is kept needs nothing else, and may be left out as a whole: it comes first.
  auto place = [&](int i) { return std::tuple(!steps[i].kept, levels[i], i); };
  llvm::sort(sequence, [&](int a, int b) { return place(a) < place(b); });
  std::vector<PlannedStep> sorted;
  for (int i : sequence) {
    steps[i].batch = levels[i];
    sorted.push_back(std::move(steps[i]));
  }
  steps = std::move(sorted);
  // The whole batches up to the last that computes a check.
  int32_t &checked = draft.plan.checkedSteps;
  for (int i = 0; i < int(steps.size()); ++i)
    if (makesCheck(draft.plan, steps[i]) ||
        (checked == i && i > 0 && steps[i].batch == steps[i - 1].batch && steps[i].kept == steps[i - 1].kept))
      checked = i + 1;
}

void keepOfWeights(PlanDraft &draft) {
  Plan &plan = draft.plan;
  std::map<int, int> writerCounts;
  for (const PlannedStep &step : draft.steps)
    for (int buffer : step.writes)
      ++writerCounts[buffer];
  std::set<int> constant = draft.weights;
  for (PlannedStep &step : draft.steps) {
    bool reads = std::includes(constant.begin(), constant.end(), step.reads.begin(), step.reads.end());
    bool writes = llvm::all_of(step.writes, [&](int buffer) {
      const PlanBuffer &written = plan.buffers[buffer];
      return written.kind == WEFT_TEMPORARY && written.bytes.isStatic() && writerCounts[buffer] == 1;
    });
    if (step.reads.empty() || !reads || !writes)
      continue;
    step.kept = true;
    ++plan.keptSteps;
    for (int buffer : step.writes) {
      plan.buffers[buffer].kind = WEFT_KEPT;
      plan.buffers[buffer].arenaOffset = plan.keptBytes;
      plan.keptBytes += llvm::alignTo(plan.buffers[buffer].bytes.constant, 64);
      constant.insert(buffer);
    }
  }
}

namespace {

// Levels from the first write to the last use.
struct Life {
  int buffer, first, last;
  int64_t bytes, offset = -1;
  bool inPlace = false;
};

} // namespace

// A temporary that may take the place of `life` from a temporary which dies in the step that begins it; -1 if there is
// none.
static int inPlaceOf(const PlanDraft &draft, const std::vector<Life> &lives, const Life &life) {
  const PlannedStep *writer = nullptr;
  for (const PlannedStep &step : draft.steps)
    if (step.batch == life.first && step.writes.count(life.buffer)) {
      if (writer)
        return -1;
      writer = &step;
    }
  if (!writer)
    return -1;
  for (auto [read, written] : writer->inPlace) {
    if (written != life.buffer)
      continue;
    for (const Life &dying : lives) {
      if (dying.buffer != read || dying.offset < 0 || dying.last != life.first || dying.bytes != life.bytes)
        continue;
      bool readElsewhere = false, taken = false;
      for (const PlannedStep &step : draft.steps)
        readElsewhere |= &step != writer && step.batch == life.first && step.reads.count(read);
      for (const Life &other : lives)
        taken |= other.offset >= 0 && other.buffer != read && other.first <= life.last && life.first <= other.last &&
                 other.offset < dying.offset + dying.bytes && dying.offset < other.offset + other.bytes;
      if (!readElsewhere && !taken)
        return read;
    }
  }
  return -1;
}

// The bytes of the level at which the most are alive: no plan for this order of steps needs fewer. What takes the place
// of another counts from the level after.
static int64_t mostAlive(const std::vector<Life> &lives) {
  std::map<int, int64_t> changes;
  for (const Life &life : lives) {
    changes[life.first + life.inPlace] += life.bytes;
    changes[life.last + 1] -= life.bytes;
  }
  int64_t alive = 0, most = 0;
  for (auto [level, change] : changes)
    most = std::max(most, alive += change);
  return most;
}

// Of the temporaries of known, or symbolic, size.
static std::vector<Life> livesOf(const PlanDraft &draft, bool isStatic) {
  std::vector<Life> lives;
  std::map<int, size_t> index;
  for (const PlannedStep &step : draft.steps) {
    std::set<int> used = step.reads;
    used.insert(step.writes.begin(), step.writes.end());
    for (int buffer : used) {
      const PlanBuffer &planned = draft.plan.buffers[buffer];
      if (planned.kind != WEFT_TEMPORARY || planned.bytes.isStatic() != isStatic)
        continue;
      auto [at, isNew] = index.try_emplace(buffer, lives.size());
      if (isNew)
        lives.push_back({buffer, step.batch, step.batch, planned.bytes.constant});
      lives[at->second].last = step.batch;
    }
  }
  for (const PlanCheck &check : draft.plan.checks)
    if (auto at = index.find(check.buffer); at != index.end())
      lives[at->second].last = INT_MAX - 1; // looked at later
  return lives;
}

// Gives the lives offsets in one arena, and its size.
static int64_t place(const PlanDraft &draft, std::vector<Life> &lives) {
  int64_t bytes = 0;
  std::map<int, size_t> index;
  for (size_t i = 0; i < lives.size(); ++i)
    index[lives[i].buffer] = i;
  std::vector<size_t> order(lives.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return lives[a].bytes != lives[b].bytes ? lives[a].bytes > lives[b].bytes : a < b;
  });
  for (size_t i : order) {
    Life &life = lives[i];
    if (int from = inPlaceOf(draft, lives, life); from >= 0) {
      life.offset = lives[index[from]].offset;
      life.inPlace = true;
    } else {
      std::vector<std::pair<int64_t, int64_t>> taken;
      for (const Life &other : lives)
        if (other.offset >= 0 && other.first <= life.last && life.first <= other.last)
          taken.push_back({other.offset, other.offset + other.bytes});
      std::sort(taken.begin(), taken.end());
      life.offset = 0;
      for (auto [begin, end] : taken) {
        if (begin >= life.offset + life.bytes)
          break;
        life.offset = std::max(life.offset, end);
      }
    }
    bytes = std::max(bytes, life.offset + life.bytes);
  }
  return bytes;
}

static bool haveSameFactors(const Extent &a, const Extent &b) {
  return std::equal(
      a.factors.begin(), a.factors.end(), b.factors.begin(), b.factors.end(),
      [](const WeftFactor &x, const WeftFactor &y) { return x.symbol == y.symbol && x.divide == y.divide; });
}

// Those of symbolic size that have the same factors are placed by their constants: offsets are so many times the
// factors' value, which the run time rounds up.
static void placeSymbolic(PlanDraft &draft) {
  std::vector<PlanBuffer> &buffers = draft.plan.buffers;
  std::vector<std::vector<Life>> arenas;
  for (const Life &life : livesOf(draft, false)) {
    auto arena = llvm::find_if(arenas, [&](const std::vector<Life> &lives) {
      return haveSameFactors(buffers[size_t(lives.front().buffer)].bytes, buffers[size_t(life.buffer)].bytes);
    });
    if (arena == arenas.end())
      arenas.push_back({life});
    else
      arena->push_back(life);
  }
  for (std::vector<Life> &lives : arenas) {
    if (lives.size() == 1)
      continue;
    PlanBuffer arena;
    arena.alias = int32_t(buffers.size());
    arena.bytes = buffers[size_t(lives.front().buffer)].bytes;
    arena.bytes.constant = place(draft, lives);
    for (const Life &life : lives) {
      buffers[size_t(life.buffer)].alias = arena.alias;
      buffers[size_t(life.buffer)].arenaOffset = life.offset;
    }
    buffers.push_back(std::move(arena));
  }
}

void placeTemporaries(PlanDraft &draft) {
  std::vector<Life> lives = livesOf(draft, true);
  for (Life &life : lives)
    life.bytes = int64_t(llvm::alignTo(life.bytes, 64));
  draft.plan.arenaBytes = place(draft, lives);
  for (const Life &life : lives)
    draft.plan.buffers[size_t(life.buffer)].arenaOffset = life.offset;
  draft.plan.liveBytes = mostAlive(lives);
  placeSymbolic(draft);
}

} // namespace weft
