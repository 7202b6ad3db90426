//! What passes remember of single transfers: when they were looked up, and what keeps them.

use std::collections::HashMap;

use crate::domain::agreement::HeldBack;

/// A transfer of which nothing sure could be learned is looked up again after this long at the soonest, in milliseconds.
const UNCLEAR_EVERY: i64 = 5_000;
/// One that is stuck is looked up by every pass for so long, then ever more rarely, in milliseconds.
const PATIENCE: i64 = 600_000;
/// However long it is stuck: it is looked up again after this long at the latest, in milliseconds.
const STUCK_EVERY: i64 = 60_000;
/// A second provider may be so far behind before the log says that a transfer waits for it, in milliseconds.
const SECOND_MAY_LAG: i64 = 60_000;
/// More than this many transfers are never under way at once; what is remembered of them is only for saving requests.
const REMEMBERED: usize = 10_000;

/// By a transfer's row.
#[derive(Default)]
pub struct Notes(HashMap<i64, Note>);

#[derive(Clone, Copy)]
struct Note {
    /// When it was looked up last, in Unix milliseconds.
    looked_up: i64,
    stuck: Option<Stuck>,
}

#[derive(Clone, Copy)]
struct Stuck {
    why: Why,
    since: i64,
    told: bool,
}

/// What keeps a transfer that was looked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    Unclear,
    HeldBack(HeldBack),
}

impl Notes {
    /// Notes a look-up and what keeps the transfer after it. Whether the log should say so: once for each reason, and of a
    /// second provider that is merely behind only when that takes long.
    pub fn note(&mut self, row: i64, why: Option<Why>, now_ms: i64) -> bool {
        if self.0.len() > REMEMBERED {
            self.0.clear();
        }
        let before = self.0.get(&row).and_then(|note| note.stuck);
        let mut stuck = why.map(|why| match before {
            Some(before) if before.why == why => before,
            _ => Stuck {
                why,
                since: now_ms,
                told: false,
            },
        });
        let tell = stuck.as_mut().is_some_and(|stuck| stuck.tell(now_ms));
        let looked_up = now_ms;
        self.0.insert(row, Note { looked_up, stuck });
        tell
    }

    /// Another provider is asked from now on: what is stuck may be so no more.
    pub fn begin_anew(&mut self) {
        for note in self.0.values_mut().filter(|note| note.stuck.is_some()) {
            note.looked_up = 0;
        }
    }

    /// Whether the last look-up was at least so long ago, in milliseconds.
    pub fn rested(&self, row: i64, ms: i64, now_ms: i64) -> bool {
        self.0
            .get(&row)
            .is_none_or(|note| !(0..ms).contains(&(now_ms - note.looked_up)))
    }

    /// Whether a transfer is stuck for more than a moment: with anything but a doubt, or with doubts for so long, in milliseconds.
    pub fn is_stuck_for(&self, row: i64, ms: i64, now_ms: i64) -> bool {
        let stuck = self.0.get(&row).and_then(|note| note.stuck);
        stuck.is_some_and(|stuck| {
            stuck.why != Why::Unclear || !(0..ms).contains(&(now_ms - stuck.since))
        })
    }

    /// Whether it makes sense to look a transfer up again. The longer it is stuck, the longer a try may be away.
    pub fn may_look_up(&self, row: i64, now_ms: i64) -> bool {
        let Some(stuck) = self.0.get(&row).and_then(|note| note.stuck) else {
            return true;
        };
        let pause = (now_ms - stuck.since - PATIENCE) / 10;
        let least = match stuck.why {
            Why::Unclear => UNCLEAR_EVERY,
            Why::HeldBack(_) => 0,
        };
        self.rested(row, pause.clamp(least, STUCK_EVERY), now_ms)
    }
}

impl Stuck {
    fn tell(&mut self, now_ms: i64) -> bool {
        let is_news = match self.why {
            Why::HeldBack(HeldBack::AwaitingSecond) => now_ms - self.since >= SECOND_MAY_LAG,
            _ => true,
        };
        let tell = is_news && !self.told;
        self.told |= tell;
        tell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISAGREE: Option<Why> = Some(Why::HeldBack(HeldBack::ProvidersDisagree));
    const AWAITING: Option<Why> = Some(Why::HeldBack(HeldBack::AwaitingSecond));

    #[test]
    fn each_reason_is_told_once() {
        let mut notes = Notes::default();
        assert!(notes.note(1, Some(Why::Unclear), 0));
        assert!(!notes.note(1, Some(Why::Unclear), 5_000));
        assert!(notes.note(1, DISAGREE, 10_000));
        assert!(!notes.note(1, DISAGREE, 15_000));
        assert!(!notes.note(1, None, 20_000));
        assert!(notes.note(1, DISAGREE, 25_000), "again, after it was over");
        assert!(notes.note(2, DISAGREE, 25_000), "of each transfer");
    }

    #[test]
    fn a_second_provider_is_told_of_only_when_it_takes_long() {
        let mut notes = Notes::default();
        let told = [0, 30_000, 59_999, 60_000, 90_000].map(|now| notes.note(1, AWAITING, now));
        assert_eq!(told, [false, false, false, true, false]);
    }

    #[test]
    fn the_longer_it_is_stuck_the_rarer_it_is_looked_up() {
        let mut notes = Notes::default();
        assert!(notes.may_look_up(1, 0));
        notes.note(1, AWAITING, 0);
        assert!(notes.may_look_up(1, 0), "by the very next pass at first");
        notes.note(1, AWAITING, 600_000);
        assert!(notes.may_look_up(1, 600_000));
        notes.note(1, AWAITING, 700_000);
        assert!(!notes.may_look_up(1, 709_000));
        assert!(notes.may_look_up(1, 712_000));
        notes.note(1, AWAITING, 9_000_000);
        assert!(!notes.may_look_up(1, 9_059_999));
        assert!(notes.may_look_up(1, 9_060_000));
        notes.begin_anew();
        assert!(notes.may_look_up(1, 9_000_001));
        notes.note(2, Some(Why::Unclear), 0);
        assert_eq!(
            [9_999, 10_000].map(|now| notes.is_stuck_for(2, 10_000, now)),
            [false, true]
        );
        assert!(notes.is_stuck_for(1, 10_000, 0) && !notes.is_stuck_for(3, 10_000, 0));
        assert_eq!(
            [4_999, 5_000].map(|now| notes.may_look_up(2, now)),
            [false, true]
        );
    }
}
