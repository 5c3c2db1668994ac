"""What `learn.balance()`, `shift_logits` and `learn.balance_draws()` win where classes are rare: CIFAR-10, unbalanced
50 to 1, seed by seed.

    python benchmarks/rare_classes.py scratch16 --seeds=5      # from scratch, 16 pixels, 14,000 images, 30 epochs
    python benchmarks/rare_classes.py fine_tune16 --seeds=5    # 1,590 images of five classes, the net knows five others
    python benchmarks/rare_classes.py scratch32 --seeds=3
    python benchmarks/rare_classes.py fine_tune32 --seeds=3
    python benchmarks/rare_classes.py summary

Class number c of n has 50^(-c/(n-1)) times as many images as the first. The arms of a seed train on the same images
from the same weights, one after the other on one thread:

- `plain`
- `balance.5`, `balance1`, `balance1.5`: `learn.balance(tau)`
- `shift`: `shift_logits` of what `plain` has trained. It costs nothing
- `draws.5`, `draws1`: `learn.balance_draws(power)`, as many rows
- `mixup`: `learn.mixup()`

`accuracy` and `valid_loss` are those on the test set, which is balanced. `accuracy_like_training` and
`loss_like_training` are those on a test set in which classes are as frequent as in training: means over the classes,
weighted by their shares. `rare` and `frequent` are the accuracies of the rarest and of the most frequent 30 % of the
classes. The test set is looked at once, at the end. `cost` is the processor's time of the training in seconds, without
validation.

Each run is a row of results/wins/rare_SETTING.csv; runs that are there are not repeated. The summary is written to
results/wins/rare_summary.csv: means, the differences to plain training of the same seeds with their standard errors,
and the p of a paired t-test, also for the difference to `shift`."""
import argparse, functools, platform, time
from pathlib import Path
import numpy as np, pandas as pd, torch, fastai
from fastai.vision.all import *
from scipy import stats
from fastai_boost.all import *
from fastai_boost.experiments.data import Rows, ShiftFlip, data_sets, image_datasets
from fastai_boost.experiments.runs import silent_learner
from fastai_boost.balance import accuracy_per_class, shift_logits, validation_outputs
from fastai_boost.resize import shrink
from fastai_boost.shares import class_shares

folder = Path(__file__).parent.parent/'results'/'wins'
settings = {f'{name}{side}':dict(side=side, **s) for side in (16,32) for name,s in dict(
    scratch=dict(largest=5000, epochs=30, lr=.1, classes=range(10)),
    fine_tune=dict(largest=1000, epochs=20, lr=.03, classes=range(5,10)),
    smoke=dict(largest=300, epochs=1, lr=.03, classes=range(5,10), pretraining=1)).items()}
arms = {
    'plain':noop, 'shift':None,   # of the net that `plain` has trained
    'balance.5':lambda learn: learn.balance(.5), 'balance1':lambda learn: learn.balance(1.),
    'balance1.5':lambda learn: learn.balance(1.5), 'draws.5':lambda learn: learn.balance_draws(.5),
    'draws1':lambda learn: learn.balance_draws(1.), 'mixup':lambda learn: learn.mixup(),
}

class Counter(Callback):
    "The processor's time of the training, and the rows trained on"
    order,run_valid = -99,False
    def before_fit(self): self.cost,self.rows = 0.,0
    def before_train(self): self.begun = time.process_time()
    def after_pred(self): self.rows += len(self.x)
    def after_train(self): self.cost += time.process_time()-self.begun

class NoValidation(Callback):
    "The test set is looked at once, after the fit"
    def before_validate(self): raise CancelValidException

@functools.cache
def cifar(side):
    "Images (bytes) of `side` pixels and class ids, for training and for the test"
    parts = []
    for dl in boost_dls('cifar10', augment=False):
        x,y = (o.as_subclass(Tensor) for o in dl.dataset.rows)
        parts.append((x if x.shape[-1]==side else torch.cat([shrink(o, (side,side)) for o in x.split(1000)]), y))
    return parts

def rows_of(y, sizes, seed):
    "Positions of so many items of each class, {class: number}, drawn by `seed`"
    rng = np.random.default_rng(seed)
    return torch.from_numpy(np.concatenate([rng.permutation(np.flatnonzero(y==c))[:n] for c,n in sizes.items()]))

def loaders(side, sizes, seed):
    "`DataLoaders` of some classes of CIFAR-10, with `sizes` images of each to train on, and all of the test set"
    (x,y),(x_test,y_test) = cifar(side)
    first_class = min(sizes)
    train = rows_of(y, sizes, seed)
    test = torch.isin(y_test, tensor(list(sizes))).nonzero()[:,0]
    parts = [(o[rows].numpy(), (c[rows]-first_class).numpy()) for o,c,rows in ((x,y,train), (x_test,y_test,test))]
    dsets = image_datasets(parts, range(len(sizes)))
    tfms = [ShiftFlip(side//8), IntToFloatTensor(), Normalize.from_stats(*data_sets['cifar10'].stats)]
    dls = DataLoaders.from_dsets(
        *dsets, bs=128, dl_type=Rows, after_batch=tfms, shuffle=(True,False), drop_last=(True,False), num_workers=0)
    for dl in dls: dl.rng = random.Random(seed)
    return dls

@functools.cache
def pretrained_body(side, seed, epochs):
    "The weights of the small net, without its head, after some epochs on 6,400 images of the first five classes"
    set_seed(seed, reproducible=True)
    learn = silent_learner(loaders(side, {c:1280 for c in range(5)}, seed), 'small', cbs=NoValidation())
    learn.fit_one_cycle(epochs, .1)
    return learn.model[:-1].state_dict()

def learner(s, seed):
    "The `Learner` of a run, the same for each arm of a seed"
    classes = list(s['classes'])
    sizes = {c:round(s['largest']*50**(-i/(len(classes)-1))) for i,c in enumerate(classes)}
    body = pretrained_body(s['side'], seed, s.get('pretraining', 10)) if len(classes)==5 else None
    set_seed(seed, reproducible=True)
    dls = loaders(s['side'], sizes, seed)
    set_seed(seed, reproducible=True)
    model = make_model('small', 3, dls.c)
    if body is not None: model[:-1].load_state_dict(body)
    return silent_learner(dls, model, cbs=[Counter(), NoValidation()])

def measured(learn):
    "Accuracies and losses on the test set, and on one that is distributed like training"
    shares = class_shares(learn.dls.train.dataset.rows[1].as_subclass(Tensor), learn.dls.c).numpy()
    preds,targs = zip(*((pred.as_subclass(Tensor), yb[0]) for pred,yb in validation_outputs(learn)))
    pred,y = torch.cat(preds).float(),torch.cat(targs).long()
    losses = F.cross_entropy(pred, y, reduction='none')
    of_class = accuracy_per_class(pred.argmax(1), y, learn.dls.c)
    loss_of_class = np.array([losses[y==c].mean().item() for c in range(learn.dls.c)])
    n = max(1, round(.3*learn.dls.c))
    return dict(
        accuracy=of_class.mean(), accuracy_like_training=(shares*of_class).sum(), rare=of_class[-n:].mean(),
        frequent=of_class[:n].mean(), valid_loss=loss_of_class.mean(), loss_like_training=(shares*loss_of_class).sum())

def run(s, seed, arm):
    "Train one arm, then test once: name and result; with `plain` comes `shift`"
    learn = arms[arm](learner(s, seed))
    begun = time.perf_counter()
    learn.fit_one_cycle(s['epochs'], s['lr'])
    result = dict(epochs=s['epochs'], rows=learn.counter.rows, cost=learn.counter.cost, wall=time.perf_counter()-begun)
    yield arm,dict(measured(learn), **result)
    if arm=='plain': yield 'shift',dict(measured(shift_logits(learn)), **result)

def write_runs(name, seeds, wanted):
    "Train the runs of a setting that are missing"
    file = folder/f'rare_{name}.csv'
    versions = dict(torch=torch.__version__, fastai=fastai.__version__, cpu=platform.machine(), threads=1)
    for seed in seeds:
        for arm in wanted:
            done = pd.read_csv(file) if file.exists() else pd.DataFrame(dict(arm=[], seed=[]))
            if arm in done[done.seed==seed].arm.tolist(): continue
            results = run(settings[name], seed, 'plain' if arm=='shift' else arm)
            rows = [dict(setting=name, arm=a, seed=seed, **r, **versions) for a,r in results]
            done = pd.read_csv(file) if file.exists() else pd.DataFrame()   # another process may have written
            both = pd.concat([done,pd.DataFrame(rows)]).drop_duplicates(['arm','seed'])
            both.round(4).to_csv(file, index=False)
            columns = ['arm','seed','accuracy','accuracy_like_training','cost']
            print(pd.DataFrame(rows)[columns].to_string(index=False), flush=True)

def compared(runs, other, column):
    "The mean difference to the runs of another arm in points, its standard error, and p, over the seeds of both"
    both = runs.index.intersection(other.index)
    gain = 100*(runs[column].loc[both]-other[column].loc[both])
    tells = len(gain)>1 and gain.abs().max()>0
    return gain.mean(),gain.sem(),stats.ttest_1samp(gain, 0).pvalue if tells else np.nan

def summary():
    "One row per setting and arm"
    rows = []
    files = [folder/f'rare_{name}.csv' for name in settings if not name.startswith('smoke')]
    for file in (o for o in files if o.exists()):
        df = pd.read_csv(file)
        of_arm = {arm:runs.set_index('seed') for arm,runs in df.groupby('arm', sort=False)}
        for arm,runs in of_arm.items():
            means = runs[['accuracy','accuracy_like_training']].mean()
            row = dict(setting=file.stem, arm=arm, seeds=len(runs), **means)
            for name,other,column in (
                ('gain','plain','accuracy'), ('gain_on_shift','shift','accuracy'),
                ('gain_like_training','plain','accuracy_like_training')):
                values = compared(runs, of_arm[other], column) if other in of_arm else [np.nan]*3
                row.update(zip((name,f'{name}_se',f'{name}_p'), values))
            rows.append(dict(row, rare=runs.rare.mean(), frequent=runs.frequent.mean(), cost=runs.cost.mean()))
    table = pd.DataFrame(rows).round(4)
    table.to_csv(folder/'rare_summary.csv', index=False)
    print(table.to_string(index=False))

if __name__=='__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('setting', choices=[*settings,'summary'])
    parser.add_argument('--seeds', default='5', help='how many, or a list such as 3,4')
    parser.add_argument('--arms', default=','.join(arms), help='a list such as plain,balance1')
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder.mkdir(exist_ok=True)
    seeds = [int(o) for o in args.seeds.split(',')] if ',' in args.seeds else range(1, int(args.seeds)+1)
    if args.setting=='summary': summary()
    else: write_runs(args.setting, seeds, args.arms.split(','))
