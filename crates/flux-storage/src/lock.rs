//! One writer for each object's directory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

/// Locks by key, kept only while somebody holds or awaits them.
#[derive(Debug)]
pub(crate) struct KeyedLocks<K> {
    locks: Mutex<HashMap<K, Arc<Mutex<()>>>>,
}

impl<K: Eq + Hash + Clone> KeyedLocks<K> {
    pub(crate) fn new() -> Self {
        Self { locks: Mutex::new(HashMap::new()) }
    }

    /// Runs `work` while nobody else runs under the same key.
    pub(crate) fn locked<T>(&self, key: &K, work: impl FnOnce() -> T) -> T {
        let lock = Arc::clone(self.locks.lock().entry(key.clone()).or_default());
        let user = User { locks: self, key, lock: Some(lock) };
        let _held: Option<MutexGuard<'_, ()>> = user.lock.as_ref().map(|lock| lock.lock());
        work()
    }
}

/// Somebody who holds or awaits a lock.
struct User<'a, K: Eq + Hash> {
    locks: &'a KeyedLocks<K>,
    key: &'a K,
    /// There until the user leaves.
    lock: Option<Arc<Mutex<()>>>,
}

impl<K: Eq + Hash> Drop for User<'_, K> {
    fn drop(&mut self) {
        let mut locks = self.locks.locks.lock();
        // Given back before the others are counted, so that of two who leave at once the second one sees that it is.
        self.lock = None;
        if locks.get(self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            locks.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn one_key_has_one_holder_and_nothing_is_kept_afterwards() {
        let (locks, inside, most) = (KeyedLocks::new(), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        locks.locked(&"key", || {
                            most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                            thread::yield_now();
                            inside.fetch_sub(1, Ordering::SeqCst);
                        });
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 1);
        assert!(locks.locks.lock().is_empty());
    }
}
