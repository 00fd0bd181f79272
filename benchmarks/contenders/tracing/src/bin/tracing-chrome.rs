//! tracing's spans, written by tracing-chrome; here into nothing, which flatters it.
#![forbid(unsafe_code)]

use tracing_chrome::ChromeLayerBuilder;
use tracing_subscriber::prelude::*;

macro_rules! phase {
    ($function:item) => {
        #[tracing::instrument(skip_all)]
        $function
    };
}

workloads::phases!(phase, phase);

/// Makes spans.
struct Written;

impl workloads::Contender for Written {
    type Annotated = Annotated;

    fn measuring<T>(work: impl FnOnce() -> T) -> T {
        let (layer, guard) = ChromeLayerBuilder::new().writer(std::io::sink()).build();
        // It fails where there is a subscriber already, and there is none.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
        let result = work();
        drop(guard);
        result
    }
}

fn main() -> std::process::ExitCode {
    workloads::main::<Written>()
}
