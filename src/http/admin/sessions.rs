//! Sessions of the dashboard, in memory only: a restart ends them all.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

/// Seconds without a request after which a session is over.
pub const IDLE: i64 = 12 * 3_600;
/// Seconds after which it is over, however busy.
const AT_MOST: i64 = 7 * 86_400;
/// So many sessions live at once; one more ends the one that was idle longest.
const LIVE: usize = 64;

/// Who is signed in. Tokens are kept as digests: a look into the memory gives no session away.
#[derive(Default)]
pub struct Sessions {
    of_tokens: Mutex<HashMap<[u8; 32], Session>>,
}

struct Session {
    /// The stored hash of the admin secret that opened it.
    secret_hash: String,
    began_at: i64,
    used_at: i64,
}

impl Sessions {
    /// Opens a session for somebody who proved to know the secret behind `secret_hash`; the answer is its token.
    pub fn open(&self, secret_hash: &str, now: i64) -> Result<String, getrandom::Error> {
        let mut random = [0u8; 32];
        getrandom::fill(&mut random)?;
        let token = hex::encode(random);
        let mut live = self.lock();
        live.retain(|_, session| session.is_live(now));
        if live.len() >= LIVE {
            let idlest = live.iter().min_by_key(|(_, session)| session.used_at);
            if let Some(key) = idlest.map(|(key, _)| *key) {
                live.remove(&key);
            }
        }
        let session = Session {
            secret_hash: secret_hash.to_owned(),
            began_at: now,
            used_at: now,
        };
        live.insert(key(&token), session);
        Ok(token)
    }

    /// Whether a token is of a live session, and the admin secret still the one that opened it.
    pub fn renew(&self, token: &str, secret_hash: &str, now: i64) -> bool {
        let mut live = self.lock();
        let Some(session) = live.get_mut(&key(token)) else {
            return false;
        };
        if !session.is_live(now) || session.secret_hash != secret_hash {
            live.remove(&key(token));
            return false;
        }
        session.used_at = now;
        true
    }

    /// Ends a session.
    pub fn close(&self, token: &str) {
        self.lock().remove(&key(token));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        // A session is written in one piece: a panic elsewhere cannot have left one half changed.
        self.of_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_live(&self, now: i64) -> bool {
        now - self.used_at < IDLE && now - self.began_at < AT_MOST
    }
}

fn key(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_while_it_is_used_and_until_it_is_closed() {
        let sessions = Sessions::default();
        let token = sessions.open("hash", 0).unwrap();
        assert!(sessions.renew(&token, "hash", IDLE - 1));
        assert!(sessions.renew(&token, "hash", 2 * IDLE - 2));
        assert!(!sessions.renew("another", "hash", 0));
        sessions.close(&token);
        assert!(!sessions.renew(&token, "hash", 2 * IDLE - 2));
    }

    #[test]
    fn a_session_ends_idle_old_or_with_another_secret() {
        let sessions = Sessions::default();
        let idle = sessions.open("hash", 0).unwrap();
        assert!(!sessions.renew(&idle, "hash", IDLE));
        let busy = sessions.open("hash", 0).unwrap();
        for now in (0..AT_MOST).step_by(3_600) {
            assert!(sessions.renew(&busy, "hash", now));
        }
        assert!(!sessions.renew(&busy, "hash", AT_MOST));
        let other = sessions.open("hash", 0).unwrap();
        assert!(!sessions.renew(&other, "another hash", 1));
        assert!(!sessions.renew(&other, "hash", 1), "ended for good");
    }

    #[test]
    fn a_clock_that_is_set_back_signs_nobody_out_and_keeps_nobody_in() {
        let sessions = Sessions::default();
        let token = sessions.open("hash", 3_600).unwrap();
        assert!(sessions.renew(&token, "hash", 0));
        assert!(sessions.renew(&token, "hash", IDLE - 1));
        assert!(!sessions.renew(&token, "hash", 2 * IDLE));
        let idle = sessions.open("hash", 3_600).unwrap();
        assert!(sessions.renew(&idle, "hash", 0));
        assert!(!sessions.renew(&idle, "hash", IDLE));
    }

    #[test]
    fn one_too_many_ends_the_idlest() {
        let sessions = Sessions::default();
        let first = sessions.open("hash", 0).unwrap();
        let second = sessions.open("hash", 0).unwrap();
        assert!(sessions.renew(&first, "hash", 5));
        for _ in 2..=LIVE {
            sessions.open("hash", 5).unwrap();
        }
        assert!(sessions.renew(&first, "hash", 6));
        assert!(!sessions.renew(&second, "hash", 6));
    }
}
