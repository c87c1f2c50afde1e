//! An answer that unpacks to a thousand times its size: zeros in gzip (RFC 1952, 1951), written by hand, since nothing
//! here packs anything else. One zero, then copies of it 258 at a time, in the fixed code.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The longest copy that deflate knows, in bytes.
const COPY: u64 = 258;
/// In the fixed code: the zero, a copy of 258 bytes from one byte back, and the end of the block. First bit first.
const ZERO: &str = "00110000";
const COPIED: &str = "1100010100000";
const END: &str = "0000000";

/// So many MiB of zeros.
pub(super) fn answer(mib: u32) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_ENCODING, "gzip")];
    (headers, Body::from(packed(u64::from(mib) << 20))).into_response()
}

/// At least `bytes` zeros, packed.
fn packed(bytes: u64) -> Vec<u8> {
    let copies = bytes.div_ceil(COPY);
    // Magic, deflate, no flags, no time, unknown system.
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut bits = Bits::default();
    // The last block, in the fixed code.
    bits.put("110", &mut out);
    bits.put(ZERO, &mut out);
    (0..copies).for_each(|_| bits.put(COPIED, &mut out));
    bits.put(END, &mut out);
    bits.put("0000000", &mut out);
    // Whoever bounds what he unpacks never comes to the checksum and the length, which are wrong.
    out.extend([0; 8]);
    out
}

/// Bits into bytes, the lowest first.
#[derive(Default)]
struct Bits {
    byte: u8,
    used: u32,
}

impl Bits {
    fn put(&mut self, bits: &str, out: &mut Vec<u8>) {
        for bit in bits.bytes() {
            self.byte |= (bit - b'0') << self.used;
            self.used += 1;
            if self.used == 8 {
                out.push(std::mem::take(&mut self.byte));
                self.used = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    #[test]
    fn a_mebibyte_of_zeros_is_packed_to_a_few_kilobytes_that_unpack() {
        let packed = packed(1 << 20);
        assert!((5_000..8_000).contains(&packed.len()), "{}", packed.len());
        let mut gzip =
            Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("gzip");
        // So little fits the pipe at once; the checksum is wrong, what comes before it is there.
        gzip.stdin.take().expect("a pipe").write_all(&packed).expect("written");
        let zeros = gzip.wait_with_output().expect("gzip ends").stdout;
        assert!(zeros.len() >= 1 << 20 && zeros.iter().all(|&byte| byte == 0), "{}", zeros.len());
    }
}
