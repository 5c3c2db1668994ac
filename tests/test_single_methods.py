"What single methods of the registry must show besides: numbers of rows that hold for them alone"
import pytest
from fastai_boost.testing import Maker, quiet, registered
from fastai_boost.testing.cases import HalfWeight, ScoreFilter, as_it_was, column, image_dls, learner
from fastai_boost.testing.training import Sizes, two_groups
from fastai_boost.testing.two_processes import EPOCHS, RESULTS, key_of, two_processes

MAKERS = registered()
COPIES = MAKERS["augment_subset(score='random', downweight=True)"]


@pytest.fixture(autouse=True)
def calm():
    "Fixed random numbers; afterwards all is as it was"
    with as_it_was(): yield


def numbers(learn): return sorted(learn.item_record().seen.unique())


def test_copies_are_rows_of_their_own():
    "21 of 70 items have four copies each"
    sizes = Sizes()
    learn = quiet(learner(COPIES), 3, cbs=sizes)
    assert numbers(learn)==[3,15]
    assert sum(sizes.sizes)==3*(70+21*4)


def test_copies_count_as_visits_of_a_new_dataset():
    learn = learner(COPIES, splitter=two_groups)
    with learn.no_bar(), learn.no_logging(): learn.fine_tune(2)
    learn.dls = image_dls(50)
    assert numbers(quiet(learn, 1))==[1,5]


def test_copies_count_as_visits_beside_a_filter_and_weights():
    for cbs in ([COPIES, ScoreFilter, HalfWeight], [HalfWeight, ScoreFilter, COPIES]):
        assert numbers(quiet(learner(cbs)))==[2,10]


def test_batchboost_trains_on_more_rows():
    assert sum(column(quiet(learner(MAKERS['batchboost']), 3), 'bwd_rows'))>3*70


def test_in_two_processes():
    "A filter may keep more rows in one process than in the other; a subset can be chosen by the model"
    shrunk = MAKERS['selective_backprop(prime=0, beta=1.0, refill=False)']
    by_model = Maker(COPIES.cls, frac=.3)
    makers = [MAKERS['batch_loss_filter'], shrunk, by_model]
    two_processes(makers)
    for make in makers[:2]: assert min(RESULTS[key_of(make)]['uneven'])>0
    assert 'uneven' in RESULTS[key_of(by_model)], RESULTS[key_of(by_model)]


def test_costs_are_the_same_in_two_processes():
    "Measured by the first one: both end at the same epoch, with the same share of the cost at each step"
    scored = Maker(MAKERS['batch_loss_filter'].cls, start=0, min_loss_perc=.6, spend='time')
    shrunk = Maker(MAKERS["progressive_resize(cost=0.3, spend='epochs')"].cls, multiple=1)
    two_processes([scored, shrunk])
    for make in (scored, shrunk):
        result = RESULTS[key_of(make)]
        assert result.get('measured')==1 and result['epochs']>=EPOCHS-1, result
