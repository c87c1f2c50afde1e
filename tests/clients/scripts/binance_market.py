"""python-binance, unchanged: instruments, a book by request and a book by stream."""

import asyncio

from binance import AsyncClient, BinanceSocketManager
from kit import address, say

AsyncClient.API_URL = address("binance_spot", "rest") + "/api"
AsyncClient.FUTURES_URL = address("binance_usdm", "rest") + "/fapi"
BinanceSocketManager.STREAM_URL = address("binance_spot", "ws") + "/"
BinanceSocketManager.FSTREAM_URL = address("binance_usdm", "ws") + "/"


async def main():
    client = await AsyncClient.create()
    info = await client.get_exchange_info()
    book = await client.get_order_book(symbol="BTCUSDT", limit=5)
    async with BinanceSocketManager(client).depth_socket("BTCUSDT") as stream:
        event = await asyncio.wait_for(stream.recv(), 10)
    say("market", venue="binance_spot", symbols=sorted(s["symbol"] for s in info["symbols"]),
        requested=[float(book["bids"][0][0]), float(book["asks"][0][0])], kind=event["e"], symbol=event["s"])
    info = await client.futures_exchange_info()
    book = await client.futures_order_book(symbol="BTCUSDT", limit=5)
    say("market", venue="binance_usdm", symbols=sorted(s["symbol"] for s in info["symbols"]),
        requested=[float(book["bids"][0][0]), float(book["asks"][0][0])])
    await client.close_connection()
    say("done")


asyncio.run(main())
