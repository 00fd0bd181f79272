//! perf-runtime tells the truth of every program, but for times, which depend on the machine.

use std::process::Command;

use situations::{ALL, Ask, Told};

#[test]
fn every_byte_and_every_call_is_told_of_the_phase_that_it_belongs_to() {
    for situation in &ALL {
        let output = Command::new(env!("CARGO_BIN_EXE_with-perf-runtime"))
            .arg(situation.name)
            .env_remove("BUILD_METRICS")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}: {output:?}", situation.name);
        let told: Told = serde_json::from_slice(&output.stdout).unwrap();
        for question in situation.questions.iter().filter(|it| it.ask != Ask::ThreadTime) {
            let answer = question.answer(&told);
            assert_eq!(answer, Some(question.truth), "{}: {question:?}", situation.name);
        }
    }
}
