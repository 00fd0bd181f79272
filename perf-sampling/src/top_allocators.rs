//! Finds the places in the code that allocated most, from the samples of a build, and adds them to its
//! record.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use parking_lot::{Mutex, MutexGuard};
use perf_core::recorder::{BuildNumber, Measured, PathId};
use perf_history::{AllocationPlace, AllocatorFacts, BuildStats};

use crate::SamplingError;
use crate::estimate::{Estimate, Sum, whole};
use crate::live;
use crate::modules::{LoadedModule, loaded_modules};
use crate::place::{file_for_record, is_in_tool};
use crate::sampler;
use crate::stacks::{self, StackId, StackSum};
use crate::symbols::{Code, Symbols};

/// The maximum number of places per phase.
const MAX_PLACES: usize = 16;
/// Apart from the first place of a phase, a place is recorded only if it has this share of the bytes that
/// the build allocated or retained.
const MIN_SHARE: f64 = 0.001;
/// Places are left out until a record of up to [`USUAL_PHASES`] phases has this size in bytes. With more
/// phases it may be proportionally larger.
const MAX_RECORD_BYTES: usize = 32 << 10;
const USUAL_PHASES: usize = 50;
/// Names are truncated to this number of bytes.
const MAX_NAME_BYTES: usize = 160;

/// Active sampling. Allocations are sampled until it is dropped.
#[derive(Debug)]
pub struct Sampling {
    dropped_before: u64,
}

impl Sampling {
    /// Starts to sample one of `sample_bytes` bytes on average. If another build is being sampled, its
    /// average is used instead. With the same `seed` the same bytes are sampled, as long as the threads of
    /// the build start and allocate in the same order.
    ///
    /// # Errors
    ///
    /// [`SamplingError::Busy`] if a thread is still taking a sample for an earlier build, or if the system
    /// is out of memory.
    pub fn start(sample_bytes: u64, seed: u64) -> Result<Self, SamplingError> {
        if !sampler::start(sample_bytes, seed) {
            return Err(SamplingError::Busy);
        }
        Ok(Self { dropped_before: sampler::dropped() })
    }

    /// The samples of a build, which has just ended.
    #[must_use]
    pub fn collect(&self, build: BuildNumber) -> Samples {
        let sample_bytes = sampler::sample_bytes();
        let mut retained: HashMap<StackId, Sum> = HashMap::new();
        for (stack, sum) in live::by_stack(sample_bytes) {
            let total = retained.entry(stack).or_default();
            *total = total.plus(sum);
        }
        Samples {
            sample_bytes,
            dropped: sampler::dropped().saturating_sub(self.dropped_before),
            stacks: stacks::owned_by(build.get()),
            retained,
        }
    }
}

impl Drop for Sampling {
    fn drop(&mut self) {
        sampler::end();
    }
}

/// The samples of a build.
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

    /// The share of this place in what the build allocated or retained, whichever is larger.
    fn share_of(&self, build: Self) -> f64 {
        share(self.sum.bytes, self.retained.bytes, build)
    }
}

fn share(alloc_bytes: f64, retained_bytes: f64, build: PlaceSum) -> f64 {
    let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    ratio(alloc_bytes, build.sum.bytes).max(ratio(retained_bytes, build.retained.bytes))
}

type Places = HashMap<Place, PlaceSum>;

impl Samples {
    /// Adds the top allocators and the retained bytes to the record of the build. It reads the symbols of
    /// the program, which takes some tens of milliseconds. Returns a warning if debug information is
    /// missing.
    pub fn add_to(&self, stats: &mut BuildStats, measured: &Measured) -> Option<&'static str> {
        let by_part = self.by_part();
        let sums = by_part.values().flat_map(HashMap::values);
        let total = sums.fold(PlaceSum::default(), |total, sum| total.plus(*sum));
        let has_lines = by_part.values().flat_map(HashMap::keys).any(|place| place.line.is_some());
        let mut facts = AllocatorFacts::default();
        facts.sample_bytes = self.sample_bytes;
        facts.samples = total.sum.samples;
        facts.dropped = self.dropped;
        facts.debug_info = (total.sum.samples > 0).then_some(has_lines);
        stats.allocators = Some(facts);
        let text = |part: &u32| measured.paths.text(PathId::from_raw(*part));
        let mut by_path: HashMap<String, Places> =
            by_part.into_iter().map(|(part, places)| (text(&part), places)).collect();
        for phase in &mut stats.phases {
            let places = by_path.remove(&phase.path).unwrap_or_default();
            let retained;
            (phase.top_allocators, retained) =
                self.summarize(places, phase.self_alloc_bytes, total);
            phase.retained_bytes = Some(retained.bytes);
            phase.retained_bytes_low = Some(retained.low);
            phase.retained_bytes_high = Some(retained.high);
        }
        if let Some(unattributed) = &mut stats.unattributed {
            let places = by_path.remove("").unwrap_or_default();
            let retained;
            (unattributed.top_allocators, retained) =
                self.summarize(places, unattributed.alloc_bytes, total);
            unattributed.retained_bytes = Some(retained.bytes);
            unattributed.retained_bytes_low = Some(retained.low);
            unattributed.retained_bytes_high = Some(retained.high);
        }
        limit_size(stats, total);
        (total.sum.samples > 0 && !has_lines).then_some(
            "the top allocators have no line numbers: this program has no debug information \
             (add `debug = \"line-tables-only\"` to its Cargo profile)",
        )
    }

    /// The places of each phase.
    fn by_part(&self) -> HashMap<u32, Places> {
        let mut finder = PlaceFinder::new();
        let mut parts: HashMap<u32, Places> = HashMap::new();
        for stack in &self.stacks {
            let sum = PlaceSum {
                sum: stack.sum,
                retained: self.retained.get(&stack.id).copied().unwrap_or_default(),
                allocations: stack.allocations,
                growths: stack.growths,
            };
            let places = parts.entry(stack.part).or_default();
            let entry = places.entry(finder.place(&stack.frames)).or_default();
            *entry = entry.plus(sum);
        }
        parts.into_iter().map(|(part, places)| (part, by_line(places))).collect()
    }

    /// The top allocators and the retained bytes of one phase, which allocated `alloc_bytes`. `build` is
    /// the sum over the whole build.
    fn summarize(
        &self,
        places: Places,
        alloc_bytes: Option<u64>,
        build: PlaceSum,
    ) -> (Vec<AllocationPlace>, Estimate) {
        let max = alloc_bytes.unwrap_or(u64::MAX);
        let phase = places.values().fold(PlaceSum::default(), |total, sum| total.plus(*sum));
        let retained = phase.retained.estimate(self.sample_bytes, max);
        let mut places: Vec<_> = places.into_iter().collect();
        places.sort_by(|(one, one_sum), (other, other_sum)| {
            let by_share = other_sum.share_of(build).total_cmp(&one_sum.share_of(build));
            by_share.then_with(|| one.function.cmp(&other.function))
        });
        let relevant = |(_, sum): &&(Place, PlaceSum)| sum.share_of(build) >= MIN_SHARE;
        let more = places.iter().skip(1).take_while(relevant).count();
        places.truncate(MAX_PLACES.min(1 + more));
        places.sort_by(|(_, one), (_, other)| other.sum.bytes.total_cmp(&one.sum.bytes));
        let places = places.into_iter().map(|(place, sum)| self.entry(place, sum, max));
        (places.collect(), retained)
    }

    fn entry(&self, place: Place, sum: PlaceSum, max: u64) -> AllocationPlace {
        let bytes = sum.sum.estimate(self.sample_bytes, max);
        let mut entry = AllocationPlace::default();
        entry.function = place.function;
        entry.file = place.file;
        entry.line = place.line.map(u64::from);
        entry.alloc_bytes = bytes.bytes;
        entry.alloc_bytes_low = bytes.low;
        entry.alloc_bytes_high = bytes.high;
        entry.alloc_count = whole(sum.allocations.round());
        entry.realloc_count = whole(sum.growths.round());
        entry.retained_bytes = sum.retained.estimate(self.sample_bytes, max).bytes;
        entry.samples = sum.sum.samples;
        entry
    }
}

/// Merges the places on one line, such as the instances of generic code. The result has the name of the
/// function that allocated most there.
fn by_line(places: Places) -> Places {
    let mut heaviest_first: Vec<_> = places.into_iter().collect();
    heaviest_first.sort_by(|(one, one_sum), (other, other_sum)| {
        let by_bytes = other_sum.sum.bytes.total_cmp(&one_sum.sum.bytes);
        by_bytes.then_with(|| one.function.cmp(&other.function))
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

/// Removes places, those with the smallest share first, until the record has its maximum size.
fn limit_size(stats: &mut BuildStats, build: PlaceSum) {
    let max_bytes = MAX_RECORD_BYTES * stats.phases.len().max(USUAL_PHASES) / USUAL_PHASES;
    let Ok(line) = serde_json::to_string(stats) else { return };
    let mut excess = line.len().saturating_sub(max_bytes);
    while excess > 0 {
        let unattributed = stats.unattributed.iter_mut().map(|rest| &mut rest.top_allocators);
        let phases = stats.phases.iter_mut().map(|phase| &mut phase.top_allocators);
        #[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
        let share = |place: &AllocationPlace| {
            share(place.alloc_bytes as f64, place.retained_bytes as f64, build)
        };
        let smallest = phases
            .chain(unattributed)
            .filter_map(|places| {
                let shares = places.iter().map(share).enumerate();
                let (index, share) = shares.min_by(|(_, one), (_, other)| one.total_cmp(other))?;
                Some((places, index, share))
            })
            .min_by(|(_, _, one), (_, _, other)| one.total_cmp(other));
        let Some((places, index, _)) = smallest else { return };
        let removed = places.remove(index);
        let len = serde_json::to_string(&removed).map_or(1, |text| text.len() + 1);
        excess = excess.saturating_sub(len);
    }
}

/// The functions of the tool by address. They are kept from build to build, as reading symbols is slow.
struct Cache {
    /// The modules that the addresses refer to.
    loaded: Vec<LoadedModule>,
    functions: BTreeMap<u64, Vec<Code>>,
}

static CACHE: Mutex<Cache> = Mutex::new(Cache { loaded: Vec::new(), functions: BTreeMap::new() });

/// Finds the places of stacks.
struct PlaceFinder {
    symbols: Symbols,
    cache: MutexGuard<'static, Cache>,
    dir: Option<PathBuf>,
}

impl PlaceFinder {
    fn new() -> Self {
        let loaded = loaded_modules();
        let mut cache = CACHE.lock();
        if cache.loaded != loaded {
            cache.functions.clear();
            cache.loaded.clone_from(&loaded);
        }
        Self { symbols: Symbols::new(loaded), cache, dir: std::env::current_dir().ok() }
    }

    fn place(&mut self, frames: &[u64]) -> Place {
        let first = frames.iter().enumerate().find_map(|(index, address)| {
            let first = self.tool_functions(*address).first().cloned();
            first.map(|code| (index, code))
        });
        let Some((index, code)) = first else { return self.unnamed_place(frames) };
        let mut function = code.function.unwrap_or_default();
        // With reduced debug information, an inlined function has only the last part of its name.
        if function.starts_with('{')
            && let Some(caller) = self.caller(&frames[index..])
        {
            function = format!("{caller} … {function}");
        }
        Place {
            function: truncate(function),
            file: code.file.map(|file| file_for_record(&file, self.dir.as_deref())),
            line: code.line,
        }
    }

    /// The functions of the tool at an address.
    fn tool_functions(&mut self, address: u64) -> &[Code] {
        let look_up =
            || self.symbols.functions_at(address).into_iter().filter(is_in_tool).collect();
        self.cache.functions.entry(address).or_insert_with(look_up)
    }

    /// The name of the second function of the tool on the stack.
    fn caller(&mut self, frames: &[u64]) -> Option<String> {
        let mut to_skip = 1;
        frames.iter().find_map(|address| {
            let functions = self.tool_functions(*address);
            let found = functions.get(to_skip).and_then(|code| code.function.clone());
            to_skip = to_skip.saturating_sub(functions.len());
            found
        })
    }

    /// The place of a stack without names: the address that called the allocator.
    fn unnamed_place(&self, frames: &[u64]) -> Place {
        /// The frames of this crate and of the allocator.
        const OWN_FRAMES: usize = 3;
        let caller = frames.get(OWN_FRAMES).or(frames.last());
        let function = caller.and_then(|address| self.symbols.offset_of(*address));
        Place {
            function: function.unwrap_or_else(|| String::from("(unknown)")),
            file: None,
            line: None,
        }
    }
}

fn truncate(mut name: String) -> String {
    if name.len() > MAX_NAME_BYTES {
        name.truncate(name.floor_char_boundary(MAX_NAME_BYTES));
        name.push('…');
    }
    name
}
