"""ccxt's exchanges, unchanged, pointed at the simulator by their tables of addresses."""

import ccxt.pro as ccxt
from kit import SETTINGS, address


def pointed(urls, real):
    """The same tree of addresses with the venue's replaced."""
    if isinstance(urls, dict):
        return {key: pointed(value, real) for key, value in urls.items()}
    if isinstance(urls, str):
        for venues, ours in real.items():
            urls = urls.replace(venues, ours)
    return urls


def keys(venue):
    return SETTINGS.get("keys", {}).get(venue, {})


def binance(venue, kind):
    markets = {"fetchCurrencies": False, "fetchMarkets": {"types": [kind]}}
    make = ccxt.binance if venue == "binance_spot" else ccxt.binanceusdm
    exchange = make({"options": markets, **keys(venue)})
    spot, usdm = address("binance_spot", "rest"), address("binance_usdm", "rest")
    real = {"https://api.binance.com": spot, "https://fapi.binance.com": usdm,
            "wss://stream.binance.com:9443": address("binance_spot", "ws"),
            "wss://fstream.binance.com": address("binance_usdm", "ws"),
            "wss://ws-api.binance.com:443": address("binance_spot", "ws"),
            "wss://ws-fapi.binance.com": address("binance_usdm", "ws")}
    exchange.urls["api"] = pointed(exchange.urls["api"], real)
    return exchange


def okx():
    exchange = ccxt.okx({"options": {"fetchMarkets": {"types": ["spot", "swap"]}, "fetchCurrencies": False}, **keys("okx")})
    exchange.has["fetchCurrencies"] = False
    exchange.urls["api"] = {"rest": address("okx", "rest"), "ws": address("okx", "ws") + "/ws/v5"}
    return exchange


def bybit():
    exchange = ccxt.bybit({"options": {"fetchMarkets": {"types": ["spot", "linear"]}}, **keys("bybit")})
    exchange.has["fetchCurrencies"] = False
    ours = address("bybit", "ws")
    streams = pointed(exchange.urls["api"]["ws"], {"wss://stream.{hostname}": ours, "wss://stream.bybit.com": ours})
    exchange.urls["api"] = {**{key: address("bybit", "rest") for key in exchange.urls["api"]}, "ws": streams}
    return exchange


def exchanges():
    """By venue: the exchange and the symbol to look at."""
    return {"binance_spot": (binance("binance_spot", "spot"), "BTC/USDT"),
            "binance_usdm": (binance("binance_usdm", "linear"), "BTC/USDT:USDT"),
            "okx": (okx(), "BTC/USDT"), "bybit": (bybit(), "BTC/USDT")}
