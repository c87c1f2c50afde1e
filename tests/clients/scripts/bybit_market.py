"""pybit, unchanged but for its address templates: instruments, a book by request and a book by stream."""

import queue

import pybit._http_manager as http_manager
import pybit.unified_trading as unified
from kit import address, say

# the templates have no place for a scheme or port, so they are replaced whole
http_manager.HTTP_URL = address("bybit", "rest")
unified.PUBLIC_WSS = address("bybit", "ws") + "/v5/public/{CHANNEL_TYPE}"


def first_frame(category):
    # pybit registers the callback after it has sent the subscription: on loopback the snapshot can be there first,
    # and pybit drops it, so a silent stream is opened again
    for _ in range(10):
        frames = queue.Queue()
        stream = unified.WebSocket(channel_type=category, testnet=False)
        stream.orderbook_stream(50, "BTCUSDT", frames.put)
        try:
            return frames.get(timeout=2)
        except queue.Empty:
            continue
        finally:
            stream.exit()
    raise TimeoutError("no book in ten attempts")


for category in ("spot", "linear"):
    session = unified.HTTP()
    info = session.get_instruments_info(category=category)["result"]["list"]
    book = session.get_orderbook(category=category, symbol="BTCUSDT", limit=5)["result"]
    frame = first_frame(category)
    say("market", venue="bybit", category=category, symbols=sorted(row["symbol"] for row in info),
        requested=[float(book["b"][0][0]), float(book["a"][0][0])], topic=frame["topic"], levels=len(frame["data"]["b"]))
say("done")
