//! What sprig's functions need of the world.

use crate::time::Time;

/// The clock, random numbers and what else a template cannot know, given by the caller.
pub trait World: Send + Sync {
    /// The time now.
    fn now(&self) -> Time;

    /// Fills `bytes` with random ones that nobody can guess.
    fn random(&self, bytes: &mut [u8]);

    /// The addresses that a host's name has; none where names are not to be looked up.
    fn addresses(&self, host: &str) -> Vec<String> {
        let _ = host;
        Vec::new()
    }
}

/// A random number below `bound`, each one as likely; 0 where nothing is below.
pub(super) fn random_below(world: &dyn World, bound: u64) -> u64 {
    if bound < 2 {
        return 0;
    }
    // Numbers of the last, incomplete row would favour the low ones.
    let rows = u64::MAX / bound;
    loop {
        let mut bytes = [0; 8];
        world.random(&mut bytes);
        let number = u64::from_le_bytes(bytes);
        if number < rows * bound {
            return number % bound;
        }
    }
}
