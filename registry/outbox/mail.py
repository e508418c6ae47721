"""Mails: short and plain, queued with the act that they tell of."""

from smtplib import SMTPException, SMTPRecipientsRefused

from django.core.mail import EmailMessage

from registry.outbox import messages
from registry.outbox.messages import Delivered, Undelivered
from registry.outbox.models import Kind, Message


def queue(*, to: str, subject: str, text: str) -> Message:
    """Have a mail sent once the transaction is there."""
    one_line = " ".join(subject.split())
    return messages.write(Kind.MAIL, {"to": to, "subject": one_line, "text": text})


def send(message: Message) -> Delivered:
    """The carrier of mails. The text is forgotten once it is sent: it may hold a link that opens
    something."""
    body = message.body
    messages.speaking_to_the_other_side(message)
    try:
        EmailMessage(body["subject"], body["text"], to=[body["to"]]).send()
    except SMTPRecipientsRefused as error:
        raise Undelivered("The mail server refuses the recipient.", is_final=True) from error
    except ValueError as error:
        raise Undelivered("No mail can be sent to such an address.", is_final=True) from error
    except (SMTPException, OSError) as error:
        raise Undelivered(f"The mail server did not take it: {type(error).__name__}.") from error
    message.body = {"to": body["to"], "subject": body["subject"]}
    return Delivered()
