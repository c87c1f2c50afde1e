//! The chapters of the demo's story: what happens to the simulated venues and to the process, and what is to be seen of it.

use super::story::{Chapter, Seen, Stage};
use highwire_links::page::BookState;
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault};
use highwire_simulator::{Endpoint, Fault, Injection, Venue as Room, Verb};
use std::time::Duration;

/// Sessions that are shorter have no time for a freeze and a kill.
const WHOLE_FROM_S: u64 = 40;
/// For how long a venue refuses the orders that leave their other leg alone: within it somebody trades there.
const REFUSES_MS: u64 = 10_000;
/// Within it a lost line's books would have died.
const LINE_MISSED: Duration = Duration::from_millis(2_500);
/// A kill is over when the next start trades.
const RESTED: Duration = Duration::from_secs(1);
/// What okx does not answer any more: what it says of a single order is left, or hedges there could not be verified and their
/// trades were left to an operator.
const SILENT: [&str; 4] =
    ["/api/v5/account/*", "/api/v5/public/*", "/api/v5/trade/orders-pending", "/api/v5/trade/fills"];
/// Whose books stand still: four of its six.
const FROZEN: [&str; 4] = ["books:BTC-USDT", "books:ETH-USDT", "books:BTC-USDT-SWAP", "books:ETH-USDT-SWAP"];

/// The story of a session of so many seconds; 0 has no end, and no story but its beginning.
pub fn chapters(seconds: u64) -> &'static [Chapter] {
    match seconds {
        0 => &BEGINNING,
        WHOLE_FROM_S.. => &WHOLE,
        _ => &SHORT,
    }
}

static BEGINNING: [Chapter; 2] = [FILL, TRADE];
static SHORT: [Chapter; 5] = [FILL, TRADE, LINE, Chapter { at: 0.4, ..LEG }, Chapter { at: 0.65, ..LINES }];
static WHOLE: [Chapter; 9] = [
    FILL,
    TRADE,
    Chapter { at: 0.1, ..LINE },
    Chapter { at: 0.2, ..SLOW },
    FREEZE,
    THAW,
    Chapter { at: 0.5, ..LEG },
    ALERT,
    Chapter { at: 0.62, ..KILL },
];

const FILL: Chapter = Chapter { at: 0.0, name: "books fill", play: wait_books, proof: books_are_live };
const TRADE: Chapter = Chapter { at: 0.0, name: "a pair is traded", play: wait_trade, proof: a_trade_ended };
const LINE: Chapter = Chapter { at: 0.25, name: "a line dies", play: lose_a_line, proof: no_book_died };
const LINES: Chapter = Chapter { at: 0.6, name: "all lines die", play: lose_all_lines, proof: books_came_back };
const SLOW: Chapter = Chapter { at: 0.0, name: "a venue falls silent", play: fall_silent, proof: okx_is_reduced };
const FREEZE: Chapter = Chapter { at: 0.0, name: "it freezes", play: freeze, proof: okx_only_hedges };
const THAW: Chapter = Chapter { at: 0.0, name: "it is back", play: thaw, proof: okx_is_full };
const LEG: Chapter = Chapter { at: 0.4, name: "a leg is left alone", play: refuse, proof: it_is_hedged };
const ALERT: Chapter = Chapter { at: 0.0, name: "an alert appears", play: wait_alert, proof: an_alert_came };
const KILL: Chapter = Chapter { at: 0.6, name: "the process is killed", play: kill, proof: it_has_recovered };

fn wait_books(_: &mut Stage<'_>) -> Result<String, String> {
    Ok("the service connects two lines to each venue, plain market data on one, orders and private news on the other"
        .into())
}

fn books_are_live(seen: &mut Seen<'_>) -> Option<String> {
    let (rows, since) = (&seen.board.rows, seen.since.as_secs_f64());
    let live = rows.iter().filter(|row| row.state == BookState::Live).count();
    let is_ready = live == rows.len() && live > 0 && seen.status.mode == "Full";
    is_ready.then(|| format!("every book is live, {live} of {live}, and the mode Full after {since:.1} s"))
}

fn wait_trade(_: &mut Stage<'_>) -> Result<String, String> {
    Ok("prices that cross net of fees are bought and sold at once, by signed orders in the venues' own protocols"
        .into())
}

fn a_trade_ended(seen: &mut Seen<'_>) -> Option<String> {
    let trade = seen.board.trades.newest_first().next()?;
    Some(format!("{trade}; {} trades so far, {} fills", seen.board.trades.total(), seen.board.totals.fills))
}

fn lose_a_line(stage: &mut Stage<'_>) -> Result<String, String> {
    stage.before = stage.control.connections(Room::Bybit);
    let reset = Injection::new(Room::Bybit, Verb::Reset {}).on(Endpoint::A);
    stage.control.apply(reset)?;
    Ok("bybit loses line A; line B brings the same".to_owned())
}

fn no_book_died(seen: &mut Seen<'_>) -> Option<String> {
    let count = |words: [&str; 2]| seen.said.iter().filter(|line| words.iter().all(|word| line.contains(word))).count();
    let (ended, died) = (count(["line", "ended"]), count(["bybit", "book dead"]));
    let is_back = seen.connections(Room::Bybit) >= seen.before;
    let is_over = seen.since >= LINE_MISSED && ended > 0 && died == 0 && is_back;
    is_over.then(|| format!("nothing lost: {ended} of {} connections ended and are back, no book died", seen.before))
}

fn lose_all_lines(stage: &mut Stage<'_>) -> Result<String, String> {
    let dropped = stage.control.inject(Room::Bybit, &Fault::Drop);
    Ok(format!("bybit drops its {dropped} connections: its books die, sessions reconnect"))
}

fn books_came_back(seen: &mut Seen<'_>) -> Option<String> {
    let died = seen.said.iter().filter(|line| line.contains("bybit") && line.contains("book dead")).count();
    let is_live = seen.board.rows.iter().all(|row| row.state == BookState::Live);
    let since = seen.since.as_secs_f64();
    (died > 0 && is_live).then(|| format!("{died} books died, and all are live again after {since:.1} s"))
}

fn fall_silent(stage: &mut Stage<'_>) -> Result<String, String> {
    for path in SILENT {
        let fails = Verb::HttpStatus { code: 503, headers: vec![], body: String::new() };
        stage.control.apply(Injection::new(Room::Okx, fails).topic(path))?;
    }
    Ok("okx answers no more questions".to_owned())
}

fn okx_is_reduced(seen: &mut Seen<'_>) -> Option<String> {
    moved(seen, "Reduced", "Full → Reduced")
}

fn freeze(stage: &mut Stage<'_>) -> Result<String, String> {
    for topic in FROZEN {
        stage.control.apply(Injection::new(Room::Okx, Verb::Mute {}).topic(topic))?;
    }
    Ok("okx goes on answering nothing, and four of its six books stand still".to_owned())
}

fn okx_only_hedges(seen: &mut Seen<'_>) -> Option<String> {
    moved(seen, "HedgeOnly", "Reduced → HedgeOnly")
}

fn thaw(stage: &mut Stage<'_>) -> Result<String, String> {
    let taken = stage.control.take_back(|_, target| target.venue == Some(Room::Okx));
    Ok(format!("okx goes on ({taken} faults are over)"))
}

fn okx_is_full(seen: &mut Seen<'_>) -> Option<String> {
    moved(seen, "Full", "HedgeOnly → Full")
}

/// What okx's mode is now, and the service's own reason for the move.
fn moved(seen: &Seen<'_>, mode: &str, how: &str) -> Option<String> {
    let why = seen.said.iter().rev().find(|line| line.starts_with("mode of okx"));
    let why = why.map_or_else(String::new, |line| format!(" ({line})"));
    (seen.mode("okx") == mode).then(|| format!("okx {how} after {:.1} s{why}", seen.since.as_secs_f64()))
}

fn refuse(stage: &mut Stage<'_>) -> Result<String, String> {
    let refusal = Verb::Outcome { outcome: OutcomeFault::Reject, answer: AnswerFault::Ok, ms: 0 };
    stage.control.apply(Injection::new(Room::BinanceUsdm, refusal).lasting_ms(REFUSES_MS))?;
    Ok("binance_usdm refuses orders for a while: whoever trades there has a leg left alone".to_owned())
}

fn it_is_hedged(seen: &mut Seen<'_>) -> Option<String> {
    seen.said.iter().find_map(|line| {
        let (_, figures) = line.split_once("what its legs left is hedged, and the venue says so: ")?;
        let (captured, expected) = figures.split_once(" bps captured of ")?;
        let expected = expected.strip_suffix(" expected")?;
        let cost = expected.parse::<f64>().ok()? - captured.parse::<f64>().ok()?;
        (cost > 0.0).then(|| format!("{line}: it cost {cost:.2} bps"))
    })
}

fn wait_alert(_: &mut Stage<'_>) -> Result<String, String> {
    Ok("each cause is one incident, told once when it begins and once when it is over".to_owned())
}

fn an_alert_came(seen: &mut Seen<'_>) -> Option<String> {
    let post = seen.posts.iter().rev().find(|post| post.contains("okx")).or_else(|| seen.posts.last())?;
    Some(format!("{} messages have reached the webhook, such as: {post}", seen.posts.len()))
}

fn kill(stage: &mut Stage<'_>) -> Result<String, String> {
    let pid = stage.process.id();
    stage.process.kill().map_err(|why| why.to_string())?;
    stage.process.start_again().map_err(|why| why.to_string())?;
    Ok(format!("kill -9 of process {pid}, and a start on what it left, as process {}", stage.process.id()))
}

fn it_has_recovered(seen: &mut Seen<'_>) -> Option<String> {
    let trades = seen.board.trades.total();
    let is_up = seen.status.mode == "Full" && trades > 0 && seen.since >= RESTED;
    if !is_up {
        return None;
    }
    let since = seen.since.as_secs_f64();
    let (held, fills, records) = seen.agreement()?;
    Some(format!(
        "it trades again after {since:.1} s; the positions of its journal ({records} records) are those of the venues' ledger \
         ({fills} fills) at all {} markets where something is held",
        held.len()
    ))
}
