//! Speaks on a connection that is past its upgrade and not yet with its thread: sends masked text, waits
//! for the answers, and keeps every byte that came, because the thread must see all of them.

use crate::connect::ConnectError;
use highwire_engine::framer::{Framer, Item};
use highwire_links::limits::FRAME_BYTES_MAX;
use highwire_supervision::dice::Dice;
use highwire_supervision::ending::End;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// More than this is not kept: the thread takes over and learns the rest itself.
const KEPT_BYTES_MAX: usize = 256 << 10;
/// Opcodes and the bit of a last fragment (RFC 6455 §5.2).
const TEXT: u8 = 0x81;
const PONG: u8 = 0x8a;

/// A conversation.
pub struct Talk<S> {
    io: S,
    framer: Framer,
    raw: Vec<u8>,
    masks: Dice,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Message(Vec<u8>),
    /// So much came that the thread must take over now.
    Enough,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<S> {
    /// Begins with what came behind the upgrade.
    pub fn new(io: S, tail: Vec<u8>, seed: u64) -> Self {
        let mut framer = Framer::new(FRAME_BYTES_MAX);
        framer.preload(&tail);
        Self { io, framer, raw: tail, masks: Dice::new(seed) }
    }

    /// Sends a text message.
    ///
    /// # Errors
    /// The socket's.
    pub async fn say(&mut self, text: &str) -> Result<(), ConnectError> {
        self.send(TEXT, text.as_bytes()).await
    }

    async fn send(&mut self, head: u8, payload: &[u8]) -> Result<(), ConnectError> {
        let frame = masked(head, payload, self.masks.roll());
        self.io.write_all(&frame).await.map_err(ConnectError::of_socket)?;
        self.io.flush().await.map_err(ConnectError::of_socket)
    }

    /// Waits for the next message, answering pings meanwhile.
    ///
    /// # Errors
    /// The connection ended, or broke the protocol.
    pub async fn hear(&mut self) -> Result<Heard, ConnectError> {
        loop {
            let ping = match self.framer.pull() {
                Ok(Some(Item::Message(frame))) => return Ok(Heard::Message(frame.payload().to_vec())),
                Ok(Some(Item::Ping(payload))) => Some(payload.to_vec()),
                Ok(Some(Item::Pong)) => continue,
                Ok(Some(Item::TooLarge)) => return Ok(Heard::Enough),
                Ok(Some(Item::Close(code))) => {
                    return Err(ConnectError::new(End::Close(code), format!("closed with {code:?}")));
                }
                Ok(None) => None,
                Err(breach) => return Err(ConnectError::new(End::Protocol, format!("{breach:?}"))),
            };
            match ping {
                Some(payload) => self.send(PONG, &payload).await?,
                None if self.raw.len() >= KEPT_BYTES_MAX => return Ok(Heard::Enough),
                None => self.read().await?,
            }
        }
    }

    async fn read(&mut self) -> Result<(), ConnectError> {
        let start = self.raw.len();
        let mut chunk = [0; 16 << 10];
        let count = self.io.read(&mut chunk).await.map_err(ConnectError::of_socket)?;
        if count == 0 {
            return Err(ConnectError::new(End::Fin, "ended without a close frame".to_owned()));
        }
        self.raw.extend_from_slice(&chunk[..count]);
        self.framer.preload(&self.raw[start..]);
        Ok(())
    }

    /// The stream, and every byte that came since the upgrade.
    pub fn into_parts(self) -> (S, Vec<u8>) {
        (self.io, self.raw)
    }
}

/// One whole frame of a client, masked (RFC 6455 §5.2, §5.3).
fn masked(head: u8, payload: &[u8], mask: u64) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(head);
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    let mask = (mask as u32).to_be_bytes();
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::{Message, protocol::Role};

    #[tokio::test]
    async fn what_is_said_arrives_whatever_its_length_and_every_byte_heard_is_kept() {
        let (near, far) = tokio::io::duplex(1 << 20);
        let mut server = tokio_tungstenite::WebSocketStream::from_raw_socket(far, Role::Server, None).await;
        let mut talk = Talk::new(near, Vec::new(), 1);
        for len in [0, 125, 126, 70_000] {
            talk.say(&"x".repeat(len)).await.unwrap();
            assert_eq!(server.next().await.unwrap().unwrap().into_text().unwrap().len(), len);
        }
        server.send(Message::Ping("p".into())).await.unwrap();
        server.send(Message::text("one")).await.unwrap();
        server.send(Message::text("two")).await.unwrap();
        assert_eq!(talk.hear().await.unwrap(), Heard::Message(b"one".to_vec()));
        assert_eq!(server.next().await.unwrap().unwrap(), Message::Pong("p".into()));
        assert_eq!(talk.hear().await.unwrap(), Heard::Message(b"two".to_vec()));
        drop(server);
        assert_eq!(talk.hear().await.unwrap_err().end, End::Fin);
        assert_eq!(talk.into_parts().1, b"\x89\x01p\x81\x03one\x81\x03two");
    }

    #[tokio::test]
    async fn a_flood_is_left_to_the_thread() {
        let (near, far) = tokio::io::duplex(1 << 20);
        let mut server = tokio_tungstenite::WebSocketStream::from_raw_socket(far, Role::Server, None).await;
        server.send(Message::text("x".repeat(KEPT_BYTES_MAX + 1))).await.unwrap();
        let mut talk = Talk::new(near, Vec::new(), 1);
        assert!(matches!(talk.hear().await.unwrap(), Heard::Enough | Heard::Message(_)));
    }
}
