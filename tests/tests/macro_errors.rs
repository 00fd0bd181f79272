//! What the macros say of a wrong use, and of wrong code in what they are used on.
#![forbid(unsafe_code)]

#[test]
fn errors_point_at_the_users_own_tokens_and_the_item_still_stands() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}
