//! Own HTTP/1.1 response framer for order lines: one response at a time, where it was received; bounded head
//! and body; `Content-Length` and chunked; nothing is allocated after construction (RFC 9112).

use highwire_links::decode::Frame;
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};

/// Longest head of a response.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Longest body of a response.
const BODY_BYTES_MAX: usize = 512 << 10;

/// How the peer broke HTTP; the connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Not an HTTP/1.x status line.
    StatusLine,
    /// A head without end.
    HeadTooLong,
    /// A length that is none, or two that differ.
    Length,
    /// A chunk that is none.
    Chunk,
    /// A body above the limit.
    BodyTooLong,
}

/// A whole response.
#[derive(Debug)]
pub struct Response<'a> {
    /// Status.
    pub status: u16,
    /// From the status line to the last header.
    pub head: &'a [u8],
    /// The body, whole.
    pub body: Frame<'a>,
    /// The peer will close the connection after this.
    pub closes: bool,
}

/// The receive buffer of one connection and the response in it.
#[derive(Debug)]
pub struct HttpFramer {
    raw: Box<[u8]>,
    filled: usize,
    /// The head, copied out, so that the body can stand in a frame of its own.
    head: Box<[u8]>,
    body: Box<[u8]>,
}

enum Found {
    More,
    Whole { head_len: usize, body_len: usize, taken: usize },
}

#[derive(Clone, Copy)]
enum Body {
    Length(usize),
    Chunked,
    None,
}

impl HttpFramer {
    /// An empty framer; all its memory is taken here.
    pub fn new() -> Self {
        let zeroes = |len: usize| vec![0; len].into_boxed_slice();
        Self {
            raw: zeroes(HEAD_BYTES_MAX + 2 * BODY_BYTES_MAX),
            filled: 0,
            head: zeroes(HEAD_BYTES_MAX),
            body: zeroes(FRAME_HEAD + BODY_BYTES_MAX + FRAME_TAIL),
        }
    }

    /// Where to put received bytes; empty only when the peer sent more than any response may hold.
    pub fn space(&mut self) -> &mut [u8] {
        &mut self.raw[self.filled..]
    }

    /// `bytes` were put into [`Self::space`].
    pub fn filled(&mut self, bytes: usize) {
        self.filled = (self.filled + bytes).min(self.raw.len());
    }

    /// Takes over bytes that were received before; how many found room comes back.
    pub fn preload(&mut self, bytes: &[u8]) -> usize {
        let space = self.space();
        let n = bytes.len().min(space.len());
        space[..n].copy_from_slice(&bytes[..n]);
        self.filled(n);
        n
    }

    /// Whether part of a response is here.
    pub fn is_midway(&self) -> bool {
        self.filled > 0
    }

    /// The next response, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`Broken`] when it is no HTTP.
    pub fn pull(&mut self) -> Result<Option<Response<'_>>, Broken> {
        let Found::Whole { head_len, body_len, taken } = self.scan()? else {
            return if self.filled == self.raw.len() { Err(Broken::BodyTooLong) } else { Ok(None) };
        };
        self.head[..head_len].copy_from_slice(&self.raw[..head_len]);
        self.raw.copy_within(taken..self.filled, 0);
        self.filled -= taken;
        let head = &self.head[..head_len];
        let status = status(head).ok_or(Broken::StatusLine)?;
        let closes = header(head, b"connection").is_some_and(|value| value.eq_ignore_ascii_case(b"close"));
        let body = Frame::new(&mut self.body, body_len).ok_or(Broken::BodyTooLong)?;
        Ok(Some(Response { status, head, body, closes }))
    }

    /// Finds a whole response at the front and puts its body into the frame's place. An interim response
    /// (1xx) is passed over.
    fn scan(&mut self) -> Result<Found, Broken> {
        loop {
            let seen = &self.raw[..self.filled];
            let Some(end) = find(seen, b"\r\n\r\n") else {
                return if seen.len() > HEAD_BYTES_MAX { Err(Broken::HeadTooLong) } else { Ok(Found::More) };
            };
            let head_len = end + 4;
            if head_len > HEAD_BYTES_MAX {
                return Err(Broken::HeadTooLong);
            }
            let head = &seen[..head_len];
            let status = status(head).ok_or(Broken::StatusLine)?;
            if (100..200).contains(&status) {
                self.raw.copy_within(head_len..self.filled, 0);
                self.filled -= head_len;
                continue;
            }
            let body = body_kind(head, status)?;
            return self.scan_body(head_len, body);
        }
    }

    fn scan_body(&mut self, head_len: usize, body: Body) -> Result<Found, Broken> {
        let rest = &self.raw[head_len..self.filled];
        let into = &mut self.body[FRAME_HEAD..FRAME_HEAD + BODY_BYTES_MAX];
        match body {
            Body::None => Ok(Found::Whole { head_len, body_len: 0, taken: head_len }),
            Body::Length(len) if len > BODY_BYTES_MAX => Err(Broken::BodyTooLong),
            Body::Length(len) if rest.len() < len => Ok(Found::More),
            Body::Length(len) => {
                into[..len].copy_from_slice(&rest[..len]);
                Ok(Found::Whole { head_len, body_len: len, taken: head_len + len })
            }
            Body::Chunked => Ok(match unchunk(rest, into)? {
                Some((body_len, taken)) => Found::Whole { head_len, body_len, taken: head_len + taken },
                None => Found::More,
            }),
        }
    }
}

impl Default for HttpFramer {
    fn default() -> Self {
        Self::new()
    }
}

/// The value of a header, its name in lower case, without blanks around it.
pub fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut lines = head.split(|&byte| byte == b'\n').skip(1);
    lines.find_map(|line| {
        let at = line.iter().position(|&byte| byte == b':')?;
        line[..at].eq_ignore_ascii_case(name).then(|| line[at + 1..].trim_ascii())
    })
}

fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?;
    let digits = rest.get(2..5).filter(|_| rest.get(1) == Some(&b' '))?;
    let sound = digits.iter().all(u8::is_ascii_digit);
    sound.then(|| digits.iter().fold(0, |value, &digit| value * 10 + u16::from(digit - b'0')))
}

fn body_kind(head: &[u8], status: u16) -> Result<Body, Broken> {
    if status == 204 || status == 304 {
        return Ok(Body::None);
    }
    if let Some(coding) = header(head, b"transfer-encoding") {
        return if coding.eq_ignore_ascii_case(b"chunked") { Ok(Body::Chunked) } else { Err(Broken::Length) };
    }
    let lengths = head
        .split(|&byte| byte == b'\n')
        .filter(|line| line.get(..15).is_some_and(|name| name.eq_ignore_ascii_case(b"content-length:")));
    let mut length = None;
    for line in lengths {
        let value = decimal(line[15..].trim_ascii()).ok_or(Broken::Length)?;
        if length.replace(value).is_some_and(|before| before != value) {
            return Err(Broken::Length);
        }
    }
    // Without a length the body would end with the connection: of no use on a line that is kept.
    length.map(Body::Length).ok_or(Broken::Length)
}

/// The body of whole chunks, and how many bytes they took; `None` when some are missing.
fn unchunk(from: &[u8], into: &mut [u8]) -> Result<Option<(usize, usize)>, Broken> {
    let (mut at, mut len) = (0, 0);
    loop {
        let Some(line_len) = find(&from[at..], b"\r\n") else {
            return if from.len() - at > 1_024 { Err(Broken::Chunk) } else { Ok(None) };
        };
        let line = &from[at..at + line_len];
        let digits = line.split(|&byte| byte == b';').next().unwrap_or(line).trim_ascii();
        let size = hexadecimal(digits).ok_or(Broken::Chunk)?;
        at += line_len + 2;
        if size == 0 {
            return Ok(trailer_end(&from[at..]).map(|end| (len, at + end)));
        }
        let end = at.checked_add(size).ok_or(Broken::Chunk)?;
        let Some(to) = into.get_mut(len..len + size) else { return Err(Broken::BodyTooLong) };
        let (Some(chunk), Some(after)) = (from.get(at..end), from.get(end..end + 2)) else { return Ok(None) };
        if after != b"\r\n" {
            return Err(Broken::Chunk);
        }
        to.copy_from_slice(chunk);
        (len, at) = (len + size, end + 2);
    }
}

/// Bytes of the trailer and the empty line that ends it.
fn trailer_end(from: &[u8]) -> Option<usize> {
    if from.starts_with(b"\r\n") { Some(2) } else { find(from, b"\r\n\r\n").map(|end| end + 4) }
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}

fn decimal(digits: &[u8]) -> Option<usize> {
    let sound = !digits.is_empty() && digits.len() <= 9 && digits.iter().all(u8::is_ascii_digit);
    sound.then(|| digits.iter().fold(0, |value, &digit| value * 10 + usize::from(digit - b'0')))
}

fn hexadecimal(digits: &[u8]) -> Option<usize> {
    let value = |digit: &u8| char::from(*digit).to_digit(16);
    let sound = !digits.is_empty() && digits.len() <= 8;
    sound.then(|| digits.iter().try_fold(0, |sum, digit| Some(sum * 16 + value(digit)? as usize)))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(framer: &mut HttpFramer, bytes: &[u8]) {
        assert_eq!(framer.preload(bytes), bytes.len());
    }

    fn next(framer: &mut HttpFramer) -> Option<(u16, Vec<u8>, bool)> {
        framer.pull().unwrap().map(|response| (response.status, response.body.payload().to_vec(), response.closes))
    }

    const PLAIN: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-MBX-USED-WEIGHT-1M: 42\r\n\r\n{\"a\":1}";
    const CHUNKED: &[u8] =
        b"HTTP/1.1 429 Slow\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n";

    #[test]
    fn responses_are_found_wherever_the_bytes_are_cut() {
        let both = [b"HTTP/1.1 100 Continue\r\n\r\n", PLAIN, CHUNKED].concat();
        for cut in 0..both.len() {
            let mut framer = HttpFramer::new();
            let mut found = Vec::new();
            for part in [&both[..cut], &both[cut..]] {
                feed(&mut framer, part);
                while let Some(response) = next(&mut framer) {
                    found.push(response);
                }
            }
            let chunked = (429, b"abc0123456789".to_vec(), true);
            assert_eq!(found, [(200, b"{\"a\":1}".to_vec(), false), chunked], "cut at {cut}");
            assert!(!framer.is_midway());
        }
    }

    #[test]
    fn headers_are_found_in_any_case_and_bodies_may_be_absent() {
        let mut framer = HttpFramer::new();
        feed(&mut framer, PLAIN);
        let response = framer.pull().unwrap().unwrap();
        assert_eq!(header(response.head, b"x-mbx-used-weight-1m"), Some(b"42".as_slice()));
        feed(&mut framer, b"HTTP/1.1 204 No\r\n\r\nHTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n");
        assert_eq!((next(&mut framer), next(&mut framer)), (Some((204, vec![], false)), Some((200, vec![], false))));
    }

    #[test]
    fn what_is_no_http_or_too_much_is_refused() {
        let long_head = [b"HTTP/1.1 200 OK\r\nx: ".as_slice(), &[b'a'; HEAD_BYTES_MAX]].concat();
        for (bytes, broken) in [
            (b"SSH-2.0 hello\r\n\r\n".as_slice(), Broken::StatusLine),
            (b"HTTP/1.1 2x0 OK\r\n\r\n", Broken::StatusLine),
            (b"HTTP/1.1 200 OK\r\n\r\n", Broken::Length),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", Broken::Length),
            (b"HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n", Broken::BodyTooLong),
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", Broken::Length),
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", Broken::Chunk),
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc", Broken::Chunk),
            (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFF\r\n", Broken::BodyTooLong),
            (long_head.as_slice(), Broken::HeadTooLong),
        ] {
            let mut framer = HttpFramer::new();
            feed(&mut framer, bytes);
            assert_eq!(framer.pull().err(), Some(broken), "{}", String::from_utf8_lossy(&bytes[..bytes.len().min(80)]));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..400), place in 0..120usize) {
            let mut framer = HttpFramer::new();
            let mut stream = CHUNKED.to_vec();
            let place = place.min(stream.len());
            stream.splice(place..place, bytes);
            feed(&mut framer, &stream);
            while let Ok(Some(_)) = framer.pull() {}
        }
    }
}
