//! From the block that confirms a payment to the webhook that tells the shop.

use std::time::{Duration, Instant};

use crate::Plan;
use crate::support::world::World;

/// The poll interval of the tests' configuration.
const POLL: Duration = Duration::from_millis(200);

pub fn measure(plan: &Plan, world: &World) {
    let mut took: Vec<_> = (0..plan.repeats)
        .map(|_| {
            let (shopper, deposit) = world.deposit("19.99", "USDT");
            world.net.pay(&deposit);
            world.net.anvil.mine(1);
            world.wait_for_progress(&shopper);
            let start = Instant::now();
            world.net.anvil.mine(1);
            let told = world.receiver.wait_for_status(&shopper.order_id, "paid");
            told.at.saturating_duration_since(start)
        })
        .collect();
    took.sort_unstable();
    println!(
        "confirming block to webhook: {:?} (median), {:?} (slowest), polling every {POLL:?}",
        took[took.len() / 2],
        took[took.len() - 1]
    );
}
