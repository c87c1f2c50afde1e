"""pybit: place, query, cancel and take on spot and linear, with the order stream beside it; and over its order socket."""

import queue
import time

import pybit._http_manager as http_manager
import pybit._websocket_trading as websocket_trading
import pybit.unified_trading as unified
from kit import SETTINGS, address, say

KEYS = {"api_key": SETTINGS["keys"]["bybit"]["apiKey"], "api_secret": SETTINGS["keys"]["bybit"]["secret"]}
# the templates have no place for a scheme or port, so they are replaced whole
http_manager.HTTP_URL = address("bybit", "rest")
unified.PRIVATE_WSS = address("bybit", "ws") + "/v5/private"
websocket_trading.TRADE_WSS = address("bybit", "ws") + "/v5/trade"

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


def told(name, value, status):
    while True:
        for row in frames.get(timeout=10)["data"]:
            if row[name] == value and row["orderStatus"] == status:
                return row


def trade(category):
    market = {"category": category, "symbol": "BTCUSDT"}
    book = session.get_orderbook(**market, limit=5)["result"]
    price = f"{float(book['b'][0][0]) * 0.9:.1f}"
    limit = {**market, "side": "Buy", "orderType": "Limit", "qty": "0.01"}
    order = session.place_order(**limit, price=price, timeInForce="GTC")["result"]["orderId"]
    say("placed", market=category, order=order, price=price, amount="0.01")
    say("streamed", market=category, status=told("orderId", order, "New")["orderStatus"])
    rows = session.get_open_orders(**market)["result"]["list"]
    say("open", market=category, orders=[[row["orderId"], row["price"], row["qty"]] for row in rows])
    session.cancel_order(**market, orderId=order)
    say("streamed", market=category, status=told("orderId", order, "Cancelled")["orderStatus"])
    order = session.place_order(**limit, price=f"{float(book['a'][0][0]) * 1.01:.1f}", timeInForce="IOC")["result"]["orderId"]
    row = told("orderId", order, "Filled")
    fills = session.get_executions(**market, orderId=order)["result"]["list"]
    say("taken", market=category, order=order, filled=row["cumExecQty"],
        fills=[[f["execPrice"], f["execQty"], f["execFee"]] for f in fills])
    # its callbacks are noted after the request has left, and may miss an answer on loopback; the stream does not
    name = f"socket-{category}"
    entry.place_order(lambda answer: None, **limit, price=price, orderLinkId=name)
    order = told("orderLinkId", name, "New")["orderId"]
    entry.cancel_order(lambda answer: None, **market, orderLinkId=name)
    told("orderLinkId", name, "Cancelled")
    say("entered", market=category, order=order, price=price, amount="0.01")


stream, entry = opened(), unified.WebSocketTrading(testnet=False, **KEYS)
trade("spot")
trade("linear")
stream.exit()
entry.exit()
say("done")
