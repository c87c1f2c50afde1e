//! One record of a capture.

use highwire_links::Nanos;
use highwire_links::decode::Reject;
use std::sync::Arc;

/// Something that happened on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When, by the recorder's clock.
    pub at_ns: Nanos,
    /// The connection's name; empty in files that have only one.
    pub conn: Arc<str>,
    /// What.
    pub body: Body,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A connection was opened to this URL.
    Connect(String),
    /// An HTTP answer.
    Http {
        /// The request's URL.
        url: String,
        /// The answer's body.
        body: String,
    },
    /// We sent this.
    Send(String),
    /// The venue sent this.
    Recv(Vec<u8>),
    /// A line that is no record: it counts as a frame refused for this reason.
    Broken(Reject),
}
