//! A narrow passage between the service and a venue: on both of its sides the kernel's least buffers (Linux gives about two
//! kilobytes, whatever less is asked for), and it can stop taking anything from the venue.

use rustix::net::{AddressFamily, SocketType, sockopt};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Bytes taken at once.
const PIECE: usize = 512;

/// While this is set nothing of the venue is taken.
pub type Held = Arc<AtomicBool>;

/// The address of a passage to the venue at this one.
pub fn passage(ws: &str, held: &Held) -> String {
    let to: SocketAddr = ws.trim_start_matches("ws://").parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let held = Arc::clone(held);
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            // A venue that is gone refuses: so does its passage.
            let Ok(far) = narrow(to) else { continue };
            sockopt::set_socket_send_buffer_size(&near, 1).unwrap();
            join(&near, &far, &held);
        }
    });
    address
}

/// A connection whose receive window is the least there is; it must be set before.
fn narrow(to: SocketAddr) -> rustix::io::Result<TcpStream> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None)?;
    sockopt::set_socket_recv_buffer_size(&socket, 1)?;
    rustix::net::connect(&socket, &to)?;
    Ok(socket.into())
}

fn join(near: &TcpStream, far: &TcpStream, held: &Held) {
    let (up, down) = (clones(near, far), clones(far, near));
    let (released, taken) = (Arc::clone(held), Arc::clone(held));
    thread::spawn(move || pass(up, || (), || await_release(&released)));
    thread::spawn(move || pass(down, || await_release(&taken), || await_release(&taken)));
}

fn await_release(held: &Held) {
    while held.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(5));
    }
}

fn clones(from: &TcpStream, to: &TcpStream) -> (TcpStream, TcpStream) {
    (from.try_clone().unwrap(), to.try_clone().unwrap())
}

/// Passes bytes on until one side ends; before each piece, and before the end is passed on, it waits.
fn pass((mut from, mut to): (TcpStream, TcpStream), before_piece: impl Fn(), before_end: impl Fn()) {
    let mut piece = [0; PIECE];
    loop {
        before_piece();
        let read = from.read(&mut piece).unwrap_or(0);
        if read == 0 || to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    before_end();
    // Whoever has ended already has no side to shut.
    let _ended = (to.shutdown(Shutdown::Write), from.shutdown(Shutdown::Read));
}
