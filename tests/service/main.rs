//! Stories of the running service, told from outside: real sockets, real threads, real files.

mod record;
mod traces;
