#[tracked_phase]
const fn constant() -> u32 {
    1
}

#[tracked_phase("a/b")]
fn name(argument: u32) -> u32 {
    argument
}

#[tracked_build(items = 1)]
async fn argument(self) {}

#[tracked_phase(future = true)]
fn future() -> u32 {
    1
}
