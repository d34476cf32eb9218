"""Telegram tells of a payment in Stars, or asks before it. The update is built by python-telegram-bot."""

from datetime import datetime, timezone

from telegram import Chat, Message, PreCheckoutQuery, SuccessfulPayment, Update, User

from client import job, post

buyer = User(id=777000111, first_name="Buyer", is_bot=False)
if job["what"] == "question":
    query = PreCheckoutQuery("5550001", buyer, "XTR", job["stars"], job["payload"])
    update = Update(1001, pre_checkout_query=query)
else:
    paid = SuccessfulPayment("XTR", job["stars"], job["payload"], job["charge"], "")
    at = datetime.fromtimestamp(job["at"], timezone.utc)
    chat = Chat(buyer.id, Chat.PRIVATE)
    update = Update(1002, message=Message(7, at, chat, from_user=buyer, successful_payment=paid))
headers = {"content-type": "application/json", "x-telegram-bot-api-secret-token": job["secret"]}
post("/v1/in/telegram/bot", headers, update.to_json())
