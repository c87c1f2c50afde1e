//! Own WebSocket receive framer, client side of RFC 6455: payloads stay where they were received,
//! with room around them for vector loads; nothing is allocated after construction. Payload text is
//! not checked for UTF-8 here: the decoder refuses what it cannot read. No extension is negotiated,
//! so reserved bits are a breach.

use highwire_links::decode::Frame;
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};

/// Least room offered to one read.
const READ_BYTES_MIN: usize = 16 << 10;
/// Room beyond the largest message: frame headers, an interleaved control frame, and the next reads.
const SLACK_BYTES: usize = 4 * READ_BYTES_MIN;
/// Largest payload of a control frame (RFC 6455 §5.5).
const CONTROL_BYTES_MAX: u64 = 125;

/// What the stream held next.
#[derive(Debug)]
pub enum Item<'a> {
    /// A whole text or binary message.
    Message(Frame<'a>),
    /// A ping, to be answered with the same bytes (at most 125).
    Ping(&'a [u8]),
    /// A pong; nothing to do.
    Pong,
    /// The peer closes, with its status code if it gave one.
    Close(Option<u16>),
    /// A message above the limit: it is skipped unread.
    TooLarge,
}

/// How the peer broke the protocol; the connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breach {
    /// A server's frame must not be masked (§5.1).
    Masked,
    /// A reserved bit without an extension (§5.2).
    ReservedBits,
    /// An opcode that is not defined (§5.2).
    Opcode,
    /// A control frame above 125 bytes, or in fragments (§5.5).
    Control,
    /// A continuation without a beginning, or a new message inside another (§5.4).
    Fragments,
    /// A 64-bit length with its highest bit set (§5.2).
    Length,
}

/// The receive buffer of one connection and the messages in it.
///
/// ```text
/// | FRAME_HEAD | … | assembled fragments | … | received, not taken yet | free | FRAME_TAIL |
///                  message.0 … message.1      taken …           filled
/// ```
#[derive(Debug)]
pub struct Framer {
    buffer: Box<[u8]>,
    taken: usize,
    filled: usize,
    message: (usize, usize),
    state: Assembly,
    skip: u64,
    message_bytes_max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Assembly {
    /// Between messages.
    None,
    /// Fragments so far are in `message`.
    Kept,
    /// Too large: the rest of its fragments is skipped.
    Dropped,
}

struct Head {
    fin: bool,
    opcode: u8,
    head_bytes: usize,
    payload_bytes: u64,
}

enum Found {
    Message,
    Ping(usize, usize),
    Pong,
    Close(Option<u16>),
    TooLarge,
}

impl Framer {
    /// A framer for messages of at most `message_bytes_max` bytes.
    pub fn new(message_bytes_max: usize) -> Self {
        let bytes = FRAME_HEAD + message_bytes_max + SLACK_BYTES + FRAME_TAIL;
        Self {
            buffer: vec![0; bytes].into_boxed_slice(),
            taken: FRAME_HEAD,
            filled: FRAME_HEAD,
            message: (FRAME_HEAD, FRAME_HEAD),
            state: Assembly::None,
            skip: 0,
            message_bytes_max,
        }
    }

    /// Where to put received bytes; never empty once [`Self::pull`] has returned nothing.
    pub fn space(&mut self) -> &mut [u8] {
        let end = self.buffer.len() - FRAME_TAIL;
        if end - self.filled < READ_BYTES_MIN || self.is_empty() {
            self.compact();
        }
        &mut self.buffer[self.filled..end]
    }

    /// `bytes` were put into [`Self::space`].
    pub fn filled(&mut self, bytes: usize) {
        self.filled = (self.filled + bytes).min(self.buffer.len() - FRAME_TAIL);
    }

    /// Takes over bytes that were received before (with the end of the upgrade); returns how many
    /// found room.
    pub fn preload(&mut self, bytes: &[u8]) -> usize {
        let space = self.space();
        let n = bytes.len().min(space.len());
        space[..n].copy_from_slice(&bytes[..n]);
        self.filled(n);
        n
    }

    /// The next item, or `None` when more bytes are needed.
    ///
    /// # Errors
    /// [`Breach`] when the peer broke the protocol.
    pub fn pull(&mut self) -> Result<Option<Item<'_>>, Breach> {
        let item = match self.scan()? {
            None => return Ok(None),
            Some(Found::Message) => {
                let (start, end) = self.message;
                let around = &mut self.buffer[start - FRAME_HEAD..end + FRAME_TAIL];
                Frame::new(around, end - start).map(Item::Message)
            }
            Some(Found::Ping(start, end)) => Some(Item::Ping(&self.buffer[start..end])),
            Some(Found::Pong) => Some(Item::Pong),
            Some(Found::Close(code)) => Some(Item::Close(code)),
            Some(Found::TooLarge) => Some(Item::TooLarge),
        };
        Ok(item)
    }

    fn is_empty(&self) -> bool {
        self.taken == self.filled && self.state != Assembly::Kept
    }

    /// Moves what is still needed to the front: the fragments kept, then the bytes not taken yet.
    fn compact(&mut self) {
        let mut to = FRAME_HEAD;
        if self.state == Assembly::Kept {
            let (start, end) = self.message;
            self.buffer.copy_within(start..end, to);
            self.message = (to, to + (end - start));
            to = self.message.1;
        }
        self.buffer.copy_within(self.taken..self.filled, to);
        (self.taken, self.filled) = (to, to + (self.filled - self.taken));
    }

    /// Walks over frames until one completes an item.
    fn scan(&mut self) -> Result<Option<Found>, Breach> {
        loop {
            self.skip_dropped();
            let Some(head) = self.head()? else { return Ok(None) };
            self.check_order(&head)?;
            if head.opcode < 8 && self.is_too_large(&head) {
                if self.drop_frame(&head) {
                    return Ok(Some(Found::TooLarge));
                }
                continue;
            }
            let payload_bytes = head.payload_bytes as usize;
            if self.filled - self.taken < head.head_bytes + payload_bytes {
                return Ok(None);
            }
            let start = self.taken + head.head_bytes;
            self.taken = start + payload_bytes;
            if let Some(found) = self.take_frame(&head, start) {
                return Ok(Some(found));
            }
        }
    }

    fn skip_dropped(&mut self) {
        let n = self.skip.min((self.filled - self.taken) as u64);
        self.taken += n as usize;
        self.skip -= n;
    }

    /// The head of the next frame, when all of it is here (RFC 6455 §5.2).
    fn head(&self) -> Result<Option<Head>, Breach> {
        let bytes = &self.buffer[self.taken..self.filled];
        let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
        if first & 0x70 != 0 {
            return Err(Breach::ReservedBits);
        }
        if second & 0x80 != 0 {
            return Err(Breach::Masked);
        }
        let (head_bytes, payload_bytes) = match (second, rest) {
            (126, &[a, b, ..]) => (4, u64::from(u16::from_be_bytes([a, b]))),
            (127, &[a, b, c, d, e, f, g, h, ..]) => (10, u64::from_be_bytes([a, b, c, d, e, f, g, h])),
            (126 | 127, _) => return Ok(None),
            (short, _) => (2, u64::from(short)),
        };
        if payload_bytes >> 63 != 0 {
            return Err(Breach::Length);
        }
        Ok(Some(Head { fin: first & 0x80 != 0, opcode: first & 0x0f, head_bytes, payload_bytes }))
    }

    /// Whether this frame may come now (§5.4, §5.5).
    fn check_order(&self, head: &Head) -> Result<(), Breach> {
        let inside = self.state != Assembly::None;
        match head.opcode {
            0 if !inside => Err(Breach::Fragments),
            1 | 2 if inside => Err(Breach::Fragments),
            0..=2 => Ok(()),
            8..=10 if head.fin && head.payload_bytes <= CONTROL_BYTES_MAX => Ok(()),
            8..=10 => Err(Breach::Control),
            _ => Err(Breach::Opcode),
        }
    }

    fn is_too_large(&self, head: &Head) -> bool {
        let kept = match self.state {
            Assembly::None => 0,
            Assembly::Kept => self.message.1 - self.message.0,
            Assembly::Dropped => return true,
        };
        head.payload_bytes > (self.message_bytes_max - kept) as u64
    }

    /// Skips a frame of a message that is too large; true when the message ends with it.
    fn drop_frame(&mut self, head: &Head) -> bool {
        self.taken += head.head_bytes;
        self.skip = head.payload_bytes;
        self.state = if head.fin { Assembly::None } else { Assembly::Dropped };
        head.fin
    }

    /// Takes the whole frame whose payload is at `start..self.taken`.
    fn take_frame(&mut self, head: &Head, start: usize) -> Option<Found> {
        let end = self.taken;
        match head.opcode {
            8 => {
                let code = self.buffer[start..end].first_chunk().map(|&code| u16::from_be_bytes(code));
                return Some(Found::Close(code));
            }
            9 => return Some(Found::Ping(start, end)),
            10 => return Some(Found::Pong),
            0 => {
                self.buffer.copy_within(start..end, self.message.1);
                self.message.1 += end - start;
            }
            _ => self.message = (start, end),
        }
        self.state = if head.fin { Assembly::None } else { Assembly::Kept };
        head.fin.then_some(Found::Message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug, PartialEq)]
    enum Got {
        Message(Vec<u8>),
        Ping(Vec<u8>),
        Pong,
        Close(Option<u16>),
        TooLarge,
    }

    fn frame(fin: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![u8::from(fin) << 7 | opcode];
        match payload.len() {
            n @ 0..126 => bytes.push(n as u8),
            n @ 126..65536 => {
                bytes.push(126);
                bytes.extend((n as u16).to_be_bytes());
            }
            n => {
                bytes.push(127);
                bytes.extend((n as u64).to_be_bytes());
            }
        }
        bytes.extend(payload);
        bytes
    }

    fn drain(framer: &mut Framer, got: &mut Vec<Got>) -> Result<(), Breach> {
        while let Some(item) = framer.pull()? {
            got.push(match item {
                Item::Message(frame) => {
                    assert!(frame.buffer().len() >= FRAME_HEAD + frame.payload().len() + FRAME_TAIL);
                    Got::Message(frame.payload().to_vec())
                }
                Item::Ping(bytes) => Got::Ping(bytes.to_vec()),
                Item::Pong => Got::Pong,
                Item::Close(code) => Got::Close(code),
                Item::TooLarge => Got::TooLarge,
            });
        }
        Ok(())
    }

    fn read(framer: &mut Framer, pieces: &[&[u8]]) -> Result<Vec<Got>, Breach> {
        let mut got = Vec::new();
        for piece in pieces {
            let mut rest = *piece;
            while !rest.is_empty() {
                rest = &rest[framer.preload(rest)..];
                drain(framer, &mut got)?;
            }
        }
        Ok(got)
    }

    const MAX: usize = 100_000;

    fn breach_of(bytes: &[u8]) -> Option<Breach> {
        read(&mut Framer::new(MAX), &[bytes]).err()
    }

    #[test]
    fn each_breach_of_the_protocol_is_told_apart() {
        assert_eq!(breach_of(&[0x81, 0x81, 1, 2, 3, 4, 5]), Some(Breach::Masked));
        assert_eq!(breach_of(&[0xc1, 0]), Some(Breach::ReservedBits));
        assert_eq!(breach_of(&[0x83, 0]), Some(Breach::Opcode));
        assert_eq!(breach_of(&[0x8b, 0]), Some(Breach::Opcode));
        assert_eq!(breach_of(&[0x09, 0]), Some(Breach::Control));
        assert_eq!(breach_of(&[0x89, 126, 0, 126]), Some(Breach::Control));
        assert_eq!(breach_of(&[0x80, 0]), Some(Breach::Fragments));
        assert_eq!(breach_of(&[0x01, 0, 0x81, 0]), Some(Breach::Fragments));
        assert_eq!(breach_of(&[0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), Some(Breach::Length));
        assert_eq!(breach_of(&[0x81, 0]), None);
    }

    #[test]
    fn a_message_above_the_limit_is_skipped_and_the_next_one_is_read() {
        let mut framer = Framer::new(1000);
        let mut bytes = frame(true, 2, &vec![7; 300_000]);
        bytes.extend(frame(false, 1, &[1; 600]));
        bytes.extend(frame(false, 0, &[2; 600]));
        bytes.extend(frame(true, 9, b"hi"));
        bytes.extend(frame(true, 0, &[3; 600]));
        bytes.extend(frame(true, 1, &[4; 1000]));
        let got = read(&mut framer, &[&bytes]).unwrap();
        let expected = [Got::TooLarge, Got::Ping(b"hi".to_vec()), Got::TooLarge, Got::Message(vec![4; 1000])];
        assert_eq!(got, expected);
    }

    #[test]
    fn a_close_gives_its_code() {
        let got = |payload: &[u8]| read(&mut Framer::new(MAX), &[&frame(true, 8, payload)]).unwrap();
        assert_eq!(got(&[0x03, 0xe8, b'x']), [Got::Close(Some(1000))]);
        assert_eq!(got(&[]), [Got::Close(None)]);
    }

    /// A message in fragments with control frames between them, as bytes and as what must come out.
    fn message() -> impl Strategy<Value = (Vec<u8>, Vec<Got>)> {
        let fragment = prop_oneof![4 => 0..200usize, 1 => 60_000..70_000usize];
        let control = prop_oneof![3 => Just(0u8), 1 => Just(9u8), 1 => Just(10u8)];
        (1..=2u8, prop::collection::vec((fragment, any::<u8>(), control), 1..4)).prop_map(|(opcode, fragments)| {
            let (mut bytes, mut got, mut whole) = (Vec::new(), Vec::new(), Vec::new());
            let last = fragments.len() - 1;
            for (i, (len, fill, control)) in fragments.into_iter().enumerate() {
                let payload: Vec<u8> = (0..len).map(|n| fill.wrapping_add(n as u8)).collect();
                if control != 0 {
                    bytes.extend(frame(true, control, &[fill; 3]));
                    got.push(if control == 9 { Got::Ping(vec![fill; 3]) } else { Got::Pong });
                }
                bytes.extend(frame(i == last, if i == 0 { opcode } else { 0 }, &payload));
                whole.extend(payload);
            }
            got.push(if whole.len() > MAX { Got::TooLarge } else { Got::Message(whole) });
            (bytes, got)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_split_of_the_stream_gives_the_same_messages(
            messages in prop::collection::vec(message(), 1..6),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes: Vec<u8> = messages.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
            let expected: Vec<Got> = messages.into_iter().flat_map(|(_, got)| got).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(read(&mut Framer::new(MAX), &pieces).unwrap(), expected);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _any = read(&mut Framer::new(300), &[&bytes]);
        }
    }
}
