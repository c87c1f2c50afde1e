"""python-okx: place, query, cancel and take on spot and swap, with the order stream beside it, all over TLS."""

import asyncio
import json

from kit import SETTINGS, address, say
from okx.MarketData import MarketAPI
from okx.Trade import TradeAPI
from okx.websocket.WsPrivateAsync import WsPrivateAsync

REST, KEYS = address("okx", "rest"), SETTINGS["keys"]["okx"]
trade = TradeAPI(KEYS["apiKey"], KEYS["secret"], KEYS["password"], flag="0", domain=REST)


events = asyncio.Queue()


async def told(order, state):
    while True:
        frame = await asyncio.wait_for(events.get(), 10)
        for row in frame.get("data", []):
            if row["ordId"] == order and row["state"] == state:
                return row


async def deal(symbol, mode):
    book = MarketAPI(domain=REST, flag="0").get_orderbook(instId=symbol, sz="5")["data"][0]
    price = f"{float(book['bids'][0][0]) * 0.9:.1f}"
    limit = {"instId": symbol, "tdMode": mode, "side": "buy", "sz": "0.01"}
    placed = trade.place_order(**limit, ordType="limit", px=price)
    order = placed["data"][0]["ordId"]
    say("placed", market=symbol, order=order, price=price, amount="0.01", code=placed["code"])
    say("streamed", market=symbol, state=(await told(order, "live"))["state"])
    queried = trade.get_order(instId=symbol, ordId=order)["data"][0]
    say("queried", market=symbol, order=queried["ordId"], state=queried["state"], price=queried["px"], amount=queried["sz"])
    say("open", market=symbol, orders=[row["ordId"] for row in trade.get_order_list(instId=symbol)["data"]])
    trade.cancel_order(instId=symbol, ordId=order)
    say("streamed", market=symbol, state=(await told(order, "canceled"))["state"])
    taken = trade.place_order(**limit, ordType="ioc", px=f"{float(book['asks'][0][0]) * 1.01:.1f}")
    order = taken["data"][0]["ordId"]
    row = await told(order, "filled")
    fills = trade.get_fills(instId=symbol, ordId=order)["data"]
    say("taken", market=symbol, order=order, filled=row["accFillSz"],
        fills=[[f["fillPx"], f["fillSz"], f["fee"]] for f in fills])


async def main():
    stream = WsPrivateAsync(
        apiKey=KEYS["apiKey"], passphrase=KEYS["password"], secretKey=KEYS["secret"], url=address("okx", "ws") + "/ws/v5/private",
        useServerTime=False)
    await stream.start()
    await stream.subscribe([{"channel": "orders", "instType": "ANY"}], lambda text: events.put_nowait(json.loads(text)))
    await asyncio.sleep(0.5)
    await deal("BTC-USDT", "cash")
    await deal("BTC-USDT-SWAP", "cross")
    await stream.stop()
    say("done")


asyncio.run(main())
