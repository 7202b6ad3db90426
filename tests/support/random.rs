//! Chance that can be repeated: the same seed gives the same run.

/// A small generator (xorshift*). Good enough to vary tests, for nothing else.
#[derive(Clone)]
pub struct Random(u64);

impl Random {
    /// `OCRCH_TEST_SEED` varies all runs at once.
    pub fn new(seed: u64) -> Self {
        let vary: u64 = std::env::var("OCRCH_TEST_SEED")
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let mut random = Self(
            (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
                ^ vary.wrapping_mul(0xD134_2543_DE82_EF95),
        );
        if random.0 == 0 {
            random.0 = 1;
        }
        random.next();
        random
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number in `0..below`.
    pub fn below(&mut self, below: usize) -> usize {
        (self.next() % below as u64) as usize
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Up to `most` bytes of any kind.
    pub fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| self.next() as u8).collect()
    }
}
