//! The places that allocated most, from samples: asked for, collected at the end of a build, and
//! put into its record.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use parking_lot::{Mutex, MutexGuard};
use perf_core::recorder::{BuildNumber, Measured, PathId};
use perf_history::{AllocationPlace, AllocatorFacts, BuildStats};

use crate::SamplingError;
use crate::estimate::{Sum, whole};
use crate::live;
use crate::modules::{LoadedModule, loaded_modules};
use crate::place::{file_for_record, is_of_tool};
use crate::sampler;
use crate::stacks::{self, StackId, StackSum};
use crate::symbols::{Code, Symbols};

/// How many places a phase tells of at most.
const PLACES: usize = 16;
/// A place beyond a phase's first is told of only where it has this share of the build's bytes,
/// allocated or retained.
const SHARE: f64 = 0.001;
/// A record of so many phases
const PHASES: usize = 50;
/// has at most so many bytes: places are left out until it has.
const RECORD: usize = 32 << 10;
/// A name is cut after so many bytes.
const NAME: usize = 160;

/// As long as it lives, allocations are sampled.
#[derive(Debug)]
pub struct Sampling {
    dropped_before: u64,
}

impl Sampling {
    /// Begins to sample one of `sample_bytes` bytes on average. If a build is sampled already, its
    /// average holds. `seed` fixes what is picked, as far as the threads of the build begin and
    /// allocate in the same order each time.
    ///
    /// # Errors
    ///
    /// [`SamplingError`] says why sampling is not possible.
    pub fn begin(sample_bytes: u64, seed: u64) -> Result<Self, SamplingError> {
        if !sampler::begin(sample_bytes, seed) {
            return Err(SamplingError::Busy);
        }
        Ok(Self { dropped_before: sampler::dropped() })
    }

    /// What was sampled for a build, which has just ended.
    #[must_use]
    pub fn collect(&self, build: BuildNumber) -> Samples {
        let sample_bytes = sampler::sample_bytes();
        let mut retained: HashMap<StackId, Sum> = HashMap::new();
        for (stack, sum) in live::by_stack(sample_bytes) {
            let all = retained.entry(stack).or_default();
            *all = all.plus(sum);
        }
        Samples {
            sample_bytes,
            dropped: sampler::dropped().saturating_sub(self.dropped_before),
            stacks: stacks::of(build.get()),
            retained,
        }
    }
}

impl Drop for Sampling {
    fn drop(&mut self) {
        sampler::end();
    }
}

/// What was sampled for a build.
#[derive(Debug)]
pub struct Samples {
    sample_bytes: u64,
    dropped: u64,
    stacks: Vec<StackSum>,
    retained: HashMap<StackId, Sum>,
}

/// A place in the code.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    function: String,
    file: Option<String>,
    line: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default)]
struct PlaceSum {
    sum: Sum,
    retained: Sum,
    allocations: f64,
    growths: f64,
}

impl PlaceSum {
    fn plus(self, other: Self) -> Self {
        Self {
            sum: self.sum.plus(other.sum),
            retained: self.retained.plus(other.retained),
            allocations: self.allocations + other.allocations,
            growths: self.growths + other.growths,
        }
    }
}

type Places = HashMap<Place, PlaceSum>;

impl Samples {
    /// Adds what was sampled to the build's record. Reads the symbols of the program, which takes
    /// some tens of milliseconds. Returns a warning if there is something to improve.
    pub fn add_to(&self, stats: &mut BuildStats, measured: &Measured) -> Option<&'static str> {
        let by_part = self.by_part();
        let everything = by_part.values().flat_map(HashMap::values);
        let all = everything.fold(PlaceSum::default(), |sum, it| sum.plus(*it));
        let has_lines = by_part.values().flat_map(HashMap::keys).any(|it| it.line.is_some());
        let mut facts = AllocatorFacts::default();
        facts.sample_bytes = self.sample_bytes;
        facts.samples = all.sum.samples;
        facts.dropped = self.dropped;
        facts.debug_info = (all.sum.samples > 0).then_some(has_lines);
        stats.allocators = Some(facts);
        let text = |part: &u32| measured.paths.text(PathId::from_raw(*part));
        let mut by_path: HashMap<String, Places> =
            by_part.into_iter().map(|(part, places)| (text(&part), places)).collect();
        for phase in &mut stats.phases {
            let places = by_path.remove(&phase.path).unwrap_or_default();
            let told = self.told(places, phase.self_alloc_bytes, all);
            phase.top_allocators = told.places;
            [phase.retained_bytes, phase.retained_bytes_low, phase.retained_bytes_high] =
                told.retained.map(Some);
        }
        if let Some(unattributed) = &mut stats.unattributed {
            let places = by_path.remove("").unwrap_or_default();
            let told = self.told(places, unattributed.alloc_bytes, all);
            unattributed.top_allocators = told.places;
            [
                unattributed.retained_bytes,
                unattributed.retained_bytes_low,
                unattributed.retained_bytes_high,
            ] = told.retained.map(Some);
        }
        fit(stats, all);
        (all.sum.samples > 0 && !has_lines).then_some(
            "the top allocators have no line numbers: this program has no debug information \
             (add `debug = \"line-tables-only\"` to its Cargo profile)",
        )
    }

    /// The places of each part of the build.
    fn by_part(&self) -> HashMap<u32, Places> {
        let mut namer = Namer::new();
        let mut parts: HashMap<u32, Places> = HashMap::new();
        for stack in &self.stacks {
            let sum = PlaceSum {
                sum: stack.sum,
                retained: self.retained.get(&stack.id).copied().unwrap_or_default(),
                allocations: stack.allocations,
                growths: stack.growths,
            };
            let places = parts.entry(stack.part).or_default();
            let entry = places.entry(namer.place(&stack.frames)).or_default();
            *entry = entry.plus(sum);
        }
        parts.into_iter().map(|(part, places)| (part, by_line(places))).collect()
    }

    /// What is told of the places of one phase that allocated `most` bytes.
    fn told(&self, places: Places, most: Option<u64>, all: PlaceSum) -> Told {
        let most = most.unwrap_or(u64::MAX);
        let total = places.values().fold(PlaceSum::default(), |sum, it| sum.plus(*it));
        let retained = total.retained.estimate(self.sample_bytes, most);
        let mut places: Vec<_> = places.into_iter().collect();
        places.sort_by(|one, other| {
            let by_weight = weight(&other.1, all).total_cmp(&weight(&one.1, all));
            by_weight.then_with(|| one.0.function.cmp(&other.0.function))
        });
        let matter = places.iter().skip(1).take_while(|it| weight(&it.1, all) >= SHARE).count();
        places.truncate(PLACES.min(1 + matter));
        places.sort_by(|one, other| other.1.sum.bytes.total_cmp(&one.1.sum.bytes));
        let places = places.into_iter().map(|(place, sum)| self.entry(place, sum, most));
        Told { places: places.collect(), retained: [retained.bytes, retained.low, retained.high] }
    }

    fn entry(&self, place: Place, sum: PlaceSum, most: u64) -> AllocationPlace {
        let bytes = sum.sum.estimate(self.sample_bytes, most);
        let mut entry = AllocationPlace::default();
        entry.function = place.function;
        entry.file = place.file;
        entry.line = place.line.map(u64::from);
        entry.alloc_bytes = bytes.bytes;
        entry.alloc_bytes_low = bytes.low;
        entry.alloc_bytes_high = bytes.high;
        entry.alloc_count = whole(sum.allocations.round());
        entry.realloc_count = whole(sum.growths.round());
        entry.retained_bytes = sum.retained.estimate(self.sample_bytes, most).bytes;
        entry.samples = sum.sum.samples;
        entry
    }
}

/// Makes one place of those on one line, such as the instances of generic code: it is named after the
/// function that allocated most there.
fn by_line(places: Places) -> Places {
    let mut heaviest_first: Vec<_> = places.into_iter().collect();
    heaviest_first.sort_by(|one, other| {
        let by_bytes = other.1.sum.bytes.total_cmp(&one.1.sum.bytes);
        by_bytes.then_with(|| one.0.function.cmp(&other.0.function))
    });
    let mut lines: HashMap<(String, u32), Place> = HashMap::new();
    let mut merged = Places::new();
    for (mut place, sum) in heaviest_first {
        if let (Some(file), Some(line)) = (&place.file, place.line) {
            let named = lines.entry((file.clone(), line)).or_insert_with(|| place.clone());
            place = named.clone();
        }
        let entry = merged.entry(place).or_default();
        *entry = entry.plus(sum);
    }
    merged
}

struct Told {
    places: Vec<AllocationPlace>,
    /// Estimate, low and high end.
    retained: [u64; 3],
}

/// How much a place matters: its share of all that was allocated, or of what was retained.
fn weight(sum: &PlaceSum, all: PlaceSum) -> f64 {
    let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    share(sum.sum.bytes, all.sum.bytes).max(share(sum.retained.bytes, all.retained.bytes))
}

/// Leaves out places, those that matter least first, until the record has the size that it may have.
fn fit(stats: &mut BuildStats, all: PlaceSum) {
    let room = RECORD * stats.phases.len().max(PHASES) / PHASES;
    let Ok(line) = serde_json::to_string(stats) else { return };
    let mut excess = line.len().saturating_sub(room);
    let share = |part: u64, whole: f64| {
        #[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
        let part = part as f64;
        if whole > 0.0 { part / whole } else { 0.0 }
    };
    while excess > 0 {
        let unattributed = stats.unattributed.iter_mut().map(|it| &mut it.top_allocators);
        let lists = stats.phases.iter_mut().map(|it| &mut it.top_allocators).chain(unattributed);
        let weight = |it: &AllocationPlace| {
            share(it.alloc_bytes, all.sum.bytes).max(share(it.retained_bytes, all.retained.bytes))
        };
        let least = lists
            .filter_map(|list| {
                let lightest = (0..list.len())
                    .min_by(|one, other| weight(&list[*one]).total_cmp(&weight(&list[*other])))?;
                let weight = weight(&list[lightest]);
                Some((list, lightest, weight))
            })
            .min_by(|one, other| one.2.total_cmp(&other.2));
        let Some((list, index, _)) = least else { return };
        let place = list.remove(index);
        let len = serde_json::to_string(&place).map_or(1, |it| it.len() + 1);
        excess = excess.saturating_sub(len);
    }
}

/// What is known of addresses: kept from build to build, as reading symbols takes a while.
struct Known {
    /// Where the addresses are from.
    loaded: Vec<LoadedModule>,
    /// The functions at an address that are of the tool.
    at: BTreeMap<u64, Vec<Code>>,
}

static KNOWN: Mutex<Known> = Mutex::new(Known { loaded: Vec::new(), at: BTreeMap::new() });

/// Finds the places of stacks.
struct Namer {
    symbols: Symbols,
    known: MutexGuard<'static, Known>,
    dir: Option<PathBuf>,
}

impl Namer {
    fn new() -> Self {
        let loaded = loaded_modules();
        let mut known = KNOWN.lock();
        if known.loaded != loaded {
            known.at.clear();
            known.loaded.clone_from(&loaded);
        }
        Self { symbols: Symbols::of(loaded), known, dir: std::env::current_dir().ok() }
    }

    fn place(&mut self, frames: &[u64]) -> Place {
        let first = frames.iter().enumerate().find_map(|(index, it)| {
            let first = self.of_tool(*it).first().cloned();
            first.map(|it| (index, it))
        });
        let Some((index, code)) = first else { return self.nameless(frames) };
        let mut function = code.function.unwrap_or_default();
        // Without all of the debug information, what is inlined has the last part of its name only.
        if function.starts_with('{')
            && let Some(caller) = self.caller(&frames[index..])
        {
            function = format!("{caller} … {function}");
        }
        Place {
            function: cut(function),
            file: code.file.map(|it| file_for_record(&it, self.dir.as_deref())),
            line: code.line,
        }
    }

    /// The functions at an address that are of the tool.
    fn of_tool(&mut self, address: u64) -> &[Code] {
        let of_tool = || self.symbols.at(address).into_iter().filter(is_of_tool).collect();
        self.known.at.entry(address).or_insert_with(of_tool)
    }

    /// The function of the tool that is next on the stack after the first.
    fn caller(&mut self, frames: &[u64]) -> Option<String> {
        let mut left_out = 1;
        frames.iter().find_map(|it| {
            let codes = self.of_tool(*it);
            let found = codes.get(left_out).and_then(|it| it.function.clone());
            left_out = left_out.saturating_sub(codes.len());
            found
        })
    }

    /// Where there are no names: the caller of the allocator, beyond our own frames.
    fn nameless(&self, frames: &[u64]) -> Place {
        const OWN: usize = 3;
        let caller = frames.get(OWN).or(frames.last());
        let function = caller.and_then(|it| self.symbols.offset_of(*it));
        Place {
            function: function.unwrap_or_else(|| String::from("(unknown)")),
            file: None,
            line: None,
        }
    }
}

fn cut(mut name: String) -> String {
    if name.len() > NAME {
        name.truncate(name.floor_char_boundary(NAME));
        name.push('…');
    }
    name
}
