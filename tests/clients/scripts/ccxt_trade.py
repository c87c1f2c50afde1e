"""ccxt and its streaming half: place, query, list, cancel and take, with the order's own stream beside it."""

import asyncio

from ccxt_at import exchanges
from kit import SETTINGS, say


async def seen(exchange, symbol, wanted, events):
    """Listens until the order that `wanted` will name has been told in a final state."""
    while True:
        for order in await exchange.watch_orders(symbol):
            events.append([order["id"], order["status"], order["filled"]])
        if any(order == wanted.get("id") and status in ("closed", "canceled") for order, status, _ in events):
            return


async def trade(venue, exchange, symbol):
    await exchange.load_markets()
    book = await exchange.fetch_order_book(symbol, 5)
    price = exchange.price_to_precision(symbol, book["bids"][0][0] * 0.9)
    wanted, events = {}, []
    listener = asyncio.create_task(seen(exchange, symbol, wanted, events))
    await asyncio.sleep(1)
    amount = 1.5 if exchange.markets[symbol]["contract"] and venue == "okx" else 0.01
    placed = await exchange.create_order(symbol, "limit", "buy", amount, float(price))
    wanted["id"] = placed["id"]
    say("placed", venue=venue, symbol=symbol, order=placed["id"], price=price, amount=str(amount))
    open_orders = await exchange.fetch_open_orders(symbol)
    say("open", venue=venue, symbol=symbol, orders=[[o["id"], str(o["price"]), str(o["amount"])] for o in open_orders])
    if exchange.id != "bybit":  # there it would query closed orders of another kind
        queried = await exchange.fetch_order(placed["id"], symbol)
        say("queried", venue=venue, symbol=symbol, order=queried["id"], status=queried["status"], amount=str(queried["amount"]))
    await exchange.cancel_order(placed["id"], symbol)
    await asyncio.wait_for(listener, 10)
    say("streamed", venue=venue, symbol=symbol, events=events)
    await entered(venue, exchange, symbol, price)
    before = await exchange.fetch_balance()
    limit = exchange.price_to_precision(symbol, book["asks"][0][0] * 1.01)
    taken = await exchange.create_order(symbol, "limit", "buy", amount, float(limit), {"timeInForce": "IOC"})
    await asyncio.sleep(0.5)
    fills = await exchange.fetch_my_trades(symbol)
    after = await exchange.fetch_balance()
    mine = [f for f in fills if f["order"] == taken["id"]]
    say("taken", venue=venue, symbol=symbol, order=taken["id"], filled=sum(f["amount"] for f in mine), fills=len(mine),
        cost=sum(f["cost"] for f in mine), usdt=[wallet(venue, before), wallet(venue, after)])


def wallet(venue, balance):
    """Dollars in the wallet; at OKX ccxt's total has what open positions would bring in it."""
    if venue != "okx":
        return balance["USDT"]["total"]
    return float(next(row["cashBal"] for row in balance["info"]["data"][0]["details"] if row["ccy"] == "USDT"))


async def entered(venue, exchange, symbol, price):
    """The same over the socket that takes orders."""
    amount = 1.5 if exchange.markets[symbol]["contract"] and venue == "okx" else 0.01
    placed = await exchange.create_order_ws(symbol, "limit", "buy", amount, float(price))
    await exchange.cancel_order_ws(placed["id"], symbol)
    say("entered", venue=venue, symbol=symbol, order=placed["id"], price=price, amount=str(amount))


async def main():
    for venue, (exchange, _) in exchanges().items():
        try:
            for symbol in SETTINGS["trade"].get(venue, []):
                await trade(venue, exchange, symbol)
        finally:
            await exchange.close()
    say("done")


asyncio.run(main())
