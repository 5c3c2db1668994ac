"""What the methods of selection cost beyond the rows they train on: time, reads of items and host synchronisations; and
what `auto` saves.

    python benchmarks/selection_cost.py
    python benchmarks/selection_cost.py count    # operations, bytes and synchronisations of a step, two minutes

Ratios are of two trainings of one model on one thread, in turn, pair by pair; `limit` is the largest median that is
allowed. Time is the processor's for this process, which other work on the machine does not lengthen as much as it does
the clock's.

- `fresh`: a filtered step over a bare forward pass on all 128 rows and a plain step on the 64 that the filter keeps
- `stale`, `infobatch`: a step on 128 rows over a plain one; `_epoch`: time per row of a drawn epoch over that of a
  plain one, draw and loading included
- `getitem`: `value` epochs in which each drawn item was read exactly once and no other; else an `AssertionError`
- `syncs`: `value` host synchronisations per batch read, beyond plain fastai's
- `guard`: whole trainings with `auto=True` over plain ones, with the decisions of each, a digit per epoch

Writes results/selection_cost.csv; the counts are in results/selection_cost_counts.csv."""
import platform, time
from pathlib import Path
import numpy as np, pandas as pd, torch, fastai
from fastai.vision.all import *
from fastai_boost.all import *
from fastai_boost.core import take
from fastai_boost.experiments.models import small_convnet
from fastai_boost.testing import SyncCounter
from step_counts import count_or_time

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'selection_cost.csv'
bs = 128

class Timer(Callback):
    """Seconds and rows of each step and of each epoch's training

    A step is timed from before its first callback to after the optimizer's."""
    order,run_valid = -99,False
    def before_fit(self): self.steps,self.epochs = [],[]
    def before_train(self):
        self.steps,self.rows = [],0   # so that only the steps of the last epoch stay
        self.begun = time.process_time()
    def before_batch(self): self.start = time.process_time()
    def after_step(self):
        self.steps.append((time.process_time()-self.start, len(self.x)))
        self.rows += len(self.x)
    def before_validate(self): self.epochs.append((time.process_time()-self.begun, self.rows))

class ForwardThenHalf(Callback):
    """What `fresh` is compared with

    The model on all rows without gradient, which is timed alone, then a plain step on half of them."""
    order,run_valid = Timer.order-1,False
    def before_fit(self): self.times = []
    def before_batch(self):
        self.model.eval()
        start = time.process_time()
        with torch.no_grad(): self.model(self.x)
        self.times.append(time.process_time()-start)
        self.model.train()
        self.learn.xb,self.learn.yb = take((self.xb,self.yb), slice(bs//2))

def noise(n):
    "Images that nothing can be learned of"
    return torch.rand(n,3,32,32),torch.randint(0,10,(n,))

def patterns(n, hard=.02):
    "Ten patterns that are soon told apart; a share `hard` of the labels is random"
    x,y = noise(n)
    pattern = torch.randn(10,3,8,8).repeat(1,1,4,4)[y]
    return x+pattern,torch.where(torch.rand(n)<hard, torch.randint(0,10,(n,)), y)

def learner(ds, method=None, model=None, bs=bs, cbs=None, workers=0, drop_last=True, **kwargs):
    "A Learner without validation and logging, with the one-liner `method` called with `kwargs`"
    set_seed(0)
    dl = DataLoader(ds, bs=bs, shuffle=True, drop_last=drop_last, num_workers=workers)
    model = model or small_convnet(3, 10)
    learn = Learner(DataLoaders(dl, []), model, loss_func=CrossEntropyLossFlat(), cbs=L(cbs or Timer))
    learn.logger = noop
    return getattr(learn, method)(**kwargs) if method else learn

def fit(learn, epochs=1, lr=None):
    with learn.no_bar(): learn.fit(epochs, lr)
    return learn.timer

def per_step(timer, rows): return np.median([seconds for seconds,n in timer.steps if n==rows])

def per_row(timer):
    seconds,rows = timer.epochs[-1]
    return seconds/rows

def named(*names, **kwargs): return ' '.join([*names, *(f'{k}={v}' for k,v in kwargs.items())])

def row(what, ratios, limit=None, **kwargs):
    r = np.array(ratios)
    return dict(
        what=what, ratio_median=round(np.median(r), 4), ratio_min=round(r.min(), 4), ratio_max=round(r.max(), 4),
        pairs=len(r), limit=limit, **kwargs)

def fresh(pairs=20, steps=10):
    ds = [*zip(*noise(bs*steps))]
    filtered = learner(ds, 'batch_loss_filter', start=0, min_loss_perc=1e-9, min_sample_perc=.5)
    plain = learner(ds, cbs=[Timer,ForwardThenHalf])
    def ratio():
        seconds = per_step(fit(filtered), bs//2)
        return seconds/(per_step(fit(plain), bs//2)+np.median(plain.forward_then_half.times))
    ratio()   # warm
    return [row('fresh', [ratio() for _ in range(pairs)], 1.05)]

def drawn(what, method, epochs, pairs=15, steps=12, **kwargs):
    "Only the last epoch of a fit is timed"
    ds = [*zip(*noise(bs*steps))]
    cut = learner(ds, method, **kwargs)
    plain = learner(ds)
    def ratios():
        timed = fit(cut, epochs)
        timed_plain = fit(plain)
        assert timed.rows<.9*timed_plain.rows, f'{what} left nothing out'
        return per_step(timed, bs)/per_step(timed_plain, bs),per_row(timed)/per_row(timed_plain)
    for learn in (cut,plain): fit(learn)   # warm
    by_step,by_row = zip(*[ratios() for _ in range(pairs)])
    return [row(what, by_step, 1.03), row(f'{what}_epoch', by_row, 1.03)]

class Counted:
    "A dataset that counts, across worker processes, how often each item is read"
    def __init__(self, x, y):
        self.x,self.y = x,y
        self.reads = torch.zeros(len(x), dtype=torch.int64).share_memory_()
    def __len__(self): return len(self.x)
    def __getitem__(self, i):
        self.reads[i] += 1
        return self.x[i],self.y[i]

class CheckReads(Callback):
    """Items that the record says were visited were read once, all others never

    `cut` counts the epochs that left out items."""
    order = Timer.order
    def before_fit(self): self.cut = 0
    def before_train(self): self.before = self.dls.train.dataset.reads.clone()
    def after_epoch(self):
        record = self.learn.boost_core.record
        reads = self.dls.train.dataset.reads-self.before
        visited = (record.epoch==record.epochs-1).long()
        assert reads.equal(visited), f'epoch {self.epoch}: items were read {reads.bincount().tolist()} times'
        self.cut += int((reads==0).any())

def getitem(method, workers, epochs=6, **kwargs):
    model = nn.Sequential(nn.Flatten(), nn.Linear(3072,10))
    learn = learner(Counted(*noise(200)), method, model, 16, CheckReads, workers, drop_last=False, **kwargs)
    with learn.no_bar(): learn.fit(epochs, 1e-3)
    assert learn.check_reads.cut, f'{method} left nothing out'
    what = named('getitem', method, **kwargs, workers=workers)
    return dict(what=what, value=epochs, epochs_cut=learn.check_reads.cut)

def syncs(method=None, epochs=1, n=4, **kwargs):
    "Per batch read; two lengths are compared, because an epoch has some that do not come from its steps"
    def total(steps):
        learn = learner([*zip(*noise(n*steps))], method, bs=n, **kwargs)
        with learn.no_bar(), SyncCounter() as counter: learn.fit(epochs)
        return counter.total
    return (total(24)-total(12))/12

fresh_syncs = [   # limit, method, arguments: methods that choose rows of a batch
    (1, 'batch_loss_filter', dict(start=0)),
    (1, 'selective_backprop', dict(prime=0, refill=False)), (1, 'selective_backprop', dict(prime=0, refill=True)),
    (0, 'selective_backprop', dict(prime=0, keep=.5)), (0, 'random_filter', {})]
drawn_syncs = [   # methods that draw the items of an epoch, from the second epoch on
    (0, 'batch_loss_filter', dict(score='stale')), (0, 'infobatch', dict(delta=1)),
    (0, 'selective_backprop', dict(stale=3))]
arms = {
    named(method, **kwargs):dict(one_liner=method, **kwargs) for limit,method,kwargs in (*fresh_syncs,*drawn_syncs)}

def all_syncs():
    for epochs,todo in ((1,fresh_syncs),(2,drawn_syncs)):
        plain = syncs(epochs=epochs)
        for limit,method,kwargs in todo:
            value = syncs(method, epochs, **kwargs)-plain
            yield dict(what=named('syncs', method, **kwargs), value=value, limit=limit)

def guard(what, data, lr, limit=None, pairs=3, epochs=6, steps=16):
    "Whole trainings with `auto=True`, which decides in each epoch whether the filter pays"
    set_seed(0)
    ds = [*zip(*data(bs*steps))]
    ratios,decisions = [],[]
    for _ in range(pairs):
        plain = learner(ds)
        auto = learner(ds, 'batch_loss_filter', auto=True)
        seconds,seconds_auto = (sum(s for s,_ in fit(o, epochs, lr).epochs) for o in (plain,auto))
        ratios.append(seconds_auto/seconds)
        decisions.append(''.join(str(int(o)) for o in auto.boosts[0].guard.decisions[:epochs]))
    return [row(what, ratios, limit, decisions=' '.join(decisions))]

def main():
    # half of the items in each epoch but the first
    half = dict(score='stale', start=0, min_loss_perc=1e-9, min_sample_perc=.5, refresh=10**6)
    reads = [
        ('batch_loss_filter',dict(score='stale')), ('infobatch',dict(delta=1)), ('selective_backprop',dict(stale=3))]
    df = pd.DataFrame([
        *fresh(), *drawn('stale', 'batch_loss_filter', 1, **half), *drawn('infobatch', 'infobatch', 2, delta=1),
        *(getitem(method, workers, **kwargs) for method,kwargs in reads for workers in (0,2)), *all_syncs(),
        *guard('guard_on', patterns, 3e-3, .95), *guard('guard_off', noise, 1e-4)])
    df = df.assign(
        rows=bs, threads=1, cpu=platform.processor() or platform.machine(), torch=torch.__version__,
        fastai=fastai.__version__)
    out.parent.mkdir(exist_ok=True)
    df.to_csv(out, index=False)
    print(df.iloc[:, :-5].to_string(index=False, na_rep=''))
    missed = df[df.ratio_median.fillna(df.value)>df.limit.astype(float)]
    if len(missed): print('Missed:', ', '.join(missed.what))

if __name__=='__main__': count_or_time('selection_cost', arms, main)
