"""`World`."""

from functools import cache
from io import BytesIO
from typing import Any

from flask import Flask
from hypothesis import strategies as st
from PIL import Image
from schemathesis.core.parameters import ParameterLocation

from .goods import add_goods
from .orders import PLUGINS, add_orders
from .people import add_people

LOCATIONS = {
    ParameterLocation.PATH: "path_parameters",
    ParameterLocation.QUERY: "query",
    ParameterLocation.HEADER: "headers",
    ParameterLocation.BODY: "body",
}


class World:
    """See the package. `keys` are the scopes of API keys; `special` is known for one operation alone."""

    def __init__(self, app: Flask) -> None:
        self.app, self.client = app, app.test_client()
        self.headers: dict[str, dict[str, str]] = {"anonymous": {}}
        self.tokens: dict[str, dict[str, str]] = {}
        self.ids: dict[str, str] = {}
        self.keys: dict[str, set[str]] = {}
        self.known: dict[str, list[Any]] = {}
        self.special: dict[str, dict[str, list[Any]]] = {}
        add_people(self)
        add_goods(self)
        if app.extensions["nexus"].plugins.keys() >= PLUGINS:
            add_orders(self)

    def send(self, method: str, url: str, role: str, body: Any = None, status: int = 200) -> Any:
        """The JSON of an answer with this status."""
        answer = self.client.open(url, method=method, json=body, headers=self.headers[role])
        assert answer.status_code == status, (method, url, answer.text)
        return answer.json if answer.data else None

    def get(self, url: str, role: str) -> Any:
        """What is there."""
        return self.send("GET", url, role)

    def post(self, url: str, body: Any, role: str, status: int = 201) -> Any:
        """What was made."""
        return self.send("POST", url, role, body, status)

    @staticmethod
    @cache
    def picture(colour: str) -> bytes:
        """A small JPEG of one colour."""
        body = BytesIO()
        Image.new("RGB", (24, 16), colour).save(body, "JPEG")
        return body.getvalue()

    def know(self, **values: list[Any]) -> None:
        """Let requests say one of these values in fields of these names."""
        self.known |= values

    def put_known(self, case: Any, draw: Any) -> None:
        """Replace most of what can be looked up by what can be found, where it is not wrong on purpose.

        Some requests get a whole body instead, where the document cannot say which fields go together.
        """
        known = {**self.known, **self.special.get(case.operation.label, {})}
        if case.media_type == "application/json":
            known.pop("avatar", None)
        bodies = known.pop("whole body", None)
        if bodies and not any(map(case.meta.is_negative_at, LOCATIONS)) and draw(st.integers(0, 3)):
            case.body = draw(st.sampled_from(bodies))
            return self._put(case, draw, known, ParameterLocation.PATH, ParameterLocation.QUERY)
        self._put(case, draw, known, *LOCATIONS)

    @staticmethod
    def _put(case: Any, draw: Any, known: dict[str, list[Any]], *locations: ParameterLocation) -> None:
        for location in locations:
            part = getattr(case, LOCATIONS[location])
            if not hasattr(part, "keys") or case.meta.is_negative_at(location):
                continue
            for field in sorted(part.keys() & known.keys()):
                if draw(st.integers(0, 7)) < 7:
                    part[field] = draw(st.sampled_from(known[field]))
