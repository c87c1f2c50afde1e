//! Stories of the running service, told from outside: real sockets, real threads, real files.

#![allow(clippy::unwrap_used, reason = "a test ends by panic; helpers are outside test functions")]

mod alerts;
mod asleep;
mod causes;
mod cores;
mod crowds;
mod demo;
mod forgery;
mod halts;
mod http;
mod intruders;
mod logs;
mod orders;
mod record;
mod report;
mod run;
mod running;
mod simulate;
mod telegram;
mod traces;
