//! Several futures orders in one request: each is judged by itself, and each has its own answer.

use serde_json::Value;

use super::call::{Answer, Call, Params, Problem};
use super::entry;

/// Orders of one request.
const ORDERS_MAX: usize = 5;

/// Places up to five orders.
pub(super) fn place(call: &mut Call<'_>) -> Answer {
    let malformed = || Problem::new(-1130, "Data sent for parameter 'batchOrders' is not valid.");
    let listed: Value = serde_json::from_str(call.required("batchOrders")?).map_err(|_| malformed())?;
    let orders = listed.as_array().filter(|orders| orders.len() <= ORDERS_MAX).ok_or_else(malformed)?;
    let mut answers = Vec::new();
    for order in orders {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let params: Params =
            order.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect();
        answers.push(alone(call, &params, entry::place));
    }
    Ok(format!("[{}]", answers.join(",")))
}

/// Cancels up to ten orders of a symbol.
pub(super) fn cancel(call: &mut Call<'_>) -> Answer {
    let symbol = call.required("symbol")?.to_owned();
    let (name, list) = match (call.text("orderIdList"), call.text("origClientOrderIdList")) {
        (Some(list), _) => ("orderId", list),
        (None, Some(list)) => ("origClientOrderId", list),
        (None, None) => return Err(Problem::missing("orderIdList")),
    };
    let malformed = || Problem::new(-1130, format!("Data sent for parameter '{name}List' is not valid."));
    let listed: Vec<Value> = serde_json::from_str(list).map_err(|_| malformed())?;
    let mut answers = Vec::new();
    for id in listed.iter().take(2 * ORDERS_MAX) {
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let params = Params::from([("symbol".to_owned(), symbol.clone()), (name.to_owned(), id)]);
        answers.push(alone(call, &params, entry::cancel));
    }
    Ok(format!("[{}]", answers.join(",")))
}

/// One of them, as a request of its own.
fn alone(call: &mut Call<'_>, params: &Params, run: fn(&mut Call<'_>) -> Answer) -> String {
    let Call { account, exchange, turn, place, withdraws, .. } = &mut *call;
    let (usdm, account, place, withdraws) = (true, *account, *place, *withdraws);
    let turn = turn.again();
    let mut one = Call { usdm, account, params, exchange, turn, place, withdraws, fate: None, ordered: false };
    let answer = run(&mut one);
    let (fate, ordered) = (one.fate, one.ordered);
    call.fate = call.fate.or(fate);
    call.ordered |= ordered;
    answer.unwrap_or_else(|problem| problem.json())
}
