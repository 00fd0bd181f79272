//! What there is to ask of whoever measures a program, with the answers: the programs, in the package
//! `situation-programs`, are made so that it is known what each of their phases took.

mod facts;
mod situation;

pub use facts::{Facts, PhaseFacts, Told};
pub use situation::{ALL, Ask, Question, Situation};
