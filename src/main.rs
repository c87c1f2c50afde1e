//! `highwire`: see [`highwire::cli`].

fn main() -> std::process::ExitCode {
    highwire::cli::main()
}
