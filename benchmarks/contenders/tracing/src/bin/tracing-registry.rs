//! tracing's spans, kept in a registry that nobody reads.
#![forbid(unsafe_code)]

use tracing_subscriber::Registry;

macro_rules! phase {
    ($function:item) => {
        #[tracing::instrument(skip_all)]
        $function
    };
}

workloads::phases!(phase, phase);

/// Makes spans.
struct InRegistry;

impl workloads::Contender for InRegistry {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        // It fails where there is a subscriber already, and there is none.
        let _ = tracing::subscriber::set_global_default(Registry::default());
        work()
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<InRegistry>()
}
