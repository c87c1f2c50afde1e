//! What members may ask of Bybit: each request by its address over HTTP and its operation on a socket, with its limit.

use super::call::{Answer, Call};
use super::{entry, holdings};

/// One kind of request.
pub(super) struct Method {
    /// Its operation on a socket; empty = not there.
    pub(super) op: &'static str,
    pub(super) verb: &'static str,
    pub(super) path: &'static str,
    /// Requests of a member per second; 0 = its orders are counted instead.
    limit: u32,
    act: fn(&mut Call<'_>) -> Answer,
}

impl Method {
    /// Does what is asked, within the method's limit.
    pub(super) fn run(&self, call: &mut Call<'_>) -> Answer {
        if self.limit > 0 {
            call.charge(self.path, 1, self.limit)?;
        }
        (self.act)(call)
    }
}

const fn entering(op: &'static str, path: &'static str, act: fn(&mut Call<'_>) -> Answer) -> Method {
    Method { op, verb: "POST", path, limit: 0, act }
}

const fn asking(path: &'static str, limit: u32, act: fn(&mut Call<'_>) -> Answer) -> Method {
    Method { op: "", verb: "GET", path, limit, act }
}

/// All of them.
pub(super) const ALL: &[Method] = &[
    entering("order.create", "/v5/order/create", entry::create),
    entering("order.cancel", "/v5/order/cancel", entry::cancel),
    entering("order.amend", "/v5/order/amend", entry::amend),
    entering("order.create-batch", "/v5/order/create-batch", entry::create_batch),
    entering("order.cancel-batch", "/v5/order/cancel-batch", entry::cancel_batch),
    entering("order.amend-batch", "/v5/order/amend-batch", entry::amend_batch),
    entering("", "/v5/order/cancel-all", entry::cancel_all),
    Method { op: "", verb: "POST", path: "/v5/order/disconnected-cancel-all", limit: 5, act: entry::protect },
    asking("/v5/order/realtime", 50, holdings::realtime),
    asking("/v5/order/history", 50, holdings::history),
    asking("/v5/execution/list", 50, holdings::executions),
    asking("/v5/position/list", 50, holdings::positions),
    asking("/v5/account/wallet-balance", 50, holdings::wallet),
    asking("/v5/account/info", 50, holdings::account),
    asking("/v5/account/fee-rate", 10, holdings::fees),
    asking("/v5/user/query-api", 10, holdings::key),
];
