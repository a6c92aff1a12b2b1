"""What is written to whom: one mail an event, in both forms, with nobody's words out of place."""

import pytest

from nexus_kernel import new_id
from nexus_kernel.contracts.payments import PaymentFailed, PaymentSucceeded


def parts(mail):
    return (
        mail.get_body(("plain",)).get_content().replace("\r\n", "\n"),
        mail.get_body(("html",)).get_content(),
    )


def test_a_registration_brings_a_mail_with_a_link_and_with_uid_and_token(shop, mail_server):
    shop.happen(shop.registered(email="new@example.com"))
    (mail,) = mail_server.mails
    assert mail_server.accepted[0].rcpt_tos == ["new@example.com"]
    assert mail["From"] == "Gift shop <shop@example.com>"
    for part in parts(mail):
        assert "https://shop.example.com/#/activate/dWlk/to.k-en" in part
        assert "uid: dWlk" in part and "token: to.k-en" in part


def test_the_mail_of_a_repeated_registration_says_that_its_reader_chooses_the_password(shop, mail_server):
    shop.happen(shop.registered(email="new@example.com"))
    shop.happen(shop.registered(email="new@example.com", repeated=True))
    plain, repeated = (parts(mail) for mail in mail_server.mails)
    for part in plain:
        assert "somebody opened an account" in part and "again" not in part
    for part in repeated:
        words = " ".join(part.split())
        assert "somebody registered the address again with another password" in words
        assert "choose its password" in words and "https://shop.example.com/#/activate/dWlk/to.k-en" in words


def test_an_unverified_address_never_gets_the_words_of_who_registered_it(shop, mail_server):
    shop.happen(shop.registered(display_name="You won! http://evil.example"))
    assert "evil" not in "".join(parts(mail_server.mails[0])) + mail_server.mails[0]["Subject"]


def test_the_token_is_kept_until_the_mail_is_sent_and_no_longer(shop, mail_server):
    mail_server.stop()
    shop.happen(shop.registered())
    assert shop.the_mail().context["token"] == "to.k-en"
    mail_server.start()
    shop.time_passes()
    assert "token" not in shop.the_mail().context


def test_each_event_brings_its_mail(shop, mail_server):
    buyer = shop.person()
    shop.happen(
        shop.registered(),
        shop.activated(),
        shop.order_placed(buyer),
        shop.payment(PaymentSucceeded, buyer),
        shop.payment(PaymentFailed, buyer),
        shop.status_changed(buyer),
    )
    assert mail_server.subjects == [
        "Confirm your e-mail address for Gift shop",
        "Payment received for N-7Q2K",
        "Welcome to Gift shop, Abebe Bikila",
        "Your order N-7Q2K at Gift shop",
        "Your order N-7Q2K is on its way",
        "Your payment for N-7Q2K did not go through",
    ]


def test_an_order_mail_lists_lines_and_total(shop, mail_server):
    shop.happen(shop.order_placed(shop.person(email="abebe@example.com")))
    assert mail_server.accepted[0].rcpt_tos == ["abebe@example.com"]
    for part in parts(mail_server.mails[0]):
        for words in ("Clay coffee pot", "JEB-1", "ETB 625.50", "ETB 1,251.00", "Abebe Bikila", "N-7Q2K"):
            assert words in part


def test_only_known_reasons_of_a_failed_payment_are_shown(shop, mail_server):
    buyer = shop.person()
    shop.happen(
        shop.payment(PaymentFailed, buyer, reason="declined"),
        shop.payment(PaymentFailed, buyer, reason="HTTP 500 from gateway"),
    )
    first, second = sorted((parts(mail)[0] for mail in mail_server.mails), key=lambda t: "bank" not in t)
    assert "The bank or wallet declined it." in first
    assert "HTTP 500" not in second


def test_a_cancellation_tells_its_reason(shop, mail_server):
    shop.happen(shop.status_changed(shop.person(), "cancelled", reason="out of <stock>"))
    text, html = parts(mail_server.mails[0])
    assert "Reason: out of <stock>" in text and "Reason: out of &lt;stock&gt;" in html


def test_an_unforeseen_status_is_told_by_its_name(shop, mail_server):
    shop.happen(shop.status_changed(shop.person(), "at_customs"))
    assert mail_server.mails[0]["Subject"] == "Your order N-7Q2K is now: at_customs"


def test_nobody_is_told_about_the_order_of_an_erased_account(shop, mail_server, app):
    shop.happen(shop.order_placed(new_id()))
    assert mail_server.mails == [] and shop.mails() == []


def test_markup_in_titles_and_names_stays_text(shop, mail_server):
    buyer = shop.person(first_name="<script>alert(1)</script>", last_name="{{ 7 * 7 }}")
    shop.happen(shop.order_placed(buyer, title='<script src="//evil.example"></script>'))
    text, html = parts(mail_server.mails[0])
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html and "{{ 7 * 7 }}" in html
    assert '<script src="//evil.example">' in text


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\x85", "\x0b"])
def test_a_newline_in_a_name_adds_no_header_and_no_line(shop, mail_server, newline):
    shop.happen(
        shop.activated(display_name=f"Eve{newline}Bcc: victim@example.com{newline}{newline}Click here")
    )
    (mail,) = mail_server.mails
    assert mail["Subject"] == "Welcome to Gift shop, Eve Bcc: victim@example.com Click here"
    assert mail["Bcc"] is None and mail_server.accepted[0].rcpt_tos == ["new@example.com"]
    assert "Hello Eve Bcc: victim@example.com Click here," in parts(mail)[0]


@pytest.mark.parametrize("recipient", ["no-at-sign", "a@b.example, c@d.example", "x y@z.example", "@", " "])
def test_an_address_that_is_none_makes_a_dead_mail_and_no_traffic(shop, mail_server, recipient):
    shop.happen(shop.activated(email=recipient))
    assert shop.the_mail().state == "dead" and "cannot be written as a mail" in shop.the_mail().last_error
    assert mail_server.mails == []


@pytest.mark.parametrize("recipient", ["አበበ@example.com", "abebe@exämple.com", "é.x+1@ምሳሌ.com"])
def test_an_address_in_another_script_gets_its_mail(shop, mail_server, recipient):
    shop.happen(shop.activated(email=recipient))
    assert mail_server.accepted[0].rcpt_tos == [recipient]
    assert recipient in mail_server.accepted[0].content.decode()


@pytest.mark.parametrize(
    "recipient",
    ["é x@z.example", "é@a.example, b@c.example", "é\u2028Bcc: b@c.example", "é\u202e@c.example", "é"],
)
def test_an_address_in_another_script_that_is_none_makes_a_dead_mail(shop, mail_server, recipient):
    shop.happen(shop.activated(email=recipient))
    assert shop.the_mail().state == "dead" and "cannot be written as a mail" in shop.the_mail().last_error
    assert mail_server.mails == []


def test_a_mail_server_without_internationalised_addresses_is_not_asked_again(shop, mail_server):
    mail_server.stop()
    mail_server.start(enable_SMTPUTF8=False)
    shop.happen(shop.activated(email="አበበ@example.com"))
    assert shop.the_mail().state == "dead" and "SMTPUTF8" in shop.the_mail().last_error


def test_amharic_survives_in_subject_and_body(shop, mail_server):
    shop.happen(shop.activated(display_name="አበበ ቢቂላ"))
    (mail,) = mail_server.mails
    assert mail["Subject"] == "Welcome to Gift shop, አበበ ቢቂላ"
    assert all("Hello አበበ ቢቂላ," in part for part in parts(mail))
    assert mail_server.accepted[0].content.isascii()


def test_a_very_long_name_is_cut_in_the_subject(shop, mail_server):
    shop.happen(shop.activated(display_name="አበበ " * 400))
    assert len(mail_server.mails[0]["Subject"]) <= 200


def test_mails_say_that_a_machine_wrote_them(shop, mail_server):
    shop.happen(shop.activated())
    (mail,) = mail_server.mails
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Date"]
    assert mail["Message-ID"] == shop.the_mail().message_id
    assert mail["Message-ID"].endswith("@example.com>")


def test_a_mail_loads_nothing_from_elsewhere(shop, mail_server):
    buyer = shop.person()
    shop.happen(
        shop.registered(), shop.activated(), shop.order_placed(buyer), shop.payment(PaymentSucceeded, buyer)
    )
    for mail in mail_server.mails:
        html = parts(mail)[1]
        assert not any(word in html for word in ("<img", "<link", "src=", "@import", "url("))


class TestTemplatesOfADeployment:
    @pytest.fixture
    def notifications_config(self, notifications_config, tmp_path):
        return {
            **notifications_config,
            "templates_folder": str(tmp_path),
            "order_url": "{public_url}/o/{number}",
        }

    def test_they_win_over_the_shipped_ones(self, shop, mail_server, tmp_path):
        (tmp_path / "welcome").mkdir()
        (tmp_path / "welcome" / "subject.txt").write_text("Selam, {{ name }}!")
        shop.happen(shop.activated())
        (mail,) = mail_server.mails
        assert mail["Subject"] == "Selam, Abebe Bikila!" and "Hello Abebe Bikila" in parts(mail)[0]

    def test_they_can_extend_what_they_replace(self, shop, mail_server, tmp_path):
        (tmp_path / "welcome").mkdir()
        (tmp_path / "welcome" / "mail.html").write_text(
            '{% extends "shipped/welcome/mail.html" %}{% block footer %}Bole Road, Addis Ababa{% endblock %}'
        )
        shop.happen(shop.activated(display_name="<b>"))
        html = parts(mail_server.mails[0])[1]
        assert "Bole Road" in html and "Hello &lt;b&gt;" in html

    def test_a_broken_one_keeps_the_mail_for_later(self, shop, mail_server, tmp_path):
        (tmp_path / "welcome").mkdir()
        broken = tmp_path / "welcome" / "mail.txt"
        broken.write_text("{{ nothing_of_this_name }}")
        shop.happen(shop.activated())
        assert shop.the_mail().state == "failed" and "nothing_of_this_name" in shop.the_mail().last_error
        broken.unlink()
        shop.time_passes()
        assert shop.the_mail().state == "sent" and len(mail_server.mails) == 1

    def test_they_cannot_reach_into_python(self, shop, mail_server, tmp_path):
        (tmp_path / "welcome").mkdir()
        (tmp_path / "welcome" / "mail.txt").write_text("{{ name.__class__.__mro__ }}")
        shop.happen(shop.activated())
        assert shop.the_mail().state == "failed" and "SecurityError" in shop.the_mail().last_error

    def test_orders_are_linked_where_the_deployment_says_so(self, shop, mail_server):
        shop.happen(shop.order_placed(shop.person(), number="N 1/2"))
        assert all("https://shop.example.com/o/N%201%2F2" in part for part in parts(mail_server.mails[0]))
