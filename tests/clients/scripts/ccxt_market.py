"""ccxt and its streaming half, unchanged: markets, a book by request and a book by stream at every exchange."""

import asyncio

import ccxt.pro as ccxt
from kit import address, say

SPOT, USDM = address("binance_spot", "rest"), address("binance_usdm", "rest")
REAL = {"https://api.binance.com": SPOT, "https://fapi.binance.com": USDM,
        "wss://stream.binance.com:9443": address("binance_spot", "ws"),
        "wss://fstream.binance.com": address("binance_usdm", "ws")}


def pointed(urls):
    """The same tree of addresses with the venue's replaced."""
    if isinstance(urls, dict):
        return {key: pointed(value) for key, value in urls.items()}
    if isinstance(urls, str):
        for real, ours in REAL.items():
            urls = urls.replace(real, ours)
    return urls


def exchanges():
    markets = {"fetchCurrencies": False, "fetchMarkets": {"types": ["spot"]}}
    spot = ccxt.binance({"options": markets})
    usdm = ccxt.binanceusdm({"options": {**markets, "fetchMarkets": {"types": ["linear"]}}})
    for exchange in (spot, usdm):
        exchange.urls["api"] = pointed(exchange.urls["api"])
    okx = ccxt.okx({"options": {"fetchMarkets": {"types": ["spot", "swap"]}}})
    okx.urls["api"] = {"rest": address("okx", "rest"), "ws": address("okx", "ws") + "/ws/v5"}
    bybit = ccxt.bybit({"options": {"fetchMarkets": {"types": ["spot", "linear"]}}})
    bybit.urls["api"] = {**{key: address("bybit", "rest") for key in bybit.urls["api"]},
                         "ws": pointed_bybit(bybit.urls["api"]["ws"])}
    return {"binance_spot": (spot, "BTC/USDT"), "binance_usdm": (usdm, "BTC/USDT:USDT"), "okx": (okx, "BTC/USDT"),
            "bybit": (bybit, "BTC/USDT")}


def pointed_bybit(urls):
    if isinstance(urls, dict):
        return {key: pointed_bybit(value) for key, value in urls.items()}
    return urls.replace("wss://stream.{hostname}", address("bybit", "ws"))


async def look(venue, exchange, symbol):
    try:
        markets = await exchange.load_markets()
        book = await exchange.fetch_order_book(symbol, 5)
        streamed = await asyncio.wait_for(exchange.watch_order_book(symbol), 10)
        say("market", venue=venue, symbols=sorted(markets), precision=markets[symbol]["precision"],
            requested=[book["bids"][0][0], book["asks"][0][0]], streamed=[streamed["bids"][0][0], streamed["asks"][0][0]])
    finally:
        await exchange.close()


async def main():
    for venue, (exchange, symbol) in exchanges().items():
        await look(venue, exchange, symbol)
    say("done")


asyncio.run(main())
