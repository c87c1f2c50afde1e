"""ccxt and its streaming half: markets, a book by request and a book by stream at every exchange."""

import asyncio

from ccxt_at import exchanges
from kit import say


async def look(venue, exchange, symbol):
    markets = await exchange.load_markets()
    book = await exchange.fetch_order_book(symbol, 5)
    streamed = await asyncio.wait_for(exchange.watch_order_book(symbol), 10)
    say("market", venue=venue, symbols=sorted(markets), precision=markets[symbol]["precision"],
        requested=[book["bids"][0][0], book["asks"][0][0]], streamed=[streamed["bids"][0][0], streamed["asks"][0][0]])


async def main():
    for venue, (exchange, symbol) in exchanges().items():
        try:
            await look(venue, exchange, symbol)
        finally:
            await exchange.close()
    say("done")


asyncio.run(main())
