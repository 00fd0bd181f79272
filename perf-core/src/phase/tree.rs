//! One thread's call tree of one build: its nodes, and how a phase is found among them.
//!
//! # Implementation
//!
//! Nodes are allocated in chunks, never freed, and linked in order of creation. After the build has
//! been collected, the thread reuses the tree for a later build. Children are found through an
//! open-addressing table that is keyed by parent and name. Only the tree's thread uses the table.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::measure::counters::{Counters, CountersCell, bump};
use crate::measure::leak::{SharedRef, leak, leak_slice};
use crate::measure::timeline::Timeline;
use crate::measure::uncounted::Uncounted;

use super::end_state::EndState;
use super::global::{OPEN_BUILDS, PATHS};
use super::name::NameId;
use super::node::{Node, UsageCell};
use super::open_builds::BuildNumber;
use super::path::{Location, PathId};

/// How many nodes are allocated at a time: a page of memory.
const CHUNK: usize = 4;
/// Entries of a tree's first table; a power of two.
const FIRST_TABLE: usize = 64;

/// One thread's call tree of one build.
pub(crate) struct Tree {
    state: EndState,
    /// Whether it is the tree of the thread that started the build.
    is_of_build_thread: AtomicBool,
    /// Whether its thread has ended and no other thread may continue the tree.
    sealed: AtomicBool,
    /// The thread's tally when the collector read the tree.
    cut: CountersCell,
    /// The thread's tally when it left the tree.
    left_at: CountersCell,
    /// Idle time and memory of the tree's root frames, other than the bottom frame.
    pub(crate) idle: UsageCell,
    /// Whether intervals are recorded.
    is_timed: AtomicBool,
    pub(crate) timeline: Timeline,
    /// The node of the last hand-off.
    last_handed_off: SharedRef<Node>,
    root: SharedRef<Node>,
    newest: SharedRef<Node>,
    len: AtomicU32,
    table: SharedRef<Table>,
    /// The next tree of the same thread.
    pub(crate) next: SharedRef<Tree>,
}

impl Tree {
    /// An empty tree of no build.
    pub(crate) fn make() -> Option<&'static Self> {
        let tree = leak(|| Self {
            state: EndState::free(),
            is_of_build_thread: AtomicBool::new(false),
            sealed: AtomicBool::new(false),
            cut: CountersCell::zero(),
            left_at: CountersCell::zero(),
            idle: UsageCell::zero(),
            is_timed: AtomicBool::new(false),
            timeline: Timeline::new(),
            last_handed_off: SharedRef::empty(),
            root: SharedRef::empty(),
            newest: SharedRef::empty(),
            len: AtomicU32::new(0),
            table: SharedRef::empty(),
            next: SharedRef::empty(),
        })?;
        tree.table.set(Some(Table::make(FIRST_TABLE)?));
        tree.root.set(Some(tree.make_nodes()?));
        Some(tree)
    }

    /// Whether a thread may take the tree for a new build.
    pub(crate) fn is_free(&self) -> bool {
        self.state.is_collected()
    }

    /// Whether a thread may continue the tree for `build`.
    pub(crate) fn serves(&self, build: BuildNumber) -> bool {
        self.build() == Some(build) && !self.sealed.load(Ordering::Relaxed) && !self.is_free()
    }

    /// Resets the tree for `build`.
    pub(crate) fn begin(&self, build: BuildNumber, is_of_build_thread: bool) {
        if let Some(root) = self.root.get() {
            root.reset(None, 0, PathId::ROOT);
            self.newest.set(Some(root));
        }
        self.len.store(1, Ordering::Relaxed);
        self.idle.clear();
        self.timeline.clear();
        self.is_timed.store(OPEN_BUILDS.is_timed(build), Ordering::Relaxed);
        self.last_handed_off.set(None);
        if let Some(table) = self.table.get() {
            table.clear();
        }
        self.is_of_build_thread.store(is_of_build_thread, Ordering::Relaxed);
        self.sealed.store(false, Ordering::Relaxed);
        self.state.begin(BuildNumber::to_raw(Some(build)));
    }

    /// Frees the tree, which has nothing to read. To be called by its thread.
    pub(crate) fn discard(&self) {
        self.state.discard();
    }

    /// Frees the tree of `build`, which was read when the thread's tally was `cut`. If the thread has
    /// left the tree ([`Self::was_left`]), returns what it did between that reading and leaving.
    pub(crate) fn collect(&self, build: BuildNumber, cut: Counters) -> Option<Counters> {
        self.cut.store(cut);
        let left = self.state.collect(BuildNumber::to_raw(Some(build)))?;
        left.then(|| self.left_at.load().minus(cut))
    }

    /// The thread, whose tally is `now`, leaves the phases that were open when the build ended. If the
    /// tree has been collected, returns what the thread did since it was read, which is no part of
    /// the build. Otherwise [`Self::collect`] will return that.
    pub(crate) fn leave(&self, now: Counters) -> Counters {
        self.left_at.store(now);
        if self.state.leave() { self.done_since_cut(now) } else { Counters::default() }
    }

    /// What the thread, whose tally is `now`, did since the collector read the tree.
    pub(crate) fn done_since_cut(&self, now: Counters) -> Counters {
        now.minus(self.cut.load())
    }

    /// Whether the thread has left the phases that were open when the build ended. What it did until
    /// then is in the tree.
    pub(crate) fn was_left(&self) -> bool {
        self.state.was_left()
    }

    pub(crate) fn build(&self) -> Option<BuildNumber> {
        BuildNumber::from_raw(self.state.build())
    }

    /// Whether it is the tree of the thread that started the build.
    #[inline]
    pub(crate) fn is_of_build_thread(&self) -> bool {
        self.is_of_build_thread.load(Ordering::Relaxed)
    }

    /// Whether intervals are recorded.
    pub(crate) fn is_timed(&self) -> bool {
        self.is_timed.load(Ordering::Relaxed)
    }

    /// The tree's thread ends. Other threads may continue the tree, unless it is the build thread's.
    pub(crate) fn thread_ends(&self) {
        self.nodes().for_each(Node::thread_ends);
        self.last_handed_off.set(None);
        if self.is_of_build_thread() {
            self.sealed.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn root(&self) -> Option<&'static Node> {
        self.root.get()
    }

    /// All nodes, the root first, parents before their children.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &'static Node> + use<> {
        std::iter::successors(self.root.get(), |node| node.next.get()).take(self.len())
    }

    /// The number of nodes.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire) as usize
    }

    /// The node of a phase that is entered on top of `top`, made if it does not exist. A phase that is
    /// on the stack already keeps its node. `in_recursion` says that the stack holds more than `top`
    /// and its ancestors.
    pub(crate) fn find(
        &self,
        top: &'static Node,
        name: NameId,
        location: Option<&'static Location>,
        in_recursion: bool,
    ) -> Option<&'static Node> {
        let table = self.table.get()?;
        if in_recursion {
            let first = table.get(None, name);
            let mut same_name = std::iter::successors(first, |node| node.same_name.get());
            if let Some(open) = same_name.find(|node| node.is_active()) {
                return Some(open);
            }
        }
        if let Some(known) = table.get(Some(top), name) {
            return Some(known);
        }
        if let Some(open) = top.with_ancestors().find(|node| node.has_name(name)) {
            self.insert(Some(top), name, open)?;
            return Some(open);
        }
        self.make_child(top, name, location)
    }

    /// The node of a path, made with its ancestors if it does not exist.
    pub(crate) fn at(&self, steps: &[NameId]) -> Option<&'static Node> {
        steps.iter().try_fold(self.root.get()?, |parent, &name| {
            self.table
                .get()?
                .get(Some(parent), name)
                .or_else(|| self.make_child(parent, name, None))
        })
    }

    /// The node of a path that is handed off to the tree's thread. `None` after the end of the build.
    pub(crate) fn node_for_hand_off(&self, path: PathId) -> Option<&'static Node> {
        if let Some(last) = self.last_handed_off.get().filter(|last| last.path() == path) {
            return Some(last);
        }
        let _uncounted = Uncounted::begin();
        let node = self.at(&PATHS.names(self.build()?, path)?)?;
        // The thread counts as one that ran the phase and its ancestors.
        node.with_ancestors().for_each(|node| bump(&node.hand_offs, 1));
        self.last_handed_off.set(Some(node));
        Some(node)
    }

    fn make_child(
        &self,
        parent: &'static Node,
        name: NameId,
        location: Option<&'static Location>,
    ) -> Option<&'static Node> {
        let (path, stored_name) = PATHS.child(self.build()?, parent.path(), name, location)?;
        if stored_name != name {
            // There are too many paths: the phase is `(other)` here.
            let known = self.table.get()?.get(Some(parent), stored_name);
            let other = if parent.has_name(stored_name) { Some(parent) } else { known };
            if let Some(other) = other {
                self.insert(Some(parent), name, other)?;
                return Some(other);
            }
        }
        let newest = self.newest.get()?;
        let node = newest.next.get().or_else(|| self.make_nodes())?;
        node.reset(Some(parent), stored_name.to_raw(), path);
        self.insert(Some(parent), name, node)?;
        if stored_name != name {
            self.insert(Some(parent), stored_name, node)?;
        }
        let table = self.table.get()?;
        match table.get(None, stored_name) {
            Some(first) => {
                node.same_name.set(first.same_name.get());
                first.same_name.set(Some(node));
            }
            None => self.insert(None, stored_name, node)?,
        }
        self.newest.set(Some(node));
        self.len.store(self.len.load(Ordering::Relaxed) + 1, Ordering::Release);
        Some(node)
    }

    /// Appends a chunk of nodes to the list, and returns the first.
    fn make_nodes(&self) -> Option<&'static Node> {
        let chunk = leak_slice(CHUNK, Node::empty)?;
        for pair in chunk.windows(2) {
            if let [node, next] = pair {
                node.next.set(Some(next));
            }
        }
        let first = chunk.first();
        if let Some(newest) = self.newest.get() {
            newest.next.set(first);
        }
        first
    }

    fn insert(&self, parent: Option<&Node>, name: NameId, node: &'static Node) -> Option<()> {
        let table = self.table.get()?;
        let table = if table.is_full() {
            let larger = table.grown()?;
            self.table.set(Some(larger));
            larger
        } else {
            table
        };
        table.put(key(parent, name), node);
        Some(())
    }
}

/// The table's key of a parent and a name. It is never 0, as the number of a name is not. The path
/// identifies the parent. Without a parent, the key is that of the first node with that name.
#[inline]
fn key(parent: Option<&Node>, name: NameId) -> u64 {
    let parent = parent.map_or(u32::MAX, |parent| parent.path().to_raw());
    u64::from(parent) << 32 | u64::from(name.to_raw())
}

/// Fibonacci hashing (D. Knuth, *The Art of Computer Programming*, vol. 3, 6.4).
#[inline]
fn hash(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
}

/// A hash table of nodes. It doubles when it grows, so that all outgrown tables, which are never
/// freed, together take at most as much memory as the current one.
struct Table {
    entries: &'static [Entry],
    used: AtomicU32,
}

struct Entry {
    key: AtomicU64,
    node: SharedRef<Node>,
}

impl Table {
    fn make(len: usize) -> Option<&'static Self> {
        let make = || Entry { key: AtomicU64::new(0), node: SharedRef::empty() };
        let entries = leak_slice(len, make)?;
        leak(|| Self { entries, used: AtomicU32::new(0) })
    }

    fn clear(&self) {
        for entry in self.entries {
            entry.key.store(0, Ordering::Relaxed);
        }
        self.used.store(0, Ordering::Relaxed);
    }

    /// Whether at least half of the entries are used.
    fn is_full(&self) -> bool {
        self.used.load(Ordering::Relaxed) as usize * 2 >= self.entries.len()
    }

    /// A table twice as large with the same entries.
    fn grown(&self) -> Option<&'static Self> {
        let larger = Self::make(self.entries.len() * 2)?;
        for entry in self.entries {
            let key = entry.key.load(Ordering::Relaxed);
            if let (true, Some(node)) = (key != 0, entry.node.get()) {
                larger.put(key, node);
            }
        }
        Some(larger)
    }

    /// The entry of `key`, or the free one for it. The length is a power of two, and some entry is
    /// always free.
    fn entry(&self, key: u64) -> Option<&'static Entry> {
        let mask = self.entries.len() - 1;
        let hash = hash(key);
        (0..self.entries.len()).map(|step| &self.entries[(hash + step) & mask]).find(|entry| {
            let known = entry.key.load(Ordering::Relaxed);
            known == key || known == 0
        })
    }

    fn get(&self, parent: Option<&Node>, name: NameId) -> Option<&'static Node> {
        let key = key(parent, name);
        let entry = self.entry(key)?;
        if entry.key.load(Ordering::Relaxed) == key { entry.node.get() } else { None }
    }

    fn put(&self, key: u64, node: &'static Node) {
        if let Some(entry) = self.entry(key) {
            if entry.key.load(Ordering::Relaxed) == 0 {
                self.used.store(self.used.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            }
            entry.key.store(key, Ordering::Relaxed);
            entry.node.set(Some(node));
        }
    }
}
