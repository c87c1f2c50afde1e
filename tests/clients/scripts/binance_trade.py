"""python-binance: place, query, list, cancel and take on spot, with the user stream beside it."""

import asyncio

from binance import AsyncClient, BinanceSocketManager
from kit import SETTINGS, address, say

KEYS = SETTINGS["keys"]["binance_spot"]
AsyncClient.API_URL = address("binance_spot", "rest") + "/api"
AsyncClient.WS_API_URL = address("binance_spot", "ws") + "/ws-api/v3"
BinanceSocketManager.STREAM_URL = address("binance_spot", "ws") + "/"


async def until(stream, fits):
    async def search():
        while True:
            event = await stream.recv()
            event = event.get("event", event)
            if fits(event):
                return event
    return await asyncio.wait_for(search(), 10)


async def main():
    client = await AsyncClient.create(KEYS["apiKey"], KEYS["secret"])
    book = await client.get_order_book(symbol="BTCUSDT", limit=5)
    price = f"{float(book['bids'][0][0]) * 0.9:.2f}"
    async with BinanceSocketManager(client).user_socket() as stream:
        placed = await client.create_order(
            symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01000", price=price)
        order = placed["orderId"]
        say("placed", order=order, client_id=placed["clientOrderId"], price=price, amount="0.01")
        event = await until(stream, lambda e: e["e"] == "executionReport" and e["i"] == order)
        say("streamed", kind=event["x"], price=event["p"], amount=event["q"])
        queried = await client.get_order(symbol="BTCUSDT", orderId=order)
        say("queried", order=queried["orderId"], status=queried["status"], price=queried["price"], amount=queried["origQty"])
        say("open", orders=[o["orderId"] for o in await client.get_open_orders(symbol="BTCUSDT")])
        cancelled = await client.cancel_order(symbol="BTCUSDT", orderId=order)
        say("cancelled", status=cancelled["status"])
        event = await until(stream, lambda e: e["e"] == "executionReport" and e["x"] == "CANCELED")
        say("streamed", kind=event["x"], price=event["p"], amount=event["q"])
        before = await client.get_asset_balance("USDT")
        taken = await client.create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01000")
        after = await client.get_asset_balance("USDT")
        trades = await client.get_my_trades(symbol="BTCUSDT", orderId=taken["orderId"])
        say("taken", order=taken["orderId"], filled=taken["executedQty"], cost=taken["cummulativeQuoteQty"],
            before=before["free"], after=after["free"], fills=[[t["price"], t["qty"], t["commission"]] for t in trades])
    await client.close_connection()
    say("done")


asyncio.run(main())
