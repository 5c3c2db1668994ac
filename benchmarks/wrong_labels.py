"""What `learn.trim_noisy()` wins where labels are wrong, and how many of its suspects are: CIFAR-10 at 16 pixels.

    python benchmarks/wrong_labels.py scratch40 --seeds=5      # 12,800 images, 30 epochs, 40 % of the labels are wrong
    python benchmarks/wrong_labels.py fine_tune20 --seeds=5    # 2,000 images of five classes, the net knows five others
    python benchmarks/wrong_labels.py suspects --seeds=5
    python benchmarks/wrong_labels.py summary

The settings are `scratch` with 40, 20, 5 and 0, and `fine_tune` with 40 and 20 % wrong labels; `smoke20` is a tiny one
that shows whether all runs. A wrong label is drawn evenly from the other classes. The labels of the test set are right.
The arms of a seed train on the same images and labels from the same weights, one after the other on one thread, each
for the cost of as many plain epochs:

- `plain`
- `trim`: `learn.trim_noisy(share)`, three quarters of the share that is wrong; at 0 % with .15, which must lose there
- `trim_auto`: `learn.trim_noisy()`
- `random`: as many rows as `trim` reads, drawn blindly, from the same epoch on
- `mixup`: `learn.mixup()`

`accuracy` and `valid_loss` are those on the test set, which is looked at once, at the end. `cost` is the processor's
time of the training in seconds, without validation. `estimate` is what `trim_auto` saw last. `left_out_wrong` is the
share of wrong labels among the items that the last epoch left out.

Each run is a row of results/wins/noisy_SETTING.csv; runs that are there are not repeated. `suspects` trains with
`learn.trim_noisy()` on 5, 20 and 40 % wrong labels, balanced and unbalanced (50 to 1), and writes the precision of the
first 5 % of the suspects to results/wins/noisy_suspects.csv, beside that of cleanlab's `find_label_issues` on the
predictions for each fifth of a net that was trained on the other four, where cleanlab can be imported. The summary is
results/wins/noisy_summary.csv: means, the differences to plain training of the same seeds with their standard errors,
and the p of a paired t-test."""
import argparse, functools, itertools, platform, time
from pathlib import Path
import numpy as np, pandas as pd, torch, fastai
from fastai.vision.all import *
from scipy import stats
from fastai_boost.all import *
from fastai_boost.experiments.data import Rows, ShiftFlip, data_sets, image_datasets
from fastai_boost.experiments.runs import silent_learner
from fastai_boost.core.record import saved_record
from fastai_boost.resize import shrink
from fastai_boost.selection import RandomFilter
from fastai_boost.trim_noisy import TrimNoisy

folder = Path(__file__).parent.parent/'results'/'wins'
_kinds = dict(
    scratch=dict(images=12800, epochs=30, lr=.1, classes=10),
    fine_tune=dict(images=2000, epochs=20, lr=.03, classes=5, pretraining=10),
    smoke=dict(images=640, epochs=5, lr=.03, classes=5, pretraining=1))
settings = {f'{kind}{percent}':dict(wrong=percent/100, **_kinds[kind]) for kind,percents in dict(
    scratch=(40,20,5,0), fine_tune=(40,20), smoke=(20,)).items() for percent in percents}

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
def cifar(side=16):
    "Images (bytes) of `side` pixels and class ids, for training and for the test"
    parts = []
    for dl in boost_dls('cifar10', augment=False):
        x,y = (o.as_subclass(Tensor) for o in dl.dataset.rows)
        parts.append((torch.cat([shrink(o, (side,side)) for o in x.split(1000)]), y))
    return parts

def wrong_labels(y, share, n_classes, seed):
    "The labels, a share of which is another class, drawn evenly"
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(y))[:round(share*len(y))]
    labels = np.array(y)
    labels[rows] = (labels[rows]+rng.integers(1, n_classes, len(rows)))%n_classes
    return labels

def drawn(sizes, seed):
    "Positions in the training set of so many items of each class, {class: number}"
    y = cifar()[0][1].numpy()
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(y==c))[:n] for c,n in sizes.items()])

def loaders(sizes, seed, wrong=0., keep=None):
    "`DataLoaders` of some classes with `sizes` images to train on, and which labels are wrong (items,) bool"
    (x,y),(x_test,y_test) = cifar()
    first_class = min(sizes)
    rows = drawn(sizes, seed)
    right = y[rows].numpy()-first_class
    labels = wrong_labels(right, wrong, len(sizes), seed)
    if keep is None: keep = slice(None)
    test = torch.isin(y_test, tensor(list(sizes))).nonzero()[:,0]
    parts = (x[rows[keep]].numpy(),labels[keep]),(x_test[test].numpy(),y_test[test].numpy()-first_class)
    dsets = image_datasets(parts, range(len(sizes)))
    tfms = [ShiftFlip(2), IntToFloatTensor(), Normalize.from_stats(*data_sets['cifar10'].stats)]
    dls = DataLoaders.from_dsets(
        *dsets, bs=128, dl_type=Rows, after_batch=tfms, shuffle=(True,False), drop_last=(True,False), num_workers=0)
    for dl in dls: dl.rng = random.Random(seed)
    return dls,(labels!=right)[keep]

@functools.cache
def pretrained_body(seed, epochs):
    "The weights of the small net, without its head, after some epochs on 6,400 images of the first five classes"
    set_seed(seed, reproducible=True)
    dls,_ = loaders({c:1280 for c in range(5)}, seed)
    learn = silent_learner(dls, 'small', cbs=NoValidation())
    learn.fit_one_cycle(epochs, .1)
    return learn.model[:-1].state_dict()

def learner(s, seed):
    "The `Learner` of a run, the same for each arm of a seed, and which labels are wrong"
    classes = range(10-s['classes'], 10) if s['classes']<10 else range(10)
    body = pretrained_body(seed, s['pretraining']) if 'pretraining' in s else None
    set_seed(seed, reproducible=True)
    dls,wrong = loaders({c:s['images']//s['classes'] for c in classes}, seed, s['wrong'])
    set_seed(seed, reproducible=True)
    model = make_model('small', 3, dls.c)
    if body is not None: model[:-1].load_state_dict(body)
    return silent_learner(dls, model, cbs=[Counter(), NoValidation()]),wrong

def share_of(s): return .75*s['wrong'] or .15

arms = dict(
    plain=lambda learn, s: learn,
    trim=lambda learn, s: learn.add_boost(TrimNoisy(share_of(s))),
    trim_auto=lambda learn, s: learn.add_boost(TrimNoisy()),
    random=lambda learn, s: learn.add_boost(RandomFilter(keep=1-share_of(s), start=3, spend='time')),
    mixup=lambda learn, s: learn.mixup())

def left_out_wrong(cb, wrong):
    "Share of wrong labels among the items that the last epoch left out"
    record = saved_record(cb.learn)
    out = (record.epoch<record.epochs-2).cpu().numpy()   # two epochs: `drop_last` leaves some out as well
    return wrong[out].mean() if out.any() else np.nan

def run(s, seed, arm):
    "Train, then test once"
    learn,wrong = learner(s, seed)
    arms[arm](learn, s)
    begun = time.perf_counter()
    learn.fit_one_cycle(s['epochs'], s['lr'])
    wall = time.perf_counter()-begun
    c = learn.counter
    result = dict(epochs=learn.n_epoch, rows=c.rows, cost=c.cost, wall=wall)
    cb = first(o for o in learn.cbs if isinstance(o, TrimNoisy))
    if cb is not None: result.update(estimate=cb.estimate, left_out_wrong=left_out_wrong(cb, wrong))
    learn.remove_cbs([NoValidation,Counter])   # `validate` sends the events of a fit too
    loss,acc = learn.validate()[:2]
    return dict(accuracy=acc, valid_loss=loss, **result)

def add_row(file, row):
    "Add a row to a file, to which another process may have written meanwhile"
    rows = pd.read_csv(file).to_dict('records') if file.exists() else []
    pd.DataFrame([*rows,row]).round(4).to_csv(file, index=False)

def missing(file, **key):
    "Is there no row of this key in the file yet?"
    if not file.exists(): return True
    df = pd.read_csv(file)
    return not np.logical_and.reduce([df[k]==v for k,v in key.items()]).any()

versions = dict(torch=torch.__version__, fastai=fastai.__version__, cpu=platform.machine(), threads=1)

def write_runs(name, seeds, names):
    "Train the runs of a setting that are missing"
    file = folder/f'noisy_{name}.csv'
    for seed,arm in itertools.product(seeds, names):
        if not missing(file, seed=seed, arm=arm): continue
        row = dict(setting=name, arm=arm, seed=seed, **run(settings[name], seed, arm), **versions)
        add_row(file, row)
        print(arm, seed, f"{row['accuracy']:.4f}, {row['epochs']} epochs, {row['cost']:.1f} s", flush=True)

def class_sizes(balance, images):
    "As many images of each class, or 50 to 1"
    if balance=='balanced': return {c:images//10 for c in range(10)}
    falling = np.array([50**(-c/9) for c in range(10)])
    return {c:max(5, round(images*o)) for c,o in enumerate(falling/falling.sum())}

def cleanlab_order(sizes, seed, wrong, epochs):
    "The items in cleanlab's order, by predictions for each fifth of a net that saw the others; `None` without cleanlab"
    try: from cleanlab.filter import find_label_issues
    except ImportError: return None
    dls,_ = loaders(sizes, seed, wrong)
    labels = dls.train.dataset.rows[1].as_subclass(Tensor).numpy()
    fifths = np.random.default_rng(seed).integers(0, 5, len(labels))
    probs = np.zeros((len(labels),10))
    for k in range(5):
        set_seed(seed, reproducible=True)
        part,_ = loaders(sizes, seed, wrong, keep=np.flatnonzero(fifths!=k))
        learn = silent_learner(part, 'small', cbs=NoValidation())
        learn.fit_one_cycle(epochs, .1)
        rest,_ = loaders(sizes, seed, wrong, keep=np.flatnonzero(fifths==k))
        dl = rest.valid.new(rest.train.dataset, shuffle=False, drop_last=False)
        dl.after_batch = rest.valid.after_batch   # without shifts
        probs[fifths==k] = learn.get_preds(dl=dl)[0].numpy()
    return find_label_issues(labels, probs, return_indices_ranked_by='self_confidence')

def precision(order, wrong, n): return wrong[order[:n]].mean() if len(order) else np.nan

def suspects(seeds, images, epochs):
    "The precision of the first 5 % of the suspects, by both"
    file = folder/'noisy_suspects.csv'
    for seed,share,balance in itertools.product(seeds, (.05,.2,.4), ('balanced','unbalanced')):
        key = dict(seed=seed, wrong=share, balance=balance, images=images)
        if not missing(file, **key): continue
        sizes = class_sizes(balance, images)
        for by_class in (False,True):
            set_seed(seed, reproducible=True)
            dls,wrong = loaders(sizes, seed, share)
            learn = silent_learner(dls, 'small', cbs=NoValidation())
            learn.add_boost(TrimNoisy(.75*share, by_class=by_class))
            learn.fit_one_cycle(epochs, .1)
            n = round(.05*len(wrong))
            key[f"suspects{'_by_class'*by_class}"] = precision(learn.suspects(n).index.to_numpy(), wrong, n)
        order = cleanlab_order(sizes, seed, share, epochs)
        found = {} if order is None else dict(cleanlab=precision(order, wrong, n), cleanlab_found=len(order))
        add_row(file, {**key, 'n':n, **found, **versions})
        print({**key, **found}, flush=True)

def summary():
    "One row per setting and arm"
    rows = []
    for name in settings:
        file = folder/f'noisy_{name}.csv'
        if not file.exists() or name.startswith('smoke'): continue
        df = pd.read_csv(file)
        plain = df[df.arm=='plain'].set_index('seed')
        for arm,runs in df.groupby('arm', sort=False):
            runs = runs.set_index('seed')
            gain = 100*(runs.accuracy-plain.accuracy.reindex(runs.index)).dropna()
            p = stats.ttest_1samp(gain, 0).pvalue if len(gain)>1 and arm!='plain' else np.nan
            rows.append(dict(
                setting=name, arm=arm, seeds=len(runs), accuracy=runs.accuracy.mean(), gain=gain.mean(),
                gain_se=gain.sem(), p=p, epochs=runs.epochs.mean(),
                cost=(runs.cost/plain.cost.reindex(runs.index)).mean(),
                **{k:runs[k].mean() for k in ('estimate','left_out_wrong') if k in runs}))
    table = pd.DataFrame(rows).round(4)
    table.to_csv(folder/'noisy_summary.csv', index=False)
    print(table.to_string(index=False))

if __name__=='__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('setting', choices=[*settings,'suspects','summary'])
    parser.add_argument('--seeds', default='5', help='how many, or a list such as 3,4')
    parser.add_argument('--arms', default=','.join(arms))
    parser.add_argument('--images', type=int, default=12800, help='of `suspects`')
    parser.add_argument('--epochs', type=int, default=30, help='of `suspects`')
    parser.add_argument('--to', type=Path, default=folder, help='folder of the files')
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder = args.to
    folder.mkdir(exist_ok=True)
    seeds = [int(o) for o in args.seeds.split(',')] if ',' in args.seeds else range(1, int(args.seeds)+1)
    if args.setting=='summary': summary()
    elif args.setting=='suspects': suspects(seeds, args.images, args.epochs)
    else: write_runs(args.setting, seeds, args.arms.split(','))
