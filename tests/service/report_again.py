"""Computes a report anew from the raw rows of a history: exact fractions, no line of ours. Prints JSON."""

import json
import math
import sqlite3
import statistics
import sys
from fractions import Fraction

DAY_NS = 86_400_000_000_000
db = sqlite3.connect(sys.argv[1])
first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
last = first + DAY_NS if len(sys.argv) > 2 else 1 << 62


def worth(contract, px, qty):
    """A quantity as base and as quote."""
    kind, _, value = contract.partition(" ")
    if kind == "inverse":
        return Fraction(int(qty * Fraction(value) / px * 10**8), 10**8), qty * Fraction(value)
    base = qty * Fraction(value or 1)
    return base, base * px


def profit(trade):
    """What was bought and sold both, at the mean prices of all buys and all sells, less every fee."""
    base, quote, fees = {"buy": Fraction(0), "sell": Fraction(0)}, {"buy": Fraction(0), "sell": Fraction(0)}, Fraction(0)
    rows = db.execute("SELECT contract, side, fill.px, fill.qty, fee, fee_in FROM placed JOIN fill ON placed = placed.id WHERE trade = ?", [trade])
    fills = 0
    for contract, side, px, qty, fee, fee_in in rows:
        fills += 1
        of_base, of_quote = worth(contract, Fraction(px), Fraction(qty))
        base[side] += of_base
        quote[side] += of_quote
        if fee_in == "base":
            taken = Fraction(math.ceil(Fraction(fee) * 10**8), 10**8)
            base[side] += taken if side == "sell" else -taken
        # A fee in a third asset has no price here.
        fees += Fraction(fee) if fee_in == "quote" else 0
    matched = min(base.values())
    earned = matched * (quote["sell"] / base["sell"] - quote["buy"] / base["buy"]) if matched else 0
    return fills, earned - fees


def legs(trade):
    rows = db.execute("SELECT id, qty FROM placed WHERE trade = ? AND hedge = 0", [trade]).fetchall()
    total = lambda placed: sum(Fraction(qty) for (qty,) in db.execute("SELECT qty FROM fill WHERE placed = ?", [placed]))
    return len(rows), sum(total(placed) >= Fraction(qty) for placed, qty in rows)


def mean(values):
    return float(sum(values) / len(values)) if values else None


def figures(signals, trades):
    results = [result for _, (fills, result), _ in trades if fills]
    peak = total = worst = Fraction(0)
    for result in results:
        total += result
        peak = max(peak, total)
        worst = max(worst, peak - total)
    spread = statistics.stdev(results) if len(results) > 1 else 0
    both = [row for row, _, _ in trades if row["captured_ppb"] != 0]
    pairs = [filled == count for _, _, (count, filled) in trades if count >= 2]
    return {
        "signals": signals,
        "traded": len(trades),
        "won": sum(result > 0 for result in results),
        "lost": sum(result < 0 for result in results),
        "missed": len(trades) - len(results),
        "hedged": sum(row["outcome"] == "hedged" for row, _, _ in trades),
        "escalated": sum(row["outcome"] == "escalated" for row, _, _ in trades),
        "overflowed": 0,
        "profit": float(total),
        "drawdown_max": float(worst),
        "sharpe": float(sum(results) / len(results)) / float(spread) if spread else None,
        "edge_expected_bps": mean([Fraction(row["expected_ppb"], 100_000) for row in both]),
        "edge_captured_bps": mean([Fraction(row["captured_ppb"], 100_000) for row in both]),
        "pair_fill_rate": sum(pairs) / len(pairs) if pairs else None,
    }


names = ["id", "saga", "strategy", "pair", "quote", "ended_ns", "outcome", "expected_ppb", "captured_ppb"]
found = db.execute(f"SELECT {', '.join(names)} FROM trade WHERE ended_ns >= ? AND ended_ns < ? ORDER BY ended_ns, id", [first, last])
trades = [dict(zip(names, row)) for row in found]
trades = [(row, profit(row["id"]), legs(row["id"])) for row in trades]
crossings = db.execute("SELECT pair, opened_ns FROM opportunity WHERE opened_ns >= ? AND opened_ns < ?", [first, last]).fetchall()
hour = lambda at_ns: at_ns // 3_600_000_000_000 % 24
pairs = sorted({row["pair"] for row, _, _ in trades} | {pair for pair, _ in crossings})
hours = sorted({hour(row["ended_ns"]) for row, _, _ in trades} | {hour(at) for _, at in crossings})
print(json.dumps({
    "strategies": [{"strategy": "cross_venue", "pair": "*", "quote": "USDT", **figures(len(crossings), trades)}]
    + [{"strategy": "cross_venue", "pair": pair, "quote": "USDT",
        **figures(sum(other == pair for other, _ in crossings), [trade for trade in trades if trade[0]["pair"] == pair])}
       for pair in pairs],
    "hours": [{"hour": at, "quote": "USDT",
               **figures(sum(hour(opened) == at for _, opened in crossings), [trade for trade in trades if hour(trade[0]["ended_ns"]) == at])}
              for at in hours],
    "sagas": {row["saga"]: [row["outcome"], row["captured_ppb"]] for row, _, _ in trades},
}))
