"""What selection saves of an epoch's time when images are read from image files, and when they are in memory.

    python benchmarks/selection_loading.py

Trains on 2,560 CIFAR-10 images, with one thread and no workers. Seconds of the epochs in which a method acts, over
those of plain training in the same round. Stale scores and InfoBatch choose before loading; the fresh filter loads
every row.
Writes results/selection_loading.csv."""
import platform, time
from pathlib import Path
import numpy as np, pandas as pd, torch, fastai
from fastai.vision.all import *
from fastai_boost.all import *
from fastai_boost.experiments.data import balanced_idxs
from fastai_boost.experiments.models import small_convnet

torch.set_num_threads(1)
out = Path(__file__).parent.parent/'results'/'selection_loading.csv'
n,epochs = 2560,4
methods = dict(   # one-liner and its arguments
    plain=None, batch_loss_filter=('batch_loss_filter',{}),
    batch_loss_filter_stale=('batch_loss_filter',dict(score='stale')), infobatch=('infobatch',dict(delta=1.)))

class EpochTime(Callback):
    "Seconds and rows of each training epoch, loading included"
    order,run_valid = -99,False
    def before_fit(self): self.times,self.rows = [],[]
    def before_train(self):
        self.n = 0
        self.start = time.perf_counter()
    def before_backward(self): self.n += len(self.y)
    def after_train(self):
        self.times.append(time.perf_counter()-self.start)
        self.rows.append(self.n)

def loaders(source):
    "The same images, from files or from memory"
    if source=='memory': return boost_dls('cifar10', bs=128, n_train=n, augment=False)
    fns = np.array(sorted(get_image_files(untar_data(URLs.CIFAR)/'train')))
    fns = fns[balanced_idxs([o.parent.name for o in fns], n)]
    dsets = Datasets(list(fns), [[PILImage.create],[parent_label,Categorize()]], splits=[range(n),[]])
    dls = dsets.dataloaders(
        bs=128, after_item=[ToTensor()], after_batch=[IntToFloatTensor(),Normalize.from_stats(*cifar_stats)],
        num_workers=0, drop_last=True, device='cpu')
    dls.c = 10
    return dls

def epoch_time(name, dls):
    "Seconds per epoch in which the method acts, and the share of the rows it trains on"
    set_seed(0)
    learn = Learner(
        DataLoaders(dls.train, []), small_convnet(3, 10), loss_func=CrossEntropyLossFlat(), cbs=EpochTime, lr=.003)
    if methods[name]:
        one_liner,kwargs = methods[name]
        getattr(learn, one_liner)(**kwargs)
    with learn.no_bar(), learn.no_logging(): learn.fit(epochs)
    timed = learn.epoch_time
    return np.median(timed.times[1:]),np.mean(timed.rows[1:])/timed.rows[0]

def main(rounds=5):
    rows = []
    for source in ('files','memory'):
        dls = loaders(source)
        epoch_time('plain', dls)   # warm
        results = [{name:epoch_time(name, dls) for name in methods} for _ in range(rounds)]
        for name in list(methods)[1:]:
            ratios = [r[name][0]/r['plain'][0] for r in results]
            rows.append(dict(
                source=source, method=name, time_ratio=round(np.median(ratios), 3),
                time_ratio_min=round(min(ratios), 3), time_ratio_max=round(max(ratios), 3),
                rows_trained=round(results[0][name][1], 3), rounds=rounds, threads=1, cpu=platform.machine(),
                torch=torch.__version__, fastai=fastai.__version__))
    pd.DataFrame(rows).to_csv(out, index=False)
    print(pd.DataFrame(rows).iloc[:,:6].to_string(index=False))

if __name__=='__main__': main()
