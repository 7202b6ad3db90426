use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use tracing_subscriber::fmt::MakeWriter;

use super::super::daily::Daily;
use super::super::{Receipt, Scan, Scanned};
use super::*;
use crate::domain::address::Address;
use crate::domain::transfer::BlockRef;

/// A provider that is never asked anything, but counts how often it was distrusted.
struct Named(&'static str, AtomicU32, Meter);

impl Provider for Named {
    fn label(&self) -> &str {
        self.0
    }
    fn head(&self) -> Result<u64, ProviderError> {
        unimplemented!()
    }
    fn finalized(&self) -> Result<Option<u64>, ProviderError> {
        unimplemented!()
    }
    fn scan(&self, _: &Scan) -> Result<Scanned, ProviderError> {
        unimplemented!()
    }
    fn block(&self, _: u64) -> Result<Option<BlockRef>, ProviderError> {
        unimplemented!()
    }
    fn receipt(&self, _: &str, _: &[Address]) -> Result<Option<Receipt>, ProviderError> {
        unimplemented!()
    }
    fn distrust(&self) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
    fn meter(&self) -> Option<&Meter> {
        Some(&self.2)
    }
}

const DEPTH: ConfirmationRule = ConfirmationRule::Depth(12);

fn at(number: u64) -> Head {
    let finalized = None;
    Head { number, finalized }
}

/// A pool of named providers, and how often each was distrusted.
fn pool(names: &[&'static str]) -> (Providers, Vec<Arc<Named>>) {
    let named: Vec<Arc<Named>> = names
        .iter()
        .map(|name| Arc::new(Named(name, AtomicU32::new(0), Meter::new(None))))
        .collect();
    let providers = named
        .iter()
        .map(|n| n.clone() as Arc<dyn Provider>)
        .collect();
    (Providers::new("eth", providers, 10), named)
}

fn down() -> ProviderError {
    ProviderError::Unreachable("no answer in time".into())
}

fn limited(seconds: u64) -> ProviderError {
    ProviderError::RateLimited {
        message: "HTTP 429".into(),
        retry_after: Some(Duration::from_secs(seconds)),
    }
}

fn picked(pool: &Providers, now_ms: i64) -> Option<String> {
    pool.pick(now_ms)
        .map(|provider| provider.label().to_owned())
}

/// Picks and fails.
fn fail(pool: &Providers, error: &ProviderError, now_ms: i64) {
    let provider = pool.pick(now_ms).expect("one is ready");
    pool.failed(&provider, error, now_ms);
}

#[test]
fn the_first_that_is_well_is_picked() {
    let (pool, _) = pool(&["a", "b", "c"]);
    assert_eq!(picked(&pool, 0).as_deref(), Some("a"));
    fail(&pool, &down(), 0);
    assert_eq!(picked(&pool, 0).as_deref(), Some("b"));
    fail(&pool, &down(), 0);
    assert_eq!(picked(&pool, 0).as_deref(), Some("c"));
    assert_eq!(picked(&pool, 2_000).as_deref(), Some("a"));
    let ready: Vec<String> = pool.ready(0).iter().map(|p| p.label().to_owned()).collect();
    assert_eq!(ready, ["c"]);
}

#[test]
fn an_empty_pool_has_nobody_to_wait_for() {
    let (pool, _) = pool(&[]);
    assert!(pool.is_empty());
    assert_eq!((picked(&pool, 0), pool.next_at(0)), (None, None));
}

#[test]
fn an_only_provider_is_tried_again_within_ten_seconds() {
    let (pool, _) = pool(&["a"]);
    let errors = [
        down(),
        ProviderError::Refused("no".into()),
        ProviderError::BadAnswer("no".into()),
        ProviderError::WrongChain {
            expected: 1,
            found: 2,
        },
    ];
    let mut now = 0;
    for error in errors.iter().cycle().take(40) {
        fail(&pool, error, now);
        assert_eq!(picked(&pool, now), None);
        let next = pool.next_at(0).unwrap();
        assert!((now + 500..=now + 10_000).contains(&next), "{next}");
        now = next;
    }
    // By then it is at its longest, which is ten seconds at most and five at least.
    assert!(pool.status(0)[0].ready_at >= now);
    fail(&pool, &down(), now);
    assert!(pool.next_at(0).unwrap() >= now + 5_000);
}

#[test]
fn among_others_a_failing_one_is_left_alone_for_longer_each_time() {
    let (pool, _) = pool(&["a", "b"]);
    let a = pool.pick(0).unwrap();
    let mut waits = vec![];
    for _ in 0..12 {
        pool.failed(&a, &down(), 0);
        waits.push(pool.status(0)[0].ready_at);
    }
    assert!((1_000..=2_000).contains(&waits[0]), "{waits:?}");
    assert!((2_000..=4_000).contains(&waits[1]), "{waits:?}");
    assert!((150_000..=300_000).contains(&waits[11]), "{waits:?}");
    pool.succeeded(&a, 0);
    assert_eq!(picked(&pool, 0).as_deref(), Some("a"));
    pool.failed(&a, &down(), 0);
    assert!(pool.status(0)[0].ready_at <= 2_000, "begins anew");
    pool.failed(&a, &ProviderError::Refused("no".into()), 0);
    assert!(pool.status(0)[0].ready_at >= 300_000);
}

#[test]
fn when_all_fail_each_is_tried_like_an_only_one() {
    let (pool, _) = pool(&["a", "b"]);
    let mut now = 0;
    for _ in 0..60 {
        fail(&pool, &down(), now);
        now = pool.next_at(0).unwrap().max(now);
    }
    // The outage is over: one is asked within ten seconds, however long it was.
    let next = pool.next_at(0).unwrap();
    assert!(next <= now + 10_000, "{next} {now}");
    assert!(pool.pick(next).is_some());
}

#[test]
fn retry_after_is_honoured_but_not_without_end() {
    let (alone, _) = pool(&["a"]);
    fail(&alone, &limited(60), 0);
    assert_eq!(alone.next_at(0), Some(60_000));
    let (alone, _) = pool(&["a"]);
    fail(&alone, &limited(u64::MAX), 0);
    assert_eq!(alone.next_at(0), Some(900_000));
    let (two, _) = pool(&["a", "b"]);
    fail(&two, &limited(60), 0);
    assert_eq!(picked(&two, 59_999).as_deref(), Some("b"));
    assert_eq!(picked(&two, 60_000).as_deref(), Some("a"));
}

#[test]
fn a_switch_distrusts_the_one_that_is_switched_to() {
    let (pool, named) = pool(&["a", "b"]);
    let distrusted = || -> Vec<u32> { named.iter().map(|n| n.1.load(Ordering::Relaxed)).collect() };
    pool.pick(0);
    pool.pick(0);
    assert_eq!(distrusted(), [0, 0]);
    fail(&pool, &down(), 0);
    pool.pick(0);
    pool.pick(0);
    assert_eq!(distrusted(), [0, 1]);
    pool.pick(10_000);
    assert_eq!(distrusted(), [1, 1]);
}

#[test]
fn one_that_lags_behind_is_left_alone_if_another_is_further() {
    let (pool, _) = pool(&["a", "b"]);
    let (a, b) = (pool.members[0].clone(), pool.members[1].clone());
    assert!(
        !pool.saw_head(&a, at(100), DEPTH, 0),
        "nobody to compare with"
    );
    assert!(!pool.saw_head(&b, at(110), DEPTH, 0));
    assert!(
        !pool.saw_head(&a, at(100), DEPTH, 0),
        "ten blocks are allowed"
    );
    assert!(pool.saw_head(&a, at(99), DEPTH, 0));
    assert_eq!(picked(&pool, 0).as_deref(), Some("b"));
    assert!(pool.status(0)[0].lagging);
    assert_eq!(picked(&pool, 30_000).as_deref(), Some("a"));
    assert!(!pool.saw_head(&a, at(120), DEPTH, 30_000));
    assert!(!pool.status(0)[0].lagging);
}

/// Its head moves on, so that nothing else tells.
#[test]
fn one_whose_final_block_stands_still_is_left_alone() {
    let rule = ConfirmationRule::Finalized { usual: 20 };
    let head = |number, finalized| Head {
        number,
        finalized: Some(finalized),
    };
    let (pool, _) = pool(&["a", "b"]);
    let (a, b) = (pool.members[0].clone(), pool.members[1].clone());
    assert!(!pool.saw_head(&b, head(160, 140), rule, 0));
    assert!(!pool.saw_head(&a, head(160, 110), rule, 0), "they jump");
    assert!(pool.saw_head(&a, head(160, 109), rule, 0));
    assert_eq!(picked(&pool, 0).as_deref(), Some("b"));
    let untold = Head {
        number: 160,
        finalized: None,
    };
    assert!(!pool.saw_head(&a, untold, rule, 0), "it has no such block");
    // What calls each new block final has no notion of it.
    pool.saw_head(&b, head(160, 160), rule, 0);
    assert!(!pool.saw_head(&a, head(160, 109), rule, 0));
}

#[test]
fn one_that_lags_behind_is_better_than_none() {
    let (pool, _) = pool(&["a", "b"]);
    let (a, b) = (pool.members[0].clone(), pool.members[1].clone());
    pool.saw_head(&b, at(1000), DEPTH, 0);
    assert!(pool.saw_head(&a, at(100), DEPTH, 0));
    pool.failed(&b, &down(), 0);
    assert_eq!(picked(&pool, 0).as_deref(), Some("a"));
    assert!(!pool.saw_head(&a, at(100), DEPTH, 0));
}

#[test]
fn a_head_seen_long_ago_makes_nobody_lag() {
    let (pool, _) = pool(&["a", "b"]);
    let (a, b) = (pool.members[0].clone(), pool.members[1].clone());
    // A test network that was started anew, or one nonsensical answer.
    pool.saw_head(&b, at(1 << 60), DEPTH, 0);
    assert!(!pool.saw_head(&a, at(100), DEPTH, 60_001));
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn logged(what: impl FnOnce()) -> Vec<String> {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .finish();
    tracing::subscriber::with_default(subscriber, what);
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_log_tells_changes_and_not_tries() {
    let lines = logged(|| {
        let (pool, _) = pool(&["rpc node.example"]);
        let mut now = 0;
        for _ in 0..1000 {
            fail(&pool, &down(), now);
            now = pool.next_at(0).unwrap();
        }
        let provider = pool.pick(now).unwrap();
        pool.failed(&provider, &ProviderError::Refused("no".into()), now);
        pool.succeeded(&provider, 10_000_000);
        pool.succeeded(&provider, 10_000_001);
    });
    assert_eq!(
        lines,
        [
            r#"WARN provider fails: unreachable: no answer in time chain=eth provider=rpc node.example"#,
            r#"WARN provider fails: refused: no chain=eth provider=rpc node.example"#,
            r#"INFO provider is back after 10000 s chain=eth provider=rpc node.example"#,
        ]
    );
}

#[test]
fn one_that_comes_and_goes_is_told_once_in_a_while() {
    let lines = logged(|| {
        let (pool, _) = pool(&["a"]);
        let provider = pool.pick(0).unwrap();
        // An hour, every four seconds.
        for second in (0..3600).step_by(4) {
            pool.failed(&provider, &down(), second * 1000);
            pool.succeeded(&provider, second * 1000 + 2000);
        }
    });
    assert_eq!(lines.len(), 12, "{lines:?}");
}

#[derive(Clone, Debug)]
enum Event {
    Pick,
    Fail(ProviderError),
    Succeed,
    Head(u64),
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Pick),
        Just(Event::Succeed),
        Just(Event::Fail(down())),
        Just(Event::Fail(ProviderError::Refused("no".into()))),
        Just(Event::Fail(ProviderError::RateLimited {
            message: String::new(),
            retry_after: None
        })),
        (0u64..100).prop_map(Event::Head),
    ]
}

proptest! {
    /// Nothing that happens, in whatever order and to whomever, keeps a chain unwatched for more than ten seconds
    /// (unless a provider asked for it).
    #[test]
    fn someone_is_ready_within_ten_seconds(
        count in 1usize..4,
        events in proptest::collection::vec((any_event(), 0usize..4, 0i64..20_000), 0..100),
    ) {
        let (pool, _) = pool(&["a", "b", "c"][..count]);
        let mut now = 1_700_000_000_000;
        for (event, who, later) in events {
            now += later;
            let provider = pool.members[who % count].clone();
            match event {
                Event::Pick => drop(pool.pick(now)),
                Event::Fail(error) => pool.failed(&provider, &error, now),
                Event::Succeed => pool.succeeded(&provider, now),
                Event::Head(head) => drop(pool.saw_head(&provider, at(head), DEPTH, now)),
            }
            let next = pool.next_at(0).unwrap();
            prop_assert!(next <= now + 10_000);
            prop_assert!(pool.pick(next.max(now)).is_some());
        }
    }
}

/// Two doors of one house are one witness; one that fails is tried like an only one would be.
#[test]
fn witnesses_are_of_other_hosts() {
    let (pool, _) = pool(&[
        "rpc a.example",
        "trongrid a.example",
        "rpc b.example",
        "tronscan b.example",
        "rpc c.example",
    ]);
    let labels = |now_ms: i64| -> Vec<String> {
        let first = pool.members[0].clone();
        let witnesses = pool.witnesses(&first, now_ms);
        witnesses.iter().map(|w| w.label().to_owned()).collect()
    };
    assert_eq!(labels(0), ["rpc b.example", "rpc c.example"]);
    assert_eq!(pool.hosts(), 3);
    let b = pool.members[2].clone();
    (0..12).for_each(|_| pool.failed(&b, &down(), 0));
    assert_eq!(labels(0), ["tronscan b.example", "rpc c.example"]);
    assert!(pool.status(0)[2].ready_at > 10_000);
    assert_eq!(labels(10_000)[0], "rpc b.example");
}

#[test]
fn a_clock_that_is_set_back_does_not_make_a_short_wait_long() {
    const HOUR: i64 = 3_600_000;
    let (pool, _) = pool(&["a"]);
    let picked = pool.pick(HOUR).unwrap();
    pool.failed(&picked, &down(), HOUR);
    assert!(pool.pick(HOUR).is_none());
    // Set back by an hour, it waits for what was left of its wait.
    assert!(pool.pick(0).is_none());
    assert!(pool.next_at(0).unwrap() <= 10_000);
    assert!(pool.pick(10_000).is_some());
}

/// One whose day is used up is left alone like one that fails, even if it is the last: its plan would be taken away.
#[test]
fn a_day_that_is_used_up_is_waited_for() {
    let daily = Arc::new(Daily::new(24_000, 1));
    let rich = |name| Arc::new(Named(name, AtomicU32::new(0), Meter::new(None)));
    let poor = Arc::new(Named(
        "poor",
        AtomicU32::new(0),
        Meter::new(Some(daily.clone())),
    ));
    let alone = Providers::new("eth", vec![poor.clone()], 10);
    let among = Providers::new("eth", vec![poor.clone(), rich("other")], 10);
    assert_eq!(picked(&among, 0).as_deref(), Some("poor"));
    assert_eq!(among.status(0)[0].daily_limit, Some(24_000));
    (0..1000).for_each(|_| poor.2.note_request());
    assert_eq!(picked(&among, 0).as_deref(), Some("other"));
    assert_eq!(among.status(0)[0].requests_today, 1000);
    assert_eq!(picked(&alone, 0), None);
    assert_eq!(alone.next_at(0), Some(4_000));
    assert_eq!(picked(&alone, 4_000).as_deref(), Some("poor"));
    (0..9).for_each(|_| poor.2.note_request());
    // Its head, further than the other's, is no reason to leave the other alone.
    let other = among.members[1].clone();
    among.saw_head(&among.members[0].clone(), at(100), DEPTH, 0);
    assert!(!among.saw_head(&other, at(50), DEPTH, 0));
    assert!(among.witnesses(&other, 0).is_empty());
    assert_eq!(among.ready(0).len(), 1);
}

/// Two keys at one host change places, and the second is a new one after that.
#[test]
fn a_budget_is_gone_on_with_by_its_own_key() {
    let with = |keys: [&str; 2]| {
        let members = keys.map(|key| {
            let daily = Daily::of_key("budgets.example", key, 24_000);
            let meter = Meter::new(Some(daily));
            Arc::new(Named("etherscan budgets.example", AtomicU32::new(0), meter)) as _
        });
        Providers::new("eth", members.into(), 10)
    };
    let spent = |status: ProviderStatus| Spent {
        label: status.label,
        day: status.day,
        requests: status.requests_today,
        errors: status.errors_today,
        budget: status.budget,
        budget_key: status.budget_key,
    };
    let before = with(["used up", "fresh"]);
    assert!(picked(&before, 0).is_some());
    let meter = before.members[0].meter().expect("a meter");
    (0..1500).for_each(|_| meter.note_request());
    let known: Vec<Spent> = before.status(0).into_iter().map(spent).collect();
    drop(before);
    let left = |keys: [&str; 2]| -> Vec<i64> {
        let after = with(keys);
        after.resume(known.clone(), 0);
        after.next_at(0);
        let status = after.status(0).into_iter();
        status.map(|s| s.budget.expect("a budget").0).collect()
    };
    assert_eq!(left(["used up", "fresh"]), [-500, 1000]);
    assert_eq!(left(["fresh", "used up"]), [1000, -500]);
    assert_eq!(left(["new", "fresh"]), [1000, 1000]);
}
