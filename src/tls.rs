//! The process's one choice of cryptography, made before the first TLS client exists.

/// Makes `ring` the provider of every TLS client. Called by whoever is about to build one; a provider
/// that is there already stays.
pub fn choose_provider() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
