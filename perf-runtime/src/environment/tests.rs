//! The facts against real repositories, real processes, and environments made for the purpose.

mod checkout;
mod ci;
mod damaged_checkout;
mod git_status;
mod observation;
mod repository;
