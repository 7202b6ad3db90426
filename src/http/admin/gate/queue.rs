//! Whose turn it is: clients one after the other, each with a line of its own.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// All clients together may have so many times as much waiting as one.
const ALL: usize = 2;

/// Something that waits, and may have left.
pub trait Waits {
    fn has_left(&self) -> bool;
}

/// What waits, by client.
pub struct Queue<T> {
    /// Each client with a line, once; the first is next.
    turns: VecDeque<IpAddr>,
    lines: HashMap<IpAddr, VecDeque<T>>,
    all: usize,
}

impl<T: Waits> Queue<T> {
    /// Adds something to the end of a client's line, which may have `most` in it. Where there is no room, it is dropped;
    /// where all lines together are too long, and another's is longer than this one, the last in the longest is.
    pub fn add(&mut self, client: IpAddr, item: T, most: usize) {
        if self.length(client) >= most || self.all >= ALL * most {
            self.forget_those_who_left();
        }
        if self.length(client) >= most {
            return;
        }
        if self.all >= ALL * most && !self.make_room_for(client) {
            return;
        }
        let line = self.lines.entry(client).or_default();
        if line.is_empty() {
            self.turns.push_back(client);
        }
        line.push_back(item);
        self.all += 1;
    }

    /// The next one, and whose it is.
    pub fn next(&mut self) -> Option<(IpAddr, T)> {
        while let Some(client) = self.turns.pop_front() {
            let Some(line) = self.lines.get_mut(&client) else {
                continue;
            };
            let before = line.len();
            let next = loop {
                match line.pop_front() {
                    Some(item) if item.has_left() => {}
                    next => break next,
                }
            };
            self.all -= before - line.len();
            match line.is_empty() {
                true => drop(self.lines.remove(&client)),
                false => self.turns.push_back(client),
            }
            if let Some(item) = next {
                return Some((client, item));
            }
        }
        None
    }

    /// How many of a client wait.
    pub fn length(&self, client: IpAddr) -> usize {
        self.lines.get(&client).map_or(0, VecDeque::len)
    }

    fn forget_those_who_left(&mut self) {
        for line in self.lines.values_mut() {
            line.retain(|item| !item.has_left());
        }
        self.forget_empty_lines();
    }

    /// Takes a place from the client with the longest line, if that is longer than this one's.
    fn make_room_for(&mut self, client: IpAddr) -> bool {
        let own = self.length(client);
        let longest = self.lines.values_mut().max_by_key(|line| line.len());
        let Some(line) = longest.filter(|line| line.len() > own) else {
            return false;
        };
        line.pop_back();
        self.forget_empty_lines();
        true
    }

    fn forget_empty_lines(&mut self) {
        self.lines.retain(|_, line| !line.is_empty());
        let lines = &self.lines;
        self.turns.retain(|client| lines.contains_key(client));
        self.all = lines.values().map(VecDeque::len).sum();
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            turns: VecDeque::new(),
            lines: HashMap::new(),
            all: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::net::Ipv4Addr;
    use std::rc::Rc;

    const MOST: usize = 4;

    /// A name, and whether it has left.
    struct Item(&'static str, Rc<Cell<bool>>);

    impl Waits for Item {
        fn has_left(&self) -> bool {
            self.1.get()
        }
    }

    fn item(name: &'static str) -> Item {
        Item(name, Rc::default())
    }

    fn client(n: u8) -> IpAddr {
        Ipv4Addr::new(203, 0, 113, n).into()
    }

    fn rest(mut queue: Queue<Item>) -> Vec<&'static str> {
        let rest = std::iter::from_fn(|| queue.next().map(|(_, item)| item.0)).collect();
        assert!(queue.all == 0 && queue.lines.is_empty() && queue.turns.is_empty());
        rest
    }

    #[test]
    fn clients_take_turns() {
        let mut queue = Queue::default();
        for name in ["a1", "a2", "a3"] {
            queue.add(client(1), item(name), MOST);
        }
        queue.add(client(2), item("b1"), MOST);
        queue.add(client(2), item("b2"), MOST);
        queue.add(client(3), item("c1"), MOST);
        assert_eq!(rest(queue), ["a1", "b1", "c1", "a2", "b2", "a3"]);
    }

    #[test]
    fn those_who_left_keep_no_place() {
        let mut queue = Queue::default();
        let left = Rc::new(Cell::new(false));
        for name in ["a1", "a2", "a3", "a4"] {
            queue.add(client(1), Item(name, left.clone()), MOST);
        }
        queue.add(client(1), item("refused"), MOST);
        left.set(true);
        queue.add(client(1), item("a5"), MOST);
        queue.add(client(1), item("a6"), MOST);
        assert_eq!(rest(queue), ["a5", "a6"]);
    }

    #[test]
    fn where_all_wait_the_longest_line_gives_way() {
        let mut queue = Queue::default();
        for name in ["a1", "a2", "a3", "a4"] {
            queue.add(client(1), item(name), MOST);
        }
        for name in ["b1", "b2", "b3"] {
            queue.add(client(2), item(name), MOST);
        }
        queue.add(client(3), item("c1"), MOST);
        queue.add(client(4), item("d1"), MOST);
        queue.add(client(2), item("none is longer"), MOST);
        queue.add(client(3), item("c2"), MOST);
        let all = rest(queue);
        assert_eq!(all.len(), ALL * MOST, "{all:?}");
        for kept in ["a1", "a2", "b1", "b2", "c1", "c2", "d1"] {
            assert!(all.contains(&kept), "{kept} in {all:?}");
        }
        assert!(!all.contains(&"a4") && !all.contains(&"none is longer"));
    }
}
