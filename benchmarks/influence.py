"""What the influence of all rows of a logistic regression costs: time and memory, beside those of autograd.

    python benchmarks/influence.py

Synthetic features, one thread, CPU seconds of this process. In every row `peak_mb` is the rise of the memory of a
process of its own above what imports and data take. The rows:

- `first_order` and `autograd`: 10,000 rows, 512 features, two classes, at given coefficients. `autograd` computes the
  same number as the original does: the Hessian by autograd, its inverse, and one gradient call per row. `ratio` is the
  median over the rounds of its time over ours, in the same round. It must be 20 at least.
- `block` and `full`: 2,000 rows, 256 features, ten classes, at given coefficients. `ratio` is the time of the full form
  over the block form's. It must be 10 at least.
- `large`: 50,000 rows, 512 features, ten classes, with the fit. `peak_mb` must stay below 2,000.

Writes results/influence.csv."""
import multiprocessing, time
from pathlib import Path
import numpy as np, pandas as pd, torch
from fastcore.test import test_close
from torch.nn import functional as F
from fastai_boost.experiments.runs import cpu_name
from fastai_boost.subset.scores import logistic_fit, logistic_loo

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'influence.csv'
shape_names = 'rows','features','classes'
options = dict(first_order=dict(mode='first_order'), block={}, full=dict(multiclass='full'), large={})

def problem(n, d, k):
    "`n` rows of `d` features; their classes are drawn from a softmax"
    torch.manual_seed(0)
    X,W = torch.randn(n, d),torch.randn(d, k)*3/d**.5
    gumbel = -torch.rand(n, k).log().neg().log()
    return X,(X@W+gumbel).argmax(1)

def autograd_influence(X, y, coef, intercept):
    "First order, computed as the original does, with the penalty in the Hessian"
    X,y = torch.cat([X.double(), torch.ones(len(X),1).double()], 1),y.double()
    def loss(w, X, y): return F.binary_cross_entropy_with_logits(X@w, y, reduction='sum')
    def objective(w): return loss(w, X, y)+w[:-1].square().sum()/2
    w = torch.cat([coef[0],intercept]).requires_grad_()
    inverse = torch.linalg.inv(torch.autograd.functional.hessian(objective, w))
    gradients = (torch.autograd.grad(loss(w, X[i], y[i]), w)[0] for i in range(len(X)))
    return torch.stack([g@inverse@g for g in gradients])

def call_of(what, X, y, at_fit):
    "A function without arguments that computes all influences; `at_fit` has coefficients and intercepts"
    if what=='autograd': return lambda: autograd_influence(X, y, **at_fit)
    return lambda: logistic_loo(X, y, **at_fit, **options[what])

def fitted(X, y): return dict(zip(('coef','intercept'), logistic_fit(X, y)))

def timed(f):
    "CPU seconds of a call, and its result"
    start = time.process_time()
    res = f()
    return time.process_time()-start,res

def compare(fast, slow, rounds):
    "Median seconds of each, and the ratios of the slow one's over the fast one's, round by round"
    fast()   # warm up
    seconds = np.array([(timed(fast)[0],timed(slow)[0]) for _ in range(rounds)])
    return np.median(seconds, 0),seconds[:,1]/seconds[:,0]

def memory(what):
    "MB of this process: 'VmRSS' now, 'VmHWM' at its peak"
    with open('/proc/self/status') as f: lines = f.readlines()
    return next(int(o.split()[1])*1024/1e6 for o in lines if o.startswith(what))

def rise_here(what, shape, at_fit):
    "CPU seconds and rise of memory, in MB, of one call in this process"
    X,y = problem(*shape)
    # The fit of 500 rows is enough: which coefficients they are does not change the memory.
    f = call_of(what, X, y, fitted(X[:500], y[:500]) if at_fit else {})
    Path('/proc/self/clear_refs').write_text('5')   # the peak starts anew
    before = memory('VmRSS')
    seconds,influence = timed(f)
    assert influence.isfinite().all()
    return seconds,memory('VmHWM')-before

def rise(what, shape, at_fit=True):
    "`rise_here` in a process of its own"
    with multiprocessing.get_context('spawn').Pool(1) as pool: return pool.apply(rise_here, (what, shape, at_fit))

def pair(fast, slow, shape, rounds):
    "Two rows of the table; the ratios stand beside the fast one"
    X,y = problem(*shape)
    at_fit = fitted(X, y)
    f,g = call_of(fast, X, y, at_fit),call_of(slow, X, y, at_fit)
    seconds,ratios = compare(f, g, rounds)
    if slow=='autograd': test_close(f(), g(), eps=1e-9)
    beside = dict(ratio=np.median(ratios), ratio_min=ratios.min(), ratio_max=ratios.max()), dict.fromkeys(
        ('ratio','ratio_min','ratio_max'))
    return [
        dict(what=what, **dict(zip(shape_names, shape)), seconds=s, **r, rounds=rounds, peak_mb=rise(what, shape)[1])
        for what,s,r in zip((fast,slow), seconds, beside)]

def main():
    rows = pair('first_order', 'autograd', (10_000,512,2), 5)+pair('block', 'full', (2_000,256,10), 7)
    large = 50_000,512,10
    seconds,peak_mb = rise('large', large, at_fit=False)
    rows.append(dict(what='large', **dict(zip(shape_names, large)), seconds=seconds, rounds=1, peak_mb=peak_mb))
    df = pd.DataFrame(rows).round(dict(seconds=3, ratio=1, ratio_min=1, ratio_max=1, peak_mb=0))
    df = df.assign(threads=1, cpu=cpu_name(), torch=torch.__version__)
    df.to_csv(out, index=False)
    print(df.iloc[:,:-3].to_string(index=False, na_rep=''))

if __name__=='__main__': main()
