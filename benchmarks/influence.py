"""What the influence of all rows of a logistic regression costs: time over that of autograd, time of the forms for many classes, and memory.

    python benchmarks/influence.py

Synthetic features, one thread, CPU seconds of this process. Every row has `peak_mb`, by how much the memory of a process of its own rises above imports and data.

- `first_order`, 10,000 rows, 512 features, two classes, at given coefficients; `autograd` is the same number the original's way: the Hessian by autograd, its
  inverse, and one gradient call per row. `ratio` is the median over the rounds of its time over ours, in the same round; it must be 20 at least
- `block` and `full`, 2,000 rows, 256 features, ten classes, at given coefficients; `ratio` is the time of the full form over the block form's: 10 at least
- `large`: 50,000 rows, 512 features, ten classes, with the fit; `peak_mb` must stay below 2,000

Writes results/influence.csv."""
import multiprocessing, time
from pathlib import Path
import numpy as np, pandas as pd, torch
from machine import cpu
from fastcore.test import test_close
from torch.nn import functional as F
from fastai_boost.subset.scores import logistic_fit, logistic_loo

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'influence.csv'

def problem(n, d, k):
    torch.manual_seed(0)
    X,W = torch.randn(n, d),torch.randn(d, k)*3/d**.5
    return X,(X@W-torch.rand(n, k).log().neg().log()).argmax(1)   # classes are drawn from the softmax

def autograd_influence(X, y, coef, intercept):
    "First order, the way of the original, with its penalty put right"
    X,y = torch.cat([X.double(), torch.ones(len(X),1).double()], 1),y.double()
    def loss(w, X, y): return F.binary_cross_entropy_with_logits(X@w, y, reduction='sum')
    w = torch.cat([coef[0],intercept]).requires_grad_()
    H = torch.autograd.functional.hessian(lambda w: loss(w, X, y)+w[:-1].square().sum()/2, w)
    inv = torch.linalg.inv(H)
    gs = (torch.autograd.grad(loss(w, X[i], y[i]), w)[0] for i in range(len(X)))
    return torch.stack([g@inv@g for g in gs])

def timed(f):
    t = time.process_time(); res = f()
    return time.process_time()-t,res

def compare(a, b, rounds):
    "Median seconds of each, and the ratios of `b` over `a`, round by round"
    a(); ts = np.array([(timed(a)[0],timed(b)[0]) for _ in range(rounds)])
    return np.median(ts, 0),ts[:,1]/ts[:,0]

def memory(what):
    "MB of this process: 'VmRSS' now, 'VmHWM' at its peak"
    return next(int(o.split()[1])*1024/1e6 for o in open('/proc/self/status') if o.startswith(what))

def call_of(what, X, y, kw):
    if what=='autograd': return lambda: autograd_influence(X, y, **kw)
    return lambda: logistic_loo(X, y, **kw, **dict(first_order=dict(mode='first_order'), full=dict(multiclass='full')).get(what, {}))

def _rise(what, shape, at_fit):
    X,y = problem(*shape)
    kw = dict(zip(('coef','intercept'), logistic_fit(X[:500], y[:500]))) if at_fit else {}   # where they lie does not change the memory
    f = call_of(what, X, y, kw)
    Path('/proc/self/clear_refs').write_text('5')   # the peak starts anew
    before = memory('VmRSS')
    secs,s = timed(f)
    assert s.isfinite().all()
    return secs,memory('VmHWM')-before

def rise(what, shape, at_fit=True):
    "CPU seconds and rise of memory, in MB, of one call in a process of its own"
    with multiprocessing.get_context('spawn').Pool(1) as p: return p.apply(_rise, (what, shape, at_fit))

def pair(fast, slow, shape, rounds):
    X,y = problem(*shape)
    kw = dict(zip(('coef','intercept'), logistic_fit(X, y)))
    f,g = (call_of(o, X, y, kw) for o in (fast,slow))
    secs,ratios = compare(f, g, rounds)
    if slow=='autograd': test_close(f(), g(), eps=1e-9)
    common = dict(zip(('rows','features','classes'), shape))
    return [dict(what=o, **common, seconds=s, ratio=np.median(ratios) if o==fast else None, ratio_min=ratios.min() if o==fast else None,
                 ratio_max=ratios.max() if o==fast else None, rounds=rounds, peak_mb=rise(o, shape)[1]) for o,s in zip((fast,slow), secs)]

def main():
    rows = [*pair('first_order', 'autograd', (10_000,512,2), 5), *pair('block', 'full', (2_000,256,10), 7)]
    large = 50_000,512,10
    secs,mb = rise('large', large, False)
    df = pd.DataFrame([*rows, dict(what='large', **dict(zip(('rows','features','classes'), large)), seconds=secs, rounds=1, peak_mb=mb)])
    df = df.round(dict(seconds=3, ratio=1, ratio_min=1, ratio_max=1, peak_mb=0)).assign(threads=1, cpu=cpu(), torch=torch.__version__)
    df.to_csv(out, index=False)
    print(df.iloc[:,:-3].to_string(index=False, na_rep=''))

if __name__=='__main__': main()
