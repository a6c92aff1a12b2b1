"""The rules that make products of transactions."""

import gzip
from datetime import date
from decimal import Decimal

import build_products
import pytest
from build_products import Line, Period, Record
from product_categories import OTHER, categorise
from product_titles import choose_description, is_remark, readable_title

PERIOD = Period(date(2010, 12, 1), date(2011, 8, 31))


def line(code: str = "12345", description: str = "RED MUG", **changes: object) -> Line:
    row = {
        "invoice_no": "536365",
        "stock_code": code,
        "description": description,
        "quantity": "6",
        "invoiced_at": "2011-01-05 08:26:00",
        "unit_price": "2.55",
        "country": "United Kingdom",
    }
    return build_products.parse_line(row | {name: str(value) for name, value in changes.items()})


def only_row(*lines: Line) -> dict[str, str]:
    [row] = build_products.build(lines).rows
    return row


# Which name


def test_the_most_frequent_description_is_the_name():
    assert choose_description({"BLUE MUG": 2, "A MUG": 1}) == "BLUE MUG"


def test_of_equally_frequent_descriptions_the_alphabetically_first_is_the_name():
    assert choose_description({"PINK SNOWFLAKE": 1, "ACRYLIC SNOWFLAKE": 1}) == "ACRYLIC SNOWFLAKE"


@pytest.mark.parametrize(
    "remark", ["", "?", "??", "damaged", "found in box", "CHECK", "Damaged", "wet?", "20713"]
)
def test_a_remark_is_no_name(remark):
    assert is_remark(remark)
    assert choose_description({remark: 99, "RED MUG": 1}) == "RED MUG"


@pytest.mark.parametrize(
    "name", ["RED MUG", "BLUE CHECK BAG", "BAG 125g SWIRLY MARBLES", "LOST & FOUND SIGN"]
)
def test_a_name_with_a_word_of_a_remark_is_a_name(name):
    assert not is_remark(name)


def test_the_name_of_another_line_serves_where_every_sale_holds_a_remark():
    row = only_row(line(description="?"), line(description="RED MUG", unit_price=0))
    assert row["title"] == "Red Mug"


def test_a_product_that_has_only_remarks_is_left_out():
    assert build_products.build([line(description="?")]).refused == {"12345": "no name"}


def test_descriptions_that_differ_in_whitespace_are_one():
    spaced = [line(description="RED  MUG"), line(description=" RED MUG "), line(description="A MUG")]
    assert only_row(*spaced)["title"] == "Red Mug"


# Titles


@pytest.mark.parametrize(
    ("description", "title"),
    [
        ("WHITE HANGING HEART T-LIGHT HOLDER", "White Hanging Heart T-Light Holder"),
        ("S/4 CACTI CANDLES", "Set of 4 Cacti Candles"),
        ("SET/20 RED RETROSPOT PAPER NAPKINS", "Set of 20 Red Retrospot Paper Napkins"),
        ("SET 2 TEA TOWELS I LOVE LONDON", "Set of 2 Tea Towels I Love London"),
        ("FOLK ART GREETING CARD,pack/12", "Folk Art Greeting Card, Pack of 12"),
        ("3D SHEET OF DOG STICKERS", "3D Sheet of Dog Stickers"),
        ("SILVER LARIAT 40CM", "Silver Lariat 40cm"),
        ("POLYESTER FILLER PAD 30CMx30CM", "Polyester Filler Pad 30cmx30cm"),
        ("CHILDREN'S APRON DOLLY GIRL", "Children's Apron Dolly Girl"),
        ("WRAP 50'S CHRISTMAS", "Wrap 50's Christmas"),
        ("NURSERY A,B,C PAINTED LETTERS", "Nursery A, B, C Painted Letters"),
        ("THE KING GIFT BAG 25x24x12cm", "The King Gift Bag 25x24x12cm"),
        ("ENGLISH ROSE NOTEBOOK A6 SIZE", "English Rose Notebook A6 Size"),
        ("RED TOADSTOOL LED NIGHT LIGHT", "Red Toadstool LED Night Light"),
        ("PINK B'FLY C/COVER W BOBBLES", "Pink Butterfly Cushion Cover with Bobbles"),
        ("*Boombox Ipod Classic", "Boombox iPod Classic"),
        ("ELEPHANT, BIRTHDAY CARD,", "Elephant, Birthday Card"),
        ('PEARL & SHELL 42"NECKL. GREEN', 'Pearl & Shell 42" Neckl. Green'),
    ],
)
def test_a_title_is_written_in_readable_case(description, title):
    assert readable_title(description) == title


# Categories


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Lunch Box with Cutlery Retrospot", "Bags & Travel > Lunch Bags & Picnic"),
        ("Vintage Christmas Bunting", "Seasonal > Christmas Decorations"),
        ("Christmas Card Singing Angel", "Seasonal > Christmas Cards & Wrap"),
        ("Red Retrospot Tea Cups", "Kitchen & Dining > Mugs & Cups"),
        ("Gin + Tonic Diet Metal Sign", "Home & Garden > Signs & Letters"),
        ("Children's Cutlery Spaceboy", "Kitchen & Dining > Cutlery & Utensils"),
        ("Boxed Glass Ashtray", OTHER),
        ("Quern", OTHER),
    ],
)
def test_the_first_rule_with_a_word_of_the_title_gives_the_category(title, path):
    assert categorise(title) == path


def test_a_keyword_is_a_whole_word():
    assert categorise("Spanner") == OTHER


# Sales, prices, stock


def test_codes_that_differ_in_case_are_one_product():
    row = only_row(line("85123a"), line("85123A", invoice_no="536366"))
    assert row["sku"] == "85123A"
    assert row["description"] == "12 sold in 2 orders over 1 month; ordered from 1 country."


def test_a_cancelled_line_is_no_sale():
    row = only_row(line(), line(invoice_no="C536379", quantity=-2, unit_price="9.99"))
    assert (row["price"], row["description"][:17]) == ("2.55", "6 sold in 1 order")


def test_a_product_that_was_only_cancelled_is_left_out():
    catalog = build_products.build([line(invoice_no="C1", quantity=-1)])
    assert (catalog.rows, catalog.refused) == ([], {"12345": "never sold"})


@pytest.mark.parametrize("price", ["-11062.06", "0"])
def test_a_line_without_a_positive_price_is_no_sale(price):
    assert not line(unit_price=price).is_sale
    assert only_row(line(), line(unit_price=price))["price"] == "2.55"


@pytest.mark.parametrize("quantity", ["-5", "0"])
def test_a_line_without_a_positive_quantity_is_no_sale(quantity):
    assert not line(quantity=quantity).is_sale


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        (["2.55"], "2.55"),
        (["9.00", "1", "2"], "2.00"),
        (["1.25", "1.30"], "1.28"),
        (["0.85", "0.82"], "0.84"),
    ],
)
def test_the_price_is_the_median_of_the_lines_rounded_half_up(prices, expected):
    assert str(build_products.median_price(Decimal(price) for price in prices)) == expected


def test_a_price_that_rounds_to_nothing_is_left_out():
    assert build_products.build([line(unit_price="0.001")]).refused == {"12345": "price below 0.01"}


@pytest.mark.parametrize(
    ("sold", "cancelled", "stock"),
    [(2740, 0, 280), (2741, 0, 281), (1, 0, 1), (74_215, 74_215, 0), (5, 9, 0)],
)
def test_stock_is_four_weeks_of_net_sales_rounded_up(sold, cancelled, stock):
    assert PERIOD.days == 274
    assert build_products.stock_of(Record(units_sold=sold, units_cancelled=cancelled), PERIOD) == stock


def test_an_unspecified_country_is_not_counted():
    lines = [line(country="Unspecified"), line(country="European Community"), line(country="France")]
    assert only_row(*lines)["description"].endswith("; ordered from 1 country.")
    assert only_row(line(country="Unspecified"))["description"] == "6 sold in 1 order over 1 month."


@pytest.mark.parametrize(
    "code", ["POST", "M", "gift_0001_10", "C2", "DCGS0066P", "1234", "123456", "12345ABC"]
)
def test_a_code_of_another_shape_is_no_product(code):
    assert build_products.build([line(code)]).refused == {code.upper(): "no product code"}


@pytest.mark.parametrize("code", ["12345", "85099B", "15056BL", "DCGS0003", "DCGSSBOY"])
def test_five_digits_with_letters_and_the_shops_own_codes_are_products(code):
    assert only_row(line(code))["sku"] == code


@pytest.mark.parametrize(
    "description", ["Next Day Carriage", "PACKING CHARGE", "Dotcomgiftshop Gift Voucher £100.00"]
)
def test_a_service_under_a_product_code_is_left_out(description):
    assert build_products.build([line(description=description)]).refused == {"12345": "a service or voucher"}


def test_no_transactions_are_an_error():
    with pytest.raises(ValueError, match="no transaction"):
        build_products.build([])


def test_the_command_writes_the_same_bytes_every_time(tmp_path):
    transactions = tmp_path / "transactions.csv.gz"
    with gzip.open(transactions, "wt", encoding="utf-8", newline="") as file:
        file.write(
            "invoice_no,stock_code,description,quantity,invoiced_at,unit_price,customer_id,country\n"
            '1,22222,"CARD, RED",2,2011-01-01 10:00:00,1.5,17,France\n'
            "1,11111,RED MUG,1,2011-01-01 10:00:00,2,17,France\n"
        )
    outputs = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for output in outputs:
        assert build_products.main([str(transactions), "--output", str(output)]) == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert outputs[0].read_text(encoding="utf-8").splitlines()[1:] == [
        "11111,Red Mug,1 sold in 1 order over 1 month; ordered from 1 country.,"
        "Kitchen & Dining > Mugs & Cups,2.00,28",
        '22222,"Card, Red",2 sold in 1 order over 1 month; ordered from 1 country.,'
        "Stationery > Greeting Cards & Stickers,1.50,56",
    ]
