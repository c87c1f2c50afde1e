//! Rule `unsafe`: `unsafe` stands only in the files listed here, each small and with one purpose, and
//! every block and impl says in a `// SAFETY:` comment directly above why it is sound, every public
//! function in a `# Safety` section what it asks for. (Other unsafe functions fulfil a trait or have
//! their blocks explained: `unsafe_op_in_unsafe_fn` is denied.)

use super::finding::Finding;
use super::source::{Source, contains_word};

/// Files that may hold `unsafe`, with what for.
const FILES: &[&str] = &[
    // The global allocator that counts.
    "src/allocator.rs",
    // Memory that outlives the process, for what leaves in its last moment.
    "store/src/journal/mapping.rs",
    // Vector instructions of the structural scan, chosen at run time.
    "venues/src/scan/simd.rs",
];

/// Checks one source.
pub fn check(source: &Source) -> Vec<Finding> {
    let listed = FILES.contains(&source.path.as_str());
    let uses =
        source.code.lines().enumerate().filter(|(_, line)| contains_word(line, "unsafe") && !line.contains("unsafe_"));
    let told = |at: usize| {
        if !listed {
            let why =
                "this file is not on the list of files that may hold `unsafe` (ops/xtask/src/tidy/unsafe_code.rs)";
            return Some(Finding::at(&source.path, at + 1, "unsafe", why));
        }
        let line = source.code.lines().nth(at).unwrap_or("");
        if line.contains("unsafe fn") && !line.contains("pub unsafe fn") {
            return None;
        }
        let above = source.comment_above(at);
        let reasoned = above.contains("SAFETY:") || above.contains("# Safety");
        (!reasoned)
            .then(|| Finding::at(&source.path, at + 1, "unsafe", "say why it is sound in a `// SAFETY:` comment above"))
    };
    uses.filter_map(|(at, _)| told(at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_needs_a_place_and_a_reason() {
        let check = |path: &str, text: &str, expect: usize| {
            assert_eq!(check(&Source::new(path, text)).len(), expect, "{path}: {text}");
        };
        check("engine/src/a.rs", "// SAFETY: sound.\nunsafe { a() }\n", 1);
        check(FILES[0], "// SAFETY: sound.\nunsafe { a() }\n", 0);
        check(FILES[0], "unsafe { a() }\n", 1);
        check(FILES[0], "/// # Safety\n/// Never.\n#[inline]\npub unsafe fn a() {}\n", 0);
        check(FILES[0], "pub unsafe fn a() {}\n", 1);
        check(FILES[0], "// SAFETY: as the trait asks.\nunsafe impl A for B {\n    unsafe fn a() {}\n}\n", 0);
        check("engine/src/a.rs", "#![deny(unsafe_code)]\n// unsafe\n", 0);
    }
}
