//! Withdrawing what is open at a venue, and counting it, by requests of their own: without the engine, which may be dead.

use highwire_actors::account::{Account, AskError};
use highwire_actors::governor::{CountOpen, GovernorMsg};
use highwire_actors::pool::CancelAll;
use highwire_actors::trading_line::TradingLine;
use highwire_venues::orders::Listed;
use highwire_venues::private::{OrderState, Query, Reply};
use highwire_venues::venue::Venue;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Withdraws what is open at the venue. OKX cannot withdraw everything at once: there it is order by order.
pub(super) fn cancel_all(line: &TradingLine) -> CancelAll {
    let (account, listed) = (line.account.clone(), Arc::clone(&line.listed));
    Box::new(move || {
        if account.venue == Venue::Okx {
            tokio::spawn(cancel_each(account.clone(), Arc::clone(&listed)));
            return;
        }
        for instrument in listed.iter() {
            let (account, symbol) = (account.clone(), instrument.symbol.clone());
            tokio::spawn(async move { tell(&account, account.ask(&Query::CancelAll { symbol: &symbol }).await) });
        }
    })
}

/// Counts what is open at a venue, one count at a time: several would take the budget from one another.
pub(super) fn count(line: &TradingLine) -> CountOpen {
    let (account, listed) = (line.account.clone(), Arc::clone(&line.listed));
    let place = Arc::new(Semaphore::new(1));
    Box::new(move |governor| {
        let Ok(place) = Arc::clone(&place).try_acquire_owned() else { return };
        let (account, listed) = (account.clone(), Arc::clone(&listed));
        tokio::spawn(async move {
            let open = open(&account, &listed).await.map_err(|error| error.to_string());
            let counted = open.map(|open| u32::try_from(open.len()).unwrap_or(u32::MAX));
            drop(place);
            // Without a governor nobody asked.
            let _gone = governor.cast(GovernorMsg::Counted(account.venue.id(), counted));
        });
    })
}

async fn cancel_each(account: Account, listed: Arc<[Listed]>) {
    match open(&account, &listed).await {
        Ok(orders) => {
            for OrderState { symbol, venue_id, .. } in &orders {
                tell(&account, account.ask(&Query::Cancel { symbol, venue_id }).await);
            }
        }
        Err(error) => tell(&account, Err(error)),
    }
}

/// What is open of that which is listed. A further page is not looked at: one order is too many already, and it is asked
/// for again. A list of everything costs one of the few questions that OKX allows.
async fn open(account: &Account, listed: &[Listed]) -> Result<Vec<OrderState>, AskError> {
    if account.venue == Venue::Okx {
        let open = page(account, None).await?;
        return Ok(open.into_iter().filter(|order| listed.iter().any(|of| of.symbol == order.symbol)).collect());
    }
    let mut all = Vec::new();
    for instrument in listed {
        all.extend(page(account, Some(&instrument.symbol)).await?);
    }
    Ok(all)
}

async fn page(account: &Account, symbol: Option<&str>) -> Result<Vec<OrderState>, AskError> {
    match account.ask(&Query::OpenOrders { symbol, page: None }).await? {
        Reply::Orders { orders, .. } => Ok(orders),
        _ => Err(AskError::Unanswered("the answer is about something else".to_owned())),
    }
}

/// It is tried again as long as anything is open.
fn tell(account: &Account, answer: Result<Reply, AskError>) {
    if let Err(error) = answer {
        tracing::warn!(venue = account.venue.name(), %error, "orders could not be withdrawn");
    }
}
