"""Images per second of a PBA policy on whole batches, each image with draws of its own, against torchvision one image at a time.

    python benchmarks/pba_throughput.py

The last policy of rcifar10, drawn and applied in batches of 500 bytes (32x32, CIFAR-10) and of 20 (the same images, 224x224), and as `learn.pba` does it, on normalised floats; against `v2.AutoAugment(CIFAR10)` on PIL
images and `v2.RandAugment` on tensors, sample by sample. One thread, CPU seconds, ratios within a round. Writes results/pba_throughput.csv."""
import time
from pathlib import Path
import numpy as np, pandas as pd, torch, torchvision
from fastai.vision.all import *
from machine import cpu
from torchvision.transforms import v2
from fastai_boost.augment.policy import *
from fastai_boost.augment.ops import *
from fastai_boost.core import SyncCounter
from fastai_boost.data import boost_dls

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'pba_throughput.csv'

def rate(f, n):
    t = time.process_time(); f()
    return n/(time.process_time()-t)

def compare(x, bs, n_slow, rounds):
    "Images per second of each, a dict per round"
    policy,size = Schedule.named('rcifar10').at(199),tuple(x.shape[-2:])
    pil,tensors = [Image.fromarray(o.permute(1,2,0).numpy()) for o in x[:n_slow]],list(x[:n_slow])
    aa,ra = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10),v2.RandAugment()
    def ours():
        for b in x.split(bs): apply_ops(b, policy.draw(len(b), size=size))
    def each(f, xs):
        for o in xs: f(o)
    stats = [.491,.482,.447],[.247,.244,.262]
    mean,std = (torch.tensor(o).view(1,3,1,1) for o in stats)
    z = (x/255-mean)/std
    def callback():
        for b in z.split(64): augment(b, policy.draw(len(b), size=size), stats)
    fs = {'fastai_boost PBA':(ours,len(x)), 'learn.pba, normalised, batches of 64':(callback,len(x)), 'v2.AutoAugment, PIL':(lambda: each(aa, pil),n_slow), 'v2.RandAugment, tensors':(lambda: each(ra, tensors),n_slow)}
    for f,_ in fs.values(): f()
    return [{k:rate(*v) for k,v in fs.items()} for _ in range(rounds)]

def main(rounds=21):
    x = boost_dls('cifar10', n_train=2000).train_ds.rows[0].as_subclass(Tensor)
    big = F.interpolate(x[:200].float(), (224,224), mode='bilinear').byte()
    rows = []
    for size,res in ((32,compare(x, 500, 500, rounds)),(224,compare(big, 20, 40, rounds))):
        for k in res[0]:
            ratios = [r['fastai_boost PBA']/r[k] for r in res]
            rows.append(dict(size=size, what=k, images_per_s=round(np.median([r[k] for r in res])), ours_over_it=np.median(ratios).round(2), ratio_min=min(ratios), ratio_max=max(ratios), rounds=rounds))
    with SyncCounter() as c: apply_ops(x, Schedule.named('rcifar10').at(199).draw(len(x)))
    df = pd.DataFrame(rows).round(3).assign(syncs=c.total, threads=1, cpu=cpu(), torch=torch.__version__, torchvision=torchvision.__version__)
    df.to_csv(out, index=False)
    print(df.iloc[:,:8].to_string(index=False))

if __name__=='__main__': main()
