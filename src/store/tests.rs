use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

fn db() -> (Db, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.db");
    let lock = Lock::on(&path).unwrap();
    let db = Db::open(lock, Clock::system(), Commits::default(), |_| {}).unwrap();
    (db, dir)
}

/// Reads for as long as the other end of the channel is there.
fn begin_long(
    db: &Db,
    under_way: &Arc<AtomicUsize>,
) -> (tokio::task::JoinHandle<()>, mpsc::Sender<()>) {
    let (go_on, held) = mpsc::channel::<()>();
    let (db, under_way) = (db.clone(), under_way.clone());
    let asker = tokio::spawn(async move {
        let read = db.read_long(move |_| {
            under_way.fetch_add(1, Ordering::SeqCst);
            let _ = held.recv();
            under_way.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, StoreError>(())
        });
        read.await.unwrap();
    });
    (asker, go_on)
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < limit, "{what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_reads_are_limited_also_when_their_askers_leave() {
    let (db, _dir) = db();
    let under_way = Arc::new(AtomicUsize::new(0));
    let now = || under_way.load(Ordering::SeqCst);
    let mut holding = Vec::new();
    for n in 1..=LONG_READERS {
        let (asker, go_on) = begin_long(&db, &under_way);
        until("a long read", || now() == n).await;
        asker.abort();
        assert!(asker.await.is_err());
        holding.push(go_on);
    }
    let (asker, go_on) = begin_long(&db, &under_way);
    // Short ones find a connection all the same.
    for _ in 0..1000 {
        db.read(|c| Ok::<_, StoreError>(c.is_autocommit())).unwrap();
        tokio::task::yield_now().await;
    }
    assert_eq!(now(), LONG_READERS, "one more waits for its turn");
    holding.clear();
    drop(go_on);
    asker.await.unwrap();
}

#[test]
fn a_short_read_gives_up_soon() {
    let (db, _dir) = db();
    let taken: Vec<_> = (0..READERS).map(|_| db.readers.get().unwrap()).collect();
    let began = Instant::now();
    let refused = db.read(|_| Ok::<_, StoreError>(()));
    assert!(refused.is_err_and(|error| error.is_passing()));
    assert!(began.elapsed() < LONG_WAIT, "{:?}", began.elapsed());
    drop(taken);
    db.read(|_| Ok::<_, StoreError>(())).unwrap();
}
