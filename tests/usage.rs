//! How much providers were used in a day, whatever happens to the server on that day.

use crate::support::wait;
use crate::support::world::World;

/// As often as it is started: a day is a day.
#[test]
fn requests_are_counted_on_after_a_restart() {
    let mut world = World::start();
    let today = |world: &World| {
        wait::until("the first pass", || {
            let chain = world.admin().get("/chains")[0].clone();
            let provider = chain["providers"].get(0)?;
            Some((
                provider["requests_today"].as_u64()?,
                provider["errors_today"].as_u64()?,
            ))
        })
    };
    let (before, _) = today(&world);
    world.server.restart();
    assert!(today(&world).0 > before);
    let change = |world: &mut World, sql: &str| {
        assert!(world.server.stop().success());
        let changed = world.server.stopped_db().execute(sql, []);
        assert_eq!(changed, Ok(1));
        world.server.launch();
    };
    change(
        &mut world,
        "UPDATE provider_usage SET requests = 100000, errors = 7",
    );
    let (requests, errors) = today(&world);
    assert!(requests > 100_000 && errors == 7, "{requests} {errors}");
    // A reload that has the chain watched anew forgets nothing either.
    world.reload_with(|config| config.chains[0].idle_poll_interval = "2s".to_owned());
    wait::until("the next pass", || {
        (today(&world).0 > requests).then_some(())
    });
    change(&mut world, "UPDATE provider_usage SET day = day - 1");
    let (requests, errors) = today(&world);
    assert!(requests < 100_000 && errors == 0, "{requests} {errors}");
    // What is older than yesterday is of no use.
    change(&mut world, "UPDATE provider_usage SET day = day - 2");
    wait::until("it is forgotten", || {
        let old = "SELECT count(*) FROM provider_usage WHERE day < unixepoch() / 86400 - 1";
        let db = world.server.db();
        let old: i64 = db.query_row(old, [], |row| row.get(0)).ok()?;
        (old == 0).then_some(())
    });
}
