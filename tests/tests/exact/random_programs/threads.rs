//! The threads of a program. One runs at a time. It can ask another thread to act and wait for it, and the
//! other can do the same.

use std::array;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex};

use super::program::{Act, PLAYERS};
use super::trace::{self, What};

/// The largest number of threads of a program.
pub(crate) const THREADS: usize = 14;

enum Mail {
    Empty,
    /// Do this, and reply to that thread.
    Do(Act, usize),
    Done,
    Quit,
}

struct Mailbox {
    mail: Mutex<Mail>,
    arrived: Condvar,
}

impl Mailbox {
    fn put(&self, mail: Mail) {
        *self.mail.lock().expect("no thread panics with the lock") = mail;
        self.arrived.notify_all();
    }

    fn wait(&self) -> Mail {
        let mut mail = self.mail.lock().expect("no thread panics with the lock");
        loop {
            match std::mem::replace(&mut *mail, Mail::Empty) {
                Mail::Empty => {}
                arrived => return arrived,
            }
            mail = self.arrived.wait(mail).expect("no thread panics with the lock");
        }
    }
}

pub(crate) struct Threads {
    mailboxes: [Mailbox; THREADS],
    next: AtomicUsize,
    ended_at: [AtomicU64; THREADS],
}

impl Threads {
    pub(crate) fn new() -> Self {
        let mailbox = |_| Mailbox { mail: Mutex::new(Mail::Empty), arrived: Condvar::new() };
        Self {
            mailboxes: array::from_fn(mailbox),
            next: AtomicUsize::new(PLAYERS),
            ended_at: array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    /// A number for a new thread. `None` if there are too many.
    pub(crate) fn number(&self) -> Option<usize> {
        let number = self.next.fetch_add(1, SeqCst);
        (number < THREADS).then_some(number)
    }

    /// Lets a thread act, and waits for it.
    pub(crate) fn ask(&self, thread: usize, act: Act, do_it: &dyn Fn(&Act)) {
        self.mailboxes[thread].put(Mail::Do(act, trace::this_thread()));
        self.serve(do_it);
    }

    /// Acts for other threads, until one replies to this thread.
    pub(crate) fn serve(&self, do_it: &dyn Fn(&Act)) {
        loop {
            match self.mailboxes[trace::this_thread()].wait() {
                Mail::Do(act, asked_by) => {
                    do_it(&act);
                    drop(act);
                    self.mailboxes[asked_by].put(Mail::Done);
                }
                Mail::Empty | Mail::Done | Mail::Quit => return,
            }
        }
    }

    /// The closure of a thread of the program. It replies to `parent` at its end.
    pub(crate) fn live(&self, thread: usize, parent: Option<usize>, do_it: impl FnOnce()) {
        trace::join_program(thread);
        do_it();
        self.ended_at[thread].store(trace::now(), SeqCst);
        if let Some(parent) = parent {
            self.mailboxes[parent].put(Mail::Done);
        }
    }

    /// Records that a thread has ended, after it was joined.
    pub(crate) fn has_ended(&self, thread: usize) {
        let ended_at = self.ended_at[thread].load(SeqCst);
        trace::note_of(thread, (ended_at, trace::now()), What::Ended);
    }

    pub(crate) fn quit(&self, thread: usize) {
        self.mailboxes[thread].put(Mail::Quit);
    }
}
