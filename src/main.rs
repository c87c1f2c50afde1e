//! `highwire`: see [`highwire::cli`].

#[global_allocator]
static ALLOCATOR: highwire::allocator::Counting = highwire::allocator::Counting;

fn main() -> std::process::ExitCode {
    highwire::cli::main()
}
