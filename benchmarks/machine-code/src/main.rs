//! Tells whether measuring that is compiled out leaves the machine code of the bare functions, and
//! fails where it does not.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use machine_code::{Form, compare};

fn main() -> ExitCode {
    match compare(Form::Bare, Form::CompiledOut) {
        Ok(differences) if differences.are_none() => {
            println!("{} functions have the same machine code", differences.compared);
            ExitCode::SUCCESS
        }
        Ok(differences) => {
            eprintln!("{differences:#?}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
