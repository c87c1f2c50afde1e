//! What a connection has to write: masked control frames and heartbeats, few and small. A write that
//! the socket takes only in part is finished later; a frame that finds no room is left out, which
//! RFC 6455 §5.5.3 permits for pongs.

use std::io::{self, ErrorKind, Write};

/// Room for frames that wait for the socket.
const OUTBOX_BYTES: usize = 1024;
/// Longest payload of one outgoing frame.
pub const PAYLOAD_BYTES_MAX: usize = 125;

/// Opcode of a text frame (RFC 6455 §5.2).
pub const TEXT: u8 = 1;
/// Opcode of a close frame.
pub const CLOSE: u8 = 8;
/// Opcode of a pong frame.
pub const PONG: u8 = 10;

/// Frames on their way out.
#[derive(Debug)]
pub struct Outbox {
    bytes: Box<[u8; OUTBOX_BYTES]>,
    len: usize,
    mask_state: u64,
}

impl Outbox {
    /// An empty outbox; masks are drawn from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { bytes: Box::new([0; OUTBOX_BYTES]), len: 0, mask_state: seed }
    }

    /// Adds a masked frame (RFC 6455 §5.3); false when it is too long or there is no room.
    pub fn push(&mut self, opcode: u8, payload: &[u8]) -> bool {
        let end = self.len + 6 + payload.len();
        if payload.len() > PAYLOAD_BYTES_MAX || end > OUTBOX_BYTES {
            return false;
        }
        let mask = self.mask();
        let frame = &mut self.bytes[self.len..end];
        frame[0] = 0x80 | opcode;
        frame[1] = 0x80 | payload.len() as u8;
        frame[2..6].copy_from_slice(&mask);
        for (i, (to, from)) in frame[6..].iter_mut().zip(payload).enumerate() {
            *to = from ^ mask[i % 4];
        }
        self.len = end;
        true
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
        let mut outbox = Outbox::new(1);
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
        let mut outbox = Outbox::new(1);
        let pushed = (0..100).take_while(|_| outbox.push(PONG, &[0; 100])).count();
        assert_eq!(pushed, OUTBOX_BYTES / 106);
        assert!(!Outbox::new(1).push(PONG, &[0; 126]));
    }
}
