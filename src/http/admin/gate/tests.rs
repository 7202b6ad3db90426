use super::*;
use crate::config::hash_admin_secret;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};

const MOST: usize = 1000;

/// How many there were, how many at once, and from when to when each lasted.
#[derive(Default)]
pub struct Computations {
    under_way: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
    lasted: Mutex<Vec<(Instant, Instant)>>,
}

pub struct One<'a>(&'a Computations, Instant);

impl Computations {
    pub fn begin(&self) -> One<'_> {
        let now = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.all.fetch_add(1, Ordering::SeqCst);
        One(self, Instant::now())
    }

    fn so_far(&self) -> usize {
        self.all.load(Ordering::SeqCst)
    }

    /// How many of them began before a rest as long as the one before had lasted.
    fn without_a_rest(&self) -> usize {
        let lasted = self.lasted.lock().unwrap();
        let pairs = lasted.windows(2);
        let restless = pairs.filter(|pair| {
            let [(began, ended), (next, _)] = [pair[0], pair[1]];
            next - ended < ended - began
        });
        restless.count()
    }

    fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }
}

impl Drop for One<'_> {
    fn drop(&mut self) {
        let lasted = (self.1, Instant::now());
        self.0.lasted.lock().unwrap().push(lasted);
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

fn client(n: u8) -> IpAddr {
    Ipv4Addr::new(203, 0, 113, n).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_computation_at_a_time_with_rests_and_none_for_what_is_known() {
    let gate = Gate::new();
    let hash = hash_admin_secret("right").unwrap();
    let flood: Vec<_> = (0..12)
        .map(|n| {
            let (gate, hash) = (gate.clone(), hash.clone());
            tokio::spawn(async move { gate.check(&hash, b"wrong", client(n), MOST).await })
        })
        .collect();
    let right = async |n| gate.check(&hash, b"right", client(n), MOST).await;
    assert_eq!(right(99).await, Verdict::Right);
    for answer in flood {
        assert_eq!(answer.await.unwrap(), Verdict::Wrong);
    }
    let computations = &gate.0.computations;
    assert_eq!(computations.most_at_once(), 1);
    assert_eq!(computations.so_far(), 13);
    assert_eq!(computations.without_a_rest(), 0);
    for _ in 0..1000 {
        assert_eq!(right(0).await, Verdict::Right);
    }
    assert_eq!(computations.so_far(), 13);
}

#[tokio::test]
async fn another_hash_makes_the_old_secret_wrong() {
    let gate = Gate::new();
    let hashes = ["first", "second"].map(|s| hash_admin_secret(s).unwrap());
    let check =
        async |hash: &str, secret: &str| gate.check(hash, secret.as_bytes(), client(1), MOST).await;
    assert_eq!(check(&hashes[0], "first").await, Verdict::Right);
    assert_eq!(check(&hashes[1], "first").await, Verdict::Wrong);
    assert_eq!(check(&hashes[1], "second").await, Verdict::Right);
    assert_eq!(check(&hashes[0], "first").await, Verdict::Right);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_hangs_up_is_counted_and_starts_no_second_computation() {
    let gate = Gate::new();
    let hash = hash_admin_secret("right").unwrap();
    let computations = gate.0.computations.clone();
    for n in 1..=5 {
        let (asked, hash) = (gate.clone(), hash.clone());
        let asking =
            tokio::spawn(async move { asked.check(&hash, b"wrong", client(1), MOST).await });
        while computations.so_far() < n {
            tokio::task::yield_now().await;
        }
        // In the middle of its computation.
        asking.abort();
    }
    let after = gate.check(&hash, b"wrong", client(2), MOST).await;
    assert_eq!(after, Verdict::Wrong);
    assert_eq!(computations.most_at_once(), 1);
    let counted = gate.0.failures.of(client(1));
    assert!(
        counted > 4.0,
        "five failures, a little forgotten: {counted}"
    );
}

/// However many of its address wait, and wherever it comes from.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_right_secret_waits_for_its_turn_and_gets_in() {
    let gate = Gate::new();
    let hash = hash_admin_secret("right").unwrap();
    let flood: Vec<_> = (0..70)
        .map(|n: u32| {
            let (gate, hash) = (gate.clone(), hash.clone());
            let secret = n.to_be_bytes();
            tokio::spawn(async move { gate.check(&hash, &secret, client(1), MOST).await })
        })
        .collect();
    while gate.waiting().queue.length(client(1)) < 65 {
        tokio::task::yield_now().await;
    }
    let right = async |n| gate.check(&hash, b"right", client(n), MOST).await;
    let (elsewhere, computations) = (right(2).await, gate.0.computations.so_far());
    assert_eq!(elsewhere, Verdict::Right);
    assert!(
        computations < 40,
        "it took turns with the flood: {computations}"
    );
    *gate.known() = None;
    assert_eq!(right(1).await, Verdict::Right);
    for answer in flood {
        let answer = answer.await.unwrap();
        assert!([Verdict::Wrong, Verdict::TooMany].contains(&answer));
    }
    assert_eq!(
        gate.check(&hash, b"any", client(1), 0).await,
        Verdict::Unread
    );
}
