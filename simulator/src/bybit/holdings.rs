//! Questions about orders, executions, the wallet, positions, fees and the key itself.

use super::call::{Answer, Call, Problem, Told};
use super::words::{self, average, category, ms, order_number};
use crate::amount::Amount;
use crate::config::Board;
use crate::exchange::Exchange;
use crate::exchange::account::{Balance, Position};
use crate::exchange::order::{Fill, Order};
use crate::exchange::queries::mark;
use crate::exchange::rules::Grid;
use crate::market::Market;

/// The longest span of executions that may be asked for, in ms.
const SPAN_MAX_MS: u64 = 7 * 86_400_000;

/// One account with what stands around it.
#[derive(Clone, Copy)]
pub(super) struct Holdings<'a> {
    pub(super) exchange: &'a Exchange,
    pub(super) market: &'a Market,
    pub(super) account: usize,
}

impl Holdings<'_> {
    fn open(&self) -> Vec<(usize, Position)> {
        let held = self.exchange.account(self.account).map(|account| &account.positions);
        let open = held.into_iter().flatten().filter(|(_, position)| !position.qty.is_zero());
        open.map(|(listing, position)| (*listing, *position)).collect()
    }

    fn profit(&self, listing: usize, position: Position) -> Amount {
        position.open_profit(mark(self.market, listing), Grid::of(self.market.listing(listing)).contract)
    }

    /// Margin that positions and orders in contracts hold of a coin.
    fn margins(&self, asset: &str) -> (Amount, Amount) {
        let settled = |listing: usize| {
            let listed = self.market.listing(listing);
            listed.board == Board::BybitLinear && listed.quote == asset
        };
        let held = self.open().into_iter().filter(|(listing, _)| settled(*listing));
        let orders = self.exchange.resting_of(self.account, None).filter(|order| settled(order.listing));
        (held.map(|(_, position)| position.margin).sum(), orders.map(|order| order.held).sum())
    }

    /// The account with its coins, or those that `shown` names.
    pub(super) fn wallet(&self, shown: impl Fn(&str) -> bool) -> String {
        let held = self.exchange.account(self.account).map(|account| &account.balances);
        let fits = held.into_iter().flatten().filter(|(asset, _)| shown(asset));
        let coins: Vec<_> = fits.map(|(asset, balance)| self.coin(asset, *balance)).collect();
        let usdt = self.exchange.account(self.account).map(|account| account.balance("USDT")).unwrap_or_default();
        format!(
            r#"{{"accountType":"UNIFIED","accountIMRate":"0","accountMMRate":"0","accountLTV":"0","totalEquity":"{}","totalWalletBalance":"{}","totalMarginBalance":"{}","totalAvailableBalance":"{}","totalPerpUPL":"0","totalInitialMargin":"0","totalMaintenanceMargin":"0","coin":[{}]}}"#,
            usdt.total,
            usdt.total,
            usdt.total,
            usdt.free(),
            coins.join(",")
        )
    }

    /// A coin: what spot orders hold is locked, what contracts hold is margin.
    fn coin(&self, asset: &str, balance: Balance) -> String {
        let open = if asset == "USDT" { self.open() } else { Vec::new() };
        let upl: Amount = open.into_iter().map(|(listing, position)| self.profit(listing, position)).sum();
        let (positions, orders) = self.margins(asset);
        let locked = balance.held - positions - orders;
        let (total, equity) = (balance.total, balance.total + upl);
        format!(
            r#"{{"coin":"{asset}","equity":"{equity}","usdValue":"","walletBalance":"{total}","locked":"{locked}","free":"","borrowAmount":"0","availableToBorrow":"","availableToWithdraw":"","accruedInterest":"0","totalOrderIM":"{orders}","totalPositionIM":"{positions}","totalPositionMM":"0","unrealisedPnl":"{upl}","cumRealisedPnl":"0","bonus":"0","collateralSwitch":true,"marginCollateral":true,"spotHedgingQty":"0"}}"#
        )
    }

    /// A position, flat or not.
    pub(super) fn position(&self, listing: usize, position: Position) -> String {
        let (listed, mark) = (self.market.listing(listing), mark(self.market, listing));
        let entry = average(position.entry(Grid::of(listed).contract));
        let side = match position.qty {
            qty if qty.is_zero() => "",
            qty if qty.is_positive() => "Buy",
            _ => "Sell",
        };
        format!(
            r#"{{"category":"linear","positionIdx":0,"riskId":1,"riskLimitValue":"2000000","symbol":"{}","side":"{side}","size":"{}","avgPrice":"{entry}","entryPrice":"{entry}","positionValue":"{}","tradeMode":0,"positionStatus":"Normal","autoAddMargin":0,"adlRankIndicator":2,"leverage":"20","positionBalance":"0","markPrice":"{mark}","liqPrice":"","bustPrice":"","positionIM":"{}","positionMM":"0","tpslMode":"Full","takeProfit":"","stopLoss":"","trailingStop":"0","unrealisedPnl":"{}","curRealisedPnl":"{}","cumRealisedPnl":"{}","isReduceOnly":false,"seq":{},"createdTime":"{}","updatedTime":"{}"}}"#,
            listed.symbol,
            position.qty.abs(),
            position.cost.abs(),
            position.margin,
            self.profit(listing, position),
            position.profit,
            position.profit,
            ms(position.changed_ns),
            ms(position.changed_ns),
            ms(position.changed_ns),
        )
    }
}

/// A page, the newest first, and the cursor of the next.
fn page<T>(
    call: &Call<'_>,
    list: Vec<T>,
    sizes: (usize, usize),
    number: impl Fn(&T) -> u64,
) -> Result<(Vec<T>, String), Problem> {
    let cursor = call.params.number("cursor")?;
    let limit = call.params.number("limit")?.map_or(sizes.0, |limit| limit as usize).clamp(1, sizes.1);
    let mut page: Vec<_> =
        list.into_iter().filter(|entry| cursor.is_none_or(|cursor| number(entry) < cursor)).collect();
    page.sort_by_key(|entry| std::cmp::Reverse(number(entry)));
    let more = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| more).map(|last| number(last).to_string());
    Ok((page, next.unwrap_or_default()))
}

fn listed(board: Board, rows: &[String], next: &str) -> Answer {
    let category = category(board);
    Ok(Told::fine(format!(r#"{{"category":"{category}","nextPageCursor":"{next}","list":[{}]}}"#, rows.join(","))))
}

impl Call<'_> {
    fn holdings(&self) -> Holdings<'_> {
        Holdings { exchange: self.exchange, market: self.turn.market, account: self.account }
    }

    /// Contracts are asked for by symbol or by coin.
    fn scope(&self, board: Board) -> Result<Option<usize>, Problem> {
        let by_coin = ["baseCoin", "settleCoin"].iter().any(|name| self.params.text(name).is_some());
        match self.some_listing(board)? {
            None if board == Board::BybitLinear && !by_coin => Err(Problem::new(
                10_001,
                "Missing some parameters that must be filled in, symbol or settleCoin or baseCoin",
            )),
            listing => Ok(listing),
        }
    }

    /// Whether an order is of the board and the id that is asked for.
    fn fits(&self, order: &Order, board: Board) -> bool {
        let is = |name: &str, own: &dyn Fn(&str) -> bool| self.params.text(name).is_none_or(own);
        self.listed(order.listing).board == board
            && is("orderId", &|id| order_number(id) == Some(order.id))
            && is("orderLinkId", &|id| order.own_id() == id)
            && is("side", &|side| words::side(order.side) == side)
    }

    fn rows(&self, orders: &[&Order], board: Board) -> Vec<String> {
        let row = |order: &&Order| words::order(order, &self.exchange.fills_of(order), board);
        orders.iter().map(row).collect()
    }
}

/// Open orders; one that is named is told when it has ended too.
pub(super) fn realtime(call: &mut Call<'_>) -> Answer {
    let (board, lag_ns) = (call.board()?, call.lag_ns());
    if ["orderId", "orderLinkId"].iter().any(|name| call.params.text(name).is_some()) {
        let wanted = call.some_listing(board)?;
        let found = call.named_order(call.params, board, lag_ns)?;
        let found = found.filter(|order| wanted.is_none_or(|wanted| wanted == order.listing));
        return listed(board, &call.rows(&found.iter().collect::<Vec<_>>(), board), "");
    }
    let wanted = call.scope(board)?;
    let mut orders = match call.params.text("openOnly") {
        Some("1") => call.exchange.all(call.account, wanted, lag_ns, &call.turn),
        _ => call.exchange.open(call.account, wanted, lag_ns, &call.turn),
    };
    let closed = call.params.text("openOnly") == Some("1");
    orders.retain(|order| call.fits(order, board) && order.is_open() != closed);
    let (page, next) = page(call, orders, (20, 50), |order| order.id)?;
    listed(board, &call.rows(&page, board), &next)
}

/// Orders that have ended.
pub(super) fn history(call: &mut Call<'_>) -> Answer {
    let board = call.board()?;
    let wanted = call.some_listing(board)?;
    let mut orders = call.exchange.all(call.account, wanted, call.lag_ns(), &call.turn);
    let status = call.params.text("orderStatus");
    orders.retain(|order| {
        let asked = status.is_none_or(|status| status == words::status(order, board));
        !order.is_open() && asked && call.fits(order, board)
    });
    let (page, next) = page(call, orders, (20, 50), |order| order.id)?;
    listed(board, &call.rows(&page, board), &next)
}

/// Executions.
pub(super) fn executions(call: &mut Call<'_>) -> Answer {
    let board = call.board()?;
    let wanted = call.some_listing(board)?;
    let (start, end) = (call.params.number("startTime")?, call.params.number("endTime")?);
    if start.zip(end).is_some_and(|(start, end)| end.saturating_sub(start) > SPAN_MAX_MS) {
        return Err(Problem::new(10_001, "The time range between startTime and endTime cannot exceed 7 days."));
    }
    let mut fills = call.exchange.fills(call.account, wanted, call.lag_ns(), &call.turn);
    let is = |name: &str, own: &dyn Fn(&str) -> bool| call.params.text(name).is_none_or(own);
    fills.retain(|fill: &&Fill| {
        let at_ms = ms(fill.at_ns);
        call.listed(fill.listing).board == board
            && start.is_none_or(|start| at_ms >= start)
            && end.is_none_or(|end| at_ms <= end)
            && is("orderId", &|id| order_number(id) == Some(fill.order))
            && is("orderLinkId", &|id| fill.own_id() == id)
    });
    let (page, next) = page(call, fills, (50, 100), |fill| fill.number)?;
    let row = |fill: &&Fill| {
        let order = call.exchange.order(call.account, fill.order, 0, &call.turn);
        words::execution(fill, order, board, &call.listed(fill.listing).quote)
    };
    let rows: Vec<_> = page.iter().map(row).collect();
    listed(board, &rows, &next)
}

/// The wallet, of the coins that are asked for.
pub(super) fn wallet(call: &mut Call<'_>) -> Answer {
    if call.params.required("accountType")? != "UNIFIED" {
        return Err(Problem::new(10_001, "accountType only support UNIFIED."));
    }
    let asked = call.params.text("coin").map(|list| list.split(',').collect::<Vec<_>>());
    let shown = |asset: &str| asked.as_ref().is_none_or(|asked| asked.contains(&asset));
    Ok(Told::fine(format!(r#"{{"list":[{}]}}"#, call.holdings().wallet(shown))))
}

/// Positions: of a symbol even when it is flat, else those that are not.
pub(super) fn positions(call: &mut Call<'_>) -> Answer {
    let board = call.board()?;
    if board != Board::BybitLinear {
        return Err(Problem::new(10_001, "params error: Category is invalid"));
    }
    let holdings = call.holdings();
    let shown = match call.scope(board)? {
        Some(listing) => vec![(listing, call.exchange.position(call.account, listing))],
        None => holdings.open(),
    };
    let rows: Vec<_> = shown.into_iter().map(|(listing, position)| holdings.position(listing, position)).collect();
    listed(board, &rows, "")
}

/// The account's fees.
pub(super) fn fees(call: &mut Call<'_>) -> Answer {
    let board = call.board()?;
    let wanted = call.some_listing(board)?;
    let rules = call.exchange.rules(board);
    let all = (0..call.turn.market.len()).filter(|listing| wanted.is_none_or(|wanted| wanted == *listing));
    let shown = all.map(|listing| call.listed(listing)).filter(|listing| listing.board == board && !listing.gone);
    let row = |symbol: &str| {
        let (maker, taker) = (rules.maker, rules.taker);
        format!(r#"{{"symbol":"{symbol}","baseCoin":"","takerFeeRate":"{taker}","makerFeeRate":"{maker}"}}"#)
    };
    let rows: Vec<_> = shown.map(|listing| row(&listing.symbol)).collect();
    Ok(Told::fine(format!(r#"{{"category":"{}","list":[{}]}}"#, category(board), rows.join(","))))
}

/// What the account is: unified, its margin shared.
pub(super) fn account(call: &mut Call<'_>) -> Answer {
    let at = ms(call.turn.venue_ns);
    Ok(Told::fine(format!(
        r#"{{"unifiedMarginStatus":6,"marginMode":"REGULAR_MARGIN","isMasterTrader":false,"spotHedgingStatus":"OFF","dcpStatus":"OFF","timeWindow":0,"smpGroup":0,"updatedTime":"{at}"}}"#
    )))
}

/// What the key is and may do.
pub(super) fn key(call: &mut Call<'_>) -> Answer {
    let wallet = if call.withdraws { r#"["AccountTransfer","Withdraw"]"# } else { r#"["AccountTransfer"]"# };
    Ok(Told::fine(format!(
        r#"{{"id":"1","note":"simulated","apiKey":"{}","readOnly":0,"secret":"","permissions":{{"ContractTrade":["Order","Position"],"Spot":["SpotTrade"],"Wallet":{wallet},"Options":[],"Derivatives":["DerivativesTrade"],"Exchange":[]}},"ips":["*"],"type":1,"deadlineDay":90,"uta":1,"userID":24600000,"vipLevel":"No VIP"}}"#,
        call.key
    )))
}
