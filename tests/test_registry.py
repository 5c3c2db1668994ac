"""Every method of the package in every situation, one test each: `pytest tests -k infobatch-resume`.

Which methods there are, with which settings they are tried, and what is expected of them is read from `METHODS`; the
situations stand in `fastai_boost.testing`. What came out is committed as `results/registry.csv`, from which the page
`nbs/90_registry.ipynb` makes its table. A run fails where something else comes out than the file says.
`pytest tests --write-registry` writes it anew."""
import json, os, re
import pytest
from conftest import REGISTRY, read_registry
from fastai_boost.testing import SITUATIONS, HalfWeight, Maker, ScoreFilter, outcome_of, registered
from fastai_boost.testing.two_processes import RESULTS, two_processes

MAKERS = {**registered(), 'ScoreFilter':Maker(ScoreFilter), 'HalfWeight':Maker(HalfWeight)}
# `distributed` comes first: it starts two processes, so nothing else should compute meanwhile
NAMES = sorted(SITUATIONS, key=lambda name: name!='distributed')
CASES = [(method,name) for name in NAMES for method in MAKERS]


@pytest.fixture(scope='session')
def committed():
    "What the file says: (method, situation) -> (outcome, reason)"
    return read_registry()


@pytest.fixture(scope='session')
def in_two_processes(request, tmp_path_factory):
    "Train with all selected methods in one pair of processes, also where several workers of pytest run"
    params = [item.callspec.params for item in request.session.items if hasattr(item, 'callspec')]
    makers = [MAKERS[o['method']] for o in params if o.get('situation')=='distributed']
    if 'PYTEST_XDIST_WORKER' not in os.environ:
        two_processes(makers)
        return
    from filelock import FileLock
    file = tmp_path_factory.getbasetemp().parent/'two_processes.json'
    with FileLock(f'{file}.lock'):
        if not file.exists(): file.write_text(json.dumps(two_processes(makers)))
        RESULTS.update(json.loads(file.read_text()))


def same(name, now, before):
    "Is the outcome the committed one? Numbers of rows may differ a little on another machine"
    if name=='rows_trained_on' and now[0]==before[0]: return abs(int(now[1].rstrip('%'))-int(before[1].rstrip('%')))<=5
    return [re.sub(r'\d+', '0', o) for o in now]==[re.sub(r'\d+', '0', o) for o in before]


@pytest.mark.parametrize('method,situation', CASES, ids=[f'{method}-{name}' for method,name in CASES])
def test(method, situation, committed, request):
    if situation=='distributed': request.getfixturevalue('in_two_processes')
    now = outcome_of(situation, MAKERS[method])
    request.node.user_properties.append(('registry', (method, situation, *now)))
    if request.config.option.write_registry: return
    before = committed.get((method,situation))
    if before is None: return   # a new method or situation: `test_file_is_complete` asks for its row
    assert same(situation, now, before), f'{now} came out, {REGISTRY.name} says {before}'


def test_file_is_complete(committed, request):
    "The page shows all methods and situations that there are, and none that are gone"
    if request.config.option.write_registry: return
    assert set(committed)==set(CASES), 'run `pytest tests --write-registry`, and the page nbs/90_registry.ipynb anew'
