"""python-okx, unchanged: instruments, a book by request and a book by stream."""

import asyncio
import json

from kit import address, say
from okx.MarketData import MarketAPI
from okx.PublicData import PublicAPI
from okx.websocket.WsPublicAsync import WsPublicAsync

REST = address("okx", "rest")


async def streamed(symbol):
    found = asyncio.get_running_loop().create_future()

    def take(message):
        frame = json.loads(message)
        if frame.get("data") and not found.done():
            found.set_result(frame)

    stream = WsPublicAsync(url=address("okx", "ws") + "/ws/v5/public")
    await stream.start()
    await stream.subscribe([{"channel": "books5", "instId": symbol}], take)
    frame = await asyncio.wait_for(found, 10)
    await stream.websocket.close()
    return frame


for kind, symbol in (("SPOT", "BTC-USDT"), ("SWAP", "BTC-USDT-SWAP")):
    rows = PublicAPI(domain=REST).get_instruments(instType=kind)["data"]
    book = MarketAPI(domain=REST).get_orderbook(instId=symbol, sz="5")["data"][0]
    frame = asyncio.run(streamed(symbol))
    say("market", venue="okx", kind=kind, symbols=sorted(row["instId"] for row in rows),
        requested=[float(book["bids"][0][0]), float(book["asks"][0][0])], channel=frame["arg"]["channel"],
        levels=len(frame["data"][0]["bids"]))
say("done")
