//! The rooms as a stranger sees them: a plain WebSocket client and serde_json against real sockets,
//! each venue's documented book algorithm over plain maps, compared with the simulator's ground truth.

#![allow(clippy::unwrap_used)] // a failed step of a test is a failed test, helpers included

mod answers;
mod bybit_orders;
mod client;
mod connections;
mod faults;
mod follow;
mod members;
mod okx_orders;
mod order_faults;
mod orders;
mod port;
mod pushes;
mod requests;
mod secure;
mod sessions;
mod sockets;
mod trader;
mod wires;
