//! Questions about orders, fills, balances, positions and fees, on both exchanges.

use super::call::{Answer, Call, Problem, no_such_order};
use super::words::{eight, ms, spot_order, spot_trade, usdm_order, usdm_trade};
use crate::amount::Amount;
use crate::exchange::account::{Balance, Position};
use crate::exchange::deadman::Reach;
use crate::exchange::order::{Fill, Order};
use crate::exchange::queries::mark;
use crate::exchange::rules::Grid;

/// Fills that a question gets without a limit.
const FILLS: usize = 500;
const FILLS_MAX: usize = 1_000;

impl Call<'_> {
    fn written(&self, order: &Order) -> String {
        if self.usdm { usdm_order(order, false) } else { spot_order(order) }
    }

    fn list(&self, orders: &[&Order]) -> String {
        let orders: Vec<_> = orders.iter().map(|order| self.written(order)).collect();
        format!("[{}]", orders.join(","))
    }

    /// Price at which a position is valued: the middle of the book.
    fn mark(&self, listing: usize) -> Amount {
        mark(self.turn.market, listing)
    }

    /// Positions that are not flat, with their listing.
    fn positions(&self) -> Vec<(usize, Position)> {
        let held = self.exchange.account(self.account).map(|account| &account.positions);
        let open = held.into_iter().flatten().filter(|(_, position)| !position.qty.is_zero());
        open.map(|(listing, position)| (*listing, *position)).collect()
    }

    fn open_profit(&self) -> Amount {
        let profit = |(listing, position): &(usize, Position)| {
            position.open_profit(self.mark(*listing), Grid::of(self.listed(*listing)).contract)
        };
        self.positions().iter().map(profit).sum()
    }

    fn balances(&self) -> Vec<(String, Balance)> {
        let held = self.exchange.account(self.account).map(|account| &account.balances);
        held.into_iter().flatten().map(|(asset, balance)| (asset.clone(), *balance)).collect()
    }
}

/// One order.
pub(super) fn order(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let order = call.named_order(listing, call.lag_ns(Some(listing)))?.ok_or_else(no_such_order)?;
    Ok(call.written(&order))
}

/// The open orders of a symbol or of all.
pub(super) fn open_orders(call: &mut Call<'_>) -> Answer {
    let listing = call.some_listing()?;
    let orders = call.exchange.open(call.account, listing, call.lag_ns(listing), &call.turn);
    Ok(call.list(&orders))
}

/// The latest orders of a symbol.
pub(super) fn all_orders(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let (from, limit) = (call.number("orderId")?, call.limit(FILLS, FILLS_MAX)?);
    let orders = call.exchange.all(call.account, Some(listing), call.lag_ns(Some(listing)), &call.turn);
    let mut orders: Vec<_> = orders.into_iter().filter(|order| from.is_none_or(|from| order.id >= from)).collect();
    keep(&mut orders, limit, from.is_some());
    Ok(call.list(&orders))
}

/// The latest fills of a symbol, from a trade's number or a time on.
pub(super) fn fills(call: &mut Call<'_>) -> Answer {
    let listing = if call.usdm { call.some_listing()? } else { Some(call.listing()?) };
    let (from, order) = (call.number("fromId")?, call.number("orderId")?);
    let (start, end) = (call.number("startTime")?, call.number("endTime")?);
    if !call.usdm && start.zip(end).is_some_and(|(start, end)| end.saturating_sub(start) > 86_400_000) {
        return Err(Problem::new(-1127, "More than 24 hours between startTime and endTime."));
    }
    let limit = call.limit(FILLS, FILLS_MAX)?;
    let fits = |fill: &&Fill| {
        from.is_none_or(|from| fill.trade >= from)
            && order.is_none_or(|order| fill.order == order)
            && start.is_none_or(|start| ms(fill.at_ns) >= start)
            && end.is_none_or(|end| ms(fill.at_ns) <= end)
    };
    let fills = call.exchange.fills(call.account, listing, call.lag_ns(listing), &call.turn);
    let mut fills: Vec<_> = fills.into_iter().filter(fits).collect();
    keep(&mut fills, limit, from.is_some() || start.is_some());
    let write = if call.usdm { usdm_trade } else { spot_trade };
    Ok(format!("[{}]", fills.into_iter().map(write).collect::<Vec<_>>().join(",")))
}

/// Keeps the first or the last of a list.
fn keep<T>(list: &mut Vec<T>, limit: usize, first: bool) {
    if first {
        list.truncate(limit);
    } else {
        list.drain(..list.len().saturating_sub(limit));
    }
}

/// Spot: what the account holds.
pub(super) fn spot_account(call: &mut Call<'_>) -> Answer {
    let rules = call.exchange.rules(call.board());
    let (maker, taker) = (eight(rules.maker), eight(rules.taker));
    let all = call.text("omitZeroBalances") != Some("true");
    let shown = call.balances().into_iter().filter(|(_, balance)| all || !balance.total.is_zero());
    let balances: Vec<_> = shown
        .map(|(asset, balance)| {
            format!(r#"{{"asset":"{asset}","free":"{}","locked":"{}"}}"#, eight(balance.free()), eight(balance.held))
        })
        .collect();
    let (at, uid, withdraws) = (ms(call.turn.venue_ns), 354_937_868 + call.account, call.withdraws);
    Ok(format!(
        r#"{{"makerCommission":10,"takerCommission":10,"buyerCommission":0,"sellerCommission":0,"commissionRates":{{"maker":"{maker}","taker":"{taker}","buyer":"0.00000000","seller":"0.00000000"}},"canTrade":true,"canWithdraw":{withdraws},"canDeposit":true,"brokered":false,"requireSelfTradePrevention":false,"preventSor":false,"updateTime":{at},"accountType":"SPOT","balances":[{}],"permissions":["SPOT"],"uid":{uid}}}"#,
        balances.join(",")
    ))
}

/// Spot: the account's fees.
pub(super) fn spot_fees(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let rules = call.exchange.rules(call.board());
    let (maker, taker) = (eight(rules.maker), eight(rules.taker));
    let none = r#"{"maker":"0.00000000","taker":"0.00000000","buyer":"0.00000000","seller":"0.00000000"}"#;
    Ok(format!(
        r#"{{"symbol":"{}","standardCommission":{{"maker":"{maker}","taker":"{taker}","buyer":"0.00000000","seller":"0.00000000"}},"specialCommission":{none},"taxCommission":{none},"discount":{{"enabledForAccount":false,"enabledForSymbol":false,"discountAsset":"BNB","discount":"0.75000000"}}}}"#,
        call.listed(listing).symbol
    ))
}

/// Spot: how many orders count in each window.
pub(super) fn order_counts(call: &mut Call<'_>) -> Answer {
    let limits = call.order_limits();
    Ok(format!("[{}]", limits.join(",")))
}

impl Call<'_> {
    /// The windows of orders with what counts in them, as objects.
    pub(super) fn order_limits(&mut self) -> Vec<String> {
        let windows = self.exchange.rules(self.board()).windows;
        let mut limits = Vec::new();
        for (window, (limit, span_ns)) in windows.into_iter().enumerate() {
            let (interval, number) = interval(span_ns);
            let now_ns = self.turn.now_ns;
            let account = self.exchange.accounts.get_mut(self.account);
            let count = account.map_or(0, |account| account.count(window, span_ns, now_ns));
            limits.push(format!(
                r#"{{"rateLimitType":"ORDERS","interval":"{interval}","intervalNum":{number},"limit":{limit},"count":{count}}}"#
            ));
        }
        limits
    }

    /// The windows of orders as headers have them: suffix and count.
    pub(super) fn order_headers(&mut self) -> Vec<(String, usize)> {
        let (windows, now_ns) = (self.exchange.rules(self.board()).windows, self.turn.now_ns);
        let Some(account) = self.exchange.accounts.get_mut(self.account) else { return Vec::new() };
        let counts = windows.into_iter().enumerate().map(|(window, (_, span_ns))| {
            let (interval, number) = interval(span_ns);
            let letter = interval.get(..1).unwrap_or_default();
            (format!("{number}{letter}"), account.count(window, span_ns, now_ns))
        });
        counts.collect()
    }
}

/// A span as the venue names it.
pub(super) const fn interval(span_ns: u64) -> (&'static str, u64) {
    match span_ns / 1_000_000_000 {
        86_400 => ("DAY", 1),
        60 => ("MINUTE", 1),
        seconds => ("SECOND", seconds),
    }
}

/// What the key may do.
pub(super) fn restrictions(call: &mut Call<'_>) -> Answer {
    Ok(format!(
        r#"{{"ipRestrict":false,"createTime":1698645219000,"enableReading":true,"enableWithdrawals":{},"enableInternalTransfer":false,"enableMargin":false,"enableFutures":true,"permitsUniversalTransfer":false,"enableVanillaOptions":false,"enableFixApiTrade":false,"enableFixReadOnly":false,"enableSpotAndMarginTrading":true,"enablePortfolioMarginTrading":false}}"#,
        call.withdraws
    ))
}

/// Nothing trades on margin here.
pub(super) fn no_margin(_: &mut Call<'_>) -> Answer {
    Ok("[]".to_owned())
}

/// Futures: balances.
pub(super) fn usdm_balances(call: &mut Call<'_>) -> Answer {
    let (open, at) = (call.open_profit(), ms(call.turn.venue_ns));
    let rows: Vec<_> = call
        .balances()
        .into_iter()
        .map(|(asset, balance)| {
            let (total, free) = (eight(balance.total), eight(balance.free()));
            let open = eight(if asset == "USDT" { open } else { Amount::ZERO });
            format!(
                r#"{{"accountAlias":"SgsR","asset":"{asset}","balance":"{total}","crossWalletBalance":"{total}","crossUnPnl":"{open}","availableBalance":"{free}","maxWithdrawAmount":"{free}","marginAvailable":true,"updateTime":{at}}}"#
            )
        })
        .collect();
    Ok(format!("[{}]", rows.join(",")))
}

/// Futures: positions that are not flat.
pub(super) fn usdm_positions(call: &mut Call<'_>) -> Answer {
    let wanted = call.some_listing()?;
    let positions = call.positions();
    let shown = positions.into_iter().filter(|(listing, _)| wanted.is_none_or(|wanted| wanted == *listing));
    let rows: Vec<_> = shown.map(|(listing, position)| position_row(call, listing, position)).collect();
    Ok(format!("[{}]", rows.join(",")))
}

fn position_row(call: &Call<'_>, listing: usize, position: Position) -> String {
    let (mark, listed) = (call.mark(listing), call.listed(listing));
    let contract = Grid::of(listed).contract;
    let notional = mark * position.qty * contract;
    let (open, margin) = (position.open_profit(mark, contract), position.margin);
    format!(
        r#"{{"symbol":"{}","positionSide":"BOTH","positionAmt":"{}","entryPrice":"{}","breakEvenPrice":"{}","markPrice":"{}","unRealizedProfit":"{}","liquidationPrice":"0","isolatedMargin":"0","notional":"{}","marginAsset":"{}","isolatedWallet":"0","initialMargin":"{}","maintMargin":"0","positionInitialMargin":"{}","openOrderInitialMargin":"0","adl":1,"bidNotional":"0","askNotional":"0","updateTime":{}}}"#,
        listed.symbol,
        position.qty,
        position.entry(contract).cut(8),
        position.entry(contract).cut(8),
        eight(mark),
        eight(open),
        eight(notional),
        listed.quote,
        eight(margin),
        eight(margin),
        ms(position.changed_ns),
    )
}

/// Futures: balances and positions in one.
pub(super) fn usdm_account(call: &mut Call<'_>) -> Answer {
    let open = call.open_profit();
    let usdt = call.exchange.account(call.account).map(|account| account.balance("USDT")).unwrap_or_default();
    let margin: Amount = call.positions().iter().map(|(_, position)| position.margin).sum();
    let (total, free, held) = (eight(usdt.total), eight(usdt.free()), eight(usdt.held));
    let (open, orders, positions) = (eight(open), eight(usdt.held - margin), eight(margin));
    let at = ms(call.turn.venue_ns);
    let assets: Vec<_> = call
        .balances()
        .into_iter()
        .map(|(asset, balance)| {
            let (total, free, held) = (eight(balance.total), eight(balance.free()), eight(balance.held));
            format!(
                r#"{{"asset":"{asset}","walletBalance":"{total}","unrealizedProfit":"0.00000000","marginBalance":"{total}","maintMargin":"0.00000000","initialMargin":"{held}","positionInitialMargin":"0.00000000","openOrderInitialMargin":"0.00000000","crossWalletBalance":"{total}","crossUnPnl":"0.00000000","availableBalance":"{free}","maxWithdrawAmount":"{free}","updateTime":{at}}}"#
            )
        })
        .collect();
    let rows: Vec<_> = call.positions().into_iter().map(|(listing, of)| position_row(call, listing, of)).collect();
    Ok(format!(
        r#"{{"totalInitialMargin":"{held}","totalMaintMargin":"0.00000000","totalWalletBalance":"{total}","totalUnrealizedProfit":"{open}","totalMarginBalance":"{total}","totalPositionInitialMargin":"{positions}","totalOpenOrderInitialMargin":"{orders}","totalCrossWalletBalance":"{total}","totalCrossUnPnl":"{open}","availableBalance":"{free}","maxWithdrawAmount":"{free}","assets":[{}],"positions":[{}]}}"#,
        assets.join(","),
        rows.join(",")
    ))
}

/// Futures: the account's fees.
pub(super) fn usdm_fees(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let rules = call.exchange.rules(call.board());
    let (maker, taker, symbol) = (rules.maker, rules.taker, &call.listed(listing).symbol);
    Ok(format!(
        r#"{{"symbol":"{symbol}","makerCommissionRate":"{maker}","takerCommissionRate":"{taker}","rpiCommissionRate":"0"}}"#
    ))
}

/// Futures: one bracket, since the margin's share is the same for every size.
pub(super) fn brackets(call: &mut Call<'_>) -> Answer {
    let wanted = call.some_listing()?;
    let leverage = call.exchange.rules(call.board()).leverage;
    let all = (0..call.turn.market.len()).filter(|listing| wanted.is_none_or(|wanted| wanted == *listing));
    let listed =
        all.map(|listing| call.listed(listing)).filter(|listing| listing.board == call.board() && !listing.gone);
    let rows: Vec<_> = listed
        .map(|listing| {
            format!(
                r#"{{"symbol":"{}","notionalCoef":1.0,"brackets":[{{"bracket":1,"initialLeverage":{leverage},"notionalCap":9000000000,"notionalFloor":0,"maintMarginRatio":0.004,"cum":0.0}}]}}"#,
                listing.symbol
            )
        })
        .collect();
    Ok(format!("[{}]", rows.join(",")))
}

/// Futures: positions are netted.
pub(super) fn position_mode(_: &mut Call<'_>) -> Answer {
    Ok(r#"{"dualSidePosition":false}"#.to_owned())
}

/// Futures: sets the switch that cancels a symbol's orders.
pub(super) fn countdown(call: &mut Call<'_>) -> Answer {
    let listing = call.listing()?;
    let after_ms = call.number("countdownTime")?.ok_or_else(|| Problem::missing("countdownTime"))?;
    let account = call.account;
    call.exchange.arm_deadman(account, Reach::Listing(listing), after_ms, &mut call.turn);
    Ok(format!(r#"{{"symbol":"{}","countdownTime":"{after_ms}"}}"#, call.listed(listing).symbol))
}

/// Futures: a key for the private stream.
pub(super) fn open_stream(call: &mut Call<'_>) -> Answer {
    let key = call.exchange.open_stream(call.account, &call.turn);
    Ok(format!(r#"{{"listenKey":"{key}"}}"#))
}

/// Futures: the key lives anew.
pub(super) fn renew_stream(call: &mut Call<'_>) -> Answer {
    let key = call.exchange.renew_stream(call.account, &call.turn);
    let key = key.ok_or_else(|| Problem::new(-1125, "This listenKey does not exist."))?;
    Ok(format!(r#"{{"listenKey":"{key}"}}"#))
}

/// Futures: the key goes.
pub(super) fn close_stream(call: &mut Call<'_>) -> Answer {
    call.exchange.close_stream(call.account);
    Ok("{}".to_owned())
}
