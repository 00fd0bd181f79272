::core::compile_error! {
    "a `const fn` cannot be measured because it may run at compile time"
}
const fn constant() -> u32 {
    1
}
::core::compile_error! {
    "the phase name cannot contain `/`, which separates the names in a path"
}
fn name(argument: u32) -> u32 {
    argument
}
::core::compile_error! {
    "unknown argument `items`, expected `name`, `future` or `crate`"
}
async fn argument(self) {}
::core::compile_error! {
    "the function's last expression is not `Box::pin(…)`, so its future cannot be measured"
}
fn future() -> u32 {
    1
}
