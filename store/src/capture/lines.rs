//! `<time> <frame>` lines: one connection, no envelope, and so no name and no URL.

use super::record::{Body, Record};
use super::time::by_length;
use highwire_links::decode::Reject;
use std::sync::Arc;

/// Reads one line.
///
/// # Errors
/// Why it is no record.
pub fn parse(line: &[u8], conn: &Arc<str>) -> Result<Record, Reject> {
    let space = line.iter().position(|&b| b == b' ').ok_or(Reject::Truncated)?;
    let at_ns = by_length(&line[..space]).ok_or(Reject::BadNumber)?;
    Ok(Record { at_ns, conn: Arc::clone(conn), body: Body::Recv(line[space + 1..].to_vec()) })
}

/// Whether a line has this form.
pub fn is_one(line: &[u8]) -> bool {
    parse(line, &Arc::from("")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_time_and_the_rest() {
        let conn: Arc<str> = "".into();
        let record = parse(b"1680652800004107 {\"a\": 1}", &conn).unwrap();
        assert_eq!((record.at_ns, record.body), (1_680_652_800_004_107_000, Body::Recv(b"{\"a\": 1}".to_vec())));
        assert_eq!(parse(b"1680652800004107", &conn), Err(Reject::Truncated));
        assert_eq!(parse(b"17 {}", &conn), Err(Reject::BadNumber));
    }
}
