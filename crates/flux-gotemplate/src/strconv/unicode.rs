//! Go's classes of runes.

use super::unicode_tables::{DIGITS, LETTERS, PRINTABLE};

/// Whether the rune is a letter (category L).
pub fn is_letter(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_alphabetic();
    }
    contains(LETTERS, rune)
}

/// Whether the rune is a decimal digit (category Nd).
pub fn is_digit(rune: char) -> bool {
    if rune.is_ascii() {
        return rune.is_ascii_digit();
    }
    contains(DIGITS, rune)
}

/// Whether Go prints the rune as it is in quoted strings.
pub fn is_print(rune: char) -> bool {
    if rune.is_ascii() {
        return (' '..='~').contains(&rune);
    }
    contains(PRINTABLE, rune)
}

fn contains(bounds: &[u32], rune: char) -> bool {
    bounds.partition_point(|bound| *bound <= u32::from(rune)) % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runes_have_the_classes_that_go_gives_them() {
        assert!(is_letter('é') && is_letter('世') && !is_letter('1') && !is_letter('\u{300}'));
        assert!(is_digit('٣') && !is_digit('½') && !is_digit('a'));
        assert!(is_print('½') && !is_print('\u{a0}') && !is_print('\u{ad}') && !is_print('\u{7f}'));
    }
}
