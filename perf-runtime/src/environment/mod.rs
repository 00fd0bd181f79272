//! Facts about the machine and the checkout: all the I/O that a build's record needs, kept off the
//! build's own thread.
//!
//! [`Observation::begin`] reads the process's counters and starts one thread for everything that is
//! slow; [`Observation::finish`] collects what that thread found. A fact that cannot be had is absent.

mod checkout;
mod ci;
mod clocksource;
mod git_status;
mod machine;
mod process;
mod recordable;
mod resident;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
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
    git_status::{Question, Status, Withdrawal},
    process::Usage,
};

pub(crate) use self::clocksource::trusts_counter as kernel_trusts_counter;
pub(crate) use self::process::suspended_ns;
pub(crate) use self::resident::resident_bytes;

/// How long [`Observation::finish`] waits for the facts that decide with which builds this one may be
/// compared. A build that took longer than they do waits not at all.
const PATIENCE: Duration = Duration::from_millis(20);

/// How long the thread waits before it does anything.
///
/// PERF: a kernel may put a new thread into the queue of the processor that its maker runs on, but one that wakes
/// up on one that is idle. On two virtual processors, with one of them idle, a busy build lost seven times as much
/// time to the thread without this (medians of 150 processes).
const HEAD_START: Duration = Duration::from_micros(100);

/// Bytes in the record's megabyte.
const MEGABYTE: f64 = 1_048_576.0;

/// The machine does not change while a process runs, so its first build asks for all of them.
static MACHINE: OnceLock<System> = OnceLock::new();

/// What a variable of the environment holds.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// What was read, and is still being read, for a build that is open.
pub(crate) struct Observation {
    usage: Option<Usage>,
    resident: Option<u64>,
    with_git: bool,
    findings: Receiver<Finding>,
    _withdrawal: Withdrawal,
}

/// What is known about the process, the machine, the checkout and the job at the end of a build.
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
    /// Most resident memory since the process began, in units of 2^20 bytes.
    pub(crate) memory_peak_rss_mb: Option<f64>,
    /// The machine.
    pub(crate) system: Option<System>,
    /// What else may have disturbed the build.
    pub(crate) noise: Option<Noise>,
    /// The checkout that was built with.
    pub(crate) git: Option<Git>,
    /// The continuous integration job that built.
    pub(crate) ci: Option<Ci>,
    /// The operating system, in the spelling of the Python model's records.
    pub(crate) platform: Option<String>,
}

/// What the thread sends, in this order.
enum Finding {
    Surroundings(Surroundings),
    /// The machine's facts are in [`MACHINE`].
    Machine {
        own_usage: Option<Usage>,
    },
    Status {
        status: Option<Status>,
        own_usage: Option<Usage>,
    },
}

/// Where the build runs: cheap to read, and all of it from variables and small files.
#[derive(Default)]
struct Surroundings {
    job: Option<Job>,
    head: Option<Head>,
}

impl Observation {
    /// Starts observing for a build that runs in `directory`, which may be relative to the current
    /// directory. `with_git` is whether to look at the checkout.
    pub(crate) fn begin(directory: &Path, with_git: bool) -> Self {
        // PERF: before the thread is there, though starting it, some 30 µs, is then part of the build's processor
        // time. A kernel that sums up a process's usage looks at its queue as well, and lets a thread that was put
        // there just now run at once: asked last, this took twice as long as starting the thread, else next to nothing.
        let usage = Usage::of_process();
        let resident = resident_bytes();
        let (sender, findings) = mpsc::channel();
        let question = Question::default();
        let withdrawal = question.withdrawal();
        if let Ok(directory) = std::path::absolute(directory) {
            // Without a thread the sender is gone, and the facts are absent.
            let _ = spawn_uncounted("build-facts", move || {
                find_out(&directory, with_git, &question, &sender);
            });
        }
        Self { usage, resident, with_git, findings, _withdrawal: withdrawal }
    }

    /// What is known by now. What `git status` has not said by now stays unknown, and its process
    /// is ended.
    pub(crate) fn finish(self) -> Facts {
        let found = Found::wait(&self.findings, PATIENCE);
        let now = Usage::of_process();
        let spent = match (&now, &self.usage) {
            (Some(now), Some(then)) => {
                let spent = now.since(then);
                Some(match &found.own_usage {
                    Some(own) => spent.since(own),
                    None => spent,
                })
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
            // The kernel's mark may lag behind what is resident now.
            memory_peak_rss_mb: process::peak_resident_bytes()
                .or(now.and_then(|usage| usage.peak_resident_bytes))
                .map(|peak| megabytes(peak.max(resident.unwrap_or(0)))),
            system: MACHINE.get().cloned(),
            noise,
            git: self
                .with_git
                .then(|| {
                    git(found.surroundings.job.as_ref(), found.surroundings.head, found.status)
                })
                .flatten(),
            ci: found.surroundings.job.map(|job| job.ci),
            platform: Some(platform().to_owned()),
        }
    }
}

/// What had arrived when the build ended.
#[derive(Default)]
struct Found {
    surroundings: Surroundings,
    status: Option<Status>,
    /// What finding it out has cost this process, which is not the build's.
    own_usage: Option<Usage>,
}

impl Found {
    /// Takes what is there, and waits up to `patience` for all but the status.
    fn wait(findings: &Receiver<Finding>, patience: Duration) -> Self {
        let mut found = Self::default();
        let deadline = Instant::now() + patience;
        while let Ok(finding) =
            findings.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {
            match finding {
                Finding::Surroundings(surroundings) => found.surroundings = surroundings,
                Finding::Machine { own_usage } => {
                    found.own_usage = own_usage;
                    break;
                }
                Finding::Status { .. } => break,
            }
        }
        if let Ok(Finding::Status { status, own_usage }) = findings.try_recv() {
            found.status = status;
            found.own_usage = own_usage;
        }
        found
    }
}

/// The work of the thread. Nobody may be waiting any more when a finding is sent.
fn find_out(directory: &Path, with_git: bool, question: &Question, findings: &Sender<Finding>) {
    std::thread::sleep(HEAD_START);
    let environment = |name: &str| std::env::var_os(name);
    let directory = resolved(directory);
    let git = with_git.then(|| GitDirectory::discover(&directory, &environment)).flatten();
    let is_checkout = git.is_some();
    let _ = findings.send(Finding::Surroundings(Surroundings {
        job: ci::job(&environment),
        head: git.map(|git| git.head()),
    }));
    MACHINE.get_or_init(machine::system);
    let _ = findings.send(Finding::Machine { own_usage: Usage::of_thread() });
    // Last, as starting a process takes longer than all else, and a very short build waits for all else.
    if is_checkout {
        let status =
            question.ask("git".as_ref(), &directory).and_then(|answer| question.read(answer));
        let _ = findings.send(Finding::Status { status, own_usage: Usage::of_thread() });
    }
}

/// `directory` without symbolic links, as git sees the directory that it runs in.
fn resolved(directory: &Path) -> PathBuf {
    directory.canonicalize().unwrap_or_else(|_| directory.to_owned())
}

/// Whose word counts for commit and branch.
///
/// The job's variables come first: of a pull request they name the change's own commit and branch,
/// where the checkout holds a merge commit without a branch. But they describe what the job was
/// started for; a checkout at any other commit (a bisection, the two sides of a comparison, another
/// repository) speaks for itself.
fn git(job: Option<&Job>, head: Option<Head>, status: Option<Status>) -> Option<Git> {
    let head = head.unwrap_or_default();
    let (said_commit, said_branch, dirty) = match status {
        Some(status) => (status.commit, status.branch, Some(status.dirty)),
        None => (None, None, None),
    };
    let commit = head.commit.or(said_commit);
    let branch = head.branch.or(said_branch);
    let (job_commit, job_branch, elsewhere) = match job {
        Some(job) => (
            job.commit().map(str::to_owned),
            job.branch.clone(),
            commit.as_deref().is_some_and(|commit| job.is_not_of(commit)),
        ),
        None => (None, None, false),
    };
    let (commit, branch) = if elsewhere {
        (commit, branch.or(job_branch))
    } else {
        (job_commit.or(commit), job_branch.or(branch))
    };
    let mut git = Git::default();
    git.commit = commit;
    git.branch = branch;
    git.dirty = dirty;
    (git != Git::default()).then_some(git)
}

/// As Python's `sys.platform` has it.
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

/// Exact up to 2^53 bytes.
#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^53 bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / MEGABYTE
}
