"""The graph of needs: one stable order, and a sentence for each way in which there is none."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nexus_kernel import Manifest
from nexus_kernel.manifest import build_graph, dependants


class A: ...


class B: ...


class C: ...


PROVIDER = Manifest(name="base", summary="", provides=(A,))
MIDDLE = Manifest(name="middle", summary="", needs=(A,), provides=(B,))
TOP = Manifest(name="top", summary="", needs=(B,), wants=(C,))
OTHER = Manifest(name="another", summary="")
OPTIONAL = Manifest(name="zeta", summary="", provides=(C,))
ALL = [PROVIDER, MIDDLE, TOP, OTHER, OPTIONAL]


@given(st.permutations(ALL))
def test_the_order_does_not_depend_on_the_order_of_discovery(manifests):
    graph = build_graph(manifests)
    assert graph.order == ["another", "base", "zeta", "middle", "top"]
    assert graph.faults == []


@given(st.permutations(ALL), st.sets(st.sampled_from([m.name for m in ALL])))
def test_everybody_comes_after_those_whose_contracts_they_need_or_want(manifests, left_out):
    graph = build_graph([m for m in manifests if m.name not in left_out])
    for name, needs in graph.edges.items():
        assert all(graph.order.index(need) < graph.order.index(name) for need in needs)


def test_an_unmet_need_names_the_contract_and_what_to_do():
    (fault,) = build_graph([MIDDLE]).faults
    assert fault.plugin == "middle" and "needs A" in fault.reason and "provides A" in fault.fix


def test_an_unmet_wish_is_no_fault():
    assert build_graph([PROVIDER, MIDDLE, TOP]).faults == []


def test_two_providers_of_one_contract_are_both_named():
    (fault,) = build_graph([PROVIDER, Manifest(name="rival", summary="", provides=(A,))]).faults
    assert "A is provided by base and by rival" in fault.reason


def test_a_cycle_is_told_in_the_direction_of_the_needs():
    ring = [
        Manifest(name="x", summary="", needs=(B,), provides=(A,)),
        Manifest(name="y", summary="", needs=(C,), provides=(B,)),
        Manifest(name="z", summary="", needs=(A,), provides=(C,)),
    ]
    (fault,) = build_graph(ring).faults
    walk = fault.reason.split(": ")[1].split(" -> ")
    assert walk[0] == walk[-1] and set(walk) == {"x", "y", "z"}
    needs = {"x": "y", "y": "z", "z": "x"}
    assert all(needs[who] == whom for who, whom in pairwise(walk))


def test_a_plugin_may_need_what_it_provides_itself():
    graph = build_graph([Manifest(name="own", summary="", needs=(A,), provides=(A,))])
    assert graph.order == ["own"] and graph.faults == []


def test_dependants_are_those_who_need_it_directly_or_not():
    edges = build_graph(ALL).needs
    assert dependants(edges, "base") == {"middle", "top"}
    assert dependants(edges, "another") == set()


def test_who_only_wants_a_contract_does_not_depend_on_its_provider():
    assert dependants(build_graph(ALL).needs, "zeta") == set()
