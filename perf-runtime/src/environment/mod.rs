//! Facts about the machine and the checkout: all the I/O that a build's record needs, kept off the
//! build thread.
//!
//! [`Observation::begin`] reads the counters of the process, and starts a thread for everything that is
//! slow. [`Observation::finish`] collects the results. A fact that could not be read is absent.

mod checkout;
mod ci;
mod git_status;
mod machine;
mod process;
mod recordable;
mod resident;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    path::Path,
    sync::{
        OnceLock,
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

use perf_history::{Ci, Git, Noise, System};

use perf_core::recorder::spawn_uncounted;

use self::{
    checkout::{GitDirectory, Head},
    ci::Job,
    git_status::{CancelOnDrop, Status, StatusQuery},
    process::Usage,
};

pub(crate) use self::process::{kernel_trusts_counter, suspended_ns};
pub(crate) use self::resident::resident_bytes;

/// How long [`Observation::finish`] waits for the facts that decide which builds this one may be
/// compared with. Only builds shorter than a few milliseconds wait.
const MAX_WAIT: Duration = Duration::from_millis(20);

/// How long the thread sleeps before it starts to work.
///
/// PERF: a kernel may schedule a new thread on the processor of its parent, but wakes a sleeping thread
/// on an idle one. On two virtual processors, one of them idle, a busy build lost seven times as much
/// time to the thread without this sleep (medians of 150 processes).
const START_DELAY: Duration = Duration::from_micros(100);

/// Bytes in a megabyte of the record.
const MEGABYTE: f64 = 1_048_576.0;

/// The machine does not change while a process runs, so only the first build reads its facts.
static MACHINE: OnceLock<System> = OnceLock::new();

/// Returns the value of an environment variable.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The facts of an open build that were read, or are being read.
pub(crate) struct Observation {
    usage: Option<Usage>,
    resident: Option<u64>,
    git: GitOptions,
    findings: Receiver<Finding>,
    _cancel_status: CancelOnDrop,
}

/// What to record about the checkout.
#[derive(Debug, Clone, Default)]
pub(crate) struct GitOptions {
    /// Whether to look at the checkout.
    pub(crate) look: bool,
    /// The commit to record, whatever the checkout's is.
    pub(crate) commit: Option<String>,
    /// The branch to record, whatever the checkout's is.
    pub(crate) branch: Option<String>,
}

/// The facts about the process, the machine, the checkout and the job at the end of a build.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Processor time of the whole process in user mode during the build, milliseconds.
    pub(crate) cpu_user_ms: Option<f64>,
    /// Processor time of the whole process in the kernel during the build, milliseconds.
    pub(crate) cpu_system_ms: Option<f64>,
    /// Resident memory at the end, in units of 2^20 bytes.
    pub(crate) memory_rss_mb: Option<f64>,
    /// Resident memory at the start, in units of 2^20 bytes.
    pub(crate) memory_start_rss_mb: Option<f64>,
    /// Peak of resident memory since the process began, in units of 2^20 bytes.
    pub(crate) memory_peak_rss_mb: Option<f64>,
    /// The machine.
    pub(crate) system: Option<System>,
    /// What may have disturbed the build.
    pub(crate) noise: Option<Noise>,
    /// The checkout that the build ran in.
    pub(crate) git: Option<Git>,
    /// The continuous integration job that ran the build.
    pub(crate) ci: Option<Ci>,
    /// The operating system, in the spelling of the Python model's records.
    pub(crate) platform: Option<String>,
}

/// What the thread sends, in this order. `thread_usage` is what the thread has used so far.
enum Finding {
    Location(Location),
    /// The machine's facts are in [`MACHINE`].
    Machine {
        thread_usage: Option<Usage>,
    },
    Status {
        status: Option<Status>,
        thread_usage: Option<Usage>,
    },
}

/// Where the build runs. It is cheap to read, from environment variables and small files.
#[derive(Default)]
struct Location {
    job: Option<Job>,
    head: Option<Head>,
}

impl Observation {
    /// Starts to gather the facts of a build in `directory`, which may be relative to the current
    /// directory.
    pub(crate) fn begin(directory: &Path, git: GitOptions) -> Self {
        // PERF: read before the thread starts, although the start (some 30 µs) then counts as processor
        // time of the build. To sum up the usage of a process, a kernel may also look at its run queue, and
        // let a thread that was just put there run at once: read afterwards, this call took twice as long
        // as starting the thread.
        let usage = Usage::of_process();
        let resident = resident_bytes();
        let (sender, findings) = mpsc::channel();
        let query = StatusQuery::default();
        let cancel_status = query.cancel_on_drop();
        let with_git = git.look;
        if let Ok(directory) = std::path::absolute(directory) {
            // If the thread cannot start, the sender is dropped and the facts are absent.
            let _ = spawn_uncounted("build-facts", move || {
                gather(&directory, with_git, &query, &sender);
            });
        }
        Self { usage, resident, git, findings, _cancel_status: cancel_status }
    }

    /// The facts that are known now. If `git status` has not finished, its result stays unknown and its
    /// process is killed.
    pub(crate) fn finish(self) -> Facts {
        let found = Findings::wait(&self.findings, MAX_WAIT);
        let now = Usage::of_process();
        let spent = match (&now, &self.usage) {
            (Some(now), Some(before)) => {
                let thread_usage = found.thread_usage.unwrap_or_default();
                Some(now.since(before).since(&thread_usage))
            }
            _ => None,
        };
        let resident = resident_bytes();
        let load_average = process::load_average();
        let noise = (spent.is_some() || load_average.is_some()).then(|| {
            let mut noise = Noise::default();
            noise.involuntary_context_switches =
                spent.as_ref().map(|usage| usage.involuntary_switches);
            noise.major_page_faults = spent.as_ref().map(|usage| usage.major_faults);
            noise.load_average = load_average;
            noise
        });
        Facts {
            cpu_user_ms: spent.as_ref().map(|usage| milliseconds(usage.user)),
            cpu_system_ms: spent.as_ref().map(|usage| milliseconds(usage.system)),
            memory_rss_mb: resident.map(megabytes),
            memory_start_rss_mb: self.resident.map(megabytes),
            // The kernel's high-water mark may lag behind the resident memory.
            memory_peak_rss_mb: process::peak_resident_bytes()
                .or(now.and_then(|usage| usage.peak_resident_bytes))
                .map(|peak| megabytes(peak.max(resident.unwrap_or(0)))),
            system: MACHINE.get().cloned(),
            noise,
            git: git(self.git, found.location.job.as_ref(), found.location.head, found.status),
            ci: found.location.job.map(|job| job.ci),
            platform: Some(platform().to_owned()),
        }
    }
}

/// What the thread had sent when the build ended.
#[derive(Default)]
struct Findings {
    location: Location,
    status: Option<Status>,
    /// What the thread used. It is not the build's.
    thread_usage: Option<Usage>,
}

impl Findings {
    /// Receives what was sent, and waits up to `max_wait` for everything but the status.
    fn wait(findings: &Receiver<Finding>, max_wait: Duration) -> Self {
        let mut found = Self::default();
        let deadline = Instant::now() + max_wait;
        while let Ok(finding) =
            findings.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            match finding {
                Finding::Location(location) => found.location = location,
                Finding::Machine { thread_usage } => {
                    found.thread_usage = thread_usage;
                    break;
                }
                Finding::Status { .. } => break,
            }
        }
        if let Ok(Finding::Status { status, thread_usage }) = findings.try_recv() {
            found.status = status;
            found.thread_usage = thread_usage;
        }
        found
    }
}

/// The work of the thread. The build may have ended already when a finding is sent.
fn gather(directory: &Path, with_git: bool, query: &StatusQuery, findings: &Sender<Finding>) {
    std::thread::sleep(START_DELAY);
    let environment = |name: &str| std::env::var_os(name);
    // Without symbolic links, as git sees the directory that it runs in.
    let directory = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let git = with_git.then(|| GitDirectory::discover(&directory, &environment)).flatten();
    let is_checkout = git.is_some();
    let _ = findings.send(Finding::Location(Location {
        job: ci::job(&environment),
        head: git.map(|git| git.head()),
    }));
    MACHINE.get_or_init(machine::system);
    let _ = findings.send(Finding::Machine { thread_usage: Usage::of_thread() });
    // Last, as starting a process is slower than everything else, and a very short build waits for that.
    if is_checkout {
        let slot = git_status::free_slot();
        let status = slot.and_then(|_slot| query.run("git".as_ref(), &directory));
        let _ = findings.send(Finding::Status { status, thread_usage: Usage::of_thread() });
    }
}

/// Chooses commit and branch from several sources.
///
/// What the user set in the environment comes first. Then comes the job: of a pull request it knows the
/// commit and branch, where the checkout is at a merge commit without a branch. But a job describes the
/// commit that it was started for. Where the checkout is at another commit (in a bisection, a comparison
/// of two versions, another repository), the checkout comes before the job.
fn git(
    options: GitOptions,
    job: Option<&Job>,
    head: Option<Head>,
    status: Option<Status>,
) -> Option<Git> {
    let mut git = Git::default();
    if options.look {
        let head = head.unwrap_or_default();
        git.dirty = status.as_ref().map(|status| status.dirty);
        let (status_commit, status_branch) =
            status.map(|status| (status.commit, status.branch)).unwrap_or_default();
        git.commit = head.commit.or(status_commit);
        git.branch = head.branch.or(status_branch);
        if let Some(job) = job {
            let is_elsewhere =
                git.commit.as_deref().is_some_and(|commit| job.is_for_another_commit_than(commit));
            if !is_elsewhere {
                git.commit = job.commit().map(str::to_owned).or(git.commit);
                git.branch = job.branch.clone().or(git.branch);
            }
            git.branch = git.branch.or_else(|| job.branch.clone());
        }
    }
    git.commit = options.commit.or(git.commit);
    git.branch = options.branch.or(git.branch);
    (git != Git::default()).then_some(git)
}

/// The operating system in the spelling of Python's `sys.platform`.
fn platform() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 8 PiB")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}
