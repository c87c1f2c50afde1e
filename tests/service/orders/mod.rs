//! Real orders on simulated venues: a service of its own process trades over sockets, faults are done to the
//! venues, and the simulator's ledger is the judge.

mod account;
mod answers;
mod breakers;
mod clock;
mod compound;
mod halting;
mod judge;
mod lag;
mod legs;
mod limits;
mod maker;
mod murders;
mod outcomes;
mod pauses;
mod polymarket;
mod reconcile;
mod reload;
mod reports;
mod rig;
mod risk;
mod scope;
mod storm;
mod stream;
mod trade;
mod wardens;
