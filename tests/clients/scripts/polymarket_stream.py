"""polymarket-client (the unified SDK): its market and user streams while it places, queries and cancels.

Its environments are made by the SDK only; `_create_environment` is what it makes its own with.
"""

import asyncio
import dataclasses
import time

from kit import SETTINGS, address, say
from polymarket import AsyncSecureClient
from polymarket.environments import PRODUCTION, _create_environment
from polymarket.streams import MarketSpec, UserSpec

REST, WS = address("polymarket", "rest"), address("polymarket", "ws")
CONFIG = dataclasses.replace(
    PRODUCTION._config, clob_url=REST, gamma_url=f"{REST}/gamma", data_url=f"{REST}/data-api",
    clob_market_ws_url=f"{WS}/ws/market", clob_user_ws_url=f"{WS}/ws/user", rpc_url=REST, relayer_url=REST)
ENVIRONMENT = _create_environment(name="simulator", config=CONFIG)


async def first(events, fits, seconds=5):
    async def search():
        async for event in events:
            if fits(event):
                return event
    return await asyncio.wait_for(search(), seconds)


def plain(event):
    return event.model_dump(mode="json", by_alias=True) if hasattr(event, "model_dump") else dataclasses.asdict(event)


async def main():
    account = SETTINGS["account"]
    client = await AsyncSecureClient.create(
        private_key=account["private_key"], wallet=account["address"], environment=ENVIRONMENT)
    start = int(time.time()) // 900 * 900 + 900  # the next window: nobody ends it under our hands
    market = (await client.get_event(slug=f"btc-updown-15m-{start}")).markets[0]
    token = market.outcomes.yes.token_id
    say("found", token=token, label=market.outcomes.yes.label)
    prices = await client.subscribe(MarketSpec(token_ids=[token]))
    say("market_event", event=plain(await first(prices, lambda event: True)))
    mine = await client.subscribe(UserSpec())
    book = await client.get_order_book(token_id=token)
    bid = max(float(level.price) for level in book.bids)
    await asyncio.sleep(0.3)
    placed = await client.place_limit_order(token_id=token, price=round(bid - 0.1, 2), size=7, side="BUY")
    say("placed", answer=plain(placed))
    say("user_event", event=plain(await first(mine, lambda event: True)))
    queried = await client.get_order(order_id=placed.order_id)
    say("queried", answer=plain(queried))
    say("cancelled", answer=plain(await client.cancel_order(order_id=placed.order_id)))
    say("user_event", event=plain(await first(mine, lambda event: True)))
    ask = min(float(level.price) for level in book.asks)
    taken = await client.place_limit_order(token_id=token, price=round(ask + 0.05, 2), size=6, side="BUY")
    say("taken", answer=plain(taken))
    stages = []
    while stages[-1:] != ["CONFIRMED"]:
        event = plain(await first(mine, lambda event: event.type == "trade"))
        stages.append(event["payload"]["status"])
        say("trade", event=event)
    await client.close()
    say("done")


asyncio.run(main())
