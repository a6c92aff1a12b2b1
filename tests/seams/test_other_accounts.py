"""The catalog beside somebody else's accounts: a contract is kept by whoever provides it.

`CompanyDirectory` is all that it takes to let the people of another system shop here: one method, which says
who they are. Their access tokens are signed with the deployment's secret key.
"""

from uuid import UUID

import pytest

from nexus_kernel import Manifest, hookimpl, new_id
from nexus_kernel.contracts.accounts import AccountService, PersonView
from nexus_kernel.testing import auth_headers

SELAM, TESFAYE = new_id(), new_id()
PRODUCTS = "/api/catalog/products/"


class CompanyDirectory:
    MANIFEST = Manifest(name="directory", summary="The people of our company", provides=(AccountService,))
    NAMES = {SELAM: ("Selam", "Bekele"), TESFAYE: ("Tesfaye", "")}  # noqa: RUF012

    def get_people(self, ids: list[UUID]) -> dict[UUID, PersonView]:
        known = {id: self.NAMES[id] for id in ids if id in self.NAMES}
        return {id: person(id, first, last) for id, (first, last) in known.items()}

    @hookimpl
    def nexus_services(self):
        return {AccountService: lambda session: self}


def person(id: UUID, first: str, last: str) -> PersonView:
    mail = f"{first}@company.example"
    return PersonView(
        id=id, email=mail, first_name=first, last_name=last, email_verified=True, roles=frozenset()
    )


@pytest.fixture(scope="session")
def nexus_plugins():
    return ["catalog", CompanyDirectory()]


@pytest.fixture
def lantern(app, client) -> str:
    """The address of a product on sale."""
    body = {"title": "Lantern", "price": "250.00", "stock_quantity": 3}
    made = client.post(PRODUCTS, json=body, headers=auth_headers(app, "staff"))
    assert made.status_code == 201, made.json
    return made.headers["Location"]


def test_its_people_review_under_the_names_it_knows(app, client, lantern):
    for author in (SELAM, TESFAYE):
        answer = client.post(
            f"{lantern}reviews/", json={"rating": 5}, headers=auth_headers(app, person_id=author)
        )
        assert answer.status_code == 201
    page = client.get(f"{lantern}reviews/").json
    assert [row["author_name"] for row in page["results"]] == ["Tesfaye", "Selam Bekele"]
    assert client.get(lantern).json["rating_average"] == 5.0


def test_whom_it_does_not_know_does_not_review(app, client, lantern):
    answer = client.post(f"{lantern}reviews/", json={"rating": 1}, headers=auth_headers(app))
    assert answer.status_code == 401
    assert client.get(f"{lantern}reviews/").json["count"] == 0


def test_it_is_loaded_before_those_who_ask_it(app):
    assert app.extensions["nexus"].edges["catalog"] == {"directory"}
