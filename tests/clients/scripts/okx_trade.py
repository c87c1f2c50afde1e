"""python-okx: place, query, cancel and take on spot, with the order stream beside it, all over TLS."""

import asyncio
import json

from kit import SETTINGS, address, say
from okx.MarketData import MarketAPI
from okx.Trade import TradeAPI
from okx.websocket.WsPrivateAsync import WsPrivateAsync

REST, KEYS = address("okx", "rest"), SETTINGS["keys"]["okx"]
trade = TradeAPI(KEYS["apiKey"], KEYS["secret"], KEYS["password"], flag="0", domain=REST)


async def main():
    events = asyncio.Queue()
    stream = WsPrivateAsync(
        apiKey=KEYS["apiKey"], passphrase=KEYS["password"], secretKey=KEYS["secret"], url=address("okx", "ws") + "/ws/v5/private",
        useServerTime=False)
    await stream.start()
    await stream.subscribe([{"channel": "orders", "instType": "SPOT"}], lambda text: events.put_nowait(json.loads(text)))

    async def told(order, state):
        while True:
            frame = await asyncio.wait_for(events.get(), 10)
            for row in frame.get("data", []):
                if row["ordId"] == order and row["state"] == state:
                    return row

    await asyncio.sleep(0.5)
    book = MarketAPI(domain=REST, flag="0").get_orderbook(instId="BTC-USDT", sz="5")["data"][0]
    price = f"{float(book['bids'][0][0]) * 0.9:.1f}"
    placed = trade.place_order(instId="BTC-USDT", tdMode="cash", side="buy", ordType="limit", sz="0.01", px=price)
    order = placed["data"][0]["ordId"]
    say("placed", order=order, price=price, amount="0.01", code=placed["code"])
    say("streamed", state=(await told(order, "live"))["state"])
    queried = trade.get_order(instId="BTC-USDT", ordId=order)["data"][0]
    say("queried", order=queried["ordId"], state=queried["state"], price=queried["px"], amount=queried["sz"])
    say("open", orders=[row["ordId"] for row in trade.get_order_list(instId="BTC-USDT")["data"]])
    trade.cancel_order(instId="BTC-USDT", ordId=order)
    say("streamed", state=(await told(order, "canceled"))["state"])
    limit = f"{float(book['asks'][0][0]) * 1.01:.1f}"
    taken = trade.place_order(instId="BTC-USDT", tdMode="cash", side="buy", ordType="ioc", sz="0.01", px=limit)
    order = taken["data"][0]["ordId"]
    row = await told(order, "filled")
    fills = trade.get_fills(instId="BTC-USDT", ordId=order)["data"]
    say("taken", order=order, filled=row["accFillSz"], fills=[[f["fillPx"], f["fillSz"], f["fee"]] for f in fills])
    await stream.stop()
    say("done")


asyncio.run(main())
