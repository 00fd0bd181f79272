//! The judge's statistics, against other people's implementations (`tests/data/statistics`), and
//! against slow and obvious models.

mod benjamini_hochberg;
mod bootstrap;
mod e_divisive;
mod mann_whitney;
mod reference;
mod robust;
mod rules;
mod sequential;
