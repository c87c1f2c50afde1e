//! Real orders on simulated venues: a service of its own process trades over sockets, faults are done to the
//! venues, and the simulator's ledger is the judge.

mod account;
mod answers;
mod judge;
mod legs;
mod limits;
mod reports;
mod rig;
mod risk;
mod stream;
mod trade;
