"""pybit: place, query, cancel and take on spot, with the order stream beside it."""

import queue
import time

import pybit._http_manager as http_manager
import pybit.unified_trading as unified
from kit import SETTINGS, address, say

KEYS = {"api_key": SETTINGS["keys"]["bybit"]["apiKey"], "api_secret": SETTINGS["keys"]["bybit"]["secret"]}
# the templates have no place for a scheme or port, so they are replaced whole
http_manager.HTTP_URL = address("bybit", "rest")
unified.PRIVATE_WSS = address("bybit", "ws") + "/v5/private"

session = unified.HTTP(**KEYS)
frames = queue.Queue()


def opened():
    # pybit notes a subscription after it has sent it: on loopback the answer can be there first, and pybit then
    # gives its stream up, so it is opened again
    for _ in range(5):
        stream = unified.WebSocket(channel_type="private", testnet=False, **KEYS)
        stream.order_stream(frames.put)
        time.sleep(1)
        if stream.is_connected():
            return stream
    raise ConnectionError("no private stream")


stream = opened()


def told(order, status):
    while True:
        for row in frames.get(timeout=10)["data"]:
            if row["orderId"] == order and row["orderStatus"] == status:
                return row


book = session.get_orderbook(category="spot", symbol="BTCUSDT", limit=5)["result"]
price = f"{float(book['b'][0][0]) * 0.9:.1f}"
placed = session.place_order(
    category="spot", symbol="BTCUSDT", side="Buy", orderType="Limit", qty="0.01", price=price, timeInForce="GTC")
order = placed["result"]["orderId"]
say("placed", order=order, price=price, amount="0.01")
say("streamed", status=told(order, "New")["orderStatus"])
rows = session.get_open_orders(category="spot", symbol="BTCUSDT")["result"]["list"]
say("open", orders=[[row["orderId"], row["price"], row["qty"]] for row in rows])
session.cancel_order(category="spot", symbol="BTCUSDT", orderId=order)
say("streamed", status=told(order, "Cancelled")["orderStatus"])
limit = f"{float(book['a'][0][0]) * 1.01:.1f}"
taken = session.place_order(
    category="spot", symbol="BTCUSDT", side="Buy", orderType="Limit", qty="0.01", price=limit, timeInForce="IOC")
order = taken["result"]["orderId"]
row = told(order, "Filled")
fills = session.get_executions(category="spot", symbol="BTCUSDT", orderId=order)["result"]["list"]
say("taken", order=order, filled=row["cumExecQty"], fills=[[f["execPrice"], f["execQty"], f["execFee"]] for f in fills])
stream.exit()
say("done")
