"""py-clob-client-v2, unchanged: key, book, place, query, cancel, take, trades, balance, dead-man."""

import httpx
import json

from kit import SETTINGS, address, say, until
from py_clob_client_v2.client import ClobClient
from py_clob_client_v2.clob_types import (
    AssetType, BalanceAllowanceParams, MarketOrderArgsV2, OpenOrderParams, OrderArgsV2, OrderPayload, OrderType)

REST = address("polymarket", "rest")
client = ClobClient(REST, 137, key=SETTINGS["account"]["private_key"])
client.set_api_creds(client.create_or_derive_api_key())
say("key", api_key=client.creds.api_key)

events = httpx.get(f"{REST}/gamma/events", params={"series_id": 10192, "closed": "false"}).json()
market = events[1]["markets"][0]  # the next window: nobody ends it under our hands
token = json.loads(market["clobTokenIds"])[0]


def ready():
    book = client.get_order_book(token)
    return book if book["bids"] and book["asks"] else None


book = until("a book", ready)
published = book["hash"]
say("book", hash_ok=client.get_order_book_hash(book) == published)
say("parameters", tick=client.get_tick_size(token), info=client.get_clob_market_info(market["conditionId"]))

bid, ask = float(book["bids"][-1]["price"]), float(book["asks"][-1]["price"])
placed = client.create_and_post_order(OrderArgsV2(token_id=token, price=round(bid - 0.1, 2), size=12.34, side="BUY"))
say("placed", order=placed["orderID"], status=placed["status"], price=str(round(bid - 0.1, 2)), size="12.34", token=token)
queried = client.get_order(placed["orderID"])
say("queried", order=queried["id"], status=queried["status"], price=queried["price"], size=queried["original_size"])
listed = client.get_open_orders(OpenOrderParams(market=market["conditionId"]))
say("open", orders=[order["id"] for order in listed])
cancelled = client.cancel_order(OrderPayload(orderID=placed["orderID"]))
say("cancelled", orders=cancelled["canceled"], left=cancelled["not_canceled"])

def collateral():
    return client.get_balance_allowance(BalanceAllowanceParams(asset_type=AssetType.COLLATERAL))["balance"]


before = collateral()
taken = client.create_and_post_order(OrderArgsV2(token_id=token, price=round(ask + 0.05, 2), size=10, side="BUY"))
filled = until("the taker's fill", lambda: (o := client.get_order(taken["orderID"]))["status"] == "MATCHED" and o)
say("taken", order=filled["id"], size=filled["size_matched"], trades=filled["associate_trades"])
held = client.get_balance_allowance(BalanceAllowanceParams(asset_type=AssetType.CONDITIONAL, token_id=token))
say("balance", before=before, after=collateral(), shares=held["balance"])


def bought():  # the client bounds the price by the book that it has read: a market that moves meanwhile leaves nothing to take
    order = client.create_and_post_market_order(
        MarketOrderArgsV2(token_id=token, amount=5, side="BUY", order_type=OrderType.FAK))["orderID"]
    until("the market order's end", lambda: client.get_order(order)["status"] not in ("LIVE", "DELAYED"))
    return order if float(client.get_order(order)["size_matched"]) else None


say("market", order=until("a market order that took something", bought))
trades = client.get_trades()
say("trades", trades=[[t["id"], t["taker_order_id"], t["size"], t["price"]] for t in trades])


def confirmed():
    return [t["id"] for t in client.get_trades() if t["status"] == "CONFIRMED"]


say("confirmed", trades=until("a confirmation", confirmed, 10))
beat = client.post_heartbeat()
say("heartbeat", id=client.post_heartbeat(beat["heartbeat_id"])["heartbeat_id"])
for level in (0.03, 0.04):
    client.create_and_post_order(OrderArgsV2(token_id=token, price=round(bid - level - 0.1, 2), size=5, side="BUY"))
say("cancelled_all", count=len(client.cancel_all()["canceled"]))
say("done")
