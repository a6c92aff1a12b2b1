"""`/api/gift_wrap/`."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from nexus_gift_wrap.models import Paper, Wrapping
from nexus_gift_wrap.schemas import PaperSchema, WrappingSchema
from nexus_kernel import (
    Blueprint,
    Conflict,
    Money,
    PageQuery,
    invalid_field,
    new_id,
    page_of,
    paginate,
    reading,
    transaction,
)
from nexus_kernel.money import MoneyError

blp = Blueprint("gift_wrap", __name__, url_prefix="/api/gift_wrap", description="Gift wrapping")


class PaperExists(Conflict):
    """There is a paper of this code already."""

    code, title = "gift_wrap.paper_exists", "There is such a paper"


@blp.get("/papers/")
@blp.public
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(PaperSchema))
def list_papers(args: dict[str, Any]) -> dict[str, Any]:
    """What orders can be wrapped in"""
    with reading() as session:
        return paginate(session, select(Paper), order=[Paper.id], args=args, present=_paper)


@blp.post("/papers/")
@blp.requires("gift_wrap.manage")
@blp.arguments(PaperSchema)
@blp.response(201, PaperSchema)
def create_paper(args: dict[str, Any]) -> dict[str, Any]:
    """Offer a paper"""
    try:
        fee = Money.parse(args["fee"], args["currency"])
    except MoneyError as error:
        raise invalid_field("fee", f"{error}.") from None
    row = {"id": new_id(), "code": args["code"], "title": args["title"]}
    with transaction() as session:
        added = insert(Paper).values(**row, fee_minor=fee.minor, currency=fee.currency)
        if session.execute(added.on_conflict_do_nothing().returning(Paper.id)).first() is None:
            raise PaperExists(f"There is a paper {args['code']} already.")
    return {**row, "fee": fee, "currency": fee.currency}


@blp.get("/wrappings/")
@blp.requires("gift_wrap.manage")
@blp.arguments(PageQuery, location="query")
@blp.response(200, page_of(WrappingSchema))
def list_wrappings(args: dict[str, Any]) -> dict[str, Any]:
    """What is to be wrapped, for the packers"""
    statement = select(Wrapping.id, Wrapping.order_id, Wrapping.message, Paper.title.label("paper"))
    with reading() as session:
        return paginate(
            session,
            statement.join(Paper, Paper.id == Wrapping.paper_id),
            order=[Wrapping.id],
            args=args,
            present=lambda row: row._mapping,
        )


def _paper(row: Any) -> dict[str, Any]:
    paper = row.Paper
    fee = Money(paper.fee_minor, paper.currency)
    return {"code": paper.code, "title": paper.title, "fee": fee, "currency": paper.currency}
