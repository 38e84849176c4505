//! The order of keys.

use std::cmp::Ordering;

/// The order in which the Go libraries print keys: letters after everything else, numbers by their value.
///
/// It is not a total order for every set of keys, which the printer copes with.
pub fn natural(a: &str, b: &str) -> Ordering {
    if less(a, b) {
        Ordering::Less
    } else if less(b, a) {
        Ordering::Greater
    } else {
        Ordering::Equal
    }
}

/// Sorts by [`less`] without relying on its being a total order, as the standard sort does.
pub(crate) fn sort<T>(items: Vec<T>, key: &dyn Fn(&T) -> &str) -> Vec<T> {
    if items.len() < 2 || items.windows(2).all(|pair| !less(key(&pair[1]), key(&pair[0]))) {
        return items;
    }
    let mut left = items;
    let right = sort(left.split_off(left.len() / 2), key);
    let mut left = sort(left, key).into_iter().peekable();
    let mut right = right.into_iter().peekable();
    let mut merged = Vec::with_capacity(left.len() + right.len());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if less(key(b), key(a)) { right.next() } else { left.next() };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    merged
}

fn less(a: &str, b: &str) -> bool {
    // The common start decides nothing, but digits in it matter to a zero that follows.
    let shared = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let shared = (0..=shared).rev().find(|at| a.is_char_boundary(*at) && b.is_char_boundary(*at)).unwrap_or(0);
    let (rest_a, rest_b) = (&a[shared..], &b[shared..]);
    let (Some(x), Some(y)) = (rest_a.chars().next(), rest_b.chars().next()) else {
        return rest_a.is_empty() && !rest_b.is_empty();
    };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x < y,
        (false, true) => return true,
        (true, false) => return false,
        (false, false) => {}
    }
    let in_number =
        (x == '0' || y == '0') && a[..shared].bytes().rev().take_while(u8::is_ascii_digit).any(|digit| digit != b'0');
    let (value_a, width_a) = leading_number(rest_a, in_number);
    let (value_b, width_b) = leading_number(rest_b, in_number);
    (value_a, width_a, x) < (value_b, width_b, y)
}

fn leading_number(text: &str, in_number: bool) -> (i64, usize) {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold((i64::from(in_number), 0), |(value, width), digit| {
        (value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')), width + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_in_gos_natural_order() {
        let sorted = ["1", "2", "10", "a_True", "a_on", "a10", "ab", "s2", "s10", "ä"];
        let mut shuffled = sorted.to_vec();
        shuffled.reverse();
        assert_eq!(sort(shuffled, &|key| key), sorted);
    }
}
