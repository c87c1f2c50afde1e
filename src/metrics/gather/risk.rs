//! The risk officer's assessment → samples.

use super::super::{Sample, Value};
use super::sample;
use highwire_actors::risk_officer::{Assessment, units};

/// Its samples; what is not known is no number.
pub fn of(assessment: Option<Assessment>, samples: &mut Vec<Sample>) {
    let is_known = assessment.is_some();
    let assessment = assessment.unwrap_or_default();
    let Assessment { figures, gross_max, pair_max, order_max, var_max, used_permille, sent } = assessment;
    let number = |value: f64| Value::Number(if is_known { value } else { f64::NAN });
    let maybe = |value: Option<f64>| number(value.unwrap_or(f64::NAN));
    let mut show = |name: &str, value| samples.push(sample(name, [], value));
    show("highwire_risk_equity_quote", number(figures.equity));
    show("highwire_risk_shortfall_quote", maybe(figures.shortfall_99));
    show("highwire_risk_beta", maybe(figures.beta));
    show("highwire_risk_volatility_ratio", maybe(figures.volatility));
    show("highwire_risk_leverage_ratio", maybe(figures.leverage));
    show("highwire_risk_impact_bps", number(figures.impact_bps));
    show("highwire_risk_covered_ratio", number(figures.covered));
    show("highwire_risk_win_ratio", number(figures.win_rate));
    show("highwire_risk_used_ratio", number(used_permille as f64 / 1_000.0));
    show("highwire_risk_limits_sent_total", Value::Count(sent));
    let labelled = [
        ("highwire_risk_exposure_quote", [("gross", Some(figures.gross)), ("net", Some(figures.net))]),
        ("highwire_risk_var_quote", [("0.95", figures.var_95), ("0.99", figures.var_99)]),
        ("highwire_risk_drawdown_ratio", [("now", Some(figures.drawdown)), ("max", Some(figures.drawdown_max))]),
        (
            "highwire_risk_concentration_ratio",
            [("herfindahl", figures.concentration), ("largest", figures.largest_share)],
        ),
        ("highwire_risk_limit_quote", [("gross", Some(units(gross_max))), ("pair", Some(units(pair_max)))]),
    ];
    for (name, both) in labelled {
        samples.extend(both.map(|(label, value)| sample(name, [label], maybe(value))));
    }
    for (limit, value) in [("order", units(order_max)), ("var", var_max)] {
        samples.push(sample("highwire_risk_limit_quote", [limit], number(value)));
    }
}
