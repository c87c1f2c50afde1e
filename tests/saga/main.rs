//! Proof that a trade of several legs always ends flat, hedged or escalated: every interleaving of a
//! small world around the one transition function, and seeded walks of whole trades through the
//! stepped engine at venues that misbehave.

mod explore;
mod record;
mod venues;
mod walks;
mod world;
