"""pybit: who the key is, its fees, and a private stream that lets it in."""

import time

import pybit._http_manager as http_manager
import pybit.unified_trading as unified
from kit import SETTINGS, address, say
from pybit.exceptions import InvalidRequestError

http_manager.HTTP_URL = address("bybit", "rest")
unified.PRIVATE_WSS = address("bybit", "ws") + "/v5/private"
KEYS = {"api_key": SETTINGS["member"]["key"], "api_secret": SETTINGS["member"]["secret"]}

session = unified.HTTP(**KEYS)
info = session.get_api_key_information()["result"]
fees = session.get_fee_rates(category="spot", symbol="BTCUSDT")["result"]["list"][0]


def let_in():
    # pybit notes a subscription after it has sent it: on loopback the answer can be there first, and pybit then
    # gives its stream up, so it is opened again; a refused login would be refused every time
    for _ in range(5):
        stream = unified.WebSocket(channel_type="private", testnet=False, **KEYS)
        stream.order_stream(lambda frame: None)
        time.sleep(1)
        if stream.is_connected():
            stream.exit()
            return True
    return False


say("account", key=info["apiKey"], permissions=info["permissions"], taker=fees["takerFeeRate"],
    streams=let_in())
try:
    unified.HTTP(**{**KEYS, "api_secret": "wrong"}).get_api_key_information()
    say("forged", refused=False)
except (InvalidRequestError, http_manager.FailedRequestError) as error:
    say("forged", refused=True, why=str(error)[:120])
say("done")
