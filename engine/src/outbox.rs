//! What a connection has to write: masked frames, or plain bytes on an HTTP line. A write that the socket
//! takes only in part is finished later; a frame that finds no room is refused whole, which RFC 6455 §5.5.3
//! permits for pongs.

use std::io::{self, ErrorKind, Write};

/// Longest payload of one outgoing frame: what a 16-bit length says.
const PAYLOAD_BYTES_MAX: usize = 65_535;
/// Longest payload whose length stands in the first two bytes.
const SHORT_BYTES_MAX: usize = 125;

/// Opcode of a text frame (RFC 6455 §5.2).
pub const TEXT: u8 = 1;
/// Opcode of a close frame.
pub const CLOSE: u8 = 8;
/// Opcode of a ping frame.
pub const PING: u8 = 9;
/// Opcode of a pong frame.
pub const PONG: u8 = 10;

/// Frames on their way out.
#[derive(Debug)]
pub struct Outbox {
    bytes: Box<[u8]>,
    len: usize,
    mask_state: u64,
}

impl Outbox {
    /// An empty outbox with room for `bytes`; masks are drawn from `seed`.
    pub fn new(seed: u64, bytes: usize) -> Self {
        Self { bytes: vec![0; bytes].into_boxed_slice(), len: 0, mask_state: seed }
    }

    /// Adds a masked frame (RFC 6455 §5.2, §5.3); false when it is too long or there is no room.
    pub fn push(&mut self, opcode: u8, payload: &[u8]) -> bool {
        let short = payload.len() <= SHORT_BYTES_MAX;
        let head_len = if short { 6 } else { 8 };
        let end = self.len + head_len + payload.len();
        if payload.len() > PAYLOAD_BYTES_MAX || end > self.bytes.len() {
            return false;
        }
        let mask = self.mask();
        let (head, body) = self.bytes[self.len..end].split_at_mut(head_len);
        head[0] = 0x80 | opcode;
        if short {
            head[1] = 0x80 | payload.len() as u8;
        } else {
            head[1] = 0x80 | 126;
            head[2..4].copy_from_slice(&(payload.len() as u16).to_be_bytes());
        }
        head[head_len - 4..].copy_from_slice(&mask);
        body.copy_from_slice(payload);
        cover(body, mask);
        self.len = end;
        true
    }

    /// Adds bytes as they are; false when there is no room.
    pub fn push_bytes(&mut self, bytes: &[u8]) -> bool {
        let end = self.len + bytes.len();
        let Some(to) = self.bytes.get_mut(self.len..end) else { return false };
        to.copy_from_slice(bytes);
        self.len = end;
        true
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Writes what the socket takes now; true when nothing is left.
    ///
    /// # Errors
    /// The socket's, other than that it would block.
    pub fn flush(&mut self, mut to: impl Write) -> io::Result<bool> {
        while self.len > 0 {
            match to.write(&self.bytes[..self.len]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.bytes.copy_within(n..self.len, 0);
                    self.len -= n;
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// The next mask: SplitMix64 (Steele, Lea, Flood 2014), high half.
    fn mask(&mut self) -> [u8; 4] {
        self.mask_state = self.mask_state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.mask_state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z >> 32) as u32).to_be_bytes()
    }
}

/// Masks bytes in place (RFC 6455 §5.3), eight at a time: an order waits for it.
fn cover(bytes: &mut [u8], mask: [u8; 4]) {
    let narrow = u32::from_ne_bytes(mask);
    let wide = u64::from(narrow) << 32 | u64::from(narrow);
    let (words, rest) = bytes.as_chunks_mut();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `.1` bytes a write, then would block once.
    struct Narrow(Vec<u8>, usize, bool);

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.2 = !self.2;
            if self.2 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let n = bytes.len().min(self.1);
            self.0.extend(&bytes[..n]);
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn partial_writes_lose_no_byte_and_frames_unmask_to_what_was_pushed() {
        let mut outbox = Outbox::new(1, 1024);
        assert!(outbox.push(PONG, b"hello") && outbox.push(TEXT, b"ping"));
        let mut socket = Narrow(Vec::new(), 3, false);
        while !outbox.flush(&mut socket).unwrap() {}
        let unmask = |frame: &[u8]| frame[6..].iter().zip(frame[2..6].iter().cycle()).map(|(b, m)| b ^ m).collect();
        let (pong, text) = socket.0.split_at(11);
        assert_eq!((pong[0], pong[1], text[0], text[1]), (0x8a, 0x85, 0x81, 0x84));
        assert_eq!((unmask(pong), unmask(text)), (b"hello".to_vec(), b"ping".to_vec()));
        assert_ne!(pong[2..6], text[2..6]);
    }

    #[test]
    fn what_finds_no_room_is_refused_whole() {
        let mut outbox = Outbox::new(1, 1024);
        let pushed = (0..100).take_while(|_| outbox.push(PONG, &[0; 100])).count();
        assert_eq!(pushed, 1024 / 106);
        assert!(!outbox.push_bytes(&[0; 1024]) && !Outbox::new(1, 1 << 17).push(TEXT, &[0; 65_536]));
    }

    #[test]
    fn a_longer_payload_has_its_length_in_two_more_bytes() {
        let mut outbox = Outbox::new(1, 1024);
        assert!(outbox.push(TEXT, &[7; 300]));
        let mut out = Vec::new();
        assert!(outbox.flush(&mut out).unwrap());
        assert_eq!((out.len(), out[1], u16::from_be_bytes([out[2], out[3]])), (308, 0x80 | 126, 300));
        assert!(out[8..].iter().zip(out[4..8].iter().cycle()).all(|(byte, mask)| byte ^ mask == 7));
    }
}
