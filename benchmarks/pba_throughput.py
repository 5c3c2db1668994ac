"""Images per second of a PBA policy on whole batches, each image with draws of its own, against torchvision one image
at a time.

    python benchmarks/pba_throughput.py

The last policy of rcifar10 is drawn and applied in batches of 500 (32x32, CIFAR-10, bytes) and of 20 (the same images,
224x224), and as `learn.pba` does it, on normalised floats. The others are `v2.AutoAugment(CIFAR10)` on PIL images and
`v2.RandAugment` on tensors, sample by sample. One thread, CPU seconds, ratios within a round. Writes
results/pba_throughput.csv."""
import time
from pathlib import Path
import numpy as np, pandas as pd, torch, torchvision
from fastai.vision.all import *
from torchvision.transforms import v2
from fastai_boost.augment.ops import apply_ops, augment
from fastai_boost.augment.policy import Schedule
from fastai_boost.experiments.data import boost_dls
from fastai_boost.experiments.runs import cpu_name
from fastai_boost.testing import SyncCounter

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'pba_throughput.csv'
ours,callback = 'fastai_boost PBA','learn.pba, normalised, batches of 64'

def rate(f, n):
    "Images per CPU second of a call of `f` that works on `n`"
    start = time.process_time()
    f()
    return n/(time.process_time()-start)

def in_batches(x, bs, policy):
    "Draw and apply, as on a loader that gives bytes"
    for b in x.split(bs): apply_ops(b, policy.draw(len(b), size=tuple(x.shape[-2:])))

def as_callback(x, policy, stats):
    "Draw and augment, as `learn.pba` does"
    for b in x.split(64): augment(b, policy.draw(len(b), size=tuple(x.shape[-2:])), stats)

def one_by_one(f, images):
    for image in images: f(image)

def compare(x, bs, n_slow, rounds):
    "Images per second of each, a dict per round"
    policy = Schedule.named('rcifar10').at(199)
    stats = [.491,.482,.447],[.247,.244,.262]
    mean,std = (torch.tensor(o).view(1,3,1,1) for o in stats)
    normalised = (x/255-mean)/std
    pil = [Image.fromarray(o.permute(1,2,0).numpy()) for o in x[:n_slow]]
    tensors = list(x[:n_slow])
    auto,rand = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10),v2.RandAugment()
    timed = {
        ours: (partial(in_batches, x, bs, policy), len(x)),
        callback: (partial(as_callback, normalised, policy, stats), len(x)),
        'v2.AutoAugment, PIL': (partial(one_by_one, auto, pil), n_slow),
        'v2.RandAugment, tensors': (partial(one_by_one, rand, tensors), n_slow)}
    for f,_ in timed.values(): f()   # warm
    return [{name:rate(f, n) for name,(f,n) in timed.items()} for _ in range(rounds)]

def table(size, res, rounds):
    "Medians over the rounds, and the ratios within each"
    for name in res[0]:
        ratios = [r[ours]/r[name] for r in res]
        yield dict(
            size=size, what=name, images_per_s=round(np.median([r[name] for r in res])),
            ours_over_it=np.median(ratios).round(2), ratio_min=min(ratios), ratio_max=max(ratios), rounds=rounds)

def main(rounds=21):
    x = boost_dls('cifar10', n_train=2000).train_ds.rows[0].as_subclass(Tensor)
    big = F.interpolate(x[:200].float(), (224,224), mode='bilinear').byte()
    rows = [*table(32, compare(x, 500, 500, rounds), rounds), *table(224, compare(big, 20, 40, rounds), rounds)]
    with SyncCounter() as counter: apply_ops(x, Schedule.named('rcifar10').at(199).draw(len(x)))
    df = pd.DataFrame(rows).round(3).assign(
        syncs=counter.total, threads=1, cpu=cpu_name(), torch=torch.__version__, torchvision=torchvision.__version__)
    df.to_csv(out, index=False)
    print(df.iloc[:,:8].to_string(index=False))

if __name__=='__main__': main()
