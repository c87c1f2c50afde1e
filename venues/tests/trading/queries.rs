//! Questions about an account: what is asked, and what answers say.
