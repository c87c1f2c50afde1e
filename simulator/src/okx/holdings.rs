//! Questions about orders, fills, balances, positions, fees and the key itself.

use super::call::{Answer, Call, Problem, Told};
use super::words::{self, average, ms, uid};
use crate::amount::Amount;
use crate::config::Board;
use crate::exchange::Exchange;
use crate::exchange::account::{Balance, Position};
use crate::exchange::order::{Fill, Order};
use crate::exchange::queries::mark;
use crate::exchange::rules::Grid;
use crate::market::Market;
use crate::params::Params;

/// Entries of a page.
const PAGE: usize = 100;

/// One account with what stands around it.
#[derive(Clone, Copy)]
pub(super) struct Holdings<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) market: &'a Market,
    pub(super) account: usize,
    /// Venue time in ns.
    pub(super) at_ns: u64,
}

impl Holdings<'_> {
    /// Positions that are not flat, with their listing.
    pub(super) fn open(&self) -> Vec<(usize, Position)> {
        let held = self.exchange.account(self.account).map(|account| &account.positions);
        let open = held.into_iter().flatten().filter(|(_, position)| !position.qty.is_zero());
        open.map(|(listing, position)| (*listing, *position)).collect()
    }

    fn profit(&self, listing: usize, position: Position) -> Amount {
        position.open_profit(mark(self.market, listing), Grid::of(self.market.listing(listing)).contract)
    }

    /// The account with its balances, or those that `shown` names.
    pub(super) fn balances(&self, shown: impl Fn(&str) -> bool) -> String {
        let held = self.exchange.account(self.account).map(|account| &account.balances);
        let fits = held.into_iter().flatten().filter(|(asset, _)| shown(asset));
        let rows: Vec<_> = fits.map(|(asset, balance)| self.balance(asset, *balance)).collect();
        let usdt = self.exchange.account(self.account).map(|account| account.balance("USDT")).unwrap_or_default();
        format!(
            r#"{{"adjEq":"","details":[{}],"imr":"","isoEq":"0","mgnRatio":"","mmr":"","notionalUsd":"","ordFroz":"","totalEq":"{}","upl":"{}","uTime":"{}"}}"#,
            rows.join(","),
            usdt.total,
            self.upl(),
            ms(self.at_ns)
        )
    }

    fn upl(&self) -> Amount {
        self.open().into_iter().map(|(listing, position)| self.profit(listing, position)).sum()
    }

    fn balance(&self, asset: &str, balance: Balance) -> String {
        let upl = if asset == "USDT" { self.upl() } else { Amount::ZERO };
        let (total, free, held, at) = (balance.total, balance.free(), balance.held, ms(self.at_ns));
        let equity = total + upl;
        format!(
            r#"{{"ccy":"{asset}","cashBal":"{total}","availBal":"{free}","frozenBal":"{held}","ordFrozen":"{held}","eq":"{equity}","availEq":"{free}","disEq":"{equity}","upl":"{upl}","isoEq":"0","liab":"","interest":"","crossLiab":"","isoLiab":"","mgnRatio":"","twap":"0","uTime":"{at}"}}"#
        )
    }

    /// A position, flat or not.
    pub(super) fn position(&self, listing: usize, position: Position) -> String {
        let (listed, mark) = (self.market.listing(listing), mark(self.market, listing));
        let contract = Grid::of(listed).contract;
        format!(
            r#"{{"instType":"SWAP","instId":"{}","mgnMode":"cross","posId":"{}","posSide":"net","pos":"{}","availPos":"","avgPx":"{}","upl":"{}","uplRatio":"","lever":"20","liqPx":"","markPx":"{mark}","imr":"{}","margin":"","mgnRatio":"","mmr":"","notionalUsd":"{}","ccy":"{}","realizedPnl":"{}","tradeId":"","cTime":"{}","uTime":"{}"}}"#,
            listed.symbol,
            900_000 + self.account * 1_000 + listing,
            position.qty,
            average(position.entry(contract)),
            self.profit(listing, position),
            position.margin,
            (mark * position.qty * contract).abs(),
            listed.quote,
            position.profit,
            ms(position.changed_ns),
            ms(position.changed_ns),
        )
    }
}

impl Call<'_> {
    fn holdings(&self) -> Holdings<'_> {
        let (exchange, market) = (&*self.exchange, &*self.turn.market);
        Holdings { exchange, market, account: self.account, at_ns: self.turn.venue_ns }
    }

    /// Whether a listing is of the kind and name that is asked for.
    fn fits(&self, params: &Params, listing: usize) -> bool {
        let listed = self.listed(listing);
        params.text("instType").is_none_or(|kind| kind == "ANY" || kind == words::kind(listed))
            && params.text("instId").is_none_or(|symbol| symbol == listed.symbol)
    }

    fn rows(&self, orders: &[&Order]) -> Vec<String> {
        let row = |order: &&Order| words::order(order, &self.exchange.fills_of(order), self.listed(order.listing));
        orders.iter().map(row).collect()
    }
}

/// A page, the newest first: older than `after`, newer than `before`, at most `limit`.
fn page<T>(params: &Params, list: Vec<T>, number: impl Fn(&T) -> u64) -> Result<Vec<T>, Problem> {
    let (after, before) = (params.number("after")?, params.number("before")?);
    let limit = params.number("limit")?.map_or(PAGE, |limit| limit as usize).clamp(1, PAGE);
    let fits = |entry: &T| {
        after.is_none_or(|after| number(entry) < after) && before.is_none_or(|before| number(entry) > before)
    };
    let mut page: Vec<_> = list.into_iter().filter(fits).collect();
    page.sort_by_key(|entry| std::cmp::Reverse(number(entry)));
    page.truncate(limit);
    Ok(page)
}

/// Open orders.
pub(super) fn pending(call: &mut Call<'_>) -> Answer {
    let params = call.params()?;
    let lag_ns = call.lag_ns(params.text("instId").unwrap_or(""));
    let mut open = call.exchange.open(call.account, None, lag_ns, &call.turn);
    open.retain(|order| {
        call.fits(params, order.listing) && params.text("state").is_none_or(|state| state == words::state(order))
    });
    Ok(Told::fine(call.rows(&page(params, open, |order| order.id)?)))
}

/// Orders that have ended.
pub(super) fn history(call: &mut Call<'_>) -> Answer {
    let params = call.params()?;
    params.required("instType")?;
    let lag_ns = call.lag_ns(params.text("instId").unwrap_or(""));
    let begin = params.number("begin")?;
    let mut ended = call.exchange.all(call.account, None, lag_ns, &call.turn);
    ended.retain(|order| {
        let asked = params.text("state").is_none_or(|state| state == words::state(order));
        let is_new = begin.is_none_or(|begin| ms(order.created_ns) >= begin);
        !order.is_open() && asked && is_new && call.fits(params, order.listing)
    });
    Ok(Told::fine(call.rows(&page(params, ended, |order| order.id)?)))
}

/// Trades.
pub(super) fn fills(call: &mut Call<'_>) -> Answer {
    let params = call.params()?;
    let (begin, end) = (params.number("begin")?, params.number("end")?);
    let order = params.number("ordId")?;
    let lag_ns = call.lag_ns(params.text("instId").unwrap_or(""));
    let mut fills = call.exchange.fills(call.account, None, lag_ns, &call.turn);
    fills.retain(|fill: &&Fill| {
        let at_ms = ms(fill.at_ns);
        call.fits(params, fill.listing)
            && order.is_none_or(|order| order == fill.order)
            && begin.is_none_or(|begin| at_ms >= begin)
            && end.is_none_or(|end| at_ms <= end)
    });
    let page = page(params, fills, |fill| fill.number)?;
    Ok(Told::fine(page.into_iter().map(|fill| words::fill(fill, call.listed(fill.listing))).collect()))
}

/// Balances, of the coins that are asked for.
pub(super) fn balance(call: &mut Call<'_>) -> Answer {
    let asked = call.params()?.text("ccy").map(|list| list.split(',').collect::<Vec<_>>());
    let shown = |asset: &str| asked.as_ref().is_none_or(|asked| asked.contains(&asset));
    Ok(Told::fine(vec![call.holdings().balances(shown)]))
}

/// Positions that are not flat.
pub(super) fn positions(call: &mut Call<'_>) -> Answer {
    let (params, holdings) = (call.params()?, call.holdings());
    let open = holdings.open().into_iter().filter(|(listing, _)| call.fits(params, *listing));
    Ok(Told::fine(open.map(|(listing, position)| holdings.position(listing, position)).collect()))
}

/// What the account and its key are.
pub(super) fn config(call: &mut Call<'_>) -> Answer {
    let (uid, perm) = (uid(call.account), if call.withdraws { "read_only,withdraw,trade" } else { "read_only,trade" });
    Ok(Told::fine(vec![format!(
        r#"{{"uid":"{uid}","mainUid":"{uid}","acctLv":"2","posMode":"net_mode","acctStpMode":"cancel_maker","autoLoan":false,"perm":"{perm}","ip":"","label":"simulated","roleType":"0","level":"Lv1"}}"#
    )]))
}

/// The account's fees; negative numbers are charges.
pub(super) fn fee(call: &mut Call<'_>) -> Answer {
    let kind = call.params()?.required("instType")?;
    let board = match kind {
        "SPOT" => Board::OkxSpot,
        "SWAP" => Board::OkxSwap,
        _ => return Err(Problem::wrong("instType")),
    };
    let rules = call.exchange.rules(board);
    let (maker, taker) = (-rules.maker, -rules.taker);
    let linear = |rate: Amount| if board == Board::OkxSwap { rate.to_string() } else { String::new() };
    Ok(Told::fine(vec![format!(
        r#"{{"category":"1","level":"Lv1","instType":"{kind}","maker":"{maker}","taker":"{taker}","makerU":"{}","takerU":"{}","ts":"{}"}}"#,
        linear(maker),
        linear(taker),
        ms(call.turn.venue_ns)
    )]))
}
