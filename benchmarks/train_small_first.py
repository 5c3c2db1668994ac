"""What `learn.progressive_resize()` wins: accuracy at equal cost, seed by seed, on CIFAR-10 at 32 pixels.

    python benchmarks/train_small_first.py 12800x10 --seeds=5    # 12,800 images, the time of 10 epochs
    python benchmarks/train_small_first.py 50000x4 --seeds=5 --arms=plain,small_first,by_steps
    python benchmarks/train_small_first.py step_cost             # what a small step costs, in turn with full ones
    python benchmarks/train_small_first.py summary

A setting is IMAGESxEPOCHS, or one of the names in `special`. The arms of a seed run one after the other in one process,
on one thread:

- `plain`: as many epochs as the setting says
- `small_first`: the same with `learn.progressive_resize(cost=.4)`, which stretches the fit to more epochs of the same
  cost. What a small step costs is given, so that each seed has as many epochs; `step_cost` measures it
- `in_80_percent`: `small_first` in the time of four fifths of the epochs
- `by_steps`: what a plain callback does: as many epochs and as many small steps as `small_first`, and fastai's
  schedule, which goes by steps
- `softer`: `small_first` with images that are shrunk by the usual antialiased filter (bilinear)

`xresnet18_64px` trains fastai's xresnet18 on images enlarged to 64 pixels; `fine_tune` a small net on five classes that
was trained on the other five before.

`cost` is the processor's time of the training, without validation, in seconds; `rows` were trained on, and
`pixels` counts the pixels of their images (of one channel). The test set is looked at once, at the end.

Each run is a row of results/wins/SETTING.csv; runs that are there are not repeated. The summary is written to
results/wins/summary.csv: means, the difference to plain training of the same seeds, its standard error, and the p of a
paired t-test."""
import argparse, functools, itertools, platform, time
from pathlib import Path
import numpy as np, pandas as pd, torch, fastai
from fastai.vision.all import *
from scipy import stats
from fastai_boost.all import *
from fastai_boost.experiments.data import Rows, ShiftFlip, data_sets, image_datasets
from fastai_boost.experiments.runs import silent_learner
from fastai_boost import resize
from fastai_boost.resize import shrink_batch

folder = Path(__file__).parent.parent/'results'/'wins'
special = {
    'xresnet18_64px': dict(images=3200, epochs=3, model='xresnet18', side=64),
    'fine_tune': dict(images=2000, epochs=6, lr=.02, pretrained=True),
}

class Counter(Callback):
    "The processor's time of the training, the rows trained on, and their pixels in plain rows"
    order,run_valid = -99,False
    def before_fit(self): self.cost,self.rows,self.pixels = 0.,0,0.
    def before_train(self): self.begun = time.process_time()
    def after_pred(self):
        self.rows += len(self.x)
        self.pixels += len(self.x)*self.x.shape[-1]**2
    def after_train(self): self.cost += time.process_time()-self.begun

class BySteps(Callback):
    "Small images in the first `steps` steps of a fit: the schedule goes on by steps"
    order,run_valid = -8,False
    def __init__(self, steps, size): store_attr()
    def before_batch(self):
        if self.train_iter<self.steps: self.learn.xb,self.learn.yb = shrink_batch(self.xb, self.yb, self.size)

class NoValidation(Callback):
    "The test set is looked at once, after the fit"
    def before_validate(self): raise CancelValidException

def setting_of(name):
    "Images, epochs, and what else a setting says"
    if name in special: return special[name]
    images,epochs = map(int, name.split('x'))
    return dict(images=images, epochs=epochs)


class Enlarge(Transform):
    "Images as bytes with sides of `size` pixels"
    order = 4   # before the shifts
    def __init__(self, size): self.size = size
    def encodes(self, x:TensorImage): return retain_type(F.interpolate(x, size=self.size, mode='bilinear'), x)

def half_of_classes(first_class, n, seed):
    "`DataLoaders` of five classes of CIFAR-10, with `n` images to train on"
    dls = boost_dls('cifar10', n_train=2*n, seed=seed)
    parts = []
    for dl in dls:
        x,y = dl.dataset.rows
        inside = (y>=first_class) & (y<first_class+5)
        parts.append((x[inside].as_subclass(Tensor).numpy(), (y[inside]-first_class).as_subclass(Tensor).numpy()))
    dsets = image_datasets(parts, range(5))
    tfms = [ShiftFlip(4), IntToFloatTensor(), Normalize.from_stats(*data_sets['cifar10'].stats)]
    return DataLoaders.from_dsets(
        *dsets, bs=128, dl_type=Rows, after_batch=tfms, shuffle=(True,False), drop_last=(True,False), num_workers=0)

@functools.cache
def pretrained_body(seed):
    "The weights of the small net, without its head, after 10 epochs on 6,400 images of the first five classes"
    set_seed(seed, reproducible=True)
    learn = silent_learner(half_of_classes(0, 6400, seed), 'small', cbs=NoValidation())
    learn.fit_one_cycle(10, .1)
    return learn.model[:-1].state_dict()

def learner(s, seed, *cbs):
    "The `Learner` of a run, the same for each arm of a seed"
    weights = pretrained_body(seed) if s.get('pretrained') else None
    set_seed(seed, reproducible=True)
    if weights: dls = half_of_classes(5, s['images'], seed)
    else: dls = boost_dls('cifar10', bs=128, n_train=None if s['images']==50000 else s['images'], seed=seed)
    if 'side' in s:
        for dl in dls: dl.after_batch.add(Enlarge(s['side']))
    model = xresnet18(n_out=10) if s.get('model')=='xresnet18' else make_model('small', 3, dls.c)
    if weights: model[:-1].load_state_dict(weights)
    return silent_learner(dls, model, cbs=[Counter(), NoValidation(), *cbs])

def run(learn, epochs, lr):
    "Train, then test once"
    begun = time.perf_counter()
    learn.fit_one_cycle(epochs, lr)
    wall = time.perf_counter()-begun
    c = learn.counter
    result = dict(epochs=learn.n_epoch, rows=c.rows, cost=c.cost, wall=wall, pixels=c.pixels)
    learn.remove_cbs([NoValidation,Counter])   # `validate` sends the events of a fit too
    loss,accuracy = learn.validate()[:2]
    return dict(accuracy=accuracy, valid_loss=loss, **result)

def small_first(s, seed, epochs):
    "Train on small images first, in the time of `epochs`"
    learn = learner(s, seed).progressive_resize(cost=s.get('cost', .4))
    result = run(learn, epochs, s.get('lr', .1))
    return dict(result, step_cost=learn.progressive_resize_cb.costs[0])

def in_80_percent(s, seed, epochs): return small_first(s, seed, round(.8*epochs))

def by_steps(s, seed, epochs):
    "As many small and full steps as `small_first` has, with a schedule that goes by steps"
    cost = s.get('cost', .4)
    n_epoch = int(epochs*(.5/cost+.5)+1e-6)   # as `ProgressiveResize` stretches a fit with `until=.5`
    learn = learner(s, seed)
    small_steps = round(n_epoch*len(learn.dls.train)*(.5/cost)/(.5/cost+.5))
    size = learn.dls.train.one_batch()[0].shape[-1]//2
    return run(learner(s, seed, BySteps(small_steps, (size,size))), n_epoch, s.get('lr', .1))

def softer(s, seed, epochs):
    "`small_first` with the usual filter"
    ours = resize.shrink
    resize.shrink = partial(F.interpolate, mode='bilinear', antialias=True)
    try: return small_first(s, seed, epochs)
    finally: resize.shrink = ours

def plain(s, seed, epochs): return run(learner(s, seed), epochs, s.get('lr', .1))

arms = {f.__name__:f for f in (plain,small_first,in_80_percent,by_steps,softer)}

def write_runs(name, seeds, names):
    "Train the runs of a setting that are missing"
    file,s = folder/f'{name}.csv',setting_of(name)
    versions = dict(torch=torch.__version__, fastai=fastai.__version__, cpu=platform.machine(), threads=1)
    def written(): return pd.read_csv(file) if file.exists() else pd.DataFrame(dict(seed=[], arm=[]))
    for seed,arm in itertools.product(seeds, names):
        if ((written().seed==seed) & (written().arm==arm)).any(): continue
        row = dict(setting=name, arm=arm, seed=seed, **arms[arm](s, seed, s['epochs']), **versions)
        rows = written().to_dict('records')+[row]   # another process may have written meanwhile
        pd.DataFrame(rows).round(4).to_csv(file, index=False)
        print(arm, seed, f"{row['accuracy']:.4f}, {row['epochs']} epochs, {row['cost']:.1f} s", flush=True)

class StepTimes(Callback):
    "The processor's time of each training step, with the loading of the next batch"
    order,run_valid = -99,False
    def before_fit(self): self.times,self.begun = [],None
    def before_batch(self):
        now = time.process_time()
        if self.begun is not None and self.iter>0: self.times.append(now-self.begun)
        self.begun = now

def step_cost(name, pairs=15):
    "What a small step costs, from epochs of 10 steps that are small and full in turn"
    s = {**setting_of(name), 'images':1280, 'pretrained':False}
    seconds = dict(full=[], small=[])
    for _ in range(pairs):
        for kind in seconds:
            learn = learner(s, 1, StepTimes())
            if kind=='small': learn.progressive_resize(cost=.4, until=.99, spend='epochs')
            learn.fit(1, s.get('lr', .1))
            seconds[kind] += learn.step_times.times[1:-1]   # all small
    full,small = (np.median(seconds[kind]) for kind in ('full','small'))
    row = dict(setting=name, steps=len(seconds['full']), full_ms=1000*full, small_ms=1000*small, ratio=small/full)
    file = folder/'step_cost.csv'
    rows = pd.read_csv(file).query('setting!=@name').to_dict('records') if file.exists() else []
    pd.DataFrame([*rows,row]).round(4).to_csv(file, index=False)
    print(row)

def summary():
    "One row per setting and arm"
    rows = []
    for file in sorted(o for o in folder.glob('*.csv') if o.stem in special or o.stem[0].isdigit()):
        df = pd.read_csv(file)
        plain = df[df.arm=='plain'].set_index('seed')
        for arm,runs in df.groupby('arm', sort=False):
            runs = runs.set_index('seed')
            gain = 100*(runs.accuracy-plain.accuracy.loc[runs.index])
            p = stats.ttest_1samp(gain, 0).pvalue if len(gain)>1 and arm!='plain' else np.nan
            rows.append(dict(
                setting=file.stem, arm=arm, seeds=len(runs), accuracy=runs.accuracy.mean(), gain=gain.mean(),
                gain_se=gain.sem(), p=p, epochs=runs.epochs.mean(), cost=(runs.cost/plain.cost.loc[runs.index]).mean(),
                pixels=(runs.pixels/plain.pixels.loc[runs.index]).mean()))
    table = pd.DataFrame(rows).round(4)
    table.to_csv(folder/'summary.csv', index=False)
    print(table.to_string(index=False))

if __name__=='__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('setting')
    parser.add_argument('--seeds', default='5', help='how many, or a list such as 3,4')
    parser.add_argument('--arms', default='plain,small_first')
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder.mkdir(exist_ok=True)
    seeds = [int(o) for o in args.seeds.split(',')] if ',' in args.seeds else range(1, int(args.seeds)+1)
    if args.setting=='summary': summary()
    elif args.setting=='step_cost':
        for name in ('12800x10','xresnet18_64px'): step_cost(name)
    else: write_runs(args.setting, seeds, args.arms.split(','))
