//! Secrets split into parts of which some are enough: Shamir's scheme over GF(2^8), in the layout of Vault.

use zeroize::Zeroizing;

use crate::{Random, ShamirError};

/// Splits `secret` into `parts`, of which any `threshold` give it back.
pub(crate) fn split(
    secret: &[u8],
    parts: usize,
    threshold: usize,
    random: &mut Random<'_>,
) -> Result<Vec<Zeroizing<Vec<u8>>>, ShamirError> {
    let (Ok(count), Ok(degree)) = (u8::try_from(parts), u8::try_from(threshold)) else {
        return Err(ShamirError::Threshold);
    };
    if degree < 2 || degree > count {
        return Err(ShamirError::Threshold);
    }
    if secret.is_empty() {
        return Err(ShamirError::Empty);
    }
    // Each part is the values of all polynomials at one place, and that place at the end.
    let mut shares: Vec<_> = (1..=count).map(|_| Zeroizing::new(Vec::with_capacity(secret.len() + 1))).collect();
    let mut coefficients = Zeroizing::new(vec![0; usize::from(degree)]);
    for byte in secret {
        random(&mut coefficients);
        coefficients[0] = *byte;
        for (share, x) in shares.iter_mut().zip(1..) {
            share.push(coefficients.iter().rev().fold(0, |sum, coefficient| multiply(sum, x) ^ coefficient));
        }
    }
    for (share, x) in shares.iter_mut().zip(1..) {
        share.push(x);
    }
    Ok(shares)
}

/// The secret that the parts were split from, provided that they are enough; there is no way to tell.
pub(crate) fn combine(parts: &[Zeroizing<Vec<u8>>]) -> Result<Zeroizing<Vec<u8>>, ShamirError> {
    let [first, _, ..] = parts else { return Err(ShamirError::TooFew) };
    if first.len() < 2 {
        return Err(ShamirError::TooShort);
    }
    if parts.iter().any(|part| part.len() != first.len()) {
        return Err(ShamirError::Lengths);
    }
    let length = first.len() - 1;
    let places: Vec<u8> = parts.iter().map(|part| part[length]).collect();
    if places.iter().enumerate().any(|(index, place)| places[..index].contains(place)) {
        return Err(ShamirError::Duplicate);
    }
    // The value at 0 of the polynomial through all points: each part counts by a weight that hangs on the places only.
    let weights = places.iter().map(|own| {
        let others = places.iter().filter(|other| *other != own);
        others.fold(1, |weight, other| multiply(weight, multiply(*other, inverse(own ^ other))))
    });
    let mut secret = Zeroizing::new(vec![0; length]);
    for (part, weight) in parts.iter().zip(weights) {
        for (byte, value) in secret.iter_mut().zip(part.iter()) {
            *byte ^= multiply(*value, weight);
        }
    }
    Ok(secret)
}

/// The product modulo x^8 + x^4 + x^3 + x + 1, in a time that does not hang on the values.
fn multiply(a: u8, b: u8) -> u8 {
    let mut product = 0u8;
    for bit in (0..8).rev() {
        let carry = (product >> 7).wrapping_neg() & 0x1b;
        product = (product << 1) ^ carry ^ ((b >> bit & 1).wrapping_neg() & a);
    }
    product
}

/// The number by which `a` gives 1, which is its power of 254; 0 for 0.
fn inverse(a: u8) -> u8 {
    let mut power = a;
    let mut result = 1;
    // 254 has all bits but the lowest.
    for _ in 1..8 {
        power = multiply(power, power);
        result = multiply(result, power);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Vec<Zeroizing<Vec<u8>>> {
        let mut seed = 3u8;
        let mut random = |bytes: &mut [u8]| {
            for byte in bytes {
                seed = seed.wrapping_mul(29).wrapping_add(7);
                *byte = seed;
            }
        };
        split(b"0123456789", 5, 3, &mut random).unwrap()
    }

    #[test]
    fn the_field_is_that_of_aes() {
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(multiply(0x57, 0x13), 0xfe);
        assert!((1..=255).all(|a| multiply(a, inverse(a)) == 1));
    }

    #[test]
    fn enough_parts_give_the_secret_back() {
        let parts = parts();
        for chosen in [[0, 1, 2], [4, 2, 0], [3, 1, 4]] {
            let chosen: Vec<_> = chosen.iter().map(|index: &usize| parts[*index].clone()).collect();
            assert_eq!(combine(&chosen).unwrap().as_slice(), b"0123456789");
        }
        assert_eq!(combine(&parts).unwrap().as_slice(), b"0123456789");
    }

    #[test]
    fn too_few_parts_give_something_else() {
        assert_ne!(combine(&parts()[..2]).unwrap().as_slice(), b"0123456789");
        assert_eq!(combine(&parts()[..1]).err(), Some(ShamirError::TooFew));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let mut parts = parts();
        parts[1] = parts[0].clone();
        assert_eq!(combine(&parts).err(), Some(ShamirError::Duplicate));
        parts[1].push(1);
        assert_eq!(combine(&parts).err(), Some(ShamirError::Lengths));
        assert_eq!(split(b"x", 2, 3, &mut |_| {}).err(), Some(ShamirError::Threshold));
    }

    #[test]
    fn a_part_of_vault_is_read() {
        // Two of two over the line 0x05 + 0x02 x.
        let parts = [Zeroizing::new(vec![0x07, 1]), Zeroizing::new(vec![0x01, 2])];
        assert_eq!(combine(&parts).unwrap().as_slice(), &[0x05]);
    }
}
