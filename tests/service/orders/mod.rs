//! Real orders on simulated venues: a service of its own process trades over sockets, faults are done to the
//! venues, and the simulator's ledger is the judge.

mod faults;
mod judge;
mod rig;
mod trade;
