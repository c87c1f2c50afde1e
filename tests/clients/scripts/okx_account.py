"""python-okx: its account, its fees, and a private stream that lets it in; all over TLS."""

import asyncio
import json

from kit import SETTINGS, address, say
from okx.Account import AccountAPI
from okx.websocket.WsPrivateAsync import WsPrivateAsync

REST, MEMBER = address("okx", "rest"), SETTINGS["member"]


def account(secret):
    return AccountAPI(MEMBER["key"], secret, MEMBER["passphrase"], flag="0", domain=REST)


async def streamed():
    answers = asyncio.Queue()
    stream = WsPrivateAsync(
        apiKey=MEMBER["key"], passphrase=MEMBER["passphrase"], secretKey=MEMBER["secret"],
        url=address("okx", "ws") + "/ws/v5/private", useServerTime=False)
    await stream.start()
    await stream.subscribe([{"channel": "orders", "instType": "ANY"}], lambda text: answers.put_nowait(json.loads(text)))
    while True:
        answer = await asyncio.wait_for(answers.get(), 10)
        if answer.get("event") in ("subscribe", "error"):
            await stream.stop()
            return answer


config = account(MEMBER["secret"]).get_account_config()
fees = account(MEMBER["secret"]).get_fee_rates(instType="SPOT")["data"][0]
answer = asyncio.run(streamed())
say("account", code=config["code"], permissions=config["data"][0]["perm"], taker=fees["taker"], event=answer["event"],
    channel=answer.get("arg", {}).get("channel"))
say("forged", code=account("wrong").get_account_config()["code"])
say("done")
