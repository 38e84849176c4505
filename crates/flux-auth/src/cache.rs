//! A bounded cache of tokens, each dropped before it expires.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use crate::Token;

/// The share of a token's life for which it is used again, in percent; the rest leaves time for the request it is for.
const USED_LIFE_PERCENT: i32 = 80;

/// Tokens by a key of the caller's, which must name all that the token depends on, the credentials included.
/// When it is full, the one that was not asked for the longest goes.
#[derive(Debug)]
pub struct TokenCache {
    max_size: usize,
    max_duration: Duration,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    tokens: HashMap<String, Entry>,
    /// Counts look-ups, as a clock for what was not asked for the longest.
    uses: u64,
    /// How many went because the cache was full.
    evicted: u64,
}

struct Entry {
    token: Box<dyn Any + Send + Sync>,
    until: Timestamp,
    used: u64,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry(until {})", self.until)
    }
}

/// Where a token came from, for the metric `gotk_token_cache_events_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheEvent {
    /// From the cache.
    Hit,
    /// From its issuer.
    Miss,
}

impl TokenCache {
    /// A cache of at most `max_size` tokens (none at 0), each kept for at most `max_duration`.
    pub fn new(max_size: usize, max_duration: Duration) -> Self {
        Self { max_size, max_duration, entries: Mutex::default() }
    }

    /// The token kept under `key`, or a new one from `issue`, which is then kept. Two callers that ask at once for a
    /// missing token may both be issued one.
    pub async fn get_or_issue<T: Token, E>(
        &self,
        key: &str,
        now: Timestamp,
        issue: impl Future<Output = Result<T, E>>,
    ) -> Result<(T, CacheEvent), E> {
        if let Some(token) = self.get(key, now) {
            return Ok((token, CacheEvent::Hit));
        }
        let token = issue.await?;
        self.keep(key, now, &token);
        Ok((token, CacheEvent::Miss))
    }

    /// How many tokens went because the cache was full.
    pub fn evictions(&self) -> u64 {
        self.entries.lock().evicted
    }

    /// How many tokens are kept.
    pub fn len(&self) -> usize {
        self.entries.lock().tokens.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get<T: Token>(&self, key: &str, now: Timestamp) -> Option<T> {
        let mut entries = self.entries.lock();
        entries.uses += 1;
        let used = entries.uses;
        let entry = entries.tokens.get_mut(key).filter(|entry| entry.until > now)?;
        let token = entry.token.downcast_ref::<T>()?.clone();
        entry.used = used;
        Some(token)
    }

    fn keep<T: Token>(&self, key: &str, now: Timestamp, token: &T) {
        if self.max_size == 0 {
            return;
        }
        let life = now.duration_until(token.expires_at()) * USED_LIFE_PERCENT / 100;
        let longest = SignedDuration::try_from(self.max_duration).unwrap_or(SignedDuration::MAX);
        let Ok(until) = now.checked_add(life.min(longest)) else { return };
        let mut entries = self.entries.lock();
        entries.tokens.retain(|_, entry| entry.until > now);
        if entries.tokens.len() >= self.max_size && !entries.tokens.contains_key(key) {
            let oldest = entries.tokens.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            if oldest.and_then(|key| entries.tokens.remove(&key)).is_some() {
                entries.evicted += 1;
            }
        }
        let used = entries.uses;
        entries.tokens.insert(key.to_owned(), Entry { token: Box::new(token.clone()), until, used });
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::AccessToken;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    /// Asks at `now` for a token that would live 100 s; the token's text is the time at which it was issued.
    async fn ask(cache: &TokenCache, key: &str, now: i64) -> (String, CacheEvent) {
        let issue = async { Ok::<_, Infallible>(AccessToken::new(now.to_string(), at(now + 100))) };
        let (token, event) = cache.get_or_issue(key, at(now), issue).await.unwrap();
        (token.expose().to_owned(), event)
    }

    #[tokio::test]
    async fn a_token_is_used_again_for_four_fifths_of_its_life() {
        let cache = TokenCache::new(10, Duration::from_secs(3600));
        assert_eq!(ask(&cache, "a", 0).await, ("0".into(), CacheEvent::Miss));
        assert_eq!(ask(&cache, "a", 79).await, ("0".into(), CacheEvent::Hit));
        assert_eq!(ask(&cache, "b", 79).await, ("79".into(), CacheEvent::Miss));
        assert_eq!(ask(&cache, "a", 80).await, ("80".into(), CacheEvent::Miss));
    }

    #[tokio::test]
    async fn no_token_is_kept_longer_than_the_cap() {
        let cache = TokenCache::new(10, Duration::from_secs(10));
        ask(&cache, "a", 0).await;
        assert_eq!(ask(&cache, "a", 9).await.1, CacheEvent::Hit);
        assert_eq!(ask(&cache, "a", 10).await.1, CacheEvent::Miss);
    }

    #[tokio::test]
    async fn the_token_not_asked_for_the_longest_makes_room() {
        let cache = TokenCache::new(2, Duration::from_secs(3600));
        ask(&cache, "a", 0).await;
        ask(&cache, "b", 1).await;
        ask(&cache, "a", 2).await;
        ask(&cache, "c", 3).await;
        assert_eq!(cache.len(), 2);
        assert_eq!(ask(&cache, "a", 4).await.1, CacheEvent::Hit);
        assert_eq!(ask(&cache, "b", 5).await.1, CacheEvent::Miss);
    }

    #[tokio::test]
    async fn a_size_of_zero_turns_the_cache_off() {
        let cache = TokenCache::new(0, Duration::from_secs(3600));
        ask(&cache, "a", 0).await;
        assert_eq!(ask(&cache, "a", 1).await.1, CacheEvent::Miss);
        assert!(cache.is_empty());
    }

    #[tokio::test]
    async fn a_key_of_one_kind_of_token_does_not_give_another() {
        #[derive(Clone)]
        struct Other;
        impl Token for Other {
            fn expires_at(&self) -> Timestamp {
                at(100)
            }

            fn secrets(&self) -> Vec<&str> {
                Vec::new()
            }
        }
        let cache = TokenCache::new(10, Duration::from_secs(3600));
        ask(&cache, "a", 0).await;
        let issue = async { Ok::<_, Infallible>(Other) };
        assert_eq!(cache.get_or_issue("a", at(1), issue).await.unwrap().1, CacheEvent::Miss);
    }

    #[test]
    fn a_token_never_shows() {
        let token = AccessToken::new("hidden".into(), at(0));
        assert!(!format!("{token:?}").contains("hidden"));
    }
}
