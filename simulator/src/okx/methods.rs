//! What members may ask of OKX: each request by its address over HTTP and its operation on a socket, with its limit.

use super::call::{Answer, Call, Problem};
use super::{entry, holdings};

/// Orders of one batch.
const BATCH: usize = 20;

/// One kind of request.
pub(super) struct Method {
    /// Its operation on a socket; empty = not there.
    pub(super) op: &'static str,
    pub(super) verb: &'static str,
    pub(super) path: &'static str,
    /// Requests per span; 0 = its orders are counted instead.
    limit: u32,
    /// Elements of a request.
    most: usize,
    act: fn(&mut Call<'_>) -> Answer,
}

impl Method {
    /// Does what is asked, within the method's limit.
    pub(super) fn run(&self, call: &mut Call<'_>) -> Answer {
        if self.limit > 0 {
            call.charge(self.path, None, 1, self.limit)?;
        }
        if call.args.len() > self.most {
            return Err(Problem::new("51000", format!("At most {} orders at a time", self.most)));
        }
        (self.act)(call)
    }
}

const fn entering(op: &'static str, path: &'static str, most: usize, act: fn(&mut Call<'_>) -> Answer) -> Method {
    Method { op, verb: "POST", path, limit: 0, most, act }
}

const fn asking(path: &'static str, limit: u32, act: fn(&mut Call<'_>) -> Answer) -> Method {
    Method { op: "", verb: "GET", path, limit, most: 1, act }
}

/// All of them.
pub(super) const ALL: &[Method] = &[
    entering("order", "/api/v5/trade/order", 1, entry::place),
    entering("batch-orders", "/api/v5/trade/batch-orders", BATCH, entry::place),
    entering("cancel-order", "/api/v5/trade/cancel-order", 1, entry::cancel),
    entering("batch-cancel-orders", "/api/v5/trade/cancel-batch-orders", BATCH, entry::cancel),
    entering("amend-order", "/api/v5/trade/amend-order", 1, entry::amend),
    entering("batch-amend-orders", "/api/v5/trade/amend-batch-orders", BATCH, entry::amend),
    Method {
        op: "mass-cancel",
        verb: "POST",
        path: "/api/v5/trade/mass-cancel",
        limit: 5,
        most: 1,
        act: entry::mass_cancel,
    },
    Method {
        op: "",
        verb: "POST",
        path: "/api/v5/trade/cancel-all-after",
        limit: 2,
        most: 1,
        act: entry::cancel_all_after,
    },
    asking("/api/v5/trade/order", 60, entry::order),
    asking("/api/v5/trade/orders-pending", 60, holdings::pending),
    asking("/api/v5/trade/orders-history", 40, holdings::history),
    asking("/api/v5/trade/orders-history-archive", 20, holdings::history),
    asking("/api/v5/trade/fills", 60, holdings::fills),
    asking("/api/v5/trade/fills-history", 10, holdings::fills),
    asking("/api/v5/account/balance", 10, holdings::balance),
    asking("/api/v5/account/positions", 10, holdings::positions),
    asking("/api/v5/account/config", 5, holdings::config),
    asking("/api/v5/account/trade-fee", 5, holdings::fee),
];
