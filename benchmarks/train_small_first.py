"""What `learn.progressive_resize()` wins: accuracy at equal cost, seed by seed, on CIFAR-10 at 32 pixels.

    python benchmarks/train_small_first.py 12800x10 --seeds=5    # 12,800 images, the time of 10 epochs
    python benchmarks/train_small_first.py 50000x4 --seeds=5
    python benchmarks/train_small_first.py summary

A setting is IMAGESxEPOCHS, or one of the names in `special`. The arms of a seed run one after the other in one process,
on one thread:

- `plain`: as many epochs as the setting says
- `small_first`: the same with `learn.progressive_resize(cost=.33)`, which stretches the fit to more epochs of the same
  cost. The .33 were measured by `learn.progressive_resize()` on the idle machine, .329 to .336 in five measurements;
  they are given, so that each seed has as many epochs
- `by_steps`, with `--short`: what a plain callback does: as many epochs and as many small steps as `small_first`, and
  fastai's schedule, which goes by steps

`xresnet18_64px` trains fastai's xresnet18 on images enlarged to 64 pixels; `fine_tune` a small net on five classes that
was trained on the other five before.

`cost` is the processor's time of the training, without validation, in seconds; `rows` were trained on, and
`pixels` counts the pixels of their images (of one channel). The test set is looked at once, at the end.

Each run is a row of results/wins/SETTING.csv; runs that are there are not repeated. The summary is written to
results/wins/summary.csv: means, the difference to plain training of the same seeds, its standard error, and the p of a
paired t-test."""
import argparse, functools, platform, time
from pathlib import Path
import numpy as np, pandas as pd, torch, fastai
from fastai.vision.all import *
from scipy import stats
from fastai_boost.all import *
from fastai_boost.experiments.data import Rows, ShiftFlip, data_sets, image_datasets
from fastai_boost.experiments.runs import silent_learner
from fastai_boost.resize import shrink_batch

folder = Path(__file__).parent.parent/'results'/'wins'
special = {
    'xresnet18_64px': dict(images=3200, epochs=3, model='xresnet18', side=64, cost=.27),
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

def arms(s, seed, short):
    "Name and result of each arm of a seed"
    epochs,lr = s['epochs'],s.get('lr', .1)
    yield 'plain',run(learner(s, seed), epochs, lr)
    small = learner(s, seed).progressive_resize(cost=s.get('cost', .33))
    result = run(small, epochs, lr)
    cb = small.progressive_resize_cb
    yield 'small_first',dict(result, step_cost=cb.costs[0])
    if not short: return
    steps = round(small.n_epoch*len(small.dls.train)*cb.until/cb.costs[0]/(cb.until/cb.costs[0]+1-cb.until))
    yield 'by_steps',run(learner(s, seed, BySteps(steps, cb.sizes[0])), small.n_epoch, lr)

def write_runs(name, seeds, short):
    "Train the runs of a setting that are missing"
    file = folder/f'{name}.csv'
    for seed in seeds:
        done = pd.read_csv(file) if file.exists() else pd.DataFrame(dict(seed=[]))
        if seed in done.seed.tolist(): continue
        versions = dict(torch=torch.__version__, fastai=fastai.__version__, cpu=platform.machine(), threads=1)
        results = arms(setting_of(name), seed, short)
        rows = [dict(setting=name, arm=arm, seed=seed, **r, **versions) for arm,r in results]
        done = pd.read_csv(file) if file.exists() else pd.DataFrame()   # another process may have written
        pd.concat([done,pd.DataFrame(rows)]).round(4).to_csv(file, index=False)
        print(pd.DataFrame(rows)[['arm','seed','accuracy','epochs','cost']].to_string(index=False), flush=True)

def summary():
    "One row per setting and arm"
    rows = []
    for file in sorted(o for o in folder.glob('*.csv') if o.stem!='summary'):
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
    parser.add_argument('--short', action='store_true', help='with the arm `by_steps`')
    args = parser.parse_args()
    torch.set_num_threads(1)
    folder.mkdir(exist_ok=True)
    seeds = [int(o) for o in args.seeds.split(',')] if ',' in args.seeds else range(1, int(args.seeds)+1)
    if args.setting=='summary': summary()
    else: write_runs(args.setting, seeds, args.short)
