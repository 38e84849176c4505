//! Inputs made of seeds: the same numbers give the same input, so that a failure can be had again.

/// The longest input.
pub const LONGEST: usize = 16 << 10;

/// Numbers that look random (splitmix64).
#[derive(Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % end.max(1) as u64).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap_or_default()
    }
}

/// The input number `iteration` of a run: first the seeds themselves, then mutations of them.
pub fn input(seeds: &[Vec<u8>], words: &[&str], seed: u64, iteration: u64) -> Vec<u8> {
    if let Some(own) = usize::try_from(iteration).ok().and_then(|at| seeds.get(at)) {
        return own.clone();
    }
    let mut numbers = Numbers::new(seed ^ iteration.wrapping_mul(0xD1B5_4A32_D192_ED03));
    let mut input = pick(seeds, &mut numbers).clone();
    for _ in 0..=numbers.below(6) {
        change(&mut input, seeds, words, &mut numbers);
        input.truncate(LONGEST);
    }
    input
}

fn pick<'a>(seeds: &'a [Vec<u8>], numbers: &mut Numbers) -> &'a Vec<u8> {
    static EMPTY: Vec<u8> = Vec::new();
    seeds.get(numbers.below(seeds.len())).unwrap_or(&EMPTY)
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&str], numbers: &mut Numbers) {
    let at = numbers.below(input.len() + 1);
    let end = (at + numbers.below(24)).min(input.len());
    match numbers.below(9) {
        0 => drop(input.drain(at..end)),
        1 => {
            let piece = input[at..end].to_vec();
            insert(input, at, &piece);
        }
        2 => {
            let piece = input[at..end].repeat(1 + numbers.below(64));
            insert(input, at, &piece);
        }
        3 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = numbers.byte();
            }
        }
        4 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << numbers.below(7);
            }
        }
        5 => {
            let other = pick(seeds, numbers);
            let from = numbers.below(other.len() + 1);
            let to = (from + numbers.below(200)).min(other.len());
            insert(input, at, &other[from..to]);
        }
        6 => insert(input, at, "9".repeat(1 + numbers.below(40)).as_bytes()),
        _ => match words.get(numbers.below(words.len())) {
            Some(word) => insert(input, at, word.as_bytes()),
            None => input.push(numbers.byte()),
        },
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    input.splice(at..at, piece.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_numbers_give_the_same_input() {
        let seeds = [b"a: 1\n".to_vec(), b"- b\n".to_vec()];
        let inputs = |seed| (0..100).map(|iteration| input(&seeds, &["&x "], seed, iteration)).collect::<Vec<_>>();
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        assert_eq!(inputs(1)[..2], seeds);
        assert!(inputs(1).iter().all(|input| input.len() <= LONGEST));
    }
}
