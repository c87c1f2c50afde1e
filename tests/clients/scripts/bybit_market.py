"""pybit, unchanged but for its address templates: instruments, a book by request and a book by stream."""

import queue

import pybit._http_manager as http_manager
import pybit.unified_trading as unified
from kit import address, say

# the templates have no place for a scheme or port, so they are replaced whole
http_manager.HTTP_URL = address("bybit", "rest")
unified.PUBLIC_WSS = address("bybit", "ws") + "/v5/public/{CHANNEL_TYPE}"

for category in ("spot", "linear"):
    session = unified.HTTP()
    info = session.get_instruments_info(category=category)["result"]["list"]
    book = session.get_orderbook(category=category, symbol="BTCUSDT", limit=5)["result"]
    frames = queue.Queue()
    stream = unified.WebSocket(channel_type=category, testnet=False)
    stream.orderbook_stream(50, "BTCUSDT", frames.put)
    frame = frames.get(timeout=10)
    stream.exit()
    say("market", venue="bybit", category=category, symbols=sorted(row["symbol"] for row in info),
        requested=[float(book["b"][0][0]), float(book["a"][0][0])], topic=frame["topic"], levels=len(frame["data"]["b"]))
say("done")
