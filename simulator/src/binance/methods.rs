//! What may be asked of Binance: each request by its address over HTTP and its name on a socket, with its weight
//! and what it takes to prove.

use super::call::{Answer, Call, Params, Problem};
use super::{entry, holdings};

/// What a request must prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Only who asks.
    Key,
    /// Who asks, by a signature or a session.
    Signed,
}

/// One kind of request.
pub(super) struct Method {
    /// Its name on a socket; empty = not there.
    pub(super) name: &'static str,
    pub(super) verb: &'static str,
    /// Its path over HTTP; empty = not there.
    pub(super) path: &'static str,
    /// Weight with a symbol, and without.
    weight: (u64, u64),
    /// Costs nothing when it succeeds.
    pub(super) free: bool,
    pub(super) proof: Proof,
    pub(super) run: fn(&mut Call<'_>) -> Answer,
}

impl Method {
    pub(super) fn weight(&self, params: &Params) -> u64 {
        if params.contains_key("symbol") { self.weight.0 } else { self.weight.1 }
    }
}

const fn signed(
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    weight: (u64, u64),
    run: fn(&mut Call<'_>) -> Answer,
) -> Method {
    Method { name, verb, path, weight, free: false, proof: Proof::Signed, run }
}

const fn keyed(name: &'static str, verb: &'static str, path: &'static str, run: fn(&mut Call<'_>) -> Answer) -> Method {
    Method { name, verb, path, weight: (1, 1), free: false, proof: Proof::Key, run }
}

const fn entering(
    name: &'static str,
    verb: &'static str,
    path: &'static str,
    run: fn(&mut Call<'_>) -> Answer,
) -> Method {
    Method { free: true, ..signed(name, verb, path, (1, 1), run) }
}

/// Spot.
const SPOT: &[Method] = &[
    entering("order.place", "POST", "/api/v3/order", entry::place),
    signed("order.test", "POST", "/api/v3/order/test", (1, 1), entry::test),
    entering("order.cancel", "DELETE", "/api/v3/order", entry::cancel),
    signed("order.status", "GET", "/api/v3/order", (4, 4), holdings::order),
    entering("order.cancelReplace", "POST", "/api/v3/order/cancelReplace", entry::replace),
    entering("order.amend.keepPriority", "PUT", "/api/v3/order/amend/keepPriority", entry::amend),
    signed("openOrders.status", "GET", "/api/v3/openOrders", (6, 80), holdings::open_orders),
    entering("openOrders.cancelAll", "DELETE", "/api/v3/openOrders", entry::cancel_all),
    signed("allOrders", "GET", "/api/v3/allOrders", (20, 20), holdings::all_orders),
    signed("myTrades", "GET", "/api/v3/myTrades", (20, 20), holdings::fills),
    signed("account.status", "GET", "/api/v3/account", (20, 20), holdings::spot_account),
    signed("account.commission", "GET", "/api/v3/account/commission", (20, 20), holdings::spot_fees),
    signed("account.rateLimits.orders", "GET", "/api/v3/rateLimit/order", (40, 40), holdings::order_counts),
    signed("", "GET", "/sapi/v1/account/apiRestrictions", (1, 1), holdings::restrictions),
    keyed("", "GET", "/sapi/v1/margin/allPairs", holdings::no_margin),
    keyed("", "GET", "/sapi/v1/margin/isolated/allPairs", holdings::no_margin),
    keyed("userDataStream.start", "POST", "/api/v3/userDataStream", gone),
    keyed("userDataStream.ping", "PUT", "/api/v3/userDataStream", gone),
    keyed("userDataStream.stop", "DELETE", "/api/v3/userDataStream", gone),
];

/// USD-M futures.
const USDM: &[Method] = &[
    signed("order.place", "POST", "/fapi/v1/order", (1, 1), entry::place),
    signed("", "POST", "/fapi/v1/order/test", (1, 1), entry::test),
    signed("order.modify", "PUT", "/fapi/v1/order", (1, 1), entry::modify),
    signed("order.cancel", "DELETE", "/fapi/v1/order", (1, 1), entry::cancel),
    signed("order.status", "GET", "/fapi/v1/order", (1, 1), holdings::order),
    signed("", "POST", "/fapi/v1/batchOrders", (5, 5), super::batch::place),
    signed("", "DELETE", "/fapi/v1/batchOrders", (1, 1), super::batch::cancel),
    signed("", "DELETE", "/fapi/v1/allOpenOrders", (1, 1), entry::cancel_all),
    signed("", "POST", "/fapi/v1/countdownCancelAll", (10, 10), holdings::countdown),
    signed("", "GET", "/fapi/v1/openOrders", (1, 40), holdings::open_orders),
    signed("", "GET", "/fapi/v1/allOrders", (5, 5), holdings::all_orders),
    signed("", "GET", "/fapi/v1/userTrades", (5, 5), holdings::fills),
    signed("", "GET", "/fapi/v1/commissionRate", (20, 20), holdings::usdm_fees),
    signed("", "GET", "/fapi/v1/leverageBracket", (1, 1), holdings::brackets),
    signed("", "GET", "/fapi/v1/positionSide/dual", (30, 30), holdings::position_mode),
    signed("v2/account.position", "GET", "/fapi/v3/positionRisk", (5, 5), holdings::usdm_positions),
    signed("", "GET", "/fapi/v2/positionRisk", (5, 5), holdings::usdm_positions),
    signed("v2/account.balance", "GET", "/fapi/v3/balance", (5, 5), holdings::usdm_balances),
    signed("", "GET", "/fapi/v2/balance", (5, 5), holdings::usdm_balances),
    signed("v2/account.status", "GET", "/fapi/v3/account", (5, 5), holdings::usdm_account),
    signed("", "GET", "/fapi/v2/account", (5, 5), holdings::usdm_account),
    signed("", "GET", "/sapi/v1/account/apiRestrictions", (1, 1), holdings::restrictions),
    keyed("userDataStream.start", "POST", "/fapi/v1/listenKey", holdings::open_stream),
    keyed("userDataStream.ping", "PUT", "/fapi/v1/listenKey", holdings::renew_stream),
    keyed("userDataStream.stop", "DELETE", "/fapi/v1/listenKey", holdings::close_stream),
];

/// The methods of an exchange.
pub(super) const fn all(usdm: bool) -> &'static [Method] {
    if usdm { USDM } else { SPOT }
}

/// Spot's listen keys were retired on 2026-02-20.
fn gone(_: &mut Call<'_>) -> Answer {
    let message = "This endpoint has been removed; subscribe to the user data stream on the WebSocket API.";
    Err(Problem { status: 410, ..Problem::new(-1099, message) })
}
